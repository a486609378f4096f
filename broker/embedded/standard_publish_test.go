package embedded_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// capability is a numeric property of a CONNACK, and whether it is there.
func capability(t *testing.T, connack []byte, id byte) (value uint32, ok bool) {
	t.Helper()
	size, n := binary.Uvarint(connack[2:])
	for p := connack[2+n:][:size]; len(p) > 0; {
		var v uint32
		switch p[0] {
		case 0x24, 0x25, 0x28, 0x29, 0x2A:
			v, p = uint32(p[1]), append([]byte{p[0]}, p[2:]...)
		case 0x13, 0x21, 0x22:
			v, p = uint32(binary.BigEndian.Uint16(p[1:])), append([]byte{p[0]}, p[3:]...)
		case 0x11, 0x27:
			v, p = binary.BigEndian.Uint32(p[1:]), append([]byte{p[0]}, p[5:]...)
		case 0x12:
			p = append([]byte{p[0]}, p[3+binary.BigEndian.Uint16(p[1:]):]...)
		default:
			t.Fatalf("CONNACK has property %#x, which this test does not know", p[0])
		}
		if p[0] == id {
			return v, true
		}
		p = p[1:]
	}
	return 0, false
}

// What CONNACK announces holds: no more than that may be asked for, and no less (3.2.2.3).
func TestStandardCapabilitiesAreKept(t *testing.T) {
	bubble(t, embedded.Options{ReceiveMaximum: 7, MaxPacketSize: 4000}, func(t *testing.T, b *brokertest.Broker) {
		_, connack := connected(t, b, hello{version: 5, id: "c"})
		window, ok := capability(t, connack, 0x21)
		if !ok || window != 7 {
			t.Fatalf("the Receive Maximum is %d, want 7", window)
		}
		size, ok := capability(t, connack, 0x27)
		if !ok || size != 4000 {
			t.Fatalf("the Maximum Packet Size is %d, want 4000", size)
		}
		aliases, ok := capability(t, connack, 0x22)
		if !ok || aliases == 0 {
			t.Fatal("no topic aliases are announced")
		}
		for _, id := range []byte{0x24, 0x25, 0x28, 0x29, 0x2A} { // QoS, retain, wildcards, identifiers, shares: absent means all of it
			if v, ok := capability(t, connack, id); ok && v == 0 {
				t.Errorf("property %#x says that something is not there", id)
			}
		}
		alias := func(n uint32) string { return string(prop(0x23, u16(int(n)))) }
		c := connect(t, b, hello{version: 5, id: "c"})
		for n := range aliases {
			c.publish(post{topic: fmt.Sprint("t", n), props: alias(n + 1)})
		}
		c.subscribe(filter{"#", 0})
		for n := range aliases {
			c.publish(post{props: alias(n + 1)})
			if m := c.receive(); m.topic != fmt.Sprint("t", n) {
				t.Errorf("alias %d stands for %s", n+1, m.topic)
			}
		}
		c.send(post{topic: "t", props: alias(aliases + 1)}.bytes(5)) // [MQTT-3.3.2-9]
		c.expectEnd(0x94)
	})
}

// An alias belongs to one connection and one direction [MQTT-3.3.2-7]; a topic name given with it replaces what it stood for; QoS and retain
// flag do not matter to it, and neither does whether the message was allowed.
func TestStandardIncomingAliases(t *testing.T) {
	o := embedded.Options{Access: brokertest.MayPublish(func(_, _, topic string) bool { return topic != "closed" })}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{version: 5, id: "watch", props: prop(0x22, u16(10))})
		watch.subscribe(filter{"#", 0})
		c := connect(t, b, enduring(5, "c"))
		alias := string(prop(0x23, u16(5)))
		for i, topic := range []string{"a", "", "b", "", "closed", ""} {
			m := post{topic: topic, payload: fmt.Sprint(i), qos: byte(i % 3), id: 1, props: alias}
			c.send(m.bytes(5))
			switch m.qos {
			case 1:
				c.expect(PUBACK)
			case 2:
				if p := c.expect(PUBREC); len(p.body) == 2 || p.body[2] == 0 {
					c.send(ack(PUBREL, 1))
					c.expect(PUBCOMP)
				}
			}
		}
		c.send(post{topic: "a", payload: "last"}.bytes(5))
		got := map[string]string{}
		known := map[string]string{} // what the broker's own aliases stand for
		for got["last"] == "" {
			m := watch.receive()
			if m.topic == "" {
				m.topic = known[m.props]
			} else {
				known[m.props] = m.topic
			}
			got[m.payload] = m.topic
		}
		for payload, topic := range map[string]string{"0": "a", "1": "a", "2": "b", "3": "b", "4": "", "5": "", "last": "a"} {
			if got[payload] != topic {
				t.Errorf("message %s came as %q, want %q", payload, got[payload], topic)
			}
		}
		c.nc.Close()
		c = connect(t, b, enduring(5, "c")) // the session goes on, the alias does not
		c.send(post{payload: "none", props: alias}.bytes(5))
		c.expectEnd(0x82)
	})
}

// The broker sets no alias beyond the client's maximum [MQTT-3.1.2-26], none for a client that names no maximum [MQTT-3.1.2-27], none that the
// connection has not been told, and never leaves a name out of a packet of an earlier connection.
func TestStandardOutgoingAliases(t *testing.T) {
	for _, maximum := range []int{-1, 0, 1, 3, 65535} {
		bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
			h := enduring(5, "c")
			if maximum >= 0 {
				h.props = join(h.props, prop(0x22, u16(maximum)))
			}
			c := connect(t, b, h)
			c.subscribe(filter{"#", 1})
			pub := connect(t, b, hello{id: "pub"})
			for range 2 { // connections
				known := map[int]string{}
				for i := range 30 {
					want := fmt.Sprint("t/", i%5)
					pub.publish(post{topic: want, qos: byte(i % 2), id: 1})
					m := c.expect(PUBLISH).post(5)
					alias := 0
					if m.props != "" {
						alias = int(binary.BigEndian.Uint16([]byte(m.props[1:])))
						if m.props[0] != 0x23 || alias == 0 || alias > maximum {
							t.Fatalf("maximum %d: properties % x", maximum, m.props)
						}
					}
					if m.topic != "" && alias != 0 {
						known[alias] = m.topic
					}
					if m.topic == "" {
						m.topic = known[alias]
					}
					if m.topic != want {
						t.Fatalf("maximum %d: message %d came as %q with alias %d, want %q", maximum, i, m.topic, alias, want)
					}
					if m.qos > 0 && i < 28 {
						c.send(ack(PUBACK, m.id)) // the last one is left to be sent again
					}
				}
				synctest.Wait() // the acknowledgements have been taken: what the next connection finds unread is dead
				c.nc.Close()
				c = connect(t, b, h)
				if m := c.receive(); m.topic != "t/4" || !m.dup {
					t.Fatalf("maximum %d: sent again was %+v", maximum, m)
				}
				c.quiet()
				c.nc.Close()
				c = connect(t, b, h)
			}
		})
	}
}

// A client may have as many QoS 2 messages open as CONNACK said [MQTT-3.3.4-9]. QoS 0 is not counted, a repetition neither, PUBREL makes room,
// and made-up acknowledgements do not.
func TestStandardTheReceiveQuota(t *testing.T) {
	bubble(t, embedded.Options{ReceiveMaximum: 3}, func(t *testing.T, b *brokertest.Broker) {
		open := func(c *client, id int) {
			c.send(post{topic: "t", qos: 2, id: id, payload: "x"}.bytes(5))
			c.expect(PUBREC)
		}
		for _, bogus := range [][]byte{nil, ack(PUBCOMP, 50), ack(PUBACK, 1), ack(PUBACK, 50), ack(PUBREL, 50), ack(PUBREC, 50, 0x80)} {
			c := connect(t, b, hello{version: 5, id: "c"})
			for id := range 3 {
				open(c, id+1)
			}
			open(c, 2) // again
			c.publish(post{topic: "t"})
			c.publish(post{topic: "t"})
			if bogus != nil {
				c.send(bogus)
				if bogus[0]>>4 == byte(PUBREL) {
					c.expect(PUBCOMP)
				}
			}
			c.ping()
			c.send(ack(PUBREL, 2))
			c.expect(PUBCOMP)
			open(c, 4)
			c.send(post{topic: "t", qos: 2, id: 5}.bytes(5))
			c.expectEnd(0x93)
		}
	})
}

// A message that its client may not publish is answered and goes nowhere; the connection lives, in all versions and with every QoS, since a
// firmware would come back and try again for ever (3.3.5 leaves both open). Version 5 is told the reason in PUBACK or PUBREC.
func TestStandardForbiddenMessages(t *testing.T) {
	o := embedded.Options{Access: brokertest.MayPublish(func(_, _, topic string) bool { return topic != "closed" })}
	for _, version := range []byte{3, 4, 5} {
		for _, topic := range []string{"closed", "$SYS/x"} {
			for _, retain := range []bool{false, true} {
				bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
					watch := connect(t, b, hello{id: "watch"})
					watch.subscribe(filter{"#", 0}, filter{"$SYS/x", 0})
					c := connect(t, b, hello{version: version, id: "c"})
					reason := []byte{0, 1}
					if version == 5 {
						reason = []byte{0, 1, 0x87}
					}
					for range 200 { // more than may be open at once
						c.publish(post{topic: topic, payload: "x", retain: retain})
						c.send(post{topic: topic, payload: "x", retain: retain, qos: 1, id: 1}.bytes(version))
						if p := c.expect(PUBACK); !bytes.Equal(p.body, reason) {
							t.Fatalf("version %d: PUBACK is % x, want % x", version, p.body, reason)
						}
						c.send(post{topic: topic, payload: "x", retain: retain, qos: 2, id: 1}.bytes(version))
						if p := c.expect(PUBREC); !bytes.Equal(p.body, reason) {
							t.Fatalf("version %d: PUBREC is % x, want % x", version, p.body, reason)
						}
						if version != 5 { // which has ended with the reason [MQTT-4.3.3-4]
							c.send(ack(PUBREL, 1))
							c.expect(PUBCOMP)
						}
					}
					watch.quiet()
					if got := b.Stats().Retained; got != 0 {
						t.Errorf("%d messages were retained", got)
					}
				})
			}
		}
	}
}

// What has been taken is acknowledged again until it is released [MQTT-4.3.3-10], also when the rules would not take it any more: a client that
// is refused drops the identifier and gives it to another message.
func TestStandardARepetitionUnderOtherRules(t *testing.T) {
	rules := func(forbidden string) embedded.Options {
		return embedded.Options{Access: brokertest.MayPublish(func(_, _, topic string) bool { return topic != forbidden })}
	}
	for _, version := range []byte{4, 5} {
		bubble(t, rules(""), func(t *testing.T, b *brokertest.Broker) {
			watch := connect(t, b, hello{id: "watch"})
			watch.subscribe(filter{"#", 0})
			m := post{topic: "t", payload: "1", qos: 2, id: 9}
			c := connect(t, b, enduring(version, "c"))
			c.send(m.bytes(version))
			c.expect(PUBREC)
			watch.receive()
			if err := b.Reload(rules("t")); err != nil {
				t.Fatal(err)
			}
			c.nc.Close()
			c = connect(t, b, enduring(version, "c"))
			m.dup = true
			c.send(m.bytes(version))
			if p := c.expect(PUBREC); len(p.body) > 2 && p.body[2] != 0 {
				t.Errorf("version %d: the repetition is answered %#x", version, p.body[2])
			}
			c.send(ack(PUBREL, 9))
			c.expect(PUBCOMP)
			c.publish(post{topic: "u", payload: "2", qos: 2, id: 9})
			if got := watch.receive(); got.payload != "2" {
				t.Errorf("version %d: got %+v, want the other message", version, got)
			}
			watch.quiet()
		})
	}
}

// The broker answers with the packet and the identifier that belong to what it was sent [MQTT-4.3.2-4], [MQTT-4.3.3-8], [MQTT-4.3.3-11], in
// the order in which it was sent [MQTT-4.6.0-2] to [MQTT-4.6.0-4].
func TestStandardAcknowledgementsInOrder(t *testing.T) {
	for _, version := range []byte{3, 4, 5} {
		bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, hello{version: version, id: "c"})
			var burst []byte
			var want []string
			for i := 1; i <= 60; i++ {
				qos := byte(i%2 + 1)
				burst = append(burst, post{topic: "t", payload: strings.Repeat("x", i), qos: qos, id: i * 1000}.bytes(version)...)
				want = append(want, fmt.Sprint(PUBACK+kind(qos)-1, i*1000))
			}
			for i := 2; i <= 60; i += 2 {
				burst = append(burst, ack(PUBREL, (i-1)*1000)...)
				want = append(want, fmt.Sprint(PUBCOMP, (i-1)*1000))
			}
			c.send(burst)
			for _, w := range want {
				p, _ := c.next()
				if got := fmt.Sprint(p.kind(), p.id()); got != w {
					t.Fatalf("version %d: got type and identifier %s, want %s", version, got, w)
				}
			}
			c.quiet()
		})
	}
}
