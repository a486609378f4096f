package hub

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"home.arpa/homehub/broker"
)

const (
	// replayed is how long the broker may be silent, after it was asked what it has retained, before that counts as all.
	replayed = 300 * time.Millisecond
	// replayTime is how long it may take in all.
	replayTime = 5 * time.Second
	// maxLeftovers topics are looked at; a device has a few dozen.
	maxLeftovers = 10000
)

// Leftover is a message that the broker retains in a device's name.
type Leftover struct {
	Topic string `json:"topic"`
	// Bytes is the length of the payload, Sample its beginning.
	Bytes  int    `json:"bytes"`
	Sample string `json:"sample"`
}

// collector gathers the retained messages that a broker replays under some filters.
type collector struct {
	filters []string

	mu    sync.Mutex
	found map[string]Leftover
	last  time.Time
}

// offer takes a message if it is one of those that are sought.
func (c *collector) offer(m broker.Message) {
	if !m.Retain || len(m.Payload) == 0 || !slices.ContainsFunc(c.filters, func(f string) bool { return broker.Match(f, m.Topic) }) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.found) < maxLeftovers {
		c.found[m.Topic] = Leftover{Topic: m.Topic, Bytes: len(m.Payload), Sample: sample(m.Payload)}
	}
	c.last = time.Now()
}

// quiet is for how long nothing has come.
func (c *collector) quiet() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.last)
}

// Leftovers is part of API.
func (h *Hub) Leftovers(ctx context.Context, id string) ([]Leftover, error) {
	found, err := h.leftovers(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("looking for what is retained of %s: %w", id, err)
	}
	return found, nil
}

func (h *Hub) leftovers(ctx context.Context, id string) ([]Leftover, error) {
	var filters []string
	var refused error
	if err := h.ask(ctx, func(time.Time) {
		e := h.byID[id]
		if e == nil {
			refused = fmt.Errorf("%w: no device %s", ErrNotFound, id)
			return
		}
		for _, a := range e.accounts {
			if a.convention >= 0 {
				filters = append(filters, h.asked(a, Convention.Topics)...)
			}
		}
	}); err != nil {
		return nil, err
	}
	if refused != nil || len(filters) == 0 {
		return nil, refused
	}
	if l := h.linkState.Load(); !l.up {
		return nil, fmt.Errorf("%w: the link to the broker is down: %s", ErrConflict, l.detail)
	}
	select {
	case h.collecting <- struct{}{}: // one at a time
		defer func() { <-h.collecting }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-h.stopped:
		return nil, ErrStopped
	}
	c := &collector{filters: filters, found: map[string]Leftover{}, last: time.Now()}
	h.collector.Store(c)
	defer h.collector.Store(nil)
	if err := h.replay(ctx, filters); err != nil {
		return nil, err
	}
	for began := time.Now(); c.quiet() < replayed && time.Since(began) < replayTime; {
		timer := time.NewTimer(replayed - c.quiet() + time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
	h.outbox.do(func(l Link) { h.filters.drop(l, filters) })
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Values(c.found), func(a, b Leftover) int { return strings.Compare(a.Topic, b.Topic) }), nil
}

// replay has the broker replay what it retains under filters. It leaves the subscriptions that others need as they are.
func (h *Hub) replay(ctx context.Context, filters []string) error {
	done := make(chan struct{})
	h.outbox.do(func(l Link) {
		defer close(done)
		l.Subscribe(h.filters.again(filters)...)
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-h.stopped:
		return ErrStopped
	}
}

// clearLeftovers has nothing be retained in the topics.
func (h *Hub) clearLeftovers(found []Leftover) {
	for _, f := range found {
		h.outbox.export(broker.Message{Topic: f.Topic, Retain: true})
	}
}
