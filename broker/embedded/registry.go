package embedded

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/embedded/journal"
)

// registry knows the sessions and the wills by client identifier, and which connection holds which identifier. Its lock comes
// first of all.
type registry struct {
	mu       sync.Mutex
	holders  map[string]*conn
	sessions map[string]*session
	wills    map[string]*overdueWill
	serial   uint64
	look     time.Time    // when the janitor looks again, at the latest; zero: when he is asked to
	queued   atomic.Int64 // bytes of all queues, and of outboxes whose clients do not keep up
}

func newRegistry() registry {
	return registry{holders: map[string]*conn{}, sessions: map[string]*session{}, wills: map[string]*overdueWill{}}
}

// claim makes a connection the holder of its client identifier: it ends the one before it, waits until that has given its
// session back and published its will, and takes the session over, or makes a new one. present says which of the two; code is
// not success when the identifier belongs to somebody else, or there are too many sessions.
func (b *Broker) claim(c *conn) (present bool, code byte) {
	r := &b.registry
	before, code := r.hold(c, b.options().MaxSessions)
	if code != success {
		return false, code
	}
	if before != nil {
		before.kick(&cause{reason: "taken over by a new connection from " + c.peer.host, code: sessionTakenOver, polite: true})
		before.over.Wait()
	}
	if b.ledger.crowded(journal.Fresh) && (c.connect.expiry > 0 || c.connect.will != nil || r.lasts(c.connect.id)) {
		_ = c.holdBack(journal.Fresh) // one that was ended meanwhile gives back what it takes here
	}
	if w := b.settleOld(c); w != nil {
		b.publishOverdue(c.connect.id, w)
	}
	present = r.install(c, b.options, b.ledger)
	return present, success
}

// settleOld ends what a new connection puts an end to, and returns the will that has to be published because of that.
func (b *Broker) settleOld(c *conn) (due *overdueWill) {
	b.ledger.hold()
	defer b.ledger.letGo()
	old, due := b.registry.settleOld(c, time.Now(), b.ledger)
	if old != nil {
		c.owes = max(c.owes, b.bury(old))
	}
	return due
}

// hold enters a connection as the holder of its identifier, unless that belongs to another user or it wants a session beyond the limit.
func (r *registry) hold(c *conn, most int) (before *conn, code byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := c.connect.id
	before = r.holders[id]
	owner, known := "", false
	if before != nil {
		owner, known = before.connect.user, true
	} else if s := r.sessions[id]; s != nil && !s.over(time.Now()) {
		owner, known = s.user, true
	} else if w := r.wills[id]; w != nil { // its client was connected when the broker stopped, and had no session to come back to
		owner, known = w.user, true
	}
	if known && owner != "" && owner != c.connect.user { // what an anonymous client has begun, a user may go on with
		return nil, notAuthorized
	}
	if c.connect.expiry > 0 && r.sessions[id] == nil && len(r.sessions) >= most {
		return nil, quotaExceeded
	}
	r.holders[id] = c
	return before, success
}

// lasts says whether there is a session under an identifier that outlives its connection.
func (r *registry) lasts(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sessions[id]
	return s != nil && s.keeps.Load()
}

// settleOld takes away what a new connection puts an end to: the session, if the client wants a clean one or it has expired,
// and the will that was waiting, which is returned if it has to be published now [MQTT-3.1.3-9]. It stays in its place until it is.
func (r *registry) settleOld(c *conn, now time.Time, l *ledger) (old *session, due *overdueWill) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := c.connect.id
	if s := r.sessions[id]; s != nil && (c.connect.clean || s.over(now)) {
		old = s
		delete(r.sessions, id)
	}
	switch w := r.wills[id]; {
	case w == nil:
	case old != nil && !w.restart && !w.leaving:
		w.leaving = true
		due = w
	default:
		delete(r.wills, id)
		l.unwilled(id)
	}
	return old, due
}

// install gives the connection its session.
func (r *registry) install(c *conn, o func() *Options, l *ledger) (present bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sessions[c.connect.id]
	present = s != nil
	if s == nil {
		s = r.newSession(c.connect.id)
	}
	s.user, s.expiry, s.expires = c.connect.user, c.connect.expiry, time.Time{}
	s.allow(permit(o().Access, s.id, s.user)) // under the lock that a reload takes after it has changed the options
	if c.connect.expiry > 0 {
		s.keeps.Store(true)
		c.owes = max(c.owes, l.session(s, 0))
	} else if s.keeps.Swap(false) {
		c.owes = max(c.owes, l.ended(s))
	}
	c.session = s
	if w := c.connect.will; w != nil {
		c.owes = max(c.owes, l.willed(s.id, &overdueWill{will: w, user: s.user, restart: true}))
	}
	return present
}

func (r *registry) newSession(id string) *session {
	r.serial++
	s := &session{id: id, name: called(id), serial: r.serial, queue: queue{all: &r.queued}}
	s.permit.Store(&everything)
	r.sessions[id] = s
	return s
}

// over says whether the session has ended by its expiry. The caller holds the registry's lock.
func (s *session) over(now time.Time) bool { return !s.expires.IsZero() && !now.Before(s.expires) }

// giveBack ends a connection's hold of its session: the links are told, the will is published or put off, the session ends or
// waits for the client's return. Whoever waits for the identifier goes on after that.
func (b *Broker) giveBack(c *conn) {
	expiry := c.connect.expiry
	defer c.over.Done()
	defer b.letGo(c)
	s := c.session
	if s == nil {
		return
	}
	s.detach(c)
	k := c.ending()
	if c.leaving != nil && c.leaving.hasExpiry {
		expiry = b.options().granted(c.leaving.expiry)
	}
	if c.opened.Load() {
		b.counts.connected.Add(-1)
		if !k.stopping { // that is news about the broker, which the links hear as such
			b.links.session(broker.Session{Client: s.name, User: c.connect.user, Address: c.peer.address, Clean: k.clean, Reason: k.reason, WillTopic: c.willTopic()})
		}
	}
	if s.keeps.Load() || c.connect.will != nil {
		b.ledger.yield(context.Background()) // its life is over
	}
	if w := b.retire(c, k, expiry); w != nil {
		b.publishOverdue(s.id, w)
	}
}

// retire puts away the session of a connection that has ended, for so many seconds or for good, and returns the will if it has to be
// published now.
func (b *Broker) retire(c *conn, k *cause, expiry uint32) *overdueWill {
	b.ledger.hold()
	defer b.ledger.letGo()
	w := b.registry.retire(c, k, expiry, time.Now(), b.ledger)
	if expiry == 0 {
		b.bury(c.session)
	}
	return w
}

func (c *conn) willTopic() string {
	if c.connect.will == nil {
		return ""
	}
	return c.connect.will.message.topic
}

// retire puts the session where the client finds it again, for so many seconds, or takes it away, and returns the will if it has to be
// published now. It stays in its place until it is.
func (r *registry) retire(c *conn, k *cause, expiry uint32, now time.Time, l *ledger) *overdueWill {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, id := c.session, c.connect.id
	s.expiry, c.retired = expiry, true
	switch {
	case s.expiry == 0:
		delete(r.sessions, id)
	case s.expiry != neverExpires:
		s.expires = now.Add(time.Duration(s.expiry) * time.Second)
		l.session(s, s.expires.Sub(now))
	}
	w := c.connect.will
	switch {
	case w == nil:
		return nil
	case k.clean, !c.opened.Load():
		l.unwilled(id)
		return nil
	case k.stopping: // it is written down already
		r.wills[id] = &overdueWill{will: w, user: c.connect.user, restart: true}
		return nil
	}
	delay := w.delay
	if s.expiry != neverExpires { // the session's end publishes the will, too
		delay = min(delay, time.Duration(s.expiry)*time.Second)
	}
	o := &overdueWill{will: w, user: c.connect.user, due: now.Add(delay), leaving: delay == 0}
	r.wills[id] = o
	if o.leaving { // it is written down already
		return o
	}
	l.willed(id, o)
	return nil
}

// forgetWill takes away a will that has been published, and writes that down unless the client has another one already.
func (r *registry) forgetWill(id string, o *overdueWill, l *ledger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.forgotten {
		return
	}
	if r.wills[id] == o {
		delete(r.wills, id)
	}
	if c := r.holders[id]; r.wills[id] == nil && (c == nil || c.session == nil || c.retired || c.connect.will == nil) {
		l.unwilled(id)
	}
}

// letGo frees the identifier, unless somebody has claimed it already.
func (b *Broker) letGo(c *conn) {
	if b.registry.letGo(c) {
		b.janitor.poke()
	}
}

// letGo says whether something of what is left of the client will be due before the janitor looks again.
func (r *registry) letGo(c *conn) (sooner bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := c.connect.id
	if r.holders[id] == c {
		delete(r.holders, id)
	}
	if s := r.sessions[id]; s != nil {
		sooner = r.expect(s.expires)
	}
	if w := r.wills[id]; w != nil && !w.leaving {
		sooner = r.expect(w.due) || sooner
	}
	return sooner
}
