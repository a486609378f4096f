package tasmota

import (
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
)

// Bounds of one device's description.
const (
	maxRelays = 64
	maxName   = 80
)

// The kinds of relays in discovery's list rl.
const (
	noRelay = iota
	plainRelay
	lightRelay
	shutterRelay
)

// setup is how a device is set up, as it says in tasmota/discovery/<MAC>/config, or as its answers to STATUS 0 let see.
// Nothing in it changes while the device is used.
type setup struct {
	name, model, firmware, hostname, mac string
	topic, fullTopic                     string
	prefixes                             [3]string
	names                                []string // of the relays
	offline, online                      string
	states                               [4]string // how it spells off, on, toggle, hold
	relays                               []int
	switches                             []input
	buttons                              []bool
	options                              options
	subtype                              int // of its light: 0 none, 1 white, 2 cold and warm, 3 RGB, 4 RGBW, 5 RGB, cold and warm
	linked, tuya, fan, battery, sleeper  bool
	shutters                             []blind
}

// input is a switch that is detached from the relays.
type input struct {
	used bool
	mode int
	name string
}

// blind is how a shutter is set up. Without tilt low and high are the same.
type blind struct {
	inverted  bool
	low, high float64
}

// options are the SetOptions that change what goes over the wire.
type options struct {
	swap       bool // 11: single and double presses are swapped
	single     bool // 13: single presses only
	notLinked  bool // 20: what sets a light does not switch it on
	lights     bool // 30: relays are lights
	channels   bool // 68: each channel is a light
	buttons    bool // 73: buttons are detached
	reduced    bool // 82: color temperatures are 200 to 380 mired
	fahrenheit bool // 8
}

func (o *options) set(number int, on bool) {
	for _, known := range [...]struct {
		number int
		flag   *bool
	}{
		{8, &o.fahrenheit},
		{11, &o.swap},
		{13, &o.single},
		{20, &o.notLinked},
		{30, &o.lights},
		{68, &o.channels},
		{73, &o.buttons},
		{82, &o.reduced},
	} {
		if known.number == number {
			*known.flag = on
		}
	}
}

// newSetup is what holds of a device that says nothing else.
func newSetup() setup {
	return setup{
		fullTopic: "%prefix%/%topic%/", prefixes: standardPrefixes, offline: "Offline", online: "Online",
		states: [4]string{"OFF", "ON", "TOGGLE", "HOLD"}, linked: true,
	}
}

// clean takes from a name what people cannot read, and shortens it.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return clip(strings.Join(strings.Fields(s), " "), maxName)
}

// readConfig reads discovery's config.
func readConfig(d document) setup {
	s := newSetup()
	put := func(to *string, key string) {
		if i := d.get(0, key); i > 0 && d[i].kind == text && d[i].text != "" {
			*to = d[i].text
		}
	}
	for key, to := range map[string]*string{
		"dn": &s.name, "md": &s.model, "sw": &s.firmware, "hn": &s.hostname, "mac": &s.mac, "t": &s.topic, "ft": &s.fullTopic,
		"ofln": &s.offline, "onln": &s.online,
	} {
		put(to, key)
	}
	s.name, s.model, s.firmware = clean(s.name), clean(s.model), clean(s.firmware)
	flag := func(to *bool, key string) {
		if i := d.get(0, key); i > 0 {
			*to = d[i].truth()
		}
	}
	flag(&s.linked, "lk")
	flag(&s.tuya, "ty")
	flag(&s.fan, "if")
	flag(&s.battery, "bat")
	flag(&s.sleeper, "dslp")
	if i := d.get(0, "lt_st"); i > 0 {
		if n, ok := d[i].number(); ok && n >= 0 && n <= 5 {
			s.subtype = int(n)
		}
	}
	each := func(key string, visit func(n int, i int, f *field)) {
		i, n := d.get(0, key), 0
		if i == 0 || d[i].kind != array {
			return
		}
		d.children(i, func(at int, f *field) {
			if n < maxRelays {
				visit(n, at, f)
			}
			n++
		})
	}
	each("tp", func(n, _ int, f *field) {
		if n < 3 && f.kind == text && f.text != "" {
			s.prefixes[n] = f.text
		}
	})
	each("state", func(n, _ int, f *field) {
		if n < 4 && f.kind == text && f.text != "" {
			s.states[n] = f.text
		}
	})
	each("fn", func(_, _ int, f *field) { s.names = append(s.names, clean(f.text)) })
	each("rl", func(_, _ int, f *field) { n, _ := f.number(); s.relays = append(s.relays, int(min(max(n, 0), 9))) })
	each("btn", func(_, _ int, f *field) { s.buttons = append(s.buttons, f.truth()) })
	each("swc", func(_, _ int, f *field) {
		n, ok := f.number()
		s.switches = append(s.switches, input{used: ok && n >= 0 && n <= 99, mode: int(min(max(n, -1), 99))})
	})
	each("swn", func(n, _ int, f *field) {
		if n < len(s.switches) {
			s.switches[n].name = clip(f.text, maxName)
		}
	})
	each("sho", func(_, _ int, f *field) {
		n, _ := f.number()
		s.shutters = append(s.shutters, blind{inverted: int(min(max(n, 0), 255))&1 == 1})
	})
	each("sht", func(n, i int, f *field) {
		if n >= len(s.shutters) || f.kind != array {
			return
		}
		var v []float64
		d.children(i, func(_ int, f *field) { x, _ := f.number(); v = append(v, x) })
		if len(v) >= 3 && v[2] != 0 && v[0] >= -360 && v[1] <= 360 && v[1] > v[0] {
			s.shutters[n].low, s.shutters[n].high = v[0], v[1]
		}
	})
	if i := d.get(0, "so"); i > 0 {
		d.children(i, func(_ int, f *field) {
			if name, n, ok := numbered(f.key); ok && name == "" {
				s.options.set(n, f.truth())
			}
		})
	}
	return s
}

// relay is the kind of a relay, counted from 1.
func (s *setup) relay(n int) int {
	if n < 1 || n > len(s.relays) {
		return noRelay
	}
	return s.relays[n-1]
}

// nameless says whether a name is one that every device has from the start.
func nameless(s string) bool {
	name, _, _ := numbered(s)
	return name == "" || name == "Tasmota" || name == "Sonoff"
}

// title is the device's name. The firmware calls every device Tasmota until people think of something better; then its topic
// tells it from the others.
func (s *setup) title() string {
	switch {
	case !nameless(s.name):
		return s.name
	case len(s.names) > 0 && !nameless(s.names[0]):
		return s.names[0]
	case s.topic != "" && !strings.EqualFold(s.topic, s.name):
		return clean(s.topic)
	}
	return s.name
}

// named is the name that people gave a relay, empty if none or the device's own.
func (s *setup) named(n int) string {
	if n < 1 || n > len(s.names) || nameless(s.names[n-1]) || s.names[n-1] == s.title() {
		return ""
	}
	return s.names[n-1]
}

// numbered cuts the number from the end of a key: POWER2 is POWER and 2. Without a number it is 0; ok is false when it is
// too long to be one.
func numbered(key string) (name string, n int, ok bool) {
	i := len(key)
	for i > 0 && key[i-1] >= '0' && key[i-1] <= '9' {
		i--
	}
	if len(key)-i > 3 {
		return key, 0, false
	}
	for _, c := range key[i:] {
		n = 10*n + int(c-'0')
	}
	return key[:i], n, true
}

// describe is the device without its components.
func (s *setup) describe(mac, fallback string) devices.Device {
	d := devices.Device{Name: s.title(), Manufacturer: "Tasmota", Model: s.model, Firmware: s.firmware, Convention: Name}
	if d.Name == "" {
		d.Name = clean(fallback)
	}
	if d.Name == "" {
		d.Name = "Tasmota"
	}
	if a := address.MAC(mac); a != "" {
		d.Identifiers = []string{strings.ToUpper(strings.ReplaceAll(a, ":", ""))}
		d.Connections = []devices.Connection{{Kind: "mac", Value: a}}
	} else if mac != "" {
		d.Identifiers = []string{mac}
	}
	return d
}
