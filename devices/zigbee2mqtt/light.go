package zigbee2mqtt

import (
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/color"
)

// light is a light: on or off, and what else its features say.
func (b *builder) light(e *expose) {
	p := b.specific(e, devices.Light)
	b.lights[e.endpoint] = p
	if f := e.feature("state"); f != nil {
		p.boolean(devices.On, "", f)
		b.ask(f)
	}
	if f := e.feature("brightness"); f != nil {
		p.level(devices.Brightness, f, steps{0, orElse(f.high, 254)}, 1)
	}
	shared := &light{}
	if f := e.feature("color_temp"); f != nil {
		prop := devices.Property{ID: devices.ColorTemperature, Datatype: devices.Int, Unit: "K"}
		prop.Min, prop.Max = kelvins(f)
		p.number(prop, f, &reader{read: readKelvin, light: shared, late: true}, mired, mired)
	}
	p.color(e, shared)
	if len(p.Properties) > 2 {
		mode := "color_mode"
		if e.endpoint != "" {
			mode += "_" + e.endpoint
		}
		p.listen(mode, "", &reader{read: readColorMode, light: shared})
	}
	b.rest(e, "state", "brightness", "color_temp", "color_xy", "color_hs")
}

// color adds the color. A light with both ways to say it prefers the one that its features name first.
func (p *part) color(e *expose, shared *light) {
	var f *expose
	for i := range e.features {
		if n := e.features[i].name; f == nil && (n == "color_xy" || n == "color_hs") {
			f = &e.features[i]
		}
	}
	if f == nil {
		return
	}
	p.add(devices.Property{ID: devices.ColorHS, Datatype: devices.Color}, f, &reader{read: readColor, light: shared, late: true},
		func(v devices.Value) (string, error) {
			hue, saturation := v.Color()
			if f.name == "color_hs" {
				return set(f.property, `{"hue":`+devices.FormatNumber(hue)+`,"saturation":`+devices.FormatNumber(saturation)+`}`), nil
			}
			x, y := color.ToXY(hue, saturation)
			return set(f.property, `{"x":`+devices.FormatNumber(x)+`,"y":`+devices.FormatNumber(y)+`}`), nil
		})
	if !f.reports() {
		return
	}
	for _, half := range []string{"x", "y", "hue", "saturation"} {
		p.listen(f.property+"-"+half, devices.ColorHS, &reader{read: readColorPart(half), light: shared})
	}
}

// level is a property in percent of a scale of the device's own. What is not 0 in the model is at least least there.
func (p *part) level(id string, e *expose, at steps, least float64) {
	if !at.valid() {
		at = steps{0, 100}
	}
	prop := devices.Property{ID: id, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: at.step()}
	p.number(prop, e, &reader{read: readSteps, steps: at}, at.in, func(percent float64) float64 {
		f := at.out(percent)
		if percent > 0 {
			f = max(f, least)
		}
		return f
	})
}

func orElse(f *float64, def float64) float64 {
	if f == nil {
		return def
	}
	return *f
}

// relay is a switch. Some converters expose settings as switches: these bear the setting's name.
func (b *builder) relay(e *expose) {
	f := e.feature("state")
	switch {
	case f == nil:
	case f.bare().property != "state":
		b.generic(f.named(e))
	case b.about.valve:
		b.valve(e, f)
	default:
		b.specific(e, devices.Switch).boolean(devices.On, "", f)
		b.ask(f)
	}
	b.rest(e, "state")
}

// named is the state of a setting under the setting's own name.
func (e *expose) named(parent *expose) *expose {
	out := *e
	out.name = e.bare().property
	if out.category == "" {
		out.category = parent.category
	}
	if strings.EqualFold(out.label, "state") || out.label == "" {
		out.label = title(out.name)
	}
	return &out
}
