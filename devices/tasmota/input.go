package tasmota

import (
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
)

// Bounds of what is learnt of a device beside its sensors.
const maxExtras = 64

// extras are inputs and events that the device did not announce, but used.
type extras struct {
	switches []string // by the name that messages use
	buttons  []int
	events   []string // by key: IrReceived
}

// toggle is one switch: it has a state, or events, or both, by its mode.
type toggle struct {
	component    string
	state, event bool
}

// The words for presses of buttons and moves of switches.
var (
	presses = []string{"single", "double", "triple", "quad", "penta", "hold", "clear"}
	moves   = []string{"toggle", "hold", "on", "off", "inc-dec", "inv", "clear", "release", "delayed"}
)

// modes say of each SwitchMode whether the switch has a state, and whether it has events.
func modes(mode int) (state, event bool) {
	switch mode {
	case 1, 2, 15, 16:
		return true, false
	case 0, 7, 8, 11, 12, 13, 14: // 13 and 14 say when something moved, and never that it stopped
		return false, true
	}
	return true, true
}

// inputs builds switches and buttons, announced and learnt ones.
func (b *builder) inputs() {
	d := b.device
	for i, in := range d.setup.switches {
		if !in.used {
			continue
		}
		name := in.name
		if name == "" {
			name = "Switch" + strconv.Itoa(i+1)
		}
		state, event := modes(in.mode)
		b.toggle(name, "switch-"+strconv.Itoa(i+1), clean(in.name), state, event)
	}
	for _, name := range d.extras.switches {
		if d.switches[name] != nil {
			continue
		}
		id, n, ok := numbered(name)
		if ok && strings.EqualFold(id, "Switch") && n > 0 {
			id = "switch-" + strconv.Itoa(n)
		} else if id = devices.Slug("switch " + name); id == "" || b.components[id] != nil {
			continue
		}
		b.toggle(name, id, clean(name), true, true)
	}
	buttons := slices.Clone(d.extras.buttons)
	if d.options.buttons {
		for i, used := range d.setup.buttons {
			if used {
				buttons = append(buttons, i+1)
			}
		}
	}
	for _, n := range buttons {
		if _, there := d.buttons[n]; there {
			continue
		}
		id := "button-" + strconv.Itoa(n)
		choices := presses
		if d.options.single {
			choices = presses[:1]
		}
		b.add(b.component(id, devices.EventSource, ""), devices.Property{
			ID: devices.EventType, Datatype: devices.Enum, Choices: choices, Class: "button", Readable: true, Momentary: true,
		}, nil)
		d.buttons[n] = id
	}
}

func (b *builder) toggle(name, id, title string, state, event bool) {
	if b.components[id] != nil {
		return
	}
	kind := devices.BinarySensor
	if !state {
		kind = devices.EventSource
	}
	c := b.component(id, kind, title)
	if state {
		b.add(c, devices.Property{ID: devices.On, Datatype: devices.Bool, Readable: true}, nil)
	}
	if event {
		b.add(c, devices.Property{ID: devices.EventType, Datatype: devices.Enum, Choices: moves, Readable: true, Momentary: true}, nil)
	}
	b.device.switches[name] = &toggle{component: id, state: state, event: event}
}

// occurrences builds the sources of events that have no state: remote controls, codes, tags.
func (b *builder) occurrences() {
	for _, key := range b.extras.events {
		id := eventID(key)
		if b.components[id] == nil {
			p := devices.Property{ID: devices.EventType, Datatype: devices.Enum, Readable: true, Momentary: true}
			if key == gestureKey {
				for _, g := range gestures {
					p.Choices = append(p.Choices, strings.ToLower(g))
				}
			}
			b.add(b.component(id, devices.EventSource, clean(key)), p, nil)
		}
	}
}

func eventID(key string) string {
	id := devices.Slug("event " + strings.TrimSuffix(key, "Received"))
	return strings.TrimPrefix(id, "event-")
}

// eventKeys are the keys of what is an event rather than a state, with the keys of what tells one event from another, in
// the order in which they are looked for.
var eventKeys = map[string][]string{
	"IrReceived":      {"Protocol", "Data", "Hash"},
	"RfReceived":      {"Data", "RfKey"},
	"SSerialReceived": nil,
	"SerialReceived":  nil,
	"TuyaReceived":    {"Data"},
	"PN532":           {"UID"},
	"RC522":           {"UID"},
	"RDM6300":         {"UID"},
	"Wiegand":         {"UID"},
	"PAJ7620":         {"Gesture"},
}

// occurrence takes an event. What is kept is none.
func (r *report) occurrence(doc document, i int, parts []string) {
	f := &doc[i]
	var said []string
	if f.kind == object {
		for _, key := range parts {
			if at := doc.get(i, key); at > 0 && doc[at].text != "" {
				said = append(said, doc[at].text)
			}
		}
	} else if f.text != "" {
		said = append(said, f.text)
	}
	if len(said) == 0 {
		return
	}
	if !r.learnEvent(f.key) {
		return
	}
	ref := devices.Ref{Component: eventID(f.key), Property: devices.EventType}
	if p := r.d.built.Property(ref); p != nil && p.Momentary && !r.replayed {
		r.add(ref, devices.EnumValue(clip(strings.ToValidUTF8(strings.Join(said, " "), ""), 120)))
	}
}

// learnEvent makes a source of events, and says whether it is there now.
func (r *report) learnEvent(key string) bool {
	if slices.Contains(r.d.extras.events, key) {
		return true
	}
	if len(r.d.extras.events) >= maxExtras || r.d.full {
		return false
	}
	r.d.extras.events = append(r.d.extras.events, strings.Clone(key))
	r.learnt = true
	r.settle()
	return true
}

// action takes {"Action":"SINGLE"} of a button or a switch. Firmware before version 9 said {"ACTION":…}, {"STATE":…} and
// {"TRIG":…} in topics of their own.
func (r *report) action(doc document, i int, name string) {
	said := ""
	for _, key := range []string{"Action", "STATE", "TRIG"} {
		if at := doc.get(i, key); at > 0 {
			said = doc[at].text
			break
		}
	}
	if said == "" {
		return
	}
	base, n, ok := numbered(name)
	if ok && strings.EqualFold(base, "Button") && n > 0 && n <= maxRelays {
		r.pressed(n, said)
		return
	}
	if ok && base == "SWITCH" {
		name = "Switch" + strconv.Itoa(n)
	}
	if r.d.switches[name] == nil {
		if !strings.HasPrefix(name, "Switch") || n == 0 || !r.learnSwitch(name) {
			return
		}
	}
	r.moved(name, said)
}

func (r *report) pressed(n int, said string) {
	if _, known := r.d.buttons[n]; !known {
		if len(r.d.extras.buttons) >= maxExtras || r.d.full {
			return
		}
		r.d.extras.buttons = append(r.d.extras.buttons, n)
		r.learnt = true
		r.settle()
	}
	said = strings.ToLower(said)
	if r.d.options.swap && !r.d.options.single { // SetOption11: a single press is said to be a double one
		switch said {
		case "single":
			said = "double"
		case "double":
			said = "single"
		}
	}
	ref := devices.Ref{Component: r.d.buttons[n], Property: devices.EventType}
	r.choice(ref, said)
}

// moved takes what a switch says: its state, or what was done with it.
func (r *report) moved(name, said string) {
	t := r.d.switches[name]
	if t == nil {
		return
	}
	on, isState := r.d.truth(said)
	if isState && t.state {
		r.add(devices.Ref{Component: t.component, Property: devices.On}, devices.BoolValue(on))
		return
	}
	if !t.event {
		return
	}
	ref := devices.Ref{Component: t.component, Property: devices.EventType}
	switch {
	case isState && on:
		r.choice(ref, "on")
	case isState:
		r.choice(ref, "off")
	case strings.EqualFold(said, r.d.states[2]):
		r.choice(ref, "toggle")
	case strings.EqualFold(said, r.d.states[3]):
		r.choice(ref, "hold")
	default:
		r.choice(ref, devices.Slug(said))
	}
}

// choice reports an event if the property knows it.
func (r *report) choice(ref devices.Ref, said string) {
	p := r.d.built.Property(ref)
	if p != nil && p.Momentary && !r.replayed && slices.Contains(p.Choices, said) {
		r.add(ref, devices.EnumValue(said))
	}
}

// learnSwitch makes a switch of a name, and says whether it is there now.
func (r *report) learnSwitch(name string) bool {
	if len(r.d.extras.switches) >= maxExtras || r.d.full || len(name) > maxName {
		return false
	}
	r.d.extras.switches = append(r.d.extras.switches, name)
	r.learnt = true
	r.settle()
	return r.d.switches[name] != nil
}

// truth says whether a text is one of the device's words for on and off, or one of the firmware's own.
func (s *setup) truth(said string) (on, ok bool) {
	switch {
	case said == s.states[1]:
		return true, true
	case said == s.states[0]:
		return false, true
	case strings.EqualFold(said, s.states[1]), strings.EqualFold(said, "ON"), said == "1":
		return true, true
	case strings.EqualFold(said, s.states[0]), strings.EqualFold(said, "OFF"), said == "0":
		return false, true
	}
	return false, false
}
