package tasmota

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// maxReadings is how much memory for readings a device keeps from one message to the next.
const maxReadings = 32

// report is one message of a device while it is read.
type report struct {
	d        *device
	m        broker.Message
	label    string // the last level of the topic: SENSOR
	u        *hub.Update
	replayed bool
	learnt   bool // something that the device did not say before
	settled  int  // how often the device was built anew for it
	renamed  bool // its first relay has a new ID
}

func (r *report) add(ref devices.Ref, v devices.Value) {
	if ref == (devices.Ref{}) {
		return
	}
	if r.u.Readings == nil {
		r.u.Readings = r.d.readings[:0]
	}
	r.u.Readings = append(r.u.Readings, hub.Reported{Key: r.d.key, Ref: ref, Value: v, Replayed: r.replayed})
	if cap(r.u.Readings) <= maxReadings {
		r.d.readings = r.u.Readings
	}
}

func (r *report) float(ref devices.Ref, f float64) {
	if v, err := devices.FloatValue(f); err == nil {
		r.add(ref, v)
	}
}

// number is the number that a value must be; where it is not, that is a fault.
func (r *report) number(f *field, parent string) (float64, bool) {
	n, ok := f.number()
	if !ok && f.kind != null {
		r.fault(f, "a number", parent)
	}
	return n, ok
}

func (r *report) fault(f *field, wanted, parent string) {
	path := f.key
	if parent != "" {
		path = parent + "." + f.key
	}
	r.faultAt(path, wanted, f)
}

func (r *report) faultAt(path, wanted string, f *field) {
	r.failed("expected %s at %s, got %s", wanted, clip(path, 80), f.said())
}

// failed reports what is wrong with the message, a bounded number of times for each.
func (r *report) failed(format string, args ...any) {
	f := hub.Fault{Key: r.d.key, Topic: r.m.Topic, Reason: r.label + ": " + fmt.Sprintf(format, args...)}
	if len(r.u.Faults) < 8 && !slices.Contains(r.u.Faults, f) {
		r.u.Faults = append(r.u.Faults, f)
	}
}

// read reads the message, and reads it again as long as something new was learnt from it.
func (r *report) read(f func()) {
	for range 4 {
		before := r.settled
		r.u.Readings, r.u.Targets, r.u.Refusals = nil, nil, nil
		f()
		if r.settled == before {
			return
		}
	}
}

// settle builds the device anew, after something was learnt.
func (r *report) settle() {
	r.d.rebuild()
	r.settled++
}

// states reads what STATE, RESULT and STATUS11 have in common: relays, lights, fan, and, where firmware has them there,
// shutters and inputs.
func (r *report) states(doc document, top int) {
	colored, faded := false, false
	for at := top + 1; at < int(doc[top].end); at = int(doc[at].end) {
		f := &doc[at]
		name, n, ok := numbered(f.key)
		if !ok {
			continue
		}
		switch name {
		case "POWER":
			r.power(max(n, 1), f.text, f)
		case "Dimmer", "Channel":
			if f.kind == number || f.kind == text {
				r.brightness(f, name, n)
			}
		case "CT":
			r.temperature(f)
		case "Color", "HSBColor":
			if n == 0 && !colored {
				colored = true
				r.colors(doc, top)
			}
		case "White":
			r.white(f)
		case "Scheme":
			r.scheme(f)
		case "Fade", "Speed":
			if !faded {
				faded = true
				r.fade(doc, top)
			}
		case "FanSpeed":
			r.fan(f)
		case "Shutter":
			if f.kind == object {
				r.cover(doc, at, n)
			}
		default:
			if f.kind == object {
				r.inner(doc, at, f)
			}
		}
	}
}

// inner takes the objects of a RESULT: what was done with an input, events, and the firmware's state of the network.
func (r *report) inner(doc document, i int, f *field) {
	if parts, event := eventKeys[f.key]; event {
		r.occurrence(doc, i, parts)
		return
	}
	if f.key == "Wifi" || f.key == "DeepSleep" {
		return
	}
	if doc.get(i, "Action") > 0 {
		r.action(doc, i, f.key)
	}
}

// power takes the state of a relay.
func (r *report) power(n int, said string, f *field) {
	ref := r.d.powers[n]
	if ref == (devices.Ref{}) {
		return
	}
	if f != nil && f.kind != text {
		said = strconv.Itoa(int(min(max(f.num, -1), 9)))
	}
	on, ok := r.d.truth(said)
	switch {
	case ok:
		if n == 1 {
			r.d.first.told, r.d.first.on = true, on
		}
		r.add(ref, devices.BoolValue(on))
	case strings.EqualFold(said, "blink"), strings.EqualFold(said, "blink "+r.d.states[0]), strings.EqualFold(said, "blink off"), said == "":
	default:
		r.failed("expected %s or %s at POWER%d, got %s", r.d.states[1], r.d.states[0], n, strconv.Quote(clip(said, 40)))
	}
}

// telemetry reads what SENSOR and STATUS10 have in common.
func (r *report) telemetry(doc document, top int) {
	d := r.d
	d.beside.units(doc, top)
	for at := top + 1; at < int(doc[top].end); at = int(doc[at].end) {
		f := &doc[at]
		switch f.kind {
		case text:
			r.input(f)
		case object:
			if parts, event := eventKeys[f.key]; event {
				r.occurrence(doc, at, parts)
			} else if said, ok := doc.gesture(at); ok {
				r.gestured(said)
			} else if name, n, ok := numbered(f.key); ok && name == "Shutter" && n > 0 {
				if d.covers[n] == nil && !d.announced {
					d.traits.cover(n, r)
				}
				r.cover(doc, at, n)
			}
		}
	}
	if r.measured(doc, top, &d.sensors, "") && !d.full && d.learn(doc, top, &d.sensors, nil) {
		r.learnt = true
		r.settle()
	}
}

// input takes the state of a switch that SENSOR tells: "Switch1":"ON".
func (r *report) input(f *field) {
	on, ok := r.d.truth(f.text)
	if !ok {
		return
	}
	t := r.d.switches[f.key]
	if t == nil {
		_, event := eventKeys[f.key]
		if event || f.text == "0" || f.text == "1" || about("", f.key) || r.d.sensors.byKey[f.key] != nil || !r.learnSwitch(f.key) {
			return
		}
		t = r.d.switches[f.key]
	}
	if t.state {
		r.add(devices.Ref{Component: t.component, Property: devices.On}, devices.BoolValue(on))
	}
}
