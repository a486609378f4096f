package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"home.arpa/homehub/broker"
)

// serve runs one connection from its first byte to its last.
func (b *Broker) serve(nc net.Conn, p peer) { newConn(b, secure(nc), p).serve() }

// serve serves a connection that has come, or has come back from the lobby, until it has ended or goes to the lobby, and says which of the
// two: a connection that rests belongs to somebody else already.
func (c *conn) serve() (rests bool) {
	if !c.opened.Load() && !c.arrive() {
		return false
	}
	if c.stay() {
		return true
	}
	c.depart()
	return false
}

// arrive is a connection's life up to its CONNACK, and all of it when it is not let in. It says whether the client is there: then
// whoever called owes it stay and depart.
func (c *conn) arrive() (there bool) {
	if err := c.broker.gate.enter(c, c.options); err != nil {
		c.broker.full(c, err)
		c.life.end()
		_ = c.net.Close()
		return false
	}
	if !c.greet() {
		c.depart()
		return false
	}
	return true
}

// lifetime is the context of a connection's life: it ends when the connection has to, so there is nothing to pass it through. It is made
// when somebody wants it, which for most connections nobody does.
type lifetime struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelFunc
	over   bool
}

func (l *lifetime) context() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx == nil {
		if l.ctx, l.cancel = context.WithCancel(context.Background()); l.over {
			l.cancel()
		}
	}
	return l.ctx
}

func (l *lifetime) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over = true; l.cancel != nil {
		l.cancel()
	}
}

// greet reads CONNECT, and lets the client in or turns it away.
func (c *conn) greet() (there bool) {
	defer c.rescue()
	if !c.introduce() {
		return false
	}
	c.named = true
	resumed, code := c.broker.claim(c)
	if code != success {
		if code == quotaExceeded {
			c.broker.turnedAway(c, classLimit, fmt.Sprintf("%d sessions are kept, and it wants one more", c.options.MaxSessions))
		} else {
			c.broker.refused(c, foreignClient)
		}
		c.turnAway(code)
		return false
	}
	c.resumed = resumed
	if c.cause.Load() != nil { // taken over while it waited
		return false
	}
	if err := c.open(); err != nil {
		c.fail(err)
		c.settle()
		return false
	}
	return true
}

// stay serves a client that was let in as long as it has something to say, and says whether the connection is in the lobby then: otherwise it
// has ended.
func (c *conn) stay() (rests bool) {
	defer c.rescue()
	c.sit()
	c.comeBack()
	err := c.work()
	for err == nil {
		switch err = c.fill((*conn).work); {
		case err == nil:
		case errors.Is(err, errQuiet):
			if c.rest(); c.lobby.enter(c) {
				return true
			}
			c.sit()
			err = nil // it cannot wait there, or has been ended: fill finds out
		}
	}
	c.fail(err)
	c.settle()
	return false
}

// comeBack counts how often the client speaks. One that does so all the time keeps its goroutine.
func (c *conn) comeBack() {
	if c.silent.IsZero() {
		return
	}
	if time.Since(c.silent) < patience {
		c.returns++
	} else {
		c.returns = 0
	}
}

// rest gives back what a connection does not need while it waits.
func (c *conn) rest() {
	c.dry = false
	c.leave()
	if c.start == c.top {
		returnInput(c.in)
		c.in, c.start, c.top = nil, 0, 0
	}
}

// depart ends what arrive has begun: the session is given back, what is left to be told is written, and the socket is closed.
func (c *conn) depart() {
	defer c.broker.gate.leave(c)
	defer c.rescue()
	defer c.batch.release()
	defer c.hangUp()
	if c.named {
		defer c.broker.left(c) // after that
		c.broker.giveBack(c)
	}
	returnInput(c.in)
	c.in = nil
}

// introduce brings the TLS handshake to its end, reads CONNECT and decides about it.
func (c *conn) introduce() bool {
	defer c.broker.gate.known(c)
	if err := c.shakeHands(); err != nil {
		c.broker.unsecured(c, err)
		c.shakeOff(err)
		return false
	}
	frame, header, err := c.first()
	if err == nil {
		c.connect, err = decodeConnect(frame[header:])
		if err == nil && frame[0]&0x0F != 0 && c.connect.version != mqtt31 {
			err = malformed("CONNECT with flags")
		}
	}
	if err != nil {
		c.broker.strange(c, err)
		c.turnAway(codeOf(err))
		return false
	}
	c.news.Packets++
	c.negotiate()
	if tcp, ok := c.net.(*net.TCPConn); ok && c.connect.keepAlive == 0 {
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true}) // at least the kernel notices that it is gone
	}
	if code := c.broker.admit(c); code != success {
		c.turnAway(code)
		return false
	}
	return true
}

// first returns the first packet, waiting for it.
func (c *conn) first() (frame []byte, header int, err error) {
	for frame == nil && err == nil {
		if err = c.fill(nil); err == nil {
			frame, header, err = c.next()
		}
	}
	return frame, header, err
}

// turnAway answers CONNECT with a refusal, or with nothing when code is 0.
func (c *conn) turnAway(code byte) {
	c.stop(&cause{reason: "refused", polite: code != 0})
	if code != 0 {
		c.out.put(refusal(c.connect.version, code), 1, 0, 1<<30)
	}
}

// open writes CONNACK, with which the connection's life begins.
func (c *conn) open() error {
	var space [128]byte
	ack := c.appendAcceptance(space[:0], c.resumed)
	if limit := c.connect.maxPacket; limit > 0 && uint32(len(ack)) > limit { // [MQTT-3.1.2-24]
		return &packetError{packetTooLarge, fmt.Sprintf("it takes packets of %d bytes, and CONNACK has %d", limit, len(ack))}
	}
	if err := c.reply(ack); err != nil {
		return err
	}
	b := c.broker
	c.idle = time.Duration(c.connect.keepAlive) * 1500 * time.Millisecond // [MQTT-3.1.2-22]
	b.counts.arrived()
	b.came(c)
	c.opened.Store(true)
	c.out.open(c.connect.aliasMaximum, c.connect.maxPacket)
	c.session.attach(c) // before CONNACK leaves, behind which its messages stand: who has read it misses none
	c.settle()
	b.sayCame(c)
	b.links.session(broker.Session{
		Client: c.connect.name, User: c.connect.user, Address: c.peer.address, Connected: true, WillTopic: c.willTopic(),
	})
	b.saySubscribed(c, b.router.filtersOf(c.session))
	if err := c.revoked(); err != nil { // since it was let in: EndRevoked may not have seen it
		if c.stop(&cause{reason: err.Error(), code: notAuthorized, polite: true}) {
			c.farewell(notAuthorized)
		}
		return net.ErrClosed
	}
	return c.arm(time.Now())
}

// saySubscribed tells the links to what a client now listens.
func (b *Broker) saySubscribed(c *conn, filters []string) {
	if len(filters) > 0 {
		b.links.session(broker.Session{
			Client: c.connect.name, User: c.connect.user, Address: c.peer.address, Connected: true, Subscribed: filters,
		})
	}
}

// rescue is deferred where a panic, ours or mochi's, must end one connection and not the program.
func (c *conn) rescue() {
	if r := recover(); r != nil {
		c.broker.failed("serving a connection", c.connect.name, r)
		c.stop(&cause{reason: failure})
		c.sit()
		c.batch.flush()
	}
}

// failure is why a connection ends that had a panic.
const failure = "an error of the broker"

// failed logs a panic that was recovered from, and what was being done then.
func (b *Broker) failed(while, client string, r any) {
	b.log.Error("recovered from a panic", "while", while, "client", client, "panic", r, "stack", string(debug.Stack()))
}
