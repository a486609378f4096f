// Package rtl433 reads what rtl_433 publishes of the radio sensors around a house, as JSON under events and states and field by field
// under devices.
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload makes
// it panic. It never publishes anything: rtl_433 takes no commands over MQTT.
//
// A receiver hears the sensors of the neighbours, too, and what noise looks like by chance. A sensor is announced when it was heard
// twice, in two transmissions, and the number of sensors is bounded. A sensor is its model, its channel and its ID. Most sensors draw
// the ID anew when their battery is changed; then a new device appears, and the old one stays silent: people may remove it. Nothing
// tells that a sensor is away but its silence.
//
// The source is rtl_433's own: docs/DATA_FORMAT.md, docs/INTEGRATION.md and src/output_mqtt.c.
package rtl433

import (
	"fmt"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "rtl433"

// Bounds of what is kept.
const (
	maxSensors    = 500
	maxCandidates = 500
	maxReceivers  = 50
	maxPath       = 200 // bytes of a topic behind the receiver
)

// Options are what can be chosen; the zero value is rtl_433's defaults.
type Options struct {
	// Base is the first part of the topics; empty means "rtl_433".
	Base string
}

// Convention is a hub.Convention. Make it with New.
type Convention struct {
	base       string
	receivers  map[string]*receiver // by topic
	sensors    map[string]*sensor   // by path
	candidates map[string]*sensor
	waiting    []string // the keys of the candidates, the oldest first
}

// receiver is a running rtl_433.
type receiver struct {
	topic     string
	announced bool
	json      bool // it says all in JSON, so that the fields one by one say nothing new
	said      devices.Presence
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no sensor yet. The error says what is wrong with the base topic.
func New(o Options) (*Convention, error) {
	if o.Base == "" {
		o.Base = "rtl_433"
	}
	if err := broker.ValidTopic(o.Base + "/events"); err != nil {
		return nil, fmt.Errorf("choosing base topic %q: %w", o.Base, err)
	}
	return &Convention{
		base: o.Base, receivers: map[string]*receiver{}, sensors: map[string]*sensor{}, candidates: map[string]*sensor{},
	}, nil
}

// Name is "rtl433".
func (c *Convention) Name() string { return Name }

// Filters are everything under the base topic.
func (c *Convention) Filters() []broker.Subscription {
	return []broker.Subscription{{Filter: c.base + "/#", QoS: 1}}
}

// Greet is empty: a receiver cannot be asked.
func (c *Convention) Greet() []broker.Message { return nil }

// parsed is a message that was taken apart.
type parsed struct {
	receiver string // its topic
	what     string // events, states, availability, kept, or empty for a field
	sensor   string // of a field: the key of its sensor
	field    string
	value    jsontext.Value
	err      error
}

// Parse reads a message's topic and JSON.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	rest, ok := strings.CutPrefix(m.Topic, c.base+"/")
	if !ok || len(rest) > maxPath || len(m.Payload) == 0 {
		return hub.Parsed{}
	}
	p := &parsed{receiver: c.base}
	host, what, deeper := strings.Cut(rest, "/")
	if host != "devices" && deeper { // there may be no host in the topics
		p.receiver = m.Topic[:len(c.base)+1+len(host)]
		rest = what
	}
	switch {
	case rest == "events", rest == "states", rest == "kept":
		p.what = rest
		p.value, p.err = jsontext.Read(m.Payload)
		return hub.Parsed{Content: p}
	case rest == "availability":
		p.what = rest
		return hub.Parsed{Content: p}
	}
	path, ok := strings.CutPrefix(rest, "devices/")
	i := strings.LastIndexByte(path, '/')
	if !ok || i <= 0 || i == len(path)-1 {
		return hub.Parsed{}
	}
	p.sensor, p.field = path[:i], path[i+1:]
	p.value = jsontext.Plain(m.Payload)
	return hub.Parsed{Content: p}
}

// Apply takes what a receiver heard.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	content, ok := p.Content.(*parsed)
	if !ok {
		return hub.Update{}
	}
	var u hub.Update
	switch content.what {
	case "availability":
		c.availability(m, content, &u)
	case "":
		c.field(m, content, &u)
	default:
		c.object(m, content, &u)
	}
	return u
}

// availability takes a receiver's word about itself.
func (c *Convention) availability(m broker.Message, p *parsed, u *hub.Update) {
	presence, why := devices.Presence(""), ""
	switch string(m.Payload) {
	case "online":
		presence, why = devices.Online, "rtl_433 says that it is running"
	case "offline":
		presence, why = devices.Offline, "rtl_433 has lost its connection"
	default:
		u.Faults = append(u.Faults, hub.Fault{Topic: m.Topic, Reason: fmt.Sprintf("expected online or offline, got %s", jsontext.Plain(m.Payload).Said())})
		return
	}
	r := c.receiver(p.receiver)
	if r == nil {
		return
	}
	r.said = presence
	c.introduce(r, u)
	u.Reaches = append(u.Reaches, hub.Reached{Key: r.key(), Reach: devices.Reach{Presence: presence, Why: why}})
}

// receiver returns the receiver of a topic; nil when there are too many.
func (c *Convention) receiver(topic string) *receiver {
	r := c.receivers[topic]
	if r == nil && len(c.receivers) < maxReceivers {
		r = &receiver{topic: strings.Clone(topic)}
		c.receivers[r.topic] = r
	}
	return r
}

func (r *receiver) key() string { return "receiver/" + r.topic }

// introduce announces a receiver that has an availability topic: another one could never be said to be there, and would be a
// device without anything to show.
func (c *Convention) introduce(r *receiver, u *hub.Update) {
	if r.announced || r.said == "" {
		return
	}
	r.announced = true
	name := "rtl_433"
	if host := r.topic[strings.LastIndexByte(r.topic, '/')+1:]; host != c.base {
		name = "rtl_433 on " + jsontext.Clip(host, 60)
	}
	u.Devices = append(u.Devices, hub.Announced{
		Key: r.key(), Availability: true,
		Device:  devices.Device{Name: name, Manufacturer: "rtl_433", Identifiers: []string{r.topic}, Convention: Name},
		Sources: []broker.Message{{Topic: r.topic + "/availability", Payload: []byte("online"), Retain: true}},
	})
}

// Encode says that nothing can be told.
func (c *Convention) Encode(key string, ref devices.Ref, _ devices.Value) ([]broker.Message, error) {
	return nil, fmt.Errorf("steering %s of %s: rtl_433 only listens", ref, key)
}

// Topics are those of the sensor's fields with all receivers that heard it.
func (c *Convention) Topics(key string) []string {
	s := c.sensors[strings.TrimPrefix(key, sensorKey)]
	if s == nil || s.key != key {
		return nil
	}
	out := make([]string, 0, len(s.heard))
	for _, r := range s.heard {
		if topic := r + "/devices/" + s.path; broker.ValidTopic(topic) == nil {
			out = append(out, topic+"/#")
		}
	}
	return out
}

// Forget drops a sensor, or a receiver.
func (c *Convention) Forget(key string) (unneeded []string) {
	if r := c.receivers[strings.TrimPrefix(key, "receiver/")]; r != nil && r.key() == key {
		delete(c.receivers, r.topic)
	}
	if path, ok := strings.CutPrefix(key, sensorKey); ok {
		delete(c.sensors, path)
	}
	return nil
}
