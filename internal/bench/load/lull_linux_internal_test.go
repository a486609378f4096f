package load

import (
	"testing"
	"time"
)

func TestTimeInWhichTheMachineStoodStillIsNoLull(t *testing.T) {
	var l lull
	now := time.Now()
	for _, step := range []struct {
		after time.Duration
		moved bool
		want  time.Duration
	}{
		{0, false, 0},
		{longestWait, false, longestWait},
		{time.Millisecond, false, longestWait + time.Millisecond},
		{time.Hour, false, 3*longestWait + time.Millisecond},
		{longestWait, true, 0},
		{longestWait, false, longestWait},
	} {
		now = now.Add(step.after)
		if got := l.look(now, step.moved); got != step.want {
			t.Errorf("%v later, moved %t: the lull is %v long, want %v", step.after, step.moved, got, step.want)
		}
	}
}
