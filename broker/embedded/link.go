package embedded

import (
	"context"
	"fmt"
	"sync"

	"home.arpa/homehub/broker"
)

// Link is the hub's way into the broker: direct calls into the router, no connection. Its handler is called in the
// goroutine of the publisher's connection, with no lock held, and may wait: that holds this one publisher back.
type Link struct {
	broker *Broker

	mu      sync.Mutex
	wants   map[string]byte // declared filters
	handler broker.Handler  // set while Run runs
	life    context.Context // Run's; handlers are called from elsewhere and must end with it
	calls   sync.WaitGroup
}

// Link returns a new link. Most programs need one.
func (b *Broker) Link() *Link { return &Link{broker: b, wants: map[string]byte{}} }

// Run hands what the broker gets for the link's subscriptions to h, until ctx ends. It is called once. It returns when every
// call of h has returned.
func (l *Link) Run(ctx context.Context, h broker.Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := l.open(ctx, h); err != nil {
		return err
	}
	const where = "the embedded broker"
	h.HandleLink(true, "connected to "+where)
	for _, sub := range l.declared() {
		l.activate(ctx, sub)
	}
	why := "closed the link to " + where
	select {
	case <-ctx.Done():
	case <-l.broker.stopped: // what it has taken is the handler's to finish
		why = where + " has stopped"
		h.HandleLink(false, why)
		<-ctx.Done()
	}
	l.close()
	cancel()
	l.calls.Wait()
	h.HandleLink(false, why)
	return nil
}

func (l *Link) open(ctx context.Context, h broker.Handler) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handler != nil {
		return fmt.Errorf("running the link to the embedded broker: it runs already")
	}
	l.handler, l.life = h, ctx
	l.broker.links.add(l)
	return nil
}

func (l *Link) close() {
	l.broker.links.remove(l)
	l.broker.router.unlink(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handler = nil
}

func (l *Link) declared() []broker.Subscription {
	l.mu.Lock()
	defer l.mu.Unlock()
	subs := make([]broker.Subscription, 0, len(l.wants))
	for filter, qos := range l.wants {
		subs = append(subs, broker.Subscription{Filter: filter, QoS: qos})
	}
	return subs
}

// begin gives the handler for one call, nil when the link is down; done must be called after it.
func (l *Link) begin() (h broker.Handler, life context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handler != nil {
		l.calls.Add(1)
	}
	return l.handler, l.life
}

// handle calls the handler with a message. The call ends with ctx, which the caller has tied to the link's life.
func (l *Link) handle(ctx context.Context, m broker.Message) {
	if h, _ := l.begin(); h != nil {
		defer l.calls.Done()
		h.HandleMessage(ctx, m)
	}
}

// alive is the link's life, nil when it does not run.
func (l *Link) alive() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handler == nil {
		return nil
	}
	return l.life
}

// session calls the handler with news about a session. Such news is not lost with the connection it is about, so only the
// link's end ends the call.
func (l *Link) session(s broker.Session) {
	h, life := l.begin()
	if h == nil {
		return
	}
	defer l.calls.Done()
	h.HandleSession(life, s)
}

// Publish hands a message to the broker, which has taken it when the call returns. It fails with an error that wraps
// broker.ErrTopic when the topic is not a topic name, and with broker.ErrClosed when the link does not run or the broker has
// stopped. It fails, too, when there is no room to retain the message, which its subscribers have got all the same.
func (l *Link) Publish(ctx context.Context, m broker.Message) error {
	if err := broker.ValidTopic(m.Topic); err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	if m.QoS > 2 {
		return fmt.Errorf("publishing to %s: QoS %d is not 0, 1 or 2", m.Topic, m.QoS)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publishing to %s: %w", m.Topic, err)
	}
	h, life := l.begin()
	if h == nil {
		return fmt.Errorf("publishing to %s: %w", m.Topic, broker.ErrClosed)
	}
	defer l.calls.Done()
	select {
	case <-l.broker.stopped: // nothing would keep it, and nobody is there to get it
		return fmt.Errorf("publishing to %s: %w", m.Topic, broker.ErrClosed)
	default:
	}
	var b batch
	defer b.release()
	l.broker.counts.linked.Add(1)
	kept := l.broker.router.route(&message{topic: m.Topic, payload: m.Payload, qos: m.QoS, retain: m.Retain}, nil, l, &b, nil)
	b.settle(life)
	if !kept {
		l.broker.counts.dropped.Add(1)
		l.broker.counts.unkept.Add(1)
		return fmt.Errorf("publishing to %s: delivered, but not retained: no room for more retained messages", m.Topic)
	}
	return nil
}

// Subscribe declares filters whose messages the handler is to get. While the link runs, the subscription is in force and the
// retained messages have been handed to the handler when the call returns.
func (l *Link) Subscribe(subs ...broker.Subscription) {
	for _, sub := range subs {
		if err := broker.ValidFilter(sub.Filter); err != nil {
			l.broker.log.Warn("left out a subscription of the hub", "error", err)
			continue
		}
		if _, _, shared := broker.SplitShared(sub.Filter); shared {
			l.broker.log.Warn("left out a subscription of the hub", "error", "a link cannot share subscriptions", "filter", sub.Filter)
			continue
		}
		if life := l.declare(sub); life != nil {
			l.activate(life, sub)
		}
	}
}

// declare remembers a subscription, and returns the link's life if it runs.
func (l *Link) declare(sub broker.Subscription) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wants[sub.Filter] = min(sub.QoS, 2)
	if l.handler == nil {
		return nil
	}
	return l.life
}

// activate makes a subscription effective and replays what is retained for it. A message that is replaced while it is being
// replayed is replayed again, so that the handler never keeps an older one as the last.
func (l *Link) activate(ctx context.Context, sub broker.Subscription) {
	r := &l.broker.router
	for _, m := range r.link(l, sub) {
		for m != nil && ctx.Err() == nil {
			l.handle(ctx, broker.Message{Topic: m.topic, Payload: m.payload, QoS: min(m.qos, sub.QoS), Retain: true})
			now := r.kept(m.topic)
			if now == m {
				break
			}
			m = now
		}
	}
}

// Unsubscribe takes filters back.
func (l *Link) Unsubscribe(filters ...string) {
	for _, filter := range filters {
		if broker.ValidFilter(filter) == nil {
			l.undeclare(filter)
			l.broker.router.cut(l, filter)
		}
	}
}

func (l *Link) undeclare(filter string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.wants, filter)
}

// link subscribes a link and returns the retained messages for it.
func (r *router) link(l *Link, sub broker.Subscription) (kept []*message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes.Add(1)
	r.links.Set(sub.Filter, l, sub.QoS)
	for m := range r.retained.match(sub.Filter) {
		kept = append(kept, m)
	}
	return kept
}

// cut ends one subscription of a link, unlink all of them.
func (r *router) cut(l *Link, filter string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes.Add(1)
	r.links.Delete(filter, l)
}

func (r *router) unlink(l *Link) {
	for _, sub := range l.declared() {
		r.cut(l, sub.Filter)
	}
}

// kept returns what is retained under a topic.
func (r *router) kept(topic string) *message {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.retained.get(topic)
}

// links are the links that run now.
type links struct {
	mu   sync.Mutex
	open map[*Link]struct{}
}

func (ls *links) add(l *Link) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.open == nil {
		ls.open = map[*Link]struct{}{}
	}
	ls.open[l] = struct{}{}
}

func (ls *links) remove(l *Link) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	delete(ls.open, l)
}

// session tells all links about a session.
func (ls *links) session(s broker.Session) {
	for _, l := range ls.all() {
		l.session(s)
	}
}

func (ls *links) all() []*Link {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	all := make([]*Link, 0, len(ls.open))
	for l := range ls.open {
		all = append(all, l)
	}
	return all
}
