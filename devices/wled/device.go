package wled

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
	"home.arpa/homehub/hub"
)

// The IDs of components.
const (
	lightPart     = "light"
	presetPart    = "preset"
	nightPart     = "nightlight"
	palettePart   = "palette"
	speedPart     = "effect-speed"
	intensityPart = "effect-intensity"
)

// longestFade is the longest transition in seconds.
const longestFade = 6553.5

// maxPreset is the highest number of a preset; none is what the option is called when no preset is active.
const (
	maxPreset = 250
	none      = "none"
)

// device is what is known of one controller.
type device struct {
	base    string
	name    string                    // as it says itself, empty until it has
	full    bool                      // it has told its whole state
	white   int                       // of the white channel, 0-255; -1: it has none
	tint    tint                      // the last color that was none of black
	inputs  map[string]broker.Message // of its buttons and motion sensors, the first one: button/0
	sources []broker.Message          // by which it was found
}

// device is the model's view.
func (d *device) device() *devices.Device {
	last := d.base[strings.LastIndexByte(d.base, '/')+1:]
	v := &devices.Device{
		ID: devices.Slug("wled " + last), Name: d.name, Manufacturer: "WLED", Model: "WLED", Convention: Name, Identifiers: []string{d.base},
		Components: []devices.Component{d.light()},
	}
	if v.Name == "" || v.Name == "WLED" { // the firmware's own, which all have that were given none
		v.Name = "WLED " + last
	}
	if mac := address.MAC(last); mac != "" {
		v.Connections = []devices.Connection{{Kind: "mac", Value: mac}}
	}
	if d.full {
		v.Components = append(v.Components, extras...)
	}
	for _, input := range slices.Sorted(maps.Keys(d.inputs)) {
		v.Components = append(v.Components, inputPart(input))
	}
	v.Sort()
	return v
}

func (d *device) light() devices.Component {
	c := devices.Component{ID: lightPart, Kind: devices.Light, Properties: []devices.Property{
		level(devices.Brightness, ""),
		{ID: devices.ColorHS, Datatype: devices.Color, Readable: true, Settable: true},
		{ID: devices.On, Datatype: devices.Bool, Readable: true, Settable: true},
		// The firmware does not tell it, and keeps it until it starts anew.
		{ID: devices.Transition, Datatype: devices.Float, Class: "duration", Unit: "s", Min: new(0.0), Max: new(longestFade), Step: 0.1, Settable: true},
	}}
	if d.full {
		c.Properties = append(c.Properties, devices.Property{ID: devices.Effect, Datatype: devices.Enum, Choices: effects, Readable: true, Settable: true})
	}
	if d.white >= 0 {
		c.Properties = append(c.Properties, level(devices.White, ""))
	}
	return c
}

// level is a property of 0 to 255 in the firmware.
func level(id, name string) devices.Property {
	return devices.Property{
		ID: id, Name: name, Datatype: devices.Float, Unit: "%", Min: new(0.0), Max: new(100.0), Step: 100.0 / 255, Readable: true, Settable: true,
	}
}

// presets are the choices of the preset: which of them exist is not told, and neither are their names.
var presets = func() []string {
	list := []string{none}
	for n := range maxPreset {
		list = append(list, strconv.Itoa(n+1))
	}
	return list
}()

// extras are the components of a device that has told its whole state.
var extras = []devices.Component{
	{ID: presetPart, Kind: devices.Select, Name: "Preset", Properties: []devices.Property{
		{ID: devices.Option, Datatype: devices.Enum, Choices: presets, Wanted: presets[1:], Readable: true, Settable: true},
	}},
	{ID: nightPart, Kind: devices.Switch, Name: "Nightlight", Category: "config", Properties: []devices.Property{
		{ID: devices.On, Datatype: devices.Bool, Readable: true, Settable: true},
	}},
	{ID: palettePart, Kind: devices.Number, Name: "Palette", Category: "config", Properties: []devices.Property{
		{ID: devices.ValueID, Datatype: devices.Int, Min: new(0.0), Max: new(255.0), Step: 1, Readable: true, Settable: true},
	}},
	{ID: speedPart, Kind: devices.Number, Name: "Effect speed", Category: "config", Properties: []devices.Property{level(devices.ValueID, "")}},
	{ID: intensityPart, Kind: devices.Number, Name: "Effect intensity", Category: "config", Properties: []devices.Property{level(devices.ValueID, "")}},
}

// presses are what a button says: on and off are for switches.
var presses = []string{"short", "long", "double", "on", "off"}

// inputPart is the component for button/<n> or motion/<n>.
func inputPart(input string) devices.Component {
	kind, n, _ := strings.Cut(input, "/")
	c := devices.Component{ID: kind + "-" + n, Kind: devices.EventSource, Name: "Button " + n, Properties: []devices.Property{
		{ID: devices.EventType, Datatype: devices.Enum, Choices: presses, Readable: true, Momentary: true},
	}}
	if kind == "motion" {
		c.Kind, c.Name = devices.BinarySensor, "Motion "+n
		c.Properties = []devices.Property{{ID: "motion", Datatype: devices.Bool, Class: "motion", Readable: true}}
	}
	return c
}

func (d *device) announce() hub.Announced {
	sources := slices.Clone(d.sources)
	for _, input := range slices.Sorted(maps.Keys(d.inputs)) {
		sources = append(sources, d.inputs[input])
	}
	return hub.Announced{Key: d.base, Device: *d.device(), Sources: sources, Availability: true}
}

// take takes a whole state.
func (d *device) take(m broker.Message, s state) hub.Update {
	var u hub.Update
	name := clip(s.name)
	if !d.full || d.name != name || (d.white < 0) != (s.white < 0) {
		d.full, d.name, d.white = true, name, s.white
		d.sources = []broker.Message{{Topic: m.Topic, Payload: m.Payload}}
		u.Devices = []hub.Announced{d.announce()}
	}
	if !m.Retain { // it speaks, so it is there
		u.Reaches = append(u.Reaches, hub.Reached{Key: d.base, Reach: reaches["online"]})
	}
	d.brightness(s.brightness, m, &u)
	d.color(s.color, s.white, m, &u)
	d.report(&u, m, lightPart, devices.Effect, devices.EnumValue(effects[max(s.effect, 0)]))
	preset := none
	if s.preset > 0 && s.preset <= maxPreset {
		preset = presets[s.preset]
	}
	d.report(&u, m, presetPart, devices.Option, devices.EnumValue(preset))
	d.report(&u, m, nightPart, devices.On, devices.BoolValue(s.night == 1))
	d.report(&u, m, palettePart, devices.ValueID, devices.IntValue(int64(max(s.palette, 0))))
	d.report(&u, m, speedPart, devices.ValueID, percent(max(s.speed, 0)))
	d.report(&u, m, intensityPart, devices.ValueID, percent(max(s.intensity, 0)))
	return u
}

func (d *device) report(u *hub.Update, m broker.Message, part, property string, v devices.Value) {
	u.Readings = append(u.Readings, hub.Reported{Key: d.base, Ref: devices.Ref{Component: part, Property: property}, Value: v, Replayed: m.Retain})
}

// brightness reports one of 0 to 255. What is off keeps its level for the next time, and does not tell it.
func (d *device) brightness(n int, m broker.Message, u *hub.Update) {
	d.report(u, m, lightPart, devices.On, devices.BoolValue(n > 0))
	if n > 0 {
		d.report(u, m, lightPart, devices.Brightness, percent(n))
	}
}

// color reports a color. Black is none; where only the white channel shines, the color is white.
func (d *device) color(t tint, white int, m broker.Message, u *hub.Update) {
	if d.white >= 0 && white >= 0 {
		d.white = white
		d.report(u, m, lightPart, devices.White, percent(white))
	}
	d.tint.dark = t.dark
	if t.value > 0 {
		d.tint = t
	}
	if t.value > 0 || t.dark {
		if v, err := devices.ColorValue(t.hue, t.saturation); err == nil {
			d.report(u, m, lightPart, devices.ColorHS, v)
		}
	}
}

// reaches says what a status means.
var reaches = map[string]devices.Reach{
	"online":  {Presence: devices.Online, Why: "it says that it is online"},
	"offline": {Presence: devices.Offline, Why: "its connection was lost (its will was published)"},
}

// hear takes what a device says beside its whole state.
func (d *device) hear(last string, m broker.Message) hub.Update {
	var u hub.Update
	payload := string(m.Payload)
	switch last {
	case "status":
		r, ok := reaches[payload]
		if !ok {
			return fault(d.base, m, fmt.Sprintf("expected online or offline, got %.40q", payload))
		}
		u.Reaches = append(u.Reaches, hub.Reached{Key: d.base, Reach: r})
	case "g":
		n, err := readBrightness(payload)
		if err != nil {
			return fault(d.base, m, err.Error())
		}
		d.brightness(n, m, &u)
	case "c":
		c, err := readColor(payload)
		if err != nil {
			return fault(d.base, m, err.Error())
		}
		d.color(mix(c[0], c[1], c[2], c[3]), c[3], m, &u)
	case "v":
		return fault(d.base, m, "expected the state in XML, got something else")
	default:
		return d.input(last, payload, m)
	}
	return u
}

// input takes what a button or a motion sensor says.
func (d *device) input(input, payload string, m broker.Message) hub.Update {
	var u hub.Update
	kind, number, _ := strings.Cut(input, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= maxInputs || strconv.Itoa(n) != number {
		return fault(d.base, m, fmt.Sprintf("expected the number of an input, 0 to %d, got %.40q", maxInputs-1, number))
	}
	if kind == "motion" && payload != "on" && payload != "off" || !slices.Contains(presses, payload) {
		return fault(d.base, m, fmt.Sprintf("expected one of %s, got %.40q", strings.Join(presses, ", "), payload))
	}
	if _, known := d.inputs[input]; !known {
		d.inputs[input] = broker.Message{Topic: m.Topic, Payload: m.Payload}
		u.Devices = []hub.Announced{d.announce()}
	}
	part := kind + "-" + number
	switch {
	case kind == "motion":
		d.report(&u, m, part, "motion", devices.BoolValue(payload == "on"))
	case !m.Retain: // what was kept is over
		d.report(&u, m, part, devices.EventType, devices.EnumValue(payload))
	}
	return u
}

// clip bounds a name, at a character.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
