package shelly

import (
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
)

// builders make components of the device's own, by their type.
var builders = map[string]func(b *build){
	"switch": (*build).relay, "light": (*build).light, "rgb": (*build).light, "rgbw": (*build).light, "cct": (*build).light,
	"rgbcct": (*build).light, "cover": (*build).cover, "input": (*build).input,

	"temperature": (*build).temperature, "humidity": (*build).humidity, "illuminance": (*build).illuminance,
	"devicepower": (*build).power, "smoke": (*build).smoke, "flood": (*build).flood, "voltmeter": (*build).voltmeter,
	"occupancy": (*build).occupancy, "presence": (*build).occupancy, "presencezone": (*build).occupancy,

	"em": (*build).meter3, "emdata": (*build).energy3, "em1": (*build).meter1, "em1data": (*build).energy1, "pm1": (*build).meter,

	"thermostat": (*build).thermostat, "blutrv": (*build).radiator,

	"boolean": (*build).boolean, "number": (*build).number, "enum": (*build).enum, "text": (*build).text, "button": (*build).button,
	"service": (*build).service,

	"bthomedevice": (*build).bluetooth, "bthomesensor": (*build).bluetoothSensor,

	"sys": (*build).system, "wifi": (*build).wifi,
}

// isComponent says whether a name is that of a component which can be understood.
func isComponent(key string) bool {
	kind, _, ok := splitKey(key)
	return ok && builders[kind] != nil
}

// splitKey takes a component's key apart: its type and its number. Some have no number.
func splitKey(key string) (kind string, id int, ok bool) {
	kind, number, numbered := strings.Cut(key, ":")
	if !numbered {
		return kind, 0, kind == "sys" || kind == "wifi"
	}
	if number == "" || len(number) > 4 || strings.Trim(number, "0123456789") != "" {
		return "", 0, false
	}
	id, err := strconv.Atoi(number)
	return kind, id, err == nil
}

// metering adds what components that switch measure.
func (b *build) metering(c *devices.Component) {
	b.measured(c, "apower", "power", "power", "W", 1)
	b.measured(c, "voltage", "voltage", "voltage", "V", 1)
	b.measured(c, "current", "current", "current", "A", 1)
	b.measured(c, "aenergy.total", "energy", "energy", "kWh", 1e-3)
	b.extras(c)
}

// extras are what only some meters measure.
func (b *build) extras(c *devices.Component) {
	b.measured(c, "aprtpower", "apparent-power", "apparent_power", "VA", 1)
	b.measured(c, "pf", "power-factor", "power_factor", "", 1)
	b.measured(c, "freq", "frequency", "frequency", "Hz", 1)
	b.measured(c, "ret_aenergy.total", "energy-returned", "energy", "kWh", 1e-3)
	b.measured(c, "temperature.tC", "temperature", "temperature", "°C", 1)
}

func (b *build) relay() {
	id := b.id // since b goes on to other components
	c := b.own(devices.Switch, "")
	b.truth(c, "output", devices.On, "")
	b.set(c, devices.On, func(v devices.Value) (string, map[string]any) { return "Switch.Set", b2(id, "on", v.Bool()) })
	b.metering(c)
}

// b2 are the parameters of a call with one value.
func b2(id int, key string, value any) map[string]any { return map[string]any{"id": id, key: value} }

// pressed are the events of buttons, as they are called and as the model has them.
var pressed = map[string]string{
	"btn_down": "down", "btn_up": "up", "single_push": "single", "double_push": "double", "triple_push": "triple",
	"long_push": "long", "long_double_push": "long-double", "long_triple_push": "long-triple", "hold_press": "hold",
	"rotate_left": "left", "rotate_right": "right",
}

// What is announced of a button that is wired, one that people press on a page, and one that speaks Bluetooth; with it, the only
// presses that are reported.
var (
	wiredPresses     = []string{"single", "double", "triple", "long", "down", "up"}
	virtualPresses   = []string{"single", "double", "triple", "long"}
	bluetoothPresses = []string{"single", "double", "triple", "long", "long-double", "long-triple", "hold", "left", "right"}
)

// press is where the presses of one button go, and those that it has.
type press struct {
	target
	choices []string
}

// pushes adds the events of a button.
func (b *build) pushes(c *devices.Component, index string, choices []string) {
	if c.Property(devices.EventType) == nil {
		c.Properties = append(c.Properties, devices.Property{
			ID: devices.EventType, Datatype: devices.Enum, Choices: choices, Readable: true, Momentary: true,
		})
	}
	if b.part.press == nil {
		b.part.press = map[string]press{}
	}
	b.part.press[index] = press{target{b.unit, devices.Ref{Component: c.ID, Property: devices.EventType}}, choices}
}

// input is a switch that is on or off, a button that is pressed, an analog one or a counter.
func (b *build) input() {
	if on, told := b.config.Get("enable").Bool(); told && !on { // nobody is to see it
		return
	}
	kind := b.config.Get("type").Text()
	if kind == "" { // not known yet
		switch {
		case b.has("percent"):
			kind = "analog"
		case b.has("counts.total"):
			kind = "count"
		case b.has("state"):
			kind = "switch"
		default:
			kind = "button"
		}
	}
	switch kind {
	case "button":
		b.pushes(b.own(devices.EventSource, ""), "", wiredPresses)
	case "analog":
		c := b.own(devices.Sensor, "")
		b.measure(c, "percent", "level", "", "%", 1)
		b.measured(c, "xpercent", devices.ValueID, "", "", 1)
	case "count":
		c := b.own(devices.Sensor, "")
		b.add(c, "counts.total", devices.Property{ID: "count", Datatype: devices.Int}, intOf)
		b.measured(c, "counts.xtotal", devices.ValueID, "", "", 1)
		b.measured(c, "freq", "frequency", "frequency", "Hz", 1)
	default:
		b.truth(b.own(devices.BinarySensor, ""), "state", "input", "")
	}
}

var coverStates = []string{"open", "opening", "closed", "closing", "stopped"}

func (b *build) cover() {
	id := b.id
	c := b.own(devices.Cover, "")
	b.add(c, "state", devices.Property{
		ID: devices.State, Datatype: devices.Enum, Choices: coverStates, Wanted: []string{"open", "closed"},
	}, enumOf(coverStates, map[string]string{"calibrating": "stopped"}))
	b.set(c, devices.State, func(v devices.Value) (string, map[string]any) {
		if v.Text() == "open" {
			return "Cover.Open", map[string]any{"id": id}
		}
		return "Cover.Close", map[string]any{"id": id}
	})
	b.act(c, devices.Stop, "", "Cover.Stop", map[string]any{"id": id})
	// A cover that is not calibrated has no position.
	if b.has("current_pos") {
		b.add(c, "current_pos", percent(devices.Position), floatOf(1))
		b.set(c, devices.Position, func(v devices.Value) (string, map[string]any) {
			return "Cover.GoToPosition", b2(id, "pos", whole(v))
		})
	}
	if b.has("slat_pos") {
		b.add(c, "slat_pos", percent(devices.Tilt), floatOf(1))
		b.set(c, devices.Tilt, func(v devices.Value) (string, map[string]any) {
			return "Cover.GoToPosition", b2(id, "slat_pos", whole(v))
		})
	}
	b.metering(c)
}

func percent(id string) devices.Property {
	return devices.Property{ID: id, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: 1}
}

// whole is a value rounded to an integer, as devices want theirs.
func whole(v devices.Value) int { return int(v.Float() + 0.5) }

func (b *build) system() {
	c := b.component("sys", devices.Sensor, "System", "diagnostic")
	b.add(c, "uptime", devices.Property{ID: "uptime", Datatype: devices.Int, Unit: "s", Class: "duration"}, intOf)
	b.truth(c, "restart_required", "restart-required", "problem")
	b.firmware()
	c = b.component("restart", devices.Button, "Restart", "config")
	b.act(c, devices.Press, "", "Shelly.Reboot", nil)
}

func (b *build) wifi() {
	c := b.component("wifi", devices.Sensor, "Wi-Fi", "diagnostic")
	b.add(c, "rssi", devices.Property{ID: "signal-strength", Datatype: devices.Int, Unit: "dBm", Class: "signal_strength"}, intOf)
	b.add(c, "sta_ip", devices.Property{ID: "ip", Name: "IP address", Datatype: devices.String}, textOf)
}
