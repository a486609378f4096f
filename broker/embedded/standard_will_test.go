package embedded_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// A will is an ordinary message once it is published: with all the properties that CONNECT gave it (3.1.3.2), its QoS and its retain flag
// [MQTT-3.1.2-14], [MQTT-3.1.2-15], also when it was delayed and its session has ended meanwhile.
func TestStandardTheWillIsWhatConnectSaid(t *testing.T) {
	properties := join(prop(0x01, []byte{1}), prop(0x02, u32(50)), prop(0x03, str("text/plain")), prop(0x08, str("reply/to")),
		prop(0x09, str("\x00\xff")), prop(0x26, join(str("b"), str("1"))), prop(0x26, join(str("a"), str("2"))), prop(0x26, join(str("b"), str("3"))))
	rest := join(prop(0x01, []byte{1}), prop(0x03, str("text/plain")), prop(0x08, str("reply/to")),
		prop(0x09, str("\x00\xff")), prop(0x26, join(str("b"), str("1"))), prop(0x26, join(str("a"), str("2"))), prop(0x26, join(str("b"), str("3"))))
	for _, delay := range []int{0, 10} {
		for _, expiry := range []int{0, 5, 100} {
			for qos := range byte(3) {
				t.Run(fmt.Sprintf("delay %d, session of %d s, QoS %d", delay, expiry, qos), func(t *testing.T) {
					bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
						watch := connect(t, b, hello{version: 5, id: "watch"})
						watch.subscribe(filter{"will", 2})
						c := connect(t, b, hello{
							version: 5, id: "c", props: prop(0x11, u32(expiry)), willProps: join(properties, prop(0x18, u32(delay))),
							will: &post{topic: "will", payload: "gone", qos: qos, retain: true},
						})
						c.nc.Close()
						time.Sleep(time.Duration(min(delay, expiry)) * time.Second)
						m := watch.receive()
						if want := string(join(prop(0x02, u32(50)), rest)); m.props != want || m.qos != qos || m.retain || m.payload != "gone" {
							t.Errorf("got %+v, want properties % x", m, want)
						}
						time.Sleep(20 * time.Second)
						late := connect(t, b, hello{version: 5, id: "late"})
						late.subscribe(filter{"#", 0})
						m = late.receive()
						if want := string(join(prop(0x02, u32(30)), rest)); m.props != want || !m.retain {
							t.Errorf("retained is %+v, want 30 s of its expiry left", m)
						}
						watch.quiet() // it was published once
					})
				})
			}
		}
	}
}

// The will is published when the connection ends other than by a goodbye, and a delay ends with the session at the latest
// [MQTT-3.1.2-8], [MQTT-3.1.3-9]: here by the session expiry that the client's DISCONNECT names.
func TestStandardTheWillAndTheExpiryOfDisconnect(t *testing.T) {
	for _, test := range []struct {
		name    string
		expiry  int
		comes   time.Duration
		goodbye []byte
	}{
		{"goodbye with the will, and a shorter session", 100, 5 * time.Second, frame(0xE0, []byte{4}, props(5, prop(0x11, u32(5))))},
		{"goodbye with the will, and no session", 100, 0, frame(0xE0, []byte{4}, props(5, prop(0x11, u32(0))))},
		{"goodbye with the will, and a longer session", 15, 30 * time.Second, frame(0xE0, []byte{4}, props(5, prop(0x11, u32(100))))},
		{"goodbye with the will", 100, 30 * time.Second, []byte{0xE0, 1, 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				watch := connect(t, b, hello{id: "watch"})
				watch.subscribe(filter{"will", 0})
				c := connect(t, b, hello{version: 5, id: "c", props: prop(0x11, u32(test.expiry)), will: &post{topic: "will", payload: "gone"}, willProps: prop(0x18, u32(30))})
				c.send(test.goodbye)
				c.expectEnd(0)
				if test.comes > 0 {
					time.Sleep(test.comes - 100*time.Millisecond)
					watch.quiet()
					time.Sleep(200 * time.Millisecond)
				}
				watch.receive()
				time.Sleep(200 * time.Second)
				watch.quiet()
			})
		})
	}
}

// A will that waits for its delay is withdrawn by the client's return to its session [MQTT-3.1.3-9], which brings its own will, with a delay
// that begins anew.
func TestStandardTheWillOfTheNextConnection(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"will", 0})
		h := enduring(5, "c")
		h.will, h.willProps = &post{topic: "will", payload: "first"}, prop(0x18, u32(30))
		connect(t, b, h).nc.Close()
		time.Sleep(20 * time.Second)
		h.will = &post{topic: "will", payload: "second"}
		c := connect(t, b, h)
		time.Sleep(20 * time.Second)
		watch.quiet()
		c.nc.Close()
		time.Sleep(29 * time.Second)
		watch.quiet()
		h.will, h.willProps = nil, nil
		c = connect(t, b, h)
		time.Sleep(29 * time.Second)
		c.nc.Close()
		time.Sleep(100 * time.Second)
		watch.quiet()
	})
}

// A takeover ends the connection before it, which publishes its will: at once without a delay, after it with one unless the session goes on
// (3.1.4 and its comment); a clean start ends the session, and with it the wait.
func TestStandardTheWillAtATakeover(t *testing.T) {
	for _, test := range []struct {
		name    string
		version byte
		delay   int
		clean   bool
		wants   bool
	}{
		{"3.1.1", 4, 0, false, true},
		{"3.1.1, clean", 4, 0, true, true},
		{"5", 5, 0, false, true},
		{"5, clean", 5, 0, true, true},
		{"5 with a delay", 5, 30, false, false},
		{"5 with a delay, clean", 5, 30, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				watch := connect(t, b, hello{id: "watch"})
				watch.subscribe(filter{"#", 0})
				h := enduring(test.version, "c")
				h.will = &post{topic: "will", payload: "gone"}
				if test.delay > 0 {
					h.willProps = prop(0x18, u32(test.delay))
				}
				connect(t, b, h)
				h.will, h.willProps, h.persistent = nil, nil, !test.clean
				again := connect(t, b, h)
				again.publish(post{topic: "here", payload: "again"})
				if test.wants {
					if m := watch.receive(); m.topic != "will" {
						t.Errorf("first came %+v, want the will", m)
					}
				}
				if m := watch.receive(); m.topic != "here" {
					t.Errorf("got %+v, want what the new connection says", m)
				}
				time.Sleep(100 * time.Second)
				watch.quiet()
			})
		})
	}
}

// A will goes through the same gate as a message: nobody can leave one where it may not publish, or to a filter.
func TestStandardForbiddenWills(t *testing.T) {
	o := embedded.Options{Access: brokertest.MayPublish(func(_, _, topic string) bool { return topic != "closed" })}
	for _, topic := range []string{"closed", "$SYS/x", "a/#", "a/+/b", ""} {
		for _, version := range []byte{4, 5} {
			for _, retain := range []bool{false, true} {
				bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
					watch := connect(t, b, hello{id: "watch"})
					watch.subscribe(filter{"#", 0}, filter{"$SYS/x", 0})
					answer := refusal(t, b, hello{version: version, id: "c", will: &post{topic: topic, payload: "x", retain: retain}}.bytes())
					if answer != nil && answer[3] == 0 {
						t.Errorf("version %d: a client with a will to %q was let in", version, topic)
					}
					watch.quiet()
				})
			}
		}
	}
}

// What was allowed when the client connected may be forbidden when its will is due: then there is none.
func TestStandardAWillThatIsForbiddenMeanwhile(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"#", 0})
		c := connect(t, b, hello{id: "c", will: &post{topic: "closed", payload: "x", retain: true}})
		delayed := enduring(5, "d")
		delayed.will, delayed.willProps = &post{topic: "closed", payload: "x", retain: true}, prop(0x18, u32(30))
		connect(t, b, delayed).nc.Close()
		if err := b.Reload(embedded.Options{Access: brokertest.MayPublish(func(_, _, topic string) bool { return topic != "closed" })}); err != nil {
			t.Fatal(err)
		}
		c.nc.Close()
		time.Sleep(time.Minute)
		watch.quiet()
		if got := b.Stats().Retained; got != 0 {
			t.Error("it was retained")
		}
	})
}

// Wills reach everybody who has subscribed, as any message does: shared subscriptions, sessions that are away, and the client itself when
// it returns to its session.
func TestStandardWhoGetsAWill(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		away := connect(t, b, enduring(4, "away"))
		away.subscribe(filter{"will", 1})
		away.goodbye()
		worker := connect(t, b, hello{id: "worker"})
		worker.subscribe(filter{"$share/g/will", 1})
		h := enduring(4, "c")
		h.will = &post{topic: "will", payload: "gone", qos: 1}
		c := connect(t, b, h)
		c.subscribe(filter{"will", 1})
		c.nc.Close()
		synctest.Wait()
		worker.receive()
		worker.quiet()
		connect(t, b, enduring(4, "away")).receive()
		connect(t, b, enduring(4, "c")).receive()
	})
}
