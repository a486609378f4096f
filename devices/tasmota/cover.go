package tasmota

import (
	"math"
	"strconv"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// cover is one shutter of a device.
type cover struct {
	blind
	component string
	moving    bool
}

// covers builds the shutters: each is driven by two relays that follow each other.
func (b *builder) covers() {
	d := b.device
	count := 0
	for n := 1; n < len(d.setup.relays); n++ {
		if d.relay(n) == shutterRelay && d.relay(n+1) == shutterRelay {
			count++
			n++
		}
	}
	for n := 1; n <= count; n++ {
		c := &cover{component: suffixed("shutter", n, count)}
		if n <= len(d.shutters) {
			c.blind = d.shutters[n-1]
		}
		d.covers[n] = c
		b.cover(n, c)
	}
}

func (b *builder) cover(n int, c *cover) {
	d, number := b.device, strconv.Itoa(n)
	component := b.component(c.component, devices.Cover, "")
	b.add(component, devices.Property{
		ID: devices.State, Datatype: devices.Enum, Readable: true,
		Choices: []string{"open", "opening", "closed", "closing", "stopped"}, Wanted: []string{"open", "closed"},
	}, single(func(v devices.Value) broker.Message {
		if v.Text() == "open" {
			return d.command("ShutterOpen"+number, "")
		}
		return d.command("ShutterClose"+number, "")
	}))
	b.add(component, devices.Property{
		ID: devices.Position, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: 1, Readable: true,
	}, single(func(v devices.Value) broker.Message {
		return d.command("ShutterPosition"+number, strconv.Itoa(int(c.position(math.Round(v.Float())))))
	}))
	b.add(component, devices.Property{ID: devices.Stop, Datatype: devices.Bool, Momentary: true}, press(d.command("ShutterStop"+number, "")))
	if c.high > c.low {
		b.add(component, devices.Property{
			ID: devices.Tilt, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: 100 / (c.high - c.low), Readable: true,
		}, single(func(v devices.Value) broker.Message {
			return d.command("ShutterTilt"+number, strconv.Itoa(int(math.Round(c.low+v.Float()/100*(c.high-c.low)))))
		}))
	}
}

// position converts between the model's position and an inverted shutter's; the way back is the same.
func (c *cover) position(percent float64) float64 {
	percent = min(max(percent, 0), 100)
	if c.inverted {
		return 100 - percent
	}
	return percent
}

// cover takes what a shutter reports: an object, or its position alone.
func (r *report) cover(doc document, i, n int) {
	c := r.d.covers[n]
	if c == nil {
		return
	}
	ref := func(property string) devices.Ref { return devices.Ref{Component: c.component, Property: property} }
	f := &doc[i]
	if f.kind != object {
		if percent, ok := r.number(f, ""); ok {
			r.float(ref(devices.Position), c.position(percent))
		}
		return
	}
	value := func(key string) (float64, bool) {
		at := doc.get(i, key)
		if at == 0 || doc[at].kind == null {
			return 0, false
		}
		return r.number(&doc[at], f.key)
	}
	direction, moves := value("Direction")
	if c.inverted {
		direction = -direction
	}
	position, ok := value("Position")
	if ok {
		position = c.position(position)
		r.float(ref(devices.Position), position)
	}
	switch {
	case moves && direction > 0:
		r.add(ref(devices.State), devices.EnumValue("opening"))
	case moves && direction < 0:
		r.add(ref(devices.State), devices.EnumValue("closing"))
	case ok && position == 0:
		r.add(ref(devices.State), devices.EnumValue("closed"))
	case ok:
		r.add(ref(devices.State), devices.EnumValue("open"))
	}
	if moves {
		r.target(doc, i, c, direction != 0)
	}
	if tilt, ok := value("Tilt"); ok && c.high > c.low {
		r.float(ref(devices.Tilt), min(max(round((tilt-c.low)/(c.high-c.low)*100, 2), 0), 100))
	}
}

// target is where the shutter is going; when it stands still it is going nowhere.
func (r *report) target(doc document, i int, c *cover, moving bool) {
	out := hub.Reported{Key: r.d.key, Ref: devices.Ref{Component: c.component, Property: devices.Position}, Replayed: r.replayed}
	if at := doc.get(i, "Target"); moving && at > 0 {
		if percent, ok := doc[at].number(); ok {
			if v, err := devices.FloatValue(c.position(percent)); err == nil {
				out.Value = v
			}
		}
	}
	if !out.Value.IsZero() || c.moving {
		r.u.Targets = append(r.u.Targets, out)
	}
	c.moving = !out.Value.IsZero()
}

// fan builds the fan of a Sonoff iFan: three speeds.
func (b *builder) fan() {
	if !b.setup.fan {
		return
	}
	d := b.device
	d.fanRef = "fan"
	c := b.component("fan", devices.Fan, "")
	speed := func(n int) broker.Message { return d.command("FanSpeed", strconv.Itoa(n)) }
	b.add(c, devices.Property{ID: devices.On, Datatype: devices.Bool, Readable: true}, single(func(v devices.Value) broker.Message {
		switch {
		case !v.Bool():
			return speed(0)
		case d.fanLast > 0:
			return speed(d.fanLast)
		}
		return speed(2)
	}))
	b.add(c, devices.Property{
		ID: devices.Speed, Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Step: 100.0 / 3, Readable: true,
	}, single(func(v devices.Value) broker.Message {
		n := int(math.Round(v.Float() * 3 / 100))
		if n == 0 && v.Float() > 0 {
			n = 1
		}
		return speed(n)
	}))
}

// fan takes FanSpeed.
func (r *report) fan(f *field) {
	if r.d.fanRef == "" {
		return
	}
	n, ok := r.number(f, "")
	if !ok || n < 0 || n > 3 {
		return
	}
	if n > 0 {
		r.d.fanLast = int(n)
	}
	r.add(devices.Ref{Component: r.d.fanRef, Property: devices.On}, devices.BoolValue(n > 0))
	r.float(devices.Ref{Component: r.d.fanRef, Property: devices.Speed}, round(n*100/3, 2))
}

// round rounds to so many decimals.
func round(f float64, decimals int) float64 {
	p := math.Pow(10, float64(decimals))
	return math.Round(f*p) / p
}
