package simulator

import (
	"math"
	"time"

	"home.arpa/homehub/simulator/physics"
)

// equip finds out what the device is sold as, and which components it has.
func (v *shellyVoice) equip(spec ShellySpec) {
	d := v.device
	switch d.spec.Kind {
	case KindPlug:
		v.model = shellyModel{"shellyplusplugs", "SNPL-00112EU", "PlusPlugS"}
		v.outlets()
	case KindLight:
		v.light(spec)
	case KindCover:
		v.model = shellyModel{"shellyplus2pm", "SNSW-102P16EU", "Plus2PM"}
		v.cover()
	case KindClimate:
		v.model = shellyModel{"shellyplusht", "SNSN-0013A", "PlusHT"}
		v.air("air", "temperature", "humidity")
		v.power()
	case KindThermostat:
		v.model = shellyModel{"shellywalldisplay", "SAWD-0A1XX10EU1", "WallDisplay"}
		v.thermostat()
		v.air("climate", "current-temperature", "current-humidity")
	case KindMotion:
		v.model = shellyModel{"shellypresenceg4", "S4SN-0U61X", "PresenceG4"}
		v.presence()
	case KindContact:
		v.model = shellyModel{"shellyplusi4", "SNSN-0024X", "PlusI4"}
		v.input("switch", &d.parts[0].Properties[0])
	case KindRemote:
		v.model = shellyModel{"shellyplusi4", "SNSN-0024X", "PlusI4"}
		v.input("button", nil)
		v.button = d.find("remote", "action")
	}
}

func (v *shellyVoice) add(kind string, id int, config ...any) *shellyPart {
	p := &shellyPart{kind: kind, id: id, config: config, source: "init"}
	v.parts = append(v.parts, p)
	return p
}

// tell adds a member to a component's status.
func (p *shellyPart) tell(name string, of *physics.Property, value func() any) {
	p.members = append(p.members, shellyMember{name: name, value: value, of: of})
}

// loosely adds a number of which small changes are not told.
func (p *shellyPart) loosely(name string, of *physics.Property, value func() any) {
	p.members = append(p.members, shellyMember{name: name, value: value, of: of, loose: true})
}

// metering adds what components that switch measure. Without a meter the load is computed from what the component does, which is told by of.
func (p *shellyPart) metering(v *shellyVoice, meter *physics.Part, of *physics.Property, watts func() float64) {
	if meter == nil {
		p.tell("apower", of, func() any { return number1(watts()) })
		p.tell("voltage", nil, func() any { return number1(230.4) })
		p.tell("current", of, func() any { return literal(fixed(watts()/230.4, 3)) })
		p.energy(v, func() float64 { return 1204.5 })
	} else {
		find := func(id string) *physics.Property { return physics.Find([]physics.Part{*meter}, meter.ID, id) }
		power, voltage, energy := find("power"), find("voltage"), find("energy")
		p.loosely("apower", power, func() any { return number1(power.Read().(float64)) })
		p.loosely("voltage", voltage, func() any { return number1(voltage.Read().(float64)) })
		p.loosely("current", power, func() any {
			return literal(fixed(power.Read().(float64)/0.95/voltage.Read().(float64), 3))
		})
		p.energy(v, func() float64 { return energy.Read().(float64) * 1000 })
	}
	p.tell("temperature", nil, func() any { return celsius(41.3) })
}

// energy adds what was counted, in watt-hours. It is told every minute, and never with something else.
func (p *shellyPart) energy(v *shellyVoice, total func() float64) {
	p.tell("aenergy", nil, func() any {
		return members("total", literal(fixed(total(), 3)), "by_minute", []float64{0, 0, 0}, "minute_ts", v.device.now().Truncate(time.Minute).Unix())
	})
}

// celsius is a temperature as the firmware says it.
func celsius(c float64) *ordered { return members("tC", number1(c), "tF", number1(c*9/5+32)) }

// outlets are the sockets of a plug, or of a strip.
func (v *shellyVoice) outlets() {
	parts := v.device.parts
	n := 0
	for i := range parts {
		if parts[i].Kind != "switch" {
			continue
		}
		on := &parts[i].Properties[0]
		p := v.add("switch", n, "name", nil, "in_mode", "follow", "initial_state", "restore_last", "auto_on", false, "auto_off", false, "power_limit", 2500)
		p.touched = []*physics.Property{on}
		p.tell("source", nil, func() any { return p.source })
		p.tell("output", on, func() any { return on.Read() })
		p.metering(v, &parts[i+1], on, nil)
		p.switched(on)
		n++
	}
	if n > 1 {
		v.model = shellyModel{"shellypro4pm", "SPSW-104PE16EU", "Pro4PM"}
	}
}

// switched gives a component what switches it on and off.
func (p *shellyPart) switched(on *physics.Property) {
	p.do = map[string]func(shellyParams) (any, error){
		"Set": func(params shellyParams) (any, error) {
			to, set, err := params.truth("on")
			switch {
			case err != nil:
				return nil, err
			case !set:
				return nil, missing("on")
			}
			was := on.Read()
			on.Write(to)
			return members("was_on", was), nil
		},
		"Toggle": func(shellyParams) (any, error) {
			was := on.Read()
			on.Write(!was.(bool))
			return members("was_on", was), nil
		},
	}
	p.plain = func(word, _ string) bool { return plainSwitch(on, word) }
}

// plainSwitch does what a plain command says.
func plainSwitch(on *physics.Property, word string) bool {
	switch word {
	case "on", "off":
		on.Write(word == "on")
	case "toggle":
		on.Write(!on.Read().(bool))
	default:
		return false
	}
	return true
}

// cover is a roller shutter. Of one that is not calibrated it is not known where it is.
func (v *shellyVoice) cover() {
	state, position, halt := v.device.find("cover", "state"), v.device.find("cover", "position"), v.device.find("cover", "stop")
	p := v.add("cover", 0, "name", nil, "motor", members("idle_power_thr", 2), "maxtime_open", 60, "maxtime_close", 60, "in_mode", "dual", "swap_inputs", false)
	p.touched = []*physics.Property{state, position}
	moving := func() bool { return state.Read() == physics.CoverOpening || state.Read() == physics.CoverClosing }
	p.tell("source", nil, func() any { return p.source })
	p.tell("state", state, func() any { return state.Read() })
	p.metering(v, nil, state, func() float64 {
		if moving() {
			return 112.5
		}
		return 0
	})
	p.tell("pos_control", nil, func() any { return !v.uncalibrated })
	p.tell("last_direction", nil, func() any {
		if state.Read() == physics.CoverClosing || state.Read() == physics.CoverClosed {
			return "close"
		}
		return "open"
	})
	if !v.uncalibrated {
		// The firmware tells where it is when it stands still.
		told := position.Read()
		p.tell("current_pos", state, func() any {
			if !moving() {
				told = position.Read()
			}
			return told
		})
		p.tell("target_pos", state, func() any {
			if !moving() {
				return nil
			}
			return position.Goal()
		})
	}
	move := func(to float64) func(shellyParams) (any, error) {
		return func(params shellyParams) (any, error) {
			if _, _, err := params.number("duration", 0.1, 300); err != nil {
				return nil, err
			}
			position.Write(to)
			return nil, nil //nolint:nilnil // the answer to it is null
		}
	}
	p.do = map[string]func(shellyParams) (any, error){
		"Open": move(100), "Close": move(0),
		"Stop": func(shellyParams) (any, error) {
			halt.Write(true)
			return nil, nil //nolint:nilnil // the answer to it is null
		},
		"GoToPosition": func(params shellyParams) (any, error) {
			pos, set, err := params.number("pos", 0, 100)
			switch {
			case err != nil:
				return nil, err
			case !set:
				return nil, missing("pos")
			case v.uncalibrated:
				return nil, shellyError{shellyPrecondition, "Cover is not calibrated!"}
			}
			position.Write(math.Round(pos))
			return nil, nil //nolint:nilnil // the answer to it is null
		},
	}
	p.plain = func(word, rest string) bool {
		switch to, ok := wholeNumber(rest, 0, 100); {
		case word == "open":
			position.Write(100.0)
		case word == "close":
			position.Write(0.0)
		case word == "stop":
			halt.Write(true)
		case word == "pos" && ok && !v.uncalibrated:
			position.Write(to)
		default:
			return false
		}
		return true
	}
}
