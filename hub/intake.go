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
		for i, c := range h.conventions {
			r := h.parse(i, c, m)
			if r.fault == "" && r.parsed.Content == nil && len(r.parsed.Subscribe) == 0 {
				continue
			}
			r.fresh = len(r.parsed.Subscribe) > 0 && h.filters.need(i, m, r.parsed.Subscribe)
			it.reads = append(it.reads, r)
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

// parse lets a convention look at a message. A convention never panics; if one does all the same, the message is a fault
// and the hub lives on.
func (h *Hub) parse(i int, c Convention, m broker.Message) (r read) {
	r.convention = i
	defer func() {
		if p := recover(); p != nil {
			r.parsed = Parsed{}
			r.fault = h.panicked(c, m, p)
		}
	}()
	r.parsed = c.Parse(m)
	return r
}

// apply lets a convention say, in u, what a message means.
func (h *Hub) apply(c Convention, m broker.Message, p Parsed, u *Update) {
	defer func() {
		if p := recover(); p != nil {
			*u = Update{Faults: []Fault{{Topic: m.Topic, Reason: h.panicked(c, m, p)}}}
		}
	}()
	*u = c.Apply(m, p)
}

func (h *Hub) panicked(c Convention, m broker.Message, p any) (reason string) {
	h.counts.panics.Add(1)
	h.log.Error("convention panicked", "convention", c.Name(), keyTopic, m.Topic, "panic", fmt.Sprint(p))
	return "the hub stumbled over it: a mistake in its " + c.Name() + " convention"
}
