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

// porters are the goroutines that serve the connections of one listener: one after the other, each for as long as its client has something to
// say. Between that a connection waits in the lobby, where it has no goroutine. What a packet, CONNECT above all, needs of stack is several times
// what a goroutine begins with, and a stack grows by being copied: those of porters have grown.
type porters struct {
	broker *Broker
	open   sync.Once
	lobby  *lobby // nil where there is none
	watch  sync.WaitGroup
	work   sync.WaitGroup // of porters, and of the connections that they serve

	mu     sync.Mutex
	idle   []porter // the one that was the last to finish comes last, and is the next to work
	spared int      // how many have been idle since the last look at them
	look   *time.Timer
	ended  bool
}

// porter is where a porter who is idle waits for the next connection. It ends when that is closed.
type porter chan *conn

// accept serves the connections of one listener until it is closed. Other errors, such as too many open files, pass.
func (b *Broker) accept(ctx context.Context, l net.Listener) {
	p := &porters{broker: b}
	defer p.close()
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			p.admit(nc)
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

// admit has a connection served that has just come.
func (p *porters) admit(nc net.Conn) {
	c := newConn(p.broker, secure(nc), peerOf(nc))
	if c.socket != nil {
		p.open.Do(p.openLobby)
		c.lobby = p.lobby
	}
	p.work.Add(1)
	p.send(c)
}

// openLobby opens the lobby for the first connection that can wait in it.
func (p *porters) openLobby() {
	l, err := newLobby(p.send)
	if err != nil {
		p.broker.log.Warn("each connection waits for its client with a goroutine of its own", "error", err)
	}
	if p.lobby = l; l != nil {
		p.watch.Go(l.run)
	}
}

// close waits until all connections have ended, and ends what was started for them.
func (p *porters) close() {
	p.end()
	p.work.Wait()
	p.lobby.close()
	p.watch.Wait()
}

// send has a porter who is idle serve a connection, or a new one: it waits for nobody.
func (p *porters) send(c *conn) {
	if idle := p.call(); idle != nil {
		idle <- c
		return
	}
	me := make(porter, 1)
	me <- c
	p.work.Go(func() { p.run(me) })
}

// run is a porter's life.
func (p *porters) run(me porter) {
	for c := range me {
		if rests := c.serve(); !rests {
			p.work.Done()
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
