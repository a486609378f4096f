package embedded

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"home.arpa/homehub/broker"
)

var noLog = slog.New(slog.DiscardHandler)

// gate counts the connections, and ends them all when the broker stops. It remembers who came, how that ended, and who
// was turned away.
type gate struct {
	mu        sync.Mutex
	visits    map[*conn]*visit
	sockets   uint64 // that were let in since the start
	pastIn    Flow   // over connections that have ended
	pastOut   Flow
	byHost    map[string]int
	strangers map[string]int // by host
	waiting   int            // all strangers
	closed    bool
	open      sync.WaitGroup

	history  history
	refusals refusals
	guesses  guesses
}

// enter counts a connection in, unless a limit is reached or the broker stops.
func (g *gate) enter(c *conn, o *Options) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return broker.ErrClosed
	case len(g.visits) >= o.MaxConnections:
		return fmt.Errorf("%d connections are open", len(g.visits))
	case g.waiting >= o.MaxStrangers:
		return fmt.Errorf("%d connections have not introduced themselves", g.waiting)
	case !c.peer.local && g.strangers[c.peer.host] >= o.MaxStrangersPerAddress:
		return fmt.Errorf("%d connections from its address have not introduced themselves", g.strangers[c.peer.host])
	case !c.peer.local && g.byHost[c.peer.host] >= o.MaxConnectionsPerAddress:
		return fmt.Errorf("%d connections are open from its address", g.byHost[c.peer.host])
	}
	if g.visits == nil {
		g.visits, g.byHost, g.strangers = map[*conn]*visit{}, map[string]int{}, map[string]int{}
	}
	g.visits[c] = &visit{in: &c.heard, out: &c.out.tally}
	g.sockets++
	g.byHost[c.peer.host]++
	g.strangers[c.peer.host]++
	g.waiting++
	g.open.Add(1)
	return nil
}

// known says that a connection's CONNECT has been read, or never will be.
func (g *gate) known(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting--
	decrement(g.strangers, c.peer.host)
}

func decrement(counts map[string]int, key string) {
	if counts[key]--; counts[key] == 0 {
		delete(counts, key)
	}
}

func (g *gate) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.visits[c]
	g.pastIn.add(v.in.flow())
	g.pastOut.add(v.out.flow())
	delete(g.visits, c)
	decrement(g.byHost, c.peer.host)
	g.open.Done()
}

// shut lets nobody in any more, and returns who is inside.
func (g *gate) shut() []*conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	all := make([]*conn, 0, len(g.visits))
	for c := range g.visits {
		all = append(all, c)
	}
	return all
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
		at := tcp.AddrPort()
		ip := at.Addr().Unmap()
		host := ip.String()
		return peer{address: net.JoinHostPort(host, strconv.Itoa(int(at.Port()))), host: host, local: ip.IsLoopback()}
	}
	address := nc.RemoteAddr().String()
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return peer{address: address, host: address, local: true}
	}
	ip := at.Addr().Unmap()
	return peer{address: netip.AddrPortFrom(ip, at.Port()).String(), host: ip.String(), local: ip.IsLoopback()}
}

// newClientID makes an identifier for a client that has none, in the form of Mosquitto's, by which people know it in a list.
func newClientID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return fmt.Sprintf("auto-%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
