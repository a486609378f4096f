// Package devices is the pure model of a house: devices with components and properties, the values that they report, the
// commands that they are given, and the twin, which is all that the hub knows of one device now.
//
// It imports the standard library only. It has no goroutine, no clock and no I/O: rules take the time as an argument,
// touch nothing outside, and return events. The conventions below it (devices/homeassistant, devices/homie) turn topics and
// payloads into this model and back; package hub is the one writer of twins.
package devices

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Device is one thing in the house as people think of it: a lamp, a washing machine.
type Device struct {
	// ID is the hub's own name for the device, a slug ([a-z0-9-], at most 64 bytes) frozen at first sight.
	ID string `json:"id"`
	// Name is for people; Room is the room's name, empty when unknown. People may change both.
	Name string `json:"name"`
	Room string `json:"room,omitempty"`

	Manufacturer string `json:"manufacturer,omitempty"`
	Model        string `json:"model,omitempty"`
	Firmware     string `json:"firmware,omitempty"`

	// Identifiers and Connections are what two conventions' views of one thing are recognised by.
	Identifiers []string     `json:"identifiers,omitempty"`
	Connections []Connection `json:"connections,omitempty"`
	// Via is the ID of the device through which this one is reached (its gateway), if any.
	Via string `json:"via,omitempty"`
	// Wakes is set for a device that sleeps while its gateway keeps what it is told: after how many seconds at most it wakes up and
	// takes it. 0: it listens all the time, or there is nobody who would keep anything for it.
	Wakes float64 `json:"wakes,omitempty"`
	// Convention is the name of the convention that the device speaks, such as "homie" or "homeassistant".
	Convention string `json:"convention"`

	// Components are sorted by ID.
	Components []Component `json:"components"`
}

// Connection is an address by which a device is known elsewhere, such as {mac 00:11:22:33:44:55}.
type Connection struct {
	Kind  string `json:"kind"` // mac, zigbee, bluetooth, …, lower case
	Value string `json:"value"`
}

// Kind says what a component is. The names are Home Assistant's.
type Kind string

// The kinds of components.
const (
	Light        Kind = "light"
	Switch       Kind = "switch"
	Climate      Kind = "climate"
	Cover        Kind = "cover"
	Lock         Kind = "lock"
	Fan          Kind = "fan"
	Sensor       Kind = "sensor"
	BinarySensor Kind = "binary_sensor"
	Number       Kind = "number"
	Select       Kind = "select"
	Button       Kind = "button"
	Text         Kind = "text"
	EventSource  Kind = "event"
	Update       Kind = "update"
	Valve        Kind = "valve"
	Siren        Kind = "siren"
	Humidifier   Kind = "humidifier"
	WaterHeater  Kind = "water_heater"
	Vacuum       Kind = "vacuum"
	LawnMower    Kind = "lawn_mower"
	Alarm        Kind = "alarm_control_panel"
	Scene        Kind = "scene"
	Tracker      Kind = "device_tracker"
	// Appliance is a machine with programmes and phases: a washing machine, a dishwasher.
	Appliance Kind = "appliance"
	// Other is a component whose purpose is not known; its properties can be read and set all the same.
	Other Kind = "other"
)

// Component is one function of a device; a plug with two relays has two switches.
type Component struct {
	// ID is a slug, unique in the device, and stays the same over the device's announcements.
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	Name string `json:"name,omitempty"`
	// Category is empty for what people use daily, else "config" or "diagnostic".
	Category string `json:"category,omitempty"`
	// Hidden is what the device itself says need not be shown unless somebody asks for it (Home Assistant's
	// enabled_by_default: false). It works like any other.
	Hidden bool `json:"hidden,omitempty"`
	// Properties are sorted by ID.
	Properties []Property `json:"properties"`
}

// Datatype is the type of a property's value.
type Datatype string

// The data types. A color is a hue and a saturation; json is any JSON text.
const (
	Bool   Datatype = "bool"
	Int    Datatype = "int"
	Float  Datatype = "float"
	Enum   Datatype = "enum"
	String Datatype = "text"
	Color  Datatype = "color"
	JSON   Datatype = "json"
)

// Well-known property IDs. In components of the kinds that are named behind them they mean what is said here, whatever
// convention the device speaks; a convention translates its own names and units at the edge.
const (
	On               = "on"                // bool; light, switch, fan, climate, siren, humidifier, water_heater
	Brightness       = "brightness"        // float, 0-100 %, 0 is off; light
	ColorTemperature = "color-temperature" // int, kelvin; light
	ColorHS          = "color"             // color; light
	Effect           = "effect"            // enum; light
	// White is a light's white channel beside the colored ones, in percent; where it shines in one way or the other, 0 as long as it shines
	// colored. ColdWhite and WarmWhite are those of a light with two.
	White      = "white"      // float, 0-100 %; light
	ColdWhite  = "cold-white" // float, 0-100 %; light
	WarmWhite  = "warm-white" // float, 0-100 %; light
	Transition = "transition" // float, s, 0 is at once; light: how long its changes take

	Mode               = "mode"                    // enum: off, heat, cool, auto, heat_cool, dry, fan_only; climate. Free words; humidifier, water_heater
	TargetTemperature  = "target-temperature"      // float, °C; climate, water_heater
	TargetLow          = "target-temperature-low"  // float, °C; climate
	TargetHigh         = "target-temperature-high" // float, °C; climate
	CurrentTemperature = "current-temperature"     // float, °C; climate, water_heater
	CurrentHumidity    = "current-humidity"        // float, %; climate, humidifier
	TargetHumidity     = "target-humidity"         // float, %; climate, humidifier
	Action             = "action"                  // enum: off, heating, cooling, drying, idle, fan, preheating, defrosting; climate. off, humidifying, drying, idle; humidifier
	FanMode            = "fan-mode"                // enum; climate
	SwingMode          = "swing-mode"              // enum; climate
	Preset             = "preset"                  // enum; climate, fan

	// State is an enum. Cover and valve: open, opening, closed, closing, stopped; lock: locked, unlocked, locking, unlocking,
	// jammed; vacuum: cleaning, docked, paused, idle, returning, error; lawn_mower: mowing, docked, paused, returning, error;
	// alarm_control_panel: disarmed, armed_home, armed_away, armed_night, armed_vacation, armed_custom_bypass, pending, arming,
	// disarming, triggered. Of these, what may be commanded is what the component can be told to reach.
	State    = "state"
	Position = "position" // float, 0 (closed) to 100 (open) %; cover, valve
	Tilt     = "tilt"     // float, 0-100 %; cover
	Stop     = "stop"     // bool, momentary; cover, valve, vacuum
	Open     = "open"     // bool, momentary; lock: pulls the latch

	Speed       = "speed"       // float, 0-100 %, 0 is off; fan
	Oscillating = "oscillating" // bool; fan
	Direction   = "direction"   // enum: forward, reverse; fan

	Installed  = "installed-version" // text; update
	Latest     = "latest-version"    // text; update
	InProgress = "in-progress"       // bool; update: it is being installed
	Progress   = "progress"          // float, %; update
	Install    = "install"           // bool, momentary; update

	Tone     = "tone"     // enum; siren
	Duration = "duration" // float, s; siren: of the next alarm
	Volume   = "volume"   // float, 0-100 %; siren

	FanSpeed = "fan-speed"  // enum; vacuum
	Locate   = "locate"     // bool, momentary; vacuum
	CleanAt  = "clean-spot" // bool, momentary; vacuum
	Battery  = "battery"    // float, %; wherever a device says how full its battery is

	Activate = "activate" // bool, momentary; scene

	Place     = "place"     // text; device_tracker: home, not_home, or the name of a zone
	Latitude  = "latitude"  // float, °; device_tracker
	Longitude = "longitude" // float, °; device_tracker
	Accuracy  = "accuracy"  // float, m; device_tracker

	Attributes = "attributes" // json, an object; any component: what the device says beside, for people to read

	Press     = "press"  // bool, momentary; button
	Option    = "option" // enum; select
	ValueID   = "value"  // number, text, and sensors without a device class
	EventType = "event"  // enum, momentary; event
)

// Property is one value of a component.
type Property struct {
	// ID is a slug, unique in the component: one of the well-known IDs above, or for sensors and binary sensors the
	// device class (temperature, occupancy), or the device's own name for it.
	ID       string   `json:"id"`
	Name     string   `json:"name,omitempty"`
	Datatype Datatype `json:"datatype"`
	// Unit is the unit of an int or float as in Home Assistant's list: %, °C, K, W, kWh, V, A, lx, s, …
	Unit string `json:"unit,omitempty"`
	// Class is Home Assistant's device class where known: temperature, motion, door, energy, … It says what true
	// means for a bool: a door that is true is open, a lock class that is true is unlocked.
	Class string `json:"class,omitempty"`
	// Min and Max bound an int or float where they are known, both inclusive. Step is the distance of the values that
	// the device can take, counted from Min or 0; 0 means any.
	Min  *float64 `json:"min,omitempty"`
	Max  *float64 `json:"max,omitempty"`
	Step float64  `json:"step,omitempty"`
	// Choices are the values of an enum. Wanted are those of them that may be commanded, when not all may: a cover can
	// report "opening", but only be told "open" or "closed".
	Choices []string `json:"choices,omitempty"`
	Wanted  []string `json:"wanted,omitempty"`
	// Presets are numbers that have a name of their own, such as a brightness's "moonlight". They may lie outside of Min and
	// Max, and can be commanded all the same.
	Presets []NamedValue `json:"presets,omitempty"`
	// Expires is after how many seconds a reading says nothing any more, because the device promised another one until then
	// (Home Assistant's expire_after); 0 means that it stays true.
	Expires float64 `json:"expires,omitempty"`
	// OffAfter is after how many seconds a bool that was reported true is false again, because the device says only when something
	// happens, not when it is over (Home Assistant's off_delay); 0 means that it reports both.
	OffAfter float64 `json:"off_after,omitempty"`
	// Toggles: the device has one act only, by which the property becomes the other value. It must be told neither to become what it is,
	// nor anything when nobody knows what it is.
	Toggles bool `json:"toggles,omitempty"`
	// Repeats: that the value is reported once more is news like another value (Home Assistant's force_update).
	Repeats bool `json:"repeats,omitempty"`

	// Readable: the device reports it. Settable: it can be commanded. Momentary: it is an event or an act, not a
	// state; what is momentary is never queued, never kept, never confirmed.
	Readable  bool `json:"readable"`
	Settable  bool `json:"settable,omitempty"`
	Momentary bool `json:"momentary,omitempty"`
	// Answers: the device says of a momentary act whether it has done it, by reporting the value that it was told, or refusing.
	// Such a command is not queued either, but it stays sent until the answer comes.
	Answers bool `json:"answers,omitempty"`
}

// NamedValue is a number with a name.
type NamedValue struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Confirmable says whether the device's own report can confirm a command to this property.
func (p Property) Confirmable() bool { return p.Readable && !p.Momentary }

// Component returns the component with the ID, or nil.
func (d *Device) Component(id string) *Component {
	for i := range d.Components {
		if d.Components[i].ID == id {
			return &d.Components[i]
		}
	}
	return nil
}

// Property returns the property with the ID, or nil.
func (c *Component) Property(id string) *Property {
	if c == nil {
		return nil
	}
	for i := range c.Properties {
		if c.Properties[i].ID == id {
			return &c.Properties[i]
		}
	}
	return nil
}

// Property returns the property that ref names, or nil.
func (d *Device) Property(ref Ref) *Property {
	return d.Component(ref.Component).Property(ref.Property)
}

// Clone returns a copy that shares no memory with d that anyone may change. Property bounds are shared: nobody may write
// through Min and Max.
func (d Device) Clone() Device {
	d.Identifiers = slices.Clone(d.Identifiers)
	d.Connections = slices.Clone(d.Connections)
	d.Components = slices.Clone(d.Components)
	for i := range d.Components {
		d.Components[i].Properties = slices.Clone(d.Components[i].Properties)
	}
	return d
}

// Sort puts components and properties in the order that Device promises.
func (d *Device) Sort() {
	slices.SortFunc(d.Components, func(a, b Component) int { return strings.Compare(a.ID, b.ID) })
	for i := range d.Components {
		slices.SortFunc(d.Components[i].Properties, func(a, b Property) int { return strings.Compare(a.ID, b.ID) })
	}
}

// Ref names a property within a device.
type Ref struct {
	Component string `json:"component"`
	Property  string `json:"property"`
}

// String is component/property.
func (r Ref) String() string { return r.Component + "/" + r.Property }

// Path names a property of a device.
type Path struct {
	Device string `json:"device"`
	Ref
}

// String is device/component/property.
func (p Path) String() string { return p.Device + "/" + p.Ref.String() }

// ParsePath reads device/component/property.
func ParsePath(s string) (Path, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return Path{}, fmt.Errorf("reading path %q: want device/component/property, such as hall-lamp/light/on", s)
	}
	return Path{parts[0], Ref{parts[1], parts[2]}}, nil
}

// Slug turns a name into what can be an ID: letters and digits of ASCII in lower case, words joined by one hyphen, at most
// 64 bytes. German umlauts and the accents of Latin letters are spelt out; it is empty when nothing is left.
func Slug(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range name {
		s := fold(unicode.ToLower(r))
		if s == "" {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteString(s)
		if b.Len() >= 64 {
			break
		}
	}
	out := b.String()
	if len(out) > 64 {
		out = out[:64]
	}
	return strings.TrimRight(out, "-")
}

func fold(r rune) string {
	switch {
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		return string(r)
	}
	if s, ok := folded[r]; ok {
		return s
	}
	return ""
}

var folded = func() map[rune]string {
	m := map[rune]string{'ä': "ae", 'ö': "oe", 'ü': "ue", 'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'å': "a", 'ł': "l", 'đ': "d"}
	for to, from := range map[string]string{
		"a": "àáâãāăą", "c": "çćčĉ", "d": "ď", "e": "èéêëēėęě", "g": "ğĝ", "h": "ĥ", "i": "ìíîïīįı", "j": "ĵ", "l": "ľĺ",
		"n": "ñńň", "o": "òóôõōő", "r": "řŕ", "s": "śšşŝș", "t": "ťţț", "u": "ùúûūůűųŭ", "y": "ýÿ", "z": "źžż",
	} {
		for _, r := range from {
			m[r] = to
		}
	}
	return m
}()
