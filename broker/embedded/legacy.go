package embedded

import (
	"context"
	"time"
)

// bury takes away a session that has ended, and returns the position at which that is written down. What it had not acknowledged of
// shared subscriptions goes to other members (section 4.8.2), after it went into the journal for this one and before the end does: were it
// handed on sooner, a crash could leave it with the other member and its publisher without a receipt, who would send it again. The caller has
// held the ledger since before he took the session out of the registry: a checkpoint has the session, or sees what becomes of its messages.
func (b *Broker) bury(s *session) position {
	b.router.forget(s)
	s.end()
	if orphans := s.discard(); len(orphans) > 0 {
		var owed batch
		defer owed.release()
		for i := range orphans {
			b.router.handOn(s, &orphans[i], &owed)
		}
		owed.settle(context.Background()) // there are no handlers to be called: links have no shared subscriptions
	}
	return b.ledger.end(s)
}

// discard empties a session that has ended, and returns what others may get in its place: not what was sent with QoS 2, which
// its client may have taken [MQTT-4.8.2-5].
func (s *session) discard() (orphans []delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.queue.entries[s.queue.head:] {
		if d.share != "" && (d.level == 1 || !d.attempted) && !d.expired(time.Now()) {
			orphans = append(orphans, d)
		}
	}
	s.ended = true
	s.queue.count(-s.queue.bytes)
	s.queue, s.received, s.replays = queue{all: s.queue.all}, nil, nil
	return orphans
}

// handOn gives a message that a session which ends leaves behind to another member of its shared subscription, if there is one. The
// caller holds the ledger's fence.
func (r *router) handOn(s *session, d *delivery, b *batch) {
	if g := r.group(d.share); g != nil {
		b.left = owed{s, *d}
		r.share(d.message, g, b, r.limits())
		b.account(d.message, r)
		b.left = owed{}
	}
}
