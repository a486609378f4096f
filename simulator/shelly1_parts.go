package simulator

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/simulator/physics"
)

// equip finds out what the device is sold as, and which values it has.
func (v *shelly1Voice) equip(spec ShellySpec) {
	d := v.device
	switch d.spec.Kind {
	case KindPlug:
		v.model = shelly1Model{"shellyplug-s", "SHPLG-S"}
		v.relays(spec)
	case KindLight:
		v.light()
	case KindCover:
		v.model = shelly1Model{"shellyswitch25", "SHSW-25"}
		v.roller(spec)
	case KindClimate:
		v.model = shelly1Model{"shellyht", "SHHT-1"}
		v.tell("sensor/temperature", measured("air", "temperature", 2), d)
		v.tell("sensor/humidity", measured("air", "humidity", 1), d)
		v.tell("sensor/battery", measured("battery", "battery", 0), d)
		v.add("sensor/ext_power", func() string { return strconv.FormatBool(d.spec.Sleeps == 0) })
	case KindMotion:
		v.model = shelly1Model{"shellymotionsensor", "SHMOS-01"}
		v.motion()
	case KindContact:
		v.model = shelly1Model{"shellydw2", "SHDW-2"}
		open := &d.parts[0].Properties[0]
		v.add("sensor/state", func() string { return map[bool]string{true: "open", false: "close"}[open.Read().(bool)] }, open)
		// What it cannot know it says by numbers that cannot be.
		for _, unknown := range [][2]string{{"sensor/tilt", "-1"}, {"sensor/lux", "-1"}, {"sensor/temperature", "999"}, {"sensor/vibration", "0"}} {
			v.add(unknown[0], func() string { return unknown[1] })
		}
		v.tell("sensor/battery", measured("battery", "battery", 0), d)
	case KindThermostat:
		v.model = shelly1Model{"shellytrv", "SHTRV-01"}
		v.valve()
	case KindRemote:
		v.model = shelly1Model{"shellyix3", "SHIX3-1"}
		v.button = d.find("remote", "action")
		v.add("input/0", func() string { return "0" })
	}
}

// add adds a topic that tells how some properties are.
func (v *shelly1Voice) add(rest string, text func() string, of ...*physics.Property) *shelly1Topic {
	t := &shelly1Topic{rest: rest, text: text, of: of}
	v.topics = append(v.topics, t)
	return t
}

// shelly1Number is a property that is told with a number of decimals.
type shelly1Number struct {
	part, property string
	decimals       int
}

func measured(part, property string, decimals int) shelly1Number {
	return shelly1Number{part, property, decimals}
}

func (v *shelly1Voice) tell(rest string, n shelly1Number, d *device) {
	p := d.find(n.part, n.property)
	v.add(rest, func() string { return fixed(p.Read().(float64), n.decimals) }, p)
}

// switched adds a topic that is on or off, and its command.
func (v *shelly1Voice) switched(rest string, on *physics.Property) {
	v.add(rest, func() string { return strings.ToLower(onOrOff(on.Read().(bool))) }, on)
	v.orders[rest+"/command"] = func(payload string) bool { return plainSwitch(on, payload) }
}

// metered adds what a relay measures: the energy is in watt-minutes.
func (v *shelly1Voice) metered(rest string, meter *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find([]physics.Part{*meter}, meter.ID, id) }
	power, energy := find("power"), find("energy")
	v.add(rest+"/power", func() string { return fixed(power.Read().(float64), 2) }, power).loose = true
	v.add(rest+"/energy", func() string { return fixed(math.Floor(energy.Read().(float64)*60000), 0) }, energy)
}

// relays are the sockets of a plug. With a clamp they are measured beside the relay, as by a Shelly EM.
func (v *shelly1Voice) relays(spec ShellySpec) {
	parts := v.device.parts
	n := 0
	for i := range parts {
		if parts[i].Kind != "switch" {
			continue
		}
		rest := "relay/" + strconv.Itoa(n)
		v.switched(rest, &parts[i].Properties[0])
		if spec.Clamp {
			v.clamp("emeter/"+strconv.Itoa(n), &parts[i+1])
		} else {
			v.metered(rest, &parts[i+1])
		}
		n++
	}
	switch {
	case spec.Clamp:
		v.model = shelly1Model{"shellyem", "SHEM"}
	case n > 1:
		v.model = shelly1Model{"shelly4pro", "SHSW-44"}
	}
	v.add("temperature", func() string { return "41.30" })
	v.add("overtemperature", func() string { return "0" })
}

// clamp is a meter of its own, which counts watt-hours.
func (v *shelly1Voice) clamp(rest string, meter *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find([]physics.Part{*meter}, meter.ID, id) }
	power, energy, voltage := find("power"), find("energy"), find("voltage")
	v.add(rest+"/power", func() string { return fixed(power.Read().(float64), 2) }, power).loose = true
	v.add(rest+"/reactive_power", func() string { return fixed(power.Read().(float64)*0.33, 2) }, power).loose = true
	v.add(rest+"/voltage", func() string { return fixed(voltage.Read().(float64), 2) }, voltage).loose = true
	v.add(rest+"/total", func() string { return fixed(energy.Read().(float64)*1000, 1) }, energy)
	v.add(rest+"/total_returned", func() string { return "0.0" })
}

// roller is a shutter. One that is not calibrated says -1 for where it is.
func (v *shelly1Voice) roller(spec ShellySpec) {
	d := v.device
	state, position, halt := d.find("cover", "state"), d.find("cover", "position"), d.find("cover", "stop")
	moves := func() string {
		switch state.Read() {
		case physics.CoverOpening:
			return "open"
		case physics.CoverClosing:
			return "close"
		}
		return "stop"
	}
	v.add("roller/0", moves, state)
	told := "0"
	v.add("roller/0/pos", func() string {
		if moves() == "stop" { // it tells where it is when it stands still
			told = fixed(position.Read().(float64), 0)
		}
		if spec.Uncalibrated {
			return "-1"
		}
		return told
	}, state, position)
	v.add("roller/0/power", func() string { return map[bool]string{true: "0.00", false: "112.50"}[moves() == "stop"] }, state)
	v.add("roller/0/energy", func() string { return "1204" })
	v.orders["roller/0/command"] = func(payload string) bool {
		switch payload {
		case "open":
			position.Write(100.0)
		case "close":
			position.Write(0.0)
		case "stop":
			halt.Write(true)
		default:
			return false
		}
		return true
	}
	v.orders["roller/0/command/pos"] = func(payload string) bool {
		to, ok := wholeNumber(payload, 0, 100)
		if ok = ok && !spec.Uncalibrated; ok {
			position.Write(to)
		}
		return ok
	}
}

// motion is a sensor that says everything in one document.
func (v *shelly1Voice) motion() {
	d := v.device
	occupied, lux, charge := d.find("motion", "occupancy"), d.find("illuminance", "illuminance"), d.find("battery", "battery")
	v.add("status", func() string {
		return members("motion", occupied.Read(), "timestamp", 0, "active", true, "vibration", false, "lux", lux.Read(), "bat", charge.Read()).String()
	}, occupied, lux)
}

// valve is a radiator valve.
func (v *shelly1Voice) valve() {
	d := v.device
	target, current, opening, charge := d.find("climate", "target-temperature"), d.find("climate", "current-temperature"), d.find("valve", "valve"), d.find("battery", "battery")
	v.add("info", func() string {
		return members(
			"wifi_sta", members("connected", true, "ssid", "home", "ip", "192.168.33.17", "rssi", -58), "has_update", false, "uptime", 86400,
			"bat", members("value", charge.Read(), "voltage", 4.01), "thermostats", []any{members(
				"pos", opening.Read(), "target_t", members("enabled", true, "value", target.Read(), "units", "C"),
				"tmp", members("value", number1(current.Read().(float64)), "units", "C", "is_valid", true), "schedule", false)}).String()
	}, target, current, opening)
	v.orders["thermostat/0/command/target_t"] = func(payload string) bool {
		f, err := strconv.ParseFloat(payload, 64)
		if err != nil || !(f >= 4 && f <= 31) {
			return false
		}
		target.Write(f)
		return true
	}
}

// light is a dimmer, a bulb with white of any temperature, or one with colors, whose brightness is then its gain.
func (v *shelly1Voice) light() {
	find := func(id string) *physics.Property { return v.device.find("light", id) }
	on, brightness, temperature, color := find("on"), find("brightness"), find("color-temperature"), find("color")
	lamp, _ := v.device.thing.(*physics.Lamp)
	space, white := "light/0", 0.0
	v.model = shelly1Model{"shellydimmer2", "SHDM-2"}
	switch {
	case color != nil && temperature != nil:
		space, v.model = "color/0", shelly1Model{"shellycolorbulb", "SHCB-1"}
	case color != nil:
		space, v.model = "color/0", shelly1Model{"shellyrgbw2", "SHRGBW2"}
	case temperature != nil:
		v.model = shelly1Model{"shellybulbduo", "SHBDUO-1"}
	}
	if temperature != nil && temperature.Read().(float64) < shelly1Warmest {
		temperature.Write(float64(shelly1Warmest))
	}
	inColor := func() bool { return color != nil && (temperature == nil || lamp.Mode() == physics.ColorMode) }
	v.switched(space, on)
	of := []*physics.Property{on, brightness}
	for _, p := range []*physics.Property{temperature, color} {
		if p != nil {
			of = append(of, p)
		}
	}
	v.add(space+"/status", func() string {
		o := members("ison", on.Read(), "source", "mqtt", "has_timer", false, "mode", map[bool]string{true: "color", false: "white"}[inColor()])
		level := math.Round(aim(brightness).(float64))
		if color != nil {
			r, g, b := rgbOf(color.Read().(physics.Color))
			o.with("red", math.Round(255*r), "green", math.Round(255*g), "blue", math.Round(255*b), "white", white, "gain", level, "effect", 0)
		}
		if temperature != nil {
			o.with("temp", aim(temperature))
		}
		if color == nil || temperature != nil {
			o.with("brightness", level)
		}
		return o.String()
	}, of...)
	v.orders[space+"/set"] = func(payload string) bool {
		var order struct {
			Turn                                                        string
			Mode                                                        string
			Brightness, Gain, Temp, Red, Green, Blue, White, Transition *float64
		}
		if json.Unmarshal([]byte(payload), &order) != nil {
			return false
		}
		if order.Transition != nil {
			lamp.Fade(time.Duration(min(max(*order.Transition, 0), 5000)) * time.Millisecond)
			defer lamp.UsualFade()
		}
		if color != nil && order.Red != nil && order.Green != nil && order.Blue != nil {
			color.Write(colorOf(within(*order.Red, 255), within(*order.Green, 255), within(*order.Blue, 255)))
		}
		if order.White != nil {
			white = math.Round(within(*order.White, 255))
		}
		switch {
		case temperature != nil && order.Temp != nil:
			temperature.Write(math.Round(min(max(*order.Temp, shelly1Warmest), shellyColdest)))
		case temperature != nil && order.Mode == "white":
			lamp.Whiten()
		}
		level := order.Brightness
		if inColor() {
			level = order.Gain
		}
		if level != nil && within(*level, 100) > 0 {
			lamp.Preset(math.Round(within(*level, 100)))
		}
		if order.Turn != "" {
			plainSwitch(on, order.Turn)
		}
		return true
	}
}

// shelly1Warmest is the least color temperature of a bulb, in kelvin; of one with colors it is 3000.
const shelly1Warmest = 2700

// within is a number of 0 to top.
func within(f, top float64) float64 { return min(max(f, 0), top) }
