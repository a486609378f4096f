package tasmota

import (
	"math"
	"strconv"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// slowest is the highest Speed. It is in half seconds, for the way from dark to full.
const slowest = 40

// fading is how a device's lights change, all of them alike: at once, or with a Speed that is also told, and kept, while Fade is off.
type fading struct {
	said, on bool
	speed    float64 // 0: not known
}

// transition adds the time that the changes of a light take.
func (b *builder) transition(c *devices.Component) {
	b.add(c, devices.Property{
		ID: devices.Transition, Datatype: devices.Float, Class: "duration", Unit: "s", Min: bound(0), Max: bound(slowest / 2), Step: 0.5, Readable: true,
	}, single(func(v devices.Value) broker.Message {
		speed := math.Round(v.Float() * 2)
		if speed < 1 {
			return b.device.command("Fade", "0")
		}
		return b.device.command("Backlog", "Speed "+strconv.Itoa(int(min(speed, slowest)))+";Fade 1")
	}))
}

// fade takes Fade and Speed, of which a message has one or both.
func (r *report) fade(doc document, top int) {
	d := r.d
	if len(d.lights) == 0 {
		return
	}
	if i := doc.get(top, "Speed"); i > 0 {
		if speed, ok := doc[i].number(); ok && speed >= 1 && speed <= slowest {
			d.fading.speed = speed
		}
	}
	if i := doc.get(top, "Fade"); i > 0 {
		if on, ok := d.truth(doc[i].text); ok {
			d.fading.said, d.fading.on = true, on
		}
	}
	seconds := 0.0
	switch {
	case !d.fading.said, d.fading.on && d.fading.speed == 0:
		return
	case d.fading.on:
		seconds = d.fading.speed / 2
	}
	for _, l := range d.lights {
		r.float(devices.Ref{Component: l.component, Property: devices.Transition}, seconds)
	}
}
