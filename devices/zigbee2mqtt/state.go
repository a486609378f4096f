package zigbee2mqtt

import (
	"fmt"
	"strings"
	"sync"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// maxKeys is how many keys of one state are looked at.
const maxKeys = 2048

// document is a state: the keys and values of one JSON object, as places in its payload.
type document struct {
	valid  bool
	tokens []token
	few    [16]token
}

type token struct {
	keyAt, keyEnd, at, end  uint32
	kind                    kind
	keyEscaped, textEscaped bool
}

// documents are those that were read; Apply gives them back.
var documents = sync.Pool{New: func() any { return &document{} }}

// done gives a document back, unless it has grown beyond what others need.
func (d *document) done() {
	if cap(d.tokens) <= 256 {
		documents.Put(d)
	}
}

// tokenize reads a state. Nested objects are checked, and read when they are needed.
func tokenize(b []byte) *document {
	d := documents.Get().(*document)
	d.valid = false
	if d.tokens = d.tokens[:0]; cap(d.tokens) == 0 {
		d.tokens = d.few[:0]
	}
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' || int64(len(b)) >= 1<<32 {
		return d
	}
	if i = space(b, i+1); i < len(b) && b[i] == '}' {
		d.valid = space(b, i+1) == len(b)
		return d
	}
	for i < len(b) && b[i] == '"' {
		var t token
		end, escaped, ok := quoted(b, i)
		if !ok {
			return d
		}
		t.keyAt, t.keyEnd, t.keyEscaped = uint32(i+1), uint32(end-1), escaped
		if i = space(b, end); i >= len(b) || b[i] != ':' {
			return d
		}
		i = space(b, i+1)
		v, end, ok := value(b, i, 1)
		if !ok {
			return d
		}
		t.at, t.end, t.kind, t.textEscaped = uint32(i), uint32(end), v.kind, v.escaped
		if v.kind == text {
			t.at, t.end = t.at+1, t.end-1
		}
		if len(d.tokens) < maxKeys {
			d.tokens = append(d.tokens, t)
		}
		if i = space(b, end); i >= len(b) {
			return d
		}
		if b[i] == '}' {
			d.valid = space(b, i+1) == len(b)
			return d
		}
		if b[i] != ',' {
			return d
		}
		i = space(b, i+1)
	}
	return d
}

// key and value are a token's, in the payload that it was found in.
func (k *token) key(b []byte) literal   { return literal{text, b[k.keyAt:k.keyEnd], k.keyEscaped} }
func (k *token) value(b []byte) literal { return literal{k.kind, b[k.at:k.end], k.textEscaped} }

// waiting is a value whose reader wants to see the others first.
type waiting struct {
	*reader
	token int
}

// state takes a message that is no bridge's: a state, an availability, one attribute, or nothing that concerns a device.
func (c *Convention) state(m broker.Message, d *document) hub.Update {
	var u hub.Update
	if t := c.topics[m.Topic]; t != nil {
		if t.announced && len(m.Payload) > 0 {
			c.report(t, m, d, &u)
		}
		return u
	}
	i := strings.LastIndexByte(m.Topic, '/')
	if i < 0 {
		return u
	}
	t := c.topics[m.Topic[:i]]
	if t == nil || !t.announced {
		return u
	}
	switch key := m.Topic[i+1:]; {
	case key == "availability":
		if t.available(m, &u); t.said == devices.Online {
			c.askLate(t, &u)
		}
	case key == "set", key == "get", !t.base.attributes:
	default:
		c.attribute(t, m, key, &u)
	}
	return u
}

// report takes a device's state.
func (c *Convention) report(t *thing, m broker.Message, d *document, u *hub.Update) {
	if d == nil {
		d = tokenize(m.Payload)
		defer d.done()
	}
	if !d.valid {
		if !t.bad { // said once, until it can be read again
			t.bad = true
			u.Faults = append(u.Faults, hub.Fault{Key: t.key, Topic: m.Topic, Reason: fmt.Sprintf(
				"expected a state as a JSON object, got %s", short(literal{kind: text, raw: m.Payload}))})
		}
		return
	}
	t.bad = false
	c.found, c.waiting = c.found[:0], c.waiting[:0]
	for i := range d.tokens {
		k := &d.tokens[i]
		key := k.key(m.Payload)
		for _, r := range t.readers(i, key) {
			switch {
			case r.event && m.Retain: // what the broker kept is no event
			case r.late:
				c.waiting = append(c.waiting, waiting{r, i})
			default:
				l := k.value(m.Payload)
				if err := r.apply(l, &c.found); err != nil || r.bad {
					t.complain(r, m, key, l, err, u)
				}
			}
		}
	}
	for _, w := range c.waiting {
		n, k := len(c.found), &d.tokens[w.token]
		l := k.value(m.Payload)
		if err := w.apply(l, &c.found); err != nil || w.bad {
			t.complain(w.reader, m, k.key(m.Payload), l, err, u)
		}
		if len(c.found) > n { // it knows better than what was read of the same property before
			for i := range c.found[:n] {
				if c.found[i].Ref == c.found[n].Ref {
					c.found[i] = c.found[n]
					c.found = c.found[:n]
					break
				}
			}
		}
	}
	c.readings(t, m, u)
}

// attribute takes one value in a topic of its own, as the output mode "attribute" publishes them.
func (c *Convention) attribute(t *thing, m broker.Message, key string, u *hub.Update) {
	c.found = c.found[:0]
	l := plain(m.Payload)
	for _, r := range t.fields[key] {
		if r.event && m.Retain {
			continue
		}
		if err := r.apply(l, &c.found); err != nil || r.bad {
			t.complain(r, m, literal{kind: text, raw: []byte(key)}, l, err, u)
		}
	}
	c.readings(t, m, u)
}

// readings hands over what was found, until the next Apply.
func (c *Convention) readings(t *thing, m broker.Message, u *hub.Update) {
	if len(c.found) == 0 {
		return
	}
	for i := range c.found {
		c.found[i].Key, c.found[i].Replayed = t.key, m.Retain
	}
	u.Readings = c.found
}

// complain notes whether a reader could read, and says so once when it could not.
func (t *thing) complain(r *reader, m broker.Message, key, l literal, err error, u *hub.Update) {
	before := r.bad
	r.bad = err != nil
	if err != nil && !before && len(u.Faults) < 16 {
		u.Faults = append(u.Faults, hub.Fault{Key: t.key, Topic: m.Topic, Reason: fmt.Sprintf("%v at %.60s, got %s", err, key.String(), short(l))})
	}
}

// stateWord is the state in one of its two spellings: {"state":"online"}, and online alone before version 2.
func stateWord(payload []byte) (devices.Presence, bool) {
	l, ok := parse(payload)
	if ok && l.kind == object {
		l = l.get("state")
	} else if !ok {
		l = literal{kind: text, raw: payload}
	}
	switch {
	case l.is("online"):
		return devices.Online, true
	case l.is("offline"):
		return devices.Offline, true
	}
	return "", false
}

// available takes a device's availability.
func (t *thing) available(m broker.Message, u *hub.Update) {
	if len(m.Payload) == 0 {
		t.said = ""
		t.reach(u, true)
		return
	}
	said, ok := stateWord(m.Payload)
	if !ok {
		u.Faults = append(u.Faults, hub.Fault{Key: t.key, Topic: m.Topic, Reason: fmt.Sprintf(
			"expected online or offline, got %s", short(literal{kind: text, raw: m.Payload}))})
		return
	}
	t.said = said
	t.reach(u, true)
}

// reach says what is known of the thing's presence: it needs its bridge, and then its own availability counts. That
// nothing is known is news only if something was.
func (t *thing) reach(u *hub.Update, news bool) {
	p, why := devices.Unknown, ""
	switch {
	case t.base.online == devices.Offline:
		p, why = devices.Offline, "Zigbee2MQTT is offline, says "+t.base.topic+"/bridge/state"
	case t.entry == nil && t.base.online == devices.Online:
		p, why = devices.Online, t.base.topic+"/bridge/state says online"
	case t.entry != nil && t.entry.disabled:
		p, why = devices.Offline, "it is disabled in Zigbee2MQTT"
	case t.said != "":
		p, why = t.said, "availability topic "+t.topic+"/availability says "+string(t.said)
	case !news:
		return
	default:
		why = "Zigbee2MQTT does not tell its availability"
	}
	u.Reaches = append(u.Reaches, hub.Reached{Key: t.key, Reach: devices.Reach{Presence: p, Why: why}})
}
