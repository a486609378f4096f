package zigbee2mqtt

import (
	"fmt"
	"slices"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// generic makes a component of a generic expose. Some converters expose one twice.
func (b *builder) generic(e *expose) {
	id := [2]string{e.kind, e.property}
	if b.made[id] {
		return
	}
	b.made[id] = true
	switch e.kind {
	case "binary":
		class := binaryClasses[e.name]
		if e.takes() {
			b.part(e.property, devices.Switch, e).boolean(devices.On, "", e)
			return
		}
		b.part(e.property, devices.BinarySensor, e).boolean(propertyID(class, devices.On), class, e)
	case "numeric":
		class := classes[e.name]
		if e.takes() {
			b.part(e.property, devices.Number, e).numeric(devices.ValueID, class, e)
			return
		}
		class = measuredClass(e)
		b.part(e.property, devices.Sensor, e).numeric(propertyID(class, devices.ValueID), class, e)
	case "enum":
		b.enum(e)
	case "text":
		if e.takes() {
			b.part(e.property, devices.Text, e).prose(devices.ValueID, e)
			return
		}
		if e.name == "action" {
			b.event(e)
			return
		}
		b.part(e.property, devices.Sensor, e).prose(devices.ValueID, e)
	case "composite":
		b.composite(e)
	default:
		b.part(e.property, devices.Other, e).anything(devices.ValueID, e)
	}
}

func (b *builder) enum(e *expose) {
	light := b.lights[e.endpoint]
	switch {
	case e.name == "action" && e.reports():
		b.event(e)
	case e.name == "effect" && e.takes() && light != nil:
		light.choice(devices.Property{ID: devices.Effect}, e, nil)
	case e.takes() && !e.reports() && len(e.values) == 1:
		p, raw := b.part(e.property, devices.Button, e), e.raw[0]
		p.add(devices.Property{ID: devices.Press, Datatype: devices.Bool, Momentary: true}, e, nil, func(v devices.Value) (string, error) {
			if !v.Bool() {
				return "", fmt.Errorf("%w: %s takes true only", devices.ErrValue, devices.Press)
			}
			return set(e.property, raw), nil
		})
	case e.takes():
		b.part(e.property, devices.Select, e).choice(devices.Property{ID: devices.Option}, e, nil)
	default:
		b.part(e.property, devices.Sensor, e).choice(devices.Property{ID: devices.ValueID, Class: "enum"}, e, nil)
	}
}

// event is what a button, a remote or a cube does.
func (b *builder) event(e *expose) {
	p := b.part(e.property, devices.EventSource, e)
	rd := &reader{read: readEnum, open: true, event: true}
	for _, v := range e.values {
		rd.words = append(rd.words, word{v, v})
	}
	p.add(devices.Property{ID: devices.EventType, Datatype: devices.Enum, Choices: e.values, Momentary: true}, e, rd, nil)
}

// composite makes one component of a composite: of its features if they are reported, else of the whole, because what is only
// told must be told at once (a siren's mode, level and duration).
func (b *builder) composite(e *expose) {
	p := b.part(e.property, devices.Other, e)
	if !e.reports() || !slices.ContainsFunc(e.features, func(f expose) bool { return f.reports() }) {
		p.anything(devices.ValueID, e)
		return
	}
	inner := &part{&builder{schema: schema{fields: map[string][]*reader{}, outlets: map[devices.Ref]outlet{}}}, devices.Component{ID: p.ID}}
	for i := range e.features {
		f := e.features[i]
		f.access &= e.access
		id := devices.Slug(f.name)
		if id == "" {
			id = devices.Slug(f.property)
		}
		switch f.kind {
		case "binary":
			inner.boolean(id, "", &f)
		case "numeric":
			inner.numeric(id, "", &f)
		case "enum":
			inner.choice(devices.Property{ID: id}, &f, nil)
		case "text":
			inner.prose(id, &f)
		default:
			inner.anything(id, &f)
		}
		if prop := inner.Component.Property(id); prop != nil && prop.Name == "" {
			prop.Name = f.label
		}
	}
	p.Properties = inner.Properties
	for ref, o := range inner.outlets {
		p.outlets[ref] = outlet{key: e.property, endpoint: e.endpoint, body: func(v devices.Value) (string, error) {
			s, err := o.body(v)
			return set(e.property, s), err
		}}
	}
	p.nest(e.property, inner.fields)
}

// nest reads the members of an object; the output mode "attribute" gives each a key of its own.
func (p *part) nest(key string, inner map[string][]*reader) {
	p.fields[key] = append(p.fields[key], &reader{key: key, read: readObject, inner: inner})
	for name, list := range inner { // they come in topics of their own, never in a state
		p.fields[key+"-"+name] = append(p.fields[key+"-"+name], list...)
	}
}

// update is the device's firmware, as Zigbee2MQTT reports it beside the exposes.
func (b *builder) update(address string) {
	p := b.part("update", devices.Update, nil)
	p.Name, p.Category = "Update", "config"
	inner := &part{&builder{schema: schema{fields: map[string][]*reader{}}}, devices.Component{ID: p.ID}}
	member := func(property, key string, datatype devices.Datatype, unit string, read func(r *reader, l literal, out *[]hub.Reported) error) {
		inner.add(devices.Property{ID: property, Datatype: datatype, Unit: unit}, &expose{property: key, access: published}, &reader{read: read, scale: same}, nil)
	}
	member(devices.Installed, "installed_version", devices.String, "", readText)
	member(devices.Latest, "latest_version", devices.String, "", readText)
	member(devices.Progress, "progress", devices.Float, "%", readNumber)
	member(devices.InProgress, "state", devices.Bool, "", func(r *reader, l literal, out *[]hub.Reported) error {
		r.add(out, devices.BoolValue(l.is("updating")))
		return nil
	})
	p.Properties = append(inner.Properties, devices.Property{ID: devices.Install, Datatype: devices.Bool, Settable: true, Momentary: true})
	p.outlets[devices.Ref{Component: p.ID, Property: devices.Install}] = outlet{
		request: "device/ota_update/update",
		body: func(v devices.Value) (string, error) {
			if !v.Bool() {
				return "", fmt.Errorf("%w: %s takes true only", devices.ErrValue, devices.Install)
			}
			return set("id", quote(address)), nil
		},
	}
	p.nest("update", inner.fields)
}
