package simulator

import (
	"fmt"
	"slices"
	"strings"
)

// Apart returns the house with devices of its own: the name stands behind theirs, and so in their identifiers, hardware addresses
// and topics, too. Two houses on one broker need that: the seed decides what happens in a house, not which devices are in it, and
// two that publish to the same topics are one device to everybody who listens. The name has letters and digits of ASCII in lower
// case, with single hyphens between; empty leaves the house as it is.
func (h House) Apart(name string) (House, error) {
	if name == "" {
		return h, nil
	}
	if (DeviceSpec{Name: name}).ID() != name {
		return House{}, fmt.Errorf("a house is set apart by lower-case letters, digits and hyphens, such as cottage, not by %.40q", name)
	}
	suffix := "-" + name
	h.Name = fmt.Sprintf("%s (%s)", h.Name, name)
	h.Zigbee2MQTT.Base, h.Zigbee2MQTT.apart = h.Zigbee2MQTT.base()+suffix, suffix
	h.Devices = slices.Clone(h.Devices)
	for i := range h.Devices {
		h.Devices[i] = h.Devices[i].apart(name, suffix)
	}
	return h, h.Check()
}

// apart is the device in a house of that name.
func (d DeviceSpec) apart(name, suffix string) DeviceSpec {
	d.Name = fmt.Sprintf("%s (%s)", d.Name, name)
	extend := func(topic *string) {
		if *topic != "" {
			*topic = strings.TrimSuffix(*topic, "/") + suffix
		}
	}
	extend(&d.Topic)
	if d.Tasmota != nil {
		own := *d.Tasmota
		extend(&own.Topic)
		d.Tasmota = &own
	}
	if d.Shelly != nil {
		own := *d.Shelly
		extend(&own.Prefix)
		extend(&own.ID)
		d.Shelly = &own
	}
	return d
}
