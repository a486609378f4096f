package simulator

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/simulator/physics"
)

// describe makes the node's components: those of the thing, and those that nearly every configuration of ESPHome has.
func (e *espVoice) describe() {
	e.settings()
	for i := range e.device.parts {
		part := &e.device.parts[i]
		switch part.Kind {
		case "light":
			e.light(part)
		case "climate":
			e.climate(part)
		case "switch":
			e.onOff("switch", "", physics.Find(e.device.parts, part.ID, "on"))
		case "cover":
			e.cover(part)
		case "lock":
			e.lock(part)
		case "fan":
			e.fan(part)
		case "appliance":
			e.machine(part)
		case "binary_sensor":
			p := &part.Properties[0]
			e.onOff("binary_sensor", "", p)
		case "number":
			e.number(&part.Properties[0])
		case "event":
			p := &part.Properties[0]
			c := e.add("event", p.Name, map[string]any{"event_types": p.Choices, "device_class": p.Class}, p)
			e.tell(c, "state_topic", "state", func() string { return fmt.Sprintf(`{"event_type":"%s"}`, p.Read()) })
		default:
			for j := range part.Properties {
				e.sensor(&part.Properties[j])
			}
		}
	}
	restart := e.add("button", "Restart", map[string]any{"device_class": "restart", "entity_category": "config"})
	e.obey(restart, "command_topic", "command", espPress(func() ([]*physics.Property, error) { return nil, nil }))
	if e.device.spec.Kind == KindClimate {
		text := e.add("text", "Display message", map[string]any{"mode": "text"})
		e.tell(text, "state_topic", "state", func() string { return e.message })
		e.obey(text, "command_topic", "command", func(payload string) ([]*physics.Property, error) {
			if len(payload) > 255 {
				return nil, errors.New("value is too long: 255 characters at most")
			}
			e.message = payload
			return nil, nil
		})
	}
}

// settings adds the parts that exist in the firmware only: how strong the wireless network is, for how long the node has been
// running, and how long a motion sensor waits.
func (e *espVoice) settings() {
	sensor := func(id, name, unit, class string, every time.Duration, read func() physics.Value) {
		e.device.parts = append(e.device.parts, physics.Part{ID: id, Kind: "sensor", Name: name, Properties: []physics.Property{{
			ID: id, Name: name, Type: physics.Int, Unit: unit, Class: class, Delta: math.MaxFloat64, Every: every, Read: read,
		}}})
	}
	if motion, ok := e.device.thing.(*physics.Motion); ok {
		e.device.parts = append(e.device.parts, physics.Part{ID: "hold", Kind: "number", Name: "Hold time", Properties: []physics.Property{{
			ID: "hold-time", Name: "Hold time", Type: physics.Int, Unit: "s", Class: "duration", Min: 5, Max: 600, Step: 5,
			Read:  func() physics.Value { return motion.Hold().Seconds() },
			Write: func(v physics.Value) { motion.SetHold(time.Duration(v.(float64)) * time.Second) },
		}}})
	}
	sensor("wifi-signal", "WiFi signal", "dBm", "signal_strength", time.Minute, func() physics.Value {
		return -55 - float64(len(e.mac+e.node)%20) - math.Round(2*math.Sin(float64(e.now.Unix())/600))
	})
	sensor("uptime", "Uptime", "s", "duration", time.Minute, func() physics.Value { return math.Floor(e.now.Sub(e.born).Seconds()) })
}

// espPress makes the command of a button.
func espPress(do func() ([]*physics.Property, error)) func(string) ([]*physics.Property, error) {
	return func(payload string) ([]*physics.Property, error) {
		if payload != "PRESS" {
			return nil, fmt.Errorf("Received unknown status payload: %s", payload) //nolint:staticcheck // the firmware's own words
		}
		return do()
	}
}

// espNumber reads a number as the firmware does.
func espNumber(payload string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(payload), 32)
	if err != nil || math.IsNaN(f) {
		return 0, fmt.Errorf("Can't convert '%s' to number!", payload) //nolint:staticcheck,revive // the firmware's own words
	}
	return f, nil
}

// espDecimals is the accuracy with which the firmware writes a measurement.
func espDecimals(p *physics.Property) int {
	switch {
	case p.Type == physics.Int:
		return 0
	case p.Unit == "kWh":
		return 3
	}
	return 1
}

func (e *espVoice) sensor(p *physics.Property) {
	config := map[string]any{}
	if p.Type == physics.Enum || p.Type == physics.Bool {
		c := e.add("sensor", p.Name, config, p) // a text sensor
		e.tell(c, "state_topic", "state", func() string { return fmt.Sprint(p.Read()) })
		return
	}
	if p.Class != "" {
		config["device_class"] = p.Class
	}
	if p.Unit != "" {
		config["unit_of_measurement"] = p.Unit
	}
	config["state_class"] = "measurement"
	if p.Class == "energy" || p.ID == "uptime" {
		config["state_class"] = "total_increasing"
	}
	if p.ID == "battery" || p.ID == "uptime" || p.ID == "wifi-signal" {
		config["entity_category"] = "diagnostic"
	}
	c := e.add("sensor", p.Name, config, p)
	c.always = true
	e.tell(c, "state_topic", "state", func() string { return fixed(p.Read().(float64), espDecimals(p)) })
	c.states[0].log = func() string {
		return fmt.Sprintf("'%s': Sending state %.5f %s with %d decimals of accuracy", p.Name, p.Read(), p.Unit, espDecimals(p))
	}
}

// espSwitch reads the words that the firmware knows for on and off, in any case.
func espSwitch(p *physics.Property, on, off string) func(string) ([]*physics.Property, error) {
	return func(payload string) ([]*physics.Property, error) {
		switch {
		case strings.EqualFold(payload, on), strings.EqualFold(payload, "on"), strings.EqualFold(payload, "true"):
			return write(p, true)
		case strings.EqualFold(payload, off), strings.EqualFold(payload, "off"), strings.EqualFold(payload, "false"):
			return write(p, false)
		case strings.EqualFold(payload, "toggle"):
			return write(p, !p.Read().(bool))
		}
		return nil, fmt.Errorf("Received unknown status payload: %s", payload) //nolint:staticcheck // the firmware's own words
	}
}

// onOff adds a switch, which can be set, or a binary sensor.
func (e *espVoice) onOff(kind, name string, p *physics.Property) *espComponent {
	config := map[string]any{}
	if p.Class != "" {
		config["device_class"] = p.Class
	}
	c := e.add(kind, name, config, p)
	e.tell(c, "state_topic", "state", func() string { return switched(p)().(string) })
	c.states[0].log = func() string { return fmt.Sprintf("'%s': Sending state %s", c.title(e), switched(p)()) }
	if kind == "switch" {
		e.obey(c, "command_topic", "command", espSwitch(p, "ON", "OFF"))
	}
	return c
}

func (e *espVoice) number(p *physics.Property) {
	c := e.add("number", p.Name, map[string]any{
		"min": p.Min, "max": p.Max, "step": p.Step, "unit_of_measurement": p.Unit, "device_class": p.Class, "mode": "box",
		"entity_category": "config",
	}, p)
	e.tell(c, "state_topic", "state", func() string { return fixed(p.Read().(float64), 6) })
	e.obey(c, "command_topic", "command", func(payload string) ([]*physics.Property, error) {
		f, err := espNumber(payload)
		if err != nil {
			return nil, err
		}
		return write(p, f)
	})
}

func (e *espVoice) climate(part *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find(e.device.parts, part.ID, id) }
	mode, target, current, humidity, action := find("mode"), find("target-temperature"), find("current-temperature"),
		find("current-humidity"), find("action")
	c := e.add("climate", "", map[string]any{
		"modes": []string{"auto", "off", "heat"}, "min_temp": target.Min, "max_temp": target.Max, "temp_step": target.Step,
		"temperature_unit": "C", "min_hum": 30, "max_hum": 99,
	}, mode, target, current, humidity, action)
	e.tell(c, "mode_state_topic", "mode/state", func() string { return mode.Read().(string) })
	e.tell(c, "current_temperature_topic", "current_temperature/state", func() string { return fixed(current.Read().(float64), 1) })
	e.tell(c, "temperature_state_topic", "target_temperature/state", func() string { return fixed(target.Read().(float64), 1) })
	e.tell(c, "current_humidity_topic", "current_humidity/state", func() string { return fixed(humidity.Read().(float64), 0) })
	e.tell(c, "action_topic", "action/state", func() string { return action.Read().(string) })
	e.obey(c, "mode_command_topic", "mode/command", func(payload string) ([]*physics.Property, error) {
		return write(mode, strings.ToLower(payload))
	})
	e.obey(c, "temperature_command_topic", "target_temperature/command", func(payload string) ([]*physics.Property, error) {
		f, err := espNumber(payload)
		if err != nil {
			return nil, err
		}
		return write(target, f)
	})
}

func (e *espVoice) cover(part *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find(e.device.parts, part.ID, id) }
	state, position := find("state"), find("position")
	c := e.add("cover", "", map[string]any{"device_class": "shutter"}, state, position)
	e.tell(c, "position_topic", "position/state", func() string { return fixed(position.Read().(float64), 0) })
	e.tell(c, "state_topic", "state", func() string {
		if s := state.Read().(string); s != physics.CoverStopped {
			return s
		}
		return physics.CoverOpen // the firmware has no word for what lies between
	})
	e.obey(c, "command_topic", "command", func(payload string) ([]*physics.Property, error) {
		switch strings.ToUpper(payload) {
		case "OPEN":
			return write(state, physics.CoverOpen)
		case "CLOSE":
			return write(state, physics.CoverClosed)
		case "STOP":
			return write(state, physics.CoverStopped)
		}
		return nil, fmt.Errorf("Received unknown status payload: %s", payload) //nolint:staticcheck // the firmware's own words
	})
	e.obey(c, "set_position_topic", "position/command", func(payload string) ([]*physics.Property, error) {
		f, err := espNumber(payload)
		if err != nil {
			return nil, err
		}
		return write(position, math.Round(f))
	})
}

func (e *espVoice) lock(part *physics.Part) {
	state := physics.Find(e.device.parts, part.ID, "state")
	c := e.add("lock", "", map[string]any{}, state)
	e.tell(c, "state_topic", "state", func() string { return strings.ToUpper(state.Read().(string)) })
	e.obey(c, "command_topic", "command", func(payload string) ([]*physics.Property, error) {
		switch strings.ToUpper(payload) {
		case "LOCK":
			return write(state, physics.Locked)
		case "UNLOCK":
			return write(state, physics.Unlocked)
		}
		return nil, fmt.Errorf("Received unknown status payload: %s", payload) //nolint:staticcheck // the firmware's own words
	})
}

func (e *espVoice) fan(part *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find(e.device.parts, part.ID, id) }
	on, speed, swings := find("on"), find("speed"), find("oscillating")
	c := e.add("fan", "", map[string]any{"speed_range_max": 100 / speed.Step}, on, speed)
	e.tell(c, "state_topic", "state", func() string { return switched(on)().(string) })
	e.obey(c, "command_topic", "command", espSwitch(on, "ON", "OFF"))
	if swings != nil {
		c.of = append(c.of, swings)
		e.tell(c, "oscillation_state_topic", "oscillation/state", func() string {
			if swings.Read().(bool) {
				return "oscillate_on"
			}
			return "oscillate_off"
		})
		e.obey(c, "oscillation_command_topic", "oscillation/command", espSwitch(swings, "oscillate_on", "oscillate_off"))
	}
	e.tell(c, "percentage_state_topic", "speed_level/state", func() string { return fixed(speed.Read().(float64)/speed.Step, 0) })
	e.obey(c, "percentage_command_topic", "speed_level/command", func(payload string) ([]*physics.Property, error) {
		n, err := strconv.Atoi(payload)
		if err != nil {
			return nil, fmt.Errorf("Invalid speed level %s (int expected)", payload) //nolint:staticcheck // the firmware's own words
		}
		return write(speed, float64(n)*speed.Step)
	})
}

// machine gives a washing machine a select, a switch, a button and sensors.
func (e *espVoice) machine(part *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find(e.device.parts, part.ID, id) }
	programme, start := find("programme"), find("start")
	c := e.add("select", programme.Name, map[string]any{"options": programme.Choices}, programme)
	e.tell(c, "state_topic", "state", func() string { return programme.Read().(string) })
	e.obey(c, "command_topic", "command", func(payload string) ([]*physics.Property, error) { return write(programme, payload) })
	running := e.onOff("switch", "Running", find("running"))
	delete(running.config, "device_class") // a switch has no class for that
	button := e.add("button", start.Name, map[string]any{})
	e.obey(button, "command_topic", "command", espPress(func() ([]*physics.Property, error) { return write(start, true) }))
	for _, id := range []string{"phase", "remaining", "power", "energy"} {
		e.sensor(find(id))
	}
	// For Home Assistant a lock that is on is unlocked.
	locked := find("door-locked")
	door := e.add("binary_sensor", "Door", map[string]any{"device_class": "lock"}, locked)
	e.tell(door, "state_topic", "state", func() string {
		if locked.Read().(bool) {
			return "OFF"
		}
		return "ON"
	})
}
