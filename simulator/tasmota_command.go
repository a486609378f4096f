package simulator

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/broker"
)

// maxBacklog is how many commands a Backlog may hold.
const maxBacklog = 30

// hear takes a command. As the firmware does, it obeys one that is retained as well, in any spelling of capitals, and answers
// each; an empty one is a question.
func (v *tasmotaVoice) hear(m broker.Message) heard {
	name := ""
	for _, base := range []string{v.cmnd, v.topics("tasmotas", 0), v.fallback()} {
		if rest, ok := strings.CutPrefix(m.Topic, base); ok {
			name = rest
		}
	}
	if name == "" || strings.Contains(name, "/") || len(m.Payload) > 1200 {
		return heard{refused: "it is no command"}
	}
	said := v.obey(name, strings.TrimSpace(string(m.Payload)))
	return heard{said: said, restart: v.restarting}
}

// tasmotaOrder is what was said with a command, and the number behind its name; -1 is none.
type tasmotaOrder struct {
	text  string
	index int
}

// number reads a whole number.
func (o tasmotaOrder) number() (int, bool) {
	n, err := strconv.Atoi(o.text)
	return n, err == nil
}

// indexed is the command's name as answers spell it.
func (o tasmotaOrder) indexed(name string) string { return name + strconv.Itoa(max(o.index, 1)) }

// tasmotaCommands are the commands by their names in lower case.
var tasmotaCommands map[string]func(v *tasmotaVoice, o tasmotaOrder) []broker.Message

func init() { // not a literal, since Backlog refers to it
	tasmotaCommands = map[string]func(v *tasmotaVoice, o tasmotaOrder) []broker.Message{
		"power": (*tasmotaVoice).obeyPower, "status": (*tasmotaVoice).obeyStatus, "state": (*tasmotaVoice).obeyState,
		"backlog": (*tasmotaVoice).obeyBacklog, "teleperiod": (*tasmotaVoice).obeyTelePeriod, "setoption": (*tasmotaVoice).obeyOption,
		"restart": (*tasmotaVoice).obeyRestart, "fanspeed": (*tasmotaVoice).obeyFan, "devicename": (*tasmotaVoice).obeyName,

		"dimmer": light((*tasmotaLight).dimmer), "color": light((*tasmotaLight).colors), "hsbcolor": light((*tasmotaLight).hsb),
		"ct": light((*tasmotaLight).ct), "white": light((*tasmotaLight).white), "channel": light((*tasmotaLight).channel),
		"scheme": light((*tasmotaLight).schemes), "fade": light((*tasmotaLight).fades), "speed": light((*tasmotaLight).speeds),

		"shutteropen": shutter((*tasmotaShutter).open), "shutterclose": shutter((*tasmotaShutter).close),
		"shutterstop": shutter((*tasmotaShutter).stop), "shutterposition": shutter((*tasmotaShutter).place),
	}
}

// light makes a command of one that lights have.
func light(do func(l *tasmotaLight, o tasmotaOrder) []broker.Message) func(v *tasmotaVoice, o tasmotaOrder) []broker.Message {
	return func(v *tasmotaVoice, o tasmotaOrder) []broker.Message {
		if v.light == nil || v.light.subtype == 0 {
			return v.unknown()
		}
		return do(v.light, o)
	}
}

// shutter makes a command of one that shutters have.
func shutter(do func(s *tasmotaShutter, o tasmotaOrder) []broker.Message) func(v *tasmotaVoice, o tasmotaOrder) []broker.Message {
	return func(v *tasmotaVoice, o tasmotaOrder) []broker.Message {
		if v.shutter == nil || o.index > 1 {
			return v.unknown()
		}
		return do(v.shutter, o)
	}
}

func (v *tasmotaVoice) unknown() []broker.Message {
	return []broker.Message{v.result("RESULT", members("Command", "Unknown"))}
}

// obey does a command and says what the firmware answers.
func (v *tasmotaVoice) obey(name, text string) []broker.Message {
	word := strings.TrimRight(name, "0123456789")
	o := tasmotaOrder{text: text, index: -1}
	if n, err := strconv.Atoi(name[len(word):]); err == nil {
		o.index = n
	}
	do := tasmotaCommands[strings.ToLower(word)]
	if do == nil {
		return v.unknown()
	}
	return do(v, o)
}

// answer is what a command that set something says.
func (v *tasmotaVoice) answer(name string, value any) []broker.Message {
	return []broker.Message{v.result(name, members(name, value))}
}

// obeyPower switches a relay; what is no word for a state asks for it.
func (v *tasmotaVoice) obeyPower(o tasmotaOrder) []broker.Message {
	first, last := 0, len(v.relays)
	switch {
	case o.index > len(v.relays) || len(v.relays) == 0:
		return nil
	case o.index != 0: // POWER0 is all of them
		first = max(o.index, 1) - 1
		last = first + 1
	}
	var out []broker.Message
	for i := first; i < last; i++ {
		if v.shutter != nil {
			v.shutter.relay(i, o.text, v.wish(o.text, false))
		} else if p := v.relays[i]; v.wish(o.text, p.Read().(bool)) != nil {
			p.Write(*v.wish(o.text, p.Read().(bool)))
		}
		out = append(out, v.power(i)...)
	}
	return out
}

// wish is the state that a payload asks for; nil: none.
func (v *tasmotaVoice) wish(text string, now bool) *bool {
	state := func(i int, words ...string) bool {
		return strings.EqualFold(text, v.spec.States[i]) || slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(text, w) })
	}
	var to bool
	switch {
	case text == "":
		return nil
	case state(0, "0", "off", "false"):
	case state(1, "1", "on", "true"):
		to = true
	case state(2, "2", "toggle"):
		to = !now
	default:
		return nil
	}
	return &to
}

func (v *tasmotaVoice) obeyState(tasmotaOrder) []broker.Message {
	return []broker.Message{v.result("STATE", v.state())}
}

// obeyBacklog does several commands. A Backlog in a Backlog is passed over.
func (v *tasmotaVoice) obeyBacklog(o tasmotaOrder) []broker.Message {
	if v.depth > 0 {
		return nil
	}
	v.depth++
	defer func() { v.depth-- }()
	var out []broker.Message
	for i, text := range strings.Split(o.text, ";") {
		name, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
		if i >= maxBacklog || name == "" {
			continue
		}
		out = append(out, v.obey(name, strings.TrimSpace(rest))...)
	}
	return out
}

func (v *tasmotaVoice) obeyTelePeriod(o tasmotaOrder) []broker.Message {
	if n, ok := o.number(); ok && n >= 0 && n <= 3600 {
		switch {
		case n == 1: // the firmware's default
			n = 300
		case n > 0:
			n = max(n, 10)
		}
		v.spec.Telemetry = time.Duration(n) * time.Second
		v.next = v.device.now()
	}
	return v.answer("TelePeriod", int(v.spec.Telemetry.Seconds()))
}

// obeyOption sets an option that changes what is said. Others are answered as options that are off.
func (v *tasmotaVoice) obeyOption(o tasmotaOrder) []broker.Message {
	if n, ok := o.number(); ok && (n == 0 || n == 1) && slices.Contains(tasmotaOptions, o.index) {
		v.options[o.index] = n == 1
		v.discover = v.device.now().Add(time.Second)
	}
	return v.answer("SetOption"+strconv.Itoa(max(o.index, 0)), onOrOff(v.options[o.index]))
}

// onOrOff is how settings are spelled, whatever the words for relays are.
func onOrOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

func (v *tasmotaVoice) obeyRestart(o tasmotaOrder) []broker.Message {
	if o.text != "1" {
		return v.answer("Restart", "1 to restart")
	}
	v.restarting = true
	return v.answer("Restart", "Restarting")
}

func (v *tasmotaVoice) obeyName(o tasmotaOrder) []broker.Message {
	if o.text != "" && len(o.text) <= 60 {
		v.name = strings.ToValidUTF8(o.text, "?")
		v.discover = v.device.now().Add(time.Second)
	}
	return v.answer("DeviceName", v.name)
}

// obeyFan sets the speed of an iFan, 0 to 3.
func (v *tasmotaVoice) obeyFan(o tasmotaOrder) []broker.Message {
	if v.fan == nil {
		return v.unknown()
	}
	n, ok := o.number()
	switch o.text {
	case "+":
		n, ok = (v.fanSpeed()+1)%4, true
	case "-":
		n, ok = (v.fanSpeed()+3)%4, true
	}
	if ok && n >= 0 && n <= 3 {
		if on := v.device.find("fan", "on"); n == 0 {
			on.Write(false)
		} else {
			v.fan.Write([]float64{25, 50, 100}[n-1])
		}
	}
	v.said[v.fan] = v.fan.Read()
	return []broker.Message{v.fanState()}
}
