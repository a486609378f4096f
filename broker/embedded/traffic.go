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

// Rates are what went over one connection each second of the last half to whole minute, or since it came if that is less long ago.
type Rates struct {
	MessagesIn, MessagesOut, BytesIn, BytesOut float64
}

// sampleSpan is how far the two samples of each connection are apart: its rates are over between one and two of it.
const sampleSpan = 30 * time.Second

// sample is what has gone over a connection.
type sample struct{ messagesIn, messagesOut, bytesIn, bytesOut uint64 }

// visit is what the gate knows of one connection. The gate guards it.
type visit struct {
	place    int   // among those that are inside
	host     *host // nil for this machine
	accepted bool
	ended    bool
	lost     uint64    // of the session's dropped messages, those before this connection
	samples  [2]sample // at the gate's times of them, zero before it came
}

// sample returns what has gone over the connection until now.
func (c *conn) sample() sample {
	in, out := c.heard.flow(), c.out.flow()
	return sample{in.Published(), out.Published(), in.Bytes, out.Bytes}
}

// rates compares now with the older sample. The gate's lock is held.
func (c *conn) rates(now time.Time) Rates {
	since := c.broker.gate.sampled[0]
	if c.born.After(since) {
		since = c.born
	}
	old, s := c.visit.samples[0], c.sample()
	seconds := max(now.Sub(since).Seconds(), 1)
	return Rates{
		MessagesIn: float64(s.messagesIn-old.messagesIn) / seconds, MessagesOut: float64(s.messagesOut-old.messagesOut) / seconds,
		BytesIn: float64(s.bytesIn-old.bytesIn) / seconds, BytesOut: float64(s.bytesOut-old.bytesOut) / seconds,
	}
}

// sample notes what has gone over each connection until now, for its rates, when it is time for that.
func (g *gate) sample(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.sampled[1]) < sampleSpan-sysPeriod/2 { // no round is on time to the microsecond
		return
	}
	g.sampled[0], g.sampled[1] = g.sampled[1], now
	for _, c := range g.inside {
		if v := &c.visit; v.accepted {
			v.samples[0], v.samples[1] = v.samples[1], c.sample()
		}
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
