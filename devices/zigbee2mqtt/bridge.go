package zigbee2mqtt

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// The bridge's properties.
var (
	permitJoin  = devices.Ref{Component: "permit-join", Property: devices.On}
	needRestart = devices.Ref{Component: "restart-required", Property: "problem"}
)

// info is what bridge/info says about the bridge.
type info struct {
	base        string
	source      []byte // what of it describes the bridge
	version     string
	coordinator string // the kind of stick
	address     string
	attributes  bool
	fades       fades
	values      map[devices.Ref]devices.Value
}

// readInfo reads bridge/info; nil when that is not what the payload is.
func readInfo(payload []byte, base string) *info {
	v, ok := parse(payload)
	if !ok || v.kind != object {
		return nil
	}
	stick, config := v.get("coordinator"), v.get("config")
	output := config.get("advanced").get("output")
	if output.kind == none {
		output = config.get("experimental").get("output")
	}
	i := &info{
		base: base, version: limited(v.get("version")), coordinator: limited(stick.get("type")),
		attributes: output.is("attribute"), fades: readFades(config), values: map[devices.Ref]devices.Value{},
	}
	if a, ok := address(stick.get("ieee_address")); ok {
		i.address = a
	}
	if i.version == "" || stick.kind != object {
		return nil
	}
	i.source = writeObject(
		"version", v.get("version"),
		"coordinator", literal{kind: object, raw: writeObject("type", stick.get("type"), "ieee_address", stick.get("ieee_address"))},
		"config", literal{kind: object, raw: writeObject(
			"advanced", literal{kind: object, raw: writeObject("output", output)})},
	)
	for key, ref := range map[string]devices.Ref{"permit_join": permitJoin, "restart_required": needRestart} {
		if l := v.get(key); l.kind == boolean {
			i.values[ref] = devices.BoolValue(l.is("true"))
		}
	}
	return i
}

// inform takes bridge/info.
func (c *Convention) inform(m broker.Message, i *info, u *hub.Update) {
	b := c.baseOf(i.base)
	if b == nil {
		return
	}
	if b.attributes && !i.attributes {
		u.Unsubscribe = append(u.Unsubscribe, b.topic+"/#")
	}
	b.info, b.attributes = i, i.attributes
	c.rebridge(b, u)
	b.tellFades(u, m.Retain)
	if b.bridge == nil {
		return
	}
	for _, ref := range []devices.Ref{permitJoin, needRestart} {
		if v, ok := i.values[ref]; ok {
			u.Readings = append(u.Readings, hub.Reported{Key: b.bridge.key, Ref: ref, Value: v, Replayed: m.Retain})
		}
	}
}

// rebridge announces the bridge when what is known of it has changed.
func (c *Convention) rebridge(b *base, u *hub.Update) {
	if b.coordinator == nil && b.info == nil {
		return
	}
	d := devices.Device{Name: "Zigbee2MQTT", Manufacturer: "Zigbee2MQTT", Model: "Bridge", Convention: Name}
	if b.topic != "zigbee2mqtt" {
		d.Name += " (" + b.topic + ")"
	}
	var sources []broker.Message
	id := ""
	if b.coordinator != nil {
		id = b.coordinator.address
		sources = append(sources, broker.Message{
			Topic: b.topic + "/bridge/devices/" + id, Payload: b.coordinator.source, QoS: 1, Retain: true,
		})
	}
	if i := b.info; i != nil {
		d.Firmware = i.version
		if i.coordinator != "" {
			d.Model += " (" + i.coordinator + ")"
		}
		if id == "" {
			id = i.address
		}
		sources = append(sources, broker.Message{Topic: b.topic + "/bridge/info/kept", Payload: i.source, QoS: 1, Retain: true})
	}
	if id != "" {
		d.Identifiers = []string{"zigbee2mqtt_bridge_" + id}
		d.Connections = []devices.Connection{{Kind: "zigbee", Value: id}}
	}
	t := b.bridge
	if t == nil {
		if len(c.things) >= maxThings {
			return
		}
		t = &thing{key: bridgeKey(b.topic), topic: b.topic + "/bridge", base: b}
		b.bridge, c.things[t.key] = t, t
		t.schema = bridgeSchema()
	}
	d.Components = t.components
	d.Sort()
	if t.announced && d.Equal(t.device) && len(sources) == t.sources && bytes.Equal(sources[len(sources)-1].Payload, t.source) {
		return
	}
	t.device, t.announced, t.sources, t.source = d, true, len(sources), sources[len(sources)-1].Payload
	u.Devices = append(u.Devices, hub.Announced{Key: t.key, Device: d, Availability: true, Sources: sources})
	t.reach(u, false)
}

// bridgeKey is the key of a base's bridge, empty as long as there is none.
func (c *Convention) bridgeKey(base string) string {
	if b := c.bases[base]; b != nil && b.bridge != nil {
		return b.bridge.key
	}
	return ""
}

// bridgeState takes bridge/state: without the bridge none of its devices can be reached.
func (c *Convention) bridgeState(m broker.Message, topic string, u *hub.Update) {
	if len(m.Payload) == 0 {
		return
	}
	said, ok := stateWord(m.Payload)
	if !ok {
		if key := c.bridgeKey(topic); key != "" {
			u.Faults = append(u.Faults, hub.Fault{Key: key, Topic: m.Topic, Reason: fmt.Sprintf(
				"expected online or offline, got %s", short(literal{kind: text, raw: m.Payload}))})
		}
		return
	}
	b := c.baseOf(topic)
	if b == nil {
		return
	}
	was := b.online
	b.online = said
	if b.bridge != nil {
		b.bridge.reach(u, false)
	}
	if was == said {
		return
	}
	back := was == devices.Offline
	for _, things := range []map[string]*thing{b.devices, b.groups} {
		for _, key := range slices.Sorted(maps.Keys(things)) {
			if t := things[key]; t.announced {
				t.reach(u, back)
				c.askLate(t, u)
			}
		}
	}
}
