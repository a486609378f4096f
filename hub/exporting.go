package hub

import (
	"maps"
	"slices"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// describe exports all that is known of a device, and clears the topics that it no longer has.
func (h *Hub) describe(e *entry) {
	if h.exporter == nil {
		return
	}
	messages := h.exporter.Describe(e.view())
	clear(e.targets)
	old := e.exported
	if len(old) == 0 {
		h.rootLater()
	}
	e.exported = map[string]struct{}{}
	h.export(e, messages)
	for _, c := range e.twin.Device().Components {
		for _, p := range c.Properties {
			h.settleTarget(e, p, devices.Ref{Component: c.ID, Property: p.ID})
		}
	}
	for _, a := range h.announcers {
		h.announceBy(a, e)
	}
	h.exportWholes(e)
	for topic := range e.exported {
		delete(old, topic)
	}
	h.clear(old)
}

// exportRoot exports what stands above all devices. In an empty house it is not there.
func (h *Hub) exportRoot(up bool) {
	h.rootAt = time.Time{}
	if h.exporter == nil {
		return
	}
	messages := h.exporter.Root(slices.Sorted(maps.Keys(h.byID)), up)
	switch {
	case len(h.byID) > 0:
		h.outbox.export(messages...)
	case h.rooted:
		for _, m := range messages {
			h.outbox.export(broker.Message{Topic: m.Topic, Retain: true})
		}
	}
	h.rooted = len(h.byID) > 0
}

// rootLater has the root be exported soon, with those that have come or gone by then.
func (h *Hub) rootLater() {
	if h.rootAt.IsZero() {
		h.rootAt = time.Now().Add(grace)
	}
}

// announceBy makes a device known by one announcer, and takes back what it made before and does not make now.
func (h *Hub) announceBy(a Announcer, e *entry) {
	old := e.announced[a]
	topics := map[string]struct{}{}
	for _, m := range a.Announce(e.view()) {
		topics[m.Topic] = struct{}{}
		delete(old, m.Topic)
		h.outbox.export(m)
	}
	h.clear(old)
	if e.announced == nil {
		e.announced = map[Announcer]map[string]struct{}{}
	}
	e.announced[a] = topics
}

// repeat announces all devices once more to those who ask for it.
func (h *Hub) repeat(m broker.Message) {
	for _, a := range h.announcers {
		if m.Retain || !a.Repeat(m) {
			continue
		}
		for _, e := range h.byID {
			h.announceBy(a, e)
		}
	}
}

// exportValue exports what a property reported.
func (h *Hub) exportValue(e *entry, r devices.Reported) {
	if h.exporter == nil {
		return
	}
	if p := e.twin.Property(r.Ref); p != nil {
		h.export(e, h.exporter.Value(e.id(), *p, r.Ref, r.Value))
	}
	if _, also := e.whole[r.Component]; also {
		d := e.twin.Device()
		h.exportWhole(e, d.Component(r.Component))
	}
}

// exportWholes exports those components in one that an announcer points to so.
func (h *Hub) exportWholes(e *entry) {
	e.whole = nil
	d := e.twin.Device()
	for i := range d.Components {
		if c := &d.Components[i]; h.exportWhole(e, c) {
			if e.whole == nil {
				e.whole = map[string]struct{}{}
			}
			e.whole[c.ID] = struct{}{}
		}
	}
}

// exportWhole exports in one what a component reports, and says whether anybody takes it so.
func (h *Hub) exportWhole(e *entry, c *devices.Component) (taken bool) {
	for _, a := range h.announcers {
		if c == nil || len(e.announced[a]) == 0 {
			continue
		}
		m, ok := a.Whole(e.id(), c, func(property string) devices.Value {
			r, _ := e.twin.Reading(devices.Ref{Component: c.ID, Property: property})
			return r.Value
		})
		if ok {
			h.export(e, []broker.Message{m})
			taken = true
		}
	}
	return taken
}

// exportState exports the device's presence.
func (h *Hub) exportState(e *entry) {
	if h.exporter != nil {
		h.export(e, h.exporter.State(e.id(), e.twin.Reach()))
	}
}

// exportTarget exports what a property is meant to become, as long as that is not what it has reported.
func (h *Hub) exportTarget(e *entry, ref devices.Ref) {
	if h.exporter == nil {
		return
	}
	p := e.twin.Property(ref)
	if p == nil || p.Momentary {
		return
	}
	if wanted := h.target(e, *p, ref); e.targets[ref] != wanted {
		e.targets[ref] = wanted
		h.export(e, h.exporter.Target(e.id(), *p, ref, wanted))
	}
}

// settleTarget exports a target behind a description, which may have one that is reached already.
func (h *Hub) settleTarget(e *entry, p devices.Property, ref devices.Ref) {
	if p.Momentary {
		return
	}
	wanted := h.target(e, p, ref)
	e.targets[ref] = wanted
	for _, m := range h.exporter.Target(e.id(), p, ref, wanted) {
		if _, exported := e.exported[m.Topic]; exported || !wanted.IsZero() {
			h.export(e, []broker.Message{m})
		}
	}
}

// target is what is wanted of a property and not reported; the zero Value if nothing is.
func (h *Hub) target(e *entry, p devices.Property, ref devices.Ref) devices.Value {
	wanted := e.twin.Wanted(ref)
	if r, ok := e.twin.Reading(ref); ok && p.Same(wanted, r.Value) {
		return devices.Value{}
	}
	return wanted
}

// exportNothing clears all topics of a device.
func (h *Hub) exportNothing(e *entry) {
	if len(e.exported) > 0 {
		h.rootLater()
	}
	h.clear(e.exported)
	clear(e.exported)
	for _, topics := range e.announced {
		h.clear(topics)
	}
	clear(e.announced)
}

// export hands messages to the outbox and remembers what is retained by them.
func (h *Hub) export(e *entry, messages []broker.Message) {
	for _, m := range messages {
		switch {
		case !m.Retain:
		case len(m.Payload) == 0:
			delete(e.exported, m.Topic)
		default:
			e.exported[m.Topic] = struct{}{}
		}
	}
	h.outbox.export(messages...)
}

// clear has nothing be retained in topics.
func (h *Hub) clear(topics map[string]struct{}) {
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		h.outbox.export(broker.Message{Topic: topic, Retain: true})
	}
}

// tidying is the comparison, after the start, of what the broker has retained of the hub's exports with what belongs there.
// It is over when the broker has replayed nothing for quiet; until then the hub gets all its own topics, wishes included.
type tidying struct {
	active bool
	found  map[string]struct{}
	at     time.Time // when it is over; zero as long as the link has not come up
}

const quiet = 2 * time.Second

func (h *Hub) beginTidying(now time.Time) {
	if h.exporter == nil {
		return
	}
	h.tidy = tidying{active: true, found: map[string]struct{}{}}
	if h.linkState.Load().up {
		h.tidyLater(now)
	}
}

func (h *Hub) tidyLater(now time.Time) {
	if h.tidy.active {
		h.tidy.at = now.Add(quiet)
	}
}

func (h *Hub) endTidying() {
	for _, e := range h.byID {
		for topic := range e.exported {
			delete(h.tidy.found, topic)
		}
		for _, topics := range e.announced {
			for topic := range topics {
				delete(h.tidy.found, topic)
			}
		}
	}
	if h.rooted {
		for _, m := range h.exporter.Root(nil, true) {
			delete(h.tidy.found, m.Topic)
		}
	}
	if n := len(h.tidy.found); n > 0 {
		h.log.Info("clearing exports of devices that are gone", "topics", n)
	}
	h.clear(h.tidy.found)
	h.tidy = tidying{}
	h.outbox.do(func(l Link) {
		l.Subscribe(broker.Subscription{Filter: h.exporter.Commands(), QoS: 1})
		l.Unsubscribe(h.exporter.All())
	})
}

// takeOwn takes a message in the hub's own topics: a wish, or at the start something that the broker has retained.
func (h *Hub) takeOwn(now time.Time, m broker.Message) {
	path, text, ok := h.exporter.Wish(m)
	switch {
	case !ok:
		if h.tidy.active && m.Retain && len(m.Payload) > 0 {
			h.tidy.found[m.Topic] = struct{}{}
			h.tidyLater(now)
		}
	case m.Retain:
		// A wish that somebody had kept would come true again at every start.
		h.log.Debug("ignored a retained wish", keyTopic, m.Topic)
	default:
		h.wish(now, m, path, text)
	}
}

// wish makes a command of a wish that came by MQTT. One that cannot be is a fault of the device, where people see it.
func (h *Hub) wish(now time.Time, m broker.Message, path devices.Path, text string) {
	e, p, err := h.property(path)
	var v devices.Value
	if err == nil {
		if v, err = h.exporter.Parse(*p, text); err == nil {
			err = p.Check(v)
		}
	}
	if err == nil {
		origin := "mqtt"
		if m.Client != "" {
			origin += " " + m.Client
		}
		_, err = h.place(now, e, Request{Path: path, Value: v, Origin: origin}, nil)
	}
	if err != nil {
		h.fault(now, e, m, m.Topic, "a wish that cannot be: "+plain(err))
	}
}
