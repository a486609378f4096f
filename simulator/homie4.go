package simulator

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// Homie4 and Homie3 are the languages of the older Homie, which describes a device in retained attributes.
const (
	Homie4 = "homie4"
	Homie3 = "homie3"
)

var homie4Language = language{
	name: Homie4, title: "Homie 4", topics: []string{"homie/#"}, keys: []string{"sleeps"}, check: checkOldHomie,
	voice: func(d *device) voice { return newOldHomie(d, "4.0.0") },
}

var homie3Language = language{
	name: Homie3, title: "Homie 3", topics: []string{"homie/#"}, keys: []string{"sleeps"}, check: checkOldHomie,
	voice: func(d *device) voice { return newOldHomie(d, "3.0.1") },
}

func checkOldHomie(d DeviceSpec, fault func(format string, args ...any)) {
	if d.ID() == "5" {
		fault("homie/5 belongs to Homie 5")
	}
}

// oldHomieVoice speaks Homie 3.0.1 or 4.0.0 (github.com/homieiot/convention, tags v3.0.1 and v4.0.0): every part is a node, every
// property a property, each described by attributes of its own. The two differ in what they say of the firmware: in version 3 all
// devices tell that, in version 4 it is an extension.
type oldHomieVoice struct {
	device  *device
	base    string
	version string
	topics  map[*physics.Property]string
	alert   *physics.Property // a lock's state: a jam needs a person
	alerted bool
	born    time.Time // zero before the first step
	next    time.Time // of the next statistics
	up      time.Duration
}

// statsEvery is how often a device tells how long it has been running.
const statsEvery = time.Minute

func newOldHomie(d *device, version string) *oldHomieVoice {
	h := &oldHomieVoice{device: d, base: "homie/" + d.id, version: version, topics: map[*physics.Property]string{}}
	for i := range d.parts {
		for j := range d.parts[i].Properties {
			p := &d.parts[i].Properties[j]
			h.topics[p] = h.base + "/" + d.parts[i].ID + "/" + p.ID
			if d.parts[i].Kind == "lock" && p.ID == "state" {
				h.alert = p
			}
		}
	}
	return h
}

func (h *oldHomieVoice) say(path, payload string) broker.Message {
	return kept(h.base+"/"+path, payload)
}

func (h *oldHomieVoice) will() broker.Message { return h.say("$state", "lost") }

func (h *oldHomieVoice) goodbye() []broker.Message {
	return []broker.Message{h.say("$state", "disconnected")}
}

func (h *oldHomieVoice) goodnight() []broker.Message {
	return []broker.Message{h.say("$state", "sleeping")}
}

func (h *oldHomieVoice) filters() []broker.Subscription {
	var out []broker.Subscription
	for p, topic := range h.topics {
		if p.Write != nil {
			out = append(out, broker.Subscription{Filter: topic + "/set", QoS: 1})
		}
	}
	slices.SortFunc(out, func(a, b broker.Subscription) int { return strings.Compare(a.Filter, b.Filter) })
	return out
}

func (h *oldHomieVoice) announce() []broker.Message {
	out := []broker.Message{h.say("$state", "init"), h.say("$homie", h.version), h.say("$name", h.device.spec.Name)}
	var nodes []string
	for i := range h.device.parts {
		nodes = append(nodes, h.device.parts[i].ID)
	}
	out = append(out, h.say("$nodes", strings.Join(nodes, ",")))
	out = append(out, h.firmware()...)
	for i := range h.device.parts {
		out = append(out, h.node(&h.device.parts[i])...)
	}
	for i := range h.device.told {
		if p := h.device.told[i].property; p.Times == nil {
			out = append(out, h.value(p))
		}
	}
	h.alerted = h.jammed()
	return append(out, h.state())
}

// firmware is what a device says of its firmware and network.
func (h *oldHomieVoice) firmware() []broker.Message {
	f := fnv.New32a()
	_, _ = f.Write([]byte("homie " + h.device.id)) // never fails
	n := f.Sum32()
	out := []broker.Message{h.say("$implementation", "esp8266")}
	if strings.HasPrefix(h.version, "4.") {
		out = append(out, h.say("$extensions", "org.homie.legacy-firmware:0.1.1:[4.x],org.homie.legacy-stats:0.1.1:[4.x]"))
	}
	return append(
		out, h.say("$localip", fmt.Sprintf("192.168.%d.%d", 12+n>>8%4, 2+n%250)),
		h.say("$mac", fmt.Sprintf("84:F3:EB:%02X:%02X:%02X", n>>16&255, n>>8&255, n&255)),
		h.say("$fw/name", "homehub-"+strings.ReplaceAll(h.device.spec.Kind, " ", "-")), h.say("$fw/version", "1.0.0"),
		h.say("$stats", "uptime"), h.say("$stats/interval", strconv.Itoa(int(statsEvery.Seconds()))),
		h.say("$stats/uptime", strconv.Itoa(int(h.up.Seconds()))),
	)
}

// node describes a node and its properties.
func (h *oldHomieVoice) node(part *physics.Part) []broker.Message {
	out := []broker.Message{h.say(part.ID+"/$name", part.Name), h.say(part.ID+"/$type", part.Kind)}
	var ids []string
	for i := range part.Properties {
		ids = append(ids, part.Properties[i].ID)
	}
	out = append(out, h.say(part.ID+"/$properties", strings.Join(ids, ",")))
	for i := range part.Properties {
		p := &part.Properties[i]
		path := part.ID + "/" + p.ID
		datatype, format := homieType(p)
		if low, rest, ok := strings.Cut(format, ":"); ok && p.Type != physics.Enum {
			high, _, _ := strings.Cut(rest, ":") // there is no step yet
			format = low + ":" + high
		}
		out = append(out, h.say(path+"/$name", p.Name), h.say(path+"/$datatype", datatype))
		if format != "" {
			out = append(out, h.say(path+"/$format", format))
		}
		if p.Unit != "" {
			out = append(out, h.say(path+"/$unit", p.Unit))
		}
		if p.Write != nil || h.version[0] == '3' {
			out = append(out, h.say(path+"/$settable", strconv.FormatBool(p.Write != nil)))
		}
		if p.Momentary || h.version[0] == '3' {
			out = append(out, h.say(path+"/$retained", strconv.FormatBool(!p.Momentary)))
		}
	}
	return out
}

func (h *oldHomieVoice) whole() bool { return false }

func (h *oldHomieVoice) report(changed []*physics.Property) []broker.Message {
	var out []broker.Message
	for _, p := range changed {
		out = append(out, h.value(p))
	}
	if h.alert != nil && h.jammed() != h.alerted {
		h.alerted = !h.alerted
		out = append(out, h.state())
	}
	return out
}

func (h *oldHomieVoice) jammed() bool { return h.alert != nil && h.alert.Read() == physics.Jammed }

func (h *oldHomieVoice) state() broker.Message {
	if h.alerted {
		return h.say("$state", "alert")
	}
	return h.say("$state", "ready")
}

// value tells a property's value. A color is three whole numbers without the name of the format.
func (h *oldHomieVoice) value(p *physics.Property) broker.Message {
	m := kept(h.topics[p], homieText(p, p.Read()))
	if c, ok := p.Read().(physics.Color); ok {
		m.Payload = fmt.Appendf(nil, "%.0f,%.0f,100", c.H, c.S)
	}
	m.Retain = p.Times == nil
	return m
}

func (h *oldHomieVoice) tick(now time.Time) []broker.Message {
	if h.born.IsZero() {
		h.born, h.next = now, now.Add(statsEvery)
	}
	h.up = now.Sub(h.born)
	if now.Before(h.next) {
		return nil
	}
	h.next = now.Add(statsEvery)
	return []broker.Message{h.say("$stats/uptime", strconv.Itoa(int(h.up.Seconds())))}
}

func (h *oldHomieVoice) hear(m broker.Message) heard {
	path, ok := strings.CutPrefix(strings.TrimSuffix(m.Topic, "/set"), h.base+"/")
	part, name, _ := strings.Cut(path, "/")
	p := h.device.find(part, name)
	if !ok || p == nil || p.Write == nil || !strings.HasSuffix(m.Topic, "/set") {
		return heard{refused: "there is nothing to set"}
	}
	if m.Retain {
		return heard{refused: "a command must not be retained"}
	}
	text := string(m.Payload)
	if p.Type == physics.Hue {
		text = "hsv," + text
	}
	v, err := homieValue(p, text)
	if err != nil {
		return heard{refused: err.Error()}
	}
	if why := p.Check(v); why != "" {
		return heard{refused: fmt.Sprintf("%s is %s", p.ID, why)}
	}
	p.Write(v)
	if p.Momentary {
		return heard{said: []broker.Message{{Topic: h.topics[p], Payload: m.Payload, QoS: 1}}}
	}
	return heard{touched: []*physics.Property{p}}
}
