package esphome

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
	"home.arpa/homehub/hub"
)

// node is what is known of one node.
type node struct {
	name       string
	info       info
	source     broker.Message
	present    bool // it tells its presence
	discovered bool // Home Assistant's discovery describes its entities
	objects    map[string]*object
	found      []broker.Message // the messages by which presence and facets were found, in this order
}

// object is one entity of a node without discovery: switch/relay.
type object struct {
	id, name string
	kind     devices.Kind
	facets   []*facet
}

// facet is one property of an object. More than one can be read of one topic: a light's.
type facet struct {
	path     string // the topic below the node, without /state: switch/relay, climate/heater/mode
	property devices.Property
	read     func(payload string) (v devices.Value, ok bool, err error) // ok is false for what says nothing
	tell     func(v devices.Value) (suffix, payload string)             // below the object; nil: it cannot be told
}

func (n *node) paths() []string { return slices.Sorted(maps.Keys(n.objects)) }

func (n *node) announce() hub.Announced {
	i := n.info
	d := devices.Device{
		ID: devices.Slug(n.name), Name: cmp.Or(i.Friendly, i.Name), Manufacturer: "Espressif", Model: cmp.Or(i.Project, i.Board),
		Firmware: i.Version, Convention: Name, Identifiers: []string{discover + "/" + n.name}, Components: []devices.Component{},
	}
	if p := strings.ToUpper(i.Platform); p != "" && !strings.HasPrefix(p, "ESP") {
		d.Manufacturer = "" // another maker's chip
	}
	if mac := address.MAC(i.MAC); mac != "" {
		d.Connections = []devices.Connection{{Kind: "mac", Value: mac}}
	}
	sources := []broker.Message{n.source}
	for _, path := range n.paths() {
		o := n.objects[path]
		c := devices.Component{ID: o.id, Kind: o.kind, Name: o.name}
		for _, f := range o.facets {
			c.Properties = append(c.Properties, f.property)
		}
		d.Components = append(d.Components, c)
	}
	d.Sort()
	return hub.Announced{Key: n.name, Device: d, Sources: append(sources, n.found...), Availability: n.present}
}

// status takes a node's presence.
func (n *node) status(m broker.Message) hub.Update {
	var r devices.Reach
	switch string(m.Payload) {
	case "online":
		r = devices.Reach{Presence: devices.Online, Why: "it says that it is online"}
	case "offline":
		r = devices.Reach{Presence: devices.Offline, Why: "it said goodbye, or its connection was lost (its will was published)"}
	case "":
		return hub.Update{}
	default:
		return fault(n.name, m, fmt.Sprintf("expected online or offline, got %.40q", m.Payload))
	}
	u := hub.Update{Reaches: []hub.Reached{{Key: n.name, Reach: r}}}
	if !n.present {
		n.present = true
		n.found = append(n.found, broker.Message{Topic: m.Topic, Payload: []byte("online")})
		u.Devices = []hub.Announced{n.announce()}
	}
	return u
}

// state takes a state of a node without discovery. Path is the topic below the node, without /state.
func (n *node) state(path string, m broker.Message) hub.Update {
	kind, rest, _ := strings.Cut(path, "/")
	id, attribute, _ := strings.Cut(rest, "/")
	make, known := kinds[kind]
	switch {
	case !known || id == "":
		return hub.Update{}
	case len(m.Payload) > maxState || !utf8.Valid(m.Payload):
		return fault(n.name, m, fmt.Sprintf("expected a state of at most %d bytes in UTF-8, got other bytes", maxState))
	}
	payload := string(m.Payload)
	base := kind + "/" + id
	o, old := n.objects[base], true
	if o == nil {
		if len(n.objects) >= maxObjects {
			return fault(n.name, m, fmt.Sprintf("more than %d entities of one node", maxObjects))
		}
		o, old = &object{id: n.freeID(kind, id), name: title(id), kind: make.kind}, false
	}
	before := len(o.facets)
	if !slices.ContainsFunc(o.facets, func(f *facet) bool { return f.path == path }) || make.grows {
		o.grow(make.facets(attribute, payload), path)
	}
	if len(o.facets) == 0 {
		return hub.Update{}
	}
	if !old {
		n.objects[base] = o
	}
	var u hub.Update
	if len(o.facets) != before {
		n.found = append(n.found, broker.Message{Topic: m.Topic, Payload: m.Payload})
		u.Devices = []hub.Announced{n.announce()}
	}
	for _, f := range o.facets {
		if f.path != path || f.read == nil || f.property.Momentary && m.Retain {
			continue
		}
		v, ok, err := f.read(payload)
		if err != nil {
			u.Faults = append(u.Faults, hub.Fault{Key: n.name, Topic: m.Topic, Reason: err.Error()})
			break
		}
		if ok {
			u.Readings = append(u.Readings, hub.Reported{
				Key: n.name, Ref: devices.Ref{Component: o.id, Property: f.property.ID}, Value: v, Replayed: m.Retain,
			})
		}
	}
	return u
}

// grow adds the facets that the object has not.
func (o *object) grow(facets []*facet, path string) {
	for _, f := range facets {
		if f.path = path; !slices.ContainsFunc(o.facets, func(g *facet) bool { return g.property.ID == f.property.ID }) {
			o.facets = append(o.facets, f)
		}
	}
}

// freeID is the slug of an object: of its own name if no other kind has it.
func (n *node) freeID(kind, id string) string {
	slug := cmp.Or(devices.Slug(id), kind)
	taken := func(s string) bool {
		for _, o := range n.objects {
			if o.id == s {
				return true
			}
		}
		return false
	}
	if !taken(slug) {
		return slug
	}
	base := devices.Slug(fmt.Sprintf("%s %.40s", kind, slug))
	for i, s := 2, base; ; i++ {
		if !taken(s) {
			return s
		}
		s = fmt.Sprintf("%s-%d", base, i)
	}
}

// title makes a name for people of an object id, which is the name in lower case with underscores.
func title(id string) string {
	s := strings.ReplaceAll(clip(id), "_", " ")
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}
