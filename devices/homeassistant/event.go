package homeassistant

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// event is a source of events: JSON with an event_type. What else the JSON holds, such as which button it was, are the
// event's attributes. A kept message is not an event.
func (b *builder) event() {
	b.kind = devices.EventSource
	types := b.list("event_types")
	p := devices.Property{ID: devices.EventType, Datatype: devices.Enum, Choices: types, Class: b.text("device_class", ""), Momentary: true}
	// A template that spells the whole object as a literal names all that there is.
	more := !b.has("json_attributes_topic") && !strings.Contains(b.text("value_template", ""), `"event_type"`)
	p.Readable = b.readsInput("state_topic", "value_template", func(v template.Value, in input, out *sink) error {
		if in.replayed {
			return nil
		}
		said := v
		v, err := object(v)
		if err != nil {
			return err
		}
		t := v.Get("event_type")
		if !known(t) {
			if v.Len() == 0 {
				return nil // how a template says that it was no event
			}
			return expected("a JSON object with an event_type", said)
		}
		name := t.Text()
		if len(types) > 0 {
			var err error
			if name, err = choice(t, types); err != nil {
				return err
			}
		}
		if more {
			if s, ok := v.Without("event_type").JSON(); ok {
				if value, err := devices.JSONValue(s); err == nil {
					out.add(devices.Attributes, value) // before the event, so that whoever takes it finds them
				}
			}
		}
		out.add(devices.EventType, devices.EnumValue(name))
		return nil
	})
	if more {
		b.property(devices.Property{ID: devices.Attributes, Datatype: devices.JSON, Readable: p.Readable})
	}
	b.property(p)
}

// automation is a device trigger: one payload (or any) on a topic. All triggers of one button are one component, whose
// events are their types; triggers that are called actions are one component together, whose events are their subtypes.
func (b *builder) automation() {
	b.kind = devices.EventSource
	name, source := b.text("type", "trigger"), b.text("subtype", "")
	if name == "action" || source == "" {
		name, source = source, name
	}
	if name == "" {
		name = b.text("payload", "trigger")
	}
	b.group = devices.Slug(source)
	if b.group == "" {
		b.group = "trigger"
	}
	b.name = capital(strings.ReplaceAll(source, "_", " "))
	payload, any := b.text("payload", ""), !b.has("payload")
	p := devices.Property{ID: devices.EventType, Datatype: devices.Enum, Choices: []string{name}, Momentary: true}
	p.Readable = b.readsInput("topic", "value_template", func(v template.Value, in input, out *sink) error {
		if !in.replayed && (any || is(v, payload)) {
			out.add(devices.EventType, devices.EnumValue(name))
		}
		return nil
	})
	b.property(p)
}

// capital writes a name's first letter large.
func capital(name string) string {
	r, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(r)) + name[size:]
}
