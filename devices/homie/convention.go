// Package homie speaks Homie (https://homieiot.github.io), in both directions: Convention reads the devices of a house that
// announce themselves in version 5, or in one of the versions 2 to 4, and tells them what is wanted, and Exporter spells any device
// in version 5 for everybody who reads the topics.
//
// The hub calls both; they do no I/O, start no goroutine and never panic, whatever bytes they are given. Units and names
// are translated at this edge: inside there is only the model of package devices. Of the extensions of Homie those are read that tell of
// the firmware and its statistics; broadcasts are not read.
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

// Convention is Homie as a hub.Convention. The key of a device in Homie 5 is <domain>/<device ID>, that of one in an older version
// <root>/4/<device ID>.
type Convention struct {
	name string
	// only is the one implementation of the older versions that is read, and nothing of Homie 5; empty: all but those in elsewhere.
	only    string
	without []string // nodes that are not read

	devices map[string]*device    // of Homie 5
	trees   map[string]*tree      // of the older versions, by their base topics
	partial partial               // those of trees that are not announced
	topics  map[string][]*binding // by value topic, of announced devices
	early   early                 // of Homie 5
}

// elsewhere are the roots and the implementations that conventions of their own read: they know more of these devices.
var elsewhere = map[string]bool{"valetudo": true, "Valetudo": true}

// New returns a convention that has seen nothing yet.
func New() *Convention {
	return &Convention{
		name: Name, devices: map[string]*device{}, trees: map[string]*tree{}, topics: map[string][]*binding{},
	}
}

// NewOnly returns a convention, called name, that reads only the devices whose $implementation in Homie 2 to 4 is the one that is
// given, under any root, and of these not the nodes in without. Conventions that know more of such devices are built upon it.
func NewOnly(name, implementation string, without ...string) *Convention {
	c := New()
	c.name, c.only, c.without = name, implementation, without
	return c
}

// Name is "homie", or what NewOnly was given.
func (c *Convention) Name() string { return c.name }

// Filters are those of auto-discovery in any domain, and of the descriptions.
func (c *Convention) Filters() []broker.Subscription {
	if c.only != "" {
		return []broker.Subscription{{Filter: "+/+/$implementation", QoS: 1}}
	}
	return []broker.Subscription{{Filter: "+/5/+/$state", QoS: 1}, {Filter: "+/5/+/$description", QoS: 1}, {Filter: "+/+/$homie", QoS: 1}}
}

// Greet is nothing: all that a device says of itself is retained.
func (c *Convention) Greet() []broker.Message { return nil }

// What Parse hands to Apply: *announcement, or one of these.
type (
	stated   struct{ domain, id, state string }
	removed  struct{ domain, id string }
	rejected struct{ key, reason string }
	found    struct{ root, id string }
)

// Parse reads the descriptions and states of Homie 5. A description asks for the device's values, targets, alerts and log. Of older
// versions it reads that there is a device, and asks for all that it says.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	if root, id, ok := c.announces(m.Topic); ok {
		return c.find(root, id, m)
	}
	domain, id, rest, ok := split(m.Topic)
	if !ok || c.only != "" || rest != "$state" && rest != "$description" {
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
	case found:
		return c.discover(m, content)
	case rejected:
		return fault(content.key, m.Topic, content.reason)
	}
	if bindings := c.topics[m.Topic]; bindings != nil {
		return c.value(m, bindings)
	}
	if t, path := c.treeOf(m.Topic); t != nil {
		return c.grow(t, path, m)
	}
	if c.only != "" {
		return hub.Update{}
	}
	if topic, ok := strings.CutSuffix(m.Topic, "/$target"); ok && c.topics[topic] != nil {
		return c.target(m, c.topics[topic])
	}
	return c.stray(m)
}

// known is what is announced of one device, in whatever version of Homie.
type known struct {
	announced *announcement // nil until its description was applied
	bindings  map[devices.Ref]*binding
}

// known finds a device by its key, nil if it is not announced.
func (c *Convention) known(key string) *known {
	if d := c.devices[key]; d != nil && d.announced != nil {
		return &d.known
	}
	if t := c.trees[baseOf(key)]; t != nil && t.announced != nil {
		return &t.known
	}
	return nil
}

// bind makes a description the device's, in place of the one before.
func (c *Convention) bind(k *known, a *announcement) {
	c.unbind(k)
	k.announced, k.bindings = a, map[devices.Ref]*binding{}
	for _, b := range a.bindings {
		k.bindings[b.ref] = b
		c.topics[b.topic] = append(c.topics[b.topic], b)
	}
}

// unbind takes a description's topics back.
func (c *Convention) unbind(k *known) {
	if k.announced == nil {
		return
	}
	for _, b := range k.announced.bindings {
		delete(c.topics, b.topic)
	}
	k.announced, k.bindings = nil, nil
}

// Forget drops what was learnt of a device, but for the $state in Homie 5, by which its children are judged.
func (c *Convention) Forget(key string) (unneeded []string) {
	if t := c.trees[baseOf(key)]; t != nil {
		return c.fell(t).Unsubscribe
	}
	d := c.devices[key]
	if d == nil {
		return nil
	}
	if d.announced != nil || d.waiting != nil {
		unneeded = filters(d.domain, d.id)
	}
	c.unbind(&d.known)
	d.waiting, d.aside = nil, aside{}
	c.early.take(d.domain + "/5/" + d.id + "/")
	if d.state == "" {
		delete(c.devices, key)
	}
	return unneeded
}

// Topics are all that the device keeps: everything of it lies under its own level.
func (c *Convention) Topics(key string) []string {
	if d := c.devices[key]; d != nil {
		return []string{d.domain + "/5/" + d.id + "/#"}
	}
	if base := baseOf(key); c.trees[base] != nil {
		return []string{base + "/#"}
	}
	return nil
}

// Topic is where the device tells the value of a property; empty for one that it does not have.
func (c *Convention) Topic(key string, ref devices.Ref) string {
	if k := c.known(key); k != nil && k.bindings[ref] != nil {
		return k.bindings[ref].topic
	}
	return ""
}

// Encode tells a device a value.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	k := c.known(key)
	if k == nil {
		return nil, errors.New("the device has not described itself yet")
	}
	b := k.bindings[ref]
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

func fault(key, topic, reason string) hub.Update {
	return hub.Update{Faults: []hub.Fault{{Key: key, Topic: topic, Reason: reason}}}
}

func join(a, b hub.Update) hub.Update {
	a.Devices = append(a.Devices, b.Devices...)
	a.Gone = append(a.Gone, b.Gone...)
	a.Unsubscribe = append(a.Unsubscribe, b.Unsubscribe...)
	a.Readings = append(a.Readings, b.Readings...)
	a.Targets = append(a.Targets, b.Targets...)
	a.Reaches = append(a.Reaches, b.Reaches...)
	a.Faults = append(a.Faults, b.Faults...)
	return a
}
