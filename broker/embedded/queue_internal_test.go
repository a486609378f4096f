package embedded

import (
	"sync/atomic"
	"testing"
	"time"
)

func TestAQueueThatIsBroughtBackCountsWhatHasExpired(t *testing.T) {
	now := time.Now()
	fresh, gone := &message{topic: "t"}, &message{topic: "t", expires: now.Add(-time.Second)}
	var s session
	s.queue.push(delivery{outgoing: outgoing{message: gone, level: 1, id: 5}}) // it was sent: its client may still want to acknowledge it
	s.queue.push(delivery{outgoing: outgoing{message: gone, level: 1}})
	s.queue.push(delivery{outgoing: outgoing{message: fresh, level: 1}})
	s.queue.lastID = 5
	s.tidy(now)
	if n, id := s.queue.len(), s.queue.nextID(); n != 2 || id != 7 {
		t.Errorf("%d messages wait, the next identifier is %d, want 2 and 7", n, id)
	}
}

// However much waits for all clients, each may have a little, and an empty queue takes anything.
func TestRoomInAQueue(t *testing.T) {
	var all atomic.Int64
	limits := &Options{MaxQueued: 100, MaxQueuedBytes: 10 * ownShare, MaxQueuedInAll: 100 * ownShare}
	for _, test := range []struct {
		name             string
		here, size, rest int // bytes
		want             bool
	}{
		{"nothing here, and too much of the others", 0, 20 * ownShare, 100 * ownShare, true},
		{"a little here", ownShare / 2, ownShare / 2, 100 * ownShare, true},
		{"more than a little, and too much of the others", ownShare / 2, ownShare/2 + 1, 100 * ownShare, false},
		{"as much as there may be", 5 * ownShare, 5 * ownShare, 90 * ownShare, true},
		{"too much in all", 5 * ownShare, 5 * ownShare, 90*ownShare + 1, false},
		{"too much here", 5 * ownShare, 5*ownShare + 1, 0, false},
	} {
		q := queue{all: &all}
		all.Store(int64(test.rest))
		if test.here > 0 {
			q.push(delivery{outgoing: outgoing{message: &message{payload: make([]byte, test.here-128)}}})
		}
		if got := q.room(test.size, limits); got != test.want {
			t.Errorf("%s: room is %t", test.name, got)
		}
	}
}
