package zigbee2mqtt

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// The bridge's properties.
var (
	permitJoin  = devices.Ref{Component: "permit-join", Property: devices.On}
	needRestart = devices.Ref{Component: "restart-required", Property: "problem"}
)

// joinTime is for how many seconds joining is permitted: as long as Zigbee allows at once.
const joinTime = "254"

// info is what bridge/info says about the bridge.
type info struct {
	base        string
	source      []byte // what of it describes the bridge
	version     string
	coordinator string // the kind of stick
	address     string
	attributes  bool
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
		attributes: output.is("attribute"), values: map[devices.Ref]devices.Value{},
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

// bridgeSchema is what every bridge has. What needs a device and more than one word about it is told as JSON.
func bridgeSchema() schema {
	s := schema{outlets: map[devices.Ref]outlet{}}
	act := func(component, property, request string, body func(v devices.Value) (string, error)) {
		s.outlets[devices.Ref{Component: component, Property: property}] = outlet{"request/" + request, body}
	}
	act(permitJoin.Component, permitJoin.Property, "permit_join", func(v devices.Value) (string, error) {
		if v.Bool() {
			return `{"time":` + joinTime + `,"value":true}`, nil // version 1 reads value, version 2 time
		}
		return `{"time":0,"value":false}`, nil
	})
	act("restart", devices.Press, "restart", func(v devices.Value) (string, error) {
		if !v.Bool() {
			return "", fmt.Errorf("%w: %s takes true only", devices.ErrValue, devices.Press)
		}
		return "{}", nil
	})
	id := func(v devices.Value) (string, error) { return set("id", quote(v.Text())), nil }
	whole := func(v devices.Value) (string, error) { return v.Text(), nil }
	device := devices.Component{ID: "device", Kind: devices.Other, Name: "Device", Category: "config"}
	for _, a := range []struct {
		id, name string
		datatype devices.Datatype
		body     func(v devices.Value) (string, error)
	}{
		{"configure", "Configure a device, by its name", devices.String, id},
		{"interview", "Interview a device, by its name", devices.String, id},
		{"remove", "Remove a device, by its name", devices.String, id},
		{"rename", `Rename a device, {"from":…,"to":…}`, devices.JSON, whole},
	} {
		device.Properties = append(device.Properties, devices.Property{ID: a.id, Name: a.name, Datatype: a.datatype, Settable: true, Momentary: true})
		act(device.ID, a.id, "device/"+a.id, a.body)
	}
	s.components = []devices.Component{
		device,
		{ID: permitJoin.Component, Kind: devices.Switch, Name: "Permit join", Category: "config", Properties: []devices.Property{
			{ID: permitJoin.Property, Datatype: devices.Bool, Readable: true, Settable: true},
		}},
		{ID: "restart", Kind: devices.Button, Name: "Restart", Category: "config", Properties: []devices.Property{
			{ID: devices.Press, Datatype: devices.Bool, Settable: true, Momentary: true},
		}},
		{ID: needRestart.Component, Kind: devices.BinarySensor, Name: "Restart required", Category: "diagnostic", Properties: []devices.Property{
			{ID: needRestart.Property, Datatype: devices.Bool, Class: "problem", Readable: true},
		}},
	}
	return s
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
			}
		}
	}
}

// respond takes the bridge's answer to a request. What was done shows in its lists; what was not is a fault.
func (c *Convention) respond(m broker.Message, base, request string, u *hub.Update) {
	key := c.bridgeKey(base)
	v, ok := parse(m.Payload)
	if key == "" || !ok || !v.get("status").is("error") {
		return
	}
	reason := limited(v.get("error"))
	if reason == "" {
		reason = "Zigbee2MQTT does not say why"
	}
	u.Faults = append(u.Faults, hub.Fault{Key: key, Topic: m.Topic, Reason: fmt.Sprintf("%.60s was refused: %s", request, reason)})
}

// failure is a command that could not be carried out, as the bridge's log tells it.
type failure struct{ property, name, reason string }

// readLogging finds, in a message of the log, that setting a property failed: "Publish 'set' 'state' to 'Lamp' failed: '…'".
// Failed gets are left out: they are for devices that sleep.
func readLogging(payload []byte) *failure {
	if !bytes.Contains(payload, []byte("Publish 'set' '")) || !bytes.Contains(payload, []byte(`"error"`)) {
		return nil
	}
	v, ok := parse(payload)
	if !ok || !v.get("level").is("error") {
		return nil
	}
	_, rest, ok := strings.Cut(v.get("message").String(), "Publish 'set' '")
	property, rest, ok2 := strings.Cut(rest, "' to '")
	name, reason, ok3 := strings.Cut(rest, "' failed: ")
	if !ok || !ok2 || !ok3 {
		return nil
	}
	if len(reason) > maxText {
		reason = strings.ToValidUTF8(reason[:maxText], "")
	}
	return &failure{property, name, strings.Trim(reason, "'")}
}

func (c *Convention) complain(m broker.Message, base string, f *failure, u *hub.Update) {
	if t := c.topics[base+"/"+f.name]; t != nil && t.announced {
		u.Faults = append(u.Faults, hub.Fault{Key: t.key, Topic: m.Topic, Reason: fmt.Sprintf("setting %.60s failed: %s", f.property, f.reason)})
	}
}
