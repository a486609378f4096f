package zigbee2mqtt

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// base is one Zigbee network: a bridge with its devices and groups.
type base struct {
	topic       string
	online      devices.Presence // what bridge/state said, empty if it has not
	attributes  bool             // values come in topics of their own
	coordinator *entry
	info        *info
	bridge      *thing
	devices     map[string]*thing // by key, as the next
	groups      map[string]*thing
	complete    [2]bool // a whole list of devices, of groups was heard
}

// thing is a device, a group or a bridge that is known.
type thing struct {
	schema
	key       string
	topic     string // of its state
	base      *base
	entry     *entry // nil for a bridge
	device    devices.Device
	announced bool
	said      devices.Presence      // what its availability said, empty if it has not
	bad       bool                  // its last state could not be read
	asked     bool                  // for its state, since the last greeting
	sent      map[devices.Ref]int64 // what the hub set, and the number of that command
	sources   int                   // of a bridge: how many there were, and the last of them
	source    []byte
}

// get asks for the device's state.
func (t *thing) get() broker.Message {
	t.asked = true
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range t.gets {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(key) + `:""`)
	}
	b.WriteByte('}')
	return broker.Message{Topic: t.topic + "/get", Payload: b.Bytes()}
}

// asks says whether the device can be asked for its state: one that sleeps or is away cannot.
func (t *thing) asks() bool {
	return t.entry != nil && t.announced && len(t.gets) > 0 && !t.entry.disabled && !t.entry.sleeps &&
		t.said != devices.Offline && t.base.online != devices.Offline
}

// askLate asks a device that could not be asked when the others were.
func (c *Convention) askLate(t *thing, u *hub.Update) {
	if c.greeted && !t.asked && t.asks() && len(u.Ask) < maxGreet {
		u.Ask = append(u.Ask, t.get())
	}
}

// baseOf returns a base, and makes room for a new one as long as there is some.
func (c *Convention) baseOf(topic string) *base {
	b := c.bases[topic]
	if b == nil && (len(c.bases) < maxBases || topic == c.base) {
		b = &base{topic: strings.Clone(topic), devices: map[string]*thing{}, groups: map[string]*thing{}}
		c.bases[b.topic] = b
		known := slices.Clone(*c.known.Load())
		if !slices.Contains(known, b.topic) {
			known = append(known, b.topic)
			c.known.Store(&known)
		}
	}
	return b
}

// taking is one list while it is taken.
type taking struct {
	m       broker.Message
	u       *hub.Update
	dropped []string // topics that may be needed no more
	changed map[string]bool
}

// take applies a list: its devices are new, changed, renamed, or no longer there.
func (c *Convention) take(m broker.Message, l *listing, u *hub.Update) {
	b := c.baseOf(l.base)
	if b == nil {
		u.Faults = append(u.Faults, hub.Fault{Topic: m.Topic, Reason: "too many Zigbee2MQTT bridges"})
		return
	}
	things, n := b.devices, 0
	if l.groups {
		things, n = b.groups, 1
	}
	all := l.whole && !b.complete[n]
	tk := &taking{m: m, u: u, changed: map[string]bool{}}
	named := make(map[string]bool, len(l.entries))
	for _, e := range l.entries {
		if e.coordinator {
			if b.coordinator == nil || !bytes.Equal(b.coordinator.source, e.source) {
				b.coordinator = e
			}
			continue
		}
		named[e.key] = true
		c.entry(b, things, e, all, tk)
	}
	if l.whole {
		b.complete[n] = true
		for _, key := range slices.Sorted(maps.Keys(things)) {
			if t := things[key]; !named[key] {
				tk.dropped = append(tk.dropped, t.topic)
				tk.changed[key] = true
				if c.drop(t); t.announced {
					u.Gone = append(u.Gone, key)
				}
			}
		}
	}
	c.regroup(b, tk, l.groups || all)
	c.rebridge(b, u)
	for _, f := range l.faults {
		u.Faults = append(u.Faults, hub.Fault{Key: c.bridgeKey(b.topic), Topic: m.Topic, Reason: f})
	}
	u.Unsubscribe = append(u.Unsubscribe, c.unneeded(tk.dropped)...)
}

// entry takes one entry of a list.
func (c *Convention) entry(b *base, things map[string]*thing, e *entry, all bool, tk *taking) {
	t := things[e.key]
	switch {
	case t != nil && bytes.Equal(t.entry.source, e.source) && !all:
		return
	case !e.ready:
		return // its interview goes on; what is known of it holds until that has ended
	case t == nil:
		if other := c.things[e.key]; other != nil {
			if other.base.online != devices.Offline && tk.m.Retain {
				tk.dropped = append(tk.dropped, b.topic+"/"+e.name)
				tk.fault(e.key, "it belongs to the network "+other.base.topic+" already")
				return
			}
			tk.dropped = append(tk.dropped, other.topic)
			c.drop(other)
		}
		if len(c.things) >= maxThings {
			tk.dropped = append(tk.dropped, b.topic+"/"+e.name)
			tk.fault("", "more devices than can be kept")
			return
		}
		t = &thing{key: e.key, base: b}
		things[e.key], c.things[e.key] = t, t
	}
	if topic := b.topic + "/" + e.name; topic != t.topic {
		if t.topic != "" {
			tk.dropped = append(tk.dropped, t.topic)
			if c.topics[t.topic] == t {
				delete(c.topics, t.topic)
			}
		}
		t.topic = topic
		c.topics[topic] = t
	}
	t.entry = e
	tk.changed[e.key] = true
	if e.address == "" {
		return // groups are described when all is known
	}
	t.schema, t.device, t.sent = e.schema, e.device, nil
	c.announce(t, tk)
	for _, f := range e.faults {
		tk.fault(e.key, f)
	}
}

func (tk *taking) fault(key, reason string) {
	if len(tk.u.Faults) < 64 {
		tk.u.Faults = append(tk.u.Faults, hub.Fault{Key: key, Topic: tk.m.Topic, Reason: reason})
	}
}

// announce tells the hub of a device or a group, and asks it for its state if nobody else will.
func (c *Convention) announce(t *thing, tk *taking) {
	isNew := !t.announced
	t.announced = true
	what, id := "devices", t.entry.address
	if id == "" {
		what, id = "groups", t.key[strings.LastIndexByte(t.key, '/')+1:]
	}
	tk.u.Devices = append(tk.u.Devices, hub.Announced{
		Key: t.key, Device: t.device, Availability: true,
		Sources: []broker.Message{{Topic: t.base.topic + "/bridge/" + what + "/" + id, Payload: t.entry.source, QoS: 1, Retain: true}},
	})
	t.reach(tk.u, !isNew)
	t.tellFade(tk.u, tk.m.Retain)
	if isNew && (!tk.m.Retain || c.greeted) && t.asks() && len(tk.u.Ask) < maxGreet {
		tk.u.Ask = append(tk.u.Ask, t.get())
	}
}

// regroup describes the groups whose members, or which themselves, have changed. A group whose members are not all known
// waits for the whole list.
func (c *Convention) regroup(b *base, tk *taking, all bool) {
	if len(tk.changed) == 0 && !all {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(b.groups)) {
		t := b.groups[key]
		touched, missing := tk.changed[key] || !t.announced, false
		var members []*entry
		for _, a := range t.entry.members {
			touched = touched || tk.changed[a]
			if m := b.devices[a]; m != nil {
				members = append(members, m.entry)
			} else {
				missing = true
			}
		}
		if !touched || missing && !b.complete[0] {
			continue
		}
		before := t.device
		if t.describe(members); !t.announced || tk.changed[key] || !t.device.Equal(before) {
			c.announce(t, tk)
		}
	}
}

// drop forgets a thing.
func (c *Convention) drop(t *thing) {
	delete(c.things, t.key)
	delete(t.base.devices, t.key)
	delete(t.base.groups, t.key)
	if c.topics[t.topic] == t {
		delete(c.topics, t.topic)
	}
	if t.base.bridge == t {
		t.base.bridge = nil
	}
}

// unneeded are the filters of topics that are no device's any more.
func (c *Convention) unneeded(topics []string) []string {
	var out []string
	for _, topic := range topics {
		if c.topics[topic] == nil && !slices.Contains(out, topic) {
			out = append(out, filtersOf(topic)...)
		}
	}
	return out
}

// Topics are its state and its availability, and what the output mode "attribute" may have put beneath. The list in which it
// stands is the bridge's.
func (c *Convention) Topics(key string) []string {
	t := c.things[key]
	if t == nil || t.entry == nil {
		return nil
	}
	topics := filtersOf(t.topic)
	if !t.base.attributes {
		return topics
	}
	for _, key := range slices.Sorted(maps.Keys(t.fields)) {
		// A device of that name has a topic of its own.
		if topic := t.topic + "/" + key; broker.ValidTopic(topic) == nil && !slices.Contains(topics, topic) && c.topics[topic] == nil {
			topics = append(topics, topic)
		}
	}
	return topics
}

// Forget drops a device. The next list that names it announces it again.
func (c *Convention) Forget(key string) (unneeded []string) {
	t := c.things[key]
	if t == nil {
		return nil
	}
	c.drop(t)
	if t.entry == nil {
		return nil
	}
	return c.unneeded([]string{t.topic})
}
