package load

import (
	"context"
	"time"

	"home.arpa/homehub/internal/bench/proc"
)

// Storm is devices that all come back at once, as after a power cut. Each connects, subscribes to a topic of its own, and is then
// back; one that is refused, dropped or not answered tries again, as firmwares do.
type Storm struct {
	Devices []Login
	// Patience is how long a device waits for an answer before it hangs up, Pause how long it waits before it tries again.
	// Zero: 15 s and 1 s.
	Patience, Pause time.Duration
	// Limit ends the storm. Zero: two minutes.
	Limit time.Duration
}

// Return is how the devices came back.
type Return struct {
	// Back devices, Attempts of all of them.
	Back, Attempts int
	// Took is the time until the last one was back.
	Took time.Duration
	proc.Usage
}

// device is one of them.
type device struct {
	login Login
	conn  *client   // nil between attempts
	until time.Time // when it gives up, or tries again
	back  bool
}

// Run lets the storm loose.
func (s Storm) Run(ctx context.Context, b Broker) (Return, error) {
	if s.Patience == 0 {
		s.Patience = 15 * time.Second
	}
	if s.Pause == 0 {
		s.Pause = time.Second
	}
	if s.Limit == 0 {
		s.Limit = 2 * time.Minute
	}
	l, err := newLoop(ctx, b.Address)
	if err != nil {
		return Return{}, err
	}
	defer l.close()
	var out Return
	devices := make([]device, len(s.Devices))
	for i := range devices {
		devices[i].login = s.Devices[i]
	}
	before, begun := proc.Take(b.PID), time.Now()
	attempt := func(d *device, number int) error {
		c, err := l.dial(d.login, number)
		if err != nil {
			return err
		}
		out.Attempts++
		c.lost = func(*client, error) { d.conn, d.until = nil, time.Now().Add(s.Pause) }
		c.handle = func(c *client, first byte, _ []byte) {
			switch first >> 4 {
			case connackPacket:
				c.out = appendSubscribe(c.out, c.nextID(), "devices/"+d.login.Client+"/set", 1)
			case subackPacket:
				d.back = true
				out.Back++
				out.Took = time.Since(begun)
			}
		}
		d.conn, d.until = c, time.Now().Add(s.Patience)
		return nil
	}
	looked := time.Time{}
	err = l.until("waiting for devices", s.Limit+time.Second, func() bool {
		now := time.Now()
		if now.Sub(looked) < 10*time.Millisecond { // looking at all devices is not for every wake-up
			return out.Back == len(devices)
		}
		looked = now
		for i := range devices {
			d := &devices[i]
			switch {
			case d.back && d.conn != nil, now.Before(d.until):
			case d.conn != nil:
				l.drop(d.conn, nil)
				d.conn, d.until = nil, now.Add(s.Pause)
			default:
				if d.back { // it was thrown out again
					d.back = false
					out.Back--
				}
				if err := attempt(d, i); err != nil {
					l.failed = err
				}
			}
		}
		return out.Back == len(devices) || now.Sub(begun) > s.Limit
	})
	out.Usage = before.Until(proc.Take(b.PID))
	return out, err
}
