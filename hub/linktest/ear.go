package linktest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"home.arpa/homehub/broker"
)

// ear is a handler that remembers.
type ear struct {
	visit func(ctx context.Context, m broker.Message) // called before a message is remembered

	mu       sync.Mutex
	messages []broker.Message
	links    []bool
	changed  chan struct{}
	after    bool // something was heard after the end
	over     bool
}

func newEar() *ear { return &ear{changed: make(chan struct{})} }

func (e *ear) HandleMessage(ctx context.Context, m broker.Message) {
	if e.visit != nil {
		e.visit(ctx, m)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.messages = append(e.messages, m)
	e.after = e.after || e.over
	e.signal()
}

func (e *ear) HandleSession(context.Context, broker.Session) {}

func (e *ear) HandleLink(up bool, detail string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.links = append(e.links, up)
	if detail == "" {
		e.links = nil // which no test accepts
	}
	e.signal()
}

func (e *ear) signal() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// until waits for a condition on what was heard.
func (e *ear) until(t *testing.T, what string, ok func(*ear) bool) {
	t.Helper()
	late := time.NewTimer(deadline)
	defer late.Stop()
	for {
		e.mu.Lock()
		done, changed := ok(e), e.changed
		e.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			e.mu.Lock()
			defer e.mu.Unlock()
			t.Fatalf("waited in vain for %s; heard %d messages: %.300s", what, len(e.messages), fmt.Sprint(short(e.messages)))
		}
	}
}

// wait waits for n messages to topics that begin with something, and returns all of them.
func (e *ear) wait(t *testing.T, n int, filter string) []broker.Message {
	t.Helper()
	e.until(t, fmt.Sprintf("%d messages of %s", n, filter), func(e *ear) bool { return len(e.matching(filter)) >= n })
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.matching(filter)
}

func (e *ear) matching(filter string) []broker.Message {
	var found []broker.Message
	for _, m := range e.messages {
		if broker.Match(filter, m.Topic) {
			found = append(found, m)
		}
	}
	return found
}

// short is messages for people.
func short(messages []broker.Message) []string {
	var s []string
	for _, m := range messages {
		retained := ""
		if m.Retain {
			retained = " (replay)"
		}
		s = append(s, fmt.Sprintf("%s=%.20s%s", m.Topic, m.Payload, retained))
	}
	return s
}
