package tasmota

import "time"

// pace is how often a device reports, whatever happens: its TelePeriod. Zero is never.
type pace struct {
	said   bool
	period time.Duration
}

// maxPeriod is the longest TelePeriod that the firmware takes, in seconds.
const maxPeriod = 3600

// read takes TelePeriod out of the object at i, and says whether it is news.
func (p *pace) read(doc document, i int) bool {
	at := doc.get(i, "TelePeriod")
	if at == 0 {
		return false
	}
	n, ok := doc[at].number()
	if !ok || n < 0 || n > maxPeriod {
		return false
	}
	next := pace{said: true, period: time.Duration(n) * time.Second}
	changed := *p != next
	*p = next
	return changed
}

// silence is how long the device keeps silent at most. One report that is missed is no harm yet, and a sleeper reports when it wakes.
func (d *device) silence() time.Duration {
	if d.pace.period == 0 || d.sleeper {
		return 0
	}
	return 2*d.pace.period + 30*time.Second
}
