package journal

import (
	"sync"
	"sync/atomic"
)

// waiters are those who wait. Each is there once for each call of Wait; the caller bounds how many these are.
type waiters struct {
	wanted atomic.Uint64 // the furthest position that somebody waited for
	news   chan struct{} // of one: the teller has something to tell

	mu      sync.Mutex
	waiting []waiting
	failed  []waiting // to be told of err
	err     error
	closed  bool

	spare []waiting // of the teller's last round; the teller's own
}

type waiting struct {
	position Position
	waiter   Waiter
}

// Wait has a waiter told, once, what becomes of a position: Durable when all up to it is on disk, Failed when it could not be
// written. The journal's goroutine tells it, so that Wait may be called with any lock held but that of Begin; only when Run has
// returned does Wait tell it itself before it returns. Before Run nobody is told. While the journal cannot be written, a waiter
// is told by the next attempt to recover, which takes 10 s at most.
func (j *Journal) Wait(p Position, w Waiter) {
	ws := &j.waiters
	ws.mu.Lock()
	if ws.closed {
		ws.mu.Unlock()
		if d := j.Durable(); p <= d {
			w.Durable(d)
		} else {
			w.Failed(ErrClosed)
		}
		return
	}
	ws.waiting = append(ws.waiting, waiting{p, w})
	first := Position(ws.wanted.Load()) < p
	if first {
		ws.wanted.Store(uint64(p))
	}
	ws.mu.Unlock()
	if p <= j.Durable() {
		signal(ws.news)
	} else if first {
		signal(j.wake)
	}
}

// fail has all who wait for more than what is durable told of an error.
func (ws *waiters) fail(durable Position, err error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.failAll(durable, err)
}

// failAll is fail for a caller who holds the lock.
func (ws *waiters) failAll(durable Position, err error) {
	rest := ws.waiting[:0]
	for _, w := range ws.waiting {
		if w.position > durable {
			ws.failed = append(ws.failed, w)
		} else {
			rest = append(rest, w)
		}
	}
	clear(ws.waiting[len(rest):])
	ws.waiting, ws.err = rest, err
	signal(ws.news)
}

// close has all who still wait told; whoever comes later is told at once.
func (ws *waiters) close(durable Position, err error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.closed = true
	ws.failAll(durable, err)
}

// tell tells waiters until the journal is closed. It is a goroutine of its own so that the next sync need not wait for it.
func (j *Journal) tell() {
	for closed := false; !closed; {
		<-j.waiters.news
		closed = j.tellOnce()
	}
}

// tellOnce tells those who can be told now, and says whether there will be no others.
func (j *Journal) tellOnce() (closed bool) {
	ws := &j.waiters
	ws.mu.Lock()
	durable, reached, rest := j.Durable(), ws.spare[:0], ws.waiting[:0]
	for _, w := range ws.waiting {
		if w.position <= durable {
			reached = append(reached, w)
		} else {
			rest = append(rest, w)
		}
	}
	clear(ws.waiting[len(rest):])
	failed, err := ws.failed, ws.err
	ws.waiting, ws.failed, closed = rest, nil, ws.closed
	ws.mu.Unlock()
	for _, w := range failed {
		w.waiter.Failed(err)
	}
	for _, w := range reached {
		w.waiter.Durable(durable)
	}
	clear(reached)
	ws.spare = reached
	return closed
}
