package zigbee2mqtt

import (
	"fmt"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// joinTime is for how many seconds joining is permitted: as long as Zigbee allows at once.
const joinTime = "254"

// transactionPrefix begins the numbers that the hub's requests bear, which the bridge's answers repeat.
const transactionPrefix = "homehub-"

// call is a request that was sent, so that its answer can be told to whoever wanted it.
type call struct {
	id      int64
	base    string
	request string
	key     string
	ref     devices.Ref
	value   devices.Value
	answers bool
}

// request makes the message of a request to a thing's bridge, and remembers it. The body is a JSON object.
func (c *Convention) request(t *thing, ref devices.Ref, request, body string, v devices.Value) (broker.Message, error) {
	body, ok := strings.CutSuffix(strings.TrimSpace(body), "}")
	if !ok {
		return broker.Message{}, fmt.Errorf("%w: it takes a JSON object", devices.ErrValue)
	}
	if strings.TrimSpace(body) != "{" {
		body += ","
	}
	c.lastID++
	p := t.device.Property(ref)
	c.calls[c.lastID%int64(len(c.calls))] = call{c.lastID, t.base.topic, request, t.key, ref, v, p != nil && (p.Answers || p.Confirmable())}
	return broker.Message{
		Topic:   t.base.topic + "/bridge/request/" + request,
		Payload: []byte(body + `"transaction":"` + transactionPrefix + strconv.FormatInt(c.lastID, 10) + `"}`),
	}, nil
}

// called finds the request of the hub's that an answer belongs to.
func (c *Convention) called(base, request, transaction string) (call, bool) {
	number, ok := strings.CutPrefix(transaction, transactionPrefix)
	id, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || id < 1 {
		return call{}, false
	}
	found := c.calls[id%int64(len(c.calls))]
	return found, found.id == id && found.base == base && found.request == request
}

// respond takes the bridge's answer to a request: the hub's own is done or refused. What somebody else asked for shows in the
// lists when it was done, and is a fault when it was not.
func (c *Convention) respond(m broker.Message, base, request string, u *hub.Update) {
	v, ok := parse(m.Payload)
	if !ok || m.Retain {
		return
	}
	sent, mine := c.called(base, request, v.get("transaction").String())
	if v.get("status").is("error") {
		reason := limited(v.get("error"))
		if reason == "" {
			reason = "Zigbee2MQTT does not say why"
		}
		switch key := c.bridgeKey(base); {
		case mine && sent.answers:
			u.Refusals = append(u.Refusals, hub.Refusal{Key: sent.key, Ref: sent.ref, Reason: reason})
		case mine:
			u.Faults = append(u.Faults, hub.Fault{Key: sent.key, Topic: m.Topic, Reason: fmt.Sprintf("%.60s was refused: %s", request, reason)})
		case key != "":
			u.Faults = append(u.Faults, hub.Fault{Key: key, Topic: m.Topic, Reason: fmt.Sprintf("%.60s was refused: %s", request, reason)})
		}
		return
	}
	if mine && sent.answers && v.get("status").is("ok") {
		if t := c.things[sent.key]; t != nil && t.announced && t.device.Property(sent.ref) != nil {
			u.Readings = append(u.Readings, hub.Reported{Key: sent.key, Ref: sent.ref, Value: sent.value})
		}
	}
}

// act is something that the bridge does when it is told.
type act struct {
	component, id, name string
	datatype            devices.Datatype
	request             string
	// member is the one member of the request's body that a text stands for; without one the JSON is the body.
	member string
	// slow: the answer comes when a device has answered, which may take long.
	slow bool
}

// acts are the requests that need to name something. A text that is a JSON object is the whole body.
var acts = []act{
	{"device", "configure", "Configure a device, by its name", devices.String, "device/configure", "id", true},
	{"device", "interview", "Interview a device, by its name", devices.String, "device/interview", "id", true},
	{"device", "remove", `Remove a device, by its name, or {"id":…,"force":true}`, devices.String, "device/remove", "id", false},
	{"device", "rename", `Rename a device, {"from":…,"to":…}`, devices.JSON, "device/rename", "", false},
	{"device", "options", `Set a device's options, {"id":…,"options":{…}}`, devices.JSON, "device/options", "", false},
	{"device", "bind", `Bind a device to another or to a group, {"from":…,"to":…}`, devices.JSON, "device/bind", "", true},
	{"device", "unbind", `Undo a binding, {"from":…,"to":…}`, devices.JSON, "device/unbind", "", true},
	{"group", "add", "Add a group, by its name", devices.String, "group/add", "friendly_name", false},
	{"group", "remove", "Remove a group, by its name", devices.String, "group/remove", "id", false},
	{"group", "rename", `Rename a group, {"from":…,"to":…}`, devices.JSON, "group/rename", "", false},
	{"group", "add-member", `Put a device into a group, {"group":…,"device":…}`, devices.JSON, "group/members/add", "", false},
	{"group", "remove-member", `Take a device out of a group, {"group":…,"device":…}`, devices.JSON, "group/members/remove", "", false},
}

// property is the act as a property of the bridge.
func (a act) property() devices.Property {
	return devices.Property{
		ID: a.id, Name: a.name, Datatype: a.datatype, Settable: true, Momentary: true, Answers: !a.slow,
	}
}

// body is the request's body.
func (a act) body(v devices.Value) (string, error) {
	if s := strings.TrimSpace(v.Text()); a.member == "" || strings.HasPrefix(s, "{") {
		if l, ok := parse([]byte(s)); !ok || l.kind != object {
			return "", fmt.Errorf("%w: it takes a JSON object", devices.ErrValue)
		}
		return s, nil
	}
	return set(a.member, quote(v.Text())), nil
}

// bridgeSchema is what every bridge has: joining, restarting, and acts.
func bridgeSchema() schema {
	s := schema{outlets: map[devices.Ref]outlet{}}
	s.outlets[permitJoin] = outlet{request: "permit_join", body: func(v devices.Value) (string, error) {
		if v.Bool() {
			return `{"time":` + joinTime + `,"value":true}`, nil // version 1 reads value, version 2 time
		}
		return `{"time":0,"value":false}`, nil
	}}
	restart := devices.Ref{Component: "restart", Property: devices.Press}
	s.outlets[restart] = outlet{request: "restart", body: func(v devices.Value) (string, error) {
		if !v.Bool() {
			return "", fmt.Errorf("%w: %s takes true only", devices.ErrValue, devices.Press)
		}
		return "{}", nil
	}}
	s.components = []devices.Component{
		{ID: "device", Kind: devices.Other, Name: "Device", Category: "config"},
		{ID: "group", Kind: devices.Other, Name: "Group", Category: "config"},
		{ID: permitJoin.Component, Kind: devices.Switch, Name: "Permit join", Category: "config", Properties: []devices.Property{
			{ID: permitJoin.Property, Datatype: devices.Bool, Readable: true, Settable: true},
		}},
		{ID: restart.Component, Kind: devices.Button, Name: "Restart", Category: "config", Properties: []devices.Property{
			{ID: restart.Property, Datatype: devices.Bool, Settable: true, Momentary: true, Answers: true},
		}},
		{ID: needRestart.Component, Kind: devices.BinarySensor, Name: "Restart required", Category: "diagnostic", Properties: []devices.Property{
			{ID: needRestart.Property, Datatype: devices.Bool, Class: "problem", Readable: true},
		}},
	}
	for _, a := range acts {
		for i := range s.components[:2] {
			if c := &s.components[i]; c.ID == a.component {
				c.Properties = append(c.Properties, a.property())
			}
		}
		s.outlets[devices.Ref{Component: a.component, Property: a.id}] = outlet{request: a.request, body: a.body}
	}
	return s
}
