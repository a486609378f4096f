package simulator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/simulator/physics"
)

// House says what stands where and who lives there. A house file is its YAML form.
type House struct {
	Name    string       `yaml:"name"`
	Rooms   []RoomSpec   `yaml:"rooms"`
	People  []PersonSpec `yaml:"people"`
	Devices []DeviceSpec `yaml:"devices"`
	// Zigbee2MQTT says how the bridge of the Zigbee devices is set up.
	Zigbee2MQTT ZigbeeSpec `yaml:"zigbee2mqtt"`
}

// RoomSpec is a room.
type RoomSpec struct {
	Name string      `yaml:"name"`
	Use  physics.Use `yaml:"use"`
	// Area is in m², 1-1000; 0 means 15.
	Area float64 `yaml:"area"`
	// Floor is the number of the household: people stay on their floor.
	Floor int `yaml:"floor"`

	line int
}

// PersonSpec is somebody who lives in the house.
type PersonSpec struct {
	Name  string       `yaml:"name"`
	Role  physics.Role `yaml:"role"`
	Floor int          `yaml:"floor"`

	line int
}

// The kinds of devices.
const (
	KindLight          = "light"
	KindThermostat     = "thermostat"
	KindWashingMachine = "washing machine"
	KindDishwasher     = "dishwasher"
	KindPlug           = "plug"
	KindClimate        = "climate sensor"
	KindMotion         = "motion sensor"
	KindContact        = "contact"
	KindCover          = "cover"
	KindLock           = "lock"
	KindFan            = "fan"
	KindRemote         = "remote"
)

// Kinds are all kinds of devices.
var Kinds = []string{
	KindLight, KindThermostat, KindWashingMachine, KindDishwasher, KindPlug, KindClimate, KindMotion, KindContact, KindCover,
	KindLock, KindFan, KindRemote,
}

// DeviceSpec is a device.
type DeviceSpec struct {
	// Name is 1-60 characters, unique in the house; ID is made of it.
	Name string `yaml:"name"`
	Room string `yaml:"room"`
	Kind string `yaml:"kind"`
	// Speaks is one of Languages.
	Speaks string `yaml:"speaks"`

	// Can says of a light what it can do beyond on and off: brightness, temperature, color.
	Can []string `yaml:"can"`
	// Load says of a plug what is in it: television, computer, fridge, freezer, lights, kettle.
	Load string `yaml:"load"`
	// Outlets is how many sockets a plug has, 1-8; 0 means 1. The load is in the first, in the others are lights. More than one
	// is for the languages whose devices have that.
	Outlets int `yaml:"outlets"`
	// Opening says of a contact what it watches: door or window.
	Opening string `yaml:"opening"`
	// Jam is the chance, 0 to 1, that a lock jams when it turns.
	Jam float64 `yaml:"jam"`
	// Travel is how long a cover takes from closed to open; 0 means 20 s.
	Travel time.Duration `yaml:"travel"`
	// ByHand: people switch the light on and off as they come and go.
	ByHand bool `yaml:"by_hand"`

	// Sleeps is how long, in model time, a climate sensor sleeps between the moments in which it connects and reports; 0 means
	// that it stays awake. It is for the languages whose devices do that.
	Sleeps time.Duration `yaml:"sleeps"`

	// Topic is how the device's topics begin, where its language lets people choose that; it may have several levels and spaces. With
	// Zigbee2MQTT it is the friendly name. Empty means that it is made of the name.
	Topic string `yaml:"topic"`

	// What follows is for devices that speak HomeAssistant. Form is device (one announcement for all; the default) or
	// single (one for each entity). Style is document (all values in one JSON document; the default) or topics (a topic for each
	// value, which is kept by the broker). Short uses the abbreviated keys and ~. Retain keeps a document, too.
	// partial is a document of what has changed. OwnWords: its states and commands have other words than Home Assistant's usual
	// ones. Volatile: its availability, and so its will, is not kept by the broker.
	Form   string `yaml:"form"`
	Style  string `yaml:"style"`
	Short  bool   `yaml:"short"`
	Retain bool   `yaml:"retain"`

	OwnWords bool `yaml:"own_words"`
	Volatile bool `yaml:"volatile"`

	// Tasmota and Shelly are how devices that speak these languages are set up; nil means as they come from the factory.
	Tasmota *TasmotaSpec `yaml:"tasmota"`
	Shelly  *ShellySpec  `yaml:"shelly"`

	line int
}

// ID is the device's name as a word of a-z, 0-9 and hyphens, by which the simulator and MQTT topics name it.
func (d DeviceSpec) ID() string { return slug(d.Name) }

// slug makes a word of a name: letters and digits of ASCII in lower case, all else a hyphen.
func slug(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(name) {
		s := string(r)
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		case r == '\'', r == '’':
			continue
		case r == 'ä':
			s = "ae"
		case r == 'ö':
			s = "oe"
		case r == 'ü':
			s = "ue"
		case r == 'ß':
			s = "ss"
		default:
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteString(s)
	}
	return b.String()
}

// Check says whether the house can be built. The error names every fault, with its line where the house comes from a
// file.
func (h House) Check() error {
	var faults faults
	rooms := map[string]bool{}
	for _, r := range h.Rooms {
		switch {
		case strings.TrimSpace(r.Name) == "":
			faults.add(r.line, "a room has no name")
		case rooms[r.Name]:
			faults.add(r.line, "there are two rooms named %q", r.Name)
		}
		rooms[r.Name] = true
		if !slices.Contains(physics.Uses, r.Use) {
			faults.add(r.line, "room %q: use is one of %s, not %q", r.Name, join(physics.Uses), r.Use)
		}
		if r.Area != 0 && !(r.Area >= 1 && r.Area <= 1000) {
			faults.add(r.line, "room %q: area is 1 to 1000 m², not %v", r.Name, r.Area)
		}
	}
	people := map[string]bool{}
	for _, p := range h.People {
		switch {
		case strings.TrimSpace(p.Name) == "":
			faults.add(p.line, "a person has no name")
		case people[p.Name]:
			faults.add(p.line, "there are two people named %q", p.Name)
		}
		people[p.Name] = true
		if !slices.Contains(physics.Roles, p.Role) {
			faults.add(p.line, "%s: role is one of %s, not %q", p.Name, join(physics.Roles), p.Role)
		}
	}
	h.Zigbee2MQTT.check(func(format string, args ...any) { faults.add(0, format, args...) })
	if len(h.Devices) == 0 {
		faults.add(0, "the house has no devices")
	}
	friendly := map[string]string{}
	ids := map[string]string{}
	for _, d := range h.Devices {
		id := d.ID()
		switch other, twice := ids[id]; {
		case id == "" || len([]rune(d.Name)) > 60:
			faults.add(d.line, "device %q: a name is 1 to 60 characters and has a letter or a digit", d.Name)
		case twice:
			faults.add(d.line, "device %q: its id %s is taken by %q", d.Name, id, other)
		}
		ids[id] = d.Name
		if d.Speaks == Zigbee2MQTT {
			if other, twice := friendly[d.zigbeeName()]; twice {
				faults.add(d.line, "device %q: its friendly name %s is taken by %q", d.Name, d.zigbeeName(), other)
			}
			friendly[d.zigbeeName()] = d.Name
		}
		if !rooms[d.Room] {
			faults.add(d.line, "device %q: there is no room %q", d.Name, d.Room)
		}
		d.check(func(format string, args ...any) {
			faults.add(d.line, "device %q: %s", d.Name, fmt.Sprintf(format, args...))
		})
	}
	return faults.err()
}

func (d DeviceSpec) check(fault func(format string, args ...any)) {
	oneOf := func(key, value string, choices ...string) {
		if !slices.Contains(choices, value) {
			fault("%s is one of %s, not %q", key, strings.Join(choices, ", "), value)
		}
	}
	oneOf("kind", d.Kind, Kinds...)
	d.checkLanguage(fault)
	for _, c := range d.Can {
		oneOf("can", c, "brightness", "temperature", "color")
	}
	if d.Kind == KindPlug {
		oneOf("load", d.Load, physics.Loads...)
	}
	if d.Kind == KindContact {
		oneOf("opening", d.Opening, "door", "window")
	}
	if !(d.Jam >= 0 && d.Jam <= 1) {
		fault("jam is a chance from 0 to 1, not %v", d.Jam)
	}
	if d.Travel < 0 || d.Travel > time.Hour {
		fault("travel is 0 to 1h, not %s", d.Travel)
	}
	only := func(kind, key string, set bool) {
		if set && d.Kind != kind {
			fault("%s is for a %s, not for a %s", key, kind, d.Kind)
		}
	}
	only(KindLight, "can", len(d.Can) > 0)
	only(KindLight, "by_hand", d.ByHand)
	only(KindPlug, "load", d.Load != "")
	only(KindPlug, "outlets", d.Outlets != 0)
	if d.Outlets < 0 || d.Outlets > physics.MaxOutlets {
		fault("outlets is 1 to %d, not %d", physics.MaxOutlets, d.Outlets)
	}
	only(KindContact, "opening", d.Opening != "")
	only(KindLock, "jam", d.Jam != 0)
	only(KindCover, "travel", d.Travel != 0)
	only(KindClimate, "sleeps", d.Sleeps != 0)
	if d.Sleeps != 0 && (d.Sleeps < 10*time.Second || d.Sleeps > 24*time.Hour) {
		fault("sleeps is 10s to 24h, not %s", d.Sleeps)
	}
}

// languageKeys are the keys that are set of those that belong to some languages only. Each language names those that it
// understands.
func (d DeviceSpec) languageKeys() (keys []string) {
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"form", d.Form != ""},
		{"style", d.Style != ""},
		{"short", d.Short},
		{"retain", d.Retain},
		{"sleeps", d.Sleeps != 0},
		{"outlets", d.Outlets > 1},
		{"tasmota", d.Tasmota != nil},
		{"shelly", d.Shelly != nil},
		{"topic", d.Topic != ""},
		{"own_words", d.OwnWords},
		{"volatile", d.Volatile},
	} {
		if k.set {
			keys = append(keys, k.name)
		}
	}
	return keys
}

func join[T ~string](list []T) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}
