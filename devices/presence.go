package devices

import "time"

// Presence says whether a device can be reached.
type Presence string

// The states of presence. Unknown is a device of which nothing has been heard in this life of the hub and whose
// convention has not told.
const (
	Unknown Presence = "unknown"
	Online  Presence = "online"
	Offline Presence = "offline"
	// Starting is a device that is connected and has said that it is not ready yet. What it is told waits until it is.
	Starting Presence = "starting"
	// Late is a device that has been silent for longer than it ever was, or than it promised to be. It may be there all
	// the same, and what it is told is sent.
	Late Presence = "late"
	// Asleep is a device that said that it is away on purpose and will come back by itself.
	Asleep Presence = "asleep"
)

// Reach is a device's presence, since when, and why, as one plain sentence part: "its will was published",
// "keep alive of 60 s passed without a sign of life".
type Reach struct {
	Presence Presence  `json:"presence"`
	Since    time.Time `json:"since"`
	Why      string    `json:"why,omitempty"`
}

// Reached takes the device's presence as it is known to be now. The same presence as before is no event, and keeps the
// time and the reason of when it began; so does a presence that is unchanged since the hub's last life.
//
// When the device goes, commands that were sent and are not confirmed wait again, until their own deadline for waiting, unless it
// sleeps and its gateway keeps them; when it returns, Take returns them, a second later.
func (t *Twin) Reached(now time.Time, p Presence, why string) []Event {
	if p == "" {
		p = Unknown
	}
	if p == t.reach.Presence {
		return nil
	}
	since := now
	if p != Unknown && t.before.Presence != "" {
		if t.before.Presence == p && !t.before.Since.IsZero() {
			since = t.before.Since
			if t.before.Why != "" {
				why = t.before.Why
			}
		}
		t.before = Reach{}
	}
	if t.Away() && !t.kept() {
		t.back = now.Add(returnTime)
	}
	t.reach = Reach{Presence: p, Since: since, Why: why}
	events := []Event{PresenceChanged{Device: t.device.ID, Reach: t.reach}}
	if t.Away() {
		for _, s := range t.states {
			s.stale = s.stale || s.reported
		}
		return append(events, t.holdAll(now)...)
	}
	return events
}

// Explain replaces the reason of the present presence by a better one.
func (t *Twin) Explain(now time.Time, why string) []Event {
	if why == "" || why == t.reach.Why {
		return nil
	}
	t.reach.Why = why
	events := []Event{PresenceChanged{Device: t.device.ID, Reach: t.reach}}
	if t.Away() {
		events = append(events, t.holdAll(now)...)
	}
	return events
}

// Away says whether the device is known not to take what it is told: it is out of reach, or not ready.
func (t *Twin) Away() bool {
	return t.reach.Presence == Offline || t.reach.Presence == Asleep || t.reach.Presence == Starting
}

// KeptReach is the presence to keep for the next life of the hub: the present one or, as long as nothing is known in this
// life, that of the last.
func (t *Twin) KeptReach() Reach {
	if t.reach.Presence == Unknown && t.before.Presence != "" {
		return t.before
	}
	return t.reach
}

// awayNote says that and why the device is out of reach.
func (t *Twin) awayNote() string {
	note := "the device is " + string(t.reach.Presence)
	if t.reach.Why != "" {
		note += ": " + t.reach.Why
	}
	return note
}
