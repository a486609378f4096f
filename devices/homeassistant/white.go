package homeassistant

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// channels are those of a light with white ones beside red, green and blue, 0 to 255, as it reported them last: it can only be told all
// of them at once, so that a new color keeps the white, and the other way round. Those that are not known are off.
type channels struct {
	mode string // rgbw or rgbww
	last [5]float64
}

// whites are the properties of the white channels, in the order in which the light has them.
func (c *channels) whites() []string {
	if c.mode == "rgbww" {
		return []string{devices.ColdWhite, devices.WarmWhite}
	}
	return []string{devices.White}
}

// of255 is the scale of a channel.
var of255 = steps{0, 255}

func (c *channels) properties() []devices.Property {
	var all []devices.Property
	for _, id := range c.whites() {
		all = append(all, devices.Property{ID: id, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: of255.step()})
	}
	return all
}

// take takes what the channels are now.
func (c *channels) take(n []float64, out *sink) error {
	if len(n) != len(c.mode) {
		return fmt.Errorf("expected %d channels of a color, got %v", len(c.mode), n)
	}
	if err := out.addColor("rgb", n[:3]); err != nil {
		return err
	}
	for i, id := range c.whites() {
		if !(n[3+i] >= 0 && n[3+i] <= 255) {
			return fmt.Errorf("expected white channels of 0 to 255, got %v", n[3:])
		}
		if err := out.float(id, of255.in(n[3+i])); err != nil {
			return err
		}
	}
	copy(c.last[:], n)
	return nil
}

// with are the channels when one property becomes another value: of the color, or of a white channel.
func (c *channels) with(property string, v devices.Value) []int {
	next := c.last
	if property == devices.ColorHS {
		r, g, b := rgbOf(v)
		next[0], next[1], next[2] = float64(r), float64(g), float64(b)
	}
	for i, id := range c.whites() {
		if id == property {
			next[3+i] = of255.out(v.Float())
		}
	}
	whole := make([]int, len(c.mode))
	for i := range whole {
		whole[i] = int(math.Round(next[i]))
	}
	return whole
}

// send publishes the channels as numbers with commas between.
func (c *channels) send(o *outlet, property string, v devices.Value) (broker.Message, error) {
	n := c.with(property, v)
	words := make([]string, len(n))
	for i := range n {
		words[i] = strconv.Itoa(n[i])
	}
	vars := []any{"red", n[0], "green", n[1], "blue", n[2]}
	if len(n) == 5 {
		vars = append(vars, "cold_white", n[3], "warm_white", n[4])
	} else {
		vars = append(vars, "white", n[3])
	}
	s := strings.Join(words, ",")
	return o.send(s, template.Of(s), vars...)
}

// json spells the channels as the schema json has them.
func (c *channels) json(property string, v devices.Value) string {
	n := c.with(property, v)
	s := fmt.Sprintf(`{"r":%d,"g":%d,"b":%d`, n[0], n[1], n[2])
	if len(n) == 5 {
		return s + fmt.Sprintf(`,"c":%d,"w":%d}`, n[3], n[4])
	}
	return s + fmt.Sprintf(`,"w":%d}`, n[3])
}

// either is the white of a light that shines either colored or white: in the color mode white its brightness, else 0.
type either struct {
	mode  string // empty as long as it is not known
	level float64
	dims  bool // level is known
}

// property is the white: to leave it the light is given a color, or switched off, so that it is not set to 0.
func (e *either) property(at steps) devices.Property {
	return devices.Property{ID: devices.White, Datatype: devices.Float, Unit: "%", Min: bound(1), Max: bound(100), Step: at.step()}
}

// report tells the white if it is known.
func (e *either) report(out *sink) error {
	switch {
	case e.mode == "":
	case e.mode != "white":
		return out.float(devices.White, 0)
	case e.dims:
		return out.float(devices.White, e.level)
	}
	return nil
}

func (b *builder) whiteScale() steps {
	at := steps{0, b.numberOr("white_scale", 255)}
	if at.high < 1 || !at.valid() {
		b.fault("white_scale is %v", at.high)
		at.high = 255
	}
	return at
}

// fade is how long the changes of a light that has no setting for that are to take from now on. It goes with every command.
type fade struct {
	seconds float64
	chosen  bool
}

// add makes the fade a property of the light.
func (f *fade) add(b *builder) {
	b.property(devices.Property{
		ID: devices.Transition, Datatype: devices.Float, Class: "duration", Unit: "s", Min: bound(0), Max: bound(3600), Step: 0.1, Settable: true,
	})
	b.writers[devices.Transition] = func(v devices.Value) ([]broker.Message, error) {
		f.seconds, f.chosen = v.Float(), true
		return []broker.Message{}, nil
	}
}

// json is the fade's member of an object that has others.
func (f *fade) json() string {
	if !f.chosen {
		return ""
	}
	return `,"transition":` + devices.FormatNumber(f.seconds)
}
