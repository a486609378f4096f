package announce

import (
	"fmt"
	"math"
	"strconv"

	"home.arpa/homehub/devices"
)

// light is a light of the default schema, with a topic for each of its properties.
func (b *builder) light() config {
	c := config{}
	brightness := b.settable(devices.Brightness, devices.Int, devices.Float)
	switch on := b.pair(c, "", devices.On, devices.Bool); {
	case on != nil:
		truths(c)
	case brightness != nil: // whether it is on is a matter of its brightness
		b.state(c, "state_topic", brightness)
		b.command(c, "command_topic", brightness)
		c["state_value_template"] = "{{ '100' if value | float(0) > 0 else '0' }}"
		c["payload_on"], c["payload_off"], c["on_command_type"] = "100", "0", "brightness"
	default:
		return nil
	}
	if brightness != nil {
		b.state(c, "brightness_state_topic", brightness)
		b.command(c, "brightness_command_topic", brightness)
		c.scaled(brightness, "brightness_scale", "brightness_value_template", "brightness_command_template")
	}
	b.lightTemperature(c)
	if p := b.settable(devices.ColorHS, devices.Color); p != nil {
		b.state(c, "hs_state_topic", p)
		b.command(c, "hs_command_topic", p) // hue,saturation: the hub reads that, too
		if p.Readable {
			c["hs_value_template"] = hueAndSaturation
		}
	}
	if p := b.settable(devices.Effect, devices.Enum); p != nil && len(p.Choices) > 0 {
		b.state(c, "effect_state_topic", p)
		b.command(c, "effect_command_topic", p)
		c["effect_list"] = wanted(p)
	}
	return c
}

// hueAndSaturation makes of hsv,<hue>,<saturation>,<brightness> what Home Assistant reads.
const hueAndSaturation = "{{ value.split(',')[1:3] | join(',') }}"

// scaled lets Home Assistant speak of a percentage in whole numbers: of percent, or of the device's own steps where they are finer.
func (c config) scaled(p *devices.Property, scale, read, write string) {
	steps := 100
	if p.Step > 0 && p.Step < 1 {
		steps = int(min(math.Round(100/p.Step), 65535))
	}
	c[scale] = steps
	if steps == 100 {
		return // Home Assistant takes fractions
	}
	factor := strconv.FormatFloat(float64(steps)/100, 'f', -1, 64)
	if p.Readable {
		c[read] = fmt.Sprintf("{{ (value | float(0) * %s) | round | int }}", factor)
	}
	c[write] = fmt.Sprintf("{{ value / %s }}", factor)
}

// lightTemperature converts between kelvin, which the hub has, and mired, which every Home Assistant has.
func (b *builder) lightTemperature(c config) {
	p := b.settable(devices.ColorTemperature, devices.Int, devices.Float)
	if p == nil {
		return
	}
	var low, high float64 // in mired
	if f, ok := limit(p.Max); ok && f >= 1 {
		low = math.Ceil(1e6 / f)
	}
	if f, ok := limit(p.Min); ok && f >= 1 {
		high = math.Floor(1e6 / f)
	}
	if low > 0 && high > 0 && low >= high {
		return // it has one colour only
	}
	if low > 0 {
		c["min_mireds"] = int(low)
	}
	if high > 0 {
		c["max_mireds"] = int(high)
	}
	b.state(c, "color_temp_state_topic", p)
	b.command(c, "color_temp_command_topic", p)
	if p.Readable {
		c["color_temp_value_template"] = "{{ (1000000 / value | float) | round | int if value | float(0) > 0 else '' }}"
	}
	c["color_temp_command_template"] = "{{ (1000000 / value) | round | int }}"
}
