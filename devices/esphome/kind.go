package esphome

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
)

// maker knows one kind of entity. Facets are those that a state shows, attribute being the level before it, empty for the main one;
// grows says that later states may show more.
type maker struct {
	kind   devices.Kind
	facets func(attribute, payload string) []*facet
	grows  bool
}

// kinds are the firmware's components, as they stand in topics.
var kinds = map[string]maker{
	"sensor":        {kind: devices.Sensor, facets: main(measured)},
	"binary_sensor": {kind: devices.BinarySensor, facets: main(func(string) *facet { return onOff("value", false) })},
	"switch":        {kind: devices.Switch, facets: main(func(string) *facet { return onOff(devices.On, true) })},
	"number":        {kind: devices.Number, facets: main(func(string) *facet { return number(devices.ValueID, "command") })},
	"text":          {kind: devices.Text, facets: main(func(string) *facet { return text(devices.ValueID, "command") })},
	"select":        {kind: devices.Text, facets: main(func(string) *facet { return text(devices.ValueID, "command") })},
	"lock":          {kind: devices.Lock, facets: main(lock)},
	"event":         {kind: devices.EventSource, facets: main(happening)},
	"cover":         {kind: devices.Cover, facets: mover},
	"valve":         {kind: devices.Valve, facets: mover},
	"fan":           {kind: devices.Fan, facets: fan},
	"climate":       {kind: devices.Climate, facets: climate},
	"light":         {kind: devices.Light, facets: light, grows: true},
}

// main makes facets of the main state alone.
func main(make func(payload string) *facet) func(attribute, payload string) []*facet {
	return func(attribute, payload string) []*facet {
		if attribute != "" {
			return nil
		}
		return []*facet{make(payload)}
	}
}

// onOff is a bool that is spelt ON and OFF.
func onOff(id string, settable bool) *facet {
	f := &facet{property: devices.Property{ID: id, Datatype: devices.Bool, Readable: true, Settable: settable}}
	f.read = func(s string) (devices.Value, bool, error) {
		if s != "ON" && s != "OFF" {
			return devices.Value{}, false, fmt.Errorf("expected ON or OFF, got %.40q", s)
		}
		return devices.BoolValue(s == "ON"), true, nil
	}
	if settable {
		f.tell = func(v devices.Value) (suffix, payload string) { return "command", onOrOff(v.Bool()) }
	}
	return f
}

func onOrOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

// number is a number; command is where it is told below the object, empty if it is not.
func number(id, command string) *facet {
	f := &facet{property: devices.Property{ID: id, Datatype: devices.Float, Readable: true, Settable: command != ""}, read: readNumber}
	if command != "" {
		f.tell = func(v devices.Value) (suffix, payload string) {
			return command, strconv.FormatFloat(v.Float(), 'f', -1, 64)
		}
	}
	return f
}

// readNumber reads a number; "nan" is what a sensor without a value says.
func readNumber(s string) (devices.Value, bool, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return devices.Value{}, false, fmt.Errorf("expected a number, got %.40q", s)
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return devices.Value{}, false, nil
	}
	v, err := devices.FloatValue(n)
	return v, err == nil, err
}

// measured is a sensor: a number if its first state is one, else a text, since text sensors have the same topics.
func measured(payload string) *facet {
	if _, err := strconv.ParseFloat(payload, 64); err == nil {
		return number(devices.ValueID, "")
	}
	return text(devices.ValueID, "")
}

func text(id, command string) *facet {
	f := &facet{property: devices.Property{ID: id, Datatype: devices.String, Readable: true, Settable: command != ""}}
	f.read = func(s string) (devices.Value, bool, error) { return devices.TextValue(s), true, nil }
	if command != "" {
		f.tell = func(v devices.Value) (suffix, payload string) { return command, v.Text() }
	}
	return f
}

// choice is an enum; spell gives the device's word for a choice that can be told, empty for others.
func choice(id string, choices, wanted []string, command string, spell func(string) string) *facet {
	f := &facet{property: devices.Property{ID: id, Datatype: devices.Enum, Choices: choices, Readable: true, Settable: len(wanted) > 0}}
	if len(wanted) > 0 && len(wanted) < len(choices) {
		f.property.Wanted = wanted
	}
	f.read = func(s string) (devices.Value, bool, error) {
		if s = strings.ToLower(s); !slices.Contains(choices, s) {
			return devices.Value{}, false, fmt.Errorf("expected one of %s, got %.40q", strings.Join(choices, ", "), s)
		}
		return devices.EnumValue(s), true, nil
	}
	if len(wanted) > 0 {
		f.tell = func(v devices.Value) (suffix, payload string) { return command, spell(v.Text()) }
	}
	return f
}

func lock(string) *facet {
	words := map[string]string{"locked": "LOCK", "unlocked": "UNLOCK"}
	return choice(devices.State, []string{"locked", "unlocked", "locking", "unlocking", "jammed"}, []string{"locked", "unlocked"}, "command",
		func(s string) string { return words[s] }).without("NONE")
}

// without makes a facet know the word for what the device does not know.
func (f *facet) without(word string) *facet {
	read := f.read
	f.read = func(s string) (devices.Value, bool, error) {
		if s == word {
			return devices.Value{}, false, nil
		}
		return read(s)
	}
	return f
}

// happening is an event: its types are only in the discovery.
func happening(string) *facet {
	f := &facet{property: devices.Property{ID: devices.EventType, Datatype: devices.String, Readable: true, Momentary: true}}
	f.read = func(s string) (devices.Value, bool, error) {
		var e struct {
			Type string `json:"event_type"`
		}
		if !object1(s, &e) || e.Type == "" {
			return devices.Value{}, false, errors.New("expected a JSON object with event_type")
		}
		return devices.TextValue(clip(e.Type)), true, nil
	}
	return f
}

// mover is a cover or a valve.
func mover(attribute, _ string) []*facet {
	switch attribute {
	case "":
		words := map[string]string{"open": "OPEN", "closed": "CLOSE"}
		state := choice(devices.State, []string{"open", "opening", "closed", "closing", "stopped"}, []string{"open", "closed"}, "command",
			func(s string) string { return words[s] })
		stop := &facet{property: devices.Property{ID: devices.Stop, Datatype: devices.Bool, Settable: true, Momentary: true}}
		stop.tell = func(devices.Value) (suffix, payload string) { return "command", "STOP" }
		return []*facet{state, stop}
	case "position", "tilt":
		f := number(attribute, attribute+"/command")
		f.property.Unit, f.property.Min, f.property.Max = "%", new(0.0), new(100.0)
		return []*facet{f}
	}
	return nil
}

// fan is a fan. How many levels of speed it has is only in the discovery.
func fan(attribute, _ string) []*facet {
	switch attribute {
	case "":
		return []*facet{onOff(devices.On, true)}
	case "speed_level":
		f := number("speed-level", "speed_level/command")
		f.property.Min, f.property.Step = new(0.0), 1
		return []*facet{f}
	case "direction":
		directions := []string{"forward", "reverse"}
		return []*facet{choice(devices.Direction, directions, directions, "direction/command", func(s string) string { return s })}
	case "oscillation":
		f := &facet{property: devices.Property{ID: devices.Oscillating, Datatype: devices.Bool, Readable: true, Settable: true}}
		f.read = func(s string) (devices.Value, bool, error) {
			if s != "oscillate_on" && s != "oscillate_off" {
				return devices.Value{}, false, fmt.Errorf("expected oscillate_on or oscillate_off, got %.40q", s)
			}
			return devices.BoolValue(s == "oscillate_on"), true, nil
		}
		f.tell = func(v devices.Value) (suffix, payload string) {
			return "oscillation/command", "oscillate_" + strings.ToLower(onOrOff(v.Bool()))
		}
		return []*facet{f}
	}
	return nil
}

// degrees are the temperatures of a climate, by their level.
var degrees = map[string]string{
	"target_temperature": devices.TargetTemperature, "target_temperature_low": devices.TargetLow, "target_temperature_high": devices.TargetHigh,
	"current_temperature": devices.CurrentTemperature,
}

// humidities are those of a climate.
var humidities = map[string]string{"target_humidity": devices.TargetHumidity, "current_humidity": devices.CurrentHumidity}

func climate(attribute, _ string) []*facet {
	if id, ok := degrees[attribute]; ok {
		command := ""
		if id != devices.CurrentTemperature {
			command = attribute + "/command"
		}
		f := number(id, command)
		f.property.Unit = "°C"
		return []*facet{f}
	}
	if id, ok := humidities[attribute]; ok {
		command := ""
		if id == devices.TargetHumidity {
			command = attribute + "/command"
		}
		f := number(id, command)
		f.property.Unit = "%"
		return []*facet{f}
	}
	same := func(s string) string { return s }
	switch attribute {
	case "mode":
		modes := []string{"off", "heat", "cool", "auto", "heat_cool", "dry", "fan_only"}
		return []*facet{choice(devices.Mode, modes, modes, "mode/command", same)}
	case "action":
		return []*facet{choice(devices.Action, []string{"off", "heating", "cooling", "drying", "idle", "fan", "defrosting"}, nil, "", nil).without("unknown")}
	case "fan_mode", "swing_mode", "preset":
		return []*facet{text(strings.ReplaceAll(attribute, "_", "-"), attribute+"/command")}
	}
	return nil
}
