package remote

import (
	"context"
	"sync"

	"home.arpa/homehub/broker"
)

// batchSize is how many filters go into one packet.
const batchSize = 64

// declared is what the link's user wants to get, and what of it the broker has not been told yet. The changes that wait are
// at most one for each filter: a later one replaces an earlier one.
type declared struct {
	mu      sync.Mutex
	wanted  map[string]byte // QoS by filter
	order   []string        // wanted filters, in the order in which they were declared first
	waiting []string        // filters with a change, oldest first
	queued  map[string]bool // the same as a set
	atWork  bool            // a batch is with the broker
	changed chan struct{}   // closed and replaced at each change
}

func newDeclared() *declared {
	return &declared{wanted: map[string]byte{}, queued: map[string]bool{}, changed: make(chan struct{})}
}

func (d *declared) add(sub broker.Subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.wanted[sub.Filter]; !ok {
		d.order = append(d.order, sub.Filter)
	}
	d.wanted[sub.Filter] = min(sub.QoS, 2)
	d.queue(sub.Filter)
}

func (d *declared) remove(filter string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.wanted[filter]; !ok {
		return
	}
	delete(d.wanted, filter)
	for i, f := range d.order {
		if f == filter {
			d.order = append(d.order[:i], d.order[i+1:]...)
			break
		}
	}
	d.queue(filter)
}

// queue needs the lock.
func (d *declared) queue(filter string) {
	if !d.queued[filter] {
		d.queued[filter] = true
		d.waiting = append(d.waiting, filter)
	}
	d.signal()
}

func (d *declared) signal() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// restart is called for a new connection, of which the broker knows nothing yet: everything wanted waits.
func (d *declared) restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = append(d.waiting[:0], d.order...)
	clear(d.queued)
	for _, f := range d.waiting {
		d.queued[f] = true
	}
	d.atWork = false
	d.signal()
}

// next waits for changes and returns the oldest ones, either subscriptions or filters to unsubscribe; done must be called
// when the broker has acknowledged them. ok is false when ctx ended.
func (d *declared) next(ctx context.Context) (subs []broker.Subscription, filters []string, ok bool) {
	for {
		d.mu.Lock()
		for len(d.waiting) > 0 && len(subs)+len(filters) < batchSize {
			filter := d.waiting[0]
			qos, wanted := d.wanted[filter]
			if wanted && len(filters) > 0 || !wanted && len(subs) > 0 {
				break
			}
			if d.waiting = d.waiting[1:]; wanted {
				subs = append(subs, broker.Subscription{Filter: filter, QoS: qos})
			} else {
				filters = append(filters, filter)
			}
			delete(d.queued, filter)
		}
		d.atWork = len(subs)+len(filters) > 0
		changed := d.changed
		d.mu.Unlock()
		if len(subs)+len(filters) > 0 {
			return subs, filters, true
		}
		select {
		case <-ctx.Done():
			return nil, nil, false
		case <-changed:
		}
	}
}

func (d *declared) done() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.atWork = false
	d.signal()
}

// settled waits until nothing waits.
func (d *declared) settled(ctx context.Context) error {
	for {
		d.mu.Lock()
		idle, changed := len(d.waiting) == 0 && !d.atWork, d.changed
		d.mu.Unlock()
		if idle {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
