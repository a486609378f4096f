package homeassistant

import (
	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// valve opens and closes; one that reports its position is told the position, too.
func (b *builder) valve() {
	b.kind = devices.Valve
	positioned := b.yes("reports_position")
	at := steps{b.numberOr("position_closed", 0), b.numberOr("position_open", 100)}
	if !at.valid() {
		b.fault("position_open and position_closed: expected two numbers that differ, got %v twice", at.low)
		at = steps{0, 100}
	}
	states := []string{"open", "opening", "closed", "closing", "stopped"}
	names := map[string]string{
		"open": b.text("state_open", "open"), "opening": b.text("state_opening", "opening"),
		"closed": b.text("state_closed", "closed"), "closing": b.text("state_closing", "closing"),
		"stopped": b.text("state_stopped", "stopped"),
	}
	readable := b.reads("state_topic", "value_template", func(v template.Value, out *sink) error {
		return readValve(v, at, positioned, states, names, out)
	})
	state := devices.Property{ID: devices.State, Datatype: devices.Enum, Class: b.text("device_class", ""), Choices: states, Wanted: []string{"open", "closed"}, Readable: readable}
	position := devices.Property{ID: devices.Position, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: at.step(), Readable: readable && positioned}
	o := b.hears("command_topic", "command_template")
	if payloads, wanted := b.opensAndCloses(); o != nil && !positioned && len(wanted) > 0 {
		state.Settable, state.Wanted = true, wanted
		b.writers[devices.State] = o.sendText(func(v devices.Value) string { return payloads[v.Text()] })
	}
	if o != nil && positioned {
		state.Settable, position.Settable = true, true
		move := func(percent float64) ([]broker.Message, error) {
			f := at.out(percent)
			return one(o.send(devices.FormatNumber(f), plain(f), "position", plain(percent), "position_open", plain(at.high), "position_closed", plain(at.low)))
		}
		b.writers[devices.Position] = func(v devices.Value) ([]broker.Message, error) { return move(v.Float()) }
		b.writers[devices.State] = func(v devices.Value) ([]broker.Message, error) {
			if v.Text() == "open" {
				return move(100)
			}
			return move(0)
		}
	}
	b.property(state)
	b.property(position)
	if b.has("payload_stop") {
		b.act(devices.Stop, o, b.text("payload_stop", "STOP"))
	}
}

// readValve takes a state, a position, or an object of both.
func readValve(v template.Value, at steps, positioned bool, states []string, names map[string]string, out *sink) error {
	said, position := v, template.Value{}
	if v.Kind() == template.String {
		v = template.ReadText(v.Text()).JSON()
	}
	if v.Kind() == template.Dict {
		said, position = v.Get("state"), v.Get("position")
	}
	if known(said) {
		found := false
		for _, state := range states {
			if is(said, names[state]) {
				out.add(devices.State, devices.EnumValue(state))
				found = true
				break
			}
		}
		switch {
		case found:
		case positioned && position.Kind() == template.Undefined:
			position = said
		default:
			return expected(oneOf(values(states, names)), said)
		}
	}
	if !positioned || !known(position) {
		return nil
	}
	f, ok, err := number(position)
	if !ok {
		return err
	}
	percent := at.in(f)
	if len(*out) == 0 { // the state is what the position says
		state := "open"
		if percent == 0 {
			state = "closed"
		}
		out.add(devices.State, devices.EnumValue(state))
	}
	return out.float(devices.Position, percent)
}
