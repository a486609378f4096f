package embedded_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"home.arpa/homehub/broker/embedded"
)

// TestStandardSoak lets clients of all kinds come and go, with sessions, wills, retained messages and queues, and wants the broker to end with
// what it began with: goroutines, open files, and memory. SOAK=10m lets 2,000 of them do so for ten minutes (after a
// quarter of that for a start); without it, a few do for a moment.
func TestStandardSoak(t *testing.T) {
	clients, length := 200, time.Second
	if soak := os.Getenv("SOAK"); soak != "" {
		var err error
		if length, err = time.ParseDuration(soak); err != nil {
			t.Fatalf("SOAK: %v", err)
		}
		clients = 2000
	}
	b, address, stop := listening(t, embedded.Options{Folder: t.TempDir(), MaxStrangers: 2 * clients, MaxQueued: 50, MaxRetained: 500, DurabilityInterval: time.Second})
	h := house{t: t, address: address, clients: clients}
	h.live(max(length/4, time.Second)) // what fills up to its bound, and what is kept for the next use, is there when the count begins
	h.empty(b)
	begin := h.measure(0, 0)
	visits := h.live(length)
	h.empty(b)
	after := h.measure(begin.goroutines, begin.files)
	t.Logf("%d visits of %d clients; goroutines %d, then %d; files %d, then %d; memory %d kB, then %d kB",
		visits, clients, begin.goroutines, after.goroutines, begin.files, after.files, begin.memory>>10, after.memory>>10)
	if after.goroutines > begin.goroutines || after.files > begin.files {
		t.Errorf("it began with %d goroutines and %d files, and ended with %d and %d", begin.goroutines, begin.files, after.goroutines, after.files)
	}
	if after.memory > begin.memory+4<<20 {
		t.Errorf("it began with %d kB of memory and ended with %d kB", begin.memory>>10, after.memory>>10)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// house is where they come and go.
type house struct {
	t       *testing.T
	address string
	clients int
}

// live lets everybody come and go for a while, and says how often somebody came.
func (h house) live(length time.Duration) int64 {
	end := time.Now().Add(length)
	var visits atomic.Int64
	var all sync.WaitGroup
	for i := range h.clients {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(i), uint64(length)))
			for time.Now().Before(end) && !h.t.Failed() {
				h.visit(i, dice)
				visits.Add(1)
			}
		})
	}
	all.Wait()
	return visits.Load()
}

// empty ends all sessions, takes back what is retained, and waits until the broker has nothing any more.
func (h house) empty(b *embedded.Broker) {
	h.t.Helper()
	h.everybodyForgets()
	h.clear()
	since := time.Now()
	for s := b.Stats(); s.Connected+s.Sessions+s.Subscriptions+s.Retained+s.Queued > 0; s = b.Stats() {
		if time.Since(since) > patience() {
			h.t.Fatalf("left over are %+v", s)
		}
		runtime.Gosched()
	}
}

type measured struct {
	goroutines, files int
	memory            uint64
}

// measure counts what is in use, once there is no more of it than expected, or after a while.
func (h house) measure(goroutines, files int) (m measured) {
	for since := time.Now(); time.Since(since) < patience(); runtime.Gosched() {
		m.goroutines = runtime.NumGoroutine()
		open, _ := os.ReadDir("/proc/self/fd") // elsewhere there is nothing to count
		m.files = len(open)
		if goroutines == 0 || m.goroutines <= goroutines && m.files <= files {
			break
		}
	}
	runtime.GC()
	runtime.GC() // what was put aside for a second use goes with the second one
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.memory = stats.HeapAlloc
	return m
}

// everybodyForgets ends the sessions of all clients.
func (h house) everybodyForgets() {
	var all sync.WaitGroup
	for i := range h.clients {
		all.Go(func() {
			g := h.enter(hello{version: 4, id: fmt.Sprint("c", i)})
			if g == nil {
				return
			}
			_, _ = g.nc.Write([]byte{0xE0, 0})
			_, _ = io.Copy(io.Discard, g.nc)
			g.nc.Close()
		})
	}
	all.Wait()
}

// clear takes back what is retained.
func (h house) clear() {
	g := h.enter(hello{version: 4, id: "c0"})
	if g == nil {
		return
	}
	defer g.nc.Close()
	for i := range retainedTopics {
		_, _ = g.nc.Write(post{topic: fmt.Sprint("r/", i), retain: true}.bytes(4))
	}
	_, _ = g.nc.Write([]byte{0xC0, 0})
	if err := g.until(PINGRESP); err != nil {
		h.t.Errorf("clearing what is retained: %v", err)
	}
}

const retainedTopics = 300

// guest is a client on one of its visits.
type guest struct {
	nc      net.Conn
	r       *bufio.Reader
	version byte
}

// enter connects; nil when that failed, which is reported.
func (h house) enter(greeting hello) *guest {
	nc, err := net.Dial("tcp", h.address)
	if err != nil {
		h.t.Errorf("coming in: %v", err)
		return nil
	}
	_ = nc.SetDeadline(time.Now().Add(6 * patience()))
	_, _ = nc.Write(greeting.bytes())
	g := &guest{nc, bufio.NewReaderSize(nc, 512), greeting.version}
	if err := g.until(CONNACK); err != nil {
		h.t.Errorf("%s coming in: %v", greeting.id, err)
		nc.Close()
		return nil
	}
	return g
}

// visit is one connection, of some kind.
func (h house) visit(i int, dice *rand.Rand) {
	greeting := hello{version: byte(3 + dice.IntN(3)), id: fmt.Sprint("c", i), persistent: dice.IntN(2) == 0, keepAlive: 60}
	if greeting.version == 5 && greeting.persistent {
		greeting.props = prop(0x11, u32(1+dice.IntN(3)))
	}
	if dice.IntN(3) == 0 {
		greeting.will = &post{topic: fmt.Sprint("t/", dice.IntN(h.clients)), payload: "gone", qos: byte(dice.IntN(3))}
	}
	g := h.enter(greeting)
	if g == nil {
		return
	}
	defer g.nc.Close()
	_, _ = g.nc.Write(subscribe(g.version, 1, nil, filter{fmt.Sprint("t/", i), byte(dice.IntN(3))}, filter{fmt.Sprintf("r/%d", dice.IntN(retainedTopics)), 1},
		filter{fmt.Sprint("$share/g/s/", dice.IntN(10)), 1}))
	for n := range dice.IntN(8) {
		m := post{topic: fmt.Sprint("t/", dice.IntN(h.clients)), payload: "a message of some length", qos: byte(dice.IntN(3)), id: n + 1}
		switch dice.IntN(4) {
		case 0:
			m.topic, m.retain = fmt.Sprint("r/", dice.IntN(retainedTopics)), true
		case 1:
			m.topic = fmt.Sprint("s/", dice.IntN(10))
		}
		_, _ = g.nc.Write(m.bytes(g.version))
	}
	if dice.IntN(4) > 0 {
		_, _ = g.nc.Write([]byte{0xC0, 0})
		if err := g.until(PINGRESP); err != nil && !errors.Is(err, io.EOF) {
			h.t.Errorf("%s visiting: %v", greeting.id, err)
		}
	}
	if dice.IntN(2) == 0 {
		_, _ = g.nc.Write([]byte{0xE0, 0})
	}
}

// until reads and acknowledges until a kind of packet comes.
func (g *guest) until(k kind) error {
	for {
		first, err := g.r.ReadByte()
		if err != nil {
			return err
		}
		size, err := binary.ReadUvarint(g.r)
		if err != nil {
			return err
		}
		p := packet{first, make([]byte, size)}
		if _, err := io.ReadFull(g.r, p.body); err != nil {
			return err
		}
		switch p.kind() {
		case k:
			if k == CONNACK && p.body[1] != 0 {
				return fmt.Errorf("refused with code %#x", p.body[1])
			}
			return nil
		case PUBLISH:
			if m := p.post(g.version); m.qos > 0 {
				_, _ = g.nc.Write(ack([]kind{PUBACK, PUBREC}[m.qos-1], m.id))
			}
		case PUBREC:
			_, _ = g.nc.Write(ack(PUBREL, p.id()))
		case PUBREL:
			_, _ = g.nc.Write(ack(PUBCOMP, p.id()))
		}
	}
}
