package homeassistant

import (
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// templateLight is a light of one command topic, whose commands are what a template makes of those variables that are to
// change, and of one state topic, from which other templates take each attribute.
type templateLight struct {
	on, off *outlet
	fade    fade
}

func (b *builder) lightTemplate() {
	l := &templateLight{on: b.hears("command_topic", "command_on_template"), off: b.hears("command_topic", "command_off_template")}
	told := l.on != nil && l.off != nil
	if told && (l.on.tpl == nil || l.off.tpl == nil) {
		b.fault("a light of the schema template that can be told needs command_on_template and command_off_template")
		told = false
	}
	add := func(p devices.Property, readable bool, write writer) {
		p.Readable, p.Settable = readable, told
		if told {
			b.writers[p.ID] = write
		}
		b.property(p)
	}
	add(devices.Property{ID: devices.On, Datatype: devices.Bool},
		b.has("state_template") && b.readsBool("state_topic", "state_template", devices.On, "on", "off"),
		func(v devices.Value) ([]broker.Message, error) { return l.turn(v.Bool()) })

	if at := (steps{0, 255}); b.has("brightness_template") {
		add(brightness(at), b.readsNumber("state_topic", "brightness_template", devices.Brightness, at.in),
			func(v devices.Value) ([]broker.Message, error) {
				if v.Float() == 0 {
					return l.turn(false)
				}
				return l.turn(true, "brightness", plain(max(at.out(v.Float()), 1)))
			})
	}
	if k := b.kelvins(); b.has("color_temp_template") {
		add(k.p, b.readsKelvins(k, "state_topic", "color_temp_template"),
			func(v devices.Value) ([]broker.Message, error) { return l.turn(true, "color_temp", plain(k.spell(v))) })
	}
	if b.has("red_template") && b.has("green_template") && b.has("blue_template") {
		add(devices.Property{ID: devices.ColorHS, Datatype: devices.Color}, b.readsRGB(),
			func(v devices.Value) ([]broker.Message, error) {
				red, green, blue := rgbOf(v)
				hue, saturation := v.Color()
				return l.turn(true, "red", red, "green", green, "blue", blue, "hue", plain(hue), "sat", plain(saturation))
			})
	}
	if effects := b.list("effect_list"); len(effects) > 0 {
		add(devices.Property{ID: devices.Effect, Datatype: devices.Enum, Choices: effects},
			b.has("effect_template") && b.reads("state_topic", "effect_template", func(v template.Value, out *sink) error {
				return readEffect(v, effects, out)
			}),
			func(v devices.Value) ([]broker.Message, error) { return l.turn(true, "effect", v.Text()) })
	}
	if told && strings.Contains(l.on.tpl.Source(), "transition") {
		l.fade.add(b)
	}
}

// turn renders a command: what is not to change is not defined in it. The state is true or false, and there is no value.
func (l *templateLight) turn(on bool, vars ...any) ([]broker.Message, error) {
	if vars = append(vars, "state", on); l.fade.chosen {
		vars = append(vars, "transition", plain(l.fade.seconds))
	}
	o := l.off
	if on {
		o = l.on
	}
	return one(o.send("", template.Of(nil), vars...))
}

// readsRGB reads a color of which each part has a template; one that is not known leaves the color unread.
func (b *builder) readsRGB() bool {
	green, ok1 := b.template("green_template")
	blue, ok2 := b.template("blue_template")
	return ok1 && ok2 && b.readsInput("state_topic", "red_template", func(red template.Value, in input, out *sink) error {
		rgb := make([]float64, 3)
		for i, t := range []*template.Template{nil, green, blue} {
			v := red
			if t != nil {
				var err error
				if v, err = t.Eval(template.Context{Document: in.doc}); err != nil || !known(v) {
					return err
				}
			}
			f, ok, err := number(v)
			if !ok {
				return err
			}
			rgb[i] = f
		}
		return out.addColor("rgb", rgb)
	})
}
