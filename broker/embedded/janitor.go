package embedded

import (
	"context"
	"time"
)

// snapshotPeriod is how often what has changed is written to the snapshot.
const snapshotPeriod = time.Minute

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

// sweep ends expired sessions, publishes wills that are due, and writes the snapshot each minute, until ctx ends.
func (b *Broker) sweep(ctx context.Context) {
	minute := time.NewTicker(snapshotPeriod)
	defer minute.Stop()
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for {
		next := b.tidy(time.Now())
		if next.IsZero() {
			alarm.Stop()
		} else {
			alarm.Reset(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return
		case <-b.janitor.wake:
		case <-alarm.C:
		case <-minute.C:
			b.router.expire(time.Now())
			if err := b.save(); err != nil {
				b.log.Error("could not write the broker's snapshot", "error", err)
			}
		}
	}
}

// tidy does what is due, and says when it has to be called again at the latest, zero for never.
func (b *Broker) tidy(now time.Time) (next time.Time) {
	ended, wills, next := b.registry.due(now)
	for id, w := range wills {
		b.publishWill(id, w.user, w.will)
	}
	for _, s := range ended {
		b.router.forget(s)
		s.discard()
		b.log.Info("session expired", "client", s.id)
	}
	if len(ended)+len(wills) > 0 {
		b.counts.change()
	}
	return next
}
