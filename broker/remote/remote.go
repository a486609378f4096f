// Package remote is the link to a broker elsewhere, over the network and MQTT 5: what the hub uses instead of the embedded
// broker, and a plain MQTT client for the simulator and for tests.
//
// The connection is made again for as long as it is wanted. Every connection begins with a fresh session: what is declared
// is subscribed anew and the broker replays what it retains, so that nobody goes on with stale state. Unretained messages of
// the time in between are missed. Messages that wait for our handler are at most 1024; beyond that the broker keeps them,
// within its own limits. The package decides nothing about topics and payloads.
package remote

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"home.arpa/homehub/broker"
)

// Link is a client's side of a connection to a broker that is made again when it breaks.
type Link struct {
	options  Options
	target   target
	declared *declared

	mu      sync.Mutex
	session *session      // nil while the link is down
	changed chan struct{} // closed and replaced when session changes
	running bool

	abandoned   chan struct{}
	abandonOnce sync.Once
	busy        atomic.Int32 // handlers at work
}

// session is one connection to the broker, from its CONNACK on.
type session struct {
	client        *paho.Client
	ctx           context.Context // ends with the connection
	maxQoS        byte
	maxPacketSize uint32 // 0: no limit
}

// New checks the options. Nothing is connected until Run.
func New(o Options) (*Link, error) {
	t, err := o.check()
	if err != nil {
		return nil, fmt.Errorf("preparing the link to the broker: %w", err)
	}
	return &Link{options: o, target: t, declared: newDeclared(), changed: make(chan struct{}), abandoned: make(chan struct{})}, nil
}

// Func is a broker.Handler for those who want messages only.
type Func func(ctx context.Context, m broker.Message)

// HandleMessage calls f.
func (f Func) HandleMessage(ctx context.Context, m broker.Message) { f(ctx, m) }

// HandleSession does nothing.
func (f Func) HandleSession(context.Context, broker.Session) {}

// HandleLink does nothing.
func (f Func) HandleLink(bool, string) {}

// Run holds the connection up and hands what arrives to h, one message at a time, until ctx ends or Abandon is called; then
// it says goodbye to the broker (unless abandoned) and returns nil. A broker that cannot be reached or refuses the login is
// tried again, after 0.1 s at first and 30 s at most: it may have been started late, or the password be mended there.
// HandleLink hears of it. Run must be called once only.
//
// A handler that waits holds up all messages of the link, and nothing else. With no handler (nil) messages are dropped.
func (l *Link) Run(ctx context.Context, h broker.Handler) error {
	l.mu.Lock()
	again := l.running
	l.running = true
	l.mu.Unlock()
	if again {
		return fmt.Errorf("running the link to %s: it was run before", l.name())
	}
	if h == nil {
		h = Func(func(context.Context, broker.Message) {})
	}
	news := reporter{link: l, handler: h}
	var wait backoff
	for ctx.Err() == nil && !l.isAbandoned() {
		began := time.Now()
		wasUp, err := l.connect(ctx, h, &news)
		if ctx.Err() != nil || l.isAbandoned() {
			break
		}
		news.down(wasUp, err)
		if wasUp && time.Since(began) > 10*time.Second {
			wait = 0
		}
		select {
		case <-time.After(wait.next()):
		case <-ctx.Done():
		case <-l.abandoned:
		}
	}
	news.closed()
	return nil
}

// Abandon ends Run without a goodbye, as if the power had failed: the broker publishes the will.
func (l *Link) Abandon() { l.abandonOnce.Do(func() { close(l.abandoned) }) }

func (l *Link) isAbandoned() bool {
	select {
	case <-l.abandoned:
		return true
	default:
		return false
	}
}

// Subscribe declares what the handler is to get; it may be called at any time, also by the handler. It does not wait: the
// broker is told as soon as possible, and again after each reconnect, and replays what it retains each time. Invalid
// filters, and shared ones, are logged and left out.
func (l *Link) Subscribe(subs ...broker.Subscription) {
	for _, sub := range subs {
		if err := broker.ValidFilter(sub.Filter); err != nil {
			l.options.Logger.Warn("left out a subscription", "error", err)
		} else if _, _, shared := broker.SplitShared(sub.Filter); shared {
			l.options.Logger.Warn("left out a subscription", "error", "a link cannot share subscriptions", "filter", sub.Filter)
		} else {
			l.declared.add(sub)
		}
	}
}

// Unsubscribe takes filters back.
func (l *Link) Unsubscribe(filters ...string) {
	for _, f := range filters {
		l.declared.remove(f)
	}
}

// Sync waits until the link is up and the broker has acknowledged everything that was subscribed and unsubscribed so far. It
// returns the error of ctx when that ends first. A handler must not call it.
func (l *Link) Sync(ctx context.Context) error {
	for {
		s, changed := l.current()
		if s == nil {
			select {
			case <-ctx.Done():
				return fmt.Errorf("waiting for %s: %w", l.name(), ctx.Err())
			case <-changed:
			}
			continue
		}
		if err := l.declared.settled(ctx); err != nil {
			return fmt.Errorf("waiting for the subscriptions at %s: %w", l.name(), err)
		}
		if now, _ := l.current(); now == s {
			return nil
		}
	}
}

func (l *Link) current() (*session, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session, l.changed
}

func (l *Link) set(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session = s
	close(l.changed)
	l.changed = make(chan struct{})
}

// name is the broker's URL, for people.
func (l *Link) name() string {
	if l.target.url == "" {
		return "the broker"
	}
	return l.target.url
}

// backoff is how long to wait before the next attempt: twice as long each time, within bounds, and a random part less, so
// that a whole house does not return at the same moment.
type backoff time.Duration

func (b *backoff) next() time.Duration {
	*b = min(max(*b*2, backoff(100*time.Millisecond)), backoff(30*time.Second))
	return time.Duration(*b/2) + rand.N(time.Duration(*b/2))
}
