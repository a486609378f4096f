// Package esphome reads what nodes with the firmware ESPHome say of themselves at esphome/discover/<name>, which names their hardware
// address, board and version, and their presence. Their entities come by Home Assistant's discovery, which the hub joins with this by the
// address; so of such a node nothing is announced here but the device. The entities of nodes whose discovery is switched off are
// found by their topics, <name>/<component>/<object>/state, once the node has said what it is.
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload makes it panic.
//
// Source: the firmware's component mqtt. What is left out: nodes with a topic prefix other than their name, since they do not say it;
// without discovery, buttons, which have no state to be found by, alarm panels, dates, times and updates, and units and choices, which are
// only in the discovery.
package esphome

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "esphome"

// Bounds of what is remembered, whatever is sent.
const (
	maxNodes   = 1000
	maxObjects = 200
	maxInfo    = 4 << 10
	maxState   = 4 << 10
)

// discover is where nodes tell what they are, one level deeper, and where they are asked.
const discover = "esphome/discover"

// Options are what can be chosen.
type Options struct {
	// Prefix is Home Assistant's discovery prefix, by which a node with discovery is known; empty means homeassistant.
	Prefix string
}

// Convention is a hub.Convention. Make it with New. A node's key is its name.
type Convention struct {
	prefix string
	nodes  map[string]*node
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no node yet. The error says that the prefix cannot be part of a topic.
func New(o Options) (*Convention, error) {
	if o.Prefix == "" {
		o.Prefix = "homeassistant"
	}
	if err := broker.ValidTopic(o.Prefix); err != nil {
		return nil, fmt.Errorf("choosing discovery prefix %q: %w", o.Prefix, err)
	}
	return &Convention{prefix: o.Prefix, nodes: map[string]*node{}}, nil
}

// Name is "esphome".
func (c *Convention) Name() string { return Name }

// Filters are where nodes say what they are.
func (c *Convention) Filters() []broker.Subscription {
	return []broker.Subscription{{Filter: discover + "/+", QoS: 1}}
}

// Greet asks all nodes what they are.
func (c *Convention) Greet() []broker.Message { return []broker.Message{{Topic: discover, QoS: 1}} }

// info is what a node says of itself.
type info struct {
	Name     string `json:"name"`
	Friendly string `json:"friendly_name"`
	Version  string `json:"version"`
	MAC      string `json:"mac"`
	Platform string `json:"platform"`
	Board    string `json:"board"`
	Project  string `json:"project_name"`
}

// gone is a node that took back what it said.
type gone struct{ name string }

// filters are what is wanted of a node: whether it is discovered first, so that it is known when its states come.
func (c *Convention) filters(name string) []string {
	return []string{c.prefix + "/+/" + name + "/+/config", name + "/status", name + "/+/+/state", name + "/+/+/+/state"}
}

// Parse reads what a node says of itself, and asks for its presence and its states.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	name, ok := strings.CutPrefix(m.Topic, discover+"/")
	if !ok || !validName(name) {
		return hub.Parsed{}
	}
	if len(m.Payload) == 0 {
		return hub.Parsed{Content: gone{name}}
	}
	i, err := readInfo(name, m.Payload)
	if err != nil {
		return hub.Parsed{Content: err}
	}
	p := hub.Parsed{Content: i}
	for _, f := range c.filters(name) {
		p.Subscribe = append(p.Subscribe, broker.Subscription{Filter: f, QoS: 1})
	}
	return p
}

func validName(name string) bool {
	return name != "" && len(name) <= 64 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

func readInfo(name string, payload []byte) (i info, err error) {
	if len(payload) > maxInfo {
		return i, fmt.Errorf("expected at most %d bytes, got %d", maxInfo, len(payload))
	}
	if err := json.Unmarshal(payload, &i); err != nil {
		return i, fmt.Errorf("expected a JSON object with name, mac and version, got %.40q", payload)
	}
	if i.Name != name {
		return i, fmt.Errorf("expected the name %q as in the topic, got %.40q", name, i.Name)
	}
	if i.MAC != "" && address.MAC(i.MAC) == "" {
		return i, fmt.Errorf("expected a MAC address in mac, got %.40q", i.MAC)
	}
	for _, s := range []*string{&i.Friendly, &i.Version, &i.Platform, &i.Board, &i.Project} {
		*s = clip(*s)
	}
	return i, nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100])
	}
	return s
}

// Apply takes what nodes say.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	switch content := p.Content.(type) {
	case info:
		return c.introduce(m, content)
	case gone:
		return c.leave(content.name)
	case error:
		return fault(c.key(strings.TrimPrefix(m.Topic, discover+"/")), m, content.Error())
	}
	if rest, ok := strings.CutPrefix(m.Topic, c.prefix+"/"); ok {
		return c.discovered(rest, m)
	}
	name, path, ok := strings.Cut(m.Topic, "/")
	n := c.nodes[name]
	switch {
	case !ok || n == nil:
		return hub.Update{}
	case path == "status":
		return n.status(m)
	case len(m.Payload) == 0 || n.discovered:
		return hub.Update{}
	}
	if path, ok = strings.CutSuffix(path, "/state"); !ok {
		return hub.Update{}
	}
	return n.state(path, m)
}

// key is the name if the node is known.
func (c *Convention) key(name string) string {
	if c.nodes[name] == nil {
		return ""
	}
	return name
}

// introduce takes what a node says of itself. A node with the same address under another name was renamed.
func (c *Convention) introduce(m broker.Message, i info) hub.Update {
	var u hub.Update
	n := c.nodes[i.Name]
	if n == nil {
		for name, other := range c.nodes {
			if mac := address.MAC(i.MAC); mac != "" && mac == address.MAC(other.info.MAC) {
				u = c.leave(name)
			}
		}
		if len(c.nodes) >= maxNodes {
			return fault("", m, fmt.Sprintf("more than %d nodes", maxNodes))
		}
		n = &node{name: i.Name, objects: map[string]*object{}}
		c.nodes[i.Name] = n
	} else if n.info == i {
		return u
	}
	n.info, n.source = i, broker.Message{Topic: m.Topic, Payload: m.Payload}
	u.Devices = append(u.Devices, n.announce())
	return u
}

func (c *Convention) leave(name string) hub.Update {
	if c.nodes[name] == nil {
		return hub.Update{}
	}
	delete(c.nodes, name)
	return hub.Update{Gone: []string{name}, Unsubscribe: c.filters(name)}
}

// discovered takes that a node's entities are announced to Home Assistant: then they are described there, and better.
func (c *Convention) discovered(rest string, m broker.Message) hub.Update {
	levels := strings.Split(rest, "/")
	if len(levels) != 4 || levels[3] != "config" || len(m.Payload) == 0 {
		return hub.Update{}
	}
	n := c.nodes[levels[1]]
	if n == nil || n.discovered {
		return hub.Update{}
	}
	n.discovered = true
	if len(n.objects) == 0 {
		return hub.Update{}
	}
	clear(n.objects)
	n.found = slices.DeleteFunc(n.found, func(m broker.Message) bool { return m.Topic != n.name+"/status" })
	return hub.Update{Devices: []hub.Announced{n.announce()}}
}

func fault(key string, m broker.Message, reason string) hub.Update {
	return hub.Update{Faults: []hub.Fault{{Key: key, Topic: m.Topic, Reason: reason}}}
}

// Topics are what the node keeps: what it says of itself, its presence and states. Its announcements to Home Assistant are that
// convention's.
func (c *Convention) Topics(key string) []string {
	if c.nodes[key] == nil {
		return nil
	}
	return []string{discover + "/" + key, key + "/status", key + "/debug", key + "/+/+/state", key + "/+/+/+/state"}
}

// Forget drops a node until it says again what it is.
func (c *Convention) Forget(key string) (unneeded []string) { return c.leave(key).Unsubscribe }

// Encode tells a node without discovery a value.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	n := c.nodes[key]
	if n == nil {
		return nil, fmt.Errorf("steering %s: the node is not known", key)
	}
	for _, path := range n.paths() {
		o := n.objects[path]
		if o.id != ref.Component {
			continue
		}
		i := slices.IndexFunc(o.facets, func(f *facet) bool { return f.property.ID == ref.Property })
		if i < 0 || o.facets[i].tell == nil {
			break
		}
		f := o.facets[i]
		if v.Datatype() != f.property.Datatype {
			return nil, fmt.Errorf("%w: %s of %s is a %s, not a %s", devices.ErrValue, ref, key, f.property.Datatype, v.Datatype())
		}
		suffix, payload := f.tell(v)
		if payload == "" {
			return nil, fmt.Errorf("steering %s of %s: %w", ref, key, errors.Join(devices.ErrValue, fmt.Errorf("%s cannot be told", v)))
		}
		return []broker.Message{{Topic: n.name + "/" + path + "/" + suffix, Payload: []byte(payload)}}, nil
	}
	return nil, fmt.Errorf("steering %s: its %s cannot be set", key, ref)
}
