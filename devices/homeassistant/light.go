package homeassistant

import (
	"fmt"
	"math"
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// light is a light of any schema: basic has a topic for each of its properties, json one object for all, and template a
// template for each.
func (b *builder) light() {
	b.kind = devices.Light
	switch schema := strings.ToLower(b.text("schema", "basic")); schema {
	case "json":
		b.lightJSON()
	case "template":
		b.lightTemplate()
	default: // old firmware spells basic in several ways
		b.lightBasic()
	}
}

// kelvins is how a light speaks of color temperature.
type kelvins struct {
	direct bool // in kelvin, else in mired
	p      devices.Property
}

func (b *builder) kelvins() kelvins {
	k := kelvins{direct: b.yes("color_temp_kelvin")}
	low, high := 2000.0, 6535.0
	if f, ok := b.number("max_mireds"); ok && f > 0 {
		low = mired(f)
	}
	if f, ok := b.number("min_mireds"); ok && f > 0 {
		high = mired(f)
	}
	low, high = b.numberOr("min_kelvin", low), b.numberOr("max_kelvin", high)
	k.p = devices.Property{
		ID: devices.ColorTemperature, Datatype: devices.Int, Unit: "K",
		Min: bound(math.Round(min(low, high))), Max: bound(math.Round(max(low, high))),
	}
	return k
}

func (k kelvins) read(f float64, out *sink) error {
	if !k.direct {
		f = mired(f)
	}
	if !(f >= 1 && f <= 1e6) {
		return fmt.Errorf("expected a color temperature of 1 to 1000000 K, got %v", f)
	}
	out.add(devices.ColorTemperature, devices.IntValue(int64(math.Round(f))))
	return nil
}

// readsKelvins is reads for a color temperature.
func (b *builder) readsKelvins(k kelvins, topicKey, templateKey string) bool {
	return b.reads(topicKey, templateKey, func(v template.Value, out *sink) error {
		f, ok, err := number(v)
		if !ok {
			return err
		}
		return k.read(f, out)
	})
}

// spell is a color temperature in the light's own unit.
func (k kelvins) spell(v devices.Value) float64 {
	if k.direct {
		return v.Float()
	}
	return mired(v.Float())
}

func (b *builder) brightnessScale() steps {
	at := steps{0, b.numberOr("brightness_scale", 255)}
	if at.high < 1 || !at.valid() {
		b.fault("brightness_scale is %v", at.high)
		at.high = 255
	}
	return at
}

func brightness(at steps) devices.Property {
	return devices.Property{ID: devices.Brightness, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: at.step()}
}

// numbers are a list, or a text of numbers with commas between.
func numbers(v template.Value) ([]float64, error) {
	var out []float64
	add := func(v template.Value) error {
		f, ok := v.Number()
		if !ok {
			return expected("a number", v)
		}
		out = append(out, f)
		return nil
	}
	if k := v.Kind(); k == template.List || k == template.Tuple {
		for i := range min(v.Len(), 8) {
			if err := add(v.At(i)); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	for part := range strings.SplitSeq(strings.Trim(v.Text(), "()[] "), ",") {
		if err := add(template.Of(part)); err != nil || len(out) > 8 {
			return nil, expected("up to eight numbers with commas between", v)
		}
	}
	return out, nil
}

// readEffect takes an effect of the list. Anything else is how the device says that none is running.
func readEffect(v template.Value, effects []string, out *sink) error {
	if !known(v) {
		return nil
	}
	if name, err := choice(v, effects); err == nil {
		out.add(devices.Effect, devices.EnumValue(name))
	}
	return nil
}
