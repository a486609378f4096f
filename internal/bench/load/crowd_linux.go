package load

import (
	"context"
	"fmt"
	"time"

	"home.arpa/homehub/internal/bench/proc"
)

// Crowd is clients that connect as fast as they can, and then only ping.
type Crowd struct {
	Clients int
	// KeepAlive is each client's: it pings that often. It is in seconds, and 60 when it is 0.
	KeepAlive uint16
	// Hold is how long the broker is watched when all are there.
	Hold time.Duration
}

// Presence is what a crowd costs.
type Presence struct {
	// Connecting is what happened until the last client was accepted, Idle what happened while all were there.
	Connecting, Idle proc.Usage
	// PerSecond is how many clients were accepted in a second.
	PerSecond float64
	// Memory is how many bytes of resident memory each client added.
	Memory float64
	// Answered pings.
	Answered int
}

// Run connects the crowd and watches the broker.
func (w Crowd) Run(ctx context.Context, b Broker) (Presence, error) {
	if w.KeepAlive == 0 {
		w.KeepAlive = 60
	}
	l, err := newLoop(ctx, b.Address)
	if err != nil {
		return Presence{}, err
	}
	defer l.close()
	empty, err := proc.Resident(b.PID)
	if err != nil {
		return Presence{}, err
	}
	logins := make([]Login, w.Clients)
	for i := range logins {
		logins[i] = Login{Client: fmt.Sprintf("crowd-%d", i), KeepAlive: w.KeepAlive}
	}
	var p Presence
	start := proc.Take(b.PID)
	clients, err := l.group(logins, func(_ *client, first byte, _ []byte) {
		if first>>4 == pingrespPacket {
			p.Answered++
		}
	})
	if err != nil {
		return Presence{}, err
	}
	there := proc.Take(b.PID)
	p.Connecting = start.Until(there)
	p.PerSecond = float64(w.Clients) / p.Connecting.Wall.Seconds()
	if err := l.idle(clients, time.Duration(w.KeepAlive)*time.Second, w.Hold); err != nil {
		return Presence{}, err
	}
	p.Idle = there.Until(proc.Take(b.PID))
	full, err := proc.Resident(b.PID)
	if err != nil {
		return Presence{}, err
	}
	p.Memory = float64(full-empty) / float64(w.Clients)
	for _, c := range clients {
		l.leave(c)
	}
	return p, nil
}

// idle lets clients ping in turn, each once in a keep alive, for a time.
func (l *loop) idle(clients []*client, keepAlive, hold time.Duration) error {
	begun, every, next := time.Now(), keepAlive/time.Duration(len(clients)), 0
	for {
		now := time.Now()
		switch {
		case l.ctx.Err() != nil:
			return l.ctx.Err()
		case l.failed != nil:
			return fmt.Errorf("being idle: %w", l.failed)
		case now.Sub(begun) >= hold:
			return nil
		}
		due := begun.Add(time.Duration(next+1) * every)
		for ; !due.After(now); due = due.Add(every) {
			c := clients[next%len(clients)]
			c.out = append(c.out, pingreqPacket<<4, 0)
			l.flush(c)
			next++
		}
		l.poll(min(due.Sub(now), begun.Add(hold).Sub(now)))
	}
}
