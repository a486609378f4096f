package embedded

import (
	"cmp"
	"slices"
	"time"
)

// Client is one connected client.
type Client struct {
	// ID is the client identifier, User the login name (empty for an anonymous client), Address the peer's IP address and port,
	// Transport what Connection says of it.
	ID, User, Address, Transport string
	// Version of MQTT: "3.1", "3.1.1" or "5".
	Version string
	// Since is when it connected.
	Since time.Time
	// CleanStart says that it asked for a new session, Resumed that it got one that was there, SessionExpiry how long its session outlives
	// the connection: 0 not at all, negative for ever.
	CleanStart, Resumed bool
	SessionExpiry       time.Duration
	// KeepAlive is how long it may be silent, in a margin of half as much again; 0 means for ever.
	KeepAlive time.Duration
	// Queued messages wait for it or for its acknowledgement; QueuedBytes is their size.
	Queued, QueuedBytes int
	// Subscriptions it has.
	Subscriptions int
	// Dropped messages that its session had no room for.
	Dropped uint64
	// In is what came from it over this connection, Out what was sent to it.
	In, Out Flow
	// Rates of the last minute.
	Rates Rates
}

// Clients returns the clients that are connected now, ordered by identifier.
func (b *Broker) Clients() []Client {
	present := b.gate.present()
	clients := make([]Client, 0, len(present))
	for i := range present {
		p := &present[i]
		if p.conn.cause.Load() != nil {
			continue
		}
		r, s := &p.record, p.conn.session
		c := Client{
			ID: r.Client, User: r.User, Address: r.Address, Transport: r.Transport, Version: r.Version, Since: r.Came,
			CleanStart: r.CleanStart, Resumed: r.Resumed, SessionExpiry: r.SessionExpiry, KeepAlive: r.KeepAlive,
			Subscriptions: int(s.count.Load()), Dropped: s.lost.Load(), In: r.In, Out: r.Out, Rates: p.rates,
		}
		c.Queued, c.QueuedBytes = s.waiting()
		clients = append(clients, c)
	}
	slices.SortFunc(clients, func(x, y Client) int { return cmp.Compare(x.ID, y.ID) })
	return clients
}

func versionName(version byte) string {
	switch version {
	case mqtt31:
		return "3.1"
	case mqtt311:
		return "3.1.1"
	}
	return "5"
}

// connected are the connections whose CONNECT was accepted.
func (r *registry) connected() []*conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	var open []*conn
	for _, c := range r.holders {
		if c.opened.Load() && c.cause.Load() == nil {
			open = append(open, c)
		}
	}
	return open
}

// Disconnect ends a client's connection, and says whether there was one. The client may come back at once.
func (b *Broker) Disconnect(client string) bool {
	for _, c := range b.registry.connected() {
		if c.connect.name == client {
			c.kick(&cause{reason: "disconnected by the owner", code: administrativeAction, polite: true})
			return true
		}
	}
	return false
}

// DisconnectUser ends the connections of a user, and says how many there were. Their sessions stay. Whether they may come back is
// for Options to say.
func (b *Broker) DisconnectUser(user string) (ended int) {
	for _, c := range b.registry.connected() {
		if c.connect.user == user && user != "" {
			c.kick(&cause{reason: "its user was removed", code: notAuthorized, polite: true})
			ended++
		}
	}
	return ended
}
