package simulator

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	"home.arpa/homehub/simulator/physics"
)

// espLight is a light of ESPHome. It tells at once where it is going, never what lies between.
type espLight struct {
	lamp                               *physics.Lamp
	on, brightness, temperature, color *physics.Property
}

func (e *espVoice) light(part *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find(e.device.parts, part.ID, id) }
	l := espLight{on: find("on"), brightness: find("brightness"), temperature: find("color-temperature"), color: find("color")}
	l.lamp, _ = e.device.thing.(*physics.Lamp)
	of := []*physics.Property{l.on}
	for _, p := range []*physics.Property{l.brightness, l.temperature, l.color} {
		if p != nil {
			of = append(of, p)
		}
	}
	config := map[string]any{"schema": "json", "color_mode": true, "supported_color_modes": l.modes()}
	if l.brightness != nil {
		config["brightness"] = true
	}
	c := e.add("light", "", config, of...)
	e.tell(c, "state_topic", "state", func() string { return string(marshal(l.state())) })
	e.obey(c, "command_topic", "command", l.obey)
}

func (l *espLight) modes() (modes []string) {
	if l.temperature != nil {
		modes = append(modes, "color_temp")
	}
	if l.color != nil {
		modes = append(modes, "rgb")
	}
	switch {
	case len(modes) > 0:
		return modes
	case l.brightness != nil:
		return []string{"brightness"}
	}
	return []string{"onoff"}
}

func (l *espLight) mode() string {
	modes := l.modes()
	if len(modes) == 2 && l.lamp.Mode() == physics.ColorMode {
		return modes[1]
	}
	return modes[0]
}

func (l *espLight) state() map[string]any {
	color := map[string]any{}
	out := map[string]any{"color_mode": l.mode(), "state": switched(l.on)(), "color": color}
	if l.brightness != nil {
		out["brightness"] = math.Floor(aim(l.brightness).(float64)/100*255 + 1e-9)
	}
	switch l.mode() {
	case "color_temp":
		out["color_temp"] = math.Floor(1e6/aim(l.temperature).(float64) + 1e-9)
	case "rgb":
		r, g, b := rgbOf(l.color.Read().(physics.Color))
		color["r"], color["g"], color["b"] = math.Round(255*r), math.Round(255*g), math.Round(255*b)
	}
	return out
}

func (l *espLight) obey(payload string) (touched []*physics.Property, err error) {
	var order struct {
		State       *string  `json:"state"`
		Brightness  *float64 `json:"brightness"`
		Temperature *float64 `json:"color_temp"`
		Color       *struct {
			R float64 `json:"r"`
			G float64 `json:"g"`
			B float64 `json:"b"`
		} `json:"color"`
		Transition *float64 `json:"transition"`
	}
	if json.Unmarshal([]byte(payload), &order) != nil {
		return nil, errors.New("parsing the JSON failed")
	}
	if order.Transition != nil {
		l.lamp.Fade(time.Duration(math.Max(0, math.Min(*order.Transition, 3600)) * float64(time.Second)))
		defer l.lamp.UsualFade()
	}
	set := func(p *physics.Property, v physics.Value) {
		if p != nil && err == nil {
			var list []*physics.Property
			list, err = write(p, v)
			touched = append(touched, list...)
		}
	}
	if order.Temperature != nil {
		set(l.temperature, kelvinOf(*order.Temperature))
	}
	if order.Color != nil {
		set(l.color, colorOf(order.Color.R, order.Color.G, order.Color.B))
	}
	if order.Brightness != nil {
		set(l.brightness, math.Max(0, math.Min(*order.Brightness/255*100, 100)))
	}
	if order.State != nil {
		switch strings.ToUpper(*order.State) {
		case "ON":
			set(l.on, true)
		case "OFF":
			set(l.on, false)
		case "TOGGLE":
			set(l.on, !l.on.Read().(bool))
		}
	}
	return touched, err
}

// kelvinOf is a color temperature in mired, the millionth part of 1/K, in kelvin, within what lamps can do.
func kelvinOf(mired float64) float64 {
	return math.Round(math.Max(physics.Warmest, math.Min(1e6/math.Max(1, mired), physics.Coldest)))
}

// rgbOf is a color of full brightness as red, green and blue, each 0 to 1.
func rgbOf(c physics.Color) (r, g, b float64) {
	part := func(n float64) float64 {
		k := math.Mod(n+c.H/60, 6)
		return 1 - c.S/100*math.Max(0, math.Min(1, math.Min(k, 4-k)))
	}
	return part(5), part(3), part(1)
}

// colorOf is the hue and saturation of red, green and blue, whatever their scale; what is no color is white.
func colorOf(r, g, b float64) physics.Color {
	high, low := math.Max(r, math.Max(g, b)), math.Min(r, math.Min(g, b))
	spread := high - low
	if !(high > 0) || !(spread > 0) || math.IsInf(spread, 0) {
		return physics.Color{}
	}
	hue := 0.0
	switch high {
	case r:
		hue = math.Mod((g-b)/spread+6, 6)
	case g:
		hue = (b-r)/spread + 2
	default:
		hue = (r-g)/spread + 4
	}
	return physics.Color{H: math.Mod(math.Round(hue*60), 360), S: math.Min(100, math.Round(100*spread/high))}
}
