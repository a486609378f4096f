package simulator

import (
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/simulator/physics"
)

// air are the sensors of a climate sensor, or of a thermostat.
func (v *shellyVoice) air(part, temperature, humidity string) {
	warm, damp, lux := v.device.find(part, temperature), v.device.find(part, humidity), v.device.find(part, "illuminance")
	p := v.add("temperature", 0, "name", nil, "report_thr_C", 0.5, "offset_C", 0.0)
	p.tell("tC", warm, func() any { return number1(warm.Read().(float64)) })
	p.tell("tF", warm, func() any { return number1(warm.Read().(float64)*9/5 + 32) })
	p = v.add("humidity", 0, "name", nil, "report_thr", 5, "offset", 0.0)
	p.tell("rh", damp, func() any { return number1(damp.Read().(float64)) })
	if lux != nil {
		v.illuminance(lux)
	}
}

func (v *shellyVoice) illuminance(lux *physics.Property) {
	p := v.add("illuminance", 0, "name", nil, "dark_thr", 30, "bright_thr", 100)
	p.loosely("lux", lux, func() any { return lux.Read() })
	p.tell("illumination", lux, func() any {
		switch f := lux.Read().(float64); {
		case f < 30:
			return "dark"
		case f < 100:
			return "twilight"
		}
		return "bright"
	})
}

// power is where a sensor has its power from: batteries if it sleeps, else a cable.
func (v *shellyVoice) power() {
	charge := v.device.find("battery", "battery")
	p := v.add("devicepower", 0)
	p.tell("battery", charge, func() any {
		percent := charge.Read().(float64)
		return members("V", number2(4.4+percent/100*1.7), "percent", percent)
	})
	p.tell("external", nil, func() any { return members("present", v.device.spec.Sleeps == 0) })
}

// thermostat is that of a wall display. It knows no programme: what is not off heats.
func (v *shellyVoice) thermostat() {
	find := func(id string) *physics.Property { return v.device.find("climate", id) }
	mode, target, current, action := find("mode"), find("target-temperature"), find("current-temperature"), find("action")
	p := v.add("thermostat", 0, "type", "heating", "enable", true, "hysteresis", 0.5, "invert_output", false, "display_unit", "C")
	p.touched = []*physics.Property{mode, target}
	p.tell("enable", mode, func() any { return mode.Read() != physics.ModeOff })
	p.tell("target_C", target, func() any { return target.Read() })
	p.tell("current_C", current, func() any { return number1(current.Read().(float64)) })
	p.tell("output", action, func() any { return action.Read() == physics.ActionHeating })
	p.do = map[string]func(shellyParams) (any, error){"SetConfig": func(params shellyParams) (any, error) {
		raw, _ := params["config"].(map[string]any)
		if raw == nil {
			return nil, missing("config")
		}
		config := shellyParams(raw)
		enable, switches, err := config.truth("enable")
		if err != nil {
			return nil, err
		}
		to, sets, err := config.number("target_C", 5, 35)
		if err != nil {
			return nil, err
		}
		if switches {
			mode.Write(map[bool]string{true: physics.ModeHeat, false: physics.ModeOff}[enable])
		}
		if sets {
			target.Write(to)
		}
		return members("restart_required", false), nil
	}}
}

// presence is a radar that sees whether somebody is in the room.
func (v *shellyVoice) presence() {
	occupied, lux := v.device.find("motion", "occupancy"), v.device.find("illuminance", "illuminance")
	p := v.add("presencezone", 200, "name", "Room", "enable", true)
	p.tell("value", occupied, func() any { return occupied.Read() })
	p.tell("num_objects", occupied, func() any {
		if occupied.Read().(bool) {
			return 1
		}
		return 0
	})
	v.illuminance(lux)
}

// input is a switch that is on or off, or a button.
func (v *shellyVoice) input(kind string, of *physics.Property) {
	p := v.add("input", 0, "name", nil, "type", kind, "enable", true, "invert", false)
	p.tell("state", of, func() any {
		if of == nil {
			return literal("null")
		}
		return of.Read()
	})
}

// system are the components that every device has.
func (v *shellyVoice) system() {
	signal := -45 - int(v.mac[11])%30
	p := v.add("sys", -1, "device", members("name", v.name, "mac", v.mac, "fw_id", shellyBuild, "discoverable", true, "eco_mode", false),
		"location", members("tz", "Europe/Berlin", "lat", 0.0, "lon", 0.0), "cfg_rev", 10)
	p.tell("mac", nil, func() any { return v.mac })
	p.tell("restart_required", nil, func() any { return false })
	p.tell("time", nil, func() any { return v.device.now().Format("15:04") })
	p.tell("unixtime", nil, func() any { return v.device.now().Unix() })
	p.tell("uptime", nil, func() any { return int(v.device.now().Sub(v.born).Seconds()) })
	p.tell("ram_size", nil, func() any { return 260364 })
	p.tell("ram_free", nil, func() any { return 141816 })
	p.tell("cfg_rev", nil, func() any { return 10 })
	p.tell("available_updates", nil, func() any { return members() })
	if sleeps := v.device.spec.Sleeps; sleeps > 0 {
		p.tell("wakeup_reason", nil, func() any { return members("boot", v.woken, "cause", "undefined") })
		p.tell("wakeup_period", nil, func() any { return int(sleeps.Seconds()) })
	}
	p = v.add("wifi", -1, "sta", members("ssid", "home", "enable", true))
	p.tell("sta_ip", nil, func() any { return "192.168.5." + strconv.Itoa(2+int(v.mac[10])+int(v.mac[11])) })
	p.tell("status", nil, func() any { return "got ip" })
	p.tell("ssid", nil, func() any { return "home" })
	p.tell("rssi", nil, func() any { return signal })
	p = v.add("mqtt", -1, "enable", true, "client_id", v.id, "topic_prefix", v.prefix, "rpc_ntf", true, "status_ntf", v.status,
		"use_client_cert", false, "enable_rpc", true, "enable_control", true)
	p.tell("connected", nil, func() any { return true })
	p = v.add("cloud", -1, "enable", false)
	p.tell("connected", nil, func() any { return false })
	slices.SortStableFunc(v.parts, func(a, b *shellyPart) int { return strings.Compare(a.key(), b.key()) })
}
