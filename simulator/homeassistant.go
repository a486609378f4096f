package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// HomeAssistant is the language of Home Assistant's discovery.
const HomeAssistant = "homeassistant"

var homeAssistantLanguage = language{
	name: HomeAssistant, title: "Home Assistant discovery", topics: []string{"homeassistant/#", "sim/#"},
	keys: []string{"form", "style", "short", "retain", "own_words", "volatile", "topic"},
	check: func(d DeviceSpec, fault func(format string, args ...any)) {
		if !slices.Contains([]string{"", "device", "single"}, d.Form) {
			fault("form is device or single, not %q", d.Form)
		}
		if !slices.Contains([]string{"", "document", "partial", "topics"}, d.Style) {
			fault("style is document, partial or topics, not %q", d.Style)
		}
		first, _, _ := strings.Cut(d.Topic, "/")
		if d.Topic != "" && (broker.ValidTopic(d.Topic) != nil || slices.Contains([]string{"homeassistant", "homie", "sim"}, first)) {
			fault("topic is a topic that is not used by others, not %q", d.Topic)
		}
	},
	voice: func(d *device) voice { return newHomeAssistant(d) },
	grown: func(d *DeviceSpec) { d.Short = len(d.Name)%2 == 0 },
}

// haVoice speaks as Home Assistant's MQTT discovery asks (home-assistant.io/integrations/mqtt). What it says is made of
// fields, which are the values on the wire, and entities, which tell Home Assistant what the fields mean; ha_entities.go
// makes both for each kind of device.
//
// In the document style all fields are members of one JSON object on the topic sim/<id>; in the partial style, too, but the
// object holds what has changed only, and null for what has no value at the moment; in the topics style each field has a topic of
// its own, sim/<id>/<field>.
type haVoice struct {
	device   *device
	base     string
	topics   bool // the style
	partial  bool
	entities []entity
	fields   []field
	commands map[string]func(payload []byte) ([]*physics.Property, error)
	events   []*physics.Property
}

// entity is one announcement, or one component of the device's announcement, in full keys.
type entity struct {
	key, platform string
	config        map[string]any
}

// field is one value on the wire.
type field struct {
	// name is a path with dots: meter.power is the member power of the member meter, or the topic meter/power.
	name string
	// of are the properties that it is made of.
	of []*physics.Property
	// value is a string, a number, a bool, an object, or nil for a field that has no value at the moment.
	value func() any
	// always: it is in every document, also in one that holds what has changed.
	always bool
}

func newHomeAssistant(d *device) *haVoice {
	h := &haVoice{
		device: d, base: "sim/" + d.id, topics: d.spec.Style == "topics", partial: d.spec.Style == "partial",
		commands: map[string]func([]byte) ([]*physics.Property, error){},
	}
	if d.spec.Topic != "" {
		h.base = d.spec.Topic
	}
	h.describe()
	return h
}

func (h *haVoice) availability() string { return h.base + "/availability" }

func (h *haVoice) will() broker.Message { return h.presence("offline") }

func (h *haVoice) goodbye() []broker.Message { return []broker.Message{h.presence("offline")} }

// presence says whether the device is there.
func (h *haVoice) presence(word string) broker.Message {
	m := kept(h.availability(), word)
	m.Retain = !h.device.spec.Volatile
	return m
}

// birth is the topic on which Home Assistant says that it has started.
const birth = "homeassistant/status"

func (h *haVoice) filters() []broker.Subscription {
	out := []broker.Subscription{{Filter: birth}}
	for topic := range h.commands {
		out = append(out, broker.Subscription{Filter: topic, QoS: 1})
	}
	slices.SortFunc(out, func(a, b broker.Subscription) int { return strings.Compare(a.Filter, b.Filter) })
	return out
}

func (h *haVoice) announce() []broker.Message {
	out := h.discovery()
	out = append(out, h.presence("online"))
	return append(out, h.state(h.fields)...)
}

func (h *haVoice) whole() bool { return !h.topics && !h.partial }

func (h *haVoice) report(changed []*physics.Property) []broker.Message {
	var list []field
	var out []broker.Message
	for _, p := range h.events {
		if slices.Contains(changed, p) {
			out = append(out, broker.Message{Topic: h.topic(wire(p.ID)), Payload: fmt.Appendf(nil, `{"event_type":%q}`, p.Read())})
		}
	}
	for _, f := range h.fields {
		told := slices.ContainsFunc(f.of, func(p *physics.Property) bool { return slices.Contains(changed, p) })
		if told || f.always && h.partial && len(changed) > 0 {
			list = append(list, f)
		}
	}
	if len(list) > 0 && h.whole() {
		list = h.fields
	}
	return append(out, h.state(list)...)
}

// state tells fields: the document is always whole.
func (h *haVoice) state(list []field) []broker.Message {
	if len(list) == 0 {
		return nil
	}
	if !h.topics {
		return []broker.Message{{Topic: h.base, Payload: document(list, h.partial), Retain: h.device.spec.Retain}}
	}
	var out []broker.Message
	for _, f := range list {
		v := f.value()
		if v == nil {
			continue
		}
		out = append(out, broker.Message{Topic: h.topic(f.name), Payload: []byte(plainText(v)), Retain: true})
	}
	return out
}

func (h *haVoice) topic(name string) string { return h.base + "/" + strings.ReplaceAll(name, ".", "/") }

func (h *haVoice) hear(m broker.Message) heard {
	if m.Topic == birth {
		return heard{again: string(m.Payload) == "online" && !m.Retain}
	}
	do := h.commands[m.Topic]
	switch {
	case do == nil:
		return heard{refused: "there is nothing to set"}
	case m.Retain:
		return heard{refused: "a command must not be retained"}
	}
	touched, err := do(m.Payload)
	if err != nil {
		return heard{refused: err.Error()}
	}
	return heard{touched: touched}
}

// document joins fields into one JSON object, in their order. Those without a value are null, or left out.
func document(list []field, nulls bool) []byte {
	var b bytes.Buffer
	group, first := "", true
	comma := func() {
		if !first {
			b.WriteByte(',')
		}
		first = false
	}
	b.WriteByte('{')
	for _, f := range list {
		v := f.value()
		if v == nil && !nulls {
			continue
		}
		in, name, nested := strings.Cut(f.name, ".")
		if !nested {
			in, name = "", f.name
		}
		if group != "" && group != in {
			b.WriteByte('}')
			group, first = "", false
		}
		comma()
		if in != group {
			fmt.Fprintf(&b, "%q:{", in)
			group = in
		}
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // fields are strings, finite numbers, bools and objects of them
		}
		fmt.Fprintf(&b, "%q:%s", name, text)
	}
	if group != "" {
		b.WriteByte('}')
	}
	b.WriteByte('}')
	return b.Bytes()
}

func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return decimal(v)
	default:
		return fmt.Sprint(v)
	}
}

// template is how a document's member is found: {{ value_json.meter.power }}.
func template(name string) string {
	var b strings.Builder
	b.WriteString("{{ value_json")
	for part := range strings.SplitSeq(name, ".") {
		if strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" {
			b.WriteString("." + part)
		} else {
			b.WriteString("['" + part + "']")
		}
	}
	b.WriteString(" }}")
	return b.String()
}

// discovery is the announcement: one message, or one for each entity.
func (h *haVoice) discovery() []broker.Message {
	device := map[string]any{
		"identifiers": []string{"sim-" + h.device.id}, "name": h.device.spec.Name, "manufacturer": "Homehub",
		"model": "Simulated " + h.device.spec.Kind, "sw_version": "1.0", "suggested_area": h.device.spec.Room,
	}
	if h.device.spec.Short {
		device["identifiers"] = "sim-" + h.device.id
		device["connections"] = [][2]string{{"mac", h.mac()}}
	}
	origin := map[string]any{"name": "Homehub simulator", "sw_version": "1.0"}

	if h.device.spec.Form != "single" {
		components := map[string]any{}
		for _, e := range h.entities {
			components[e.key] = h.component(e)
		}
		root := map[string]any{"device": device, "origin": origin, "components": components}
		if h.device.spec.Short {
			root["availability_topic"] = h.availability()
		} else {
			root["availability"] = []map[string]any{{"topic": h.availability()}}
		}
		return []broker.Message{h.config("device/"+h.device.id, root)}
	}
	var out []broker.Message
	for _, e := range h.entities {
		c := h.component(e)
		delete(c, "platform")
		c["device"], c["origin"] = device, origin
		c["availability_topic"] = h.availability()
		if h.device.spec.Short {
			c["availability_topic"] = "~/availability"
		}
		out = append(out, h.config(e.platform+"/"+h.device.id+"/"+e.key, c))
	}
	return out
}

// component is an entity's part of the announcement, with its topics relative to ~ where that is the device's way.
func (h *haVoice) component(e entity) map[string]any {
	c := map[string]any{"platform": e.platform, "unique_id": "sim-" + h.device.id + "-" + e.key}
	for key, v := range e.config {
		if text, ok := v.(string); ok && h.device.spec.Short && strings.HasSuffix(key, "topic") {
			if rest, ok := strings.CutPrefix(text, h.base); ok {
				v, c["~"] = "~"+rest, h.base
			}
		}
		c[key] = v
	}
	if h.device.spec.Short && h.device.spec.Form == "single" {
		c["~"] = h.base
	}
	return c
}

func (h *haVoice) config(path string, c map[string]any) broker.Message {
	if h.device.spec.Short {
		c = abbreviate(c)
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // it consists of strings, finite numbers and bools
	}
	return kept("homeassistant/"+path+"/config", string(text))
}

// mac is an address of the locally administered range, made of the device's id.
func (h *haVoice) mac() string {
	f := fnv.New32a()
	_, _ = f.Write([]byte(h.device.id)) // never fails
	n := f.Sum32()
	return fmt.Sprintf("02:51:%02x:%02x:%02x:%02x", n>>24, n>>16&255, n>>8&255, n&255)
}

// number reads the payload of a plain command topic.
func number(payload []byte) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(string(payload)), 64)
	if err != nil {
		return 0, errors.New("it is not a number")
	}
	return f, nil
}

// write sets a property if it takes the value.
func write(p *physics.Property, v physics.Value) ([]*physics.Property, error) {
	if why := p.Check(v); why != "" {
		return nil, fmt.Errorf("%s is %s", p.ID, why)
	}
	p.Write(v)
	if p.Momentary {
		return nil, nil
	}
	return []*physics.Property{p}, nil
}
