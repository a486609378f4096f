package hub

import (
	"slices"
	"time"

	"home.arpa/homehub/broker"
)

// Paced is a Convention whose questions (Greet, Update.Ask) go out one after the other, since there is a slow network behind them. It
// may ask a topic again before the first question went out: then only the newer one does.
type Paced interface {
	// Pace is the shortest time from one question to the next.
	Pace() time.Duration
}

// Observer is a Convention that can tell by what a client does, before it has published anything, that it is worth asking.
type Observer interface {
	// Observe looks at a client that has just subscribed to filters, and says what to ask it. It is called by the hub's goroutine, and
	// only where the Link knows of sessions. A convention asks a bounded number of times for one answer.
	Observe(client string, filters []string) []broker.Message
}

// maxQuestions is how many questions of one convention wait; more are not asked.
const maxQuestions = 5000

// questions are those of a paced convention that wait.
type questions struct {
	waiting []broker.Message // each topic once
	topics  map[string]struct{}
	next    time.Time // when the next one may go out
}

func (q *questions) add(m broker.Message) {
	if _, waits := q.topics[m.Topic]; waits {
		i := slices.IndexFunc(q.waiting, func(w broker.Message) bool { return w.Topic == m.Topic })
		q.waiting[i] = m
		return
	}
	if len(q.waiting) >= maxQuestions {
		return
	}
	if q.topics == nil {
		q.topics = map[string]struct{}{}
	}
	q.waiting, q.topics[m.Topic] = append(q.waiting, m), struct{}{}
}

// greet has the devices say again what they are and how they are: many say it only when they are asked, and what they said
// while the hub was not there is lost.
func (h *Hub) greet(now time.Time) {
	for i, c := range h.conventions {
		h.question(now, i, h.asks(c, c.Greet))
	}
}

// observe lets the conventions look at a client that has subscribed.
func (h *Hub) observe(now time.Time, s broker.Session) {
	for i, c := range h.conventions {
		if o, ok := c.(Observer); ok {
			h.question(now, i, h.asks(c, func() []broker.Message { return o.Observe(s.Client, s.Subscribed) }))
		}
	}
}

// asks has a convention say what it wants to ask; one that panics asks nothing.
func (h *Hub) asks(c Convention, what func() []broker.Message) (messages []broker.Message) {
	defer func() {
		if p := recover(); p != nil {
			h.panicked(c, broker.Message{}, p)
			messages = nil
		}
	}()
	return what()
}

// question publishes what a convention wants to ask devices, at once or at its pace.
func (h *Hub) question(now time.Time, convention int, messages []broker.Message) {
	if len(messages) == 0 {
		return
	}
	_, paced := h.conventions[convention].(Paced)
	for _, m := range messages {
		m.Retain = false
		if paced {
			h.questions[convention].add(m)
		} else {
			h.outbox.export(m)
		}
	}
	h.askNext(now)
}

// askNext publishes the questions whose time has come.
func (h *Hub) askNext(now time.Time) {
	for i := range h.questions {
		q := &h.questions[i]
		if len(q.waiting) == 0 || now.Before(q.next) {
			continue
		}
		h.outbox.export(q.waiting[0])
		delete(q.topics, q.waiting[0].Topic)
		q.waiting = slices.Delete(q.waiting, 0, 1)
		q.next = now.Add(h.conventions[i].(Paced).Pace())
	}
}
