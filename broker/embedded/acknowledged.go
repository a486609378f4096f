package embedded

import (
	"encoding/binary"

	"home.arpa/homehub/broker/embedded/journal"
)

// acknowledged handles PUBACK, PUBREC, PUBREL and PUBCOMP.
func (c *conn) acknowledged(first byte, body []byte) error {
	id, code, err := decodeAck(first, body, c.connect.version)
	if err != nil {
		return err
	}
	s := c.session
	if s.keeps.Load() {
		if err := c.holdBack(journal.Pending); err != nil {
			return err
		}
	}
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

// receive looks at the identifier of a QoS 2 message of the client's. fresh is false for one that was received before and not yet
// released; ok is false when the client has more of them open than it may. took notes it, when the message has gone where it goes.
func (s *session) receive(c *conn, id uint16) (fresh, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.received[id]; known {
		return false, true
	}
	if c.connect.version == mqtt5 && len(s.received) >= c.options.ReceiveMaximum {
		return false, false
	}
	return true, true
}

// holds says whether a QoS 2 message of the client's was received and not yet released.
func (s *session) holds(id uint16) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.received[id]
	return known
}

func (s *session) took(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(id)
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
