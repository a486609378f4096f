package embedded_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

func TestALongConnectIsNotRead(t *testing.T) {
	bubble(t, embedded.Options{MaxConnectSize: 1024}, func(t *testing.T, b *brokertest.Broker) {
		connect(t, b, hello{id: "short", will: &post{topic: "t", payload: strings.Repeat("x", 500)}})
		c := attach(t, b.Dial())
		go c.nc.Write(hello{id: "long", will: &post{topic: "t", payload: strings.Repeat("x", 1500)}}.bytes())
		c.expectEnd(0)
	})
}

func TestStrangersAreLimitedInAll(t *testing.T) {
	bubble(t, embedded.Options{MaxStrangers: 3, Anonymous: embedded.Always, ConnectTimeout: 5 * time.Second}, func(t *testing.T, b *brokertest.Broker) {
		known := connect(t, b, hello{id: "known"})
		for i := range 3 {
			dialFrom(t, b, fmt.Sprintf("192.168.1.%d:1", 40+i)) // says nothing
		}
		synctest.Wait()
		c := dialFrom(t, b, "192.168.1.50:1")
		c.expectEnd(0)
		known.ping()
		time.Sleep(6 * time.Second)
		dialFrom(t, b, "192.168.1.50:1").hello(hello{id: "late"})
	})
}

func TestTopicsAreLimited(t *testing.T) {
	const deep, long = "a/b/c/d", "12345678901"
	bubble(t, embedded.Options{MaxTopicLevels: 3, MaxTopicSize: 10}, func(t *testing.T, b *brokertest.Broker) {
		for _, bad := range []string{deep, long} {
			c := connect(t, b, hello{version: 5, id: "c"})
			c.publish(post{topic: "a/b/c", qos: 1, id: 1})
			c.publish(post{topic: "1234567890", qos: 1, id: 2})
			c.send(subscribe(5, 3, nil, filter{bad, 0}, filter{"a/#", 0}))
			if p := c.expect(SUBACK); p.body[3] != 0x8F || p.body[4] != 0 {
				t.Errorf("subscribing to %s and a/# is answered % x", bad, p.body)
			}
			c.send(post{topic: bad, qos: 1, id: 3}.bytes(5))
			c.expectEnd(0x90)
			will := attach(t, b.Dial())
			if code := will.hello(hello{version: 5, id: "w", will: &post{topic: bad}})[1]; code != 0x90 {
				t.Errorf("a will to %s is answered %#x, want 0x90", bad, code)
			}
		}
	})
}

func TestFiltersAreLimited(t *testing.T) {
	bubble(t, embedded.Options{MaxSubscriptions: 3, MaxFilters: 2}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		c.subscribe(filter{"a", 0}, filter{"b", 0})
		c.send(subscribe(5, 2, nil, filter{"c", 1}, filter{"d", 1}))
		if p := c.expect(SUBACK); p.body[3] != 1 || p.body[4] != 0x97 {
			t.Errorf("the answer is % x, want one granted and one too many", p.body)
		}
		c.subscribe(filter{"a", 2}) // which is there already
		c.send(unsubscribe(5, 4, "a"))
		c.expect(UNSUBACK)
		c.subscribe(filter{"d", 1})
		c.send(subscribe(5, 5, nil, filter{"a", 0}, filter{"b", 0}, filter{"c", 0}))
		c.expectEnd(0x97)
	})
}

// Filters of many levels take memory for each of them: there may be fewer.
func TestTheLevelsOfSubscriptionsAreLimited(t *testing.T) {
	bubble(t, embedded.Options{MaxSubscriptions: 20}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		deep := func(name string) string { return name + strings.Repeat("/+", 99) }
		for range 2 { // what is taken back makes room
			c.subscribe(filter{deep("a"), 1}, filter{"x", 1}, filter{deep("b"), 1})
			for _, again := range []string{deep("a"), deep("c")} {
				c.subscribe(filter{again, 1})
			}
			c.send(subscribe(5, 1, nil, filter{deep("d"), 1}, filter{strings.Repeat("+/", 18) + "#", 1}, filter{"y/z", 1}))
			if p := c.expect(SUBACK); string(p.body[3:]) != "\x97\x01\x97" {
				t.Errorf("SUBACK is % x, want the first and the last refused with 0x97", p.body)
			}
			c.send(unsubscribe(5, 1, deep("a"), deep("b"), deep("c"), "x", strings.Repeat("+/", 18)+"#"))
			c.expect(UNSUBACK)
		}
	})
}

func TestSessionsAreLimited(t *testing.T) {
	bubble(t, embedded.Options{MaxSessions: 2}, func(t *testing.T, b *brokertest.Broker) {
		connect(t, b, lasting("a")).goodbye()
		connect(t, b, lasting("b"))
		answer := func(h hello) byte { return attach(t, b.Dial()).hello(h)[1] }
		if code := answer(lasting("c")); code != 0x97 {
			t.Errorf("one more is answered %#x, want 0x97", code)
		}
		if code := answer(hello{id: "c", persistent: true}); code != 3 {
			t.Errorf("one more of MQTT 3.1.1 is answered %d, want 3", code)
		}
		if r := b.Refusals(); len(r) != 1 || r[0].Reason != "2 sessions are kept, and it wants one more" || r[0].Count != 2 {
			t.Errorf("refusals are %+v", r)
		}
		connect(t, b, hello{id: "c"}).goodbye() // which ends with its connection
		if code := answer(lasting("a")); code != 0 {
			t.Errorf("who has a session is answered %#x", code)
		}
		connect(t, b, hello{id: "b"}).goodbye() // which ends the one that was there
		synctest.Wait()
		if code := answer(lasting("d")); code != 0 {
			t.Errorf("in the place that is free, one is answered %#x", code)
		}
	})
}

func TestWhatWaitsIsLimitedInAll(t *testing.T) {
	bubble(t, embedded.Options{MaxQueuedInAll: 60_000}, func(t *testing.T, b *brokertest.Broker) {
		away := []string{"a", "b", "c"}
		for _, id := range away {
			c := connect(t, b, lasting(id))
			c.subscribe(filter{"t", 1})
			c.goodbye()
		}
		here := connect(t, b, hello{id: "here"})
		here.subscribe(filter{"t", 1})
		pub := connect(t, b, hello{id: "pub"})
		for range 2 { // what was taken or is gone makes room
			for i := range 100 {
				pub.publish(post{topic: "t", payload: strings.Repeat("x", 1000), qos: 1, id: 1})
				if m := here.receive(); len(m.payload) != 1000 {
					t.Fatalf("who keeps up has got %+v as message %d", m, i)
				}
			}
			if s := b.Stats(); s.QueuedBytes < 55_000 || s.QueuedBytes > 65_000 || s.MessagesDropped == 0 {
				t.Errorf("%d bytes wait, and %d messages were dropped", s.QueuedBytes, s.MessagesDropped)
			}
			for _, id := range away {
				connect(t, b, hello{version: 5, id: id}).goodbye()
				c := connect(t, b, lasting(id))
				c.subscribe(filter{"t", 1})
				c.goodbye()
			}
			synctest.Wait()
		}
	})
}

// unreading connects a client that subscribes to a topic with QoS 0, and then reads nothing.
func unreading(t *testing.T, b *brokertest.Broker, id, topic string) net.Conn {
	t.Helper()
	nc := b.Dial()
	for _, step := range []struct {
		packet []byte
		answer int
	}{{hello{id: id}.bytes(), 4}, {subscribe(4, 1, nil, filter{topic, 0}), 5}} {
		if _, err := nc.Write(step.packet); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(nc, make([]byte, step.answer)); err != nil {
			t.Fatal(err)
		}
	}
	return nc
}

// What waits for those who do not read is limited in all with QoS 0, too, and those who read get all that comes.
func TestWhatIsUnreadIsLimitedInAll(t *testing.T) {
	const clients, count, size, most = 10, 100, 1000, 300_000
	bubble(t, embedded.Options{MaxQueuedInAll: most}, func(t *testing.T, b *brokertest.Broker) {
		here := connect(t, b, hello{id: "here"})
		here.subscribe(filter{"t", 0})
		pub := connect(t, b, hello{id: "pub"})
		for round := range 3 { // what was read, or whose client is gone, makes room
			var stuck []net.Conn
			for i := range clients {
				stuck = append(stuck, unreading(t, b, fmt.Sprint("stuck", i), "t"))
			}
			before := b.Stats().Overflowed
			for i := range count {
				pub.publish(post{topic: "t", payload: strings.Repeat("x", size)})
				if m := here.receive(); len(m.payload) != size {
					t.Fatalf("who keeps up has got %+v as message %d", m, i)
				}
			}
			synctest.Wait() // whoever keeps up may have the last message before the others are offered it
			if waits := clients*count*size - int(b.Stats().Overflowed-before)*size; waits < most*9/10 || waits > most {
				t.Errorf("round %d: %d bytes wait, want no more than %d", round, waits, most)
			}
			for i, nc := range stuck {
				if i%2 == 0 {
					nc.Close()
					continue
				}
				for c := attach(t, nc); len(c.heard()) > 0; {
				}
			}
			synctest.Wait()
		}
	})
}

func TestRetainedMemoryIsLimited(t *testing.T) {
	bubble(t, embedded.Options{MaxRetainedBytes: 1512}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		steps := func(all ...step) {
			t.Helper()
			for _, s := range all {
				before := b.Stats().Unkept
				c.publish(post{topic: s.topic, payload: strings.Repeat("x", s.size), qos: 1, retain: true, id: 1})
				if kept := b.Stats().Unkept == before; kept != s.kept {
					t.Errorf("%d bytes to %s: kept is %t, want %t", s.size, s.topic, kept, s.kept)
				}
			}
		}
		steps(step{"a", 100, true}, step{"b", 100, true}, step{"a", 600, true}, step{"b", 101, true},
			step{"b", 400, false}, step{"c", 100, true}, step{"c", 0, true}, step{"a", 599, true}, step{"b", 4000, false}, step{"b", 100, true})
		if err := b.Reload(embedded.Options{MaxRetainedBytes: 1012}); err != nil {
			t.Fatal(err)
		}
		steps(step{"a", 590, true}, step{"b", 101, false}) // what is there already may get smaller
		if s := b.Stats(); s.Retained != 1 || s.RetainedBytes > 1512 {
			t.Errorf("retained are %d messages of %d bytes", s.Retained, s.RetainedBytes)
		}
	})
}

// What a deep topic takes besides its message counts, too: it is a hundred times as much.
func TestRetainedMemoryOfDeepTopicsIsLimited(t *testing.T) {
	bubble(t, embedded.Options{MaxRetainedBytes: 1_000_000}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{id: "c"})
		deep := func(i int, payload string) {
			c.publish(post{topic: fmt.Sprint(i, strings.Repeat("/a", 200)), payload: payload, qos: 1, id: 1, retain: true})
		}
		for range 2 { // what is cleared makes room
			for i := range 50 {
				deep(i, "x")
			}
			if s := b.Stats(); s.Retained < 15 || s.Retained > 20 || s.RetainedBytes > 1_000_000 {
				t.Errorf("%d messages of deep topics are retained, and %d bytes", s.Retained, s.RetainedBytes)
			}
			c.publish(post{topic: fmt.Sprint(0, strings.Repeat("/a", 199), "/b"), payload: "x", qos: 1, id: 1, retain: true}) // on a branch that is there
			if s := b.Stats(); s.Retained != 20 {
				t.Errorf("%d messages are retained", s.Retained)
			}
			c.publish(post{topic: fmt.Sprint(0, strings.Repeat("/a", 199), "/b"), qos: 1, id: 1, retain: true})
			for i := range 50 {
				deep(i, "")
			}
			if s := b.Stats(); s.Retained != 0 || s.RetainedBytes != 0 {
				t.Errorf("%d messages and %d bytes are left", s.Retained, s.RetainedBytes)
			}
		}
	})
}

// step is one retained message of TestRetainedMemoryIsLimited, and whether there is room for it.
type step struct {
	topic string
	size  int
	kept  bool
}

// Other options hold for what clients do from then on; what a client was promised when it connected stays as it is.
func TestLimitsAreReloaded(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		before := connect(t, b, hello{version: 5, id: "before"})
		before.subscribe(filter{"t", 0})
		if err := b.Reload(embedded.Options{MaxPacketSize: 5000, MaxTopicLevels: 1000}); err == nil {
			t.Error("a limit beyond measure was taken")
		}
		if err := b.Reload(embedded.Options{MaxPacketSize: 5000, MaxSubscriptions: 1}); err != nil {
			t.Fatal(err)
		}
		before.send(subscribe(5, 2, nil, filter{"a", 0}))
		if p := before.expect(SUBACK); p.body[3] != 0x97 {
			t.Errorf("a second subscription is answered %#x, want 0x97", p.body[3])
		}
		before.publish(post{topic: "t", payload: strings.Repeat("x", 10_000)})
		before.receive()
		after := connect(t, b, hello{version: 5, id: "after"})
		go after.nc.Write(post{topic: "t", payload: strings.Repeat("x", 10_000)}.bytes(5))
		after.expectEnd(0x95)
	})
}

func TestAUsersConnectionsAreEnded(t *testing.T) {
	o := embedded.Options{Authenticate: func(string, string) bool { return true }}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		first := connect(t, b, hello{version: 5, id: "1", user: "anna", password: "x", persistent: true})
		second := connect(t, b, hello{id: "2", user: "anna", password: "x"})
		other := connect(t, b, hello{id: "3", user: "ben", password: "x"})
		nobody := connect(t, b, hello{id: "4"})
		if n := b.DisconnectUser("anna"); n != 2 {
			t.Errorf("%d connections were ended, want 2", n)
		}
		first.expectEnd(0x87)
		second.expectEnd(0)
		other.ping()
		if n := b.DisconnectUser(""); n != 0 {
			t.Errorf("%d connections of nobody were ended", n)
		}
		nobody.ping()
	})
}

// A client may have thousands of subscriptions to one topic, each with an identifier of its own: what waits for it has them all.
func TestSubscriptionIdentifiersCountAmongWhatWaits(t *testing.T) {
	const filters, size = 500, 50_000
	bubble(t, embedded.Options{MaxQueuedBytes: size}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, lasting("c"))
		for i := range filters {
			name := "#"
			for bit := range 9 {
				name = []string{"a/", "+/"}[i>>bit&1] + name
			}
			c.send(subscribe(5, 1, prop(0x0B, []byte{byte(1 + i%100)}), filter{name, 1}))
			c.expect(SUBACK)
		}
		c.nc.Close()
		pub := connect(t, b, hello{id: "pub"})
		for range 100 {
			pub.publish(post{topic: strings.Repeat("a/", 9), qos: 1, id: 1})
		}
		if n := b.Stats().Queued; n < 10 || n*(4*filters) > size {
			t.Errorf("%d messages wait, each with %d identifiers, and %d bytes may", n, filters, size)
		}
	})
}
