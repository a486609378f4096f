package simulator

import (
	"math"
	"slices"
	"time"

	"home.arpa/homehub/simulator/physics"
)

// shellyLight is a light of the second generation: of the type light, cct, rgb, rgbw or rgbcct. It tells at once where it is
// going, never what lies between.
type shellyLight struct {
	lamp                               *physics.Lamp
	on, brightness, temperature, color *physics.Property
	kind                               string
	white                              float64 // of rgbw, 0 to 255
	part                               *shellyPart
}

// shellyFade is the name of how long changes take, in seconds: in the configuration, and in a call for that call alone.
const shellyFade = "transition_duration"

// The range of color temperatures of a bulb, in kelvin.
const (
	shellyWarmest = 2700
	shellyColdest = 6500
)

func (v *shellyVoice) light(spec ShellySpec) {
	find := func(id string) *physics.Property { return v.device.find("light", id) }
	l := &shellyLight{on: find("on"), brightness: find("brightness"), temperature: find("color-temperature"), color: find("color")}
	l.lamp, _ = v.device.thing.(*physics.Lamp)
	l.kind, v.model = "light", shellyModel{"shellydimmerg3", "S3DM-0A101WWL", "DimmerG3"}
	switch {
	case l.color != nil && l.temperature != nil:
		l.kind, v.model = "rgbcct", shellyModel{"shellycolorblbg3", "S3BL-C010007AEU", "MultiColorBulbG3"}
	case l.color != nil && spec.Light == "rgbw":
		l.kind, v.model = "rgbw", shellyModel{"shellyplusrgbwpm", "SNDC-0D4P10WW", "PlusRGBWPM"}
	case l.color != nil:
		l.kind, v.model = "rgb", shellyModel{"shellyplusrgbwpm", "SNDC-0D4P10WW", "PlusRGBWPM"}
	case l.temperature != nil:
		l.kind, v.model = "cct", shellyModel{"shellyduobulbg3", "S3BL-D010009AEU", "DuoBulbG3"}
		if l.temperature.Read().(float64) < shellyWarmest {
			l.temperature.Write(float64(shellyWarmest))
		}
	}
	p := v.add(l.kind, 0, "name", nil, "initial_state", "restore_last", "auto_on", false, "auto_off", false, shellyFade, 1.5, "min_brightness_on_toggle", 3)
	l.part = p
	if l.temperature != nil {
		p.config = append(p.config, "ct_range", []int{shellyWarmest, shellyColdest})
	}
	p.touched = []*physics.Property{l.on}
	p.tell("source", nil, func() any { return p.source })
	p.tell("output", l.on, func() any { return l.on.Read() })
	p.tell("brightness", l.brightness, func() any { return math.Round(aim(l.brightness).(float64)) })
	if l.temperature != nil {
		p.tell("ct", l.temperature, func() any { return aim(l.temperature) })
	}
	if l.color != nil {
		p.tell("rgb", l.color, func() any { return l.rgb() })
	}
	switch l.kind {
	case "rgbcct":
		p.tell("mode", l.on, func() any { return l.mode() })
	case "rgbw":
		p.tell("white", l.on, func() any { return l.white })
	}
	p.metering(v, nil, l.on, func() float64 {
		if !l.on.Read().(bool) {
			return 0
		}
		return 0.09 * l.brightness.Read().(float64)
	})
	p.do = map[string]func(shellyParams) (any, error){"Set": l.set, "Toggle": func(shellyParams) (any, error) {
		l.on.Write(!l.on.Read().(bool))
		return nil, nil //nolint:nilnil // the answer to it is null
	}}
	p.do["SetConfig"] = l.configure
	p.plain = func(word, _ string) bool { return plainSwitch(l.on, word) }
}

// configure takes how long changes are to take. The rest of the configuration stays as it is.
func (l *shellyLight) configure(params shellyParams) (any, error) {
	config, _ := params["config"].(map[string]any)
	if config == nil {
		return nil, missing("config")
	}
	seconds, set, err := shellyParams(config).number(shellyFade, 0, 10800)
	if err != nil {
		return nil, err
	}
	if set {
		l.part.config[slices.Index(l.part.config, any(shellyFade))+1] = seconds
	}
	return members("restart_required", false), nil
}

func (l *shellyLight) mode() string {
	if l.lamp.Mode() == physics.ColorMode {
		return "rgb"
	}
	return "cct"
}

func (l *shellyLight) rgb() [3]float64 {
	r, g, b := rgbOf(l.color.Read().(physics.Color))
	return [3]float64{math.Round(255 * r), math.Round(255 * g), math.Round(255 * b)}
}

// shellyOrder is what a call of Set wants; nil is what it does not speak of.
type shellyOrder struct {
	on                            *bool
	brightness, ct, white, fading *float64
	rgb                           []float64
	mode                          string
}

// set does what the parameters say, all of it or, if one of them is wrong, nothing.
func (l *shellyLight) set(params shellyParams) (any, error) {
	o, err := l.read(params)
	if err != nil {
		return nil, err
	}
	fading := l.part.config[slices.Index(l.part.config, any(shellyFade))+1].(float64)
	if o.fading != nil {
		fading = *o.fading
	}
	l.lamp.Fade(time.Duration(fading * float64(time.Second)))
	defer l.lamp.UsualFade()
	if o.ct != nil {
		l.temperature.Write(math.Round(*o.ct))
	}
	if o.rgb != nil {
		l.color.Write(colorOf(o.rgb[0], o.rgb[1], o.rgb[2]))
	}
	if o.white != nil {
		l.white = math.Round(*o.white)
	}
	switch {
	case o.mode == "cct":
		l.lamp.Whiten()
	case o.mode == "rgb" && o.rgb == nil:
		l.color.Write(l.color.Read())
	}
	on := l.on.Read().(bool)
	if o.on != nil {
		on = *o.on
	}
	switch {
	case o.brightness != nil && on && *o.brightness > 0:
		l.brightness.Write(math.Round(*o.brightness))
	case o.brightness != nil && *o.brightness > 0:
		l.lamp.Preset(math.Round(*o.brightness))
	}
	if on != l.on.Read().(bool) {
		l.on.Write(on)
	}
	return nil, nil //nolint:nilnil // the answer to it is null
}

func (l *shellyLight) read(params shellyParams) (o shellyOrder, err error) {
	number := func(name string, low, high float64, to **float64) {
		if err == nil {
			var f float64
			var set bool
			if f, set, err = params.number(name, low, high); set && err == nil {
				*to = &f
			}
		}
	}
	on, set, err := params.truth("on")
	if set && err == nil {
		o.on = &on
	}
	number("brightness", 0, 100, &o.brightness)
	number(shellyFade, 0, 10800, &o.fading)
	if l.temperature != nil {
		number("ct", shellyWarmest, shellyColdest, &o.ct)
	}
	if l.kind == "rgbw" {
		number("white", 0, 255, &o.white)
	}
	raw, hasColor := params["rgb"]
	if err == nil && hasColor && l.color != nil {
		list, _ := raw.([]any)
		for _, item := range list {
			if f, ok := item.(float64); ok && f >= 0 && f <= 255 {
				o.rgb = append(o.rgb, f)
			}
		}
		if len(o.rgb) != 3 || len(list) != 3 {
			return o, shellyError{shellyInvalid, "Argument 'rgb', value " + string(marshal(raw)) + " is invalid!"}
		}
	}
	if l.kind == "rgbcct" {
		o.mode, _ = params["mode"].(string)
		if o.mode == "" && o.rgb != nil {
			o.mode = "rgb"
		}
		if o.mode != "" && !slices.Contains([]string{"rgb", "cct"}, o.mode) {
			return o, shellyError{shellyInvalid, "Argument 'mode', value " + string(marshal(o.mode)) + " is invalid!"}
		}
	}
	if err == nil && o.on == nil && o.brightness == nil && o.ct == nil && o.white == nil && o.rgb == nil && o.mode == "" {
		err = shellyError{shellyInvalid, "At least one of 'on' and 'brightness' is required!"}
	}
	return o, err
}
