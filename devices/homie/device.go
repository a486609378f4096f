package homie

import (
	"fmt"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/hub"
)

// device is what is known of one device in Homie 5.
type device struct {
	known
	domain, id string
	state      string        // its own $state, empty while unknown
	waiting    *announcement // a replayed description, until the $state shows that the device exists
	aside      aside
}

// filters are the subscriptions for one device's values, targets, alerts and log.
func filters(domain, id string) []string {
	prefix := domain + "/5/" + id
	return []string{prefix + "/+/+", prefix + "/+/+/$target"}
}

// describe applies a description.
func (c *Convention) describe(m broker.Message, a *announcement) hub.Update {
	d := c.device(a.key)
	if d == nil {
		return fault("", m.Topic, fmt.Sprintf("more than %d devices", maxDevices))
	}
	switch {
	case d.announced != nil && string(d.announced.sources[0].Payload) == string(m.Payload):
		return hub.Update{} // a replay; the same version with other content is not the same
	case m.Retain && d.state == "" && d.announced == nil:
		// What was kept of a device that has no state is the rest of one that was removed.
		d.waiting = a
		return hub.Update{}
	}
	return c.install(d, a)
}

func (c *Convention) install(d *device, a *announcement) hub.Update {
	c.bind(&d.known, a)
	d.waiting = nil
	u := hub.Update{Devices: []hub.Announced{d.told()}}
	for _, reason := range a.faults {
		u.Faults = append(u.Faults, hub.Fault{Key: a.key, Topic: a.sources[0].Topic, Reason: reason})
	}
	if r, ok := c.reach(d); ok {
		u.Reaches = append(u.Reaches, hub.Reached{Key: a.key, Reach: r})
	}
	u.Readings = append(u.Readings, d.readings()...)
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
	c.unbind(&d.known)
	d.waiting, d.aside = nil, aside{}
	if strings.HasSuffix(topic, "/$state") {
		wasLost := d.state == lost
		delete(c.devices, key)
		u.Reaches = append(u.Reaches, c.children(key, wasLost, false)...)
	}
	return u
}

// device returns what is known of a device, new if need be; nil when there are too many.
func (c *Convention) device(key string) *device {
	d := c.devices[key]
	if d == nil && len(c.devices)+len(c.trees) < maxDevices {
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
