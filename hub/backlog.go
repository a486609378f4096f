package hub

import (
	"slices"
	"time"

	"home.arpa/homehub/devices"
)

// sparePieces are kept for the next readings: about a megabyte.
const sparePieces = 16

// backlog are the readings that wait for the store, oldest first, in pieces of at most batch, which are what one transaction takes. The
// memory of a piece that is saved is used for the next, since in a busy house readings are most of what is written down.
type backlog struct {
	pieces [][]Sample // all but the last are there to be saved; none is empty
	free   [][]Sample
	size   int
	limit  int       // above it the backlog is thinned
	since  time.Time // when the oldest came, if nothing has been taken since
}

// add appends a reading.
func (b *backlog) add(s *Sample) {
	if b.size == 0 {
		b.since = time.Now()
	}
	last := len(b.pieces) - 1
	if last < 0 || len(b.pieces[last]) >= batch {
		b.pieces = append(b.pieces, b.piece())
		last++
	}
	b.pieces[last] = append(b.pieces[last], *s)
	b.size++
}

func (b *backlog) piece() []Sample {
	if n := len(b.free); n > 0 {
		p := b.free[n-1]
		b.free = b.free[:n-1]
		return p
	}
	return make([]Sample, 0, batch)
}

// take takes the oldest piece; nil if there is none, or if all that waits is less than a batch and may wait for more.
func (b *backlog) take(everything bool) []Sample {
	if b.size == 0 || b.size < batch && !everything && time.Since(b.since) < batchTime {
		return nil
	}
	p := b.pieces[0]
	b.pieces = slices.Delete(b.pieces, 0, 1)
	b.size -= len(p)
	if b.size == 0 {
		b.limit = recorderSize
	}
	return p
}

// putBack returns a piece that could not be saved to the head.
func (b *backlog) putBack(p []Sample) {
	b.pieces = slices.Insert(b.pieces, 0, p)
	b.size += len(p)
}

// reuse takes the memory of a piece that is saved.
func (b *backlog) reuse(p []Sample) {
	if len(b.free) < sparePieces {
		clear(p)
		b.free = append(b.free, p[:0])
	}
}

// forget drops the readings of a device.
func (b *backlog) forget(device string) {
	b.keep(func(s Sample) bool { return s.Device != device })
}

// thin keeps the newest reading of each property only, and returns how many were lost.
func (b *backlog) thin() (lost int) {
	left := make(map[devices.Path]int, b.size) // how many of its readings are still to come
	for _, p := range b.pieces {
		for _, s := range p {
			left[s.Path]++
		}
	}
	before := b.size
	b.keep(func(s Sample) bool {
		left[s.Path]--
		return left[s.Path] == 0
	})
	b.limit = max(recorderSize, 2*b.size)
	return before - b.size
}

// keep drops all readings but those that it is told to keep.
func (b *backlog) keep(keep func(Sample) bool) {
	kept := b.pieces[:0]
	b.size = 0
	for _, p := range b.pieces {
		if p = slices.DeleteFunc(p, func(s Sample) bool { return !keep(s) }); len(p) > 0 {
			kept = append(kept, p)
			b.size += len(p)
		}
	}
	clear(b.pieces[len(kept):])
	b.pieces = kept
}
