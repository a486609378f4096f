package embedded

import (
	"net"

	"home.arpa/homehub/broker/embedded/journal"
)

// publish handles a PUBLISH packet of the client's: it checks, routes and acknowledges it.
func (c *conn) publish(first byte, body []byte) error {
	if len(c.batch.calls) > 0 { // a handler may subscribe, because of the message before this one, to the topic of this one
		c.settle()
	}
	b, m := c.broker, &c.scratch
	id, err := decodePublish(first, body, c.connect.version, &c.names, m)
	if err != nil {
		return err
	}
	if m.qos > 0 || m.retain && b.ledger.soaked() {
		if err := c.holdBack(journal.Fresh); err != nil {
			return err
		}
	}
	c.news.publish(m.qos, len(m.payload))
	m.client = c.connect.name
	code := byte(success)
	if !c.session.may().MayPublish(m.topic) && !(m.qos == 2 && c.session.holds(id)) { // what was taken under other rules stays taken
		code = notAuthorized
		b.deny(Publishing, c.connect.name, c.connect.user, c.peer.host, m.topic)
	}
	if m.qos == 2 && (code == success || c.connect.version != mqtt5) {
		fresh, ok := c.session.receive(c, id)
		if !ok {
			return &packetError{receiveMaximumExceeded, "more QoS 2 messages open than it may have"}
		}
		if !fresh { // it did not hear our PUBREC [MQTT-4.3.3-10], perhaps because that still waits for the disk
			c.answer(pubrecPacket, id, success, b.ledger.present())
			return nil
		}
		c.batch.receipt = receipt{c.session, id}
	}
	c.batch.after = 0
	if m.qos == 2 {
		c.batch.own = c.session
	}
	if code == success && !b.router.route(m, c.session, nil, &c.batch, &c.names.last.course) {
		b.reportFull(m)
	}
	c.batch.account(nil, &b.router) // the receipt of a message that went nowhere
	switch m.qos {
	case 1:
		c.answer(pubackPacket, id, code, c.batch.after)
	case 2:
		c.answer(pubrecPacket, id, code, c.batch.after)
		c.sendOwn()
	}
	return nil
}

// holdBack waits while the disk is slower than the clients. Whoever has something for the journal waits here, with nothing done yet and no lock
// held; without this he would wait in the journal, with everybody who needs his locks.
func (c *conn) holdBack(level journal.Level) error {
	l := c.broker.ledger
	if !l.crowded(level) {
		return nil
	}
	c.settle() // nobody else waits with it
	if l.log.Room(c.life.context(), level) != nil {
		return net.ErrClosed
	}
	return nil
}

// lost reports a message that found no room on its way to a client.
func (b *Broker) lost(s *session) {
	b.counts.dropped.Add(1)
	b.counts.overflowed.Add(1)
	if n := s.lost.Add(1); b.sampler.allow("lost " + s.name) {
		b.log.Warn("a client does not keep up: dropped a message for it", "client", s.name, "dropped", n)
	}
}

// reportFull reports a message that was not retained. Its publisher hears nothing of that: the acknowledgement says who owns the message
// [MQTT-4.3.2-4], [MQTT-4.3.3-8], and it has gone to those who had subscribed. With 0x97 it would be published again, as a new message
// [MQTT-4.3.3-9], and they would get it twice.
func (b *Broker) reportFull(m *message) {
	b.counts.dropped.Add(1)
	b.counts.unkept.Add(1)
	if b.sampler.allow("retained " + m.client) {
		b.log.Error("could not retain a message: no room for more", "client", m.client, "topic", m.topic)
	}
}
