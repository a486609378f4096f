package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
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

// accept serves the connections of one listener until it is closed. Other errors, such as too many open files, pass.
func (b *Broker) accept(ctx context.Context, l net.Listener) {
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			serving.Go(func() { b.serve(nc, peerOf(nc)) })
		case errors.Is(err, net.ErrClosed):
			return
		default:
			if b.sampler.allow("accept " + err.Error()) {
				b.log.Warn("could not accept a connection", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
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

// serve runs one connection from its first byte to its last.
func (b *Broker) serve(nc net.Conn, p peer) {
	c := newConn(b, secure(nc), p)
	if err := b.gate.enter(c, c.options); err != nil {
		b.full(c, err)
		c.end()
		_ = nc.Close()
		return
	}
	defer b.gate.leave(c)
	defer c.rescue()
	defer c.batch.release()
	defer c.hangUp()
	if !c.introduce() {
		return
	}
	defer b.left(c) // after that
	defer b.giveBack(c)
	resumed, code := b.claim(c)
	if code != success {
		b.refused(c, foreignClient)
		c.turnAway(code)
		return
	}
	c.resumed = resumed
	c.run()
}

// introduce brings the TLS handshake to its end, reads CONNECT and decides about it.
func (c *conn) introduce() bool {
	defer c.broker.gate.known(c)
	if err := c.shakeHands(); err != nil {
		c.broker.unsecured(c, err)
		c.shakeOff(err)
		return false
	}
	frame, header, err := c.next()
	if err == nil {
		c.connect, err = decodeConnect(frame[header:])
		if err == nil && frame[0]&0x0F != 0 && c.connect.version != mqtt31 {
			err = malformed("CONNECT with flags")
		}
	}
	if err != nil {
		c.broker.strange(c, err)
		c.turnAway(codeOf(err))
		return false
	}
	c.heard.controls.Add(1)
	c.negotiate()
	if tcp, ok := c.net.(*net.TCPConn); ok && c.connect.keepAlive == 0 {
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true}) // at least the kernel notices that it is gone
	}
	if code := c.broker.admit(c); code != success {
		c.turnAway(code)
		return false
	}
	return true
}

// turnAway answers CONNECT with a refusal, or with nothing when code is 0.
func (c *conn) turnAway(code byte) {
	c.stop(&cause{reason: "refused", polite: code != 0})
	if code != 0 {
		c.out.put(refusal(c.connect.version, code), 0, 1<<30)
	}
}

// rescue is deferred where a panic, ours or mochi's, must end one connection and not the program.
func (c *conn) rescue() {
	if r := recover(); r != nil {
		c.broker.log.Error("a connection failed", "client", c.connect.name, "panic", r, "stack", string(debug.Stack()))
		c.stop(&cause{reason: "an error of the broker"})
		c.batch.flush()
	}
}

// run lets the client in and serves it until the connection's end.
func (c *conn) run() {
	defer c.rescue()
	if c.cause.Load() != nil { // taken over while it waited
		return
	}
	err := c.open()
	for err == nil {
		err = c.advance()
	}
	c.fail(err)
	c.settle()
}

// open writes CONNACK, with which the connection's life begins.
func (c *conn) open() error {
	ack := c.acceptance(c.resumed)
	if limit := c.connect.maxPacket; limit > 0 && uint32(len(ack)) > limit { // [MQTT-3.1.2-24]
		return &packetError{packetTooLarge, fmt.Sprintf("it takes packets of %d bytes, and CONNACK has %d", limit, len(ack))}
	}
	if err := c.reply(ack); err != nil {
		return err
	}
	b := c.broker
	c.idle = time.Duration(c.connect.keepAlive) * 1500 * time.Millisecond // [MQTT-3.1.2-22]
	b.counts.arrived()
	b.came(c)
	c.opened.Store(true)
	c.out.open(c.connect.aliasMaximum, c.connect.maxPacket)
	c.session.attach(c) // before CONNACK leaves, behind which its messages stand: who has read it misses none
	c.settle()
	b.sayCame(c)
	b.links.session(broker.Session{
		Client: c.connect.name, User: c.connect.user, Address: c.peer.address, Connected: true, WillTopic: c.willTopic(),
	})
	b.saySubscribed(c, b.router.filtersOf(c.session))
	return nil
}

// saySubscribed tells the links to what a client now listens.
func (b *Broker) saySubscribed(c *conn, filters []string) {
	if len(filters) > 0 {
		b.links.session(broker.Session{
			Client: c.connect.name, User: c.connect.user, Address: c.peer.address, Connected: true, Subscribed: filters,
		})
	}
}

// newClientID makes an identifier for a client that has none, in the form of Mosquitto's, by which people know it in a list.
func newClientID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return fmt.Sprintf("auto-%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
