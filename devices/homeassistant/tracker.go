package homeassistant

import (
	"fmt"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// tracker says where something is: home, away, in a zone, or at a position that is among its attributes.
func (b *builder) tracker() {
	b.kind = devices.Tracker
	home, away, reset := b.text("payload_home", "home"), b.text("payload_not_home", "not_home"), b.text("payload_reset", "None")
	p := devices.Property{ID: devices.Place, Datatype: devices.String}
	p.Readable = b.reads("state_topic", "value_template", func(v template.Value, out *sink) error {
		switch {
		case is(v, reset):
			return nil
		case is(v, home):
			out.add(devices.Place, devices.TextValue("home"))
		case is(v, away):
			out.add(devices.Place, devices.TextValue("not_home"))
		default:
			out.add(devices.Place, devices.TextValue(v.Text()))
		}
		return nil
	})
	b.property(p)
	fixes := []struct{ key, property, unit, class string }{
		{"latitude", devices.Latitude, "°", ""},
		{"longitude", devices.Longitude, "°", ""},
		{"gps_accuracy", devices.Accuracy, "m", "distance"},
		{"battery_level", devices.Battery, "%", "battery"},
	}
	readable := b.reads("json_attributes_topic", "json_attributes_template", func(v template.Value, out *sink) error {
		v, err := object(v)
		if err != nil {
			return err
		}
		for _, of := range fixes {
			if said := v.Get(of.key); known(said) {
				f, ok := said.Number()
				if !ok {
					return expected("a number at "+of.key, said)
				}
				if err := out.float(of.property, f); err != nil {
					return fmt.Errorf("%s: %w", of.key, err)
				}
			}
		}
		return nil
	})
	for _, of := range fixes {
		b.property(devices.Property{ID: of.property, Datatype: devices.Float, Unit: of.unit, Class: of.class, Readable: readable})
	}
}

// scene is a button by another name.
func (b *builder) scene() {
	b.kind = devices.Scene
	b.act(devices.Activate, b.hears("command_topic", "command_template"), b.text("payload_on", "ON"))
}

// notify takes a text to show or to speak. It is an act: nothing says afterwards whether somebody has read it.
func (b *builder) notify() {
	b.kind = devices.Text
	if o := b.hears("command_topic", "command_template"); o != nil {
		b.property(devices.Property{ID: devices.ValueID, Datatype: devices.String, Settable: true, Momentary: true})
		b.writers[devices.ValueID] = func(v devices.Value) ([]broker.Message, error) {
			return one(o.send(v.Text(), template.Of(v.Text())))
		}
	}
}
