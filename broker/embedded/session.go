package embedded

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

// session is what the broker keeps of one client: subscriptions, messages on their way to it, and the QoS 2 messages that it
// has not released. It lives on when a connection ends, as long as the client asked for in CONNECT.
type session struct {
	id     string
	name   string // the identifier as people see it
	user   string // guarded by the registry
	serial uint64

	permit atomic.Pointer[Permit] // what its client may do
	conn   atomic.Pointer[conn]   // the connection that messages go to, nil while there is none
	keeps  atomic.Bool            // it outlives its connection
	hungry atomic.Bool            // something waits for room in the outbox
	lost   atomic.Uint64          // messages that found no room

	subs  map[string]*subscription // by filter as the client wrote it; guarded by the router
	count atomic.Int32             // len(subs)

	expiry  uint32    // seconds that it outlives its connection; guarded by the registry
	expires time.Time // guarded by the registry: when it ends, zero while connected or if never

	mu       sync.Mutex
	queue    queue
	received map[uint16]struct{} // QoS 2 packet identifiers of the client's that wait for PUBREL
	replays  []replay            // retained messages that wait for room
	floor    uint64              // when it is brought back: entries with a lower number are known to the checkpoint
	window   int                 // how many of the queue may be on their way at once
	ended    bool                // nothing may be added any more
}

// attach makes a connection the one that messages go to, beginning with what is on hand.
func (s *session) attach(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.cause.Load() != nil {
		return
	}
	s.window = min(int(c.connect.receiveMaximum), c.options.MaxInflight)
	s.conn.Store(c)
	s.pump(c)
}

// detach ends that.
func (s *session) detach(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn.CompareAndSwap(c, nil) {
		s.queue.rewind()
	}
	s.hungry.Store(false)
}

// attached is the session whose messages go to this connection, nil when there is none.
func (c *conn) attached() *session {
	if c.opened.Load() && c.session.conn.Load() == c {
		return c.session
	}
	return nil
}

// offer gives the session a message (by a shared subscription with this key, if it is not empty), and says whether it found room. For QoS 0 it goes to the present connection or nowhere;
// for QoS 1 and 2 it is queued first, within limits.
func (s *session) offer(o outgoing, share string, b *batch, r *router, limits *Options) (room bool) {
	if o.level > 0 {
		return s.enqueue(delivery{outgoing: o, share: share}, b, r, limits)
	}
	c := s.conn.Load()
	switch {
	case c == nil, !s.may().MayReceive(o.topic):
		return true
	case s == b.own:
		b.aside, b.selfish = append(b.aside, o), true
		return true
	case c.tooLarge(&o):
		r.counts.dropped.Add(1)
		return true
	case !c.out.publish(&o, c.connect.version == mqtt5, 0, limits.MaxQueuedBytes):
		return c.cause.Load() != nil
	}
	b.touch(c)
	return true
}

// enqueue puts a message into the queue. In a lasting session it leaves when batch.account has written it into the journal.
func (s *session) enqueue(d delivery, b *batch, r *router, limits *Options) (room bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conn.Load()
	switch {
	case s.ended, c == nil && !s.keeps.Load(), !s.may().MayReceive(d.topic):
		return true
	case s.queue.len() >= limits.MaxQueued, s.queue.len() > 0 && s.queue.bytes+d.message.size() > limits.MaxQueuedBytes:
		return false
	}
	lasts := s.keeps.Load()
	d.ready, d.borrowed = r.ledger == nil || !lasts, b.borrowed && !lasts // a checkpoint looks at what a lasting session has
	d.seq = s.queue.push(d)
	switch {
	case !d.ready:
		b.owed = append(b.owed, owed{s, d})
	case s == b.own:
		b.selfish = true
	case c != nil && s.pump(c):
		b.touch(c)
	}
	return true
}

// sendOwn sends a publisher what it gets of its own QoS 2 message, which was put off until PUBREC stood before it: a client that sees the
// message first has to make sense of what it does not know to be received yet.
func (c *conn) sendOwn() {
	b := &c.batch
	b.own = nil
	if !b.selfish {
		return
	}
	b.selfish = false
	c.acknowledge()
	aside := b.aside
	b.aside = nil
	for _, o := range aside {
		if !c.session.offer(o, "", b, &c.broker.router, c.broker.options()) {
			c.broker.lost(c.session)
		}
	}
	c.session.again(c, b)
}

// again looks whether more can be sent.
func (s *session) again(c *conn, b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn.Load() == c && s.pump(c) {
		b.touch(c)
	}
}

// ready says that an entry is in the journal: it may leave, with QoS 2 once the journal is on disk up to a position.
func (s *session) ready(seq uint64, after position, b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.queue.place(seq)
	if i < 0 {
		return
	}
	d := &s.queue.entries[i]
	d.ready, d.after = true, after
	if s == b.own {
		b.selfish = true
	} else if c := s.conn.Load(); c != nil && s.pump(c) {
		b.touch(c)
	}
}

// pump sends from the queue while the client's window and the outbox have room, and says whether it sent anything. The
// caller holds the lock, and owes the connection a flush.
func (s *session) pump(c *conn) (sent bool) {
	if s.queue.sent < s.window && s.queue.sent < s.queue.len() {
		var room bool
		if sent, room = s.pour(c); !room {
			s.hungry.Store(true)
			return sent
		}
	}
	if hungry := len(s.replays) > 0; hungry != s.hungry.Load() {
		s.hungry.Store(hungry)
	}
	return sent
}

// pour is pump's work on the outbox, whose lock it holds, so that whoever makes room after pour found none sees that the session is hungry.
func (s *session) pour(c *conn) (sent, room bool) {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	for s.queue.sent < s.window {
		d := s.queue.waiting()
		if d == nil || !d.ready {
			break
		}
		if !o.takes(fillLevel) {
			return sent, false
		}
		// [MQTT-3.1.2-25], [MQTT-3.3.2-5]; and it may have been queued under other rules
		if !d.released && (c.tooLarge(&d.outgoing) || d.id == 0 && (d.stale() || !s.may().MayReceive(d.topic))) {
			s.passOver(c, d)
			continue
		}
		s.send(c, d)
		s.queue.sent++
		sent = true
	}
	return sent, true
}

// passOver drops the first message that is not on its way, when it is not to be sent. The caller holds both locks.
func (s *session) passOver(c *conn, d *delivery) {
	c.broker.counts.dropped.Add(1)
	s.record(c, d, (*ledger).done)
	if d.id == 0 { // it has had its turn: a gap in the identifiers shows that something was left out
		s.queue.nextID()
	}
	s.queue.dropWaiting()
}

// send puts a message into the outbox, or PUBREL if its client has taken it. The caller holds both locks.
func (s *session) send(c *conn, d *delivery) {
	if d.released {
		var space [8]byte
		c.out.add(appendAck(space[:0], pubrelPacket, d.id, c.connect.version, success), 1, d.after)
		return
	}
	fresh := d.id == 0
	if fresh {
		d.id = s.queue.nextID()
		d.after = max(d.after, s.record(c, d, (*ledger).sent))
	}
	after := d.after
	if d.level == 1 { // a crash makes it come twice, which QoS 1 allows; with QoS 2 the identifier must be known after a crash
		after = 0
	}
	d.dup = d.attempted // [MQTT-3.3.1-1]
	d.attempted = true
	c.out.encode(&d.outgoing, c.connect.version == mqtt5, after)
	if !fresh {
		c.broker.counts.repeated.Add(1)
	}
}

// record writes into the journal what becomes of a message. The caller holds both locks; that of the outbox is given back meanwhile, because the
// journal may wait for its disk.
func (s *session) record(c *conn, d *delivery, what func(*ledger, *session, *delivery) position) position {
	if c.broker.ledger == nil || !s.keeps.Load() {
		return 0
	}
	c.out.mu.Unlock()
	defer c.out.mu.Lock()
	return what(c.broker.ledger, s, d)
}

// tooLarge says whether a client has said that it does not take packets of this size.
func (c *conn) tooLarge(o *outgoing) bool {
	if c.connect.maxPacket == 0 {
		return false
	}
	plain := *o
	plain.alias, plain.known = 0, false // what it had on another connection
	return uint32(plain.size(true)) > c.connect.maxPacket
}

// acknowledged handles PUBACK, PUBREC, PUBREL and PUBCOMP.
func (c *conn) acknowledged(first byte, body []byte) error {
	id, code, err := decodeAck(first, body, c.connect.version)
	if err != nil {
		return err
	}
	s := c.session
	switch kind := first >> 4; {
	case kind == pubrelPacket:
		reply := success
		known, after := s.release(c, id)
		if !known && !c.resumed { // during recovery it is no error (section 3.7.2.1)
			reply = packetIDNotFound
		}
		c.answer(pubcompPacket, id, reply, after)
	case kind == pubrecPacket && code < unspecifiedError:
		known, after, err := s.takenOn(c, id)
		if err != nil {
			return err
		}
		reply := success
		if !known && !c.resumed {
			reply = packetIDNotFound
		}
		c.answer(pubrelPacket, id, reply, after)
	default:
		return s.delivered(c, id, kind)
	}
	return nil
}

// delivered takes a message out of the queue that the client has acknowledged for good, by PUBACK, PUBCOMP or a PUBREC that
// refuses it [MQTT-4.3.3-4], and with a PUBACK all those that follow it at once.
func (s *session) delivered(c *conn, id uint16, kind byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn.Load() != c {
		return nil
	}
	for more := true; more; {
		if err := s.strike(c, id, kind); err != nil {
			return err
		}
		more = false
		if kind == pubackPacket {
			id, more = c.another()
		}
	}
	if s.pump(c) || s.hungry.Load() {
		c.batch.touch(c)
	}
	return nil
}

// strike takes one message out of the queue. The caller holds the lock.
func (s *session) strike(c *conn, id uint16, kind byte) error {
	i := s.queue.find(id)
	if i < 0 {
		return nil
	}
	d := &s.queue.entries[i]
	if d.level == 1 != (kind == pubackPacket) || d.released != (kind == pubcompPacket) {
		return violation("an acknowledgement that does not belong to the message")
	}
	c.broker.ledger.done(s, d)
	m, borrowed := d.message, d.borrowed
	s.queue.remove(i)
	if borrowed {
		m.yield()
	}
	return nil
}

// another takes a PUBACK off the input, if there is a whole one in its shortest form, and returns its packet identifier.
func (c *conn) another() (id uint16, ok bool) {
	b := c.in[c.start:c.top]
	if len(b) < 4 || b[0] != pubackPacket<<4 || b[1] != 2 || c.frames >= batchFrames {
		return 0, false
	}
	if id = binary.BigEndian.Uint16(b[2:]); id == 0 {
		return 0, false
	}
	c.start += 4
	c.frames++
	c.news.Packets++
	return id, true
}

// takenOn notes a PUBREC: the client has the message, what follows is PUBREL.
func (s *session) takenOn(c *conn, id uint16) (known bool, after position, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn.Load() != c {
		return false, 0, nil
	}
	i := s.queue.find(id)
	if i < 0 {
		return false, 0, nil
	}
	d := &s.queue.entries[i]
	if d.level != 2 {
		return false, 0, violation("an acknowledgement that does not belong to the message")
	}
	d.released = true
	d.after = c.broker.ledger.taken(s, d)
	return true, d.after, nil
}

// receive notes a QoS 2 message of the client's. fresh is false for one that was received before and not yet released; ok is
// false when the client has more of them open than it may.
func (s *session) receive(c *conn, id uint16) (fresh, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.received[id]; known {
		return false, true
	}
	if c.connect.version == mqtt5 && len(s.received) >= c.options.ReceiveMaximum {
		return false, false
	}
	s.note(id)
	return true, true
}

// note enters a packet identifier. The caller holds the lock.
func (s *session) note(id uint16) {
	if s.received == nil {
		s.received = map[uint16]struct{}{}
	}
	s.received[id] = struct{}{}
}

// release ends the flow of a QoS 2 message of the client's.
func (s *session) release(c *conn, id uint16) (known bool, after position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.received[id]; !known {
		return false, 0
	}
	delete(s.received, id)
	return true, c.broker.ledger.released(s, id)
}
