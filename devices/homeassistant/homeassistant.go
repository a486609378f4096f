// Package homeassistant reads and speaks Home Assistant's MQTT discovery: what Zigbee2MQTT, ESPHome, OpenMQTTGateway,
// EMS-ESP, zwave-js-ui and many others announce, one component to a message or a whole device in one.
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload
// makes it panic. Value templates are evaluated by its subpackage template. It never publishes retained.
//
// What has no meaning here: retain (commands are never retained: one that the broker kept would come true again whenever the device
// connects). What wants a code with each command, as some locks and alarms do, is refused. A device that is optimistic and yet has a state
// topic is read like any other.
package homeassistant

import (
	"errors"
	"fmt"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "homeassistant"

// ownOrigin is the origin name of what Homehub announces itself; it is not taken for a device.
const ownOrigin = "Homehub"

// Options are what can be chosen; the zero value is Home Assistant's defaults.
type Options struct {
	// Prefix is the beginning of discovery topics; empty means "homeassistant".
	Prefix string
}

// Convention is a hub.Convention. Make it with New.
type Convention struct {
	prefix string

	devices   map[string]*device  // by key
	owners    map[string]*device  // by identifier and connection
	members   map[string]*member  // entities by their discovery identity
	announce  map[string]*message // by discovery topic
	readers   broker.Trie[readerKey, *binding]
	sources   broker.Trie[*source, *device]
	filters   map[string]int // how often each filter is needed
	templates template.Cache // of all entities
	interest  interest       // the same for Parse
	counter   uint64         // numbers entities and availability messages in their order
	found     sink           // reused by Apply
	whole     devices.Value  // the message's payload as attributes, if somebody asked for it
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no device yet. The error says what is wrong with the prefix.
func New(o Options) (*Convention, error) {
	if o.Prefix == "" {
		o.Prefix = "homeassistant"
	}
	if err := broker.ValidTopic(o.Prefix + "/x"); err != nil {
		return nil, fmt.Errorf("choosing discovery prefix %q: %w", o.Prefix, err)
	}
	return &Convention{
		prefix:   o.Prefix,
		devices:  map[string]*device{},
		owners:   map[string]*device{},
		members:  map[string]*member{},
		announce: map[string]*message{},
		filters:  map[string]int{},
	}, nil
}

// Name is "homeassistant".
func (c *Convention) Name() string { return Name }

// Filters are the two shapes of discovery topics.
func (c *Convention) Filters() []broker.Subscription {
	return []broker.Subscription{{Filter: c.prefix + "/+/+/config", QoS: 1}, {Filter: c.prefix + "/+/+/+/config", QoS: 1}}
}

// Greet is what Home Assistant publishes when it starts, and many emitters wait for: they announce their devices and report
// their states again.
func (c *Convention) Greet() []broker.Message {
	return []broker.Message{{Topic: c.prefix + "/status", Payload: []byte("online")}}
}

// parsed is what Parse found: the payload, and for a discovery message what it says.
type parsed struct {
	doc       *template.Document
	discovery *discovery
}

// Parse reads all of a discovery message, and the JSON of what some entity reads. What it does not know of yet, because the
// announcement is on its way to Apply, Apply reads.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	if m.Topic == "" || m.Topic[0] == '$' {
		return hub.Parsed{}
	}
	if t, ok := c.discoveryTopic(m.Topic); ok {
		p := &parsed{doc: template.Read(m.Payload)}
		p.discovery = discover(t, m, p.doc, &c.templates)
		return hub.Parsed{Subscribe: p.discovery.subscriptions(), Content: p}
	}
	if !c.interest.has(m.Topic) {
		return hub.Parsed{}
	}
	return hub.Parsed{Content: &parsed{doc: template.Read(m.Payload)}}
}

// Apply takes discovery messages, and the messages of the topics that they named.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	content, ok := p.Content.(*parsed)
	if !ok {
		if m.Topic == "" || m.Topic[0] == '$' {
			return hub.Update{}
		}
		content, _ = c.Parse(m).Content.(*parsed)
	}
	var u hub.Update
	var doc *template.Document
	if content != nil {
		doc = content.doc
		if content.discovery != nil {
			c.take(content.discovery, &u)
		}
	}
	c.report(m, doc, &u)
	return u
}

// Encode renders a command for the device.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	d := c.devices[key]
	if d == nil {
		return nil, fmt.Errorf("steering %s: its announcement is not known", key)
	}
	m := d.byComponent[ref.Component]
	if m == nil {
		return nil, fmt.Errorf("steering %s: it has no component %s", key, ref.Component)
	}
	write := m.writers[ref.Property]
	if write == nil {
		return nil, fmt.Errorf("steering %s: its %s cannot be set", key, ref)
	}
	out, err := write(v)
	if errors.Is(err, errCode) || errors.Is(err, devices.ErrValue) {
		return nil, err // it is for people, who know what they wanted
	}
	if err != nil {
		return nil, fmt.Errorf("steering %s of %s: %w", ref, key, err)
	}
	return out, nil
}
