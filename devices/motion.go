package devices

import (
	"slices"
	"time"
)

const (
	// stride is how long a command goes on waiting for the end of a movement after each sign of it.
	stride = time.Minute
	// trip is the same for what says only that it has set out: a robot on its way home, an alarm that gives people time to leave.
	trip = 10 * time.Minute
	// journey is the longest time from sending to confirmation, however often the device says that it is on its way.
	journey = 15 * time.Minute
	// verdict is how long what has failed may still turn out well: a bolt on its way is neither here nor there for a moment.
	verdict = 5 * time.Second
)

// ways are the states that lead to those that can be commanded.
var ways = map[string][]string{
	"open": {"opening"}, "closed": {"closing"}, "locked": {"locking"}, "unlocked": {"unlocking"},
	"docked": {"returning"}, "disarmed": {"disarming"},
	"armed_home": armings, "armed_away": armings, "armed_night": armings, "armed_vacation": armings, "armed_custom_bypass": armings,
}

var armings = []string{"arming", "pending"}

func moving(state string) bool { return state == "opening" || state == "closing" }

// failed says whether a state is the device's word that it cannot do what it was told.
func (t *Twin) failed(ref Ref, v Value) bool {
	if ref.Property != State || v.Datatype() != Enum {
		return false
	}
	switch t.kind(ref) {
	case Lock:
		return v.Text() == "jammed"
	case Vacuum, LawnMower:
		return v.Text() == "error"
	}
	return false
}

// underWay says whether a new report of the property that ref names shows that the device does what a command wants.
func (t *Twin) underWay(c Command, ref Ref, v Value) bool {
	switch ref.Property {
	case State:
		return c.Ref == ref && v.Datatype() == Enum && slices.Contains(ways[c.Value.Text()], v.Text())
	case Position:
		return t.travels(ref)
	}
	return false
}

// extend gives a command more time, because the device is on its way. Who asked for a time of his own gets that.
func (o *order) extend(now time.Time, k Kind) {
	more := stride
	if k == Alarm || k == Vacuum || k == LawnMower {
		more = trip
	}
	until := now.Add(more)
	if last := o.SentAt.Add(journey); until.After(last) {
		until = last
	}
	if o.renews && until.After(o.Deadline) {
		o.Deadline = until
	}
}

// doubt ends the waiting soon once the device has said that it failed, and not before its time if it has thought better of it.
func (o *order) doubt(now time.Time, failed bool) {
	if soon := now.Add(verdict); failed && soon.Before(o.Deadline) {
		o.Deadline = soon
	}
	if whole := o.SentAt.Add(o.patience); !failed && whole.After(o.Deadline) {
		o.Deadline = whole
	}
}
