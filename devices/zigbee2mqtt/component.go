package zigbee2mqtt

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
)

// outlet is where a command goes: to the device's own topic, or as a request to its bridge, and what to publish there.
type outlet struct {
	request       string // below the bridge's requests, empty for what is set
	key, endpoint string // of what is set
	body          func(v devices.Value) (string, error)
}

// schema is what a device's exposes mean: components, and how their properties are read and written.
type schema struct {
	components []devices.Component
	fields     map[string][]*reader // by the key in the device's JSON
	outlets    map[devices.Ref]outlet
	gets       []string    // keys to get, those first that tell the state of what people use daily
	fade       devices.Ref // how long the changes of its light take, if that can be set
	// shape are the readers of the keys of the state that came last, in its order: the next one mostly looks the same.
	shape [][]*reader
}

// maxGets is how many keys a device is asked for at once.
const maxGets = 64

// maxShape is how many keys of a state are remembered by their place.
const maxShape = 64

// readers are those of a key at a place of a state.
func (s *schema) readers(at int, key literal) []*reader {
	if at < len(s.shape) && !key.escaped {
		if list := s.shape[at]; len(list) > 0 && list[0].key == string(key.raw) {
			return list
		}
	}
	list := s.fields[string(key.raw)]
	if key.escaped {
		list = s.fields[key.String()]
	}
	if at < maxShape && (len(list) == 0 || list[0].key == string(key.raw)) {
		for len(s.shape) <= at {
			s.shape = append(s.shape, nil)
		}
		s.shape[at] = list
	}
	return list
}

// builder makes a schema.
type builder struct {
	schema
	about  about
	parts  []*part
	lights map[string]*part // by endpoint
	made   map[[2]string]bool
}

// part is a component in the making.
type part struct {
	*builder
	devices.Component
}

// about is what matters of a device beside its exposes.
type about struct {
	// update is the address of a device whose firmware Zigbee2MQTT can replace, else empty.
	update string
	// fade is the address of a device that has the option for how long its changes take, else empty.
	fade string
	// valve: its switches open and close a pipe.
	valve bool
	// group: every question goes to all members, so that only what is necessary is asked.
	group bool
}

// build makes the schema of a device's exposes.
func build(exposes []expose, about about) schema {
	b := &builder{about: about, schema: schema{fields: map[string][]*reader{}, outlets: map[devices.Ref]outlet{}}, lights: map[string]*part{}, made: map[[2]string]bool{}}
	for i := range exposes { // the lights first, because they take in what is exposed beside them
		if exposes[i].kind == "light" {
			b.light(&exposes[i])
		}
	}
	for i := range exposes {
		e := &exposes[i]
		switch e.kind {
		case "light":
		case "switch":
			b.relay(e)
		case "cover":
			b.cover(e)
		case "lock":
			b.lock(e)
		case "fan":
			b.fan(e)
		case "climate":
			b.climate(e)
		default:
			b.generic(e)
		}
	}
	if !about.group {
		b.askRest(exposes)
	}
	if about.update != "" {
		b.update(about.update)
	}
	if about.fade != "" {
		b.addFade(about.fade)
	}
	b.gets = b.gets[:min(len(b.gets), maxGets)]
	for _, p := range b.parts {
		if len(p.Properties) > 0 {
			b.components = append(b.components, p.Component)
		}
	}
	return b.schema
}

// part begins a component. Its ID is the wished one, with a number behind it if that is taken.
func (b *builder) part(wish string, kind devices.Kind, e *expose) *part {
	base := devices.Slug(wish)
	if base == "" {
		base = devices.Slug(string(kind))
	}
	id := base
	for n := 2; slices.ContainsFunc(b.parts, func(p *part) bool { return p.ID == id }); n++ {
		suffix := "-" + strconv.Itoa(n)
		id = strings.TrimRight(base[:min(len(base), 64-len(suffix))], "-") + suffix
	}
	p := &part{b, devices.Component{ID: id, Kind: kind}}
	if e != nil {
		p.Name = e.label
		if p.Name == "" {
			p.Name = title(e.name)
		}
		if e.endpoint != "" && !strings.HasSuffix(strings.ToLower(p.Name), strings.ToLower(e.endpoint)) {
			p.Name = strings.TrimSpace(p.Name + " " + title(e.endpoint))
		}
		p.Category = categoryOf(e)
		p.Hidden = e.name == "linkquality" // as Zigbee2MQTT itself would have it
	}
	b.parts = append(b.parts, p)
	return p
}

// specific begins a component of one of the specific types: it bears its endpoint's name, or none.
func (b *builder) specific(e *expose, kind devices.Kind) *part {
	p := b.part(strings.TrimSuffix(string(kind)+"-"+e.endpoint, "-"), kind, nil)
	p.Name = title(e.endpoint)
	return p
}

// rest makes components of the features that a specific type has beside the well-known ones.
func (b *builder) rest(e *expose, known ...string) {
	for i := range e.features {
		if f := &e.features[i]; !slices.Contains(known, f.name) {
			b.generic(f)
		}
	}
}

// add gives the component a property as far as the expose's access bits go: rd reads its key, out writes it.
func (p *part) add(prop devices.Property, e *expose, rd *reader, out func(v devices.Value) (string, error)) {
	if p.Component.Property(prop.ID) != nil || prop.ID == "" {
		return
	}
	prop.Readable, prop.Settable = e.reports() && rd != nil, e.takes() && out != nil
	if !prop.Readable && !prop.Settable {
		return
	}
	ref := devices.Ref{Component: p.ID, Property: prop.ID}
	p.Properties = append(p.Properties, prop)
	if prop.Readable {
		rd.ref, rd.key = ref, e.property
		p.fields[e.property] = append(p.fields[e.property], rd)
	}
	if prop.Settable {
		p.outlets[ref] = outlet{key: e.property, endpoint: e.endpoint, body: out}
	}
}

// listen adds a reader beside the one that a property has.
func (p *part) listen(key, property string, rd *reader) {
	rd.ref, rd.key = devices.Ref{Component: p.ID, Property: property}, key
	p.fields[key] = append(p.fields[key], rd)
}

// ask notes a key to get, if the expose can be asked for.
func (b *builder) ask(e *expose) {
	if e != nil && e.answers() && !slices.Contains(b.gets, e.property) {
		b.gets = append(b.gets, e.property)
	}
}

// askRest notes all keys that can be asked for. Those of a specific type's features are keys of their own, those of a composite's are not.
func (b *builder) askRest(exposes []expose) {
	for i := range exposes {
		e := &exposes[i]
		if len(e.features) == 0 || e.kind == "composite" || e.kind == "list" {
			b.ask(e)
			continue
		}
		for j := range e.features {
			b.ask(&e.features[j])
		}
	}
}

// set is the smallest command: one key. The raw value is JSON already.
func set(key, raw string) string { return "{" + quote(key) + ":" + raw + "}" }

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// boolean is the property of a binary expose with its reader and writer.
func (p *part) boolean(id, class string, e *expose) {
	on, off := e.on, e.off
	if on.kind == none && off.kind == none {
		on, off = literal{kind: text, raw: []byte("ON")}, literal{kind: text, raw: []byte("OFF")}
	}
	opposite := false
	if class == "door" || class == "garage_door" { // a contact says true when it is closed, whichever the converter calls on
		opposite = strings.HasSuffix(e.name, "contact") && on.is("true")
	}
	rd := &reader{read: readBool, on: on.String(), off: off.String(), opposite: opposite}
	yes, no := set(e.property, on.json()), set(e.property, off.json())
	if on.kind == none {
		yes = set(e.property, "null")
	}
	p.add(devices.Property{ID: id, Datatype: devices.Bool, Class: class}, e, rd, func(v devices.Value) (string, error) {
		if v.Bool() != opposite {
			return yes, nil
		}
		return no, nil
	})
}

// numeric is the property of a numeric expose in the model's unit.
func (p *part) numeric(id, class string, e *expose) {
	unit, s := unitOf(e.unit, e.difference())
	prop := devices.Property{ID: id, Datatype: devices.Float, Class: class, Unit: unit}
	if e.low != nil {
		prop.Min = bound(s.in(*e.low))
	}
	if e.high != nil {
		prop.Max = bound(s.in(*e.high))
	}
	rd := &reader{read: readNumber, scale: s}
	if s.mired {
		rd.read, prop.Datatype = readKelvin, devices.Int
		prop.Min, prop.Max = kelvins(e)
	} else if e.step > 0 {
		prop.Step = clean(e.step * s.factor)
	}
	p.number(prop, e, rd, s.in, s.out)
}

// number is a property of numbers, some of which may have names. Both ways convert to the model's numbers and back.
func (p *part) number(prop devices.Property, e *expose, rd *reader, in, out func(f float64) float64) {
	for _, w := range e.words {
		rd.words = append(rd.words, word{theirs: w})
	}
	named := map[float64]float64{} // by the model's number, since the way back may not be exact
	for _, preset := range e.presets {
		ours := in(preset.Value)
		if _, twice := named[ours]; !twice {
			named[ours] = preset.Value
			prop.Presets = append(prop.Presets, devices.NamedValue{Name: preset.Name, Value: ours})
		}
	}
	rd.named = e.presets
	p.add(prop, e, rd, func(v devices.Value) (string, error) {
		f, ok := named[v.Float()]
		if !ok {
			f = out(v.Float())
		}
		return set(e.property, devices.FormatNumber(f)), nil
	})
}

// kelvins are the bounds of a color temperature.
func kelvins(e *expose) (low, high *float64) {
	if e.high != nil && *e.high >= 1 {
		low = bound(mired(*e.high))
	}
	if e.low != nil && *e.low >= 1 {
		high = bound(mired(*e.low))
	}
	return low, high
}

// choice is the property of an enum expose. The names translate the device's words; others are taken as they are.
func (p *part) choice(prop devices.Property, e *expose, names map[string]string) {
	rd := &reader{read: readEnum, open: true}
	raw := map[string]string{}
	prop.Datatype = devices.Enum
	for i, theirs := range e.values {
		ours, ok := names[theirs]
		if !ok {
			ours = theirs
		}
		rd.words = append(rd.words, word{theirs, ours})
		if _, twice := raw[ours]; !twice {
			raw[ours] = e.raw[i]
			prop.Choices = append(prop.Choices, ours)
		}
	}
	p.add(prop, e, rd, func(v devices.Value) (string, error) {
		r, ok := raw[v.Text()]
		if !ok {
			r = quote(v.Text())
		}
		return set(e.property, r), nil
	})
}

// anything is a property of any JSON.
func (p *part) anything(id string, e *expose) {
	p.add(devices.Property{ID: id, Datatype: devices.JSON}, e, &reader{read: readJSON}, func(v devices.Value) (string, error) {
		return set(e.property, v.Text()), nil
	})
}

// prose is a property of any text.
func (p *part) prose(id string, e *expose) {
	p.add(devices.Property{ID: id, Datatype: devices.String}, e, &reader{read: readText}, func(v devices.Value) (string, error) {
		return set(e.property, quote(v.Text())), nil
	})
}
