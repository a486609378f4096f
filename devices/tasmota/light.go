package tasmota

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// The kinds of lights by their channels, as discovery's lt_st has them.
const (
	white       = 1
	coldWarm    = 2
	rgb         = 3
	rgbWhite    = 4
	rgbColdWarm = 5
)

// schemes are the effects that every light with colors has, in the firmware's order.
var schemes = []string{"solid", "wake up", "cycle up", "cycle down", "random"}

// light is one light of a device.
type light struct {
	component string
	relay     int
	// dims is the key of its brightness, with the number that follows it.
	dims   string
	number int
	// command sets the brightness, colors what is behind a color's numbers.
	command, suffix       string
	color, tunes, whitens bool
	effects               bool
	coldest, warmest      float64 // mired
}

// lights finds the device's lights and builds them.
func (b *builder) lights() {
	if b.subtype == 0 {
		return
	}
	var relays []int
	for n := 1; n <= len(b.setup.relays); n++ {
		if b.relay(n) == lightRelay && !(b.setup.fan && n == 1) {
			relays = append(relays, n)
		}
	}
	if len(relays) == 0 {
		return
	}
	switch {
	case b.options.channels:
		for _, n := range relays {
			number := strconv.Itoa(n)
			b.light(&light{relay: n, dims: "Channel", number: n, command: "Channel" + number}, white, suffixed("light", n, len(relays)))
		}
	case !b.linked && b.subtype >= rgbWhite && len(relays) > 1:
		second := white
		if b.subtype == rgbColdWarm {
			second = coldWarm
		}
		b.light(&light{relay: relays[0], dims: "Dimmer", number: 1, command: "Dimmer1", suffix: "="}, rgb, "light-color")
		b.light(&light{relay: relays[1], dims: "Dimmer", number: 2, command: "Dimmer2"}, second, "light-white")
	default:
		l := &light{relay: relays[len(relays)-1], dims: "Dimmer", command: "Dimmer"}
		if b.tuya {
			l.command = "Dimmer3"
		}
		b.light(l, b.subtype, "light")
	}
}

func (b *builder) light(l *light, subtype int, id string) {
	d := b.device
	l.component = id
	l.color = subtype >= rgb
	l.tunes = subtype == coldWarm || subtype == rgbColdWarm
	l.whitens = subtype >= rgbWhite
	l.effects = l.color
	l.coldest, l.warmest = 153, 500
	if d.options.reduced {
		l.coldest, l.warmest = 200, 380
	}
	c := b.component(id, devices.Light, d.named(l.relay))
	d.powers[l.relay] = b.add(c, devices.Property{ID: devices.On, Datatype: devices.Bool, Readable: true},
		single(func(v devices.Value) broker.Message { return d.power(l.relay, v.Bool()) }))
	b.add(c, devices.Property{
		ID: devices.Brightness, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: 1, Readable: true,
	}, single(func(v devices.Value) broker.Message {
		if v.Float() == 0 {
			return d.power(l.relay, false)
		}
		return d.set(l, l.command, strconv.Itoa(int(max(math.Round(v.Float()), 1))))
	}))
	if l.tunes {
		b.add(c, devices.Property{
			ID: devices.ColorTemperature, Datatype: devices.Int, Unit: "K", Readable: true,
			Min: bound(math.Round(1e6 / l.warmest)), Max: bound(math.Round(1e6 / l.coldest)),
		}, single(func(v devices.Value) broker.Message {
			mired := min(max(math.Round(1e6/max(v.Float(), 1)), l.coldest), l.warmest)
			return d.set(l, "CT", strconv.Itoa(int(mired)))
		}))
	}
	if l.color {
		b.add(c, devices.Property{ID: devices.ColorHS, Datatype: devices.Color, Readable: true}, single(func(v devices.Value) broker.Message {
			hue, saturation := v.Color()
			r, g, bl := devices.HSVToRGB(hue, saturation, 100)
			return d.set(l, "Color2", fmt.Sprintf("%.0f,%.0f,%.0f%s", r, g, bl, l.suffix))
		}))
	}
	if l.whitens && !l.tunes { // of two white channels the temperature tells
		b.add(c, devices.Property{
			ID: devices.White, Datatype: devices.Float, Unit: "%", Min: bound(1), Max: bound(100), Step: 1, Readable: true,
		}, single(func(v devices.Value) broker.Message {
			return d.set(l, "White", strconv.Itoa(int(max(math.Round(v.Float()), 1))))
		}))
	}
	b.transition(c)
	if l.effects {
		b.add(c, devices.Property{ID: devices.Effect, Datatype: devices.Enum, Choices: schemes, Readable: true}, single(func(v devices.Value) broker.Message {
			for i, name := range schemes {
				if name == v.Text() {
					return d.command("Scheme", strconv.Itoa(i))
				}
			}
			return d.command("Scheme", "0")
		}))
	}
	d.lights = append(d.lights, l)
}

// set is a command that is to switch the light on as well, where the device does not do so itself.
func (d *device) set(l *light, name, payload string) broker.Message {
	if !d.options.notLinked {
		return d.command(name, payload)
	}
	return d.command("Backlog", name+" "+payload+";POWER"+strconv.Itoa(l.relay)+" ON")
}

// brightness takes Dimmer or Channel with a number; 0 is none.
func (r *report) brightness(f *field, name string, n int) {
	for _, l := range r.d.lights {
		if l.dims != name || l.number != n && !(n == 0 && len(r.d.lights) == 1) {
			continue
		}
		if percent, ok := r.number(f, ""); ok {
			r.float(devices.Ref{Component: l.component, Property: devices.Brightness}, min(max(percent, 0), 100))
		}
	}
}

// temperature takes CT.
func (r *report) temperature(f *field) {
	for _, l := range r.d.lights {
		if !l.tunes {
			continue
		}
		if mired, ok := r.number(f, ""); ok && mired >= 1 && mired <= 10000 {
			ref := devices.Ref{Component: l.component, Property: devices.ColorTemperature}
			r.add(ref, devices.IntValue(int64(math.Round(1e6/mired))))
		}
	}
}

// white takes White, which is 0 while the light shines colored.
func (r *report) white(f *field) {
	for _, l := range r.d.lights {
		if !l.whitens || l.tunes {
			continue
		}
		if percent, ok := r.number(f, ""); ok {
			r.float(devices.Ref{Component: l.component, Property: devices.White}, min(max(percent, 0), 100))
		}
	}
}

// scheme takes Scheme. Those of light strips only are not told.
func (r *report) scheme(f *field) {
	n, ok := r.number(f, "")
	if !ok || n < 0 || n >= float64(len(schemes)) || n != math.Trunc(n) {
		return
	}
	for _, l := range r.d.lights {
		if l.effects {
			r.add(devices.Ref{Component: l.component, Property: devices.Effect}, devices.EnumValue(schemes[int(n)]))
		}
	}
}

// colors takes HSBColor, or Color where that is not there. A light with white channels that shines white has no color then:
// what the message calls one is the color that it will have again.
func (r *report) colors(doc document, top int) {
	var l *light
	for _, candidate := range r.d.lights {
		if candidate.color {
			l = candidate
		}
	}
	if l == nil {
		return
	}
	ref := devices.Ref{Component: l.component, Property: devices.ColorHS}
	if i := doc.get(top, "White"); i > 0 && l.whitens {
		if level, ok := doc[i].number(); ok && level > 0 {
			if !l.tunes {
				r.color(ref, 0, 0)
			}
			return
		}
	}
	if i := doc.get(top, "HSBColor"); i > 0 {
		n, ok := numbersOf(doc[i].text, 3)
		if !ok {
			r.fault(&doc[i], "hue, saturation and brightness", "")
			return
		}
		r.color(ref, n[0], n[1])
		return
	}
	if i := doc.get(top, "Color"); i > 0 && doc[i].kind == text {
		n, ok := channels(doc[i].text)
		if !ok || len(n) < 3 {
			r.fault(&doc[i], "a color", "")
			return
		}
		hue, saturation, _ := devices.RGBToHSV(n[0], n[1], n[2])
		r.color(ref, hue, saturation)
	}
}

func (r *report) color(ref devices.Ref, hue, saturation float64) {
	if v, err := devices.ColorValue(hue, saturation); err == nil {
		r.add(ref, v)
	}
}

// numbersOf are numbers with commas between.
func numbersOf(s string, atLeast int) ([]float64, bool) {
	var out []float64
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || math.IsNaN(n) || n < 0 || n > 1000 || len(out) > 8 {
			return nil, false
		}
		out = append(out, n)
	}
	return out, len(out) >= atLeast
}

// channels are the channels of a light, 0 to 255: in hexadecimal, or, with SetOption17, in decimal.
func channels(s string) ([]float64, bool) {
	if strings.Contains(s, ",") {
		return numbersOf(s, 1)
	}
	s = strings.TrimPrefix(s, "#")
	if s == "" || len(s)%2 != 0 || len(s) > 10 {
		return nil, false
	}
	var out []float64
	for ; s != ""; s = s[2:] {
		n, err := strconv.ParseUint(s[:2], 16, 8)
		if err != nil {
			return nil, false
		}
		out = append(out, float64(n))
	}
	return out, true
}
