package homeassistant

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// classIDs are the IDs of properties whose device class is not their name: it says nothing about what is measured, or other
// conventions have one word for the same quantity. Which words mean a class is in each convention: devices/homie has its own
// table.
var classIDs = map[string]string{
	"enum":                 devices.ValueID,
	"atmospheric_pressure": "pressure",
}

// propertyID is the ID of a property named after a device class; def is for those without a class.
func propertyID(class, def string) string {
	if id, ok := classIDs[class]; ok {
		return id
	}
	if id := devices.Slug(class); id != "" {
		return id
	}
	return def
}

func (b *builder) sensor() {
	b.kind = devices.Sensor
	class, unit := b.text("device_class", ""), b.text("unit_of_measurement", "")
	id := propertyID(class, devices.ValueID)
	p := devices.Property{ID: id, Class: class}
	options := b.list("options")
	switch {
	case class == "enum" || len(options) > 0:
		p.Datatype, p.Choices = devices.Enum, options
		p.Readable = b.readsChoice("state_topic", "value_template", id, options)
	case class == "timestamp" || class == "date" || class == "" && unit == "" && !b.has("state_class") && !b.has("suggested_display_precision"):
		p.Datatype = devices.String
		p.Readable = b.readsText("state_topic", "value_template", id)
	default:
		var s scale
		p.Unit, s = unitOf(class, unit)
		p.Datatype = devices.Float
		p.Readable = b.readsNumber("state_topic", "value_template", id, s.in)
	}
	p.Expires, p.Repeats = b.expires(), b.yes("force_update")
	b.property(p)
}

// expires is after how many seconds a reading of a sensor says nothing any more; 0 when the announcement does not say.
func (b *builder) expires() float64 {
	return b.seconds("expire_after")
}

// seconds is a number of seconds in the announcement, 0 when there is none that makes sense.
func (b *builder) seconds(key string) float64 {
	if f, ok := b.number(key); ok && f > 0 && f < 1e9 {
		return f
	}
	return 0
}

// readsText is reads for any text.
func (b *builder) readsText(topicKey, templateKey, property string) bool {
	return b.reads(topicKey, templateKey, func(v template.Value, out *sink) error {
		s := v.Text()
		if k := v.Kind(); k == template.Dict || k == template.List {
			s, _ = v.JSON()
		}
		out.add(property, devices.TextValue(s))
		return nil
	})
}

func (b *builder) binarySensor() {
	b.kind = devices.BinarySensor
	class := b.text("device_class", "")
	p := devices.Property{ID: propertyID(class, devices.On), Class: class, Datatype: devices.Bool}
	p.Readable = b.readsBool("state_topic", "value_template", p.ID, b.text("payload_on", "ON"), b.text("payload_off", "OFF"))
	p.OffAfter = b.seconds("off_delay")
	p.Expires, p.Repeats = b.expires(), b.yes("force_update")
	b.property(p)
}

func (b *builder) relay() {
	b.kind = devices.Switch
	on, off := b.text("payload_on", "ON"), b.text("payload_off", "OFF")
	p := devices.Property{ID: devices.On, Class: b.text("device_class", "")}
	p.Readable = b.readsBool("state_topic", "value_template", p.ID, b.text("state_on", on), b.text("state_off", off))
	b.toggle(p, b.hears("command_topic", "command_template"), on, off)
}

func (b *builder) button() {
	b.kind = devices.Button
	b.act(devices.Press, b.hears("command_topic", "command_template"), b.text("payload_press", "PRESS"))
}

// act adds a momentary property that publishes one payload.
func (b *builder) act(property string, o *outlet, payload string) {
	if o == nil {
		return
	}
	b.property(devices.Property{ID: property, Datatype: devices.Bool, Settable: true, Momentary: true})
	b.writers[property] = func(v devices.Value) ([]broker.Message, error) {
		if !v.Bool() {
			return nil, fmt.Errorf("%w: %s takes true only", devices.ErrValue, property)
		}
		return one(o.send(payload, template.Of(payload)))
	}
}

func (b *builder) selection() {
	b.kind = devices.Select
	p := devices.Property{ID: devices.Option, Datatype: devices.Enum, Choices: b.list("options")}
	p.Readable = b.readsChoice("state_topic", "value_template", p.ID, p.Choices)
	if o := b.hears("command_topic", "command_template"); o != nil {
		p.Settable = true
		b.writers[p.ID] = o.sendText(devices.Value.Text)
	}
	b.property(p)
}

func (b *builder) numeric() {
	b.kind = devices.Number
	class := b.text("device_class", "")
	unit, s := unitOf(class, b.text("unit_of_measurement", ""))
	low, high := s.in(b.numberOr("min", 1)), s.in(b.numberOr("max", 100))
	p := devices.Property{
		ID: devices.ValueID, Datatype: devices.Float, Class: class, Unit: unit,
		Min: bound(min(low, high)), Max: bound(max(low, high)), Step: stride(b.numberOr("step", 1) * s.factor),
	}
	reset := b.text("payload_reset", "None")
	p.Readable = b.reads("state_topic", "value_template", func(v template.Value, out *sink) error {
		if is(v, reset) {
			return nil
		}
		f, ok, err := number(v)
		if !ok {
			return err
		}
		return out.float(p.ID, s.in(f))
	})
	if o := b.hears("command_topic", "command_template"); o != nil {
		p.Settable = true
		b.writers[p.ID] = o.sendNumber(s.out, "")
	}
	b.property(p)
}

func (b *builder) prose() {
	b.kind = devices.Text
	p := devices.Property{ID: devices.ValueID, Datatype: devices.String}
	p.Readable = b.readsText("state_topic", "value_template", p.ID)
	if o := b.hears("command_topic", "command_template"); o != nil {
		p.Settable = true
		send, check := o.sendText(devices.Value.Text), b.prescribed()
		b.writers[p.ID] = func(v devices.Value) ([]broker.Message, error) {
			if err := check(v.Text()); err != nil {
				return nil, err
			}
			return send(v)
		}
	}
	b.property(p)
}

// prescribed checks a text by what the announcement says of those that it takes: their length in characters, and a pattern, which is
// left to the device where it is none that Go's regular expressions understand.
func (b *builder) prescribed() func(text string) error {
	shortest, longest := int(b.numberOr("min", 0)), int(b.numberOr("max", 255))
	var pattern *regexp.Regexp
	if source := b.text("pattern", ""); len(source) <= 1000 {
		pattern, _ = regexp.Compile(`^(?:` + source + `)$`)
	}
	return func(text string) error {
		switch n := utf8.RuneCountInString(text); {
		case n < shortest || n > longest:
			return fmt.Errorf("%w: it takes %d to %d characters, not %d", devices.ErrValue, shortest, longest, n)
		case pattern != nil && b.has("pattern") && !pattern.MatchString(text):
			return fmt.Errorf("%w: it takes texts like %.100s only", devices.ErrValue, b.text("pattern", ""))
		}
		return nil
	}
}

// lacking says whether a list lacks an element, without regard to case.
func lacking(list []string, s string) bool {
	return !slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}
