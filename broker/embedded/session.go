package embedded

import (
	"sync"
	"sync/atomic"
	"time"
)

// session is what the broker keeps of one client: subscriptions, messages on their way to it, and the QoS 2 messages that it
// has not released. It lives on when a connection ends, as long as the client asked for in CONNECT.
type session struct {
	id     string
	name   string // the identifier as people see it
	user   string // guarded by the registry
	serial uint64

	permit atomic.Pointer[Permit] // what its client may do
	conn   atomic.Pointer[conn]   // the connection that messages go to, nil while there is none
	keeps  atomic.Bool            // it outlives its connection
	hungry atomic.Bool            // something waits for room in the outbox
	lost   atomic.Uint64          // messages that found no room

	subs   map[string]*subscription // by filter as the client wrote it; guarded by the router
	levels int                      // of all their filters; guarded by the router
	count  atomic.Int32             // len(subs)

	expiry  uint32    // seconds that it outlives its connection; guarded by the registry
	expires time.Time // guarded by the registry: when it ends, zero while connected or if never

	mu       sync.Mutex
	queue    queue
	received map[uint16]struct{} // QoS 2 packet identifiers of the client's that wait for PUBREL
	replays  []replay            // retained messages that wait for room
	floor    uint64              // when it is brought back: entries with a lower number are known to the checkpoint
	window   int                 // how many of the queue may be on their way at once
	ended    bool                // nothing may be added any more
	settled  chan struct{}       // of one that ends: closed when all that was added is in the journal; nil if nobody waits for that
}

// attach makes a connection the one that messages go to, beginning with what is on hand.
func (s *session) attach(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.cause.Load() != nil {
		return
	}
	s.window = min(int(c.connect.receiveMaximum), c.options.MaxInflight)
	s.conn.Store(c)
	s.pump(c)
}

// detach ends that.
func (s *session) detach(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn.CompareAndSwap(c, nil) {
		s.queue.rewind()
	}
	s.hungry.Store(false)
}

// end lets nothing be added any more, and waits until all that was is in the journal. Those who are about to write it down need nothing that
// whoever ends a session may hold.
func (s *session) end() {
	if settled := s.close(); settled != nil {
		<-settled
	}
}

func (s *session) close() (settled <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.settled == nil && !s.queue.accounted() {
		s.settled = make(chan struct{})
	}
	return s.settled
}

// attached is the session whose messages go to this connection, nil when there is none.
func (c *conn) attached() *session {
	if c.opened.Load() && c.session.conn.Load() == c {
		return c.session
	}
	return nil
}

// answer is what becomes of a message that a session was offered.
type answer byte

const (
	accepted answer = iota // it is on its way to the client, or the client's business
	declined               // the session takes nothing: it is ending, its client is not there for QoS 0, or may not have the message
	crammed                // there is no room
)

// offer gives the session a message, by a shared subscription with this key if it is not empty. For QoS 0 it goes to the present
// connection or nowhere; for QoS 1 and 2 it is queued first, within limits.
func (s *session) offer(o outgoing, share string, b *batch, r *router, limits *Options) answer {
	if o.level > 0 {
		return s.enqueue(delivery{outgoing: o, share: share}, b, r, limits)
	}
	c := s.conn.Load()
	switch {
	case c == nil, !s.may().MayReceive(o.topic):
		return declined
	case s == b.own:
		b.aside, b.selfish = append(b.aside, o), true
		return accepted
	case c.tooLarge(&o):
		r.counts.dropped.Add(1)
		return accepted
	case c.out.publish(&o, c.connect.version == mqtt5, limits.MaxQueuedBytes, limits.MaxQueuedInAll):
		b.touch(c)
		return accepted
	case c.cause.Load() != nil:
		return declined
	}
	return crammed
}

// enqueue puts a message into the queue. In a lasting session it leaves when batch.account has written it into the journal.
func (s *session) enqueue(d delivery, b *batch, r *router, limits *Options) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conn.Load()
	switch {
	case s.ended, c == nil && !s.keeps.Load(), !s.may().MayReceive(d.topic):
		return declined
	case !s.queue.room(d.weight(), limits):
		return crammed
	}
	lasts := s.keeps.Load()
	d.ready, d.borrowed = r.ledger == nil || !lasts, b.borrowed && !lasts // a checkpoint looks at what a lasting session has
	d.seq = s.queue.push(d)
	switch {
	case !d.ready:
		b.owed = append(b.owed, owed{s, d})
	case s == b.own:
		b.selfish = true
	case c != nil && s.pump(c):
		b.touch(c)
	}
	return accepted
}

// sendOwn sends a publisher what it gets of its own QoS 2 message, which was put off until PUBREC stood before it: a client that sees the
// message first has to make sense of what it does not know to be received yet.
func (c *conn) sendOwn() {
	b := &c.batch
	b.own = nil
	if !b.selfish {
		return
	}
	b.selfish = false
	c.acknowledge()
	aside := b.aside
	b.aside = nil
	for _, o := range aside {
		if c.session.offer(o, "", b, &c.broker.router, c.broker.options()) == crammed {
			c.broker.lost(c.session)
		}
	}
	c.session.again(c, b)
}
