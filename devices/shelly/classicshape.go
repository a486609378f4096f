package shelly

import (
	"fmt"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
)

// input is the payload of a message of the first generation.
type input struct {
	text string
	doc  jsontext.Value
}

// found is one value in a message. Its feature is what it shows that the device has; a zero value says nothing.
type found struct {
	feature, component, property string
	value                        devices.Value
	momentary                    bool
}

// quality is what a topic, or a member of a topic's JSON, tells of a device.
type quality struct {
	component      string // without its number
	kind           devices.Kind
	name, category string
	property       devices.Property
	// read returns a value; or what it expected; has is false when the message shows that the device has no such thing.
	read func(s string) (v devices.Value, has bool, expected string)
	// write makes the command, when there is one.
	write func(d *classic, n string, v devices.Value) broker.Message
}

// shape is what a topic below a device's own means.
type shape struct {
	kind    string // as in qualities, or the name of a topic with JSON
	n       string // the number in it
	feature string
	quality *quality
}

// member is a quality that stands in JSON.
type member struct {
	name, path string
	quality    *quality
}

// shapeOf says what the end of a topic means; ok is false when it is none that devices publish to.
func shapeOf(tail string) (s shape, ok bool) {
	if len(tail) > 60 {
		return s, false
	}
	levels := strings.Split(tail, "/")
	s.feature = strings.Clone(tail)
	switch len(levels) {
	case 1:
		switch tail {
		case "online", "info", "status":
			s.kind = s.feature
			return s, true
		}
	case 2, 3:
		if n := levels[1]; n != "" && len(n) <= 2 && strings.Trim(n, "0123456789") == "" {
			s.n = strings.Clone(n)
			levels = append(levels[:1:1], levels[2:]...)
		}
	default:
		return s, false
	}
	s.kind = strings.Join(levels, "/")
	switch s.kind {
	case "light/status", "color/status", "white/status", "input_event":
		return s, s.n != ""
	}
	q, ok := qualities[s.kind]
	if !ok || q.numbered() != (s.n != "") {
		return s, false
	}
	s.quality = q
	return s, true
}

// numbered says whether there can be several of it.
func (q *quality) numbered() bool { return strings.HasSuffix(q.component, "-") }

// read takes a message of the topic.
func (s shape) read(d *classic, in input) (out []found, faults []string) {
	switch s.kind {
	case "light/status", "color/status", "white/status":
		return s.readLight(d, in.doc)
	case "input_event":
		return s.readPress(in)
	case "info", "status":
		for _, m := range members[s.kind] {
			v := dig(in.doc, m.path)
			if !v.Is() {
				continue
			}
			raw := v.Said()
			if v.Kind() == jsontext.Text {
				raw = v.Text()
			}
			out, faults = m.quality.take(out, faults, s.kind+"#"+m.name, "", raw, m.path)
		}
		return out, faults
	case "roller", "roller/pos":
		return s.readRoller(d, in.text)
	}
	return s.quality.take(out, faults, s.feature, s.n, in.text, "")
}

func (q *quality) take(out []found, faults []string, feature, n, raw, path string) ([]found, []string) {
	v, has, expected := q.read(raw)
	if expected != "" {
		at := ""
		if path != "" {
			at = " at " + path
		}
		return out, append(faults, fmt.Sprintf("expected %s%s, got %q", expected, at, jsontext.Clip(raw, 60)))
	}
	if has {
		out = append(out, found{feature: feature, component: q.component + n, property: q.property.ID, value: v})
	}
	return out, faults
}

// dig finds a value in nested objects; 0 is the first item of a list.
func dig(v jsontext.Value, path string) jsontext.Value {
	for more := true; more; {
		var key string
		key, path, more = strings.Cut(path, ".")
		if key == "0" && v.Kind() == jsontext.List {
			var item jsontext.Value
			for w := range v.Children() {
				item = w
				break
			}
			v = item
		} else {
			v = v.Get(key)
		}
	}
	return v
}

// clicks are the events of buttons as the first generation spells them.
var clicks = map[string]string{"S": "single", "SS": "double", "SSS": "triple", "L": "long", "SL": "short-long", "LS": "long-short"}

var clickChoices = []string{"single", "double", "triple", "long", "short-long", "long-short"}

func (s shape) readPress(in input) ([]found, []string) {
	if in.doc.Kind() != jsontext.Object {
		return nil, []string{fmt.Sprintf("expected JSON, got %q", jsontext.Clip(in.text, 60))}
	}
	f := found{feature: s.feature, component: "button-" + s.n, property: devices.EventType, momentary: true}
	if name, ok := clicks[in.doc.Get("event").Text()]; ok {
		f.value = devices.EnumValue(name)
	}
	return []found{f}, nil
}

// readRoller takes a cover's movement or position. A cover that is not calibrated says -1.
func (s shape) readRoller(d *classic, raw string) ([]found, []string) {
	r := d.cover[s.n]
	if r == nil {
		r = &roller{}
		d.cover[s.n] = r
	}
	state := found{feature: "roller/" + s.n, component: "roller-" + s.n, property: devices.State}
	if s.kind == "roller" {
		switch raw {
		case "open", "close", "stop":
			r.moves = strings.Clone(raw)
		default:
			return nil, []string{fmt.Sprintf("expected open, close or stop, got %q", jsontext.Clip(raw, 60))}
		}
		state.value = devices.EnumValue(r.state())
		return []found{state}, nil
	}
	pos, err := strconv.Atoi(raw)
	if err != nil || pos > 100 || pos < -1 {
		return nil, []string{fmt.Sprintf("expected a position of 0 to 100, got %q", jsontext.Clip(raw, 60))}
	}
	if pos < 0 {
		r.pos = ""
		return nil, nil
	}
	r.pos = strconv.Itoa(pos)
	v, err := devices.FloatValue(float64(pos))
	if err != nil {
		return nil, nil
	}
	out := []found{{feature: s.feature, component: "roller-" + s.n, property: devices.Position, value: v}}
	if r.moves == "stop" {
		state.value = devices.EnumValue(r.state())
		out = append(out, state)
	}
	return out, nil
}

func (r *roller) state() string {
	switch {
	case r.moves == "open":
		return "opening"
	case r.moves == "close":
		return "closing"
	case r.pos == "0":
		return "closed"
	case r.pos == "100":
		return "open"
	}
	return "stopped"
}

// classicBuild makes a device of its features.
type classicBuild struct {
	*classic
	device  *devices.Device
	writers map[devices.Ref]func(v devices.Value) broker.Message
}

func (b *classicBuild) component(id string, kind devices.Kind, name, category string) *devices.Component {
	if c := b.device.Component(id); c != nil {
		return c
	}
	b.device.Components = append(b.device.Components, devices.Component{ID: id, Kind: kind, Name: name, Category: category})
	return &b.device.Components[len(b.device.Components)-1]
}

func (b *classicBuild) add(c *devices.Component, p devices.Property, write func(v devices.Value) broker.Message) {
	if c.Property(p.ID) != nil {
		return
	}
	p.Readable = !p.Momentary || p.Datatype == devices.Enum
	if write != nil {
		p.Settable = true
		b.writers[devices.Ref{Component: c.ID, Property: p.ID}] = write
	}
	c.Properties = append(c.Properties, p)
}

// feature adds what a feature stands for.
func (b *classicBuild) feature(f string) {
	topic, name, inside := strings.Cut(f, "#")
	s, ok := shapeOf(topic)
	if !ok {
		return
	}
	switch {
	case strings.HasSuffix(s.kind, "/status"):
		b.light(s, name)
		return
	case s.kind == "input_event":
		c := b.component("button-"+s.n, devices.EventSource, b.number("Button", s.n), "")
		b.add(c, devices.Property{ID: devices.EventType, Datatype: devices.Enum, Choices: clickChoices, Momentary: true}, nil)
		return
	case inside:
		for _, m := range members[topic] {
			if m.name == name {
				b.quality(m.quality, "")
				if m.name == "installed" {
					b.add(b.device.Component(updateID), devices.Property{ID: devices.Install, Datatype: devices.Bool, Momentary: true},
						func(devices.Value) broker.Message { return b.publish("command", "update_fw") })
				}
			}
		}
		return
	case s.kind == "light" || s.kind == "color" || s.kind == "white":
		b.light(s, devices.On)
		return
	}
	b.quality(s.quality, s.n)
	if s.kind == "roller" {
		c := b.device.Component("roller-" + s.n)
		n := s.n
		b.add(c, devices.Property{ID: devices.Stop, Datatype: devices.Bool, Momentary: true}, func(devices.Value) broker.Message {
			return b.publish("roller/"+n+"/command", "stop")
		})
	}
}

func (b *classicBuild) quality(q *quality, n string) {
	name := q.name
	if n != "" && name != "" {
		name = b.number(name, n)
	}
	c := b.component(q.component+n, q.kind, name, q.category)
	var write func(v devices.Value) broker.Message
	if q.write != nil {
		d := b.classic
		write = func(v devices.Value) broker.Message { return q.write(d, n, v) }
	}
	b.add(c, q.property, write)
}

// number is a name with a number from 1, unless it is clear that there is only one.
func (b *classicBuild) number(name, n string) string {
	i, err := strconv.Atoi(n)
	if err != nil {
		return name
	}
	return fmt.Sprintf("%s %d", name, i+1)
}
