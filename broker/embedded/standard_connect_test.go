package embedded_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// secretive lets in who knows the password.
func secretive() embedded.Options {
	return embedded.Options{Anonymous: embedded.Never, Authenticate: func(_, password string) bool { return password == "right" }}
}

// refusal sends bytes that begin with CONNECT and returns the whole CONNACK packet that the connection ends with, nil for none.
func refusal(t *testing.T, b *brokertest.Broker, data []byte) []byte {
	t.Helper()
	c := attach(t, b.Dial())
	_, _ = c.nc.Write(data)
	p, ok := c.next()
	if !ok {
		return nil
	}
	if p.kind() != CONNACK {
		t.Errorf("packet type %d came before CONNACK", p.kind()) // [MQTT-3.2.0-1]
	}
	if p.body[1] != 0 {
		c.expectEnd(0) // [MQTT-3.2.2-7], [MQTT-3.2.2-5] of 3.1.1
	}
	return frame(p.first, p.body)
}

// Each version has return codes of its own: 1 to 5 in 3.1 and 3.1.1 (table 3.1 there), reason codes from 0x80 on in 5 (3.2.2.2).
func TestStandardRefusals(t *testing.T) {
	tests := []struct {
		name string
		h    hello
		old  byte // the return code of 3.1 and 3.1.1, 0 for none
		five byte
	}{
		{"a wrong password", hello{id: "c", user: "u", password: "wrong"}, 4, 0x86},
		{"no credentials", hello{id: "c"}, 5, 0x87},
		{"a will where nobody may publish", hello{id: "c", user: "u", password: "right", will: &post{topic: "$SYS/broker/uptime"}}, 5, 0x87},
		{"an identifier that belongs to somebody else", hello{id: "taken", user: "u", password: "right"}, 5, 0x87},
	}
	for _, test := range tests {
		for _, version := range []byte{3, 4, 5} {
			t.Run(fmt.Sprintf("%s in version %d", test.name, version), func(t *testing.T) {
				bubble(t, secretive(), func(t *testing.T, b *brokertest.Broker) {
					connect(t, b, hello{id: "taken", user: "owner", password: "right"})
					test.h.version = version
					want := []byte{0x20, 2, 0, test.old}
					if version == 5 {
						want = []byte{0x20, 3, 0, test.five, 0} // session present is 0 [MQTT-3.2.2-6]
					}
					if got := refusal(t, b, test.h.bytes()); !bytes.Equal(got, want) {
						t.Errorf("the answer is % x, want % x", got, want)
					}
				})
			})
		}
	}
}

// A protocol name or level that is not known is refused with code 1, by 5 with 0x84 [MQTT-3.1.2-2]; what is not MQTT at all gets no
// answer [MQTT-3.1.2-1].
func TestStandardProtocolNameAndLevel(t *testing.T) {
	tests := []struct {
		name  string
		level byte
		want  []byte
	}{
		{"MQTT", 4, []byte{0x20, 2, 0, 0}},
		{"MQIsdp", 3, []byte{0x20, 2, 0, 0}},
		{"MQTT", 3, []byte{0x20, 2, 0, 1}},
		{"MQTT", 6, []byte{0x20, 2, 0, 1}},
		{"MQTT", 0, []byte{0x20, 2, 0, 1}},
		{"MQIsdp", 4, []byte{0x20, 2, 0, 1}},
		{"MQTT", 0x84, []byte{0x20, 2, 0, 1}},
		{"mqtt", 4, nil},
		{"", 4, nil},
		{"MQTTT", 4, nil},
	}
	for _, test := range tests {
		bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
			if got := refusal(t, b, frame(0x10, str(test.name), []byte{test.level, 2}, u16(0), str("c"))); !bytes.Equal(got, test.want) {
				t.Errorf("%q, level %d: the answer is % x, want % x", test.name, test.level, got, test.want)
			}
		})
	}
}

// Clients may send packets right after CONNECT; those of one that is refused are not looked at [MQTT-3.1.4-6], [MQTT-3.1.4-5] of 3.1.1.
func TestStandardWhatFollowsARefusedConnect(t *testing.T) {
	for _, version := range []byte{3, 4, 5} {
		bubble(t, secretive(), func(t *testing.T, b *brokertest.Broker) {
			watch := connect(t, b, hello{id: "watch", user: "u", password: "right"})
			watch.subscribe(filter{"#", 0})
			refusal(t, b, join(hello{version: version, id: "c", user: "u", password: "wrong"}.bytes(), post{topic: "t", payload: "x", retain: true}.bytes(version)))
			watch.quiet()
			if got := b.Stats().Retained; got != 0 {
				t.Error("its message was retained")
			}
		})
	}
}

// Flags and fields of CONNECT: what may be empty, and what may be missing.
func TestStandardConnectFields(t *testing.T) {
	raw := func(version, flags byte, payload ...[]byte) []byte {
		return frame(0x10, str("MQTT"), []byte{version, flags}, u16(0), props(version), join(payload...))
	}
	tests := []struct {
		name     string
		packet   func(version byte) []byte
		old      byte // 0xFF: closed without an answer
		five     byte
		user, pw string
	}{
		{"an empty password", func(v byte) []byte { return raw(v, 0xC2, str("c"), str("u"), str("")) }, 0, 0, "u", ""},
		{"an empty user name", func(v byte) []byte { return raw(v, 0xC2, str("c"), str(""), str("p")) }, 0, 0, "", "p"},
		{"a user name without a password", func(v byte) []byte { return raw(v, 0x82, str("c"), str("u")) }, 0, 0, "u", ""},
		{"a password without a user name", func(v byte) []byte { return raw(v, 0x42, str("c"), str("p")) }, 0xFF, 0, "", "p"}, // [MQTT-3.1.2-22] of 3.1.1
		{"an empty will message", func(v byte) []byte { return raw(v, 0xC6, str("c"), props(v), str("w"), str(""), str("u"), str("p")) }, 0, 0, "u", "p"},
		{"an empty will topic", func(v byte) []byte { return raw(v, 0xC6, str("c"), props(v), str(""), str("x"), str("u"), str("p")) }, 0xFF, 0x81, "", ""},
		{"a will with QoS 3", func(v byte) []byte {
			return raw(v, 0xC6|0x18, str("c"), props(v), str("w"), str("x"), str("u"), str("p"))
		}, 0xFF, 0x81, "", ""}, // [MQTT-3.1.2-12]
		{"the QoS of a will that is not there", func(v byte) []byte { return raw(v, 0xC2|0x08, str("c"), str("u"), str("p")) }, 0xFF, 0x81, "", ""}, // [MQTT-3.1.2-11]
		{"the retain flag of a will that is not there", func(v byte) []byte { return raw(v, 0xC2|0x20, str("c"), str("u"), str("p")) }, 0xFF, 0x81, "", ""},
		{"the reserved flag", func(v byte) []byte { return raw(v, 0xC3, str("c"), str("u"), str("p")) }, 0xFF, 0x81, "", ""},          // [MQTT-3.1.2-3]
		{"a will flag without a will", func(v byte) []byte { return raw(v, 0xC6, str("c"), str("u"), str("p")) }, 0xFF, 0xFF, "", ""}, // it is cut: [MQTT-3.1.4-1] asks for no answer,
		{"a user flag without a user", func(v byte) []byte { return raw(v, 0xC2, str("c")) }, 0xFF, 0xFF, "", ""},
		{"a user without its flag", func(v byte) []byte { return raw(v, 0x02, str("c"), str("u")) }, 0xFF, 0x81, "", ""},
	}
	for _, test := range tests {
		for _, version := range []byte{4, 5} {
			t.Run(fmt.Sprintf("%s in version %d", test.name, version), func(t *testing.T) {
				var user, pw string
				o := embedded.Options{Authenticate: func(u, p string) bool { user, pw = u, p; return true }}
				bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
					want := test.old
					if version == 5 {
						want = test.five
					}
					got := refusal(t, b, test.packet(version))
					if want == 0xFF != (got == nil) || got != nil && got[3] != want {
						t.Fatalf("the answer is % x, want code %#x", got, want)
					}
					if want == 0 && (user != test.user || pw != test.pw) {
						t.Errorf("it logged in as %q with %q, want %q with %q", user, pw, test.user, test.pw)
					}
				})
			})
		}
	}
}

// A client without an identifier is given one that nobody else has, is told it in version 5, and may come back with it
// [MQTT-3.1.3-6], [MQTT-3.1.3-7], [MQTT-3.2.2-16].
func TestStandardAssignedIdentifiers(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		seen := map[string]bool{}
		for range 10 {
			c, connack := connected(t, b, hello{version: 5, persistent: true, props: prop(0x11, u32(60))})
			at := bytes.IndexByte(connack, 0x12) // no property before it has this byte
			if at < 0 {
				t.Fatalf("no identifier in % x", connack)
			}
			n := int(connack[at+1])<<8 | int(connack[at+2])
			id := string(connack[at+3 : at+3+n])
			if !regexp.MustCompile(`^auto-[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`).MatchString(id) {
				t.Errorf("the identifier is %s", id)
			}
			if seen[id] {
				t.Fatalf("%s was given away twice", id)
			}
			seen[id] = true
			c.goodbye()
			if _, connack := connected(t, b, hello{version: 5, id: id, persistent: true, props: prop(0x11, u32(60))}); connack[0] != 1 {
				t.Errorf("the session of %s was not there", id)
			}
		}
		old, connack := connected(t, b, hello{})
		if len(connack) != 2 {
			t.Errorf("CONNACK of 3.1.1 is % x", connack)
		}
		old.ping()
		if got := len(b.Clients()); got != 11 {
			t.Errorf("%d clients are known, want 11", got)
		}
	})
}

// The keep alive (3.1.2.10): any packet of the client's counts, none of the broker's does, and 16 bits are enough for one and a half
// times the greatest value.
func TestStandardKeepAlive(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		talker := connect(t, b, hello{id: "talker", keepAlive: 10})
		listener := connect(t, b, hello{id: "listener", keepAlive: 10})
		listener.subscribe(filter{"t", 0})
		patient := map[int]*client{}
		for _, seconds := range []int{43690, 43691, 50000, 65535} {
			patient[seconds] = connect(t, b, hello{id: fmt.Sprint(seconds), keepAlive: seconds})
		}
		for range 6 {
			time.Sleep(10 * time.Second)
			talker.publish(post{topic: "t"})
		}
		listener.receive()
		listener.expectEnd(0)
		synctest.Wait()
		talker.ping()
		for _, c := range patient {
			c.ping()
		}
		time.Sleep(65000 * time.Second) // within one and a half of each
		for _, c := range patient {
			c.ping()
		}
		talker.expectEnd(0)
	})
}

// A longer keep alive than the broker allows is replaced, in version 5 only, and the client is told [MQTT-3.1.2-21], [MQTT-3.2.2-21].
func TestStandardServerKeepAlive(t *testing.T) {
	told := func(connack []byte) []byte {
		if at := bytes.IndexByte(connack, 0x13); at >= 0 {
			return connack[at+1 : at+3]
		}
		return nil
	}
	for _, test := range []struct {
		version byte
		wish    int
		want    []byte
		limit   time.Duration
	}{
		{5, 120, u16(60), 90 * time.Second},
		{5, 0, u16(60), 90 * time.Second},
		{5, 30, nil, 45 * time.Second},
		{4, 120, nil, 180 * time.Second},
	} {
		bubble(t, embedded.Options{MaxKeepAlive: time.Minute}, func(t *testing.T, b *brokertest.Broker) {
			c, connack := connected(t, b, hello{version: test.version, id: "c", keepAlive: test.wish})
			if got := told(connack[2:]); !bytes.Equal(got, test.want) {
				t.Errorf("version %d, keep alive %d: it is told % x, want % x", test.version, test.wish, got, test.want)
			}
			time.Sleep(test.limit - time.Second)
			c.ping()
			time.Sleep(test.limit + time.Second)
			if test.version == 5 {
				c.expectEnd(0x8D)
			} else {
				c.expectEnd(0)
			}
		})
	}
}

// A server sends DISCONNECT only to clients of version 5, whatever the reason; the others just see the end.
func TestStandardDisconnectIsOfVersion5(t *testing.T) {
	reasons := []struct {
		name string
		code byte
		end  func(t *testing.T, b *brokertest.Broker, c *client)
	}{
		{"a takeover", 0x8E, func(t *testing.T, b *brokertest.Broker, _ *client) { connect(t, b, hello{id: "c"}) }},
		{"the owner", 0x98, func(_ *testing.T, b *brokertest.Broker, _ *client) { b.Disconnect("c") }},
		{"the end of the broker", 0x8B, func(_ *testing.T, b *brokertest.Broker, _ *client) { go b.Stop() }},
		{"silence", 0x8D, func(*testing.T, *brokertest.Broker, *client) { time.Sleep(time.Minute) }},
		{"a second CONNECT", 0x82, func(_ *testing.T, _ *brokertest.Broker, c *client) {
			c.send(hello{version: c.version, id: "c"}.bytes())
		}},
		{"a malformed packet", 0x81, func(_ *testing.T, _ *brokertest.Broker, c *client) { c.send([]byte{0xC0, 1, 0}) }},
	}
	for _, reason := range reasons {
		for _, version := range []byte{3, 4, 5} {
			t.Run(fmt.Sprintf("%s in version %d", reason.name, version), func(t *testing.T) {
				bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
					c := connect(t, b, hello{version: version, id: "c", keepAlive: 30})
					reason.end(t, b, c)
					if version == 5 {
						c.expectEnd(reason.code)
					} else {
						c.expectEnd(0)
					}
				})
			})
		}
	}
}

// What people must not read in a log is not in it, whatever the client does.
func TestStandardNothingSecretIsLogged(t *testing.T) {
	var log journal
	o := secretive()
	o.Logger = log.logger()
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		const payload = "what was said"
		refusal(t, b, hello{version: 5, id: "c", user: "u", password: "hunter2"}.bytes())
		for _, version := range []byte{3, 4, 5} {
			c := connect(t, b, hello{version: version, id: "c", user: "u", password: "right", will: &post{topic: "w", payload: payload}})
			c.publish(post{topic: "$SYS/x", payload: payload, qos: 1, id: 1})
			c.publish(post{topic: "t", payload: payload, qos: 1, id: 1, retain: true})
			c.send(hello{version: version, id: "c", user: "u", password: "hunter2", will: &post{topic: "w", payload: payload}}.bytes())
			for {
				if _, ok := c.next(); !ok {
					break
				}
			}
		}
		b.Stop()
		for _, secret := range []string{payload, "hunter2", "right"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("%q is in the log:\n%s", secret, log.String())
			}
		}
		if !strings.Contains(log.String(), "refused") {
			t.Error("the log says nothing of the refusal; is it the right one?")
		}
	})
}
