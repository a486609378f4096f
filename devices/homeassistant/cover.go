package homeassistant

import (
	"fmt"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

func (b *builder) cover() {
	b.kind = devices.Cover
	class := b.text("device_class", "")
	at := steps{b.numberOr("position_closed", 0), b.numberOr("position_open", 100)}
	if !at.valid() {
		b.fault("position_open and position_closed are the same")
		at = steps{0, 100}
	}
	position := devices.Property{ID: devices.Position, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: at.step()}
	stateless := b.text("state_topic", "") == ""
	positionTemplate := "position_template"
	if !b.has(positionTemplate) && stateless {
		positionTemplate = "value_template"
	}
	position.Readable = b.reads("position_topic", positionTemplate, func(v template.Value, out *sink) error {
		if v.Kind() == template.String {
			if d := template.ReadText(v.Text()); d.JSON().Kind() == template.Dict {
				v = d.JSON()
			}
		}
		if v.Kind() == template.Dict {
			v = v.Get("position")
		}
		f, ok, err := number(v)
		if !ok {
			return err
		}
		percent := at.in(f)
		if stateless { // the state is what the position says
			state := "open"
			if percent == 0 {
				state = "closed"
			}
			out.add(devices.State, devices.EnumValue(state))
		}
		return out.float(devices.Position, percent)
	})
	if o := b.hears("set_position_topic", "set_position_template"); o != nil {
		position.Settable = true
		b.writers[devices.Position] = func(v devices.Value) ([]broker.Message, error) {
			f := at.out(v.Float())
			return one(o.send(formatNumber(f), plain(f), "position", plain(f)))
		}
	}
	b.property(position)

	state := devices.Property{
		ID: devices.State, Datatype: devices.Enum, Class: class,
		Choices: []string{"open", "opening", "closed", "closing", "stopped"}, Wanted: []string{"open", "closed"},
	}
	state.Readable = b.readsNamed("value_template", map[string]string{
		"open": b.text("state_open", "open"), "opening": b.text("state_opening", "opening"),
		"closed": b.text("state_closed", "closed"), "closing": b.text("state_closing", "closing"),
		"stopped": b.text("state_stopped", "stopped"),
	}, state.Choices) || position.Readable && stateless
	o := b.hears("command_topic", "command_template")
	if o != nil && !(b.isNull("payload_open") && b.isNull("payload_close")) {
		state.Settable = true
		payloads := map[string]string{"open": b.text("payload_open", "OPEN"), "closed": b.text("payload_close", "CLOSE")}
		b.writers[devices.State] = o.sendText(func(v devices.Value) string { return payloads[v.Text()] })
	} else if position.Settable {
		state.Settable = true
		b.writers[devices.State] = func(v devices.Value) ([]broker.Message, error) {
			f := 0.0
			if v.Text() == "open" {
				f = 100
			}
			percent, err := devices.FloatValue(f)
			if err != nil {
				return nil, err
			}
			return b.writers[devices.Position](percent)
		}
	}
	b.property(state)
	if !b.isNull("payload_stop") {
		b.act(devices.Stop, o, b.text("payload_stop", "STOP"))
	}
	b.tilt()
}

func (b *builder) tilt() {
	at := steps{b.numberOr("tilt_min", 0), b.numberOr("tilt_max", 100)}
	if !at.valid() {
		at = steps{0, 100}
	}
	p := devices.Property{ID: devices.Tilt, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: at.step()}
	p.Readable = b.readsNumber("tilt_status_topic", "tilt_status_template", devices.Tilt, at.in)
	if o := b.hears("tilt_command_topic", "tilt_command_template"); o != nil {
		p.Settable = true
		b.writers[devices.Tilt] = o.sendNumber(at.out, "tilt_position")
	}
	b.property(p)
}

// readsNamed reads states that the device names in its own way.
func (b *builder) readsNamed(templateKey string, names map[string]string, order []string) bool {
	return b.reads("state_topic", templateKey, func(v template.Value, out *sink) error {
		for _, state := range order {
			if is(v, names[state]) {
				out.add(devices.State, devices.EnumValue(state))
				return nil
			}
		}
		return unexpected(v)
	})
}

func (b *builder) lock() {
	b.kind = devices.Lock
	state := devices.Property{
		ID: devices.State, Datatype: devices.Enum,
		Choices: []string{"locked", "unlocked", "locking", "unlocking", "jammed"}, Wanted: []string{"locked", "unlocked"},
	}
	state.Readable = b.readsNamed("value_template", map[string]string{
		"locked": b.text("state_locked", "LOCKED"), "unlocked": b.text("state_unlocked", "UNLOCKED"),
		"locking": b.text("state_locking", "LOCKING"), "unlocking": b.text("state_unlocking", "UNLOCKING"),
		"jammed": b.text("state_jammed", "JAMMED"),
	}, state.Choices)
	o := b.hears("command_topic", "command_template")
	if o != nil {
		state.Settable = true
		payloads := map[string]string{"locked": b.text("payload_lock", "LOCK"), "unlocked": b.text("payload_unlock", "UNLOCK")}
		b.writers[devices.State] = o.sendText(func(v devices.Value) string { return payloads[v.Text()] })
	}
	b.property(state)
	if b.has("payload_open") {
		b.act(devices.Open, o, b.text("payload_open", "OPEN"))
	}
}

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
		return unexpected(v)
	})
	if o := b.hears("direction_command_topic", "direction_command_template"); o != nil {
		p.Settable = true
		b.writers[devices.Direction] = o.sendText(func(v devices.Value) string { return names[v.Text()] })
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
			return fmt.Errorf("reading a state: the speed %v is not within %v to %v", f, low, high)
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
