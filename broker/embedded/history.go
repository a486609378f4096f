package embedded

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"
)

// maxNoted bounds, in bytes, what is kept of a text that a client chose: a user name, a topic.
const maxNoted = 256

// Connection is one connection of a client, or its attempt at one that was refused.
type Connection struct {
	// Client is the client identifier, User the login name (empty for an anonymous client), Address the peer's IP address and port.
	Client, User, Address string
	// Transport is "tcp", "tls", "websocket", or "local" for what comes from this process.
	Transport string
	// Version of MQTT: "3.1", "3.1.1" or "5".
	Version string
	// CleanStart says that the client asked for a new session, Resumed that it got one that was there.
	CleanStart, Resumed bool
	// SessionExpiry is how long the session outlives the connection; 0 ends it with the connection, a negative one means for ever.
	SessionExpiry time.Duration
	// KeepAlive is how long the client may be silent, in a margin of half as much again; 0 means for ever.
	KeepAlive time.Duration
	// Came is when it connected, Ended when the connection ended, zero while it lasts.
	Came, Ended time.Time
	// Accepted is false for an attempt that was refused; Attempts counts those that followed each other from the same address with the
	// same answer, Ended being the time of the last one. It is 1 for a connection.
	Accepted bool
	Attempts int
	// Goodbye says that the client ended it with DISCONNECT (reason 0x00). Reason is one plain sentence part about why the connection
	// ended or was refused, such as "taken over by a new connection from 192.168.1.9"; empty while it lasts.
	Goodbye bool
	Reason  string
	// In is what came from the client, Out what was sent to it.
	In, Out Flow
	// Dropped messages that the client's session had no room for during this connection.
	Dropped uint64
}

// History returns what is remembered of a client's connections and attempts, the newest first: the present one, and up to
// 20 earlier ones. It is empty for a client that is not known, or not any more.
func (b *Broker) History(client string) []Connection {
	var all []Connection
	for _, c := range b.gate.present() {
		if c.record.Client == client {
			all = append(all, c.record)
		}
	}
	return append(all, b.gate.history.of(client)...)
}

// presence is an accepted connection that lasts.
type presence struct {
	conn   *conn
	record Connection
	rates  Rates
}

// present returns the accepted connections that last.
func (g *gate) present() []presence {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	all := make([]presence, 0, len(g.inside))
	for _, c := range g.inside {
		if c.visit.accepted && !c.visit.ended {
			all = append(all, presence{c, c.record(), c.rates(now)})
		}
	}
	return all
}

// record describes an accepted connection, with the counts of now. The gate's lock is held.
func (c *conn) record() Connection {
	r := c.describe()
	r.Accepted = true
	r.In, r.Out = c.heard.flow(), c.out.flow()
	r.Dropped = c.session.lost.Load() - c.visit.lost
	return r
}

// describe fills in what CONNECT and the transport say of a connection. Nothing of it changes after the connection was accepted.
func (c *conn) describe() Connection {
	k := &c.connect
	r := Connection{
		Client: k.name, User: clip(k.user), Address: c.peer.address, Transport: transport(c.net), Version: versionName(k.version),
		CleanStart: k.clean, Resumed: c.resumed, SessionExpiry: time.Duration(k.expiry) * time.Second,
		KeepAlive: time.Duration(k.keepAlive) * time.Second, Came: c.born, Attempts: 1,
	}
	if k.expiry == neverExpires {
		r.SessionExpiry = -1
	}
	return r
}

func transport(nc net.Conn) string {
	switch nc := nc.(type) {
	case *net.TCPConn:
		return "tcp"
	case *webConn:
		return "websocket"
	case interface{ ConnectionState() tls.ConnectionState }:
		return "tls"
	default:
		if _, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
			return "tcp"
		}
	}
	return "local"
}

// clip cuts a text that a client chose down to what is kept of it.
func clip(s string) string {
	if len(s) <= maxNoted {
		return s
	}
	end := maxNoted - len("…")
	for end > 0 && s[end]&0xC0 == 0x80 { // in the middle of a character
		end--
	}
	return s[:end] + "…"
}

// came notes that a connection was accepted.
func (b *Broker) came(c *conn) {
	b.gate.accept(c)
	b.gate.history.arrived(c.connect.name)
}

func (g *gate) accept(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.visit.accepted, c.visit.lost = true, c.session.lost.Load()
}

// left notes that an accepted connection has ended. It is called by the connection's goroutine when the session has been given back.
func (b *Broker) left(c *conn) {
	c.tell()
	record, ok := b.gate.close(c)
	if !ok {
		return
	}
	k := c.cause.Load()
	if c.leaving != nil {
		k = c.leaving.cause()
	}
	record.Ended, record.Goodbye, record.Reason = time.Now(), k.clean, k.reason
	b.gate.history.departed(record)
	b.sayLeft(&record)
}

// close takes a connection out of those that last.
func (g *gate) close(c *conn) (record Connection, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !c.visit.accepted || c.visit.ended {
		return record, false
	}
	c.visit.ended = true
	return c.record(), true
}

// sayCame and sayLeft log that a client came or left. Of one that does nothing else but come and go, as two clients do that take
// one identifier from each other, the log hears once in a while.
func (b *Broker) sayCame(c *conn) {
	id := c.connect.name
	if b.gate.history.restless(id, c.born) {
		return
	}
	b.mention("client connected", slog.String("client", id), slog.String("user", c.connect.user), slog.String("address", c.peer.address),
		slog.String("version", versionName(c.connect.version)), slog.String("transport", transport(c.net)))
}

func (b *Broker) sayLeft(r *Connection) {
	if b.gate.history.restless(r.Client, r.Ended) {
		if b.sampler.allow("restless " + r.Client) {
			b.log.Warn("client comes and goes all the time", "client", r.Client, "user", r.User, "address", r.Address, "reason", r.Reason)
		}
		return
	}
	b.mention("client disconnected", slog.String("client", r.Client), slog.String("user", r.User), slog.String("address", r.Address),
		slog.String("reason", r.Reason), slog.Duration("after", r.Ended.Sub(r.Came).Round(time.Second)))
}

// mention is the logger's Info for what is said of each connection: without looking for its caller, which costs as much as the rest of it.
func (b *Broker) mention(message string, facts ...slog.Attr) {
	ctx, h := context.Background(), b.log.Handler()
	if !h.Enabled(ctx, slog.LevelInfo) {
		return
	}
	r := slog.NewRecord(time.Now(), slog.LevelInfo, message, 0)
	r.AddAttrs(facts...)
	_ = h.Handle(ctx, r) // as with Info, nobody would hear of it
}
