package embedded

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"home.arpa/homehub/broker"
)

var noLog = slog.New(slog.DiscardHandler)

// gate counts the connections, and ends them all when the broker stops. It remembers who came, how that ended, and who
// was turned away.
type gate struct {
	mu      sync.Mutex
	inside  []*conn // in no order
	sockets uint64  // that were let in since the start
	pastIn  Flow    // over connections that have ended
	pastOut Flow
	sampled [2]time.Time     // when the connections' samples were taken, the older ones first
	hosts   map[string]*host // but this machine
	waiting int              // all strangers
	closed  bool
	open    sync.WaitGroup

	history  history
	refusals refusals
	guesses  guesses
}

// host is how many connections from one IP address are open, and how many of these have not been let in yet.
type host struct{ open, strangers int }

// enter counts a connection in, unless a limit is reached or the broker stops.
func (g *gate) enter(c *conn, o *Options) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return broker.ErrClosed
	case len(g.inside) >= o.MaxConnections:
		return fmt.Errorf("%d connections are open", len(g.inside))
	case g.waiting >= o.MaxStrangers:
		return fmt.Errorf("%d connections have not introduced themselves", g.waiting)
	}
	if !c.peer.local {
		if err := g.arrived(c, o); err != nil {
			return err
		}
	}
	c.visit.place = len(g.inside)
	g.inside = append(g.inside, c)
	g.sockets++
	g.waiting++
	g.open.Add(1)
	return nil
}

// arrived counts a connection from another machine. The caller holds the lock.
func (g *gate) arrived(c *conn, o *Options) error {
	h := g.hosts[c.peer.host]
	switch {
	case h == nil:
		h = &host{}
	case h.strangers >= o.MaxStrangersPerAddress:
		return fmt.Errorf("%d connections from its address have not introduced themselves", h.strangers)
	case h.open >= o.MaxConnectionsPerAddress:
		return fmt.Errorf("%d connections are open from its address", h.open)
	}
	if h.open == 0 {
		if g.hosts == nil {
			g.hosts = map[string]*host{}
		}
		g.hosts[c.peer.host] = h
	}
	h.open++
	h.strangers++
	c.visit.host = h
	return nil
}

// known says that a connection's CONNECT has been read, or never will be.
func (g *gate) known(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting--
	if h := c.visit.host; h != nil {
		h.strangers--
	}
}

func (g *gate) leave(c *conn) {
	c.tell()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pastIn.add(c.heard.flow())
	g.pastOut.add(c.out.flow())
	last := len(g.inside) - 1
	g.inside[c.visit.place] = g.inside[last]
	g.inside[c.visit.place].visit.place = c.visit.place
	g.inside[last] = nil
	g.inside = g.inside[:last]
	if h := c.visit.host; h != nil {
		if h.open--; h.open == 0 {
			delete(g.hosts, c.peer.host)
		}
	}
	g.open.Done()
}

// shut lets nobody in any more, and returns who is inside.
func (g *gate) shut() []*conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	return slices.Clone(g.inside)
}

// empty ends all connections and waits until they have ended: politely for a while, then by closing their sockets.
func (g *gate) empty() {
	all := g.shut()
	for _, c := range all {
		c.kick(&cause{reason: "the hub is stopping", code: serverShuttingDown, stopping: true, polite: true})
	}
	done := make(chan struct{})
	go func() { defer close(done); g.open.Wait() }()
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-done:
		return
	case <-timer.C:
	}
	for _, c := range all {
		_ = c.net.Close()
	}
	<-done
}

// peerOf describes the other end of a socket. What has no IP address, such as a pipe, is in this process or on this machine.
func peerOf(nc net.Conn) peer {
	if tcp, ok := nc.RemoteAddr().(*net.TCPAddr); ok && tcp.Zone == "" {
		return peerAt(tcp.AddrPort())
	}
	address := nc.RemoteAddr().String()
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return peer{address: address, host: address, local: true}
	}
	return peerAt(at)
}

// peerAt describes a peer with an IP address.
func peerAt(at netip.AddrPort) peer {
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	address := at.String() // of which the host is a part: one text for both
	host := strings.Trim(address[:strings.LastIndexByte(address, ':')], "[]")
	return peer{address: address, host: host, local: at.Addr().IsLoopback()}
}

// newClientID makes an identifier for a client that has none, in the form of Mosquitto's, by which people know it in a list.
func newClientID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return fmt.Sprintf("auto-%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
