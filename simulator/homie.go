package simulator

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// Homie is the language of Homie 5.
const Homie = "homie"

var homieLanguage = language{
	name: Homie, title: "Homie 5", topics: []string{"homie/5/#"},
	voice: func(d *device) voice { return newHomie(d) },
}

// homieVoice speaks Homie 5 (github.com/homieiot/convention): every part is a node, every property a property. All is sent
// with QoS 1, since the convention wants one QoS for the whole network.
type homieVoice struct {
	device *device
	base   string
	topics map[*physics.Property]string
	// goals is the last $target of each property that has one: the exact text that was set, as the convention demands, or
	// the value that the device took by itself.
	goals map[*physics.Property]target
}

type target struct {
	value physics.Value
	text  string
}

func newHomie(d *device) *homieVoice {
	h := &homieVoice{
		device: d, base: "homie/5/" + d.id, topics: map[*physics.Property]string{}, goals: map[*physics.Property]target{},
	}
	for i := range d.parts {
		for j := range d.parts[i].Properties {
			p := &d.parts[i].Properties[j]
			h.topics[p] = h.base + "/" + d.parts[i].ID + "/" + p.ID
		}
	}
	return h
}

func kept(topic, payload string) broker.Message {
	return broker.Message{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: true}
}

func (h *homieVoice) will() broker.Message { return kept(h.base+"/$state", "lost") }

func (h *homieVoice) goodbye() []broker.Message {
	return []broker.Message{kept(h.base+"/$state", "disconnected")}
}

func (h *homieVoice) filters() []broker.Subscription {
	for p := range h.topics {
		if p.Write != nil {
			return []broker.Subscription{{Filter: h.base + "/+/+/set", QoS: 1}}
		}
	}
	return nil
}

func (h *homieVoice) announce() []broker.Message {
	out := []broker.Message{kept(h.base+"/$state", "init"), kept(h.base+"/$description", h.description())}
	for i := range h.device.told {
		p := h.device.told[i].property
		if p.Times != nil {
			continue // an event has no value
		}
		delete(h.goals, p) // so that $target is said again
		out = append(out, h.value(p)...)
	}
	return append(out, kept(h.base+"/$state", "ready"))
}

func (h *homieVoice) whole() bool { return false }

func (h *homieVoice) report(changed []*physics.Property) []broker.Message {
	var out []broker.Message
	for _, p := range changed {
		out = append(out, h.value(p)...)
	}
	return out
}

// value tells a property's value, with its $target before it when that is news.
func (h *homieVoice) value(p *physics.Property) []broker.Message {
	if p.Times != nil {
		return []broker.Message{{Topic: h.topics[p], Payload: []byte(homieText(p, p.Read())), QoS: 1}}
	}
	var out []broker.Message
	if p.Goal != nil {
		goal := p.Goal()
		if last, ok := h.goals[p]; !ok || last.value != goal {
			h.goals[p] = target{goal, homieText(p, goal)}
			out = append(out, kept(h.topics[p]+"/$target", h.goals[p].text))
		}
	}
	return append(out, kept(h.topics[p], homieText(p, p.Read())))
}

func (h *homieVoice) hear(m broker.Message) heard {
	path, ok := strings.CutPrefix(strings.TrimSuffix(m.Topic, "/set"), h.base+"/")
	part, name, _ := strings.Cut(path, "/")
	p := h.device.find(part, name)
	if !ok || p == nil || p.Write == nil {
		return heard{refused: "there is nothing to set"}
	}
	if m.Retain {
		return heard{refused: "a command must not be retained"}
	}
	v, err := homieValue(p, string(m.Payload))
	if err != nil {
		return heard{refused: err.Error()}
	}
	if why := p.Check(v); why != "" {
		return heard{refused: fmt.Sprintf("%s is %s", p.ID, why)}
	}
	p.Write(v)
	if p.Momentary {
		return heard{said: []broker.Message{{Topic: h.topics[p], Payload: m.Payload}}}
	}
	out := heard{touched: []*physics.Property{p}}
	if p.Goal != nil {
		h.goals[p] = target{p.Goal(), string(m.Payload)}
		out.said = []broker.Message{kept(h.topics[p]+"/$target", string(m.Payload))}
	}
	return out
}

// homieText spells a value as the convention does.
func homieText(p *physics.Property, v physics.Value) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case float64:
		if p.Type == physics.Int {
			return strconv.FormatFloat(v, 'f', 0, 64)
		}
		return strconv.FormatFloat(v, 'f', places(p), 64)
	case physics.Color:
		return fmt.Sprintf("hsv,%s,%s,100", decimal(v.H), decimal(v.S))
	case string:
		return v
	}
	return ""
}

// places is the number of decimals by which people read a value of the kind.
func places(p *physics.Property) int {
	switch p.Unit {
	case "kWh":
		return 3
	case "°C":
		return 2
	}
	return 1
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// homieValue reads a value as the convention spells it.
func homieValue(p *physics.Property, text string) (physics.Value, error) {
	switch p.Type {
	case physics.Bool:
		switch text {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, fmt.Errorf("%s takes true or false", p.ID)
	case physics.Int, physics.Float:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || strings.Trim(text, "0123456789.-eE") != "" {
			return nil, fmt.Errorf("%s takes a number", p.ID)
		}
		return f, nil
	case physics.Hue:
		parts := strings.Split(text, ",")
		if len(parts) != 4 || parts[0] != "hsv" {
			return nil, fmt.Errorf("%s takes hsv,h,s,v", p.ID)
		}
		hue, err1 := strconv.ParseFloat(parts[1], 64)
		saturation, err2 := strconv.ParseFloat(parts[2], 64)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("%s takes hsv,h,s,v", p.ID)
		}
		return physics.Color{H: hue, S: saturation}, nil
	default:
		return text, nil
	}
}

type homieDescription struct {
	Homie   string               `json:"homie"`
	Version int                  `json:"version"`
	Name    string               `json:"name"`
	Type    string               `json:"type"`
	Nodes   map[string]homieNode `json:"nodes"`
}

type homieNode struct {
	Name       string                   `json:"name"`
	Type       string                   `json:"type"`
	Properties map[string]homieProperty `json:"properties"`
}

type homieProperty struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Format   string `json:"format,omitempty"`
	Unit     string `json:"unit,omitempty"`
	Settable bool   `json:"settable,omitempty"`
	Retained *bool  `json:"retained,omitempty"`
}

func (h *homieVoice) description() string {
	d := homieDescription{
		Homie: "5.0", Version: 1, Name: h.device.spec.Name, Type: strings.ReplaceAll(h.device.spec.Kind, " ", "-"),
		Nodes: map[string]homieNode{},
	}
	for _, part := range h.device.parts {
		n := homieNode{Name: part.Name, Type: part.Kind, Properties: map[string]homieProperty{}}
		for i := range part.Properties {
			p := &part.Properties[i]
			described := homieProperty{Name: p.Name, Unit: p.Unit, Settable: p.Write != nil}
			described.Datatype, described.Format = homieType(p)
			if p.Momentary {
				described.Retained = new(bool)
			}
			n.Properties[p.ID] = described
		}
		d.Nodes[part.ID] = n
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // it consists of strings
	}
	return string(text)
}

func homieType(p *physics.Property) (datatype, format string) {
	switch p.Type {
	case physics.Bool:
		return "boolean", ""
	case physics.Int, physics.Float:
		datatype = "float"
		if p.Type == physics.Int {
			datatype = "integer"
		}
		if p.Max > p.Min {
			format = decimal(p.Min) + ":" + decimal(p.Max)
			if p.Step > 0 {
				format += ":" + decimal(p.Step)
			}
		}
		return datatype, format
	case physics.Hue:
		return "color", "hsv"
	default:
		return "enum", strings.Join(p.Choices, ",")
	}
}
