package embedded_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

func TestRetainedMessagesMatchFilters(t *testing.T) {
	kept := []string{"a", "a/b", "a/b/c", "a/c", "b", "/", "/a", "$x/a", "a//b"}
	tests := []struct {
		filter string
		want   []string
	}{
		{"a", []string{"a"}},
		{"a/#", []string{"a", "a//b", "a/b", "a/b/c", "a/c"}},
		{"a/+", []string{"a/b", "a/c"}},
		{"a/+/b", []string{"a//b"}},
		{"a/b/#", []string{"a/b", "a/b/c"}},
		{"+", []string{"a", "b"}},
		{"+/+", []string{"/", "/a", "a/b", "a/c"}},
		{"+/#", []string{"/", "/a", "a", "a//b", "a/b", "a/b/c", "a/c", "b"}},
		{"#", []string{"/", "/a", "a", "a//b", "a/b", "a/b/c", "a/c", "b"}},
		{"$x/#", []string{"$x/a"}},
		{"$x/+", []string{"$x/a"}},
		{"c", nil},
		{"a/b/c/d", nil},
		{"$share/g/#", nil},
	}
	for _, test := range tests {
		t.Run(test.filter, func(t *testing.T) {
			o := embedded.Options{Access: brokertest.MayPublish(func(_, _, _ string) bool { return true })}
			bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
				pub := connect(t, b, hello{id: "pub"})
				for _, topic := range kept {
					pub.publish(post{topic: topic, payload: topic, retain: true, qos: 1, id: 1})
				}
				sub := connect(t, b, hello{id: "sub"})
				sub.subscribe(filter{test.filter, 0})
				var got []string
				for range test.want {
					m := sub.receive()
					if !m.retain || m.payload != m.topic {
						t.Errorf("got %+v, want it as it was, with the retain flag", m)
					}
					got = append(got, m.topic)
				}
				sub.quiet()
				slices.Sort(got)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestRetainedMessagesAreReplacedAndCleared(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		live := connect(t, b, hello{id: "live"})
		live.subscribe(filter{"#", 2})
		pub := connect(t, b, hello{id: "pub"})
		for _, payload := range []string{"1", "2", ""} {
			pub.publish(post{topic: "a/b", payload: payload, retain: true, qos: 2, id: 1})
			if m := live.receive(); m.retain || m.payload != payload {
				t.Errorf("got %+v live, want %q without the retain flag", m, payload)
			}
			if payload == "2" {
				late := connect(t, b, hello{id: "late"})
				late.subscribe(filter{"#", 1})
				m := late.receive()
				if want := (post{topic: "a/b", payload: "2", qos: 1, retain: true, id: m.id}); m != want {
					t.Errorf("got %+v, want %+v", m, want)
				}
				late.quiet()
			}
		}
		late := connect(t, b, hello{id: "later"})
		late.subscribe(filter{"#", 1})
		late.quiet()
		if s := b.Stats(); s.Retained != 0 || s.RetainedBytes != 0 {
			t.Errorf("%d retained messages of %d bytes, want none", s.Retained, s.RetainedBytes)
		}
	})
}

func TestRetainHandlingAndRetainAsPublished(t *testing.T) {
	const asPublished, onlyNew, never = 0x08, 0x10, 0x20
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: "t", payload: "kept", retain: true, qos: 1, id: 1})
		c := connect(t, b, hello{version: 5, id: "c"})
		replayed := func(options byte, want bool) {
			t.Helper()
			c.subscribe(filter{"t", options})
			if want {
				if m := c.receive(); !m.retain {
					t.Errorf("got %+v, want the retain flag", m)
				}
			}
			c.quiet()
		}
		replayed(never, false)
		replayed(0, true)
		replayed(0, true)
		replayed(onlyNew, false)
		c.send(unsubscribe(5, 9, "t"))
		c.expect(UNSUBACK)
		replayed(onlyNew|asPublished, true)
		for _, retain := range []bool{true, false} {
			pub.publish(post{topic: "t", payload: "live", retain: retain, qos: 1, id: 1})
			if m := c.receive(); m.retain != retain {
				t.Errorf("retain flag %t, want it as published: %t", m.retain, retain)
			}
		}
	})
}

// A large retained set reaches a new subscriber whole, however slowly it reads, and messages that come meanwhile are the newest.
func TestALargeRetainedSetArrivesWhole(t *testing.T) {
	for _, qos := range []byte{0, 1, 2} {
		t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
			bubble(t, embedded.Options{MaxQueued: 100}, func(t *testing.T, b *brokertest.Broker) {
				const count = 5000
				pub := connect(t, b, hello{id: "pub"})
				for i := range count {
					pub.send(post{topic: fmt.Sprintf("t/%d", i), payload: strings.Repeat("x", 100), retain: true, qos: 2, id: i + 1}.bytes(4))
					pub.expect(PUBREC)
					pub.send(ack(PUBREL, i+1))
					pub.expect(PUBCOMP)
				}
				sub := connect(t, b, hello{id: "sub"})
				sub.subscribe(filter{"t/#", qos})
				seen := map[string]bool{}
				for _, m := range sub.collect(count) {
					if m.qos != qos || !m.retain {
						t.Fatalf("got %+v", m)
					}
					seen[m.topic] = true
				}
				if len(seen) != count {
					t.Errorf("%d different topics arrived, want %d", len(seen), count)
				}
				sub.quiet()
			})
		})
	}
}

func TestAReplayThatIsInterruptedGoesOn(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		const count = 1000
		pub := connect(t, b, hello{id: "pub"})
		for i := range count {
			pub.publish(post{topic: fmt.Sprintf("t/%d", i), payload: "old", retain: true, qos: 1, id: 1})
		}
		h := hello{id: "sub", persistent: true}
		sub := connect(t, b, h)
		sub.subscribe(filter{"t/#", 1})
		sub.expect(PUBLISH)
		sub.nc.Close()
		for i := range count {
			pub.publish(post{topic: fmt.Sprintf("t/%d", i), payload: "new", retain: true, qos: 0})
		}
		sub = connect(t, b, h)
		last := map[string]string{}
		for len(last) < count {
			for _, m := range sub.collect(1) {
				last[m.topic] = m.payload
			}
		}
		// Those that were on their way are old; all others are looked up when their turn comes.
		old := 0
		for _, payload := range last {
			if payload == "old" {
				old++
			}
		}
		if old == 0 || old > 200 {
			t.Errorf("%d of %d messages are old, want only those that were on their way", old, count)
		}
	})
}

func TestRetainedMessagesAreBounded(t *testing.T) {
	bubble(t, embedded.Options{MaxRetained: 2}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		for i, want := range []byte{0, 0, 0x97} {
			c.send(post{topic: fmt.Sprint(i), payload: "x", retain: true, qos: 1, id: 1}.bytes(5))
			var code byte
			if p := c.expect(PUBACK); len(p.body) > 2 {
				code = p.body[2]
			}
			if code != want {
				t.Errorf("message %d was answered %#x, want %#x", i, code, want)
			}
		}
		c.publish(post{topic: "0", payload: "y", retain: true, qos: 1, id: 1}) // replacing is always possible
		c.publish(post{topic: "1", retain: true, qos: 1, id: 1})
		c.publish(post{topic: "2", payload: "z", retain: true, qos: 2, id: 1})
		if got := b.Stats().Retained; got != 2 {
			t.Errorf("%d messages are retained, want 2", got)
		}
	})
}
