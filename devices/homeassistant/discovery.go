package homeassistant

import (
	"fmt"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/template"
)

// maxComponents is the number of components in one device's message.
const maxComponents = 1000

// discovery is what one discovery message says.
type discovery struct {
	message broker.Message // without its client, retained
	remove  bool           // an empty payload
	ignore  bool           // our own announcement
	owner   owner          // of all entities
	migrate bool           // its entities may be taken over by another topic
	origin  string         // the name of the program that announces
	// entities are those that were understood; faults says what was not, also of parts of entities.
	entities  []*entity
	faults    []string
	templates *template.Cache
}

// subscriptions are the topics by which the entities report.
func (d *discovery) subscriptions() []broker.Subscription {
	seen := map[string]int{}
	var out []broker.Subscription
	add := func(filter string, qos byte) {
		if i, ok := seen[filter]; ok {
			out[i].QoS = max(out[i].QoS, qos)
			return
		}
		seen[filter] = len(out)
		out = append(out, broker.Subscription{Filter: filter, QoS: qos})
	}
	for _, e := range d.entities {
		for _, r := range e.readers {
			add(r.filter, e.qos)
		}
		for _, s := range e.sources {
			add(s.topic, e.qos)
		}
	}
	return out
}

// discoveryTopic is <prefix>/<component>/[<node>/]<object>/config, cut up.
type discoveryTopic struct{ component, node, object string }

func (c *Convention) discoveryTopic(topic string) (discoveryTopic, bool) {
	rest, ok := strings.CutPrefix(topic, c.prefix)
	if !ok || rest == "" || rest[0] != '/' {
		return discoveryTopic{}, false
	}
	rest, ok = strings.CutSuffix(rest[1:], "/config")
	if !ok {
		return discoveryTopic{}, false
	}
	parts := strings.Split(rest, "/")
	switch len(parts) {
	case 2:
		return discoveryTopic{component: parts[0], object: parts[1]}, true
	case 3:
		return discoveryTopic{parts[0], parts[1], parts[2]}, true
	}
	return discoveryTopic{}, false
}

// id is what the topic's node and object name together.
func (t discoveryTopic) id() string {
	if t.node == "" {
		return t.object
	}
	return t.node + " " + t.object
}

func (t discoveryTopic) valid() bool {
	for _, r := range t.component + t.node + t.object {
		if !(r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return false
		}
	}
	return t.component != "" && t.object != ""
}

func (d *discovery) fault(format string, args ...any) {
	d.faults = append(d.faults, fmt.Sprintf(format, args...))
}

// discover reads a discovery message.
func discover(t discoveryTopic, m broker.Message, doc *template.Document, templates *template.Cache) *discovery {
	d := &discovery{message: broker.Message{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: true}, templates: templates}
	if len(m.Payload) == 0 {
		d.remove = true
		return d
	}
	if !t.valid() {
		d.fault("expected a topic whose parts hold letters, digits, _ and - only, got %.80q", m.Topic)
		return d
	}
	if doc.JSON().Kind() != template.Dict {
		d.fault("%v", expected("a JSON object", template.Of(doc.Text())))
		return d
	}
	top := expand(doc.JSON(), entityKeys)
	d.migrate = top["migrate_discovery"].Truth()
	origin := expand(top["origin"], originKeys)
	if d.origin = origin.text("name", ""); d.origin == ownOrigin {
		d.ignore = true
		return d
	}
	var own owner
	if block := top["device"]; block.Kind() == template.Dict {
		own = readOwner(block)
	}
	d.owner = own
	if t.component != "device" {
		if d.migrate && len(top) <= 2 {
			return d
		}
		top.rebase()
		prefixes := []string{t.node, own.name, strings.Trim(top.text("~", ""), "/")}
		d.entity(t.component, t.id(), t.object, top, own, prefixes)
		return d
	}
	if components := top["components"]; components.Kind() == template.Dict {
		d.components(t, top, components, own)
	} else if !d.migrate {
		d.fault("expected a JSON object at components, got %.60q", top.text("components", ""))
	}
	return d
}

// components reads the components of a device's message.
func (d *discovery) components(t discoveryTopic, top config, components template.Value, own owner) {
	if len(own.handles()) == 0 {
		own.identifiers = []string{t.id()} // required, and yet the device is known by its topic
	}
	for i := range components.Len() {
		if i >= maxComponents {
			d.fault("only the first %d of %d components are taken", maxComponents, components.Len())
			break
		}
		key := strings.TrimSpace(components.Key(i))
		if components.At(i).Kind() != template.Dict {
			d.fault("expected a JSON object at components.%s, got %.60q", key, components.At(i).Text())
			continue
		}
		c := expand(components.At(i), entityKeys)
		platform := c.text("platform", "")
		if platform == "" {
			d.fault("expected a platform such as sensor at components.%s, got none", key)
			continue
		}
		if len(c) == 1 {
			continue // that is how one component is removed
		}
		c.inherit(top)
		c.rebase()
		before := len(d.entities)
		d.entity(platform, t.id()+" "+key, key, c, own, []string{t.object, t.node, own.name})
		if len(d.entities) > before && !looksLikeAddress(t.object) {
			d.entities[before].deviceWish = devices.Slug(t.object)
		}
	}
}

// looksLikeAddress says whether a name holds an address or a serial number rather than words.
func looksLikeAddress(s string) bool {
	for _, word := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '-' || r == '_' }) {
		word = strings.TrimPrefix(word, "0x")
		if len(word) >= 6 && strings.Trim(word, "0123456789abcdef") == "" && strings.ContainsAny(word, "0123456789") {
			return true
		}
	}
	return false
}

// entity reads one component's configuration. prefixes are names that need not be repeated in the component's ID.
func (d *discovery) entity(component, id, object string, c config, own owner, prefixes []string) {
	build, ok := builders[component]
	if !ok {
		d.fault("expected a kind of component that is understood, got %q", component)
		return
	}
	b := &builder{config: c, discovery: d, entity: &entity{
		id: component + "/" + id, topic: d.message.Topic, owner: own, writers: map[string]writer{},
		qos: byte(min(max(c.numberOr("qos", 0), 0), 1)), name: c.text("name", ""),
	}}
	switch category := c.text("entity_category", ""); category {
	case "config", "diagnostic":
		b.category = category
	}
	b.hidden = b.has("enabled_by_default") && !b.yes("enabled_by_default")
	b.readEncoding()
	if len(own.handles()) == 0 {
		if unique := c.text("unique_id", ""); unique != "" {
			b.soleKey = "unique:" + unique
		} else {
			b.soleKey = "entity:" + b.id
		}
		if own.name == "" {
			b.owner.name = b.name
		}
		if b.owner.name == "" {
			b.owner.name = strings.ReplaceAll(object, "_", " ")
		}
		if !looksLikeAddress(object) {
			b.deviceWish = devices.Slug(object)
		}
		prefixes = append(prefixes, object)
	}
	build(b)
	if len(b.properties) == 0 {
		if len(d.faults) == 0 || !b.failed {
			d.fault("%s: expected a topic to report on or to hear commands on, got none", component)
		}
		return
	}
	b.findToggles()
	b.readsAttributes()
	b.availability()
	b.entity.native = native(d.origin, b.owner, b.entity)
	if b.wish = b.group; b.wish == "" {
		b.wish = componentID(object, string(b.kind), append(prefixes, own.identifiers...))
	}
	d.entities = append(d.entities, b.entity)
}

// componentID is the object's slug without the names of its device in front, which people see anyway.
func componentID(object, kind string, prefixes []string) string {
	id := devices.Slug(object)
	for again := true; again; {
		again = false
		for _, p := range prefixes {
			p = devices.Slug(p)
			if p == "" {
				continue
			}
			if id == p {
				id = ""
			} else if rest, ok := strings.CutPrefix(id, p+"-"); ok {
				id, again = rest, true
			}
		}
	}
	switch {
	case id == "":
		return devices.Slug(kind)
	case strings.Trim(id, "0123456789-") == "":
		return cut(devices.Slug(kind)+"-"+id, 64)
	}
	return id
}

func cut(s string, n int) string { return strings.TrimRight(s[:min(n, len(s))], "-") }
