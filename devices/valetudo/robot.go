package valetudo

import (
	"slices"
	"strings"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// perform is how an act is told.
const perform = "PERFORM"

// The IDs of the vacuum's component and of that of its consumables, and how devices/homie calls the nodes of which they are made.
const (
	vacuumPart = "vacuum"
	usedPart   = "consumables"

	control     = "basiccontrolcapability"
	status      = "statusstateattribute"
	battery     = "batterystateattribute"
	fan         = "fanspeedcontrolcapability"
	locate      = "locatecapability"
	consumables = "consumablemonitoringcapability"
)

// robot is a robot as people see it, and where each of its properties is in the tree.
type robot struct {
	device  devices.Device
	readers map[devices.Ref]reader      // by the tree's names
	writers map[devices.Ref]writer      // by ours
	resets  map[devices.Ref]devices.Ref // by ours; the consumable in the tree
}

// reader makes a reading of ours of one of the tree's; nil in read: the value stays. ok is false for what is not told.
type reader struct {
	ref  devices.Ref
	read func(v devices.Value) (w devices.Value, ok bool)
}

// writer is the reverse.
type writer struct {
	ref  devices.Ref
	told func(v devices.Value) (w devices.Value, ok bool)
}

func (r *robot) translate(reading *hub.Reported) bool {
	way, ok := r.readers[reading.Ref]
	if !ok {
		return false
	}
	reading.Ref = way.ref
	if way.read != nil {
		reading.Value, ok = way.read(reading.Value)
	}
	return ok
}

// lay makes a robot of what devices/homie makes of its tree.
func lay(d devices.Device) *robot {
	r := &robot{readers: map[devices.Ref]reader{}, writers: map[devices.Ref]writer{}, resets: map[devices.Ref]devices.Ref{}, device: d.Clone()}
	for _, base := range d.Identifiers { // the last level of its topic is how Home Assistant knows it
		r.device.Identifiers = append(r.device.Identifiers, base[strings.LastIndexByte(base, '/')+1:])
	}
	r.device.Manufacturer, r.device.Model = implementation, "vacuum robot"
	r.device.Components = nil
	if d.Component(status) != nil || d.Component(control) != nil {
		r.device.Components = append(r.device.Components, r.vacuum(&d))
	}
	for _, c := range d.Components {
		switch {
		case c.ID == consumables:
			r.device.Components = append(r.device.Components, r.used(c)...)
		default:
			r.other(c)
		}
	}
	r.device.Sort()
	return r
}

// states are the robot's own words for what it is doing.
var states = map[string]string{
	"error": "error", "docked": "docked", "idle": "idle", "returning": "returning", "cleaning": "cleaning", "paused": "paused",
	"manual_control": "cleaning", "moving": "cleaning",
}

// orders are the words by which a state is told.
var orders = map[string]string{"cleaning": "START", "docked": "HOME", "paused": "PAUSE"}

// vacuum is the component for what the robot is about.
func (r *robot) vacuum(d *devices.Device) devices.Component {
	c := devices.Component{ID: vacuumPart, Kind: devices.Vacuum}
	add := func(p devices.Property, from devices.Ref, read, told func(devices.Value) (devices.Value, bool)) {
		ref := devices.Ref{Component: vacuumPart, Property: p.ID}
		c.Properties = append(c.Properties, p)
		if p.Readable {
			r.readers[from] = reader{ref, read}
		}
		if p.Settable {
			r.writers[ref] = writer{from, told}
		}
	}
	state := devices.Property{ID: devices.State, Datatype: devices.Enum, Choices: []string{"cleaning", "docked", "paused", "idle", "returning", "error"}}
	if p := d.Property(devices.Ref{Component: status, Property: "status"}); p != nil {
		state.Readable = true
		r.readers[devices.Ref{Component: status, Property: "status"}] = reader{devices.Ref{Component: vacuumPart, Property: devices.State}, readState}
	}
	can := only(d, control)
	if can != nil && can.Settable && can.Datatype == devices.Enum {
		from := devices.Ref{Component: control, Property: can.ID}
		for _, name := range []string{"cleaning", "docked", "paused"} {
			if slices.Contains(can.Choices, orders[name]) {
				state.Wanted = append(state.Wanted, name)
			}
		}
		if state.Settable = len(state.Wanted) > 0; state.Settable {
			r.writers[devices.Ref{Component: vacuumPart, Property: devices.State}] = writer{from, func(v devices.Value) (devices.Value, bool) {
				order, ok := orders[v.Text()]
				return devices.EnumValue(order), ok
			}}
		}
		if slices.Contains(can.Choices, "STOP") {
			add(act(devices.Stop), from, nil, word("STOP"))
		}
	}
	if state.Readable || state.Settable {
		c.Properties = append(c.Properties, state)
	}
	if p := only(d, locate); p != nil && p.Settable && slices.Contains(p.Choices, perform) {
		add(act(devices.Locate), devices.Ref{Component: locate, Property: p.ID}, nil, word(perform))
	}
	if p := only(d, fan); p != nil && p.Datatype == devices.Enum {
		add(devices.Property{ID: devices.FanSpeed, Datatype: devices.Enum, Choices: p.Choices, Readable: true, Settable: p.Settable},
			devices.Ref{Component: fan, Property: p.ID}, nil, nil)
	}
	level := devices.Ref{Component: battery, Property: "level"}
	if p := d.Property(level); p != nil && (p.Datatype == devices.Int || p.Datatype == devices.Float) {
		add(devices.Property{ID: devices.Battery, Datatype: devices.Float, Class: "battery", Unit: "%", Min: new(0.0), Max: new(100.0), Readable: true},
			level, func(v devices.Value) (devices.Value, bool) {
				f, err := devices.FloatValue(v.Float())
				return f, err == nil
			}, nil)
	}
	return c
}

func readState(v devices.Value) (devices.Value, bool) {
	s, ok := states[v.Text()]
	return devices.EnumValue(s), ok
}

func act(id string) devices.Property {
	return devices.Property{ID: id, Datatype: devices.Bool, Settable: true, Momentary: true}
}

// word tells an act by a choice of an enum.
func word(s string) func(devices.Value) (devices.Value, bool) {
	return func(v devices.Value) (devices.Value, bool) { return devices.EnumValue(s), v.Bool() }
}

// only is the single property of a node, nil if there are none or several.
func only(d *devices.Device, node string) *devices.Property {
	if c := d.Component(node); c != nil && len(c.Properties) == 1 {
		return &c.Properties[0]
	}
	return nil
}

// used are the components for the consumables, of which each can be reset when it was replaced.
func (r *robot) used(c devices.Component) []devices.Component {
	main := devices.Component{ID: usedPart, Kind: devices.Sensor, Name: "Consumables", Category: "diagnostic"}
	var parts []devices.Component
	for _, p := range c.Properties {
		if p.Settable {
			continue
		}
		r.readers[devices.Ref{Component: c.ID, Property: p.ID}] = reader{ref: devices.Ref{Component: usedPart, Property: p.ID}}
		if p.Unit == "" && p.Datatype == devices.Int { // what is not in percent is in seconds, which the robot does not say
			p.Unit, p.Class = "s", "duration"
		}
		main.Properties = append(main.Properties, p)
		reset := devices.Component{
			ID: "reset-" + p.ID[:min(len(p.ID), 58)], Kind: devices.Button, Name: "Reset " + strings.ToLower(p.Name), Category: "config",
			Properties: []devices.Property{act(devices.Press)},
		}
		if !slices.ContainsFunc(parts, func(o devices.Component) bool { return o.ID == reset.ID }) {
			parts = append(parts, reset)
			r.resets[devices.Ref{Component: reset.ID, Property: devices.Press}] = devices.Ref{Component: c.ID, Property: p.ID}
		}
	}
	return append(parts, main)
}
