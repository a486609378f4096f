package openmqttgateway

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// keptGateway marks the message by which a gateway announces itself again.
const keptGateway = "kept-gateway"

// gateway is one OpenMQTTGateway or Theengs Gateway.
type gateway struct {
	key, prefix  string
	announced    bool
	system       bool // it has said how its system is: an OpenMQTTGateway, which can be restarted
	mac, version string
	fields       fields.Set // of its system and of the sensors that are wired to it
	settings     []string   // the keys of its Bluetooth settings
	codes        []string   // the modules that have received codes, or can
	said         devices.Presence
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func unsteerable(key string, ref devices.Ref) error {
	return fmt.Errorf("steering %s: its %s cannot be set", key, ref)
}

// listens says whether it is a Theengs Gateway, which hears devices and steers none.
func (g *gateway) listens() bool {
	name := g.prefix[strings.LastIndexByte(g.prefix, '/')+1:]
	return strings.Contains(name, "Theengs") && !g.system
}

// newGateway makes a gateway; nil when there are too many.
func (c *Convention) newGateway(prefix string, u *hub.Update) *gateway {
	if len(c.gateways) >= maxGateways {
		return nil
	}
	g := &gateway{prefix: strings.Clone(prefix)}
	g.key = "gateway/" + g.prefix
	c.gateways[g.prefix] = g
	u.Subscribe = append(u.Subscribe, broker.Subscription{Filter: g.prefix + "/#", QoS: 1})
	g.announce(u)
	return g
}

// announce tells the hub of the gateway.
func (g *gateway) announce(u *hub.Update) {
	g.announced = true
	name := g.prefix[strings.LastIndexByte(g.prefix, '/')+1:]
	d := devices.Device{Name: fields.Title(name), Identifiers: []string{g.prefix}, Convention: Name, Firmware: g.version, Components: g.fields.Components()}
	if name == "" {
		d.Name = "OpenMQTTGateway"
	}
	d.Manufacturer, d.Model = "OpenMQTTGateway", "OpenMQTTGateway"
	if g.listens() {
		d.Manufacturer, d.Model = "Theengs", "Theengs Gateway"
	}
	if g.mac != "" {
		d.Connections = []devices.Connection{{Kind: "mac", Value: g.mac}}
	}
	if g.system {
		d.Components = append(d.Components, button("restart", "Restart", "config"))
	}
	d.Components = append(d.Components, settingComponents(g.settings)...)
	for _, module := range g.codes {
		d.Components = append(d.Components, codes[module].components()...)
	}
	d.Sort()
	u.Devices = slices.DeleteFunc(u.Devices, func(a hub.Announced) bool { return a.Key == g.key })
	u.Devices = append(u.Devices, hub.Announced{Key: g.key, Device: d, Availability: true, Sources: []broker.Message{g.source()}})
}

func button(id, name, category string) devices.Component {
	return devices.Component{ID: id, Kind: devices.Button, Name: name, Category: category, Properties: []devices.Property{
		{ID: devices.Press, Datatype: devices.Bool, Settable: true, Momentary: true},
	}}
}

// source is a message by which the gateway announces itself again, with all that is known of it.
func (g *gateway) source() broker.Message {
	var b strings.Builder
	fmt.Fprintf(&b, `{"%s":true,"system":%v,"settings":%s,"codes":%s`, keptGateway, g.system, list(g.settings), list(g.codes))
	for _, x := range [][2]string{{"version", g.version}, {"mac", g.mac}} {
		if x[1] != "" {
			b.WriteString("," + jsontext.Quote(x[0]) + ":" + jsontext.Quote(x[1]))
		}
	}
	b.WriteString(`,"fields":{"":null`)
	g.fields.Samples(&b)
	b.WriteString("}}")
	return broker.Message{Topic: g.prefix + "/SYStoMQTT", Payload: []byte(b.String()), Retain: true}
}

func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = jsontext.Quote(w)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

// remember takes what source wrote.
func (g *gateway) remember(v jsontext.Value, u *hub.Update) {
	g.system, _ = v.Get("system").Bool()
	g.version, g.mac = jsontext.Clip(v.Get("version").Text(), 60), address.MAC(v.Get("mac").Text())
	for s := range v.Get("settings").Children() {
		g.addSetting(s.Text())
	}
	for s := range v.Get("codes").Children() {
		g.addCode(s.Text())
	}
	for f := range v.Get("fields").Children() {
		module, key, ok := strings.Cut(f.Key(), "/")
		if meaning, known := ownMeaning(module, key, f); ok && known {
			g.fields.Learn(f.Key(), meaning, f)
		}
	}
	g.announce(u)
}

// systemFields are what a gateway says of itself.
var systemFields = map[string]fields.Meaning{
	"uptime":  system(fields.Sensor("duration", "s").Named("uptime")),
	"freemem": system(fields.Sensor("data_size", "B").Named("free-memory")),
	"rssi":    system(fields.Sensor("signal_strength", "dBm").Named("signal-strength")),
	"tempc":   system(fields.Sensor("temperature", "°C").Named("temperature")),
	"ip": {
		Component: "system", Kind: devices.Sensor, Name: "System", Category: "diagnostic",
		Property: devices.Property{ID: "address", Name: "Address", Datatype: devices.String},
	},
}

func system(m fields.Meaning) fields.Meaning { return m.Diagnostic("system", "System") }

// ownMeaning is what a field of the gateway itself is: of its system, or of a sensor that is wired to it.
func ownMeaning(module, key string, v jsontext.Value) (fields.Meaning, bool) {
	if module == "SYS" {
		m, ok := systemFields[key]
		return m, ok
	}
	m, ok := meaning(key, v, jsontext.Value{})
	if !ok || devices.Slug(module) == "" {
		return m, false
	}
	m.Component, m.Name = devices.Slug(module+" "+m.Component), fields.Title(jsontext.Clip(module, 30))
	return m, true
}

// takeSystem takes what a gateway says of its system.
func (g *gateway) takeSystem(v jsontext.Value, m broker.Message, u *hub.Update) {
	if kept, _ := v.Get(keptGateway).Bool(); kept {
		g.remember(v, u)
		return
	}
	changed := !g.system
	g.system = true
	if version := jsontext.Clip(v.Get("version").Text(), 60); version != "" && version != g.version {
		g.version, changed = version, true
	}
	if mac := address.MAC(v.Get("mac").Text()); mac != "" && mac != g.mac {
		g.mac, changed = mac, true
	}
	for module := range v.Get("modules").Children() {
		if name := module.Text(); name == "RF" {
			changed = g.addCode("433") || changed
		} else if codes[name] != nil {
			changed = g.addCode(name) || changed
		}
	}
	g.takeFields("SYS", v, m, changed, u)
}

// takeOwn takes what a sensor that is wired to the gateway says.
func (g *gateway) takeOwn(p *parsed, m broker.Message, u *hub.Update) {
	if !wired[p.module] {
		return
	}
	module := p.module
	if p.rest != "" {
		module += " " + jsontext.Clip(strings.ReplaceAll(p.rest, "/", " "), 40)
	}
	g.takeFields(module, p.value, m, false, u)
}

// wired are the modules of sensors at the gateway's own pins.
var wired = map[string]bool{"CLIMA": true, "LUX": true, "DIST": true, "HCSR501": true, "ADC": true, "GPIOInput": true, "INA226": true, "RN8209": true, "DHT": true, "BME": true}

// takeFields learns and reports what the fields of an object say.
func (g *gateway) takeFields(module string, v jsontext.Value, m broker.Message, changed bool, u *hub.Update) {
	for f := range v.Children() {
		key := module + "/" + f.Key()
		if g.fields.Knows(key) || g.fields.Full() || !f.Is() {
			continue
		}
		if meaning, ok := ownMeaning(module, f.Key(), f); ok {
			changed = g.fields.Learn(key, meaning, f) || changed
		}
	}
	if changed {
		g.announce(u)
	}
	for f := range v.Children() {
		ref, value, ok, err := g.fields.Read(module+"/"+f.Key(), f)
		if err != nil && len(u.Faults) < maxFaults {
			u.Faults = append(u.Faults, hub.Fault{Key: g.key, Topic: m.Topic, Reason: err.Error()})
		} else if ok {
			u.Readings = append(u.Readings, hub.Reported{Key: g.key, Ref: ref, Value: value})
		}
	}
}

// will takes the gateway's word about its connection.
func (g *gateway) will(m broker.Message, u *hub.Update) {
	r := devices.Reach{Presence: devices.Online, Why: "it says that it is connected"}
	switch string(m.Payload) {
	case "online":
	case "offline":
		r = devices.Reach{Presence: devices.Offline, Why: "its will was published"}
	case "":
		return
	default:
		u.Faults = append(u.Faults, hub.Fault{Key: g.key, Topic: m.Topic, Reason: "expected online or offline, got " + jsontext.Plain(m.Payload).Said()})
		return
	}
	g.said = r.Presence
	u.Reaches = append(u.Reaches, hub.Reached{Key: g.key, Reach: r})
}

// alive notes that a gateway which has not told its presence yet has published something.
func (g *gateway) alive(m broker.Message, u *hub.Update) {
	if g.said == "" && !m.Retain {
		g.said = devices.Online
		u.Reaches = append(u.Reaches, hub.Reached{Key: g.key, Reach: devices.Reach{Presence: devices.Online, Why: "it publishes what it hears"}})
	}
}
