package homie

import (
	"fmt"
	"math"
	"slices"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// announcement is a description made into the model: the device, and how each of its properties is told.
type announcement struct {
	key, root string // root is the key of the root device, empty if this is one
	device    devices.Device
	bindings  []*binding
	faults    []string
	sources   []broker.Message // the messages that it was made of, as they are kept
}

// binding ties one property of the model to a topic. One topic can have two: a color carries a brightness, too.
type binding struct {
	key      string
	ref      devices.Ref
	property devices.Property
	codec    codec
	topic    string // of the value; told at topic + "/set"
	set      bool   // it is only told, never read
}

// keyOf names a device among all domains.
func keyOf(domain, id string) string { return domain + "/" + id }

// announce makes the model's view of a description in Homie 5.
func announce(domain, id string, d *description, source broker.Message) *announcement {
	source.Retain, source.Client = false, "" // so that it counts as the device's word when the hub starts from its store
	a := lay(d, keyOf(domain, id), id, domain+"/5/"+id)
	a.sources = []broker.Message{source}
	if d.root != "" && d.root != id {
		a.root = keyOf(domain, d.root)
		a.device.Via = a.root
		if d.parent != "" && d.parent != id {
			a.device.Via = keyOf(domain, d.parent)
		}
	}
	return a
}

// lay makes the model's view of what a description says in any version; base is the topic under which the device lives.
func lay(d *description, key, id, base string) *announcement {
	a := &announcement{key: key, faults: d.faults}
	a.device = devices.Device{
		ID: devices.Slug(id), Name: d.name, Room: d.room, Model: d.kind, Convention: Name,
		Identifiers: []string{base},
		Components:  make([]devices.Component, 0, len(d.nodes)),
	}
	if a.device.Name == "" {
		a.device.Name = id
	}
	for _, n := range d.nodes {
		if len(n.properties) == 0 {
			continue
		}
		b := builder{
			kind: kindOf(n, d.kind), key: a.key, node: n.id, prefix: base + "/" + n.topic() + "/",
			taken: map[string]bool{}, memory: &memory{last: shade{value: 100}},
		}
		b.build(n.properties)
		c := devices.Component{ID: n.id, Kind: b.kind, Name: n.name, Category: category(n)}
		for _, bound := range b.bindings {
			c.Properties = append(c.Properties, bound.property)
		}
		a.device.Components = append(a.device.Components, c)
		a.bindings = append(a.bindings, b.bindings...)
	}
	a.device.Sort()
	return a
}

// builder makes one component of a node.
type builder struct {
	kind              devices.Kind
	key, node, prefix string
	taken             map[string]bool // IDs in use
	memory            *memory
	bindings          []*binding
}

func (b *builder) build(properties []property) {
	given := assign(b.kind, properties)
	role := map[string]string{}
	for r, p := range given {
		role[p], b.taken[r] = r, true
	}
	for _, p := range properties {
		m := devices.Property{ID: role[p.id], Name: p.name, Readable: true, Settable: p.settable, Momentary: !p.retained}
		var c codec
		if m.ID != "" {
			c = b.known(&m, p)
		} else {
			m.ID = b.ownID(p, properties)
			c = generic(&m, p)
		}
		if _, dims := given[devices.Brightness]; dims && m.ID == devices.Brightness && b.kind == devices.Light {
			c = dimmer{c, b.memory}
		}
		b.bind(m, c, p, false)

		_, dims := given[devices.Brightness]
		_, stops := given[devices.Stop]
		switch {
		case b.kind == devices.Light && m.ID == devices.ColorHS && !dims && !slices.Equal(p.choices, []string{formatXYZ}):
			b.taken[devices.Brightness] = true
			bright := numbers(devices.Property{ID: devices.Brightness, Readable: true, Settable: p.settable}, 0, 100, "%")
			b.bind(bright, glow{tint{p.choices, b.memory, p.bare}}, p, false)
		case b.kind == devices.Cover && m.ID == devices.State && !stops && p.settable && slices.Contains(p.choices, "stop"):
			b.taken[devices.Stop] = true
			stop := devices.Property{ID: devices.Stop, Datatype: devices.Bool, Settable: true, Momentary: true}
			b.bind(stop, word("stop"), p, true)
		}
	}
}

func (b *builder) bind(m devices.Property, c codec, p property, set bool) {
	b.bindings = append(b.bindings, &binding{
		key: b.key, ref: devices.Ref{Component: b.node, Property: m.ID}, property: m, codec: c, topic: b.prefix + p.topic(), set: set,
	})
}

// ownID is the ID of a property without a role: the device class of what is measured, else the device's own name, changed
// where that has a meaning that this property does not have.
func (b *builder) ownID(p property, all []property) string {
	id := p.id
	if !p.settable {
		if class, named := classOf(p); named {
			clash := slices.ContainsFunc(all, func(o property) bool { return o.id == devices.Slug(class) && o.id != p.id })
			if slug := devices.Slug(class); !clash && !b.taken[slug] {
				id = slug
			}
		}
		if _, known := contact(p); known && !b.taken["opening"] {
			id = "opening"
		}
	}
	if slices.ContainsFunc(roles[b.kind], func(r role) bool { return r.id == id }) {
		id += "-" + p.datatype
	}
	for base, n := id, 2; b.taken[id]; n++ {
		id = fmt.Sprintf("%s-%d", base, n)
	}
	b.taken[id] = true
	return id
}

// known makes a property that has one of the kind's roles; m.ID is the role.
func (b *builder) known(m *devices.Property, p property) codec {
	switch m.ID {
	case devices.On:
		m.Datatype = devices.Bool
		if words, ok := onOff(p); ok {
			return words
		}
		return boolean{}
	case devices.Press, devices.Stop, devices.Open:
		m.Datatype, m.Readable = devices.Bool, false
		return boolean{}
	case devices.Brightness, devices.Position, devices.Tilt, devices.Speed, devices.CurrentHumidity:
		c := scaled(m, p, percent(p), devices.Float)
		if m.Min == nil && m.Max == nil && m.ID != devices.CurrentHumidity {
			m.Min, m.Max = new(0.0), new(100.0)
		}
		return c
	case devices.TargetTemperature, devices.TargetLow, devices.TargetHigh, devices.CurrentTemperature:
		return scaled(m, p, temperature(p), devices.Float)
	case devices.ColorTemperature:
		return scaled(m, p, kelvin(p), devices.Int)
	case devices.ColorHS:
		m.Datatype = devices.Color
		return tint{p.choices, b.memory, p.bare}
	case devices.State, devices.Mode, devices.Action, devices.Direction:
		return chosen(m, p, b.kind)
	}
	return generic(m, p)
}

// chosen makes a well-known enum: its choices get the model's names.
func chosen(m *devices.Property, p property, kind devices.Kind) codec {
	m.Datatype = devices.Enum
	known := names(kind, m.ID)
	wanted := map[devices.Kind][]string{devices.Cover: {"open", "closed"}, devices.Lock: {"unlocked", "locked"}}[kind]
	if p.datatype == typeBoolean {
		c := twofold{"unlocked", "locked"}
		if len(p.choices) == 2 && known[folded(p.choices[0])] != "" && known[folded(p.choices[1])] != "" {
			c = twofold{known[folded(p.choices[0])], known[folded(p.choices[1])]}
		}
		m.Choices = []string{c.no, c.yes}
		return c
	}
	c := choice{p.choices, map[string]string{}, map[string]string{}}
	for _, raw := range p.choices {
		name := raw
		if n, ok := known[folded(raw)]; ok {
			name = n
			c.known[raw] = n
		}
		if !slices.Contains(m.Choices, name) {
			m.Choices = append(m.Choices, name)
			c.told[name] = raw
		} else if raw == name {
			c.told[name] = raw
		}
	}
	for _, name := range m.Choices { // the order beats the state's name wherever it stands in the list
		if order := orders[name]; p.settable && slices.Contains(p.choices, order) {
			c.told[name] = order
		}
	}
	if p.settable && wanted != nil {
		for _, w := range wanted {
			if slices.Contains(m.Choices, w) {
				m.Wanted = append(m.Wanted, w)
			}
		}
		if len(m.Wanted) == len(m.Choices) {
			m.Wanted = nil
		}
	}
	return c
}

// generic makes a property that means what the device says, in the model's units.
func generic(m *devices.Property, p property) codec {
	m.Class, _ = classOf(p)
	switch p.datatype {
	case typeInteger, typeFloat:
		c := convert(p)
		if p.datatype == typeInteger && c.whole() {
			return scaled(m, p, c, devices.Int)
		}
		return scaled(m, p, c, devices.Float)
	case typeBoolean:
		m.Datatype = devices.Bool
		inverted, known := contact(p)
		if known {
			m.Class = "opening"
		}
		return boolean{inverted}
	case typeEnum:
		m.Datatype, m.Choices = devices.Enum, p.choices
		return choice{choices: p.choices}
	case typeColor:
		m.Datatype = devices.Color
		return tint{p.choices, &memory{last: shade{value: 100}}, p.bare}
	case typeDuration:
		m.Datatype, m.Unit, m.Min = devices.Float, "s", new(0.0)
		return duration{}
	case typeJSON:
		m.Datatype = devices.JSON
		return plain{json: true, check: checkJSON}
	case typeDatetime:
		m.Datatype = devices.String
		return plain{check: checkDatetime}
	}
	m.Datatype = devices.String
	return plain{}
}

// scaled makes a number under a conversion.
func scaled(m *devices.Property, p property, c conversion, datatype devices.Datatype) codec {
	m.Datatype, m.Unit = datatype, c.unit
	whole := datatype == devices.Int
	bound := func(f *float64) *float64 {
		if f == nil || c.reciprocal && *f == 0 {
			return nil
		}
		v := c.up(*f)
		if whole {
			v = math.Round(v)
		}
		if math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	m.Min, m.Max = bound(p.span.min), bound(p.span.max)
	if c.reciprocal {
		m.Min, m.Max = m.Max, m.Min
	} else {
		m.Step = p.span.step
		if m.Step == 0 && p.datatype == typeInteger && !whole {
			m.Step = 1
		}
		if c.factor != 0 {
			m.Step = tidy(m.Step*c.factor, 12)
		}
	}
	return number{integer: p.datatype == typeInteger, whole: whole, span: p.span, conversion: c}
}

func numbers(m devices.Property, low, high float64, unit string) devices.Property {
	m.Datatype, m.Min, m.Max, m.Unit = devices.Float, &low, &high, unit
	return m
}
