package rtldata

import (
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
)

// unit is what the end of a field's name says.
type unit struct {
	suffix, class, unit string
	factor              float64
}

// units are tried in this order: the longer ones first.
var units = []unit{
	{"_mm_h", "precipitation_intensity", "mm/h", 1},
	{"_in_h", "precipitation_intensity", "mm/h", 25.4},
	{"_km_h", "speed", "km/h", 1},
	{"_mi_h", "speed", "km/h", 1.609344},
	{"_mph", "speed", "km/h", 1.609344},
	{"_m_s", "speed", "km/h", 3.6},
	{"_ug_m3", "", "µg/m³", 1},
	{"_kWh", "energy", "kWh", 1},
	{"_Wh", "energy", "kWh", 1e-3},
	{"_kW", "power", "W", 1e3},
	{"_W", "power", "W", 1},
	{"_VA", "apparent_power", "VA", 1},
	{"_mV", "voltage", "V", 1e-3},
	{"_V", "voltage", "V", 1},
	{"_mA", "current", "A", 1e-3},
	{"_A", "current", "A", 1},
	{"_hPa", "atmospheric_pressure", "hPa", 1},
	{"_kPa", "pressure", "hPa", 10},
	{"_PSI", "pressure", "hPa", 68.947573},
	{"_psi", "pressure", "hPa", 68.947573},
	{"_bar", "pressure", "hPa", 1000},
	{"_ppm", "", "ppm", 1},
	{"_ppb", "", "ppb", 1},
	{"_klx", "illuminance", "lx", 1000},
	{"_lux", "illuminance", "lx", 1},
	{"_lx", "illuminance", "lx", 1},
	{"_mm", "", "mm", 1},
	{"_in", "", "mm", 25.4},
	{"_cm", "distance", "cm", 1},
	{"_km", "distance", "km", 1},
	{"_mi", "distance", "km", 1.609344},
	{"_m3", "volume", "m³", 1},
	{"_gal", "volume", "m³", 0.003785411784},
	{"_l", "volume", "m³", 1e-3},
	{"_deg", "", "°", 1},
	{"_pct", "", "%", 1},
	{"_dB", "", "dB", 1},
	{"_Hz", "frequency", "Hz", 1},
	{"_kg", "weight", "kg", 1},
	{"_s", "duration", "s", 1},
	{"_C", "temperature", "°C", 1},
	{"_F", "temperature", "°C", 5.0 / 9},
}

// measured is the meaning of a field whose name ends in its unit.
func measured(key string) (m fields.Meaning, ok bool) {
	for _, u := range units {
		name, found := strings.CutSuffix(key, u.suffix)
		if !found || name == "" {
			continue
		}
		m = fields.Sensor(classOf(name, u.class), u.unit)
		m = m.Named(devices.Slug(name))
		switch m.Property.ID {
		case "temperature", "pressure":
			m.Property.Name = ""
		case "co2":
			m.Property.ID, m.Property.Name = "carbon-dioxide", ""
		}
		switch {
		case u.suffix == "_F":
			m = m.Fahrenheit()
		case u.factor != 1:
			m.Factor = u.factor
		}
		return m, m.Property.ID != ""
	}
	return m, false
}

// classOf is the device class of a value, which for some units is told by the name before it.
func classOf(name, class string) string {
	switch {
	case strings.HasPrefix(name, "wind") && class == "speed", strings.HasPrefix(name, "gust"):
		return "wind_speed"
	case strings.HasPrefix(name, "rain") && class == "":
		return "precipitation"
	case strings.Contains(name, "pm2_5"):
		return "pm25"
	case strings.Contains(name, "pm10"):
		return "pm10"
	case strings.Contains(name, "pm1"):
		return "pm1"
	case name == "co2":
		return "carbon_dioxide"
	case name == "co":
		return "carbon_monoxide"
	case strings.HasPrefix(name, "battery") && class == "":
		return "battery"
	case strings.HasPrefix(name, "humidity"):
		return "humidity"
	case strings.HasPrefix(name, "water") && class == "volume":
		return "water"
	}
	return class
}

// known are the fields whose names do not say their unit, or which say more than a number.
var known = func() map[string]fields.Meaning {
	percent := func(id, class string) fields.Meaning { return fields.Sensor(class, "%").Named(id) }
	plain := func(id, unit string) fields.Meaning { return fields.Sensor("", unit).Named(id) }
	signal := func(id string) fields.Meaning {
		m := fields.Sensor("signal_strength", "dB").Named(id).Diagnostic("link", "Reception")
		m.Hidden = true
		return m
	}
	closed := fields.Truth("opening", "opening")
	closed.False = true
	m := map[string]fields.Meaning{
		"humidity": fields.Sensor("humidity", "%"), "humidity_1": percent("humidity-1", "humidity"), "humidity_2": percent("humidity-2", "humidity"),
		"moisture": fields.Sensor("moisture", "%"), "lux": fields.Sensor("illuminance", "lx"),
		"light_lux": fields.Sensor("illuminance", "lx"), "light_klx": fields.Sensor("illuminance", "lx").Times(1000),
		"uv": plain("uv-index", ""), "uvi": plain("uv-index", ""), "uv_index": plain("uv-index", ""),
		"strike_count": plain("strike-count", ""), "strike_distance": fields.Sensor("distance", "km").Named("strike-distance").Times(1.609344),
		"storm_dist": fields.Sensor("distance", "km").Named("storm-dist").Times(1.609344), "storm_dist_km": fields.Sensor("distance", "km").Named("storm-dist"),
		"consumption": plain("consumption", ""), "consumption_data": plain("consumption", ""), "reading": plain("reading", ""), "daily_reading": plain("daily-reading", ""),
		// How full the battery is, from 0 to 1; most sensors know only these two.
		"battery_ok":  fields.Sensor("battery", "%").Times(100).Diagnostic("battery", "Battery"),
		"battery_pct": fields.Sensor("battery", "%").Diagnostic("battery", "Battery"),
		"battery_V":   fields.Sensor("voltage", "V").Diagnostic("battery", "Battery"), "battery_mV": fields.Sensor("voltage", "V").Times(1e-3).Diagnostic("battery", "Battery"),
		"supercap_V": fields.Sensor("voltage", "V").Named("supercap").Diagnostic("battery", "Battery"),
		"rssi":       signal("signal-strength"), "snr": signal("snr"), "noise": signal("noise"), "signal_dB": signal("signal-strength"),
		"closed": closed, "opened": fields.Truth("opening", "opening"), "reed_open": fields.Truth("opening", "opening"),
		"contact_open": fields.Truth("contact", "opening"), "ext_power": fields.Truth("external-power", "plug"),
		"tamper": fields.Truth("tamper", "tamper"), "alarm": fields.Truth("alarm", "problem"), "motion": fields.Truth("motion", "motion"),
		"detect_wet": fields.Truth("moisture", "moisture"), "leaking": fields.Truth("leak", "moisture"), "heating": fields.Truth("heating", "heat"),
	}
	low := fields.Truth("battery", "battery").Diagnostic("battery-low", "Battery low")
	m["battery_low"] = low
	for _, key := range []string{"button", "event", "command", "cmd", "code", "secret_knock", "button_str", "button_code", "button_id", "action"} {
		m[key] = event(key)
	}
	return m
}()

// event is the meaning of what happens and is no state: a button, a remote's command.
func event(key string) fields.Meaning {
	return fields.Meaning{
		Component: "events", Kind: devices.EventSource, Name: "Events",
		Property: devices.Property{ID: devices.Slug(key), Name: fields.Title(key), Datatype: devices.String, Momentary: true},
	}
}
