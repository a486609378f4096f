package embedded

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"home.arpa/homehub/broker"
)

// subscription is what one session wants of one filter. It is replaced, never changed.
type subscription struct {
	filter      string // as the client wrote it, share name included
	qos         byte
	noLocal     bool
	asPublished bool   // the retain flag stays as it was published
	handling    byte   // when retained messages are wanted: 0 always, 1 if the subscription is new, 2 never
	id          uint32 // subscription identifier, 0 for none
	group       *group // of a shared subscription
}

// router knows who wants what, and the retained messages. Its lock comes after the registry's and before a session's.
type router struct {
	limits func() *Options
	counts *counts
	ledger *ledger          // nil: no journal
	full   func(s *session) // called for each message that found no room, with no lock held

	mu       sync.RWMutex
	changes  atomic.Uint64 // moves with every change of the tries; guarded by the lock for those who change them
	subs     broker.Trie[*session, *subscription]
	shared   broker.Trie[*group, struct{}]
	groups   map[string]*group
	links    broker.Trie[*Link, byte]
	retained retained
}

// route hands a message to everybody who has subscribed to it, and keeps it if it is to be retained. from is the session of the
// publisher, origin the link, if it is one of them. known is where its messages of this topic went before, nil where nobody remembers.
// It says whether the message was kept, if it was to be: without room it goes to the subscribers only.
func (r *router) route(m *message, from *session, origin *Link, b *batch, known *course) (kept bool) {
	to, kept := known, true
	if m.retain || !r.knows(known) {
		if m.retain {
			m = m.own()
		}
		to, kept = r.match(m, from, origin, b, known)
	}
	switch {
	case m.qos == 0, m.retain: // nobody keeps it, or it is kept already
	case m.qos == 1 && to.single(): // one with QoS 2 goes into the journal after it may have been acknowledged
		m, b.borrowed = m.borrow(), true
	default:
		m = m.own()
	}
	r.deliver(m, to, b)
	b.borrowed = false
	if len(to.links) > 0 {
		to.call(m, b)
	}
	if to == &b.course {
		to.clear()
	}
	return kept
}

// match does what needs the lock: it retains the message, if it is to be, and finds where it goes.
func (r *router) match(m *message, from *session, origin *Link, b *batch, known *course) (to *course, kept bool) {
	kept = true
	if m.retain {
		r.mu.Lock()
		defer r.mu.Unlock()
		var after position
		kept, after = r.keep(m, origin == nil && m.qos > 0)
		b.depend(after)
	} else {
		r.mu.RLock()
		defer r.mu.RUnlock()
	}
	if r.knows(known) {
		return known, kept
	}
	r.find(m.topic, from, origin, &b.course)
	known.learn(&b.course, r.edition())
	return &b.course, kept
}

// keep puts a message among the retained ones, and says whether there was room. Without room nothing is retained under its topic any more:
// what was is not the last message there, and nobody may get it after the last one (as [MQTT-3.3.1-7] of 3.1.1 has it for QoS 0). The caller holds
// the lock.
func (r *router) keep(m *message, promised bool) (kept bool, after position) {
	if kept = r.roomToRetain(m); !kept {
		m = &message{topic: m.topic}
	}
	if !r.retained.set(m) && !promised { // nor is there anything on disk
		return kept, 0
	}
	return kept, r.ledger.retained(m, promised)
}

// roomToRetain says whether a message may be retained. One that replaces another needs room only as far as it is larger. The caller holds
// the lock.
func (r *router) roomToRetain(m *message) bool {
	if len(m.payload) == 0 || internal(m.topic) {
		return true
	}
	limits := r.limits()
	bytes, fresh := r.retained.want(m)
	return (!fresh || r.retained.count < limits.MaxRetained) && (bytes <= 0 || r.retained.bytes+bytes <= limits.MaxRetainedBytes)
}

// expire clears retained messages that have expired.
func (r *router) expire(now time.Time) {
	for _, m := range r.allRetained() {
		if m.expired(now) {
			r.clear(m)
		}
	}
}

// clear takes a message away, unless it has been replaced.
func (r *router) clear(m *message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retained.drop(m)
}

// deliver appends the message to the sessions that it goes to, and writes down that it has. It does so even when it is ended by a panic, since what
// is in a queue holds that up until it is in the journal; but then the publisher has no receipt, because some may not have the message.
func (r *router) deliver(m *message, to *course, b *batch) {
	if m.qos == 2 || b.will.overdueWill != nil {
		r.ledger.hold()
		defer r.ledger.letGo()
	}
	defer b.account(m, r)
	from := b.receipt
	b.receipt = receipt{}
	r.spread(m, to, b)
	b.receipt = from
}

// spread offers the message to those who get it. What one of them gets for several subscriptions becomes one delivery with the highest QoS and all
// the identifiers, shared ones aside [MQTT-3.3.4-2], [MQTT-3.3.4-4].
func (r *router) spread(m *message, to *course, b *batch) {
	limits := r.limits()
	for i := 0; i < len(to.hits); {
		h := to.hits[i]
		o := outgoing{message: m, level: h.sub.qos, replay: h.sub.asPublished && m.retain}
		for ; i < len(to.hits) && to.hits[i].session == h.session; i++ {
			sub := to.hits[i].sub
			o.level = max(o.level, sub.qos)
			o.replay = o.replay || sub.asPublished && m.retain
			if sub.id != 0 {
				o.subs = append(o.subs, sub.id)
			}
		}
		o.level = min(o.level, m.qos)
		if h.session.offer(o, "", b, r, limits) == crammed {
			r.full(h.session)
		}
	}
	for _, g := range to.groups {
		r.share(m, g, b, limits)
	}
}

// subscribe adds or replaces a subscription of a session. It returns the reason code for SUBACK, and adds the retained messages
// that are to follow it to plan. SUBACK must wait for the position.
func (r *router) subscribe(s *session, sub *subscription, plan *[]replay) (code byte, after position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, most := s.subs[sub.filter], r.limits().MaxSubscriptions
	if old == nil && (len(s.subs) >= most || s.levels+levels(sub.filter) > most*usualLevels) {
		return quotaExceeded, 0
	}
	r.put(s, sub)
	planned := false
	if _, _, shared := broker.SplitShared(sub.filter); !shared && (sub.handling == 0 || sub.handling == 1 && old == nil) { // [MQTT-3.3.1-9] to [MQTT-3.3.1-11]
		planned = r.plan(sub, plan)
	}
	return sub.qos, r.ledger.subscribed(s, sub, planned)
}

// usualLevels bounds the levels that all filters of a session have on average where it has as many as it may, since each takes memory.
const usualLevels = 16

func levels(filter string) int { return 1 + strings.Count(filter, "/") }

// filtersOf lists the filters to which a session is subscribed, nil if there are none.
func (r *router) filtersOf(s *session) (filters []string) {
	if s.count.Load() == 0 {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for filter := range s.subs {
		filters = append(filters, filter)
	}
	return filters
}

// put enters a subscription. The caller holds the lock.
func (r *router) put(s *session, sub *subscription) {
	r.changes.Add(1)
	group, filter, shared := broker.SplitShared(sub.filter)
	old := s.subs[sub.filter]
	if old != nil && shared {
		r.leave(s, old)
	}
	if shared {
		r.join(s, sub, group, filter)
	} else {
		r.subs.Set(filter, s, sub)
	}
	if s.subs == nil {
		s.subs = map[string]*subscription{}
	}
	s.subs[sub.filter] = sub
	s.count.Store(int32(len(s.subs)))
	if old == nil {
		s.levels += levels(sub.filter)
		r.counts.subscriptions.Add(1)
	}
}

// unsubscribe takes a subscription back and says whether there was one.
func (r *router) unsubscribe(s *session, filter string) (known bool, after position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.subs[filter] == nil {
		return false, 0
	}
	return true, r.drop(s, filter)
}

// drop takes a subscription back and writes that down, remove without that. The caller holds the lock.
func (r *router) drop(s *session, filter string) position {
	r.remove(s, filter)
	return r.ledger.unsubscribed(s, filter)
}

func (r *router) remove(s *session, filter string) {
	sub := s.subs[filter]
	if sub == nil {
		return
	}
	r.changes.Add(1)
	s.unfollow(filter)
	if sub.group != nil {
		r.leave(s, sub)
	} else {
		r.subs.Delete(filter, s)
	}
	delete(s.subs, filter)
	s.levels -= levels(filter)
	s.count.Store(int32(len(s.subs)))
	r.counts.subscriptions.Add(-1)
}

// forget takes back all subscriptions of a session that has ended.
func (r *router) forget(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for filter := range s.subs {
		r.remove(s, filter)
	}
}
