package homie

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"home.arpa/homehub/devices"
)

// codec turns the text of one Homie property into a value of the model and back. encode gets values that have passed
// Property.Check.
type codec interface {
	decode(s string) (devices.Value, error)
	encode(v devices.Value) (string, error)
}

// boolean is a bool; inverted when the device's true is the model's false.
type boolean struct{ inverted bool }

func (c boolean) decode(s string) (devices.Value, error) {
	b, err := readBool(s)
	return devices.BoolValue(b != c.inverted), err
}

func (c boolean) encode(v devices.Value) (string, error) {
	if v.Bool() != c.inverted {
		return "true", nil
	}
	return "false", nil
}

// pair is a bool that the device spells as one of two choices.
type pair struct{ no, yes string }

func (c pair) decode(s string) (devices.Value, error) {
	if s != c.no && s != c.yes {
		return devices.Value{}, fmt.Errorf("%.40q is neither %s nor %s", s, c.no, c.yes)
	}
	return devices.BoolValue(s == c.yes), nil
}

func (c pair) encode(v devices.Value) (string, error) {
	if v.Bool() {
		return c.yes, nil
	}
	return c.no, nil
}

// twofold is a choice of two that the device spells as a bool.
type twofold struct{ no, yes string }

func (c twofold) decode(s string) (devices.Value, error) {
	b, err := readBool(s)
	if b {
		return devices.EnumValue(c.yes), err
	}
	return devices.EnumValue(c.no), err
}

func (c twofold) encode(v devices.Value) (string, error) {
	switch v.Text() {
	case c.yes:
		return "true", nil
	case c.no:
		return "false", nil
	}
	return "", fmt.Errorf("%w: the device knows only %s and %s", devices.ErrValue, c.no, c.yes)
}

// number is an integer or float.
type number struct {
	integer    bool // the device's
	whole      bool // the model's
	span       span
	conversion conversion
}

func (c number) decode(s string) (devices.Value, error) {
	var f float64
	if c.integer {
		n, err := readInteger(s)
		if err != nil {
			return devices.Value{}, err
		}
		f = float64(n)
	} else {
		var err error
		if f, err = readFloat(s); err != nil {
			return devices.Value{}, err
		}
	}
	if f = c.conversion.up(f); c.whole {
		if f = math.Round(f); math.Abs(f) > 1<<62 {
			return devices.Value{}, fmt.Errorf("%.40q is too large", s)
		}
		return devices.IntValue(int64(f)), nil
	}
	return devices.FloatValue(f)
}

func (c number) encode(v devices.Value) (string, error) {
	f := c.conversion.down(v.Float())
	step := c.span.step
	if c.integer && step == 0 {
		step = 1
	}
	if step > 0 {
		base := 0.0
		switch {
		case c.span.min != nil:
			base = *c.span.min
		case c.span.max != nil:
			base = *c.span.max
		}
		if f = base + math.Round((f-base)/step)*step; c.span.max != nil && f > *c.span.max {
			f -= step
		}
		if !c.integer {
			f = tidy(f, 12)
		}
	}
	if c.span.max != nil {
		f = min(f, *c.span.max)
	}
	if c.span.min != nil {
		f = max(f, *c.span.min)
	}
	if c.integer {
		f = math.Round(f)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) || c.integer && math.Abs(f) >= 1<<63 {
		return "", fmt.Errorf("%w: %s cannot be told to the device", devices.ErrValue, v)
	}
	if c.integer {
		return fmt.Sprint(int64(f)), nil
	}
	return writeFloat(f), nil
}

// choice is an enum whose choices have the model's names: known leads from the device's to the model's, told back.
type choice struct {
	choices     []string
	known, told map[string]string
}

func (c choice) decode(s string) (devices.Value, error) {
	if !slices.Contains(c.choices, s) {
		return devices.Value{}, fmt.Errorf("%.40q is not one of its choices", s)
	}
	if name, ok := c.known[s]; ok {
		s = name
	}
	return devices.EnumValue(s), nil
}

func (c choice) encode(v devices.Value) (string, error) {
	s := v.Text()
	if name, ok := c.told[s]; ok {
		s = name
	}
	if !slices.Contains(c.choices, s) {
		return "", fmt.Errorf("%w: the device does not know %.40q", devices.ErrValue, v.Text())
	}
	return s, nil
}

// word is what can only be told: one choice of an enum, for an act.
type word string

func (c word) decode(string) (devices.Value, error) { return devices.Value{}, nil }

func (c word) encode(v devices.Value) (string, error) {
	if !v.Bool() {
		return "", fmt.Errorf("%w: an act can only be done, not undone", devices.ErrValue)
	}
	return string(c), nil
}

// plain is a string, datetime or json, after a check.
type plain struct {
	json  bool
	check func(string) error
}

func (c plain) decode(s string) (devices.Value, error) {
	if c.check != nil {
		if err := c.check(s); err != nil {
			return devices.Value{}, err
		}
	}
	if c.json {
		return devices.JSONValue(s)
	}
	return devices.TextValue(s), nil
}

func (c plain) encode(v devices.Value) (string, error) {
	if c.check != nil {
		if err := c.check(v.Text()); err != nil {
			return "", fmt.Errorf("%w: %w", devices.ErrValue, err)
		}
	}
	return v.Text(), nil
}

// duration is a time span in seconds.
type duration struct{}

func (duration) decode(s string) (devices.Value, error) {
	f, err := readDuration(s)
	if err != nil {
		return devices.Value{}, err
	}
	return devices.FloatValue(f)
}

func (duration) encode(v devices.Value) (string, error) { return writeDuration(v.Float()) }

// memory is what a light last said of its color and brightness, so that setting one does not change the other.
type memory struct {
	last shade // value is 100 until the light has said more
}

// tint is a color without its brightness. Before Homie 5 a color is bare: its payload does not name the one format there is.
type tint struct {
	formats []string
	memory  *memory
	bare    bool
}

func (c tint) read(s string) (col shade, bright bool, err error) {
	if c.bare {
		s = c.formats[0] + "," + s
	}
	return readColor(s, c.formats)
}

func (c tint) write(col shade, format string) string {
	if c.bare {
		return writeBareColor(col, format)
	}
	return writeColor(col, format)
}

func (c tint) decode(s string) (devices.Value, error) {
	col, bright, err := c.read(s)
	if err != nil {
		return devices.Value{}, err
	}
	if bright && col == (shade{}) {
		return devices.Value{}, nil // black is a light that is off, of whatever color
	}
	v, err := devices.ColorValue(col.hue, col.saturation)
	if err != nil {
		return v, err
	}
	if c.memory.last.hue, c.memory.last.saturation = col.hue, col.saturation; bright && col.value > 0 {
		c.memory.last.value = col.value
	}
	return v, nil
}

func (c tint) encode(v devices.Value) (string, error) {
	hue, saturation := v.Color()
	return c.write(shade{hue, saturation, c.memory.last.value}, c.formats[0]), nil
}

// glow is the brightness that a color carries, for lights that tell it in no other way.
type glow struct{ tint }

func (c glow) decode(s string) (devices.Value, error) {
	col, bright, err := c.read(s)
	if err != nil || !bright {
		return devices.Value{}, err
	}
	return devices.FloatValue(math.Round(col.value*10) / 10)
}

func (c glow) encode(v devices.Value) (string, error) {
	for _, format := range c.formats {
		if format != formatXYZ {
			return c.write(shade{c.memory.last.hue, c.memory.last.saturation, v.Float()}, format), nil
		}
	}
	return "", errors.New("xyz says nothing about brightness")
}

// dimmer is the brightness beside a color: it is remembered for the color's sake.
type dimmer struct {
	codec
	memory *memory
}

func (c dimmer) decode(s string) (devices.Value, error) {
	v, err := c.codec.decode(s)
	if err == nil && v.Float() > 0 {
		c.memory.last.value = min(v.Float(), 100)
	}
	return v, err
}
