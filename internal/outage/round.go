package outage

import (
	"context"
	"errors"
	"time"
)

// glance is how often something that is waited for is looked at.
const glance = 5 * time.Millisecond

// until waits until something is so. Its error is that of ctx.
func until(ctx context.Context, so func() bool) error {
	each := time.NewTicker(glance)
	defer each.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-each.C:
		}
	}
	return nil
}

// Ready connects everybody, and returns when all subscriptions are acknowledged.
func (w *Witnesses) Ready(ctx context.Context) error {
	for _, r := range w.readers {
		r.want()
	}
	for _, p := range w.writers() {
		p.want()
	}
	for _, r := range w.readers {
		if err := until(ctx, r.ready); err != nil {
			return err
		}
	}
	w.closing.write(1)
	for _, p := range w.writers() {
		if err := until(ctx, p.idle); err != nil {
			return err
		}
	}
	return nil
}

// Begin begins a round: some subscribers leave, some hold back their acknowledgements, clients with wills take their places, and each
// publisher gets count messages to send, which it does while Begin returns.
func (w *Witnesses) Begin(ctx context.Context, count int) error {
	for i, r := range w.sleepers {
		r.withdraw([]manner{goodbye, cut}[(i+w.round)%2])
	}
	for _, r := range w.readers {
		r.hold(true)
	}
	if err := w.born(ctx, w.round); err != nil {
		return err
	}
	w.round++
	for _, p := range append(w.loaders[:len(w.loaders):len(w.loaders)], w.keepers...) {
		p.write(count)
	}
	return nil
}

// Outage is called right before the broker is killed, also before it is killed again in the same round.
func (w *Witnesses) Outage() {
	w.ledger.Outage()
	for _, m := range w.mortals.stay {
		m.forsake()
	}
}

// Restarted is called when the broker has died and its program is about to be started again.
func (w *Witnesses) Restarted() {
	for _, m := range w.mortals.stay {
		w.ledger.Gone(m.hello.id, false)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.restarted, w.waiting = time.Now(), true
}

// Answered says whether a message has been acknowledged since Restarted.
func (w *Witnesses) Answered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.waiting
}

// Acknowledged counts the messages that were acknowledged so far.
func (w *Witnesses) Acknowledged() int {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	return w.ledger.counts.Acknowledged
}

// since says whether a client's connection is younger than the restart.
func (w *Witnesses) since(c *client) func() bool {
	return func() bool {
		w.mu.Lock()
		restarted := w.restarted
		w.mu.Unlock()
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.link != nil && !c.link.born.Before(restarted)
	}
}

// errSilent is that a broker, after a restart, does not take what it is sent.
var errSilent = errors.New("the broker does not acknowledge everything")

// Settle ends a round: everybody comes back, nobody holds anything back any more, and the retained messages are looked at. It
// returns when the publishers have sent everything and everything acknowledged has come, or when nothing has come for a while. The
// error is that of ctx, or says that the broker is silent.
func (w *Witnesses) Settle(ctx context.Context) error {
	for _, r := range w.sleepers {
		r.want()
	}
	if err := w.inspect(ctx); err != nil {
		return err
	}
	for _, r := range w.readers {
		if err := until(ctx, func() bool { return w.since(r.client)() && r.ready() }); err != nil {
			return err
		}
		r.hold(false)
	}
	if err := w.reborn(ctx); err != nil {
		return err
	}
	if err := w.drain(ctx); err != nil {
		return err
	}
	return w.rest(ctx)
}

// rest makes sure that the broker has taken what the subscribers acknowledged, which nothing but the answer to a later packet tells, and
// writes that down. Where something is missing, or a connection ends, there is no rest.
func (w *Witnesses) rest(ctx context.Context) error {
	for _, r := range w.readers {
		if taken, err := r.confirm(ctx); err != nil || !taken {
			return err
		}
	}
	if missing, _ := w.ledger.progress(); missing == 0 {
		w.ledger.Rest()
	}
	return nil
}

// inspect looks at the retained messages as soon as the broker is there.
func (w *Witnesses) inspect(ctx context.Context) error {
	i := &inspector{client: w.newClient("inspector", mqtt5, 0), ledger: w.ledger, filter: keepFilter, last: lastTopic}
	i.role = i
	living, end := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		i.run(living)
	}()
	defer func() { end(); <-ended }()
	i.want()
	if err := until(ctx, w.since(i.client)); err != nil {
		return err
	}
	patient, giveUp := context.WithTimeout(ctx, w.options.Quiet)
	defer giveUp()
	_ = until(patient, i.done) // what has not come by then is judged
	if ctx.Err() != nil {
		return ctx.Err()
	}
	i.finish()
	return nil
}

// drain waits until everything has come, or nothing comes any more.
func (w *Witnesses) drain(ctx context.Context) error {
	seen, at := -1, time.Now()
	silent := false
	err := until(ctx, func() bool {
		missing, events := w.ledger.progress()
		idle := w.idle()
		if idle && missing == 0 {
			return true
		}
		if events != seen {
			seen, at = events, time.Now()
		}
		silent = !idle
		return time.Since(at) > w.options.Quiet
	})
	if err == nil && silent && !w.idle() {
		return errSilent
	}
	return err
}

func (w *Witnesses) idle() bool {
	for _, p := range w.writers() {
		if !p.idle() {
			return false
		}
	}
	return true
}

// Stop takes back what the publishers have not begun to send.
func (w *Witnesses) Stop() {
	for _, p := range w.writers() {
		p.stop()
	}
}

// aftermath is how long to wait for wills that should not come, when all those that should have come.
const aftermath = time.Second

// Finish waits for the wills that are due at a stage, as long as a broker may keep them.
func (w *Witnesses) Finish(ctx context.Context, stage Stage) error {
	patient, giveUp := context.WithTimeout(ctx, w.options.Grace)
	defer giveUp()
	_ = until(patient, func() bool { return w.ledger.owed(stage) == 0 }) // what has not come by then is judged
	select {
	case <-ctx.Done():
	case <-time.After(aftermath):
	}
	return ctx.Err()
}

// Verdict says what has been found so far.
func (w *Witnesses) Verdict(stage Stage) Verdict { return w.ledger.Judge(stage) }
