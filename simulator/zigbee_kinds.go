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
