package embedded

import (
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
