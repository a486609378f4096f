package homeassistant

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
	"home.arpa/homehub/hub"
)

// maxEntities is the number of entities that are kept; what is announced beyond it is a fault.
const maxEntities = 20_000

// take applies a discovery message: its entities are new, changed, or no longer there.
func (c *Convention) take(d *discovery, u *hub.Update) {
	topic := d.message.Topic
	before := c.announce[topic]
	if before != nil && bytes.Equal(before.Payload, d.message.Payload) {
		// A repetition. What it announces in vain was subscribed to again all the same.
		var vain []string
		for _, e := range d.entities {
			if m := c.members[e.id]; m == nil || m.topic != topic {
				vain = append(vain, filtersOf(e)...)
			}
		}
		u.Unsubscribe = c.unneeded(vain)
		return
	}
	if d.migrate && len(d.entities) == 0 && before != nil {
		before.migrate = true // it stays until another topic takes its entities over, or it is removed
		return
	}
	changed := map[*device]bool{}
	after := &message{Message: d.message, migrate: d.migrate}
	faulty := ""
	var dropped []string
	for _, e := range d.entities {
		m := c.members[e.id]
		switch {
		case m != nil && m.topic == topic && slices.Contains(after.members, m):
			d.fault("%s: it is announced twice", e.id)
			dropped = append(dropped, filtersOf(e)...)
			continue
		case m != nil && m.topic != topic && !c.mayTakeOver(m):
			d.fault("%s: it is announced on %s already", e.id, m.topic)
			dropped = append(dropped, filtersOf(e)...)
			continue
		case m == nil && len(c.members) >= maxEntities:
			d.fault("%s: more than %d components", e.id, maxEntities)
			dropped = append(dropped, filtersOf(e)...)
			continue
		}
		if m != nil && m.topic != topic {
			old := c.announce[m.topic]
			old.members = slices.DeleteFunc(old.members, func(x *member) bool { return x == m })
		}
		m, old := c.put(m, e, changed, u)
		after.members = append(after.members, m)
		dropped = append(dropped, old...)
	}
	if before != nil {
		for _, m := range before.members {
			if !slices.Contains(after.members, m) {
				dropped = append(dropped, c.remove(m, changed)...)
			}
		}
	}
	delete(c.announce, topic)
	if len(after.members) > 0 {
		c.announce[topic] = after
	}
	c.settle(changed, u)
	for _, h := range d.owner.handles() {
		if known := c.owners[h]; known != nil {
			faulty = known.key
		}
	}
	for _, m := range after.members {
		faulty = m.device.key
	}
	for _, f := range d.faults {
		u.Faults = append(u.Faults, hub.Fault{Key: faulty, Topic: topic, Reason: f})
	}
	u.Unsubscribe = append(u.Unsubscribe, c.unneeded(dropped)...)
}

// mayTakeOver says whether another topic may announce the entity now.
func (c *Convention) mayTakeOver(m *member) bool {
	a := c.announce[m.topic]
	return a == nil || a.migrate
}

// put makes an entity a member of its device, in the place of the one before if there is one, whose filters it returns.
func (c *Convention) put(m *member, e *entity, changed map[*device]bool, u *hub.Update) (*member, []string) {
	if m == nil {
		m = &member{}
		c.members[e.id] = m
	}
	var old []string
	if m.entity != nil {
		old = filtersOf(m.entity)
		c.unbind(m)
		if m.wish != e.wish || m.kind != e.kind {
			m.component = ""
		}
	}
	m.entity = e
	m.bad = make([]bool, len(e.readers))
	d, gone := c.find(e)
	u.Gone = append(u.Gone, gone...)
	if d == nil && m.device != nil && len(m.device.members) == 1 {
		d = m.device // its identifiers changed
	}
	if d == nil {
		d = c.create(e)
	}
	if m.device != d {
		if m.device != nil {
			c.leave(m, changed)
		}
		m.device, m.component = d, ""
		d.members = append(d.members, m)
	}
	for _, h := range e.owner.handles() {
		if c.owners[h] == nil {
			c.owners[h] = d
			d.handles = append(d.handles, h)
		}
	}
	changed[d] = true
	for _, f := range filtersOf(e) {
		if c.filters[f]++; c.filters[f] == 1 {
			c.interest.add(f)
		}
	}
	for i, r := range e.readers {
		c.readers.Set(r.filter, readerKey{e.id, i}, &binding{m, i, r.read})
	}
	for _, f := range old {
		c.filters[f]--
	}
	return m, old
}

// unbind takes an entity's readers away.
func (c *Convention) unbind(m *member) {
	for i, r := range m.readers {
		c.readers.Delete(r.filter, readerKey{m.id, i})
	}
}

// remove forgets an entity and returns the filters that it needed.
func (c *Convention) remove(m *member, changed map[*device]bool) []string {
	c.unbind(m)
	delete(c.members, m.id)
	c.leave(m, changed)
	needed := filtersOf(m.entity)
	for _, f := range needed {
		c.filters[f]--
	}
	return needed
}

func (c *Convention) leave(m *member, changed map[*device]bool) {
	d := m.device
	d.members = slices.DeleteFunc(d.members, func(x *member) bool { return x == m })
	changed[d] = true
}

// filtersOf are the filters that an entity needs, each as often as it needs it.
func filtersOf(e *entity) []string {
	out := make([]string, 0, len(e.readers)+len(e.sources))
	for _, r := range e.readers {
		out = append(out, r.filter)
	}
	for _, s := range e.sources {
		out = append(out, s.topic)
	}
	return out
}

// unneeded are those of the filters that no entity needs any more, each once.
func (c *Convention) unneeded(filters []string) []string {
	var out []string
	for _, f := range unique(slices.Clone(filters)) {
		if c.filters[f] <= 0 {
			delete(c.filters, f)
			c.interest.drop(f)
			out = append(out, f)
		}
	}
	return out
}

// settle announces the devices that changed, and says which are gone.
func (c *Convention) settle(changed map[*device]bool, u *hub.Update) {
	list := make([]*device, 0, len(changed))
	for d := range changed {
		if c.devices[d.key] == d {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b *device) int { return bytes.Compare([]byte(a.key), []byte(b.key)) })
	for _, d := range list {
		c.rebuild(d)
		if len(d.members) == 0 {
			delete(c.devices, d.key)
			u.Gone = append(u.Gone, d.key)
			continue
		}
		u.Devices = append(u.Devices, c.announced(d))
		if p, why := d.presence(); p != devices.Unknown {
			u.Reaches = append(u.Reaches, hub.Reached{Key: d.key, Reach: devices.Reach{Presence: p, Why: why}})
		}
	}
}

// report applies a message to the entities that read its topic.
func (c *Convention) report(m broker.Message, doc *template.Document, u *hub.Update) {
	if len(m.Payload) == 0 {
		return // no state; it takes a kept message away
	}
	c.whole = devices.Value{}
	in := input{doc: doc, replayed: m.Retain, whole: &c.whole}
	var latin *template.Document // the payload as single bytes, for those that read it so
	c.readers.Match(m.Topic, func(_ readerKey, r *binding) {
		if doc == nil { // it was of no interest yet when it was parsed
			doc = template.Read(m.Payload)
			in.doc = doc
		}
		in := in
		switch {
		case r.latin && latin == nil:
			latin = fromLatin(m.Payload)
			fallthrough
		case r.latin:
			in.doc = latin
		case doc.Binary():
			return
		}
		c.found = c.found[:0]
		err := r.read(in, &c.found)
		if u.Readings == nil && len(c.found) > 0 {
			u.Readings = make([]hub.Reported, 0, 8)
		}
		for _, f := range c.found {
			if r.silent && f.property == devices.Attributes {
				continue
			}
			u.Readings = append(u.Readings, hub.Reported{
				Key: r.device.key, Ref: devices.Ref{Component: r.component, Property: f.property}, Value: f.value, Replayed: m.Retain,
			})
		}
		if err == nil || errors.Is(err, template.ErrMissing) {
			r.bad[r.index] = false
			return
		}
		if !r.bad[r.index] { // said once, until it can be read again
			r.bad[r.index] = true
			u.Faults = append(u.Faults, hub.Fault{Key: r.device.key, Topic: m.Topic, Reason: fmt.Sprintf("%s: %v", r.component, err)})
		}
	})
	c.hearPresence(m, doc, u)
}

// hearPresence applies a message to the devices whose availability its topic tells.
func (c *Convention) hearPresence(m broker.Message, doc *template.Document, u *hub.Update) {
	c.sources.Match(m.Topic, func(s *source, d *device) {
		if doc == nil {
			doc = template.Read(m.Payload)
		}
		if doc.Binary() {
			return
		}
		c.counter++
		heard, err := s.hear(doc, c.counter)
		if err != nil && !errors.Is(err, template.ErrMissing) && !s.bad {
			u.Faults = append(u.Faults, hub.Fault{Key: d.key, Topic: m.Topic, Reason: fmt.Sprintf("availability: %v", err)})
		}
		s.bad = err != nil
		if !heard {
			return
		}
		if p, why := d.presence(); p != devices.Unknown {
			u.Reaches = append(u.Reaches, hub.Reached{Key: d.key, Reach: devices.Reach{Presence: p, Why: why}})
		}
	})
}

// Forget drops a device. When it announces itself again it is a new one.
func (c *Convention) Forget(key string) (unneeded []string) {
	d := c.devices[key]
	if d == nil {
		return nil
	}
	var dropped []string
	for _, m := range slices.Clone(d.members) {
		if a := c.announce[m.topic]; a != nil {
			if a.members = slices.DeleteFunc(a.members, func(x *member) bool { return x == m }); len(a.members) == 0 {
				delete(c.announce, m.topic)
			}
		}
		dropped = append(dropped, c.remove(m, map[*device]bool{})...)
	}
	c.rebuild(d)
	delete(c.devices, key)
	return c.unneeded(dropped)
}
