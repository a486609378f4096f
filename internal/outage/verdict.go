package outage

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Verdict is what the witnesses of an outage found.
type Verdict struct {
	// Sent counts new messages with QoS 1 and 2, Acknowledged those that the broker has taken over (PUBACK or PUBREC), Refused
	// those to which it said no, Received what came to subscribers.
	Sent, Acknowledged, Refused, Received int
	// RetainedSeen counts the topics at which somebody looked, WillsPublished the wills that had to be published and were,
	// WillsOwed those that still have time.
	RetainedSeen, WillsPublished, WillsOwed int
	// DuplicatedQoS1 counts what came more than once, as it may with QoS 1.
	DuplicatedQoS1 int

	// Lost counts messages that were acknowledged and did not reach one of those to whom they were promised.
	Lost int
	// Reordered counts messages that came the first time after a later one of the same topic, and redeliveries out of order.
	Reordered int
	// DuplicatedQoS2 counts messages that came more than once although publisher and subscriber use QoS 2.
	DuplicatedQoS2 int
	// Unmarked counts redeliveries that were not marked as such, Forgotten what had not been acknowledged by its subscriber
	// and did not come again, under the same packet identifier.
	Unmarked, Forgotten int
	// Stale counts what came again although its subscriber had acknowledged it long before.
	Stale int
	// SessionsLost counts clients that were told that the broker has no session of theirs.
	SessionsLost int
	// RetainedWrong counts retained messages that are missing, too old, or should have been gone.
	RetainedWrong int
	// WillsMissing counts wills that were not published, WillsSpurious those that should not have been.
	WillsMissing, WillsSpurious int
	// Strange counts everything else that a broker must not do.
	Strange int

	// Back is how long it took, each time, from the start of the program to the first message that it acknowledged.
	Back []time.Duration
	// Faults describe the violations, the first ones only.
	Faults []string
}

// Violations counts the promises that were broken.
func (v Verdict) Violations() int {
	return v.Lost + v.Reordered + v.DuplicatedQoS2 + v.Unmarked + v.Forgotten + v.Stale + v.SessionsLost + v.RetainedWrong + v.WillsMissing +
		v.WillsSpurious + v.Strange
}

// String is the verdict on one line, and a line for each fault that is described.
func (v Verdict) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d acknowledged of %d sent (%d refused), %d received; lost %d, reordered %d, duplicated at QoS 2 %d (at QoS 1 %d), "+
		"unmarked %d, forgotten %d, stale %d, sessions lost %d, retained wrong %d of %d, wills published %d, missing %d, spurious %d, owed %d, strange %d",
		v.Acknowledged, v.Sent, v.Refused, v.Received, v.Lost, v.Reordered, v.DuplicatedQoS2, v.DuplicatedQoS1,
		v.Unmarked, v.Forgotten, v.Stale, v.SessionsLost, v.RetainedWrong, v.RetainedSeen, v.WillsPublished, v.WillsMissing, v.WillsSpurious, v.WillsOwed, v.Strange)
	if len(v.Back) > 0 {
		fmt.Fprintf(&b, "; back within %s", slices.Max(v.Back).Round(time.Millisecond))
	}
	for _, fault := range v.Faults {
		b.WriteString("\n  " + fault)
	}
	return b.String()
}

// Stage says which wills have had their time when a verdict is given.
type Stage int

const (
	// Midway is when none has; those that have not come are owed.
	Midway Stage = iota
	// AfterDelays is when those of clients that went while the broker lived have.
	AfterDelays
	// AfterGrace is when all have, those of clients that did not come back after an outage, too.
	AfterGrace
)

// Judge gives the verdict at a moment when everybody is connected and nothing is on its way.
func (l *Ledger) Judge(stage Stage) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.counts
	l.counts.Faults = slices.Clone(before.Faults)
	l.missing(func(who, topic string, number uint64) {
		l.fault(&l.counts.Lost, "%s did not get message %d of %s, which was acknowledged", who, number, topic)
	})
	l.forgotten(func(who string, d *delivery) {
		l.fault(&l.counts.Forgotten, "%s did not get message %d of %s again, which it has not acknowledged", who, d.number, d.stream.topic)
	})
	for _, w := range l.wills {
		switch {
		case !w.owed():
		case stage == AfterGrace, stage == AfterDelays && w.soon:
			l.fault(&l.counts.WillsMissing, "the will of %s was not published", w.client)
		default:
			l.counts.WillsOwed++
		}
	}
	v := l.counts
	v.Back = slices.Clone(v.Back)
	l.counts = before
	return v
}

func (w *testament) owed() bool { return w.state == deceased && w.times == 0 }

// owed counts the wills that would be missing at a stage.
func (l *Ledger) owed(stage Stage) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.wills {
		if w.owed() && (stage == AfterGrace || stage == AfterDelays && w.soon) {
			n++
		}
	}
	return n
}

// progress is what a verdict still waits for: messages that are acknowledged and have not come, or that have come and are not
// acknowledged by their subscribers; and how much has happened so far.
func (l *Ledger) progress() (missing, events int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missing(func(string, string, uint64) { missing++ })
	l.forgotten(func(string, *delivery) { missing++ })
	for _, r := range l.readers {
		for _, d := range r.open {
			if d.again {
				missing++
			}
		}
	}
	return missing, l.counts.Received + l.counts.Acknowledged
}

// back writes down how long it took until something was acknowledged again.
func (l *Ledger) back(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Back = append(l.counts.Back, d)
}
