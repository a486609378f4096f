package tasmota

import (
	"strconv"
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
)

// traits are what the reports of a device let see of it that it did not announce. They only grow.
type traits struct {
	relays, shutters     int
	dims, tunes, colors  bool
	whitens, split, fans bool
	lamps                int // the first relay that is a channel of its own (SetOption68), 0 for none
	channels             int // of its light
	Supply, Battery      bool
}

// see looks at a STATE, and says whether it told something new.
func (t *traits) see(doc document, top int, announced bool) (learnt bool) {
	old := *t
	for at := top + 1; at < int(doc[top].end); at = int(doc[at].end) {
		f := &doc[at]
		name, n, ok := numbered(f.key)
		if !ok {
			continue
		}
		switch {
		case name == "Vcc" && f.kind == number:
			t.Supply = true
		case name == "BatteryPercentage" && f.kind == number && f.num <= 100:
			t.Battery = true
		case announced:
		case name == "POWER" && f.kind == text && n <= maxRelays:
			t.relays = max(t.relays, n, 1)
		case name == "Dimmer" && n == 0, name == "Dimmer" && n == 1:
			t.dims = true
		case name == "Dimmer" && n == 2:
			t.split = true
		case name == "CT":
			t.tunes = true
		case name == "HSBColor":
			t.colors = true
		case name == "White":
			t.whitens = true
		case name == "FanSpeed":
			t.fans = true
		case name == "Channel" && n > 0 && n <= maxRelays && f.kind == number:
			if t.lamps == 0 || n < t.lamps {
				t.lamps = n
			}
		case name == "Color" && f.kind == text:
			if c, ok := channels(f.text); ok {
				t.channels = max(t.channels, min(len(c), rgbColdWarm))
			}
		}
	}
	return *t != old
}

// switched notes the relays of which an answer tells, of a device that did not announce itself.
func (r *report) switched(doc document) {
	d := r.d
	if d.announced || d.full {
		return
	}
	most := d.traits.relays
	for at := 1; at < int(doc[0].end); at = int(doc[at].end) {
		f := &doc[at]
		if name, n, ok := numbered(f.key); ok && name == "POWER" && f.kind == text && n <= maxRelays {
			if _, ok := d.truth(f.text); ok {
				most = max(most, n, 1)
			}
		}
	}
	if most > d.traits.relays {
		moved := d.powers[1]
		d.traits.relays = most
		d.imagine()
		r.learnt = true
		r.settle()
		r.renamed = d.first.told && moved != d.powers[1]
	}
	if r.renamed { // the first of several relays has another ID than a single one
		r.add(d.powers[1], devices.BoolValue(d.first.on))
	}
}

// cover notes a shutter.
func (t *traits) cover(n int, r *report) {
	if n > t.shutters && n <= maxRelays/2 {
		t.shutters = n
		r.d.imagine()
		r.learnt = true
		r.settle()
	}
}

// imagine makes of the traits what a device would have announced of its relays and lights.
func (d *device) imagine() {
	t := &d.traits
	count := max(t.relays, 2*t.shutters)
	lit := t.dims || t.split || t.tunes || t.colors
	if lit {
		count = max(count, 1)
	}
	d.relays = make([]int, count)
	for i := range d.relays {
		switch {
		case i < 2*t.shutters:
			d.relays[i] = shutterRelay
		case t.fans && i == 0:
			d.relays[i] = lightRelay
		case t.fans:
			d.relays[i] = noRelay
		case t.lamps > 0 && i+1 >= t.lamps, lit && i == count-1, t.split && i == count-2:
			d.relays[i] = lightRelay
		default:
			d.relays[i] = plainRelay
		}
	}
	d.setup.fan = t.fans
	d.linked = !t.split
	d.options.channels = t.lamps > 0
	switch {
	case t.channels > 0:
		d.subtype = t.channels
	case t.colors && t.tunes:
		d.subtype = rgbColdWarm
	case t.colors && t.whitens:
		d.subtype = rgbWhite
	case t.colors:
		d.subtype = rgb
	case t.tunes:
		d.subtype = coldWarm
	case lit || t.lamps > 0:
		d.subtype = white
	}
	for len(d.shutters) < t.shutters {
		d.shutters = append(d.shutters, blind{})
	}
}

// introduce takes what the answer to STATUS says of a device that did not announce itself, and says whether that was new.
func (d *device) introduce(doc document) (learnt bool) {
	put := func(to *string, said string) {
		if said = clean(said); said != "" && *to != said {
			*to, learnt = said, true
		}
	}
	if doc.at("Status") > 0 {
		var names []string
		if i := doc.at("Status", "FriendlyName"); i > 0 && doc[i].kind == array {
			doc.children(i, func(_ int, f *field) {
				if len(names) < maxRelays {
					names = append(names, clean(f.text))
				}
			})
		} else if i > 0 {
			names = []string{clean(doc[i].text)}
		}
		if strings.Join(names, "\x00") != strings.Join(d.names, "\x00") {
			d.names, learnt = names, true
		}
		put(&d.name, doc.textAt("Status", "DeviceName"))
		if d.name == "" && len(names) > 0 {
			put(&d.name, names[0])
		}
		put(&d.topic, doc.textAt("Status", "Topic"))
		d.introduced = true
	}
	put(&d.firmware, doc.textAt("StatusFWR", "Version"))
	put(&d.model, doc.textAt("StatusFWR", "Hardware"))
	put(&d.hostname, doc.textAt("StatusNET", "Hostname"))
	if mac := strings.ToUpper(strings.ReplaceAll(doc.textAt("StatusNET", "Mac"), ":", "")); address.MAC(mac) != "" && mac != d.mac {
		d.mac, learnt = mac, true
	}
	if i := doc.at("StatusLOG"); i > 0 && d.pace.read(doc, i) {
		learnt = true
	}
	if i := doc.at("StatusLOG", "SetOption"); i > 0 {
		old := d.options
		d.readOptions(doc, i)
		learnt = learnt || d.options != old
	}
	for _, info := range []string{"Info1", ""} { // older firmware has no object around it
		i := doc.get(0, info)
		if info != "" && i == 0 || doc.get(i, "Module") == 0 || doc.get(i, "Version") == 0 {
			continue
		}
		put(&d.model, doc[doc.get(i, "Module")].text)
		put(&d.firmware, doc[doc.get(i, "Version")].text)
	}
	return learnt
}

// readOptions reads STATUS3's SetOptions: words of 32 bits in hexadecimal, the second of which holds numbers instead.
func (s *setup) readOptions(doc document, i int) {
	words := []string{doc[i].text}
	if doc[i].kind == array {
		words = nil
		doc.children(i, func(_ int, f *field) {
			if len(words) < 8 {
				words = append(words, f.text)
			}
		})
	}
	channels := s.options.channels
	for w, first := range map[int]int{0: 0, 2: 50, 3: 82, 4: 114} {
		if w >= len(words) {
			continue
		}
		bits, err := strconv.ParseUint(words[w], 16, 32)
		if err != nil {
			continue
		}
		for bit := range 32 {
			s.options.set(first+bit, bits>>bit&1 == 1)
		}
	}
	s.options.channels = s.options.channels || channels
}
