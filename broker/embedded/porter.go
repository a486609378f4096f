package embedded

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// porterRest is how long porters wait for the next connection: of those who were idle all that time each ends.
const porterRest = 2 * time.Second

// porters are the goroutines that bring the connections of one listener in and see them out. What happens up to CONNACK, and at the end,
// takes several times the stack of a connection that only waits, and a stack grows by being copied: porters, whose stacks have grown,
// do it for one connection after the other, and leave each that stays to a goroutine of its own.
type porters struct {
	broker *Broker
	work   sync.WaitGroup // of porters, and of the connections that they have brought in

	mu     sync.Mutex
	idle   []porter // the one that was the last to finish comes last, and is the next to work
	spared int      // how many have been idle since the last look at them
	look   *time.Timer
	ended  bool
}

// porter is where a porter who is idle waits for its next errand. It ends when that is closed.
type porter chan errand

// errand is a connection that has just come, or one that goes.
type errand struct {
	comes net.Conn
	goes  *conn
}

// accept serves the connections of one listener until it is closed. Other errors, such as too many open files, pass.
func (b *Broker) accept(ctx context.Context, l net.Listener) {
	p := &porters{broker: b}
	defer p.work.Wait()
	defer p.end()
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			p.send(errand{comes: nc})
		case errors.Is(err, net.ErrClosed):
			return
		default:
			if b.sampler.allow("accept " + err.Error()) {
				b.log.Warn("could not accept a connection", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// send sends a porter who is idle on an errand, or a new one: it waits for nobody.
func (p *porters) send(e errand) {
	if idle := p.call(); idle != nil {
		idle <- e
		return
	}
	me := make(porter, 1)
	me <- e
	p.work.Go(func() { p.run(me) })
}

// run is a porter's life.
func (p *porters) run(me porter) {
	for e := range me {
		if e.goes != nil {
			e.goes.depart()
		} else if c := newConn(p.broker, secure(e.comes), peerOf(e.comes)); c.arrive() {
			p.work.Go(func() {
				c.stay()
				p.send(errand{goes: c})
			})
		}
		p.rest(me)
	}
}

// call returns a porter who is idle, nil if there is none.
func (p *porters) call() porter {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	found := p.idle[last]
	p.idle = p.idle[:last]
	p.spared = min(p.spared, last)
	return found
}

// rest says that a porter is idle.
func (p *porters) rest(me porter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		close(me)
		return
	}
	p.idle = append(p.idle, me)
	if p.look == nil {
		p.look = time.AfterFunc(porterRest, p.dismiss)
	}
}

// dismiss ends the porters who had nothing to do since the last time, and looks again while there are any.
func (p *porters) dismiss() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	for _, idle := range p.idle[:p.spared] {
		close(idle)
	}
	p.idle = slices.Delete(p.idle, 0, p.spared)
	if p.spared = len(p.idle); p.spared == 0 {
		p.look = nil
		return
	}
	p.look.Reset(porterRest)
}

// end ends the porters who are idle now, and the others when they would be.
func (p *porters) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for _, idle := range p.idle {
		close(idle)
	}
	p.idle = nil
	if p.look != nil {
		p.look.Stop()
	}
}
