package embedded_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

func TestConnect(t *testing.T) {
	raw := func(version, flags byte, payload ...[]byte) []byte {
		return frame(0x10, str("MQTT"), []byte{version, flags}, u16(0), props(version), join(payload...))
	}
	const closed = 0xFF // no answer at all
	tests := []struct {
		name   string
		packet []byte
		code   byte
	}{
		{"3.1 comes in", hello{version: 3, id: "a"}.bytes(), 0},
		{"3.1.1 comes in", hello{id: "a"}.bytes(), 0},
		{"5 comes in", hello{version: 5, id: "a"}.bytes(), 0},
		{"3.1.1 without an identifier gets one for a clean session", hello{}.bytes(), 0},
		{"3.1.1 without an identifier gets no lasting session", hello{persistent: true}.bytes(), 2},
		{"5 without an identifier gets one even for a lasting session", hello{version: 5, persistent: true}.bytes(), 0},
		{"3.1 without an identifier is refused", hello{version: 3}.bytes(), 2},
		{"the longest identifier comes in", hello{id: string(bytes.Repeat([]byte("x"), 65535))}.bytes(), 0},
		{"an unknown version is told so", raw(6, 2, str("a")), 1},
		{"a bridge of mosquitto's is told that its private version is unknown", raw(0x84, 2, str("a")), 1},
		{"an unknown protocol gets no answer", frame(0x10, str("HTTP"), []byte{4, 2}, u16(0), str("a")), closed},
		{"the reserved flag is not allowed", raw(4, 3, str("a")), closed},
		{"the reserved flag is told to 5", raw(5, 3, str("a")), 0x81},
		{"a will with QoS 3 is not allowed", raw(4, 2|4|0x18, str("a"), str("t"), str("p")), closed},
		{"will flags without a will are not allowed", raw(4, 2|0x20, str("a")), closed},
		{"a password without a user is not allowed in 3.1.1", raw(4, 2|0x40, str("a"), str("secret")), closed},
		{"a password without a user is no protocol error in 5", raw(5, 2|0x40, str("a"), str("secret")), 0x86},
		{"an empty will payload is allowed", hello{id: "a", will: &post{topic: "t"}}.bytes(), 0},
		{"an empty password is allowed, and wrong", raw(4, 2|0xC0, str("a"), str("u"), str("")), 4},
		{"a will to a filter is not allowed", hello{version: 5, id: "a", will: &post{topic: "t/#"}}.bytes(), 0x81},
		{"a will to $SYS is not allowed", hello{id: "a", will: &post{topic: "$SYS/broker"}}.bytes(), 5},
		{"invalid UTF-8 in the identifier is not allowed", raw(5, 2, str("a\xff")), 0x81},
		{"a null character in the identifier is not allowed", raw(5, 2, str("a\x00")), 0x81},
		{"bytes after the payload are not allowed", raw(5, 2, str("a"), []byte{1, 2}), 0x81},
		{"a cut packet is not allowed", raw(5, 2|4, str("a")), closed},
		{"a property that is not CONNECT's is not allowed", hello{version: 5, id: "a", props: prop(0x23, u16(1))}.bytes(), 0x81},
		{"a property given twice is not allowed", hello{version: 5, id: "a", props: join(prop(0x21, u16(9)), prop(0x21, u16(9)))}.bytes(), 0x82},
		{"a receive maximum of 0 is not allowed", hello{version: 5, id: "a", props: prop(0x21, u16(0))}.bytes(), 0x82},
		{"a maximum packet size of 0 is not allowed", hello{version: 5, id: "a", props: prop(0x27, u32(0))}.bytes(), 0x82},
		{"an unknown property is not allowed", hello{version: 5, id: "a", props: prop(0x7E, nil)}.bytes(), 0x81},
		{"enhanced authentication is not supported", hello{version: 5, id: "a", props: prop(0x15, str("SCRAM"))}.bytes(), 0x8C},
		{"authentication data without a method is not allowed", hello{version: 5, id: "a", props: prop(0x16, str("x"))}.bytes(), 0x82},
		{"flags in the fixed header are not allowed", append([]byte{0x11}, hello{id: "a"}.bytes()[1:]...), closed},
		{"nothing but CONNECT comes first", post{topic: "t"}.bytes(4), closed},
		{"not even a ping comes first", []byte{0xC0, 0}, closed},
		{"a length of five bytes is not allowed", []byte{0x10, 0x80, 0x80, 0x80, 0x80, 0x01}, closed},
		{"a giant is turned away before it is read", []byte{0x10, 0xFF, 0xFF, 0xFF, 0x7F}, closed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := embedded.Options{Authenticate: func(user, password string) bool { return password == "right" }}
			bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
				c := attach(t, b.Dial())
				c.send(test.packet)
				if test.code == closed {
					c.expectEnd(0)
					return
				}
				body := c.expect(CONNACK).body
				if body[1] != test.code {
					t.Fatalf("the answer is %#x, want %#x", body[1], test.code)
				}
				if test.code == 0 {
					c.ping()
				} else {
					c.expectEnd(0)
				}
			})
		})
	}
}

func TestConnackTellsTheLimits(t *testing.T) {
	o := embedded.Options{MaxPacketSize: 5000, ReceiveMaximum: 7, MaxKeepAlive: time.Minute, MaxSessionExpiry: time.Hour}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		_, body := connected(t, b, hello{version: 5, keepAlive: 120, props: prop(0x11, u32(7200))})
		for _, want := range [][]byte{
			prop(0x21, u16(7)), prop(0x27, u32(5000)), prop(0x22, u16(10)), prop(0x13, u16(60)), prop(0x11, u32(3600)), {0x12},
		} {
			if !bytes.Contains(body, want) {
				t.Errorf("CONNACK % x lacks % x", body, want)
			}
		}
		_, body = connected(t, b, hello{version: 5, id: "a", keepAlive: 30, props: prop(0x11, u32(60))})
		for _, bad := range [][]byte{prop(0x13, u16(30)), prop(0x11, u32(60))} {
			if bytes.Contains(body, bad) {
				t.Errorf("CONNACK % x repeats what was granted: % x", body, bad)
			}
		}
	})
}

func TestNobodyStaysWithoutIntroduction(t *testing.T) {
	bubble(t, embedded.Options{ConnectTimeout: 5 * time.Second}, func(t *testing.T, b *brokertest.Broker) {
		for _, part := range []int{0, 1, 5, 20} {
			begin := time.Now()
			c := attach(t, b.Dial())
			if part > 0 {
				c.send(hello{id: "a-client-with-a-name"}.bytes()[:part])
			}
			c.expectEnd(0)
			if took := time.Since(begin); took != 5*time.Second {
				t.Errorf("after %d bytes it was cut off in %v, want 5 s", part, took)
			}
		}
	})
}

func TestASecondConnectEndsTheConnection(t *testing.T) {
	for _, version := range []byte{4, 5} {
		bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, hello{version: version, id: "a"})
			c.send(hello{version: version, id: "b"}.bytes())
			if version == 5 {
				c.expectEnd(0x82)
			} else {
				c.expectEnd(0)
			}
		})
	}
}

func TestConnectMayComeWithMore(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := attach(t, b.Dial())
		c.send(join(hello{id: "a"}.bytes(), subscribe(4, 1, nil, filter{"t", 1}), post{topic: "t", payload: "x", qos: 1, id: 2}.bytes(4)))
		c.expect(CONNACK)
		c.expect(SUBACK)
		got := map[kind]int{}
		for range 2 {
			p, _ := c.next()
			got[p.kind()]++
		}
		if got[PUBLISH] != 1 || got[PUBACK] != 1 {
			t.Errorf("got %v, want the message and its acknowledgement", got)
		}
	})
}

func TestKeepAlive(t *testing.T) {
	tests := []struct {
		name      string
		version   byte
		keepAlive int
		silence   time.Duration
		alive     bool
	}{
		{"within the keep alive", 4, 10, 10 * time.Second, true},
		{"within half as much again", 4, 10, 14 * time.Second, true},
		{"beyond it", 4, 10, 16 * time.Second, false},
		{"beyond it, in MQTT 5", 5, 10, 16 * time.Second, false},
		{"without a keep alive a day is not long", 4, 0, 24 * time.Hour, true},
		{"the longest keep alive is kept to", 4, 65535, 27 * time.Hour, true},
		{"and not forgotten", 4, 65535, 28 * time.Hour, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				c := connect(t, b, hello{version: test.version, id: "a", keepAlive: test.keepAlive})
				for range 3 { // signs of life move the limit
					time.Sleep(time.Duration(test.keepAlive) * 1400 * time.Millisecond)
					c.ping()
				}
				time.Sleep(test.silence)
				switch {
				case test.alive:
					c.ping()
				case test.version == 5:
					c.expectEnd(0x8D)
				default:
					c.expectEnd(0)
				}
			})
		})
	}
}

// Long identifiers are cut for people, but stay apart.
func TestALongIdentifierIsShownShort(t *testing.T) {
	var log journal
	bubble(t, embedded.Options{Logger: log.logger()}, func(t *testing.T, b *brokertest.Broker) {
		long := strings.Repeat("x", 60_000)
		for _, end := range []string{"1", "2"} {
			connect(t, b, hello{id: long + end, persistent: true})
			if _, connack := connected(t, b, hello{id: long + end, persistent: true}); connack[0] != 1 {
				t.Errorf("the session of %s is not there", end)
			}
		}
		synctest.Wait()
		clients := b.Clients()
		if len(clients) != 2 {
			t.Fatalf("%d clients are connected, want 2", len(clients))
		}
		for _, c := range clients {
			if len(c.ID) > 512 || !strings.HasPrefix(c.ID, "xxxx") {
				t.Errorf("it is shown as %.600s", c.ID)
			}
			if len(b.History(c.ID)) != 2 {
				t.Errorf("its history is %v", b.History(c.ID))
			}
			if !b.Disconnect(c.ID) {
				t.Error("it cannot be disconnected")
			}
		}
		if clients[0].ID == clients[1].ID {
			t.Error("both are shown alike")
		}
		if strings.Contains(log.String(), long[:1000]) {
			t.Error("the log has it at length")
		}
	})
}
