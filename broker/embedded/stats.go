package embedded

import "sync/atomic"

// counts are the broker's numbers as they run.
type counts struct {
	connections   atomic.Uint64 // accepted since the start
	connected     atomic.Int64
	most          atomic.Int64  // connected at once
	linked        atomic.Uint64 // messages from links
	repeated      atomic.Uint64 // messages that were sent to their client before
	dropped       atomic.Uint64
	overflowed    atomic.Uint64 // of those, the ones for which a client's queue had no room
	unkept        atomic.Uint64 // of those, the ones for which there was no room among the retained
	subscriptions atomic.Int64
	expired       atomic.Uint64 // sessions whose client did not come back in time
}

// arrived counts a client that has connected.
func (n *counts) arrived() {
	n.connections.Add(1)
	now := n.connected.Add(1)
	for most := n.most.Load(); now > most && !n.most.CompareAndSwap(most, now); most = n.most.Load() {
	}
}

// Stats are the broker's numbers at one moment. Those of messages, bytes and connections count from the start of the broker.
type Stats struct {
	// Connected clients now, Most of them at once since the start, Sessions in all (with those whose clients are away), Expired those
	// whose client did not come back in time, Connections accepted, Sockets those that the gate let in, with those that were
	// refused later.
	Connected, Most, Sessions     int
	Expired, Connections, Sockets uint64
	// MessagesReceived from clients and links, MessagesSent to clients, MessagesDropped because a client's queue was full,
	// the message too large for it or expired, or nothing more could be retained: all of these, and those for want of room in a client's
	// queue (Overflowed) and among the retained (Unkept).
	MessagesReceived, MessagesSent, MessagesDropped, Overflowed, Unkept uint64
	// BytesReceived and BytesSent on all connections.
	BytesReceived, BytesSent uint64
	// In is what came over all connections, Out what went to them, message by message: a link has no part in it.
	In, Out Flow
	// Retained messages and their size in bytes, with that of the tree of their topics, those of $SYS left out; Subscriptions of all sessions, of
	// which Shared are shared; messages Queued for clients and their size in bytes.
	Retained, RetainedBytes, Subscriptions, Shared, Queued, QueuedBytes int
	// Refused counts what Refusals lists, by class: of connections "password", "anonymous" (no credentials), "client_id" (another user's),
	// "will" (to where it may not publish), "limit", "tls" (no handshake), "protocol", "origin" (a page that
	// may not connect) and "other"; and "publish" and "subscribe".
	Refused map[string]uint64
	// JournalBytes written and JournalSyncs since the start, and JournalErr, why the journal cannot be written now, empty if it can.
	JournalBytes, JournalSyncs uint64
	JournalErr                 string
}

// Stats returns the broker's numbers.
func (b *Broker) Stats() Stats {
	s := b.figures()
	s.Refused = b.gate.refusals.counted()
	return s
}

// figures are the Stats without Refused. It looks at every connection and every session.
func (b *Broker) figures() Stats {
	n := &b.counts
	repeated := n.repeated.Load() // before what it is a part of
	s := Stats{
		Connected: int(n.connected.Load()), Most: int(n.most.Load()), Expired: n.expired.Load(), Connections: n.connections.Load(),
		MessagesDropped: n.dropped.Load(), Overflowed: n.overflowed.Load(), Unkept: n.unkept.Load(),
		Subscriptions: int(n.subscriptions.Load()), Shared: b.router.sharers(),
	}
	s.Retained, s.RetainedBytes = b.router.retainedSize()
	s.In, s.Out = b.gate.flows()
	s.MessagesReceived, s.MessagesSent = s.In.Published()+n.linked.Load(), s.Out.Published()-repeated
	s.BytesReceived, s.BytesSent = s.In.Bytes, s.Out.Bytes
	if b.ledger != nil {
		j := b.ledger.log.Stats()
		s.JournalBytes, s.JournalSyncs = j.Bytes, j.Syncs
		if err := b.ledger.log.Err(); err != nil {
			s.JournalErr = err.Error()
		}
	}
	s.Sockets = b.gate.admitted()
	sessions := b.registry.all()
	s.Sessions = len(sessions)
	for _, each := range sessions {
		count, bytes := each.waiting()
		s.Queued += count
		s.QueuedBytes += bytes
	}
	return s
}

func (r *router) retainedSize() (count, bytes int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.retained.count, r.retained.bytes
}

// sharers is the number of subscriptions that are shared.
func (r *router) sharers() (count int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, g := range r.groups {
		count += len(g.all())
	}
	return count
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

// waiting is what is queued for the session's client, messages and bytes.
func (s *session) waiting() (count, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.len(), s.queue.bytes
}

func (g *gate) admitted() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sockets
}
