package zigbee2mqtt

import (
	"fmt"
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
)

// Bounds of what one device may announce.
const (
	maxExposes = 512
	maxChoices = 512
	maxText    = 256 // bytes of a name, a choice, a unit
)

// The bits of expose.access, as the documentation of exposes numbers them: the property is in what is published, can be set,
// and can be asked for.
const (
	published = 1 << iota
	settable
	gettable
)

// expose is one of a definition's exposes, or a feature of one.
type expose struct {
	kind     string // binary, numeric, enum, text, composite, list, or light, switch, cover, lock, climate, fan
	name     string
	property string // the key in the device's JSON
	label    string
	endpoint string
	category string
	unit     string
	access   int
	on, off  literal
	low      *float64
	high     *float64
	step     float64
	values   []string
	raw      []string             // the values as JSON
	presets  []devices.NamedValue // in the device's own numbers
	words    []string             // that stand in the place of a number
	features []expose
}

func (e *expose) reports() bool { return e.access&published != 0 }
func (e *expose) takes() bool   { return e.access&settable != 0 }
func (e *expose) answers() bool { return e.access&gettable != 0 }

// feature finds a feature by its name; nil when there is none.
func (e *expose) feature(names ...string) *expose {
	for _, name := range names {
		for i := range e.features {
			if e.features[i].name == name {
				return &e.features[i]
			}
		}
	}
	return nil
}

// bare is the expose without its endpoint, as a group has it.
func (e expose) bare() expose {
	if e.endpoint != "" {
		e.property = strings.TrimSuffix(e.property, "_"+e.endpoint)
		e.endpoint = ""
	}
	features := make([]expose, len(e.features))
	for i, f := range e.features {
		features[i] = f.bare()
	}
	e.features = features
	return e
}

// exposeReader counts the exposes, so that a device cannot have any number of them.
type exposeReader struct {
	left   int
	faults []string
}

func (r *exposeReader) fault(format string, args ...any) {
	if len(r.faults) < 8 {
		r.faults = append(r.faults, fmt.Sprintf(format, args...))
	}
}

// all reads a list of exposes. What cannot be read is left out, and the rest works all the same.
func (r *exposeReader) all(l literal) []expose {
	var out []expose
	l.items(func(v literal) {
		if r.left--; r.left < 0 {
			return
		}
		if e, ok := r.one(v); ok {
			out = append(out, e)
		}
	})
	return out
}

func (r *exposeReader) one(l literal) (expose, bool) {
	var e expose
	if l.kind != object {
		r.fault("exposes: expected an object, got %s", short(l))
		return e, false
	}
	l.each(func(key string, v literal) {
		switch key {
		case "type":
			e.kind = limited(v)
		case "name":
			e.name = limited(v)
		case "property":
			e.property = limited(v)
		case "label":
			e.label = limited(v)
		case "endpoint":
			e.endpoint = limited(v)
		case "category":
			e.category = limited(v)
		case "unit":
			e.unit = limited(v)
		case "access":
			if f, ok := v.number(); ok && f >= 0 && f <= 255 {
				e.access = int(f)
			}
		case "value_on":
			e.on = v
		case "value_off":
			e.off = v
		case "value_min":
			e.low = limit(v)
		case "value_max":
			e.high = limit(v)
		case "value_step":
			if f, ok := v.number(); ok && f > 0 {
				e.step = f
			}
		case "values":
			v.items(func(v literal) {
				if s := v.String(); len(e.values) < maxChoices && s != "" && len(s) <= maxText && (v.kind == text || v.kind == number || v.kind == boolean) {
					e.values = append(e.values, s)
					e.raw = append(e.raw, v.json())
				}
			})
		case "presets": // a list, or since a copy of it went wrong in some versions an object
			v.items(func(v literal) {
				p := v.get("value")
				f, ok := p.number()
				switch name := limited(v.get("name")); {
				case len(e.presets)+len(e.words) >= maxChoices:
				case ok && p.kind == number && name != "":
					e.presets = append(e.presets, devices.NamedValue{Name: name, Value: f})
				case p.kind == text && len(p.raw) <= maxText:
					e.words = append(e.words, p.String())
				}
			})
		case "features":
			e.features = r.all(v)
		}
	})
	switch e.category {
	case "", "config", "diagnostic":
	default:
		e.category = ""
	}
	if e.property == "" {
		e.property = e.name
	}
	if e.low != nil && e.high != nil && *e.low > *e.high {
		r.fault("%s: its greatest value is less than its least", e.property)
		e.low, e.high = nil, nil
	}
	if e.kind == "" || e.property == "" && e.features == nil {
		r.fault("exposes: one without a type or a name")
		return e, false
	}
	return e, true
}

func limit(l literal) *float64 {
	if f, ok := l.number(); ok && l.kind == number {
		return &f
	}
	return nil
}

// limited is a text of bearable length.
func limited(l literal) string {
	if l.kind == none || l.kind == object || l.kind == list {
		return ""
	}
	s := l.String()
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// short is a value as faults show it.
func short(l literal) string {
	if l.kind == none {
		return "nothing"
	}
	s := l.String()
	if l.kind == text {
		s = strconv.Quote(s)
	}
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// title makes words of a name in snake case.
func title(name string) string {
	s := strings.TrimSpace(strings.ReplaceAll(name, "_", " "))
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
