package simulator

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/simulator/physics"
)

// zigbeeLight is what a light of the Zigbee network can do. The bridge tells at once where it is going.
type zigbeeLight struct {
	node                               *zigbeeNode
	lamp                               *physics.Lamp
	on, brightness, temperature, color *physics.Property
}

// The range of color temperatures in mired.
const (
	zigbeeCoolest = 154
	zigbeeWarmest = 454
)

func (n *zigbeeNode) light() {
	find := func(id string) *physics.Property { return n.device.find("light", id) }
	l := zigbeeLight{node: n, on: find("on"), brightness: find("brightness"), temperature: find("color-temperature"), color: find("color")}
	l.lamp, _ = n.device.thing.(*physics.Lamp)
	n.model = zigbeeModel{"IKEA", "LED1836G9", "TRADFRI bulb E26/E27, warm white, globe, opal, 806 lm", "TRADFRI bulb E27 WW 806lm", "IKEA of Sweden", true}
	features := []expose{exposedState(zAll, "On/off state of this light")}
	n.tell("state", switched(l.on), l.on)
	keys := []string{"state", "transition"}
	if l.brightness != nil {
		keys = append(keys, "brightness")
		features = append(features, exposed("numeric", "brightness", zAll, "value_min", 0, "value_max", brightnessSteps, "description", "Brightness of this light"))
		n.tell("brightness", func() any { return math.Round(aim(l.brightness).(float64) / 100 * brightnessSteps) }, l.brightness)
	}
	n.obey(true, l.set, keys...)
	if l.temperature != nil {
		n.model = zigbeeModel{"IKEA", "LED1545G12", "TRADFRI bulb E26/E27, white spectrum, globe, opal, 980 lm", "TRADFRI bulb E27 WS opal 980lm", "IKEA of Sweden", true}
		features = append(features, exposed("numeric", "color_temp", zAll, "unit", "mired", "value_min", zigbeeCoolest, "value_max", zigbeeWarmest,
			"description", "Color temperature of this light", "presets", []expose{
				{"name": "coolest", "value": zigbeeCoolest, "description": "Coolest temperature supported"},
				{"name": "neutral", "value": 370, "description": "Neutral temperature (370 mireds / 2700 Kelvin)"},
				{"name": "warmest", "value": zigbeeWarmest, "description": "Warmest temperature supported"},
			}))
		n.tell("color_temp", func() any { return math.Round(1e6 / aim(l.temperature).(float64)) }, l.temperature)
		n.obey(true, l.setColor, "color_temp", "color")
	}
	if l.color != nil {
		n.model = zigbeeModel{"Philips", "9290022166", "Hue white and color ambiance E26/E27", "LCA001", "Signify Netherlands B.V.", true}
		xy := exposed("composite", "color_xy", zAll, "property", "color", "label", "Color (X/Y)", "features",
			[]expose{exposed("numeric", "x", zAll), exposed("numeric", "y", zAll)})
		hs := exposed("composite", "color_hs", zAll, "property", "color", "label", "Color (HS)", "features",
			[]expose{exposed("numeric", "hue", zAll), exposed("numeric", "saturation", zAll)})
		features = append(features, xy, hs)
		n.tell("color", l.colorState, l.color)
		if l.temperature == nil {
			n.obey(true, l.setColor, "color")
		}
	}
	if l.temperature != nil || l.color != nil {
		n.tell("color_mode", func() any { return l.mode() }, l.on)
	}
	n.show(grouped("light", features...))
	effects := []string{"blink", "breathe", "okay", "channel_change", "finish_effect", "stop_effect"}
	n.show(exposed("enum", "effect", zSet, "values", effects, "description", "Triggers an effect on the light"))
	n.obey(false, func(key string, message map[string]any) ([]*physics.Property, error) {
		return nil, choice(effects...)(message[key])
	}, "effect")
	n.powerOnBehavior()
}

// mode is color_temp, or how the color was set last: xy or hs.
func (l *zigbeeLight) mode() string {
	switch {
	case l.color == nil, l.temperature != nil && l.lamp.Mode() == physics.WhiteMode:
		return "color_temp"
	case l.node.colorMode == "hs":
		return "hs"
	}
	return "xy"
}

func (l *zigbeeLight) colorState() any {
	if l.mode() == "color_temp" {
		x, y := xyOfKelvin(aim(l.temperature).(float64))
		return map[string]any{"x": x, "y": y}
	}
	c := l.color.Read().(physics.Color)
	x, y := xyOf(c)
	if l.mode() == "xy" && c == l.node.xyColor {
		x, y = l.node.xy[0], l.node.xy[1]
	}
	return map[string]any{"x": x, "y": y, "hue": math.Round(c.H), "saturation": math.Round(c.S)}
}

// fade sets how long the fade of a command takes; the function that it returns ends that.
func (l *zigbeeLight) fade(message map[string]any) func() {
	if f, err := zigbeeFloat(message["transition"]); err == nil {
		l.lamp.Fade(time.Duration(math.Max(0, math.Min(f, 3600)) * float64(time.Second)))
	}
	return l.lamp.UsualFade
}

// set carries out state and brightness.
func (l *zigbeeLight) set(_ string, message map[string]any) (touched []*physics.Property, err error) {
	defer l.fade(message)()
	word := zigbeeWord(message["state"])
	if _, has := message["state"]; has && word != "ON" && word != "OFF" && word != "TOGGLE" {
		return nil, fmt.Errorf("%v is not allowed, choose between: ON, OFF, TOGGLE", message["state"])
	}
	if level, has := message["brightness"]; has && l.brightness != nil && word != "OFF" {
		f, err := zigbeeFloat(level)
		if err != nil || f < 0 || f > 255 {
			return nil, fmt.Errorf("brightness value of message: '%v' invalid, must be a number >= 0 and =< 254", level)
		}
		touched, err = write(l.brightness, math.Min(f, brightnessSteps)/brightnessSteps*100)
		if err != nil {
			return nil, err
		}
		l.on.Write(f > 0)
		return append(touched, l.on), nil
	}
	switch word {
	case "ON", "OFF":
		return write(l.on, word == "ON")
	case "TOGGLE":
		return write(l.on, !l.on.Read().(bool))
	}
	return nil, nil // a transition alone
}

// setColor carries out color and color_temp.
func (l *zigbeeLight) setColor(key string, message map[string]any) ([]*physics.Property, error) {
	defer l.fade(message)()
	if key == "color_temp" {
		if l.temperature == nil {
			return nil, errors.New("the light has no color temperature")
		}
		presets := map[string]any{"coolest": float64(zigbeeCoolest), "neutral": 370.0, "warmest": float64(zigbeeWarmest)}
		v := message[key]
		if s, ok := v.(string); ok && presets[s] != nil {
			v = presets[s]
		}
		f, err := zigbeeFloat(v)
		if err != nil {
			return nil, err
		}
		touched, err := write(l.temperature, kelvinOf(f))
		return append(touched, l.on), err
	}
	if l.color == nil {
		return nil, errors.New("the light has no color")
	}
	color, mode, err := zigbeeColor(message[key])
	if err != nil {
		return nil, err
	}
	l.node.colorMode, l.node.xyColor = mode, color
	l.node.xy[0], l.node.xy[1] = xyOf(color)
	if m, ok := message[key].(map[string]any); ok && m["x"] != nil && mode == "xy" {
		x, _ := zigbeeFloat(m["x"])
		y, _ := zigbeeFloat(m["y"])
		l.node.xy = [2]float64{round4(x), round4(y)}
	}
	touched, err := write(l.color, color)
	return append(touched, l.on), err
}

// zigbeeColor reads the ways in which a color can be told, and says in which mode the light is then.
func zigbeeColor(v any) (physics.Color, string, error) {
	if text, ok := v.(string); ok {
		v = map[string]any{"hex": text}
	}
	message, _ := v.(map[string]any)
	get := func(key string) (float64, bool) {
		f, err := zigbeeFloat(message[key])
		return f, err == nil
	}
	x, hasX := get("x")
	y, hasY := get("y")
	hue, hasH := get("hue")
	saturation, hasS := get("saturation")
	red, hasR := get("r")
	green, hasG := get("g")
	blue, hasB := get("b")
	text, hasHex := message["hex"].(string)
	switch {
	case hasX && hasY && x >= 0 && x <= 1 && y > 0 && y <= 1:
		return colorOfXY(x, y), "xy", nil
	case hasH && hasS && hue >= 0 && hue <= 360 && saturation >= 0 && saturation <= 100:
		return physics.Color{H: hue, S: saturation}, "hs", nil
	case hasR && hasG && hasB:
		return colorOf(red, green, blue), "xy", nil
	case hasHex:
		n, err := strconv.ParseUint(strings.TrimPrefix(text, "#"), 16, 24)
		if err == nil {
			return colorOf(float64(n>>16), float64(n>>8&255), float64(n&255)), "xy", nil
		}
	}
	return physics.Color{}, "", errors.New("color is x and y, hue and saturation, r, g and b, or hex")
}

// xyOf is a color in the CIE 1931 space, for sRGB's primaries and white.
func xyOf(c physics.Color) (x, y float64) {
	r, g, b := rgbOf(c)
	r, g, b = linear(r), linear(g), linear(b)
	cx, cy, cz := 0.4124*r+0.3576*g+0.1805*b, 0.2126*r+0.7152*g+0.0722*b, 0.0193*r+0.1192*g+0.9505*b
	return round4(cx / (cx + cy + cz)), round4(cy / (cx + cy + cz))
}

// colorOfXY is the way back. What lies outside of sRGB becomes the nearest color within.
func colorOfXY(x, y float64) physics.Color {
	cx, cz := x/y, (1-x-y)/y
	r, g, b := 3.2406*cx-1.5372-0.4986*cz, -0.9689*cx+1.8758+0.0415*cz, 0.0557*cx-0.2040+1.0570*cz
	high := math.Max(r, math.Max(g, b))
	if !(high > 0) || math.IsInf(high, 0) {
		return physics.Color{}
	}
	return colorOf(gamma(math.Max(0, r/high)), gamma(math.Max(0, g/high)), gamma(math.Max(0, b/high)))
}

// xyOfKelvin is the color of a black body (Kim et al., 2002).
func xyOfKelvin(kelvin float64) (x, y float64) {
	t := 1e3 / kelvin
	if kelvin < 4000 {
		x = -0.2661239*t*t*t - 0.2343589*t*t + 0.8776956*t + 0.179910
	} else {
		x = -3.0258469*t*t*t + 2.1070379*t*t + 0.2226347*t + 0.240390
	}
	if kelvin < 4000 {
		y = -0.9549476*x*x*x - 1.37418593*x*x + 2.09137015*x - 0.16748867
	} else {
		y = 3.0817580*x*x*x - 5.87338670*x*x + 3.75112997*x - 0.37001483
	}
	return round4(x), round4(y)
}

func round4(f float64) float64 { return math.Round(f*1e4) / 1e4 }

// linear and gamma are sRGB's transfer function and its way back.
func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func gamma(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}
