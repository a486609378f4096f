package shelly

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

const (
	maxParts = 250 // components of one device
	maxName  = 100 // bytes of a name
)

// target is one property of one device.
type target struct {
	key string
	devices.Ref
}

// writer renders a command as a call of a method.
type writer func(v devices.Value) (method string, params map[string]any)

// path is where a value stands in a component's status: a member, or a member of a member.
type path [2]string

func pathOf(s string) path {
	a, b, _ := strings.Cut(s, ".")
	return path{a, b}
}

func (p path) in(v jsontext.Value) jsontext.Value {
	v = v.Get(p[0])
	if p[1] != "" {
		v = v.Get(p[1])
	}
	return v
}

// String is how people find it in the payload.
func (p path) String() string {
	if p[1] == "" {
		return p[0]
	}
	return p[0] + "." + p[1]
}

// bind reads one value of a component's status.
type bind struct {
	path
	target
	// read returns a value; or what it expected, when it is something else; or neither, when it says nothing.
	read func(v jsontext.Value) (value devices.Value, expected string)
	said devices.Value // what it was last
}

// part is one component of the device's own, with what was learnt of it.
type part struct {
	binds []bind
	set   []setting        // what its configuration says
	lacks []path           // what would add a property if it were reported
	press map[string]press // where events go, by the index of the button ("" for the only one)
	last  string           // the last event, so that one which arrives twice counts once
}

// setting is a value of a component's configuration, which no status repeats.
type setting struct {
	target
	value devices.Value
}

// recall takes what an older form of the same part was told.
func (p *part) recall(old *part) {
	for i := range p.binds {
		for j := range old.binds {
			if old.binds[j].target == p.binds[i].target && old.binds[j].path == p.binds[i].path {
				p.binds[i].said = old.binds[j].said
			}
		}
	}
}

// saidOf is what a property was last; zero if it is not known.
func (d *modern) saidOf(t target) devices.Value {
	for _, p := range d.parts {
		for i := range p.binds {
			if p.binds[i].target == t {
				return p.binds[i].said
			}
		}
	}
	return devices.Value{}
}

// isSetting says whether a property is one of the configuration.
func (d *modern) isSetting(t target) bool {
	for _, p := range d.parts {
		if slices.ContainsFunc(p.set, func(s setting) bool { return s.target == t }) {
			return true
		}
	}
	return false
}

// reportSettings tells what the configuration says.
func (d *modern) reportSettings(u *hub.Update) {
	for _, key := range slices.Sorted(maps.Keys(d.parts)) {
		for _, s := range d.parts[key].set {
			u.Readings = append(u.Readings, hub.Reported{Key: s.key, Ref: s.Ref, Value: s.value})
		}
	}
}

// facts are what is known of a component while it is built.
type facts struct {
	key, kind string // switch:0, switch
	id        int
	config    jsontext.Value
	attrs     jsontext.Value
	seen      map[string]bool // what its status had that was not null
}

// build makes the devices of what was learnt.
type build struct {
	units   map[string]*unit // the device itself and those behind it, by key
	parts   map[string]*part
	writers map[target]writer
	self    string
	mine    func(key string) bool // whether a device behind this one is this one's to tell
	only    map[string]bool       // the types of which the device has one component

	facts
	part *part
	unit string // the key of the unit that is being built
}

// unit is one device as it will be announced.
type unit struct {
	device devices.Device
}

// component returns a component of the current unit, which is made if it is not there.
func (b *build) component(id string, kind devices.Kind, name, category string) *devices.Component {
	d := &b.units[b.unit].device
	if c := d.Component(id); c != nil {
		if c.Name == "" {
			c.Name = name
		}
		return c
	}
	d.Components = append(d.Components, devices.Component{ID: id, Kind: kind, Name: name, Category: category})
	return &d.Components[len(d.Components)-1]
}

// own is the component that stands for the part itself.
func (b *build) own(kind devices.Kind, category string) *devices.Component {
	return b.component(devices.Slug(b.key), kind, b.name(), category)
}

// name is what people called the component, or what it is and its number if the device has several.
func (b *build) name() string {
	if name := jsontext.Clip(b.config.Get("name").Text(), maxName); name != "" {
		return name
	}
	if b.only[b.kind] {
		return ""
	}
	if b.id >= 100 { // those that were added have numbers from 200
		return fmt.Sprintf("%s %d", label(b.kind), b.id)
	}
	return fmt.Sprintf("%s %d", label(b.kind), b.id+1)
}

func label(kind string) string {
	switch kind {
	case "cct", "rgb", "rgbw", "rgbcct":
		return "Light"
	case "em", "em1", "pm1":
		return "Meter"
	case "":
		return ""
	}
	return strings.ToUpper(kind[:1]) + kind[1:]
}

// has says whether the status has something; if not, the part waits for it.
func (b *build) has(where string) bool {
	if b.seen[where] {
		return true
	}
	if p := pathOf(where); !slices.Contains(b.part.lacks, p) {
		b.part.lacks = append(b.part.lacks, p)
	}
	return false
}

// add adds a property of a component that is read at a place of the status; it returns where it went.
func (b *build) add(c *devices.Component, where string, p devices.Property, read func(v jsontext.Value) (devices.Value, string)) target {
	t := target{b.unit, devices.Ref{Component: c.ID, Property: p.ID}}
	if where != "" {
		p.Readable = true
		b.part.binds = append(b.part.binds, bind{path: pathOf(where), target: t, read: read})
	}
	if c.Property(p.ID) == nil {
		c.Properties = append(c.Properties, p)
	}
	return t
}

// optional is add for what not every device has.
func (b *build) optional(c *devices.Component, where string, p devices.Property, read func(v jsontext.Value) (devices.Value, string)) {
	if b.has(where) {
		b.add(c, where, p, read)
	}
}

// set makes a property settable.
func (b *build) set(c *devices.Component, property string, w writer) {
	p := c.Property(property)
	if p == nil {
		return
	}
	p.Settable = true
	b.writers[target{b.unit, devices.Ref{Component: c.ID, Property: property}}] = w
}

// setting adds a property that is told by the configuration, as long as that has it, and set there by a call of the component's type.
func (b *build) setting(c *devices.Component, at string, p devices.Property, kind string) {
	f, ok := b.config.Get(at).Number()
	value, err := devices.FloatValue(f)
	if !ok || err != nil {
		return
	}
	id := b.id
	p.Datatype, p.Readable = devices.Float, true
	t := b.add(c, "", p, nil)
	b.part.set = append(b.part.set, setting{t, value})
	b.set(c, p.ID, func(v devices.Value) (string, map[string]any) {
		return kind + ".SetConfig", b2(id, "config", map[string]any{at: v.Float()})
	})
}

// act adds a momentary property that is an act, which the device answers.
func (b *build) act(c *devices.Component, property, name, method string, params map[string]any) {
	c.Properties = append(c.Properties, devices.Property{ID: property, Name: name, Datatype: devices.Bool, Momentary: true, Answers: true})
	b.set(c, property, func(devices.Value) (string, map[string]any) { return method, params })
}

// with are the parameters of a call: the component's number and others.
func (b *build) with(pairs ...any) map[string]any {
	params := map[string]any{"id": b.id}
	for i := 0; i+1 < len(pairs); i += 2 {
		params[pairs[i].(string)] = pairs[i+1]
	}
	return params
}

func boolOf(v jsontext.Value) (devices.Value, string) {
	if t, ok := v.Bool(); ok {
		return devices.BoolValue(t), ""
	}
	return devices.Value{}, "true or false"
}

// floatOf reads a number and converts its unit.
func floatOf(factor float64) func(v jsontext.Value) (devices.Value, string) {
	return func(v jsontext.Value) (devices.Value, string) {
		f, ok := v.Number()
		if !ok {
			return devices.Value{}, "a number"
		}
		if factor != 1 {
			f = clean(f * factor)
		}
		out, err := devices.FloatValue(f)
		if err != nil {
			return devices.Value{}, "a number"
		}
		return out, ""
	}
}

func intOf(v jsontext.Value) (devices.Value, string) {
	f, ok := v.Number()
	if !ok || math.Abs(f) > 1<<53 {
		return devices.Value{}, "a number"
	}
	return devices.IntValue(int64(math.Round(f))), ""
}

func textOf(v jsontext.Value) (devices.Value, string) {
	if v.Kind() != jsontext.Text {
		return devices.Value{}, "a text"
	}
	return devices.TextValue(jsontext.Clip(v.Text(), 1000)), ""
}

// enumOf reads a text that is one of the choices; what is in names is called otherwise in the model.
func enumOf(choices []string, names map[string]string) func(v jsontext.Value) (devices.Value, string) {
	return func(v jsontext.Value) (devices.Value, string) {
		s := v.Text()
		if name, ok := names[s]; ok {
			s = name
		}
		i := slices.Index(choices, s)
		if v.Kind() != jsontext.Text || i < 0 {
			return devices.Value{}, "one of " + jsontext.Clip(strings.Join(choices, ", "), 200)
		}
		return devices.EnumValue(choices[i]), ""
	}
}

// clean takes away what floating point adds in the last digits.
func clean(f float64) float64 {
	out, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 12, 64), 64)
	if err != nil {
		return f
	}
	return out
}

func bound(f float64) *float64 { return &f }

func (b *build) truth(c *devices.Component, where, id, class string) {
	b.add(c, where, devices.Property{ID: id, Datatype: devices.Bool, Class: class}, boolOf)
}

// measure is a number with a unit; factor converts the device's own unit to that.
func (b *build) measure(c *devices.Component, where, id, class, unit string, factor float64) {
	b.add(c, where, devices.Property{ID: id, Datatype: devices.Float, Class: class, Unit: unit}, floatOf(factor))
}

// measured is measure for what not every device has.
func (b *build) measured(c *devices.Component, where, id, class, unit string, factor float64) {
	if b.has(where) {
		b.measure(c, where, id, class, unit, factor)
	}
}
