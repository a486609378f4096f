package homeassistant

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// device is a group of entities that share identifiers or connections.
type device struct {
	key         string
	members     []*member // in the order in which they were first announced
	byComponent map[string]*member
	sources     map[[4]string]*source
	handles     []string // under which owners has it
}

// member is an entity in its device.
type member struct {
	*entity
	device    *device
	component string // its component ID
	sources   []*source
	bad       []bool // by reader: it could not be read last time
	silent    bool   // another member has the attributes that both name
}

// readerKey names one reader of one entity in the trie.
type readerKey struct {
	entity string
	index  int
}

// binding is a reader together with the entity that it reads for.
type binding struct {
	*member
	index int
	read  func(in input, out *sink) error
}

// message is a discovery message that has been taken.
type message struct {
	broker.Message
	members []*member
	migrate bool
}

// find returns the device of an owner, or nil. When the owner's handles are those of several devices, these turn out to be
// one, and are joined; gone are the keys that this ends.
func (c *Convention) find(e *entity) (d *device, gone []string) {
	handles := e.owner.handles()
	if len(handles) == 0 {
		return c.devices[e.soleKey], nil
	}
	for _, h := range handles {
		other := c.owners[h]
		switch {
		case other == nil || other == d:
		case d == nil:
			d = other
		default:
			for _, m := range other.members {
				m.device = d
			}
			d.members = append(d.members, other.members...)
			for id, s := range other.sources {
				if mine := d.sources[id]; mine == nil || mine.heard < s.heard {
					d.sources[id] = s
				}
			}
			for h, owner := range c.owners {
				if owner == other {
					c.owners[h] = d
				}
			}
			d.handles = append(d.handles, other.handles...)
			c.detach(other)
			delete(c.devices, other.key)
			gone = append(gone, other.key)
		}
	}
	return d, gone
}

// create returns a new device for an entity.
func (c *Convention) create(e *entity) *device {
	key := e.owner.key()
	if key == "" {
		key = e.soleKey
	}
	for n := 2; c.devices[key] != nil; n++ { // another device has taken over the identifier
		key = e.owner.key() + "#" + strconv.Itoa(n)
	}
	d := &device{key: key, sources: map[[4]string]*source{}}
	c.devices[key] = d
	return d
}

// detach takes a device's availability sources out of the trie.
func (c *Convention) detach(d *device) {
	for _, s := range d.sources {
		c.sources.Delete(s.topic, s)
	}
}

// rebuild brings everything that follows from a device's members up to date.
func (c *Convention) rebuild(d *device) {
	for _, h := range d.handles {
		if c.owners[h] == d {
			delete(c.owners, h)
		}
	}
	d.handles = d.handles[:0]
	c.detach(d)
	before := d.sources
	d.sources = map[[4]string]*source{}
	d.byComponent = map[string]*member{}
	groups := map[string]string{}
	for _, m := range d.members { // those that have an ID keep it
		if id := m.component; id != "" && d.byComponent[id] != nil && (m.group == "" || groups[m.group] != id) {
			m.component = "" // two devices turned out to be one
		}
		if m.component != "" {
			d.byComponent[m.component] = m
			if m.group != "" {
				groups[m.group] = m.component
			}
		}
	}
	attributed := map[[2]string]bool{}
	for _, m := range d.members {
		if m.component == "" && m.group != "" {
			m.component = groups[m.group]
		}
		if m.component == "" {
			m.component = d.free(m.wish, m.kind)
			d.byComponent[m.component] = m
		}
		if m.group != "" {
			groups[m.group] = m.component
		}
		m.silent = m.attributes[0] != "" && attributed[m.attributes]
		attributed[m.attributes] = true
		for _, h := range m.owner.handles() {
			if c.owners[h] == nil {
				c.owners[h] = d
				d.handles = append(d.handles, h)
			}
		}
		m.sources = m.sources[:0]
		for _, want := range m.entity.sources {
			s := d.sources[want.id()]
			if s == nil {
				if s = before[want.id()]; s == nil {
					s = &source{sourceConfig: want, says: devices.Unknown}
				}
				d.sources[want.id()] = s
				c.sources.Set(s.topic, s, d)
			}
			m.sources = append(m.sources, s)
		}
	}
}

// free is the first component ID like the wished one that nobody has.
func (d *device) free(wish string, kind devices.Kind) string {
	if d.byComponent[wish] == nil {
		return wish
	}
	named := cut(wish, 63-len(kind)) + "-" + devices.Slug(string(kind))
	for n, id := 2, named; ; n++ {
		if d.byComponent[id] == nil {
			return id
		}
		id = cut(named, 58) + "-" + strconv.Itoa(n)
	}
}

// announced is the device as the hub sees it.
func (c *Convention) announced(d *device) hub.Announced {
	out := hub.Announced{Key: d.key, Availability: len(d.sources) > 0, Device: devices.Device{Convention: Name}}
	v := &out.Device
	last := func(field *string, s string) {
		if s != "" {
			*field = s
		}
	}
	var topics []string
	for _, m := range d.members {
		last(&v.ID, m.deviceWish)
		last(&v.Name, m.owner.name)
		last(&v.Room, m.owner.area)
		last(&v.Manufacturer, m.owner.manufacturer)
		last(&v.Model, m.owner.model)
		last(&v.Firmware, m.owner.firmware)
		last(&v.Via, m.owner.via)
		for _, id := range m.owner.identifiers {
			if !slices.Contains(v.Identifiers, id) {
				v.Identifiers = append(v.Identifiers, id)
			}
		}
		for _, cn := range m.owner.connections {
			if !slices.Contains(v.Connections, cn) {
				v.Connections = append(v.Connections, cn)
			}
		}
		v.Components = m.addTo(v.Components, d.tellsToo(m))
		if !slices.Contains(topics, m.topic) {
			topics = append(topics, m.topic)
			if a := c.announce[m.topic]; a != nil {
				out.Sources = append(out.Sources, a.Message)
			}
		}
	}
	if v.Name == "" && len(v.Identifiers) > 0 {
		v.Name = v.Identifiers[0]
	} else if v.Name == "" && len(v.Connections) > 0 {
		v.Name = v.Connections[0].Value
	}
	out.Silence, out.Native = d.silence(), d.native()
	v.Sort()
	return out
}

// addTo adds the member's component, or what the member contributes to the one that its group has already.
// Hidden says that it is not shown unless asked for.
func (m *member) addTo(components []devices.Component, hidden bool) []devices.Component {
	if m.group != "" {
		for i := range components {
			if c := &components[i]; c.ID == m.component {
				c.Properties = join(c.Properties, m.properties)
				return components
			}
		}
	}
	c := devices.Component{ID: m.component, Kind: m.kind, Name: m.shortName(), Category: m.category, Hidden: m.hidden || hidden}
	for _, p := range m.properties {
		if p.ID != devices.Attributes || !m.silent {
			c.Properties = append(c.Properties, p)
		}
	}
	return append(components, c)
}

// tellsToo says whether a member is a trigger of which an event entity of the same device tells, too: programs announce both for the
// same button.
func (d *device) tellsToo(m *member) bool {
	if m.group == "" || len(m.readers) == 0 {
		return false
	}
	return slices.ContainsFunc(d.members, func(other *member) bool {
		return other.group == "" && other.kind == devices.EventSource && slices.ContainsFunc(other.readers, func(r reader) bool { return r.filter == m.readers[0].filter })
	})
}

// join adds the choices of other properties to those that have the same ID.
func join(properties, others []devices.Property) []devices.Property {
	for _, p := range others {
		i := slices.IndexFunc(properties, func(q devices.Property) bool { return q.ID == p.ID })
		if i < 0 {
			properties = append(properties, p)
			continue
		}
		properties[i].Choices = unique(append(slices.Clone(properties[i].Choices), p.Choices...))
	}
	return properties
}

// silence is for how long the device says nothing as long as it is well: expire_after, where all of its sensors say the same.
func (d *device) silence() time.Duration {
	seconds := 0.0
	for _, m := range d.members {
		for _, p := range m.properties {
			if (m.kind == devices.Sensor || m.kind == devices.BinarySensor) && p.ID != devices.Attributes {
				if p.Expires == 0 || seconds != 0 && p.Expires != seconds {
					return 0
				}
				seconds = p.Expires
			}
		}
	}
	return time.Duration(seconds * float64(time.Second))
}

// shortName is the entity's name without the device's in front of it, and empty when it is the device's.
func (m *member) shortName() string {
	if m.name == m.owner.name {
		return ""
	}
	if rest, ok := strings.CutPrefix(m.name, m.owner.name+" "); ok && m.owner.name != "" {
		return strings.TrimSpace(rest)
	}
	return m.name
}

// presence is what the device's entities say together: one that can be reached is enough.
func (d *device) presence() (devices.Presence, string) {
	presence, why := devices.Unknown, ""
	for _, m := range d.members {
		if len(m.sources) == 0 {
			continue
		}
		p, s := reach(m.mode, m.sources)
		if p == devices.Online {
			return p, s.why()
		}
		if p == devices.Offline && presence == devices.Unknown {
			presence, why = p, s.why()
		}
	}
	return presence, why
}
