package announce

import (
	"fmt"
	"math"
	"slices"

	"home.arpa/homehub/devices"
)

// relay is a switch.
func (b *builder) relay() config {
	c := config{}
	if b.pair(c, "", devices.On, devices.Bool) == nil {
		return nil
	}
	truths(c)
	c.class(b, devices.On, switchClasses)
	return c
}

// fan is a fan. Its speed is told in its own steps where they are coarser than percent.
func (b *builder) fan() config {
	c := config{}
	speed := b.settable(devices.Speed, devices.Int, devices.Float)
	switch on := b.pair(c, "", devices.On, devices.Bool); {
	case on != nil:
		truths(c)
	case speed != nil:
		b.state(c, "state_topic", speed)
		b.command(c, "command_topic", speed)
		c["state_value_template"] = "{{ '100' if value | float(0) > 0 else '0' }}"
		c["payload_on"], c["payload_off"] = "100", "0"
	default:
		return nil
	}
	if speed != nil {
		b.state(c, "percentage_state_topic", speed)
		b.command(c, "percentage_command_topic", speed)
		steps := 100.0
		if speed.Step > 1 && speed.Step <= 50 {
			steps = math.Round(100 / speed.Step)
		}
		c["speed_range_min"], c["speed_range_max"] = 1, int(steps)
		if speed.Readable {
			c["percentage_value_template"] = fmt.Sprintf("{{ (value | float(0) * %v / 100) | round | int }}", steps)
		}
		if steps != 100 {
			c["percentage_command_template"] = fmt.Sprintf("{{ (value * 100 / %v) | round(3) }}", steps)
		}
	}
	b.modes(c, devices.Preset, "preset_mode_", "preset_modes")
	if b.pair(c, "oscillation_", devices.Oscillating, devices.Bool) != nil {
		c["payload_oscillation_on"], c["payload_oscillation_off"] = "true", "false"
	}
	if p := b.settable(devices.Direction, devices.Enum); p != nil && within(p.Choices, "forward", "reverse") {
		b.pair(c, "direction_", devices.Direction, devices.Enum)
	}
	return c
}

// siren is switched on and off; its tone, its volume and how long it sounds are set beside, by entities of their own.
func (b *builder) siren() config {
	c := config{"support_duration": false, "support_volume_set": false}
	if b.pair(c, "", devices.On, devices.Bool) == nil {
		return nil
	}
	truths(c)
	return c
}

// arms are what an alarm can be told, by the state that follows: Home Assistant's feature, and the key of the payload.
var arms = []struct{ state, feature, payload string }{
	{"armed_home", "arm_home", "payload_arm_home"},
	{"armed_away", "arm_away", "payload_arm_away"},
	{"armed_night", "arm_night", "payload_arm_night"},
	{"armed_vacation", "arm_vacation", "payload_arm_vacation"},
	{"armed_custom_bypass", "arm_custom_bypass", "payload_arm_custom_bypass"},
	{"triggered", "trigger", "payload_trigger"},
	{"disarmed", "", "payload_disarm"},
}

// alarm is an alarm panel. Whoever may publish to the hub may disarm it, so that Home Assistant asks for no code.
func (b *builder) alarm() config {
	c := config{"code_arm_required": false, "code_disarm_required": false, "code_trigger_required": false}
	p := b.settable(devices.State, devices.Enum)
	if p == nil || !p.Readable || !within(p.Choices, "disarmed", "armed_home", "armed_away", "armed_night", "armed_vacation", "armed_custom_bypass",
		"pending", "arming", "disarming", "triggered") {
		return nil
	}
	b.pair(c, "", devices.State, devices.Enum)
	features := []string{}
	for _, x := range arms {
		c[x.payload] = x.state
		if x.feature != "" && slices.Contains(wanted(p), x.state) {
			features = append(features, x.feature)
		}
	}
	c["supported_features"] = features
	return c
}

// mower is a robot that mows.
func (b *builder) mower() config {
	c := config{}
	p := b.settable(devices.State, devices.Enum)
	if p == nil || !within(p.Choices, "mowing", "docked", "paused", "returning", "error") {
		return nil
	}
	b.state(c, "activity_state_topic", p)
	if slices.Contains(p.Choices, "returning") && p.Readable { // which is a word of 2024.12
		c["activity_value_template"] = "{{ 'mowing' if value == 'returning' else value }}"
	}
	for _, x := range []struct{ state, order string }{{"mowing", "start_mowing"}, {"docked", "dock"}, {"paused", "pause"}} {
		if slices.Contains(wanted(p), x.state) {
			b.command(c, x.order+"_command_topic", p)
			c[x.order+"_command_template"] = x.state
		}
	}
	return c
}

// update is the firmware that is installed, and the newest there is.
func (b *builder) update() config {
	installed, latest := b.has(devices.Installed, devices.String), b.has(devices.Latest, devices.String)
	if installed == nil || !installed.Readable {
		return nil
	}
	c := config{"device_class": "firmware"}
	b.state(c, "state_topic", installed)
	c["value_template"] = plainText
	if latest != nil && latest.Readable {
		b.state(c, "latest_version_topic", latest)
		c["latest_version_template"] = plainText
	}
	if p := b.act(devices.Install); p != nil {
		b.command(c, "command_topic", p)
		c["payload_install"] = "true"
	}
	return c
}

func (b *builder) scene() config {
	p := b.act(devices.Activate)
	if p == nil {
		return nil
	}
	c := config{"payload_on": "true"}
	b.command(c, "command_topic", p)
	return c
}

// tracker says in which zone something is, and where on the map. A place that it has no name for is left to Home Assistant's own zones.
func (b *builder) tracker() config {
	c := config{}
	if p := b.has(devices.Place, devices.String, devices.Enum); p != nil && p.Readable {
		b.state(c, "state_topic", p)
		c["value_template"] = "{{ " + withoutNothing + " or 'None' }}"
	}
	if located(b.component) {
		for _, id := range []string{devices.Latitude, devices.Longitude, devices.Accuracy} {
			b.used[id] = true
		}
		b.whole(c, "json_attributes_topic")
	}
	if len(c) == 0 {
		return nil
	}
	return c
}
