package load

import "time"

// lull is how long nothing has moved. It counts the time that was waited for something to move, and not that in which the whole machine
// stood still: what came then has yet to be read.
type lull struct {
	length time.Duration
	last   time.Time // when it was looked at
}

// longestWait is how long the loop waits in one piece; whoever is awake again much later was not waiting.
const longestWait = 10 * time.Millisecond

// look is called whenever a wait is over, and says how long the lull is by now; moved says that something has come.
func (l *lull) look(now time.Time, moved bool) time.Duration {
	switch {
	case moved || l.last.IsZero():
		l.length = 0
	default:
		l.length += min(now.Sub(l.last), 2*longestWait)
	}
	l.last = now
	return l.length
}
