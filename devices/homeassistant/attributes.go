package homeassistant

import (
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// attributes adds what the device says beside the component's state. The entities of one device often name the same topic;
// then the first of them has the attributes for all, see device.rebuild.
func (b *builder) readsAttributes() {
	const topicKey, templateKey = "json_attributes_topic", "json_attributes_template"
	if !b.has(topicKey) {
		return
	}
	for _, p := range b.properties {
		if p.ID == devices.Attributes {
			return
		}
	}
	whole := !b.has(templateKey)
	readable := b.readsInput(topicKey, templateKey, func(v template.Value, in input, out *sink) error {
		if whole && !in.whole.IsZero() {
			out.add(devices.Attributes, *in.whole)
			return nil
		}
		if whole && in.doc.JSON().Kind() == template.Dict {
			v = in.doc.JSON()
		}
		v, err := object(v)
		if err != nil {
			return err
		}
		s, ok := v.JSON()
		if !ok {
			return expected("a JSON object of 64 KiB at most", v)
		}
		value, err := devices.JSONValue(s)
		if err != nil {
			return err
		}
		if whole {
			*in.whole = value
		}
		out.add(devices.Attributes, value)
		return nil
	})
	if readable {
		b.entity.attributes = [2]string{b.text(topicKey, ""), b.text(templateKey, "")}
	}
	b.property(devices.Property{ID: devices.Attributes, Datatype: devices.JSON, Readable: readable})
}
