package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"home.arpa/homehub/simulator/physics"
)

// brightnessSteps is the brightness scale of the lights with a JSON schema, as Zigbee lamps have it.
const brightnessSteps = 254

// jsonLight adds a light with the JSON schema. One with short keys counts color temperature in kelvin, the others in mired.
func (h *haVoice) jsonLight(part *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find(h.device.parts, part.ID, id) }
	l := jsonLight{
		on: find("on"), brightness: find("brightness"), temperature: find("color-temperature"), color: find("color"),
		kelvin: h.device.spec.Short,
	}
	l.lamp, _ = h.device.thing.(*physics.Lamp)
	c := map[string]any{"schema": "json", "state_topic": h.base}
	h.fields = append(h.fields, field{name: "state", of: []*physics.Property{l.on}, value: switched(l.on), always: true})
	var modes []string
	if l.brightness != nil {
		c["brightness"], c["brightness_scale"] = true, brightnessSteps
		h.fields = append(h.fields, field{name: "brightness", of: []*physics.Property{l.brightness}, value: func() any {
			return math.Round(l.brightness.Read().(float64) / 100 * brightnessSteps)
		}})
	}
	if l.temperature != nil {
		modes = append(modes, physics.WhiteMode)
		if l.kelvin {
			c["color_temp_kelvin"], c["min_kelvin"], c["max_kelvin"] = true, physics.Warmest, physics.Coldest
		} else {
			c["min_mireds"], c["max_mireds"] = l.mired(physics.Coldest), l.mired(physics.Warmest)
		}
		h.fields = append(h.fields, field{name: "color_temp", of: []*physics.Property{l.temperature}, value: func() any {
			return l.mired(l.temperature.Read().(float64))
		}})
	}
	if l.color != nil {
		modes = append(modes, physics.ColorMode)
		h.fields = append(h.fields, field{name: "color", of: []*physics.Property{l.color}, value: func() any {
			if h.partial && len(modes) == 2 && l.lamp.Mode() == physics.WhiteMode {
				return nil // it shines white
			}
			color := l.color.Read().(physics.Color)
			return map[string]float64{"h": color.H, "s": color.S}
		}})
	}
	h.fields = append(h.fields, field{name: "color_mode", of: []*physics.Property{l.on}, always: true, value: func() any {
		switch {
		case len(modes) == 2 && l.lamp != nil:
			return l.lamp.Mode()
		case len(modes) > 0:
			return modes[0]
		case l.brightness != nil:
			return "brightness"
		}
		return "onoff"
	}})
	switch {
	case len(modes) > 0:
		c["supported_color_modes"] = modes
	case l.brightness != nil:
		c["supported_color_modes"] = []string{"brightness"}
	default:
		c["supported_color_modes"] = []string{"onoff"}
	}
	h.obey(c, "command_topic", "", l.obey)
	h.entity(part.ID, "light", "", c)
}

type jsonLight struct {
	lamp                               *physics.Lamp
	on, brightness, temperature, color *physics.Property
	kelvin                             bool
}

// mired turns kelvin into what the light counts in, and back: a mired is a millionth of 1/K.
func (l *jsonLight) mired(kelvin float64) float64 {
	if l.kelvin {
		return math.Round(kelvin)
	}
	return math.Round(1e6 / kelvin)
}

func (l *jsonLight) obey(payload []byte) (touched []*physics.Property, err error) {
	var order struct {
		State       *string  `json:"state"`
		Brightness  *float64 `json:"brightness"`
		Temperature *float64 `json:"color_temp"`
		Color       *struct {
			H *float64 `json:"h"`
			S *float64 `json:"s"`
		} `json:"color"`
		Transition *float64 `json:"transition"`
	}
	if json.Unmarshal(payload, &order) != nil {
		return nil, errors.New("it is not the JSON of a light")
	}
	if order.State != nil && *order.State != "ON" && *order.State != "OFF" {
		return nil, errors.New("state is not ON or OFF")
	}
	if order.Transition != nil && l.lamp != nil {
		l.lamp.Fade(time.Duration(math.Max(0, math.Min(*order.Transition, 3600)) * float64(time.Second)))
		defer l.lamp.UsualFade()
	}
	set := func(p *physics.Property, v physics.Value) {
		if p == nil || err != nil {
			return
		}
		var list []*physics.Property
		list, err = write(p, v)
		touched = append(touched, list...)
	}
	if order.Temperature != nil {
		kelvin := *order.Temperature
		if !l.kelvin {
			kelvin = 1e6 / math.Max(1, kelvin)
		}
		// The ends of the range do not survive the way through whole mired exactly.
		if kelvin > physics.Warmest*0.99 && kelvin < physics.Coldest*1.01 {
			kelvin = math.Max(physics.Warmest, math.Min(physics.Coldest, kelvin))
		}
		set(l.temperature, math.Round(kelvin))
	}
	if order.Color != nil {
		if order.Color.H == nil || order.Color.S == nil {
			return touched, errors.New("color has no h and s")
		}
		set(l.color, physics.Color{H: *order.Color.H, S: *order.Color.S})
	}
	switch {
	case order.State != nil && *order.State == "OFF":
		set(l.on, false)
	case order.Brightness != nil && l.brightness != nil:
		set(l.brightness, *order.Brightness/brightnessSteps*100)
		set(l.on, *order.Brightness > 0)
	case order.State != nil:
		set(l.on, true)
	}
	return touched, err
}

// basicLight adds a light with the basic schema: a topic for each attribute, brightness in percent.
func (h *haVoice) basicLight(part *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find(h.device.parts, part.ID, id) }
	on, brightness, temperature, color := find("on"), find("brightness"), find("color-temperature"), find("color")
	c := map[string]any{}
	h.tell(c, "state_topic", "", "light.state", switched(on), on)
	h.obey(c, "command_topic", "light", words(on, onOff))
	if brightness != nil {
		c["brightness_scale"] = 100
		h.tell(c, "brightness_state_topic", "", "light.brightness", func() any {
			return math.Round(brightness.Read().(float64))
		}, brightness)
		h.obey(c, "brightness_command_topic", "light.brightness", scaled(brightness, 1))
	}
	if temperature != nil {
		c["color_temp_kelvin"], c["min_kelvin"], c["max_kelvin"] = true, physics.Warmest, physics.Coldest
		h.tell(c, "color_temp_state_topic", "", "light.color_temp", raw(temperature), temperature)
		h.obey(c, "color_temp_command_topic", "light.color_temp", scaled(temperature, 1))
	}
	if color != nil {
		h.tell(c, "hs_state_topic", "", "light.hs", func() any {
			v := color.Read().(physics.Color)
			return decimal(v.H) + "," + decimal(v.S)
		}, color)
		h.obey(c, "hs_command_topic", "light.hs", func(payload []byte) ([]*physics.Property, error) {
			hue, saturation, ok := strings.Cut(string(payload), ",")
			hv, err1 := number([]byte(hue))
			sv, err2 := number([]byte(saturation))
			if !ok || err1 != nil || err2 != nil {
				return nil, fmt.Errorf("%s takes a hue and a saturation", color.ID)
			}
			return write(color, physics.Color{H: hv, S: sv})
		})
	}
	h.entity(part.ID, "light", "", c)
}
