package homeassistant

import (
	"fmt"
	"slices"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

var vacuumStates = []string{"cleaning", "docked", "paused", "idle", "returning", "error"}

// features are the supported_features that an announcement lists, those of the kind when it lists none.
func (b *builder) features(kind ...string) []string {
	if !b.has("supported_features") {
		return kind
	}
	return b.list("supported_features")
}

func (b *builder) vacuum() {
	b.kind = devices.Vacuum
	can := b.features("start", "stop", "return_home", "battery", "status", "clean_spot")
	speeds := b.list("fan_speed_list")
	readable := b.reads("state_topic", "value_template", func(v template.Value, out *sink) error {
		return readVacuum(v, speeds, slices.Contains(can, "battery"), out)
	})
	legacy := b.legacyVacuum()
	o := b.hears("command_topic", "command_template")

	state := devices.Property{ID: devices.State, Datatype: devices.Enum, Choices: vacuumStates, Readable: readable || legacy}
	payloads := map[string]string{}
	for _, way := range []struct{ feature, state, key, payload string }{
		{"start", "cleaning", "payload_start", "start"},
		{"return_home", "docked", "payload_return_to_base", "return_to_base"},
		{"pause", "paused", "payload_pause", "pause"},
	} {
		if slices.Contains(can, way.feature) {
			state.Wanted = append(state.Wanted, way.state)
			payloads[way.state] = b.text(way.key, way.payload)
		}
	}
	if o != nil && len(state.Wanted) > 0 {
		state.Settable = true
		b.writers[devices.State] = o.sendText(func(v devices.Value) string { return payloads[v.Text()] })
	}
	b.property(state)
	for _, act := range []struct{ feature, property, key, payload string }{
		{"stop", devices.Stop, "payload_stop", "stop"},
		{"clean_spot", devices.CleanAt, "payload_clean_spot", "clean_spot"},
		{"locate", devices.Locate, "payload_locate", "locate"},
	} {
		if slices.Contains(can, act.feature) {
			b.act(act.property, o, b.text(act.key, act.payload))
		}
	}
	speed := devices.Property{ID: devices.FanSpeed, Datatype: devices.Enum, Choices: speeds, Readable: readable && len(speeds) > 0}
	if out := b.hears("set_fan_speed_topic", ""); out != nil && len(speeds) > 0 {
		speed.Settable = true
		b.writers[devices.FanSpeed] = out.sendText(devices.Value.Text)
	}
	b.property(speed)
	b.property(devices.Property{
		ID: devices.Battery, Datatype: devices.Float, Class: "battery", Unit: "%", Min: bound(0), Max: bound(100),
		Readable: readable && slices.Contains(can, "battery") || b.readsNumber("battery_level_topic", "battery_level_template", devices.Battery, same.in),
	})
}

// readVacuum takes what the object holds: the state, the battery's level, the fan's speed.
func readVacuum(v template.Value, speeds []string, battery bool, out *sink) error {
	v, err := object(v)
	if err != nil {
		return err
	}
	if said := v.Get("state"); known(said) {
		state, err := choice(said, vacuumStates)
		if err != nil {
			return fmt.Errorf("state: %w", err)
		}
		out.add(devices.State, devices.EnumValue(state))
	}
	if speed := v.Get("fan_speed"); known(speed) && len(speeds) > 0 {
		name, err := choice(speed, speeds)
		if err != nil {
			return fmt.Errorf("fan_speed: %w", err)
		}
		out.add(devices.FanSpeed, devices.EnumValue(name))
	}
	if level := v.Get("battery_level"); known(level) && battery {
		f, ok := level.Number()
		if !ok {
			return expected("a number at battery_level", level)
		}
		return out.float(devices.Battery, f)
	}
	return nil
}

// legacyVacuum reads the topics of the schema that Home Assistant had first: one bool for each state. The last one that is
// true is the state.
func (b *builder) legacyVacuum() bool {
	readable := false
	for _, of := range []struct{ topic, template, state string }{
		{"cleaning_topic", "cleaning_template", "cleaning"},
		{"docked_topic", "docked_template", "docked"},
		{"error_topic", "error_template", "error"},
	} {
		readable = b.reads(of.topic, of.template, func(v template.Value, out *sink) error {
			switch {
			case is(v, "true"), of.state == "error" && !is(v, "false") && v.Text() != "":
				out.add(devices.State, devices.EnumValue(of.state))
			case of.state == "cleaning" && is(v, "false"):
				out.add(devices.State, devices.EnumValue("idle"))
			}
			return nil
		}) || readable
	}
	return readable
}

var mowerStates = []string{"mowing", "docked", "paused", "returning", "error"}

func (b *builder) lawnMower() {
	b.kind = devices.LawnMower
	p := devices.Property{ID: devices.State, Datatype: devices.Enum, Choices: mowerStates}
	p.Readable = b.readsChoice("activity_state_topic", "activity_value_template", devices.State, mowerStates)
	outlets := map[string]*outlet{}
	for _, way := range []struct{ state, prefix, payload string }{
		{"mowing", "start_mowing_command", "start_mowing"}, {"docked", "dock_command", "dock"}, {"paused", "pause_command", "pause"},
	} {
		if o := b.hears(way.prefix+"_topic", way.prefix+"_template"); o != nil {
			outlets[way.state] = o
			p.Wanted = append(p.Wanted, way.state)
		}
	}
	payloads := map[string]string{"mowing": "start_mowing", "docked": "dock", "paused": "pause"}
	if len(outlets) > 0 {
		p.Settable = true
		b.writers[devices.State] = func(v devices.Value) ([]broker.Message, error) {
			o := outlets[v.Text()]
			if o == nil {
				return nil, fmt.Errorf("%w: it has no topic for %s", devices.ErrValue, v.Text())
			}
			return one(o.send(payloads[v.Text()], template.Of(payloads[v.Text()])))
		}
	}
	b.property(p)
}
