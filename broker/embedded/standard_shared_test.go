package embedded_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// Each message goes to one member of each group, with the QoS and the identifier of that member's subscription [MQTT-4.8.2-3], and besides to who
// has an ordinary subscription (4.8.2).
func TestStandardSharedSubscriptions(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		low, high := connect(t, b, hello{version: 5, id: "low"}), connect(t, b, hello{version: 5, id: "high"})
		low.subscribeAs(1, filter{"$share/g/t/+", 0})
		high.subscribeAs(2, filter{"$share/g/t/+", 2})
		high.subscribeAs(2, filter{"$share/g/t/+", 2}) // once more: it is one member still
		other := connect(t, b, hello{version: 5, id: "other"})
		other.subscribeAs(3, filter{"$share/g/t/#", 1})       // the same name, another filter: another group
		other.subscribeAs(4, filter{"$share/another/t/+", 1}) // another name: another group
		other.subscribeAs(5, filter{"t/1", 1})
		pub := connect(t, b, hello{id: "pub"})
		const count = 20
		for i := range count {
			pub.publish(post{topic: "t/1", payload: fmt.Sprint(i), qos: 2, id: 1})
		}
		for c, want := range map[*client]post{low: {qos: 0, props: "\x0B\x01"}, high: {qos: 2, props: "\x0B\x02"}} {
			for _, m := range c.collect(count / 2) {
				if m.qos != want.qos || m.props != want.props {
					t.Errorf("got %+v, want QoS %d and % x", m, want.qos, want.props)
				}
			}
			c.quiet()
		}
		seen := map[string]int{}
		for _, m := range other.collect(3 * count) {
			seen[m.props]++
		}
		for _, id := range []string{"\x0B\x03", "\x0B\x04", "\x0B\x05"} {
			if seen[id] != count {
				t.Errorf("identifier % x came %d times of %d: %v", id, seen[id], count, seen)
			}
		}
	})
}

// apart is an access policy by which each client receives only what begins with its own identifier.
type apart string

func (apart) Permit(client, _ string) embedded.Permit { return apart(client) }
func (apart) MayPublish(string) bool                  { return true }
func (p apart) MayReceive(topic string) bool          { return strings.HasPrefix(topic, string(p)) }
func (apart) MaySubscribe(string) bool                { return true }

// A message goes to a member that may receive it, and to nobody if there is none. By its turn alone a member would be chosen for whom it is
// lost.
func TestStandardASharedMemberThatMayNotReceive(t *testing.T) {
	bubble(t, embedded.Options{Access: apart("")}, func(t *testing.T, b *brokertest.Broker) {
		members := map[string]*client{}
		for _, id := range []string{"a", "ab", "b"} {
			members[id] = connect(t, b, hello{id: id})
			members[id].subscribe(filter{"$share/g/#", 1})
		}
		pub := connect(t, b, hello{id: "pub"})
		for i := range 20 {
			for _, topic := range []string{"ab", "b", "c", "ab"} {
				pub.publish(post{topic: topic, qos: byte(i % 2), id: 1})
			}
		}
		synctest.Wait()
		got := map[string]int{}
		for id, c := range members {
			for len(c.packets) > 0 {
				c.receive()
				got[id]++
			}
		}
		if got["a"]+got["ab"] != 40 || got["b"] != 20 {
			t.Errorf("got %v, want 40 messages for a and ab together, and 20 for b", got)
		}
	})
}

// A member whose session goes on keeps what it was given, and gets it when it returns [MQTT-4.8.2-4]; nobody else does.
func TestStandardASharedMemberThatReturns(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		first := connect(t, b, enduring(5, "first"))
		first.subscribe(filter{"$share/g/t", 2})
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: "t", payload: "one", qos: 1, id: 1})
		pub.publish(post{topic: "t", payload: "two", qos: 2, id: 1})
		first.expect(PUBLISH)
		first.expect(PUBLISH)
		second := connect(t, b, hello{version: 5, id: "second"})
		second.subscribe(filter{"$share/g/t", 2})
		first.nc.Close()
		second.quiet()
		first = connect(t, b, enduring(5, "first"))
		for _, want := range []string{"one", "two"} {
			if m := first.receive(); m.payload != want || !m.dup {
				t.Errorf("got %+v, want %s as a duplicate", m, want)
			}
		}
		second.quiet()
	})
}

// When a member's session ends, what it had not acknowledged goes to another member: messages with QoS 1, and those with QoS 2 that were
// not sent to it yet. One with QoS 2 that was sent must not [MQTT-4.8.2-5]: the member may have taken it.
func TestStandardASharedMemberThatLeaves(t *testing.T) {
	ends := map[string]func(t *testing.T, b *brokertest.Broker, c *client){
		"by its connection":  func(_ *testing.T, _ *brokertest.Broker, c *client) { c.nc.Close() },
		"by a goodbye":       func(_ *testing.T, _ *brokertest.Broker, c *client) { c.goodbye() },
		"by its next, clean": func(t *testing.T, b *brokertest.Broker, _ *client) { connect(t, b, hello{version: 5, id: "first"}) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				first := connect(t, b, hello{version: 5, id: "first", props: prop(0x21, u16(2))})
				first.subscribe(filter{"$share/g/t", 2})
				pub := connect(t, b, hello{id: "pub"})
				for i, qos := range []byte{1, 2, 1, 2} {
					pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: qos, id: 1})
				}
				first.expect(PUBLISH)
				first.expect(PUBLISH)
				second := connect(t, b, hello{version: 5, id: "second"})
				second.subscribe(filter{"$share/g/t", 2})
				end(t, b, first)
				for _, want := range []string{"0", "2", "3"} {
					if m := second.receive(); m.payload != want {
						t.Errorf("got %+v, want message %s", m, want)
					}
				}
				second.quiet()
			})
		})
	}
}

// A member that refuses a message has decided for the group [MQTT-4.8.2-6].
func TestStandardASharedMemberThatRefuses(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		first := connect(t, b, hello{version: 5, id: "first"})
		first.subscribe(filter{"$share/g/t", 2})
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: "t", payload: "one", qos: 1, id: 1})
		pub.publish(post{topic: "t", payload: "two", qos: 2, id: 1})
		second := connect(t, b, hello{version: 5, id: "second"})
		second.subscribe(filter{"$share/g/t", 2})
		first.send(ack(PUBACK, first.expect(PUBLISH).post(5).id, 0x97))
		first.send(ack(PUBREC, first.expect(PUBLISH).post(5).id, 0x80))
		first.quiet()
		first.nc.Close()
		second.quiet()
		if got := b.Stats().Queued; got != 0 {
			t.Errorf("%d messages are still queued", got)
		}
	})
}

// A member that takes nothing at the moment, because its window is full or because it is away, does not hold up the group.
func TestStandardASharedMemberThatIsAway(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		away := connect(t, b, enduring(4, "away"))
		away.subscribe(filter{"$share/g/t", 1})
		here := connect(t, b, hello{id: "here"})
		here.subscribe(filter{"$share/g/t", 1})
		away.nc.Close()
		synctest.Wait()
		pub := connect(t, b, hello{id: "pub"})
		for range 10 {
			pub.publish(post{topic: "t", qos: 1, id: 1})
		}
		here.collect(10)
		connect(t, b, enduring(4, "away")).quiet()
	})
}
