package hub

import (
	"context"
	"fmt"
	"slices"

	"home.arpa/homehub/broker"
)

// HandleMessage is part of LinkHandler. It runs in the publisher's goroutine: the conventions read the message here, it
// is queued, and then what it announces is subscribed, so that the replay comes behind the announcement and nothing that
// the publisher sends next can be missed.
func (h *Hub) HandleMessage(ctx context.Context, m broker.Message) {
	h.counts.messages.Add(1)
	if c := h.collector.Load(); c != nil {
		c.offer(m)
	}
	it := item{message: m}
	if !h.own(m.Topic) {
		by := h.filters.interested(m.Topic)
		for next := 0; next < len(h.conventions); {
			next = h.parse(next, by, &it)
		}
	}
	queued := h.inbox.put(ctx, m.Client, it)
	for _, r := range it.reads {
		switch {
		case !r.fresh:
		case queued:
			h.link.Subscribe(r.parsed.Subscribe...)
		default:
			h.filters.forget(r.convention, m.Topic)
		}
	}
}

// HandleSession is part of LinkHandler.
func (h *Hub) HandleSession(ctx context.Context, s broker.Session) {
	if !h.inbox.put(ctx, s.Client, item{session: &s}) {
		h.log.Debug("session news came too late", keyClient, s.Client)
	}
}

// own says whether a topic is one of those that the hub writes itself.
func (h *Hub) own(topic string) bool {
	return h.exports != "" && broker.Match(h.exports, topic) ||
		slices.ContainsFunc(h.announcers, func(a Announcer) bool { return a.Owns(topic) })
}

// parse lets the conventions in by look at a message, from the one with the index first on, and returns the index of the one to go on with.
// A convention never panics; if one does all the same, the message is a fault to it, and the hub lives on with the next.
func (h *Hub) parse(first int, by uint64, it *item) (next int) {
	next = first
	defer func() {
		if p := recover(); p != nil {
			it.reads = append(it.reads, read{convention: next, fault: h.panicked(h.conventions[next], it.message, p)})
			next++
		}
	}()
	for ; next < len(h.conventions); next++ {
		if by>>next&1 == 0 {
			continue
		}
		parsed := h.conventions[next].Parse(it.message)
		if parsed.Content == nil && len(parsed.Subscribe) == 0 {
			continue
		}
		fresh := false
		if len(parsed.Subscribe) > 0 {
			fresh, _ = h.filters.need(next, it.message, parsed.Subscribe) // the hub's goroutine tells if there is no room
		}
		it.reads = append(it.reads, read{convention: next, parsed: parsed, fresh: fresh})
	}
	return next
}

func (h *Hub) panicked(c Convention, m broker.Message, p any) (reason string) {
	h.counts.panics.Add(1)
	h.log.Error("convention panicked", "convention", c.Name(), keyTopic, m.Topic, "panic", fmt.Sprint(p))
	return "the hub stumbled over it: a mistake in its " + c.Name() + " convention"
}
