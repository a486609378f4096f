package zigbee2mqtt

import "home.arpa/homehub/devices"

// actions are the model's words for running states.
var actions = map[string]string{"heat": "heating", "cool": "cooling", "fan_only": "fan", "dry": "drying"}

// climate is a thermostat, a radiator valve or an air conditioner.
func (b *builder) climate(e *expose) {
	p := b.specific(e, devices.Climate)
	temperature := func(id string, f *expose) {
		if f != nil {
			p.numeric(id, "temperature", f)
		}
	}
	heat, cool := e.feature("occupied_heating_setpoint", "current_heating_setpoint"), e.feature("occupied_cooling_setpoint")
	switch {
	case heat != nil && cool != nil:
		temperature(devices.TargetLow, heat)
		temperature(devices.TargetHigh, cool)
	case heat != nil:
		temperature(devices.TargetTemperature, heat)
	default:
		temperature(devices.TargetTemperature, cool)
	}
	current := e.feature("local_temperature")
	temperature(devices.CurrentTemperature, current)
	known := []string{"occupied_cooling_setpoint", "local_temperature"}
	if heat != nil {
		known = append(known, heat.name)
	}
	for _, f := range []struct {
		id, name string
		names    map[string]string
	}{
		{devices.Mode, "system_mode", nil},
		{devices.Action, "running_state", actions},
		{devices.FanMode, "fan_mode", nil},
		{devices.SwingMode, "swing_mode", nil},
		{devices.SwingMode, "ac_louver_position", nil},
		{devices.Preset, "preset", nil},
	} {
		feature := e.feature(f.name)
		if feature == nil || p.Component.Property(f.id) != nil {
			continue
		}
		p.choice(devices.Property{ID: f.id}, feature, f.names)
		known = append(known, f.name)
	}
	if b.ask(current); current == nil || !current.answers() {
		b.ask(heat)
	}
	b.rest(e, known...)
}
