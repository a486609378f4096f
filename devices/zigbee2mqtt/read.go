package zigbee2mqtt

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/color"
	"home.arpa/homehub/hub"
)

// maxValue is the greatest length of a text or a JSON value that is reported, in bytes.
const maxValue = 8192

// reader makes a value of what a device reports under one key. It is not changed but for said and bad, which belong to the
// hub's goroutine.
type reader struct {
	key  string // under which it is reported; of an object's member, within the object
	ref  devices.Ref
	read func(r *reader, l literal, out *[]hub.Reported) error

	on, off  string               // the device's words for true and false
	opposite bool                 // true is the device's off
	scale    scale                // of numbers
	steps    steps                // of levels
	words    []word               // of an enum
	named    []devices.NamedValue // the device's numbers that have names
	open     bool                 // an enum may be more than its words
	light    *light               // of a color or a color temperature
	inner    map[string][]*reader
	late     bool // wants to see the rest of the message first
	event    bool // what the broker kept is none

	said string // a text that came last, if it is short
	bad  bool   // it could not read what came last
}

// word is one of an enum's values: the device's, and the model's.
type word struct{ theirs, ours string }

func (r *reader) add(out *[]hub.Reported, v devices.Value) {
	*out = append(*out, hub.Reported{Ref: r.ref, Value: v})
}

// apply reads a literal; null is no value.
func (r *reader) apply(l literal, out *[]hub.Reported) error {
	if l.kind == none {
		return nil
	}
	return r.read(r, l, out)
}

func readBool(r *reader, l literal, out *[]hub.Reported) error {
	on := l.is(r.on)
	if !on && !l.is(r.off) {
		switch s := l.String(); {
		case strings.EqualFold(s, r.on):
			on = true
		case strings.EqualFold(s, r.off):
		default:
			return fmt.Errorf("expected %s or %s", r.on, r.off)
		}
	}
	r.add(out, devices.BoolValue(on != r.opposite))
	return nil
}

// float adds a number, unless it is too great for one.
func (r *reader) float(f float64, out *[]hub.Reported) error {
	v, err := devices.FloatValue(f)
	if err != nil {
		return fmt.Errorf("expected a number")
	}
	r.add(out, v)
	return nil
}

// unless is the fault about what is not a number, unless it is one of the words that may stand in its place.
func (r *reader) unless(l literal, expected string) error {
	if l.kind == text {
		for _, w := range r.words {
			if l.is(w.theirs) {
				return nil
			}
		}
	}
	return fmt.Errorf("expected %s", expected)
}

func readNumber(r *reader, l literal, out *[]hub.Reported) error {
	f, ok := l.number()
	if !ok {
		return r.unless(l, "a number")
	}
	return r.float(r.scale.in(f), out)
}

// readKelvin reads a color temperature. 0xffff says that there is none: a lamp keeps the one it had.
func readKelvin(r *reader, l literal, out *[]hub.Reported) error {
	f, ok := l.number()
	if !ok {
		return r.unless(l, "a color temperature in mired")
	}
	named := slices.ContainsFunc(r.named, func(x devices.NamedValue) bool { return x.Value == f })
	if r.light != nil && r.light.mode != modeUnknown && r.light.mode != modeWhite || f == 65535 && (!named || r.light != nil) {
		return nil
	}
	if f = mired(f); !(f >= 1 && f <= 1e6) {
		return fmt.Errorf("expected a color temperature in mired")
	}
	r.add(out, devices.IntValue(int64(f)))
	return nil
}

func readSteps(r *reader, l literal, out *[]hub.Reported) error {
	f, ok := l.number()
	if !ok {
		return r.unless(l, "a number")
	}
	return r.float(r.steps.in(f), out)
}

// readEnum reads one of the words, whatever their case. What an open enum reports beside them is taken as it is: the exposes
// of many devices are not complete.
func readEnum(r *reader, l literal, out *[]hub.Reported) error {
	if l.kind == object || l.kind == list {
		return fmt.Errorf("expected one word")
	}
	if r.event && len(l.raw) == 0 {
		return nil // older versions end an action so
	}
	for i := range r.words {
		if l.is(r.words[i].theirs) {
			r.add(out, devices.EnumValue(r.words[i].ours))
			return nil
		}
	}
	s := l.String()
	for _, w := range r.words {
		if strings.EqualFold(w.theirs, s) {
			r.add(out, devices.EnumValue(w.ours))
			return nil
		}
	}
	if !r.open || s == "" || len(s) > maxText {
		return fmt.Errorf("expected one of %s", spellWords(r.words))
	}
	r.add(out, devices.EnumValue(s))
	return nil
}

func spellWords(words []word) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		if b.Len() > 100 {
			b.WriteString("…")
			break
		}
		b.WriteString(w.theirs)
	}
	return b.String()
}

func readText(r *reader, l literal, out *[]hub.Reported) error {
	if !l.escaped && r.said == string(l.raw) {
		r.add(out, devices.TextValue(r.said))
		return nil
	}
	s := l.String()
	if len(s) > maxValue {
		return fmt.Errorf("expected at most %d bytes", maxValue)
	}
	if len(s) <= 64 && s == string(l.raw) {
		r.said = s
	}
	r.add(out, devices.TextValue(s))
	return nil
}

func readJSON(r *reader, l literal, out *[]hub.Reported) error {
	if len(l.raw) > maxValue {
		return fmt.Errorf("expected at most %d bytes", maxValue)
	}
	v, err := devices.JSONValue(l.json())
	if err != nil {
		return fmt.Errorf("expected JSON")
	}
	r.add(out, v)
	return nil
}

// readObject reads the members of a composite.
func readObject(r *reader, l literal, out *[]hub.Reported) error {
	if l.kind == text && len(l.raw) == 0 {
		return nil
	}
	if l.kind != object {
		return fmt.Errorf("expected an object")
	}
	var first error
	members(l.raw, 0, 0, func(key, v literal) {
		for _, in := range r.inner[string(key.raw)] {
			if err := in.apply(v, out); err != nil && first == nil {
				first = fmt.Errorf("%w at %s", err, key.raw)
			}
		}
	})
	return first
}

// colorMode is in which way a light has its color now.
type colorMode byte

const (
	modeUnknown colorMode = iota
	modeWhite             // it has a color temperature
	modeHS
	modeXY
)

// light is what the readers of one light share: a light reports color and color temperature together, and which of them counts.
type light struct {
	mode colorMode
	// part keeps the first half of a color whose halves come in two messages.
	x, hue literal
}

func readColorMode(r *reader, l literal, _ *[]hub.Reported) error {
	switch {
	case l.is("color_temp"):
		r.light.mode = modeWhite
	case l.is("hs"):
		r.light.mode = modeHS
	case l.is("xy"):
		r.light.mode = modeXY
	default:
		r.light.mode = modeUnknown
	}
	return nil
}

// readColor reads x and y, or hue and saturation, by the light's mode; in the output mode "attribute" also r,g,b.
func readColor(r *reader, l literal, out *[]hub.Reported) error {
	if r.light.mode == modeWhite {
		return nil
	}
	if l.kind == text {
		if len(l.raw) == 0 {
			return nil
		}
		var rgb [3]float64
		if n, err := fmt.Sscanf(l.String(), "%f,%f,%f", &rgb[0], &rgb[1], &rgb[2]); n == 3 && err == nil && inside(rgb[:], 255) {
			h, s, _ := devices.RGBToHSV(rgb[0], rgb[1], rgb[2])
			return r.color(h, s, out)
		}
	}
	if l.kind != object {
		return fmt.Errorf("expected a color")
	}
	var x, y, hue, saturation literal
	members(l.raw, 0, 0, func(key, v literal) {
		switch string(key.raw) {
		case "x":
			x = v
		case "y":
			y = v
		case "hue":
			hue = v
		case "saturation":
			saturation = v
		}
	})
	return r.pair(x, y, hue, saturation, out)
}

// pair takes the pair that the mode names, else the one that is complete.
func (r *reader) pair(x, y, hue, saturation literal, out *[]hub.Reported) error {
	h, ok1 := hue.number()
	s, ok2 := saturation.number()
	fx, ok3 := x.number()
	fy, ok4 := y.number()
	hs, xy := ok1 && ok2, ok3 && ok4
	switch {
	case hs && (r.light.mode == modeHS || !xy):
		return r.color(h, s, out)
	case xy:
		if h, s, ok := color.FromXY(fx, fy); ok {
			return r.color(h, s, out)
		}
		return fmt.Errorf("expected a color")
	case x.kind == none && y.kind == none && hue.kind == none && saturation.kind == none:
		return nil
	}
	return fmt.Errorf("expected a color")
}

func (r *reader) color(hue, saturation float64, out *[]hub.Reported) error {
	v, err := devices.ColorValue(hue, saturation)
	if err != nil {
		return fmt.Errorf("expected a color")
	}
	r.add(out, v)
	return nil
}

func inside(list []float64, high float64) bool {
	for _, f := range list {
		if !(f >= 0 && f <= high) || math.IsInf(f, 0) {
			return false
		}
	}
	return true
}

// readColorPart reads half a color in the output mode "attribute"; the second half makes it whole.
func readColorPart(name string) func(r *reader, l literal, out *[]hub.Reported) error {
	return func(r *reader, l literal, out *[]hub.Reported) error {
		if _, ok := l.number(); !ok {
			return fmt.Errorf("expected a number")
		}
		l.raw = append([]byte(nil), l.raw...)
		switch name {
		case "x":
			r.light.x = l
		case "hue":
			r.light.hue = l
		case "y":
			if r.light.x.kind != none && (r.light.mode == modeXY || r.light.mode == modeUnknown) {
				return r.pair(r.light.x, l, literal{}, literal{}, out)
			}
		case "saturation":
			if r.light.hue.kind != none && r.light.mode == modeHS {
				return r.pair(literal{}, literal{}, r.light.hue, l, out)
			}
		}
		return nil
	}
}
