package embedded

import (
	"math"
	"slices"
)

// replayPiece is how many topics of a replay are looked up at once, at most.
const replayPiece = 8192

// replay is what is left of one subscription's retained messages. It holds topics, not messages: each message is looked up when
// its turn comes, so that a client never gets an older one after a newer one, and so that a large set costs little. It holds but a piece of
// them, and only the first in line has any, so that a client may subscribe to as much as it likes, as slowly as it reads.
type replay struct {
	filter string
	qos    byte
	id     uint32
	until  uint64   // the serial of the last topic that it is about: what is retained later has come as it was published
	topics []string // the next ones
	more   bool     // there may be others after these, whose names are greater than theirs
	last   string   // the last one that has had its turn, by which the journal knows how far it has come
}

// plan adds the retained messages of a new subscription to a plan, and says whether there are any. The caller holds the router's lock.
func (r *router) plan(sub *subscription, plan *[]replay) bool {
	if !r.retained.any(sub.filter) {
		return false
	}
	*plan = append(*plan, replay{filter: sub.filter, qos: sub.qos, id: sub.id, until: r.retained.serial, more: true})
	return true
}

// gather looks up the next topics of a replay. They are in the order of their names where it matters which come first: when they are not
// all, and when the journal is to know how far the replay has come. The caller holds the locks of router and session.
func (r *router) gather(s *session, p *replay) {
	p.topics, p.more = nil, false
	for m, since := range r.retained.match(p.filter) {
		late := p.more && m.topic > p.topics[replayPiece-1] // not in this piece
		if since > p.until || m.topic <= p.last || late || !s.may().MayReceive(m.topic) {
			continue
		}
		if p.topics = append(p.topics, m.topic); len(p.topics) == 2*replayPiece {
			p.shorten()
		}
	}
	switch {
	case len(p.topics) > replayPiece:
		p.shorten()
	case s.keeps.Load():
		slices.Sort(p.topics)
	}
}

// shorten keeps the first topics, which fit into one piece.
func (p *replay) shorten() {
	slices.Sort(p.topics)
	clear(p.topics[replayPiece:])
	p.topics, p.more = p.topics[:replayPiece], true
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

// refill moves what waits for room into the outbox as far as there is room, and says whether it moved anything. After a look for retained messages
// that found none it gives the locks back before the next one: each takes long where much is retained.
func (r *router) refill(s *session, c *conn) (moved bool) {
	for more := true; more; {
		var some bool
		some, more = r.move(s, c)
		moved = moved || some
	}
	return moved
}

// move is refill's work with the locks, and says whether to go on after giving them back. It holds the router's lock together with the session's:
// whoever replaces a retained message takes the lock first and delivers the new one afterwards, so that what is appended here is never newer than
// what follows it.
func (r *router) move(s *session, c *conn) (moved, more bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn.Load() != c {
		return false, false
	}
	moved = s.pump(c)
	for !more && len(s.replays) > 0 && c.out.room(fillLevel) && s.queue.len() <= s.window {
		p := &s.replays[0]
		if len(p.topics) == 0 {
			r.gather(s, p)
			more = len(p.topics) == 0
		}
		if len(p.topics) > 0 {
			p.last, p.topics = p.topics[0], p.topics[1:]
			if m := r.retained.sooner(p.last, p.until); m != nil && s.may().MayReceive(m.topic) {
				s.replay(c, m, p)
				moved = true
			}
		}
		if len(p.topics) == 0 && !p.more {
			s.replays = s.replays[1:]
			c.broker.ledger.replayed(s, p.filter)
		}
	}
	if len(s.replays) == 0 {
		s.replays = nil
		s.pump(c)
	}
	return moved, more
}

func (s *session) replay(c *conn, m *message, p *replay) {
	o := outgoing{message: m, level: min(m.qos, p.qos), replay: true}
	if p.id != 0 {
		o.subs = []uint32{p.id}
	}
	if o.level > 0 {
		d := delivery{outgoing: o, ready: true}
		d.seq = s.queue.push(d)
		if after := c.broker.ledger.replay(s, &d, p.filter); after > 0 {
			s.queue.entries[len(s.queue.entries)-1].after = after
		}
		s.pump(c)
		return
	}
	if c.tooLarge(&o) || !c.out.publish(&o, c.connect.version == mqtt5, 1<<30, math.MaxInt) {
		c.broker.counts.dropped.Add(1)
	}
}
