package devices

import (
	"slices"
	"time"
)

// fulfils says whether a report of the property that ref names, which p is, is what a command wants. A brightness or a speed
// of 0 is also reached when the light or fan says that it is off: most then report no 0, and keep the level for the next time.
func (t *Twin) fulfils(c Command, ref Ref, p *Property, v Value) bool {
	if c.Ref == ref {
		return p.Same(c.Value, v)
	}
	power, ok := t.powerOf(c.Ref)
	return ok && power == ref && v == BoolValue(false) && c.Value.Float() == 0
}

// powerOf is the property that says whether a light or a fan is on, for its brightness or its speed.
func (t *Twin) powerOf(level Ref) (Ref, bool) {
	c := t.device.Component(level.Component)
	if c == nil || !(c.Kind == Light && level.Property == Brightness || c.Kind == Fan && level.Property == Speed) {
		return Ref{}, false
	}
	on := c.Property(On)
	return Ref{level.Component, On}, on != nil && on.Datatype == Bool
}

// confirm looks whether a report is what a command waits for. A report of another value is no refusal: a lamp passes
// through other values on its way.
func (t *Twin) confirm(now time.Time, ref Ref, p *Property, v Value) []Event {
	var events []Event
	for _, o := range slices.Clone(t.orders) {
		switch {
		case !t.fulfils(o.Command, ref, p, v):
		case o.Status == Sent:
			events = append(events, t.end(now, o.ID, Confirmed, "")...)
		case o.out:
			live := t.order(o.ID)
			live.said, live.reason = true, ""
		}
	}
	return events
}

// saidSo says whether what the device reported last is what a command wants, and is still worth something. The level of what
// is off is not, but for 0.
func (t *Twin) saidSo(c Command) bool {
	if power, ok := t.powerOf(c.Ref); ok && t.states[power].reading.Value == BoolValue(false) {
		return !t.states[power].stale && c.Value.Float() == 0
	}
	s := t.states[c.Ref]
	return s != nil && s.reported && !s.stale && s.property.Same(c.Value, s.reading.Value)
}
