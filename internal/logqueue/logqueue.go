// Package logqueue keeps a log that nobody takes from holding up those who write it. What a program says on standard error goes into
// a pipe, to journald for instance, and when the reader of that pipe hangs, so does whoever logs: in the hub that would be the goroutines
// that serve its clients. A [Queue] stands between: it takes lines at once, and a goroutine of its own hands them on, in order.
// It is bounded; what does not fit is left out and counted, and the log says how much that was as soon as it is taken again.
//
// cmd/hub puts it under its slog handler. It knows nothing of what is logged, and it never drops a line while there is room.
package logqueue

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// limit is how many bytes may wait: some thousands of lines.
	limit = 1 << 20
	// piece is how much is written at once, if a single line is not longer: what a pipe takes as a whole, so that the lines of
	// several programs on one pipe do not end up inside each other.
	piece = 4 << 10
	// patience is how long Close waits for a reader who takes nothing.
	patience = 2 * time.Second
)

// Queue takes a log line by line, and writes it elsewhere. Its methods may be called by several goroutines at once.
type Queue struct {
	to      io.Writer
	handler slog.Handler
	format  func(io.Writer) slog.Handler
	news    chan struct{} // of one: there is something to write
	done    chan struct{} // closed when the writer has ended

	mu      sync.Mutex
	lines   []byte // not yet taken for writing
	waiting int    // bytes of these, and of what was taken and is not written
	written int    // bytes, since the start
	leftOut int    // lines, since there was no room
	full    bool   // there was no room, and not half of it is free yet
	closed  bool
	ended   bool // all is written, and the writer writes no more
}

// Start starts a queue in front of a writer, with the handler that format makes for the lines. Close must be called at the end of the
// program, or the last lines are lost.
func Start(to io.Writer, format func(io.Writer) slog.Handler) *Queue {
	q := &Queue{to: to, format: format, news: make(chan struct{}, 1), done: make(chan struct{})}
	q.handler = format(q)
	go q.run() // Close waits for it, as long as that makes sense
	return q
}

// Handler is the handler that writes into the queue.
func (q *Queue) Handler() slog.Handler { return q.handler }

// Write takes one line, or leaves it out when there is no room. It never waits and never fails. When the queue has been closed and all of it is
// written, a late line is written at once.
func (q *Queue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return q.to.Write(line)
	}
	q.full = q.full && q.waiting > limit/2 || q.waiting > 0 && q.waiting+len(line) > limit
	if q.full {
		q.leftOut++
		return len(line), nil
	}
	q.confess()
	q.add(line)
	select {
	case q.news <- struct{}{}:
	default:
	}
	return len(line), nil
}

// add puts whole lines behind the others. The caller holds the lock.
func (q *Queue) add(lines []byte) {
	q.lines = append(q.lines, lines...)
	q.waiting += len(lines)
}

// confess says how many lines are missing, in their place. The caller holds the lock.
func (q *Queue) confess() {
	if q.leftOut == 0 {
		return
	}
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "lines of the log are missing here: nobody took them", 0)
	r.AddAttrs(slog.Int("lines", q.leftOut))
	var b bytes.Buffer
	if err := q.format(&b).Handle(context.Background(), r); err == nil {
		q.add(b.Bytes())
		q.leftOut = 0
	}
}

// run hands on what was taken until the queue is closed and empty.
func (q *Queue) run() {
	defer close(q.done)
	var lines []byte
	for {
		var more bool
		if lines, more = q.take(lines); !more {
			return
		}
		for rest := lines; len(rest) > 0; {
			n := cut(rest)
			_, _ = q.to.Write(rest[:n]) // there is nobody to be told that the log cannot be written
			rest = rest[n:]
			q.wrote(n)
		}
	}
}

// take waits for something to write, and says whether there is any. used is what was written before, for the next lines.
func (q *Queue) take(used []byte) (lines []byte, more bool) {
	if cap(used) > limit/8 { // more than it takes again and again
		used = nil
	}
	for {
		if lines, ended := q.takeNow(used); ended || len(lines) > 0 {
			return lines, !ended
		}
		<-q.news
	}
}

func (q *Queue) takeNow(used []byte) (lines []byte, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		q.confess()
	}
	if lines = q.lines; len(lines) > 0 {
		q.lines = used[:0]
	}
	q.ended = len(lines) == 0 && q.closed
	return lines, q.ended
}

func (q *Queue) wrote(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting -= n
	q.written += n
}

// cut says how much of some lines to write at once: whole lines, no more than a piece if that is possible.
func cut(lines []byte) int {
	if len(lines) <= piece {
		return len(lines)
	}
	if end := bytes.LastIndexByte(lines[:piece], '\n'); end >= 0 {
		return end + 1
	}
	if end := bytes.IndexByte(lines, '\n'); end >= 0 {
		return end + 1
	}
	return len(lines)
}

// Close returns when all that was logged is written, or after 2 s in which nobody took any of it.
func (q *Queue) Close() {
	last := q.close()
	for {
		timer := time.NewTimer(patience)
		select {
		case <-q.done:
			timer.Stop()
			return
		case <-timer.C:
		}
		now := q.progress()
		if now == last {
			return
		}
		last = now
	}
}

func (q *Queue) progress() (written int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.written
}

func (q *Queue) close() (written int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	select {
	case q.news <- struct{}{}:
	default:
	}
	return q.written
}
