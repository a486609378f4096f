package devices

import (
	"fmt"
	"slices"
	"time"
)

// returnTime is how long commands wait after a device has come back: most devices publish that they are there a moment before they
// subscribe to their commands.
const returnTime = time.Second

// DefaultAwait is how long a command waits for a device that is away when nothing else was said.
const DefaultAwait = time.Hour

// order is a command that may still move, with what only the twin needs to know.
type order struct {
	Command
	// patience is the time from sending to confirmation, which renews when the device says that it is on its way, unless somebody
	// asked for it; until is when waiting for an absent device ends.
	patience time.Duration
	renews   bool
	until    time.Time
	// out: it was handed out for sending, and nobody has yet said what came of it.
	out bool
	// said: what confirms it was there before the news of its sending: the device was quick, or had said so already.
	said   bool
	reason string // why it is confirmed, if said
	// blind: it is not known what the property is, which Toggles.
	blind bool
	// after is when it is sent although the device has not been heard since the restart.
	after time.Time
}

// Add takes a new command. Its ID, Device, Ref, Value, Origin and Created are the caller's, its status becomes the twin's.
// The value has passed Property.Check. patience is the time from sending to confirmation, await the longest time that it
// waits for a device that is away; zero means Patience and DefaultAwait.
//
// An older pending command to the same property is superseded, even if it wants the same value, and one to another property that
// cannot come true beside the new one. What cannot be confirmed is never queued: with the device away it is refused at once, and it
// supersedes none of its own kind, since pressing a button twice is not pressing it once.
func (t *Twin) Add(now time.Time, c Command, patience, await time.Duration) []Event {
	p := t.device.Property(c.Ref)
	if p == nil {
		c.Status, c.Reason, c.Done, c.Deadline = Refused, fmt.Sprintf("the device has no %s", c.Ref), now, now
		return []Event{CommandMoved{c}}
	}
	renews := patience <= 0
	if renews {
		patience = t.patience(c.Ref)
	}
	if await <= 0 {
		await = DefaultAwait
	}
	o := order{Command: c, patience: patience, renews: renews, until: now.Add(await)}
	o.Status, o.Deadline, o.Done = Waiting, o.until, time.Time{}
	if t.Away() && !t.kept() {
		o.Reason = t.awayNote()
	}
	if !p.Confirmable() {
		if t.Away() {
			o.Status, o.Done = Refused, now
			o.Reason = t.awayNote() + "; what it cannot confirm is not kept for later"
			return []Event{CommandMoved{o.Command}}
		}
	}
	events := t.supersede(now, c, p)
	t.orders = append(t.orders, o)
	return append(events, CommandMoved{o.Command})
}

// supersede ends the commands that a newer one to the property p makes void.
func (t *Twin) supersede(now time.Time, c Command, p *Property) []Event {
	var events []Event
	for _, old := range slices.Clone(t.orders) {
		reason := fmt.Sprintf("a newer command wants %s", c.Value)
		switch {
		case !t.opposes(c, old.Command) || old.Ref == c.Ref && !p.Confirmable():
			continue
		case c.Property == Stop:
			reason = "it was told to stop"
		case old.Ref != c.Ref:
			reason = fmt.Sprintf("a newer command wants %s to be %s", c.Ref, c.Value)
			if old.out || old.Status == Sent { // what it has done to this property is not known yet
				t.states[c.Ref].stale = true
			}
		}
		events = append(events, t.end(now, old.ID, Superseded, reason)...)
	}
	return events
}

// Pending returns the commands that may still move, oldest first.
func (t *Twin) Pending() []Command {
	if len(t.orders) == 0 {
		return nil
	}
	list := make([]Command, len(t.orders))
	for i, o := range t.orders {
		list[i] = o.Command
	}
	return list
}

// Waits says whether a command waits to be sent.
func (t *Twin) Waits() bool {
	return slices.ContainsFunc(t.orders, func(o order) bool { return o.Status == Waiting && !o.out })
}

// Take returns the waiting commands that can be sent now, oldest first, and notes that they are on their way: each must
// come back by Sent, Hold or Refuse. Nothing can be sent to a device that is away, unless its gateway keeps it; one that has just come
// back gets a second to settle. One that has not been heard is tried; but commands from before a restart of the hub wait half a minute
// for a sign of it, since a broker that was restarted, too, has nobody connected at first.
func (t *Twin) Take(now time.Time) []Command {
	var list []Command
	for i := range t.orders {
		o := &t.orders[i]
		if o.out || o.Status != Waiting || t.Away() && !t.kept() || now.Before(t.ready(o)) {
			continue
		}
		o.out, o.said, o.reason = true, false, ""
		// The value may be what the device said last. Then it will perhaps not say it again, so its word counts if it
		// is there and has not been away, or told otherwise, since. The command is sent all the same, since it does no harm; but see Spare.
		if s := t.states[o.Ref]; s != nil && s.property.Confirmable() {
			o.said = t.reach.Presence == Online && t.saidSo(o.Command)
			o.blind = s.property.Toggles && (!s.reported || s.stale || t.reach.Presence != Online)
			if o.said {
				o.reason = "the device had said so already"
			} else if !s.property.Toggles {
				s.stale = true
			}
		}
		list = append(list, o.Command)
	}
	return list
}

// Spare ends a command that was taken and is not to be sent, because the property Toggles: it is what is wanted already, or nobody knows
// what it is. It returns nothing for all others.
func (t *Twin) Spare(now time.Time, id string) []Event {
	o := t.order(id)
	if o == nil {
		return nil
	}
	if p := t.Property(o.Ref); p == nil || !p.Toggles {
		return nil
	}
	switch {
	case o.said:
		return t.end(now, id, Confirmed, o.reason)
	case o.blind:
		return t.end(now, id, Refused, "it can only be told to change over, and has not said yet how it is")
	}
	return nil
}

// ready is the earliest time at which a waiting command can be sent, as far as is known.
func (t *Twin) ready(o *order) time.Time {
	if t.silent {
		return o.after
	}
	return t.back
}

// Sent takes the news that a command was sent. From here its time for confirmation, or an answer, runs. What has neither ends
// as Sent. A command that is no longer pending is ignored: it was superseded on its way.
func (t *Twin) Sent(now time.Time, id string) []Event {
	o := t.order(id)
	if o == nil || o.Status == Sent {
		return nil
	}
	o.out = false
	o.SentAt = now
	p := t.device.Property(o.Ref)
	switch {
	case p == nil || !p.Confirmable() && !p.Answers:
		o.Deadline = now
		return t.end(now, id, Sent, "")
	case o.said:
		o.Deadline = now.Add(o.patience)
		return t.end(now, id, Confirmed, o.reason)
	case t.Away() && !p.Confirmable():
		return t.end(now, id, Refused, t.awayNote())
	case t.Away() && !t.kept():
		return t.hold(o, t.awayNote())
	}
	if p.Toggles {
		t.states[o.Ref].stale = true
	}
	o.Status, o.Reason, o.Deadline = Sent, "", now.Add(o.patience)
	if t.device.Wakes > 0 {
		o.Reason = "waits for the device to wake up"
	}
	return []Event{CommandMoved{o.Command}}
}

// kept says whether the device's gateway keeps what it is told while it sleeps.
func (t *Twin) kept() bool { return t.reach.Presence == Asleep && t.device.Wakes > 0 }

// sleep is for how long at most the device sleeps while its gateway keeps what it is told.
func (t *Twin) sleep() time.Duration { return time.Duration(t.device.Wakes * float64(time.Second)) }

// Hold takes back a command that could not be sent for a reason that will pass, such as a link that is down. It waits and is
// taken again; what cannot be confirmed is refused.
func (t *Twin) Hold(now time.Time, id, reason string) []Event {
	o := t.order(id)
	if o == nil {
		return nil
	}
	if p := t.device.Property(o.Ref); p == nil || !p.Confirmable() {
		return t.end(now, id, Refused, reason+"; what it cannot confirm is not kept for later")
	}
	return t.hold(o, reason)
}

// Refuse ends a command that cannot be sent.
func (t *Twin) Refuse(now time.Time, id, reason string) []Event {
	return t.end(now, id, Refused, reason)
}

// Refused takes the device's word that it will not do what it was told: the newest command to the property that was sent, or
// to any property if ref is empty.
func (t *Twin) Refused(now time.Time, ref Ref, reason string) []Event {
	for i := len(t.orders) - 1; i >= 0; i-- {
		if o := &t.orders[i]; (ref == Ref{} || o.Ref == ref) && (o.Status == Sent || o.out) {
			return t.end(now, o.ID, Refused, reason)
		}
	}
	return nil
}

// Next is the next time at which Expire or Take will have something to do if nothing happens before; ok is false when there
// is nothing to wait for.
func (t *Twin) Next(now time.Time) (at time.Time, ok bool) {
	earlier := func(t time.Time) {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	for _, off := range t.offAt {
		earlier(off)
	}
	for i := range t.orders {
		o := &t.orders[i]
		earlier(o.Deadline)
		if ready := t.ready(o); o.Status == Waiting && !o.out && (!t.Away() || t.kept()) && now.Before(ready) {
			earlier(ready)
		}
	}
	return at, ok
}

// Expire lets the commands lapse whose deadline has come (those of which the device says that it has failed are refused), and makes false what was true for its time (Property.OffAfter).
func (t *Twin) Expire(now time.Time) []Event {
	events := t.expireOffs(now)
	for _, o := range slices.Clone(t.orders) {
		if !now.Before(o.Deadline) {
			status, reason := Lapsed, t.lapse(o)
			if s := t.states[o.Ref]; o.Status == Sent && s != nil && !s.stale && t.failed(o.Ref, s.reading.Value) {
				status, reason = Refused, fmt.Sprintf("it says %q", s.reading.Value.Text())
			}
			events = append(events, t.end(now, o.ID, status, reason)...)
		}
	}
	return events
}

// lapse says why a command lapsed.
func (t *Twin) lapse(o order) string {
	if o.Status == Waiting {
		waited := Span(o.until.Sub(o.Created).Round(time.Second / 10))
		switch {
		case t.Away() && !t.kept():
			return fmt.Sprintf("waited %s, but %s", waited, t.awayNote())
		case o.Reason != "":
			return fmt.Sprintf("could not be sent within %s: %s", waited, o.Reason)
		}
		return fmt.Sprintf("could not be sent within %s", waited)
	}
	if p := t.device.Property(o.Ref); p != nil && p.Answers {
		return fmt.Sprintf("no answer within %s", Span(o.patience))
	}
	reason := fmt.Sprintf("no report of %s within %s", o.Value, Span(o.Deadline.Sub(o.SentAt).Round(time.Second/10)))
	s := t.states[o.Ref]
	switch {
	case s == nil || !s.reported:
		return reason + "; it has not reported any value"
	case s.property.Same(o.Value, s.reading.Value):
		return reason + "; " + t.missing(o.Command)
	}
	return reason + fmt.Sprintf("; it last said %s", s.reading.Value)
}

// holdAll makes what was sent and not confirmed wait again, because the device is away. What its gateway keeps goes on.
func (t *Twin) holdAll(now time.Time) []Event {
	var events []Event
	for _, o := range slices.Clone(t.orders) {
		if p := t.device.Property(o.Ref); !o.out && !(t.kept() && p != nil && p.Confirmable()) {
			events = append(events, t.Hold(now, o.ID, t.awayNote())...)
		}
	}
	return events
}

func (t *Twin) hold(o *order, reason string) []Event {
	o.out = false
	if o.Status == Waiting && o.Reason == reason {
		return nil
	}
	o.Status, o.Reason, o.Deadline = Waiting, reason, o.until
	return []Event{CommandMoved{o.Command}}
}

// end gives a command its last status and takes it off the list.
func (t *Twin) end(now time.Time, id string, s Status, reason string) []Event {
	i := slices.IndexFunc(t.orders, func(o order) bool { return o.ID == id })
	if i < 0 {
		return nil
	}
	c := t.orders[i].Command
	c.Status, c.Reason, c.Done = s, reason, now
	t.orders = slices.Delete(t.orders, i, i+1)
	return []Event{CommandMoved{c}}
}

func (t *Twin) order(id string) *order {
	for i := range t.orders {
		if t.orders[i].ID == id {
			return &t.orders[i]
		}
	}
	return nil
}

func (t *Twin) patience(ref Ref) time.Duration {
	var kind Kind
	if c := t.device.Component(ref.Component); c != nil {
		kind = c.Kind
	}
	return Patience(kind, ref.Property) + t.sleep()
}
