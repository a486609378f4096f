package devices

import "slices"

// Equal says whether two descriptions are the same; nil and empty lists are. Both must be sorted, see Sort.
func (d Device) Equal(e Device) bool {
	return d.ID == e.ID && d.Name == e.Name && d.Room == e.Room && d.Manufacturer == e.Manufacturer && d.Model == e.Model &&
		d.Firmware == e.Firmware && d.Via == e.Via && d.Wakes == e.Wakes && d.Convention == e.Convention &&
		slices.Equal(d.Identifiers, e.Identifiers) && slices.Equal(d.Connections, e.Connections) &&
		slices.EqualFunc(d.Components, e.Components, Component.equal)
}

func (c Component) equal(e Component) bool {
	return c.ID == e.ID && c.Kind == e.Kind && c.Name == e.Name && c.Category == e.Category && c.Hidden == e.Hidden &&
		slices.EqualFunc(c.Properties, e.Properties, Property.equal)
}

func (p Property) equal(e Property) bool {
	return p.ID == e.ID && p.Name == e.Name && p.Datatype == e.Datatype && p.Unit == e.Unit && p.Class == e.Class &&
		sameBound(p.Min, e.Min) && sameBound(p.Max, e.Max) && p.Step == e.Step &&
		slices.Equal(p.Choices, e.Choices) && slices.Equal(p.Wanted, e.Wanted) && slices.Equal(p.Presets, e.Presets) &&
		p.Expires == e.Expires && p.OffAfter == e.OffAfter && p.Repeats == e.Repeats && p.Toggles == e.Toggles &&
		p.Readable == e.Readable && p.Settable == e.Settable && p.Momentary == e.Momentary && p.Answers == e.Answers
}

func sameBound(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
