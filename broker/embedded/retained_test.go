package embedded_test

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
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

// What cannot be retained reaches those who have subscribed, and is acknowledged, since it is theirs then. Who comes later gets nothing: not
// what was retained before, either, which is not the last message there any more.
func TestStandardWhatCannotBeRetained(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	var log journal
	o := embedded.Options{Folder: folder, MaxRetained: 2, MaxRetainedBytes: 2000, Logger: log.logger()}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		hub := &recorder{}
		l, _ := link(t, b, hub)
		l.Subscribe(broker.Subscription{Filter: "#", QoS: 2})
		away := connect(t, b, lasting("away"))
		away.subscribe(filter{"#", 2})
		away.goodbye()
		live := connect(t, b, hello{version: 5, id: "live"})
		live.subscribe(filter{"#", 2})
		pub := map[byte]*client{}
		for _, version := range []byte{3, 4, 5} {
			pub[version] = connect(t, b, hello{version: version, id: fmt.Sprint("pub", version)})
		}
		var want []string
		put := func(version, qos byte, topic, payload string) {
			pub[version].publish(post{topic: topic, payload: payload, retain: true, qos: qos, id: 1})
			if m := live.receive(); m.topic != topic || m.payload != payload || m.qos != qos || m.retain {
				t.Errorf("live came %.99v of %s", m, topic)
			}
			if qos > 0 {
				want = append(want, topic)
			}
		}
		put(4, 1, "a", "kept")
		put(4, 1, "b", "kept")
		for _, version := range []byte{3, 4, 5} {
			for qos := range byte(3) {
				put(version, qos, fmt.Sprintf("new/%d/%d", version, qos), "x")
			}
		}
		put(5, 2, "a", strings.Repeat("x", 2000)) // too large to replace what was there
		if s := b.Stats(); s.Retained != 1 || s.Unkept != 10 || s.MessagesDropped != 10 {
			t.Errorf("%d messages are retained, %d were not, %d dropped", s.Retained, s.Unkept, s.MessagesDropped)
		}
		for _, version := range []byte{3, 4, 5} {
			if line := fmt.Sprintf(`level=ERROR msg="could not retain a message: no room for more" client=pub%d`, version); !strings.Contains(log.String(), line) {
				t.Errorf("nobody hears of it from pub%d:\n%s", version, log.String())
			}
		}
		if got := hub.taken(); len(got) != 12 {
			t.Errorf("the hub has got %v", got)
		}
		b.Stop()
		b = brokertest.New(t, embedded.Options{Folder: folder})
		late := connect(t, b, hello{id: "late"})
		late.subscribe(filter{"#", 2})
		if m := late.receive(); m.topic != "b" {
			t.Errorf("retained is %.99v, want only b", m)
		}
		late.quiet()
		away = connect(t, b, lasting("away"))
		var got []string
		for _, m := range away.collect(len(want)) {
			got = append(got, m.topic)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRetainedMessagesAreBounded(t *testing.T) {
	bubble(t, embedded.Options{MaxRetained: 2}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		retained := func(want ...string) {
			t.Helper()
			sub := connect(t, b, hello{id: "sub"})
			sub.subscribe(filter{"#", 0})
			var got []string
			for range want {
				m := sub.receive()
				got = append(got, m.topic+m.payload)
			}
			sub.quiet()
			sub.goodbye()
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		for i := range 3 {
			c.publish(post{topic: fmt.Sprint(i), payload: "x", retain: true, qos: 1, id: 1})
		}
		retained("0x", "1x")
		c.publish(post{topic: "0", payload: "y", retain: true, qos: 1, id: 1}) // replacing is always possible
		c.publish(post{topic: "1", retain: true, qos: 1, id: 1})
		c.publish(post{topic: "2", payload: "z", retain: true, qos: 2, id: 1})
		retained("0y", "2z")
	})
}

// Other rules count for what a slow reader has not got yet of the retained messages that it has asked for.
func TestOtherRulesEndWhatIsRetainedInTheMiddle(t *testing.T) {
	bubble(t, embedded.Options{Access: below("open/")}, func(t *testing.T, b *brokertest.Broker) {
		const all = 20
		p := connect(t, b, hello{id: "p"})
		for i := range all {
			p.publish(post{topic: fmt.Sprint("open/", i), payload: strings.Repeat("x", 30_000), qos: 1, id: 1, retain: true})
		}
		slow := b.Dial()
		if _, err := slow.Write(hello{id: "slow"}.bytes()); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(slow, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		if _, err := slow.Write(subscribe(4, 1, nil, filter{"open/#", 0})); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(slow, make([]byte, 5)); err != nil { // SUBACK
			t.Fatal(err)
		}
		synctest.Wait() // until no more fits in
		if err := b.Reload(embedded.Options{Access: below("other/")}); err != nil {
			t.Fatal(err)
		}
		c := attach(t, slow)
		got := 0
		for more := len(c.heard()); more > 0; more = len(c.heard()) {
			got += more
		}
		if got == 0 || got > all/2 {
			t.Errorf("got %d of %d messages, want those that were on their way", got, all)
		}
		c.ping()
	})
}
