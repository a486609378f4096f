package simulator

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// Shelly is the language of Shelly's devices of the second and later generations.
const Shelly = "shelly"

var shellyLanguage = language{
	name: Shelly, title: "Shelly Gen2", topics: []string{"the devices' prefixes followed by /#"},
	kinds: []string{KindLight, KindThermostat, KindPlug, KindClimate, KindMotion, KindContact, KindCover, KindRemote},
	keys:  []string{"shelly", "outlets", "sleeps"}, check: checkShelly, grown: grownShelly,
	voice: func(d *device) voice { return newShelly(d) },
}

// shellyVersion is the version of the firmware that the devices claim.
const (
	shellyVersion = "1.4.4"
	shellyBuild   = "20241011-114455/" + shellyVersion + "-g6d2a586"
)

// shellyVoice speaks as a Shelly of the second generation does (shelly-api-docs.shelly.cloud/gen2): remote procedure calls that
// are answered where the caller wants, and notifications that say what has changed. Nothing is retained, the will included.
type shellyVoice struct {
	device       *device
	model        shellyModel
	id, prefix   string
	mac          string
	name         string
	status       bool
	parts        []*shellyPart
	said         map[string]string // what was said of each member of each component, by component and member
	source       string            // who changed what is reported next
	born, minute time.Time
	woken        string // why it started
	presses      int
	button       *physics.Property
	restarting   bool
	uncalibrated bool
}

// shellyModel is what a kind of device is sold as.
type shellyModel struct{ family, model, app string }

// shellyPart is one component.
type shellyPart struct {
	kind   string
	id     int // -1: there is only one, and it has no number
	config []any
	// members are those of its status, in order; a nil value is left out.
	members []shellyMember
	// do are its methods, without its name.
	do map[string]func(p shellyParams) (result any, err error)
	// source is who changed it last.
	source string
	// touched are the properties that its methods change. plain takes a plain command.
	touched []*physics.Property
	plain   func(word, rest string) bool
}

// shellyMember is one member of a component's status.
type shellyMember struct {
	name  string
	value func() any
	// of is what it is made of; nil means that it is never news. loose: small changes are not told.
	of    *physics.Property
	loose bool
}

func (p *shellyPart) key() string {
	if p.id < 0 {
		return p.kind
	}
	return fmt.Sprintf("%s:%d", p.kind, p.id)
}

func newShelly(d *device) *shellyVoice {
	spec := d.spec.shelly()
	v := &shellyVoice{
		device: d, name: d.spec.Name, status: spec.Status, said: map[string]string{}, source: "init", woken: "poweron", uncalibrated: spec.Uncalibrated,
	}
	v.mac = hardware("A8032A", d.id)
	v.equip(spec)
	v.id = v.model.family + "-" + strings.ToLower(v.mac)
	if v.prefix = spec.Prefix; v.prefix == "" {
		v.prefix = v.id
	}
	v.system()
	return v
}

func (v *shellyVoice) say(topic, payload string) broker.Message {
	return broker.Message{Topic: v.prefix + "/" + topic, Payload: []byte(payload)}
}

func (v *shellyVoice) will() broker.Message { return v.say("online", "false") }

func (v *shellyVoice) goodbye() []broker.Message { return []broker.Message{v.will()} }

// goodnight is what a device that runs on batteries says before it leaves, without a word about being offline.
func (v *shellyVoice) goodnight() []broker.Message {
	v.woken = "periodic"
	return []broker.Message{v.event(members("component", "sys", "event", "sleep", "ts", v.ts()))}
}

func (v *shellyVoice) filters() []broker.Subscription {
	var out []broker.Subscription
	for _, filter := range []string{v.prefix + "/rpc", v.prefix + "/command", v.prefix + "/command/+", "shellies/command"} {
		out = append(out, broker.Subscription{Filter: filter, QoS: 1})
	}
	return out
}

func (v *shellyVoice) whole() bool { return false }

func (v *shellyVoice) start() {
	v.born, v.restarting, v.source = time.Time{}, false, "init"
	if v.device.spec.Sleeps == 0 {
		v.woken = "poweron"
	}
}

// announce is what a device says when it has connected. One that sleeps tells all that it has measured.
func (v *shellyVoice) announce() []broker.Message {
	if v.born.IsZero() {
		v.born = v.device.now()
	}
	if v.button != nil {
		v.presses = v.button.Times()
	}
	out := []broker.Message{v.say("online", "true")}
	for _, p := range v.parts {
		v.remember(p)
	}
	if v.device.spec.Sleeps > 0 {
		out = append(out, v.notify("NotifyFullStatus", v.fullStatus()))
	} else {
		out = append(out, v.notify("NotifyStatus", members("mqtt", members("connected", true))))
	}
	if v.status {
		out = append(out, v.statusTopics()...)
	}
	return out
}

func (v *shellyVoice) statusTopics() []broker.Message {
	var out []broker.Message
	for _, p := range v.parts {
		out = append(out, v.say("status/"+p.key(), p.status().String()))
	}
	return out
}

// ts is the time as notifications have it.
func (v *shellyVoice) ts() literal {
	now := v.device.now()
	return literal(fmt.Sprintf("%d.%02d", now.Unix(), now.Nanosecond()/1e7))
}

// notify is a notification; all is what it is about.
func (v *shellyVoice) notify(method string, all *ordered) broker.Message {
	params := literal("{" + members("ts", v.ts()).inner() + "," + all.inner() + "}")
	frame := members("src", v.id, "dst", v.prefix+"/events", "method", method, "params", params)
	return v.say("events/rpc", frame.String())
}

func (v *shellyVoice) event(e *ordered) broker.Message {
	return v.notify("NotifyEvent", members("events", []any{e}))
}

// status is a component's whole status.
func (p *shellyPart) status() *ordered {
	o := p.numbered()
	for _, m := range p.members {
		if value := m.value(); value != nil {
			o.with(m.name, value)
		}
	}
	return o
}

// numbered is an object with the component's number, if it has one.
func (p *shellyPart) numbered() *ordered {
	if p.id < 0 {
		return new(ordered)
	}
	return members("id", p.id)
}

// remember counts everything of a component as said.
func (v *shellyVoice) remember(p *shellyPart) {
	for _, m := range p.members {
		if value := m.value(); value != nil {
			v.said[p.key()+"."+m.name] = string(marshal(value))
		}
	}
}

func (v *shellyVoice) fullStatus() *ordered {
	o := new(ordered)
	for _, p := range v.parts {
		o.with(p.key(), p.status())
	}
	return o
}

// report tells what has changed: of each component only that.
func (v *shellyVoice) report(changed []*physics.Property) []broker.Message {
	overlay, topics := new(ordered), []broker.Message{}
	for _, p := range v.parts {
		if news := v.news(p, changed); news != nil {
			overlay.with(p.key(), news)
			topics = append(topics, v.say("status/"+p.key(), p.status().String()))
		}
	}
	var out []broker.Message
	if overlay.b.Len() > 0 {
		out = append(out, v.notify("NotifyStatus", overlay))
	}
	if v.status {
		out = append(out, topics...)
	}
	if v.button != nil && v.button.Times() != v.presses {
		v.presses = v.button.Times()
		event := map[string]string{physics.PressSingle: "single_push", physics.PressDouble: "double_push", physics.PressHold: "long_push"}[v.button.Read().(string)]
		out = append(out, v.event(members("component", "input:0", "id", 0, "event", event, "ts", v.ts())))
	}
	v.source = "button" // unless somebody calls
	return out
}

// tick tells every minute what was counted.
func (v *shellyVoice) tick(now time.Time) []broker.Message {
	minute := now.Truncate(time.Minute)
	if minute.Equal(v.minute) || v.device.spec.Sleeps > 0 {
		return nil
	}
	v.minute = minute
	overlay := new(ordered)
	for _, p := range v.parts {
		for _, m := range p.members {
			if m.name == "aenergy" {
				overlay.with(p.key(), p.numbered().with(m.name, m.value()))
			}
		}
	}
	if overlay.b.Len() == 0 {
		return nil
	}
	return []broker.Message{v.notify("NotifyStatus", overlay)}
}

// news are the members of a component's status that are to be told; nil: none.
func (v *shellyVoice) news(p *shellyPart, changed []*physics.Property) *ordered {
	if !slices.ContainsFunc(p.members, func(m shellyMember) bool { return m.of != nil && slices.Contains(changed, m.of) }) {
		return nil
	}
	var o *ordered
	for _, m := range p.members {
		value := m.value()
		text := "null"
		if value != nil {
			text = string(marshal(value))
		}
		at := p.key() + "." + m.name
		if text == v.said[at] || value == nil && v.said[at] == "" || m.loose && near(v.said[at], text) || m.of == nil {
			continue
		}
		v.said[at] = text
		if o == nil {
			o = p.numbered()
		}
		o.with(m.name, literal(text))
		if (m.name == "output" || m.name == "state") && p.members[0].name == "source" {
			p.source = v.source
			o.with("source", p.source)
		}
	}
	return o
}

// near says whether two numbers differ so little that a device does not tell.
func near(a, b string) bool {
	var x, y float64
	if _, err := fmt.Sscan(a+" "+b, &x, &y); err != nil {
		return false
	}
	return math.Abs(x-y) < 1+0.03*math.Max(math.Abs(x), math.Abs(y)) && (x == 0) == (y == 0)
}
