// Package frigate reads and speaks what Frigate publishes of the cameras that it watches: whether they see somebody move, how many
// persons and things are in the picture and in its zones, and the switches of what Frigate does with them.
//
// The hub calls it through hub.Convention. It is pure: it does no I/O and has no clock and no goroutine, and no payload makes
// it panic. It never publishes retained. It neither subscribes to pictures nor reads any that it is given.
//
// The source is Frigate's documentation, https://docs.frigate.video/integrations/mqtt.
package frigate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// Name is the convention's name, and what devices.Device.Convention says.
const Name = "frigate"

// Bounds of what is kept and read.
const (
	maxServices = 16
	maxCameras  = 100 // of one service
	maxPaths    = 160 // topics of one camera, or of a service's zones
	maxPending  = 200 // counts of which it is not known yet whether they are a camera's or a zone's
	maxPlain    = 1024
	maxName     = 80
	maxFaults   = 4 // that are told of one message
)

// Options are what can be chosen; the zero value is Frigate's defaults.
type Options struct {
	// Base is Frigate's topic_prefix; empty means "frigate". Others of one level are found by their statistics.
	Base string
}

// Convention is a hub.Convention. Make it with New.
type Convention struct {
	base     string
	services map[string]*service      // by topic prefix
	things   map[string]*thing        // by key
	known    atomic.Pointer[[]string] // the topic prefixes of the services beside the chosen one, for Parse
}

var _ hub.Convention = (*Convention)(nil)

// New returns a convention that knows no camera yet. The error says what is wrong with the base topic.
func New(o Options) (*Convention, error) {
	if o.Base == "" {
		o.Base = "frigate"
	}
	if err := broker.ValidTopic(o.Base + "/stats"); err != nil {
		return nil, fmt.Errorf("choosing base topic %q: %w", o.Base, err)
	}
	c := &Convention{base: o.Base, services: map[string]*service{}, things: map[string]*thing{}}
	c.learn()
	return c, nil
}

// learn lets Parse know which services there are.
func (c *Convention) learn() {
	bases := slices.Collect(maps.Keys(c.services))
	c.known.Store(&bases)
}

// Name is "frigate".
func (c *Convention) Name() string { return Name }

// below are the topics of a service that are listened to: none that a picture is published in.
var below = []string{"available", "stats", "events", "reviews", "camera_activity", "+/+", "+/+/state", "+/+/active", "+/audio/+", "+/status/+", "+/classification/+", "+/zone/+/state"}

func filters(base string) []broker.Subscription {
	out := make([]broker.Subscription, len(below))
	for i, t := range below {
		out[i] = broker.Subscription{Filter: base + "/" + t, QoS: 1}
	}
	return out
}

// Filters are the topics of the service with the chosen base, and the statistics of others.
func (c *Convention) Filters() []broker.Subscription {
	return append(filters(c.base), broker.Subscription{Filter: "+/stats", QoS: 1})
}

// Greet has every service that is known say what its cameras see, since counts are not retained.
func (c *Convention) Greet() []broker.Message {
	var out []broker.Message
	for _, base := range slices.Sorted(maps.Keys(c.services)) {
		out = append(out, broker.Message{Topic: base + "/onConnect", Payload: []byte("homehub")})
	}
	return out
}

// parsed is a message that was taken apart.
type parsed struct {
	base, name, path string // name is a camera's, a zone's, or a topic of the service with an empty path
	value            jsontext.Value
	err              error
}

// documents are the topics of a service that hold JSON.
var documents = map[string]bool{"stats": true, "events": true, "reviews": true, "camera_activity": true}

// Parse reads a message's topic and value. Of what was learnt it uses only which services there are.
func (c *Convention) Parse(m broker.Message) hub.Parsed {
	base, rest := c.base, ""
	if r, ok := strings.CutPrefix(m.Topic, c.base+"/"); ok {
		rest = r
	} else if b, r, ok := strings.Cut(m.Topic, "/"); ok && (r == "stats" || strings.HasSuffix(r, "/"+keptPath) || slices.Contains(*c.known.Load(), b)) {
		base, rest = b, r // what is not Frigate's is not worth reading
	}
	if rest == "" || base == "" || base[0] == '$' || len(rest) > 3*maxName || len(m.Payload) == 0 {
		return hub.Parsed{}
	}
	p := &parsed{base: base}
	var deeper bool
	if p.name, p.path, deeper = strings.Cut(rest, "/"); !deeper {
		if documents[rest] {
			p.value, p.err = jsontext.Read(m.Payload)
		} else if rest != "available" {
			return hub.Parsed{}
		}
		return hub.Parsed{Content: p}
	}
	if p.name == "" || p.path == "" || len(p.name) > maxName || len(m.Payload) > maxPlain || strings.HasSuffix(p.path, "/snapshot") || strings.HasSuffix(p.path, "/thumbnail") {
		return hub.Parsed{}
	}
	p.value = jsontext.Plain(m.Payload)
	return hub.Parsed{Content: p}
}

// Apply takes what Frigate said.
func (c *Convention) Apply(m broker.Message, p hub.Parsed) hub.Update {
	content, ok := p.Content.(*parsed)
	if !ok {
		return hub.Update{}
	}
	var u hub.Update
	s := c.services[content.base]
	if s == nil {
		if s = c.find(content, m, &u); s == nil {
			return u
		}
	}
	if c.things[s.key] == nil { // people removed it
		c.things[s.key] = s.thing
		s.announce(s.thing, &u)
	}
	if content.err != nil || documents[content.name] && content.path == "" && content.value.Kind() != jsontext.Object {
		u.Faults = append(u.Faults, hub.Fault{Key: s.key, Topic: m.Topic, Reason: "expected a JSON object, got " + jsontext.Plain(m.Payload).Said()})
		return u
	}
	s.hear(content, m, &u)
	return u
}

// find makes a service of which this is the first message, if it is one's beyond doubt.
func (c *Convention) find(p *parsed, m broker.Message, u *hub.Update) *service {
	is := p.path == "" && (p.name == "stats" && p.value.Get("cameras").Kind() == jsontext.Object && p.value.Get("service").Is())
	if p.base == c.base {
		word := string(m.Payload)
		is = is || p.path == "" && (p.name == "available" && (word == "online" || word == "offline" || word == "stopped") || p.value.Get("after").Is()) ||
			strings.HasSuffix(p.path, "/state") || p.path == keptPath
	}
	is = is || p.path == keptPath && p.value.Get(keptPath).Is()
	if !is || len(c.services) >= maxServices {
		return nil
	}
	s := newService(c, strings.Clone(p.base))
	c.services[s.base] = s
	c.learn()
	if s.base != c.base {
		u.Subscribe = append(u.Subscribe, filters(s.base)...)
	}
	s.announce(s.thing, u)
	return s
}

// Encode renders a command for Frigate.
func (c *Convention) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	t := c.things[key]
	if t == nil {
		return nil, fmt.Errorf("steering %s: its announcement is not known", key)
	}
	if t == t.service.thing && ref == (devices.Ref{Component: "restart", Property: devices.Press}) {
		return []broker.Message{{Topic: t.service.base + "/restart", Payload: []byte("restart")}}, nil
	}
	for _, path := range t.paths {
		for _, b := range t.bindings[path] {
			if b.ref() == ref && b.property.Settable {
				return []broker.Message{{Topic: t.topic() + strings.TrimSuffix(path, "/state") + "/set", Payload: []byte(b.write(v))}}, nil
			}
		}
	}
	return nil, fmt.Errorf("steering %s: its %s cannot be set", key, ref)
}

// Topics are a camera's own, or those that say how the service is.
func (c *Convention) Topics(key string) []string {
	t := c.things[key]
	switch {
	case t == nil:
		return nil
	case t == t.service.thing:
		return []string{t.service.base + "/available", t.service.base + "/profile/state", t.service.base + "/notifications/state"}
	}
	return []string{t.service.base + "/" + t.name + "/#"}
}

// Forget drops a camera, or a service. A service whose cameras are still known is announced again when it is heard again.
func (c *Convention) Forget(key string) (unneeded []string) {
	t := c.things[key]
	if t == nil {
		return nil
	}
	delete(c.things, key)
	s := t.service
	if t != s.thing {
		delete(s.cameras, t.name)
	}
	if len(s.cameras) > 0 || c.things[s.key] != nil {
		return nil
	}
	delete(c.services, s.base)
	c.learn()
	if s.base == c.base {
		return nil
	}
	for _, f := range filters(s.base) {
		if f.Filter != s.base+"/stats" {
			unneeded = append(unneeded, f.Filter)
		}
	}
	return unneeded
}
