package homeassistant

import (
	"slices"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// findToggles finds the properties whose two values are told by the same message, such as those of a garage door that has one button. One
// that reports nothing is left as it is: it is a button by another name.
func (b *builder) findToggles() {
	switch b.kind {
	case devices.Switch, devices.Light, devices.Fan, devices.Cover, devices.Valve, devices.Lock, devices.Humidifier:
	default:
		return
	}
	for i := range b.properties {
		p := &b.properties[i]
		write := b.writers[p.ID]
		if write == nil || !p.Readable || p.Momentary {
			continue
		}
		var either [2]devices.Value
		switch {
		case p.Datatype == devices.Bool:
			either = [2]devices.Value{devices.BoolValue(true), devices.BoolValue(false)}
		case p.Datatype == devices.Enum && len(p.Wanted) == 2:
			either = [2]devices.Value{devices.EnumValue(p.Wanted[0]), devices.EnumValue(p.Wanted[1])}
		default:
			continue
		}
		one, err1 := write(either[0])
		other, err2 := write(either[1])
		p.Toggles = err1 == nil && err2 == nil && slices.EqualFunc(one, other, func(x, y broker.Message) bool {
			return x.Topic == y.Topic && string(x.Payload) == string(y.Payload)
		})
	}
}
