package simulator

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

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

// powerOnBehavior adds the setting that says what the device does when it gets power.
func (n *zigbeeNode) powerOnBehavior() {
	values := []string{"off", "on", "toggle", "previous"}
	n.show(exposed("enum", "power_on_behavior", zAll, "values", values, "category", "config", "label", "Power-on behavior",
		"description", "Controls the behavior when the device is powered on after power loss"))
	n.keep("power_on_behavior", "previous", choice(values...))
}

func (n *zigbeeNode) plug() {
	n.model = zigbeeModel{"Innr", "SP 240", "Smart plug", "SP 240", "innr", true}
	on := n.device.find("switch", "on")
	n.show(grouped("switch", exposedState(zAll, "On/off state of the switch")))
	n.tell("state", switched(on), on)
	n.obey(true, zigbeeSwitch(on), "state")
	n.measure("meter", "power", "W", zTold|zGet)
	n.measure("meter", "energy", "kWh", zTold|zGet)
	n.measure("meter", "voltage", "V", zTold|zGet)
	n.powerOnBehavior()
}

func (n *zigbeeNode) motion() {
	n.model = zigbeeModel{"Philips", "9290012607", "Hue motion sensor", "SML001", "Signify Netherlands B.V.", false}
	n.sleepy = true
	p := n.device.find("motion", "occupancy")
	n.show(exposed("binary", "occupancy", zTold, "value_on", true, "value_off", false,
		"description", "Indicates whether the device detected occupancy"))
	n.tell("occupancy", func() any { return p.Read() }, p)
	n.measure("illuminance", "illuminance", "lx", zTold)
	motion, _ := n.device.thing.(*physics.Motion)
	n.show(exposed("numeric", "occupancy_timeout", zAll, "unit", "s", "value_min", 0, "value_max", 65535, "category", "config"))
	n.tell("occupancy_timeout", func() any { return motion.Hold().Seconds() }, p)
	n.obey(true, func(key string, message map[string]any) ([]*physics.Property, error) {
		f, err := zigbeeFloat(message[key])
		if err != nil || f < 0 || f > 65535 {
			return nil, fmt.Errorf("%v is not a number from 0 to 65535", message[key])
		}
		motion.SetHold(time.Duration(f * float64(time.Second)))
		return nil, nil
	}, "occupancy_timeout")
}

// contact: true is closed, as the sensor's magnet says.
func (n *zigbeeNode) contact() {
	n.model = zigbeeModel{"Aqara", "MCCGQ11LM", "Door and window sensor", "lumi.sensor_magnet.aq2", "LUMI", false}
	n.sleepy = true
	p := &n.device.parts[0].Properties[0]
	n.show(exposed("binary", "contact", zTold, "value_on", false, "value_off", true,
		"description", "Indicates if the contact is closed (= true) or open (= false)"))
	n.tell("contact", func() any { return !p.Read().(bool) }, p)
}

func (n *zigbeeNode) cover() {
	n.model = zigbeeModel{"Zemismart", "ZM25RX-08/30", "Tubular motor", "TS0601", "_TZE200_cowvfni3", true}
	state, position := n.device.find("cover", "state"), n.device.find("cover", "position")
	n.show(
		grouped("cover",
			exposed("enum", "state", zTold|zSet, "values", []string{"OPEN", "CLOSE", "STOP"}),
			exposed("numeric", "position", zAll, "unit", "%", "value_min", 0, "value_max", 100, "description", "Position of this cover")),
		exposed("enum", "moving", zTold, "values", []string{"UP", "STOP", "DOWN"}, "category", "diagnostic"),
	)
	n.tell("state", func() any {
		if position.Read().(float64) > 0 {
			return "OPEN"
		}
		return "CLOSE"
	}, state, position)
	n.tell("position", func() any { return position.Read() }, position)
	n.tell("moving", func() any {
		switch state.Read() {
		case physics.CoverOpening:
			return "UP"
		case physics.CoverClosing:
			return "DOWN"
		}
		return "STOP"
	}, state)
	n.obey(false, func(key string, message map[string]any) ([]*physics.Property, error) {
		goal, ok := map[string]string{"OPEN": physics.CoverOpen, "CLOSE": physics.CoverClosed, "STOP": physics.CoverStopped}[zigbeeWord(message[key])]
		if !ok {
			return nil, fmt.Errorf("%v is not allowed, choose between: OPEN, CLOSE, STOP", message[key])
		}
		return write(state, goal)
	}, "state")
	n.obey(true, func(key string, message map[string]any) ([]*physics.Property, error) {
		f, err := zigbeeFloat(message[key])
		if err != nil {
			return nil, err
		}
		return write(position, math.Round(f))
	}, "position")
}

// lockDevice: state is where the lock is going, lock_state where it is.
func (n *zigbeeNode) lockDevice() {
	n.model = zigbeeModel{"Danalock", "V3-BTZB", "Smart lock", "V3-BTZB", "Danalock", false}
	p := n.device.find("lock", "state")
	n.show(
		grouped("lock",
			exposed("binary", "state", zAll, "value_on", "LOCK", "value_off", "UNLOCK", "description", "State of the lock"),
			exposed("enum", "lock_state", zTold, "values", []string{"not_fully_locked", "locked", "unlocked"}, "description", "Actual state of the lock")),
		exposed("enum", "action", zTold, "values", []string{"lock", "unlock", "manual_lock", "manual_unlock"}, "category", "diagnostic"),
	)
	n.tell("state", func() any {
		if p.Goal() == physics.Locked {
			return "LOCK"
		}
		return "UNLOCK"
	}, p)
	n.tell("lock_state", func() any {
		switch p.Read() {
		case physics.Locked:
			return "locked"
		case physics.Unlocked:
			return "unlocked"
		}
		return "not_fully_locked"
	}, p)
	n.obey(true, func(key string, message map[string]any) ([]*physics.Property, error) {
		n.ordered = true
		switch zigbeeWord(message[key]) {
		case "LOCK":
			return write(p, physics.Locked)
		case "UNLOCK":
			return write(p, physics.Unlocked)
		}
		n.ordered = false
		return nil, fmt.Errorf("%v is not allowed, choose between: LOCK, UNLOCK", message[key])
	}, "state")
}

// zigbeeFanModes are the words of a fan that has modes, from off to the fourth speed.
var zigbeeFanModes = []string{"off", "low", "medium", "high", "on"}

// fan: one that swings counts its speeds, one that blows the air out has modes and, for reasons of history, a property fan_state.
func (n *zigbeeNode) fan() {
	on, speed, swings := n.device.find("fan", "on"), n.device.find("fan", "speed"), n.device.find("fan", "oscillating")
	step := func() float64 {
		if !on.Read().(bool) {
			return 0
		}
		return math.Round(speed.Read().(float64) / speed.Step)
	}
	if swings == nil {
		n.model = zigbeeModel{"Hampton Bay", "99432", "Universal wink enabled white fan", "HDC52EastwindFan", "King Of Fans, Inc.", true}
		n.show(grouped("fan",
			exposed("binary", "state", zAll, "property", "fan_state", "value_on", "ON", "value_off", "OFF"),
			exposed("enum", "mode", zAll, "property", "fan_mode", "values", zigbeeFanModes)))
		n.tell("fan_state", switched(on), on)
		n.tell("fan_mode", func() any { return zigbeeFanModes[int(step())] }, on, speed)
		n.obey(true, zigbeeSwitch(on), "fan_state")
		n.obey(true, func(key string, message map[string]any) ([]*physics.Property, error) {
			i := slices.Index(zigbeeFanModes, strings.ToLower(zigbeeWord(message[key])))
			if i < 0 {
				return nil, fmt.Errorf("%v is not allowed, choose between: %s", message[key], strings.Join(zigbeeFanModes, ", "))
			}
			touched, err := write(speed, float64(i)*speed.Step)
			return append(touched, on), err
		}, "fan_mode")
		return
	}
	n.model = zigbeeModel{"Mercator Ikuü", "SSWF01G", "AC fan controller", "TS0501", "_TZ3210_lzqq3u4r", true}
	n.show(
		grouped("fan", exposed("binary", "state", zAll, "value_on", "ON", "value_off", "OFF"),
			exposed("numeric", "speed", zAll, "value_min", 1, "value_max", 100/speed.Step)),
		exposed("binary", "oscillating", zTold|zSet, "value_on", true, "value_off", false),
	)
	n.tell("state", switched(on), on)
	n.tell("speed", func() any { return math.Max(1, math.Round(speed.Read().(float64)/speed.Step)) }, speed)
	n.tell("oscillating", func() any { return swings.Read() }, swings)
	n.obey(true, zigbeeSwitch(on), "state")
	n.obey(true, func(key string, message map[string]any) ([]*physics.Property, error) {
		f, err := zigbeeFloat(message[key])
		if err != nil {
			return nil, err
		}
		touched, err := write(speed, math.Round(f)*speed.Step)
		return append(touched, on), err
	}, "speed")
	n.obey(false, func(key string, message map[string]any) ([]*physics.Property, error) {
		v, ok := message[key].(bool)
		if !ok {
			return nil, errors.New("oscillating is true or false")
		}
		return write(swings, v)
	}, "oscillating")
}

func (n *zigbeeNode) thermostat() {
	n.model = zigbeeModel{"Danfoss", "014G2461", "Ally thermostat", "eTRV0100", "Danfoss", false}
	find := func(id string) *physics.Property { return n.device.find("climate", id) }
	mode, target, current, action, valve := find("mode"), find("target-temperature"), find("current-temperature"), find("action"),
		n.device.find("valve", "valve")
	calibration := exposed("numeric", "local_temperature_calibration", zAll, "unit", "°C", "value_min", -2.5, "value_max", 2.5, "value_step", 0.1)
	n.show(
		grouped("climate",
			exposed("numeric", "occupied_heating_setpoint", zAll, "unit", "°C", "value_min", target.Min, "value_max", target.Max, "value_step", target.Step),
			exposed("numeric", "local_temperature", zTold|zGet, "unit", "°C"),
			exposed("enum", "system_mode", zAll, "values", mode.Choices),
			exposed("enum", "running_state", zTold|zGet, "values", []string{"idle", "heat"}),
			exposed("numeric", "pi_heating_demand", zTold, "unit", "%", "value_min", 0, "value_max", 100, "label", "PI heating demand"),
			calibration),
		grouped("lock", exposed("binary", "state", zTold|zSet, "property", "child_lock", "value_on", "LOCK", "value_off", "UNLOCK",
			"description", "Enables/disables physical input on the device")),
	)
	n.tell("occupied_heating_setpoint", func() any { return target.Read() }, target)
	n.tell("local_temperature", raw(current), current)
	n.tell("system_mode", func() any { return mode.Read() }, mode)
	n.tell("running_state", func() any {
		if action.Read() == physics.ActionHeating {
			return "heat"
		}
		return "idle"
	}, action)
	n.tell("pi_heating_demand", func() any { return valve.Read() }, valve)
	n.obey(true, func(key string, message map[string]any) ([]*physics.Property, error) {
		f, err := zigbeeFloat(message[key])
		if err != nil {
			return nil, err
		}
		return write(target, f)
	}, "occupied_heating_setpoint")
	n.obey(true, func(key string, message map[string]any) ([]*physics.Property, error) {
		s, _ := message[key].(string)
		return write(mode, s)
	}, "system_mode")
	n.obey(true, nil, "local_temperature", "running_state")
	n.keep("local_temperature_calibration", 0.0, between(-2.5, 2.5))
	n.keep("child_lock", "UNLOCK", choice("LOCK", "UNLOCK"))
	n.measure("climate", "current-humidity", "%", zTold)
	last := n.exposes[len(n.exposes)-1]
	last["name"], last["property"], last["label"] = "humidity", "humidity", "Humidity"
	n.attributes[len(n.attributes)-1].name = "humidity"
}
