package hub

import (
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// account is one convention's account of a device: how it names and describes it, and what it last said of its presence. A
// device has one for each convention that it is known by; they are in the order of their worth.
type account struct {
	key        deviceKey
	convention int                      // its index, by which accounts are ordered; -1 when the hub has no such convention
	sources    []broker.Message         // what it was announced by
	device     devices.Device           // as announced; empty until it has been, in this life of the hub
	whole      bool                     // device is there
	native     string                   // the convention that says all of it better
	via        string                   // the gateway as the convention names it
	told       bool                     // the convention tells presence
	said       devices.Reach            // its last word; Presence is empty if there was none
	silence    time.Duration            // the longest that it keeps silent; 0: unknown
	sleeps     bool                     // it is asleep whenever its session has ended
	places     devices.Places           // where its properties are in the twin; nil: where they are in device
	spoken     map[devices.Ref]struct{} // what was reported through it, where that matters
	// brought is what the device that the account was one of had, by the account's own names, when it turned out to be another one.
	brought []belonging
}

// belonging is a property of a device that has turned out to be another one.
type belonging struct {
	own   devices.Ref // how the account names it
	was   devices.Path
	value devices.Value // zero: it was not known
}

// place is where the twin has a property of the account's.
func (a *account) place(ref devices.Ref) (at devices.Ref, ok bool) {
	if a.places == nil {
		return ref, true
	}
	at, ok = a.places[ref]
	return at, ok
}

// bring notes what the device that the account was one of has.
func (a *account) bring(from *entry) {
	for i := range a.device.Components {
		c := &a.device.Components[i]
		for j := range c.Properties {
			own := devices.Ref{Component: c.ID, Property: c.Properties[j].ID}
			if at, ok := a.place(own); ok {
				r, _ := from.twin.Reading(at)
				a.brought = append(a.brought, belonging{own: own, was: devices.Path{Device: from.id(), Ref: at}, value: r.Value})
			}
		}
	}
}

// unpack gives a device that was united what its accounts have brought: values that it does not know, and links.
func (h *Hub) unpack(now time.Time, e *entry) {
	for _, a := range e.accounts {
		brought := a.brought
		a.brought = nil
		for _, b := range brought {
			at, ok := a.place(b.own)
			if !ok {
				continue
			}
			if _, known := e.twin.Reading(at); !known && !b.value.IsZero() {
				h.emit(now, e, e.twin.Report(now, at, b.value, true))
			}
			h.relink(b.was, devices.Path{Device: e.id(), Ref: at})
		}
	}
}

// first is the account whose description is shown.
func (e *entry) first() *account { return e.accounts[0] }

// account returns the account with a key, or nil.
func (e *entry) account(key deviceKey) *account {
	for _, a := range e.accounts {
		if a.key == key {
			return a
		}
	}
	return nil
}

// speaks says whether a convention has an account of the device.
func (e *entry) speaks(convention string) bool {
	return slices.ContainsFunc(e.accounts, func(a *account) bool { return a.key.convention == convention })
}

// conventions are the names of those that describe the device, the first one first.
func (e *entry) conventions() []string {
	names := make([]string, len(e.accounts))
	for i, a := range e.accounts {
		names[i] = a.key.convention
	}
	return names
}

// order puts the accounts in the order of their worth: that of the conventions in New.
func (e *entry) order() {
	slices.SortStableFunc(e.accounts, func(a, b *account) int {
		if (a.convention < 0) != (b.convention < 0) {
			return b.convention - a.convention
		}
		return a.convention - b.convention
	})
}

// compose makes one description of those that are there, without ID, name and room of people's choice. ok is false as long as
// none has been announced in this life of the hub: then the twin's from the last life stands.
func (e *entry) compose() (d devices.Device, ok bool) {
	for _, a := range e.accounts {
		switch {
		case !a.whole:
		case !ok:
			d, a.places, ok = a.device.Clone(), nil, true
			d.Convention = a.key.convention
		default:
			d, a.places = devices.Merge(d, a.device, e.speaks(a.native))
		}
	}
	return d, ok
}

// told says whether anybody tells the device's presence, said what the best account that has said something says.
func (e *entry) told() bool {
	return slices.ContainsFunc(e.accounts, func(a *account) bool { return a.told })
}

func (e *entry) said() devices.Reach {
	for _, a := range e.accounts {
		if a.said.Presence != "" {
			return a.said
		}
	}
	return devices.Reach{}
}

// sleepTime is how long a device that sleeps between its visits is waited for if it does not say how long it sleeps.
const sleepTime = 24 * time.Hour

// await is how long a command waits for the device when nobody has said how long: one that sleeps between its visits is given as long as
// it may keep silent.
func (e *entry) await() time.Duration {
	sleeps := e.twin.Reach().Presence == devices.Asleep || slices.ContainsFunc(e.accounts, func(a *account) bool { return a.sleeps })
	switch silence := e.declared(); {
	case !sleeps:
		return devices.DefaultAwait
	case silence > 0:
		return min(max(silence, devices.DefaultAwait), MaxAwait)
	}
	return sleepTime
}

// takes says whether a value that one account reported is the device's: what several report, the first of them says, so that
// one value does not alternate between two spellings.
func (e *entry) takes(a *account, at devices.Ref) bool {
	if len(e.accounts) == 1 {
		return true
	}
	for _, b := range e.accounts {
		if b == a {
			break
		}
		if _, spoken := b.spoken[at]; spoken {
			return false
		}
	}
	if a.spoken == nil {
		a.spoken = map[devices.Ref]struct{}{}
	}
	a.spoken[at] = struct{}{}
	return true
}

// writers are the accounts by which a property can be told, with their own names of it, the best first.
func (e *entry) writers(at devices.Ref) (list []*account, refs []devices.Ref) {
	for _, a := range e.accounts {
		if a.places == nil {
			list, refs = append(list, a), append(refs, at)
			continue
		}
		for ref, place := range a.places {
			if place == at {
				list, refs = append(list, a), append(refs, ref)
			}
		}
	}
	return list, refs
}

// sameThing finds the device that another convention has told of, and which has an address in common with d.
func (h *Hub) sameThing(convention string, d devices.Device, not *entry) *entry {
	for _, address := range d.Addresses() {
		for _, e := range h.byAddress[address] {
			if e != not && !e.speaks(convention) {
				return e
			}
		}
	}
	return nil
}

// sameName finds the device that a program announces to others, too, where it has no address in common: one of the two accounts names
// the other's convention as the native one, and both have an identifier in common.
func (h *Hub) sameName(convention string, a Announced) *entry {
	for _, e := range h.byID {
		if e.speaks(convention) {
			continue
		}
		for _, b := range e.accounts {
			if (a.Native == b.key.convention || b.native == convention) && b.whole && common(a.Device.Identifiers, b.device.Identifiers) {
				return e
			}
		}
	}
	return nil
}

func common(a, b []string) bool {
	return slices.ContainsFunc(a, func(id string) bool { return id != "" && slices.Contains(b, id) })
}

// address notes under which addresses a device is found.
func (h *Hub) address(e *entry) {
	now := e.twin.Device().Addresses()
	for _, a := range e.accounts {
		for _, address := range a.device.Addresses() {
			if !slices.Contains(now, address) {
				now = append(now, address)
			}
		}
	}
	if slices.Equal(now, e.addresses) {
		return
	}
	h.unaddress(e)
	e.addresses = now
	for _, address := range now {
		h.byAddress[address] = append(h.byAddress[address], e)
		slices.SortFunc(h.byAddress[address], func(a, b *entry) int { return strings.Compare(a.id(), b.id()) })
	}
}

func (h *Hub) unaddress(e *entry) {
	for _, address := range e.addresses {
		h.byAddress[address] = slices.DeleteFunc(h.byAddress[address], func(x *entry) bool { return x == e })
		if len(h.byAddress[address]) == 0 {
			delete(h.byAddress, address)
		}
	}
	e.addresses = nil
}
