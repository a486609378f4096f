package web

import (
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

const (
	sessionLife = 30 * 24 * time.Hour
	maxSessions = 128
)

// sessions are the browsers that are signed in. They live in memory: after a restart people sign in again. When there are
// maxSessions, the one that was used longest ago ends for the next.
type sessions struct {
	mu sync.Mutex
	// byID is keyed by the digest of the id, so that how long a look-up takes tells nothing of the ids.
	byID map[[sha256.Size]byte]session
}

type session struct {
	// token is kept so that a session ends when its token is taken back.
	token         string
	expires, used time.Time
}

// begin starts a session for a token and returns its id, 128 random bits or more.
func (s *sessions) begin(token string, now time.Time) (id string) {
	id = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[[sha256.Size]byte]session{}
	}
	for key, old := range s.byID {
		if !old.expires.After(now) {
			delete(s.byID, key)
		}
	}
	for len(s.byID) >= maxSessions {
		var oldest [sha256.Size]byte
		var used time.Time
		for key, old := range s.byID {
			if used.IsZero() || old.used.Before(used) {
				oldest, used = key, old.used
			}
		}
		delete(s.byID, oldest)
	}
	s.byID[sha256.Sum256([]byte(id))] = session{token: token, expires: now.Add(sessionLife), used: now}
	return id
}

// token returns the token of a session that lives.
func (s *sessions) token(id string, now time.Time) (string, bool) {
	key := sha256.Sum256([]byte(id))
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.byID[key]
	if !ok || !found.expires.After(now) {
		delete(s.byID, key)
		return "", false
	}
	found.used = now
	s.byID[key] = found
	return found.token, true
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, sha256.Sum256([]byte(id)))
}

const (
	maxTries      = 10
	triesWindow   = time.Minute
	maxTryAddress = 1024
)

// tries counts wrong tokens by address, in windows of a minute. IPv6 addresses count by their /64, which one household or
// machine has whole. When there are maxTryAddress addresses, the one whose window began first is forgotten.
type tries struct {
	mu        sync.Mutex
	byAddress map[netip.Prefix]attempts
}

type attempts struct {
	since time.Time
	count int
}

// failed counts a wrong token, and returns how many that makes in this window.
func (t *tries) failed(addr netip.Addr, now time.Time) int {
	key := neighbourhood(addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byAddress == nil {
		t.byAddress = map[netip.Prefix]attempts{}
	}
	a, ok := t.byAddress[key]
	if !ok && len(t.byAddress) >= maxTryAddress {
		var oldest netip.Prefix
		var since time.Time
		for k, other := range t.byAddress {
			if since.IsZero() || other.since.Before(since) {
				oldest, since = k, other.since
			}
		}
		delete(t.byAddress, oldest)
	}
	if !ok || now.Sub(a.since) >= triesWindow {
		a = attempts{since: now}
	}
	a.count++
	t.byAddress[key] = a
	return a.count
}

// wait says how long an address must wait before it may try again; 0 is not at all.
func (t *tries) wait(addr netip.Addr, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.byAddress[neighbourhood(addr)]
	if a.count < maxTries {
		return 0
	}
	return max(0, triesWindow-now.Sub(a.since))
}

func neighbourhood(addr netip.Addr) netip.Prefix {
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address: all such share one count
	}
	return p
}
