package homie

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Exporter spells devices in Homie 5 under one domain. It is pure and safe for concurrent use.
//
// Homie has no word for some things: an optimistic property looks like one that reports, the choices that may not be
// commanded are listed with the others, and a JSON text that is neither array nor object is left out. The room goes into
// the description under the extra key "room", which other readers ignore.
type Exporter struct{ domain string }

// NewExporter returns an exporter for a domain, a topic level such as Own.
func NewExporter(domain string) *Exporter { return &Exporter{domain} }

// All is <domain>/5/#.
func (e *Exporter) All() string { return e.domain + "/5/#" }

// Commands is <domain>/5/+/+/+/set.
func (e *Exporter) Commands() string { return e.domain + "/5/+/+/+/set" }

// The shape of a $description.
type (
	document struct {
		Homie    string                  `json:"homie"`
		Version  int64                   `json:"version"`
		Name     string                  `json:"name,omitempty"`
		Type     string                  `json:"type,omitempty"`
		Room     string                  `json:"room,omitempty"`
		Root     string                  `json:"root,omitempty"`
		Children []string                `json:"children,omitempty"`
		Nodes    map[string]documentNode `json:"nodes"`
	}
	documentNode struct {
		Name       string                      `json:"name,omitempty"`
		Type       string                      `json:"type,omitempty"`
		Properties map[string]documentProperty `json:"properties"`
	}
	documentProperty struct {
		Name     string `json:"name,omitempty"`
		Datatype string `json:"datatype"`
		Format   string `json:"format,omitempty"`
		Unit     string `json:"unit,omitempty"`
		Settable bool   `json:"settable,omitempty"`
		Retained *bool  `json:"retained,omitempty"` // only to say no
	}
)

// Root returns the root's description and state. When the hub stops it is lost, not disconnected: only that says in Homie that what is below
// it is not there either.
func (e *Exporter) Root(children []string, up bool) []broker.Message {
	doc := document{Homie: "5.0", Name: "Homehub", Type: "hub", Children: children, Nodes: map[string]documentNode{}}
	state := e.Will()
	if up {
		state.Payload = []byte(ready)
	}
	return []broker.Message{kept(e.domain+"/5/"+hub.RootID+"/$description", numbered(doc)), state}
}

// Will is what a broker elsewhere is to publish when the hub's connection breaks off.
func (e *Exporter) Will() broker.Message {
	return kept(e.domain+"/5/"+hub.RootID+"/$state", []byte(lost))
}

// Describe returns the device's description, its values and targets, and at last its state.
func (e *Exporter) Describe(v hub.View) []broker.Message {
	messages := []broker.Message{kept(e.domain+"/5/"+v.ID+"/$description", describe(v.Device))}
	for _, c := range v.Components {
		for _, p := range c.Properties {
			ref := devices.Ref{Component: c.ID, Property: p.ID}
			if r, ok := v.Reported[ref.String()]; ok && !p.Momentary {
				messages = append(messages, e.Value(v.ID, p, ref, r.Value)...)
			}
			if t, ok := v.Targets[ref.String()]; ok {
				messages = append(messages, e.Target(v.ID, p, ref, t)...)
			}
		}
	}
	return append(messages, e.State(v.ID, v.Reach)...)
}

// Value returns the message for a reported value: retained, or, for what is momentary, unretained and with QoS 0. No value
// clears the topic.
func (e *Exporter) Value(id string, p devices.Property, ref devices.Ref, v devices.Value) []broker.Message {
	m, ok := spelled(e.domain+"/5/"+id+"/"+ref.Component+"/"+ref.Property, p, v)
	switch {
	case !ok, p.Momentary && v.IsZero():
		return nil
	case p.Momentary:
		m.Retain, m.QoS = false, 0
	}
	return []broker.Message{m}
}

// Target returns the message for a value that is wanted and not reached; no value clears it. What is momentary has no
// target.
func (e *Exporter) Target(id string, p devices.Property, ref devices.Ref, v devices.Value) []broker.Message {
	m, ok := spelled(e.domain+"/5/"+id+"/"+ref.Component+"/"+ref.Property+"/$target", p, v)
	if !ok || p.Momentary {
		return nil
	}
	return []broker.Message{m}
}

// State returns the message for a device's presence.
func (e *Exporter) State(id string, r devices.Reach) []broker.Message {
	state := starting // also of what is unknown
	switch r.Presence {
	case devices.Online, devices.Late: // Homie has no word for one that is late, and it may well be there
		state = ready
	case devices.Asleep:
		state = sleeping
	case devices.Offline:
		if state = lost; r.Why == reaches[disconnected].Why {
			state = disconnected
		}
	}
	return []broker.Message{kept(e.domain+"/5/"+id+"/$state", []byte(state))}
}

// Any is the topic level in place of a property under which wishes for any property of the component are heard, as
// property=value: some programs have one topic for all that a component can be told (Home Assistant's covers, locks and valves).
const Any = "$any"

// Wish reads a message to one of the Commands topics. A retained one is none: a wish that is replayed at every restart
// would be a trap. Neither is an empty one.
func (e *Exporter) Wish(m broker.Message) (path devices.Path, wish string, ok bool) {
	rest, mine := strings.CutPrefix(m.Topic, e.domain+"/5/")
	rest, set := strings.CutSuffix(rest, "/set")
	if !mine || !set || m.Retain || len(m.Payload) == 0 {
		return devices.Path{}, "", false
	}
	path, err := devices.ParsePath(rest)
	if err != nil {
		return devices.Path{}, "", false
	}
	wish = text(m.Payload)
	if path.Property == Any {
		if path.Property, wish, ok = strings.Cut(wish, "="); !ok {
			return devices.Path{}, "", false
		}
	}
	return path, wish, true
}

// Parse reads a wish: as Homie spells the property's values, and as people type them, such as on, 40 %, #ff8800 or PT5M.
// The error wraps devices.ErrValue.
func (e *Exporter) Parse(p devices.Property, wish string) (devices.Value, error) {
	switch p.Datatype {
	case devices.Color:
		if c, _, err := readColor(strings.TrimSpace(wish), colorFormats); err == nil {
			return devices.ColorValue(c.hue, c.saturation)
		}
	case devices.Int, devices.Float:
		number := strings.TrimSpace(wish)
		if p.Unit != "" {
			number = strings.TrimSpace(strings.TrimSuffix(number, p.Unit))
		}
		if p.Unit == "s" {
			if seconds, err := readDuration(number); err == nil {
				number = writeFloat(seconds)
			}
		}
		v, err := p.ParseText(number)
		if err != nil {
			return v, fmt.Errorf("%w: %s takes %s, not %.40q", devices.ErrValue, p.ID, p.Range(), wish)
		}
		return v, nil
	}
	return p.ParseText(wish)
}

// kept is a retained message.
func kept(topic string, payload []byte) broker.Message {
	return broker.Message{Topic: topic, Payload: payload, QoS: 1, Retain: true}
}

// spelled is a retained message with a value in Homie's spelling; ok is false for what Homie cannot say.
func spelled(topic string, p devices.Property, v devices.Value) (m broker.Message, ok bool) {
	if v.IsZero() {
		return kept(topic, nil), true
	}
	var s string
	switch v.Datatype() {
	case devices.Int, devices.Float:
		if v.Datatype() == devices.Int {
			s = strconv.FormatFloat(v.Float(), 'f', 0, 64)
		} else {
			s = writeFloat(v.Float())
		}
	case devices.Color:
		hue, saturation := v.Color()
		s = writeColor(shade{hue, saturation, 100}, formatHSV)
	case devices.JSON:
		if s = v.Text(); checkJSON(s) != nil {
			return m, false
		}
	default:
		s = v.String()
	}
	if v.Datatype() == devices.Enum && s == "" || v.Datatype() != p.Datatype {
		return m, false
	}
	return kept(topic, payload(s)), true
}

// describe is the $description of a device.
func describe(d devices.Device) []byte {
	doc := document{Homie: "5.0", Name: d.Name, Type: d.Model, Room: d.Room, Root: hub.RootID, Nodes: map[string]documentNode{}}
	for _, c := range d.Components {
		n := documentNode{Name: c.Name, Type: string(c.Kind), Properties: map[string]documentProperty{}}
		for _, p := range c.Properties {
			n.Properties[p.ID] = describeProperty(p)
		}
		doc.Nodes[c.ID] = n
	}
	return numbered(doc)
}

// numbered spells a description. Its version is a number made from the content, so that it changes exactly when the content does; it does
// not rise, as there is nothing that would remember it.
func numbered(doc document) []byte {
	sum := fnv.New64a()
	sum.Write(marshal(doc))
	doc.Version = int64(sum.Sum64()>>12) + 1 // 52 bits: whole in every reader's numbers
	return marshal(doc)
}

func describeProperty(p devices.Property) documentProperty {
	out := documentProperty{Name: p.Name, Unit: p.Unit, Settable: p.Settable}
	if p.Momentary {
		out.Retained = new(false)
	}
	switch p.Datatype {
	case devices.Bool:
		out.Datatype = typeBoolean
	case devices.Int:
		out.Datatype, out.Format = typeInteger, formatOf(p)
	case devices.Float:
		out.Datatype, out.Format = typeFloat, formatOf(p)
	case devices.Color:
		out.Datatype, out.Format = typeColor, formatHSV
	case devices.JSON:
		out.Datatype = typeJSON
	case devices.Enum:
		out.Datatype, out.Format = typeEnum, strings.Join(p.Choices, ",")
		if distinct(p.Choices) != nil || len(p.Choices) == 0 || slices.ContainsFunc(p.Choices, func(c string) bool { return strings.Contains(c, ",") }) {
			out.Datatype, out.Format = typeString, "" // Homie cannot list these choices
		}
	default:
		out.Datatype = typeString
	}
	return out
}

// formatOf is min:max:step, as far as it is known.
func formatOf(p devices.Property) string {
	bound := func(f *float64, whole func(float64) float64) string {
		switch {
		case f == nil:
			return ""
		case p.Datatype == devices.Int:
			return fmt.Sprintf("%.0f", whole(*f)+0) // + 0 makes -0 into 0
		}
		return writeFloat(*f)
	}
	low, high, step := bound(p.Min, math.Ceil), bound(p.Max, math.Floor), ""
	if p.Step > 0 && (p.Datatype == devices.Float || p.Step == math.Trunc(p.Step)) {
		step = ":" + writeFloat(p.Step)
	}
	if low+high+step == "" {
		return ""
	}
	return low + ":" + high + step
}

func marshal(doc document) []byte {
	data, err := json.Marshal(doc)
	if err != nil {
		panic("homie: marshalling a description: " + err.Error()) // strings, numbers and bools always can be
	}
	return data
}
