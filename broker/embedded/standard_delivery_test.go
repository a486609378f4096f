package embedded_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// enduring is a client whose session outlives its connections in any version.
func enduring(version byte, id string, more ...[]byte) hello {
	return hello{version: version, id: id, persistent: true, props: join(prop(0x11, u32(1000)), join(more...))}
}

// The packet identifiers of a client and those of the broker have nothing to do with each other (2.2.1): each may use in its own packets
// what the other is using at the moment.
func TestStandardIdentifiersOfBothDirections(t *testing.T) {
	for _, version := range []byte{3, 4, 5} {
		bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, hello{version: version, id: "c"})
			c.subscribe(filter{"t", 2})
			pub := connect(t, b, hello{id: "pub"})
			pub.publish(post{topic: "t", payload: "one", qos: 1, id: 9})
			pub.publish(post{topic: "t", payload: "two", qos: 2, id: 9})
			one, two := c.expect(PUBLISH).post(version), c.expect(PUBLISH).post(version) // open from now on
			for _, id := range []int{one.id, two.id} {
				c.send(subscribe(version, id, nil, filter{"s", 0}))
				if got := c.expect(SUBACK).id(); got != id {
					t.Errorf("SUBACK is for %d, want %d", got, id)
				}
				c.send(unsubscribe(version, id, "s"))
				c.expect(UNSUBACK)
				c.publish(post{topic: "u", qos: 1, id: id})
				c.publish(post{topic: "u", qos: 2, id: id})
				c.send(post{topic: "u", qos: 2, id: id}.bytes(version)) // and one that stays open itself
				c.expect(PUBREC)
				c.send(subscribe(version, id, nil, filter{"s", 0}))
				c.expect(SUBACK)
			}
			c.send(ack(PUBACK, one.id))
			c.send(ack(PUBREC, two.id))
			c.expect(PUBREL)
			c.send(ack(PUBCOMP, two.id))
			for _, id := range []int{one.id, two.id} {
				c.send(ack(PUBREL, id))
				if p := c.expect(PUBCOMP); p.id() != id || len(p.body) > 2 && p.body[2] != 0 {
					t.Errorf("PUBCOMP is % x, want the success of %d", p.body, id)
				}
			}
			pub.publish(post{topic: "t", payload: "three", qos: 2, id: 9})
			if m := c.receive(); m.payload != "three" {
				t.Errorf("got %+v", m)
			}
			c.quiet()
		})
	}
}

// No two messages on their way to a client share an identifier, and 0 is none [MQTT-2.2.1-3], also when the numbers come round.
func TestStandardIdentifiersAreUnique(t *testing.T) {
	bubble(t, embedded.Options{MaxInflight: 3}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{id: "c"})
		c.subscribe(filter{"t", 1})
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: "t", payload: "held", qos: 1, id: 1})
		held := c.expect(PUBLISH).post(4).id
		for i := range 66_000 {
			pub.publish(post{topic: "t", qos: 1, id: 1})
			if m := c.receive(); m.id == held || m.id == 0 {
				t.Fatalf("message %d has identifier %d, and %d is not acknowledged yet", i, m.id, held)
			}
		}
		c.send(ack(PUBACK, held))
		c.ping()
	})
}

// What was not acknowledged is sent again when the session goes on, in its first order, marked as a duplicate and under its identifier; what
// was never sent comes after it, unmarked [MQTT-4.4.0-1], [MQTT-4.6.0-1], [MQTT-3.3.1-1], within the Receive Maximum that the client has
// named this time [MQTT-3.3.4-9].
func TestStandardRedeliveryWithinTheReceiveMaximum(t *testing.T) {
	for _, maximum := range []int{1, 2, 3, 5, 100} {
		t.Run(fmt.Sprintf("maximum %d", maximum), func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				c := connect(t, b, enduring(5, "c", prop(0x21, u16(4))))
				c.subscribe(filter{"t", 2})
				pub := connect(t, b, hello{id: "pub"})
				qos := func(i int) byte { return byte(1 + i%2) }
				for i := range 8 {
					pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: qos(i), id: 1})
				}
				first := map[string]int{}
				for range 4 {
					m := c.expect(PUBLISH).post(5)
					first[m.payload] = m.id
				}
				c.quiet()
				c.send(ack(PUBREC, first["1"])) // the other QoS 2 message stays at PUBLISH
				c.expect(PUBREL)
				c.nc.Close()
				pub.publish(post{topic: "t", payload: "8", qos: 1, id: 1})

				c = connect(t, b, enduring(5, "c", prop(0x21, u16(maximum))))
				var order []string
				var open []post
				for len(order) < 9 {
					p, _ := c.next()
					m := post{payload: "1", qos: 3} // whose PUBREC came on the first connection
					switch p.kind() {
					case PUBLISH:
						m = p.post(5)
						if was, sent := first[m.payload]; m.dup != sent || sent && m.id != was || m.qos != qos(len(order)) {
							t.Errorf("message %s has DUP %t, identifier %d, QoS %d; sent before %t with %d", m.payload, m.dup, m.id, m.qos, sent, was)
						}
					case PUBREL:
						if m.id = p.id(); m.id != first["1"] {
							t.Errorf("PUBREL is for %d, want %d", m.id, first["1"])
						}
					default:
						t.Fatalf("got packet type %d", p.kind())
					}
					order, open = append(order, m.payload), append(open, m)
					if len(open) > maximum {
						t.Fatalf("%d messages are open, the maximum is %d", len(open), maximum)
					}
					if len(open) == maximum {
						c.quiet()
						c.settle(open[0])
						open = open[1:]
					}
				}
				if got := strings.Join(order, ""); got != "012345678" {
					t.Errorf("they came in the order %s", got)
				}
			})
		})
	}
}

// settle acknowledges a message to its end; with QoS 3 only the end is left to do.
func (c *client) settle(m post) {
	c.t.Helper()
	switch m.qos {
	case 1:
		c.send(ack(PUBACK, m.id))
	case 2:
		c.send(ack(PUBREC, m.id))
		c.expect(PUBREL)
		fallthrough
	case 3:
		c.send(ack(PUBCOMP, m.id))
	}
}

// Only PUBACK, PUBCOMP, and a PUBREC that refuses the message make room for another one [MQTT-4.9.0-2]; acknowledgements of what was never
// sent, or a second time, make none.
func TestStandardTheSendQuota(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c", props: prop(0x21, u16(2))})
		c.subscribe(filter{"t", 2})
		pub := connect(t, b, hello{id: "pub"})
		for i := range 8 {
			pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: 2, id: 1})
		}
		a, d := c.expect(PUBLISH).post(5), c.expect(PUBLISH).post(5)
		unknown := a.id + d.id + 7
		c.send(join(ack(PUBACK, unknown), ack(PUBCOMP, unknown)))
		c.quiet()
		c.send(ack(PUBREC, unknown))
		if p := c.expect(PUBREL); len(p.body) < 3 || p.body[2] != 0x92 { // 3.6.2.1
			t.Errorf("PUBREL for an unknown identifier is % x, want reason 0x92", p.body)
		}
		c.send(ack(PUBCOMP, unknown))
		c.quiet()
		c.send(ack(PUBREC, a.id))
		c.expect(PUBREL)
		c.quiet() // PUBREC alone is none either
		c.send(ack(PUBREC, a.id))
		c.expect(PUBREL)
		c.quiet()
		c.send(join(ack(PUBCOMP, a.id), ack(PUBCOMP, a.id)))
		e := c.expect(PUBLISH).post(5)
		c.quiet()
		c.send(ack(PUBREC, d.id, 0x97)) // refused: there is no PUBREL to follow [MQTT-4.3.3-4]
		f := c.expect(PUBLISH).post(5)
		c.quiet()
		if e.payload != "2" || f.payload != "3" {
			t.Errorf("got %s and %s, want 2 and 3", e.payload, f.payload)
		}
		pub.publish(post{topic: "t", payload: "QoS 0", qos: 0})
		if m := c.receive(); m.payload != "QoS 0" { // which no quota holds up [MQTT-4.9.0-3]
			t.Errorf("got %+v", m)
		}
	})
}

// An acknowledgement of the other QoS is a protocol error: PUBACK of a QoS 2 message, PUBREC and PUBCOMP of a QoS 1 message (4.3).
func TestStandardAcknowledgementsOfTheOtherQoS(t *testing.T) {
	for _, test := range []struct {
		qos byte
		ack kind
	}{{1, PUBREC}, {1, PUBCOMP}, {2, PUBACK}, {2, PUBCOMP}} {
		bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, enduring(5, "c"))
			c.subscribe(filter{"t", 2})
			connect(t, b, hello{id: "pub"}).publish(post{topic: "t", payload: "x", qos: test.qos, id: 1})
			m := c.expect(PUBLISH).post(5)
			c.send(ack(test.ack, m.id))
			c.expectEnd(0x82)
			c = connect(t, b, enduring(5, "c"))
			if again := c.receive(); again.payload != "x" || again.id != m.id {
				t.Errorf("QoS %d: after the wrong acknowledgement %d came %+v, want the message again", test.qos, test.ack, again)
			}
		})
	}
}

// A message that is larger than the client takes is left out as if it had been delivered [MQTT-3.1.2-25]; those behind it come.
func TestStandardAnOversizedMessageInTheQueue(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, enduring(5, "c"))
		c.subscribe(filter{"t", 1})
		c.goodbye()
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: "t", payload: "before", qos: 1, id: 1})
		pub.publish(post{topic: "t", payload: strings.Repeat("x", 500), qos: 1, id: 1})
		pub.publish(post{topic: "t", payload: "after", qos: 1, id: 1})
		for _, want := range [][]string{{"before", "after"}, nil} {
			c = connect(t, b, enduring(5, "c", prop(0x27, u32(200))))
			for _, payload := range want {
				if m := c.receive(); m.payload != payload {
					t.Errorf("got %.10q, want %q", m.payload, payload)
				}
			}
			c.quiet()
			c.goodbye()
		}
	})
}

// Messages of one publisher and one QoS come in the order in which it sent them, to each subscriber [MQTT-4.6.0-5], [MQTT-4.6.0-6], though
// others publish at the same time and subscribers come and go.
func TestStandardOrder(t *testing.T) {
	for qos := range byte(3) {
		t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				c := connect(t, b, enduring(4, "c"))
				c.subscribe(filter{"#", qos})
				const publishers, count = 4, 100
				done := make(chan bool, publishers)
				for p := range publishers {
					pub := connect(t, b, hello{id: fmt.Sprint("pub", p)})
					go func() {
						defer func() { done <- true }()
						for i := range count {
							pub.publish(post{topic: fmt.Sprint(p), payload: fmt.Sprint(i), qos: qos, id: i + 1})
						}
					}()
				}
				next := [publishers]int{}
				for got := 0; got < publishers*count; got++ {
					m := c.receiveAny()
					p := int(m.topic[0] - '0')
					if m.payload != fmt.Sprint(next[p]) {
						t.Fatalf("publisher %d: got %s, want %d", p, m.payload, next[p])
					}
					next[p]++
				}
				for range publishers {
					<-done
				}
			})
		})
	}
}

// receiveAny takes the next message and acknowledges it without waiting for the rest of its flow.
func (c *client) receiveAny() post {
	c.t.Helper()
	for {
		p, ok := c.next()
		if !ok {
			c.t.Fatal("the connection ended")
		}
		switch p.kind() {
		case PUBREL:
			c.send(ack(PUBCOMP, p.id()))
		case PUBLISH:
			m := p.post(c.version)
			if m.qos > 0 {
				c.send(ack([]kind{PUBACK, PUBREC}[m.qos-1], m.id))
			}
			return m
		default:
			c.t.Fatalf("got packet type %d", p.kind())
		}
	}
}

// A message has no expiry that its publisher did not give it: neither in the queue nor among the retained ones, and not on the wire. One
// that it gave is told less what has passed, and with 0 s left the message is not sent [MQTT-3.3.2-5], [MQTT-3.3.2-6].
func TestStandardExpiry(t *testing.T) {
	expiry := func(s int) string { return string(prop(0x02, u32(s))) }
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		h := hello{version: 5, id: "c", persistent: true, props: prop(0x11, u32(10*24*3600))}
		c := connect(t, b, h)
		c.subscribe(filter{"#", 1})
		c.goodbye()
		pub := connect(t, b, hello{version: 5, id: "pub"})
		pub.publish(post{topic: "r", payload: "kept", qos: 1, id: 1, retain: true})
		pub.publish(post{topic: "q", payload: "brief", qos: 1, id: 1, props: expiry(60)})
		pub.publish(post{topic: "q", payload: "long", qos: 1, id: 1, props: expiry(300_000)})
		time.Sleep(60 * time.Second)
		late := connect(t, b, hello{version: 5, id: "late"})
		time.Sleep(49*time.Hour - 60*time.Second)
		c = connect(t, b, h)
		for _, want := range []post{{topic: "r", payload: "kept"}, {topic: "q", payload: "long", props: expiry(300_000 - 49*3600)}} {
			if m := c.receive(); m.topic != want.topic || m.payload != want.payload || m.props != want.props {
				t.Errorf("got %+v, want %+v", m, want)
			}
		}
		c.quiet()
		late.subscribe(filter{"#", 0})
		if m := late.receive(); m.payload != "kept" || m.props != "" || !m.retain {
			t.Errorf("the retained message is %+v after two days", m)
		}
		late.quiet()
	})
}

// A message that expires while it waits for the client's window is not sent when its turn comes.
func TestStandardExpiryInTheWindow(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c", props: prop(0x21, u16(1))})
		c.subscribe(filter{"#", 1})
		pub := connect(t, b, hello{version: 5, id: "pub"})
		pub.publish(post{topic: "t", payload: "first", qos: 1, id: 1})
		pub.publish(post{topic: "t", payload: "brief", qos: 1, id: 1, props: string(prop(0x02, u32(5)))})
		pub.publish(post{topic: "t", payload: "last", qos: 1, id: 1})
		first := c.expect(PUBLISH).post(5)
		time.Sleep(6 * time.Second)
		c.settle(first)
		if m := c.receive(); m.payload != "last" {
			t.Errorf("got %q, want the last one", m.payload)
		}
	})
}

// A client that gets its own QoS 2 message hears first that it was received. The standard leaves the order open (4.3.3); a client may not know what
// to make of a message whose PUBLISH it believes to be on its way.
func TestStandardItsOwnMessageComesAfterPubrec(t *testing.T) {
	for _, version := range []byte{3, 4, 5} {
		for qos := byte(0); qos <= 2; qos++ {
			for _, h := range []hello{{version: version, id: "c"}, enduring(version, "c")} {
				t.Run(fmt.Sprintf("version %d, QoS %d, persistent %t", version, qos, h.persistent), func(t *testing.T) {
					bubble(t, embedded.Options{Folder: t.TempDir()}, func(t *testing.T, b *brokertest.Broker) {
						c := connect(t, b, h)
						c.subscribe(filter{"own", qos})
						other := connect(t, b, hello{id: "other"})
						other.subscribe(filter{"own", 0})
						for n := range 3 {
							c.send(post{topic: "own", payload: fmt.Sprint(n), qos: 2, id: n + 1}.bytes(version))
						}
						for n := range 3 {
							if p := c.expect(PUBREC); p.id() != n+1 {
								t.Fatalf("PUBREC %d is for %d", n+1, p.id())
							}
							p := c.expect(PUBLISH)
							m := p.post(version)
							if m.payload != fmt.Sprint(n) || m.qos != qos {
								t.Fatalf("message %d came as %+v", n, m)
							}
							switch qos {
							case 1:
								c.send(ack(PUBACK, m.id))
							case 2:
								c.send(ack(PUBREC, m.id))
							}
							if m := other.receive(); m.payload != fmt.Sprint(n) {
								t.Fatalf("another client got %+v", m)
							}
						}
					})
				})
			}
		}
	}
}

// A message that is left out because it has expired uses its packet identifier up, so that the client can see from the gap that there was
// one; in the next life of the broker, too.
func TestStandardALeftOutMessageLeavesAGap(t *testing.T) {
	for _, restart := range []bool{false, true} {
		folder := t.TempDir()
		leave := func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, enduring(5, "c"))
			c.subscribe(filter{"t", 1})
			c.goodbye()
			pub := connect(t, b, hello{version: 5, id: "pub"})
			pub.publish(post{topic: "t", payload: "one", qos: 1, id: 1, props: string(prop(0x02, u32(1)))})
			pub.publish(post{topic: "t", payload: "two", qos: 1, id: 2})
		}
		find := func(t *testing.T, b *brokertest.Broker) {
			time.Sleep(2 * time.Second) // in the other life the clock begins anew
			c := connect(t, b, enduring(5, "c"))
			if m := c.receive(); m.payload != "two" || m.id != 2 {
				t.Errorf("restart %t: got %+v, want the second message with identifier 2", restart, m)
			}
			c.quiet()
		}
		bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
			leave(t, b)
			if !restart {
				find(t, b)
			}
		})
		if restart {
			bubble(t, embedded.Options{Folder: folder}, find)
		}
	}
}
