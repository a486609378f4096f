package embedded_test

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// deaf is a client that has subscribed to everything and reads nothing any more.
func deaf(t *testing.T, nc net.Conn, h hello) {
	t.Helper()
	_ = nc.SetDeadline(time.Now().Add(patience()))
	_, _ = nc.Write(join(h.bytes(), subscribe(h.version, 1, nil, filter{"#", 1})))
	if _, err := io.ReadFull(nc, make([]byte, 4+5)); err != nil { // CONNACK and SUBACK
		t.Fatal(err)
	}
	_ = nc.SetDeadline(time.Time{})
}

// Nobody waits for a client that does not read: not publishers of any QoS, not its own takeover, not its will, not the owner who
// disconnects it. What does not fit is dropped, and the log and the counters say so, with the client's name.
func TestStandardNobodyWaitsForASlowClient(t *testing.T) {
	var log journal
	b, address, _ := listening(t, embedded.Options{MaxQueuedBytes: 1 << 20, MaxQueued: 100, Logger: log.logger()})
	for i := range 3 {
		deaf(t, dialTCP(t, address), hello{version: 4, id: fmt.Sprint("deaf", i), persistent: i == 1, will: &post{topic: "will", payload: fmt.Sprint(i)}})
	}
	watch := attach(t, dialTCP(t, address))
	watch.hello(hello{id: "watch"})
	watch.subscribe(filter{"will", 0}, filter{"done", 0})
	pub := attach(t, dialTCP(t, address))
	pub.hello(hello{id: "pub"})
	for i := range 300 {
		pub.publish(post{topic: "t", payload: strings.Repeat("x", 20_000), qos: byte(i % 3), id: i + 1})
	}
	pub.publish(post{topic: "done", qos: 1, id: 1})
	if m := watch.receive(); m.topic != "done" {
		t.Errorf("got %+v", m)
	}
	again := attach(t, dialTCP(t, address)) // a takeover
	again.hello(hello{version: 4, id: "deaf0"})
	if m := watch.receive(); m.payload != "0" {
		t.Errorf("got %+v, want the will of the one that was taken over", m)
	}
	if !b.Disconnect("deaf1") {
		t.Error("the owner could not disconnect it")
	}
	if m := watch.receive(); m.payload != "1" {
		t.Errorf("got %+v, want the will of the one that was disconnected", m)
	}
	if b.Stats().MessagesDropped == 0 {
		t.Error("no dropped message is counted")
	}
	for i := range 3 {
		if want := fmt.Sprint("client=deaf", i); !regexp.MustCompile(`dropped a message.*` + want).MatchString(log.String()) {
			t.Errorf("the log does not say that %s lost messages:\n%s", want, log.String())
		}
	}
}

// A new subscriber to # gets all that is retained, however slowly it takes it, and whatever is published in between; the publishers do not wait
// for it.
func TestStandardASlowReaderGetsEverythingRetained(t *testing.T) {
	for _, qos := range []byte{0, 1} {
		t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
			const count = 20_000
			_, address, _ := listening(t, embedded.Options{MaxQueued: 500, MaxQueuedBytes: 256 << 10})
			pub := attach(t, dialTCP(t, address))
			pub.hello(hello{id: "pub"})
			for i := range count {
				pub.send(post{topic: fmt.Sprintf("t/%d", i), payload: strings.Repeat("r", 150), retain: true}.bytes(4))
			}
			pub.ping()
			slow := dialTCP(t, address)
			_, _ = slow.Write(join(hello{id: "slow"}.bytes(), subscribe(4, 1, nil, filter{"#", qos})))
			for i := range 1000 { // while it does not read at all
				pub.publish(post{topic: fmt.Sprintf("t/%d", i), payload: "changed", qos: 1, id: 1, retain: true})
			}
			c := attach(t, slow)
			c.expect(CONNACK)
			newest := map[string]string{}
			for ended := false; !ended; {
				switch p, ok := c.next(); {
				case !ok:
					t.Fatalf("the connection ended after %d topics", len(newest))
				case p.kind() == PUBLISH: // the first ones may come before SUBACK (3.8.4)
					m := p.post(4)
					if m.qos > 0 {
						c.send(ack(PUBACK, m.id))
					}
					ended = m.topic == "end"
					if newest[m.topic] = m.payload; len(newest) == count {
						pub.publish(post{topic: "end"})
					}
				case p.kind() != SUBACK:
					t.Fatalf("got packet type %d", p.kind())
				}
			}
			delete(newest, "end")
			if len(newest) != count {
				t.Errorf("%d topics came, want %d", len(newest), count)
			}
		})
	}
}

// A client that reads slowly, but reads, is not cut off, and gets its messages in order.
func TestStandardASlowReaderIsNotCutOff(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		nc := b.Dial()
		defer nc.Close()
		deaf(t, nc, hello{version: 4, id: "slow"})
		pub := connect(t, b, hello{id: "pub"})
		const count = 50
		for i := range count {
			pub.publish(post{topic: "t", payload: fmt.Sprintf("%03d", i), qos: 0})
		}
		var got []byte
		for len(got) < count*8 {
			time.Sleep(10 * time.Second) // less than the broker waits for a piece of its output
			piece := make([]byte, 40)
			n, err := nc.Read(piece)
			if err != nil {
				t.Fatalf("it was cut off after %d bytes: %v", len(got), err)
			}
			got = append(got, piece[:n]...)
		}
		for i := range count {
			if want := fmt.Sprintf("%03d", i); !strings.Contains(string(got[i*8:i*8+8]), want) {
				t.Fatalf("message %d is % x, want %s", i, got[i*8:i*8+8], want)
			}
		}
	})
}

// unhurried is a connection over which little comes at a time: 5,000 bytes in five seconds.
type unhurried struct{ net.Conn }

func (u unhurried) Read(b []byte) (int, error) {
	time.Sleep(5 * time.Second)
	return u.Conn.Read(b[:min(len(b), 5000)])
}

// The same over TLS, where a write that is given up has broken the connection: so it must not be given up too early.
func TestStandardASlowReaderOverTLS(t *testing.T) {
	bubble(t, embedded.Options{ConnectTimeout: 10 * time.Minute}, func(t *testing.T, b *brokertest.Broker) {
		r := newRealm(t) // whose certificates begin in the bubble's time
		server, own := r.server(), r.client("")
		pub := connect(t, b, hello{id: "pub"})
		const count = 300
		for i := range count {
			pub.publish(post{topic: fmt.Sprint("t/", i), payload: strings.Repeat("r", 300), retain: true, qos: 1, id: 1})
		}
		ours, theirs := net.Pipe()
		served := make(chan struct{})
		go func() { defer close(served); b.ServeConn(tls.Server(theirs, server)) }()
		nc := tls.Client(unhurried{ours}, own)
		nc.SetDeadline(time.Now().Add(time.Hour))
		if _, err := nc.Write(join(hello{id: "slow"}.bytes(), subscribe(4, 1, nil, filter{"#", 0}))); err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(nc)
		for got := 0; got < count; {
			first, err := reader.ReadByte()
			if err != nil {
				t.Fatalf("it was cut off after %d of %d messages: %v", got, count, err)
			}
			size, err := binary.ReadUvarint(reader)
			if err == nil {
				_, err = reader.Discard(int(size))
			}
			if err != nil {
				t.Fatalf("it was cut off after %d of %d messages: %v", got, count, err)
			}
			if first>>4 == byte(PUBLISH) {
				got++
			}
		}
		ours.Close()
		<-served
	})
}

// A client that sends and does not read its acknowledgements takes its share of memory and no more, and then its leave.
func TestStandardWhoDoesNotReadAcknowledgements(t *testing.T) {
	var log journal
	bubble(t, embedded.Options{MaxQueuedBytes: 64 << 10, Logger: log.logger()}, func(t *testing.T, b *brokertest.Broker) {
		nc := b.Dial()
		defer nc.Close()
		_, _ = nc.Write(hello{version: 4, id: "greedy"}.bytes())
		sent := 0
		for id := 1; ; id = id%65535 + 1 {
			if _, err := nc.Write(post{topic: "t", qos: 1, id: id}.bytes(4)); err != nil {
				break
			}
			if sent++; sent > 1_000_000 {
				t.Fatal("it may go on for ever")
			}
		}
		connect(t, b, hello{id: "other"}).ping()
		if !strings.Contains(log.String(), "client=greedy") || !strings.Contains(log.String(), "does not read") {
			t.Errorf("the log does not say why it was cut off:\n%s", log.String())
		}
	})
}
