package devices

import (
	"fmt"
	"slices"
	"strings"
)

// Places say under which names the properties of a description stand in the description that it was merged into. A property
// without a place is not shown.
type Places map[Ref]Ref

// Merge lays a second description of the same thing under the first, which is the better one and stays as it is: what it says
// holds. The second one adds
//
//   - its identifiers and connections, and its room, manufacturer, model and firmware where the first is silent;
//   - properties that the first lacks, in the component of the same kind that has others of them, or else in a component
//     of their own. covered says that there is nothing to add, because the first is known to say all.
//
// places says where the second's properties are found in the result. Two properties are the same if people would take them
// for it: same type, and in components of the same kind the same well-known ID, or the same class and unit, or the same name; if
// several could be meant, those whose components have the same ID or name are, and then the first in order.
func Merge(first, second Device, covered bool) (merged Device, places Places) {
	merged = first.Clone()
	for _, id := range second.Identifiers {
		if !slices.Contains(merged.Identifiers, id) {
			merged.Identifiers = append(merged.Identifiers, id)
		}
	}
	for _, c := range second.Connections {
		if !slices.Contains(merged.Connections, c) {
			merged.Connections = append(merged.Connections, c)
		}
	}
	fill(&merged.Name, second.Name)
	fill(&merged.Room, second.Room)
	fill(&merged.Manufacturer, second.Manufacturer)
	fill(&merged.Model, second.Model)
	fill(&merged.Firmware, second.Firmware)
	places = Places{}
	taken := map[Ref]bool{}
	for round := range 2 { // those of the same name first
		for _, c := range second.Components {
			for _, p := range c.Properties {
				ref := Ref{c.ID, p.ID}
				if _, placed := places[ref]; placed {
					continue
				}
				if at, ok := counterpart(&first, taken, c, p, round == 0); ok {
					places[ref], taken[at] = at, true
				}
			}
		}
	}
	if !covered {
		for _, c := range second.Components {
			add(&merged, c, places)
		}
	}
	merged.Sort()
	return merged, places
}

func fill(s *string, other string) {
	if *s == "" {
		*s = other
	}
}

// counterpart finds the property of d that is the same as p of c and is not taken yet.
func counterpart(d *Device, taken map[Ref]bool, c Component, p Property, sameName bool) (at Ref, ok bool) {
	for i := range d.Components {
		k := &d.Components[i]
		if sameName != (k.ID == c.ID || k.Name != "" && Slug(k.Name) == Slug(c.Name)) {
			continue
		}
		for j := range k.Properties {
			q := &k.Properties[j]
			if at = (Ref{k.ID, q.ID}); !taken[at] && sameProperty(k.Kind, c.Kind, q, &p) {
				return at, true
			}
		}
	}
	return Ref{}, false
}

// sameProperty says whether two properties, in components of two kinds, mean the same.
func sameProperty(a, b Kind, p, q *Property) bool {
	if p.Momentary != q.Momentary || p.Settable != q.Settable && q.Settable {
		return false
	}
	if p.Datatype != q.Datatype && !(number(p) && number(q)) || number(p) && p.Unit != q.Unit {
		return false
	}
	switch {
	case p.Class != "" && p.Class == q.Class:
		return plain(a) == plain(b)
	case p.Class != "" && q.Class != "":
		return false
	case a == b || plain(a) && plain(b):
		return p.ID == q.ID || Slug(p.Name) != "" && Slug(p.Name) == Slug(q.Name)
	}
	return false
}

func number(p *Property) bool { return p.Datatype == Int || p.Datatype == Float }

// plain says of a kind that its properties are values without a role in it, so that one convention calls a component what
// another calls a sensor.
func plain(k Kind) bool {
	switch k {
	case Sensor, BinarySensor, Number, Select, Text, Other, Appliance:
		return true
	}
	return false
}

// add gives d what a component has and d lacks, and notes where it is.
func add(d *Device, c Component, places Places) {
	var lacking []Property
	home := ""
	for _, p := range c.Properties {
		at, placed := places[Ref{c.ID, p.ID}]
		switch {
		case !placed:
			lacking = append(lacking, p)
		case home == "" && d.Component(at.Component).Kind == c.Kind:
			home = at.Component
		}
	}
	if len(lacking) == 0 {
		return
	}
	into := d.Component(home)
	if into == nil {
		n := c
		n.ID, n.Properties = c.ID, nil
		for i := 2; d.Component(n.ID) != nil; i++ {
			n.ID = fmt.Sprintf("%s-%d", strings.TrimRight(c.ID[:min(len(c.ID), 60)], "-"), i)
		}
		d.Components = append(d.Components, n)
		into = &d.Components[len(d.Components)-1]
	}
	for _, p := range lacking {
		ref := Ref{c.ID, p.ID}
		for i := 2; into.Property(p.ID) != nil; i++ {
			p.ID = fmt.Sprintf("%s-%d", strings.TrimRight(ref.Property[:min(len(ref.Property), 60)], "-"), i)
		}
		into.Properties = append(into.Properties, p)
		places[ref] = Ref{into.ID, p.ID}
	}
}

// Addresses are the hardware addresses by which a device is recognised in another convention: MAC and IEEE addresses, as 12 or
// 16 hexadecimal digits in lower case, and those of Z-Wave nodes ("0xe1234567_node5"), from its connections and from identifiers that
// end in one ("zigbee2mqtt_0x00158d0001dc126a").
func (d Device) Addresses() []string {
	var out []string
	add := func(s string) {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, c := range d.Connections {
		add(address(c.Value))
		add(zwave(c.Value))
	}
	for _, id := range d.Identifiers {
		if a := address(id); a != "" {
			add(a)
		} else if a = zwave(id); a != "" {
			add(a)
		} else {
			add(address(id[strings.LastIndexAny(id, "_-/ ")+1:]))
		}
	}
	return out
}

// zwave is the address of a Z-Wave node at the end of a text, which is that of its home and its number there; empty if there is none.
func zwave(s string) string {
	i := strings.LastIndex(s, "0x")
	if i < 0 {
		return ""
	}
	home, node, ok := strings.Cut(s[i+2:], "_node")
	if !ok || home == "" || len(home) > 8 || strings.Trim(home, "0123456789abcdef") != "" ||
		node == "" || len(node) > 4 || strings.Trim(node, "0123456789") != "" {
		return ""
	}
	return s[i:]
}

// address spells a hardware address, however it is written; empty for anything else, and for those that are nobody's.
func address(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "0x")
	if len(s) > 23 { // eight bytes with colons between them
		return ""
	}
	var digits []byte
	for i := range len(s) {
		switch b := s[i]; {
		case b >= '0' && b <= '9', b >= 'a' && b <= 'f':
			digits = append(digits, b)
		case b != ':' && b != '-' && b != '.':
			return ""
		}
	}
	out := string(digits)
	if len(out) != 12 && len(out) != 16 || strings.Trim(out, "0") == "" || strings.Trim(out, "f") == "" {
		return ""
	}
	return out
}
