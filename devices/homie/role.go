package homie

import (
	"slices"
	"strings"

	"home.arpa/homehub/devices"
)

// role is a well-known property of a kind of component, and how to know it among a node's properties.
type role struct {
	id    string
	fits  func(property) bool
	names []string // IDs that mean it, the surest first
	// alone gives the role to the only settable property that fits when none has one of the names.
	alone bool
}

// roles are what the kinds are made of, the most telling first.
var roles = map[devices.Kind][]role{
	devices.Light: {
		{devices.On, switchable, []string{"on", "power", "switch", "state", "on-off", "onoff", "light", "relay", "output", "enabled"}, true},
		{devices.Brightness, numeric, []string{"brightness", "dim", "dimmer", "dimming", "level", "intensity", "bri", "percent"}, false},
		{devices.ColorTemperature, white, []string{"color-temperature", "color-temp", "colour-temperature", "colour-temp", "ct", "mired", "white-temperature", "temperature"}, false},
		{devices.ColorHS, colored, []string{"color", "colour", "rgb", "hsv", "hs", "rgb-color"}, true},
		{devices.Effect, enumerated, []string{"effect", "animation", "scene"}, false},
	},
	devices.Switch: {
		{devices.On, switchable, []string{"on", "power", "switch", "state", "relay", "outlet", "socket", "plug", "output", "on-off", "onoff", "enabled"}, true},
	},
	devices.Climate: {
		{devices.TargetTemperature, degrees, []string{"target-temperature", "set-temperature", "temperature-setpoint", "setpoint", "set-point", "heating-setpoint", "desired-temperature", "target", "temperature"}, false},
		{devices.Mode, enumerated, []string{"mode", "hvac-mode", "operating-mode", "operation-mode", "system-mode"}, false},
		{devices.TargetLow, degrees, []string{"target-temperature-low", "heat-setpoint", "target-low"}, false},
		{devices.TargetHigh, degrees, []string{"target-temperature-high", "cool-setpoint", "target-high"}, false},
		{devices.CurrentTemperature, measuredDegrees, []string{"current-temperature", "temperature", "measured-temperature", "room-temperature", "local-temperature", "actual-temperature"}, false},
		{devices.CurrentHumidity, measured, []string{"current-humidity", "humidity"}, false},
		{devices.Action, enumerated, []string{"action", "hvac-action", "activity"}, false},
		{devices.On, switchable, []string{"on", "power", "switch", "on-off", "onoff", "enabled"}, false},
		{devices.FanMode, enumerated, []string{"fan-mode", "fan", "fan-speed"}, false},
		{devices.SwingMode, enumerated, []string{"swing-mode", "swing"}, false},
		{devices.Preset, enumerated, []string{"preset", "preset-mode", "program"}, false},
	},
	devices.Cover: {
		{devices.State, gate, []string{"state", "status", "cover", "control", "command", "action", "shutter", "door", "gate"}, false},
		{devices.Position, numeric, []string{"position", "shutter-position", "opening", "lift", "level", "percent"}, false},
		{devices.Tilt, numeric, []string{"tilt", "tilt-position", "slat", "slats", "angle"}, false},
		{devices.Stop, act, []string{"stop"}, false},
	},
	devices.Lock: {
		{devices.State, bolt, []string{"state", "lock-state", "lock", "locked", "status", "command"}, false},
		{devices.Open, act, []string{"open", "latch", "unlatch"}, false},
	},
	devices.Fan: {
		{devices.On, switchable, []string{"on", "power", "switch", "state", "on-off", "onoff", "fan", "enabled"}, true},
		{devices.Speed, numeric, []string{"speed", "fan-speed", "level", "percentage", "percent"}, false},
		{devices.Oscillating, boolish, []string{"oscillating", "oscillate", "oscillation", "swing"}, false},
		{devices.Direction, enumerated, []string{"direction"}, false},
		{devices.Preset, enumerated, []string{"preset", "preset-mode", "mode", "speed", "fan-speed"}, false},
	},
	devices.Button:      {{devices.Press, act, []string{"press", "push", "trigger", "button", "pressed"}, true}},
	devices.EventSource: {{devices.EventType, occurrence, []string{"event", "action", "button", "gesture"}, false}},
	devices.Select:      {{devices.Option, enumerated, []string{"option", "selection", "select"}, true}},
	devices.Number:      {{devices.ValueID, numeric, []string{"value", "number", "level"}, true}},
	devices.Text:        {{devices.ValueID, textual, []string{"value", "text"}, true}},
}

func boolish(p property) bool    { return p.datatype == typeBoolean && p.retained }
func numeric(p property) bool    { return p.datatype == typeInteger || p.datatype == typeFloat }
func measured(p property) bool   { return numeric(p) && !p.settable }
func colored(p property) bool    { return p.datatype == typeColor }
func enumerated(p property) bool { return p.datatype == typeEnum && p.retained }
func textual(p property) bool    { return p.datatype == typeString }
func act(p property) bool        { return p.datatype == typeBoolean && !p.retained && p.settable }
func occurrence(p property) bool { return p.datatype == typeEnum && !p.retained && !p.settable }

func switchable(p property) bool {
	if _, ok := onOff(p); ok {
		return true
	}
	return boolish(p)
}

func degrees(p property) bool {
	u := convert(p).unit
	return numeric(p) && (u == "°C" || u == "" || u == "K") && (p.settable || p.id != "temperature")
}

func measuredDegrees(p property) bool {
	u := convert(p).unit
	return measured(p) && (u == "°C" || u == "" || u == "K")
}

func white(p property) bool {
	return numeric(p) && (p.id != "temperature" || convert(p).unit == "K")
}

// gate and bolt are what tells the state of a cover and of a lock.
func gate(p property) bool { return hasAll(names(devices.Cover, devices.State), p, "open", "closed") }

func bolt(p property) bool {
	return hasAll(names(devices.Lock, devices.State), p, "locked", "unlocked") || p.datatype == typeBoolean && p.retained && strings.HasPrefix(p.id, "lock")
}

func hasAll(known map[string]string, p property, want ...string) bool {
	if p.datatype != typeEnum && p.datatype != typeBoolean || !p.retained {
		return false
	}
	for _, w := range want {
		if !slices.ContainsFunc(p.choices, func(c string) bool { return known[folded(c)] == w }) {
			return false
		}
	}
	return true
}

// onOff finds which of an enum's two choices mean off and on.
func onOff(p property) (pair, bool) {
	if p.datatype != typeEnum || len(p.choices) != 2 || !p.retained {
		return pair{}, false
	}
	for i, c := range p.choices {
		if other := p.choices[1-i]; strings.EqualFold(c, "on") && strings.EqualFold(other, "off") {
			return pair{no: other, yes: c}, true
		}
	}
	return pair{}, false
}

// assign gives a node's properties the roles of a kind: from role ID to property ID.
func assign(kind devices.Kind, properties []property) map[string]string {
	given, taken := map[string]string{}, map[string]bool{}
	give := func(r role, p property) {
		given[r.id], taken[p.id] = p.id, true
	}
	for _, r := range roles[kind] {
		for _, name := range r.names {
			i := slices.IndexFunc(properties, func(p property) bool { return p.id == name })
			if i >= 0 && !taken[name] && r.fits(properties[i]) {
				give(r, properties[i])
				break
			}
		}
		if _, ok := given[r.id]; ok || !r.alone {
			continue
		}
		var only []property
		for _, p := range properties {
			if p.settable && !taken[p.id] && r.fits(p) {
				only = append(only, p)
			}
		}
		if len(only) == 1 {
			give(r, only[0])
		}
	}
	return given
}

// names are the model's names for the choices of a well-known enum, by the folded spelling of devices.
func names(kind devices.Kind, id string) map[string]string {
	switch {
	case id == devices.State && kind == devices.Cover:
		return map[string]string{
			"open": "open", "opened": "open", "up": "open", "opening": "opening", "closed": "closed", "close": "closed",
			"down": "closed", "shut": "closed", "closing": "closing", "stopped": "stopped", "stop": "stopped",
		}
	case id == devices.State && kind == devices.Lock:
		return map[string]string{
			"locked": "locked", "lock": "locked", "unlocked": "unlocked", "unlock": "unlocked", "locking": "locking",
			"unlocking": "unlocking", "jammed": "jammed", "jam": "jammed", "blocked": "jammed",
		}
	case id == devices.Mode && kind == devices.Climate:
		return map[string]string{
			"off": "off", "heat": "heat", "heating": "heat", "cool": "cool", "cooling": "cool", "auto": "auto",
			"automatic": "auto", "heatcool": "heat_cool", "dry": "dry", "drying": "dry", "dehumidify": "dry",
			"fan": "fan_only", "fanonly": "fan_only", "ventilate": "fan_only",
		}
	case id == devices.Action && kind == devices.Climate:
		return map[string]string{
			"off": "off", "heating": "heating", "heat": "heating", "cooling": "cooling", "cool": "cooling",
			"drying": "drying", "dry": "drying", "idle": "idle", "standby": "idle", "fan": "fan", "fanonly": "fan",
		}
	case id == devices.Direction && kind == devices.Fan:
		return map[string]string{
			"forward": "forward", "forwards": "forward", "reverse": "reverse", "backward": "reverse", "backwards": "reverse",
		}
	}
	return nil
}

// orders are the words by which a choice is told, when a device lists both "close" and "closed".
var orders = map[string]string{"closed": "close", "locked": "lock", "unlocked": "unlock"}

func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}
