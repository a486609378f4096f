package simulator

import (
	"errors"
	"math"
	"strings"

	"home.arpa/homehub/simulator/physics"
)

// describe makes the device's fields, entities and commands.
func (h *haVoice) describe() {
	for i := range h.device.parts {
		part := &h.device.parts[i]
		switch part.Kind {
		case "light":
			if h.topics {
				h.basicLight(part)
			} else {
				h.jsonLight(part)
			}
		case "climate":
			h.climate(part)
		case "switch":
			h.relay(part)
		case "cover":
			h.cover(part)
		case "lock":
			h.lock(part)
		case "fan":
			h.fan(part)
		case "appliance":
			h.machine(part)
		case "binary_sensor":
			h.binary(part.ID, &part.Properties[0])
		case "event":
			h.event(part.ID, &part.Properties[0])
		default:
			for j := range part.Properties {
				h.sensor(part, &part.Properties[j])
			}
		}
	}
}

// entity adds one; the first of a device carries its name (name is null then).
func (h *haVoice) entity(key, platform, name string, config map[string]any) {
	if name != "" {
		config["name"] = name
	} else {
		config["name"] = nil
	}
	h.rename(platform, config)
	h.entities = append(h.entities, entity{key, platform, config})
}

// tell adds a field, and makes the config say where it is found.
func (h *haVoice) tell(config map[string]any, topicKey, templateKey, name string, value func() any, of ...*physics.Property) {
	h.fields = append(h.fields, field{name: name, of: of, value: h.ownWord(value)})
	switch {
	case h.topics:
		config[topicKey] = h.topic(name)
	case h.partial:
		config[topicKey], config[templateKey] = h.base, strings.TrimSuffix(template(name), " }}")+" | is_defined }}"
	default:
		config[topicKey], config[templateKey] = h.base, template(name)
	}
}

// obey adds a command topic.
func (h *haVoice) obey(config map[string]any, key, name string, do func(payload []byte) ([]*physics.Property, error)) {
	topic := h.topic(name)
	if h.topics {
		topic += "/command"
	} else {
		topic += "/set"
	}
	if name == "" {
		topic = h.base + "/set"
	}
	config[key] = topic
	h.commands[topic] = func(payload []byte) ([]*physics.Property, error) { return do(h.commonWord(payload)) }
}

// words makes a command of exact payloads.
func words(p *physics.Property, values map[string]physics.Value) func([]byte) ([]*physics.Property, error) {
	return func(payload []byte) ([]*physics.Property, error) {
		v, ok := values[string(payload)]
		if !ok {
			return nil, errors.New("the payload is not known")
		}
		return write(p, v)
	}
}

// scaled makes a command of a number.
func scaled(p *physics.Property, factor float64) func([]byte) ([]*physics.Property, error) {
	return func(payload []byte) ([]*physics.Property, error) {
		f, err := number(payload)
		if err != nil {
			return nil, err
		}
		return write(p, f*factor)
	}
}

var onOff = map[string]physics.Value{"ON": true, "OFF": false}

func switched(p *physics.Property) func() any {
	return func() any {
		if p.Read().(bool) {
			return "ON"
		}
		return "OFF"
	}
}

func upper(p *physics.Property) func() any {
	return func() any { return strings.ToUpper(p.Read().(string)) }
}

// raw is a value as it is, with the decimals that people read.
func raw(p *physics.Property) func() any {
	return func() any {
		if f, ok := p.Read().(float64); ok {
			scale := math.Pow10(places(p))
			return math.Round(f*scale)/scale + 0
		}
		return p.Read()
	}
}

// wire is a property's name in documents: door_locked. In the washing machine's document it keeps its hyphen.
func wire(id string) string { return strings.ReplaceAll(id, "-", "_") }

func (h *haVoice) sensor(part *physics.Part, p *physics.Property) {
	key := p.ID
	c := map[string]any{}
	if p.Unit != "" {
		c["unit_of_measurement"] = p.Unit
	}
	if p.Class != "" {
		c["device_class"] = p.Class
	}
	switch {
	case p.Class == "energy":
		c["state_class"] = "total_increasing"
	case p.Type == physics.Enum:
		c["options"] = p.Choices
	default:
		c["state_class"] = "measurement"
	}
	if part.ID == "battery" || part.ID == "valve" {
		c["entity_category"] = "diagnostic"
	}
	name := p.ID
	if part.ID == "meter" {
		name = "meter." + p.ID
	}
	value := raw(p)
	if p.ID == "remaining" && h.partial {
		value = func() any {
			if left := p.Read().(float64); left > 0 {
				return left
			}
			return nil // nothing runs
		}
	}
	h.tell(c, "state_topic", "value_template", wire(name), value, p)
	if p.Class == "duration" && h.whole() {
		c["value_template"] = "{{ value_json." + wire(name) + " | int }}"
	}
	h.entity(key, "sensor", p.Name, c)
}

// binary adds a yes or no. Documents say it in JSON's true and false, and a contact the way the sensors in the shops do: true
// is closed.
func (h *haVoice) binary(key string, p *physics.Property) {
	c := map[string]any{}
	if p.Class != "" {
		c["device_class"] = p.Class
	}
	switch {
	case h.topics:
		h.tell(c, "state_topic", "value_template", wire(key), switched(p), p)
	case p.Class == "door" || p.Class == "window":
		c["payload_on"], c["payload_off"] = false, true
		h.tell(c, "state_topic", "value_template", "contact", func() any { return !p.Read().(bool) }, p)
	default:
		c["payload_on"], c["payload_off"] = true, false
		h.tell(c, "state_topic", "value_template", wire(p.ID), func() any { return p.Read() }, p)
	}
	h.entity(key, "binary_sensor", p.Name, c)
}

func (h *haVoice) relay(part *physics.Part) {
	on := physics.Find(h.device.parts, part.ID, "on")
	c := map[string]any{"device_class": "outlet"}
	h.tell(c, "state_topic", "value_template", "state", switched(on), on)
	h.obey(c, "command_topic", "switch", words(on, onOff))
	h.entity(part.ID, "switch", "", c)
}

func (h *haVoice) climate(part *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find(h.device.parts, part.ID, id) }
	mode, target, current, humidity, action := find("mode"), find("target-temperature"), find("current-temperature"),
		find("current-humidity"), find("action")
	c := map[string]any{"modes": mode.Choices, "min_temp": target.Min, "max_temp": target.Max, "temp_step": target.Step}
	h.tell(c, "mode_state_topic", "mode_state_template", "mode", raw(mode), mode)
	h.tell(c, "temperature_state_topic", "temperature_state_template", "target_temperature", raw(target), target)
	h.tell(c, "current_temperature_topic", "current_temperature_template", "current_temperature", raw(current), current)
	h.tell(c, "current_humidity_topic", "current_humidity_template", "current_humidity", raw(humidity), humidity)
	h.tell(c, "action_topic", "action_template", "action", raw(action), action)
	h.obey(c, "mode_command_topic", "mode", func(payload []byte) ([]*physics.Property, error) { return write(mode, string(payload)) })
	h.obey(c, "temperature_command_topic", "target_temperature", scaled(target, 1))
	h.entity(part.ID, "climate", "", c)
}

func (h *haVoice) cover(part *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find(h.device.parts, part.ID, id) }
	state, position, stop := find("state"), find("position"), find("stop")
	c := map[string]any{"device_class": "shutter"}
	h.tell(c, "state_topic", "value_template", "state", raw(state), state)
	h.tell(c, "position_topic", "position_template", "position", raw(position), position)
	h.obey(c, "command_topic", "", func(payload []byte) ([]*physics.Property, error) {
		switch string(payload) {
		case "OPEN":
			return write(state, physics.CoverOpen)
		case "CLOSE":
			return write(state, physics.CoverClosed)
		case "STOP":
			_, err := write(stop, true)
			return []*physics.Property{state, position}, err
		}
		return nil, errors.New("the payload is not OPEN, CLOSE or STOP")
	})
	h.obey(c, "set_position_topic", "position", scaled(position, 1))
	h.entity(part.ID, "cover", "", c)
}

func (h *haVoice) lock(part *physics.Part) {
	state := physics.Find(h.device.parts, part.ID, "state")
	c := map[string]any{}
	h.tell(c, "state_topic", "value_template", "state", upper(state), state)
	h.obey(c, "command_topic", "", words(state, map[string]physics.Value{"LOCK": physics.Locked, "UNLOCK": physics.Unlocked}))
	h.entity(part.ID, "lock", "", c)
}

func (h *haVoice) fan(part *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find(h.device.parts, part.ID, id) }
	on, speed, swings := find("on"), find("speed"), find("oscillating")
	c := map[string]any{"speed_range_min": 1, "speed_range_max": 100 / speed.Step}
	h.tell(c, "state_topic", "state_value_template", "state", switched(on), on)
	h.tell(c, "percentage_state_topic", "percentage_value_template", "speed", func() any {
		return speed.Read().(float64) / speed.Step
	}, speed)
	h.obey(c, "command_topic", "", words(on, onOff))
	h.obey(c, "percentage_command_topic", "speed", func(payload []byte) ([]*physics.Property, error) {
		touched, err := scaled(speed, speed.Step)(payload)
		return append(touched, on), err
	})
	if swings != nil {
		h.tell(c, "oscillation_state_topic", "oscillation_value_template", "oscillation", func() any {
			if swings.Read().(bool) {
				return "oscillate_on"
			}
			return "oscillate_off"
		}, swings)
		h.obey(c, "oscillation_command_topic", "oscillation",
			words(swings, map[string]physics.Value{"oscillate_on": true, "oscillate_off": false}))
	}
	h.entity(part.ID, "fan", "", c)
}

// machine gives a washing machine a select, a switch, a button and sensors.
func (h *haVoice) machine(part *physics.Part) {
	find := func(id string) *physics.Property { return physics.Find(h.device.parts, part.ID, id) }
	programme, running, start, locked := find("programme"), find("running"), find("start"), find("door-locked")

	c := map[string]any{"options": programme.Choices}
	h.tell(c, "state_topic", "value_template", "programme", raw(programme), programme)
	h.obey(c, "command_topic", "programme", func(payload []byte) ([]*physics.Property, error) { return write(programme, string(payload)) })
	h.entity("programme", "select", "Programme", c)

	c = map[string]any{}
	h.tell(c, "state_topic", "value_template", "running", switched(running), running)
	h.obey(c, "command_topic", "running", words(running, onOff))
	h.entity("running", "switch", "Running", c)

	c = map[string]any{"payload_press": "START"}
	h.obey(c, "command_topic", "start", words(start, map[string]physics.Value{"START": true}))
	h.entity("start", "button", "Start", c)

	for _, id := range []string{"phase", "remaining", "power", "energy"} {
		h.sensor(part, find(id))
	}

	// For Home Assistant a lock that is on is unlocked.
	c = map[string]any{"device_class": "lock", "payload_on": "UNLOCKED", "payload_off": "LOCKED"}
	h.tell(c, "state_topic", "value_template", "door-lock", func() any {
		if locked.Read().(bool) {
			return "LOCKED"
		}
		return "UNLOCKED"
	}, locked)
	h.entity("door", "binary_sensor", "Door", c)
}

// event adds what happens and is no state; it has a topic of its own in either style, and is never kept.
func (h *haVoice) event(key string, p *physics.Property) {
	h.events = append(h.events, p)
	h.entity(key, "event", p.Name, map[string]any{
		"device_class": p.Class, "event_types": p.Choices, "state_topic": h.topic(wire(p.ID)),
	})
}
