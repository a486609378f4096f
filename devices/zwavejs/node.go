package zwavejs

import (
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// facts are what is known of a node beside its values.
type facts struct {
	id                            int
	name, room                    string
	manufacturer, model, firmware string
	cover                         bool // it moves something that covers a window
	// home is the home ID of its network as zwave-js-ui spells it, such as 0xe1234567; empty as long as it is not known.
	home   string
	sleeps bool
	wakes  int // after how many seconds it wakes up, 0 as long as it has not told
}

// node is one Z-Wave node.
type node struct {
	facts
	key, path string
	values    []known
	told      bool // its presence was told
	bindings  []binding
	index     map[string][]int // the bindings of a value, by the topic behind the node's
}

// known is a value that was heard.
type known struct{ topic, unit string }

// read takes the facts of a node as zwave-js-ui writes it.
func readFacts(v jsontext.Value) (f facts, ok bool) {
	f.id, ok = v.Get("id").Whole(65535)
	clip := func(keys ...string) string {
		for _, k := range keys {
			if s := jsontext.Clip(v.Get(k).Text(), 80); s != "" {
				return s
			}
		}
		return ""
	}
	f.name, f.room = clip("name"), clip("loc")
	f.manufacturer, f.model, f.firmware = clip("manufacturer"), clip("productLabel", "productDescription"), clip("firmwareVersion")
	generic, _ := v.At("deviceClass", "generic").Whole(255)
	specific, _ := v.At("deviceClass", "specific").Whole(255)
	f.cover, _ = v.Get("cover").Bool()
	f.cover = f.cover || generic == 17 && (specific == 3 || specific >= 5 && specific <= 7)
	listens, told := v.Get("isListening").Bool()
	often, _ := v.Get("isFrequentListening").Bool()
	f.sleeps = told && !listens && !often && v.Get("isFrequentListening").Text() == "" // which is how often, such as 1000ms
	return f, ok
}

// clean spells a name as zwave-js-ui does in topics.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '\t' || r == '\n':
			return '_'
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '/', r >= 'À':
			return r
		}
		return -1
	}, s)
}

// learn takes a node of the gateway's list. The list does not say in which topics the node is; there are few ways.
func (c *Convention) learn(v jsontext.Value, home string, u *hub.Update) {
	f, ok := readFacts(v)
	if !ok {
		return
	}
	f.home = home
	id := strconv.Itoa(f.id)
	for _, name := range []string{clean(f.name), "nodeID_" + id, id} {
		for _, path := range []string{clean(f.room) + "/" + name, name} {
			if name == "" || path[0] == '/' {
				continue
			}
			if n := c.paths[path]; n != nil {
				c.inform(n, f, u)
			} else if old, known := c.facts[path]; known || len(c.facts) < maxFacts {
				c.facts[path] = f.after(old)
			}
		}
	}
}

// after is what is known after something was said that does not tell everything.
func (f facts) after(old facts) facts {
	if f.home == "" {
		f.home = old.home
	}
	if f.wakes == 0 {
		f.wakes = old.wakes
	}
	f.sleeps = f.sleeps || old.sleeps
	f.cover = f.cover || old.cover
	return f
}

// inform gives a node its facts.
func (c *Convention) inform(n *node, f facts, u *hub.Update) {
	if f = f.after(n.facts); n.facts == f {
		return
	}
	n.facts = f
	n.rebuild()
	c.announce(n, u)
}

// at returns the node of a path, and makes it known; nil when there are too many.
func (c *Convention) at(path string) *node {
	n := c.paths[path]
	if n == nil && len(c.nodes) < maxNodes {
		n = &node{path: strings.Clone(path)}
		n.key = "node/" + n.path
		n.facts = c.facts[path]
		delete(c.facts, path)
		c.nodes[n.key], c.paths[n.path] = n, n
	}
	return n
}

// announce tells the hub of a node.
func (c *Convention) announce(n *node, u *hub.Update) {
	d := devices.Device{
		Name: n.name, Room: n.room, Manufacturer: n.manufacturer, Model: n.model, Firmware: n.firmware, Via: c.via,
		Identifiers: []string{c.base + "/" + n.path}, Convention: Name, Wakes: n.sleep(),
	}
	if a := n.address(); a != "" {
		d.Connections = []devices.Connection{{Kind: "zwave", Value: a}}
	}
	if d.Name == "" {
		d.Name = fields.Title(n.path[strings.LastIndexByte(n.path, '/')+1:])
	}
	if d.Name == "" {
		d.Name = "Z-Wave node"
	}
	for _, b := range n.bindings {
		d.Components = fields.Put(d.Components, b.component, b.property)
	}
	d.Sort()
	u.Devices = slices.DeleteFunc(u.Devices, func(a hub.Announced) bool { return a.Key == n.key })
	u.Devices = append(u.Devices, hub.Announced{Key: n.key, Device: d, Availability: true, Sources: []broker.Message{c.source(n)}})
}

// source is a message by which a node announces itself again.
func (c *Convention) source(n *node) broker.Message {
	var b strings.Builder
	b.WriteString(`{"id":` + strconv.Itoa(n.id) + `,"cover":` + strconv.FormatBool(n.cover))
	b.WriteString(`,"sleeps":` + strconv.FormatBool(n.sleeps) + `,"wakes":` + strconv.Itoa(n.wakes))
	for _, x := range [][2]string{{"home", n.home}, {"name", n.name}, {"loc", n.room}, {"manufacturer", n.manufacturer}, {"productLabel", n.model}, {"firmwareVersion", n.firmware}} {
		b.WriteString("," + jsontext.Quote(x[0]) + ":" + jsontext.Quote(x[1]))
	}
	b.WriteString(`,"kept":{"":""`)
	for _, v := range n.values {
		b.WriteString("," + jsontext.Quote(v.topic) + ":" + jsontext.Quote(v.unit))
	}
	b.WriteString("}}")
	return broker.Message{Topic: c.base + "/" + n.path + "/kept", Payload: []byte(b.String()), Retain: true}
}

// node takes what the gateway says of a node.
func (c *Convention) node(p *parsed, m broker.Message, u *hub.Update) {
	switch p.what {
	case "kept":
		f, ok := readFacts(p.value)
		n := c.at(p.node)
		if !ok || n == nil {
			return
		}
		f.home = homeOf(p.value.Get("home").Text())
		f.sleeps, _ = p.value.Get("sleeps").Bool()
		f.wakes, _ = p.value.Get("wakes").Whole(longestSleep)
		n.facts = f.after(n.facts)
		for x := range p.value.Get("kept").Children() {
			n.add(x.Key(), jsontext.Clip(x.Text(), 12))
		}
		n.rebuild()
		c.announce(n, u)
	case "nodeinfo":
		if f, ok := readFacts(p.value); ok {
			if n := c.at(p.node); n != nil {
				f.home = c.home()
				c.inform(n, f, u)
			}
		}
	case "status":
		if n := c.paths[p.node]; n != nil && len(n.values) > 0 {
			c.status(n, p.value, m, u)
		}
	}
}

// status takes a node's presence: a word, or whether it is available.
func (c *Convention) status(n *node, v jsontext.Value, m broker.Message, u *hub.Update) {
	f := n.facts
	if id, ok := v.Get("nodeId").Whole(65535); ok && f.id == 0 {
		f.id = id
	}
	if f.home == "" {
		f.home = c.home()
	}
	r := devices.Reach{Presence: devices.Online, Why: "zwave-js-ui says that it is there"}
	on, ok := v.Bool()
	if !ok {
		on, ok = v.Get("value").Bool()
	}
	word := v.Get("status").Text()
	f.sleeps = f.sleeps || word == "Asleep" || word == "Awake" // others are alive
	switch {
	case word == "Asleep":
		r = devices.Reach{Presence: devices.Asleep, Why: "zwave-js-ui says that it sleeps"}
	case word == "Dead", ok && !on && word != "Alive" && word != "Awake":
		r = devices.Reach{Presence: devices.Offline, Why: "zwave-js-ui cannot reach it"}
	case !ok && word == "":
		u.Faults = append(u.Faults, hub.Fault{Key: n.key, Topic: m.Topic, Reason: "expected true or false, or an object with a status, got " + v.Said()})
		return
	}
	n.told = true
	c.inform(n, f, u)
	u.Reaches = append(u.Reaches, hub.Reached{Key: n.key, Reach: r})
}

// add notes a value's topic behind the node's, and says whether it is new and means something.
func (n *node) add(topic, unit string) bool {
	if n.index[topic] != nil || len(n.values) >= maxValues {
		return false
	}
	_, at, ok := split("node/" + topic)
	if !ok || len(n.describe(at, unit)) == 0 || slices.ContainsFunc(n.values, func(k known) bool { return k.topic == topic }) {
		return false
	}
	n.values = append(n.values, known{strings.Clone(topic), unit})
	if at.class == multilevelSwitch && (at.property == "Up" || at.property == "Open") {
		n.cover = true
	}
	return true
}

// rebuild makes the bindings of all values anew.
func (n *node) rebuild() {
	n.bindings, n.index = nil, map[string][]int{}
	for _, v := range n.values {
		_, at, _ := split("node/" + v.topic)
		for _, b := range n.describe(at, v.unit) {
			n.index[v.topic] = append(n.index[v.topic], len(n.bindings))
			n.bindings = append(n.bindings, b)
		}
	}
}

// value takes a value.
func (c *Convention) value(p *parsed, m broker.Message, u *hub.Update) {
	if p.at.class == wakeUp {
		c.interval(p, u)
		return
	}
	n := c.paths[p.node]
	v, unit := p.value, ""
	if v.Kind() == jsontext.Object {
		unit = jsontext.Clip(v.Get("unit").Text(), 12)
		v = v.Get("value")
	}
	at, topic, target := p.at, p.at.topic, false
	if current, ok := currents[at.property]; ok { // what a node is on its way to
		topic, target = strings.Replace(topic, "/"+at.property, "/"+current, 1), true
		at.topic, at.property = topic, current
	}
	if n == nil {
		if len((&node{}).describe(at, unit)) == 0 {
			return
		}
		if n = c.at(p.node); n == nil {
			return
		}
	}
	if n.add(topic, unit) {
		n.rebuild()
		c.announce(n, u)
	}
	if !n.told && !m.Retain && len(n.index[topic]) > 0 {
		n.told = true
		u.Reaches = append(u.Reaches, hub.Reached{Key: n.key, Reach: devices.Reach{Presence: devices.Online, Why: "it reports values"}})
	}
	if !v.Is() {
		return
	}
	for _, i := range n.index[topic] {
		b := &n.bindings[i]
		value, want := b.read(v)
		switch {
		case b.property.Momentary && m.Retain || want == nothing:
		case want != "":
			u.Faults = append(u.Faults, hub.Fault{Key: n.key, Topic: m.Topic, Reason: "expected " + want + ", got " + v.Said()})
		case target:
			u.Targets = append(u.Targets, hub.Reported{Key: n.key, Ref: b.ref(), Value: value})
		default:
			u.Readings = append(u.Readings, hub.Reported{Key: n.key, Ref: b.ref(), Value: value})
		}
	}
}
