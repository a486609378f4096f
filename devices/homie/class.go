package homie

import (
	"slices"
	"strings"
)

// class is a device class of Home Assistant, and how to know it.
type class struct {
	name    string
	boolean bool
	ids     []string // property IDs that mean it
	units   []string // units that it may have, after conversion; none: any
	sure    bool     // the unit alone says it
}

// classes is the one place where words of devices become device classes. A property takes its class's name where its own ID
// means just that (see builder.ownID), so that a temperature is a temperature, whatever convention reports it.
var classes = []class{
	{name: "temperature", ids: []string{"temperature", "temp", "current-temperature", "outdoor-temperature", "indoor-temperature"}, units: []string{"°C", ""}, sure: true},
	{name: "humidity", ids: []string{"humidity", "relative-humidity", "current-humidity", "rh"}, units: []string{"%", ""}},
	{name: "battery", ids: []string{"battery", "battery-level", "bat"}, units: []string{"%", ""}},
	{name: "illuminance", ids: []string{"illuminance", "lux", "light", "light-level", "brightness"}, units: []string{"lx"}, sure: true},
	{name: "power", ids: []string{"power", "active-power", "consumption"}, units: []string{"W"}, sure: true},
	{name: "energy", ids: []string{"energy", "energy-total", "total-energy"}, units: []string{"kWh"}, sure: true},
	{name: "voltage", ids: []string{"voltage"}, units: []string{"V"}, sure: true},
	{name: "current", ids: []string{"current"}, units: []string{"A"}, sure: true},
	{name: "frequency", ids: []string{"frequency"}, units: []string{"Hz"}, sure: true},
	{name: "pressure", ids: []string{"pressure", "barometric-pressure", "atmospheric-pressure", "air-pressure"}, units: []string{"Pa", "hPa", "kPa", "bar", "psi"}, sure: true},
	{name: "carbon_dioxide", ids: []string{"co2", "carbon-dioxide"}, units: []string{"ppm", ""}},
	{name: "carbon_monoxide", ids: []string{"co", "carbon-monoxide"}, units: []string{"ppm", ""}},
	{name: "signal_strength", ids: []string{"rssi", "signal-strength", "signal"}, units: []string{"dBm", "dB"}},
	{name: "signal_strength", units: []string{"dBm"}, sure: true},
	{name: "sound_pressure", ids: []string{"sound-pressure", "sound-level", "noise-level", "noise"}, units: []string{"dB", "dBA"}},
	{name: "moisture", ids: []string{"moisture", "soil-moisture"}, units: []string{"%", ""}},
	{name: "pm1", ids: []string{"pm1"}},
	{name: "pm25", ids: []string{"pm25", "pm2-5"}},
	{name: "pm10", ids: []string{"pm10"}},
	{name: "aqi", ids: []string{"aqi", "air-quality-index"}, units: []string{""}},
	{name: "volatile_organic_compounds", ids: []string{"voc", "tvoc", "volatile-organic-compounds"}, units: []string{"µg/m³", "mg/m³"}},
	{name: "volatile_organic_compounds_parts", ids: []string{"voc", "tvoc", "volatile-organic-compounds-parts"}, units: []string{"ppm", "ppb"}},
	{name: "wind_speed", ids: []string{"wind-speed"}},
	{name: "wind_direction", ids: []string{"wind-direction"}, units: []string{"°", ""}},
	{name: "precipitation", ids: []string{"precipitation", "rain", "rainfall"}, units: []string{"mm", "cm", "in"}},
	{name: "precipitation_intensity", ids: []string{"precipitation-intensity", "rain-rate"}, units: []string{"mm/h", "mm/d", "in/h"}},
	{name: "irradiance", ids: []string{"irradiance", "solar-radiation"}, units: []string{"W/m²"}, sure: true},
	{name: "apparent_power", ids: []string{"apparent-power"}, units: []string{"VA"}, sure: true},
	{name: "reactive_power", ids: []string{"reactive-power"}, units: []string{"var"}, sure: true},
	{name: "power_factor", ids: []string{"power-factor"}, units: []string{"%", ""}},
	{name: "distance", ids: []string{"distance"}, units: []string{"mm", "cm", "m", "km"}},
	{name: "duration", ids: []string{"duration"}, units: []string{"s"}, sure: true},

	{name: "motion", boolean: true, ids: []string{"motion", "movement", "pir"}},
	{name: "occupancy", boolean: true, ids: []string{"occupancy", "occupied"}},
	{name: "presence", boolean: true, ids: []string{"presence"}},
	{name: "door", boolean: true, ids: []string{"door", "door-open"}},
	{name: "window", boolean: true, ids: []string{"window", "window-open"}},
	{name: "garage_door", boolean: true, ids: []string{"garage-door"}},
	{name: "opening", boolean: true, ids: []string{"opening", "open"}},
	{name: "moisture", boolean: true, ids: []string{"moisture", "leak", "water-leak", "water", "flood"}},
	{name: "smoke", boolean: true, ids: []string{"smoke"}},
	{name: "gas", boolean: true, ids: []string{"gas"}},
	{name: "vibration", boolean: true, ids: []string{"vibration"}},
	{name: "tamper", boolean: true, ids: []string{"tamper"}},
	{name: "problem", boolean: true, ids: []string{"problem", "fault", "error"}},
	{name: "battery", boolean: true, ids: []string{"battery", "battery-low", "low-battery"}},
	{name: "connectivity", boolean: true, ids: []string{"connectivity", "connected"}},
	{name: "running", boolean: true, ids: []string{"running"}},
	{name: "sound", boolean: true, ids: []string{"sound", "noise"}},
}

// classOf finds the device class of a property that has no well-known role. named says that its ID means just that class, so
// that it may take the class's name.
func classOf(p property) (class string, named bool) {
	unit := convert(p).unit
	for _, c := range classes {
		if c.boolean && p.datatype == typeBoolean && p.retained && !p.settable && slices.Contains(c.ids, p.id) {
			return c.name, true
		}
		if !c.boolean && numeric(p) && slices.Contains(c.ids, p.id) && (c.units == nil || slices.Contains(c.units, unit)) {
			return c.name, true
		}
	}
	switch p.datatype {
	case typeDuration:
		return "duration", p.id == "duration"
	case typeDatetime:
		return "timestamp", p.id == "timestamp"
	}
	for _, c := range classes {
		if c.sure && numeric(p) && unit != "" && slices.Contains(c.units, unit) {
			return c.name, false
		}
	}
	return "", false
}

// contact says of a boolean called contact whether its true means closed, which only the labels can tell.
func contact(p property) (inverted, known bool) {
	if p.id != "contact" || p.datatype != typeBoolean || p.settable || len(p.choices) != 2 {
		return false, false
	}
	switch yes := folded(p.choices[1]); {
	case strings.HasPrefix(yes, "open"):
		return false, true
	case strings.HasPrefix(yes, "close"):
		return true, true
	}
	return false, false
}
