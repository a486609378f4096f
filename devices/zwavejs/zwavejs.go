// Package zwavejs reads and speaks the topics of zwave-js-ui: the values of Z-Wave nodes under their names or numbers, in any of its
// three forms of payload, whether nodes are there, and the gateway itself.
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload makes
// it panic. It never publishes retained. What the gateway may announce to Home Assistant beside is devices/homeassistant's.
//
// What is left out: configuration parameters, transitions, sirens, user codes and associations, and topics that people have configured by hand.
//
// The source is zwave-js-ui's documentation, https://zwave-js.github.io/zwave-js-ui, and that of Z-Wave JS on command classes.
package zwavejs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "zwavejs"

// Bounds of what is kept and read.
const (
	maxNodes   = 500
	maxClients = 16
	maxValues  = 96 // of a node
	maxTopic   = 300
	maxNodeSet = 8 << 20 // bytes of the list of all nodes
	maxFacts   = 2000    // names under which a node of that list may be found
)

// Options are what can be chosen; the zero value is zwave-js-ui's defaults.
type Options struct {
	// Base is the prefix of the topics; empty means "zwave".
	Base string
}

// Convention is a hub.Convention. Make it with New.
type Convention struct {
	base    string
	nodes   map[string]*node // by key
	paths   map[string]*node // by what stands in topics for the node
	facts   map[string]facts // what the list of nodes says, by the paths that it may be found under
	clients map[string]*client
	via     string // the key of the gateway
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no node yet. The error says what is wrong with the base topic.
func New(o Options) (*Convention, error) {
	if o.Base == "" {
		o.Base = "zwave"
	}
	if err := broker.ValidTopic(o.Base + "/node/status"); err != nil {
		return nil, fmt.Errorf("choosing base topic %q: %w", o.Base, err)
	}
	return &Convention{base: o.Base, nodes: map[string]*node{}, paths: map[string]*node{}, facts: map[string]facts{}, clients: map[string]*client{}}, nil
}

// Name is "zwavejs".
func (c *Convention) Name() string { return Name }

// Filters are everything under the base topic.
func (c *Convention) Filters() []broker.Subscription {
	return []broker.Subscription{{Filter: c.base + "/#", QoS: 1}}
}

// Greet asks the gateways that are known for their homes and nodes.
func (c *Convention) Greet() []broker.Message {
	var out []broker.Message
	for _, name := range slices.Sorted(maps.Keys(c.clients)) {
		out = append(out, c.ask(name, "getInfo"), c.ask(name, "getNodes"))
	}
	return out
}

// ask calls a function of a gateway's.
func (c *Convention) ask(client, function string) broker.Message {
	return broker.Message{Topic: c.base + "/_CLIENTS/" + client + "/api/" + function + "/set", Payload: []byte(`{"args":[]}`)}
}

// parsed is a message that was taken apart.
type parsed struct {
	client string // of a gateway's own topic
	node   string // what stands for the node
	what   string // status, nodeinfo, version, api/getNodes, api/getInfo, kept; empty for a value
	at     address
	value  jsontext.Value
	err    error
}

// nodeTopics are the topics of a node that hold no value.
var nodeTopics = []string{"status", "nodeinfo", "kept"}

// Parse reads a message's topic and value.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	rest, ok := strings.CutPrefix(m.Topic, c.base+"/")
	if !ok || len(rest) > maxTopic || len(m.Payload) == 0 || strings.HasSuffix(rest, "/set") || strings.HasPrefix(rest, "_EVENTS_") {
		return hub.Parsed{}
	}
	if own, ok := strings.CutPrefix(rest, "_CLIENTS/"); ok {
		name, what, _ := strings.Cut(own, "/")
		if name == "" || what != "status" && what != "version" && what != "api/getNodes" && what != "api/getInfo" {
			return hub.Parsed{}
		}
		p := &parsed{client: name, what: what}
		p.value, p.err = jsontext.ReadUpTo(m.Payload, maxNodeSet)
		return hub.Parsed{Content: p}
	}
	if i := strings.LastIndexByte(rest, '/'); i > 0 && slices.Contains(nodeTopics, rest[i+1:]) {
		return hub.Parsed{Content: &parsed{node: rest[:i], what: rest[i+1:], value: jsontext.Plain(m.Payload)}}
	}
	node, at, ok := split(rest)
	if !ok {
		return hub.Parsed{}
	}
	return hub.Parsed{Content: &parsed{node: node, at: at, value: jsontext.Plain(m.Payload)}}
}

// Apply takes what a gateway said of itself, of a node, or of a value.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	content, ok := p.Content.(*parsed)
	if !ok {
		return hub.Update{}
	}
	var u hub.Update
	switch {
	case content.err != nil:
		u.Faults = append(u.Faults, hub.Fault{Topic: m.Topic, Reason: "expected JSON, got " + jsontext.Plain(m.Payload[:min(len(m.Payload), 200)]).Said()})
	case content.client != "":
		c.client(content, m, &u)
	case content.what == "":
		c.value(content, m, &u)
	default:
		c.node(content, m, &u)
	}
	return u
}

// client is a running zwave-js-ui.
type client struct{ name, version, home string }

func (c *Convention) client(p *parsed, m broker.Message, u *hub.Update) {
	k := c.clients[p.client]
	switch {
	case p.what == "api/getNodes":
		home := ""
		if k != nil {
			home = k.home
		}
		for x := range p.value.Get("result").Children() {
			c.learn(x, home, u)
		}
		return
	case p.what == "api/getInfo":
		home := homeOf(p.value.At("result", "name").Text())
		if k != nil && home != "" && home != k.home {
			k.home = home
			u.Ask = append(u.Ask, c.ask(k.name, "getNodes")) // which are of that home
		}
		return
	}
	if k == nil {
		if len(c.clients) >= maxClients {
			return
		}
		k = &client{name: strings.Clone(p.client)}
		c.clients[k.name] = k
		c.introduce(k, u)
		if c.via == "" {
			c.via = "gateway/" + k.name
			for _, key := range slices.Sorted(maps.Keys(c.nodes)) {
				c.announce(c.nodes[key], u)
			}
		}
	}
	value := p.value.Get("value")
	if p.what == "version" {
		if v := jsontext.Clip(value.Text(), 40); v != k.version {
			k.version = v
			c.introduce(k, u)
		}
		return
	}
	on, ok := value.Bool()
	if !ok {
		u.Faults = append(u.Faults, hub.Fault{Key: "gateway/" + k.name, Topic: m.Topic, Reason: "expected true or false at value, got " + value.Said()})
		return
	}
	r := devices.Reach{Presence: devices.Offline, Why: "zwave-js-ui is not connected"}
	if on {
		r = devices.Reach{Presence: devices.Online, Why: "zwave-js-ui is connected"}
		u.Ask = append(u.Ask, c.ask(k.name, "getInfo"), c.ask(k.name, "getNodes"))
	}
	u.Reaches = append(u.Reaches, hub.Reached{Key: "gateway/" + k.name, Reach: r})
}

func (c *Convention) introduce(k *client, u *hub.Update) {
	key := "gateway/" + k.name
	name := strings.TrimPrefix(k.name, "ZWAVE_GATEWAY-")
	u.Devices = append(u.Devices, hub.Announced{
		Key: key, Availability: true,
		Device: devices.Device{Name: "Z-Wave " + jsontext.Clip(name, 60), Manufacturer: "Z-Wave JS", Model: "Z-Wave JS UI", Firmware: k.version, Identifiers: []string{key}, Convention: Name},
		Sources: []broker.Message{{
			Topic: c.base + "/_CLIENTS/" + k.name + "/version", Payload: []byte(`{"value":` + jsontext.Quote(k.version) + `}`), Retain: true,
		}},
	})
}

// Encode renders a command for a node.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	if n := c.nodes[key]; n != nil {
		for _, b := range n.bindings {
			if b.ref() == ref && b.write != nil {
				topic, body := b.write(v)
				return []broker.Message{{Topic: c.base + "/" + n.path + "/" + topic + "/set", Payload: []byte(`{"value":` + body + `}`)}}, nil
			}
		}
	}
	return nil, fmt.Errorf("steering %s: its %s cannot be set", key, ref)
}

// Topics are all of the node's.
func (c *Convention) Topics(key string) []string {
	if n := c.nodes[key]; n != nil {
		return []string{c.base + "/" + n.path + "/#"}
	}
	return nil
}

// Forget drops a node or a gateway.
func (c *Convention) Forget(key string) (unneeded []string) {
	if n := c.nodes[key]; n != nil {
		delete(c.nodes, key)
		delete(c.paths, n.path)
	}
	if name, ok := strings.CutPrefix(key, "gateway/"); ok && c.clients[name] != nil {
		delete(c.clients, name)
		if c.via == key {
			c.via = ""
		}
	}
	return nil
}
