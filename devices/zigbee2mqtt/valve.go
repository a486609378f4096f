package zigbee2mqtt

import (
	"slices"
	"strings"

	"home.arpa/homehub/devices"
)

// isValve says whether a device's switches open and close a pipe. Converters expose valves for water and gas as switches, so
// that only the description tells; a radiator's valve has a thermostat, and is none.
func isValve(description string, exposes []expose) bool {
	s := strings.ToLower(description)
	for _, word := range []string{"radiator", "thermostat", "trv", "heating", "valve sensor"} {
		if strings.Contains(s, word) {
			return false
		}
	}
	return (strings.Contains(s, "valve") || strings.Contains(s, "irrigation") || strings.Contains(s, "watering")) &&
		!slices.ContainsFunc(exposes, func(e expose) bool { return e.kind == "climate" })
}

// valve is a valve that is exposed as a switch: on is open.
func (b *builder) valve(e, f *expose) {
	on, off := f.on, f.off
	if on.kind == none && off.kind == none {
		on, off = literal{kind: text, raw: []byte("ON")}, literal{kind: text, raw: []byte("OFF")}
	}
	open, closed := set(f.property, on.json()), set(f.property, off.json())
	rd := &reader{read: readEnum, words: []word{{on.String(), "open"}, {off.String(), "closed"}, {"OPEN", "open"}, {"CLOSE", "closed"}}}
	b.specific(e, devices.Valve).add(devices.Property{
		ID: devices.State, Datatype: devices.Enum, Choices: []string{"open", "closed"},
	}, f, rd, func(v devices.Value) (string, error) {
		if v.Text() == "open" {
			return open, nil
		}
		return closed, nil
	})
	b.ask(f)
}
