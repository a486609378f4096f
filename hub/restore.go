package hub

import (
	"context"
	"fmt"
	"slices"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// restored is what happened to a device's commands while the hub was not running.
type restored struct {
	entry  *entry
	events []devices.Event
}

// restore takes up what the store remembers, and shows the conventions again how each device announced itself.
func (h *Hub) restore(fixed []Follow) error {
	memory, err := h.store.Load(context.Background())
	if err != nil {
		return fmt.Errorf("reading what the store remembers: %w", err)
	}
	for _, d := range memory.Damaged {
		h.log.Warn("record set aside", keyReason, d)
	}
	now := time.Now().UTC()
	last := map[string]map[devices.Ref]devices.Reading{}
	for _, s := range memory.Last {
		if last[s.Device] == nil {
			last[s.Device] = map[devices.Ref]devices.Reading{}
		}
		last[s.Device][s.Ref] = s.Reading
	}
	pending := map[string][]devices.Command{}
	for _, c := range memory.Pending {
		pending[c.Device] = append(pending[c.Device], c)
	}
	for _, r := range memory.Devices {
		h.restoreDevice(now, r, last[r.Device.ID], pending[r.Device.ID])
		delete(pending, r.Device.ID)
	}
	for id, orphans := range pending {
		for _, c := range orphans {
			c.Status, c.Reason, c.Done = devices.Refused, "the device was removed", now
			h.recorder.command(c, nil)
		}
		h.log.Warn("commands of an unknown device", keyDevice, id, "commands", len(orphans))
	}
	for _, r := range memory.Devices {
		h.relearn(now, r)
	}
	for _, f := range memory.Follows {
		h.follows = append(h.follows, followed{Follow: f})
	}
	for _, f := range fixed {
		h.follows = slices.DeleteFunc(h.follows, func(g followed) bool { return g.Follow == f })
		if loop := h.wayBack(f.To, f.From); loop != nil {
			return fmt.Errorf("making %s follow %s: %w: it would follow itself", f.To, f.From, ErrConflict)
		}
		h.follows = append(h.follows, followed{Follow: f, fixed: true})
	}
	return nil
}

func (h *Hub) restoreDevice(now time.Time, r Record, last map[devices.Ref]devices.Reading, pending []devices.Command) {
	var accounts []*account
	for _, a := range r.Accounts {
		key := deviceKey{a.Convention, a.Key}
		if h.byKey[key] == nil {
			accounts = append(accounts, &account{key: key, convention: h.convention(a.Convention), sources: a.Sources})
		}
	}
	if h.byID[r.Device.ID] != nil || len(accounts) == 0 {
		h.log.Warn("device is in the store twice", keyDevice, r.Device.ID)
		return
	}
	twin, events := devices.Restore(now, devices.Kept{
		Device: r.Device, Joined: r.Joined, Reach: r.Reach, Reported: last, Pending: pending,
	})
	e := newEntry(twin, accounts...)
	e.nameSet, e.roomSet = r.NameSet, r.RoomSet
	e.signs.cadence = devices.NewCadence(now, r.Rhythm)
	e.signs.keepAs(now)
	h.byID[r.Device.ID] = e
	for _, a := range accounts {
		h.byKey[a.key] = e
	}
	h.address(e)
	for _, c := range twin.Pending() {
		h.pending[c.ID] = e
		h.busy[e] = struct{}{}
	}
	if len(events) > 0 {
		h.early = append(h.early, restored{e, events})
	}
}

// convention is the index of the one with the name, -1 if the hub does not have it.
func (h *Hub) convention(name string) int {
	return slices.IndexFunc(h.conventions, func(c Convention) bool { return c.Name() == name })
}

// relearn shows the conventions the messages by which a device announced itself. What they have learnt to say better since is
// taken over; values and presence in them are old and are not.
func (h *Hub) relearn(now time.Time, r Record) {
	e := h.byID[r.Device.ID]
	if e == nil {
		return
	}
	for _, a := range e.accounts {
		if a.convention >= 0 {
			h.relearnAccount(a)
		}
	}
	if events := h.redescribe(now, e); len(events) > 0 {
		h.early = append(h.early, restored{e, events})
	}
	h.orphan(e)
}

// understand has one convention read a message; what it panics at says nothing.
func (h *Hub) understand(c Convention, m broker.Message) (p Parsed, u Update) {
	defer func() {
		if r := recover(); r != nil {
			h.panicked(c, m, r)
			p, u = Parsed{}, Update{}
		}
	}()
	p = c.Parse(m)
	return p, c.Apply(m, p)
}

func (h *Hub) relearnAccount(a *account) {
	c := h.conventions[a.convention]
	kept := a.sources
	for _, m := range kept {
		parsed, u := h.understand(c, m)
		if len(parsed.Subscribe) > 0 {
			h.filters.need(a.convention, m, parsed.Subscribe)
		}
		for _, x := range u.Devices {
			// A device that is announced by several messages is whole only when the last has been read.
			if x.Key == a.key.key && len(x.Sources) >= len(kept) {
				a.take(x)
			}
		}
	}
}
