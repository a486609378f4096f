package shelly

import (
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
)

const (
	maxChoices = 100
	maxChoice  = 200 // bytes
)

// changeable says whether people are meant to set a virtual component: it can be written, and is not shown as a mere label.
func (b *build) changeable() bool {
	access := b.config.Get("access").Text()
	return (access == "" || strings.ContainsAny(access, "w*")) && b.config.Get("meta").Get("ui").Get("view").Text() != "label"
}

// virtual is where a virtual component goes: a component of its own, or a part of its service's thermostat.
func (b *build) virtual(kind devices.Kind, id string) (*devices.Component, devices.Property) {
	role, owner := b.attrs.Get("role").Text(), b.attrs.Get("owner").Text()
	if p, ok := climateRoles[role]; ok && b.seen[thermostatOf+owner] {
		return b.component(devices.Slug(owner), devices.Climate, "", ""), p
	}
	p := devices.Property{ID: id}
	switch role {
	case "current_temperature", "target_temperature", "current_humidity":
		p.Class = climateRoles[role].Class
	}
	return b.own(kind, ""), p
}

// thermostatOf marks, among what was seen, the services that have all that a thermostat needs.
const thermostatOf = "thermostat of "

func (b *build) setValue(c *devices.Component, p devices.Property, method string, of func(v devices.Value) any) {
	if id := b.id; b.changeable() {
		b.set(c, p.ID, func(v devices.Value) (string, map[string]any) { return method, b2(id, "value", of(v)) })
	}
}

func (b *build) boolean() {
	kind, id := devices.Switch, devices.On
	if !b.changeable() {
		kind, id = devices.BinarySensor, devices.ValueID
	}
	c, p := b.virtual(kind, id)
	p.Datatype = devices.Bool
	b.add(c, "value", p, boolOf)
	b.setValue(c, p, "Boolean.Set", func(v devices.Value) any { return v.Bool() })
}

// units are those that people write beside a number, as the model spells them.
var units = map[string]struct {
	unit   string
	factor float64
}{
	"Wh": {"kWh", 1e-3}, "MWh": {"kWh", 1e3}, "kW": {"W", 1e3}, "mW": {"W", 1e-3}, "mA": {"A", 1e-3}, "mV": {"V", 1e-3},
	"min": {"s", 60}, "h": {"s", 3600}, "ms": {"s", 1e-3}, "C": {"°C", 1}, "℃": {"°C", 1}, "lux": {"lx", 1}, "mbar": {"hPa", 1},
}

func (b *build) number() {
	kind := devices.Number
	if !b.changeable() {
		kind = devices.Sensor
	}
	c, p := b.virtual(kind, devices.ValueID)
	ui := b.config.Get("meta").Get("ui")
	unit, factor := jsontext.Clip(ui.Get("unit").Text(), 20), 1.0
	if u, ok := units[unit]; ok {
		unit, factor = u.unit, u.factor
	}
	p.Datatype, p.Unit = devices.Float, unit
	if low, ok := b.config.Get("min").Number(); ok {
		p.Min = bound(clean(low * factor))
	}
	if high, ok := b.config.Get("max").Number(); ok {
		p.Max = bound(clean(high * factor))
	}
	if p.Min != nil && p.Max != nil && *p.Min > *p.Max {
		p.Min, p.Max = nil, nil
	}
	if step, ok := ui.Get("step").Number(); ok && step > 0 {
		p.Step = clean(step * factor)
	}
	b.add(c, "value", p, floatOf(factor))
	b.setValue(c, p, "Number.Set", func(v devices.Value) any { return clean(v.Float() / factor) })
}

func (b *build) enum() {
	kind, id := devices.Select, devices.Option
	if !b.changeable() {
		kind, id = devices.Sensor, devices.ValueID
	}
	c, p := b.virtual(kind, id)
	p.Datatype = devices.Enum
	for option := range b.config.Get("options").Children() {
		if s := option.Text(); s != "" && len(s) <= maxChoice && len(p.Choices) < maxChoices {
			p.Choices = append(p.Choices, strings.Clone(s))
		}
	}
	if len(p.Choices) == 0 { // then nobody can choose
		p.Datatype = devices.String
		b.add(c, "value", p, textOf)
		return
	}
	b.add(c, "value", p, enumOf(p.Choices, nil))
	b.setValue(c, p, "Enum.Set", func(v devices.Value) any { return v.Text() })
}

func (b *build) text() {
	kind := devices.Text
	if !b.changeable() {
		kind = devices.Sensor
	}
	c, p := b.virtual(kind, devices.ValueID)
	p.Datatype = devices.String
	b.add(c, "value", p, textOf)
	b.setValue(c, p, "Text.Set", func(v devices.Value) any { return v.Text() })
}

// button can be pressed by people and says when it was.
func (b *build) button() {
	c := b.own(devices.Button, "")
	b.act(c, devices.Press, "", "Button.Trigger", b.with("event", "single_push"))
	b.pushes(c, "", virtualPresses)
}

// service is a program of the manufacturer's that runs on the device; what it is about is in its virtual components.
func (b *build) service() {
	name := "State"
	if own := b.name(); own != "" {
		name = own + " state"
	}
	c := b.component(devices.Slug(b.key)+"-state", devices.Sensor, name, "diagnostic")
	b.add(c, "state", devices.Property{ID: devices.ValueID, Datatype: devices.String}, textOf)
}
