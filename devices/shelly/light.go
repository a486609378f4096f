package shelly

import (
	"math"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
)

// spaces are the names of the lights' types in calls.
var spaces = map[string]string{"light": "Light", "rgb": "RGB", "rgbw": "RGBW", "cct": "CCT", "rgbcct": "RGBCCT"}

// longestFade is the longest time in seconds that a light takes to change, three hours; most take less, and say so.
const longestFade = 10800

// light is any of the types of lights.
func (b *build) light() {
	id, method := b.id, spaces[b.kind]+".Set"
	c := b.own(devices.Light, "")
	b.truth(c, "output", devices.On, "")
	b.set(c, devices.On, func(v devices.Value) (string, map[string]any) { return method, b2(id, "on", v.Bool()) })
	b.add(c, "brightness", percent(devices.Brightness), floatOf(1))
	// Brightness alone would leave a lamp dark that is off.
	b.set(c, devices.Brightness, func(v devices.Value) (string, map[string]any) {
		if whole(v) == 0 {
			return method, b2(id, "on", false)
		}
		return method, map[string]any{"id": id, "on": true, "brightness": whole(v)}
	})
	both := b.kind == "rgbcct"
	if b.kind == "cct" || both {
		low, high := 2700.0, 6500.0
		if r := b.config.Get("ct_range"); r.Kind() == jsontext.List {
			low, high = limits(r, low, high)
		}
		b.add(c, "ct", devices.Property{
			ID: devices.ColorTemperature, Datatype: devices.Int, Unit: "K", Min: bound(low), Max: bound(high),
		}, intOf)
		b.set(c, devices.ColorTemperature, func(v devices.Value) (string, map[string]any) {
			params := b2(id, "ct", whole(v))
			if both {
				params["mode"] = "cct"
			}
			return method, params
		})
	}
	if b.kind == "rgb" || b.kind == "rgbw" || both {
		b.add(c, "rgb", devices.Property{ID: devices.ColorHS, Datatype: devices.Color}, colorOf)
		b.set(c, devices.ColorHS, func(v devices.Value) (string, map[string]any) {
			params := b2(id, "rgb", rgbOf(v))
			if both {
				params["mode"] = "rgb"
			}
			return method, params
		})
	}
	if b.kind == "rgbw" {
		p := percent(devices.White)
		p.Step = 100.0 / 255
		b.add(c, "white", p, func(v jsontext.Value) (devices.Value, string) { return scaled(v, 255) })
		b.set(c, devices.White, func(v devices.Value) (string, map[string]any) {
			return method, b2(id, "white", int(math.Round(v.Float()*2.55)))
		})
	}
	b.setting(c, "transition_duration", devices.Property{
		ID: devices.Transition, Class: "duration", Unit: "s", Min: bound(0), Max: bound(longestFade), Step: 0.1,
	}, spaces[b.kind])
	b.metering(c)
}

// limits are the two numbers of a list, if they are in order.
func limits(v jsontext.Value, low, high float64) (float64, float64) {
	var n []float64
	for item := range v.Children() {
		if f, ok := item.Number(); ok {
			n = append(n, f)
		}
	}
	if len(n) != 2 || n[0] >= n[1] {
		return low, high
	}
	return n[0], n[1]
}

// scaled reads a number of 0 to full as percent.
func scaled(v jsontext.Value, full float64) (devices.Value, string) {
	f, ok := v.Number()
	if !ok {
		return devices.Value{}, "a number"
	}
	out, err := devices.FloatValue(math.Round(min(max(f/full, 0), 1)*1e4) / 100)
	if err != nil {
		return devices.Value{}, "a number"
	}
	return out, ""
}

// colorOf reads a list of red, green and blue.
func colorOf(v jsontext.Value) (devices.Value, string) {
	const expected = "red, green and blue of 0 to 255"
	var rgb [3]float64
	n := 0
	for item := range v.Children() {
		f, ok := item.Number()
		if !ok || f < 0 || f > 255 || n > 2 {
			return devices.Value{}, expected
		}
		rgb[n] = f
		n++
	}
	if n != 3 {
		return devices.Value{}, expected
	}
	return hueOf(rgb), ""
}

func hueOf(rgb [3]float64) devices.Value {
	h, s, _ := devices.RGBToHSV(rgb[0], rgb[1], rgb[2])
	out, err := devices.ColorValue(h, s)
	if err != nil {
		return devices.Value{}
	}
	return out
}

// rgbOf is a color at full brightness.
func rgbOf(v devices.Value) [3]int {
	h, s := v.Color()
	r, g, b := devices.HSVToRGB(h, s, 100)
	return [3]int{int(math.Round(r)), int(math.Round(g)), int(math.Round(b))}
}
