package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// part is something long-lived: run returns when ctx has ended and all that it started has ended, or earlier with an
// error when it cannot go on.
type part struct {
	name string
	run  func(ctx context.Context) error
	// ready is closed when the next part may start; nil means at once.
	ready <-chan struct{}
	// patience is how long it may take to stop before the next one is told to; zero means stopLimit.
	patience time.Duration
}

// stopLimit is how long one part may usually take to stop. The parts bound what they wait for to a second; the rest is for a machine that is
// busy.
const stopLimit = 5 * time.Second

// hold starts the parts in order, holds them up until ctx ends or one of them ends, and stops them in the reverse order,
// each before the one beneath it. started is called when all are up. The error names the part that failed first.
func hold(ctx context.Context, log *slog.Logger, parts []part, started func()) error {
	type running struct {
		part
		cancel context.CancelFunc
		done   chan struct{}
		err    error
	}
	var up []*running
	ended := make(chan *running, len(parts)) // room for all, so that nobody waits to say that it has ended
	var failed error

	for _, p := range parts {
		pctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		r := &running{part: p, cancel: cancel, done: make(chan struct{})}
		up = append(up, r)
		go func() {
			defer close(r.done)
			r.err = r.run(pctx)
			ended <- r
		}()
		if p.ready != nil {
			select {
			case <-p.ready:
			case <-ctx.Done():
			case e := <-ended:
				failed = fmt.Errorf("running %s: %w", e.name, orEnded(e.err))
			}
		}
		if failed != nil || ctx.Err() != nil {
			break
		}
	}
	if failed == nil && ctx.Err() == nil {
		if started != nil {
			started()
		}
		select {
		case <-ctx.Done():
		case e := <-ended:
			failed = fmt.Errorf("running %s: %w", e.name, orEnded(e.err))
		}
	}
	for i := len(up) - 1; i >= 0; i-- {
		r := up[i]
		r.cancel()
		select {
		case <-r.done:
			if r.err != nil && failed == nil {
				failed = fmt.Errorf("stopping %s: %w", r.name, r.err)
			}
		case <-time.After(cmp.Or(r.patience, stopLimit)):
			log.Error("stopping takes too long, going on without it", "part", r.name)
			failed = errors.Join(failed, fmt.Errorf("stopping %s: it did not end within %s", r.name, cmp.Or(r.patience, stopLimit)))
		}
	}
	return failed
}

func orEnded(err error) error {
	if err == nil {
		return errors.New("it ended by itself")
	}
	return err
}
