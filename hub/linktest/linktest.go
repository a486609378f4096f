// Package linktest is the conformance suite of hub.Link. The tests of each link call Run; nothing else does.
package linktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/hub"
)

// Setup is a broker of its own for one test.
type Setup struct {
	// Link is a new link to the broker, not running yet.
	Link hub.Link
	// Settle waits until what was subscribed and unsubscribed at the link or a peer so far is in force. Nil: that is so when
	// the call returns.
	Settle func(ctx context.Context, l hub.Link) error
	// Peer makes another client of the broker, independent of the link. It is up when Peer returns, and ends with the test.
	Peer func(t *testing.T, h hub.LinkHandler) hub.Link
}

// Run holds links against their contract. open is called for each test.
func Run(t *testing.T, open func(t *testing.T) Setup) {
	for name, test := range map[string]func(*testing.T, *stage){
		"retained messages are replayed for each subscription and live ones are not marked": replay,
		"messages of one publisher arrive in order with each QoS":                           order,
		"messages of several publishers arrive each in their order":                         several,
		"a message arrives with the lower QoS of publisher and subscription":                lowerQoS,
		"the link does not hear itself":                                                     noEcho,
		"others hear the link, and what it retains":                                         heard,
		"a handler may subscribe":                                                           subscribeInside,
		"what is unsubscribed does not arrive":                                              unsubscribe,
		"what is declared before Run arrives":                                               early,
		"an overlapping subscription loses nothing":                                         overlap,
		"invalid topics are refused and invalid filters left out":                           invalid,
		"publishing fails before Run, after it, and with an ended context":                  closed,
		"a handler that waits holds messages up and loses none":                             waiting,
		"Run ends with its context though the handler waits":                                end,
		"an empty payload clears what is retained":                                          clearing,
		"a large payload passes":                                                            large,
		"many filters are subscribed at once":                                               many,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, &stage{Setup: open(t)})
		})
	}
}

// deadline is how long a test may take before it counts as stuck.
const deadline = 30 * time.Second

// stage is a setup with the running link.
type stage struct {
	Setup
	*ear
	stop  context.CancelFunc
	ended chan error
}

// start runs the link with a handler that remembers.
func (s *stage) start(t *testing.T, visit func(ctx context.Context, m broker.Message)) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s.ear, s.stop, s.ended = newEar(), stop, make(chan error, 1)
	s.visit = visit
	go func() { s.ended <- s.Link.Run(ctx, s.ear) }()
	t.Cleanup(func() { s.finish(t) })
	s.until(t, "the link to come up", func(e *ear) bool { return len(e.links) == 1 && e.links[0] })
}

// finish ends the link and checks that nothing is heard after that; a second call does nothing.
func (s *stage) finish(t *testing.T) {
	t.Helper()
	if s.stop == nil {
		return
	}
	s.stop()
	s.stop = nil
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("Run returned %v", err)
		}
	case <-time.After(deadline):
		t.Fatal("Run does not return after the end of its context")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.after {
		t.Error("the handler was called after Run had returned")
	}
}

func (s *stage) subscribe(t *testing.T, l hub.Link, filters ...string) {
	t.Helper()
	for _, f := range filters {
		l.Subscribe(broker.Subscription{Filter: f, QoS: 2})
	}
	s.settle(t, l)
}

func (s *stage) settle(t *testing.T, l hub.Link) {
	t.Helper()
	if s.Settle == nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if err := s.Settle(ctx, l); err != nil {
		t.Fatal(err)
	}
}

func publish(t *testing.T, l hub.Link, topic, payload string, qos byte, retain bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if err := l.Publish(ctx, broker.Message{Topic: topic, Payload: []byte(payload), QoS: qos, Retain: retain}); err != nil {
		t.Errorf("publishing to %s: %v", topic, err)
	}
}

func same(t *testing.T, got []broker.Message, want ...string) {
	t.Helper()
	if s := short(got); !slices.Equal(s, want) {
		t.Errorf("heard %q, want %q", s, want)
	}
}

// mark publishes a message to the topic "mark" and waits for it: what was published before has been heard then.
func (s *stage) mark(t *testing.T, from hub.Link) {
	t.Helper()
	s.subscribe(t, s.Link, "mark")
	s.mu.Lock()
	n := len(s.matching("mark"))
	s.mu.Unlock()
	publish(t, from, "mark", "", 1, false)
	s.wait(t, n+1, "mark")
}

func replay(t *testing.T, s *stage) {
	peer := s.Peer(t, newEar())
	publish(t, peer, "room/lamp", "1", 1, true)
	publish(t, peer, "room/fan", "2", 0, true)
	publish(t, peer, "room/not-kept", "3", 1, false)
	s.start(t, nil)
	s.subscribe(t, s.Link, "room/+")
	got := s.wait(t, 2, "room/+")
	slices.SortFunc(got, func(a, b broker.Message) int { return int(a.Payload[0]) - int(b.Payload[0]) })
	same(t, got, "room/lamp=1 (replay)", "room/fan=2 (replay)")
	for _, m := range got {
		if m.Client != "" {
			t.Errorf("a replay names %q as its publisher", m.Client)
		}
	}

	publish(t, peer, "room/lamp", "4", 1, true)
	same(t, s.wait(t, 3, "room/+")[2:], "room/lamp=4")

	s.subscribe(t, s.Link, "room/lamp")
	same(t, s.wait(t, 4, "room/+")[3:], "room/lamp=4 (replay)")
	s.subscribe(t, s.Link, "room/lamp")
	same(t, s.wait(t, 5, "room/+")[4:], "room/lamp=4 (replay)")
	s.mark(t, peer)
	if got := s.wait(t, 5, "room/+"); len(got) != 5 {
		t.Errorf("heard more than expected: %q", short(got))
	}
}

func order(t *testing.T, s *stage) {
	s.start(t, nil)
	peer := s.Peer(t, newEar())
	s.subscribe(t, s.Link, "count/#")
	for qos := range byte(3) {
		topic := fmt.Sprintf("count/%d", qos)
		const n = 150
		for i := range n {
			publish(t, peer, topic, fmt.Sprint(i), qos, i%7 == 0)
		}
		for i, m := range s.wait(t, n, topic) {
			if string(m.Payload) != fmt.Sprint(i) || m.QoS != qos || m.Retain {
				t.Fatalf("QoS %d: message %d is %q with QoS %d, retain %v", qos, i, m.Payload, m.QoS, m.Retain)
			}
		}
	}
}

func several(t *testing.T, s *stage) {
	s.start(t, nil)
	s.subscribe(t, s.Link, "count/#")
	const peers, n = 4, 100
	var wait sync.WaitGroup
	for p := range peers {
		peer := s.Peer(t, newEar())
		wait.Go(func() {
			for i := range n {
				publish(t, peer, fmt.Sprintf("count/%d", p), fmt.Sprint(i), 1, false)
			}
		})
	}
	wait.Wait()
	for p := range peers {
		for i, m := range s.wait(t, n, fmt.Sprintf("count/%d", p)) {
			if string(m.Payload) != fmt.Sprint(i) {
				t.Fatalf("publisher %d: message %d is %q", p, i, m.Payload)
			}
		}
	}
}

func lowerQoS(t *testing.T, s *stage) {
	s.start(t, nil)
	peer := s.Peer(t, newEar())
	s.Link.Subscribe(broker.Subscription{Filter: "q0", QoS: 0}, broker.Subscription{Filter: "q1", QoS: 1})
	s.settle(t, s.Link)
	for _, test := range []struct {
		topic     string
		qos, want byte
	}{{"q0", 2, 0}, {"q1", 2, 1}, {"q1", 0, 0}} {
		s.mu.Lock()
		before := len(s.matching(test.topic))
		s.mu.Unlock()
		publish(t, peer, test.topic, "x", test.qos, false)
		if got := s.wait(t, before+1, test.topic)[before].QoS; got != test.want {
			t.Errorf("published to %s with QoS %d, arrived with %d", test.topic, test.qos, got)
		}
	}
}

func noEcho(t *testing.T, s *stage) {
	s.start(t, nil)
	peer := s.Peer(t, newEar())
	s.subscribe(t, s.Link, "room/#")
	publish(t, s.Link, "room/lamp", "mine", 1, false)
	publish(t, s.Link, "room/fan", "mine", 2, true)
	publish(t, s.Link, "room/tv", "mine", 0, false)
	publish(t, s.Link, "room/fan", "mine", 1, true) // takes a round trip after the one before
	s.mark(t, peer)
	publish(t, peer, "room/lamp", "theirs", 1, false)
	same(t, s.wait(t, 1, "room/#"), "room/lamp=theirs")
}

func heard(t *testing.T, s *stage) {
	s.start(t, nil)
	e := newEar()
	peer := s.Peer(t, e)
	s.subscribe(t, peer, "room/lamp")
	publish(t, s.Link, "room/lamp", "1", 1, true)
	publish(t, s.Link, "room/lamp", "2", 2, false)
	publish(t, s.Link, "room/lamp", "3", 0, false)
	e.wait(t, 3, "room/lamp")
	s.subscribe(t, peer, "room/#")
	e.until(t, "the replay", func(e *ear) bool {
		return slices.Contains(short(e.messages), "room/lamp=1 (replay)")
	})
	for _, want := range []string{"room/lamp=1", "room/lamp=2", "room/lamp=3"} {
		if got := short(e.wait(t, 4, "room/lamp")); !slices.Contains(got, want) {
			t.Errorf("the peer heard %q, not %s", got, want)
		}
	}
}

func subscribeInside(t *testing.T, s *stage) {
	peer := s.Peer(t, newEar())
	publish(t, peer, "lamp/state", "kept", 1, true)
	s.start(t, func(_ context.Context, m broker.Message) {
		if m.Topic == "found" {
			s.Link.Subscribe(broker.Subscription{Filter: "lamp/state", QoS: 1})
			s.Link.Unsubscribe("found")
		}
	})
	s.subscribe(t, s.Link, "found")
	publish(t, peer, "found", "lamp", 1, false)
	same(t, s.wait(t, 1, "lamp/state"), "lamp/state=kept (replay)")
	publish(t, peer, "lamp/state", "live", 1, false)
	same(t, s.wait(t, 2, "lamp/state")[1:], "lamp/state=live")
}

func unsubscribe(t *testing.T, s *stage) {
	s.start(t, nil)
	peer := s.Peer(t, newEar())
	s.subscribe(t, s.Link, "room/+", "room/lamp", "hall/#")
	s.Link.Unsubscribe("room/+", "hall/#", "never/declared")
	s.settle(t, s.Link)
	publish(t, peer, "room/fan", "x", 1, false)
	publish(t, peer, "hall", "x", 1, false)
	publish(t, peer, "room/lamp", "y", 1, false)
	s.mark(t, peer)
	same(t, append(s.wait(t, 1, "room/#"), s.wait(t, 0, "hall/#")...), "room/lamp=y")
}

func early(t *testing.T, s *stage) {
	peer := s.Peer(t, newEar())
	publish(t, peer, "room/lamp", "kept", 1, true)
	s.Link.Subscribe(broker.Subscription{Filter: "room/#", QoS: 1}, broker.Subscription{Filter: "hall/#", QoS: 1})
	s.Link.Unsubscribe("hall/#")
	s.start(t, nil)
	s.settle(t, s.Link)
	same(t, s.wait(t, 1, "room/#"), "room/lamp=kept (replay)")
	publish(t, peer, "hall", "x", 1, false)
	publish(t, peer, "room/lamp", "live", 1, true)
	same(t, s.wait(t, 2, "#")[1:], "room/lamp=live")
}

func overlap(t *testing.T, s *stage) {
	s.start(t, nil)
	peer := s.Peer(t, newEar())
	s.subscribe(t, s.Link, "room/#", "room/+", "room/lamp")
	for i := range 20 {
		publish(t, peer, "room/lamp", fmt.Sprint(i), 1, false)
	}
	s.mark(t, peer)
	var distinct []string
	for _, m := range s.wait(t, 20, "room/lamp") {
		if p := string(m.Payload); !slices.Contains(distinct, p) {
			distinct = append(distinct, p)
		}
	}
	for i := range 20 {
		if i >= len(distinct) || distinct[i] != fmt.Sprint(i) {
			t.Fatalf("heard %q", distinct)
		}
	}
}

func invalid(t *testing.T, s *stage) {
	s.start(t, nil)
	peer := s.Peer(t, newEar())
	for _, topic := range []string{"", "a/+", "#", "a\x00", "\xff"} {
		if err := s.Link.Publish(t.Context(), broker.Message{Topic: topic}); !errors.Is(err, broker.ErrTopic) {
			t.Errorf("publishing to %q: %v", topic, err)
		}
	}
	if err := s.Link.Publish(t.Context(), broker.Message{Topic: "a", QoS: 3}); err == nil {
		t.Error("QoS 3 was accepted")
	}
	s.Link.Subscribe(broker.Subscription{Filter: "a/#/b"}, broker.Subscription{Filter: ""}, broker.Subscription{Filter: "room/+"}, broker.Subscription{Filter: "b+"})
	s.Link.Unsubscribe("a/#/b", "")
	s.settle(t, s.Link)
	publish(t, peer, "room/lamp", "x", 1, false)
	same(t, s.wait(t, 1, "#"), "room/lamp=x")
}

func closed(t *testing.T, s *stage) {
	m := broker.Message{Topic: "a", QoS: 1}
	if err := s.Link.Publish(t.Context(), m); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("before Run: %v", err)
	}
	s.start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Link.Publish(ctx, m); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	publish(t, s.Link, "a", "", 1, false)
	s.finish(t)
	if err := s.Link.Publish(t.Context(), m); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("after Run: %v", err)
	}
	s.until(t, "the news that the link is down", func(e *ear) bool { return len(e.links) == 2 && !e.links[1] })
}

func waiting(t *testing.T, s *stage) {
	release := make(chan struct{})
	first := make(chan struct{}, 1000)
	s.start(t, func(ctx context.Context, _ broker.Message) {
		first <- struct{}{}
		select {
		case <-release:
		case <-ctx.Done():
		}
	})
	peer := s.Peer(t, newEar())
	s.subscribe(t, s.Link, "count")
	const n = 400
	var wait sync.WaitGroup
	wait.Go(func() { // the broker may hold the publisher up, too
		for i := range n {
			publish(t, peer, "count", fmt.Sprint(i), 1, false)
		}
	})
	<-first
	publish(t, s.Link, "meanwhile", "the link can publish", 0, false)
	close(release)
	wait.Wait()
	for i, m := range s.wait(t, n, "count") {
		if string(m.Payload) != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, m.Payload)
		}
	}
}

func end(t *testing.T, s *stage) {
	waits := make(chan struct{}, 1000)
	s.start(t, func(ctx context.Context, _ broker.Message) {
		waits <- struct{}{}
		<-ctx.Done()
	})
	peer := s.Peer(t, newEar())
	s.subscribe(t, s.Link, "room/#")
	var wait sync.WaitGroup
	wait.Go(func() { publish(t, peer, "room/lamp", "x", 1, false) })
	<-waits
	s.finish(t)
	wait.Wait()
	publish(t, peer, "room/lamp", "y", 1, false)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.after {
		t.Error("the handler was called after Run had returned")
	}
}

func clearing(t *testing.T, s *stage) {
	s.start(t, nil)
	peer := s.Peer(t, newEar())
	publish(t, peer, "room/lamp", "kept", 1, true)
	publish(t, s.Link, "room/lamp", "", 1, true)
	publish(t, s.Link, "room/fan", "kept", 1, true)
	publish(t, peer, "room/fan", "", 1, true)
	publish(t, s.Link, "room/tv", "kept", 1, true)
	s.subscribe(t, s.Link, "room/+")
	s.mark(t, peer)
	same(t, s.wait(t, 1, "room/+"), "room/tv=kept (replay)")
}

func large(t *testing.T, s *stage) {
	s.start(t, nil)
	e := newEar()
	peer := s.Peer(t, e)
	s.subscribe(t, s.Link, "big")
	s.subscribe(t, peer, "big")
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(i * 7)
	}
	publish(t, peer, "big", string(data), 1, false)
	publish(t, s.Link, "big", string(data), 1, false)
	for _, m := range append(s.wait(t, 1, "big"), e.wait(t, 1, "big")...) {
		if !slices.Equal(m.Payload, data) {
			t.Errorf("%d bytes arrived, or others", len(m.Payload))
		}
	}
}

func many(t *testing.T, s *stage) {
	s.start(t, nil)
	peer := s.Peer(t, newEar())
	const n = 300
	var subs []broker.Subscription
	for i := range n {
		subs = append(subs, broker.Subscription{Filter: fmt.Sprintf("device/%d/+", i), QoS: 1})
	}
	s.Link.Subscribe(subs...)
	s.settle(t, s.Link)
	for i := range n {
		publish(t, peer, fmt.Sprintf("device/%d/state", i), fmt.Sprint(i), 1, false)
	}
	for i, m := range s.wait(t, n, "device/+/state") {
		if string(m.Payload) != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, m.Payload)
		}
	}
}
