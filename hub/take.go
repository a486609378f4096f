package hub

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
		h.repeat(it.message)
		h.takeMessage(now, &it)
	}
}

// takeMessage shows a message to every convention that is interested in its topic by now, and does what it means to them.
func (h *Hub) takeMessage(now time.Time, it *item) {
	by := h.filters.interested(it.message.Topic)
	for _, r := range it.reads {
		by |= 1 << r.convention
	}
	for next := 0; next < len(h.conventions); {
		next = h.apply(now, next, by, it)
	}
}

// apply does what a message means to the conventions in by, from the one with the index first on, and returns the index of the one to go
// on with. A convention that panics has not understood the message.
func (h *Hub) apply(now time.Time, first int, by uint64, it *item) (next int) {
	next = first
	inside := false
	defer func() {
		if !inside {
			return
		}
		reason := h.panicked(h.conventions[next], it.message, recover())
		h.fault(now, nil, it.message, it.message.Topic, reason)
		next++
	}()
	for ; next < len(h.conventions); next++ {
		if by>>next&1 == 0 {
			continue
		}
		var r read
		if len(it.reads) > 0 && it.reads[0].convention == next {
			r, it.reads = it.reads[0], it.reads[1:]
		}
		if r.fault != "" {
			h.fault(now, nil, it.message, it.message.Topic, r.fault)
			continue
		}
		inside = true
		u := h.conventions[next].Apply(it.message, r.parsed)
		inside = false
		joined := !u.empty() && h.update(now, next, it.message, &u)
		// The publisher's goroutine subscribes what a fresh announcement needs. That was undone, or not done, if the device
		// was removed in between.
		if subs := r.parsed.Subscribe; len(subs) > 0 && (joined && !r.fresh || h.filters.missing(next, subs)) {
			h.want(now, next, it.message, subs)
		}
	}
	return next
}

// want has what a message m announces be subscribed by the dispatcher.
func (h *Hub) want(now time.Time, convention int, m broker.Message, subs []broker.Subscription) {
	if _, full := h.filters.need(convention, m, subs); full {
		h.fault(now, nil, m, m.Topic, fmt.Sprintf("no room for what it announces: %d topics are subscribed already", maxDeclared))
		return
	}
	h.outbox.do(func(l Link) { l.Subscribe(subs...) })
}

// touched is a device that a message concerns; spoke says that it had a value for it.
type touched struct {
	*entry
	spoke bool
}

// touches are the devices that a message concerns, each once.
type touches []touched

func (t *touches) add(e *entry) *touched {
	for i := range *t {
		if (*t)[i].entry == e {
			return &(*t)[i]
		}
	}
	*t = append(*t, touched{entry: e})
	return &(*t)[len(*t)-1]
}

// update does what a message means to one convention. It says whether a device joined.
func (h *Hub) update(now time.Time, convention int, m broker.Message, u *Update) (joined bool) {
	name := h.conventions[convention].Name()
	found := touches(h.touched[:0])
	for _, a := range u.Devices {
		e, isNew := h.announce(now, convention, a)
		joined = joined || isNew
		found.add(e)
	}
	for _, key := range u.Gone {
		key := deviceKey{name, key}
		if e := h.byKey[key]; e != nil && h.gone(now, e, key) {
			found = slices.DeleteFunc(found, func(t touched) bool { return t.entry == e })
		}
	}
	for _, r := range u.Reaches {
		if e := h.byKey[deviceKey{name, r.Key}]; e != nil {
			found.add(e)
			h.reach(now, e, e.account(deviceKey{name, r.Key}), m, r.Reach)
		}
	}
	var e *entry
	var a *account
	for i := range u.Readings {
		r := &u.Readings[i]
		if key := (deviceKey{name, r.Key}); a == nil || a.key != key { // most messages have values of one device
			if e, a = h.byKey[key], nil; e == nil {
				continue
			}
			a = e.account(key)
		}
		found.add(e).spoke = true
		h.report(now, e, a, m, r)
	}
	for _, r := range u.Targets {
		key := deviceKey{name, r.Key}
		if e := h.byKey[key]; e != nil {
			found.add(e)
			if at, ok := e.account(key).place(r.Ref); ok && e.twin.Target(at, r.Value) {
				h.exportTarget(e, at)
			}
		}
	}
	for _, f := range u.Faults {
		e := h.byKey[deviceKey{name, f.Key}]
		if e != nil {
			found.add(e)
		}
		h.fault(now, e, m, f.Topic, f.Reason)
	}
	for _, r := range u.Refusals {
		key := deviceKey{name, r.Key}
		if e := h.byKey[key]; e != nil {
			found.add(e)
			if at, ok := e.account(key).place(r.Ref); ok || r.Ref == (devices.Ref{}) {
				h.emit(now, e, e.twin.Refused(now, at, r.Reason))
			}
		}
	}
	if subs := u.Subscribe; len(subs) > 0 && h.filters.missing(convention, subs) {
		h.want(now, convention, m, subs)
	}
	h.unneeded(convention, u.Unsubscribe)
	h.question(now, convention, u.Ask)
	for i := range found {
		if h.byID[found[i].id()] != found[i].entry {
			continue // it has become part of another one
		}
		if !m.Retain {
			h.heard(now, found[i].entry, m, found[i].spoke)
		}
		h.settle(now, found[i].entry)
	}
	clear(found)
	h.touched = found[:0]
	return joined
}

// report takes one value of one property.
func (h *Hub) report(now time.Time, e *entry, a *account, m broker.Message, r *Reported) {
	at, ok := a.place(r.Ref)
	if !ok {
		return
	}
	p := e.twin.Property(at)
	switch {
	case p == nil:
		h.fault(now, e, m, m.Topic, fmt.Sprintf("a value for %s, which the device does not have", r.Ref))
		return
	case p.Datatype != r.Datatype():
		v, ok := recast(r.Value, p.Datatype)
		if !ok {
			h.fault(now, e, m, m.Topic, fmt.Sprintf("a %s for %s, which is a %s", r.Datatype(), r.Ref, p.Datatype))
			return
		}
		r.Value = v
	}
	if !e.takes(a, at) {
		return
	}
	replayed := r.Replayed || m.Retain
	known := true
	if len(h.follows) > 0 {
		_, known = e.twin.Reading(at)
	}
	events := e.twin.Report(now, at, r.Value, replayed)
	if p.OffAfter > 0 && e.twin.Timed() {
		h.busy[e] = struct{}{}
	}
	for _, event := range events {
		h.emitOne(now, e, event)
		// What the property said first is not a change, and what the broker kept is old: neither makes others follow.
		if reported, ok := event.(devices.Reported); ok && !replayed && len(h.follows) > 0 && (known || reported.Momentary) {
			h.lead(now, devices.Path{Device: e.id(), Ref: at}, r.Value)
		}
	}
}

// recast makes a number of the other type, where two conventions' accounts of a property differ in that.
func recast(v devices.Value, to devices.Datatype) (devices.Value, bool) {
	switch {
	case v.Datatype() == devices.Int && to == devices.Float:
		f, err := devices.FloatValue(v.Float())
		return f, err == nil
	case v.Datatype() == devices.Float && to == devices.Int:
		return devices.IntValue(int64(math.Round(v.Float()))), math.Abs(v.Float()) < 1<<53
	}
	return devices.Value{}, false
}

// fault counts and shows a message that could not be understood. e is nil when it concerns no known device.
func (h *Hub) fault(now time.Time, e *entry, m broker.Message, topic, reason string) {
	h.counts.faults.Add(1)
	note := FaultNote{Topic: topic, Reason: reason, At: now, Count: 1}
	if topic == m.Topic {
		note.Sample = sample(m.Payload)
	}
	id := ""
	if e != nil {
		e.failed++
		e.faults = remember(e.faults, note, deviceFaults)
		id = e.id()
	} else {
		h.unclaimed = remember(h.unclaimed, note, unclaimedFaults)
	}
	if unsaid, ok := h.faultLog.allow(now); ok {
		h.log.Warn("message not understood", keyDevice, id, keyTopic, topic, keyReason, reason, "unlogged_before", unsaid)
	}
}

// plain is what an error says to people, without the kind that callers decide by.
func plain(err error) string {
	text := err.Error()
	for _, kind := range []error{ErrNotFound, ErrConflict, devices.ErrValue} {
		text = strings.TrimPrefix(text, kind.Error()+": ")
	}
	return text
}

// remember adds a fault behind the others. The same one again only counts, and moves to the end.
func remember(list []FaultNote, note FaultNote, most int) []FaultNote {
	i := slices.IndexFunc(list, func(f FaultNote) bool { return f.Topic == note.Topic && f.Reason == note.Reason })
	if i >= 0 {
		note.Count += list[i].Count
		list = slices.Delete(list, i, i+1)
	} else if len(list) >= most {
		list = slices.Delete(list, 0, len(list)-most+1)
	}
	return append(list, note)
}

// sample is the beginning of a payload, as it can be shown.
func sample(payload []byte) string {
	const most = 120
	cut := payload[:min(len(payload), most)]
	for len(cut) > 0 && len(cut) < len(payload) && !utf8.RuneStart(payload[len(cut)]) {
		cut = cut[:len(cut)-1]
	}
	s := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(string(cut), "\uFFFD"))
	if len(cut) < len(payload) {
		s += "…"
	}
	return s
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
		h.emitOne(now, e, event)
	}
}

func (h *Hub) emitOne(now time.Time, e *entry, event devices.Event) {
	switch event := event.(type) {
	case devices.Joined, devices.Changed:
		h.recorder.device(e.record(), nil)
		h.describe(e)
	case devices.Reported:
		h.samples = append(h.samples, Sample{Path: devices.Path{Device: e.id(), Ref: event.Ref}, Reading: event.Reading})
		h.exportValue(e, event)
		h.exportTarget(e, event.Ref)
	case devices.PresenceChanged:
		h.recorder.device(e.record(), nil)
		h.exportState(e)
	case devices.CommandMoved:
		h.commandMoved(e, event.Command)
	case devices.Left:
		h.keepSamples()
		h.recorder.forget(e.id(), nil)
		h.exportNothing(e)
	}
	h.feed.add(now, event)
}
