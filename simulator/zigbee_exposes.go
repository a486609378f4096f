package simulator

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"home.arpa/homehub/simulator/physics"
)

// expose is one entry of a device's exposes, by which Zigbee2MQTT describes it (zigbee2mqtt.io/guide/usage/exposes.html).
type expose map[string]any

// The bits of an entry's access.
const (
	zTold = 1 << iota // it is in the state
	zSet
	zGet
	zAll = zTold | zSet | zGet
)

// exposed makes an entry; more are pairs of a key and a value.
func exposed(kind, name string, access int, more ...any) expose {
	label := strings.ReplaceAll(name, "_", " ")
	e := expose{"type": kind, "name": name, "property": name, "access": access, "label": strings.ToUpper(label[:1]) + label[1:]}
	for i := 0; i+1 < len(more); i += 2 {
		e[more[i].(string)] = more[i+1]
	}
	return e
}

func grouped(kind string, features ...expose) expose {
	return expose{"type": kind, "features": features}
}

// show adds entries to the description.
func (n *zigbeeNode) show(list ...expose) { n.exposes = append(n.exposes, list...) }

// tell adds an attribute to the state.
func (n *zigbeeNode) tell(name string, value func() any, of ...*physics.Property) {
	n.attributes = append(n.attributes, &zigbeeAttribute{name: name, of: of, value: value})
}

// obey adds a converter.
func (n *zigbeeNode) obey(gets bool, set func(key string, message map[string]any) ([]*physics.Property, error), keys ...string) {
	n.converters = append(n.converters, &zigbeeConverter{keys: keys, set: set, gets: gets})
}

// keep adds a setting that the device stores; the bridge learns it when it asks, or when it sets it.
func (n *zigbeeNode) keep(name string, first any, check func(v any) error) {
	n.kept[name] = first
	a := &zigbeeAttribute{name: name, value: func() any { return n.kept[name] }, asked: true}
	n.attributes = append(n.attributes, a)
	n.obey(true, func(key string, message map[string]any) ([]*physics.Property, error) {
		if err := check(message[key]); err != nil {
			return nil, err
		}
		n.kept[name] = message[key]
		n.read(a)
		return nil, nil
	}, name)
}

// choice checks that a value is one of some words.
func choice(words ...string) func(v any) error {
	return func(v any) error {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			return fmt.Errorf("%v is not allowed, choose between: %s", v, strings.Join(words, ", "))
		}
		return nil
	}
}

// between checks that a value is a number in a range.
func between(low, high float64) func(v any) error {
	return func(v any) error {
		if f, ok := v.(float64); !ok || f < low || f > high {
			return fmt.Errorf("%v is not a number from %v to %v", v, low, high)
		}
		return nil
	}
}

// zigbeeFloat reads a number of a command; Zigbee2MQTT takes the text of one, too.
func zigbeeFloat(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case string:
		if f, err := number([]byte(v)); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%v is not a number", v)
}

// zigbeeWord reads a word of a command, in any case.
func zigbeeWord(v any) string {
	s, _ := v.(string)
	return strings.ToUpper(s)
}

// describe makes what the bridge knows of the kind of device.
func (n *zigbeeNode) describe() {
	find := func(part, id string) *physics.Property { return n.device.find(part, id) }
	switch n.device.spec.Kind {
	case KindLight:
		n.light()
	case KindPlug:
		n.plug()
	case KindThermostat:
		n.thermostat()
	case KindCover:
		n.cover()
	case KindLock:
		n.lockDevice()
	case KindFan:
		n.fan()
	case KindClimate:
		n.model = zigbeeModel{"Aqara", "WSDCGQ11LM", "Temperature and humidity sensor", "lumi.weather", "LUMI", false}
		n.sleepy = true
		n.measure("air", "temperature", "°C", zTold)
		n.measure("air", "humidity", "%", zTold)
		if p := find("air", "pressure"); p != nil {
			n.measure("air", "pressure", "hPa", zTold)
			n.measure("air", "illuminance", "lx", zTold)
		}
	case KindMotion:
		n.motion()
	case KindContact:
		n.contact()
	case KindRemote:
		n.model = zigbeeModel{"Aqara", "WXKG11LM", "Wireless mini switch", "lumi.remote.b1acn01", "LUMI", false}
		n.sleepy = true
		n.show(exposed("enum", "action", zTold, "values", find("remote", "action").Choices, "category", "diagnostic",
			"description", "Triggered action (e.g. a button click)"))
	}
	if p := find("battery", "battery"); p != nil {
		n.battery = true
		n.show(exposed("numeric", "battery", zTold, "unit", "%", "value_min", 0, "value_max", 100, "category", "diagnostic",
			"description", "Remaining battery in %, can take up to 24 hours before reported"))
		n.tell("battery", func() any { return p.Read() }, p)
		n.show(exposed("numeric", "voltage", zTold, "unit", "mV", "category", "diagnostic"))
		n.tell("voltage", func() any { return 2500 + 5*p.Read().(float64) }, p)
	} else {
		n.model.router = true
		installed := float64(0x01000000 + n.hash%4096)
		latest := installed
		if n.number%3 == 1 { // for every third device there is a newer one
			latest += 16
		}
		n.kept["installed_version"], n.kept["latest_version"] = installed, latest
		n.tell("update", n.updateState)
	}
	n.show(exposed("numeric", "linkquality", zTold, "unit", "lqi", "value_min", 0, "value_max", 255, "category", "diagnostic",
		"description", "Link quality (signal strength)"))
}

// measure adds a number that the device reports.
func (n *zigbeeNode) measure(part, id, unit string, access int) {
	p := n.device.find(part, id)
	name := strings.ReplaceAll(id, "-", "_")
	n.show(exposed("numeric", name, access, "unit", unit, "description", "Measured "+strings.ToLower(p.Name)))
	n.tell(name, raw(p), p)
	if access&zGet != 0 {
		n.obey(true, nil, name)
	}
}

// zigbeeSwitch makes a converter's function of ON, OFF and TOGGLE.
func zigbeeSwitch(p *physics.Property) func(key string, message map[string]any) ([]*physics.Property, error) {
	return func(key string, message map[string]any) ([]*physics.Property, error) {
		switch zigbeeWord(message[key]) {
		case "ON":
			return write(p, true)
		case "OFF":
			return write(p, false)
		case "TOGGLE":
			return write(p, !p.Read().(bool))
		}
		return nil, fmt.Errorf("%v is not allowed, choose between: ON, OFF, TOGGLE", message[key])
	}
}

func exposedState(access int, description string) expose {
	return exposed("binary", "state", access, "value_on", "ON", "value_off", "OFF", "value_toggle", "TOGGLE", "description", description)
}
