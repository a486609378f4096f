// Package hub is the one writer of twins. It takes what arrives over a Link, lets the conventions read it, keeps a twin of
// every device, follows commands until they are confirmed, refused or lapsed, tells everybody what happened through a
// numbered feed, re-publishes every device in one language, and keeps in a Store what must outlive the program.
//
// internal/app builds a Hub and runs it; web and the programs read and steer it through API. The package knows no
// technology: what carries messages is behind Link, what keeps records behind Store, what a device speaks behind
// Convention, what the hub itself speaks behind Exporter. It opens no connection and no file.
//
// One goroutine changes the twins. It never publishes, never waits for a reader of the feed, and never waits for the
// store: an outbox, a ring and a recorder stand between.
package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"home.arpa/homehub/broker"
)

// Options are a Hub's settings. The zero value is a hub that logs nothing, exports nothing and keeps history for ever.
type Options struct {
	// Logger takes what people should know; nil discards it.
	Logger *slog.Logger
	// Exporter re-publishes every device and reads wishes that come by MQTT; nil means that neither happens. The topics
	// under its All are then the hub's alone: what other programs keep there is cleared at the start.
	Exporter Exporter
	// Follows are links from the configuration. They are not stored, and Unfollow does not remove them.
	Follows []Follow
	// Rooms are names of rooms by which the room of a new device is guessed, beside the rooms of known devices and a
	// built-in list of common ones.
	Rooms []string
	// Keep is how long history and ended commands are kept; zero means for ever. It is looked after once an hour.
	Keep time.Duration
}

// Sizes of the hub's queues.
const (
	// inboxSize messages wait for the hub's goroutine; then their publishers are held back. One client may have
	// clientShare of them, so that one that floods does not hold up the others.
	inboxSize   = 1024
	clientShare = inboxSize / 4
	// feedSize events can be read again. A reader that is further behind starts anew from a snapshot.
	feedSize = 4096
	// maxPending commands may be pending; then new ones are turned away.
	maxPending = 10000
	// recentCommands ended commands are remembered for those who ask before the store has them.
	recentCommands = 1024
	// unclaimedFaults of no known device are shown.
	unclaimedFaults = 20
)

const (
	// grace is how long after the link has come up waiting commands go out, so that what the broker replays has said
	// first which devices are there.
	grace = time.Second
	// startPatience is how long the start waits for the link's first news, good or bad.
	startPatience = 3 * time.Second
	// drainTime is how long a stopping hub goes on publishing what is in its outbox.
	drainTime = 500 * time.Millisecond
)

// Keys of log attributes.
const (
	keyDevice  = "device"
	keyTopic   = "topic"
	keyClient  = "client"
	keyCommand = "command"
	keyError   = "error"
	keyReason  = "reason"
)

// Hub is the one writer of twins. Its methods may be called by several goroutines at once. Make one with New.
type Hub struct {
	log         *slog.Logger
	link        Link
	store       Store
	conventions []Convention
	exporter    Exporter
	rooms       []string
	keep        time.Duration

	inbox    *inbox
	filters  filters
	outbox   *outbox
	recorder *recorder
	feed     *feed
	counts   counts

	requests  chan func(now time.Time)
	results   chan result // of commands, from the dispatcher
	linkNews  chan struct{}
	linkState atomic.Pointer[linkState]
	heardLink chan struct{} // closed at the link's first news
	hearOnce  sync.Once

	running  atomic.Bool
	started  chan struct{} // closed when the filters are declared
	stopping chan struct{} // closed when the hub's goroutine takes nothing more
	stopped  chan struct{} // closed when all is flushed

	// mu guards what follows. Only the hub's goroutine writes, but for waits.
	mu        sync.RWMutex
	startedAt time.Time
	byID      map[string]*entry
	byKey     map[deviceKey]*entry
	sessions  map[string]session
	byClient  map[string]map[*entry]struct{}
	follows   []followed
	pending   map[string]*entry // by the ID of the command
	ended     endedCommands
	waits     map[string]chan struct{} // closed when the command has ended
	unclaimed []FaultNote

	// The hub's goroutine's own.
	busy     map[*entry]struct{} // entries with pending commands
	early    []restored          // events of the restart, to be told once the hub runs
	retryAt  time.Time           // when commands that wait for the link are tried again; zero: not at all
	wasUp    bool                // the link has come up once
	tidy     tidying
	onKept   map[string]func() // called when a new command has been saved, by its ID
	lastID   idMaker
	faultLog logLimit

	exportLog logLimit // the dispatcher's own
}

// deviceKey is how a convention names a device.
type deviceKey struct{ convention, key string }

// linkState is what the link said last.
type linkState struct {
	up     bool
	detail string
}

// New returns a hub that knows what the store remembers. It starts nothing: see Run. The error says what is wrong with the
// options, or why the store could not be read.
func New(link Link, store Store, conventions []Convention, o Options) (*Hub, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if len(conventions) > maxConventions {
		return nil, fmt.Errorf("building the hub: %d conventions are more than %d", len(conventions), maxConventions)
	}
	h := &Hub{
		log: o.Logger, link: link, store: store, conventions: conventions, exporter: o.Exporter, rooms: o.Rooms, keep: o.Keep,
		outbox: newOutbox(), recorder: newRecorder(store, o.Logger), feed: newFeed(feedSize),
		requests: make(chan func(time.Time)), results: make(chan result), linkNews: make(chan struct{}, 1),
		heardLink: make(chan struct{}), started: make(chan struct{}), stopping: make(chan struct{}), stopped: make(chan struct{}),
		startedAt: time.Now().UTC(),
		byID:      map[string]*entry{}, byKey: map[deviceKey]*entry{}, sessions: map[string]session{},
		byClient: map[string]map[*entry]struct{}{}, pending: map[string]*entry{}, waits: map[string]chan struct{}{},
		busy: map[*entry]struct{}{}, onKept: map[string]func(){},
	}
	h.inbox = newInbox(inboxSize, clientShare, h.stopping)
	h.linkState.Store(&linkState{detail: "not yet connected"})
	for i, c := range conventions {
		h.filters.fix(i, c.Filters())
	}
	if err := h.restore(o.Follows); err != nil {
		return nil, err
	}
	return h, nil
}

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
	h.link.Subscribe(subs...)
	h.inbox.put(ctx, "", item{then: func() { close(h.started) }})
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
	defer h.feed.wake()
	f(time.Now().UTC())
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
	for e := range h.busy {
		if t, ok := e.twin.Next(now); ok {
			earlier(t)
		}
	}
	if at.IsZero() {
		timer.Stop()
		return
	}
	timer.Reset(max(0, at.Sub(now)))
}

// tick does what has come due.
func (h *Hub) tick(now time.Time) {
	if due(now, h.retryAt) {
		h.retryAt = time.Time{}
	}
	for e := range h.busy {
		h.emit(now, e, e.twin.Expire(now))
		if h.retryAt.IsZero() { // else they would only be held back again
			h.sendWaiting(now, e)
		}
	}
	if due(now, h.tidy.at) {
		h.endTidying()
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
		return
	}
	h.retryAt = now.Add(grace)
	h.tidyLater(now)
	if h.wasUp { // the broker may have been restarted, and have forgotten
		for _, e := range h.byID {
			h.describe(e)
		}
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

var (
	_ API         = (*Hub)(nil)
	_ LinkHandler = (*Hub)(nil)
)
