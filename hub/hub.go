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
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Options are a Hub's settings. The zero value is a hub that logs nothing, exports nothing and keeps history for ever.
type Options struct {
	// Logger takes what people should know; nil discards it.
	Logger *slog.Logger
	// Exporter re-publishes every device and reads wishes that come by MQTT; nil means that neither happens. The topics
	// under its All are then the hub's alone: what other programs keep there is cleared at the start.
	Exporter Exporter
	// Announcers make the devices known to other programs beside; they need an Exporter.
	Announcers []Announcer
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
	// maxFollows links may be made.
	maxFollows = 1000
	// recentCommands ended commands are remembered for those who ask before the store has them.
	recentCommands = 1024
	// deviceFaults of a device, and unclaimedFaults of no known one, are shown.
	deviceFaults    = 5
	unclaimedFaults = 20
)

const (
	// grace is how long after the link has come up the hub greets the devices and waiting commands go out, so that it is
	// subscribed to what is answered, and what the broker replays has said first which devices are there.
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
	exports     string // the filter of all that the exporter makes, empty without one
	announcers  []Announcer
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

	collecting chan struct{}             // has room for the one who looks for leftovers
	collector  atomic.Pointer[collector] // nil: nobody does

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
	byAddress map[string][]*entry // see devices.Device.Addresses
	sessions  map[string]session
	byClient  map[string]map[*entry]struct{}
	follows   []followed
	pending   map[string]*entry // by the ID of the command
	ended     endedCommands
	waits     map[string]chan struct{} // closed when the command has ended
	unclaimed []FaultNote

	// The hub's goroutine's own.
	busy     map[*entry]struct{} // entries with pending commands
	orphans  map[*entry]struct{} // entries whose gateway has not been seen yet
	early    []restored          // events of the restart, to be told once the hub runs
	retryAt  time.Time           // when commands that wait for the link are tried again; zero: not at all
	forgot   time.Time           // when sessions were looked through last
	greetAt  time.Time           // when the devices are asked how they are; zero: not at all
	rootAt   time.Time           // when the export's root is exported anew; zero: not at all
	rooted   bool                // the root is exported
	listenAt time.Time           // when the devices' silence is judged
	// questions are those that wait, by convention.
	questions []questions
	// listening is since when the hub hears what devices say; zero while the link is down.
	listening time.Time
	wasUp     bool // the link has come up once
	tidy      tidying
	onKept    map[string]func() // called when a new command has been saved, by its ID
	lastID    idMaker
	faultLog  logLimit
	touched   []touched // reused by update
	samples   []Sample  // what was reported in this step

	exportLog logLimit // the dispatcher's own, as is patience
	patience  patience
}

// deviceKey is how a convention names a device.
type deviceKey struct{ convention, key string }

// linkState is what the link said last.
type linkState struct {
	up     bool
	detail string
}

// New returns a hub that knows what the store remembers. Of two conventions that describe the same device, the one that stands earlier describes
// it better: those that devices speak natively come before those in which others speak of them. It starts nothing: see Run. The error says what is wrong with the
// options, or why the store could not be read.
func New(link Link, store Store, conventions []Convention, o Options) (*Hub, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if len(o.Announcers) > 0 && o.Exporter == nil {
		return nil, errors.New("building the hub: announcers point to what an exporter publishes, and there is none")
	}
	if len(conventions) > maxConventions {
		return nil, fmt.Errorf("building the hub: %d conventions are more than %d", len(conventions), maxConventions)
	}
	h := &Hub{
		log: o.Logger, link: link, store: store, conventions: conventions, exporter: o.Exporter, announcers: o.Announcers, rooms: o.Rooms, keep: o.Keep,
		outbox: newOutbox(), recorder: newRecorder(store, o.Logger), feed: newFeed(feedSize),
		requests: make(chan func(time.Time)), results: make(chan result), linkNews: make(chan struct{}, 1),
		collecting: make(chan struct{}, 1), heardLink: make(chan struct{}), started: make(chan struct{}), stopping: make(chan struct{}), stopped: make(chan struct{}),
		startedAt: time.Now().UTC(),
		byID:      map[string]*entry{}, byKey: map[deviceKey]*entry{}, byAddress: map[string][]*entry{}, sessions: map[string]session{},
		byClient: map[string]map[*entry]struct{}{}, pending: map[string]*entry{}, waits: map[string]chan struct{}{},
		busy: map[*entry]struct{}{}, orphans: map[*entry]struct{}{}, onKept: map[string]func(){}, questions: make([]questions, len(conventions)),
	}
	h.inbox = newInbox(inboxSize, clientShare, h.stopping)
	if h.exporter != nil {
		h.exports = h.exporter.All()
	}
	h.linkState.Store(&linkState{detail: "not yet connected"})
	for i, c := range conventions {
		h.filters.fix(i, c.Filters())
	}
	if err := h.restore(o.Follows); err != nil {
		return nil, err
	}
	return h, nil
}

var (
	_ API         = (*Hub)(nil)
	_ LinkHandler = (*Hub)(nil)
)
