package main

import (
	"context"
	"time"

	"home.arpa/homehub/internal/bench/load"
	"home.arpa/homehub/internal/bench/proc"
)

// benchCase is something that is measured with brokers that were started for it.
type benchCase struct {
	name string
	// alone: the promise is the hub's own, other brokers are left out. once: it is long, and repeating it tells nothing new.
	alone, once bool
	run         func(ctx context.Context, s *stand) (figures, error)
	// turns is there instead of run where brokers are loaded in turns within one run, so that the machine's moods meet all alike. The figures
	// are in the order of the stands.
	turns func(ctx context.Context, stands []*stand) ([]figures, error)
}

// sizes are how long and how much, so that tests can do with little.
type sizes struct {
	// warmup and measured are of traffic, hold is how long an idle broker is watched, sensing how long sensors publish.
	warmup, measured, hold, sensing time.Duration
	// clients in a crowd, fetched messages for a fresh subscriber, retained and queued ones for a restart, devices in a storm.
	clients, fetched, retained, queued, devices int
}

// promised are the sizes that the promises are about. An idle broker is watched longer than the ten seconds after which brokers
// repeat their $SYS topics.
var promised = sizes{
	warmup: time.Second, measured: 2 * time.Second, hold: 25 * time.Second, sensing: 2 * time.Minute,
	clients: 5000, fetched: 5000, retained: 20_000, queued: 10_000, devices: 500,
}

// cases are in the order in which they are run.
var cases = []benchCase{
	{name: "p2p-q0", run: carry(load.Traffic{Shape: load.Pairs, Publishers: 50, Window: 100})},
	{name: "p2p-q1", run: carry(load.Traffic{Shape: load.Pairs, Publishers: 50, QoS: 1, Window: 20})},
	{name: "p2p-q2", run: carry(load.Traffic{Shape: load.Pairs, Publishers: 50, QoS: 2, Window: 20})},
	{name: "fanout-q0", run: carry(load.Traffic{Shape: load.FanOut, Subscribers: 100, Window: 100})},
	{name: "fanout-q1", run: carry(load.Traffic{Shape: load.FanOut, Subscribers: 100, QoS: 1, Window: 20})},
	{name: "fanin-q0", run: carry(load.Traffic{Shape: load.FanIn, Publishers: 100, Subscribers: 1, Window: 8})},
	{name: "shared-q1", run: carry(load.Traffic{Shape: load.Shared, Publishers: 100, Subscribers: 5, QoS: 1, Window: 8})},
	{name: "paced-q0", run: carry(load.Traffic{Shape: load.Pairs, Publishers: 100, Rate: 20})},
	{name: "paced-q1", run: carry(load.Traffic{Shape: load.Pairs, Publishers: 100, QoS: 1, Rate: 20})},
	{name: "latency-q0", turns: race(load.Traffic{Shape: load.Pairs, Publishers: 10, Rate: 100, Latency: true})},
	{name: "latency-q1", turns: race(load.Traffic{Shape: load.Pairs, Publishers: 10, QoS: 1, Rate: 100, Latency: true})},
	{name: "latency-q2", turns: race(load.Traffic{Shape: load.Pairs, Publishers: 10, QoS: 2, Rate: 100, Latency: true})},
	{name: "retained", run: fetchRetained},
	{name: "connect", run: crowd},
	{name: "idle", once: true, run: idle},
	{name: "durable", alone: true, run: durable},
	{name: "storm-secrets", alone: true, run: storm(false)},
	{name: "storm-passwords", alone: true, once: true, run: storm(true)},
	{name: "disk", alone: true, once: true, run: disk},
	{name: "restart", alone: true, run: restart},
}

// groups are the brokers that are there at once: all of them where they take turns, else one after the other.
func (c benchCase) groups(products []*product) (groups [][]*product) {
	if c.turns != nil {
		return [][]*product{products}
	}
	for _, p := range products {
		if p.hub || !c.alone {
			groups = append(groups, []*product{p})
		}
	}
	return groups
}

// carry is a case of traffic.
func carry(t load.Traffic) func(context.Context, *stand) (figures, error) {
	return func(ctx context.Context, s *stand) (figures, error) {
		t.Warmup, t.Duration = s.bench.warmup, s.bench.measured
		p, err := s.start(ctx)
		if err != nil {
			return nil, err
		}
		flow, err := t.Run(ctx, p.broker())
		if err != nil {
			return nil, err
		}
		return flowFigures(flow), nil
	}
}

// race is a case of traffic whose latency is measured: all brokers are there, and have it in turns of a quarter of a second.
func race(t load.Traffic) func(context.Context, []*stand) ([]figures, error) {
	return func(ctx context.Context, stands []*stand) ([]figures, error) {
		var brokers []load.Broker
		for _, s := range stands {
			t.Warmup, t.Duration = s.bench.warmup, 5*s.bench.measured // the rarest 1 % should be more than a few
			p, err := s.start(ctx)
			if err != nil {
				return nil, err
			}
			brokers = append(brokers, p.broker())
		}
		flows, err := t.Turns(ctx, 250*time.Millisecond, brokers...)
		if err != nil {
			return nil, err
		}
		var list []figures
		for _, flow := range flows {
			list = append(list, flowFigures(flow))
		}
		return list, nil
	}
}

func flowFigures(flow load.Flow) figures {
	f := usage(flow.Usage)
	f[lostMessages] = float64(flow.Expected - flow.Delivered + flow.Repeated)
	f[peakMemory] = float64(flow.Peak) / 1e6
	if flow.Delivered > 0 {
		f[cpuPerMessage] = microseconds(flow.Process) / float64(flow.Delivered)
		f[perSecond] = float64(flow.Delivered) / flow.Wall.Seconds()
	}
	if flow.Latency.Median > 0 {
		f[latencyMedian], f[latencyP99], f[latencyP999] = microseconds(flow.Latency.Median), microseconds(flow.Latency.P99), microseconds(flow.Latency.P999)
		f[lateP99] = microseconds(flow.Late.P99)
	}
	return f
}

func microseconds(d time.Duration) float64 { return float64(d) / 1e3 }

// usage is what says whether a run was disturbed, and whether the generator was its limit.
func usage(u proc.Usage) figures {
	f := figures{generatorShare: 100 * u.Share(u.Self)}
	if u.Wall >= time.Second/2 { // others are counted in steps of 10 ms
		f[othersShare] = 100 * u.Share(u.Others)
	}
	return f
}

// fetchRetained stores retained messages, and measures how long a fresh subscriber waits for all of them.
func fetchRetained(ctx context.Context, s *stand) (figures, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := (load.Store{Count: s.bench.fetched}).Run(ctx, p.broker()); err != nil {
		return nil, err
	}
	got, err := load.Fetch{Count: s.bench.fetched}.Run(ctx, p.broker())
	if err != nil {
		return nil, err
	}
	f := usage(got.Usage)
	f[fetchTime] = got.Took.Seconds() * 1e3
	f[lostMessages] = float64(s.bench.fetched - got.Messages + got.Repeated)
	return f, nil
}

// crowd connects many clients.
func crowd(ctx context.Context, s *stand) (figures, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	c, err := load.Crowd{Clients: s.bench.clients, Hold: s.bench.measured}.Run(ctx, p.broker())
	if err != nil {
		return nil, err
	}
	f := usage(c.Connecting)
	f[connectsPerS], f[memoryPerConnect] = c.PerSecond, c.Memory/1e3
	f[cpuPerConnect] = microseconds(c.Connecting.Process) / float64(s.bench.clients)
	return f, nil
}

// idle watches a broker with many clients, each of which pings every minute, and retained messages.
func idle(ctx context.Context, s *stand) (figures, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := (load.Store{Count: s.bench.retained}).Run(ctx, p.broker()); err != nil {
		return nil, err
	}
	c, err := load.Crowd{Clients: s.bench.clients, Hold: s.bench.hold}.Run(ctx, p.broker())
	if err != nil {
		return nil, err
	}
	f := usage(c.Idle)
	f[idleCPU] = 100 * c.Idle.Share(c.Idle.Process)
	return f, nil
}
