package shelly

import (
	"strconv"

	"home.arpa/homehub/devices"
)

func (b *build) temperature() {
	b.measure(b.own(devices.Sensor, ""), "tC", "temperature", "temperature", "°C", 1)
}

func (b *build) humidity() {
	b.measure(b.own(devices.Sensor, ""), "rh", "humidity", "humidity", "%", 1)
}

func (b *build) illuminance() {
	c := b.own(devices.Sensor, "")
	b.measure(c, "lux", "illuminance", "illuminance", "lx", 1)
	choices := []string{"dark", "twilight", "bright"}
	b.optional(c, "illumination", devices.Property{ID: "illumination", Datatype: devices.Enum, Choices: choices}, enumOf(choices, nil))
}

// power is where the device has its power from.
func (b *build) power() {
	c := b.own(devices.Sensor, "diagnostic")
	b.measure(c, "battery.percent", "battery", "battery", "%", 1)
	b.measured(c, "battery.V", "voltage", "voltage", "V", 1)
	if b.has("external.present") {
		b.truth(c, "external.present", "external-power", "plug")
	}
}

func (b *build) smoke() {
	c := b.own(devices.BinarySensor, "")
	b.truth(c, "alarm", "smoke", "smoke")
	b.truth(c, "mute", "muted", "")
	b.act(c, "mute", "Mute the alarm", "Smoke.Mute", b.with())
}

func (b *build) flood() {
	c := b.own(devices.BinarySensor, "")
	b.truth(c, "alarm", "moisture", "moisture")
	b.truth(c, "mute", "muted", "")
}

func (b *build) voltmeter() {
	c := b.own(devices.Sensor, "")
	b.measure(c, "voltage", "voltage", "voltage", "V", 1)
	b.measured(c, "xvoltage", devices.ValueID, "", "", 1)
}

// occupancy is a radar's word, which the families of devices put under different names.
func (b *build) occupancy() {
	c := b.own(devices.BinarySensor, "")
	for _, where := range []string{"value", "state", "occupancy", "presence"} {
		if b.seen[where] {
			b.truth(c, where, "occupancy", "occupancy")
			break
		}
		b.has(where)
	}
	if len(c.Properties) == 0 {
		b.truth(c, "value", "occupancy", "occupancy")
	}
	b.optional(c, "num_objects", devices.Property{ID: "count", Datatype: devices.Int}, intOf)
}

// meter measures one line.
func (b *build) meter() {
	c := b.own(devices.Sensor, "")
	b.measure(c, "apower", "power", "power", "W", 1)
	b.measure(c, "voltage", "voltage", "voltage", "V", 1)
	b.measure(c, "current", "current", "current", "A", 1)
	b.measure(c, "aenergy.total", "energy", "energy", "kWh", 1e-3)
	b.extras(c)
}

func (b *build) meter1() {
	c := b.own(devices.Sensor, "")
	b.measure(c, "act_power", "power", "power", "W", 1)
	b.measure(c, "aprt_power", "apparent-power", "apparent_power", "VA", 1)
	b.measure(c, "voltage", "voltage", "voltage", "V", 1)
	b.measure(c, "current", "current", "current", "A", 1)
	b.measure(c, "pf", "power-factor", "power_factor", "", 1)
	b.measured(c, "freq", "frequency", "frequency", "Hz", 1)
}

// energy1 and energy3 belong to the meters of the same number.
func (b *build) energy1() {
	c := b.component(devices.Slug("em1:"+strconv.Itoa(b.id)), devices.Sensor, "", "")
	b.measure(c, "total_act_energy", "energy", "energy", "kWh", 1e-3)
	b.measure(c, "total_act_ret_energy", "energy-returned", "energy", "kWh", 1e-3)
}

func (b *build) energy3() {
	c := b.component(devices.Slug("em:"+strconv.Itoa(b.id)), devices.Sensor, "", "")
	b.measure(c, "total_act", "energy", "energy", "kWh", 1e-3)
	b.measure(c, "total_act_ret", "energy-returned", "energy", "kWh", 1e-3)
	for _, phase := range []string{"a", "b", "c"} {
		b.measure(c, phase+"_total_act_energy", phase+"-energy", "energy", "kWh", 1e-3)
		b.measure(c, phase+"_total_act_ret_energy", phase+"-energy-returned", "energy", "kWh", 1e-3)
	}
}

// meter3 measures three phases, and the neutral line where it has a clamp for it.
func (b *build) meter3() {
	c := b.own(devices.Sensor, "")
	for _, phase := range []string{"a", "b", "c"} {
		b.measure(c, phase+"_act_power", phase+"-power", "power", "W", 1)
		b.measure(c, phase+"_aprt_power", phase+"-apparent-power", "apparent_power", "VA", 1)
		b.measure(c, phase+"_voltage", phase+"-voltage", "voltage", "V", 1)
		b.measure(c, phase+"_current", phase+"-current", "current", "A", 1)
		b.measure(c, phase+"_pf", phase+"-power-factor", "power_factor", "", 1)
		b.measured(c, phase+"_freq", phase+"-frequency", "frequency", "Hz", 1)
	}
	b.measured(c, "n_current", "n-current", "current", "A", 1)
	b.measure(c, "total_act_power", "power", "power", "W", 1)
	b.measure(c, "total_aprt_power", "apparent-power", "apparent_power", "VA", 1)
	b.measure(c, "total_current", "current", "current", "A", 1)
}
