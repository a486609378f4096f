package hub

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// entry is a twin with what the hub needs to know of the device beside.
type entry struct {
	twin       *devices.Twin
	key        deviceKey
	convention int // its index, -1 when the hub has no such convention
	sources    []broker.Message
	nameSet    bool
	roomSet    bool
	via        string // the gateway as the convention names it
	signs      signs
	client     string // the client that publishes for it, empty when unknown

	faults    int
	lastFault *FaultNote

	exported map[string]struct{}           // the topics that are retained for it
	targets  map[devices.Ref]devices.Value // the targets that were exported
}

func (e *entry) id() string { return e.twin.Device().ID }

func newEntry(t *devices.Twin, key deviceKey, convention int) *entry {
	return &entry{
		twin: t, key: key, convention: convention,
		exported: map[string]struct{}{}, targets: map[devices.Ref]devices.Value{},
	}
}

// record is what the store keeps of it.
func (e *entry) record() Record {
	return Record{
		Device: e.twin.Device().Clone(), Key: e.key.key, Sources: slices.Clone(e.sources),
		NameSet: e.nameSet, RoomSet: e.roomSet, Reach: e.twin.KeptReach(), Joined: e.twin.Joined(),
	}
}

// view is a copy for readers.
func (e *entry) view() View {
	v := View{
		Device: e.twin.Device().Clone(), Conventions: []string{e.key.convention}, Reach: e.twin.Reach(), Joined: e.twin.Joined(), LastSeen: e.twin.LastSeen(),
		Reported: map[string]devices.Reading{}, Pending: e.twin.Pending(), Faults: e.faults,
	}
	for ref, r := range e.twin.Reported() {
		v.Reported[ref.String()] = r
	}
	for ref, t := range e.twin.Targets() {
		if v.Targets == nil {
			v.Targets = map[string]devices.Value{}
		}
		v.Targets[ref.String()] = t
	}
	if e.lastFault != nil {
		f := *e.lastFault
		v.LastFault = &f
	}
	return v
}

// settable says whether anything of the device can be commanded.
func settable(d devices.Device) bool {
	for _, c := range d.Components {
		for _, p := range c.Properties {
			if p.Settable {
				return true
			}
		}
	}
	return false
}

// announce takes a device as its convention describes it, and says whether it is new.
//
// Two conventions' views of one thing remain two devices: they have the connection or an identifier in common, and may be
// merged by that one day.
func (h *Hub) announce(now time.Time, convention int, a Announced) (e *entry, joined bool) {
	c := h.conventions[convention]
	key := deviceKey{c.Name(), a.Key}
	d := a.Device.Clone()
	d.Convention = c.Name()
	e = h.byKey[key]
	if e == nil {
		if d.Name == "" {
			d.Name = a.Key
		}
		d.ID = h.freeID(d.ID, d.Name, a.Key)
		if d.Room == "" {
			d.Room = h.guessRoom(d.Name)
		}
		d.Via = h.gateway(c.Name(), a.Device.Via, d.ID)
		twin, events := devices.Join(now, d)
		e = newEntry(twin, key, convention)
		e.sources, e.via, e.signs.told = a.Sources, a.Device.Via, a.Availability
		h.byID[d.ID], h.byKey[key] = e, e
		h.log.Info("device joined", keyDevice, d.ID, "name", d.Name, "convention", c.Name())
		h.emit(now, e, events)
		h.findGateways(now)
		return e, true
	}
	old := e.twin.Device()
	d.ID = old.ID
	if d.Name == "" || e.nameSet {
		d.Name = old.Name
	}
	if d.Room == "" || e.roomSet {
		d.Room = old.Room
	}
	e.via, e.signs.told = a.Device.Via, a.Availability
	d.Via = h.gateway(c.Name(), a.Device.Via, d.ID)
	moved := !slices.EqualFunc(e.sources, a.Sources, sameSource)
	e.sources = a.Sources
	events := e.twin.Describe(now, d)
	h.emit(now, e, events)
	if len(events) > 0 {
		h.findGateways(now)
	} else if moved {
		h.recorder.device(e.record(), nil)
	}
	return e, false
}

func sameSource(a, b broker.Message) bool {
	return a.Topic == b.Topic && string(a.Payload) == string(b.Payload)
}

// freeID makes an ID of the first of the words that gives one, with a number behind it if it is taken.
func (h *Hub) freeID(words ...string) string {
	base := "device"
	for _, w := range words {
		if s := devices.Slug(w); s != "" {
			base = s
			break
		}
	}
	id := base
	for n := 2; h.byID[id] != nil; n++ {
		suffix := fmt.Sprintf("-%d", n)
		id = strings.TrimRight(base[:min(len(base), 64-len(suffix))], "-") + suffix
	}
	return id
}

// gateway finds the ID of the device that a convention names by a key of its own or by an identifier; empty as long as
// there is none.
func (h *Hub) gateway(convention, via, self string) string {
	if via == "" {
		return ""
	}
	if e := h.byKey[deviceKey{convention, via}]; e != nil && e.id() != self {
		return e.id()
	}
	for id, e := range h.byID {
		if id != self && slices.Contains(e.twin.Device().Identifiers, via) {
			return id
		}
	}
	return ""
}

// findGateways completes the devices whose gateway was not known when they announced themselves.
func (h *Hub) findGateways(now time.Time) {
	for id, e := range h.byID {
		d := e.twin.Device()
		if e.via == "" || d.Via != "" {
			continue
		}
		if d.Via = h.gateway(e.key.convention, e.via, id); d.Via != "" {
			h.emit(now, e, e.twin.Describe(now, d))
		}
	}
}

// remove forgets a device, after its convention did.
func (h *Hub) remove(now time.Time, e *entry) {
	h.log.Info("device left", keyDevice, e.id())
	h.emit(now, e, e.twin.Leave(now))
	h.unbind(e)
	delete(h.byID, e.id())
	delete(h.byKey, e.key)
	delete(h.busy, e)
	if e.convention >= 0 {
		topics := make([]string, len(e.sources))
		for i, m := range e.sources {
			topics[i] = m.Topic
		}
		h.filters.forget(e.convention, topics...)
	}
}

// unneeded gives back filters that a convention no longer needs.
func (h *Hub) unneeded(convention int, list []string) {
	if list = h.filters.release(convention, list); len(list) > 0 {
		h.outbox.do(func(l Link) { h.filters.drop(l, list) })
	}
}
