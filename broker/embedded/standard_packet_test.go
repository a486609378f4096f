package embedded_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// specimen is a whole and valid packet, and the lengths of its variable part at which it could have ended and still be one.
type specimen struct {
	name    string
	version byte
	first   byte
	body    []byte
	ends    []int // besides len(body)
	open    bool  // it ends with a payload, which may be longer
}

// specimens are one of each packet that a client may send after CONNECT.
func specimens() []specimen {
	all := []specimen{
		{"PUBLISH with QoS 0", 4, 0x30, join(str("t/u"), []byte("payload")), upTo(5, 12), true},
		{"PUBLISH with QoS 1", 4, 0x33, join(str("t/u"), u16(7), []byte("pay")), upTo(7, 10), true},
		{"PUBLISH with QoS 2 and properties", 5, 0x34, join(str("t"), u16(7), props(5, prop(0x02, u32(9)), prop(0x26, join(str("k"), str("v")))), []byte("x")), []int{18}, true},
		{"PUBACK", 4, 0x40, u16(7), nil, false},
		{"PUBACK", 5, 0x40, join(u16(7), []byte{0x10}, props(5, prop(0x1F, str("why")))), []int{2, 3}, false},
		{"PUBREC", 5, 0x50, join(u16(7), []byte{0x80}, props(5)), []int{2, 3}, false},
		{"PUBREL", 4, 0x62, u16(7), nil, false},
		{"PUBREL", 5, 0x62, join(u16(7), []byte{0x92}, props(5, prop(0x26, join(str("k"), str("v"))))), []int{2, 3}, false},
		{"PUBCOMP", 5, 0x70, join(u16(7), []byte{0}, props(5, prop(0x1F, str("why")))), []int{2, 3}, false},
		{"SUBSCRIBE", 4, 0x82, join(u16(7), str("a"), []byte{1}, str("b/#"), []byte{2}), []int{6}, false},
		{"SUBSCRIBE", 5, 0x82, join(u16(7), props(5, prop(0x0B, []byte{5})), str("a"), []byte{0x2D}, str("$share/g/b"), []byte{1}), []int{9}, false},
		{"UNSUBSCRIBE", 4, 0xA2, join(u16(7), str("a"), str("b/#")), []int{5}, false},
		{"UNSUBSCRIBE", 5, 0xA2, join(u16(7), props(5, prop(0x26, join(str("k"), str("v")))), str("a"), str("b/#")), []int{13}, false},
		{"PINGREQ", 4, 0xC0, nil, nil, false},
		{"PINGREQ", 5, 0xC0, nil, nil, false},
	}
	return all
}

// upTo is the numbers from a to b.
func upTo(a, b int) (all []int) {
	for n := a; n < b; n++ {
		all = append(all, n)
	}
	return all
}

// lives sends a packet, and tells whether the connection goes on after it.
func (c *client) lives(packet []byte) bool {
	c.t.Helper()
	_, _ = c.nc.Write(join(packet, []byte{0xC0, 0}))
	for {
		switch p, ok := c.next(); {
		case !ok, p.kind() == DISCONNECT:
			return false
		case p.kind() == PINGRESP:
			synctest.Wait()
			return len(c.packets) == 0
		}
	}
}

// A packet that ends before its fields do is malformed, wherever it ends, and one that goes on after them as well; the connection is
// closed [MQTT-4.13.1-1], [MQTT-4.8.0-1] of 3.1.1. The others do not notice.
func TestStandardPacketsOfTheWrongLength(t *testing.T) {
	for _, s := range specimens() {
		t.Run(fmt.Sprintf("%s of version %d", s.name, s.version), func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				watch := connect(t, b, hello{id: "watch"})
				long := append(slices.Clone(s.body), 0)
				for n := 0; n <= len(long); n++ {
					c := connect(t, b, hello{version: s.version, id: "c"})
					if s.first == 0xC0 && n == 0 {
						c.ping()
						continue
					}
					want := n == len(s.body) || slices.Contains(s.ends, n) || s.open && n > len(s.body)
					if got := c.lives(frame(s.first, long[:n])); got != want {
						t.Errorf("with %d of %d bytes (% x): the connection goes on %t, want %t", n, len(s.body), long[:n], got, want)
					}
					c.nc.Close()
				}
				watch.ping()
				synctest.Wait()
				if got := b.Stats().Connected; got != 1 {
					t.Errorf("%d clients are connected, want the one that watches", got)
				}
			})
		})
	}
}

// A connection that breaks in the middle of a packet takes nothing with it but the packet.
func TestStandardConnectionsThatBreakInAPacket(t *testing.T) {
	whole := [][]byte{hello{version: 5, id: "c", user: "u", password: "p", props: prop(0x11, u32(9)), will: &post{topic: "will", payload: "gone"}}.bytes()}
	for _, s := range specimens() {
		whole = append(whole, frame(s.first, s.body))
	}
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"t/#", 0}, filter{"will", 0})
		for i, p := range whole {
			for n := range p {
				c := attach(t, b.Dial())
				if i > 0 {
					c.hello(hello{version: 5, id: "c"})
				}
				c.send(p[:n])
				c.nc.Close()
			}
		}
		synctest.Wait()
		watch.ping() // and not one message has come
		if got := b.Stats().Connected; got != 1 {
			t.Errorf("%d clients are connected, want 1", got)
		}
	})
}

// The flags of a fixed header are reserved but for those of PUBLISH [MQTT-2.1.3-1], [MQTT-2.2.2-2] of 3.1.1.
func TestStandardReservedFlags(t *testing.T) {
	for _, s := range specimens() {
		if s.first>>4 == 3 {
			continue
		}
		t.Run(fmt.Sprintf("%s of version %d", s.name, s.version), func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				for flags := range byte(16) {
					first := s.first&0xF0 | flags
					if first == s.first {
						continue
					}
					c := connect(t, b, hello{version: s.version, id: "c"})
					if c.lives(frame(first, s.body)) {
						t.Errorf("flags %#x were taken", flags)
					}
				}
			})
		})
	}
}

// Only a server sends CONNACK, SUBACK, UNSUBACK and PINGRESP, type 0 is forbidden, and 15 is reserved before version 5 (table 2-1).
func TestStandardPacketsThatNoClientSends(t *testing.T) {
	for _, version := range []byte{3, 4, 5} {
		bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
			for _, first := range []byte{0x00, 0x20, 0x90, 0xB0, 0xD0, 0xF0} {
				for _, body := range [][]byte{nil, {0, 0}, {0, 1, 0}} {
					c := connect(t, b, hello{version: version, id: "c"})
					if c.lives(frame(first, body)) {
						t.Errorf("version %d: type %d with %d bytes was taken", version, first>>4, len(body))
					}
				}
			}
		})
	}
}

// where is where a property may stand, by table 2-4 of the standard.
type where struct {
	id     byte
	value  []byte
	places string
}

// The places: C CONNECT, W will, P PUBLISH, A the acknowledgements of messages, S SUBSCRIBE, U UNSUBSCRIBE, D DISCONNECT.
var properties = []where{
	{0x01, []byte{1}, "WP"},
	{0x02, u32(1), "WP"},
	{0x03, str("a"), "WP"},
	{0x08, str("a"), "WP"},
	{0x09, str("a"), "WP"},
	{0x0B, []byte{1}, "S"},
	{0x11, u32(1), "CD"},
	{0x12, str("a"), ""},
	{0x13, u16(1), ""},
	{0x17, []byte{1}, "C"},
	{0x18, u32(1), "W"},
	{0x19, []byte{1}, "C"},
	{0x1A, str("a"), ""},
	{0x1F, str("a"), "AD"},
	{0x21, u16(1), "C"},
	{0x22, u16(1), "C"},
	{0x23, u16(1), "P"},
	{0x24, []byte{1}, ""},
	{0x25, []byte{1}, ""},
	{0x26, join(str("a"), str("b")), "CWPASUD"},
	{0x27, u32(1000), "C"},
	{0x28, []byte{1}, ""},
	{0x29, []byte{1}, ""},
	{0x2A, []byte{1}, ""},
	{0x00, []byte{1}, ""}, // there are no such
	{0x2B, []byte{1}, ""},
	{0x7F, []byte{1}, ""},
}

// A property belongs to some packets only (table 2-4), and but for the user property none may stand there twice (2.2.2.2).
func TestStandardProperties(t *testing.T) {
	places := []struct {
		letter string
		name   string
		send   func(p []byte) []byte // nil: it is CONNECT
		greet  func(p []byte) hello
	}{
		{"C", "CONNECT", nil, func(p []byte) hello { return hello{props: p} }},
		{"W", "a will", nil, func(p []byte) hello { return hello{will: &post{topic: "w"}, willProps: p} }},
		{"P", "PUBLISH", func(p []byte) []byte { return post{topic: "t", props: string(p)}.bytes(5) }, nil},
		{"A", "PUBACK", func(p []byte) []byte { return ack(PUBACK, 7, join([]byte{0}, props(5, p))...) }, nil},
		{"A", "PUBREC", func(p []byte) []byte { return ack(PUBREC, 7, join([]byte{0x80}, props(5, p))...) }, nil},
		{"A", "PUBREL", func(p []byte) []byte { return ack(PUBREL, 7, join([]byte{0}, props(5, p))...) }, nil},
		{"A", "PUBCOMP", func(p []byte) []byte { return ack(PUBCOMP, 7, join([]byte{0}, props(5, p))...) }, nil},
		{"S", "SUBSCRIBE", func(p []byte) []byte { return subscribe(5, 7, p, filter{"a", 0}) }, nil},
		{"U", "UNSUBSCRIBE", func(p []byte) []byte { return frame(0xA2, u16(7), props(5, p), str("a")) }, nil},
		{"D", "DISCONNECT", func(p []byte) []byte { return frame(0xE0, []byte{4}, props(5, p)) }, nil},
	}
	for _, place := range places {
		t.Run(place.name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				for _, p := range properties {
					one := prop(p.id, p.value)
					belongs := slices.Contains([]byte(p.places), place.letter[0])
					for _, test := range []struct {
						times string
						props []byte
						want  bool
					}{{"once", one, belongs}, {"twice", join(one, one), belongs && p.id == 0x26}} {
						if got := takes(t, b, place.greet, place.send, test.props); got != test.want {
							t.Errorf("property %#x %s is taken %t, want %t", p.id, test.times, got, test.want)
						}
					}
				}
			})
		})
	}
}

// takes says whether the broker takes properties, in CONNECT or in a packet after it.
func takes(t *testing.T, b *brokertest.Broker, greet func([]byte) hello, send func([]byte) []byte, p []byte) bool {
	h := hello{version: 5, id: "c", props: prop(0x11, u32(60))}
	if greet != nil {
		h = greet(p)
		h.version, h.id = 5, "c"
	}
	c := attach(t, b.Dial())
	defer c.nc.Close()
	if code := c.hello(h)[1]; code != 0 || send == nil {
		return code == 0
	}
	packet := send(p)
	if packet[0] != 0xE0 {
		return c.lives(packet)
	}
	c.send(packet)
	last, told := c.next() // DISCONNECT ends it in any case; only a wrong one is answered
	return !told || last.kind() != DISCONNECT
}

// The rules for text (1.5.4) hold in every field that is text, in all versions.
func TestStandardText(t *testing.T) {
	bad := map[string]string{
		"a byte that begins nothing":     "a\xff",
		"a character that is cut":        "a\xe2\x82",
		"a character in too many bytes":  "a\xc0\xaf", // [MQTT-1.5.4-1]
		"half a surrogate pair":          "a\xed\xa0\x80",
		"a character beyond the highest": "a\xf4\x90\x80\x80",
		"null":                           "a\x00b", // [MQTT-1.5.4-2]
	}
	fields := []struct {
		name     string
		versions []byte
		send     func(version byte, s string) (hello, []byte)
	}{
		{"client identifier", []byte{4, 5}, func(v byte, s string) (hello, []byte) { return hello{version: v, id: s}, nil }},
		{"will topic", []byte{4, 5}, func(v byte, s string) (hello, []byte) { return hello{version: v, id: "c", will: &post{topic: s}}, nil }},
		{"user name", []byte{4, 5}, func(v byte, s string) (hello, []byte) { return hello{version: v, id: "c", user: s}, nil }},
		{"topic name", []byte{3, 4, 5}, func(v byte, s string) (hello, []byte) { return hello{version: v, id: "c"}, post{topic: s}.bytes(v) }},
		{"topic filter", []byte{3, 4, 5}, func(v byte, s string) (hello, []byte) {
			return hello{version: v, id: "c"}, subscribe(v, 1, nil, filter{s, 0})
		}},
		{"topic filter to unsubscribe from", []byte{3, 4, 5}, func(v byte, s string) (hello, []byte) { return hello{version: v, id: "c"}, unsubscribe(v, 1, s) }},
		{"content type", []byte{5}, func(v byte, s string) (hello, []byte) {
			return hello{version: v, id: "c"}, post{topic: "t", props: string(prop(0x03, str(s)))}.bytes(v)
		}},
		{"name of a user property", []byte{5}, func(v byte, s string) (hello, []byte) {
			return hello{version: v, id: "c"}, post{topic: "t", props: string(prop(0x26, join(str(s), str("v"))))}.bytes(v)
		}},
		{"value of a user property", []byte{5}, func(v byte, s string) (hello, []byte) {
			return hello{version: v, id: "c"}, post{topic: "t", props: string(prop(0x26, join(str("k"), str(s))))}.bytes(v)
		}},
		{"reason string", []byte{5}, func(v byte, s string) (hello, []byte) {
			return hello{version: v, id: "c"}, ack(PUBREL, 1, join([]byte{0}, props(5, prop(0x1F, str(s))))...)
		}},
	}
	for _, field := range fields {
		t.Run(field.name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				for what, text := range bad {
					for _, version := range field.versions {
						h, packet := field.send(version, text)
						c := attach(t, b.Dial())
						c.version = version
						c.send(join(h.bytes(), packet))
						for {
							p, ok := c.next()
							if !ok {
								break
							}
							switch p.kind() {
							case CONNACK:
								if packet == nil && p.body[1] == 0 {
									t.Fatalf("version %d: %s was let in", version, what)
								}
							case DISCONNECT:
							default:
								t.Fatalf("version %d: %s was answered with packet type %d", version, what, p.kind())
							}
						}
					}
				}
			})
		})
	}
}

// U+FEFF is a character like others and stays where it is [MQTT-1.5.4-3].
func TestStandardZeroWidthNoBreakSpace(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		const topic = "\ufefft\ufeff"
		c := connect(t, b, hello{id: "c"})
		c.subscribe(filter{topic, 0}, filter{"t", 0})
		c.publish(post{topic: topic, payload: "x"})
		if m := c.receive(); m.topic != topic {
			t.Errorf("got it as %q", m.topic)
		}
		c.quiet()
	})
}

// Binary fields take any bytes: payloads, the will's too, passwords and correlation data (1.5.6).
func TestStandardBinaryData(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	var password string
	o := embedded.Options{Authenticate: func(_, p string) bool { password = p; return true }}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{version: 5, id: "watch"})
		watch.subscribe(filter{"#", 0})
		correlation := string(prop(0x09, str(string(all))))
		c := connect(t, b, hello{version: 5, id: "c", user: "u", password: string(all), will: &post{topic: "w", payload: string(all)}, willProps: []byte(correlation)})
		if password != string(all) {
			t.Error("the password was changed on its way")
		}
		c.publish(post{topic: "t", payload: string(all), props: correlation})
		if m := watch.receive(); m.payload != string(all) || m.props != correlation {
			t.Error("a message was changed on its way")
		}
		c.nc.Close()
		if m := watch.receive(); m.payload != string(all) || m.props != correlation {
			t.Error("the will was changed on its way")
		}
	})
}

// A packet of the greatest allowed size and the packets before one that is too large are handled, however they arrive.
func TestStandardABurstBeforeAGiant(t *testing.T) {
	bubble(t, embedded.Options{MaxPacketSize: 1000}, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"t", 0})
		c := connect(t, b, hello{version: 5, id: "c"})
		var burst []byte
		for i := range 10 {
			burst = append(burst, post{topic: "t", payload: fmt.Sprint(i)}.bytes(5)...)
		}
		giant := binary.AppendUvarint([]byte{0x30}, 5000)
		c.send(join(burst, giant))
		c.expectEnd(0x95)
		for i := range 10 {
			if m := watch.receive(); m.payload != fmt.Sprint(i) {
				t.Errorf("got %s, want %d", m.payload, i)
			}
		}
		watch.quiet()
	})
}
