package devices

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// nearEnd is how many percent a cover or a valve may be away from its end and still have reached it: few are calibrated to the percent.
const nearEnd = 3

// weigh looks what a report means to the commands that are on their way. It confirms one that is fulfilled, gives one more time that the
// device says it is doing, and less to one of which it says that it has failed. A report of another value is no refusal: a lamp passes
// through other values on its way. news says that the report is live, and not a repetition.
func (t *Twin) weigh(now time.Time, ref Ref, p *Property, v Value, news bool) []Event {
	var events []Event
	for _, o := range slices.Clone(t.orders) {
		switch {
		case o.Ref != ref && !t.bearsOn(ref, o.Ref):
		case t.fulfilled(o.Command, ref, p, v):
			if o.Status == Sent {
				events = append(events, t.end(now, o.ID, Confirmed, "")...)
			} else if o.out {
				live := t.order(o.ID)
				live.said, live.reason = true, ""
			}
		case o.Status != Sent || !news:
		case t.underWay(o.Command, ref, v):
			t.order(o.ID).extend(now, t.kind(ref))
		case o.Ref == ref:
			t.order(o.ID).doubt(now, t.failed(ref, v))
		}
	}
	return events
}

// fulfilled says whether a report of the property that ref names, which p is, makes true what a command wants.
func (t *Twin) fulfilled(c Command, ref Ref, p *Property, v Value) bool {
	if p.Momentary { // an answer
		return c.Ref == ref && p.Same(c.Value, v)
	}
	return t.says(c, ref)
}

// saidSo says whether what the device reported before it is told is what a command wants already, and still worth something. A cover that
// moves is not where it says, and what is on its way to somewhere else does not stay where it is.
func (t *Twin) saidSo(c Command) bool {
	if !t.says(c, Ref{}) {
		return false
	}
	if s := t.states[c.Ref]; !s.target.IsZero() && !s.property.Same(c.Value, s.target) {
		return false
	}
	if c.Property == Position {
		if s := t.states[Ref{c.Component, State}]; s != nil && s.reported && moving(s.reading.Value.Text()) {
			return false
		}
	}
	return true
}

// says says whether the device's reports, taken together, are what a command wants. Of what is stale only the property that fresh names
// counts, which has been reported just now.
//
//   - A brightness or a speed of 0 is also reached when the light or fan says that it is off: most then report no 0, and
//     keep the level for the next time. Any other level is not reached as long as it says that it is off.
//   - A cover or a valve with a position is open or closed when its position says so, too: "open" is also what it says when it is open in
//     part, and many report what they were told last. Without a position its word must do.
func (t *Twin) says(c Command, fresh Ref) bool {
	live := func(ref Ref) bool { return ref == fresh || !t.states[ref].stale }
	if power, ok := t.powerOf(c.Ref); ok && t.states[power].reading.Value == BoolValue(false) {
		return c.Value.Float() == 0 && (live(power) || t.same(c) && live(c.Ref))
	}
	if !t.same(c) || !live(c.Ref) {
		return false
	}
	if at, end, ok := t.endOf(c); ok {
		return live(at) && math.Abs(t.states[at].reading.Value.Float()-end) <= nearEnd
	}
	return true
}

// same says whether the last report of the property itself is what a command wants.
func (t *Twin) same(c Command) bool {
	s := t.states[c.Ref]
	return s != nil && s.reported && s.property.Same(c.Value, s.reading.Value)
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

// endOf is the position that a cover or a valve has when it is what a command wants, if it has ever reported one.
func (t *Twin) endOf(c Command) (at Ref, end float64, ok bool) {
	at = Ref{c.Component, Position}
	if s := t.states[at]; c.Property != State || !t.travels(c.Ref) || s == nil || !s.reported || !number(s.property) {
		return at, 0, false
	}
	switch c.Value.Text() {
	case "open":
		return at, 100, true
	case "closed":
		return at, 0, true
	}
	return at, 0, false
}

// bearsOn says whether a report of one property may fulfil a command to another one of the component.
func (t *Twin) bearsOn(reported, told Ref) bool {
	if power, ok := t.powerOf(told); ok && power == reported {
		return true
	}
	return told.Component == reported.Component && told.Property == State && reported.Property == Position && t.travels(told)
}

// opposes says whether a newer command makes an older one of the same component void: a cover goes to one place, and a light that is to be
// off is not to be dimmed.
func (t *Twin) opposes(newer, older Command) bool {
	if newer.Component != older.Component || newer.Ref == older.Ref {
		return newer.Ref == older.Ref
	}
	if place := []string{State, Position}; slices.Contains(place, older.Property) && t.travels(older.Ref) {
		return slices.Contains(place, newer.Property) || newer.Property == Stop
	}
	if power, ok := t.powerOf(older.Ref); ok && power == newer.Ref {
		return newer.Value.Bool() != (older.Value.Float() > 0)
	}
	if power, ok := t.powerOf(newer.Ref); ok && power == older.Ref {
		return older.Value.Bool() != (newer.Value.Float() > 0)
	}
	return false
}

// missing says, for people, why a command is not fulfilled whose value the device has reported.
func (t *Twin) missing(c Command) string {
	if power, ok := t.powerOf(c.Ref); ok && c.Value.Float() > 0 && t.states[power].reading.Value == BoolValue(false) {
		return "it says so, but it is off"
	}
	if at, end, ok := t.endOf(c); ok && math.Abs(t.states[at].reading.Value.Float()-end) > nearEnd {
		return fmt.Sprintf("it says so, but its position is %s %%", t.states[at].reading.Value)
	}
	return "its last one is older than the command"
}

func (t *Twin) kind(ref Ref) Kind {
	if c := t.device.Component(ref.Component); c != nil {
		return c.Kind
	}
	return Other
}

func (t *Twin) travels(ref Ref) bool { return t.kind(ref) == Cover || t.kind(ref) == Valve }
