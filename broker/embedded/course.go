package embedded

import (
	"slices"

	"home.arpa/homehub/broker"
)

// course is where the messages of one topic go that come from one connection. A publisher uses the same few topics over and over, so
// each connection remembers the courses of its topics: as long as nobody subscribes or unsubscribes, its messages need no search and
// no lock of the router's.
type course struct {
	edition uint64 // of the subscriptions that it was found in; 0: it is not known
	hits    []hit  // those of one session next to each other
	groups  []*group
	links   []linked
}

// hit is one session that a message goes to, and the subscription because of which.
type hit struct {
	session *session
	sub     *subscription
}

// linked is one subscription of a link.
type linked struct {
	link *Link
	qos  byte
}

// maxCourse is how many targets a remembered course may have. Where a message goes to more, finding them is a small part of the work, and
// remembering them would take much memory.
const maxCourse = 8

// edition numbers what all subscriptions are together, from 1 on.
func (r *router) edition() uint64 { return r.changes.Load() + 1 }

// knows says that a course is that of the present subscriptions. Without the router's lock they may have changed when it returns; the
// message was then published just before.
func (r *router) knows(c *course) bool { return c != nil && c.edition == r.edition() }

// find looks up where messages of a topic go. The caller holds the router's lock.
func (r *router) find(topic string, from *session, origin *Link, c *course) {
	c.clear()
	several := false
	r.subs.Match(topic, func(s *session, sub *subscription) {
		if sub.noLocal && s == from { // [MQTT-3.8.3-3]
			return
		}
		several = several || s.count.Load() > 1
		c.hits = append(c.hits, hit{s, sub})
	})
	if several && len(c.hits) > 1 { // bring together what one session gets for several subscriptions
		slices.SortFunc(c.hits, func(x, y hit) int { return int(int64(x.session.serial - y.session.serial)) })
	}
	r.shared.Match(topic, func(g *group, _ struct{}) { c.groups = append(c.groups, g) })
	r.links.Match(topic, func(l *Link, qos byte) {
		if l == origin {
			return
		}
		for i := range c.links {
			if c.links[i].link == l {
				c.links[i].qos = max(c.links[i].qos, qos)
				return
			}
		}
		c.links = append(c.links, linked{l, qos})
	})
}

// single says that a message goes to one queue at most, and to no link.
func (c *course) single() bool { return len(c.hits)+len(c.groups) == 1 && len(c.links) == 0 }

// clear empties a course and keeps its memory.
func (c *course) clear() {
	clear(c.hits)
	clear(c.groups)
	clear(c.links)
	c.edition, c.hits, c.groups, c.links = 0, c.hits[:0], c.groups[:0], c.links[:0]
}

// learn remembers what was found in an edition, if it is little. A nil course remembers nothing.
func (c *course) learn(found *course, edition uint64) {
	if c == nil {
		return
	}
	if *c = (course{}); len(found.hits)+len(found.groups)+len(found.links) <= maxCourse {
		*c = course{edition, slices.Clone(found.hits), slices.Clone(found.groups), slices.Clone(found.links)}
	}
}

// call notes the calls of the links' handlers. They keep the payload, and may share it.
func (c *course) call(m *message, b *batch) {
	payload := m.payload
	if m.qos == 0 && !m.retain {
		payload = slices.Clone(payload)
	}
	for _, l := range c.links {
		b.calls = append(b.calls, call{l.link, broker.Message{Topic: m.topic, Payload: payload, QoS: min(l.qos, m.qos), Client: m.client, Will: m.will}})
	}
}
