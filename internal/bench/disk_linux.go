package main

import (
	"context"
	"time"

	"home.arpa/homehub/internal/bench/load"
	"home.arpa/homehub/internal/bench/proc"
)

// disk measures how much 100 sensors make the hub write that publish a retained QoS 0 value each second.
func disk(ctx context.Context, s *stand) (figures, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	sensors := load.Traffic{Shape: load.Sensors, Publishers: 100, Rate: 1, Retain: true, Duration: s.bench.sensing}
	before, err := proc.Written(p.pid)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	flow, err := sensors.Run(ctx, p.broker())
	if err != nil {
		return nil, err
	}
	after, err := proc.Written(p.pid)
	if err != nil {
		return nil, err
	}
	f := usage(flow.Usage)
	f[writtenHourly] = float64(after-before) / time.Since(begun).Hours() / 1e6
	return f, nil
}

// restart kills a hub that has messages for a client that is away and retained ones, and measures how long it takes until the
// next life accepts a client, and what is still there.
func restart(ctx context.Context, s *stand) (figures, error) {
	queued, retained := s.bench.queued, s.bench.retained
	p, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := (load.Store{Count: queued, Queue: "away"}).Run(ctx, p.broker()); err != nil {
		return nil, err
	}
	if _, err := (load.Store{Count: retained}).Run(ctx, p.broker()); err != nil {
		return nil, err
	}
	p.kill()
	begun := time.Now()
	if p, err = s.start(ctx); err != nil {
		return nil, err
	}
	f := figures{readyAfter: time.Since(begun).Seconds()}
	kept, err := load.Fetch{Count: retained}.Run(ctx, p.broker())
	if err != nil && kept.Messages > 0 {
		return nil, err
	}
	waiting, err := load.Fetch{Count: queued, Queue: "away"}.Run(ctx, p.broker())
	if err != nil && waiting.Messages > 0 {
		return nil, err
	}
	f[cameBack] = 100 * float64(kept.Messages+waiting.Messages) / float64(queued+retained)
	f[lostMessages] = float64(queued + retained - kept.Messages - waiting.Messages + kept.Repeated + waiting.Repeated)
	return f, ctx.Err()
}
