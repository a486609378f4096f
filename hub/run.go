package hub

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// Started is closed when the hub's filters are declared and everything that an embedded broker keeps for them has been
// taken in. With another broker it is closed at the latest a few seconds after the start, connected or not.
func (h *Hub) Started() <-chan struct{} { return h.started }

// Run is the hub's life: it runs the link, and takes in, keeps and publishes until ctx ends; then it returns nil after
// everything that it started has ended, the outbox has been given a moment, and the recorder is flushed. It returns an
// error when the link can never work. It is called once; the store remains open.
func (h *Hub) Run(ctx context.Context) error {
	defer close(h.stopped)
	life, cancel := context.WithCancel(ctx)
	defer cancel()
	background := context.WithoutCancel(ctx)

	recorderStop, dispatcherStop := make(chan struct{}), make(chan struct{})
	var recording, dispatching, linking sync.WaitGroup
	recording.Go(func() { h.recorder.run(background, recorderStop, h.keep) })
	publishing, stopPublishing := context.WithCancel(background)
	defer stopPublishing()
	dispatching.Go(func() { h.dispatch(publishing, dispatcherStop) })
	linkLife, stopLink := context.WithCancel(background)
	defer stopLink()
	var linkErr error
	linking.Go(func() {
		linkErr = h.link.Run(linkLife, h)
		if linkErr == nil && linkLife.Err() == nil {
			linkErr = errors.New("the link to the broker ended")
		}
		cancel()
	})
	linking.Go(func() { h.declare(life) })

	h.work(life)

	// From the top down: nobody waits for the inbox any more; then what was decided is saved, then it is published.
	close(h.stopping)
	close(recorderStop)
	recording.Wait()
	close(dispatcherStop)
	drained := time.AfterFunc(drainTime, stopPublishing)
	dispatching.Wait()
	drained.Stop()
	stopLink()
	linking.Wait()
	if linkErr != nil {
		return fmt.Errorf("running the link: %w", linkErr)
	}
	return nil
}

// declare subscribes to what the hub needs, as soon as the link has said how it is: an embedded one then replays what is
// retained before it returns.
func (h *Hub) declare(ctx context.Context) {
	timer := time.NewTimer(startPatience)
	defer timer.Stop()
	select {
	case <-h.heardLink:
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	subs := h.filters.all()
	if h.exporter != nil {
		subs = append(subs, broker.Subscription{Filter: h.exporter.All(), QoS: 1})
	}
	for _, a := range h.announcers {
		subs = append(append(subs, a.Filters()...), a.Births()...)
	}
	h.link.Subscribe(subs...)
	h.inbox.put(ctx, "", item{then: func() {
		close(h.started)
		if h.linkState.Load().up {
			h.greetAt = time.Now().Add(grace)
		}
	}})
}

// work is the hub's goroutine.
func (h *Hub) work(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	h.step(h.begin)
	h.running.Store(true)
	defer h.running.Store(false)
	for {
		h.arm(timer)
		select {
		case <-ctx.Done():
			h.step(h.empty)
			h.step(h.keepAllHabits)
			h.step(func(time.Time) { h.exportRoot(false) })
			return
		case it := <-h.inbox.queue:
			h.step(func(now time.Time) { h.takeSome(now, it) })
		case f := <-h.requests:
			h.step(f)
		case r := <-h.results:
			h.step(func(now time.Time) { h.published(now, r) })
		case <-h.linkNews:
			h.step(h.linkChanged)
		case <-timer.C:
			h.step(h.tick)
		}
	}
}

// step does one piece of work under the lock, and wakes those who wait for what it produced.
func (h *Hub) step(f func(now time.Time)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.feed.begin()
	defer h.feed.end()
	f(time.Now().UTC())
	h.keepSamples()
}

// keepSamples gives the recorder what has been reported in this step.
func (h *Hub) keepSamples() {
	if len(h.samples) > 0 {
		h.recorder.keep(h.samples)
		h.samples = h.samples[:0]
	}
}

// takeSome takes an item of the inbox, and some more that are there already, so that the lock is not fetched for each.
func (h *Hub) takeSome(now time.Time, it item) {
	for n := 0; ; n++ {
		h.take(now, it)
		h.inbox.taken(it)
		if n == 63 {
			return
		}
		select {
		case it = <-h.inbox.queue:
		default:
			return
		}
	}
}

// empty takes what is in the inbox at the end, so that what publishers were told to be taken is.
func (h *Hub) empty(now time.Time) {
	for range cap(h.inbox.queue) {
		select {
		case it := <-h.inbox.queue:
			h.take(now, it)
			h.inbox.taken(it)
		default:
			return
		}
	}
}

// begin tells what happened at the restart, and publishes the devices that are known.
func (h *Hub) begin(now time.Time) {
	for _, r := range h.early {
		h.emit(now, r.entry, r.events)
	}
	h.early = nil
	for _, e := range h.byID {
		h.describe(e)
	}
	h.exportRoot(true) // behind the devices: what is said of them holds by then
	h.listenAt = now.Add(lookAround)
	h.beginTidying(now)
}

// arm sets the timer to the earliest deadline.
func (h *Hub) arm(timer *time.Timer) {
	now := time.Now()
	at := h.retryAt
	earlier := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	earlier(h.tidy.at)
	earlier(h.greetAt)
	earlier(h.rootAt)
	for i := range h.questions {
		if q := &h.questions[i]; len(q.waiting) > 0 {
			earlier(q.next)
		}
	}
	earlier(h.listenAt)
	for e := range h.busy {
		if t, ok := e.twin.Next(now); ok {
			earlier(t)
		}
	}
	if at.IsZero() {
		timer.Stop()
		return
	}
	timer.Reset(max(1, at.Sub(now))) // not 0: in tests, Go's race detector does not bear a timer of a bubble that is due when it is set
}

// tick does what has come due.
func (h *Hub) tick(now time.Time) {
	if due(now, h.retryAt) {
		h.retryAt = time.Time{}
	}
	for e := range h.busy {
		h.expire(now, e)
		if h.retryAt.IsZero() { // else they would only be held back again
			h.sendWaiting(now, e)
		}
	}
	if due(now, h.listenAt) {
		h.listenAt = now.Add(lookAround)
		h.listenFor(now)
	}
	if due(now, h.tidy.at) {
		h.endTidying()
	}
	if due(now, h.rootAt) {
		h.exportRoot(true)
	}
	if due(now, h.greetAt) {
		h.greetAt = time.Time{}
		h.greet(now)
	}
	h.askNext(now)
}

// expire does what a device's time has come for.
func (h *Hub) expire(now time.Time, e *entry) {
	for _, event := range e.twin.Expire(now) {
		h.emitOne(now, e, event)
		if r, ok := event.(devices.Reported); ok { // nobody reported it, but it is so
			h.lead(now, devices.Path{Device: e.id(), Ref: r.Ref}, r.Value)
		}
	}
	if !e.twin.Timed() {
		delete(h.busy, e)
	}
}

func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

// HandleLink is part of LinkHandler.
func (h *Hub) HandleLink(up bool, detail string) {
	h.linkState.Store(&linkState{up, detail})
	select {
	case h.linkNews <- struct{}{}:
	default: // the hub's goroutine has not yet looked at the news before; it will see this
	}
	h.outbox.wake()
	h.hearOnce.Do(func() { close(h.heardLink) })
}

// linkChanged takes the link's news. The twins are left as they are when it goes down: nothing is known of the devices
// then, least of all that they have gone.
func (h *Hub) linkChanged(now time.Time) {
	l := h.linkState.Load()
	h.log.Info("link changed", "up", l.up, "detail", l.detail)
	if !l.up {
		h.deafen()
		return
	}
	h.listening = now
	h.retryAt, h.greetAt = now.Add(grace), now.Add(grace)
	h.tidyLater(now)
	if h.wasUp { // the broker may have been restarted, and have forgotten
		for _, e := range h.byID {
			h.describe(e)
		}
		h.exportRoot(true)
	}
	h.wasUp = true
}

// ask has the hub's goroutine do something, and returns when it is done.
func (h *Hub) ask(ctx context.Context, f func(now time.Time)) error {
	if !h.running.Load() {
		return ErrStopped
	}
	done := make(chan struct{})
	select {
	case h.requests <- func(now time.Time) { defer close(done); f(now) }:
		<-done
		return nil
	case <-h.stopping:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}
