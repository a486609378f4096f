// Package valetudo reads and steers vacuum robots with the firmware Valetudo. They announce themselves as devices in Homie 4, under a
// root of their own, and to Home Assistant beside.
//
// It is built upon devices/homie, which reads the tree, knows when it is whole and spells the values; this package lays the vacuum over
// what comes out, since Homie has no word for one: Homie's roles would make a select of the fan and an enum of each command. That is less
// than reading the topics a second time, and the limits hold once. devices/homie leaves these devices to it.
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload makes it panic. It
// never decodes maps, which are pictures and compressed JSON, and not the list of events. Commands are never retained: the robot refuses those.
//
// Source: the firmware's documentation (valetudo.cloud, Integrations, MQTT) and its handles for MQTT.
package valetudo

import (
	"fmt"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "valetudo"

// implementation is what the robots call themselves in $implementation.
const implementation = "Valetudo"

// Options are what can be chosen. There is nothing yet.
type Options struct{}

// Convention is a hub.Convention. Make it with New. Keys are those of devices/homie: <root>/4/<robot>.
type Convention struct {
	tree   *homie.Convention
	robots map[string]*robot
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no robot yet. There is no error yet.
func New(Options) (*Convention, error) {
	return &Convention{tree: homie.NewOnly(Name, implementation, "MapData", "ValetudoEvents"), robots: map[string]*robot{}}, nil
}

// Name is "valetudo".
func (c *Convention) Name() string { return Name }

// Filters are those by which a robot is found: what it says of its firmware.
func (c *Convention) Filters() []broker.Subscription { return c.tree.Filters() }

// Greet is nothing: all that a robot says is retained.
func (c *Convention) Greet() []broker.Message { return nil }

// Parse reads that there is a robot.
func (c *Convention) Parse(m broker.Message) hub.Parsed { return c.tree.Parse(m) }

// Apply takes what a robot says, and gives it a vacuum's words.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	u := c.tree.Apply(m, p)
	for i := range u.Devices {
		a := &u.Devices[i]
		r := lay(a.Device)
		c.robots[a.Key], a.Device = r, r.device.Clone()
	}
	for _, key := range u.Gone {
		delete(c.robots, key)
	}
	readings := u.Readings[:0]
	for _, reading := range u.Readings {
		if r := c.robots[reading.Key]; r != nil && r.translate(&reading) {
			readings = append(readings, reading)
		}
	}
	u.Readings = readings
	return u
}

// Encode tells a robot a value.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	r := c.robots[key]
	if r == nil {
		return nil, fmt.Errorf("steering %s: the robot is not known", key)
	}
	p := r.device.Property(ref)
	switch {
	case p == nil || !p.Settable:
		return nil, fmt.Errorf("steering %s: its %s cannot be set", key, ref)
	case v.Datatype() != p.Datatype:
		return nil, fmt.Errorf("%w: %s of %s is a %s, not a %s", devices.ErrValue, ref, key, p.Datatype, v.Datatype())
	}
	if consumable, ok := r.resets[ref]; ok {
		return []broker.Message{{Topic: c.tree.Topic(key, consumable) + "/reset/set", Payload: []byte(perform)}}, nil
	}
	w := r.writers[ref]
	told := v
	if w.told != nil {
		var ok bool
		if told, ok = w.told(v); !ok {
			return nil, fmt.Errorf("%w: the robot cannot be told to be %s", devices.ErrValue, v)
		}
	}
	return c.tree.Encode(key, w.ref, told)
}

// Topics are all that the robot keeps.
func (c *Convention) Topics(key string) []string { return c.tree.Topics(key) }

// Forget drops a robot until it announces itself again.
func (c *Convention) Forget(key string) (unneeded []string) {
	delete(c.robots, key)
	return c.tree.Forget(key)
}
