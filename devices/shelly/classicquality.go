package shelly

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
)

// qualities are the plain topics, without their numbers.
var qualities = map[string]*quality{
	"relay": {
		component: "relay-", kind: devices.Switch, name: "Switch",
		property: devices.Property{ID: devices.On, Datatype: devices.Bool},
		read:     words([]string{"off", "overpower"}, []string{"on"}),
		write: func(d *classic, n string, v devices.Value) broker.Message {
			return d.publish("relay/"+n+"/command", onOff(v.Bool()))
		},
	},
	"relay/power":  number1("relay-", devices.Switch, "Switch", "power", "power", "W", 1),
	"relay/energy": number1("relay-", devices.Switch, "Switch", "energy", "energy", "kWh", wattMinutes),

	"roller": {
		component: "roller-", kind: devices.Cover, name: "Cover",
		property: devices.Property{
			ID: devices.State, Datatype: devices.Enum, Choices: coverStates, Wanted: []string{"open", "closed"},
		},
		write: func(d *classic, n string, v devices.Value) broker.Message {
			if v.Text() == "open" {
				return d.publish("roller/"+n+"/command", "open")
			}
			return d.publish("roller/"+n+"/command", "close")
		},
	},
	"roller/pos": {
		component: "roller-", kind: devices.Cover, name: "Cover", property: percent(devices.Position),
		write: func(d *classic, n string, v devices.Value) broker.Message {
			return d.publish("roller/"+n+"/command/pos", strconv.Itoa(whole(v)))
		},
	},
	"roller/power":  number1("roller-", devices.Cover, "Cover", "power", "power", "W", 1),
	"roller/energy": number1("roller-", devices.Cover, "Cover", "energy", "energy", "kWh", wattMinutes),

	"light":        lamp("light-"),
	"color":        lamp("light-"),
	"white":        lamp("white-"),
	"light/power":  number1("light-", devices.Light, "Light", "power", "power", "W", 1),
	"color/power":  number1("light-", devices.Light, "Light", "power", "power", "W", 1),
	"white/power":  number1("white-", devices.Light, "Light", "power", "power", "W", 1),
	"light/energy": number1("light-", devices.Light, "Light", "energy", "energy", "kWh", wattMinutes),
	"color/energy": number1("light-", devices.Light, "Light", "energy", "energy", "kWh", wattMinutes),
	"white/energy": number1("white-", devices.Light, "Light", "energy", "energy", "kWh", wattMinutes),

	"emeter/power":          number1("emeter-", devices.Sensor, "Meter", "power", "power", "W", 1),
	"emeter/reactive_power": number1("emeter-", devices.Sensor, "Meter", "reactive-power", "reactive_power", "var", 1),
	"emeter/voltage":        number1("emeter-", devices.Sensor, "Meter", "voltage", "voltage", "V", 1),
	"emeter/current":        number1("emeter-", devices.Sensor, "Meter", "current", "current", "A", 1),
	"emeter/pf":             number1("emeter-", devices.Sensor, "Meter", "power-factor", "power_factor", "", 1),
	"emeter/total":          number1("emeter-", devices.Sensor, "Meter", "energy", "energy", "kWh", 1e-3),
	"emeter/total_returned": number1("emeter-", devices.Sensor, "Meter", "energy-returned", "energy", "kWh", 1e-3),
	"emeter_n/current":      number1("emeter-n", devices.Sensor, "Neutral line", "current", "current", "A", 1),

	"input": truth1("input-", "Input", "input", "", []string{"0"}, []string{"1"}),

	"temperature":     diagnostic(temperature1("temperature", "Internal temperature")),
	"overtemperature": diagnostic(truth1("overtemperature", "Overheating", "overtemperature", "heat", no, yes)),
	"voltage":         diagnostic(number1("voltage", devices.Sensor, "Supply", "voltage", "voltage", "V", 1)),

	"ext_temperature": temperature1("ext-temperature-", "Temperature"),
	"ext_humidity":    humidity1("ext-humidity-", "Humidity"),
	"ext_switch":      truth1("ext-switch-", "External switch", "input", "", no, yes),
	"adc":             number1("adc-", devices.Sensor, "Voltmeter", "voltage", "voltage", "V", 1),

	"sensor/temperature":   temperature1("temperature", "Temperature"),
	"sensor/humidity":      humidity1("humidity", "Humidity"),
	"sensor/battery":       diagnostic(number1("battery", devices.Sensor, "Battery", "battery", "battery", "%", 1, -1)),
	"sensor/lux":           number1("illuminance", devices.Sensor, "Illuminance", "illuminance", "illuminance", "lx", 1, -1),
	"sensor/tilt":          number1("tilt", devices.Sensor, "Tilt", "tilt", "", "°", 1, -1),
	"sensor/concentration": number1("concentration", devices.Sensor, "Gas concentration", "gas", "", "ppm", 1, -1),
	"sensor/illumination":  word1("illumination", "Illumination", "dark", "twilight", "bright", "unknown"),
	"sensor/gas":           word1("gas", "Gas", "none", "mild", "heavy", "test", "unknown"),
	"sensor/operation":     diagnostic(word1("operation", "Operation", "warmup", "normal", "fault", "unknown")),
	"sensor/self_test":     diagnostic(word1("self-test", "Self test", "not_completed", "completed", "running", "pending", "unknown")),
	"valve/state":          valve1(),
	"sensor/flood":         truth1("flood", "Flood", "moisture", "moisture", no, yes),
	"sensor/motion":        truth1("motion", "Motion", "motion", "motion", no, yes),
	"sensor/smoke":         truth1("smoke", "Smoke", "smoke", "smoke", no, yes),
	"sensor/vibration":     truth1("vibration", "Vibration", "vibration", "vibration", no, yes),
	"sensor/state":         truth1("opening", "Opening", "opening", "opening", []string{"close", "closed"}, []string{"open"}),
	"sensor/charger":       diagnostic(truth1("charger", "Charger", "battery-charging", "battery_charging", no, yes)),
	"sensor/ext_power":     diagnostic(truth1("external-power", "External power", "external-power", "plug", no, yes)),
}

// members are what is taken from the JSON of a topic.
var members = map[string][]member{
	"info":   append(thermostat1(), diagnostics1()...),
	"status": append(thermostat1(), motion1()...),
}

func motion1() []member {
	return []member{
		{"motion", "motion", qualities1("motion")},
		{"vibration", "vibration", qualities1("vibration")},
		{"lux", "lux", number1("illuminance", devices.Sensor, "Illuminance", "illuminance", "illuminance", "lx", 1, -1)},
		{"battery", "bat", diagnostic(number1("battery", devices.Sensor, "Battery", "battery", "battery", "%", 1, -1))},
		{"temperature", "tmp.value", temperature1("temperature", "Temperature")},
	}
}

func qualities1(class string) *quality {
	return truth1(class, strings.ToUpper(class[:1])+class[1:], class, class, no, yes)
}

func diagnostics1() []member {
	rssi := diagnostic(number1("wifi", devices.Sensor, "Wi-Fi", "signal-strength", "signal_strength", "dBm", 1))
	uptime := diagnostic(number1("sys", devices.Sensor, "System", "uptime", "duration", "s", 1))
	return []member{
		{"rssi", "wifi_sta.rssi", rssi},
		{"uptime", "uptime", uptime},
		{"installed", "update.old_version", firmware1(devices.Installed, devices.String, readVersion)},
		{"latest", "update.new_version", firmware1(devices.Latest, devices.String, readVersion)},
		{"updating", "update.status", firmware1(devices.InProgress, devices.Bool, func(s string) (devices.Value, bool, string) {
			return devices.BoolValue(s == "updating"), true, ""
		})},
	}
}

// firmware1 is something about the device's firmware.
func firmware1(id string, datatype devices.Datatype, read func(s string) (devices.Value, bool, string)) *quality {
	return &quality{
		component: updateID, kind: devices.Update, name: "Firmware", category: "config",
		property: devices.Property{ID: id, Datatype: datatype}, read: read,
	}
}

// readVersion reads the name of a build; devices that have not asked yet say nothing.
func readVersion(s string) (devices.Value, bool, string) {
	s = versionOf(jsontext.Clip(s, maxName))
	if s == "" {
		return devices.Value{}, true, ""
	}
	return devices.TextValue(s), true, ""
}

// valve1 is the valve of a gas detector.
func valve1() *quality {
	names := map[string]string{"opened": "open", "closed": "closed", "opening": "opening", "closing": "closing"}
	return &quality{
		component: "valve-", kind: devices.Valve, name: "Valve",
		property: devices.Property{
			ID: devices.State, Datatype: devices.Enum, Choices: []string{"open", "opening", "closed", "closing"},
			Wanted: []string{"open", "closed"},
		},
		read: func(s string) (devices.Value, bool, string) {
			switch name, ok := names[s]; {
			case ok:
				return devices.EnumValue(name), true, ""
			case s == "unknown" || s == "checking" || s == "not_connected":
				return devices.Value{}, s != "not_connected", ""
			}
			return devices.Value{}, false, "a valve that is open or closed"
		},
		write: func(d *classic, n string, v devices.Value) broker.Message {
			if v.Text() == "open" {
				return d.publish("valve/"+n+"/command", "open")
			}
			return d.publish("valve/"+n+"/command", "close")
		},
	}
}

// thermostat1 is a radiator valve.
func thermostat1() []member {
	at := func(p devices.Property, read func(s string) (devices.Value, bool, string)) *quality {
		return &quality{component: "thermostat", kind: devices.Climate, property: p, read: read}
	}
	target := at(degrees(4, 31, 0.5), reads(1, 999))
	target.write = func(d *classic, _ string, v devices.Value) broker.Message {
		return d.publish("thermostat/0/command/target_t", decimal(v.Float()))
	}
	current := devices.Property{ID: devices.CurrentTemperature, Datatype: devices.Float, Unit: "°C", Class: "temperature"}
	return []member{
		{"target", "thermostats.0.target_t.value", target},
		{"current", "thermostats.0.tmp.value", at(current, reads(1, 999))},
		{"valve", "thermostats.0.pos", at(devices.Property{ID: "valve-position", Datatype: devices.Float, Unit: "%"}, reads(1, -1))},
		{"charge", "bat.value", diagnostic(number1("battery", devices.Sensor, "Battery", "battery", "battery", "%", 1, -1))},
	}
}

var yes, no = []string{"true", "1"}, []string{"false", "0"}

// wattMinutes converts to kWh.
const wattMinutes = 1.0 / 60_000

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

func diagnostic(q *quality) *quality {
	q.category = "diagnostic"
	return q
}

// number1 is a number; absent are those that mean that there is none.
func number1(component string, kind devices.Kind, name, id, class, unit string, factor float64, absent ...float64) *quality {
	return &quality{
		component: component, kind: kind, name: name,
		property: devices.Property{ID: id, Datatype: devices.Float, Class: class, Unit: unit}, read: reads(factor, absent...),
	}
}

// temperature1 is a temperature: -1 is one as good as any.
func temperature1(component, name string) *quality {
	return number1(component, devices.Sensor, name, "temperature", "temperature", "°C", 1, 999, -999)
}

func humidity1(component, name string) *quality {
	return number1(component, devices.Sensor, name, "humidity", "humidity", "%", 1, 999, -1)
}

// reads reads a number. The words and numbers by which devices say that they do not know are no mistake.
func reads(factor float64, absent ...float64) func(s string) (devices.Value, bool, string) {
	return func(s string) (devices.Value, bool, string) {
		switch strings.ToLower(s) {
		case "", "nan", "null", "-nan", "inf", "unknown":
			return devices.Value{}, true, ""
		}
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return devices.Value{}, false, "a number"
		}
		if slices.Contains(absent, f) {
			return devices.Value{}, true, ""
		}
		if factor != 1 {
			f = clean(f * factor)
		}
		v, err := devices.FloatValue(f)
		if err != nil {
			return devices.Value{}, false, "a number"
		}
		return v, true, ""
	}
}

func truth1(component, name, id, class string, no, yes []string) *quality {
	return &quality{
		component: component, kind: devices.BinarySensor, name: name,
		property: devices.Property{ID: id, Datatype: devices.Bool, Class: class}, read: words(no, yes),
	}
}

// words reads a truth spelt in words. -1 means that it is not known.
func words(no, yes []string) func(s string) (devices.Value, bool, string) {
	expected := yes[0] + " or " + no[0]
	return func(s string) (devices.Value, bool, string) {
		switch {
		case slices.Contains(yes, s):
			return devices.BoolValue(true), true, ""
		case slices.Contains(no, s):
			return devices.BoolValue(false), true, ""
		case s == "-1" || s == "unknown" || s == "null":
			return devices.Value{}, true, ""
		}
		return devices.Value{}, false, expected
	}
}

// word1 is one of some words.
func word1(component, name string, choices ...string) *quality {
	return &quality{
		component: component, kind: devices.Sensor, name: name,
		property: devices.Property{ID: devices.ValueID, Datatype: devices.Enum, Choices: choices},
		read: func(s string) (devices.Value, bool, string) {
			if i := slices.Index(choices, s); i >= 0 {
				return devices.EnumValue(choices[i]), true, ""
			}
			return devices.Value{}, false, "one of " + strings.Join(choices, ", ")
		},
	}
}

func lamp(component string) *quality {
	return &quality{
		component: component, kind: devices.Light, name: "Light", property: devices.Property{ID: devices.On, Datatype: devices.Bool},
		read: words([]string{"off", "overpower"}, []string{"on"}),
	}
}
