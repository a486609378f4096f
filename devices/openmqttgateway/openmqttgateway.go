// Package openmqttgateway reads and speaks what OpenMQTTGateway and Theengs Gateway publish: the Bluetooth sensors that they decode,
// radio sensors, codes of remotes, and the gateways themselves.
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload makes
// it panic. It never publishes retained.
//
// Several gateways hear one sensor: it is one device, by its address, shown behind the gateway that hears it best. Messages bring a part of a
// sensor's values; what it has becomes known with them. The air is full of phones, watches and passers-by whose addresses change:
// a Bluetooth device is announced when its model was decoded and its address is one that stays, a radio sensor when it was heard
// twice, and the number of all is bounded.
//
// What is left out: the relays of a gateway, Bluetooth devices that are commanded other than SwitchBot's Bot and Curtain, and Pilight.
//
// The sources are https://docs.openmqttgateway.com and the properties of https://decoder.theengs.io.
package openmqttgateway

import (
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "openmqttgateway"

// Bounds of what is kept.
const (
	maxGateways = 100
	maxSensors  = 600 // of Bluetooth, and as many of radio
	maxWaiting  = 200 // radio sensors that were heard once
	maxPrefix   = 200 // bytes
	maxLevels   = 3   // of a gateway's topics before its modules
	maxPayload  = 16 << 10
)

// Options are what can be chosen; there is nothing yet.
type Options struct{}

// Convention is a hub.Convention. Make it with New.
type Convention struct {
	gateways         map[string]*gateway // by prefix
	sensors          map[string]*sensor  // by key
	bluetooth, radio int                 // how many sensors of each there are
	waiting          []*sensor           // radio sensors that were heard once, the oldest first
	full             bool                // it was said that there are too many
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no gateway yet. It always succeeds.
func New(Options) (*Convention, error) {
	return &Convention{gateways: map[string]*gateway{}, sensors: map[string]*sensor{}}, nil
}

// Name is "openmqttgateway".
func (c *Convention) Name() string { return Name }

// telling are the modules by whose topics a gateway is found.
var telling = []string{"SYStoMQTT", "BTtoMQTT/#", "RTL_433toMQTT/#", "433toMQTT", "IRtoMQTT", "LORAtoMQTT/#"}

// Filters are the topics that tell a gateway, with one to three levels before them. All others of a gateway are subscribed when it is
// known.
func (c *Convention) Filters() []broker.Subscription {
	var out []broker.Subscription
	for prefix, n := "+", 1; n <= maxLevels; prefix, n = prefix+"/+", n+1 {
		for _, t := range telling {
			out = append(out, broker.Subscription{Filter: prefix + "/" + t, QoS: 1})
		}
	}
	return out
}

// Greet asks the gateways that have a system for their status.
func (c *Convention) Greet() []broker.Message {
	var out []broker.Message
	for _, prefix := range sortedKeys(c.gateways) {
		if g := c.gateways[prefix]; g.system {
			out = append(out, broker.Message{Topic: prefix + "/commands/MQTTtoSYS/config", Payload: []byte(`{"cmd":"status"}`)})
		}
	}
	return out
}

// parsed is a message that was taken apart.
type parsed struct {
	prefix, module, rest string // module is empty for the will
	value                jsontext.Value
	err                  error
}

// Parse reads a message's topic and JSON.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	if prefix, ok := strings.CutSuffix(m.Topic, "/LWT"); ok {
		return hub.Parsed{Content: &parsed{prefix: prefix}}
	}
	prefix, module, rest, ok := split(m.Topic)
	if !ok || len(m.Payload) == 0 {
		return hub.Parsed{}
	}
	p := &parsed{prefix: prefix, module: module, rest: rest}
	p.value, p.err = jsontext.ReadUpTo(m.Payload, maxPayload)
	return hub.Parsed{Content: p}
}

// split takes a topic apart: home/OpenMQTTGateway/BTtoMQTT/A4C138D5D498.
func split(topic string) (prefix, module, rest string, ok bool) {
	i := strings.Index(topic, "toMQTT")
	if i < 0 {
		return "", "", "", false
	}
	end := i + len("toMQTT")
	if end < len(topic) {
		if topic[end] != '/' {
			return "", "", "", false
		}
		rest = topic[end+1:]
	}
	slash := strings.LastIndexByte(topic[:i], '/')
	if slash <= 0 || slash == i-1 || slash > maxPrefix || topic[0] == '$' {
		return "", "", "", false
	}
	prefix, module = topic[:slash], topic[slash+1:i]
	return prefix, module, rest, strings.Count(prefix, "/") < maxLevels && !strings.Contains(prefix+"/", "/commands/")
}

// Apply takes what a gateway said.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	content, ok := p.Content.(*parsed)
	if !ok {
		return hub.Update{}
	}
	var u hub.Update
	g := c.gateways[content.prefix]
	switch {
	case content.module == "":
		if g != nil {
			g.will(m, &u)
		}
		return u
	case content.err != nil || content.value.Kind() != jsontext.Object:
		if g != nil {
			u.Faults = append(u.Faults, hub.Fault{Key: g.key, Topic: m.Topic, Reason: "expected a JSON object, got " + jsontext.Plain(m.Payload).Said()})
		}
		return u
	case g == nil:
		if !tells(content) {
			return u
		}
		if g = c.newGateway(content.prefix, &u); g == nil {
			return u
		}
	}
	c.hear(g, m, content, &u)
	return u
}

// tells says whether a message is a gateway's beyond doubt.
func tells(p *parsed) bool {
	has := func(keys ...string) bool {
		for _, key := range keys {
			if p.value.Get(key).Is() {
				return true
			}
		}
		return false
	}
	switch p.module {
	case "SYS":
		return has("uptime", "version", keptGateway)
	case "BT":
		return has("id", "rssi", "model_id", "mac", "bleconnect", "interval", keptSensor) || p.rest != "" && has("tempc", "hum", "batt")
	case "RTL_433":
		return has("model", keptSensor)
	case "433":
		return has("value") && has("protocol")
	case "IR":
		return has("value", "hex", "raw") && has("protocol", "protocol_name")
	case "LORA":
		return has("message") || has("rssi") && has("snr")
	}
	return false
}

// hear takes a message of a known gateway.
func (c *Convention) hear(g *gateway, m broker.Message, p *parsed, u *hub.Update) {
	switch {
	case p.module == "SYS" && p.rest == "":
		g.takeSystem(p.value, m, u)
	case p.module == "BT" && p.rest == "":
		g.takeSettings(p.value, m, u)
	case p.module == "BT":
		c.takeBluetooth(g, m, p, u)
	case p.module == "RTL_433":
		c.takeRadio(g, m, p, u)
	case codes[p.module] != nil && p.rest == "":
		g.takeCode(p, m, u)
	default:
		g.takeOwn(p, m, u)
	}
	g.alive(m, u)
}

// Encode renders a command for a gateway.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	for _, g := range c.gateways {
		if g.key == key {
			return g.encode(ref, v)
		}
	}
	if s := c.sensors[key]; s != nil {
		return s.encode(ref, v)
	}
	return nil, unsteerable(key, ref)
}

// Topics are all of a gateway's, but not those of the sensors that it hears; and a sensor's with each gateway that heard it.
func (c *Convention) Topics(key string) []string {
	if s := c.sensors[key]; s != nil {
		return s.topics()
	}
	for _, g := range c.gateways {
		if g.key == key {
			return []string{g.prefix + "/LWT", g.prefix + "/SYStoMQTT", g.prefix + "/BTtoMQTT"}
		}
	}
	return nil
}

// Forget drops a sensor or a gateway.
func (c *Convention) Forget(key string) (unneeded []string) {
	if s := c.sensors[key]; s != nil {
		c.drop(s)
		return nil
	}
	for prefix, g := range c.gateways {
		if g.key == key {
			delete(c.gateways, prefix)
			return []string{prefix + "/#"}
		}
	}
	return nil
}
