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
		due := b.tidy(now)
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
		alarm.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return
		case <-b.janitor.wake:
		}
	}
}

// tidy does what is due, and says when it has to be called again at the latest, zero for never.
func (b *Broker) tidy(now time.Time) (next time.Time) {
	ended, wills, next := b.endOverdue(now)
	for id, w := range wills {
		b.publishOverdue(id, w)
	}
	b.counts.expired.Add(uint64(len(ended)))
	for _, s := range ended {
		b.log.Info("session expired", "client", s.name)
	}
	return next
}

// endOverdue ends the sessions that are due, and lists the wills that are.
func (b *Broker) endOverdue(now time.Time) (ended []*session, wills map[string]*overdueWill, next time.Time) {
	b.ledger.hold()
	defer b.ledger.letGo()
	ended, wills, next = b.registry.due(now)
	for _, s := range ended {
		b.bury(s)
	}
	return ended, wills, next
}
