package devices

import (
	"math"
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
	// watchTime is how long a device that speaks when it pleases is watched before its silence is judged.
	watchTime = 48 * time.Hour
)

// Cadence learns how often a device speaks. It is a rule: it takes the time as an argument. The zero value knows nothing.
//
// A device that speaks regularly is missed after three times its usual pause. One that speaks when something happens is missed only when
// it has been watched for two days and is silent for twice as long as it ever was: a door that nobody opens at night is no
// broken one.
type Cadence struct {
	first, last time.Time
	watched     time.Duration       // from the first sign to the last
	pauses      [gaps]time.Duration // the newest ones
	count       int                 // how many there were
	longest     time.Duration       // of all
}

// Rhythm is what is kept of a Cadence between two lives of the hub, in whole seconds. It is small: at most 24 pauses.
type Rhythm struct {
	// Pauses are the newest pauses between two signs of the device, oldest first, Longest is the longest of all, Watched is
	// how long the device has been watched.
	Pauses  []int `json:"pauses,omitempty"`
	Longest int   `json:"longest,omitempty"`
	Watched int   `json:"watched,omitempty"`
}

// NewCadence takes up a rhythm that was kept. What cannot be one is as if nothing were known. The time that has passed since says nothing:
// nobody listened.
func NewCadence(now time.Time, r Rhythm) Cadence {
	const ever = 50 * 365 * 24 * 3600 // s; what is longer was damaged
	c := Cadence{longest: time.Duration(r.Longest) * time.Second, watched: time.Duration(r.Watched) * time.Second}
	if r.Longest < 0 || r.Longest > ever || r.Watched < 0 || r.Watched > ever {
		return Cadence{}
	}
	for _, pause := range r.Pauses[max(0, len(r.Pauses)-gaps):] {
		if pause <= 0 || pause > ever {
			return Cadence{}
		}
		c.pauses[c.count] = time.Duration(pause) * time.Second
		c.count++
	}
	c.first = now.Add(-c.watched)
	return c
}

// Rhythm is what to keep of it.
func (c *Cadence) Rhythm() Rhythm {
	seconds := func(d time.Duration) int { return int(math.Round(d.Seconds())) }
	r := Rhythm{Longest: seconds(c.longest), Watched: seconds(c.watched)}
	for i := max(0, c.count-gaps); i < c.count; i++ {
		r.Pauses = append(r.Pauses, seconds(c.pauses[i%gaps]))
	}
	return r
}

// Heard notes a sign of the device.
func (c *Cadence) Heard(now time.Time) {
	if c.first.IsZero() {
		c.first = now
	}
	c.watched = now.Sub(c.first)
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

// Watched is how long the device has been watched: from its first sign to its last.
func (c *Cadence) Watched() time.Duration { return c.watched }

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
	if c.watched < watchTime {
		return 0
	}
	return max(2*c.longest, time.Hour)
}
