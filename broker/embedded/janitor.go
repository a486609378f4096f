package embedded

import (
	"context"
	"time"
)

// expiryPeriod is how often expired retained messages are looked for.
const expiryPeriod = time.Minute

// janitor does what is due by the clock.
type janitor struct {
	wake chan struct{} // holds one wish to look again
}

// poke makes the janitor look again when something may be due.
func (j *janitor) poke() {
	select {
	case j.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// sweep ends expired sessions and publishes wills that are due, and writes retained messages of QoS 0 down once in a while, until ctx
// ends. It has one alarm for all that.
func (b *Broker) sweep(ctx context.Context) {
	alarm := time.AfterFunc(expiryPeriod, b.janitor.poke)
	defer alarm.Stop()
	expires, writes := time.Now().Add(expiryPeriod), time.Now().Add(b.options().DurabilityInterval)
	for {
		now := time.Now()
		due := b.tidy(ctx, now)
		if !now.Before(expires) {
			b.router.expire(now)
			expires = now.Add(expiryPeriod)
		}
		if !now.Before(writes) {
			if b.ledger != nil {
				b.router.write(ctx, b.ledger)
			}
			writes = now.Add(b.options().DurabilityInterval)
		}
		for _, t := range []time.Time{expires, writes} {
			if due.IsZero() || t.Before(due) {
				due = t
			}
		}
		alarm.Reset(max(1, time.Until(due))) // not 0: in tests, Go's race detector does not bear a timer of a bubble that is due when it is set
		select {
		case <-ctx.Done():
			return
		case <-b.janitor.wake:
		}
	}
}

// tidy does what is due, and says when it has to be called again at the latest, zero for never.
func (b *Broker) tidy(ctx context.Context, now time.Time) (next time.Time) {
	over, wills, next := b.registry.due(now)
	for id, w := range wills {
		b.ledger.yield(ctx)
		b.publishOverdue(id, w)
	}
	for _, s := range over {
		if b.expire(ctx, s, now) {
			b.counts.expired.Add(1)
			b.log.Info("session expired", "client", s.name)
		}
	}
	return next
}

// expire ends a session whose time has come. Each has its turn: what all of them leave behind may be much.
func (b *Broker) expire(ctx context.Context, s *session, now time.Time) bool {
	defer b.survive("ending a session", s.name)
	b.ledger.yield(ctx)
	b.ledger.hold()
	defer b.ledger.letGo()
	if !b.registry.expire(s, now) {
		return false
	}
	b.bury(s)
	return true
}

// survive is deferred where a panic must end nothing but what is being done for a client.
func (b *Broker) survive(while, client string) {
	if r := recover(); r != nil {
		b.failed(while, client, r)
	}
}

// due lists the sessions and the wills whose time has come, and says when the next one will have. A will stays in its place until it has been
// published, a session until expire takes it away.
func (r *registry) due(now time.Time) (over []*session, wills map[string]*overdueWill, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.look = time.Time{}
	wills = map[string]*overdueWill{}
	for id, w := range r.wills {
		switch {
		case w.due.IsZero(), w.leaving:
		case now.Before(w.due):
			r.expect(w.due)
		default:
			w.leaving = true
			wills[id] = w
		}
	}
	for id, s := range r.sessions {
		switch {
		case s.expires.IsZero(), r.holders[id] != nil:
		case now.Before(s.expires):
			r.expect(s.expires)
		default:
			over = append(over, s)
		}
	}
	return over, wills, r.look
}

// expect says whether a time, zero for never, is before the janitor looks again, and makes it the one. Of many clients that leave one after the
// other, mostly only the first has something that is due before all that is known: looking takes long. The caller holds the lock.
func (r *registry) expect(due time.Time) (sooner bool) {
	if sooner = !due.IsZero() && (r.look.IsZero() || due.Before(r.look)); sooner {
		r.look = due
	}
	return sooner
}

// expire takes a session away whose time had come, and says whether it was still so.
func (r *registry) expire(s *session, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sessions[s.id] != s || r.holders[s.id] != nil || !s.over(now) {
		return false
	}
	delete(r.sessions, s.id)
	return true
}
