package tasmota

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/hub"
)

// discover takes a discovery message.
func (c *Convention) discover(m broker.Message, p *parsed, u *hub.Update) {
	found := p.discovery
	d := c.byMAC[found.mac]
	if found.fault != "" {
		key := ""
		if d != nil && c.devices[d.key] == d {
			key = d.key
		}
		u.Faults = append(u.Faults, hub.Fault{Key: key, Topic: m.Topic, Reason: found.fault})
		return
	}
	switch {
	case len(m.Payload) == 0 && found.part == "config":
		if d != nil && d.announced {
			delete(c.devices, d.key)
			u.Unsubscribe = c.unbind(d)
			u.Gone = append(u.Gone, d.key)
			c.inherit()
		}
	case len(m.Payload) == 0:
		if d != nil {
			d.said = without(d.said, m.Topic)
		}
	case found.part == "sensors":
		c.discoverSensors(d, m, u)
	default:
		c.discoverDevice(d, m, found, u)
	}
}

// discoverDevice takes a config. The device may be known by its topics already.
func (c *Convention) discoverDevice(d *device, m broker.Message, found *discovery, u *hub.Update) {
	list := found.setup.branches(found.mac)
	if d == nil {
		for _, b := range list {
			if known := c.bases[b.tele]; known != nil && !known.announced && (known.mac == "" || known.mac == found.mac) {
				d = known
			}
		}
	}
	fresh := d == nil
	if fresh {
		d = &device{}
	}
	if c.devices[d.key] != d {
		d.said, d.taught = nil, nil // what made it suspicious is not needed
		if len(c.devices) >= maxDevices {
			u.Faults = append(u.Faults, hub.Fault{Topic: m.Topic, Reason: fmt.Sprintf("there are %d devices already, and no more are taken", maxDevices)})
			return
		}
		d.key = found.mac
	}
	changed := fresh || !d.announced || !reflect.DeepEqual(d.setup, found.setup)
	if changed {
		old := c.unbind(d)
		d.mac, d.setup, d.announced = found.mac, found.setup, true
		if !slices.ContainsFunc(list, func(b branches) bool { return b == d.topics }) {
			d.topics = list[0]
		}
		d.beside.fahrenheit = d.options.fahrenheit
		if other := c.bind(d, list); other != nil {
			u.Faults = append(u.Faults, hub.Fault{Key: d.key, Topic: m.Topic, Reason: fmt.Sprintf("its topics are those of %s as well, so what they say cannot be told apart", other.built.Name)})
		}
		c.inherit()
		u.Unsubscribe = slices.DeleteFunc(old, func(f string) bool { return c.filters[f] > 0 })
	}
	c.devices[d.key] = d
	d.keep(m)
	if early, ok := c.early[found.mac]; ok {
		delete(c.early, found.mac)
		d.foretell(early)
	}
	d.rebuild()
	u.Devices = append(u.Devices, d.announce())
	d.reach(u)
	if changed {
		u.Ask = append(u.Ask, d.question()...)
	}
}

// discoverSensors takes the sensors of a device. They wait for the config if that comes later.
func (c *Convention) discoverSensors(d *device, m broker.Message, u *hub.Update) {
	if d == nil || c.devices[d.key] != d {
		if len(c.early) < maxSuspects {
			c.early[mac(m.Topic)] = kept(m)
		}
		return
	}
	d.foretell(m)
	d.rebuild()
	u.Devices = append(u.Devices, d.announce())
}

// mac is the address in a discovery topic.
func mac(topic string) string {
	address, _, _ := strings.Cut(strings.TrimPrefix(topic, discoveryPrefix), "/")
	return strings.ToUpper(address)
}

// foretell learns which sensors there are. Their values are as old as the device's start, or only examples.
func (d *device) foretell(m broker.Message) {
	doc, ok := readJSON(m.Payload)
	if !ok {
		return
	}
	d.rebuild()
	r := report{d: d, m: m, label: "sensors", u: &hub.Update{}, replayed: true}
	r.read(func() { r.telemetry(doc, doc.get(0, "sn")) })
	d.keep(m)
}

// bind makes a device's topics its own. Of two devices with the same topics the first keeps them; it is returned.
func (c *Convention) bind(d *device, list []branches) (other *device) {
	other = c.claim(d, list)
	for _, b := range list {
		if !d.announced {
			continue
		}
		for _, s := range b.subscriptions() {
			c.filters[s.Filter]++
			d.filters = append(d.filters, s.Filter)
		}
	}
	if d.mac != "" {
		c.byMAC[d.mac] = d
	}
	return other
}

func (c *Convention) claim(d *device, list []branches) (other *device) {
	for _, b := range list {
		for _, base := range []string{b.tele, b.stat} {
			if known := c.bases[base]; known != nil && known != d {
				if c.devices[known.key] == known {
					other = known
					continue
				}
				c.unbind(known)
			}
			if !slices.Contains(d.bases, base) {
				c.bases[base] = d
				d.bases = append(d.bases, base)
			}
		}
	}
	return other
}

// inherit gives topics that became free to the device that had to do without them.
func (c *Convention) inherit() {
	for _, key := range sortedKeys(c.devices) {
		if d := c.devices[key]; d.announced && len(d.bases) == 0 {
			c.claim(d, d.branches(d.mac))
		}
	}
}

// unbind takes a device's topics away, and returns the filters that nobody needs then.
func (c *Convention) unbind(d *device) (unneeded []string) {
	for _, base := range d.bases {
		if c.bases[base] == d {
			delete(c.bases, base)
		}
	}
	for _, f := range d.filters {
		if c.filters[f]--; c.filters[f] <= 0 {
			delete(c.filters, f)
			unneeded = append(unneeded, f)
		}
	}
	d.bases, d.filters = nil, nil
	if c.byMAC[d.mac] == d {
		delete(c.byMAC, d.mac)
	}
	c.suspects = slices.DeleteFunc(c.suspects, func(s *device) bool { return s == d })
	return unneeded
}

// settleTopics chooses, of the topics that a device may use, those in which it was heard.
func (d *device) settleTopics(base string, u *hub.Update) {
	if !d.announced {
		return
	}
	for _, b := range d.branches(d.mac) {
		if b.tele == base || b.stat == base {
			d.topics = b
			if d.rebuild() {
				u.Devices = append(u.Devices, d.announce())
			}
			return
		}
	}
}
