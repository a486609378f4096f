package embedded

import (
	"context"
	"fmt"
	"math"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sysPeriod is how often $SYS is brought up to date.
const sysPeriod = 10 * time.Second

// inform publishes the broker's numbers below $SYS/broker/, under the names that Mosquitto gave them, every sysPeriod until ctx ends:
// retained, with QoS 0, and only those that have changed. They are never written to disk, and no limit of retained messages
// counts them. As all topics that begin with $ they match no filter that begins with a wildcard [MQTT-4.7.2-1], and nobody else may
// publish there.
func (b *Broker) inform(ctx context.Context, s *sys) {
	ticker := time.NewTicker(sysPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			b.tell(ctx, s)
		}
	}
}

// tell is one round: it samples the connections' rates and publishes what has changed.
func (b *Broker) tell(ctx context.Context, s *sys) {
	now := time.Now()
	b.gate.sample(now)
	b.publishSys(ctx, s.news(b.figures(), heapInUse(), now))
}

// publishSys publishes values, in the order of their names.
func (b *Broker) publishSys(ctx context.Context, values []sysValue) {
	var owed batch
	defer owed.release()
	for _, v := range values {
		b.router.route(&message{topic: v.topic, payload: []byte(v.text), retain: true}, nil, nil, &owed, nil)
	}
	owed.settle(ctx)
}

// sysValue is what one topic says.
type sysValue struct{ topic, text string }

// sys knows what $SYS says.
type sys struct {
	begun, last time.Time
	numbers     []sysNumber
	loads       []*load
	heap        uint64 // in bytes
	heapMost    uint64
}

// sysNumber is a number under a topic, and what was said of it last.
type sysNumber struct {
	topic string
	value func(*Stats) uint64
	form  func(uint64) string
	told  uint64
	known bool
}

// load is a number per minute as a moving average over one, five and fifteen minutes.
type load struct {
	total  func(*Stats) uint64
	before uint64
	value  [3]float64
}

var loadSpans = [3]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}

func newSys(version string, now time.Time) *sys {
	y := &sys{begun: now, last: now}
	away := func(s *Stats) uint64 { return uint64(max(s.Sessions-s.Connected, 0)) }
	connected := func(s *Stats) uint64 { return uint64(s.Connected) }
	stored := func(s *Stats) uint64 { return uint64(s.Retained + s.Queued) }
	for name, value := range map[string]func(*Stats) uint64{
		"bytes/received":             func(s *Stats) uint64 { return s.BytesReceived },
		"bytes/sent":                 func(s *Stats) uint64 { return s.BytesSent },
		"clients/active":             connected,
		"clients/connected":          connected,
		"clients/disconnected":       away,
		"clients/expired":            func(s *Stats) uint64 { return s.Expired },
		"clients/inactive":           away,
		"clients/maximum":            func(s *Stats) uint64 { return uint64(s.Most) },
		"clients/total":              func(s *Stats) uint64 { return uint64(max(s.Sessions, s.Connected)) },
		"messages/received":          func(s *Stats) uint64 { return s.In.Packets },
		"messages/sent":              func(s *Stats) uint64 { return s.Out.Packets },
		"messages/stored":            stored,
		"publish/bytes/received":     func(s *Stats) uint64 { return s.In.PayloadBytes },
		"publish/bytes/sent":         func(s *Stats) uint64 { return s.Out.PayloadBytes },
		"publish/messages/dropped":   func(s *Stats) uint64 { return s.MessagesDropped },
		"publish/messages/received":  func(s *Stats) uint64 { return s.In.Published() },
		"publish/messages/sent":      func(s *Stats) uint64 { return s.Out.Published() },
		"retained messages/count":    func(s *Stats) uint64 { return uint64(s.Retained) },
		"shared_subscriptions/count": func(s *Stats) uint64 { return uint64(s.Shared) },
		"store/messages/bytes":       func(s *Stats) uint64 { return uint64(s.RetainedBytes + s.QueuedBytes) },
		"store/messages/count":       stored,
		"subscriptions/count":        func(s *Stats) uint64 { return uint64(max(s.Subscriptions-s.Shared, 0)) },
	} {
		y.add(name, value, decimal)
	}
	for name, total := range map[string]func(*Stats) uint64{
		"bytes/received":    func(s *Stats) uint64 { return s.BytesReceived },
		"bytes/sent":        func(s *Stats) uint64 { return s.BytesSent },
		"connections":       func(s *Stats) uint64 { return s.Connections },
		"messages/received": func(s *Stats) uint64 { return s.In.Packets },
		"messages/sent":     func(s *Stats) uint64 { return s.Out.Packets },
		"publish/dropped":   func(s *Stats) uint64 { return s.MessagesDropped },
		"publish/received":  func(s *Stats) uint64 { return s.In.Published() },
		"publish/sent":      func(s *Stats) uint64 { return s.Out.Published() },
		"sockets":           func(s *Stats) uint64 { return s.Sockets },
	} {
		l := &load{total: total}
		y.loads = append(y.loads, l)
		for i, span := range loadSpans {
			y.add(fmt.Sprintf("load/%s/%.0fmin", name, span.Minutes()), func(*Stats) uint64 { return uint64(math.Round(100 * l.value[i])) }, hundredths)
		}
	}
	y.add("heap/current", func(*Stats) uint64 { return y.heap }, decimal)
	y.add("heap/maximum", func(*Stats) uint64 { return y.heapMost }, decimal)
	y.add("uptime", func(*Stats) uint64 { return uint64(y.last.Sub(y.begun) / time.Second) }, func(n uint64) string { return decimal(n) + " seconds" })
	y.add("version", func(*Stats) uint64 { return 0 }, func(uint64) string { return "homehub version " + version })
	slices.SortFunc(y.numbers, func(x, y sysNumber) int { return strings.Compare(x.topic, y.topic) })
	return y
}

func decimal(n uint64) string    { return strconv.FormatUint(n, 10) }
func hundredths(n uint64) string { return strconv.FormatFloat(float64(n)/100, 'f', 2, 64) }

func (y *sys) add(name string, value func(*Stats) uint64, form func(uint64) string) {
	y.numbers = append(y.numbers, sysNumber{topic: "$SYS/broker/" + name, value: value, form: form})
}

// news returns the values that have changed since the last time.
func (y *sys) news(s Stats, heap uint64, now time.Time) (changed []sysValue) {
	y.heap, y.heapMost = heap, max(y.heapMost, heap)
	y.average(&s, now)
	for i := range y.numbers {
		n := &y.numbers[i]
		if value := n.value(&s); value != n.told || !n.known {
			n.told, n.known = value, true
			changed = append(changed, sysValue{n.topic, n.form(value)})
		}
	}
	return changed
}

// average moves the loads and the clock on.
func (y *sys) average(s *Stats, now time.Time) {
	passed := now.Sub(y.last)
	y.last = now
	if passed <= 0 {
		return
	}
	for i, span := range loadSpans {
		fade := math.Exp(-passed.Seconds() / span.Seconds())
		for _, l := range y.loads {
			perMinute := float64(l.total(s)-l.before) / passed.Minutes()
			l.value[i] = perMinute + fade*(l.value[i]-perMinute)
		}
	}
	for _, l := range y.loads {
		l.before = l.total(s)
	}
}

// heapInUse is the memory of all objects on the heap, in bytes. Unlike runtime.ReadMemStats it does not stop the program.
func heapInUse() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
