package hub

import (
	"context"
	"fmt"
	"time"

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
		h.dropFollow(f)
		if loop := h.wayBack(f.To, f.From); loop != nil {
			return fmt.Errorf("making %s follow %s: %w: it would follow itself", f.To, f.From, ErrConflict)
		}
		h.follows = append(h.follows, followed{Follow: f, fixed: true})
	}
	return nil
}

func (h *Hub) restoreDevice(now time.Time, r Record, last map[devices.Ref]devices.Reading, pending []devices.Command) {
	key := deviceKey{r.Device.Convention, r.Key}
	if h.byID[r.Device.ID] != nil || h.byKey[key] != nil {
		h.log.Warn("device is in the store twice", keyDevice, r.Device.ID)
		return
	}
	twin, events := devices.Restore(now, devices.Kept{
		Device: r.Device, Joined: r.Joined, Reach: r.Reach, Reported: last, Pending: pending,
	})
	convention := -1
	for i, c := range h.conventions {
		if c.Name() == r.Device.Convention {
			convention = i
		}
	}
	e := newEntry(twin, key, convention)
	e.sources, e.nameSet, e.roomSet = r.Sources, r.NameSet, r.RoomSet
	h.byID[r.Device.ID], h.byKey[key] = e, e
	for _, c := range twin.Pending() {
		h.pending[c.ID] = e
		h.busy[e] = struct{}{}
	}
	if len(events) > 0 {
		h.early = append(h.early, restored{e, events})
	}
}

// relearn shows a convention the messages by which a device announced itself. What the convention has learnt to say better
// since is taken over; values and presence in them are old and are not.
func (h *Hub) relearn(now time.Time, r Record) {
	e := h.byID[r.Device.ID]
	if e == nil || e.convention < 0 || e.key.key != r.Key {
		return
	}
	c := h.conventions[e.convention]
	for _, m := range r.Sources {
		found := h.parse(e.convention, c, m)
		if found.fault != "" {
			continue
		}
		if len(found.parsed.Subscribe) > 0 {
			h.filters.need(e.convention, m, found.parsed.Subscribe)
		}
		update := h.apply(c, m, found.parsed)
		for _, a := range update.Devices {
			if a.Key == r.Key {
				h.redescribe(now, e, a)
			}
		}
	}
}

func (h *Hub) redescribe(now time.Time, e *entry, a Announced) {
	e.via, e.signs.told = a.Device.Via, a.Availability
	// A device that is announced by several messages is whole only when the last has been read.
	if len(a.Sources) < len(e.sources) {
		return
	}
	old := e.twin.Device()
	d := a.Device.Clone()
	d.ID, d.Convention, d.Via = old.ID, old.Convention, h.gateway(e.key.convention, a.Device.Via, old.ID)
	if d.Name == "" || e.nameSet {
		d.Name = old.Name
	}
	if d.Room == "" || e.roomSet {
		d.Room = old.Room
	}
	if events := e.twin.Describe(now, d); len(events) > 0 {
		h.early = append(h.early, restored{e, events})
	}
}
