package shelly

import (
	"time"

	"home.arpa/homehub/devices/internal/jsontext"
)

// rhythm is how a device lives: one on batteries sleeps most of the time, and wakes up at the latest after its period.
type rhythm struct {
	sleeps bool
	period time.Duration // 0: unknown
}

// maxPeriod is the longest period that is believed.
const maxPeriod = 14 * 24 * time.Hour

// note takes the period out of the status of the component sys.
func (r *rhythm) note(sys jsontext.Value) {
	seconds, ok := sys.Get("wakeup_period").Number()
	if !ok || seconds < 0 || seconds > maxPeriod.Seconds() {
		return
	}
	r.sleeps, r.period = seconds > 0, time.Duration(seconds)*time.Second
}

// silence is how long a sleeper keeps silent at most. One visit that is missed is no harm yet; others speak when they please.
func (r rhythm) silence() time.Duration {
	if !r.sleeps || r.period == 0 {
		return 0
	}
	return 2*r.period + time.Minute
}
