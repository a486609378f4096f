// Package zigbee2mqtt reads and speaks the native MQTT interface of Zigbee2MQTT: the lists that its bridge publishes, the
// states and commands of devices and groups, their availability, and the bridge itself.
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload
// makes it panic. It never publishes retained. What it knows is from Zigbee2MQTT's documentation ("MQTT topics and messages",
// "Exposes") and from what versions 1.17 to 2.14 publish.
//
// What is not kept: scenes, presets that are words in the place of a number (the model has names for numbers only), bindings
// and reporting as they are, and the options of devices, but for the transition of lights.
package zigbee2mqtt

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "zigbee2mqtt"

// Bounds of what is kept.
const (
	maxBases  = 32
	maxThings = 5000
	maxGreet  = 1000
)

// Options are what can be chosen; the zero value is Zigbee2MQTT's defaults.
type Options struct {
	// Base is the base topic; empty means "zigbee2mqtt". Other bases of one or two levels are found by their bridge's
	// topics.
	Base string
}

// Convention is a hub.Convention. Make it with New.
type Convention struct {
	base   string
	seed   maphash.Seed
	bases  map[string]*base
	things map[string]*thing // by key
	topics map[string]*thing // by the topic of the state
	// greeted: Greet was called, so that whoever comes later must be asked for itself.
	greeted bool
	found   []hub.Reported // reused by Apply
	waiting []waiting      // reused by Apply
	lastID  int64          // of a command
	calls   [64]call       // the last requests, by their number

	// known are the topics of the bases, so that Parse reads states of Zigbee2MQTT only; Apply would read them all the same.
	known atomic.Pointer[[]string]
	mu    sync.Mutex
	lists map[string]cached // the lists that were read last, by topic
}

// cached is a list that was read, with the hash of its payload.
type cached struct {
	hash uint64
	list *listing
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no device yet. The error says what is wrong with the base topic.
func New(o Options) (*Convention, error) {
	if o.Base == "" {
		o.Base = "zigbee2mqtt"
	}
	if err := broker.ValidTopic(o.Base + "/bridge/state"); err != nil {
		return nil, fmt.Errorf("choosing base topic %q: %w", o.Base, err)
	}
	c := &Convention{
		base: o.Base, seed: maphash.MakeSeed(),
		bases: map[string]*base{}, things: map[string]*thing{}, topics: map[string]*thing{}, lists: map[string]cached{},
	}
	c.known.Store(&[]string{o.Base})
	return c, nil
}

// Name is "zigbee2mqtt".
func (c *Convention) Name() string { return Name }

// bridgeTopics are what bridges publish and the convention listens to, below <base>/bridge.
var bridgeTopics = []string{"devices", "groups", "info", "logging", "response/#", "state"}

// Filters are the topics of bridges with a base topic of one or two levels, and those of the chosen base if it has more.
func (c *Convention) Filters() []broker.Subscription {
	bases := []string{"+", "+/+"}
	if strings.Count(c.base, "/") > 1 {
		bases = append(bases, c.base)
	}
	var out []broker.Subscription
	for _, b := range bases {
		for _, t := range bridgeTopics {
			out = append(out, broker.Subscription{Filter: b + "/bridge/" + t, QoS: 1})
		}
	}
	return out
}

// Greet asks every device that is there and listens for all that it can be asked for, since states are not retained, and Zigbee2MQTT itself does not
// know what no device has said since it was started.
func (c *Convention) Greet() []broker.Message {
	c.greeted = true
	keys := make([]string, 0, len(c.things))
	for key, t := range c.things {
		t.asked = false
		if t.asks() {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var out []broker.Message
	for _, key := range keys[:min(len(keys), maxGreet)] {
		out = append(out, c.things[key].get())
	}
	return out
}

// Pace is how far apart devices are asked: a Zigbee network carries some tens of messages a second, and each key that is asked for is
// two of them.
func (c *Convention) Pace() time.Duration { return 400 * time.Millisecond }

// Parse reads what a bridge says, and the JSON of a state. It uses nothing that was learnt but which topics are Zigbee2MQTT's.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	if m.Topic == "" || m.Topic[0] == '$' {
		return hub.Parsed{}
	}
	if base, what, ok := split(m.Topic); ok {
		return c.parseBridge(m, base, what)
	}
	if len(m.Payload) > 0 && m.Payload[0] == '{' {
		for _, b := range *c.known.Load() {
			if len(m.Topic) > len(b) && m.Topic[len(b)] == '/' && m.Topic[:len(b)] == b {
				return hub.Parsed{Content: tokenize(m.Payload)}
			}
		}
	}
	return hub.Parsed{}
}

// split takes the topic of a bridge apart.
func split(topic string) (base, what string, ok bool) {
	i := strings.Index(topic, "/bridge/")
	if i <= 0 || i > maxText || broker.ValidTopic(topic[:i]) != nil {
		return "", "", false
	}
	return topic[:i], topic[i+len("/bridge/"):], true
}

func (c *Convention) parseBridge(m broker.Message, base, what string) hub.Parsed {
	head, rest, deeper := strings.Cut(what, "/")
	switch {
	case len(m.Payload) == 0 || deeper && rest == "":
	case head == "devices", head == "groups":
		l := c.list(m, base, head == "groups", deeper)
		if l == nil {
			return hub.Parsed{}
		}
		return hub.Parsed{Subscribe: l.subscriptions(), Content: l}
	case what == "info", what == "info/kept":
		if i := readInfo(m.Payload, base); i != nil {
			p := hub.Parsed{Content: i}
			if i.attributes {
				p.Subscribe = []broker.Subscription{{Filter: base + "/#", QoS: 1}}
			}
			return p
		}
	case what == "logging":
		if f := readLogging(m.Payload); f != nil {
			return hub.Parsed{Content: f}
		}
	}
	return hub.Parsed{}
}

// list reads a list of devices or groups, or finds that it is the same as the last.
func (c *Convention) list(m broker.Message, base string, groups, one bool) *listing {
	hash := maphash.Bytes(c.seed, m.Payload)
	if !one {
		c.mu.Lock()
		last, ok := c.lists[m.Topic]
		c.mu.Unlock()
		if ok && last.hash == hash {
			return last.list
		}
	}
	l := readListing(m.Payload, base, groups, one)
	if l == nil || one {
		return l
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.lists[m.Topic]; ok || len(c.lists) < 2*maxBases {
		c.lists[m.Topic] = cached{hash, l}
	}
	return l
}

// Apply takes the bridge's lists and news, and the states of the devices that they named.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	if m.Topic == "" || m.Topic[0] == '$' {
		return hub.Update{}
	}
	if doc, ok := p.Content.(*document); ok {
		u := c.state(m, doc)
		doc.done()
		return u
	}
	base, what, ok := split(m.Topic)
	if !ok {
		return c.state(m, nil)
	}
	var u hub.Update
	switch content := p.Content.(type) {
	case *listing:
		c.take(m, content, &u)
	case *info:
		c.inform(m, content, &u)
	case *failure:
		c.complain(m, base, content, &u)
	default:
		switch {
		case what == "state":
			c.bridgeState(m, base, &u)
		case strings.HasPrefix(what, "response/"):
			c.respond(m, base, strings.TrimPrefix(what, "response/"), &u)
		case what == "devices", what == "groups", what == "info":
			if b := c.bases[base]; len(m.Payload) > 0 && (b != nil || base == c.base) {
				u.Faults = append(u.Faults, hub.Fault{Key: c.bridgeKey(base), Topic: m.Topic, Reason: fmt.Sprintf(
					"expected Zigbee2MQTT's %s as JSON, got %s", what, short(plain(m.Payload)))})
			}
		}
	}
	return u
}

// Encode renders a command for the device.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	t := c.things[key]
	if t == nil {
		return nil, fmt.Errorf("steering %s: its announcement is not known", key)
	}
	o, ok := t.outlets[ref]
	if !ok {
		return nil, fmt.Errorf("steering %s: its %s cannot be set", key, ref)
	}
	body, err := o.body(v)
	if err != nil {
		return nil, fmt.Errorf("steering %s of %s: %w", ref, key, err)
	}
	if o.request != "" {
		m, err := c.request(t, ref, o.request, body, v)
		if err != nil {
			return nil, fmt.Errorf("steering %s of %s: %w", ref, key, err)
		}
		return []broker.Message{m}, nil
	}
	if t.sent == nil {
		t.sent = map[devices.Ref]int64{}
	}
	c.lastID++
	t.sent[ref] = c.lastID
	return []broker.Message{{Topic: t.topic + "/set", Payload: []byte(body)}}, nil
}
