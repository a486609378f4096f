package simulator

import (
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// Shelly1 is the language of Shelly's devices of the first generation.
const Shelly1 = "shelly1"

var shelly1Language = language{
	name: Shelly1, title: "Shelly Gen1", topics: []string{"shellies/#"},
	kinds: []string{KindLight, KindThermostat, KindPlug, KindClimate, KindMotion, KindContact, KindCover, KindRemote},
	keys:  []string{"shelly", "outlets", "sleeps"}, check: checkShelly, grown: grownShelly,
	voice: func(d *device) voice { return newShelly1(d) },
}

// shelly1Every is how often a device of the first generation tells everything.
const shelly1Every = 30 * time.Second

// shelly1Voice speaks as a Shelly of the first generation does (shelly-api-docs.shelly.cloud/gen1): a plain topic for each value,
// under "shellies" and an id that people may choose. Nothing is retained, the will included.
type shelly1Voice struct {
	device  *device
	id, mac string
	model   shelly1Model
	topics  []*shelly1Topic
	// orders are the ends of the topics at which it is told something.
	orders  map[string]func(payload string) (done bool)
	next    time.Time
	button  *physics.Property
	presses int
}

// shelly1Model is what a device is sold as.
type shelly1Model struct{ family, model string }

// shelly1Topic is one value, below the device's id.
type shelly1Topic struct {
	rest string
	of   []*physics.Property
	text func() string
	said string
	// loose: small changes are told only with everything else.
	loose bool
}

func newShelly1(d *device) *shelly1Voice {
	v := &shelly1Voice{device: d, mac: hardware("A4CF12", d.id), orders: map[string]func(string) bool{}}
	v.equip(d.spec.shelly())
	switch id := d.spec.shelly().ID; id {
	case "":
		v.id = d.id
	case "factory":
		v.id = v.model.family + "-" + v.mac[6:]
	default:
		v.id = id
	}
	return v
}

func (v *shelly1Voice) say(rest, payload string) broker.Message {
	return broker.Message{Topic: "shellies/" + v.id + "/" + rest, Payload: []byte(payload)}
}

func (v *shelly1Voice) will() broker.Message { return v.say("online", "false") }

func (v *shelly1Voice) goodbye() []broker.Message { return []broker.Message{v.will()} }

// goodnight: a device that runs on batteries leaves without a word.
func (v *shelly1Voice) goodnight() []broker.Message { return nil }

func (v *shelly1Voice) filters() []broker.Subscription {
	own := "shellies/" + v.id + "/"
	out := []broker.Subscription{{Filter: "shellies/command"}, {Filter: own + "command"}}
	for rest := range v.orders {
		out = append(out, broker.Subscription{Filter: own + rest})
	}
	slices.SortFunc(out, func(a, b broker.Subscription) int { return strings.Compare(a.Filter, b.Filter) })
	return out
}

func (v *shelly1Voice) whole() bool { return false }

func (v *shelly1Voice) announce() []broker.Message {
	v.next = v.device.now().Add(shelly1Every)
	if v.button != nil {
		v.presses = v.button.Times()
	}
	return append(v.announcement(), v.everything()...)
}

// announcement says who the device is, in the topic of all and in its own.
func (v *shelly1Voice) announcement() []broker.Message {
	text := members("id", v.id, "model", v.model.model, "mac", v.mac, "ip", "192.168.33.17", "new_fw", false, "fw_ver", "20230913-112234/v1.14.0-gcb84623").String()
	return []broker.Message{v.say("online", "true"), {Topic: "shellies/announce", Payload: []byte(text)}, v.say("announce", text)}
}

func (v *shelly1Voice) everything() []broker.Message {
	var out []broker.Message
	for _, t := range v.topics {
		t.said = t.text()
		out = append(out, v.say(t.rest, t.said))
	}
	return out
}

// report tells the values that have changed.
func (v *shelly1Voice) report(changed []*physics.Property) []broker.Message {
	var out []broker.Message
	for _, t := range v.topics {
		if !slices.ContainsFunc(t.of, func(p *physics.Property) bool { return slices.Contains(changed, p) }) {
			continue
		}
		if text := t.text(); text != t.said && !(t.loose && near(t.said, text)) {
			t.said = text
			out = append(out, v.say(t.rest, text))
		}
	}
	if v.button != nil && v.button.Times() != v.presses {
		v.presses = v.button.Times()
		event := map[string]string{physics.PressSingle: "S", physics.PressDouble: "SS", physics.PressHold: "L"}[v.button.Read().(string)]
		out = append(out, v.say("input_event/0", members("event", event, "event_cnt", v.presses).String()))
	}
	return out
}

func (v *shelly1Voice) tick(now time.Time) []broker.Message {
	if now.Before(v.next) || v.device.spec.Sleeps > 0 {
		return nil
	}
	v.next = now.Add(shelly1Every)
	return v.everything()
}

// hear takes a command. What it changes is told in any case.
func (v *shelly1Voice) hear(m broker.Message) heard {
	rest, own := strings.CutPrefix(m.Topic, "shellies/"+v.id+"/")
	if m.Topic == "shellies/command" || own && rest == "command" {
		switch string(m.Payload) {
		case "announce":
			return heard{said: v.announcement()}
		case "update":
			return heard{said: v.everything()}
		}
		return heard{refused: "it is no command"}
	}
	do := v.orders[rest]
	if !own || do == nil || len(m.Payload) > maxRequest {
		return heard{refused: "there is nothing to set"}
	}
	if !do(string(m.Payload)) {
		return heard{refused: "it takes no such value"}
	}
	part, _, _ := strings.Cut(strings.TrimSuffix(rest, "/command"), "/command")
	part = strings.TrimSuffix(part, "/set")
	var out []broker.Message
	for _, t := range v.topics {
		if t.rest == part || t.rest == part+"/status" || part == "thermostat/0" && t.rest == "info" {
			t.said = t.text()
			out = append(out, v.say(t.rest, t.said))
		}
	}
	return heard{said: out}
}
