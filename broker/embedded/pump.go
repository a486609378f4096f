package embedded

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
	if s.settled != nil && s.queue.accounted() {
		close(s.settled)
		s.settled = nil
	}
	if s == b.own {
		b.selfish = true
	} else if c := s.conn.Load(); c != nil && s.pump(c) {
		b.touch(c)
	}
}

// pump sends from the queue while the client's window and the outbox have room, and says whether it sent anything. The
// caller holds the lock, and owes the connection a flush.
func (s *session) pump(c *conn) (sent bool) {
	room := true
	if s.queue.sent < s.window && s.queue.sent < s.queue.len() {
		sent, room = s.pour(c)
	}
	if hungry := len(s.replays) > 0; room && hungry != s.hungry.Load() {
		s.hungry.Store(hungry)
	}
	return sent
}

// pour is pump's work on the outbox. It holds the outbox's lock until it has said that the session is hungry, so that whoever makes room after pour
// has found none sees that.
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
			s.hungry.Store(true)
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
