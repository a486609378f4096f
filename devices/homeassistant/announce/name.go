package announce

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"home.arpa/homehub/devices"
)

// naming is what an entity is called by. Home Assistant puts the device's name before it.
type naming struct {
	component *devices.Component // nil for what is the device's own
	property  *devices.Property  // nil for a whole component
	whole     bool
	label     string
}

// name gives entities their names: that of the component without the device's, and of the property behind it. The first whole component
// without a name that is for daily use has the device's. A sensor that is called like its device class has no name, so that Home Assistant names it in the
// language of the house. Names that would be the same have the component's ID before them.
func name(d devices.Device, all []entity) {
	first := true
	counts := map[string]int{}
	for i := range all {
		e := &all[i]
		switch {
		case e.component == "" || e.naming.component == nil:
		case e.whole:
			e.label = ownName(d, e.naming.component)
			if e.label == "" && (!first || e.naming.component.Category != "") {
				e.label = words(e.naming.component.ID)
			}
			first = first && e.label != ""
		default:
			e.label = propertyName(d, e.naming.component, e.property)
		}
		counts[strings.ToLower(e.label)]++
	}
	for i := range all {
		e := &all[i]
		switch {
		case e.label == "":
			e.config["name"] = nil // the device's
		case counts[strings.ToLower(e.label)] > 1 && e.naming.component != nil:
			e.config["name"] = joined(words(e.naming.component.ID), e.label)
		case e.property != nil && strings.EqualFold(e.label, className(e.config)):
		default:
			e.config["name"] = e.label
		}
	}
}

// ownName is a component's name without the device's before it.
func ownName(d devices.Device, c *devices.Component) string {
	s := strings.TrimSpace(c.Name)
	if len(s) >= len(d.Name) && strings.EqualFold(s[:len(d.Name)], d.Name) {
		rest := s[len(d.Name):]
		if r, _ := utf8.DecodeRuneInString(rest); rest == "" || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			s = capital(strings.TrimLeft(rest, " -:_,./"))
		}
	}
	return s
}

// propertyName names a property's entity.
func propertyName(d devices.Device, c *devices.Component, p *devices.Property) string {
	own, label := ownName(d, c), strings.TrimSpace(p.Name)
	if label == "" {
		label = words(p.ID)
		switch {
		case len(c.Properties) == 1 && own != "", general[p.ID] && own != "":
			return own
		case general[p.ID]:
			return words(c.ID)
		}
	}
	return joined(own, label)
}

// general are the IDs that say nothing of what the property is about.
var general = map[string]bool{
	devices.ValueID: true, devices.On: true, devices.Option: true, devices.EventType: true, devices.Press: true, devices.State: true,
}

// joined puts a name before another, unless it says the same.
func joined(before, name string) string {
	switch {
	case before == "", strings.EqualFold(before, name), strings.HasPrefix(strings.ToLower(name), strings.ToLower(before)+" "):
		return name
	case strings.HasSuffix(strings.ToLower(before), " "+strings.ToLower(name)):
		return before
	}
	r, n := utf8.DecodeRuneInString(name)
	if next, _ := utf8.DecodeRuneInString(name[n:]); !unicode.IsUpper(next) { // not an abbreviation
		name = string(unicode.ToLower(r)) + name[n:]
	}
	return before + " " + name
}

// className is how Home Assistant calls a sensor of a device class, as far as it has the name of the class.
func className(c config) string {
	class, _ := c["device_class"].(string)
	return strings.ReplaceAll(class, "_", " ")
}

// words makes a name of an ID.
func words(id string) string { return capital(strings.ReplaceAll(id, "-", " ")) }

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}
