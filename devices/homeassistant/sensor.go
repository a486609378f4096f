package homeassistant

import (
	"fmt"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// builders are the components that are understood, by Home Assistant's name.
var builders = map[string]func(*builder){
	"sensor":            (*builder).sensor,
	"binary_sensor":     (*builder).binarySensor,
	"switch":            (*builder).relay,
	"light":             (*builder).light,
	"climate":           (*builder).climate,
	"cover":             (*builder).cover,
	"lock":              (*builder).lock,
	"fan":               (*builder).fan,
	"number":            (*builder).numeric,
	"select":            (*builder).selection,
	"button":            (*builder).button,
	"text":              (*builder).prose,
	"event":             (*builder).event,
	"update":            (*builder).update,
	"device_automation": (*builder).automation,
}

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
	b.property(p)
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
		b.writers[p.ID] = o.sendText(devices.Value.Text)
	}
	b.property(p)
}

// event is a source of events: JSON with an event_type. A kept message is not an event.
func (b *builder) event() {
	b.kind = devices.EventSource
	types := b.list("event_types")
	p := devices.Property{ID: devices.EventType, Datatype: devices.Enum, Choices: types, Class: b.text("device_class", ""), Momentary: true}
	p.Readable = b.readsInput("state_topic", "value_template", func(v template.Value, in input, out *sink) error {
		if in.replayed {
			return nil
		}
		if v.Kind() != template.Dict {
			v = template.ReadText(v.Text()).JSON()
		}
		t := v.Get("event_type")
		if !known(t) {
			return fmt.Errorf("reading an event: it has no event_type")
		}
		name := t.Text()
		if len(types) > 0 {
			var err error
			if name, err = choice(t, types); err != nil {
				return err
			}
		}
		out.add(devices.EventType, devices.EnumValue(name))
		return nil
	})
	b.property(p)
}

// automation is a device trigger: one payload (or any) on a topic, which is an event of its type.
func (b *builder) automation() {
	b.kind = devices.EventSource
	name := b.text("type", "trigger")
	if b.name == "" {
		b.name = strings.ReplaceAll(strings.TrimSpace(b.text("subtype", "")+" "+name), "_", " ")
	}
	payload := b.text("payload", "")
	p := devices.Property{ID: devices.EventType, Datatype: devices.Enum, Choices: []string{name}, Momentary: true}
	p.Readable = b.readsInput("topic", "value_template", func(v template.Value, in input, out *sink) error {
		if !in.replayed && (payload == "" || v.Text() == payload) {
			out.add(devices.EventType, devices.EnumValue(name))
		}
		return nil
	})
	b.property(p)
}

// update is the firmware's version and the newest one there is; installing it is not offered.
func (b *builder) update() {
	b.kind = devices.Other
	if b.category == "" {
		b.category = "diagnostic"
	}
	const installed, latest, running = "installed-version", "latest-version", "in-progress"
	state := b.reads("state_topic", "value_template", func(v template.Value, out *sink) error {
		if v.Kind() == template.String {
			if d := template.ReadText(v.Text()); d.JSON().Kind() == template.Dict {
				v = d.JSON()
			}
		}
		if v.Kind() != template.Dict {
			out.add(installed, devices.TextValue(v.Text()))
			return nil
		}
		if version := v.Get("installed_version"); known(version) {
			out.add(installed, devices.TextValue(version.Text()))
		}
		if version := v.Get("latest_version"); known(version) {
			out.add(latest, devices.TextValue(version.Text()))
		}
		if progress := v.Get("in_progress"); progress.Kind() == template.Bool {
			out.add(running, devices.BoolValue(progress.Truth()))
		}
		return nil
	})
	newest := b.readsText("latest_version_topic", "latest_version_template", latest)
	b.property(devices.Property{ID: installed, Datatype: devices.String, Readable: state})
	b.property(devices.Property{ID: latest, Datatype: devices.String, Readable: state || newest})
	b.property(devices.Property{ID: running, Datatype: devices.Bool, Readable: state})
}

// lacking says whether a list lacks an element, without regard to case.
func lacking(list []string, s string) bool {
	return !slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}
