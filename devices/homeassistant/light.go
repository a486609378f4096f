package homeassistant

import (
	"fmt"
	"math"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
	"home.arpa/homehub/devices/internal/color"
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

// basicLight is what the commands of a light with a topic for each property have in common.
type basicLight struct {
	power   *outlet
	on, off string
	order   string // on_command_type: when the light is switched on as well
}

// with is a command together with the one that switches the light on.
func (l basicLight) with(m broker.Message, err error) ([]broker.Message, error) {
	switch {
	case err != nil:
		return nil, err
	case l.power == nil || l.order == "brightness" || l.on == l.off:
		return []broker.Message{m}, nil
	}
	on, err := l.power.send(l.on, template.Of(l.on))
	if err != nil {
		return nil, err
	}
	if l.order == "first" {
		return []broker.Message{on, m}, nil
	}
	return []broker.Message{m, on}, nil
}

func (b *builder) lightBasic() {
	l := basicLight{on: b.text("payload_on", "ON"), off: b.text("payload_off", "OFF"), order: b.text("on_command_type", "last")}
	stateTemplate := "state_value_template"
	if !b.has(stateTemplate) {
		stateTemplate = "value_template"
	}
	power := devices.Property{ID: devices.On, Datatype: devices.Bool}
	power.Readable = b.readsBool("state_topic", stateTemplate, devices.On, b.text("state_on", l.on), b.text("state_off", l.off))
	l.power = b.hears("command_topic", "command_template")

	at := b.brightnessScale()
	bright := brightness(at)
	bright.Readable = b.readsNumber("brightness_state_topic", "brightness_value_template", devices.Brightness, at.in)
	dimmer := b.hears("brightness_command_topic", "brightness_command_template")
	setBrightness := func(percent float64) ([]broker.Message, error) {
		f := at.out(percent)
		if f == 0 && percent > 0 {
			f = 1
		}
		if f == 0 && l.power != nil {
			return one(l.power.send(l.off, template.Of(l.off)))
		}
		return l.with(dimmer.send(formatNumber(f), plain(f)))
	}
	if dimmer != nil {
		bright.Settable = true
		b.writers[devices.Brightness] = func(v devices.Value) ([]broker.Message, error) { return setBrightness(v.Float()) }
	}
	if l.power != nil {
		power.Settable = true
		b.writers[devices.On] = func(v devices.Value) ([]broker.Message, error) {
			switch {
			case !v.Bool():
				return one(l.power.send(l.off, template.Of(l.off)))
			case l.order == "brightness" && dimmer != nil:
				return setBrightness(100)
			}
			return one(l.power.send(l.on, template.Of(l.on)))
		}
	}
	b.property(power)
	b.property(bright)
	b.basicTemperature(l)
	b.basicColor(l)
	b.basicEffect(l)
}

func (b *builder) basicTemperature(l basicLight) {
	k := b.kelvins()
	k.p.Readable = b.readsKelvins(k, "color_temp_state_topic", "color_temp_value_template")
	if o := b.hears("color_temp_command_topic", "color_temp_command_template"); o != nil {
		k.p.Settable = true
		b.writers[devices.ColorTemperature] = func(v devices.Value) ([]broker.Message, error) {
			f := k.spell(v)
			return l.with(o.send(formatNumber(f), plain(f)))
		}
	}
	b.property(k.p)
}

// basicColor takes the first kind of color that the light can be told, and reads every one that it reports.
func (b *builder) basicColor(l basicLight) {
	p := devices.Property{ID: devices.ColorHS, Datatype: devices.Color}
	for _, mode := range []string{"hs", "xy", "rgb", "rgbw", "rgbww"} {
		base := mode[:min(len(mode), 3)]
		readable := b.reads(mode+"_state_topic", mode+"_value_template", func(v template.Value, out *sink) error {
			n, err := numbers(v)
			if err != nil {
				return err
			}
			return out.addColor(base, n)
		})
		p.Readable = p.Readable || readable
		o := b.hears(mode+"_command_topic", mode+"_command_template")
		if o == nil || p.Settable {
			continue
		}
		p.Settable = true
		b.writers[devices.ColorHS] = func(v devices.Value) ([]broker.Message, error) { return l.with(sendColor(o, mode, v)) }
	}
	b.property(p)
}

// sendColor publishes a color as numbers with commas between. White channels are off.
func sendColor(o *outlet, mode string, v devices.Value) (broker.Message, error) {
	switch mode {
	case "hs":
		hue, saturation := v.Color()
		s := formatNumber(hue) + "," + formatNumber(saturation)
		return o.send(s, template.Of(s), "hue", plain(hue), "sat", plain(saturation))
	case "xy":
		x, y := color.ToXY(v.Color())
		s := formatNumber(x) + "," + formatNumber(y)
		return o.send(s, template.Of(s), "x", x, "y", y)
	}
	r, g, b := rgbOf(v)
	s := fmt.Sprintf("%d,%d,%d", r, g, b) + strings.Repeat(",0", len(mode)-3)
	return o.send(s, template.Of(s), "red", r, "green", g, "blue", b, "white", 0, "cold_white", 0, "warm_white", 0)
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

func (b *builder) basicEffect(l basicLight) {
	effects := b.list("effect_list")
	p := devices.Property{ID: devices.Effect, Datatype: devices.Enum, Choices: effects}
	p.Readable = b.reads("effect_state_topic", "effect_value_template", func(v template.Value, out *sink) error {
		return readEffect(v, effects, out)
	})
	if o := b.hears("effect_command_topic", "effect_command_template"); o != nil {
		p.Settable = true
		b.writers[devices.Effect] = func(v devices.Value) ([]broker.Message, error) {
			return l.with(o.send(v.Text(), template.Of(v.Text())))
		}
	}
	b.property(p)
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
