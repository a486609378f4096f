package hub_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// plain is a small convention for what the real ones cannot easily be brought to do. Topics:
//
//	plain/<key>/config   the device's name; with a ! behind it, it tells its availability; empty removes it. Words in front of the
//	                     name: mac=…, via=… (a key), silence=… (the longest), sleeps=yes, wakes=… (while its gateway keeps what it is told),
//	                     expires=… (of power), each with a space behind
//	plain/<key>/is/<p>   a property's value: on, power, press, flip
//	plain/<key>/status   online, offline, asleep
//	plain/<key>/set/<p>  a command
//	plain/hello          the hub's greeting
//	plain/<key>/who      an unknown device: the hub asks it by plain/<key>/ask
//	plain/<key>/panic    makes Parse (parse) or Apply (apply) panic
type plain struct {
	devices map[string]bool
	block   chan struct{} // if set, Apply of plain/<key>/block waits for it
}

func newPlain() *plain { return &plain{devices: map[string]bool{}} }

func (*plain) Name() string { return "plain" }

func (*plain) Filters() []broker.Subscription {
	return []broker.Subscription{{Filter: "plain/+/config"}, {Filter: "plain/+/panic"}, {Filter: "plain/+/block"}, {Filter: "plain/+/who"}}
}

func (*plain) Greet() []broker.Message {
	return []broker.Message{{Topic: "plain/hello", Payload: []byte("hub")}}
}

// Observe panics at whoever subscribes to plain/panic.
func (*plain) Observe(_ string, filters []string) []broker.Message {
	if slices.Contains(filters, "plain/panic") {
		panic("asked to")
	}
	return nil
}

func (c *plain) Parse(m broker.Message) hub.Parsed {
	parts := strings.Split(m.Topic, "/")
	if len(parts) < 3 || parts[0] != "plain" {
		return hub.Parsed{}
	}
	if parts[2] == "panic" && string(m.Payload) == "parse" {
		panic("asked to")
	}
	if parts[2] != "config" || len(m.Payload) == 0 {
		return hub.Parsed{}
	}
	return hub.Parsed{Content: parts[1], Subscribe: []broker.Subscription{
		{Filter: "plain/" + parts[1] + "/is/+"}, {Filter: "plain/" + parts[1] + "/status"},
	}}
}

func (c *plain) Apply(m broker.Message, p hub.Parsed) (u hub.Update) {
	parts := strings.Split(m.Topic, "/")
	if len(parts) < 3 || parts[0] != "plain" {
		return u
	}
	key := parts[1]
	switch {
	case parts[2] == "panic":
		panic("asked to")
	case parts[2] == "block" && c.block != nil:
		<-c.block
	case parts[2] == "config" && p.Content == nil:
		if c.devices[key] {
			delete(c.devices, key)
			u.Gone, u.Unsubscribe = []string{key}, []string{"plain/" + key + "/is/+", "plain/" + key + "/status"}
		}
	case parts[2] == "config":
		c.devices[key] = true
		u.Devices = []hub.Announced{plainAnnouncement(key, m)}
	case parts[2] == "who":
		u.Ask = []broker.Message{{Topic: "plain/" + key + "/ask", Payload: []byte("who"), Retain: true}}
	case !c.devices[key]:
	case parts[2] == "status":
		u.Reaches = []hub.Reached{{Key: key, Reach: devices.Reach{Presence: devices.Presence(m.Payload), Why: "it said so"}}}
	case parts[2] == "is" && parts[3] == "refusal":
		u.Refusals = []hub.Refusal{{Key: key, Reason: string(m.Payload)}}
	case parts[2] == "is":
		ref := devices.Ref{Component: "switch", Property: parts[3]}
		d := plainDevice("")
		property := d.Property(ref)
		if property == nil {
			u.Readings = []hub.Reported{{Key: key, Ref: ref, Value: devices.TextValue(string(m.Payload))}}
			return u
		}
		v, err := property.ParseText(string(m.Payload))
		if err != nil {
			u.Faults = []hub.Fault{{Key: key, Topic: m.Topic, Reason: err.Error()}}
			return u
		}
		u.Readings = []hub.Reported{{Key: key, Ref: ref, Value: v, Replayed: m.Retain}}
	}
	return u
}

func plainAnnouncement(key string, m broker.Message) hub.Announced {
	name, told := strings.CutSuffix(string(m.Payload), "!")
	a := hub.Announced{Key: key, Sources: []broker.Message{m}, Availability: told}
	var mac, via, expires string
	var wakes time.Duration
	for {
		word, rest, ok := strings.Cut(name, " ")
		what, value, is := strings.Cut(word, "=")
		if !ok || !is {
			break
		}
		name = rest
		switch what {
		case "mac":
			mac = value
		case "via":
			via = value
		case "silence":
			a.Silence, _ = time.ParseDuration(value)
		case "sleeps":
			a.Sleeps = true
		case "wakes":
			wakes, _ = time.ParseDuration(value)
		case "expires":
			expires = value
		}
	}
	a.Device = plainDevice(name)
	a.Device.Via, a.Device.Wakes = via, wakes.Seconds()
	if mac != "" {
		a.Device.Connections = []devices.Connection{{Kind: "mac", Value: mac}}
	}
	if d, err := time.ParseDuration(expires); err == nil {
		a.Device.Property(devices.Ref{Component: "switch", Property: "power"}).Expires = d.Seconds()
	}
	return a
}

func plainDevice(name string) devices.Device {
	low, high := 0.0, 3000.0
	return devices.Device{Name: name, Components: []devices.Component{{ID: "switch", Kind: devices.Switch, Properties: []devices.Property{
		{ID: "on", Datatype: devices.Bool, Readable: true, Settable: true},
		{ID: "power", Datatype: devices.Float, Unit: "W", Readable: true},
		{ID: "limit", Datatype: devices.Int, Min: &low, Max: &high, Readable: true, Settable: true},
		{ID: "broken", Datatype: devices.Bool, Readable: true, Settable: true},
		{ID: "press", Datatype: devices.Bool, Readable: true, Settable: true, Momentary: true},
		{ID: "fade", Datatype: devices.Int, Settable: true}, // goes with later commands
		{ID: "flip", Datatype: devices.Bool, Readable: true, Settable: true, Toggles: true},
		{ID: "untold", Datatype: devices.Bool, Readable: true, Settable: true}, // the device has not said how
	}}}}
}

func (c *plain) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	if ref.Property == "broken" {
		return nil, fmt.Errorf("%s has no topic for %s", key, ref)
	}
	switch ref.Property {
	case "fade":
		return []broker.Message{}, nil
	case "untold":
		return nil, nil
	}
	return []broker.Message{{Topic: "plain/" + key + "/set/" + ref.Property, Payload: []byte(v.String()), Retain: true}}, nil
}

func (c *plain) Topics(key string) []string { return []string{"plain/" + key + "/#"} }

func (c *plain) Forget(key string) []string {
	delete(c.devices, key)
	return []string{"plain/" + key + "/is/+", "plain/" + key + "/status"}
}
