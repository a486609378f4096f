package announce

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"home.arpa/homehub/devices"
)

// climateModes are those that Home Assistant knows.
var climateModes = []string{"off", "heat", "cool", "auto", "heat_cool", "dry", "fan_only"}

// climate is a thermostat or an air conditioner.
func (b *builder) climate() config {
	c := config{"temperature_unit": "C"}
	steered := b.temperatures(c, true)
	steered = b.climateMode(c) || steered
	if !steered {
		return nil
	}
	b.measured(c, devices.CurrentTemperature, "current_temperature_topic")
	b.measured(c, devices.CurrentHumidity, "current_humidity_topic")
	b.targetHumidity(c)
	if p := b.has(devices.Action, devices.Enum); p != nil && p.Readable &&
		within(p.Choices, "off", "preheating", "heating", "cooling", "drying", "idle", "fan", "defrosting") {
		b.state(c, "action_topic", p)
		if slices.Contains(p.Choices, "defrosting") { // which is a word of 2024.11
			c["action_template"] = "{{ 'idle' if value == 'defrosting' else value }}"
		}
	}
	for _, x := range []struct{ id, prefix, list string }{
		{devices.FanMode, "fan_mode_", "fan_modes"},
		{devices.SwingMode, "swing_mode_", "swing_modes"},
		{devices.Preset, "preset_mode_", "preset_modes"},
	} {
		b.modes(c, x.id, x.prefix, x.list)
	}
	return c
}

// climateMode announces the mode, and says whether it can be set. Where there is none, on and off are modes.
func (b *builder) climateMode(c config) bool {
	mode, on := b.has(devices.Mode, devices.Enum), b.settable(devices.On, devices.Bool)
	if mode != nil {
		known := slices.DeleteFunc(slices.Clone(wanted(mode)), func(m string) bool { return !slices.Contains(climateModes, m) })
		if mode.Settable && len(known) > 0 {
			c["modes"] = known
			whole := within(mode.Choices, known...)
			b.state(c, "mode_state_topic", mode)
			b.command(c, "mode_command_topic", mode)
			if !whole {
				c["mode_state_template"] = fmt.Sprintf("{{ value if value in ['%s'] else '%s' }}", strings.Join(known, "', '"), likely(known))
				b.used[mode.ID] = false // the other modes are set by an entity of their own
			}
			return true
		}
	}
	if on != nil {
		c["modes"] = []string{"off", "heat"}
		b.state(c, "mode_state_topic", on)
		b.command(c, "mode_command_topic", on)
		c["mode_state_template"] = "{{ 'heat' if value == 'true' else 'off' }}"
		c["mode_command_template"] = "{{ 'false' if value == 'off' else 'true' }}"
		return true
	}
	c["modes"] = []string{"heat"} // it cannot be switched off: it always does what its target says
	for _, key := range []string{"temperature_state_topic", "temperature_low_state_topic", "temperature_high_state_topic"} {
		if topic, ok := c[key]; ok {
			c["mode_state_topic"], c["mode_state_template"] = topic, "{{ 'heat' }}"
			break
		}
	}
	return false
}

// likely is what a climate does in a mode that Home Assistant has no word for, and would complain about.
func likely(known []string) string {
	for _, m := range []string{"auto", "heat", "heat_cool", "cool"} {
		if slices.Contains(known, m) {
			return m
		}
	}
	return known[len(known)-1]
}

// temperatures announces the temperatures that can be wanted, in °C, and says whether there are any.
func (b *builder) temperatures(c config, ranges bool) (any bool) {
	targets := []struct{ id, prefix string }{{devices.TargetTemperature, "temperature_"}}
	if ranges {
		targets = append(targets, []struct{ id, prefix string }{{devices.TargetLow, "temperature_low_"}, {devices.TargetHigh, "temperature_high_"}}...)
	}
	for _, t := range targets {
		p := b.pair(c, t.prefix, t.id, devices.Int, devices.Float)
		if p == nil {
			continue
		}
		any = true
		if f, ok := limit(p.Min); ok && (c["min_temp"] == nil || f < c["min_temp"].(float64)) {
			c["min_temp"] = f
		}
		if f, ok := limit(p.Max); ok && (c["max_temp"] == nil || f > c["max_temp"].(float64)) {
			c["max_temp"] = f
		}
		switch {
		case !ranges: // a water heater has no step
		case p.Step > 0:
			c["temp_step"] = stride(p)
		case p.Datatype == devices.Float && c["temp_step"] == nil:
			c["temp_step"] = 0.5
		}
	}
	return any
}

// measured points a key to a number that the device measures.
func (b *builder) measured(c config, id, key string) {
	if p := b.has(id, devices.Int, devices.Float); p != nil && p.Readable && !p.Settable {
		b.state(c, key, p)
	}
}

// targetHumidity announces the humidity that is wanted, and says whether there is any.
func (b *builder) targetHumidity(c config) bool {
	p := b.settable(devices.TargetHumidity, devices.Int, devices.Float)
	if p == nil {
		return false
	}
	b.state(c, "target_humidity_state_topic", p)
	b.command(c, "target_humidity_command_topic", p)
	low, high := 0.0, 100.0
	if f, ok := limit(p.Min); ok {
		low = min(max(math.Ceil(f), 0), 99)
	}
	if f, ok := limit(p.Max); ok {
		high = min(max(math.Floor(f), low+1), 100)
	}
	c["min_humidity"], c["max_humidity"] = int(low), int(high)
	return true
}

// modes announces a choice that can be set, with its list.
func (b *builder) modes(c config, id, prefix, list string) {
	p := b.settable(id, devices.Enum)
	if p == nil {
		return
	}
	choices := slices.DeleteFunc(slices.Clone(wanted(p)), func(s string) bool {
		return s == "none" && list == "preset_modes" || s == "None" // Home Assistant has these by itself, as no choice at all
	})
	if len(choices) == 0 {
		return
	}
	b.state(c, prefix+"state_topic", p)
	b.command(c, prefix+"command_topic", p)
	c[list] = choices
}

// waterHeater is a boiler.
func (b *builder) waterHeater() config {
	c := config{"temperature_unit": "C"}
	steered := b.temperatures(c, false)
	mode, on := b.settable(devices.Mode, devices.Enum), b.settable(devices.On, devices.Bool)
	switch {
	case mode != nil && len(wanted(mode)) > 0:
		b.modes(c, devices.Mode, "mode_", "modes")
		if on != nil {
			b.command(c, "power_command_topic", on)
			b.used[on.ID] = false // its state is told by an entity of its own
			truths(c)
		}
	case on != nil:
		c["modes"] = []string{"off", "on"}
		b.state(c, "mode_state_topic", on)
		b.command(c, "mode_command_topic", on)
		c["mode_state_template"] = "{{ 'on' if value == 'true' else 'off' }}"
		c["mode_command_template"] = "{{ 'false' if value == 'off' else 'true' }}"
	case !steered:
		return nil
	default:
		c["modes"] = []string{"on"}
		if topic, ok := c["temperature_state_topic"]; ok {
			c["mode_state_topic"], c["mode_state_template"] = topic, "{{ 'on' }}"
		}
	}
	b.measured(c, devices.CurrentTemperature, "current_temperature_topic")
	return c
}

// humidifier is a humidifier or a dehumidifier. Home Assistant wants one that can be switched and has a target.
func (b *builder) humidifier() config {
	c := config{}
	if b.pair(c, "", devices.On, devices.Bool) == nil || !b.targetHumidity(c) {
		return nil
	}
	truths(c)
	b.modes(c, devices.Mode, "mode_", "modes")
	b.measured(c, devices.CurrentHumidity, "current_humidity_topic")
	if p := b.has(devices.Action, devices.Enum); p != nil && p.Readable && within(p.Choices, "off", "humidifying", "drying", "idle") {
		b.state(c, "action_topic", p)
		if slices.Contains(p.Choices, "drying") && !slices.Contains(p.Choices, "humidifying") {
			c["device_class"] = "dehumidifier"
		}
	}
	return c
}
