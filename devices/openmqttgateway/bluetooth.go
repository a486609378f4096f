package openmqttgateway

import (
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
)

// skipped are properties that say nothing of the house: who it is, how it was received, and what is told by others.
var skipped = set("id", "mac", "mac_type", "name", "brand", "model", "model_id", "modeltype", "type", "cidc", "acts", "cont", "track", "prmac", "ctrl", "packet",
	"encr", "cipher", "ctr", "mic", "uuid", "major", "minor", "mfid", "txpower", "tx", "servicedata", "servicedatauuid", "manufacturerdata", "rpi", "aem", "device",
	"beaconmodel", "seq", "unit", "avgu", "sumu", "tempf", "time", "count", "lvl_in", "scopetested", "adv_type", "advertisement", "origin", "presence_topic", "ts")

func set(words ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range words {
		m[w] = true
	}
	return m
}

// properties are the decoder's properties, https://decoder.theengs.io/devices/devices.html, with their units.
var properties = func() map[string]fields.Meaning {
	sensor := func(id, class, unit string) fields.Meaning { return fields.Sensor(class, unit).Named(id) }
	battery := func(m fields.Meaning) fields.Meaning { return m.Diagnostic("battery", "Battery") }
	link := func(m fields.Meaning) fields.Meaning { return m.Diagnostic("link", "Bluetooth") }
	hidden := func(m fields.Meaning) fields.Meaning {
		m = m.Diagnostic("more", "More")
		m.Hidden = true
		return m
	}
	m := map[string]fields.Meaning{
		"tempc": fields.Sensor("temperature", "°C"), "tempc2_dp": sensor("dew-point", "temperature", "°C"),
		"tempc_min": sensor("temperature-min", "temperature", "°C"), "tempc_max": sensor("temperature-max", "temperature", "°C"),
		"hum": fields.Sensor("humidity", "%"), "moi": fields.Sensor("moisture", "%"), "fer": sensor("fertility", "conductivity", "µS/cm"),
		"lux": fields.Sensor("illuminance", "lx"), "darkness": fields.Sensor("illuminance", "lx"),
		"pres": sensor("pressure", "atmospheric_pressure", "hPa"), "pa": sensor("pressure", "atmospheric_pressure", "hPa"),
		"co2": fields.Sensor("carbon_dioxide", "ppm"), "pm25": fields.Sensor("pm25", "µg/m³"), "pm10": fields.Sensor("pm10", "µg/m³"),
		"for": sensor("formaldehyde", "", "mg/m³"), "gravity": sensor("gravity", "", ""), "litres": sensor("water", "water", "L"), "energy": fields.Sensor("energy", "kWh"),
		"lvl_cm": sensor("level", "distance", "cm"), "level": sensor("level", "", "%"), "weight": fields.Sensor("weight", "kg"), "impedance": sensor("impedance", "", "Ω"),
		"steps": sensor("steps", "", ""), "bpm": sensor("heart-rate", "", "bpm"), "act_bpm": sensor("heart-rate", "", "bpm"), "position": sensor("position", "", "%"),
		"rot": sensor("rotation", "", "°"), "power": fields.Sensor("power", "W"), "current": fields.Sensor("current", "A"),

		"batt": battery(fields.Sensor("battery", "%")), "volt": battery(fields.Sensor("voltage", "V")), "lowbatt": fields.Truth("battery-low", "battery").Diagnostic("battery-low", "Battery low"),
		"rssi":     link(fields.Sensor("signal_strength", "dBm")),
		"distance": hidden(sensor("distance", "distance", "m")), "seconds": fields.Sensor("duration", "s"), "duration": fields.Sensor("duration", "s"),

		"open": fields.Truth("opening", "opening"), "contact": fields.Truth("opening", "opening"), "motion": fields.Truth("motion", "motion"),
		"presence": fields.Truth("presence", "presence"), "moving": fields.Truth("moving", "moving"), "unlocked": fields.Truth("lock", "lock"),
		"alarm": fields.Truth("problem", "problem"), "plugged-in": fields.Truth("plug", "plug"), "wake": fields.Truth("wake", "running"),
	}
	for _, n := range []string{"1", "2", "3", "4", "5", "6"} {
		m["tempc"+n] = sensor("temperature-"+n, "temperature", "°C")
		m["button"+n] = press("button-"+n, "Button "+n)
	}
	for key, axis := range map[string]string{"accx": "x", "accy": "y", "accz": "z", "x_axis": "x", "y_axis": "y", "z_axis": "z"} {
		m[key] = hidden(sensor("acceleration-"+axis, "", "m/s²"))
	}
	m["button"] = press("button", "Button")
	return m
}()

// spelt are the words of properties whose keys are none.
var spelt = map[string]string{
	"lightlevel": "light-level", "sensingdistance": "sensing-distance", "in_ct": "in-count", "out_ct": "out-count", "push_ct": "push-count",
	"extprobe": "external-probe", "mov": "movement-count", "serial": "serial-number", "sync": "sync-pressed", "quality": "reading-quality",
}

// press is the meaning of a button, which counts as BTHome does: https://bthome.io/format.
func press(id, name string) fields.Meaning {
	return fields.Meaning{
		Component: id, Kind: devices.EventSource, Name: name,
		Property: devices.Property{ID: devices.EventType, Datatype: devices.Enum, Momentary: true, Choices: []string{
			"press", "double_press", "triple_press", "long_press", "long_double_press", "long_triple_press", "hold_press",
		}},
		Words: []string{"1", "2", "3", "4", "5", "6", "128"},
	}
}

// meaning is what a property is in the model. The others of the same message tell the unit of some.
func meaning(key string, v, all jsontext.Value) (m fields.Meaning, ok bool) {
	model, kind := all.Get("model_id").Text(), all.Get("type").Text()
	if key == "time" && kind == "BODY" { // for how long teeth have been brushed; elsewhere it is when something was measured
		key = "duration"
	}
	if skipped[key] || len(key) > 40 || strings.HasPrefix(key, "tempf") {
		return m, false
	}
	if m, ok = steered(key, model, all); ok {
		return m, true
	}
	m, ok = properties[key]
	switch {
	case (key == "state" || key == "mode") && kind == "BODY" && v.Kind() == jsontext.Text:
		return fields.Meaning{Component: "sensor", Kind: devices.Sensor, Property: devices.Property{Datatype: devices.String}}.Named(key), true
	case strings.HasPrefix(key, "acc") && (model == "KSensor" || model == "K9"): // thousandths of the earth's
		return m.Times(0.00980665), true
	case strings.HasPrefix(key, "acc") && model == "M1017":
		m.Property.Unit = "" // not known
		return m, true
	case key == "open" && v.Kind() == jsontext.Number: // a blind
		return fields.Sensor("", "%").Named("position"), true
	case key == "pres" && kind == "TIRE":
		return fields.Sensor("pressure", "hPa").Times(1000), true
	case key == "weight" && model == "SKALE":
		return m.Times(1e-3), true
	case key == "weight":
		return m.Times(weights[all.Get("unit").Text()]), true
	case key == "avg", key == "sum":
		return meter(key, all)
	case !ok, m.Kind == devices.Sensor && !numeric(v), m.Property.Datatype == devices.Bool && !boolean(v):
		m, ok = fields.Unknown(key, v)
		if id := spelt[key]; id != "" {
			m = m.Named(id)
		}
		return m, ok
	}
	return m, true
}

// weights are a scale's units in kg.
var weights = map[string]float64{"lb": 0.45359237, "lbs": 0.45359237, "jin": 0.5, "g": 1e-3}

// meter is what a meter's average and sum are: of power, or of a flow.
func meter(key string, all jsontext.Value) (fields.Meaning, bool) {
	switch all.Get(key + "u").Text() {
	case "kW":
		return fields.Sensor("power", "W").Times(1000), true
	case "W":
		return fields.Sensor("power", "W"), true
	case "kWh":
		return fields.Sensor("energy", "kWh"), true
	case "Wh":
		return fields.Sensor("energy", "kWh").Times(1e-3), true
	case "m³", "m3":
		if key == "avg" {
			return fields.Sensor("volume_flow_rate", "m³/h"), true
		}
		return fields.Sensor("volume", "m³"), true
	}
	return fields.Unknown(key, all.Get(key))
}

func numeric(v jsontext.Value) bool {
	_, ok := v.Numeric()
	return ok && v.Kind() != jsontext.Bool
}

func boolean(v jsontext.Value) bool {
	switch v.Kind() {
	case jsontext.Bool:
		return true
	case jsontext.Number:
		n, _ := v.Number()
		return n == 0 || n == 1
	}
	switch strings.ToLower(v.Text()) {
	case "true", "false", "open", "closed", "on", "off":
		return true
	}
	return false
}
