package embedded

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// still is a connection to which nothing happens.
type still struct{ net.Conn }

func (still) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 168, 1, 40), Port: 4711} }

func (still) Read([]byte) (int, error) { return 0, io.EOF }

// crowd lets clients in, as far as the gate, the registry and the sessions are concerned.
func crowd(tb testing.TB, count int) *Broker {
	b, err := New(Options{MaxConnections: count, MaxConnectionsPerAddress: count})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range count {
		c := newConn(b, still{}, peer{host: "192.168.1.40", address: "192.168.1.40:4711"})
		c.connect = connect{id: fmt.Sprint("client", i), version: mqtt5}
		if err := b.gate.enter(c, c.options); err != nil {
			tb.Fatal(err)
		}
		b.gate.known(c)
		if _, code := b.claim(c); code != success {
			tb.Fatal("refused")
		}
		b.counts.arrived()
		b.came(c)
		c.opened.Store(true)
		c.session.attach(c)
	}
	return b
}

// BenchmarkSys is one round of $SYS with 5,000 clients to which nothing happens.
func BenchmarkSys(b *testing.B) {
	broker := crowd(b, 5000)
	s := newSys("1.0", time.Now())
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(sysPeriod)
		broker.gate.sample(now)
		broker.publishSys(b.Context(), s.news(broker.figures(), heapInUse(), now))
	}
}

// BenchmarkClients lists 5,000 clients.
func BenchmarkClients(b *testing.B) {
	broker := crowd(b, 5000)
	b.ReportAllocs()
	for b.Loop() {
		if len(broker.Clients()) != 5000 {
			b.Fatal("clients are missing")
		}
	}
}

func TestASilentRoundOfSysSaysLittle(t *testing.T) {
	now := time.Now()
	y := newSys("1.0", now)
	s := Stats{Connected: 3, BytesReceived: 100, Connections: 3}
	if first := y.news(s, 1000, now); len(first) != len(y.numbers) {
		t.Errorf("the first round says %d values, want all %d", len(first), len(y.numbers))
	}
	for range 1000 { // until the loads have died away
		now = now.Add(sysPeriod)
		y.news(s, 1000, now)
	}
	now = now.Add(sysPeriod)
	changed := y.news(s, 1000, now)
	if len(changed) != 1 || changed[0].topic != "$SYS/broker/uptime" {
		t.Errorf("a silent round says %v, want the uptime alone", changed)
	}
}

// What has gone over connections never becomes less when they end, as a counter must not.
func TestFlowsOutliveConnections(t *testing.T) {
	b := crowd(t, 10)
	var conns []*conn
	for _, c := range b.gate.inside {
		conns = append(conns, c)
		c.news.publish(1, 5)
		c.tell()
		c.out.put([]byte("12"), 1, 0, 100)
	}
	in, out := b.gate.flows()
	if in.Published() != 10 || in.PayloadBytes != 50 || out.Packets != 10 {
		t.Errorf("while they last: %+v, %+v", in, out)
	}
	for _, c := range conns {
		b.gate.leave(c)
	}
	if in2, out2 := b.gate.flows(); in2 != in || out2 != out {
		t.Errorf("after their end: %+v, %+v, want %+v, %+v", in2, out2, in, out)
	}
}

func TestLoadsAreMosquittos(t *testing.T) {
	now := time.Now()
	y := newSys("1.0", now)
	y.news(Stats{}, 0, now)
	var s Stats
	for range 60 { // ten minutes of 30 a minute
		now = now.Add(sysPeriod)
		s.Connections += 5
		y.news(s, 0, now)
	}
	now = now.Add(sysPeriod)
	var got []string
	for _, v := range y.news(s, 0, now) {
		if strings.HasPrefix(v.topic, "$SYS/broker/load/connections/") {
			got = append(got, v.text)
		}
	}
	// 30 (1 - exp(-600/T)) exp(-10/T) for T of 15, 1 and 5 minutes, in the order of the names.
	if want := []string{"14.44", "25.39", "25.09"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the loads are %v, want %v", got, want)
	}
}
