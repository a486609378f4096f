package tasmota

import (
	"strings"

	"home.arpa/homehub/devices"
)

// Bounds of what is learnt of one device's sensors.
const (
	maxPlaces  = 600
	maxItems   = 32
	maxNesting = 5
)

// branch is a place in the device's telemetry, with the places beneath it: blocks, keys, items of lists. They are kept in
// the order in which they were seen.
type branch struct {
	key   string
	index int // of an item in a list, from 1; 0 for a key
	inner []*branch
	byKey map[string]*branch
	leaf  *sensor
	count int // of all places, in the root
}

// sensor is one value of the telemetry.
type sensor struct {
	path     string // as people are shown it: ENERGY.Power[1]
	quantity quantity
	datatype devices.Datatype
	ref      devices.Ref
	bad      bool // it could not be read last time
}

func (b *branch) find(key string, index int) *branch {
	if index > 0 {
		if index <= len(b.inner) && b.inner[index-1].index == index {
			return b.inner[index-1]
		}
		return nil
	}
	return b.byKey[key]
}

func (b *branch) grow(key string, index int) *branch {
	n := &branch{key: strings.Clone(key), index: index}
	b.inner = append(b.inner, n)
	if index == 0 {
		if b.byKey == nil {
			b.byKey = map[string]*branch{}
		}
		b.byKey[n.key] = n
	}
	return n
}

// learn adds what is new in the object or list at i, and says whether anything was.
func (d *device) learn(doc document, i int, b *branch, path []string) (learnt bool) {
	index := 0
	doc.children(i, func(at int, f *field) {
		place := 0
		if doc[i].kind == array {
			if index++; index > maxItems {
				return
			}
			place = index
		} else if about(first(path), f.key) || len(path) == 0 && d.isControl(doc, at) || len(f.key) > maxName {
			return
		}
		key := f.key
		if len(path) == 0 {
			key = doc.block(at)
		}
		if f.kind == null && place == 0 { // nothing is known of it, unless its key tells what it is
			if _, known := quantityOf(append(path, key)); !known {
				return
			}
		}
		next := b.find(key, place)
		if next == nil {
			if d.sensors.count >= maxPlaces || len(b.inner) > 0 && (b.byKey == nil) != (place > 0) || len(path) == 0 && b.crowded(key) {
				return
			}
			d.sensors.count++
			next = b.grow(key, place)
		}
		here := path
		if place == 0 {
			here = append(path[:len(path):len(path)], key)
		}
		if f.kind == object || f.kind == array {
			if next.leaf == nil && len(path) < maxNesting {
				if d.learn(doc, at, next, here) {
					learnt = true
				}
			}
			return
		}
		if next.leaf == nil && len(next.inner) == 0 {
			q, known := quantityOf(here)
			next.leaf = &sensor{quantity: q, datatype: d.datatype(f, q, known)}
			if q.scale == speed {
				next.leaf.quantity.unit = d.beside.speed
			}
			learnt = true
		} else if s := next.leaf; s != nil && s.datatype == devices.Bool && f.kind == text {
			if _, ok := d.truth(f.text); !ok { // it says more than on and off
				s.datatype, learnt = devices.String, true
			}
		}
	})
	return learnt
}

// first is the block that a path leads into, empty at the top.
func first(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return path[0]
}

// datatype is the type of a value that is seen for the first time.
func (d *device) datatype(f *field, q quantity, known bool) devices.Datatype {
	switch {
	case f.kind == boolean, q.truth:
		return devices.Bool
	case f.kind == text && known && q.unit+q.class != "":
		if _, ok := f.number(); ok {
			return devices.Float
		}
		return devices.String
	case f.kind == text:
		if _, ok := d.truth(f.text); ok && f.text != "0" && f.text != "1" {
			return devices.Bool
		}
		return devices.String
	}
	return devices.Float
}

// isControl says whether a value at the top of the telemetry is reported elsewhere: as a shutter, a switch, an event.
func (d *device) isControl(doc document, at int) bool {
	f := &doc[at]
	if _, gesture := doc.gesture(at); gesture {
		return true
	}
	if _, event := eventKeys[f.key]; event {
		return true
	}
	if d.switches[f.key] != nil {
		return true
	}
	name, n, ok := numbered(f.key)
	return ok && (name == "Shutter" && d.covers[n] != nil || name == "Button" || name == "POWER")
}

// measured reports the values of the object or list at i, which is in a block, or is the whole. unknown says that some were not
// learnt.
func (r *report) measured(doc document, i int, b *branch, block string) (unknown bool) {
	index := 0
	for at := i + 1; at < int(doc[i].end); at = int(doc[at].end) {
		f := &doc[at]
		var next *branch
		inside := block
		switch {
		case doc[i].kind == array:
			if index++; index > maxItems {
				return unknown
			}
			next = b.find("", index)
		case block == "":
			inside = doc.block(at)
			next = b.byKey[inside]
		default:
			next = b.byKey[f.key]
		}
		switch {
		case next == nil:
			unknown = unknown || f.kind != null && !about(block, f.key) && !(block == "" && r.d.isControl(doc, at))
		case next.leaf != nil:
			if f.kind == text && next.leaf.datatype == devices.Bool {
				if _, ok := r.d.truth(f.text); !ok {
					unknown = true
					continue
				}
			}
			r.value(next.leaf, f)
		case f.kind == object || f.kind == array:
			if r.measured(doc, at, next, inside) {
				unknown = true
			}
		}
	}
	return unknown
}

// value reports one sensor's value.
func (r *report) value(s *sensor, f *field) {
	if f.kind == null || f.kind == object || f.kind == array {
		return
	}
	switch s.datatype {
	case devices.Float:
		n, ok := f.number()
		if !ok {
			if f.text == "" { // nothing to say
				return
			}
			if !s.bad {
				s.bad = true
				r.faultAt(s.path, "a number", f)
			}
			return
		}
		s.bad = false
		if n == 0 && s.quantity.class == "signal_strength" { // of what is not heard any more
			return
		}
		r.float(s.ref, r.d.beside.in(s.quantity.scale, n))
	case devices.Bool:
		on, ok := f.num != 0, f.kind != text
		if f.kind == text {
			on, ok = r.d.truth(f.text)
		}
		if ok {
			r.add(s.ref, devices.BoolValue(on))
		}
	default:
		said := f.text
		if f.kind == boolean {
			said = f.said()
		}
		r.add(s.ref, devices.TextValue(clip(said, 1024)))
	}
}
