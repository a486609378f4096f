package journal

import (
	"errors"
	"io/fs"
	"slices"
	"time"
)

// After a checkpoint that failed while the segments can be written, the next attempt waits.
const (
	firstPause = 10 * time.Second
	maxPause   = 5 * time.Minute
)

// checkpointing is a checkpoint that is being written by a goroutine of its own.
type checkpointing struct {
	number uint64
	grown  int64         // what had been appended since the last one when it began
	asks   chan struct{} // the goroutine asks whether the segments are as far as the checkpoint; closed when it has ended
	answer chan error    // of one; an error has it give up
	size   int64         // with err, when asks is closed
	err    error

	// The committer's.
	asked, answered bool
	released        bool // the answer was yes: the checkpoint may have got its name
}

func (w *checkpointing) news() <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.asks
}

// reply answers the goroutine, once.
func (w *checkpointing) reply(err error) {
	if w != nil && !w.answered {
		w.asked, w.answered, w.released = false, true, err == nil
		w.answer <- err
	}
}

// due says that enough was appended since the last checkpoint, and none is being written.
func (c *committer) due() bool {
	return c.writing == nil && (c.soon || c.grown > max(c.checkpointAfter, c.last))
}

// switchOver begins a new segment, and a checkpoint of all that is before it.
func (c *committer) switchOver() error {
	c.mu.Lock()
	data, upTo := c.take(c.spare)
	c.append.segment++
	number := c.append.segment
	c.mu.Unlock()
	if err := c.leave(data, upTo); err != nil {
		return err
	}
	if err := c.open(number); err != nil {
		return err
	}
	c.start()
	return nil
}

// start has the checkpoint that belongs to the newest segment written.
func (c *committer) start() {
	w := &checkpointing{number: c.number, grown: c.grown, asks: make(chan struct{}), answer: make(chan error, 1)}
	c.writing = w
	c.wg.Go(func() {
		defer close(w.asks)
		w.size, w.err = c.save(w.number, func() error {
			w.asks <- struct{}{}
			return <-w.answer
		})
	})
}

// save writes a checkpoint. It is on disk as a whole or not at all, and not before the segments are as far as it is: it may hold
// the effect of what was appended while it was written, which must not be there without all that was appended before. It is the
// only method, with those that it calls, that runs beside the committer's.
func (c *committer) save(number uint64, follow func() error) (size int64, err error) {
	name := checkpointName(number)
	f, err := c.disk.Create(name + unfinished)
	if err != nil {
		return 0, err
	}
	out := &chunkFile{file: f}
	w := &Writer{salt: c.salt, segment: number, out: out}
	w.head(checkpointFormat)
	c.checkpoint(w)
	count := w.records
	w.begin(endRecord)
	w.Number(count)
	w.end(c.salt)
	w.flush()
	if out.err == nil {
		out.err = f.Sync()
	}
	if err = errors.Join(out.err, f.Close()); err == nil {
		err = follow()
	}
	if err == nil {
		err = c.disk.Rename(name+unfinished, name)
	}
	if err != nil {
		_ = c.disk.Remove(name + unfinished) // if it stays, the next checkpoint removes it
		return 0, err
	}
	c.counts.size.Add(out.size)
	if err := c.disk.Sync(); err != nil {
		return 0, err // it may be there after a crash, or not; until the next one both are right
	}
	c.clean(number)
	return out.size, nil
}

// checkpointed takes note of a checkpoint that has ended.
func (c *committer) checkpointed() {
	w := c.writing
	defer func() { c.writing = nil }()
	if w.err != nil {
		c.counts.failedCheckpoints.Add(1)
		if c.gate {
			c.fail(w.err)
			return
		}
		if c.pause == 0 {
			c.pause = firstPause
			c.log.Warn("cannot write a checkpoint of the journal, which grows until one can be written", "error", w.err, "folder", c.folder)
		}
		c.notYet = time.Now().Add(c.pause)
		c.pause = min(2*c.pause, maxPause)
		return
	}
	c.completed(w.number, w.size)
	c.grown -= w.grown
	if c.gate {
		c.gate = false
		c.recovered()
		c.reached(c.synced)
	}
}

// completed takes note of a checkpoint that everything stands on from now on.
func (c *committer) completed(number uint64, size int64) {
	c.counts.checkpoints.Add(1)
	c.pause, c.notYet, c.soon, c.last = 0, time.Time{}, false, size
	c.base.checkpoint, c.base.needed = number, false
	kept := c.base.older[:0]
	for _, e := range c.base.older {
		if e.number >= number {
			kept = append(kept, e)
		}
	}
	c.base.older = kept
}

// tidy removes what earlier lives left behind: everything older than the checkpoint, and segments that hold nothing. If something
// is damaged it waits for the next checkpoint, which comes at once.
func (c *committer) tidy() {
	if c.soon {
		return
	}
	c.clean(c.base.checkpoint)
	for _, n := range c.found.segments {
		holds := slices.ContainsFunc(c.base.older, func(e extent) bool { return e.number == n })
		if n >= c.base.checkpoint && !holds {
			c.remove(segmentName(n), c.found.sizes[segmentName(n)])
		}
	}
}

// clean removes what is older than a checkpoint. What Replay found damaged is set aside. What cannot be removed stays until the
// next time.
func (c *committer) clean(number uint64) {
	there, err := list(c.disk)
	if err != nil {
		c.log.Warn("cannot list the files of the journal", "error", err, "folder", c.folder)
		return
	}
	old := there.unfinished
	for _, n := range there.checkpoints { // before their segments: a checkpoint that is there has its segments
		if n < number {
			old = append(old, checkpointName(n))
		}
	}
	for _, n := range there.segments {
		if n < number {
			old = append(old, segmentName(n))
		}
	}
	for _, name := range old {
		c.remove(name, there.sizes[name])
	}
}

// remove removes a file, or sets it aside if Replay found it damaged.
func (c *committer) remove(name string, size int64) {
	var err error
	if to := c.damaged(name); to != "" {
		err = c.disk.Rename(name, to)
	} else {
		err = c.disk.Remove(name)
	}
	switch {
	case err == nil:
		c.counts.size.Add(-size)
	case !errors.Is(err, fs.ErrNotExist):
		c.log.Warn("cannot remove an old file of the journal", "error", err, "folder", c.folder, "file", name)
	}
}

// damaged is the name that a damaged file is to be kept under; empty if the file is not damaged.
func (c *committer) damaged(name string) string {
	if c.replayed == nil {
		return ""
	}
	return c.replayed.damaged[name]
}
