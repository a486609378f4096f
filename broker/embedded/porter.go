package embedded

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// idlePorters is how many porters of a listener wait for the next connection when there is none.
const idlePorters = 128

// porters are the goroutines that bring the connections of one listener in. What happens up to CONNACK takes several times the stack of
// a connection that then only waits, and a stack grows by being copied: porters, whose stacks have grown, do it for one connection
// after the other, and leave each that stays to a goroutine of its own.
type porters struct {
	broker *Broker
	door   chan net.Conn // to a porter who waits
	work   sync.WaitGroup
	idle   atomic.Int32
}

// accept serves the connections of one listener until it is closed. Other errors, such as too many open files, pass.
func (b *Broker) accept(ctx context.Context, l net.Listener) {
	p := &porters{broker: b, door: make(chan net.Conn)}
	defer p.work.Wait()
	defer close(p.door)
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			p.bring(nc)
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

// bring gives a connection to a porter who waits, or to a new one: nobody waits for a porter.
func (p *porters) bring(nc net.Conn) {
	select {
	case p.door <- nc:
	default:
		p.work.Go(func() { p.run(nc) })
	}
}

// run is a porter's life.
func (p *porters) run(nc net.Conn) {
	for nc != nil {
		if c := newConn(p.broker, secure(nc), peerOf(nc)); c.arrive() {
			p.work.Go(c.stay)
		}
		nc = p.next()
	}
}

// next waits for the next connection. It is nil when no more will come, or when enough porters wait already.
func (p *porters) next() net.Conn {
	defer p.idle.Add(-1)
	if p.idle.Add(1) > idlePorters {
		return nil
	}
	return <-p.door
}
