package hub_test

import (
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// rumour is a convention in which others tell of devices, less well than these could themselves:
//
//	rumour/<key>/config   the address and the name, as identifiers have them: "box_aabbccddeeff Lamp"; empty removes it. A ! in front says
//	                      that the plain convention knows all of it
//	rumour/<key>/on       the state of its switch; rumour/<key>/on/set tells it
//	rumour/<key>/volts    a voltage
//	rumour/<key>/who      asked of a client that subscribes to rumour/<key>/on/set, one every 300 ms
type rumour struct{ known map[string]bool }

func newRumour() *rumour { return &rumour{known: map[string]bool{}} }

func (*rumour) Name() string { return "rumour" }

func (*rumour) Filters() []broker.Subscription { return []broker.Subscription{{Filter: "rumour/#"}} }

func (*rumour) Greet() []broker.Message { return nil }

func (*rumour) Pace() time.Duration { return 300 * time.Millisecond }

func (*rumour) Observe(client string, filters []string) (ask []broker.Message) {
	for _, f := range filters {
		if own, ok := strings.CutSuffix(f, "/on/set"); ok && strings.HasPrefix(f, "rumour/") {
			ask = append(ask, broker.Message{Topic: own + "/who", Payload: []byte(client), Retain: true})
		}
	}
	return ask
}

func (*rumour) Parse(broker.Message) hub.Parsed { return hub.Parsed{} }

func (c *rumour) Apply(m broker.Message, _ hub.Parsed) (u hub.Update) {
	parts := strings.Split(m.Topic, "/")
	if len(parts) != 3 || parts[0] != "rumour" {
		return u
	}
	key, payload := parts[1], string(m.Payload)
	switch {
	case parts[2] == "config" && payload == "":
		delete(c.known, key)
		u.Gone = []string{key}
	case parts[2] == "config":
		c.known[key] = true
		payload, covered := strings.CutPrefix(payload, "!")
		id, name, _ := strings.Cut(payload, " ")
		a := hub.Announced{Key: key, Sources: []broker.Message{m}, Device: devices.Device{
			Name: name, Identifiers: []string{id}, Model: "R1",
			Components: []devices.Component{
				{ID: "relay", Kind: devices.Switch, Properties: []devices.Property{
					{ID: "on", Datatype: devices.Bool, Readable: true, Settable: true},
				}},
				{ID: "volts", Kind: devices.Sensor, Properties: []devices.Property{
					{ID: "voltage", Class: "voltage", Unit: "V", Datatype: devices.Float, Readable: true},
				}},
			},
		}}
		if covered {
			a.Native = "plain"
		}
		u.Devices = []hub.Announced{a}
	case !c.known[key]:
	case parts[2] == "on":
		u.Readings = []hub.Reported{{Key: key, Ref: devices.Ref{Component: "relay", Property: "on"}, Value: devices.BoolValue(payload == "true")}}
	case parts[2] == "volts":
		p := devices.Property{ID: "voltage", Datatype: devices.Float}
		if v, err := p.ParseText(payload); err == nil {
			u.Readings = []hub.Reported{{Key: key, Ref: devices.Ref{Component: "volts", Property: "voltage"}, Value: v}}
		}
	}
	return u
}

func (c *rumour) Encode(key string, ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	if !c.known[key] || ref != (devices.Ref{Component: "relay", Property: "on"}) {
		return nil, nil
	}
	return []broker.Message{{Topic: "rumour/" + key + "/on/set", Payload: []byte(v.String())}}, nil
}

func (c *rumour) Forget(key string) []string {
	delete(c.known, key)
	return nil
}

func (c *rumour) Topics(key string) []string {
	if !c.known[key] {
		return nil
	}
	return []string{"rumour/" + key + "/#"}
}
