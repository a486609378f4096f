package homie

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// tree is a device in Homie 2 to 4, which describes itself in retained attributes, one a message, in any order.
type tree struct {
	known
	root, id   string
	attributes map[string]string         // by the topic below the device: engine/temperature/$unit
	values     map[string]broker.Message // by topic, of properties that are not announced yet
	size       int                       // of both, in bytes
	state      string                    // its $state, empty while unknown
	lacking    string                    // the attribute that was found missing last
	changed    bool                      // there are attributes that were not told to the hub
}

func (t *tree) base() string { return t.root + "/" + t.id }

// key names the device. It cannot be that of one in Homie 5.
func (t *tree) key() string { return t.root + "/4/" + t.id }

// baseOf is the base topic of the device with a key, empty if that is no key of a tree.
func baseOf(key string) string {
	root, id, ok := strings.Cut(key, "/4/")
	if !ok {
		return ""
	}
	return root + "/" + id
}

// branches are the subscriptions for one device. The deepest are replayed first, so that what describes the properties is there when the
// device's $state comes. What lies deeper, such as firmware to be installed, is not wanted.
func (t *tree) branches() []string {
	return []string{t.base() + "/+/+/+", t.base() + "/+/+", t.base() + "/+"}
}

// announces says whether a topic is the one by which a device of the older versions is found.
func (c *Convention) announces(topic string) (root, id string, ok bool) {
	attribute := "/$homie"
	if c.only != "" {
		attribute = "/$implementation"
	}
	base, ok := strings.CutSuffix(topic, attribute)
	if !ok {
		return "", "", false
	}
	root, id, ok = strings.Cut(base, "/")
	if !ok || root == "" || root == Own || root[0] == '$' || id == "" || id == "5" || id[0] == '$' || strings.Contains(id, "/") {
		return "", "", false
	}
	return root, id, c.only != "" || !elsewhere[root]
}

// find reads that there is a device.
func (c *Convention) find(root, id string, m broker.Message) hub.Parsed {
	p := hub.Parsed{Content: found{root, id}}
	if c.wants(m.Payload) {
		for _, f := range (&tree{root: root, id: id}).branches() {
			p.Subscribe = append(p.Subscribe, broker.Subscription{Filter: f, QoS: 1})
		}
	}
	return p
}

// wants says whether the payload by which a device is found makes it one of ours.
func (c *Convention) wants(payload []byte) bool {
	if c.only != "" {
		return string(payload) == c.only
	}
	return len(payload) > 1 && payload[0] >= '2' && payload[0] <= '4' && payload[1] == '.'
}

// discover applies that there is a device, or that there is none any more.
func (c *Convention) discover(m broker.Message, f found) hub.Update {
	base := f.root + "/" + f.id
	t := c.trees[base]
	if !c.wants(m.Payload) {
		var u hub.Update
		if t != nil {
			u = c.fell(t)
		}
		if len(m.Payload) > 0 && c.only == "" {
			u.Faults = append(u.Faults, hub.Fault{Topic: m.Topic, Reason: fmt.Sprintf("expected version 2 to 4 of homie, got %.40q", m.Payload)})
		}
		return u
	}
	var u hub.Update
	if t == nil {
		if len(c.devices)+len(c.trees) >= maxDevices {
			return fault("", m.Topic, fmt.Sprintf("more than %d devices", maxDevices))
		}
		t = &tree{root: f.root, id: f.id, attributes: map[string]string{}, values: map[string]broker.Message{}}
		c.trees[base] = t
		c.partial.add(t)
		u = c.thin(t)
	}
	return join(u, c.grow(t, m.Topic[len(base)+1:], m))
}

// treeOf finds the device below whose base a topic lies, and the rest of the topic.
func (c *Convention) treeOf(topic string) (t *tree, path string) {
	if len(c.trees) == 0 {
		return nil, ""
	}
	i := strings.IndexByte(topic, '/')
	if i < 0 {
		return nil, ""
	}
	j := strings.IndexByte(topic[i+1:], '/')
	if j < 0 {
		return nil, ""
	}
	j += i + 1
	if t = c.trees[topic[:j]]; t == nil {
		return nil, ""
	}
	return t, topic[j+1:]
}

// grow takes a message below a device's base, other than the value of an announced property.
func (c *Convention) grow(t *tree, path string, m broker.Message) hub.Update {
	kind := classify(path)
	switch {
	case kind == nothing, c.skips(path):
		return hub.Update{}
	case len(m.Payload) > maxAttribute:
		return t.fault(m.Topic, fmt.Sprintf("expected at most %d bytes, got %d", maxAttribute, len(m.Payload)))
	case !utf8.Valid(m.Payload):
		return t.fault(m.Topic, errUTF8.Error())
	case kind == life:
		return c.treeState(t, path, m)
	case kind == statistic || kind == value:
		return c.treeValue(t, kind, path, m)
	case path == "$homie" && len(m.Payload) == 0:
		return c.fell(t)
	case path == "$implementation" && c.only == "" && elsewhere[string(m.Payload)]:
		return c.fell(t)
	}
	if t.announced != nil && t.size+len(path)+len(m.Payload) > maxTree {
		return t.fault(m.Topic, fmt.Sprintf("expected a description of at most %d bytes, got more", maxTree))
	}
	payload := string(m.Payload)
	if path == "$nodes" {
		payload = strings.Join(slices.DeleteFunc(strings.Split(payload, ","), c.skips), ",")
	}
	if !c.note(t, path, payload) {
		return hub.Update{}
	}
	return c.settle(t, false)
}

// settle drops what is too much, and announces the device if it is still there and whole.
func (c *Convention) settle(t *tree, said bool) hub.Update {
	u := c.thin(t)
	if c.trees[t.base()] != t {
		return u
	}
	return join(u, c.consider(t, said))
}

// skips says whether a topic belongs to a node that is not to be read.
func (c *Convention) skips(path string) bool {
	node, _, _ := strings.Cut(path, "/")
	return slices.Contains(c.without, node)
}

// note keeps an attribute, and says whether it is news. An empty list is one; anything else that is empty was taken back.
func (c *Convention) note(t *tree, path, s string) bool {
	old, known := t.attributes[path]
	list := strings.HasSuffix(path, "$nodes") || strings.HasSuffix(path, "$properties")
	switch {
	case known && old == s, !known && s == "" && !list:
		return false
	case s == "" && !list:
		delete(t.attributes, path)
		c.weigh(t, -len(path)-len(old))
	default:
		t.attributes[path] = s
		c.weigh(t, len(s)-len(old))
		if !known {
			c.weigh(t, len(path))
		}
	}
	if list {
		t.lacking = ""
	}
	t.changed = true
	return true
}

func (c *Convention) weigh(t *tree, by int) {
	t.size += by
	if t.announced == nil {
		c.partial.size += by
	}
}

// treeState takes a $state, or the $online of version 2.
func (c *Convention) treeState(t *tree, path string, m broker.Message) hub.Update {
	state := string(m.Payload)
	if path == "$online" {
		state = map[string]string{"true": ready, "false": lost, "": ""}[state]
		if state == "" && len(m.Payload) > 0 {
			return t.fault(m.Topic, fmt.Sprintf("expected true or false, got %.40q", m.Payload))
		}
	}
	if state == "" {
		return c.fell(t)
	}
	r, ok := treeReaches[state]
	if !ok {
		return t.fault(m.Topic, fmt.Sprintf("expected one of init, ready, disconnected, sleeping, lost and alert, got %.40q", state))
	}
	t.state = state
	u := c.consider(t, !m.Retain && r.Presence != devices.Offline) // one that is starting is not considered
	if t.announced != nil && len(u.Reaches) == 0 {
		u.Reaches = append(u.Reaches, hub.Reached{Key: t.key(), Reach: r})
	}
	return u
}

// treeReaches says what a $state means before Homie 5.
var treeReaches = map[string]devices.Reach{
	starting: reaches[starting], ready: reaches[ready], disconnected: reaches[disconnected], sleeping: reaches[sleeping], lost: reaches[lost],
	alert: {Presence: devices.Online, Why: "it is connected, but says that something is wrong with it"},
}

// treeValue takes a value of a property that is not announced: it is early, or a mistake.
func (c *Convention) treeValue(t *tree, kind topicKind, path string, m broker.Message) hub.Update {
	if name := strings.TrimPrefix(path, "$stats/"); kind == statistic && !t.lists(name) && len(m.Payload) > 0 {
		c.note(t, "$stats", strings.TrimPrefix(t.attributes["$stats"]+","+name, ",")) // not all list them
	}
	// Who is ready and reports has said all that it says of itself.
	said := !m.Retain && t.state != starting && treeReaches[t.state].Presence != devices.Offline
	if t.announced != nil {
		u := c.consider(t, said)
		if len(u.Devices) > 0 && c.topics[m.Topic] != nil {
			return join(u, c.value(m, c.topics[m.Topic]))
		}
		if kind == value && t.state == ready && !m.Retain && len(m.Payload) > 0 && !t.changed {
			u = join(u, t.fault(m.Topic, "the device does not announce this property"))
		}
		return u
	}
	old, known := t.values[m.Topic]
	if len(t.values) < maxProperties || known {
		t.values[m.Topic] = m
		c.weigh(t, len(m.Payload)-len(old.Payload))
		if !known {
			c.weigh(t, len(m.Topic))
		}
	}
	return c.settle(t, said)
}

// consider announces the device if it is whole and there is something to say. said: the device has just shown that it has said all.
func (c *Convention) consider(t *tree, said bool) hub.Update {
	switch {
	case t.state == "", t.state == starting, t.announced != nil && !t.changed, t.lacks() != "" && !(said && t.begun()):
		return hub.Update{}
	}
	first := t.announced == nil
	if first {
		c.partial.remove(t)
	}
	a, silence := t.announcement(c.name)
	c.bind(&t.known, a)
	t.changed = false
	u := hub.Update{Devices: []hub.Announced{{
		Key: a.key, Device: a.device.Clone(), Availability: true, Sources: a.sources, Silence: silence,
	}}}
	for _, reason := range a.faults {
		u.Faults = append(u.Faults, hub.Fault{Key: a.key, Topic: t.base(), Reason: reason})
	}
	if !first {
		return u
	}
	u.Reaches = append(u.Reaches, hub.Reached{Key: a.key, Reach: treeReaches[t.state]})
	early := t.values
	t.values = map[string]broker.Message{}
	for _, b := range a.bindings { // in an order that does not change
		if m, ok := early[b.topic]; ok && !b.property.Momentary {
			u = join(u, c.value(m, []*binding{b}))
		}
	}
	return u
}

// fell drops a device that was taken back, or that is none of ours.
func (c *Convention) fell(t *tree) hub.Update {
	u := hub.Update{Unsubscribe: t.branches()}
	if t.announced != nil {
		u.Gone = []string{t.key()}
	} else {
		c.partial.remove(t)
	}
	c.unbind(&t.known)
	delete(c.trees, t.base())
	return u
}

// fault says that a message of the device was not understood.
func (t *tree) fault(topic, reason string) hub.Update {
	key := ""
	if t.announced != nil {
		key = t.key()
	}
	return fault(key, topic, reason)
}
