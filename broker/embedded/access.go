package embedded

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// AnonymousPolicy says whose clients may connect without credentials.
type AnonymousPolicy int

// The policies. Loopback, the zero value, lets clients on this machine in; not those that a proxy on this machine brings.
const (
	Loopback AnonymousPolicy = iota
	Always
	Never
)

var policyNames = [...]string{Loopback: "loopback", Always: "always", Never: "never"}

// String returns the policy's name in the configuration.
func (p AnonymousPolicy) String() string {
	if p < 0 || int(p) >= len(policyNames) {
		return fmt.Sprintf("AnonymousPolicy(%d)", int(p))
	}
	return policyNames[p]
}

// ParseAnonymousPolicy reads a policy's name.
func ParseAnonymousPolicy(name string) (AnonymousPolicy, error) {
	for p, n := range policyNames {
		if n == name {
			return AnonymousPolicy(p), nil
		}
	}
	return 0, fmt.Errorf("parsing the anonymous policy %q: it is not loopback, always or never", name)
}

// admit decides whether a client may come in, and says aloud when it may not.
func (b *Broker) admit(c *conn) byte {
	k := &c.connect
	if b.options().Authenticate == nil {
		k.credentials, k.user = false, ""
	}
	password := k.password
	k.password = "" // it has been kept long enough
	switch {
	case c.peer.shown != nil: // the certificate has said who it is; what else it says of itself does not count
		k.user = c.peer.shown.user
		if err := c.revoked(); err != nil {
			b.turnedAway(c, classTLS, err.Error())
			return notAuthorized
		}
	case k.credentials:
		if !b.options().Authenticate(k.user, password) {
			b.refused(c, wrongPassword)
			b.holdUp(c)
			return badUserOrPassword
		}
	case b.options().Anonymous == Never, b.options().Anonymous == Loopback && !c.peer.local:
		b.refused(c, noCredentials)
		return notAuthorized
	}
	if w := k.will; w != nil && c.options.topicTooLong(w.message.topic) {
		b.refused(c, "its will message: "+c.options.topicLimits())
		return topicInvalid
	}
	if w := k.will; w != nil && !b.permit(k.id, k.user).MayPublish(w.message.topic) {
		b.refused(c, foreignWill+clip(w.message.topic)+", where it may not publish")
		return notAuthorized
	}
	return success
}

// Access knows the rules of who may do what.
type Access interface {
	// Permit returns what a client of a user (empty for an anonymous one) may do.
	Permit(client, user string) Permit
}

// Permit is what one client may do. Its methods are called for each message, by several goroutines at once, with locks held:
// they must be fast and must not call back.
type Permit interface {
	// MayPublish says whether it may publish to a topic, by a message or by its will.
	MayPublish(topic string) bool
	// MayReceive says whether it may get a message of a topic, live, retained or queued.
	MayReceive(topic string) bool
	// MaySubscribe says whether it may subscribe to a filter (without a share name): whether there can be a topic that the filter
	// matches and that it may receive.
	MaySubscribe(filter string) bool
}

// open is the permit without rules, and what a session may do until its client is known.
type open struct{}

var everything Permit = open{}

func (open) MayPublish(topic string) bool { return topic[0] != '$' }
func (open) MayReceive(string) bool       { return true }
func (open) MaySubscribe(string) bool     { return true }

// closed keeps $SYS to the broker.
type closed struct{ Permit }

func (p closed) MayPublish(topic string) bool {
	return (topic[0] != '$' || topic != "$SYS" && !strings.HasPrefix(topic, "$SYS/")) && p.Permit.MayPublish(topic)
}

// permit is what a client may do by an access policy, nil for none.
func permit(a Access, client, user string) Permit {
	if a == nil {
		return open{}
	}
	return closed{a.Permit(client, user)}
}

func (b *Broker) permit(client, user string) Permit { return permit(b.options().Access, client, user) }

// permit gives every session what an access policy says of it.
func (r *registry) permit(a Access) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sessions {
		s.allow(permit(a, s.id, s.user))
	}
}

// allow sets what the session's client may do from now on.
func (s *session) allow(p Permit) { s.permit.Store(&p) }

// may is what the session's client may do.
func (s *session) may() Permit { return *s.permit.Load() }

// sampler lets a log line through once in samplePeriod. What it does not remember, because too much happens, it lets through
// only while it has room: a flood of different lines is a flood.
type sampler struct {
	mu   sync.Mutex
	last map[string]time.Time
}

const (
	samplePeriod = 5 * time.Minute
	sampleKeys   = 1024
)

func (s *sampler) allow(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if last, ok := s.last[key]; ok && now.Sub(last) < samplePeriod {
		return false
	}
	if len(s.last) >= sampleKeys {
		for k, last := range s.last {
			if now.Sub(last) >= samplePeriod {
				delete(s.last, k)
			}
		}
		if len(s.last) >= sampleKeys {
			return false
		}
	}
	if s.last == nil {
		s.last = map[string]time.Time{}
	}
	s.last[key] = now
	return true
}
