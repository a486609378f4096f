package embedded_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

func TestOverlappingSubscriptionsAreOneDelivery(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		for id, f := range []filter{{"a/b", 0}, {"a/+", 2}, {"#", 1}} {
			c.send(subscribe(5, 1, prop(0x0B, []byte{byte(id + 1)}), f))
			c.expect(SUBACK)
		}
		other := connect(t, b, hello{id: "other"})
		other.subscribe(filter{"a/#", 0}, filter{"#", 0})
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: "a/b", payload: "x", qos: 2, id: 1})
		m := c.receive()
		ids := strings.Split(strings.Trim(m.props, "\x0B"), "\x0B")
		slices.Sort(ids)
		if diff := cmp.Diff([]string{"\x01", "\x02", "\x03"}, ids); diff != "" || m.qos != 2 {
			t.Errorf("got QoS %d and identifiers %q, want 2 and all three", m.qos, ids)
		}
		c.quiet()
		other.receive()
		other.quiet()
	})
}

func TestUnsubscribe(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		c.subscribe(filter{"a", 0}, filter{"b/#", 1}, filter{"$share/g/c", 0})
		other := connect(t, b, hello{version: 5, id: "other"})
		other.subscribe(filter{"z", 0})
		c.send(unsubscribe(5, 3, "a", "z", "b/#", "$share/g/c"))
		if p := c.expect(UNSUBACK); string(p.body) != string([]byte{0, 3, 0, 0, 0x11, 0, 0}) {
			t.Errorf("UNSUBACK is % x", p.body)
		}
		pub := connect(t, b, hello{id: "pub"})
		for _, topic := range []string{"a", "b/c", "c"} {
			pub.publish(post{topic: topic, qos: 1, id: 1})
		}
		c.quiet()
		if got := b.Stats().Subscriptions; got != 1 {
			t.Errorf("%d subscriptions are left, want 1", got)
		}
	})
}

func TestNoLocal(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		c.subscribe(filter{"t", 0x04})
		c.publish(post{topic: "t", payload: "mine", qos: 1, id: 1})
		c.quiet()
		other := connect(t, b, hello{version: 5, id: "other"})
		other.publish(post{topic: "t", payload: "yours", qos: 1, id: 1})
		if m := c.receive(); m.payload != "yours" {
			t.Errorf("got %q", m.payload)
		}
	})
}

func TestSharedSubscriptionsTakeTurns(t *testing.T) {
	o := embedded.Options{Access: brokertest.MayPublish(func(_, _, _ string) bool { return true })}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		var members []*client
		for i := range 3 {
			c := connect(t, b, hello{version: 4 + byte(i%2), id: fmt.Sprint("member", i)})
			c.subscribe(filter{"$share/g/t/#", 1})
			members = append(members, c)
		}
		alone := connect(t, b, hello{id: "alone"})
		alone.subscribe(filter{"$share/other/t/+", 1}, filter{"t/1", 0})
		pub := connect(t, b, hello{id: "pub"})
		for range 30 {
			pub.publish(post{topic: "t/1", qos: 1, id: 1})
		}
		for i, c := range members {
			if got := len(c.collect(10)); got != 10 {
				t.Errorf("member %d got %d messages, want a third of 30", i, got)
			}
			c.quiet()
		}
		alone.collect(60) // its own group's, and its plain subscription's

		members[0].nc.Close()
		members[1].goodbye()
		synctest.Wait()
		for range 5 {
			pub.publish(post{topic: "t/1", qos: 1, id: 1})
		}
		members[2].collect(5)
		members[2].subscribe(filter{"$share/g/#", 1})
		pub.publish(post{topic: "$t/1", qos: 1, id: 1})
		members[2].quiet()
	})
}

func TestASharedSubscriptionWithNobodyThereWaits(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		h := hello{id: "worker", persistent: true}
		c := connect(t, b, h)
		c.subscribe(filter{"$share/g/t", 1})
		c.goodbye()
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: "t", payload: "job", qos: 1, id: 1})
		c = connect(t, b, h)
		if m := c.receive(); m.payload != "job" {
			t.Errorf("got %+v", m)
		}
	})
}

func TestSubscriptionsThatAreRefused(t *testing.T) {
	deep := strings.Repeat("a/", 128) + "a"
	for version, want := range map[byte]byte{4: 0x80, 5: 0x8F} {
		bubble(t, embedded.Options{MaxTopicLevels: 100}, func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, hello{version: version, id: "c"})
			c.send(subscribe(version, 1, nil, filter{"ok", 1}, filter{deep, 0}, filter{"#", 2}))
			p := c.expect(SUBACK)
			if got := p.body[len(p.body)-3:]; string(got) != string([]byte{1, want, 2}) {
				t.Errorf("version %d: codes % x, want 01 %x 02", version, got, want)
			}
		})
	}
}

func TestDollarTopics(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		c.subscribe(filter{"#", 0}, filter{"+/x", 0}, filter{"$SYS/x", 0}, filter{"$mine/x", 0})
		old := connect(t, b, hello{id: "old"})
		for _, topic := range []string{"$SYS/x", "$mine/x"} {
			old.publish(post{topic: topic, qos: 1, id: 1}) // acknowledged, since 3.1.1 has no other answer
			old.publish(post{topic: topic, qos: 2, id: 1})
			c.send(post{topic: topic, qos: 1, id: 1}.bytes(5))
			if p := c.expect(PUBACK); len(p.body) < 3 || p.body[2] != 0x87 {
				t.Errorf("PUBACK for %s is % x, want reason 0x87", topic, p.body)
			}
			c.send(post{topic: topic, qos: 2, id: 1}.bytes(5))
			if p := c.expect(PUBREC); len(p.body) < 3 || p.body[2] != 0x87 {
				t.Errorf("PUBREC for %s is % x, want reason 0x87", topic, p.body)
			}
		}
		c.quiet()
	})
}

func TestMayPublishDecides(t *testing.T) {
	o := embedded.Options{
		Authenticate: func(user, password string) bool { return password == "secret" },
		Access: brokertest.MayPublish(func(client, user, topic string) bool {
			return user == "writer" && client == "w" && !strings.HasPrefix(topic, "closed/")
		}),
	}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"#", 0})
		w := connect(t, b, hello{id: "w", user: "writer", password: "secret"})
		other := connect(t, b, hello{id: "other", user: "other", password: "secret"})
		other.publish(post{topic: "open/a", qos: 1, id: 1, retain: true, payload: "no"})
		w.publish(post{topic: "closed/a", qos: 1, id: 1, retain: true, payload: "no"})
		w.publish(post{topic: "$SYS/a", qos: 1, id: 1, retain: true, payload: "no"})
		w.publish(post{topic: "open/a", qos: 1, id: 1, payload: "yes"})
		if m := watch.receive(); m.payload != "yes" {
			t.Errorf("got %+v", m)
		}
		watch.quiet()
		if got := b.Stats().Retained; got != 0 {
			t.Errorf("%d refused messages were retained", got)
		}
	})
}
