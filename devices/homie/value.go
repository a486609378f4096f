package homie

import (
	"errors"
	"strings"
	"unicode/utf8"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// value reads a property's value. An empty payload says only that the topic was deleted.
func (c *Convention) value(m broker.Message, bindings []*binding) hub.Update {
	var u hub.Update
	if len(m.Payload) == 0 {
		return u
	}
	for _, b := range bindings {
		if b.set || b.property.Momentary && m.Retain {
			continue // an event that was kept is over
		}
		v, err := b.read(m.Payload)
		if err != nil {
			return fault(b.key, m.Topic, err.Error())
		}
		if !v.IsZero() {
			u.Readings = append(u.Readings, hub.Reported{Key: b.key, Ref: b.ref, Value: v, Replayed: m.Retain})
		}
	}
	return u
}

// target reads a value that the device is on its way to; a deleted one becomes no value.
func (c *Convention) target(m broker.Message, bindings []*binding) hub.Update {
	var u hub.Update
	for _, b := range bindings {
		if b.set || b.property.Momentary {
			continue
		}
		var v devices.Value
		if len(m.Payload) > 0 {
			var err error
			if v, err = b.read(m.Payload); err != nil {
				return fault(b.key, m.Topic, err.Error())
			}
			if v.IsZero() {
				continue
			}
		}
		u.Targets = append(u.Targets, hub.Reported{Key: b.key, Ref: b.ref, Value: v, Replayed: m.Retain})
	}
	return u
}

var errUTF8 = errors.New("it is not valid UTF-8")

func (b *binding) read(data []byte) (devices.Value, error) {
	if !utf8.Valid(data) {
		return devices.Value{}, errUTF8
	}
	return b.codec.decode(text(data))
}

// stray looks at a message that belongs to no described property: it may be early, or a mistake, or an alert or a line of the log.
func (c *Convention) stray(m broker.Message) hub.Update {
	domain, id, rest, ok := split(m.Topic)
	if !ok || !validID(id) {
		return hub.Update{}
	}
	if strings.HasPrefix(rest, "$") {
		return c.hearAside(keyOf(domain, id), rest, m)
	}
	if len(m.Payload) == 0 {
		return hub.Update{}
	}
	node, rest, _ := strings.Cut(rest, "/")
	name, attribute, _ := strings.Cut(rest, "/")
	if !validID(node) || !validID(name) || attribute != "" && attribute != "$target" {
		return hub.Update{} // /set and the like: none of ours
	}
	c.early.put(m)
	if d := c.devices[keyOf(domain, id)]; d != nil && d.announced != nil && d.state == ready {
		return fault(keyOf(domain, id), m.Topic, "the device's description does not have this property")
	}
	return hub.Update{}
}

// What early holds at most. When it is full the oldest message goes: the broker replays what was kept as soon as the
// description is there, so only what was not kept would be missed.
const (
	maxEarly       = 1024
	maxEarlyLength = 4096
)

// early keeps the last message of each value topic that came before its description.
type early struct {
	order  []string
	latest map[string]broker.Message
}

func (e *early) put(m broker.Message) {
	if len(m.Payload) > maxEarlyLength {
		return
	}
	if e.latest == nil {
		e.latest = map[string]broker.Message{}
	}
	if _, ok := e.latest[m.Topic]; !ok {
		if len(e.order) == maxEarly {
			delete(e.latest, e.order[0])
			e.order = append(e.order[:0], e.order[1:]...)
		}
		e.order = append(e.order, m.Topic)
	}
	e.latest[m.Topic] = m
}

// take removes and returns the messages whose topics begin with prefix, oldest topic first.
func (e *early) take(prefix string) []broker.Message {
	var found []broker.Message
	kept := e.order[:0]
	for _, topic := range e.order {
		if strings.HasPrefix(topic, prefix) {
			found = append(found, e.latest[topic])
			delete(e.latest, topic)
		} else {
			kept = append(kept, topic)
		}
	}
	e.order = kept
	return found
}
