//go:build unix

package embedded

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// sink is a socket that takes everything: what is written goes to /dev/null, by a system call as short as they come.
type sink struct{ fd uintptr }

func (s sink) Read(func(uintptr) bool) error       { panic("nothing is read") }
func (s sink) Control(func(uintptr)) error         { return nil }
func (s sink) Write(call func(uintptr) bool) error { call(s.fd); return nil }

func newSink(b *testing.B) *socket {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { null.Close() })
	s := &socket{raw: sink{null.Fd()}}
	s.out.call = func(fd uintptr) bool {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(s.out.p))), uintptr(len(s.out.p)))
		s.out.n, s.out.err = int(n), errno
		return true
	}
	return s
}

// puppet is a client whose packets a benchmark hands to its connection, without a network and without a goroutine.
type puppet struct {
	conn  *conn
	burst []byte // what it publishes
	acked uint16 // the last packet identifier that it has acknowledged
	space []byte
}

func newPuppet(b *testing.B, broker *Broker, id string) *puppet {
	here, there := net.Pipe()
	b.Cleanup(func() { here.Close(); there.Close() })
	c := newConn(broker, here, peer{address: id, host: id, local: true})
	c.socket = newSink(b)
	c.connect = connect{id: id, name: id, version: mqtt311, clean: true, receiveMaximum: 65535}
	if err := broker.gate.enter(c, c.options); err != nil {
		b.Fatal(err)
	}
	if _, code := broker.claim(c); code != success {
		b.Fatalf("the broker refuses it with %#x", code)
	}
	if err := c.open(); err != nil {
		b.Fatal(err)
	}
	return &puppet{conn: c}
}

func (p *puppet) subscribe(b *testing.B, filter string) {
	code, _ := p.conn.broker.router.subscribe(p.conn.session, &subscription{filter: filter, qos: 1}, &p.conn.replays)
	if code > 2 {
		b.Fatalf("the broker refuses its subscription with %#x", code)
	}
}

// send handles packets of the client's, as if they had come with one read.
func (p *puppet) send(b *testing.B, packets []byte) {
	c := p.conn
	c.in, c.start, c.top = packets, 0, len(packets)
	if err := c.work(); err != nil {
		b.Fatal(err)
	}
}

// acknowledge sends PUBACK for all that is on its way.
func (p *puppet) acknowledge(b *testing.B) {
	for q := &p.conn.session.queue; p.acked != q.lastID; {
		packets := p.space[:0]
		for last := q.lastID; p.acked != last; {
			if p.acked++; p.acked == 0 {
				p.acked++
			}
			packets = appendAck(packets, pubackPacket, p.acked, mqtt311, success)
		}
		p.send(b, packets)
		p.space = packets
	}
}

// plane is publishers, each with a topic of its own, and subscribers: one for each publisher, or a few that share all topics.
type plane struct {
	publishers, subscribers []*puppet
	shared                  bool
	qos                     byte
	rounds                  int
}

const planeBatch, planePublishers, planeSharers = 8, 50, 5

func newPlane(b *testing.B, shared bool, qos byte) *plane {
	broker, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	p := &plane{shared: shared, qos: qos}
	for i := range planePublishers {
		topic := fmt.Sprint("test/", i)
		pub := newPuppet(b, broker, fmt.Sprint("publisher", i))
		for id := range planeBatch {
			pub.burst = append(pub.burst, publishPacket<<4|qos<<1, byte(2+len(topic)+2*int(qos)+100))
			pub.burst = appendText(pub.burst, topic)
			if qos > 0 {
				pub.burst = binary.BigEndian.AppendUint16(pub.burst, uint16(id+1))
			}
			pub.burst = append(pub.burst, make([]byte, 100)...)
		}
		p.publishers = append(p.publishers, pub)
		switch sub := fmt.Sprint("subscriber", i); {
		case !shared:
			p.subscribers = append(p.subscribers, newPuppet(b, broker, sub))
			p.subscribers[i].subscribe(b, topic)
		case i < planeSharers:
			p.subscribers = append(p.subscribers, newPuppet(b, broker, sub))
			p.subscribers[i].subscribe(b, "$share/group/test/#")
		}
	}
	return p
}

// round is one batch, and its acknowledgements. Those who share acknowledge what several batches have brought.
func (p *plane) round(b *testing.B) {
	i := p.rounds % len(p.publishers)
	p.rounds++
	p.publishers[i].send(b, p.publishers[i].burst)
	switch {
	case p.qos == 0:
	case !p.shared:
		p.subscribers[i].acknowledge(b)
	case p.rounds%planeSharers == 0:
		for _, s := range p.subscribers {
			s.acknowledge(b)
		}
	}
}

// processorTime is what this process has had of the processors, in nanoseconds, whatever else runs on the machine.
func processorTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkDataPlane is what a message costs from the read that brought it to the write that takes it away, in batches of eight and
// without what the network and the scheduler take. Use -cpu 1.
func BenchmarkDataPlane(b *testing.B) {
	for _, how := range []string{"pairs", "shared"} {
		for qos := range byte(2) {
			b.Run(fmt.Sprintf("%s/QoS%d", how, qos), func(b *testing.B) {
				p := newPlane(b, how == "shared", qos)
				before := processorTime(b)
				b.ReportAllocs()
				for b.Loop() {
					p.round(b)
				}
				b.ReportMetric(float64(processorTime(b)-before)/float64(b.N*planeBatch), "cpu-ns/message")
			})
		}
	}
}
