package embedded

import (
	"slices"
	"sync/atomic"
)

// group is one shared subscription: each message goes to one of its members.
type group struct {
	key     string // share name and filter
	filter  string
	members atomic.Pointer[[]member] // replaced, never changed, since members are chosen without the router's lock
	turn    atomic.Uint64
}

type member struct {
	session *session
	sub     *subscription
}

// all are the members now.
func (g *group) all() []member {
	if members := g.members.Load(); members != nil {
		return *members
	}
	return nil
}

// choose picks the member whose turn it is among those that may receive a message of a topic, preferring those that are connected.
func (g *group) choose(topic string) (h hit, ok bool) {
	members := g.all()
	n := uint64(len(members))
	if n == 0 {
		return hit{}, false
	}
	turn := (g.turn.Add(1) - 1) % n
	for i := range n {
		if i += turn; i >= n {
			i -= n
		}
		m := members[i]
		connected := m.session.conn.Load() != nil
		if (connected || !ok) && m.session.may().MayReceive(topic) {
			if h, ok = hit(m), true; connected {
				break
			}
		}
	}
	return h, ok
}

// share gives a message to one member of a shared subscription: to the one whose turn it is, or, if that is just leaving or has no room,
// to the next one that takes it.
func (r *router) share(m *message, g *group, b *batch, limits *Options) {
	chosen, ok := g.choose(m.topic)
	if !ok {
		return
	}
	var full *session // of those who have no room the first, which the loss is reported of
	try := func(h hit) (taken bool) {
		answer := r.give(m, h, b, limits)
		if answer == crammed && full == nil {
			full = h.session
		}
		return answer == accepted
	}
	if try(chosen) {
		return
	}
	for _, other := range g.all() {
		if other.session != chosen.session && try(hit(other)) {
			return
		}
	}
	if full != nil {
		r.full(full)
	}
}

// give offers a message to a member of a shared subscription.
func (r *router) give(m *message, h hit, b *batch, limits *Options) answer {
	o := outgoing{message: m, level: min(m.qos, h.sub.qos), replay: h.sub.asPublished && m.retain}
	if h.sub.id != 0 {
		o.subs = []uint32{h.sub.id}
	}
	return h.session.offer(o, h.sub.group.key, b, r, limits)
}

// group returns a shared subscription by its key, nil when it has no members.
func (r *router) group(key string) *group {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.groups[key]
}

// join makes a session a member of a shared subscription, leave takes it away. The caller holds the lock.
func (r *router) join(s *session, sub *subscription, name, filter string) {
	key := name + "/" + filter
	g := r.groups[key]
	if g == nil {
		g = &group{key: key, filter: filter}
		if r.groups == nil {
			r.groups = map[string]*group{}
		}
		r.groups[key] = g
		r.shared.Set(filter, g, struct{}{})
	}
	sub.group = g
	members := append(slices.Clone(g.all()), member{s, sub})
	g.members.Store(&members)
}

func (r *router) leave(s *session, sub *subscription) {
	g := sub.group
	members := slices.DeleteFunc(slices.Clone(g.all()), func(m member) bool { return m.session == s })
	g.members.Store(&members)
	if len(members) == 0 {
		delete(r.groups, g.key)
		r.shared.Delete(g.filter, g)
	}
}
