// Package fields makes components and readings of messages that are flat lists of named values, as gateways of sensors publish
// them: what a sensor has becomes known field by field, because each message brings only some of them.
//
// The conventions of such gateways call it. It has no I/O and no clock; a Set is used by one goroutine. How many fields a Set learns is
// bounded.
package fields

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
)

const (
	// Max is how many fields one set learns.
	Max = 64
	// MaxText is the greatest length of a text that is reported, in bytes.
	MaxText = 255
	// maxSample is the greatest length of what is kept of a field's first value, in bytes.
	maxSample = 120
)

// Meaning says what a field is in the model.
type Meaning struct {
	// Component is the ID of the component that it belongs to, Kind, Name, Category and Hidden describe that; the first field of a
	// component decides. Several fields may belong to one.
	Component string
	Kind      devices.Kind
	Name      string
	Category  string
	Hidden    bool
	// Property is the field's property, without Readable, which is set. Two fields of one component with the same ID are two ways to
	// say the same, such as a temperature in °C and in °F.
	Property devices.Property
	// Factor and Offset bring a number into the property's unit: number·Factor + Offset. A Factor of 0 means 1.
	Factor, Offset float64
	// False says that a truth is told the other way round: the field is true where the property is false.
	False bool
	// Words are the field's values of an enum, in the order of the property's Choices, where they are spelt otherwise or are numbers.
	Words []string
}

// Sensor is the meaning of a number with a device class and a unit, in the component "sensor".
func Sensor(class, unit string) Meaning {
	return Meaning{
		Component: "sensor", Kind: devices.Sensor,
		Property: devices.Property{ID: devices.Slug(class), Datatype: devices.Float, Class: class, Unit: unit},
	}
}

// Truth is the meaning of a truth with a device class, in a component of its own.
func Truth(id, class string) Meaning {
	return Meaning{
		Component: id, Kind: devices.BinarySensor, Name: Title(id),
		Property: devices.Property{ID: devices.Slug(id), Datatype: devices.Bool, Class: class},
	}
}

// Diagnostic returns the meaning with another component, for people who look after the device.
func (m Meaning) Diagnostic(component, name string) Meaning {
	m.Component, m.Name, m.Category = component, name, "diagnostic"
	return m
}

// Times returns the meaning with a factor.
func (m Meaning) Times(factor float64) Meaning {
	m.Factor = factor
	return m
}

// Named returns the meaning with another property ID, and a name made of it.
func (m Meaning) Named(id string) Meaning {
	m.Property.ID, m.Property.Name = id, Title(id)
	return m
}

// Fahrenheit returns the meaning of a temperature in °F.
func (m Meaning) Fahrenheit() Meaning {
	m.Factor, m.Offset = 5.0/9, -160.0/9
	return m
}

// Unknown is the meaning of a field that no table has: its type is that of the first value, and it is not shown unless asked for.
// ok is false for what is no single value, and for a name of which no ID can be made.
func Unknown(key string, v jsontext.Value) (m Meaning, ok bool) {
	m = Meaning{Component: "more", Kind: devices.Sensor, Name: "More", Category: "diagnostic", Hidden: true}
	m.Property = devices.Property{ID: devices.Slug(key), Name: Title(key)}
	switch v.Kind() {
	case jsontext.Number:
		m.Property.Datatype = devices.Float
	case jsontext.Bool:
		m.Property.Datatype = devices.Bool
	case jsontext.Text:
		m.Property.Datatype = devices.String
	default:
		return m, false
	}
	return m, m.Property.ID != ""
}

// Title makes a name of an ID: "wind-max" is "Wind max".
func Title(id string) string {
	s := strings.NewReplacer("-", " ", "_", " ").Replace(jsontext.Clip(id, 40))
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		s = string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// Set is what is known of one sensor's fields. The zero Set knows none.
type Set struct {
	fields  map[string]*field
	order   []string // in which they were learnt
	samples []string
}

type field struct {
	Meaning
	ref devices.Ref
}

// Learn adds a field with a sample of its value. It says whether the sensor has become more: false also when the set is full, for a field
// of another type whose property is another field's already, and for a name that is no text, which could not be kept as it is.
func (s *Set) Learn(key string, m Meaning, sample jsontext.Value) bool {
	if s.fields[key] != nil || len(s.order) >= Max || !utf8.ValidString(key) {
		return false
	}
	for _, f := range s.fields {
		if f.Component == m.Component && f.Property.ID == m.Property.ID && f.Property.Datatype != m.Property.Datatype {
			return false
		}
	}
	if s.fields == nil {
		s.fields = map[string]*field{}
	}
	raw := sample.JSON()
	if len(raw) > maxSample {
		raw = jsontext.Quote(jsontext.Clip(sample.Text(), maxSample/6))
	}
	key = strings.Clone(key)
	m.Property.Readable = true
	s.fields[key] = &field{Meaning: m, ref: devices.Ref{Component: m.Component, Property: m.Property.ID}}
	s.order = append(s.order, key)
	s.samples = append(s.samples, strings.Clone(raw))
	return true
}

// Knows says whether a field was learnt.
func (s *Set) Knows(key string) bool { return s.fields[key] != nil }

// Full says whether no more fields are learnt.
func (s *Set) Full() bool { return len(s.order) >= Max }

// Len is how many fields were learnt.
func (s *Set) Len() int { return len(s.order) }

// Samples writes the fields with their first values as members of a JSON object, in the order in which they were learnt, each with a
// comma in front: whoever reads them again learns the same.
func (s *Set) Samples(b *strings.Builder) {
	for i, key := range s.order {
		b.WriteByte(',')
		b.WriteString(jsontext.Quote(key))
		b.WriteByte(':')
		b.WriteString(s.samples[i])
	}
}

// Components are the components of all fields, sorted.
func (s *Set) Components() []devices.Component {
	var out []devices.Component
	for _, key := range s.order {
		f := s.fields[key]
		out = Put(out, devices.Component{ID: f.Component, Kind: f.Kind, Name: f.Name, Category: f.Category, Hidden: f.Hidden}, f.Property)
	}
	d := devices.Device{Components: out}
	d.Sort()
	return d.Components
}

// Put adds a property to the component with the ID of c, which is c itself if there is none yet. What is there already stays.
func Put(to []devices.Component, c devices.Component, p devices.Property) []devices.Component {
	i := slices.IndexFunc(to, func(x devices.Component) bool { return x.ID == c.ID })
	if i < 0 {
		i, to = len(to), append(to, c)
	}
	if to[i].Property(p.ID) == nil {
		to[i].Properties = append(to[i].Properties, p)
	}
	return to
}

// Momentary says whether a field is known, and tells of events.
func (s *Set) Momentary(key string) bool {
	f := s.fields[key]
	return f != nil && f.Property.Momentary
}

// Read makes a value of what a known field says. ok is false for null and for a field that is not known. The error says what was
// expected and what was got.
func (s *Set) Read(key string, v jsontext.Value) (ref devices.Ref, value devices.Value, ok bool, err error) {
	f := s.fields[key]
	if f == nil || !v.Is() {
		return devices.Ref{}, devices.Value{}, false, nil
	}
	value, want := f.value(v)
	if want != "" {
		return f.ref, value, false, errors.New("expected " + want + " at " + jsontext.Clip(key, 40) + ", got " + v.Said())
	}
	return f.ref, value, true, nil
}

// value reads a value; want is what was expected where there is none.
func (f *field) value(v jsontext.Value) (value devices.Value, want string) {
	p := &f.Property
	switch p.Datatype {
	case devices.Float, devices.Int:
		n, ok := v.Numeric()
		if !ok || v.Kind() == jsontext.Bool {
			return value, "a number"
		}
		return f.number(n)
	case devices.Bool:
		b, ok := truth(v)
		if !ok {
			return value, "true or false"
		}
		return devices.BoolValue(b != f.False), ""
	case devices.Enum:
		return f.enum(v)
	}
	if v.Kind() == jsontext.Object || v.Kind() == jsontext.List {
		return value, "one value"
	}
	s := v.Text()
	if v.Kind() != jsontext.Text {
		s = v.JSON()
	}
	return devices.TextValue(jsontext.Clip(s, MaxText)), ""
}

func (f *field) number(n float64) (value devices.Value, want string) {
	if f.Factor != 0 || f.Offset != 0 {
		factor := f.Factor
		if factor == 0 {
			factor = 1
		}
		n = math.Round((n*factor+f.Offset)*1e4) / 1e4 // a conversion is not more exact than what was measured
	}
	if f.Property.Datatype == devices.Int {
		if math.Abs(n) > 1<<53 {
			return value, "a whole number"
		}
		return devices.IntValue(int64(math.Round(n))), ""
	}
	value, err := devices.FloatValue(n)
	if err != nil {
		return value, "a number"
	}
	return value, ""
}

func (f *field) enum(v jsontext.Value) (value devices.Value, want string) {
	s := v.Text()
	if v.Kind() != jsontext.Text {
		s = v.JSON()
	}
	words := f.Words
	if words == nil {
		words = f.Property.Choices
	}
	for i, w := range words {
		if strings.EqualFold(w, s) && i < len(f.Property.Choices) {
			return devices.EnumValue(f.Property.Choices[i]), ""
		}
	}
	return value, fmt.Sprintf("one of %s", strings.Join(words, ", "))
}

// truth reads what sensors write for true and false.
func truth(v jsontext.Value) (value, ok bool) {
	if b, ok := v.Bool(); ok {
		return b, true
	}
	if n, ok := v.Number(); ok {
		return n != 0, n == 0 || n == 1
	}
	switch strings.ToLower(v.Text()) {
	case "true", "on", "1", "open", "yes":
		return true, true
	case "false", "off", "0", "closed", "no":
		return false, true
	}
	return false, false
}
