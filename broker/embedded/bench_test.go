package embedded_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"home.arpa/homehub/broker/embedded"
)

// meter is a client that only counts, so that a benchmark measures the broker.
type meter struct {
	nc net.Conn
	r  *bufio.Reader
}

func dialMeter(b *testing.B, address, id string) *meter {
	nc := dialTCP(b, address)
	m := &meter{nc, bufio.NewReaderSize(nc, 64<<10)}
	m.write(b, hello{id: id}.bytes())
	m.skip(b, CONNACK)
	return m
}

func (m *meter) write(b *testing.B, p []byte) {
	if _, err := m.nc.Write(p); err != nil {
		b.Fatal(err)
	}
}

// skip reads one packet, and returns its packet identifier if it is a PUBLISH to a topic of one byte.
func (m *meter) skip(b *testing.B, want kind) []byte {
	first, err := m.r.ReadByte()
	if err != nil {
		b.Fatal(err)
	}
	size, err := binary.ReadUvarint(m.r)
	if err != nil {
		b.Fatal(err)
	}
	head, err := m.r.Peek(min(int(size), 5))
	if err != nil {
		b.Fatal(err)
	}
	id := append([]byte(nil), head[min(3, len(head)):]...)
	if _, err := io.CopyN(io.Discard, m.r, int64(size)); err != nil {
		b.Fatal(err)
	}
	if kind(first>>4) != want {
		b.Fatalf("got packet type %d, want %d", first>>4, want)
	}
	return id
}

// BenchmarkMessages carries messages of 100 bytes over loopback TCP, in windows of 100.
func BenchmarkMessages(b *testing.B) {
	for _, qos := range []byte{0, 1} {
		for _, subscribers := range []int{1, 50} {
			b.Run(fmt.Sprintf("QoS%d/subscribers%d", qos, subscribers), func(b *testing.B) {
				_, address, _ := listening(b, embedded.Options{})
				var subs []*meter
				for i := range subscribers {
					s := dialMeter(b, address, fmt.Sprint("s", i))
					s.write(b, subscribe(4, 1, nil, filter{"t", qos}))
					s.skip(b, SUBACK)
					subs = append(subs, s)
				}
				pub := dialMeter(b, address, "pub")
				const window = 100
				var burst []byte
				for i := range window {
					burst = append(burst, post{topic: "t", payload: string(make([]byte, 100)), qos: qos, id: i + 1}.bytes(4)...)
				}
				b.SetBytes(window)
				b.ReportAllocs()
				for b.Loop() {
					pub.write(b, burst)
					for range window {
						for _, s := range subs {
							if id := s.skip(b, PUBLISH); qos > 0 {
								s.write(b, []byte{0x40, 2, id[0], id[1]})
							}
						}
					}
					for range window * int(qos) {
						pub.skip(b, PUBACK)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*window*subscribers), "ns/delivery")
			})
		}
	}
}

// BenchmarkVisits is clients that come and go over loopback TCP. What it counts is theirs, too.
func BenchmarkVisits(b *testing.B) {
	_, address, _ := listening(b, embedded.Options{})
	b.ReportAllocs()
	var connack [4]byte
	for i := 0; b.Loop(); i++ {
		nc, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := nc.Write(hello{id: fmt.Sprint("c", i)}.bytes()); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(nc, connack[:]); err != nil {
			b.Fatal(err)
		}
		nc.Close()
	}
}
