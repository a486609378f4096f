package embedded

import (
	"sync"
	"time"
)

// tally is what has come over one connection. The reader counts for itself what it handles, in conn.news, and adds that once for each
// batch, so that no message pays for what others may look at.
type tally struct {
	mu    sync.Mutex
	total Flow
}

func (t *tally) add(news *Flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total.add(*news)
}

// flow returns the counts of now.
func (t *tally) flow() Flow {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

// tell adds what the reader has counted.
func (c *conn) tell() {
	if c.news != (Flow{}) {
		c.heard.add(&c.news)
		c.news = Flow{}
	}
}

// Flow is what has gone one way over one connection, or over all of them.
type Flow struct {
	// Messages are the PUBLISH packets by QoS, those that were repeated included; Packets are all MQTT packets.
	Messages [3]uint64
	Packets  uint64
	// PayloadBytes are those of the messages' contents, Bytes all that went over the connection, without what TLS and WebSocket add.
	PayloadBytes, Bytes uint64
}

// Published returns the number of messages whatever their QoS.
func (f Flow) Published() uint64 { return f.Messages[0] + f.Messages[1] + f.Messages[2] }

// publish counts a PUBLISH packet.
func (f *Flow) publish(qos byte, payload int) {
	f.Messages[qos]++
	f.Packets++
	f.PayloadBytes += uint64(payload)
}

func (f *Flow) add(other Flow) {
	for qos := range f.Messages {
		f.Messages[qos] += other.Messages[qos]
	}
	f.Packets += other.Packets
	f.PayloadBytes += other.PayloadBytes
	f.Bytes += other.Bytes
}

// Rates are what went over one connection each second of the last minute, or since it came if that is less long ago.
type Rates struct {
	MessagesIn, MessagesOut, BytesIn, BytesOut float64
}

// samplePoints are how many samples one connection keeps, one for each round of $SYS: together the last minute.
const samplePoints = int(time.Minute / sysPeriod)

// sample is what had gone over a connection at a time.
type sample struct {
	at                                         time.Time
	messagesIn, messagesOut, bytesIn, bytesOut uint64
}

// visit is what the gate knows of one connection. The gate guards it.
type visit struct {
	place    int   // among those that are inside
	host     *host // nil for this machine
	accepted bool
	ended    bool
	lost     uint64                // of the session's dropped messages, those before this connection
	samples  *[samplePoints]sample // nil until the first one is taken
	next     int                   // the place of the next sample, which is that of the oldest
}

// sample returns what has gone over the connection until now.
func (c *conn) sample(now time.Time) sample {
	in, out := c.heard.flow(), c.out.flow()
	return sample{now, in.Published(), out.Published(), in.Bytes, out.Bytes}
}

// oldest returns the sample that was taken the longest time ago: when it came, if there is none.
func (c *conn) oldest() sample {
	v := &c.visit
	for i := 0; v.samples != nil && i < samplePoints; i++ {
		if old := v.samples[(v.next+i)%samplePoints]; !old.at.IsZero() {
			return old
		}
	}
	return sample{at: c.born}
}

// rates compares now with the oldest sample. The gate's lock is held.
func (c *conn) rates(now time.Time) Rates {
	old, s := c.oldest(), c.sample(now)
	seconds := max(now.Sub(old.at).Seconds(), 1)
	return Rates{
		MessagesIn: float64(s.messagesIn-old.messagesIn) / seconds, MessagesOut: float64(s.messagesOut-old.messagesOut) / seconds,
		BytesIn: float64(s.bytesIn-old.bytesIn) / seconds, BytesOut: float64(s.bytesOut-old.bytesOut) / seconds,
	}
}

// sample notes what has gone over each connection until now, for its rates.
func (g *gate) sample(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.inside {
		v := &c.visit
		if !v.accepted {
			continue
		}
		if v.samples == nil {
			v.samples = new([samplePoints]sample)
		}
		v.samples[v.next] = c.sample(now)
		v.next = (v.next + 1) % samplePoints
	}
}

// flows are what has gone over all connections since the start, those that have ended included.
func (g *gate) flows() (in, out Flow) {
	g.mu.Lock()
	defer g.mu.Unlock()
	in, out = g.pastIn, g.pastOut
	for _, c := range g.inside {
		in.add(c.heard.flow())
		out.add(c.out.flow())
	}
	return in, out
}
