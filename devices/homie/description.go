package homie

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What one description may hold. A device with more is not refused: the rest is left out, aloud.
const (
	maxProperties = 1000
	maxFaults     = 20
)

// description is a $description document, checked: what is in it can be worked with.
type description struct {
	name, kind, room string
	root, parent     string // device IDs, empty for a root device
	nodes            []node // sorted by ID
	faults           []string
}

type node struct {
	id, name, kind string
	level          string     // the level of its topics where that is not its ID
	properties     []property // sorted by ID
}

func (n node) topic() string { return cmp.Or(n.level, n.id) }

// property is a property as the device describes it, in Homie's terms.
type property struct {
	id, name, unit string
	datatype       string
	settable       bool
	retained       bool
	span           span     // integer and float
	choices        []string // enum: the choices; boolean: the two labels, or none; color: the spellings
	level          string   // the level of its topic where that is not its ID
	bare           bool     // color: the spelling is not named in the payload
}

func (p property) topic() string { return cmp.Or(p.level, p.id) }

// span is the format of a number: bounds, nil when open, and step, 0 when any.
type span struct {
	min, max *float64
	step     float64
}

// readDescription reads a $description. What is wrong within a node or property leaves that out and is noted in faults
// (Homie 5, "Forward compatibility"); an error means that there is nothing to work with.
func readDescription(data []byte) (*description, error) {
	top, err := readObject(data)
	if err != nil {
		return nil, err
	}
	d := &description{}
	version, err := top.text("homie")
	switch {
	case err != nil || version == "":
		d.fault("the description does not say which version of homie it is in")
	case !strings.HasPrefix(version, "5."):
		return nil, fmt.Errorf("the description is in version %.20q of homie, not 5.x", version)
	}
	if _, ok := top["version"]; !ok {
		d.fault("the description has no version")
	}
	for _, f := range []struct {
		name string
		to   *string
	}{{"name", &d.name}, {"type", &d.kind}, {"room", &d.room}} {
		if *f.to, err = top.text(f.name); err != nil {
			d.fault(err.Error())
		}
	}
	for _, f := range []struct {
		name string
		to   *string
	}{{"root", &d.root}, {"parent", &d.parent}} {
		if *f.to, err = top.text(f.name); err != nil {
			return nil, err
		}
		if *f.to != "" && !validID(*f.to) {
			return nil, fmt.Errorf("%s %.40q is not a device ID of a-z, 0-9 and hyphens", f.name, *f.to)
		}
	}
	nodes, err := top.object("nodes")
	if err != nil {
		return nil, err
	}
	left := maxProperties
	for _, id := range slices.Sorted(maps.Keys(nodes)) {
		n, err := d.readNode(id, nodes[id], &left)
		if err != nil {
			d.fault(fmt.Sprintf("node %.40q: %v", id, err))
			continue
		}
		d.nodes = append(d.nodes, n)
	}
	return d, nil
}

func (d *description) readNode(id string, data []byte, left *int) (node, error) {
	if !validID(id) {
		return node{}, errors.New("its ID is not of a-z, 0-9 and hyphens, or longer than 64")
	}
	o, err := readObject(data)
	if err != nil {
		return node{}, err
	}
	n := node{id: id}
	if n.name, err = o.text("name"); err != nil {
		d.fault(fmt.Sprintf("node %q: %v", id, err))
	}
	if n.kind, err = o.text("type"); err != nil {
		d.fault(fmt.Sprintf("node %q: %v", id, err))
	}
	properties, err := o.object("properties")
	if err != nil {
		return node{}, err
	}
	for _, pid := range slices.Sorted(maps.Keys(properties)) {
		if *left--; *left < 0 {
			return node{}, fmt.Errorf("the device has more than %d properties", maxProperties)
		}
		p, err := readProperty(pid, properties[pid])
		if err != nil {
			d.fault(fmt.Sprintf("property %q/%.40q: %v", id, pid, err))
			continue
		}
		n.properties = append(n.properties, p)
	}
	return n, nil
}

func (d *description) fault(s string) {
	switch {
	case len(d.faults) < maxFaults:
		d.faults = append(d.faults, s)
	case len(d.faults) == maxFaults:
		d.faults = append(d.faults, "and more")
	}
}

func readProperty(id string, data []byte) (property, error) {
	p := property{id: id}
	if !validID(id) {
		return p, errors.New("its ID is not of a-z, 0-9 and hyphens, or longer than 64")
	}
	o, err := readObject(data)
	if err != nil {
		return p, err
	}
	var format string
	for _, f := range []struct {
		name string
		to   *string
	}{{"name", &p.name}, {"unit", &p.unit}, {"datatype", &p.datatype}, {"format", &format}} {
		if *f.to, err = o.text(f.name); err != nil {
			return p, err
		}
	}
	if p.settable, err = o.flag("settable", false); err != nil {
		return p, err
	}
	if p.retained, err = o.flag("retained", true); err != nil {
		return p, err
	}
	return p, p.readFormat(format)
}

func (p *property) readFormat(format string) error {
	switch p.datatype {
	case typeInteger, typeFloat:
		var err error
		p.span, err = readSpan(format, p.datatype)
		return err
	case typeEnum:
		p.choices = strings.Split(format, ",")
		return distinct(p.choices)
	case typeBoolean:
		if format == "" {
			return nil
		}
		p.choices = strings.Split(format, ",")
		if len(p.choices) != 2 {
			return fmt.Errorf("the format %.40q of a boolean must have two labels", format)
		}
		return distinct(p.choices)
	case typeColor:
		p.choices = strings.Split(format, ",")
		for _, c := range p.choices {
			if !slices.Contains(colorFormats, c) {
				return fmt.Errorf("the format %.40q of a color must list rgb, hsv or xyz", format)
			}
		}
		return distinct(p.choices)
	case typeString, typeDatetime, typeDuration, typeJSON:
		return nil // a JSON schema in format is for user interfaces
	case "":
		return errors.New("it has no datatype")
	}
	return fmt.Errorf("datatype %.40q is unknown", p.datatype)
}

func distinct(choices []string) error {
	seen := map[string]bool{}
	for _, c := range choices {
		if c == "" || seen[c] {
			return fmt.Errorf("the format %.80q has an empty or repeated value", strings.Join(choices, ","))
		}
		seen[c] = true
	}
	return nil
}

// readSpan reads [min]:[max][:step]; nothing at all means any number.
func readSpan(format, datatype string) (s span, err error) {
	if format == "" {
		return s, nil
	}
	parts := strings.Split(format, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return s, fmt.Errorf("the format %.40q is not min:max or min:max:step", format)
	}
	numbers := make([]*float64, 3)
	for i, part := range parts {
		if part == "" {
			continue
		}
		var f float64
		if datatype == typeInteger {
			var n int64
			n, err = readInteger(part)
			f = float64(n)
		} else {
			f, err = readFloat(part)
		}
		if err != nil {
			return s, fmt.Errorf("in the format %.40q: %w", format, err)
		}
		numbers[i] = &f
	}
	s.min, s.max = numbers[0], numbers[1]
	if s.min != nil && s.max != nil && *s.min > *s.max {
		return s, fmt.Errorf("in the format %.40q: the minimum is above the maximum", format)
	}
	if numbers[2] != nil {
		if s.step = *numbers[2]; s.step <= 0 {
			return s, fmt.Errorf("in the format %.40q: the step must be above 0", format)
		}
	}
	return s, nil
}

// object is a JSON object whose fields are read one by one, so that one bad field does not spoil the rest. A field that is
// null counts as absent.
type object map[string]json.RawMessage

func readObject(data []byte) (object, error) {
	var o object
	if err := json.Unmarshal(data, &o); err != nil || o == nil {
		return nil, errors.New("it is not a JSON object")
	}
	return o, nil
}

func (o object) text(name string) (s string, err error) {
	if raw, ok := o[name]; ok && json.Unmarshal(raw, &s) != nil {
		return "", fmt.Errorf("%s is not a string", name)
	}
	return s, nil
}

func (o object) flag(name string, absent bool) (b bool, err error) {
	b = absent
	if raw, ok := o[name]; ok && json.Unmarshal(raw, &b) != nil {
		return false, fmt.Errorf("%s is neither true nor false", name)
	}
	return b, nil
}

func (o object) object(name string) (inner object, err error) {
	if raw, ok := o[name]; ok && json.Unmarshal(raw, &inner) != nil {
		return nil, fmt.Errorf("%s is not a JSON object", name)
	}
	return inner, nil
}
