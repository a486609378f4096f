package embedded

import (
	"net/netip"
	"sync"
	"time"
)

// How a wrong password is answered: after a second for each failure that the address has to its account, at most guessLongest, forgotten
// after guessQuiet without one. guessSources bounds the addresses that are remembered; beyond it the one that has been quiet for the
// longest time is forgotten.
const (
	guessStep    = time.Second
	guessLongest = 5 * time.Second
	guessQuiet   = 10 * time.Minute
	guessSources = 1024
)

// guesses knows how often wrong passwords came from where.
type guesses struct {
	mu   sync.Mutex
	from map[string]guess
}

type guess struct {
	failures int
	last     time.Time
}

// failed counts a wrong password, and says how long its answer has to wait.
func (g *guesses) failed(host string, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.from == nil {
		g.from = map[string]guess{}
	}
	from := neighbourhood(host)
	before, known := g.from[from]
	if !known && len(g.from) >= guessSources {
		g.forget(now)
	}
	if now.Sub(before.last) >= guessQuiet {
		before.failures = 0
	}
	g.from[from] = guess{before.failures + 1, now}
	return min(time.Duration(before.failures+1)*guessStep, guessLongest)
}

// forget makes room. The caller holds the lock.
func (g *guesses) forget(now time.Time) {
	oldest := ""
	for from, at := range g.from {
		if now.Sub(at.last) >= guessQuiet {
			delete(g.from, from)
		} else if oldest == "" || at.last.Before(g.from[oldest].last) {
			oldest = from
		}
	}
	if len(g.from) >= guessSources {
		delete(g.from, oldest)
	}
}

// neighbourhood is what counts as one place: an IPv4 address, or the 64 bits of an IPv6 address among which a machine chooses freely.
func neighbourhood(host string) string {
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Is6() {
		return host
	}
	net, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return net.String()
}

// holdUp lets a client that gave a wrong password wait for its answer, in its own goroutine, so that guessing takes time. Right
// passwords are never waited for. Meanwhile the connection counts as one that has not introduced itself: the gate bounds these.
func (b *Broker) holdUp(c *conn) {
	timer := time.NewTimer(b.gate.guesses.failed(c.peer.host, time.Now()))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.life.context().Done():
	}
}
