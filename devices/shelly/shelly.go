// Package shelly reads and speaks what Shelly devices say over MQTT without any setting but the broker's address: those of the
// generations 2 to 4 by remote procedure calls and notifications, those of the first by plain topics under "shellies".
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload makes
// it panic. It never publishes retained, never calls a method that changes a device's settings unless it is commanded to, and
// keeps a bounded number of devices.
//
// The sources are the manufacturer's documents: https://shelly-api-docs.shelly.cloud/gen2 (MQTT, notifications, components) and
// https://shelly-api-docs.shelly.cloud/gen1 (MQTT, per device), and https://bthome.io/format for what Bluetooth sensors say.
package shelly

import (
	"fmt"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "shelly"

const (
	maxDevices  = 2000 // of each generation
	maxSuspects = 2000 // prefixes that may be a device's
	maxPrefix   = 200  // bytes
	maxDeep     = 4    // levels of a prefix that devices are found under
)

// Options are what can be chosen; the zero value is good.
type Options struct {
	// Source is how the hub calls itself in requests: devices answer on <Source>/<their prefix>/rpc. Empty means
	// "homehub/shelly".
	Source string
}

// Convention is a hub.Convention. Make it with New.
type Convention struct {
	source string

	modern   map[string]*modern // by key
	prefixes map[string]*modern
	children map[string]*modern // the gateway of a Bluetooth device, by the child's key
	suspects map[string]int     // prefixes that may be a device's: how often it was asked

	classic map[string]*classic      // by id
	topics  map[string]*classicTopic // what was learnt of the topics of the first generation

	lastID int64
	sent   [256]call // the last commands, by their number
	// update is what Apply returns, here so that it needs no memory of its own.
	update hub.Update
}

// call is a command that was sent, so that people can be told what was refused.
type call struct {
	id int64
	target
	value devices.Value
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no device yet. The error says what is wrong with the source.
func New(o Options) (*Convention, error) {
	if o.Source == "" {
		o.Source = "homehub/shelly"
	}
	if err := broker.ValidTopic(o.Source + "/rpc"); err != nil || len(o.Source) > maxPrefix {
		return nil, fmt.Errorf("choosing the name in requests %.80q: it must be a short topic name", o.Source)
	}
	return &Convention{
		source: o.Source,
		modern: map[string]*modern{}, prefixes: map[string]*modern{}, children: map[string]*modern{}, suspects: map[string]int{},
		classic: map[string]*classic{}, topics: map[string]*classicTopic{},
		lastID: firstCommand,
	}, nil
}

// Name is "shelly".
func (c *Convention) Name() string { return Name }

// Filters are everything of the first generation; and of the others the topics that tell them, for prefixes of up to four
// levels, the answers to the hub, and those to others, from which there is as much to learn.
func (c *Convention) Filters() []broker.Subscription {
	filters := []string{"shellies/#", c.source + "/#", "+/rpc"}
	for prefix, n := "+", 1; n <= maxDeep; prefix, n = prefix+"/+", n+1 {
		filters = append(filters, prefix+"/online", prefix+"/announce", prefix+"/events/rpc", prefix+"/status/+")
	}
	out := make([]broker.Subscription, len(filters))
	for i, f := range filters {
		out[i] = broker.Subscription{Filter: f, QoS: 1}
	}
	return out
}

// Greet asks all of them to announce themselves, for which there is a topic, and every device of the younger generations that is
// known and not asleep how it is.
func (c *Convention) Greet() []broker.Message {
	out := []broker.Message{
		{Topic: "shellies/command", Payload: []byte("announce")},
		{Topic: "shellies/command", Payload: []byte("update")},
	}
	keys := make([]string, 0, len(c.modern))
	for key := range c.modern {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if d := c.modern[key]; d.said != devices.Asleep {
			d.asked = 1
			out = append(out, c.questions(d.prefix, askAll)...)
		}
	}
	return out
}

// Parse reads a message's topic and JSON. It uses nothing that was learnt.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	if f := c.read(m); f != nil {
		return hub.Parsed{Content: f}
	}
	return hub.Parsed{}
}

// Apply takes what a device said.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	f, ok := p.Content.(*frame)
	if !ok {
		return hub.Update{}
	}
	defer f.done()
	c.update = hub.Update{}
	u := &c.update
	switch f.kind {
	case kindOnline:
		c.online(m, f, u)
	case kindNotification:
		c.notification(m, f, u)
	case kindStatus:
		c.statusTopic(m, f, u)
	case kindAnswer:
		c.answer(m, f, u)
	case kindAnnounce:
		if v := f.doc; younger(v) && first(v.Get("id")) != "" && c.prefixes[f.prefix] == nil {
			c.suspect(f.prefix, u)
		}
	}
	if f.classic {
		c.plain(m, f, u)
	}
	return *u
}

// Encode renders a command for the device.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	if id, ok := strings.CutPrefix(key, classicKey); ok {
		if d := c.classic[id]; d != nil {
			return d.encode(ref, v)
		}
	}
	d := c.modern[key]
	if d == nil {
		d = c.children[key]
	}
	if d == nil {
		return nil, fmt.Errorf("steering %s: its announcement is not known", key)
	}
	write := d.writers[target{key, ref}]
	if write == nil {
		return nil, fmt.Errorf("steering %s: its %s cannot be set", key, ref)
	}
	method, params := write(v)
	c.lastID++
	c.sent[c.lastID%int64(len(c.sent))] = call{c.lastID, target{key, ref}, v}
	return []broker.Message{c.request(d.prefix, c.lastID, method, params)}, nil
}

// Forget drops a device. When it announces itself again it is a new one.
func (c *Convention) Forget(key string) (unneeded []string) {
	if id, ok := strings.CutPrefix(key, classicKey); ok {
		if d := c.classic[id]; d != nil {
			for topic, t := range c.topics {
				if t.device == d {
					delete(c.topics, topic)
				}
			}
			delete(c.classic, id)
		}
		return nil
	}
	if gateway := c.children[key]; gateway != nil {
		gateway.forgotten[key] = true
		delete(c.children, key)
		gateway.rebuild(c)
		delete(gateway.told, key)
		return nil
	}
	d := c.modern[key]
	if d == nil {
		return nil
	}
	for child, gateway := range c.children {
		if gateway == d {
			delete(c.children, child)
		}
	}
	if c.prefixes[d.prefix] == d {
		delete(c.prefixes, d.prefix)
	}
	delete(c.modern, key)
	return nil
}
