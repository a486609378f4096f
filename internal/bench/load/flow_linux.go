package load

import (
	"encoding/binary"
	"slices"
	"time"

	"home.arpa/homehub/internal/bench/proc"
)

// flow is traffic on its way.
type flow struct {
	loop    *loop
	traffic *Traffic
	broker  int // its process

	publishers, subscribers []*client
	templates               []template

	// By publisher: the last sequence number that was sent, how many were acknowledged, and for each of its targets the last one that
	// arrived. A publisher of Pairs has one target; those of FanOut and FanIn have every subscriber; all members of a shared
	// subscription are one target together, in whose slot the arrivals are counted.
	sent, acked []uint64
	arrived     [][]uint64
	slowest     []uint64 // the least of arrived, as it was when it last mattered

	published, acknowledged, delivered, repeated int64
	progress                                     int64         // moves with every acknowledgement and arrival
	began, moved                                 time.Time     // of the run that is on
	wall                                         time.Duration // of all runs, until the last delivery of each
	usage                                        proc.Usage    // of the broker, in all runs
	latency, late                                []int64       // nanoseconds
	timing                                       bool
}

func newFlow(l *loop, t *Traffic, broker int) *flow {
	targets := 1
	switch t.Shape {
	case FanOut, FanIn:
		targets = t.Subscribers
	case Sensors:
		targets = 0
	}
	f := &flow{
		loop: l, traffic: t, broker: broker,
		sent: make([]uint64, t.Publishers), acked: make([]uint64, t.Publishers), slowest: make([]uint64, t.Publishers),
		arrived: make([][]uint64, t.Publishers),
	}
	for i := range f.arrived {
		f.arrived[i] = make([]uint64, targets)
	}
	return f
}

// toPublisher handles what a publisher gets.
func (f *flow) toPublisher(c *client, first byte, body []byte) {
	if len(body) < 2 {
		return
	}
	switch first >> 4 {
	case pubackPacket, pubcompPacket:
		f.acked[c.number]++
		f.acknowledged++
		f.progress++
	case pubrecPacket:
		c.out = appendAck(c.out, pubrelPacket, binary.BigEndian.Uint16(body))
	}
}

// toSubscriber handles what a subscriber gets.
func (f *flow) toSubscriber(c *client, first byte, body []byte) {
	switch first >> 4 {
	case publishPacket:
		id, s, stamped, ok := decodePublish(first, body)
		if !ok {
			return
		}
		switch first >> 1 & 3 {
		case 1:
			c.out = appendAck(c.out, pubackPacket, id)
		case 2:
			c.out = appendAck(c.out, pubrecPacket, id)
		}
		if stamped && int(s.publisher) < len(f.arrived) {
			f.arrive(c, s)
		}
	case pubrelPacket:
		if len(body) >= 2 {
			c.out = appendAck(c.out, pubcompPacket, binary.BigEndian.Uint16(body))
		}
	}
}

func (f *flow) arrive(c *client, s stamp) {
	f.progress++
	slots := f.arrived[s.publisher]
	switch {
	case f.traffic.Shape == Shared: // in which order the members get theirs is not known
		slots[0]++
	default:
		slot := &slots[c.number%len(slots)]
		if s.sequence <= *slot {
			f.repeated++
			return
		}
		*slot = s.sequence
	}
	f.delivered++
	if f.timing {
		f.latency = append(f.latency, f.loop.now()-s.sent)
	}
}

// room is how many more messages a publisher may have on their way.
func (f *flow) room(publisher int) int {
	window, sent := uint64(f.traffic.Window), f.sent[publisher]
	if sent-f.slowest[publisher]+uint64(f.traffic.Batch) > window {
		f.slowest[publisher] = sent
		if slots := f.arrived[publisher]; len(slots) > 0 {
			f.slowest[publisher] = slices.Min(slots)
		}
	}
	floor := f.slowest[publisher]
	if f.traffic.QoS > 0 {
		floor = min(floor, f.acked[publisher])
	}
	return int(window - min(window, sent-floor))
}

func (f *flow) send(publisher, n int, now int64) {
	c := f.publishers[publisher]
	for range n {
		f.sent[publisher]++
		f.published++
		c.out = f.templates[publisher].append(c.out, c.nextID(), stamp{uint32(publisher), f.sent[publisher], now})
	}
	f.loop.flush(c)
}

func (f *flow) expected() int64 {
	switch f.traffic.Shape {
	case FanOut, FanIn:
		return f.published * int64(f.traffic.Subscribers)
	case Sensors:
		return 0
	}
	return f.published
}

// settled says that all has arrived and is acknowledged.
func (f *flow) settled() bool {
	return f.delivered >= f.expected() && (f.traffic.QoS == 0 || f.acknowledged >= f.published)
}

// forget begins to count anew: what the warm-up has lost is lost.
func (f *flow) forget() {
	f.published, f.acknowledged, f.delivered, f.repeated, f.wall, f.usage = 0, 0, 0, 0, 0, proc.Usage{}
	for i, n := range f.sent {
		f.acked[i] = n
		for j := range f.arrived[i] {
			f.arrived[i][j] = n
		}
	}
	if f.traffic.Latency {
		n := int(f.traffic.Rate*float64(len(f.publishers))*f.traffic.Duration.Seconds()) + 1000
		f.latency, f.late, f.timing = make([]int64, 0, n), make([]int64, 0, n), true
	}
}

// run publishes for a time, then waits until everything has arrived or nothing moves any more.
func (f *flow) run(d time.Duration) error {
	before := proc.Take(f.broker)
	f.began = time.Now()
	f.moved = f.began
	defer func() {
		f.wall += f.moved.Sub(f.began)
		f.usage = f.usage.And(before.Until(proc.Take(f.broker)))
	}()
	end, seen, pace := f.began.Add(d), f.progress, f.pacing()
	var still lull
	for {
		now := time.Now()
		moved := f.progress != seen
		if moved {
			seen, f.moved = f.progress, now
		}
		nothing := still.look(now, moved)
		switch {
		case f.loop.ctx.Err() != nil:
			return f.loop.ctx.Err()
		case f.loop.failed != nil:
			return f.loop.failed
		case !now.Before(end) && f.settled():
			f.moved = now
			return nil
		case nothing > f.traffic.Stall && (!now.Before(end) || pace == nil):
			return nil // the rest is lost
		}
		wait := longestWait
		switch {
		case !now.Before(end):
		case pace != nil:
			wait = pace.send(f, wait)
		case f.fillWindows():
			wait = 0
		}
		f.loop.poll(wait)
	}
}

// fillWindows sends a batch for each publisher that has room, and says whether any had.
func (f *flow) fillWindows() (sent bool) {
	now := f.loop.now()
	for i, c := range f.publishers {
		if len(c.out) <= 4096 && f.room(i) >= f.traffic.Batch {
			f.send(i, f.traffic.Batch, now)
			sent = true
		}
	}
	return sent
}

// pacer sends messages at fixed times, one publisher after the other.
type pacer struct {
	start time.Time
	every time.Duration
	next  int
}

// pacing is nil for a closed loop.
func (f *flow) pacing() *pacer {
	if f.traffic.Rate == 0 {
		return nil
	}
	return &pacer{start: f.began, every: time.Duration(float64(time.Second) / (f.traffic.Rate * float64(f.traffic.Publishers)))}
}

// send sends what is due, and returns how long to wait for what comes next, wait at most.
func (p *pacer) send(f *flow, wait time.Duration) time.Duration {
	for {
		late := time.Since(p.start.Add(time.Duration(p.next) * p.every))
		if late < 0 {
			return min(wait, -late)
		}
		if f.timing {
			f.late = append(f.late, int64(late))
		}
		f.send(p.next%len(f.publishers), 1, f.loop.now())
		p.next++
		if late > time.Second { // hopelessly behind: go on from here instead of catching up in one burst
			p.start = time.Now().Add(-time.Duration(p.next) * p.every)
		}
	}
}
