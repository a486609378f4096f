package embedded_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

func TestTheLowerQoSWins(t *testing.T) {
	for _, version := range []byte{3, 4, 5} {
		for published := byte(0); published <= 2; published++ {
			for wanted := byte(0); wanted <= 2; wanted++ {
				t.Run(fmt.Sprintf("version %d, published with %d, wanted with %d", version, published, wanted), func(t *testing.T) {
					bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
						sub := connect(t, b, hello{version: version, id: "sub"})
						sub.subscribe(filter{"a/b", wanted})
						pub := connect(t, b, hello{version: version, id: "pub"})
						pub.publish(post{topic: "a/b", payload: "x", qos: published, id: 5})
						m := sub.receive()
						if want := (post{topic: "a/b", payload: "x", qos: min(published, wanted), id: m.id}); m != want {
							t.Errorf("got %+v, want %+v", m, want)
						}
						if m.qos > 0 && m.id == 0 {
							t.Error("the packet identifier is 0")
						}
						sub.quiet()
						pub.quiet()
					})
				})
			}
		}
	}
}

func TestIncomingQoS2(t *testing.T) {
	for _, version := range []byte{4, 5} {
		t.Run(fmt.Sprintf("version %d", version), func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				sub := connect(t, b, hello{id: "sub"})
				sub.subscribe(filter{"#", 0})
				pub := connect(t, b, hello{version: version, id: "pub", persistent: true, props: prop(0x11, u32(100))})
				m := post{topic: "t", payload: "once", qos: 2, id: 9}
				pub.send(m.bytes(version))
				pub.expect(PUBREC)
				m.dup = true
				pub.send(m.bytes(version))
				pub.expect(PUBREC)
				sub.receive()
				sub.quiet() // the repetition is not delivered

				pub.nc.Close()
				pub = connect(t, b, hello{version: version, id: "pub", persistent: true, props: prop(0x11, u32(100))})
				pub.send(m.bytes(version)) // nor on the next connection
				pub.expect(PUBREC)
				sub.quiet()
				pub.send(ack(PUBREL, 9))
				pub.expect(PUBCOMP)
				pub.send(ack(PUBREL, 9))
				if p := pub.expect(PUBCOMP); len(p.body) > 2 && p.body[2] != 0 { // after a reconnect that is no error (section 3.7.2.1)
					t.Errorf("PUBCOMP for an identifier that is released already is % x, want success", p.body)
				}
				m.dup = false
				pub.publish(m) // the identifier is free again
				sub.receive()
			})
		})
	}
}

func TestPacketIdentifiersOfBothDirectionsAreSeparate(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{id: "c"})
		c.subscribe(filter{"t", 1})
		other := connect(t, b, hello{id: "other"})
		other.publish(post{topic: "t", payload: "1", qos: 1, id: 1})
		m := c.expect(PUBLISH).post(4) // left unacknowledged
		c.publish(post{topic: "u", qos: 1, id: m.id})
		c.publish(post{topic: "u", qos: 2, id: m.id})
		c.send(subscribe(4, m.id, nil, filter{"v", 0}))
		if p := c.expect(SUBACK); p.body[2] != 0 {
			t.Fatalf("SUBACK has %#x", p.body[2])
		}
		c.nc.Close()
	})
}

func TestUnacknowledgedMessagesAreSentAgainOnReconnect(t *testing.T) {
	for _, version := range []byte{4, 5} {
		t.Run(fmt.Sprintf("version %d", version), func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				h := hello{version: version, id: "sub", persistent: true, props: prop(0x11, u32(1000))}
				sub := connect(t, b, h)
				sub.subscribe(filter{"t", 2})
				pub := connect(t, b, hello{id: "pub"})
				for i := range 3 {
					pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: byte(i%2 + 1), id: i + 1})
				}
				one := sub.expect(PUBLISH).post(version)
				two := sub.expect(PUBLISH).post(version)
				three := sub.expect(PUBLISH).post(version)
				sub.send(ack(PUBREC, two.id))
				sub.expect(PUBREL)
				sub.nc.Close()

				sub, connack := connected(t, b, h)
				if connack[0] != 1 {
					t.Fatal("CONNACK says that there was no session")
				}
				one.dup, three.dup = true, true
				if got := sub.expect(PUBLISH).post(version); got != one {
					t.Errorf("got %+v, want %+v", got, one)
				}
				if got := sub.expect(PUBREL); got.id() != two.id {
					t.Errorf("PUBREL for %d, want %d", got.id(), two.id)
				}
				if got := sub.expect(PUBLISH).post(version); got != three {
					t.Errorf("got %+v, want %+v", got, three)
				}
				sub.send(join(ack(PUBACK, one.id), ack(PUBCOMP, two.id), ack(PUBACK, three.id)))
				sub.ping()
				sub.nc.Close()
				sub = connect(t, b, h)
				sub.ping()
				sub.quiet()
			})
		})
	}
}

func TestTheOfflineQueueKeepsItsOrder(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		h := hello{id: "sub", persistent: true}
		sub := connect(t, b, h)
		sub.subscribe(filter{"#", 2})
		sub.goodbye()
		pub := connect(t, b, hello{id: "pub"})
		const count = 600
		for i := range count {
			pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: byte(i % 3), id: i + 1})
		}
		sub = connect(t, b, h)
		i := 0
		for _, m := range sub.collect(count * 2 / 3) {
			if i%3 == 0 {
				i++ // QoS 0 does not wait for anybody
			}
			if m.payload != fmt.Sprint(i) || m.dup {
				t.Fatalf("got %+v, want message %d for the first time", m, i)
			}
			i++
		}
		sub.quiet()
	})
}

func TestTheQueueIsBounded(t *testing.T) {
	tests := []struct {
		name string
		o    embedded.Options
		kept int
	}{
		{"by number", embedded.Options{MaxQueued: 10}, 10},
		{"by bytes", embedded.Options{MaxQueuedBytes: 10_000}, 8},
		{"by more bytes than each may have in any case", embedded.Options{MaxQueuedBytes: 20_000}, 17},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log journal
			test.o.Logger = log.logger()
			bubble(t, test.o, func(t *testing.T, b *brokertest.Broker) {
				h := hello{id: "sub", persistent: true}
				sub := connect(t, b, h)
				sub.subscribe(filter{"#", 1})
				sub.goodbye()
				pub := connect(t, b, hello{id: "pub"})
				for i := range 20 {
					pub.publish(post{topic: "t", payload: fmt.Sprintf("%02d%s", i, strings.Repeat("x", 1000)), qos: 1, id: i + 1})
				}
				if got := b.Stats(); got.Queued != test.kept || got.MessagesDropped != uint64(20-test.kept) {
					t.Errorf("%d queued and %d dropped, want %d and %d", got.Queued, got.MessagesDropped, test.kept, 20-test.kept)
				}
				sub = connect(t, b, h)
				for i := range test.kept {
					if m := sub.receive(); m.payload[:2] != fmt.Sprintf("%02d", i) {
						t.Errorf("got message %s, want the oldest ones in order: %d", m.payload[:2], i)
					}
				}
				sub.quiet()
				if got := b.Clients()[1]; got.ID != "sub" || got.Dropped != uint64(20-test.kept) {
					t.Errorf("the client is %+v, want %d dropped", got, 20-test.kept)
				}
				if got := strings.Count(log.String(), "does not keep up"); got != 1 {
					t.Errorf("the loss was logged %d times, want once:\n%s", got, log.String())
				}
			})
		})
	}
}

func TestReceiveMaximumOfTheClient(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		sub := connect(t, b, hello{version: 5, id: "sub", props: prop(0x21, u16(2))})
		sub.subscribe(filter{"t", 2})
		pub := connect(t, b, hello{id: "pub"})
		for i := range 20 {
			pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: byte(i%2 + 1), id: i + 1})
		}
		var open []post
		for i := range 20 {
			m := sub.expect(PUBLISH).post(5)
			if m.payload != fmt.Sprint(i) {
				t.Fatalf("got %s, want %d", m.payload, i)
			}
			open = append(open, m)
			if len(open) < 2 {
				continue
			}
			sub.quiet()
			if m = open[0]; m.qos == 2 {
				sub.send(ack(PUBREC, m.id))
				sub.expect(PUBREL)
				sub.quiet() // PUBREC does not make room
				sub.send(ack(PUBCOMP, m.id))
			} else {
				sub.send(ack(PUBACK, m.id))
			}
			open = open[1:]
		}
	})
}

// The broker may send fewer at once than the client allows (4.9), which MQTT 3.1.1 has no word for.
func TestWhatIsOnItsWayIsBounded(t *testing.T) {
	bubble(t, embedded.Options{MaxInflight: 3}, func(t *testing.T, b *brokertest.Broker) {
		pub := connect(t, b, hello{id: "pub"})
		for _, version := range []byte{4, 5} {
			sub := connect(t, b, hello{version: version, id: "sub"})
			sub.subscribe(filter{"t", 1})
			for i := range 5 {
				pub.publish(post{topic: "t", qos: 1, id: i + 1})
			}
			first := sub.expect(PUBLISH).post(version)
			sub.expect(PUBLISH)
			sub.expect(PUBLISH)
			sub.quiet()
			sub.send(ack(PUBACK, first.id))
			sub.expect(PUBLISH)
			sub.quiet()
		}
	})
}

func TestReceiveMaximumOfTheBroker(t *testing.T) {
	bubble(t, embedded.Options{ReceiveMaximum: 3}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		for i := range 3 {
			c.send(post{topic: "t", qos: 2, id: i + 1}.bytes(5))
			c.expect(PUBREC)
		}
		c.publish(post{topic: "t", qos: 0})
		c.send(post{topic: "t", qos: 2, id: 4}.bytes(5))
		c.expectEnd(0x93)

		old := connect(t, b, hello{id: "old"}) // which was told of no maximum
		for i := range 10 {
			old.send(post{topic: "t", qos: 2, id: i + 1}.bytes(4))
			old.expect(PUBREC)
		}
	})
}

func TestMaximumPacketSizeOfTheClient(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		sub := connect(t, b, hello{version: 5, id: "sub", props: prop(0x27, u32(100))})
		sub.subscribe(filter{"t", 1})
		pub := connect(t, b, hello{id: "pub"})
		for _, qos := range []byte{0, 1} {
			pub.publish(post{topic: "t", payload: strings.Repeat("x", 100), qos: qos, id: 1})
			pub.publish(post{topic: "t", payload: "small", qos: qos, id: 2})
			if m := sub.receive(); m.payload != "small" {
				t.Errorf("got a message of %d bytes", len(m.payload))
			}
		}
	})
}

// A topic alias makes the first message of its topic larger: it is left out where the packet would be too large with it.
func TestMaximumPacketSizeWithAliases(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		const most = 100
		sub := connect(t, b, hello{version: 5, id: "sub", props: join(prop(0x27, u32(most)), prop(0x22, u16(64)))})
		sub.subscribe(filter{"#", 0})
		pub := connect(t, b, hello{id: "pub"})
		aliases := 0
		for size := 80; size < most; size++ {
			topic := fmt.Sprint(size)
			m := post{topic: topic, payload: strings.Repeat("x", size)}
			pub.publish(m)
			if len(m.bytes(5)) > most {
				continue
			}
			p := sub.expect(PUBLISH)
			if n := 2 + len(p.body); n > most {
				t.Errorf("a packet of %d bytes came", n)
			} else if n > len(m.bytes(5)) {
				aliases++
			}
		}
		sub.quiet()
		if aliases == 0 {
			t.Error("there was no alias at all")
		}
	})
}

func TestMaximumPacketSizeOfTheBroker(t *testing.T) {
	bubble(t, embedded.Options{MaxPacketSize: 1000}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		c.publish(post{topic: "t", payload: strings.Repeat("x", 1000-3-3-1), qos: 0}) // exactly 1000 bytes with the headers
		c.ping()
		c.send(post{topic: "t", payload: strings.Repeat("x", 1000-3-3)}.bytes(5)[:100])
		c.expectEnd(0x95)
	})
}

func TestMessageExpiry(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		h := hello{version: 5, id: "sub", persistent: true, props: prop(0x11, u32(1000))}
		sub := connect(t, b, h)
		sub.subscribe(filter{"#", 1})
		sub.goodbye()
		pub := connect(t, b, hello{version: 5, id: "pub"})
		expiry := func(s int) string { return string(prop(0x02, u32(s))) }
		pub.publish(post{topic: "t", payload: "short", qos: 1, id: 1, props: expiry(10)})
		pub.publish(post{topic: "t", payload: "long", qos: 1, id: 1, props: expiry(100)})
		pub.publish(post{topic: "r", payload: "short", retain: true, qos: 1, id: 1, props: expiry(10)})
		time.Sleep(30 * time.Second)
		sub = connect(t, b, h)
		if m := sub.receive(); m.payload != "long" || m.props != expiry(70) {
			t.Errorf("got %q with % x, want the long one with 70 s left", m.payload, m.props)
		}
		sub.quiet()
		other := connect(t, b, hello{id: "other"})
		other.subscribe(filter{"r", 1})
		other.quiet()
		time.Sleep(time.Minute)
		if got := b.Stats().Retained; got != 0 {
			t.Errorf("%d expired messages are still kept", got)
		}
	})
}

func TestPropertiesTravel(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		sub := connect(t, b, hello{version: 5, id: "sub"})
		sub.send(subscribe(5, 1, prop(0x0B, []byte{0x80, 0x01}), filter{"t", 0}))
		sub.expect(SUBACK)
		pub := connect(t, b, hello{version: 5, id: "pub"})
		kept := join(prop(0x01, []byte{1}), prop(0x03, str("text/plain")), prop(0x08, str("reply/here")), prop(0x09, str("42")),
			prop(0x26, join(str("k"), str("v"))), prop(0x26, join(str("k"), str("w"))))
		pub.publish(post{topic: "t", payload: "x", props: string(join(prop(0x23, u16(3)), kept))})
		want := string(join(kept, prop(0x0B, []byte{0x80, 0x01})))
		if m := sub.receive(); m.props != want {
			t.Errorf("properties are % x, want % x", m.props, want)
		}
		pub.publish(post{payload: "by alias", props: string(prop(0x23, u16(3)))})
		if m := sub.receive(); m.topic != "t" || m.payload != "by alias" {
			t.Errorf("got %+v, want the message by alias", m)
		}
		old := connect(t, b, hello{id: "old"})
		old.subscribe(filter{"t", 0})
		pub.publish(post{topic: "t", payload: "y", props: string(kept)})
		if diff := cmp.Diff(post{topic: "t", payload: "y"}, old.receive(), cmp.AllowUnexported(post{})); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMessagesThatMustNotBe(t *testing.T) {
	tests := []struct {
		name   string
		packet []byte
		code   byte
	}{
		{"QoS 3", post{topic: "t", qos: 3, id: 1}.bytes(5), 0x81},
		{"a duplicate with QoS 0", post{topic: "t", dup: true}.bytes(5), 0x81},
		{"packet identifier 0", post{topic: "t", qos: 1}.bytes(5), 0x82},
		{"no topic", post{}.bytes(5), 0x82},
		{"a wildcard in the topic", post{topic: "t/+"}.bytes(5), 0x81},
		{"a topic that is not UTF-8", post{topic: "t\xff"}.bytes(5), 0x81},
		{"a topic with a control character", post{topic: "t\n"}.bytes(5), 0x81},
		{"a topic of too many levels", post{topic: strings.Repeat("/", 201)}.bytes(5), 0x90},
		{"alias 0", post{topic: "t", props: string(prop(0x23, u16(0)))}.bytes(5), 0x94},
		{"an alias beyond the maximum", post{topic: "t", props: string(prop(0x23, u16(33)))}.bytes(5), 0x94},
		{"an alias that was never set", post{props: string(prop(0x23, u16(3)))}.bytes(5), 0x82},
		{"a property of another packet", post{topic: "t", props: string(prop(0x11, u32(1)))}.bytes(5), 0x81},
		{"a property of another packet in an acknowledgement", ack(PUBACK, 1, join([]byte{0}, props(5, prop(0x23, u16(1))))...), 0x81},
		{"a property that only servers send", post{topic: "t", props: string(prop(0x24, []byte{1}))}.bytes(5), 0x81},
		{"a property twice", post{topic: "t", props: string(join(prop(0x02, u32(1)), prop(0x02, u32(1))))}.bytes(5), 0x82},
		{"a subscription identifier", post{topic: "t", props: string(prop(0x0B, []byte{1}))}.bytes(5), 0x82},
		{"a response topic with a wildcard", post{topic: "t", props: string(prop(0x08, str("a/#")))}.bytes(5), 0x82},
		{"a payload format 2", post{topic: "t", props: string(prop(0x01, []byte{2}))}.bytes(5), 0x82},
		{"properties longer than the packet", frame(0x30, str("t"), []byte{50}), 0x81},
		{"a topic longer than the packet", frame(0x30, []byte{0, 50}), 0x81},
		{"an acknowledgement with flags", []byte{0x41, 2, 0, 1}, 0x81},
		{"PUBREL without its flags", []byte{0x60, 2, 0, 1}, 0x81},
		{"an acknowledgement of identifier 0", ack(PUBACK, 0), 0x82},
		{"half an acknowledgement", []byte{0x40, 1, 0}, 0x81},
		{"SUBSCRIBE without filters", frame(0x82, u16(1), []byte{0}), 0x82},
		{"SUBSCRIBE with identifier 0", subscribe(5, 0, nil, filter{"t", 0}), 0x82},
		{"SUBSCRIBE cut after the filter", frame(0x82, u16(1), []byte{0}, str("t")), 0x81},
		{"SUBSCRIBE cut in the filter", frame(0x82, u16(1), []byte{0, 0, 9, 't'}), 0x81},
		{"SUBSCRIBE with the wrong flags", append([]byte{0x80}, subscribe(5, 1, nil, filter{"t", 0})[1:]...), 0x81},
		{"a filter with # in the middle", subscribe(5, 1, nil, filter{"a/#/b", 0}), 0x81},
		{"a filter with a letter before #", subscribe(5, 1, nil, filter{"a#", 0}), 0x81},
		{"a shared subscription without a name", subscribe(5, 1, nil, filter{"$share//t", 0}), 0x81},
		{"a shared subscription without a filter", subscribe(5, 1, nil, filter{"$share/g/", 0}), 0x81},
		{"a shared subscription with no local", subscribe(5, 1, nil, filter{"$share/g/t", 4}), 0x82},
		{"subscription options with QoS 3", subscribe(5, 1, nil, filter{"t", 3}), 0x82},
		{"reserved subscription options", subscribe(5, 1, nil, filter{"t", 0x40}), 0x81},
		{"retain handling 3", subscribe(5, 1, nil, filter{"t", 0x30}), 0x82},
		{"subscription identifier 0", subscribe(5, 1, prop(0x0B, []byte{0}), filter{"t", 0}), 0x82},
		{"UNSUBSCRIBE without filters", frame(0xA2, u16(1), []byte{0}), 0x82},
		{"AUTH out of the blue", []byte{0xF0, 2, 0x18, 0}, 0x82},
		{"a packet that only servers send", []byte{0xD0, 0}, 0x82},
		{"a packet of no type", []byte{0x00, 0}, 0x82},
		{"a ping with content", []byte{0xC0, 1, 0}, 0x81},
		{"a length of five bytes", []byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x01}, 0x81},
		{"DISCONNECT with a session expiry after none", frame(0xE0, []byte{0}, props(5, prop(0x11, u32(9)))), 0x82},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				watch := connect(t, b, hello{id: "watch"})
				watch.subscribe(filter{"#", 0})
				c := connect(t, b, hello{version: 5, id: "c"})
				c.send(join(test.packet, post{topic: "t", payload: "after"}.bytes(5)))
				c.expectEnd(test.code)
				watch.quiet()
				watch.ping()
			})
		})
	}
}
