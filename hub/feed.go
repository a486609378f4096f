package hub

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"home.arpa/homehub/devices"
)

// feed is the ring of the newest events. The hub's goroutine adds and never waits; readers take what they have not had at
// their own speed, and whoever is slower than the ring is long starts anew.
type feed struct {
	epoch string

	mu    sync.Mutex
	ring  []Numbered
	last  uint64        // the number of the newest event, 0 before the first
	news  chan struct{} // closed when there is more
	fresh bool          // something was added since begin

	told atomic.Uint64 // last, as it was at end
}

func newFeed(size int) *feed {
	return &feed{epoch: rand.Text()[:12], ring: make([]Numbered, size), news: make(chan struct{})}
}

// begin lets the hub's goroutine add events, until end lets the readers see them.
func (f *feed) begin() { f.mu.Lock() }

// add numbers an event.
func (f *feed) add(now time.Time, e devices.Event) {
	f.last++
	f.ring[f.last%uint64(len(f.ring))] = Numbered{Epoch: f.epoch, ID: f.last, At: now, Event: e}
	f.fresh = true
}

// end tells readers if there is more.
func (f *feed) end() {
	defer f.mu.Unlock()
	f.told.Store(f.last)
	if f.fresh {
		close(f.news)
		f.news, f.fresh = make(chan struct{}), false
	}
}

// newest is the number of the newest event that readers can see. It never waits.
func (f *feed) newest() uint64 { return f.told.Load() }

// since copies the events after a number into some, as many as there are and fit. more is closed when there is more.
func (f *feed) since(after uint64, some []Numbered) (n int, more <-chan struct{}, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if after > f.last || f.last-after > uint64(len(f.ring)) {
		return 0, nil, ErrGap
	}
	for n < len(some) && after < f.last {
		after++
		some[n] = f.ring[after%uint64(len(f.ring))]
		n++
	}
	return n, f.news, nil
}

// Watch is part of API. It also ends, with ErrStopped, when the hub has stopped.
func (h *Hub) Watch(ctx context.Context, epoch string, after uint64, visit func(Numbered) error) error {
	if after == Newest {
		after = h.feed.newest()
	} else if epoch != h.feed.epoch {
		return fmt.Errorf("watching from event %d of %q: %w", after, epoch, ErrGap)
	}
	var some [64]Numbered
	for {
		n, more, err := h.feed.since(after, some[:])
		if err != nil {
			return fmt.Errorf("watching from event %d: %w", after, err)
		}
		for _, e := range some[:n] {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := visit(e); err != nil {
				return err
			}
			after = e.ID
		}
		if n > 0 {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		case <-h.stopped:
			return ErrStopped
		}
	}
}
