package devices

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Twin is all that the hub knows of one device now: its description, its presence since when and why, what it reported,
// what is wanted of it, and the commands that may still move. Its methods are rules: they take the time as an argument,
// touch nothing outside, and return what happened as events, in order. A Twin is not safe for concurrent use.
//
// The times that it is given should carry Go's monotonic reading, so that deadlines do not move with the wall clock.
type Twin struct {
	device Device
	reach  Reach
	before Reach     // the presence that was known in the hub's last life; zero once it is known again
	back   time.Time // when commands go out again after the device's return
	silent bool      // nothing has been heard live since the hub was restarted
	joined time.Time
	seen   time.Time
	states map[Ref]*state // of each of its properties
	orders []order        // oldest first
	// fresh is when each property that Expires was last reported, expired are those that have not been for too long.
	fresh   map[Ref]time.Time
	expired map[Ref]bool
	offAt   map[Ref]time.Time // when what OffAfter is about becomes false by itself
	events  []Event           // reused by Report
}

// state is what is known of one property. One look finds all of it, since most of what a hub does is taking values.
type state struct {
	property *Property
	reading  Reading // its last one, if reported is set
	reported bool
	// stale says that the last report says little about now: the device was away since, or was told something else since.
	stale  bool
	target Value // what the device says the property is on its way to; zero: nothing
}

// Join returns the twin of a device that is seen for the first time.
func Join(now time.Time, d Device) (*Twin, []Event) {
	t := newTwin(d)
	t.joined = now
	t.reach = Reach{Presence: Unknown, Since: now}
	return t, []Event{Joined{Device: t.device.Clone()}}
}

func newTwin(d Device) *Twin {
	d = d.Clone()
	d.Sort()
	t := &Twin{}
	t.describe(d)
	return t
}

// describe makes d the description, and keeps what is known of the properties that are still there with the type that they had.
func (t *Twin) describe(d Device) {
	t.device = d
	old := t.states
	t.states = make(map[Ref]*state, len(old))
	for i := range d.Components {
		c := &d.Components[i]
		for j := range c.Properties {
			p := &c.Properties[j]
			ref := Ref{c.ID, p.ID}
			s := old[ref]
			if s == nil || s.property.Datatype != p.Datatype {
				s = &state{}
			}
			s.property = p
			t.states[ref] = s
		}
	}
}

// Device returns the description. Nobody may write to its slices.
func (t *Twin) Device() Device { return t.device }

// Property returns the property that ref names, or nil. Nobody may write to it.
func (t *Twin) Property(ref Ref) *Property {
	if s := t.states[ref]; s != nil {
		return s.property
	}
	return nil
}

// Reach is the device's presence, since when and why.
func (t *Twin) Reach() Reach { return t.reach }

// Joined is when the hub saw the device first.
func (t *Twin) Joined() time.Time { return t.joined }

// LastSeen is when the hub last heard from the device, zero if never.
func (t *Twin) LastSeen() time.Time { return t.seen }

// Reported returns the last reading of each property that has one: its value, and when that value was first heard.
// The map is a copy.
func (t *Twin) Reported() map[Ref]Reading {
	reported := make(map[Ref]Reading, len(t.states))
	for ref, s := range t.states {
		if s.reported {
			reported[ref] = s.reading
		}
	}
	return reported
}

// Reading returns the last reading of one property.
func (t *Twin) Reading(ref Ref) (Reading, bool) {
	if s := t.states[ref]; s != nil && s.reported {
		return s.reading, true
	}
	return Reading{}, false
}

// Targets returns what the device says it is on its way to. The map is a copy.
func (t *Twin) Targets() map[Ref]Value {
	targets := map[Ref]Value{}
	for ref, s := range t.states {
		if !s.target.IsZero() {
			targets[ref] = s.target
		}
	}
	return targets
}

// Wanted is what the property is meant to become: the value of the newest pending command, else what the device says it is
// on its way to; the zero Value when it is not meant to change.
func (t *Twin) Wanted(ref Ref) Value {
	for i := len(t.orders) - 1; i >= 0; i-- {
		if t.orders[i].Ref == ref {
			return t.orders[i].Value
		}
	}
	if s := t.states[ref]; s != nil {
		return s.target
	}
	return Value{}
}

// Describe takes a device's new description; its ID must be the same. What was known of properties that are gone, or that
// changed their type, is dropped, and commands that no longer fit are refused. The same description again is no event.
func (t *Twin) Describe(now time.Time, d Device) []Event {
	d = d.Clone()
	d.Sort()
	if d.Equal(t.device) {
		return nil
	}
	t.describe(d)
	events := []Event{Changed{Device: d.Clone()}}
	for _, o := range slices.Clone(t.orders) {
		p := d.Property(o.Ref)
		switch {
		case p == nil:
			events = append(events, t.end(now, o.ID, Refused, fmt.Sprintf("the device no longer has %s", o.Ref))...)
		case p.Check(o.Value) != nil:
			events = append(events, t.end(now, o.ID, Refused, "the device has changed: "+p.Check(o.Value).Error())...)
		}
	}
	return events
}

// Heard notes that something was heard live from the device just now. With the first sign after a restart of the hub, commands that
// were sent before it and are not confirmed wait to be sent again, since perhaps nobody was there to get them.
func (t *Twin) Heard(now time.Time) []Event {
	t.seen = now
	if !t.silent {
		return nil
	}
	t.silent, t.back = false, now.Add(returnTime)
	var events []Event
	for i := range t.orders {
		if o := &t.orders[i]; o.Status == Sent {
			events = append(events, t.hold(o, "it was sent before the device was there; it is sent again")...)
		}
	}
	return events
}

// Report takes a value that the device reported. A repetition of what is known is no event (unless the property Repeats), but a live one may
// confirm a command. A momentary property's report is an occurrence: always an event, never kept. Replayed says that the report is
// an old one which the broker kept: if it equals what is known it is nothing at all, and a momentary one is nothing ever.
//
// Reports of properties that the device does not have, or of another type, are ignored. The events are good until the next Report.
func (t *Twin) Report(now time.Time, ref Ref, v Value, replayed bool) []Event {
	s := t.states[ref]
	if s == nil || v.Datatype() != s.property.Datatype {
		return nil
	}
	p := s.property
	if p.Momentary {
		if replayed {
			return nil
		}
		events := []Event{Reported{Device: t.device.ID, Ref: ref, Reading: Reading{Value: v, Heard: now}, Momentary: true}}
		if p.Answers {
			events = append(events, t.weigh(now, ref, p, v, true)...)
		}
		return events
	}
	same := s.reported && s.reading.Value == v
	if p.Toggles {
		s.stale = false // what the broker kept counts: else nothing could be told before it changes
	}
	if same && replayed {
		return nil
	}
	if p.Expires > 0 && !replayed {
		t.refresh(now, ref)
	}
	if p.OffAfter > 0 {
		t.arm(now, ref, p, v, replayed)
	}
	events := t.events[:0]
	if !same || p.Repeats {
		s.reading, s.reported = Reading{Value: v, Heard: now}, true
		events = append(events, Reported{Device: t.device.ID, Ref: ref, Reading: s.reading})
	}
	if !replayed {
		s.stale = false
	}
	if !s.target.IsZero() && p.Same(s.target, v) {
		s.target = Value{}
	}
	if len(t.orders) > 0 {
		events = append(events, t.weigh(now, ref, p, v, !same && !replayed)...)
	}
	t.events = events
	return events
}

// Ready says that the device listens: what waits for it need not wait for it to settle.
func (t *Twin) Ready(now time.Time) {
	if t.back.After(now) {
		t.back = now
	}
}

// Target takes a value that the device says it has accepted and is on its way to; the zero Value, or the one that it has
// already, says that it has arrived. It returns whether that changed anything.
func (t *Twin) Target(ref Ref, v Value) (changed bool) {
	s := t.states[ref]
	if s == nil || !v.IsZero() && v.Datatype() != s.property.Datatype {
		return false
	}
	if s.reported && s.property.Same(v, s.reading.Value) {
		v = Value{}
	}
	changed = s.target != v
	s.target = v
	return changed
}

// Leave ends the twin: what is pending is refused for this reason, and the device has left.
func (t *Twin) Leave(now time.Time, reason string) []Event {
	var events []Event
	for _, o := range slices.Clone(t.orders) {
		events = append(events, t.end(now, o.ID, Refused, reason)...)
	}
	return append(events, Left{Device: t.device.ID, At: now})
}

// Span spells a duration for people: 10 s, 90 s, 5 min, 1 h.
func Span(d time.Duration) string {
	switch {
	case d >= 2*time.Hour, d == time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Hours()), ".0") + " h"
	case d > 90*time.Second:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Minutes()), ".0") + " min"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
}
