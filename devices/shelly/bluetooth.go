package shelly

import (
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
	"home.arpa/homehub/devices/internal/jsontext"
)

// models are the manufacturer's Bluetooth devices by the number in their attributes: name and number of buttons.
var models = map[int]struct {
	name    string
	buttons int
}{
	1: {"BLU Button1", 1}, 2: {"BLU Door/Window", 1}, 3: {"BLU H&T", 1}, 5: {"BLU Motion", 1}, 6: {"BLU Wall Switch 4", 4},
	7: {"BLU RC Button 4", 4}, 12: {"BLU H&T Display", 0}, 17: {"BLU H&T", 0}, 22: {"BLU RC Button 4", 4},
}

// child makes the device behind a Bluetooth gateway with an address the current unit. It says no when the address is none, or
// the device is another gateway's already, or people removed it.
func (b *build) child(addr, name, model, firmware string) bool {
	mac := address.MAC(addr)
	if mac == "" {
		return false
	}
	key := "blu/" + mac
	if !b.mine(key) {
		return false
	}
	b.unit = key
	u := b.units[key]
	if u == nil {
		u = &unit{device: devices.Device{
			Convention: Name, Via: b.self, Identifiers: []string{mac},
			Connections: []devices.Connection{{Kind: "bluetooth", Value: mac}},
		}}
		b.units[key] = u
	}
	d := &u.device
	if name = jsontext.Clip(name, maxName); name != "" {
		d.Name = name
	}
	if model != "" {
		d.Model, d.Manufacturer = model, manufacturer
	}
	if firmware != "" {
		d.Firmware = jsontext.Clip(firmware, 40)
	}
	return true
}

// link is what a gateway says of each Bluetooth device.
func (b *build) link() {
	c := b.component("link", devices.Sensor, "Bluetooth", "diagnostic")
	b.add(c, "rssi", devices.Property{ID: "signal-strength", Datatype: devices.Int, Unit: "dBm", Class: "signal_strength"}, intOf)
}

func (b *build) bluetooth() {
	model := ""
	number, known := b.attrs.Get("model_id").Whole(65535)
	if known {
		model = models[number].name
		if model == "" {
			model = "BLU " + strconv.Itoa(number)
		}
	}
	if !b.child(b.config.Get("addr").Text(), b.config.Get("name").Text(), model, "") {
		return
	}
	b.link()
	buttons := models[number].buttons
	for i := range 16 {
		index := strconv.Itoa(i)
		if i >= buttons && !b.seen[pressOf+index] {
			continue
		}
		id, name := "button", "Button"
		if i > 0 {
			id, name = "button-"+strconv.Itoa(i+1), "Button "+strconv.Itoa(i+1)
		}
		b.pushes(b.component(id, devices.EventSource, name, ""), index, bluetoothPresses)
	}
}

// pressOf marks, among what was seen, that a Bluetooth device has a button of this index.
const pressOf = "press of "

// object is what a kind of value of BTHome means.
type bthome struct {
	class, unit string
	truth       bool
	factor      float64
}

func measurement(class, unit string) bthome { return bthome{class, unit, false, 1} }
func fact(class string) bthome              { return bthome{class, "", true, 1} }

// objects are the kinds of values by their BTHome number. Gateways have scaled them already.
var objects = map[int]bthome{
	0x01: measurement("battery", "%"), 0x02: measurement("temperature", "°C"), 0x03: measurement("humidity", "%"),
	0x04: measurement("pressure", "hPa"), 0x05: measurement("illuminance", "lx"), 0x06: measurement("weight", "kg"),
	0x08: measurement("dewpoint", "°C"), 0x09: measurement("count", ""), 0x0a: measurement("energy", "kWh"),
	0x0b: measurement("power", "W"), 0x0c: measurement("voltage", "V"), 0x0d: measurement("pm25", "µg/m³"),
	0x0e: measurement("pm10", "µg/m³"), 0x12: measurement("carbon_dioxide", "ppm"),
	0x13: measurement("volatile_organic_compounds", "µg/m³"), 0x14: measurement("moisture", "%"),
	0x2e: measurement("humidity", "%"), 0x2f: measurement("moisture", "%"), 0x3d: measurement("count", ""),
	0x3e: measurement("count", ""), 0x3f: measurement("rotation", "°"), 0x40: measurement("distance", "mm"),
	0x41: measurement("distance", "m"), 0x42: measurement("duration", "s"), 0x43: measurement("current", "A"),
	0x44: measurement("speed", "m/s"), 0x45: measurement("temperature", "°C"), 0x46: measurement("uv_index", ""),
	0x47: measurement("volume", "L"), 0x48: measurement("volume", "mL"), 0x49: measurement("volume_flow_rate", "m³/h"),
	0x4a: measurement("voltage", "V"), 0x4b: measurement("gas", "m³"), 0x4c: measurement("gas", "m³"),
	0x4d: measurement("energy", "kWh"), 0x4e: measurement("volume", "L"), 0x4f: measurement("water", "L"),
	0x57: measurement("temperature", "°C"), 0x58: measurement("temperature", "°C"), 0x5c: measurement("power", "W"),
	0x5d: measurement("current", "A"), 0x5e: measurement("direction", "°"), 0x5f: measurement("precipitation", "mm"),

	0x0f: fact(""), 0x10: fact("power"), 0x11: fact("opening"), 0x15: fact("battery"), 0x16: fact("battery_charging"),
	0x17: fact("carbon_monoxide"), 0x18: fact("cold"), 0x19: fact("connectivity"), 0x1a: fact("door"), 0x1b: fact("garage_door"),
	0x1c: fact("gas"), 0x1d: fact("heat"), 0x1e: fact("light"), 0x1f: fact("lock"), 0x20: fact("moisture"), 0x21: fact("motion"),
	0x22: fact("moving"), 0x23: fact("occupancy"), 0x24: fact("plug"), 0x25: fact("presence"), 0x26: fact("problem"),
	0x27: fact("running"), 0x28: fact("safety"), 0x29: fact("smoke"), 0x2a: fact("sound"), 0x2b: fact("tamper"),
	0x2c: fact("vibration"), 0x2d: fact("window"),
}

// truthSeen marks, among what was seen, that a value is a boolean.
const truthSeen = "value is true or false"

// buttonObject is BTHome's number of a button.
const buttonObject = 0x3a

func (b *build) bluetoothSensor() {
	number, known := b.config.Get("obj_id").Whole(65535)
	if !known || !b.child(b.config.Get("addr").Text(), "", "", "") {
		return
	}
	index, _ := b.config.Get("idx").Whole(65535)
	name := jsontext.Clip(b.config.Get("name").Text(), maxName)
	suffix := ""
	if index > 0 {
		suffix = "-" + strconv.Itoa(index+1)
	}
	if number == buttonObject {
		b.pushes(b.component("button"+suffix, devices.EventSource, name, ""), "", bluetoothPresses)
		return
	}
	o, known := objects[number]
	if !known {
		o = bthome{truth: b.seen[truthSeen], factor: 1}
	}
	id, kind := o.class, devices.Sensor
	if o.truth {
		kind = devices.BinarySensor
	}
	if id == "" {
		id = devices.ValueID
	}
	id = devices.Slug(strings.ReplaceAll(id, "_", "-"))
	component := id + suffix
	if !known || o.class == "" {
		component = "object-" + strconv.Itoa(number) + suffix
	}
	if o.truth && o.class == "battery" {
		component, id = "battery-low"+suffix, "battery-low"
	}
	category := ""
	if o.class == "battery" {
		category = "diagnostic"
	}
	c := b.component(component, kind, name, category)
	if c.Property(id) != nil { // the same kind twice under one index
		c = b.component(component+"-"+strconv.Itoa(b.id), kind, name, category)
	}
	if o.truth {
		b.truth(c, "value", id, o.class)
		return
	}
	b.measure(c, "value", id, o.class, o.unit, o.factor)
}
