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
	twin      *devices.Twin
	accounts  []*account // at least one; the best first
	addresses []string   // under which byAddress has it
	nameSet   bool
	roomSet   bool
	signs     signs
	client    string // the client that publishes for it, empty when unknown
	rival     rival
	successor string // another client that has begun to publish for it while the first is still connected

	faults []FaultNote // the newest ones, oldest first
	failed int         // how many there were

	exported  map[string]struct{}               // the topics that are retained for it
	announced map[Announcer]map[string]struct{} // the topics in which each announcer has made it known
	whole     map[string]struct{}               // the components that are exported in one as well
	targets   map[devices.Ref]devices.Value     // the targets that were exported
}

func (e *entry) id() string { return e.twin.Device().ID }

func newEntry(t *devices.Twin, accounts ...*account) *entry {
	e := &entry{twin: t, accounts: accounts, exported: map[string]struct{}{}, targets: map[devices.Ref]devices.Value{}}
	e.order()
	return e
}

// record is what the store keeps of it.
func (e *entry) record() Record {
	r := Record{
		Device: e.twin.Device().Clone(), NameSet: e.nameSet, RoomSet: e.roomSet, Reach: e.twin.KeptReach(), Joined: e.twin.Joined(),
		Rhythm: e.signs.cadence.Rhythm(),
	}
	for _, a := range e.accounts {
		r.Accounts = append(r.Accounts, Account{Convention: a.key.convention, Key: a.key.key, Sources: slices.Clone(a.sources)})
	}
	return r
}

// view is a copy for readers.
func (e *entry) view() View {
	v := View{
		Device: e.twin.Device().Clone(), Conventions: e.conventions(), Reach: e.twin.Reach(), Joined: e.twin.Joined(),
		LastSeen: e.twin.LastSeen(), Reported: map[string]devices.Reading{}, Pending: e.twin.Pending(), Faults: e.failed,
		LastFaults: slices.Clone(e.faults),
	}
	slices.Reverse(v.LastFaults)
	for ref, r := range e.twin.Reported() {
		v.Reported[ref.String()] = r
	}
	for ref, t := range e.twin.Targets() {
		if v.Targets == nil {
			v.Targets = map[string]devices.Value{}
		}
		v.Targets[ref.String()] = t
	}
	for _, ref := range e.twin.Expired() {
		v.Expired = append(v.Expired, ref.String())
	}
	return v
}

// settable says whether anything of the device can be commanded.
func settable(d devices.Device) bool {
	for i := range d.Components {
		for j := range d.Components[i].Properties {
			if d.Components[i].Properties[j].Settable {
				return true
			}
		}
	}
	return false
}

// announce takes a device as one convention describes it, and says whether it is new to that convention. Two conventions'
// accounts of one thing, which they know by the same address, are one device.
func (h *Hub) announce(now time.Time, convention int, a Announced) (e *entry, joined bool) {
	key := deviceKey{h.conventions[convention].Name(), a.Key}
	e = h.byKey[key]
	gone := "" // the ID of a device that has turned out to be this one
	if e == nil {
		joined = true
		if e = h.sameThing(key.convention, a.Device, nil); e == nil {
			e = h.sameName(key.convention, a)
		}
		if e != nil {
			h.adopt(e, &account{key: key, convention: convention})
			h.log.Info("device is known by another convention, too", keyDevice, e.id(), "convention", key.convention)
		} else if e = h.join(now, key, convention, a); e != nil {
			return e, true
		}
	} else if other := h.sameThing(key.convention, a.Device, e); other != nil {
		e, gone = h.unite(now, e, other)
	}
	x := e.account(key)
	moved := joined || !slices.EqualFunc(x.sources, a.Sources, sameSource)
	x.take(a)
	events := h.redescribe(now, e)
	h.emit(now, e, events)
	if len(events) == 0 && (moved || gone != "") {
		h.recorder.device(e.record(), nil)
	}
	if len(events) > 0 || gone != "" {
		h.findOrphans(now, e)
	}
	h.orphan(e)
	if gone != "" {
		h.unpack(now, e)
		h.unlink(gone)
	}
	h.address(e)
	return e, joined
}

// take notes what an announcement says.
func (a *account) take(by Announced) {
	a.device, a.whole, a.sources, a.native = by.Device.Clone(), true, by.Sources, by.Native
	a.via, a.told = by.Device.Via, by.Availability
	a.silence, a.sleeps = by.Silence, by.Sleeps
}

// join makes a new device.
func (h *Hub) join(now time.Time, key deviceKey, convention int, a Announced) *entry {
	x := &account{key: key, convention: convention}
	x.take(a)
	d := a.Device.Clone()
	d.Convention = key.convention
	if d.Name == "" {
		d.Name = a.Key
	}
	d.ID = h.freeID(d.ID, d.Name, a.Key)
	if d.Room == "" {
		d.Room = h.guessRoom(d.Name)
	}
	d.Via = h.gateway(key.convention, a.Device.Via, d.ID)
	twin, events := devices.Join(now, d)
	e := newEntry(twin, x)
	h.byID[d.ID], h.byKey[key] = e, e
	h.address(e)
	h.log.Info("device joined", keyDevice, d.ID, "name", d.Name, "convention", key.convention)
	h.emit(now, e, events)
	h.orphan(e)
	h.findOrphans(now, e)
	return e
}

// adopt gives a device one more account.
func (h *Hub) adopt(e *entry, x *account) {
	e.accounts = append(e.accounts, x)
	e.order()
	h.byKey[x.key] = e
}

// unite makes one device of two that have turned out to be the same thing, and returns it: the one that the house has known for longer, with
// what people chose for either. gone is the ID of the other one.
func (h *Hub) unite(now time.Time, a, b *entry) (one *entry, gone string) {
	if b.twin.Joined().Before(a.twin.Joined()) {
		a, b = b, a
	}
	h.log.Info("two devices are one", keyDevice, a.id(), "other", b.id())
	accounts := b.accounts
	for _, x := range accounts {
		x.bring(b)
	}
	d, other := a.twin.Device(), b.twin.Device()
	if b.nameSet && !a.nameSet {
		d.Name, a.nameSet = other.Name, true
	}
	if b.roomSet && !a.roomSet {
		d.Room, a.roomSet = other.Room, true
	}
	h.emit(now, a, a.twin.Describe(now, d))
	h.drop(now, b, fmt.Sprintf("the device has turned out to be %s", a.id()))
	for _, x := range accounts {
		h.adopt(a, x)
	}
	return a, b.id()
}

// redescribe has the twin take the description that the accounts give together.
func (h *Hub) redescribe(now time.Time, e *entry) []devices.Event {
	d, ok := e.compose()
	if !ok {
		return nil
	}
	old := e.twin.Device()
	d.ID = old.ID
	if d.Name == "" || e.nameSet {
		d.Name = old.Name
	}
	if d.Room == "" || e.roomSet {
		d.Room = old.Room
	}
	d.Via = ""
	for _, a := range e.accounts {
		if d.Via == "" {
			d.Via = h.gateway(a.key.convention, a.via, d.ID)
		}
	}
	return e.twin.Describe(now, d)
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
	for n := 2; h.byID[id] != nil || id == RootID; n++ {
		suffix := fmt.Sprintf("-%d", n)
		id = strings.TrimRight(base[:min(len(base), 64-len(suffix))], "-") + suffix
	}
	return id
}
