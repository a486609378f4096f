// Package owntracks reads where the phones of a house's people are, as the OwnTracks apps publish it, and asks them to say it anew.
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload makes
// it panic. It never publishes retained, and it keeps no places but the regions in which a phone says that it is: neither the waypoints
// of people nor the pictures of their cards.
//
// The source is the OwnTracks booklet, https://owntracks.org/booklet/tech/json/.
package owntracks

import (
	"fmt"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "owntracks"

// Bounds of what is kept.
const (
	maxPhones  = 200
	maxRegions = 50
	maxTopic   = 200 // bytes
	maxFaults  = 4   // that are told of one message
)

// Options are what can be chosen; the zero value is OwnTracks' defaults.
type Options struct {
	// Base is the first part of the topics; empty means "owntracks".
	Base string
	// Home are the names of the region that is home, whatever their case; nil means "home" and "Zuhause".
	Home []string
}

// Convention is a hub.Convention. Make it with New.
type Convention struct {
	base   string
	home   []string
	phones map[string]*phone // by key, which is user/device
	secret map[string]bool   // topics of which it was said that they are encrypted
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no phone yet. The error says what is wrong with the base topic.
func New(o Options) (*Convention, error) {
	if o.Base == "" {
		o.Base = "owntracks"
	}
	if o.Home == nil {
		o.Home = []string{"home", "Zuhause"}
	}
	if err := broker.ValidTopic(o.Base + "/user/device"); err != nil {
		return nil, fmt.Errorf("choosing base topic %q: %w", o.Base, err)
	}
	return &Convention{base: o.Base, home: o.Home, phones: map[string]*phone{}, secret: map[string]bool{}}, nil
}

// Name is "owntracks".
func (c *Convention) Name() string { return Name }

// heard are the topics below a phone's own that are listened to.
var heard = []string{"event", "step", "status", "info"}

// Filters are the phones' topics.
func (c *Convention) Filters() []broker.Subscription {
	out := []broker.Subscription{{Filter: c.base + "/+/+", QoS: 1}}
	for _, t := range heard {
		out = append(out, broker.Subscription{Filter: c.base + "/+/+/" + t, QoS: 1})
	}
	return out
}

// Greet is empty: what a phone said last is retained, and asking it costs its battery.
func (c *Convention) Greet() []broker.Message { return nil }

// parsed is a message that was taken apart.
type parsed struct {
	key   string
	value jsontext.Value
	err   error
}

// Parse reads a message's topic and JSON.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	rest, ok := strings.CutPrefix(m.Topic, c.base)
	if !ok || rest == "" || rest[0] != '/' {
		return hub.Parsed{}
	}
	rest = rest[1:]
	parts := strings.SplitN(rest, "/", 4)
	if len(rest) > maxTopic || len(m.Payload) == 0 || len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
		return hub.Parsed{}
	}
	if len(parts) == 3 {
		known := false
		for _, t := range heard {
			known = known || t == parts[2]
		}
		if !known {
			return hub.Parsed{}
		}
	}
	p := &parsed{key: parts[0] + "/" + parts[1]}
	p.value, p.err = jsontext.Read(m.Payload)
	return hub.Parsed{Content: p}
}

// Apply takes what a phone said.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	content, ok := p.Content.(*parsed)
	if !ok {
		return hub.Update{}
	}
	var u hub.Update
	kind := content.value.Get("_type").Text()
	d := c.phones[content.key]
	key := ""
	if d != nil {
		key = content.key
	}
	switch {
	case content.err != nil || kind == "":
		u.Faults = append(u.Faults, hub.Fault{Key: key, Topic: m.Topic, Reason: "expected a JSON object with _type, got " + jsontext.Plain(m.Payload).Said()})
		return u
	case kind == "encrypted":
		if !c.secret[content.key] && len(c.secret) < maxPhones {
			c.secret[strings.Clone(content.key)] = true
			u.Faults = append(u.Faults, hub.Fault{Key: key, Topic: m.Topic, Reason: "expected a location that can be read, got an encrypted one: take the encryption key out of the app's settings"})
		}
		return u
	case d == nil && kind != "location" && kind != "transition" && kind != keptType:
		return u
	}
	if d == nil {
		if len(c.phones) >= maxPhones {
			return u
		}
		d = &phone{key: strings.Clone(content.key)}
		c.phones[d.key] = d
		d.announce(c, &u)
	}
	d.hear(c, kind, content.value, m, &u)
	return u
}

// acts are what a phone can be told.
var acts = []struct{ id, name, action string }{
	{"report-location", "Report location", "reportLocation"},
}

// Encode renders a command for the phone.
func (c *Convention) Encode(key string, ref devices.Ref, _ devices.Value) ([]broker.Message, error) {
	if c.phones[key] != nil {
		for _, a := range acts {
			if ref == (devices.Ref{Component: a.id, Property: devices.Press}) {
				return []broker.Message{{Topic: c.base + "/" + key + "/cmd", Payload: []byte(`{"_type":"cmd","action":"` + a.action + `"}`)}}, nil
			}
		}
	}
	return nil, fmt.Errorf("steering %s: its %s cannot be set", key, ref)
}

// Topics are all of the phone's.
func (c *Convention) Topics(key string) []string {
	if c.phones[key] == nil {
		return nil
	}
	return []string{c.base + "/" + key + "/#"}
}

// Forget drops a phone.
func (c *Convention) Forget(key string) (unneeded []string) {
	delete(c.phones, key)
	delete(c.secret, key)
	return nil
}

// place is the name of a region as the model has it.
func (c *Convention) place(region string) string {
	for _, h := range c.home {
		if strings.EqualFold(h, strings.TrimSpace(region)) {
			return "home"
		}
	}
	return jsontext.Clip(region, fields.MaxText)
}
