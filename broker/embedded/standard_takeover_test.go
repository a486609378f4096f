package embedded_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// At most one connection has a client identifier [MQTT-3.1.4-3]. Hundreds that claim the same one at once, over real sockets, leave exactly one
// that works, and nothing of the others.
func TestStandardATakeoverStorm(t *testing.T) {
	for version, persistent := range map[byte]bool{4: false, 5: true} {
		t.Run(fmt.Sprintf("version %d, persistent %t", version, persistent), func(t *testing.T) {
			b, address, _ := listening(t, embedded.Options{})
			h := hello{version: version, id: "contested", persistent: persistent, will: &post{topic: "will", payload: "w"}}
			if persistent {
				h.props = prop(0x11, u32(100))
			}
			pub := attach(t, dialTCP(t, address))
			pub.hello(hello{id: "pub"})
			stop := make(chan struct{})
			var storm, publisher sync.WaitGroup
			publisher.Go(func() { // messages to the contested session all the while
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
						pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: byte(i % 3), id: 1})
					}
				}
			})
			for i := range 16 {
				storm.Go(func() {
					for j := range 12 {
						nc, err := net.Dial("tcp", address)
						if err != nil {
							t.Error(err)
							return
						}
						_ = nc.SetDeadline(time.Now().Add(patience()))
						_, _ = nc.Write(join(h.bytes(), subscribe(version, 1, nil, filter{"t", 2}), post{topic: "mine", qos: 1, id: 1}.bytes(version)))
						_, _ = io.ReadFull(nc, make([]byte, []int{0, 2, 4, 12, 30}[(i+j)%5]))
						if (i+j)%3 > 0 {
							_, _ = nc.Write([]byte{0xE0, 0})
						}
						nc.Close()
					}
				})
			}
			storm.Wait()
			close(stop)
			publisher.Wait()
			survivor(t, address, h)
			begin := time.Now()
			for s := b.Stats(); s.Connected != 2 || s.Sessions != 2; s = b.Stats() {
				if time.Since(begin) > patience() {
					t.Fatalf("%d clients and %d sessions are left, want 2 and 2", s.Connected, s.Sessions)
				}
				pub.ping()
			}
			for _, c := range b.Clients() {
				if c.ID == "contested" && c.Subscriptions > 2 {
					t.Errorf("it has %d subscriptions", c.Subscriptions)
				}
			}
		})
	}
}

// survivor is a connection that got its own message through. Those of the storm that the broker has not read yet may take its place, each once.
func survivor(t *testing.T, address string, h hello) *client {
	t.Helper()
	for {
		c := attach(t, dialTCP(t, address))
		c.version = h.version
		c.send(join(h.bytes(), subscribe(h.version, 1, nil, filter{"last", 1}), post{topic: "last", payload: "x"}.bytes(h.version)))
		for {
			p, ok := c.next()
			if !ok {
				break
			}
			if p.kind() != PUBLISH {
				continue
			}
			m := p.post(h.version)
			if m.topic == "last" {
				return c
			}
			if m.qos > 0 { // what the session has to deliver
				_, _ = c.nc.Write(ack([]kind{PUBACK, PUBREC}[m.qos-1], m.id))
			}
		}
	}
}

// A program that publishes, leaves and is started again at once under the same identifier has published, though its old connection is still
// being read when the new one comes.
func TestStandardWhatWasSaidBeforeATakeover(t *testing.T) {
	for _, end := range []struct {
		name string
		last []byte
	}{{"with a goodbye", []byte{0xE0, 0}}, {"without a goodbye", nil}} {
		t.Run(end.name, func(t *testing.T) {
			_, address, _ := listening(t, embedded.Options{})
			watch := attach(t, dialTCP(t, address))
			watch.hello(hello{id: "watch"})
			watch.subscribe(filter{"t", 0})
			const count = 300
			for i := range count {
				c := attach(t, dialTCP(t, address))
				c.hello(hello{id: "script"})
				c.send(join(post{topic: "t", payload: fmt.Sprint(i)}.bytes(4), end.last))
				c.nc.Close()
			}
			for i := range count {
				if m := watch.receive(); m.payload != fmt.Sprint(i) {
					t.Fatalf("message %s came, want %d", m.payload, i)
				}
			}
		})
	}
}

// The session state is what 4.1 says: subscriptions, what was sent and is not acknowledged, what waits, and the QoS 2 messages that were
// received and not released. It is all there after a takeover as after a break.
func TestStandardSessionState(t *testing.T) {
	for _, version := range []byte{3, 4, 5} {
		for _, takeover := range []bool{false, true} {
			t.Run(fmt.Sprintf("version %d, takeover %t", version, takeover), func(t *testing.T) {
				bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
					c := connect(t, b, enduring(version, "c"))
					c.subscribe(filter{"t", 2})
					pub := connect(t, b, hello{id: "pub"})
					for i, qos := range []byte{1, 2, 2} {
						pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: qos, id: 1})
					}
					first, second, third := c.expect(PUBLISH).post(version), c.expect(PUBLISH).post(version), c.expect(PUBLISH).post(version)
					c.send(ack(PUBREC, second.id))
					c.expect(PUBREL)
					incoming := post{topic: "in", payload: "once", qos: 2, id: 77}
					watch := connect(t, b, hello{id: "watch"})
					watch.subscribe(filter{"in", 0})
					c.send(incoming.bytes(version))
					c.expect(PUBREC)
					watch.receive()
					if !takeover {
						c.nc.Close()
						synctest.Wait()
						pub.publish(post{topic: "t", payload: "0 again", qos: 0}) // QoS 0 does not wait
						pub.publish(post{topic: "t", payload: "3", qos: 1, id: 1})
					}
					c = connect(t, b, enduring(version, "c"))
					if m := c.expect(PUBLISH).post(version); m.id != first.id || !m.dup || m.payload != "0" {
						t.Errorf("got %+v, want the first again", m)
					}
					if p := c.expect(PUBREL); p.id() != second.id {
						t.Errorf("got PUBREL for %d, want %d", p.id(), second.id)
					}
					if m := c.expect(PUBLISH).post(version); m.id != third.id || !m.dup || m.payload != "2" {
						t.Errorf("got %+v, want the third again", m)
					}
					if !takeover {
						if m := c.expect(PUBLISH).post(version); m.dup || m.payload != "3" {
							t.Errorf("got %+v, want what was published meanwhile", m)
						}
					}
					incoming.dup = true
					c.send(incoming.bytes(version))
					c.expect(PUBREC)
					c.send(ack(PUBREL, 77))
					c.expect(PUBCOMP)
					watch.quiet()
					c.send(incoming.bytes(version)) // released: whatever DUP says, it is a new message (4.3.3)
					c.expect(PUBREC)
					watch.receive()
				})
			})
		}
	}
}

// slowToHear is a link's handler that takes its time over the news of a client.
type slowToHear struct {
	recorder
	client string
	heard  chan struct{}
}

func (h *slowToHear) HandleSession(ctx context.Context, s broker.Session) {
	if s.Client == h.client && s.Connected && s.Subscribed == nil {
		<-h.heard
	}
	h.recorder.HandleSession(ctx, s)
}

// A client whose session goes on has its subscriptions from CONNACK on: who has read that misses nothing that is published afterwards, with any
// QoS, whatever else the broker still has to do about the connection.
func TestStandardNothingIsMissedAfterConnack(t *testing.T) {
	for qos := range byte(3) {
		bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
			h := &slowToHear{client: "c", heard: make(chan struct{}, 1)}
			link(t, b, h)
			h.heard <- struct{}{}
			c := connect(t, b, enduring(4, "c"))
			c.subscribe(filter{"t", 2})
			c.goodbye()
			pub := connect(t, b, hello{id: "pub"})
			c = connect(t, b, enduring(4, "c"))
			pub.publish(post{topic: "t", payload: "x", qos: qos, id: 1})
			synctest.Wait()
			h.heard <- struct{}{}
			if m := c.receive(); m.payload != "x" || m.qos != qos {
				t.Errorf("got %+v", m)
			}
		})
	}
}

// A clean start throws the session away, in whatever state it is [MQTT-3.1.2-4], and a session without an expiry ends with its connection.
func TestStandardACleanStart(t *testing.T) {
	for _, version := range []byte{4, 5} {
		bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
			c := connect(t, b, enduring(version, "c"))
			c.subscribe(filter{"t", 2})
			pub := connect(t, b, hello{id: "pub"})
			pub.publish(post{topic: "t", payload: "open", qos: 2, id: 1})
			c.expect(PUBLISH)
			c.send(post{topic: "in", qos: 2, id: 77}.bytes(version))
			c.expect(PUBREC)
			h := enduring(version, "c")
			h.persistent = false
			again, connack := connected(t, b, h)
			if connack[0] != 0 {
				t.Error("a clean start found a session")
			}
			pub.publish(post{topic: "t", payload: "none", qos: 1, id: 1})
			again.quiet()
			watch := connect(t, b, hello{id: "watch"})
			watch.subscribe(filter{"in", 0})
			again.send(post{topic: "in", payload: "new", qos: 2, id: 77}.bytes(version)) // no repetition of the old one
			again.expect(PUBREC)
			if m := watch.receive(); m.payload != "new" {
				t.Errorf("got %+v", m)
			}
		})
	}
}

// While clients come, publish and go, the broker stops in time, each time.
func TestStandardStoppingInAStorm(t *testing.T) {
	for range 10 {
		_, address, stop := listening(t, embedded.Options{})
		watch := attach(t, dialTCP(t, address))
		watch.hello(hello{id: "watch"})
		watch.subscribe(filter{"t", 0})
		var storm sync.WaitGroup
		over := make(chan struct{})
		for i := range 8 {
			storm.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
					}
					nc, err := net.Dial("tcp", address)
					if err != nil {
						return
					}
					_ = nc.SetDeadline(time.Now().Add(patience()))
					_, _ = nc.Write(join(hello{version: byte(4 + i%2), id: fmt.Sprint("c", i/2), will: &post{topic: "t", payload: "w"}}.bytes(),
						subscribe(byte(4+i%2), 1, nil, filter{"#", 1}), post{topic: "t", payload: "x", qos: 1, id: 1}.bytes(byte(4+i%2))))
					_, _ = io.ReadFull(nc, make([]byte, 20))
					nc.Close()
				}
			})
		}
		for range 20 {
			watch.receive() // the storm is on
		}
		stopped := make(chan error, 1)
		go func() { stopped <- stop() }()
		select {
		case err := <-stopped:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience()):
			t.Fatal("the broker does not stop")
		}
		close(over)
		storm.Wait()
	}
}
