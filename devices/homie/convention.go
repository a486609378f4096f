// Package homie speaks Homie 5 (https://homieiot.github.io), in both directions: Convention reads the devices of a house
// that announce themselves in it and tells them what is wanted, and Exporter spells any device in it for everybody who
// reads the topics.
//
// The hub calls both; they do no I/O, start no goroutine and never panic, whatever bytes they are given. Units and names
// are translated at this edge: inside there is only the model of package devices. The extensions of Homie, its alerts, logs
// and broadcasts are not read.
package homie

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Name is what Convention calls itself.
const Name = "homie"

// Own is the domain in which the hub publishes and which Convention therefore does not read.
const Own = "hub"

// maxDevices bounds how many devices are remembered, so that nobody can fill the memory with $state messages.
const maxDevices = 10000

// Convention is Homie 5 as a hub.Convention. A device's key is <domain>/<device ID>.
type Convention struct {
	devices map[string]*device
	topics  map[string][]*binding // by value topic, of announced devices
	early   early
}

// device is what is known of one device.
type device struct {
	domain, id string
	state      string        // its own $state, empty while unknown
	announced  *announcement // nil until its description was applied
	waiting    *announcement // a replayed description, until the $state shows that the device exists
	bindings   map[devices.Ref]*binding
}

// New returns a convention that has seen nothing yet.
func New() *Convention {
	return &Convention{devices: map[string]*device{}, topics: map[string][]*binding{}}
}

// Name is "homie".
func (c *Convention) Name() string { return Name }

// Filters are those of auto-discovery in any domain, and of the descriptions.
func (c *Convention) Filters() []broker.Subscription {
	return []broker.Subscription{{Filter: "+/5/+/$state", QoS: 1}, {Filter: "+/5/+/$description", QoS: 1}}
}

// Greet is nothing: all that a device says of itself is retained.
func (c *Convention) Greet() []broker.Message { return nil }

// filters are the subscriptions for one device's values and targets.
func filters(domain, id string) []string {
	prefix := domain + "/5/" + id + "/+/+"
	return []string{prefix, prefix + "/$target"}
}

// What Parse hands to Apply: *announcement, or one of these.
type (
	stated   struct{ domain, id, state string }
	removed  struct{ domain, id string }
	rejected struct{ key, reason string }
)

// Parse reads descriptions and states. A description asks for the device's values and targets.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	domain, id, rest, ok := split(m.Topic)
	if !ok || rest != "$state" && rest != "$description" {
		return hub.Parsed{}
	}
	key := keyOf(domain, id)
	if !validID(id) {
		return hub.Parsed{Content: rejected{"", "the device ID is not of a-z, 0-9 and hyphens, or longer than 64"}}
	}
	switch {
	case len(m.Payload) == 0:
		return hub.Parsed{Content: removed{domain, id}}
	case !utf8.Valid(m.Payload):
		return hub.Parsed{Content: rejected{key, errUTF8.Error()}}
	case rest == "$state":
		return hub.Parsed{Content: stated{domain, id, string(m.Payload)}}
	}
	d, err := readDescription(m.Payload)
	if err != nil {
		return hub.Parsed{Content: rejected{key, err.Error()}}
	}
	p := hub.Parsed{Content: announce(domain, id, d, m)}
	for _, f := range filters(domain, id) {
		p.Subscribe = append(p.Subscribe, broker.Subscription{Filter: f, QoS: 1})
	}
	return p
}

// Apply takes one message with what Parse made of it.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	switch content := p.Content.(type) {
	case *announcement:
		return c.describe(m, content)
	case stated:
		return c.state(m, content)
	case removed:
		return c.remove(keyOf(content.domain, content.id), m.Topic)
	case rejected:
		return fault(content.key, m.Topic, content.reason)
	}
	if bindings := c.topics[m.Topic]; bindings != nil {
		return c.value(m, bindings)
	}
	if topic, ok := strings.CutSuffix(m.Topic, "/$target"); ok && c.topics[topic] != nil {
		return c.target(m, c.topics[topic])
	}
	return c.stray(m)
}

// describe applies a description.
func (c *Convention) describe(m broker.Message, a *announcement) hub.Update {
	d := c.device(a.key)
	if d == nil {
		return fault("", m.Topic, fmt.Sprintf("more than %d devices", maxDevices))
	}
	switch {
	case d.announced != nil && string(d.announced.source.Payload) == string(m.Payload):
		return hub.Update{} // a replay; the same version with other content is not the same
	case m.Retain && d.state == "" && d.announced == nil:
		// What was kept of a device that has no state is the rest of one that was removed.
		d.waiting = a
		return hub.Update{}
	}
	return c.install(d, a)
}

func (c *Convention) install(d *device, a *announcement) hub.Update {
	c.uninstall(d)
	d.announced, d.waiting, d.bindings = a, nil, map[devices.Ref]*binding{}
	told := hub.Announced{Key: a.key, Device: a.device.Clone(), Availability: true}
	source := a.source
	source.Retain, source.Client = false, "" // so that it counts as the device's word when the hub starts from its store
	told.Sources = []broker.Message{source}
	for _, b := range a.bindings {
		d.bindings[b.ref] = b
		c.topics[b.topic] = append(c.topics[b.topic], b)
	}
	u := hub.Update{Devices: []hub.Announced{told}}
	for _, reason := range a.faults {
		u.Faults = append(u.Faults, hub.Fault{Key: a.key, Topic: a.source.Topic, Reason: reason})
	}
	if r, ok := c.reach(d); ok {
		u.Reaches = append(u.Reaches, hub.Reached{Key: a.key, Reach: r})
	}
	for _, m := range c.early.take(d.domain + "/5/" + d.id + "/") {
		// An event that came before anybody knew its meaning is over.
		if topic, target := strings.CutSuffix(m.Topic, "/$target"); target && c.topics[topic] != nil {
			u = join(u, c.target(m, c.topics[topic]))
		} else if bindings := c.topics[m.Topic]; bindings != nil && !bindings[0].property.Momentary {
			u = join(u, c.value(m, bindings))
		}
	}
	return u
}

// uninstall takes a description's topics back.
func (c *Convention) uninstall(d *device) {
	if d.announced == nil {
		return
	}
	for _, b := range d.announced.bindings {
		delete(c.topics, b.topic)
	}
	d.announced, d.bindings = nil, nil
}

// remove ends a device that took back its $state or its $description.
func (c *Convention) remove(key, topic string) hub.Update {
	d := c.devices[key]
	if d == nil {
		return hub.Update{}
	}
	var u hub.Update
	if d.announced != nil {
		u.Gone = []string{key}
		u.Unsubscribe = filters(d.domain, d.id)
	}
	c.uninstall(d)
	d.waiting = nil
	if strings.HasSuffix(topic, "/$state") {
		wasLost := d.state == lost
		delete(c.devices, key)
		u.Reaches = append(u.Reaches, c.children(key, wasLost, false)...)
	}
	return u
}

// Forget drops what was learnt of a device, but for the $state, by which its children are judged.
func (c *Convention) Forget(key string) (unneeded []string) {
	d := c.devices[key]
	if d == nil {
		return nil
	}
	if d.announced != nil || d.waiting != nil {
		unneeded = filters(d.domain, d.id)
	}
	c.uninstall(d)
	d.waiting = nil
	c.early.take(d.domain + "/5/" + d.id + "/")
	if d.state == "" {
		delete(c.devices, key)
	}
	return unneeded
}

// Topics are all that the device keeps: everything of it lies under its own level.
func (c *Convention) Topics(key string) []string {
	d := c.devices[key]
	if d == nil {
		return nil
	}
	return []string{d.domain + "/5/" + d.id + "/#"}
}

// Encode tells a device a value.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	d := c.devices[key]
	if d == nil || d.announced == nil {
		return nil, errors.New("the device has not described itself yet")
	}
	b := d.bindings[ref]
	switch {
	case b == nil:
		return nil, fmt.Errorf("the device has no property %s", ref)
	case !b.property.Settable:
		return nil, fmt.Errorf("the device does not let %s be set", ref)
	case v.Datatype() != b.property.Datatype:
		return nil, fmt.Errorf("%w: %s is a %s, not a %s", devices.ErrValue, ref, b.property.Datatype, v.Datatype())
	}
	s, err := b.codec.encode(v)
	if err != nil {
		return nil, fmt.Errorf("spelling %s for %s: %w", ref, b.topic, err)
	}
	return []broker.Message{{Topic: b.topic + "/set", Payload: payload(s)}}, nil
}

// device returns what is known of a device, new if need be; nil when there are too many.
func (c *Convention) device(key string) *device {
	d := c.devices[key]
	if d == nil && len(c.devices) < maxDevices {
		d = &device{}
		d.domain, d.id, _ = strings.Cut(key, "/")
		c.devices[key] = d
	}
	return d
}

// split takes a topic of Homie 5 apart: <domain>/5/<device>/<rest>. It does not accept the hub's own domain, whose
// messages are the hub's, and Homie's own IDs, which begin with $.
func split(topic string) (domain, id, rest string, ok bool) {
	domain, rest, ok = strings.Cut(topic, "/")
	if !ok || domain == "" || domain == Own || domain[0] == '$' {
		return "", "", "", false
	}
	if rest, ok = strings.CutPrefix(rest, "5/"); !ok {
		return "", "", "", false
	}
	if id, rest, ok = strings.Cut(rest, "/"); !ok || id == "" || id[0] == '$' {
		return "", "", "", false
	}
	return domain, id, rest, true
}

func fault(key, topic, reason string) hub.Update {
	return hub.Update{Faults: []hub.Fault{{Key: key, Topic: topic, Reason: reason}}}
}

func join(a, b hub.Update) hub.Update {
	a.Readings = append(a.Readings, b.Readings...)
	a.Targets = append(a.Targets, b.Targets...)
	a.Reaches = append(a.Reaches, b.Reaches...)
	a.Faults = append(a.Faults, b.Faults...)
	return a
}
