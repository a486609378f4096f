package homeassistant

import (
	"strings"

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
	tilt := b.tilt(strings.Contains(b.text(positionTemplate, ""), "tilt_position"))
	position.Readable = b.reads("position_topic", positionTemplate, func(v template.Value, out *sink) error {
		if v.Kind() == template.String {
			if d := template.ReadText(v.Text()); d.JSON().Kind() == template.Dict {
				v = d.JSON()
			}
		}
		if v.Kind() == template.Dict {
			if err := tilt(v.Get("tilt_position"), out); err != nil {
				return err
			}
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
			return one(o.send(devices.FormatNumber(f), plain(f), "position", plain(f)))
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
	if payloads, wanted := b.opensAndCloses(); o != nil && len(wanted) > 0 {
		state.Settable, state.Wanted = true, wanted
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
}

// opensAndCloses are the payloads that open and close, and the states that can be wanted: a payload that is null is none.
func (b *builder) opensAndCloses() (payloads map[string]string, wanted []string) {
	payloads = map[string]string{}
	for _, x := range [][3]string{{"open", "payload_open", "OPEN"}, {"closed", "payload_close", "CLOSE"}} {
		if !b.isNull(x[1]) {
			payloads[x[0]] = b.text(x[1], x[2])
			wanted = append(wanted, x[0])
		}
	}
	return payloads, wanted
}

// tilt adds the tilt of the slats. with says that positions tell it, too; then read takes it.
func (b *builder) tilt(with bool) (read func(v template.Value, out *sink) error) {
	at := steps{b.numberOr("tilt_min", 0), b.numberOr("tilt_max", 100)}
	if !at.valid() {
		at = steps{0, 100}
	}
	if b.yes("tilt_invert_state") { // of old firmware
		at = steps{at.high, at.low}
	}
	p := devices.Property{ID: devices.Tilt, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: at.step()}
	p.Readable = b.readsNumber("tilt_status_topic", "tilt_status_template", devices.Tilt, at.in)
	if o := b.hears("tilt_command_topic", "tilt_command_template"); o != nil {
		p.Settable = true
		b.writers[devices.Tilt] = o.sendNumber(at.out, "tilt_position")
	}
	p.Readable = p.Readable || with
	b.property(p)
	return func(v template.Value, out *sink) error {
		if !with || !known(v) {
			return nil
		}
		f, ok, err := number(v)
		if !ok {
			return err
		}
		return out.float(devices.Tilt, at.in(f))
	}
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
		return expected(oneOf(values(order, names)), v)
	})
}

// values are what names has for each of the keys.
func values(keys []string, names map[string]string) []string {
	out := make([]string, len(keys))
	for i, key := range keys {
		out[i] = names[key]
	}
	return out
}
