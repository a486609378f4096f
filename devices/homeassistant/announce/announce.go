// Package announce makes the hub's devices known to Home Assistant by its MQTT discovery: a retained configuration for each
// entity, which points to the topics where the hub publishes every device in Homie 5 (devices/homie) and takes wishes.
//
// The hub calls it through hub.Announcer. It is pure. The configurations have the single-component form
// (homeassistant/<component>/homehub_<device>/<object>/config), which Home Assistants from years ago understand, with no more templates than
// the two spellings need. A device that announces itself to Home Assistant is left alone.
//
// What Home Assistant takes in one JSON object only (the state of a vacuum, the coordinates of a tracker) the hub publishes so beside; see Whole.
// What it has no word for: a siren's tone, volume and duration are entities of their own, and so are a light's white channels and its
// transition; readings do not expire (expire_after), since the hub publishes a value only when it changes.
package announce

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant"
	"home.arpa/homehub/hub"
)

// mark begins everything that Home Assistant is to recognise the hub's devices by: the node in a discovery topic, unique IDs, and the
// identifiers of devices. An underscore is in none of the hub's IDs, so that what follows can be taken apart again.
const mark = "homehub_"

// origin is what the announcements say of who made them; devices/homeassistant does not take these for devices.
var origin = map[string]any{"name": "Homehub"}

// Options are what can be chosen.
type Options struct {
	// Prefix is the beginning of discovery topics; empty means "homeassistant".
	Prefix string
	// Domain is the Homie domain under which the hub publishes its devices; empty means "hub".
	Domain string
	// Families are the names of the conventions whose devices are announced; All announces those of all. With neither nothing is
	// announced, and what was announced before is taken back.
	Families []string
	All      bool
}

// Announcer is a hub.Announcer. It is safe for concurrent use.
type Announcer struct {
	options Options
}

var _ hub.Announcer = (*Announcer)(nil)

// New returns an announcer. The error says what is wrong with the prefix or the domain.
func New(o Options) (*Announcer, error) {
	if o.Prefix == "" {
		o.Prefix = "homeassistant"
	}
	if o.Domain == "" {
		o.Domain = "hub"
	}
	for _, s := range []string{o.Prefix, o.Domain} {
		if err := broker.ValidTopic(s + "/x"); err != nil {
			return nil, fmt.Errorf("choosing the topics of Home Assistant's discovery, %q: %w", s, err)
		}
	}
	return &Announcer{o}, nil
}

// Announce returns the retained configurations of a device's entities, sorted by topic.
func (a *Announcer) Announce(v hub.View) []broker.Message {
	if !a.wanted(v) {
		return nil
	}
	owner := a.owner(v)
	var messages []broker.Message
	for _, e := range a.entities(v) {
		topic := a.options.Prefix + "/" + e.component + "/" + mark + v.ID + "/" + e.object + "/config"
		e.config["device"], e.config["origin"] = owner, origin
		e.config["unique_id"] = mark + v.ID + "_" + e.object
		messages = append(messages, broker.Message{Topic: topic, Payload: marshal(e.config), QoS: 1, Retain: true})
	}
	slices.SortFunc(messages, func(x, y broker.Message) int { return strings.Compare(x.Topic, y.Topic) })
	return messages
}

// wanted says whether a device is to be announced.
func (a *Announcer) wanted(v hub.View) bool {
	families := v.Conventions
	if len(families) == 0 {
		families = []string{v.Convention}
	}
	if slices.Contains(families, homeassistant.Name) {
		return false // Home Assistant knows it
	}
	return a.options.All || slices.ContainsFunc(families, func(f string) bool { return slices.Contains(a.options.Families, f) })
}

// owner is the device block, by which Home Assistant joins the entities of a device and sees it as what other integrations know, too.
func (a *Announcer) owner(v hub.View) map[string]any {
	o := map[string]any{"identifiers": []string{mark + v.ID}, "name": v.Name}
	for key, value := range map[string]string{
		"manufacturer": v.Manufacturer, "model": v.Model, "sw_version": v.Firmware, "suggested_area": v.Room,
	} {
		if value != "" {
			o[key] = value
		}
	}
	var connections [][]string
	for _, c := range v.Connections {
		if c.Kind != "" && c.Value != "" {
			connections = append(connections, []string{c.Kind, c.Value})
		}
	}
	if len(connections) > 0 {
		o["connections"] = connections
	}
	if v.Via != "" {
		o["via_device"] = mark + v.Via
	}
	return o
}

// Filters are those under which all configurations lie, among those of others.
func (a *Announcer) Filters() []broker.Subscription {
	return []broker.Subscription{{Filter: a.options.Prefix + "/+/+/+/config", QoS: 1}}
}

// Owns says whether a topic is that of a configuration which this announcer made, now or in another life.
func (a *Announcer) Owns(topic string) bool {
	rest, ok := strings.CutPrefix(topic, a.options.Prefix+"/")
	if !ok {
		return false
	}
	levels := strings.Split(rest, "/")
	if len(levels) != 4 || levels[3] != "config" || !components[levels[0]] {
		return false
	}
	device, ok := strings.CutPrefix(levels[1], mark)
	component, property, both := strings.Cut(levels[2], "_")
	return ok && slug(device) && slug(component) && (!both || slug(property))
}

func slug(s string) bool { return s != "" && devices.Slug(s) == s }

// birthTopic is where Home Assistant says that it is there as long as nobody tells it otherwise, whatever its discovery's prefix is.
const birthTopic = "homeassistant/status"

// Births are the topics of Home Assistant's birth message.
func (a *Announcer) Births() []broker.Subscription {
	births := []broker.Subscription{{Filter: birthTopic, QoS: 1}}
	if own := a.options.Prefix + "/status"; own != birthTopic {
		births = append(births, broker.Subscription{Filter: own, QoS: 1})
	}
	return births
}

// Repeat says whether a message is Home Assistant's birth message.
func (a *Announcer) Repeat(m broker.Message) bool {
	return (m.Topic == birthTopic || m.Topic == a.options.Prefix+"/status") && string(m.Payload) == "online"
}

// marshal spells a configuration with its keys in the order of the alphabet, and templates as people can read them.
func marshal(config map[string]any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(config); err != nil {
		panic("announce: marshalling a configuration: " + err.Error()) // strings, finite numbers and bools always can be
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
