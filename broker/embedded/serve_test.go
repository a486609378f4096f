package embedded_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// listening runs a broker on a port of this machine.
func listening(t testing.TB, o embedded.Options) (b *embedded.Broker, address string, stop func() error) {
	b, err := embedded.New(o)
	if err != nil {
		t.Fatal(err)
	}
	at, err := b.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return b, at.String(), stop
}

func dialTCP(t testing.TB, address string) net.Conn {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

func TestTCP(t *testing.T) {
	_, address, stop := listening(t, embedded.Options{})
	c := attach(t, dialTCP(t, address))
	c.hello(hello{version: 5, id: "c"})
	c.subscribe(filter{"#", 2})
	c.send(post{topic: "t", payload: strings.Repeat("x", 1<<20)}.bytes(5))
	if m := c.receive(); len(m.payload) != 1<<20 {
		t.Errorf("got %d bytes", len(m.payload))
	}
	bad := attach(t, dialTCP(t, address))
	bad.hello(hello{version: 5, id: "bad"})
	bad.send(join(post{topic: "t/#"}.bytes(5), make([]byte, 200_000))) // unread input must not destroy the last words
	bad.expectEnd(0x81)
	if err := stop(); err != nil {
		t.Error(err)
	}
	c.expectEnd(0x8B)
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("the port is still open")
	}
}

func TestListenReportsATakenPort(t *testing.T) {
	b, address, _ := listening(t, embedded.Options{})
	other, err := embedded.New(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Listen(address); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("got %v, want an error that names the address", err)
	}
	connectTo(t, b) // it runs
	if _, err := b.Listen("127.0.0.1:0"); err == nil {
		t.Error("a running broker took another port")
	}
	if err := b.Run(t.Context()); err == nil {
		t.Error("it could be run twice")
	}
}

// A client that does not read costs nobody else anything: not time, and no more than its share of memory.
func TestAStuckClientHoldsNobodyUp(t *testing.T) {
	for _, qos := range []byte{0, 1} {
		t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
			b, address, stop := listening(t, embedded.Options{MaxQueuedBytes: 1 << 20})
			stuck := dialTCP(t, address)
			_, _ = stuck.Write(join(hello{id: "stuck", persistent: true}.bytes(), subscribe(4, 1, nil, filter{"#", 1})))
			if _, err := io.ReadFull(stuck, make([]byte, 9)); err != nil {
				t.Fatal(err)
			}
			healthy := attach(t, dialTCP(t, address))
			healthy.hello(hello{id: "healthy"})
			healthy.subscribe(filter{"#", 0})
			pub := attach(t, dialTCP(t, address))
			pub.hello(hello{id: "pub"})
			const count, size = 400, 100_000
			for i := range count {
				pub.publish(post{topic: "t", payload: strings.Repeat("x", size), qos: qos, id: i + 1})
				healthy.receive()
			}
			s := b.Stats()
			if s.MessagesDropped == 0 {
				t.Errorf("nothing was dropped of %d bytes for a client that does not read", count*size)
			}
			again := attach(t, dialTCP(t, address)) // its own takeover does not wait for it either
			again.hello(hello{id: "stuck", persistent: true})
			again.send([]byte{0xC0, 0})
			begin := time.Now()
			if err := stop(); err != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took > 15*time.Second { // to write to it would be given up after 20
				t.Errorf("stopping took %v", took)
			}
		})
	}
}

// A client that takes nothing for a while is cut off even if it goes on sending.
func TestAClientThatNeverReadsIsCutOff(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		nc := b.Dial()
		defer nc.Close()
		_, _ = nc.Write(join(hello{id: "stuck", keepAlive: 60}.bytes()))
		begin := time.Now()
		for {
			if _, err := nc.Write([]byte{0xC0, 0}); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		if took := time.Since(begin).Round(time.Second); took > 25*time.Second {
			t.Errorf("it was cut off after %v", took)
		}
	})
}

func TestStopIsQuickWithStuckClients(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		for i := range 10 {
			nc := b.Dial()
			t.Cleanup(func() { nc.Close() })
			_, _ = nc.Write(hello{version: 5, id: fmt.Sprint(i)}.bytes()) // CONNACK is never read
		}
		nc := b.Dial() // and one has not said a word
		t.Cleanup(func() { nc.Close() })
		synctest.Wait()
		begin := time.Now()
		b.Stop()
		if took := time.Since(begin); took > 1500*time.Millisecond {
			t.Errorf("stopping took %v", took)
		}
		if _, err := b.Dial().Read(make([]byte, 1)); err == nil {
			t.Error("a connection after the end was served")
		}
	})
}

func TestAPanicEndsOneConnectionOnly(t *testing.T) {
	var log journal
	o := embedded.Options{Logger: log.logger(), Access: brokertest.MayPublish(func(_, _, topic string) bool {
		if topic == "panic" {
			panic("on purpose")
		}
		return true
	})}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"#", 1})
		c := connect(t, b, hello{id: "c", will: &post{topic: "will", payload: "w"}})
		c.send(join(post{topic: "before", payload: "x"}.bytes(4), post{topic: "panic"}.bytes(4)))
		c.expectEnd(0)
		watch.receive()
		if m := watch.receive(); m.topic != "will" {
			t.Errorf("got %+v, want the will", m)
		}
		if !strings.Contains(log.String(), "level=ERROR") {
			t.Error("the panic was not logged")
		}
		connect(t, b, hello{id: "c"}).ping()
	})
}

// grumpy is an access policy that fails when it is asked whether somebody may receive a message of the topic panic.
type grumpy struct{}

func (grumpy) Permit(string, string) embedded.Permit { return grumpy{} }
func (grumpy) MayPublish(string) bool                { return true }
func (grumpy) MaySubscribe(string) bool              { return true }
func (grumpy) MayReceive(topic string) bool {
	if topic == "panic" {
		panic("on purpose")
	}
	return true
}

// Nor does the broker end when a will cannot be published that nobody's connection publishes.
func TestAPanicOfAWillEndsNothing(t *testing.T) {
	var log journal
	var armed atomic.Bool
	o := embedded.Options{Logger: log.logger(), Access: brokertest.MayPublish(func(_, _, topic string) bool {
		if armed.Load() && topic == "panic" {
			panic("on purpose")
		}
		return true
	})}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"will", 0})
		for id, topic := range map[string]string{"one": "panic", "other": "will"} {
			h := lasting(id)
			h.will, h.willProps = &post{topic: topic}, prop(0x18, u32(30))
			connect(t, b, h).nc.Close()
		}
		synctest.Wait()
		armed.Store(true)
		time.Sleep(30 * time.Second)
		watch.receive()
		watch.ping()
		synctest.Wait() // whichever of the wills came first
		if !strings.Contains(log.String(), `msg="recovered from a panic" while="publishing a will" client=one panic="on purpose"`) {
			t.Errorf("nobody hears of it:\n%s", log.String())
		}
	})
}

// The same where nobody reads for the client: while what waits for it is looked up, by whoever writes to it.
func TestAPanicOfAWriterEndsOneConnectionOnly(t *testing.T) {
	var log journal
	bubble(t, embedded.Options{Logger: log.logger(), Access: grumpy{}}, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"will", 0})
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: "panic", payload: "x", retain: true, qos: 1, id: 1})
		c := connect(t, b, hello{id: "c", will: &post{topic: "will"}})
		c.send(subscribe(4, 1, nil, filter{"#", 1}))
		c.expect(SUBACK)
		c.expectEnd(0)
		watch.receive()
		if !strings.Contains(log.String(), "level=ERROR") {
			t.Error("the panic was not logged")
		}
		pub.publish(post{topic: "panic", retain: true, qos: 1, id: 1})
		connect(t, b, hello{id: "c"}).subscribe(filter{"#", 1})
	})
}

// A client that is cut off while it sends is let send on for a moment: if its last bytes were refused, it might not read what it is told.
func TestWhoIsCutOffReadsWhy(t *testing.T) {
	_, address, _ := listening(t, embedded.Options{MaxPacketSize: 1000})
	nc := dialTCP(t, address)
	c := attach(t, nc)
	c.hello(hello{version: 5, id: "c"})
	c.send(post{topic: "t", payload: strings.Repeat("x", 200_000)}.bytes(5))
	c.expectEnd(0x95)
	if n, err := nc.Write([]byte("x")); err != nil {
		t.Errorf("its connection was reset: %d, %v", n, err)
	}
}

// touchy lets a client "bad" fail when it is asked whether it may receive.
type touchy struct{ client string }

func (touchy) Permit(client, _ string) embedded.Permit { return touchy{client} }
func (touchy) MayPublish(string) bool                  { return true }
func (touchy) MaySubscribe(string) bool                { return true }
func (d touchy) MayReceive(string) bool {
	if d.client == "bad" {
		panic("on purpose")
	}
	return true
}

// Those to whom a will had gone before it could not be published any further get it, and all that follows.
func TestAPanicOfAWillHoldsUpNobody(t *testing.T) {
	bubble(t, embedded.Options{Access: touchy{}}, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"#", 0}) // whoever was the first gets it first
		connect(t, b, hello{id: "bad"}).subscribe(filter{"#", 0})
		h := lasting("c")
		h.will, h.willProps = &post{topic: "will"}, prop(0x18, u32(3))
		connect(t, b, h).nc.Close()
		time.Sleep(4 * time.Second)
		if m := watch.receive(); m.topic != "will" {
			t.Errorf("got %+v, want the will", m)
		}
		watch.ping()
	})
}

// Nor does it end anything if what a session leaves behind cannot be handed on.
func TestAPanicOfASessionsEndEndsNothing(t *testing.T) {
	var log journal
	bubble(t, embedded.Options{Logger: log.logger(), Access: touchy{}}, func(t *testing.T, b *brokertest.Broker) {
		h := hello{version: 5, id: "leaves", persistent: true, props: prop(0x11, u32(3))}
		leaves := connect(t, b, h)
		leaves.subscribe(filter{"$share/g/t", 1})
		leaves.nc.Close()
		pub := connect(t, b, hello{id: "pub"})
		pub.publish(post{topic: "t", qos: 1, id: 1})
		connect(t, b, hello{id: "bad"}).subscribe(filter{"$share/g/t", 1})
		time.Sleep(4 * time.Second)
		pub.ping()
		if !strings.Contains(log.String(), `while="ending a session" client=leaves panic="on purpose"`) {
			t.Errorf("nobody hears of it:\n%s", log.String())
		}
		if n := b.Stats().Sessions; n != 2 {
			t.Errorf("%d sessions are left, want 2", n)
		}
	})
}
