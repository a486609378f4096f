package simulator

import (
	"strconv"

	"home.arpa/homehub/broker"
)

// The lengths of the lists in the firmware's announcement.
const (
	tasmotaNames    = 8
	tasmotaRelays   = 32
	tasmotaSwitches = 28
	tasmotaButtons  = 32
)

// The kinds of relays in the list rl of the announcement.
const (
	relayPlain   = 1
	relayLight   = 2
	relayShutter = 3
)

// module is the name of the module or template.
func (v *tasmotaVoice) module() string {
	switch v.device.spec.Kind {
	case KindPlug:
		if len(v.relays) > 1 {
			return "Gosund SP211"
		}
		return "Athom Plug V2"
	case KindLight:
		return "Athom Bulb"
	case KindCover:
		return "Shelly 2.5"
	case KindFan:
		return "Sonoff iFan03"
	}
	return "Generic"
}

// discovery is the retained announcement (xdrv_12_discovery).
func (v *tasmotaVoice) discovery() []broker.Message {
	if v.options[19] {
		return nil
	}
	base := "tasmota/discovery/" + v.mac + "/"
	sensors := v.sensors()
	if sensors == nil {
		sensors = members("Time", v.device.now().Format(tasmotaTime))
	}
	keep := func(topic, payload string) broker.Message {
		return broker.Message{Topic: topic, Payload: []byte(payload), Retain: true}
	}
	return []broker.Message{
		keep(base+"config", v.config().String()),
		keep(base+"sensors", members("sn", sensors, "ver", 1).String()),
	}
}

func (v *tasmotaVoice) config() *ordered {
	names, relays := make([]any, tasmotaNames), make([]int, tasmotaRelays)
	for i := range max(len(v.relays), 1) {
		if i >= tasmotaNames {
			break
		}
		names[i] = v.name
		if i > 0 {
			names[i] = "Tasmota" + strconv.Itoa(i+1)
		}
	}
	for i := range v.relays {
		relays[i] = relayPlain
		switch {
		case v.shutter != nil:
			relays[i] = relayShutter
		case v.fan != nil || v.light != nil && v.light.subtype > 0:
			relays[i] = relayLight
		}
	}
	modes, words, buttons := make([]int, tasmotaSwitches), make([]any, tasmotaSwitches), make([]int, tasmotaButtons)
	for i := range modes {
		if modes[i] = -1; i < len(v.inputs) {
			modes[i], words[i] = 1, v.inputs[i].word
		}
	}
	if v.button != nil {
		buttons[0] = 1
	}
	linked, subtype, shutters, tilts := 0, 0, []int{}, [][3]int{}
	if v.light != nil {
		subtype = v.light.subtype
	}
	if subtype > 0 {
		linked = 1
	}
	if v.shutter != nil {
		shutters, tilts = []int{0}, [][3]int{{0, 0, 0}}
	}
	bit := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return members(
		"ip", v.ip(), "dn", v.name, "fn", names, "hn", v.hostname(), "mac", v.mac, "md", v.module(), "ty", 0, "if", bit(v.fan != nil),
		"ofln", "Offline", "onln", "Online", "state", v.spec.States, "sw", tasmotaVersion, "t", v.spec.Topic, "ft", v.spec.FullTopic,
		"tp", v.spec.Prefixes, "rl", relays, "swc", modes, "swn", words, "btn", buttons,
		"so", members(
			"4", bit(v.options[4]), "11", 0, "13", 0, "17", bit(v.options[17]), "20", bit(v.options[20]), "30", bit(v.options[30]), "68", 0,
			"73", bit(v.button != nil), "82", 0, "114", bit(len(v.inputs) > 0), "117", 0),
		"lk", linked, "lt_st", subtype, "bat", bit(v.device.spec.Sleeps > 0), "dslp", bit(v.device.spec.Sleeps > 0), "sho", shutters, "sht", tilts, "ver", 1)
}
