package simulator_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator"
)

// tape is a Client that keeps what its device says, and is always connected.
type tape struct {
	id      string
	mu      sync.Mutex
	said    []broker.Message
	filters []broker.Subscription
	handler broker.Handler
}

func (t *tape) Run(ctx context.Context, h broker.Handler) error {
	t.mu.Lock()
	t.handler = h
	t.mu.Unlock()
	h.HandleLink(true, "taped")
	<-ctx.Done()
	return nil
}

func (t *tape) Publish(_ context.Context, m broker.Message) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, m)
	return nil
}

func (t *tape) Abandon() {}

func (t *tape) Sync(context.Context) error { return nil }

func (t *tape) Subscribe(subs ...broker.Subscription) { t.filters = append(t.filters, subs...) }

// taken returns what was said since the last call.
func (t *tape) taken() []broker.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.said
	t.said = nil
	return out
}

// tapes are the clients of a simulator, by device.
type tapes struct {
	mu   sync.Mutex
	seed uint64
	all  map[string]*tape
}

func (ts *tapes) connect(o simulator.ClientOptions) (simulator.Client, error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	id := strings.TrimPrefix(o.ID, fmt.Sprintf("sim-%d-", ts.seed))
	t := &tape{id: id}
	ts.all[id] = t
	return t, nil
}

// of is the newest client of a device. Devices that sleep have a new one each time they wake.
func (ts *tapes) of(id string) *tape {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.all[id]
}

// live runs a house in virtual time: visit is called when all is connected and may let time pass. It must be called inside
// a bubble.
func live(t *testing.T, house simulator.House, o simulator.Options, visit func(s *simulator.Simulator, ts *tapes)) {
	t.Helper()
	ts := &tapes{seed: o.Seed, all: map[string]*tape{}}
	o.Connect = ts.connect
	s, err := simulator.New(house, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	<-s.Ready()
	synctest.Wait()
	visit(s, ts)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// hear lets the device hear a message, and returns what it says to it at once.
func (t *tape) hear(topic, payload string) []broker.Message {
	t.taken()
	t.handler.HandleMessage(context.Background(), broker.Message{Topic: topic, Payload: []byte(payload)})
	synctest.Wait()
	return t.taken()
}

// listens says whether one of the device's filters matches the topic.
func (t *tape) listens(topic string) bool {
	for _, f := range t.filters {
		if broker.Match(f.Filter, topic) {
			return true
		}
	}
	return false
}
