package embedded_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// A connection remembers where its messages of a topic go. Whoever subscribes, leaves or comes back changes that for the next message.
func TestAPublisherNoticesWhoSubscribesAndWhoLeaves(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		pub := connect(t, b, hello{version: 5, id: "pub"})
		count := 0
		reaches := func(step string, clients ...*client) {
			t.Helper()
			for _, topic := range []string{"t/1", "t/2", "t/1"} { // more than one topic is remembered
				count++
				pub.publish(post{topic: topic, payload: fmt.Sprint(count), qos: 1, id: 1})
				for _, c := range clients {
					if m := c.receive(); m.payload != fmt.Sprint(count) {
						t.Fatalf("%s: got %q, want %d", step, m.payload, count)
					}
				}
			}
		}
		reaches("nobody is there")
		a, c, d := connect(t, b, hello{version: 5, id: "a"}), connect(t, b, hello{version: 5, id: "c"}), connect(t, b, hello{id: "d"})
		a.subscribe(filter{"t/+", 1})
		reaches("one has subscribed", a)
		c.subscribe(filter{"$share/g/t/#", 1})
		reaches("another one has subscribed by a shared subscription", a, c)
		d.subscribe(filter{"t/#", 0})
		a.send(unsubscribe(5, 3, "t/+"))
		a.expect(UNSUBACK)
		reaches("a third one has subscribed, the first one has left", c, d)
		d.goodbye()
		c.goodbye()
		synctest.Wait()
		reaches("all have gone")
		again := connect(t, b, hello{version: 5, id: "c"})
		again.subscribe(filter{"$share/g/t/#", 1})
		reaches("it is back", again)
		again.subscribe(filter{"t/#", 1})
		pub.publish(post{topic: "t/1", payload: "both", qos: 1, id: 1})
		again.collect(2)
		for _, c := range []*client{a, again} {
			c.quiet()
		}
	})
}

// Nobody remembers the course of a message that goes to many.
func TestAMessageReachesManyAgainAndAgain(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		pub := connect(t, b, hello{id: "pub"})
		var all []*client
		for i := range 20 {
			c := connect(t, b, hello{id: fmt.Sprint("c", i)})
			c.subscribe(filter{"t", 1})
			all = append(all, c)
			pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: 1, id: 1})
			for _, c := range all {
				if m := c.receive(); m.payload != fmt.Sprint(i) {
					t.Fatalf("got %q, want %d", m.payload, i)
				}
			}
		}
	})
}

func TestAPublisherNoticesWhatALinkWants(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		heard := &recorder{}
		l, stop := link(t, b, heard)
		pub := connect(t, b, hello{id: "pub"})
		publish := func(payload string) {
			pub.publish(post{topic: "t", payload: payload, qos: 1, id: 1})
			synctest.Wait()
		}
		publish("before")
		l.Subscribe(broker.Subscription{Filter: "t", QoS: 1})
		publish("one")
		publish("two")
		l.Unsubscribe("t")
		publish("after")
		l.Subscribe(broker.Subscription{Filter: "#", QoS: 0})
		publish("three")
		stop()
		publish("never")
		var got []string
		for _, m := range heard.all() {
			got = append(got, fmt.Sprint(string(m.Payload), " ", m.QoS))
		}
		if want := "[one 1 two 1 three 0]"; fmt.Sprint(got) != want {
			t.Errorf("the link got %v, want %s", got, want)
		}
	})
}
