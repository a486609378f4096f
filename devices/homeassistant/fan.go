package homeassistant

import (
	"fmt"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

func (b *builder) fan() {
	b.kind = devices.Fan
	on, off := b.text("payload_on", "ON"), b.text("payload_off", "OFF")
	stateTemplate := "state_value_template"
	if !b.has(stateTemplate) {
		stateTemplate = "value_template"
	}
	p := devices.Property{ID: devices.On}
	p.Readable = b.readsBool("state_topic", stateTemplate, devices.On, on, off)
	b.toggle(p, b.hears("command_topic", "command_template"), on, off)
	b.speed()
	b.presets("preset_mode_value_template")
	b.namedSpeeds()

	swings, rests := b.text("payload_oscillation_on", "oscillate_on"), b.text("payload_oscillation_off", "oscillate_off")
	p = devices.Property{ID: devices.Oscillating}
	p.Readable = b.readsBool("oscillation_state_topic", "oscillation_value_template", devices.Oscillating, swings, rests)
	b.toggle(p, b.hears("oscillation_command_topic", "oscillation_command_template"), swings, rests)

	p = devices.Property{ID: devices.Direction, Datatype: devices.Enum, Choices: []string{"forward", "reverse"}}
	names := map[string]string{"forward": b.text("payload_direction_forward", "forward"), "reverse": b.text("payload_direction_reverse", "reverse")}
	p.Readable = b.reads("direction_state_topic", "direction_value_template", func(v template.Value, out *sink) error {
		for _, direction := range p.Choices {
			if is(v, names[direction]) {
				out.add(devices.Direction, devices.EnumValue(direction))
				return nil
			}
		}
		return expected(oneOf(values(p.Choices, names)), v)
	})
	if o := b.hears("direction_command_topic", "direction_command_template"); o != nil {
		p.Settable = true
		b.writers[devices.Direction] = o.sendText(func(v devices.Value) string { return names[v.Text()] })
	}
	b.property(p)
}

// namedSpeeds are the speeds of old firmware, which are words. They are presets, since no number says the same.
func (b *builder) namedSpeeds() {
	names := b.list("speeds")
	if len(names) == 0 || b.has("percentage_command_topic") || b.has("preset_modes") || !b.has("speed_command_topic") {
		return
	}
	payloads := map[string]string{
		"off": b.text("payload_off_speed", "off"), "low": b.text("payload_low_speed", "low"),
		"medium": b.text("payload_medium_speed", "medium"), "high": b.text("payload_high_speed", "high"),
	}
	for _, name := range names {
		if _, ok := payloads[name]; !ok {
			payloads[name] = name
		}
	}
	p := devices.Property{ID: devices.Preset, Datatype: devices.Enum, Choices: names}
	p.Readable = b.reads("speed_state_topic", "speed_value_template", func(v template.Value, out *sink) error {
		for _, name := range names {
			if is(v, payloads[name]) {
				out.add(devices.Preset, devices.EnumValue(name))
				return nil
			}
		}
		return expected(oneOf(values(names, payloads)), v)
	})
	if o := b.hears("speed_command_topic", ""); o != nil {
		p.Settable = true
		b.writers[p.ID] = o.sendText(func(v devices.Value) string { return payloads[v.Text()] })
	}
	b.property(p)
}

// speed adds a fan's speed. 0 % is below the device's range: the fan is off.
func (b *builder) speed() {
	low, high := b.numberOr("speed_range_min", 1), b.numberOr("speed_range_max", 100)
	at := steps{low - 1, high}
	if high < low || !at.valid() {
		b.fault("the speed range %v to %v is empty", low, high)
		return
	}
	p := devices.Property{ID: devices.Speed, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: at.step()}
	reset := b.text("payload_reset_percentage", "None")
	p.Readable = b.reads("percentage_state_topic", "percentage_value_template", func(v template.Value, out *sink) error {
		if is(v, reset) {
			return nil
		}
		f, ok, err := number(v)
		if !ok {
			return err
		}
		if f != 0 && (f < low || f > high) {
			return expected(fmt.Sprintf("0 or a speed of %v to %v", low, high), v)
		}
		if f == 0 {
			return out.float(devices.Speed, 0)
		}
		return out.float(devices.Speed, at.in(f))
	})
	if o := b.hears("percentage_command_topic", "percentage_command_template"); o != nil {
		p.Settable = true
		b.writers[devices.Speed] = o.sendNumber(func(percent float64) float64 {
			if percent == 0 {
				return 0
			}
			return max(at.out(percent), low)
		}, "percentage")
	}
	b.property(p)
}
