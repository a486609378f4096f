package homeassistant

import (
	"home.arpa/homehub/devices"
)

var climateModes = []string{"auto", "off", "cool", "heat", "dry", "fan_only"}

var climateActions = []string{"off", "heating", "cooling", "drying", "idle", "fan", "preheating", "defrosting"}

func (b *builder) climate() {
	b.kind = devices.Climate
	modes := b.list("modes")
	if len(modes) == 0 {
		modes = climateModes
	}
	b.enum(devices.Mode, "mode", "mode_state_template", modes)

	s := temperatureScale(b.text("temperature_unit", ""))
	low, high := 7.0, 35.0
	if f, ok := b.number("min_temp"); ok {
		low = s.in(f)
	}
	if f, ok := b.number("max_temp"); ok {
		high = s.in(f)
	}
	step := b.numberOr("temp_step", b.numberOr("precision", 1))
	for _, t := range []struct{ property, prefix string }{
		{devices.TargetTemperature, "temperature"},
		{devices.TargetLow, "temperature_low"},
		{devices.TargetHigh, "temperature_high"},
	} {
		p := devices.Property{
			ID: t.property, Datatype: devices.Float, Class: "temperature", Unit: "°C",
			Min: bound(min(low, high)), Max: bound(max(low, high)), Step: stride(step * s.factor),
		}
		p.Readable = b.readsNumber(t.prefix+"_state_topic", t.prefix+"_state_template", t.property, s.in)
		if o := b.hears(t.prefix+"_command_topic", t.prefix+"_command_template"); o != nil {
			p.Settable = true
			b.writers[t.property] = o.sendNumber(s.out, "")
		}
		b.property(p)
	}
	b.property(devices.Property{
		ID: devices.CurrentTemperature, Datatype: devices.Float, Class: "temperature", Unit: "°C",
		Readable: b.readsNumber("current_temperature_topic", "current_temperature_template", devices.CurrentTemperature, s.in),
	})
	b.property(devices.Property{
		ID: devices.CurrentHumidity, Datatype: devices.Float, Class: "humidity", Unit: "%",
		Readable: b.readsNumber("current_humidity_topic", "current_humidity_template", devices.CurrentHumidity, same.in),
	})
	b.targetHumidity(30, 99)
	b.property(devices.Property{
		ID: devices.Action, Datatype: devices.Enum, Choices: climateActions,
		Readable: b.readsChoice("action_topic", "action_template", devices.Action, climateActions),
	})
	fanModes := b.list("fan_modes")
	if len(fanModes) == 0 {
		fanModes = []string{"auto", "low", "medium", "high"}
	}
	b.enum(devices.FanMode, "fan_mode", "fan_mode_state_template", fanModes)
	swingModes := b.list("swing_modes")
	if len(swingModes) == 0 {
		swingModes = []string{"on", "off"}
	}
	b.enum(devices.SwingMode, "swing_mode", "swing_mode_state_template", swingModes)
	if sideways := b.list("swing_horizontal_modes"); len(sideways) > 0 {
		swingModes = sideways
	}
	b.enum("swing-horizontal-mode", "swing_horizontal_mode", "swing_horizontal_mode_state_template", swingModes)
	b.presets("preset_mode_value_template")

	if b.has("power_command_topic") {
		b.power("power_state_topic", "power_state_template", "power_command_topic", "power_command_template")
	}
}

// presets adds the preset, which can always be "none".
func (b *builder) presets(stateTemplate string) {
	choices := b.list("preset_modes")
	if len(choices) == 0 {
		return
	}
	if lacking(choices, "none") && b.kind == devices.Climate {
		choices = append(choices, "none")
	}
	b.enum(devices.Preset, "preset_mode", stateTemplate, choices)
}
