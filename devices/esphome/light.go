package esphome

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"home.arpa/homehub/devices"
)

// lightState is a light's state and command, of Home Assistant's JSON schema. Brightness is 0 to 255, the temperature in mired.
type lightState struct {
	State      string   `json:"state"`
	Brightness *float64 `json:"brightness"`
	Color      *struct {
		R, G, B, W, C *float64
	} `json:"color"`
	Temperature *float64 `json:"color_temp"`
}

// object1 reads a JSON object.
func object1(s string, to any) bool {
	return len(s) > 1 && s[0] == '{' && json.Unmarshal([]byte(s), to) == nil
}

func readLight(s string) (l lightState, err error) {
	if !object1(s, &l) || l.State != "ON" && l.State != "OFF" {
		return l, fmt.Errorf("expected a JSON object with state ON or OFF, got %.40q", s)
	}
	if b := l.Brightness; b != nil && (*b < 0 || *b > 255) {
		return l, fmt.Errorf("expected a brightness of 0 to 255, got %v", *b)
	}
	if c := l.Color; c != nil && c.W != nil && (*c.W < 0 || *c.W > 255) {
		return l, fmt.Errorf("expected a white channel of 0 to 255, got %v", *c.W)
	}
	return l, nil
}

// light is what a light's state shows. Brightness and color of what is off are kept for the next time.
func light(attribute, payload string) []*facet {
	l, err := readLight(payload)
	if attribute != "" {
		return nil
	}
	on := &facet{property: devices.Property{ID: devices.On, Datatype: devices.Bool, Readable: true, Settable: true}}
	on.read = func(s string) (devices.Value, bool, error) {
		l, err := readLight(s)
		return devices.BoolValue(l.State == "ON"), true, err
	}
	on.tell = func(v devices.Value) (suffix, payload string) {
		return "command", `{"state":"` + onOrOff(v.Bool()) + `"}`
	}
	facets := []*facet{on}
	if err != nil {
		return facets
	}
	if l.Brightness != nil {
		facets = append(facets, brightness())
	}
	if l.Color != nil && l.Color.R != nil && l.Color.G != nil && l.Color.B != nil {
		facets = append(facets, color())
	}
	if l.Color != nil && l.Color.W != nil && l.Color.C == nil {
		facets = append(facets, white())
	}
	if l.Temperature != nil {
		facets = append(facets, temperature())
	}
	return facets
}

func brightness() *facet {
	f := &facet{property: devices.Property{
		ID: devices.Brightness, Datatype: devices.Float, Unit: "%", Min: new(0.0), Max: new(100.0), Step: 100.0 / 255, Readable: true, Settable: true,
	}}
	f.read = func(s string) (devices.Value, bool, error) {
		l, err := readLight(s)
		if err != nil || l.Brightness == nil || l.State == "OFF" {
			return devices.Value{}, false, err
		}
		v, err := devices.FloatValue(*l.Brightness * 100 / 255)
		return v, err == nil, err
	}
	f.tell = func(v devices.Value) (suffix, payload string) {
		n := math.Round(v.Float() * 255 / 100)
		if v.Float() == 0 {
			return "command", `{"state":"OFF"}`
		}
		return "command", fmt.Sprintf(`{"state":"ON","brightness":%d}`, int(min(max(n, 1), 255)))
	}
	return f
}

func color() *facet {
	f := &facet{property: devices.Property{ID: devices.ColorHS, Datatype: devices.Color, Readable: true, Settable: true}}
	f.read = func(s string) (devices.Value, bool, error) {
		l, err := readLight(s)
		if err != nil || l.Color == nil || l.Color.R == nil || l.Color.G == nil || l.Color.B == nil {
			return devices.Value{}, false, err
		}
		r, g, b := *l.Color.R, *l.Color.G, *l.Color.B
		if !(min(r, g, b) >= 0 && max(r, g, b) <= 255) {
			return devices.Value{}, false, errors.New("expected channels of 0 to 255 in the color, got others")
		}
		hue, saturation, value := devices.RGBToHSV(r, g, b)
		if value == 0 {
			return devices.Value{}, false, nil // black is no color
		}
		v, err := devices.ColorValue(hue, saturation)
		return v, err == nil, err
	}
	f.tell = func(v devices.Value) (suffix, payload string) {
		hue, saturation := v.Color()
		r, g, b := devices.HSVToRGB(hue, saturation, 100)
		return "command", fmt.Sprintf(`{"state":"ON","color":{"r":%.0f,"g":%.0f,"b":%.0f}}`, r, g, b)
	}
	return f
}

// white is the channel of a light that has one. Of two, which can only be told together, the temperature tells.
func white() *facet {
	f := &facet{property: devices.Property{
		ID: devices.White, Datatype: devices.Float, Unit: "%", Min: new(0.0), Max: new(100.0), Step: 100.0 / 255, Readable: true, Settable: true,
	}}
	f.read = func(s string) (devices.Value, bool, error) {
		l, err := readLight(s)
		if err != nil || l.Color == nil || l.Color.W == nil {
			return devices.Value{}, false, err
		}
		v, err := devices.FloatValue(*l.Color.W * 100 / 255)
		return v, err == nil, err
	}
	f.tell = func(v devices.Value) (suffix, payload string) {
		return "command", fmt.Sprintf(`{"state":"ON","color":{"w":%.0f}}`, math.Round(v.Float()*255/100))
	}
	return f
}

func temperature() *facet {
	f := &facet{property: devices.Property{
		ID: devices.ColorTemperature, Datatype: devices.Int, Unit: "K", Min: new(1000.0), Max: new(10000.0), Readable: true, Settable: true,
	}}
	f.read = func(s string) (devices.Value, bool, error) {
		l, err := readLight(s)
		if err != nil || l.Temperature == nil {
			return devices.Value{}, false, err
		}
		if *l.Temperature < 50 || *l.Temperature > 1000 {
			return devices.Value{}, false, fmt.Errorf("expected a color_temp of 50 to 1000 mired, got %v", *l.Temperature)
		}
		return devices.IntValue(int64(math.Round(1e6 / *l.Temperature))), true, nil
	}
	f.tell = func(v devices.Value) (suffix, payload string) {
		return "command", fmt.Sprintf(`{"state":"ON","color_temp":%d}`, int(math.Round(1e6/max(v.Float(), 1))))
	}
	return f
}
