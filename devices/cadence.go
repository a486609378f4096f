package devices

import (
	"slices"
	"time"
)

const (
	// gaps is how many pauses between two signs of a device are remembered.
	gaps = 24
	// shortGap is what counts as one sign: several messages of one report.
	shortGap = 2 * time.Second
	// steady is how much longer than the median the longest pause may be, and how much shorter the shortest, for a device to
	// count as regular.
	steady = 2.5
	// leastSilence is the shortest silence that is worth a word, however often a device speaks.
	leastSilence = time.Minute
	// watched is how long a device that speaks when it pleases is watched before its silence is judged.
	watched = 48 * time.Hour
)

// Cadence learns how often a device speaks. It is a rule: it takes the time as an argument. The zero value knows nothing.
//
// A device that speaks regularly is missed after three times its usual pause. One that speaks when something happens is missed only when
// it has been watched for two days and is silent for twice as long as it ever was: a door that nobody opens at night is no
// broken one.
type Cadence struct {
	first, last time.Time
	pauses      [gaps]time.Duration // the newest ones
	count       int                 // how many there were
	longest     time.Duration       // of all
}

// Heard notes a sign of the device.
func (c *Cadence) Heard(now time.Time) {
	if c.first.IsZero() {
		c.first = now
	}
	if c.last.IsZero() {
		c.last = now
		return
	}
	pause := now.Sub(c.last)
	if pause < shortGap {
		return
	}
	c.last = now
	c.pauses[c.count%gaps] = pause
	c.count++
	c.longest = max(c.longest, pause)
}

// Paused forgets when the device was heard last, because it was known to be away: the pause until it speaks again says nothing.
func (c *Cadence) Paused() { c.last = time.Time{} }

// Limit is the longest silence that is like the device; zero as long as too little is known.
func (c *Cadence) Limit() time.Duration {
	if c.count < gaps/2 {
		return 0
	}
	recent := slices.Clone(c.pauses[:min(c.count, gaps)])
	slices.Sort(recent)
	median := recent[len(recent)/2]
	if float64(recent[len(recent)-1]) <= steady*float64(median) && float64(recent[0])*steady >= float64(median) {
		return max(3*median, leastSilence)
	}
	if c.last.Sub(c.first) < watched {
		return 0
	}
	return max(2*c.longest, time.Hour)
}
