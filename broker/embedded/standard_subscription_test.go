package embedded_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// subscribeAs subscribes with an identifier, and returns the codes that it is granted.
func (c *client) subscribeAs(id byte, filters ...filter) []byte {
	c.t.Helper()
	var p []byte
	if id > 0 {
		p = prop(0x0B, []byte{id})
	}
	c.send(subscribe(c.version, 1, p, filters...))
	body := c.expect(SUBACK).body
	return body[len(body)-len(filters):]
}

// SUBACK and UNSUBACK carry the identifier of what they answer and one code for each filter, in the filters' order [MQTT-3.8.4-2],
// [MQTT-3.8.4-6], [MQTT-3.9.3-1], [MQTT-3.10.4-5], [MQTT-3.11.3-1]; the codes of 3.1.1 are its own.
func TestStandardAnswersToSubscriptions(t *testing.T) {
	for _, version := range []byte{3, 4, 5} {
		bubble(t, embedded.Options{MaxTopicLevels: 5}, func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, hello{version: version, id: "c"})
			tooDeep, unknown := byte(0x80), []byte(nil)
			if version == 5 {
				tooDeep, unknown = 0x8F, []byte{0, 0x11, 0}
			}
			c.send(subscribe(version, 0xABCD, nil, filter{"a", 2}, filter{"a/b/c/d/e/f", 1}, filter{"a/#", 0}, filter{"a", 1}))
			want := join(u16(0xABCD), props(version), []byte{2, tooDeep, 0, 1})
			if p := c.expect(SUBACK); string(p.body) != string(want) {
				t.Errorf("version %d: SUBACK is % x, want % x", version, p.body, want)
			}
			c.send(unsubscribe(version, 0xFFFF, "a", "nothing", "a/#"))
			want = join(u16(0xFFFF), props(version), unknown)
			if p := c.expect(UNSUBACK); string(p.body) != string(want) {
				t.Errorf("version %d: UNSUBACK is % x, want % x", version, p.body, want)
			}
		})
	}
}

// A subscription to a filter that the client has already replaces it, in the same packet too [MQTT-3.8.4-3], [MQTT-3.8.4-5]: QoS, options
// and identifier are the new ones, and what is on its way is not disturbed.
func TestStandardASubscriptionIsReplaced(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		pub := connect(t, b, hello{id: "pub"})
		c.subscribeAs(3, filter{"t", 2})
		pub.publish(post{topic: "t", payload: "open", qos: 2, id: 1})
		open := c.expect(PUBLISH).post(5)
		c.subscribeAs(4, filter{"t", 2}, filter{"t", 1 | 0x08})
		pub.publish(post{topic: "t", payload: "new", qos: 2, id: 1, retain: true})
		m := c.expect(PUBLISH).post(5)
		if m.payload != "new" || m.qos != 1 || !m.retain || m.props != "\x0B\x04" {
			t.Errorf("got %+v, want QoS 1, as published, identifier 4", m)
		}
		c.settle(m)
		c.settle(open)
		c.quiet()
		c.subscribeAs(0, filter{"t", 0x20}) // without an identifier from now on
		pub.publish(post{topic: "t", payload: "newest", qos: 2, id: 1})
		if m := c.receive(); m.props != "" || m.qos != 0 {
			t.Errorf("got %+v, want QoS 0 without an identifier", m)
		}
		if got := b.Stats().Subscriptions; got != 1 {
			t.Errorf("%d subscriptions, want 1", got)
		}
	})
}

// UNSUBSCRIBE ends what comes after it; a delivery that has begun is completed [MQTT-3.10.4-2], [MQTT-3.10.4-3], and a filter is only
// the same character by character [MQTT-3.10.4-1].
func TestStandardUnsubscribeCompletesDeliveries(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, enduring(5, "c"))
		c.subscribe(filter{"a/b", 2})
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: "a/b", payload: "begun", qos: 2, id: 1})
		m := c.expect(PUBLISH).post(5)
		c.send(unsubscribe(5, 1, "a/+", "A/b", "a/b/"))
		if p := c.expect(UNSUBACK); string(p.body[3:]) != "\x11\x11\x11" {
			t.Errorf("other filters are answered % x", p.body)
		}
		c.send(unsubscribe(5, 1, "a/b"))
		c.expect(UNSUBACK)
		pub.publish(post{topic: "a/b", payload: "never", qos: 2, id: 1})
		c.nc.Close()
		c = connect(t, b, enduring(5, "c"))
		again := c.receive()
		if again.payload != "begun" || !again.dup || again.id != m.id {
			t.Errorf("got %+v, want the delivery that had begun", again)
		}
		c.quiet()
	})
}

// Retained messages that wait for room are messages that have not begun to be sent: none of them follows UNSUBACK [MQTT-3.10.4-2], least of all
// one that was published after it.
func TestStandardUnsubscribeEndsTheReplay(t *testing.T) {
	bubble(t, embedded.Options{MaxInflight: 5}, func(t *testing.T, b *brokertest.Broker) {
		const count = 100
		pub := connect(t, b, hello{id: "pub"})
		publish := func(payload string) {
			for i := range count {
				pub.publish(post{topic: fmt.Sprint("t/", i), payload: payload, qos: 1, id: 1, retain: true})
			}
		}
		publish("old")
		c := connect(t, b, enduring(4, "c"))
		c.subscribe(filter{"t/#", 1})
		var ids []int
		for range 5 {
			ids = append(ids, c.expect(PUBLISH).post(4).id)
		}
		c.send(unsubscribe(4, 1, "t/#"))
		c.expect(UNSUBACK)
		publish("new")
		for n := len(ids); len(ids) > 0; n++ {
			if n > 20 {
				t.Fatalf("after UNSUBACK the rest of %d retained messages came", count)
			}
			c.send(ack(PUBACK, ids[0]))
			ids = ids[1:]
			synctest.Wait()
			for len(c.packets) > 0 {
				m := c.expect(PUBLISH).post(4)
				if m.payload != "old" {
					t.Fatalf("got %+v, which was published after UNSUBACK", m)
				}
				ids = append(ids, m.id)
			}
		}
	})
}

// Subscription identifiers come with every message that they caused, retained ones too [MQTT-3.3.4-3], each as often as it applies
// [MQTT-3.3.4-4], [MQTT-3.3.4-5]; they are part of the session, and up to four bytes long.
func TestStandardSubscriptionIdentifiers(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: "a/b", payload: "kept", qos: 1, id: 1, retain: true})
		c := connect(t, b, enduring(5, "c"))
		c.subscribeAs(7, filter{"a/#", 1})
		if m := c.receive(); m.props != "\x0B\x07" || !m.retain {
			t.Errorf("the retained message is %+v, want identifier 7", m)
		}
		c.subscribeAs(9, filter{"a/b", 0})
		if m := c.receive(); m.props != "\x0B\x09" {
			t.Errorf("the retained message is %+v, want the identifier of the subscription that asked for it, 9", m)
		}
		c.subscribeAs(7, filter{"+/b", 0x20}) // the same identifier for another filter
		c.send(subscribe(5, 1, prop(0x0B, []byte{0xFF, 0xFF, 0xFF, 0x7F}), filter{"a/+", 0x20}))
		c.expect(SUBACK)
		c.nc.Close()
		c = connect(t, b, enduring(5, "c"))
		pub.publish(post{topic: "a/b", payload: "live", qos: 1, id: 1})
		ids := strings.Split(strings.TrimPrefix(c.receive().props, "\x0B"), "\x0B")
		slices.Sort(ids)
		if want := []string{"\x07", "\x07", "\x09", "\xFF\xFF\xFF\x7F"}; !slices.Equal(ids, want) {
			t.Errorf("identifiers are %q, want %q", ids, want)
		}
		c.quiet()
	})
}

// Wildcards at the beginning do not match names that begin with $, live or retained, plain or shared [MQTT-4.7.2-1].
func TestStandardDollar(t *testing.T) {
	for _, test := range []struct {
		filter string
		want   bool
	}{
		{"#", false},
		{"+/x/y", false},
		{"+/#", false},
		{"+/+/+", false},
		{"$own/#", true},
		{"$own/+/y", true},
		{"$own/x/y", true},
		{"$own/+/#", true},
		{"$other/#", false},
		{"own/#", false},
	} {
		for _, shared := range []bool{false, true} {
			for _, retained := range []bool{false, true} {
				if shared && retained {
					continue // a shared subscription gets none
				}
				name := test.filter
				if shared {
					name = "$share/g/" + name
				}
				t.Run(fmt.Sprintf("%s, retained %t", name, retained), func(t *testing.T) {
					o := embedded.Options{Access: brokertest.MayPublish(func(_, _, _ string) bool { return true })}
					bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
						c := connect(t, b, hello{id: "c"})
						pub := connect(t, b, hello{id: "pub"})
						m := post{topic: "$own/x/y", payload: "x", retain: retained}
						if retained {
							pub.publish(m)
							pub.ping() // or it may come live, before SUBACK
							c.subscribe(filter{name, 0})
						} else {
							c.subscribe(filter{name, 0})
							pub.publish(m)
						}
						pub.ping()
						if test.want {
							c.receive()
						}
						c.quiet()
					})
				})
			}
		}
	}
}

// Names and filters of the greatest number of levels work like others, and what is beyond harms nobody.
func TestStandardDeepTopics(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		deepest := strings.Repeat("/", broker.MaxTopicLevels-1)
		wildcards := strings.Repeat("+/", broker.MaxTopicLevels-1) + "#"
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{deepest, 1}, filter{wildcards, 1})
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: deepest, payload: "x", qos: 1, id: 1, retain: true})
		watch.receive()
		watch.quiet()
		late := connect(t, b, hello{id: "late"})
		late.subscribe(filter{wildcards, 0})
		late.receive()
		for _, packet := range [][]byte{
			subscribe(5, 1, nil, filter{strings.Repeat("/", 65535), 0}),
			subscribe(5, 1, nil, filter{strings.Repeat("+/", 32767) + "#", 0}),
			unsubscribe(5, 1, strings.Repeat("/", 65535)),
			post{topic: strings.Repeat("/", 65535), retain: true}.bytes(5),
		} {
			c := connect(t, b, hello{version: 5, id: "c"})
			c.lives(packet)
			c.nc.Close()
			watch.ping()
		}
		if s := b.Stats(); s.Retained != 1 {
			t.Errorf("%d messages are retained, want 1", s.Retained)
		}
	})
}

// A retained message stands for its topic: a/# asks for that of a, too (4.7.1.2), none of an ended session's subscriptions does, and one
// that was published with QoS 0 replaces one with QoS 2 [MQTT-3.3.1-5].
func TestStandardRetained(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		pub := connect(t, b, hello{version: 5, id: "pub"})
		text := string(prop(0x03, str("text/plain")))
		pub.publish(post{topic: "a", payload: "old", qos: 2, id: 1, retain: true})
		pub.publish(post{topic: "a", payload: "new", retain: true, props: text})
		pub.publish(post{topic: "a", payload: "live only", qos: 1, id: 1}) // changes nothing [MQTT-3.3.1-8]
		for _, f := range []string{"a", "a/#", "+", "#", "+/#"} {
			c := connect(t, b, hello{version: 5, id: "c"})
			c.subscribe(filter{f, 2})
			if m := c.receive(); m != (post{topic: "a", payload: "new", retain: true, props: text}) {
				t.Errorf("%s: got %+v", f, m)
			}
			c.quiet()
		}
		pub.publish(post{topic: "a", retain: true, qos: 1, id: 1}) // [MQTT-3.3.1-6]
		pub.publish(post{topic: "never/there", retain: true, qos: 1, id: 1})
		c := connect(t, b, hello{id: "c"})
		c.subscribe(filter{"#", 0})
		c.quiet()
	})
}

// A session that ends takes its subscriptions with it, whatever ends it: its clean connection, its expiry, a clean start.
func TestStandardNothingIsLeftOfASession(t *testing.T) {
	ends := map[string]func(t *testing.T, b *brokertest.Broker){
		"its connection": func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, hello{version: 5, id: "c"})
			c.subscribe(filter{"t/#", 1}, filter{"$share/g/t/#", 1})
			c.nc.Close()
		},
		"its expiry": func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, enduring(5, "c"))
			c.subscribe(filter{"t/#", 1}, filter{"$share/g/t/#", 1})
			c.nc.Close()
			time.Sleep(1001 * time.Second)
		},
		"a clean start": func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, enduring(5, "c"))
			c.subscribe(filter{"t/#", 1}, filter{"$share/g/t/#", 1})
			c.nc.Close()
			connect(t, b, hello{version: 5, id: "c"})
		},
		"UNSUBSCRIBE": func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, enduring(5, "c"))
			c.subscribe(filter{"t/#", 1}, filter{"$share/g/t/#", 1})
			c.send(unsubscribe(5, 1, "t/#", "$share/g/t/#"))
			c.expect(UNSUBACK)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				other := connect(t, b, hello{id: "other"})
				other.subscribe(filter{"$share/g/t/#", 1})
				end(t, b)
				time.Sleep(time.Second)
				if got := b.Stats().Subscriptions; got != 1 {
					t.Errorf("%d subscriptions, want the one of the other client", got)
				}
				pub := connect(t, b, hello{id: "pub"})
				for range 10 { // were there a member left in the group, it would get half of them
					pub.publish(post{topic: "t/u", qos: 1, id: 1})
				}
				other.collect(10)
				other.ping() // the last acknowledgement has been read
				if got := b.Stats().Queued; got != 0 {
					t.Errorf("%d messages wait for nobody", got)
				}
			})
		})
	}
}
