package homeassistant

import (
	"fmt"
	"slices"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
	"home.arpa/homehub/devices/internal/color"
)

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
	white := &either{}
	whitens := b.basicWhite(l, white)
	bright.Readable = b.reads("brightness_state_topic", "brightness_value_template", func(v template.Value, out *sink) error {
		f, ok, err := number(v)
		if !ok {
			return err
		}
		white.level, white.dims = at.in(f), true
		if err := out.float(devices.Brightness, white.level); err != nil || !whitens {
			return err
		}
		return white.report(out)
	})
	dimmer := b.hears("brightness_command_topic", "brightness_command_template")
	setBrightness := func(percent float64) ([]broker.Message, error) {
		f := at.out(percent)
		if f == 0 && percent > 0 {
			f = 1
		}
		if f == 0 && l.power != nil {
			return one(l.power.send(l.off, template.Of(l.off)))
		}
		return l.with(dimmer.send(devices.FormatNumber(f), plain(f)))
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

// basicWhite adds the white of a light that has the color mode white, and says whether it is one.
func (b *builder) basicWhite(l basicLight, white *either) bool {
	o := b.hears("white_command_topic", "")
	if o == nil {
		return false
	}
	at := b.whiteScale()
	p := white.property(at)
	p.Settable = true
	p.Readable = b.has("brightness_state_topic") &&
		b.reads("color_mode_state_topic", "color_mode_value_template", func(v template.Value, out *sink) error {
			white.mode = v.Text()
			return white.report(out)
		})
	b.writers[p.ID] = func(v devices.Value) ([]broker.Message, error) {
		f := max(at.out(v.Float()), 1)
		return l.with(o.send(devices.FormatNumber(f), plain(f)))
	}
	b.property(p)
	return p.Readable
}

func (b *builder) basicTemperature(l basicLight) {
	k := b.kelvins()
	k.p.Readable = b.readsKelvins(k, "color_temp_state_topic", "color_temp_value_template")
	if o := b.hears("color_temp_command_topic", "color_temp_command_template"); o != nil {
		k.p.Settable = true
		b.writers[devices.ColorTemperature] = func(v devices.Value) ([]broker.Message, error) {
			f := k.spell(v)
			return l.with(o.send(devices.FormatNumber(f), plain(f)))
		}
	}
	b.property(k.p)
}

// basicColor takes the first kind of color that the light can be told, and reads every one that it reports.
func (b *builder) basicColor(l basicLight) {
	p := devices.Property{ID: devices.ColorHS, Datatype: devices.Color}
	for _, mode := range []string{"hs", "xy", "rgb", "rgbw", "rgbww"} {
		if len(mode) > 3 {
			b.basicChannels(l, &channels{mode: mode}, &p)
			continue
		}
		readable := b.reads(mode+"_state_topic", mode+"_value_template", func(v template.Value, out *sink) error {
			n, err := numbers(v)
			if err != nil {
				return err
			}
			return out.addColor(mode, n)
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

// basicChannels adds the white channels that stand behind the numbers of a color, and makes the color theirs if it has no other way.
func (b *builder) basicChannels(l basicLight, c *channels, color *devices.Property) {
	readable := b.reads(c.mode+"_state_topic", c.mode+"_value_template", func(v template.Value, out *sink) error {
		n, err := numbers(v)
		if err != nil {
			return err
		}
		return c.take(n, out)
	})
	o := b.hears(c.mode+"_command_topic", c.mode+"_command_template")
	write := func(id string) {
		b.writers[id] = func(v devices.Value) ([]broker.Message, error) { return l.with(c.send(o, id, v)) }
	}
	for _, p := range c.properties() {
		if slices.ContainsFunc(b.properties, func(x devices.Property) bool { return x.ID == p.ID }) {
			continue // the color mode white is the same channel
		}
		if p.Readable = readable; o != nil {
			p.Settable = true
			write(p.ID)
		}
		b.property(p)
	}
	color.Readable = color.Readable || readable
	if o != nil && !color.Settable {
		color.Settable = true
		write(devices.ColorHS)
	}
}

// sendColor publishes a color as numbers with commas between.
func sendColor(o *outlet, mode string, v devices.Value) (broker.Message, error) {
	switch mode {
	case "hs":
		hue, saturation := v.Color()
		s := devices.FormatNumber(hue) + "," + devices.FormatNumber(saturation)
		return o.send(s, template.Of(s), "hue", plain(hue), "sat", plain(saturation))
	case "xy":
		x, y := color.ToXY(v.Color())
		s := devices.FormatNumber(x) + "," + devices.FormatNumber(y)
		return o.send(s, template.Of(s), "x", x, "y", y)
	}
	r, g, b := rgbOf(v)
	s := fmt.Sprintf("%d,%d,%d", r, g, b)
	return o.send(s, template.Of(s), "red", r, "green", g, "blue", b)
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
