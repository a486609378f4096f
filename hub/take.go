package hub

import (
	"fmt"
	"slices"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// take does what an item of the inbox asks for.
func (h *Hub) take(now time.Time, it item) {
	switch {
	case it.then != nil:
		it.then()
	case it.session != nil:
		h.takeSession(now, *it.session)
	case h.own(it.message.Topic):
		h.takeOwn(now, it.message)
	default:
		h.takeMessage(now, it)
	}
}

// takeMessage shows a message to every convention and does what it means to them.
func (h *Hub) takeMessage(now time.Time, it item) {
	next := 0
	for i, c := range h.conventions {
		var r read
		if next < len(it.reads) && it.reads[next].convention == i {
			r = it.reads[next]
			next++
		}
		if r.fault != "" {
			h.fault(now, nil, it.message.Topic, r.fault)
			continue
		}
		joined := h.update(now, i, it.message, h.apply(c, it.message, r.parsed))
		// The publisher's goroutine subscribes what a fresh announcement needs. That was undone, or not done, if the device
		// was removed in between.
		if subs := r.parsed.Subscribe; len(subs) > 0 && (joined && !r.fresh || h.filters.missing(i, subs)) {
			h.filters.need(i, it.message, subs)
			h.outbox.do(func(l Link) { l.Subscribe(subs...) })
		}
	}
}

// update does what a message means to one convention. It says whether a device joined.
func (h *Hub) update(now time.Time, convention int, m broker.Message, u Update) (joined bool) {
	name := h.conventions[convention].Name()
	var touched []*entry
	touch := func(key string) *entry {
		e := h.byKey[deviceKey{name, key}]
		if e != nil && !slices.Contains(touched, e) {
			touched = append(touched, e)
		}
		return e
	}
	for _, a := range u.Devices {
		_, isNew := h.announce(now, convention, a)
		joined = joined || isNew
		touch(a.Key)
	}
	for _, key := range u.Gone {
		if e := h.byKey[deviceKey{name, key}]; e != nil {
			h.remove(now, e)
			touched = slices.DeleteFunc(touched, func(t *entry) bool { return t == e })
		}
	}
	for _, r := range u.Reaches {
		if e := touch(r.Key); e != nil {
			e.signs.said = devices.Reach{Presence: r.Presence, Why: r.Why}
		}
	}
	for _, r := range u.Readings {
		if e := touch(r.Key); e != nil {
			h.report(now, e, m, r)
		}
	}
	for _, r := range u.Targets {
		if e := touch(r.Key); e != nil && e.twin.Target(r.Ref, r.Value) {
			h.exportTarget(e, r.Ref)
		}
	}
	for _, f := range u.Faults {
		h.fault(now, touch(f.Key), f.Topic, f.Reason)
	}
	for _, r := range u.Refusals {
		if e := touch(r.Key); e != nil {
			h.emit(now, e, e.twin.Refused(now, r.Ref, r.Reason))
		}
	}
	if subs := u.Subscribe; len(subs) > 0 && h.filters.missing(convention, subs) {
		h.filters.need(convention, m, subs)
		h.outbox.do(func(l Link) { l.Subscribe(subs...) })
	}
	h.unneeded(convention, u.Unsubscribe)
	h.question(u.Ask)
	for _, e := range touched {
		if !m.Retain {
			h.heard(now, e, m.Client, slices.ContainsFunc(u.Readings, func(r Reported) bool { return r.Key == e.key.key }))
		}
		h.settle(now, e)
	}
	return joined
}

// report takes one value of one property.
func (h *Hub) report(now time.Time, e *entry, m broker.Message, r Reported) {
	p := e.twin.Property(r.Ref)
	switch {
	case p == nil:
		h.fault(now, e, m.Topic, fmt.Sprintf("a value for %s, which the device does not have", r.Ref))
		return
	case p.Datatype != r.Datatype():
		h.fault(now, e, m.Topic, fmt.Sprintf("a %s for %s, which is a %s", r.Datatype(), r.Ref, p.Datatype))
		return
	}
	replayed := r.Replayed || m.Retain
	_, known := e.twin.Reading(r.Ref)
	for _, event := range e.twin.Report(now, r.Ref, r.Value, replayed) {
		h.emit(now, e, []devices.Event{event})
		// What the property said first is not a change, and what the broker kept is old: neither makes others follow.
		if reported, ok := event.(devices.Reported); ok && !replayed && (known || reported.Momentary) {
			h.lead(now, devices.Path{Device: e.id(), Ref: r.Ref}, r.Value)
		}
	}
}

// fault counts and shows a message that could not be understood. e is nil when it concerns no known device.
func (h *Hub) fault(now time.Time, e *entry, topic, reason string) {
	h.counts.faults.Add(1)
	note := FaultNote{Topic: topic, Reason: reason, At: now}
	id := ""
	if e != nil {
		e.faults++
		e.lastFault = &note
		id = e.id()
	} else {
		h.unclaimed = append(h.unclaimed, note)
		if len(h.unclaimed) > unclaimedFaults {
			h.unclaimed = slices.Delete(h.unclaimed, 0, len(h.unclaimed)-unclaimedFaults)
		}
	}
	if unsaid, ok := h.faultLog.allow(now); ok {
		h.log.Warn("message not understood", keyDevice, id, keyTopic, topic, keyReason, reason, "unlogged_before", unsaid)
	}
}

// logLimit lets ten lines a minute through, because a device decides how often they are written.
type logLimit struct {
	since  time.Time
	count  int
	unsaid int
}

func (l *logLimit) allow(now time.Time) (unsaid int, ok bool) {
	if now.Sub(l.since) >= time.Minute {
		l.since, l.count = now, 0
	}
	if l.count++; l.count > 10 {
		l.unsaid++
		return 0, false
	}
	unsaid, l.unsaid = l.unsaid, 0
	return unsaid, true
}

// emit tells everybody what happened to a device.
func (h *Hub) emit(now time.Time, e *entry, events []devices.Event) {
	for _, event := range events {
		switch event := event.(type) {
		case devices.Joined, devices.Changed:
			h.recorder.device(e.record(), nil)
			h.describe(e)
		case devices.Reported:
			h.recorder.sample(Sample{Path: devices.Path{Device: e.id(), Ref: event.Ref}, Reading: event.Reading})
			h.exportValue(e, event)
			h.exportTarget(e, event.Ref)
		case devices.PresenceChanged:
			h.recorder.device(e.record(), nil)
			h.exportState(e)
		case devices.CommandMoved:
			h.commandMoved(e, event.Command)
		case devices.Left:
			h.recorder.forget(e.id(), nil)
			h.exportNothing(e)
		}
		h.feed.add(now, event)
	}
}
