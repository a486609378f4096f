package homeassistant

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
	"home.arpa/homehub/devices/internal/color"
)

// jsonLight is a light that reports and hears one JSON object.
type jsonLight struct {
	outlet                       *outlet
	at                           steps
	kelvins                      kelvins
	colorMode                    string    // in which color is commanded; empty when it cannot be
	channels                     *channels // nil without white ones
	white                        *either   // nil unless it has the color mode white
	whites                       steps     // of that
	fade                         fade
	dims, tunes, colors, effects bool
	effectList                   []string
}

func (b *builder) lightJSON() {
	l := &jsonLight{at: b.brightnessScale(), kelvins: b.kelvins(), effectList: b.list("effect_list")}
	modes := b.list("supported_color_modes")
	for _, mode := range modes {
		switch mode {
		case "onoff":
			continue
		case "color_temp":
			l.tunes = true
		case "hs", "xy", "rgb":
			l.colors = true
		case "rgbw", "rgbww":
			l.colors, l.channels = true, &channels{mode: mode}
		case "white":
			l.white, l.whites = &either{}, b.whiteScale()
		}
		l.dims = true
	}
	if len(modes) == 0 { // as older firmware says it
		l.dims, l.tunes = b.yes("brightness"), b.yes("color_temp")
		for _, mode := range []string{"hs", "xy", "rgb"} {
			if b.yes(mode) {
				modes = append(modes, mode)
				l.colors = true
			}
		}
	}
	for _, mode := range []string{"hs", "xy", "rgb", "rgbw", "rgbww"} {
		if l.colorMode == "" && slices.Contains(modes, mode) {
			l.colorMode = mode
		}
	}
	l.effects = b.yes("effect") && len(l.effectList) > 0

	readable := b.reads("state_topic", "", func(template.Value, *sink) error { return nil })
	if readable { // the object itself, not its text, is what is read
		b.readers[len(b.readers)-1].read = l.read
	}
	l.outlet = b.hears("command_topic", "")
	add := func(has bool, p devices.Property, fields func(v devices.Value) string) {
		if !has {
			return
		}
		p.Readable, p.Settable = readable, l.outlet != nil
		b.property(p)
		if l.outlet != nil {
			b.writers[p.ID] = func(v devices.Value) ([]broker.Message, error) {
				return []broker.Message{l.outlet.plain("{" + fields(v) + l.fade.json() + "}")}, nil
			}
		}
	}
	const on, off = `"state":"ON"`, `"state":"OFF"`
	add(true, devices.Property{ID: devices.On, Datatype: devices.Bool}, func(v devices.Value) string {
		if v.Bool() {
			return on
		}
		return off
	})
	add(l.dims, brightness(l.at), func(v devices.Value) string {
		f := l.at.out(v.Float())
		if v.Float() == 0 {
			return off
		}
		return on + `,"brightness":` + devices.FormatNumber(max(f, 1))
	})
	add(l.tunes, l.kelvins.p, func(v devices.Value) string {
		return on + `,"color_temp":` + devices.FormatNumber(l.kelvins.spell(v))
	})
	add(l.colors, devices.Property{ID: devices.ColorHS, Datatype: devices.Color}, func(v devices.Value) string {
		return on + `,"color":` + l.spellColor(v)
	})
	add(l.effects, devices.Property{ID: devices.Effect, Datatype: devices.Enum, Choices: l.effectList}, func(v devices.Value) string {
		name, _ := template.Of(v.Text()).JSON()
		return on + `,"effect":` + name
	})
	l.addWhites(add)
	if l.outlet != nil && l.dims {
		l.fade.add(b)
	}
}

// addWhites adds the white channels.
func (l *jsonLight) addWhites(add func(has bool, p devices.Property, fields func(v devices.Value) string)) {
	if l.white != nil {
		add(true, l.white.property(l.whites), func(v devices.Value) string {
			return `"state":"ON","white":` + devices.FormatNumber(max(l.whites.out(v.Float()), 1))
		})
	}
	if l.channels == nil {
		return
	}
	for _, p := range l.channels.properties() {
		add(p.ID != devices.White || l.white == nil, p, func(v devices.Value) string {
			return `"state":"ON","color":` + l.channels.json(p.ID, v)
		})
	}
}

func (l *jsonLight) spellColor(v devices.Value) string {
	switch l.colorMode {
	case "hs":
		hue, saturation := v.Color()
		return fmt.Sprintf(`{"h":%s,"s":%s}`, devices.FormatNumber(hue), devices.FormatNumber(saturation))
	case "xy":
		x, y := color.ToXY(v.Color())
		return fmt.Sprintf(`{"x":%s,"y":%s}`, devices.FormatNumber(x), devices.FormatNumber(y))
	}
	if l.channels != nil && l.colorMode == l.channels.mode {
		return l.channels.json(devices.ColorHS, v)
	}
	r, g, b := rgbOf(v)
	return fmt.Sprintf(`{"r":%d,"g":%d,"b":%d}`, r, g, b)
}

// read takes what the object holds: a light may report a part of its state only.
func (l *jsonLight) read(in input, out *sink) error {
	state := in.doc.JSON()
	if state.Kind() != template.Dict {
		if in.doc.Text() == "" {
			return nil
		}
		return expected("a JSON object", template.Of(in.doc.Text()))
	}
	if v := state.Get("state"); known(v) {
		switch strings.ToUpper(v.Text()) {
		case "ON", "TRUE":
			out.add(devices.On, devices.BoolValue(true))
		case "OFF", "FALSE":
			out.add(devices.On, devices.BoolValue(false))
		default:
			return expected("ON or OFF at state", v)
		}
	}
	mode := state.Get("color_mode").Text()
	if l.white != nil && mode != "" {
		l.white.mode = mode
	}
	if v := state.Get("brightness"); l.dims && known(v) {
		f, ok := v.Number()
		if !ok {
			return expected("a number at brightness", v)
		}
		if err := out.float(devices.Brightness, l.at.in(f)); err != nil {
			return err
		}
		if l.white != nil {
			l.white.level, l.white.dims = l.at.in(f), true
		}
	}
	if l.white != nil {
		if err := l.white.report(out); err != nil {
			return err
		}
	}
	if v := state.Get("color_temp"); l.tunes && known(v) && (mode == "" || mode == "color_temp") {
		f, ok := v.Number()
		if !ok {
			return expected("a number at color_temp", v)
		}
		if err := l.kelvins.read(f, out); err != nil {
			return err
		}
	}
	if v := state.Get("color"); l.colors && v.Kind() == template.Dict && mode != "color_temp" && mode != "white" {
		if err := l.readColor(v, mode, out); err != nil {
			return err
		}
	}
	if v := state.Get("effect"); l.effects {
		return readEffect(v, l.effectList, out)
	}
	return nil
}

// readColor takes the color in the mode that the light names, else in the first that is complete.
func (l *jsonLight) readColor(color template.Value, mode string, out *sink) error {
	get := func(keys ...string) []float64 {
		var n []float64
		for _, key := range keys {
			f, ok := color.Get(key).Number()
			if !ok || math.IsNaN(f) {
				return n
			}
			n = append(n, f)
		}
		return n
	}
	if c := l.channels; c != nil && (mode == "" || mode == c.mode) {
		keys := []string{"r", "g", "b", "w"}
		if c.mode == "rgbww" {
			keys = []string{"r", "g", "b", "c", "w"}
		}
		if n := get(keys...); len(n) == len(keys) {
			return c.take(n, out)
		}
	}
	hs, xy, rgb := get("h", "s"), get("x", "y"), get("r", "g", "b")
	if len(hs) < 2 {
		hs = get("hue", "saturation")
	}
	switch {
	case mode == "xy" && len(xy) == 2:
		return out.addColor("xy", xy)
	case len(rgb) == 3 && strings.HasPrefix(mode, "rgb"):
		return out.addColor("rgb", rgb)
	case len(hs) == 2:
		return out.addColor("hs", hs)
	case len(xy) == 2:
		return out.addColor("xy", xy)
	case len(rgb) == 3:
		return out.addColor("rgb", rgb)
	}
	return nil
}
