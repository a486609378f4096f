package embedded

import (
	"container/list"
	"net"
	"slices"
	"sync"
	"time"
)

// The bounds of the memory of connections that have ended or were refused: the last pastConnections of each client, of
// pastClients clients. With every place taken by a client of long names that is about 10 MB. A client that was seen
// only once gets one of the newcomers' places, so that those that invent a new identifier each time do not push out the
// others; within each kind the one that was seen the longest time ago is forgotten first, those that are connected last.
const (
	pastConnections = 20
	pastClients     = 1024
	pastNewcomers   = 256
)

// A client is restless when this many of its connections have ended within this time.
const (
	restlessEndings = 6
	restlessPeriod  = time.Minute
)

// history is the memory of connections that have ended or were refused.
type history struct {
	mu        sync.Mutex
	clients   map[string]*past
	regulars  list.List // of *past, the one seen last in front
	newcomers list.List // those that came once, or were only ever refused
}

// past is what is remembered of one client.
type past struct {
	client      string
	connections []Connection // the oldest first
	here        int          // its connections that last
	seen        bool         // it was accepted, and has left
	regular     bool         // and came back
	place       *list.Element
}

// of returns a client's connections, the newest first.
func (h *history) of(client string) []Connection {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.clients[client]
	if p == nil {
		return nil
	}
	all := slices.Clone(p.connections)
	slices.Reverse(all)
	return all
}

// arrived notes that a client is there. One that is not remembered is not remembered for coming, either: until it leaves, the gate
// knows it.
func (h *history) arrived(client string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.clients[client]
	if p == nil {
		return
	}
	p.here++
	if p.seen && !p.regular {
		p.regular = true
		h.newcomers.Remove(p.place)
		p.place = h.regulars.PushFront(p)
		h.trim(&h.regulars, pastClients-pastNewcomers)
	}
	h.touch(p)
}

// departed adds a connection that has ended.
func (h *history) departed(c Connection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.remember(c.Client)
	if p.here > 0 {
		p.here--
	}
	p.seen = true
	h.touch(p)
	p.add(c)
}

// turnedAway adds an attempt that was refused, to the one before it if that was the same.
func (h *history) turnedAway(c Connection, host string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.remember(c.Client)
	h.touch(p)
	if n := len(p.connections); n > 0 {
		last := &p.connections[n-1]
		if !last.Accepted && last.Reason == c.Reason && last.User == c.User && hostOf(last.Address) == host {
			last.Attempts++
			last.Ended, last.Address = c.Ended, c.Address
			return
		}
	}
	p.add(c)
}

func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

func (p *past) add(c Connection) {
	if len(p.connections) == pastConnections {
		p.connections = append(p.connections[:0], p.connections[1:]...)
	}
	p.connections = append(p.connections, c)
}

// touch says that a client was seen. The caller holds the lock, as for the rest.
func (h *history) touch(p *past) {
	if p.regular {
		h.regulars.MoveToFront(p.place)
	} else {
		h.newcomers.MoveToFront(p.place)
	}
}

// remember returns what is known of a client, at first nothing.
func (h *history) remember(client string) *past {
	p := h.clients[client]
	if p == nil {
		p = &past{client: client}
		if h.clients == nil {
			h.clients = map[string]*past{}
		}
		h.clients[client] = p
		p.place = h.newcomers.PushFront(p)
		h.trim(&h.newcomers, pastNewcomers)
	}
	return p
}

// trim forgets the client of a list that was seen the longest time ago, if there are too many: one that is away, if possible.
func (h *history) trim(l *list.List, most int) {
	if l.Len() <= most {
		return
	}
	victim := l.Back()
	for e := victim; e != l.Front(); e = e.Prev() {
		if e.Value.(*past).here == 0 {
			victim = e
			break
		}
	}
	l.Remove(victim)
	delete(h.clients, victim.Value.(*past).client)
}

// restless says whether a client comes and goes all the time.
func (h *history) restless(client string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.clients[client]
	if p == nil || len(p.connections) < restlessEndings {
		return false
	}
	c := &p.connections[len(p.connections)-restlessEndings]
	return now.Sub(c.Ended) < restlessPeriod
}
