package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"home.arpa/homehub/broker/embedded/journal"
)

// stop sets the cause of the connection's end, and says whether it was the first to do so. Any goroutine may call it.
func (c *conn) stop(k *cause) bool {
	if !c.cause.CompareAndSwap(nil, k) {
		return false
	}
	c.life.end()
	return true
}

// kick ends the connection from outside its own goroutine, which wakes up and gives the session back.
func (c *conn) kick(k *cause) {
	if !c.stop(k) {
		return
	}
	c.farewell(k.code)
	c.flush()
	wake := longAgo
	if c.peer.fragile { // waking the reader breaks the transport: let the last bytes go first
		wake = time.Now().Add(linger)
	}
	_ = c.net.SetReadDeadline(wake)
	c.lobby.wake(c)
}

// fail ends the connection from its own goroutine, for an error of its reader.
func (c *conn) fail(err error) {
	k := &cause{reason: inWords(err)}
	if wrong, ok := errors.AsType[*packetError](err); ok {
		k.code, k.polite = wrong.code, true
		if wrong.code == keepAliveTimeout {
			k.reason = fmt.Sprintf("%s: the last was %.0f s ago", wrong.text, c.idle.Seconds())
		}
	}
	c.acknowledge()
	if c.stop(k) {
		c.farewell(k.code)
	}
}

// farewell tells an MQTT 5 client why it is disconnected.
func (c *conn) farewell(code byte) {
	if code >= unspecifiedError && c.opened.Load() && c.connect.version == mqtt5 {
		c.out.put([]byte{disconnectPacket << 4, 2, code, 0}, 1, 0, 1<<30)
	}
}

// goodbye takes the client's DISCONNECT, after which nothing is read any more.
func (c *conn) goodbye(g goodbye) error {
	if g.hasExpiry && g.expiry > 0 && c.connect.expiry == 0 { // [MQTT-3.14.2-2]
		return violation("DISCONNECT with a session expiry interval after CONNECT without one")
	}
	c.leaving = &g // before settling, during which another connection may take over
	c.settle()     // what it sent before must have arrived before it is gone
	c.stop(g.cause())
	return net.ErrClosed
}

// cause says how a client's DISCONNECT ends its connection.
func (g goodbye) cause() *cause {
	switch word := farewells[g.code]; {
	case g.code == success:
		return &cause{reason: "said goodbye", clean: true}
	case g.code == disconnectWithWill:
		return &cause{reason: "said goodbye and asked for its will"}
	case word != "":
		return &cause{reason: "said goodbye because of " + word}
	}
	return &cause{reason: fmt.Sprintf("said goodbye with reason code %#x", g.code)}
}

// ending is why the connection ended, which is the client's goodbye if it said any. One that was taken over may have said it
// before, unread as yet: its input is looked through, since its will must not be published then [MQTT-3.1.2-8]; and a program that
// publishes with QoS 0, leaves and is started again at once, under the same identifier, has published.
func (c *conn) ending() *cause {
	k := c.cause.Load()
	if c.leaving == nil && k.code == sessionTakenOver {
		c.overhear(time.Now().Add(overhearing))
		c.batch.settle(context.Background()) // its life is over; the handlers' calls end with their links
	}
	if c.leaving != nil {
		return c.leaving.cause()
	}
	return k
}

// overhear looks for DISCONNECT and for messages in what arrives until a time, and in what is there already: on a busy machine the time may be
// over before the first look.
func (c *conn) overhear(until time.Time) {
	for heard := 0; !c.overheard(); {
		if c.socket != nil && heard < keepBuffer {
			if n := c.socket.glance(c.room()); n > 0 {
				c.top += n
				heard += n
				continue
			}
		}
		if !time.Now().Before(until) {
			return
		}
		_ = c.net.SetReadDeadline(until) // again and again: whoever ended the connection sets it, too
		n, err := c.net.Read(c.room())
		c.top += n
		if n == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
}

// overheard says that there is nothing more to look for: DISCONNECT was found, or input that makes no sense.
func (c *conn) overheard() bool {
	for {
		rest := c.in[c.start:c.top]
		size, header, err := frameSize(rest)
		if err != nil || size > c.options.MaxPacketSize {
			return true
		}
		if size == 0 || size > len(rest) {
			return false
		}
		if rest[0]>>4 == disconnectPacket {
			if g, err := decodeGoodbye(rest[:size], header, c.connect.version); err == nil {
				c.leaving = &g
			}
			return true
		}
		if rest[0]>>4 == publishPacket && rest[0]&0x06 == 0 { // with a higher QoS the client has it until we acknowledge it, which we cannot any more
			if c.publish(rest[0], rest[header:size]) != nil {
				return true
			}
		}
		c.start += size
	}
}

// flush writes what stands in the outbox: attempts that do not wait, then a writer goroutine for the rest. Any goroutine may
// call it; it never waits.
func (c *conn) flush() {
	c.out.marked.Store(false)
	c.pass(c.refill(c.out.take()))
	c.await()
}

// pass writes what has been taken from the outbox, and what comes into it meanwhile.
func (c *conn) pass(b []byte) {
	for round := 0; len(b) > 0; round++ {
		n := 0
		if c.socket != nil && round < 4 {
			var err error
			if n, err = c.socket.write(b); err != nil {
				c.broken(err)
				return
			}
		}
		if n < len(b) {
			c.out.wrote(n)
			go c.write(b, n) // hangUp waits for it through the outbox
			return
		}
		b = c.refill(c.out.more(n, b))
	}
}

// await has the journal call when what holds the outbox up is on disk.
func (c *conn) await() {
	p := c.out.awaits()
	if p > 0 && !c.awaiting.Swap(true) {
		c.broker.ledger.log.Wait(p, c)
	}
}

// Durable is the journal's call.
func (c *conn) Durable(p journal.Position) {
	c.awaiting.Store(false)
	c.out.release(p)
	c.flush()
}

// Failed is the journal's call, too: what the client waits to hear is not true.
func (c *conn) Failed(err error) {
	c.awaiting.Store(false)
	c.out.forfeit()
	c.kick(&cause{reason: "the hub cannot write to its disk: " + err.Error(), code: unspecifiedError, polite: true})
}

// write is the writer goroutine: it lives until the outbox is empty or the connection is broken.
func (c *conn) write(b []byte, done int) {
	size := writePiece
	if !c.survivesLateWrites() {
		size = smallPiece
	}
	for len(b) > 0 {
		for done < len(b) {
			piece := b[done:min(done+size, len(b))]
			_ = c.net.SetWriteDeadline(time.Now().Add(writeTimeout))
			n, err := c.net.Write(piece)
			c.out.wrote(n)
			if n > 0 && c.survivesLateWrites() && errors.Is(err, os.ErrDeadlineExceeded) { // it is slow, but it reads
				err = nil
			}
			if err != nil {
				c.broken(err)
				return
			}
			done += n
		}
		_ = c.net.SetWriteDeadline(time.Time{}) // a passed deadline would spoil the next attempt without one
		b, done = c.refill(c.out.more(0, b)), 0
	}
}

// survivesLateWrites says whether the transport is still whole when a write has missed its deadline.
func (c *conn) survivesLateWrites() bool {
	_, encrypted := c.net.(secured)
	return !encrypted && !c.peer.fragile
}

// refill lets the session's queue and waiting retained messages move up once the outbox has been emptied.
func (c *conn) refill(b []byte) []byte {
	for len(b) == 0 {
		s := c.attached()
		if s == nil || !c.lookUp(s) {
			return nil
		}
		b = c.out.take()
		if b == nil { // somebody else took it
			return nil
		}
	}
	return b
}

// lookUp moves up what waits, and says whether it moved anything. Whoever has written to this client does that for it, another client or the
// journal: a panic must not end those.
func (c *conn) lookUp(s *session) (moved bool) {
	if !s.hungry.Load() {
		return false
	}
	defer func() {
		if r := recover(); r != nil {
			c.broker.failed("writing to a connection", c.connect.name, r)
			c.out.close() // nothing is looked up for it any more
			c.kick(&cause{reason: failure})
			moved = false
		}
	}()
	return c.broker.router.refill(s, c)
}

// broken ends the connection after a failed write.
func (c *conn) broken(err error) {
	c.out.discard()
	k := &cause{reason: inWords(err)}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		k.reason = "it did not read for " + writeTimeout.String()
	}
	c.kick(k)
}

// hangUp writes what is left, as long as that is quick, and closes the socket.
func (c *conn) hangUp() {
	drained := c.out.close()
	c.flush()
	if within(parting, drained) {
		c.linger()
	}
	_ = c.net.Close()
	c.out.abandon()
	<-drained
	c.life.end()
}

// within waits for a channel to be closed, and says whether that happened in time.
func within(d time.Duration, closed <-chan struct{}) bool {
	select {
	case <-closed: // as it is mostly, and then no timer is needed
		return true
	default:
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-closed:
		return true
	case <-timer.C:
		return false
	}
}

// linger lets a client that we cut off read what it was told, by closing our direction first.
func (c *conn) linger() {
	k := c.cause.Load()
	half, ok := c.net.(interface{ CloseWrite() error }) // TCP and TLS
	if !ok || k == nil || !k.polite {
		return
	}
	_ = half.CloseWrite()
	_ = c.net.SetReadDeadline(time.Now().Add(linger))
	_, _ = io.CopyN(io.Discard, c.net, 1<<20)
}
