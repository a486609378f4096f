package openmqttgateway

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// setting is one of a gateway's Bluetooth settings, which it publishes together.
type setting struct {
	name     string
	truth    bool
	unit     string
	factor   float64 // the gateway's number in one of the unit
	low, top float64
}

// bluetoothSettings are those that people may want to change.
var bluetoothSettings = map[string]setting{
	"enabled":           {name: "Bluetooth", truth: true},
	"bleconnect":        {name: "Connect to sensors", truth: true},
	"adaptivescan":      {name: "Adaptive scan", truth: true},
	"activescan":        {name: "Active scan", truth: true},
	"onlysensors":       {name: "Sensors only", truth: true},
	"randommacs":        {name: "Random addresses", truth: true},
	"hasspresence":      {name: "Publish presence", truth: true},
	"interval":          {name: "Scan interval", unit: "s", factor: 1000, top: 3600},
	"intervalacts":      {name: "Active scan interval", unit: "s", factor: 1000, top: 3600},
	"intervalcnct":      {name: "Connection interval", unit: "s", factor: 1000, top: 86400},
	"scanduration":      {name: "Scan duration", unit: "s", factor: 1000, top: 600},
	"presenceawaytimer": {name: "Away after", unit: "s", factor: 1000, top: 86400},
	"minrssi":           {name: "Weakest signal", unit: "dBm", factor: 1, low: -200},
}

const settingPrefix = "bt-"

// component is the component of a setting.
func (s setting) component(key string) devices.Component {
	c := devices.Component{ID: settingPrefix + devices.Slug(key), Kind: devices.Number, Name: s.name, Category: "config"}
	if s.truth {
		c.Kind = devices.Switch
		c.Properties = []devices.Property{{ID: devices.On, Datatype: devices.Bool, Readable: true, Settable: true}}
		return c
	}
	low, top := s.low, s.top
	c.Properties = []devices.Property{{
		ID: devices.ValueID, Datatype: devices.Float, Unit: s.unit, Min: &low, Max: &top, Readable: true, Settable: true,
	}}
	return c
}

// settingComponents are those of the settings, and a button that starts a scan.
func settingComponents(keys []string) []devices.Component {
	var out []devices.Component
	for _, key := range keys {
		out = append(out, bluetoothSettings[key].component(key))
	}
	if len(out) > 0 {
		out = append(out, button("scan", "Scan now", ""))
	}
	return out
}

func (g *gateway) addSetting(key string) bool {
	if _, ok := bluetoothSettings[key]; !ok || slices.Contains(g.settings, key) {
		return false
	}
	g.settings = append(g.settings, strings.Clone(key))
	return true
}

// takeSettings takes a gateway's Bluetooth settings.
func (g *gateway) takeSettings(v jsontext.Value, m broker.Message, u *hub.Update) {
	changed := false
	for f := range v.Children() {
		changed = g.addSetting(f.Key()) || changed
	}
	if changed {
		g.announce(u)
	}
	for f := range v.Children() {
		s, ok := bluetoothSettings[f.Key()]
		if !ok {
			continue
		}
		c := settingPrefix + devices.Slug(f.Key())
		if s.truth {
			if on, ok := f.Bool(); ok {
				u.Readings = append(u.Readings, hub.Reported{Key: g.key, Ref: devices.Ref{Component: c, Property: devices.On}, Value: devices.BoolValue(on)})
				continue
			}
		} else if n, ok := f.Number(); ok {
			if value, err := devices.FloatValue(n / s.factor); err == nil {
				u.Readings = append(u.Readings, hub.Reported{Key: g.key, Ref: devices.Ref{Component: c, Property: devices.ValueID}, Value: value})
				continue
			}
		}
		if len(u.Faults) < maxFaults {
			want := "a number"
			if s.truth {
				want = "true or false"
			}
			u.Faults = append(u.Faults, hub.Fault{Key: g.key, Topic: m.Topic, Reason: fmt.Sprintf("expected %s at %s, got %s", want, f.Key(), f.Said())})
		}
	}
}

// code is a module that receives codes, of remotes or of others of its kind, and may send them.
type code struct {
	id, name string
	send     string // the topic behind commands
	// body makes the message of what people typed; what is none of the forms that it knows goes to the gateway as it is.
	body func(text string) string
}

var codes = map[string]*code{
	"433":  {id: "radio", name: "Radio", send: "MQTTto433", body: codeBody},
	"IR":   {id: "infrared", name: "Infrared", send: "MQTTtoIR", body: codeBody},
	"LORA": {id: "lora", name: "LoRa", send: "MQTTtoLORA", body: messageBody},
}

func (c *code) components() []devices.Component {
	return []devices.Component{
		{ID: c.id, Kind: devices.EventSource, Name: c.name + " received", Properties: []devices.Property{
			{ID: "code", Name: "Code", Datatype: devices.String, Readable: true, Momentary: true},
		}},
		{ID: c.id + "-send", Kind: devices.Text, Name: c.name + " send", Properties: []devices.Property{
			{ID: devices.ValueID, Datatype: devices.String, Settable: true, Momentary: true},
		}},
	}
}

func (g *gateway) addCode(module string) bool {
	if codes[module] == nil || slices.Contains(g.codes, module) {
		return false
	}
	g.codes = append(g.codes, strings.Clone(module))
	return true
}

// takeCode takes a code that was received.
func (g *gateway) takeCode(p *parsed, m broker.Message, u *hub.Update) {
	if g.addCode(p.module) {
		g.announce(u)
	}
	v := p.value.Get("hex")
	for _, key := range []string{"value", "message"} {
		if x := p.value.Get(key); x.Is() && !v.Is() {
			v = x
		}
	}
	text := v.Text()
	if v.Kind() != jsontext.Text {
		text = v.JSON()
	}
	if m.Retain || !v.Is() || text == "0" || v.Kind() == jsontext.Object || v.Kind() == jsontext.List {
		return // what the broker kept was not received now, and 0 is what was not recognised
	}
	u.Readings = append(u.Readings, hub.Reported{
		Key: g.key, Ref: devices.Ref{Component: codes[p.module].id, Property: "code"}, Value: devices.TextValue(jsontext.Clip(text, fields.MaxText)),
	})
}

// codeBody takes a number, a number in hexadecimal digits (0x…), or the whole message as JSON.
func codeBody(text string) string {
	text = strings.TrimSpace(text)
	if _, err := strconv.ParseUint(text, 10, 64); err == nil {
		return `{"value":` + text + `}`
	}
	if _, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 64); err == nil && strings.HasPrefix(text, "0x") {
		return `{"hex":"` + text + `"}`
	}
	return text
}

func messageBody(text string) string {
	if v, err := jsontext.Read([]byte(text)); err == nil && v.Kind() == jsontext.Object {
		return text
	}
	return `{"message":` + jsontext.Quote(text) + `}`
}

// encode renders a command for the gateway.
func (g *gateway) encode(ref devices.Ref, v devices.Value) ([]broker.Message, error) {
	send := func(topic, body string) ([]broker.Message, error) {
		return []broker.Message{{Topic: g.prefix + "/commands/" + topic, Payload: []byte(body)}}, nil
	}
	switch {
	case ref == devices.Ref{Component: "restart", Property: devices.Press} && g.system:
		return send("MQTTtoSYS/config", `{"cmd":"restart"}`)
	case ref == devices.Ref{Component: "scan", Property: devices.Press} && len(g.settings) > 0:
		return send("MQTTtoBT/config", `{"interval":0}`)
	}
	for _, key := range g.settings {
		s := bluetoothSettings[key]
		if ref.Component != settingPrefix+devices.Slug(key) {
			continue
		}
		switch {
		case s.truth && ref.Property == devices.On:
			return send("MQTTtoBT/config", fmt.Sprintf(`{"%s":%v}`, key, v.Bool()))
		case !s.truth && ref.Property == devices.ValueID:
			return send("MQTTtoBT/config", fmt.Sprintf(`{"%s":%d}`, key, int64(math.Round(v.Float()*s.factor))))
		}
	}
	for _, module := range g.codes {
		if c := codes[module]; ref == (devices.Ref{Component: c.id + "-send", Property: devices.ValueID}) {
			return send(c.send, c.body(v.Text()))
		}
	}
	return nil, unsteerable(g.key, ref)
}
