package homeassistant

import (
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// power adds on and off with their two payloads, under the keys that a component has for it.
func (b *builder) power(stateTopic, stateTemplate, commandTopic, commandTemplate string) {
	on, off := b.text("payload_on", "ON"), b.text("payload_off", "OFF")
	p := devices.Property{ID: devices.On}
	p.Readable = b.readsBool(stateTopic, stateTemplate, devices.On, b.text("state_on", on), b.text("state_off", off))
	b.toggle(p, b.hears(commandTopic, commandTemplate), on, off)
}

func (b *builder) humidifier() {
	b.kind = devices.Humidifier
	stateTemplate := "state_value_template"
	if !b.has(stateTemplate) {
		stateTemplate = "value_template"
	}
	b.power("state_topic", stateTemplate, "command_topic", "command_template")
	b.targetHumidity(0, 100)
	b.property(devices.Property{
		ID: devices.CurrentHumidity, Datatype: devices.Float, Class: "humidity", Unit: "%",
		Readable: b.readsNumber("current_humidity_topic", "current_humidity_template", devices.CurrentHumidity, same.in),
	})
	if modes := b.list("modes"); len(modes) > 0 {
		b.enum(devices.Mode, "mode", "mode_state_template", modes)
	}
	actions := []string{"off", "humidifying", "drying", "idle"}
	b.property(devices.Property{
		ID: devices.Action, Datatype: devices.Enum, Choices: actions,
		Readable: b.readsChoice("action_topic", "action_template", devices.Action, actions),
	})
}

// targetHumidity adds the wanted humidity, within what the kind of component has by default.
func (b *builder) targetHumidity(low, high float64) {
	low, high = b.numberOr("min_humidity", low), b.numberOr("max_humidity", high)
	p := devices.Property{
		ID: devices.TargetHumidity, Datatype: devices.Float, Class: "humidity", Unit: "%", Step: 1,
		Min: bound(min(low, high)), Max: bound(max(low, high)),
	}
	reset := b.text("payload_reset_humidity", "None")
	p.Readable = b.reads("target_humidity_state_topic", "target_humidity_state_template", func(v template.Value, out *sink) error {
		if is(v, reset) {
			return nil
		}
		f, ok, err := number(v)
		if !ok {
			return err
		}
		return out.float(devices.TargetHumidity, f)
	})
	if o := b.hears("target_humidity_command_topic", "target_humidity_command_template"); o != nil {
		p.Settable = true
		b.writers[p.ID] = o.sendNumber(same.out, "")
	}
	b.property(p)
}

var heaterModes = []string{"off", "eco", "electric", "gas", "heat_pump", "high_demand", "performance"}

func (b *builder) waterHeater() {
	b.kind = devices.WaterHeater
	modes := b.list("modes")
	if len(modes) == 0 {
		modes = heaterModes
	}
	b.enum(devices.Mode, "mode", "mode_state_template", modes)
	s := temperatureScale(b.text("temperature_unit", ""))
	low, high := 43.3, 60.0 // 110 and 140 °F
	if f, ok := b.number("min_temp"); ok {
		low = s.in(f)
	}
	if f, ok := b.number("max_temp"); ok {
		high = s.in(f)
	}
	p := devices.Property{
		ID: devices.TargetTemperature, Datatype: devices.Float, Class: "temperature", Unit: "°C",
		Min: bound(min(low, high)), Max: bound(max(low, high)), Step: stride(b.numberOr("precision", 1) * s.factor),
	}
	p.Readable = b.readsNumber("temperature_state_topic", "temperature_state_template", p.ID, s.in)
	if o := b.hears("temperature_command_topic", "temperature_command_template"); o != nil {
		p.Settable = true
		b.writers[p.ID] = o.sendNumber(s.out, "")
	}
	b.property(p)
	b.property(devices.Property{
		ID: devices.CurrentTemperature, Datatype: devices.Float, Class: "temperature", Unit: "°C",
		Readable: b.readsNumber("current_temperature_topic", "current_temperature_template", devices.CurrentTemperature, s.in),
	})
	if b.has("power_command_topic") {
		b.power("power_state_topic", "power_state_template", "power_command_topic", "power_command_template")
	}
}
