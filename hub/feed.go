package hub

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
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
	fresh bool          // something was added since the last wake
}

func newFeed(size int) *feed {
	return &feed{epoch: rand.Text()[:12], ring: make([]Numbered, size), news: make(chan struct{})}
}

// add numbers an event. Readers are told by wake.
func (f *feed) add(now time.Time, e devices.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	f.ring[f.last%uint64(len(f.ring))] = Numbered{Epoch: f.epoch, ID: f.last, At: now, Event: e}
	f.fresh = true
}

// wake tells readers that there is more.
func (f *feed) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fresh {
		close(f.news)
		f.news, f.fresh = make(chan struct{}), false
	}
}

// newest is the number of the newest event.
func (f *feed) newest() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

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
