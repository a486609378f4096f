package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/hub"
)

var _ hub.Link = (*embedded.Link)(nil)

// recorder is a handler that keeps what it gets. hold, when not nil, is what each message waits for.
type recorder struct {
	mu       sync.Mutex
	messages []broker.Message
	sessions []broker.Session
	states   []string
	hold     chan struct{}
	up       chan struct{} // closed, when not nil, once the link is up
	gaveUp   int
}

func (r *recorder) HandleMessage(ctx context.Context, m broker.Message) {
	if r.hold != nil {
		select {
		case <-r.hold:
		case <-ctx.Done():
			r.mu.Lock()
			defer r.mu.Unlock()
			r.gaveUp++
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, m)
}

func (r *recorder) HandleSession(_ context.Context, s broker.Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sessions = append(r.sessions, s)
}

func (r *recorder) HandleLink(up bool, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, fmt.Sprint(up, " ", detail))
	if up && r.up != nil {
		close(r.up)
	}
}

// taken returns what has come since the last time.
func (r *recorder) taken() []broker.Message {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.messages
	r.messages = nil
	return got
}

// all returns what has come so far.
func (r *recorder) all() []broker.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

// link runs a link until the test ends, or until stop is called.
func link(t *testing.T, b *brokertest.Broker, h broker.Handler) (l *embedded.Link, stop func()) {
	l = b.Link()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := l.Run(ctx, h); err != nil {
			t.Errorf("running the link: %v", err)
		}
	}()
	synctest.Wait()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return l, stop
}

func TestLinkCarriesMessages(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		h := &recorder{}
		l, stop := link(t, b, h)
		l.Subscribe(broker.Subscription{Filter: "a/#", QoS: 1}, broker.Subscription{Filter: "a/+", QoS: 0})
		c := connect(t, b, hello{id: "c"})
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"#", 2})
		c.publish(post{topic: "a/b", payload: "in", qos: 2, id: 1, retain: true})
		c.publish(post{topic: "b", payload: "not wanted", qos: 1, id: 1})
		watch.collect(2)
		want := []broker.Message{{Topic: "a/b", Payload: []byte("in"), QoS: 1, Client: "c"}}
		if diff := cmp.Diff(want, h.taken()); diff != "" {
			t.Error(diff)
		}
		if err := l.Publish(t.Context(), broker.Message{Topic: "a/out", Payload: []byte("out"), QoS: 1, Retain: true}); err != nil {
			t.Fatal(err)
		}
		if m := watch.receive(); m.topic != "a/out" || m.payload != "out" || m.qos != 1 || m.retain {
			t.Errorf("got %+v", m)
		}
		if got := h.taken(); len(got) != 0 {
			t.Errorf("the link got its own message: %v", got)
		}

		l.Subscribe(broker.Subscription{Filter: "a/#", QoS: 1}) // again: what is retained is replayed
		got := h.taken()
		slices.SortFunc(got, func(x, y broker.Message) int { return len(x.Topic) - len(y.Topic) })
		want = []broker.Message{
			{Topic: "a/b", Payload: []byte("in"), QoS: 1, Retain: true},
			{Topic: "a/out", Payload: []byte("out"), QoS: 1, Retain: true},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}

		l.Unsubscribe("a/#", "a/+")
		c.publish(post{topic: "a/b", payload: "no more", qos: 1, id: 1})
		if got := h.taken(); len(got) != 0 {
			t.Errorf("got %v after unsubscribing", got)
		}
		stop()
		if diff := cmp.Diff([]string{"true connected to the embedded broker", "false closed the link to the embedded broker"}, h.states); diff != "" {
			t.Error(diff)
		}
		if err := l.Publish(t.Context(), broker.Message{Topic: "t"}); !errors.Is(err, broker.ErrClosed) {
			t.Errorf("publishing on a closed link: %v, want ErrClosed", err)
		}
	})
}

func TestLinkSubscribesBeforeItRuns(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{id: "c"})
		c.publish(post{topic: "t", payload: "kept", qos: 1, id: 1, retain: true})
		h := &recorder{}
		l := b.Link()
		l.Subscribe(broker.Subscription{Filter: "t"}, broker.Subscription{Filter: "bad/#/filter"}, broker.Subscription{Filter: "$share/g/t"})
		ctx, stop := context.WithCancel(t.Context())
		go func() { _ = l.Run(ctx, h) }()
		want := []broker.Message{{Topic: "t", Payload: []byte("kept"), Retain: true}}
		if diff := cmp.Diff(want, h.taken()); diff != "" {
			t.Error(diff)
		}
		if err := l.Run(ctx, h); err == nil {
			t.Error("it could be run twice")
		}
		stop()
		synctest.Wait()
	})
}

func TestLinkRefusesInvalidMessages(t *testing.T) {
	bubble(t, embedded.Options{MaxRetained: 1}, func(t *testing.T, b *brokertest.Broker) {
		l, _ := link(t, b, &recorder{})
		for _, topic := range []string{"", "a/+", "a\x00"} {
			if err := l.Publish(t.Context(), broker.Message{Topic: topic}); !errors.Is(err, broker.ErrTopic) {
				t.Errorf("publishing to %q: %v, want ErrTopic", topic, err)
			}
		}
		if err := l.Publish(t.Context(), broker.Message{Topic: "a", QoS: 3}); err == nil {
			t.Error("QoS 3 was taken")
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Publish(ended, broker.Message{Topic: "a"}); !errors.Is(err, context.Canceled) {
			t.Errorf("publishing with a context that has ended: %v", err)
		}
		for i, want := range []bool{true, false} {
			err := l.Publish(t.Context(), broker.Message{Topic: fmt.Sprint(i), Payload: []byte("x"), Retain: true})
			if (err == nil) != want {
				t.Errorf("retained message %d: %v", i, err)
			}
		}
		if s := b.Stats(); s.Unkept != 1 {
			t.Errorf("%d messages are counted for which there was no room", s.Unkept)
		}
	})
}

func TestTwoLinksHearEachOther(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		var handlers []*recorder
		var links []*embedded.Link
		for range 2 {
			h := &recorder{}
			l, _ := link(t, b, h)
			l.Subscribe(broker.Subscription{Filter: "t", QoS: 2})
			handlers, links = append(handlers, h), append(links, l)
		}
		if err := links[0].Publish(t.Context(), broker.Message{Topic: "t", Payload: []byte("x"), QoS: 1}); err != nil {
			t.Fatal(err)
		}
		if got := handlers[1].taken(); len(got) != 1 || got[0].QoS != 1 {
			t.Errorf("the other link got %v", got)
		}
		if got := handlers[0].taken(); len(got) != 0 {
			t.Errorf("the publishing link got %v", got)
		}
	})
}

// A handler that waits holds back the one publisher, whose keep alive is paused meanwhile, and nobody else.
func TestAHandlerHoldsItsPublisherBack(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		h := &recorder{hold: make(chan struct{})}
		l, _ := link(t, b, h)
		l.Subscribe(broker.Subscription{Filter: "hub", QoS: 1})
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"#", 0})
		c := connect(t, b, hello{id: "c", keepAlive: 10})
		c.send(join(post{topic: "hub", payload: "1", qos: 1, id: 1}.bytes(4), post{topic: "other", payload: "2"}.bytes(4)))
		watch.receive() // others do not wait for the handler
		watch.quiet()   // but what the publisher sent next does
		time.Sleep(time.Minute)
		other := connect(t, b, hello{id: "other"})
		other.publish(post{topic: "other", payload: "3", qos: 1, id: 1})
		watch.receive()
		c.expect(PUBACK)
		close(h.hold)
		if m := watch.receive(); m.payload != "2" {
			t.Errorf("got %+v", m)
		}
		c.ping()
		if got := h.taken(); len(got) != 1 {
			t.Errorf("the handler got %v", got)
		}
		c.nc.Close()
	})
}

func TestAHandlerLetsGoOfAPublisherThatIsTakenOver(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		h := &recorder{hold: make(chan struct{})}
		l, _ := link(t, b, h)
		l.Subscribe(broker.Subscription{Filter: "hub"})
		c := connect(t, b, hello{id: "c"})
		c.send(post{topic: "hub"}.bytes(4))
		synctest.Wait()
		again := connect(t, b, hello{id: "c"})
		again.ping()
		c.expectEnd(0)
		synctest.Wait()
		if h.gaveUp != 1 {
			t.Errorf("the handler gave up %d times, want once", h.gaveUp)
		}
		again.send(post{topic: "hub"}.bytes(4))
		synctest.Wait()
		begin := time.Now()
		b.Stop() // nor does it hold up the broker's end
		if took := time.Since(begin); took > 1500*time.Millisecond {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestSessionNews(t *testing.T) {
	tests := []struct {
		name   string
		h      hello
		end    func(t *testing.T, b *brokertest.Broker, c *client)
		reason string
		clean  bool
	}{
		{"goodbye", hello{}, func(_ *testing.T, _ *brokertest.Broker, c *client) { c.goodbye() }, "said goodbye", true},
		{"a broken connection", hello{}, func(_ *testing.T, _ *brokertest.Broker, c *client) { c.nc.Close() }, "it closed its connection without a goodbye", false},
		{"silence", hello{keepAlive: 60}, func(*testing.T, *brokertest.Broker, *client) { time.Sleep(2 * time.Minute) }, "keep alive of 60 s passed without a sign of life: the last was 90 s ago", false},
		{"a takeover", hello{}, func(t *testing.T, b *brokertest.Broker, _ *client) { connect(t, b, hello{id: "c"}) }, "taken over by a new connection from pipe", false},
		{"a protocol error", hello{}, func(_ *testing.T, _ *brokertest.Broker, c *client) { c.send(ack(PUBACK, 0)) }, "protocol error: a packet identifier is 0", false},
		{"the owner's wish", hello{}, func(_ *testing.T, b *brokertest.Broker, _ *client) { b.Disconnect("c") }, "disconnected by the owner", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				h := &recorder{}
				link(t, b, h)
				test.h.id, test.h.will = "c", &post{topic: "will/c"}
				c := connect(t, b, test.h)
				test.end(t, b, c)
				synctest.Wait()
				h.mu.Lock()
				defer h.mu.Unlock()
				want := []broker.Session{
					{Client: "c", Address: "pipe", Connected: true, WillTopic: "will/c"},
					{Client: "c", Address: "pipe", Clean: test.clean, Reason: test.reason, WillTopic: "will/c"},
				}
				if diff := cmp.Diff(want, h.sessions[:2]); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// While messages are replaced, a replay never ends with an older one.
func TestALinksReplayEndsWithTheNewest(t *testing.T) {
	b := brokertest.New(t)
	ctx, stop := context.WithCancel(t.Context())
	l := b.Link()
	h := &recorder{up: make(chan struct{})}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = l.Run(ctx, h) }()
	defer func() { stop(); <-ended }()
	<-h.up
	c := connect(t, b, hello{id: "c"})
	for round := range 50 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 20 {
				c.send(post{topic: "t", payload: fmt.Sprintf("%d/%d", round, i), retain: true}.bytes(4))
			}
			c.ping()
		}()
		l.Subscribe(broker.Subscription{Filter: "t"})
		<-done
		got := h.all()
		last := string(got[len(got)-1].Payload)
		if want := fmt.Sprintf("%d/19", round); last != want {
			t.Fatalf("the last message is %s, want %s", last, want)
		}
	}
}

// The broker's end is no news about its clients: the link is told that the broker has stopped, keeps what it got, and takes
// nothing more, until its own end.
func TestALinkOutlivesItsBroker(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		h := &recorder{}
		l, stop := link(t, b, h)
		l.Subscribe(broker.Subscription{Filter: "t", QoS: 1})
		c := connect(t, b, hello{id: "c"})
		c.publish(post{topic: "t", payload: "last", qos: 1, id: 1})
		b.Stop()
		if got := h.taken(); len(got) != 1 || string(got[0].Payload) != "last" {
			t.Errorf("the handler got %v", got)
		}
		if err := l.Publish(t.Context(), broker.Message{Topic: "t"}); !errors.Is(err, broker.ErrClosed) {
			t.Errorf("publishing after the broker's end: %v", err)
		}
		h.mu.Lock()
		sessions, states := len(h.sessions), slices.Clone(h.states)
		h.mu.Unlock()
		if sessions != 1 {
			t.Errorf("there was news about %d sessions, want that of the connection only", sessions)
		}
		if want := []string{"true connected to the embedded broker", "false the embedded broker has stopped"}; !slices.Equal(states, want) {
			t.Errorf("the link said %q, want %q", states, want)
		}
		stop()
	})
}
