package homie

import (
	"slices"
	"strings"

	"home.arpa/homehub/devices"
)

// claims are words in a node's type or ID that say what it is.
var claims = map[string]devices.Kind{
	"light": devices.Light, "lamp": devices.Light, "dimmer": devices.Light, "bulb": devices.Light, "lighting": devices.Light, "led": devices.Light,
	"switch": devices.Switch, "relay": devices.Switch, "plug": devices.Switch, "outlet": devices.Switch, "socket": devices.Switch,
	"climate": devices.Climate, "thermostat": devices.Climate, "hvac": devices.Climate, "radiator": devices.Climate, "trv": devices.Climate,
	"heating": devices.Climate, "heater": devices.Climate, "aircon": devices.Climate,
	"cover": devices.Cover, "shutter": devices.Cover, "blind": devices.Cover, "blinds": devices.Cover, "shade": devices.Cover,
	"curtain": devices.Cover, "awning": devices.Cover, "rollershutter": devices.Cover, "garage": devices.Cover, "gate": devices.Cover,
	"lock": devices.Lock, "doorlock": devices.Lock,
	"fan": devices.Fan, "ventilator": devices.Fan, "ventilation": devices.Fan,
	"sensor": devices.Sensor, "meter": devices.Sensor, "thermometer": devices.Sensor, "hygrometer": devices.Sensor, "weather": devices.Sensor,
	"motion": devices.BinarySensor, "contact": devices.BinarySensor, "occupancy": devices.BinarySensor, "presence": devices.BinarySensor,
	"door": devices.BinarySensor, "window": devices.BinarySensor, "leak": devices.BinarySensor, "smoke": devices.BinarySensor,
	"button": devices.Button, "doorbell": devices.EventSource, "event": devices.EventSource, "remote": devices.EventSource,
	"number": devices.Number, "select": devices.Select, "text": devices.Text,
	"appliance": devices.Appliance, "washer": devices.Appliance, "washing": devices.Appliance, "dishwasher": devices.Appliance,
	"dryer": devices.Appliance, "oven": devices.Appliance, "fridge": devices.Appliance, "vacuum": devices.Appliance,
}

// kindOf says what a node is: what its type says if its properties bear that out, else what its ID says, else what the
// properties look like. deviceType helps where nothing else does.
func kindOf(n node, deviceType string) devices.Kind {
	for _, words := range []string{n.kind, n.id} {
		for _, k := range claimed(words) {
			if borneOut(k, n.properties) {
				return k
			}
		}
	}
	k := guess(n.properties)
	if k == devices.Other || k == devices.Select || k == devices.Switch {
		if slices.Contains(claimed(deviceType), devices.Appliance) {
			return devices.Appliance
		}
	}
	return k
}

// claimed lists the kinds that words name, the likeliest first: the last word is the head of an English compound, but a
// motion sensor is a binary one.
func claimed(words string) []devices.Kind {
	if words == string(devices.BinarySensor) {
		return []devices.Kind{devices.BinarySensor}
	}
	if words == string(devices.Other) {
		return []devices.Kind{devices.Other}
	}
	var kinds []devices.Kind
	for w := range strings.FieldsFuncSeq(strings.ToLower(words), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		if k, ok := claims[strings.TrimRight(w, "0123456789")]; ok {
			kinds = append(kinds, k)
		}
	}
	slices.Reverse(kinds)
	if len(kinds) > 1 && kinds[0] == devices.Sensor && kinds[1] == devices.BinarySensor {
		kinds[0] = devices.BinarySensor
	}
	return kinds
}

// borneOut says whether a node with these properties can be of the kind.
func borneOut(k devices.Kind, properties []property) bool {
	has := func(f func(property) bool) bool { return slices.ContainsFunc(properties, f) }
	switch k {
	case devices.Appliance, devices.Other:
		return true
	case devices.Sensor:
		return has(func(p property) bool { return !p.settable })
	case devices.BinarySensor:
		return has(func(p property) bool { return boolish(p) && !p.settable })
	case devices.EventSource:
		return has(func(p property) bool { return !p.retained && !p.settable })
	case devices.Switch, devices.Button, devices.Select, devices.Number, devices.Text:
		return len(assign(k, properties)) > 0
	}
	given := assign(k, properties)
	if k == devices.Climate && len(given) == 1 && given[devices.CurrentTemperature]+given[devices.CurrentHumidity] != "" {
		return has(func(p property) bool { return p.settable }) // else it is a thermometer
	}
	return len(given) > 0
}

// guess judges by the properties alone.
func guess(properties []property) devices.Kind {
	// settable finds the property to which the kind would give the role, if it can be set.
	settable := func(k devices.Kind, role string) (id string, ok bool) {
		id = assign(k, properties)[role]
		return id, slices.ContainsFunc(properties, func(p property) bool { return p.id == id && p.settable })
	}
	can := func(k devices.Kind, role string) bool {
		_, ok := settable(k, role)
		return ok
	}
	has := func(f func(property) bool) bool { return slices.ContainsFunc(properties, f) }
	dim, dims := settable(devices.Light, devices.Brightness)
	position, moves := settable(devices.Cover, devices.Position)
	switch {
	case can(devices.Light, devices.ColorHS), can(devices.Light, devices.ColorTemperature), dims && dim != "level" && dim != "percent":
		return devices.Light
	case can(devices.Climate, devices.TargetTemperature):
		return devices.Climate
	case can(devices.Lock, devices.State):
		return devices.Lock
	case can(devices.Cover, devices.State), moves && strings.HasSuffix(position, "position"):
		return devices.Cover
	case can(devices.Fan, devices.Speed) && can(devices.Fan, devices.On):
		return devices.Fan
	case can(devices.Switch, devices.On):
		return devices.Switch
	case has(act):
		return devices.Button
	case has(func(p property) bool { return !p.retained && !p.settable }):
		return devices.EventSource
	case has(func(p property) bool { return boolish(p) && !p.settable }) && !has(func(p property) bool { return measured(p) && !diagnostic(p) }):
		return devices.BinarySensor
	case has(func(p property) bool { return !p.settable && (numeric(p) || p.datatype == typeEnum) }):
		return devices.Sensor
	}
	if len(properties) == 1 {
		for _, k := range []devices.Kind{devices.Number, devices.Select, devices.Text} {
			if can(k, roles[k][0].id) {
				return k
			}
		}
	}
	return devices.Other
}

// diagnostic properties stand beside whatever a node is about.
func diagnostic(p property) bool {
	class, _ := classOf(p)
	return class == "battery" || class == "signal_strength" || class == "voltage"
}

// category finds out what is not for daily use.
func category(n node) string {
	for _, words := range []string{n.kind, n.id} {
		switch words {
		case "diagnostic", "diagnostics", "system", "stats", "wifi", "network", "firmware", "battery":
			return "diagnostic"
		case "config", "configuration", "settings":
			return "config"
		}
	}
	return ""
}
