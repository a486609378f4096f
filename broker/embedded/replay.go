package embedded

import "slices"

// replay is what is left of one subscription's retained messages. It holds topics, not messages: each message is looked up when
// its turn comes, so that a client never gets an older one after a newer one, and so that a large set costs little.
type replay struct {
	filter string
	topics []string
	qos    byte
	id     uint32
}

// plan adds the retained messages of a new subscription to a plan, and says whether there is room for them. The caller holds the
// router's lock.
func (r *router) plan(s *session, sub *subscription, plan *[]replay) bool {
	p := replay{filter: sub.filter, qos: sub.qos, id: sub.id}
	r.retained.match(sub.filter, func(m *message) {
		if s.may().MayReceive(m.topic) {
			p.topics = append(p.topics, m.topic)
		}
	})
	if len(p.topics) == 0 {
		return true
	}
	waiting := len(p.topics)
	for _, other := range *plan {
		waiting += len(other.topics)
	}
	if waiting+s.waitingReplays() > 2*r.limits().MaxRetained {
		return false
	}
	*plan = append(*plan, p)
	return true
}

func (s *session) waitingReplays() (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.replays {
		count += len(p.topics)
	}
	return count
}

// follow puts a plan in line, once the subscriptions have been acknowledged. What is left from an earlier subscription to the
// same filter is forgotten.
func (s *session) follow(plan []replay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range plan {
		s.leaveOut(p.filter)
		s.replays = append(s.replays, p)
	}
	s.hungry.Store(s.hungry.Load() || len(s.replays) > 0)
}

// unfollow forgets what is left of a subscription that has ended [MQTT-3.10.4-2].
func (s *session) unfollow(filter string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveOut(filter)
}

// leaveOut takes a filter's part out of the line. The caller holds the lock.
func (s *session) leaveOut(filter string) {
	s.replays = slices.DeleteFunc(s.replays, func(p replay) bool { return p.filter == filter })
}

// refill moves what waits for room into the outbox as far as there is room, and says whether it moved anything. It holds the
// router's lock together with the session's: whoever replaces a retained message takes the lock first and delivers the new
// one afterwards, so that what is appended here is never newer than what follows it.
func (r *router) refill(s *session, c *conn) bool {
	if !s.hungry.Load() {
		return false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn.Load() != c {
		return false
	}
	moved := s.pump(c)
	for len(s.replays) > 0 && c.out.room(fillLevel) && s.queue.len() <= s.window {
		p := &s.replays[0]
		if m := r.retained.get(p.topics[0]); m != nil && s.may().MayReceive(m.topic) {
			s.replay(c, m, p)
			moved = true
		}
		if p.topics = p.topics[1:]; len(p.topics) == 0 {
			s.replays = s.replays[1:]
			c.broker.ledger.replayed(s, p.filter)
		}
	}
	if len(s.replays) == 0 {
		s.replays = nil
		s.pump(c)
	}
	return moved
}

func (s *session) replay(c *conn, m *message, p *replay) {
	o := outgoing{message: m, level: min(m.qos, p.qos), replay: true}
	if p.id != 0 {
		o.subs = []uint32{p.id}
	}
	if o.level > 0 {
		d := delivery{outgoing: o, ready: true, planned: true}
		d.seq = s.queue.push(d)
		if after := c.broker.ledger.replay(s, &d); after > 0 {
			s.queue.entries[len(s.queue.entries)-1].after = after
		}
		s.pump(c)
		return
	}
	if c.tooLarge(&o) || !c.out.publish(&o, c.connect.version == mqtt5, 0, 1<<30) {
		c.broker.counts.dropped.Add(1)
	}
}
