// Package tasmota reads and speaks what devices with the firmware Tasmota say natively: the discovery messages of their
// "SetOption19 0", STATE, SENSOR and RESULT, the will in LWT, and the answers to STATUS, with any FullTopic, prefixes and
// words for states. Devices that do not announce themselves are found by their topics, and asked what they are.
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload
// makes it panic. It never publishes retained, and never sends "toggle".
//
// Sources: the firmware's documentation (tasmota.github.io/docs: MQTT, Commands, JSON-Status-Responses, DeepSleep,
// Buttons-and-Switches, Blinds-and-Shutters) and its drivers for discovery and lights (xdrv_12_discovery, xdrv_04_light).
//
// What is left out: Zigbee subtopics under other names than SENSOR (SetOption118), devices without discovery whose prefixes
// were changed as well, the camera, and sending infrared and radio codes.
package tasmota

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "tasmota"

// Bounds of what is remembered, whatever is sent.
const (
	maxDevices  = 2000
	maxSuspects = 500
	manyDevices = 256
	maxConfig   = 16 << 10
	maxSaid     = 8 << 10   // of one answer of a device that is not sure yet
	maxLearnt   = 256 << 10 // of all messages from which something was learnt of one device
)

// discoveryPrefix is fixed in the firmware.
const discoveryPrefix = "tasmota/discovery/"

// Options are what can be chosen; the zero value is the firmware's defaults.
type Options struct {
	// Groups are the group topics at which all devices are asked who they are; nil means those that the firmware has from
	// the start, "tasmotas", and "sonoffs" before version 8.
	Groups []string
}

// Convention is a hub.Convention. Make it with New.
type Convention struct {
	groups   []string
	devices  map[string]*device // by key, those that the hub knows
	byMAC    map[string]*device
	bases    map[string]*device // by the beginnings of their topics, also those that are not sure yet
	suspects []*device          // those that are not sure, oldest first
	filters  map[string]int     // how often each filter is needed
	// early are the sensors of devices whose config is not known yet, by address.
	early map[string]broker.Message
	// update is what Apply returns, here so that it needs no memory of its own.
	update hub.Update
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no device yet. The error says which group cannot be a topic.
func New(o Options) (*Convention, error) {
	if o.Groups == nil {
		o.Groups = []string{"tasmotas", "sonoffs"}
	}
	for _, g := range o.Groups {
		if err := broker.ValidTopic("cmnd/" + g + "/STATUS"); err != nil || g == "" {
			return nil, fmt.Errorf("choosing group topic %q: it cannot be part of a topic", g)
		}
	}
	return &Convention{
		groups: slices.Clone(o.Groups), devices: map[string]*device{}, byMAC: map[string]*device{}, bases: map[string]*device{},
		filters: map[string]int{}, early: map[string]broker.Message{},
	}, nil
}

// Name is "tasmota".
func (c *Convention) Name() string { return Name }

// Filters are discovery, and the topics at which devices without it are found.
func (c *Convention) Filters() []broker.Subscription {
	return append([]broker.Subscription{{Filter: discoveryPrefix + "+/+", QoS: 1}}, standardFilters()...)
}

// Greet asks every device how it is, since hardly any of them keeps that with the broker, and all others of the usual groups
// who they are.
func (c *Convention) Greet() []broker.Message {
	var out []broker.Message
	for _, key := range sortedKeys(c.devices) {
		d := c.devices[key]
		questions := d.question()
		if len(questions) > 1 && len(c.devices) > manyDevices { // in one message, since only so many wait to be published
			words := make([]string, len(questions))
			for i, q := range questions {
				words[i] = "STATUS " + string(q.Payload)
			}
			questions = []broker.Message{d.command("Backlog", strings.Join(words, ";"))}
		}
		out = append(out, questions...)
	}
	for _, d := range c.suspects {
		if d.presence != devices.Offline {
			d.wondered++
			out = append(out, d.question()...)
		}
	}
	for _, g := range c.groups {
		out = append(out, branches{cmnd: "cmnd/" + g + "/"}.ask("5"))
	}
	return out
}

func sortedKeys(m map[string]*device) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// question asks a device for all that it does not say by itself, and begins to wait for the answer.
func (d *device) question() []broker.Message {
	d.asking = asking{open: true, tries: 1}
	return d.ask()
}

func (d *device) ask() []broker.Message {
	if !d.announced {
		return []broker.Message{d.topics.ask("0")}
	}
	out := []broker.Message{d.topics.ask("10"), d.topics.ask("11"), d.topics.ask("1")}
	if !d.pace.said && !d.sleeper { // how often it reports is in no announcement
		out = append([]broker.Message{d.topics.ask("3")}, out...)
	}
	return out
}

// parsed is what Parse found.
type parsed struct {
	base, label string
	doc         document // nil when the payload is no JSON object
	room        document // memory to read into
	discovery   *discovery
}

// discovery is what one discovery message says.
type discovery struct {
	mac, part string
	setup     setup // of part config
	fault     string
}

// Parse reads the payload's JSON. It uses nothing that was learnt.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	if rest, ok := strings.CutPrefix(m.Topic, discoveryPrefix); ok {
		return parseDiscovery(rest, m)
	}
	base, label, ok := split(m.Topic)
	if !ok {
		return hub.Parsed{}
	}
	p := spare.Get().(*parsed)
	p.base, p.label = base, label
	p.doc = nil
	if len(m.Payload) > 1 {
		if doc, ok := readInto(p.room, m.Payload); ok {
			p.doc = doc
		}
	}
	return hub.Parsed{Content: p}
}

// spare are the memory of messages that were applied.
var spare = sync.Pool{New: func() any { return &parsed{} }}

// done gives the memory of a message back, unless there is more of it than others need.
func (p *parsed) done() {
	if cap(p.doc) > cap(p.room) {
		p.room = p.doc
	}
	if p.discovery == nil && cap(p.room) <= 256 {
		clear(p.room[:cap(p.room)]) // its texts are parts of the payload
		spare.Put(p)
	}
}

func parseDiscovery(rest string, m broker.Message) hub.Parsed {
	mac, part, ok := strings.Cut(rest, "/")
	if !ok || mac == "" || len(mac) > 40 || part != "config" && part != "sensors" {
		return hub.Parsed{}
	}
	d := &discovery{mac: strings.ToUpper(mac), part: part}
	p := &parsed{discovery: d}
	out := hub.Parsed{Content: p}
	if len(m.Payload) == 0 {
		return out
	}
	if len(m.Payload) <= maxConfig {
		p.doc, _ = readJSON(m.Payload)
	}
	switch {
	case len(m.Payload) > maxConfig:
		d.fault = fmt.Sprintf("the announcement has %d bytes, which is more than %d", len(m.Payload), maxConfig)
	case p.doc == nil:
		d.fault = "the announcement is not a JSON object"
	case part == "sensors":
		if i := p.doc.get(0, "sn"); i == 0 || p.doc[i].kind != object {
			d.fault = `the announcement lacks its sensors, "sn"`
		}
	default:
		d.setup = readConfig(p.doc)
		switch {
		case d.setup.mac != "" && !strings.EqualFold(d.setup.mac, mac):
			d.fault = fmt.Sprintf("the announcement is of %q, but the topic says %q", clip(d.setup.mac, 40), mac)
		case d.setup.topic == "":
			d.fault = `the announcement lacks the device's topic, "t"`
		default:
			d.setup.mac = ""
			for _, b := range d.setup.branches(d.mac) {
				if !b.valid() {
					d.fault = fmt.Sprintf("FullTopic %q with topic %q makes topics that cannot be", clip(d.setup.fullTopic, 100), clip(d.setup.topic, 100))
					out.Subscribe = nil
					break
				}
				out.Subscribe = append(out.Subscribe, b.subscriptions()...)
			}
		}
	}
	return out
}

// Apply takes discovery messages, and all that devices say in their own topics.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	content, ok := p.Content.(*parsed)
	if !ok {
		return hub.Update{}
	}
	defer content.done()
	c.update = hub.Update{}
	u := &c.update
	if content.discovery != nil {
		c.discover(m, content, u)
		return *u
	}
	d := c.bases[content.base]
	if d == nil {
		d = c.above(content)
	}
	if d == nil {
		d = c.suspect(m, content)
	}
	if d == nil {
		return *u
	}
	if content.base != d.topics.tele && content.base != d.topics.stat {
		d.settleTopics(content.base, u)
	}
	if c.devices[d.key] != d {
		c.consider(d, m, content, u)
		return *u
	}
	c.hear(d, m, content, u)
	return *u
}

// above is the device in whose topics a Zigbee bridge speaks for its devices: tele/bridge/5ADF/SENSOR.
func (c *Convention) above(p *parsed) *device {
	if p.label != "SENSOR" || p.doc == nil {
		return nil
	}
	i := strings.LastIndexByte(p.base[:len(p.base)-1], '/')
	if i < 0 || p.doc.get(0, "ZbReceived") == 0 {
		return nil
	}
	d := c.bases[p.base[:i+1]]
	if d != nil {
		p.base = d.topics.tele
	}
	return d
}

// Encode makes the device's own commands.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	d := c.devices[key]
	if d == nil {
		return nil, fmt.Errorf("steering %s: the device is not known", key)
	}
	w := d.writers[ref]
	if w == nil {
		return nil, fmt.Errorf("steering %s: its %s cannot be set", key, ref)
	}
	out, err := w(v)
	if err != nil {
		return nil, fmt.Errorf("steering %s of %s: %w", ref, key, err)
	}
	d.note(out, ref)
	return out, nil
}

// Topics are those of its discovery and, where its own name is in them, all that the device publishes, and what it was told.
func (c *Convention) Topics(key string) []string {
	d := c.devices[key]
	if d == nil {
		return nil
	}
	var topics []string
	if d.announced {
		topics = append(topics, discoveryPrefix+d.mac+"/config", discoveryPrefix+d.mac+"/sensors")
	}
	for _, base := range d.alone(c) {
		topics = append(topics, base+"+")
	}
	return topics
}

// alone are the beginnings of the topics that are no other device's.
func (d *device) alone(c *Convention) []string {
	if d.announced {
		own := strings.NewReplacer("%topic%", "", "%hostname%", "", "%id%", "").Replace(d.fullTopic)
		if own == d.fullTopic || len(d.bases) == 0 {
			return nil
		}
	}
	var out []string
	for _, base := range []string{d.topics.stat, d.topics.tele, d.topics.cmnd} {
		if other := c.bases[base]; (other == nil || other == d) && !slices.Contains(out, base) && broker.ValidFilter(base+"+") == nil {
			out = append(out, base)
		}
	}
	return out
}

// Forget drops a device. When it announces itself again, or is heard again, it is a new one.
func (c *Convention) Forget(key string) (unneeded []string) {
	d := c.devices[key]
	if d == nil {
		return nil
	}
	delete(c.devices, key)
	unneeded = c.unbind(d)
	c.inherit()
	return unneeded
}
