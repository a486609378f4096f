package simulator

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// Tasmota is the language of devices with the firmware Tasmota.
const Tasmota = "tasmota"

// tasmotaVersion is the version that the devices claim.
const tasmotaVersion = "13.1.0.1"

// tasmotaVoice speaks as a device with Tasmota does (tasmota.github.io/docs). It tells at once what is switched, and what it
// measures every few minutes; all that is not retained, so that whoever wants to know it asks.
type tasmotaVoice struct {
	device           *device
	spec             TasmotaSpec
	mac, name        string
	cmnd, stat, tele string
	options          map[int]bool
	relays           []*physics.Property // POWER1 and so on; those of a shutter are in shutter
	light            *tasmotaLight
	shutter          *tasmotaShutter
	fan              *physics.Property // its speed
	inputs           []*tasmotaInput
	button           *physics.Property
	meters           []tasmotaMeter
	said             map[*physics.Property]physics.Value // of relays, fan: what was said last

	boots      int // how often it was started
	connects   int
	born       time.Time // zero: it has not said anything since it started
	next       time.Time // of the next telemetry
	discover   time.Time // of the next discovery; zero: none is due
	presses    int
	depth      int // of Backlogs
	restarting bool
}

// tasmotaInput is a switch input. Its word is what the firmware calls it.
type tasmotaInput struct {
	word string
	of   *physics.Property
	said physics.Value
}

func newTasmota(d *device) *tasmotaVoice {
	v := &tasmotaVoice{device: d, options: map[int]bool{}, said: map[*physics.Property]physics.Value{}}
	if d.spec.Tasmota != nil {
		v.spec = *d.spec.Tasmota
	}
	v.mac = hardware("A020A6", d.id)
	v.fill()
	v.cmnd, v.stat, v.tele = v.topics(v.spec.Topic, 0), v.topics(v.spec.Topic, 1), v.topics(v.spec.Topic, 2)
	v.equip()
	for _, p := range v.relays {
		v.said[p] = p.Read()
	}
	return v
}

// fill puts the firmware's defaults where nothing was said.
func (v *tasmotaVoice) fill() {
	s := &v.spec
	if s.Topic == "" {
		s.Topic = "tasmota_" + v.mac[6:]
	}
	if s.FullTopic == "" {
		s.FullTopic = "%prefix%/%topic%/"
	}
	if len(s.Prefixes) == 0 {
		s.Prefixes = []string{"cmnd", "stat", "tele"}
	}
	if len(s.States) == 0 {
		s.States = []string{"OFF", "ON", "TOGGLE", "HOLD"}
	}
	if s.Telemetry == 0 {
		s.Telemetry = 5 * time.Minute
	}
	for _, o := range s.Options {
		v.options[o] = true
	}
}

// topics is FullTopic with one of the prefixes, and a slash at its end.
func (v *tasmotaVoice) topics(topic string, prefix int) string {
	full := strings.NewReplacer(
		"%prefix%", v.spec.Prefixes[prefix], "%topic%", topic, "%hostname%", v.hostname(), "%id%", v.mac,
	).Replace(v.spec.FullTopic)
	return strings.TrimSuffix(full, "/") + "/"
}

func (v *tasmotaVoice) hostname() string {
	n, _ := strconv.ParseUint(v.mac[6:], 16, 32) // it is made of hexadecimal digits
	return fmt.Sprintf("%s-%04d", strings.ReplaceAll(v.spec.Topic, "/", "-"), n&0x1fff)
}

// equip finds what the device has.
func (v *tasmotaVoice) equip() {
	d := v.device
	v.name = d.spec.Name
	switch d.spec.Kind {
	case KindLight:
		v.light = newTasmotaLight(v)
		v.options[30] = v.options[30] || v.light.subtype == subtypeRelay
		v.relays = []*physics.Property{v.light.on}
	case KindPlug:
		for i := range d.parts {
			switch d.parts[i].Kind {
			case "switch":
				v.relays = append(v.relays, &d.parts[i].Properties[0])
			case "sensor":
				v.meters = append(v.meters, newTasmotaMeter(&d.parts[i]))
			}
		}
	case KindCover:
		v.shutter = newTasmotaShutter(v)
		v.relays = v.shutter.relays
	case KindFan:
		v.fan = d.find("fan", "speed")
		v.relays = []*physics.Property{v.fanLight()}
	case KindMotion:
		v.inputs = []*tasmotaInput{{word: "Motion", of: d.find("motion", "occupancy")}}
	case KindContact:
		v.inputs = []*tasmotaInput{{word: "Contact", of: &d.parts[0].Properties[0]}}
	case KindRemote:
		v.button = d.find("remote", "action")
	}
}

// fanLight is the lamp of a Sonoff iFan, which hangs on the first relay.
func (v *tasmotaVoice) fanLight() *physics.Property {
	on := false
	v.device.parts = append(v.device.parts, physics.Part{ID: "light", Kind: "light", Name: "Light", Properties: []physics.Property{{
		ID: "on", Name: "On", Type: physics.Bool,
		Read: func() physics.Value { return on }, Write: func(w physics.Value) { on = w.(bool) },
	}}})
	return &v.device.parts[len(v.device.parts)-1].Properties[0]
}

// lwt is the device's presence, which the broker keeps. The will has QoS 1.
func (v *tasmotaVoice) lwt(text string, qos byte) broker.Message {
	return broker.Message{Topic: v.tele + "LWT", Payload: []byte(text), QoS: qos, Retain: true}
}

func (v *tasmotaVoice) will() broker.Message { return v.lwt("Offline", 1) }

func (v *tasmotaVoice) goodbye() []broker.Message { return []broker.Message{v.lwt("Offline", 0)} }

// goodnight is what a device says before its deep sleep.
func (v *tasmotaVoice) goodnight() []broker.Message {
	now := v.device.now()
	asleep := members("DeepSleep", members("Time", now.Format(tasmotaTime), "Epoch", now.Unix()))
	return []broker.Message{v.result("DEEPSLEEP", asleep), v.lwt("Offline", 0)}
}

// filters are the device's own commands, those to all devices, and those to its fallback topic, which cannot be changed.
func (v *tasmotaVoice) filters() []broker.Subscription {
	return []broker.Subscription{
		{Filter: v.cmnd + "#"}, {Filter: v.topics("tasmotas", 0) + "#"}, {Filter: v.fallback() + "#"},
	}
}

func (v *tasmotaVoice) fallback() string { return v.spec.Prefixes[0] + "/DVES_" + v.mac[6:] + "_fb/" }

func (v *tasmotaVoice) whole() bool { return false }

func (v *tasmotaVoice) start() {
	v.boots++
	v.born, v.restarting = time.Time{}, false
}

// announce is what a device says when it has connected. The house is older than the simulator's program, so at its first
// connection a device has long been running.
func (v *tasmotaVoice) announce() []broker.Message {
	now := v.device.now()
	out := []broker.Message{v.lwt("Online", 0), {Topic: v.cmnd + "POWER"}}
	boot := v.born.IsZero() && v.boots > 1
	switch {
	case v.born.IsZero():
		v.born, v.connects = now, 0
		v.discover, v.next = now.Add(time.Second), now.Add(v.phase())
		if boot {
			v.discover, v.next = now.Add(10*time.Second), now.Add(10*time.Second)
		}
		if v.device.spec.Sleeps > 0 {
			v.next = now.Add(time.Second)
			if boot {
				v.discover = time.Time{} // whoever wakes has announced itself before
			}
		}
	default:
		v.discover = now.Add(time.Second)
	}
	v.connects++
	if boot {
		out = append(out, v.infos()...)
	}
	for i := range v.relays {
		out = append(out, v.power(i)...)
	}
	for _, in := range v.inputs {
		in.said = in.of.Read()
	}
	if v.button != nil {
		v.presses = v.button.Times()
	}
	return out
}

// phase spreads the devices' telemetry.
func (v *tasmotaVoice) phase() time.Duration {
	n, _ := strconv.ParseUint(v.mac[6:], 16, 32) // it is made of hexadecimal digits
	return 2*time.Second + time.Duration(n)*time.Second%(v.spec.Telemetry-time.Second)
}

// infos are said once after a start.
func (v *tasmotaVoice) infos() []broker.Message {
	reason := "Power On"
	if v.device.spec.Sleeps > 0 {
		reason = "Deep-Sleep Wake"
	}
	say := func(n string, o *ordered) broker.Message {
		return broker.Message{Topic: v.tele + "INFO" + n, Payload: []byte(members("Info"+n, o).String())}
	}
	return []broker.Message{
		say("1", members("Module", v.module(), "Version", tasmotaVersion+"(tasmota)", "FallbackTopic", v.fallback(), "GroupTopic", v.topics("tasmotas", 0))),
		say("2", members("WebServerMode", "Admin", "Hostname", v.hostname(), "IPAddress", v.ip())),
		say("3", members("RestartReason", reason, "BootCount", v.boots)),
	}
}

func (v *tasmotaVoice) ip() string {
	n, _ := strconv.ParseUint(v.mac[6:], 16, 32) // it is made of hexadecimal digits
	return fmt.Sprintf("192.168.%d.%d", 4+n>>8%4, 2+n%250)
}

// report says what has changed of what is told at once.
func (v *tasmotaVoice) report([]*physics.Property) []broker.Message {
	var out []broker.Message
	if v.shutter != nil {
		out = append(out, v.shutter.news()...)
	}
	for i, p := range v.relays {
		if p.Read() != v.said[p] {
			out = append(out, v.power(i)...)
		}
	}
	if v.fan != nil && v.fan.Read() != v.said[v.fan] {
		out = append(out, v.fanState())
	}
	for _, in := range v.inputs {
		if now := in.of.Read(); now != in.said {
			in.said = now
			out = append(out, v.result("SWITCH1", members(in.word, members("Action", v.word(now.(bool))))))
		}
	}
	if v.button != nil && v.button.Times() != v.presses {
		v.presses = v.button.Times()
		action := strings.ToUpper(v.button.Read().(string))
		out = append(out, v.result("BUTTON1", members("Button1", members("Action", action))))
	}
	return out
}

// tick says what is due.
func (v *tasmotaVoice) tick(now time.Time) []broker.Message {
	var out []broker.Message
	for i := range v.meters {
		v.meters[i].day(now)
	}
	if !v.discover.IsZero() && !now.Before(v.discover) {
		v.discover = time.Time{}
		out = append(out, v.discovery()...)
	}
	if v.spec.Telemetry > 0 && !now.Before(v.next) {
		v.next = now.Add(v.spec.Telemetry)
		out = append(out, v.telemetry()...)
	}
	return out
}
