package embedded_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

func lastWords(delay int64, more ...[]byte) hello {
	var p []byte
	if delay > 0 {
		p = prop(0x18, u32(delay))
	}
	return hello{version: 5, id: "c", will: &post{topic: "will", payload: "gone", qos: 1, retain: true}, willProps: join(p, join(more...))}
}

func TestWill(t *testing.T) {
	tests := []struct {
		name  string
		end   func(c *client)
		wants bool
	}{
		{"is published when the connection breaks", func(c *client) { c.nc.Close() }, true},
		{"is published after silence", func(*client) { time.Sleep(16 * time.Second) }, true},
		{"is published after a protocol error", func(c *client) { c.send([]byte{0x00, 0}) }, true},
		{"is not published after goodbye", func(c *client) { c.send([]byte{0xE0, 0}) }, false},
		{"is not published after goodbye with a code", func(c *client) { c.send([]byte{0xE0, 2, 0, 0}) }, false},
		{"is published after goodbye with will, in three bytes", func(c *client) { c.send([]byte{0xE0, 1, 4}) }, true},
		{"is published after goodbye with will, in four bytes", func(c *client) { c.send([]byte{0xE0, 2, 4, 0}) }, true},
		{"is published after goodbye with an error", func(c *client) { c.send([]byte{0xE0, 1, 0x80}) }, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				watch := connect(t, b, hello{version: 5, id: "watch"})
				watch.subscribe(filter{"#", 2})
				h := lastWords(0, prop(0x03, str("text/plain")))
				h.keepAlive = 10
				c := connect(t, b, h)
				test.end(c)
				if test.wants {
					m := watch.receive()
					if want := (post{topic: "will", payload: "gone", qos: 1, id: m.id, props: string(prop(0x03, str("text/plain")))}); m != want {
						t.Errorf("got %+v, want %+v", m, want)
					}
					late := connect(t, b, hello{id: "late"})
					late.subscribe(filter{"will", 0})
					late.receive() // it was retained
				}
				watch.quiet()
			})
		})
	}
}

func TestDelayedWill(t *testing.T) {
	const never = 0xFFFFFFFF
	tests := []struct {
		name          string
		delay, expiry int64
		after         time.Duration // -1: not at all
		meanwhile     func(t *testing.T, b *brokertest.Broker)
	}{
		{"waits for its delay", 30, never, 30 * time.Second, nil},
		{"does not outlive the session", 30, 10, 10 * time.Second, nil},
		{"does not wait without a session", 30, 0, 0, nil},
		{"is withdrawn when the client returns", 30, never, -1, func(t *testing.T, b *brokertest.Broker) {
			time.Sleep(20 * time.Second)
			connect(t, b, hello{version: 5, id: "c", persistent: true, props: prop(0x11, u32(uint32(never)))})
		}},
		{"is published when the client returns for a clean session", 30, never, 20 * time.Second, func(t *testing.T, b *brokertest.Broker) {
			time.Sleep(20 * time.Second)
			connect(t, b, hello{version: 5, id: "c"})
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				watch := connect(t, b, hello{id: "watch"})
				watch.subscribe(filter{"#", 0})
				h := lastWords(test.delay)
				h.props = prop(0x11, u32(test.expiry))
				c := connect(t, b, h)
				begin := time.Now()
				c.nc.Close()
				if test.meanwhile != nil {
					test.meanwhile(t, b)
				}
				if test.after < 0 {
					time.Sleep(100 * time.Second)
					watch.quiet()
					return
				}
				for len(watch.packets) == 0 && time.Since(begin) < 100*time.Second {
					time.Sleep(100 * time.Millisecond)
				}
				watch.receive()
				if took := time.Since(begin); took < test.after || took > test.after+time.Second {
					t.Errorf("the will came after %v, want %v", took, test.after)
				}
				time.Sleep(100 * time.Second)
				watch.quiet()
			})
		})
	}
}

func TestTheWillsOwnExpiry(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{version: 5, id: "watch"})
		watch.subscribe(filter{"#", 0})
		h := lastWords(30, prop(0x02, u32(100)))
		h.props = prop(0x11, u32(1000))
		connect(t, b, h).nc.Close()
		time.Sleep(31 * time.Second)
		if m := watch.receive(); m.props != string(prop(0x02, u32(100))) {
			t.Errorf("properties % x, want the expiry to count from the publication", m.props)
		}
	})
}

// The order in which a client that returns is seen: first its old connection's will, then what the new one says.
func TestTheWillOfATakenOverConnectionComesFirst(t *testing.T) {
	for range 50 {
		bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
			watch := connect(t, b, hello{id: "watch"})
			watch.subscribe(filter{"#", 1})
			connect(t, b, hello{id: "c", will: &post{topic: "state", payload: "offline"}})
			again := connect(t, b, hello{id: "c", will: &post{topic: "state", payload: "offline"}})
			again.send(post{topic: "state", payload: "online"}.bytes(4))
			if got := watch.receive(); got.payload != "offline" {
				t.Fatalf("first came %q, want the will", got.payload)
			}
			if got := watch.receive(); got.payload != "online" {
				t.Fatalf("then came %q", got.payload)
			}
		})
	}
}

// A client that said goodbye and comes back at once has no will to publish, even if its goodbye was still unread.
func TestAGoodbyeThatIsOvertakenByTheNextConnection(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		h := &recorder{hold: make(chan struct{})}
		l, _ := link(t, b, h)
		l.Subscribe(broker.Subscription{Filter: "hub"})
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"#", 0})
		will := hello{id: "c", will: &post{topic: "will", payload: "gone"}}
		c := connect(t, b, will)
		go func() { _, _ = c.nc.Write(join(post{topic: "hub"}.bytes(4), []byte{0xC0, 0}, []byte{0xE0, 0})) }()
		watch.receive()
		connect(t, b, will).ping()
		watch.quiet()
	})
}

func TestAWillThatFindsNoRoomIsReported(t *testing.T) {
	var log journal
	bubble(t, embedded.Options{MaxRetained: 1, Logger: log.logger()}, func(t *testing.T, b *brokertest.Broker) {
		connect(t, b, hello{id: "first"}).publish(post{topic: "a", payload: "x", retain: true, qos: 1, id: 1})
		connect(t, b, hello{id: "lamp", will: &post{topic: "lamp/availability", payload: "offline", retain: true}}).nc.Close()
		synctest.Wait()
		const line = `level=ERROR msg="could not retain a message: no room for more" client=lamp topic=lamp/availability`
		if !strings.Contains(log.String(), line) {
			t.Errorf("nobody hears of it:\n%s", log.String())
		}
	})
}
