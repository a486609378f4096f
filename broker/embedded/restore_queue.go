package embedded

import "home.arpa/homehub/broker/embedded/journal"

// queued takes a message that was put into queues, with the publisher's receipt, or in place of a will.
func (to *restorer) queued(content *journal.Reader) {
	m := to.messages[content.Number()]
	switch content.Number() {
	case fromSession:
		s, id := to.sessions[content.Number()], uint16(content.Number())
		if s != nil && m != nil {
			s.note(id)
		}
	case fromWill:
		if client := content.Text(); m != nil && !content.Bad() {
			delete(to.broker.registry.wills, client)
		}
	}
	to.owed(m, content)
}

// inherited moves a message from the queue of a session that ends into others.
func (to *restorer) inherited(content *journal.Reader) {
	m, left, seq := to.messages[content.Number()], to.sessions[content.Number()], content.Number()
	if left != nil && m != nil && !content.Bad() {
		if i := left.queue.place(seq); i >= 0 {
			left.queue.remove(i)
		}
	}
	to.owed(m, content)
}

// brought takes a retained message that was put into a queue for a subscription, whose replay has come as far as that.
func (to *restorer) brought(content *journal.Reader) {
	m, filter := to.messages[content.Number()], content.Text()
	s := to.owed(m, content)
	if s == nil {
		return
	}
	for i := range s.replays {
		if p := &s.replays[i]; p.filter == filter {
			p.last = max(p.last, m.topic)
		}
	}
}

// owed puts a message into the queues that a record names, and returns the session of the last one that there is.
func (to *restorer) owed(m *message, content *journal.Reader) (last *session) {
	for n := content.Number(); n > 0 && !content.Bad(); n-- {
		s := to.sessions[content.Number()]
		d := delivery{seq: content.Number()}
		d.level, d.replay, d.share = byte(content.Number()), content.Flag(), content.Text()
		for k := content.Number(); k > 0 && !content.Bad(); k-- {
			d.subs = append(d.subs, uint32(content.Number()))
		}
		if d.message = m; m != nil && s != nil && !content.Bad() { // without a message it was in a damaged part
			s.restore(d)
			last = s
		}
	}
	return last
}

// restore puts an entry back into the queue, unless the checkpoint knows of it already. Two publishers may have put their messages into the
// queue in one order and into the journal in the other; the queue's counts.
func (s *session) restore(d delivery) {
	if d.level < 1 || d.level > 2 {
		return
	}
	if d.seq >= s.floor {
		s.queue.insert(d)
	}
}

func (to *restorer) step(s *session, kind byte, content *journal.Reader) {
	i := s.queue.place(content.Number())
	if i < 0 {
		return
	}
	d := &s.queue.entries[i]
	switch kind {
	case sentRecord:
		d.id = uint16(content.Number())
		d.attempted = d.id != 0
		s.queue.lastID = d.id
	case takenRecord:
		d.released = d.level == 2
	case doneRecord:
		s.queue.remove(i)
	}
}
