package embedded

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"
)

// counts are the broker's numbers as they run.
type counts struct {
	connections   atomic.Uint64 // accepted since the start
	connected     atomic.Int64
	received      atomic.Uint64
	sent          atomic.Uint64
	dropped       atomic.Uint64
	bytesIn       atomic.Uint64
	bytesOut      atomic.Uint64
	subscriptions atomic.Int64
}

// Stats are the broker's numbers at one moment. Those of messages, bytes and connections count from the start of the broker.
type Stats struct {
	// Connected clients now, Sessions in all (with those whose clients are away), Connections accepted.
	Connected, Sessions int
	Connections         uint64
	// MessagesReceived from clients and links, MessagesSent to clients, MessagesDropped because a client's queue was full,
	// the message too large for it or expired.
	MessagesReceived, MessagesSent, MessagesDropped uint64
	// BytesReceived and BytesSent on all connections.
	BytesReceived, BytesSent uint64
	// Retained messages and their size in bytes, Subscriptions of all sessions, messages Queued for clients.
	Retained, RetainedBytes, Subscriptions, Queued int
}

// Stats returns the broker's numbers.
func (b *Broker) Stats() Stats {
	n := &b.counts
	s := Stats{
		Connected: int(n.connected.Load()), Connections: n.connections.Load(),
		MessagesReceived: n.received.Load(), MessagesSent: n.sent.Load(), MessagesDropped: n.dropped.Load(),
		BytesReceived: n.bytesIn.Load(), BytesSent: n.bytesOut.Load(),
		Subscriptions: int(n.subscriptions.Load()),
	}
	s.Retained, s.RetainedBytes = b.router.retainedSize()
	sessions := b.registry.all()
	s.Sessions = len(sessions)
	for _, each := range sessions {
		s.Queued += each.queued()
	}
	return s
}

func (r *router) retainedSize() (count, bytes int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.retained.count, r.retained.bytes
}

func (r *registry) all() []*session {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*session, 0, len(r.sessions))
	for _, s := range r.sessions {
		all = append(all, s)
	}
	return all
}

func (s *session) queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.len()
}

// Client is one connected client.
type Client struct {
	// ID is the client identifier, User the login name (empty for an anonymous client), Address the peer's IP address and port.
	ID, User, Address string
	// Version of MQTT: "3.1", "3.1.1" or "5".
	Version string
	// Since is when it connected.
	Since time.Time
	// KeepAlive is how long it may be silent, in a margin of half as much again; 0 means for ever.
	KeepAlive time.Duration
	// Queued messages wait for it or for its acknowledgement.
	Queued int
	// Subscriptions it has.
	Subscriptions int
	// Dropped messages that its session had no room for.
	Dropped uint64
}

// Clients returns the clients that are connected now, ordered by identifier.
func (b *Broker) Clients() []Client {
	var clients []Client
	for _, c := range b.registry.connected() {
		clients = append(clients, Client{
			ID: c.connect.id, User: c.connect.user, Address: c.peer.address, Version: versionName(c.connect.version), Since: c.born,
			KeepAlive: time.Duration(c.connect.keepAlive) * time.Second,
			Queued:    c.session.queued(), Subscriptions: int(c.session.count.Load()),
			Dropped: c.session.lost.Load(),
		})
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
		if c.connect.id == client {
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
