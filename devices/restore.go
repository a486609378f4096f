package devices

import (
	"fmt"
	"time"
)

// restartTime is how long, after a restart of the hub, commands of its last life wait for a sign of the device.
const restartTime = 30 * time.Second

// Kept is what is kept of a twin between two lives of the hub.
type Kept struct {
	Device   Device
	Joined   time.Time
	Reach    Reach
	Reported map[Ref]Reading
	Pending  []Command // oldest first
}

// Restore returns the twin of a device that was known in the hub's last life. Its presence is Unknown until something is
// heard; Reached then takes up the old Since if it turns out to be unchanged. Commands go on:
//
//   - a waiting one goes on waiting until its deadline;
//   - one that was sent and whose time is not up is sent again, since nobody knows whether the device did it, and
//     wanting a value twice does no harm;
//   - one whose time passed meanwhile has lapsed, and one that cannot be confirmed is refused, for it may have been
//     sent already.
//
// Where now is earlier than a command's creation the wall clock is not to be believed (a small computer without a
// battery boots in the past); then the command gets its whole time again.
func Restore(now time.Time, k Kept) (*Twin, []Event) {
	t := newTwin(k.Device)
	t.joined = k.Joined
	t.silent = true
	t.before = k.Reach
	t.reach = Reach{Presence: Unknown, Since: now, Why: "not heard since the hub started"}
	for ref, r := range k.Reported {
		if p := t.device.Property(ref); p != nil && !p.Momentary && p.Datatype == r.Value.Datatype() {
			if p.OffAfter > 0 {
				r.Value = BoolValue(false) // what was true for a while is over by now
			}
			s := t.states[ref]
			s.reading, s.reported = r, true
			s.stale = p.Toggles // it may have been told before the hub's last life ended
			if r.Heard.After(t.seen) {
				t.seen = r.Heard
			}
		}
	}
	var events []Event
	for _, c := range k.Pending {
		if c.Pending() {
			events = append(events, t.readopt(now, c)...)
		}
	}
	return t, events
}

// readopt takes up a command of the hub's last life; see Restore.
func (t *Twin) readopt(now time.Time, c Command) []Event {
	o := order{Command: c, patience: t.patience(c.Ref), renews: true}
	ended := func(s Status, reason string) []Event {
		o.Status, o.Reason, o.Done = s, reason, now
		return []Event{CommandMoved{o.Command}}
	}
	p := t.device.Property(c.Ref)
	switch {
	case p == nil:
		return ended(Refused, fmt.Sprintf("the device no longer has %s", c.Ref))
	case p.Check(c.Value) != nil:
		return ended(Refused, "the device has changed: "+p.Check(c.Value).Error())
	case !p.Confirmable():
		return ended(Refused, "the hub was restarted and does not know whether it was sent")
	}
	// Adding to now, rather than taking the kept time, puts the deadline on the monotonic clock.
	left := c.Deadline.Sub(now)
	if now.Before(c.Created) {
		left = c.Deadline.Sub(c.Created)
	}
	if left <= 0 {
		return ended(Lapsed, "its time ran out while the hub was not running")
	}
	o.until = now.Add(left)
	if c.Status == Sent {
		o.patience = max(left, t.patience(c.Ref)-t.sleep())
		o.until = now.Add(max(left, DefaultAwait-max(0, now.Sub(c.Created))))
		o.Reason = "the hub was restarted; it is sent again"
	}
	o.Status, o.Deadline, o.SentAt, o.after = Waiting, o.until, time.Time{}, now.Add(restartTime)
	t.orders = append(t.orders, o)
	if c.Status == Waiting {
		return nil
	}
	return []Event{CommandMoved{o.Command}}
}
