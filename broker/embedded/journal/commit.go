package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// committer writes and syncs what was appended. It belongs to the goroutine of Run, and all of its fields to it alone.
type committer struct {
	*Journal
	checkpoint func(*Writer)

	file     file // the newest segment; nil after a failure
	number   uint64
	size     int64    // of the newest segment
	firm     int64    // how much of it is synced
	headed   int64    // how much of it was there before the first record
	base     base     // what counts beside it
	spare    []byte   // the buffer that the appenders do not have
	written  Position // what is in files
	synced   Position // what is in them for sure
	buffered time.Time
	unsynced time.Time // since when something waits to be written, and to be synced; zero if nothing does

	grown   int64         // how much was appended since the last checkpoint began
	last    int64         // the size of the last checkpoint
	soon    bool          // a checkpoint is due, however little there is
	pause   time.Duration // before the next attempt of a checkpoint
	notYet  time.Time
	writing *checkpointing // the checkpoint that is being written, nil if none is
	gate    bool           // the journal recovers: nothing is durable before that checkpoint is

	recovery
	wg sync.WaitGroup // of the checkpoint
}

// Run writes what is appended until ctx ends; then it writes what is left and a last checkpoint, unless nothing has changed. The
// checkpoint function is called now and then, in a goroutine of its own and never twice at a time, to write records that hold
// everything; its Writer needs no Begin and no Commit. It may wait for locks that are held while something is appended. Whoever
// appends is ended before ctx: what is appended later is not kept. The error is that of the last write.
func (j *Journal) Run(ctx context.Context, checkpoint func(*Writer)) error {
	if j.started.Swap(true) {
		return errors.New("running a journal a second time")
	}
	c := &committer{Journal: j, checkpoint: checkpoint}
	if err := c.inherit(); err != nil {
		return err
	}
	var teller sync.WaitGroup
	teller.Go(j.tell)
	defer teller.Wait()
	defer c.wg.Wait()
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("writing the journal in %s: %w", j.folder, err)
	}
	return nil
}

// maxSegments is how many segments may be left of earlier lives before they are made into a checkpoint at once.
const maxSegments = 8

// inherit takes over what Replay found.
func (c *committer) inherit() error {
	r := c.replayed
	if r == nil && len(c.found.segments)+len(c.found.checkpoints) > 0 {
		return fmt.Errorf("running the journal in %s, which was not replayed", c.folder)
	}
	if r != nil {
		c.base = base{checkpoint: r.checkpoint, older: r.older}
		c.grown, c.last = r.bytes, r.size
		c.soon = len(r.report.Damaged) > 0 || len(r.older) > maxSegments
	}
	return nil
}

func (c *committer) run(ctx context.Context) error {
	c.mu.Lock()
	c.mode = running
	number := c.append.segment
	c.mu.Unlock()
	if err := c.open(number); err != nil {
		c.fail(err)
	} else {
		c.tidy()
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	ended, ending := ctx.Done(), false
	for !ending || c.writing != nil {
		if next := c.work(time.Now()); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(1, time.Until(next))) // not 0: in tests, Go's race detector does not bear a timer of a bubble that is due when it is set
		}
		select {
		case <-c.wake:
		case <-timer.C:
		case <-ended:
			ended, ending = nil, true
		case _, asks := <-c.writing.news():
			if c.writing.asked = asks && !c.writing.answered; !asks {
				c.checkpointed()
			}
		}
	}
	return c.finish()
}

// work does what is due, and says when to look again if nobody wakes the committer before; zero means that there is no need.
func (c *committer) work(now time.Time) (next time.Time) {
	if c.failure != nil && !c.gate {
		return c.retry(now)
	}
	if err := c.commit(now); err != nil {
		c.fail(err)
		return c.again
	}
	if c.due() && !now.Before(c.notYet) {
		if err := c.switchOver(); err != nil {
			c.fail(err)
			return c.again
		}
	}
	earliest := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if !c.buffered.IsZero() {
		earliest(c.buffered.Add(flushAfter))
	}
	if !c.unsynced.IsZero() && !c.gate {
		earliest(c.unsynced.Add(c.interval))
	}
	if c.due() {
		earliest(c.notYet)
	}
	return next
}

// commit writes and syncs what is due.
func (c *committer) commit(now time.Time) error {
	c.mu.Lock()
	pending := c.append.whole
	c.mu.Unlock()
	if pending > 0 && c.buffered.IsZero() {
		c.buffered = now
	}
	if pending > 0 && c.unsynced.IsZero() {
		c.unsynced = now
	}
	wanted := Position(c.waiters.wanted.Load()) > c.Durable()
	asked := c.writing != nil && c.writing.asked
	sync := !c.unsynced.IsZero() && (asked || !c.gate && (wanted || !now.Before(c.unsynced.Add(c.interval))))
	if sync || pending >= flushSize || pending > 0 && !now.Before(c.buffered.Add(flushAfter)) {
		runtime.Gosched() // whoever is about to append, such as those who were just told, shares this sync
		c.mu.Lock()
		data, upTo := c.take(c.spare)
		c.mu.Unlock()
		if err := c.write(data, upTo); err != nil {
			return err
		}
	}
	if sync {
		if err := c.sync(); err != nil {
			return err
		}
	}
	if asked {
		c.writing.reply(nil)
	}
	return nil
}

// write writes what was taken to the newest segment.
func (c *committer) write(data []byte, upTo Position) error {
	c.spare = data
	if cap(data) > keepSize && len(data) < flushSize {
		c.spare = nil
	}
	c.buffered = time.Time{}
	if len(data) == 0 {
		return nil
	}
	if err := writeAll(c.file, data); err != nil {
		return err
	}
	c.size += int64(len(data))
	c.grown += int64(len(data))
	c.counts.size.Add(int64(len(data)))
	c.written = upTo
	return nil
}

// sync makes what was written durable.
func (c *committer) sync() error {
	start := time.Now()
	err := c.file.Sync()
	took := time.Since(start)
	c.counts.syncs.Add(1)
	c.counts.lastSync.Store(int64(took))
	c.counts.totalSync.Add(int64(took))
	if err != nil {
		return err
	}
	c.unsynced, c.synced, c.firm = time.Time{}, c.written, c.size
	if !c.gate {
		c.reached(c.synced)
	}
	return nil
}

// reached says that all up to a position is durable.
func (c *committer) reached(p Position) {
	c.durable.Store(uint64(p))
	signal(c.waiters.news)
}

// open begins a segment.
func (c *committer) open(number uint64) error {
	c.number, c.size, c.firm, c.headed = number, 0, 0, 0
	f, err := c.disk.Create(segmentName(number))
	if err != nil {
		return err
	}
	c.file = f
	w := &Writer{salt: c.salt, segment: number}
	w.head(segmentFormat)
	w.base(c.base)
	if err := writeAll(f, w.buf); err != nil {
		return err
	}
	c.headed = int64(len(w.buf))
	c.size = c.headed
	c.counts.size.Add(c.size)
	return errors.Join(f.Sync(), c.disk.Sync()) // a crash can tear the head only while nothing stands behind it
}

// leave completes the newest segment with what was taken, and closes it.
func (c *committer) leave(data []byte, upTo Position) error {
	if err := c.write(data, upTo); err != nil {
		return err
	}
	if !c.unsynced.IsZero() || len(data) > 0 {
		if err := c.sync(); err != nil {
			return err
		}
	}
	f := c.file
	c.file = nil
	if c.size > c.headed {
		c.base.older = append(c.base.older, extent{c.number, c.size})
	}
	return f.Close()
}

// finish writes what is left, a last checkpoint, and tells all who wait.
func (c *committer) finish() error {
	c.mu.Lock()
	data, upTo := c.take(nil)
	c.mode = closed
	c.append.segment++
	number := c.append.segment
	c.mu.Unlock()
	var err error
	if c.failure == nil {
		if err = c.leave(data, upTo); err != nil {
			c.fail(err)
		}
	}
	if c.failure != nil || c.grown > 0 || c.soon {
		var size int64
		if size, err = c.save(number, func() error { return nil }); err == nil {
			c.completed(number, size)
			c.recovered()
			c.reached(upTo)
		}
	} else {
		c.remove(segmentName(c.number), c.size) // it holds nothing
	}
	c.waiters.close(c.Durable(), cmp.Or(err, ErrClosed))
	return err
}
