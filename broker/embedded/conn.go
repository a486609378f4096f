package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// writeTimeout is how long a client may leave a piece of its output unread before it is cut off.
	writeTimeout = 20 * time.Second
	// parting is how long the last bytes to a client may take, and linger how long the close waits for the client to
	// read them: closing a socket with unread input would destroy them on their way.
	parting = 500 * time.Millisecond
	linger  = 200 * time.Millisecond
	// overhearing is how long the input of a connection that was taken over is searched for a goodbye.
	overhearing = 5 * time.Millisecond
	// writePiece is the size of the pieces that a writer goroutine sets a deadline for.
	writePiece = 32 << 10
	// smallPiece is the same where a deadline that passes breaks the transport, so that who reads slowly is not cut off.
	smallPiece = 4 << 10
	// ackReserve is what acknowledgements may take beyond the limit for messages.
	ackReserve = 256 << 10
	// fillLevel is how full the outbox is kept from the session's queue.
	fillLevel = 64 << 10
	// batchFrames is how many packets one connection gets handled before what they caused is flushed.
	batchFrames = 64
)

var longAgo = time.Unix(1, 0)

// peer is the other end of a connection as the transport knows it.
type peer struct {
	address string // IP address and port, or a name for what has none
	host    string // IP address without port, for limits and logs
	local   bool   // so near that it needs no credentials: loopback without a proxy in front, or in this process
	fragile bool   // a read deadline that passes ends the transport
	shown   *shown // its client certificate, nil without one
}

// cause is why a connection ends.
type cause struct {
	reason   string
	code     byte // for a DISCONNECT to an MQTT 5 client, 0: none
	clean    bool // the client said goodbye
	stopping bool // the broker stops; the will is kept for the next life
	polite   bool // our decision: the last bytes should reach the client
}

// conn is one network connection, from the first byte to the last. Its fields belong to the reader's goroutine, except where said
// otherwise.
type conn struct {
	broker  *Broker
	options *Options // in force when it came
	net     net.Conn
	socket  *socket // of plain TCP, else nil
	lobby   *lobby  // where it waits for its client, nil: its goroutine waits
	peer    peer
	born    time.Time

	life     lifetime
	over     sync.WaitGroup        // done when the session has been given back
	cause    atomic.Pointer[cause] // set once, by whoever ends the connection
	opened   atomic.Bool           // CONNECT was accepted
	awaiting atomic.Bool           // the journal will call

	connect   connect
	session   *session
	resumed   bool // it took over a session that was there
	named     bool // CONNECT has been accepted as far as it goes; the identifier may still be somebody else's
	shortened shortened
	leaving   *goodbye // the DISCONNECT that the client has sent
	retired   bool     // its will has been dealt with; guarded by the registry
	owes      position // what the control plane's answers depend on

	in         []byte // in[start:top] is unread input
	start, top int
	then       func(*conn) error // handles input that has been read
	frames     int               // handled since the last settle
	idle       time.Duration
	armed      time.Time // the read deadline that is set
	silent     time.Time // since when the client's next bytes are waited for, zero while they are not
	dry        bool      // the last read has left nothing behind, it seems
	returns    int       // how many times in a row it has come back from the lobby soon
	place      int       // in the lobby
	watched    bool      // the lobby has asked for it before
	names      names
	*desk                    // nil in the lobby
	answers    int           // how many acknowledgements are not in the outbox yet
	depends    position      // what they depend on
	number     uint64        // its own
	feeder     atomic.Uint64 // who flushed to it last, itself aside: a number, since a pointer would keep connections that have ended

	visit visit
	heard tally // what has come from the client
	news  Flow  // of that, what has not been added yet
	out   outbox
}

func newConn(b *Broker, nc net.Conn, p peer) *conn {
	c := &conn{broker: b, options: b.options(), net: nc, peer: p, born: time.Now()}
	c.number = b.numbers.Add(1)
	c.sit()
	c.names.limits = c.options
	c.out.all = &b.registry.queued
	c.over.Add(1)
	c.socket = newSocket(c)
	return c
}

// desk is what a connection needs while packets are handled.
type desk struct {
	scratch    message
	codes      []byte // for the SUBACK or UNSUBACK that mochi is about to encode
	replays    []replay
	subscribed []string // by the SUBSCRIBE in hand, for the links
	acks       []byte   // acknowledgements that are not in the outbox yet
	batch      batch
}

// desks are those that nobody sits at.
var desks = sync.Pool{New: func() any { return new(desk) }}

// sit has the connection ready to handle packets.
func (c *conn) sit() {
	if c.desk == nil {
		c.desk = desks.Get().(*desk)
		c.batch.feeder = c.number
	}
}

// leave clears the desk for the next one. What was handled is settled. One with contexts that are tied to others is kept: they last as long
// as the connection.
func (c *conn) leave() {
	if d := c.desk; len(d.batch.joints) == 0 {
		b := &d.batch
		*d = desk{codes: d.codes[:0], acks: d.acks[:0], batch: batch{touched: b.touched[:0], calls: b.calls[:0], owed: b.owed[:0]}}
		c.desk = nil
		desks.Put(d)
	}
}

// rests says whether the connection waits in the lobby when there is nothing to do.
func (c *conn) rests() bool { return c.lobby != nil && c.returns < often && c.opened.Load() }

// work handles the packets that have come, and pays what the connection owes for them.
func (c *conn) work() error {
	for {
		frame, header, err := c.next()
		if err != nil {
			return err
		}
		if frame == nil {
			c.settle()
			return nil
		}
		if err := c.handle(frame, header); err != nil {
			return err
		}
	}
}

// handle handles one packet.
func (c *conn) handle(frame []byte, header int) error {
	if c.cause.Load() != nil { // kicked meanwhile: what it had sent is dead, but for a goodbye, which is looked for later
		c.start -= len(frame)
		return net.ErrClosed
	}
	kind := frame[0] >> 4
	if kind != publishPacket {
		c.news.Packets++
	}
	switch kind {
	case publishPacket:
		return c.publish(frame[0], frame[header:])
	case pubackPacket, pubrecPacket, pubrelPacket, pubcompPacket:
		return c.acknowledged(frame[0], frame[header:])
	case disconnectPacket:
		g, err := decodeGoodbye(frame, header, c.connect.version)
		if err != nil {
			return err
		}
		return c.goodbye(g)
	case pingreqPacket:
		if err := checkControl(frame, header, c.connect.version, c.options.MaxFilters); err != nil {
			return err
		}
		return c.reply(pingresp)
	default:
		if err := checkControl(frame, header, c.connect.version, c.options.MaxFilters); err != nil {
			return err
		}
		return c.control(kind, frame[header:])
	}
}

// next returns the next whole packet, nil when more input is needed for it. It is valid until the input is filled again.
func (c *conn) next() (frame []byte, header int, err error) {
	if c.frames >= batchFrames {
		c.settle()
	}
	limit := c.options.MaxPacketSize
	if !c.opened.Load() {
		limit = min(limit, c.options.MaxConnectSize)
	}
	b := c.in[c.start:c.top]
	size, header, err := frameSize(b)
	switch {
	case err != nil:
		return nil, 0, err
	case size > limit:
		return nil, 0, &packetError{packetTooLarge, fmt.Sprintf("a packet of %d bytes, more than the %d allowed", size, limit)}
	case len(b) > 0 && !c.opened.Load() && b[0]>>4 != connectPacket: // [MQTT-3.1.0-1]
		return nil, 0, &packetError{0, "not a CONNECT packet"}
	case size > 0 && len(b) >= size:
		c.start += size
		c.frames++
		return b[:size], header, nil
	case len(b) > 0 && size == 0 && !clientMaySend(b[0]>>4): // no length makes it right
		return nil, 0, violation("a packet that no client may send")
	}
	return nil, 0, nil
}

// settle pays what this connection owes for the packets that it has sent: flushes, and calls of the links' handlers.
func (c *conn) settle() {
	c.frames = 0
	c.tell()
	c.acknowledge()
	ctx := context.Background()
	if len(c.batch.calls) > 0 {
		ctx = c.life.context()
	}
	c.batch.settle(ctx)
}

// deadline is when a client last heard at a time must have been heard again; zero means never.
func (c *conn) deadline(heard time.Time) time.Time {
	switch {
	case !c.opened.Load():
		return c.born.Add(c.options.ConnectTimeout)
	case c.idle == 0:
		return time.Time{}
	}
	return heard.Add(c.idle)
}

func (c *conn) late() error {
	if !c.opened.Load() {
		return &packetError{0, fmt.Sprintf("no CONNECT within %v", c.options.ConnectTimeout)}
	}
	return &packetError{keepAliveTimeout, fmt.Sprintf("keep alive of %d s passed without a sign of life", c.connect.keepAlive)}
}

// reply puts an answer into the outbox, behind those before it, that depends on nothing but what the connection owes already. It leaves
// with the next flush.
func (c *conn) reply(b []byte) error {
	c.acknowledge()
	if !c.out.put(b, 1, c.owes, c.options.MaxQueuedBytes+ackReserve) {
		return errors.New("it does not read its acknowledgements")
	}
	c.batch.touch(c)
	return nil
}

// answer notes an acknowledgement, which leaves when the journal is on disk up to a position. Those of one batch of input are put into
// the outbox together.
func (c *conn) answer(kind byte, id uint16, code byte, after position) {
	if c.answers > 0 && c.depends == 0 && after > 0 { // those before it do not wait
		c.acknowledge()
	}
	c.acks = appendAck(c.acks, kind, id, c.connect.version, code)
	c.answers++
	c.depends = max(c.depends, after)
}

// acknowledge puts the acknowledgements of what was handled into the outbox. A connection that was ended from elsewhere has said its
// last word: what is not acknowledged is sent again.
func (c *conn) acknowledge() {
	if c.answers == 0 {
		return
	}
	acks, answers, depends := c.acks, c.answers, c.depends
	c.acks, c.answers, c.depends = acks[:0], 0, 0
	if c.cause.Load() != nil {
		return
	}
	if !c.out.put(acks, answers, depends, c.options.MaxQueuedBytes+ackReserve) {
		c.fail(errors.New("it does not read its acknowledgements"))
	}
	c.batch.touch(c)
}
