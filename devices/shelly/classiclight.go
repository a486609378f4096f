package shelly

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
)

// effects are the programmes of lights, by their number.
var effects = []string{"off", "meteor shower", "gradual change", "breath", "flash", "on/off gradual", "red/green change"}

// lightOf is the component that a light's topics belong to: a bulb has light/0 and color/0, which are the same.
func lightOf(space, n string) string {
	if space == "white" {
		return "white-" + n
	}
	return "light-" + n
}

// readLight takes the JSON of light/0/status and its like. What a bulb calls gain is its brightness in color mode.
func (s shape) readLight(d *classic, v jsontext.Value) (out []found, faults []string) {
	space, _, _ := strings.Cut(s.kind, "/")
	component := lightOf(space, s.n)
	add := func(property, at string, read func(v jsontext.Value) (devices.Value, string)) {
		w := v.Get(at)
		if !w.Is() {
			return
		}
		value, expected := read(w)
		if expected != "" {
			faults = append(faults, fmt.Sprintf("expected %s at %s, got %s", expected, at, w.Said()))
			return
		}
		out = append(out, found{feature: s.feature + "#" + property, component: component, property: property, value: value})
	}
	mode := v.Get("mode").Text()
	if mode != "" {
		d.color[component] = mode == "color"
	} else if space == "color" {
		d.color[component] = true
	}
	inColor := d.color[component] && v.Get("gain").Is()
	add(devices.On, "ison", boolOf)
	if inColor {
		add(devices.Brightness, "gain", floatOf(1))
	} else {
		add(devices.Brightness, "brightness", floatOf(1))
	}
	if temp := v.Get("temp"); temp.Is() && !(mode == "color") {
		add(devices.ColorTemperature, "temp", intOf)
	}
	var rgb [3]float64
	n := 0
	for i, key := range []string{"red", "green", "blue"} {
		if f, ok := v.Get(key).Number(); ok && f >= 0 && f <= 255 {
			rgb[i] = f
			n++
		}
	}
	if n == 3 {
		out = append(out, found{
			feature: s.feature + "#" + devices.ColorHS, component: component, property: devices.ColorHS, value: hueOf(rgb),
		})
		add(devices.White, "white", func(v jsontext.Value) (devices.Value, string) { return scaled(v, 255) })
	}
	add(devices.Effect, "effect", func(v jsontext.Value) (devices.Value, string) {
		i, ok := v.Whole(65535)
		if !ok || i >= len(effects) {
			return devices.Value{}, "an effect's number"
		}
		return devices.EnumValue(effects[i]), ""
	})
	return out, faults
}

// light adds one property of a light.
func (b *classicBuild) light(s shape, property string) {
	space, _, _ := strings.Cut(s.kind, "/")
	id := lightOf(space, s.n)
	if space == "light" && b.spoken("color/"+s.n) {
		space = "color" // which takes all that the other does
	}
	d, topic := b.classic, space+"/"+s.n+"/set"
	set := func(params map[string]any) broker.Message {
		if fade, chosen := d.fades[id]; chosen {
			params["transition"] = fade
		}
		payload, err := json.Marshal(params)
		if err != nil {
			payload = nil // only numbers and words are in it
		}
		return d.publish(topic, string(payload))
	}
	var p devices.Property
	var write func(v devices.Value) broker.Message
	switch property {
	case devices.On:
		p = devices.Property{ID: property, Datatype: devices.Bool}
		write = func(v devices.Value) broker.Message { return set(map[string]any{"turn": onOff(v.Bool())}) }
	case devices.Brightness:
		p = percent(property)
		write = func(v devices.Value) broker.Message {
			if whole(v) == 0 {
				return set(map[string]any{"turn": "off"})
			}
			if d.color[id] {
				return set(map[string]any{"turn": "on", "gain": whole(v)})
			}
			return set(map[string]any{"turn": "on", "brightness": whole(v)})
		}
	case devices.ColorTemperature:
		low := 2700.0
		if d.model.name == "Shelly Bulb" || d.model.name == "Shelly Bulb RGBW" {
			low = 3000
		}
		p = devices.Property{ID: property, Datatype: devices.Int, Unit: "K", Min: bound(low), Max: bound(6500)}
		both := b.spoken("color/" + s.n)
		write = func(v devices.Value) broker.Message {
			params := map[string]any{"temp": whole(v)}
			if both {
				params["mode"] = "white"
			}
			return set(params)
		}
	case devices.ColorHS:
		p = devices.Property{ID: property, Datatype: devices.Color}
		write = func(v devices.Value) broker.Message {
			rgb := rgbOf(v)
			return set(map[string]any{"mode": "color", "red": rgb[0], "green": rgb[1], "blue": rgb[2]})
		}
	case devices.White:
		p = percent(property)
		p.Step = 100.0 / 255
		write = func(v devices.Value) broker.Message {
			return set(map[string]any{"white": int(math.Round(v.Float() * 2.55))})
		}
	case devices.Effect:
		p = devices.Property{ID: property, Datatype: devices.Enum, Choices: effects}
		write = func(v devices.Value) broker.Message {
			for i, e := range effects {
				if e == v.Text() {
					return set(map[string]any{"effect": i})
				}
			}
			return set(map[string]any{"effect": 0})
		}
	default:
		return
	}
	c := b.component(id, devices.Light, b.number("Light", s.n), "")
	b.add(c, p, write)
	b.fade(c)
}

// fade adds how long a light's changes are to take. MQTT has no setting for it.
func (b *classicBuild) fade(c *devices.Component) {
	if c.Property(devices.Transition) != nil {
		return
	}
	d, id := b.classic, c.ID
	c.Properties = append(c.Properties, devices.Property{
		ID: devices.Transition, Datatype: devices.Float, Class: "duration", Unit: "s", Min: bound(0), Max: bound(5), Step: 0.1, Settable: true,
	})
	b.writers[devices.Ref{Component: id, Property: devices.Transition}] = func(v devices.Value) broker.Message {
		d.fades[id] = int(math.Round(v.Float() * 1000))
		return broker.Message{}
	}
}

// spoken says whether the device published below a topic.
func (b *classicBuild) spoken(topic string) bool {
	for f := range b.features {
		if strings.HasPrefix(f, topic+"/") || f == topic {
			return true
		}
	}
	return false
}
