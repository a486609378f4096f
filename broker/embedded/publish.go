package embedded

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"

	"home.arpa/homehub/broker"
)

// maxAliases is how many topic aliases a client may set on one connection, as many as with Mosquitto; it is announced in CONNACK.
// maxNames bounds a connection's memory of topic names that it has already found valid.
const (
	maxAliases = 10
	maxNames   = 256
)

// names remembers the topic names of one connection's messages: most publishers use the same few over and over.
type names struct {
	limits  *Options // nil: the standard's alone
	known   map[string]*name
	aliases []*name // by alias-1
	last    *name   // of the last message
}

// name is one topic name, and where its messages go.
type name struct {
	topic  string
	course course
}

// find returns the name in b, which does not point into the packet.
func (n *names) find(b []byte) (*name, error) {
	if n.last != nil && n.last.topic == string(b) {
		return n.last, nil
	}
	if known, ok := n.known[string(b)]; ok {
		return known, nil
	}
	if !validText(b) {
		return nil, malformed("a topic name is not valid UTF-8 or has a control character")
	}
	s := string(b)
	if err := checkTopic(s); err != nil {
		return nil, err
	}
	if n.limits != nil && n.limits.topicTooLong(s) {
		return nil, &packetError{topicInvalid, n.limits.topicLimits()}
	}
	if n.known == nil || len(n.known) >= maxNames {
		n.known = map[string]*name{}
	}
	known := &name{topic: s}
	n.known[s] = known
	return known, nil
}

// checkTopic refuses a name that the standard calls malformed, as one with a wildcard [MQTT-3.3.2-2], and one of so many levels that it is
// not accepted here.
func checkTopic(name string) error {
	err := broker.ValidTopic(name)
	switch {
	case err == nil:
		return nil
	case strings.Count(name, "/") >= broker.MaxTopicLevels:
		return &packetError{topicInvalid, err.Error()}
	}
	return malformed(err.Error())
}

// resolve applies a topic alias: it sets the alias when the packet has a topic name, and looks it up when it has none.
func (n *names) resolve(alias int, topic *name) (*name, error) {
	if alias < 1 || alias > maxAliases { // [MQTT-3.3.2-8], [MQTT-3.3.2-9]
		return nil, &packetError{aliasInvalid, "a topic alias that is not between 1 and the announced maximum"}
	}
	if n.aliases == nil {
		n.aliases = make([]*name, maxAliases)
	}
	if topic != nil {
		n.aliases[alias-1] = topic
		return topic, nil
	}
	if topic = n.aliases[alias-1]; topic == nil {
		return nil, violation("a topic alias that was never set")
	}
	return topic, nil
}

// decodePublish reads a PUBLISH packet into m, whose payload and properties point into the packet.
func decodePublish(first byte, body []byte, version byte, n *names, m *message) (id uint16, err error) {
	*m = message{qos: first >> 1 & 3, retain: first&1 != 0}
	switch {
	case m.qos == 3: // [MQTT-3.3.1-4]
		return 0, malformed("a message with QoS 3")
	case m.qos == 0 && first&0x08 != 0: // [MQTT-3.3.1-2]
		return 0, malformed("a message with QoS 0 is marked as a duplicate")
	}
	c := cursor{rest: body}
	text := c.binary()
	if m.qos > 0 {
		if id = c.uint16(); id == 0 && c.bad == nil { // [MQTT-2.2.1-3]
			return 0, violation("a packet identifier is 0")
		}
	}
	alias := 0
	if version == mqtt5 {
		alias = m.readProperties(&c)
	}
	if c.bad != nil {
		return 0, c.bad
	}
	m.payload = c.rest
	var topic *name
	if len(text) > 0 {
		if topic, err = n.find(text); err != nil {
			return 0, err
		}
	} else if alias == 0 {
		return 0, violation("a message without a topic name")
	}
	if alias != 0 {
		if topic, err = n.resolve(alias, topic); err != nil {
			return 0, err
		}
	}
	m.topic, n.last = topic.topic, topic
	return id, nil
}

// readProperties reads the properties of a PUBLISH and returns the topic alias, 0 when there is none, -1 when it is 0.
func (m *message) readProperties(c *cursor) (alias int) {
	if len(c.rest) > 0 && c.rest[0] == 0 { // the usual case
		c.rest = c.rest[1:]
		return 0
	}
	var kept []byte
	c.properties(publishPacket, func(p property) {
		switch p.id {
		case messageExpiry:
			m.expires = time.Now().Add(time.Duration(p.number) * time.Second)
		case topicAlias:
			if alias = int(p.number); alias == 0 {
				alias = -1
			}
		case responseTopic:
			if broker.ValidTopic(string(p.data)) != nil { // [MQTT-3.3.2-14]
				c.fail(violation("the response topic is not a topic name"))
			}
			kept = append(kept, p.raw...)
		default:
			kept = append(kept, p.raw...)
		}
	})
	m.props = kept
	return alias
}

// decodeAck reads PUBACK, PUBREC, PUBREL or PUBCOMP.
func decodeAck(first byte, body []byte, version byte) (id uint16, code byte, err error) {
	kind := first >> 4
	if !validFlags(first, version) {
		return 0, 0, malformed("the flags of an acknowledgement are wrong")
	}
	c := cursor{rest: body}
	if id = c.uint16(); id == 0 && c.bad == nil {
		return 0, 0, violation("a packet identifier is 0")
	}
	if version == mqtt5 && len(c.rest) > 0 {
		if code = c.byte(); !validReason(kind, code) {
			return 0, 0, violation("an acknowledgement with a reason code that does not belong to it")
		}
		if len(c.rest) > 0 {
			c.properties(kind, nil)
		}
	}
	if c.bad == nil && len(c.rest) > 0 {
		c.fail(malformed("bytes follow the end of an acknowledgement"))
	}
	return id, code, c.bad
}

// validReason says whether an acknowledgement may have a reason code [MQTT-3.4.2-1], [MQTT-3.6.2-1].
func validReason(kind, code byte) bool {
	if kind == pubrelPacket || kind == pubcompPacket {
		return code == success || code == packetIDNotFound
	}
	return bytes.IndexByte([]byte{success, noMatchingSubscribers, unspecifiedError, 0x83, notAuthorized, topicInvalid, 0x91, quotaExceeded, 0x99}, code) >= 0
}

// appendAck encodes PUBACK, PUBREC, PUBREL or PUBCOMP; a reason code other than success is for MQTT 5 only.
func appendAck(b []byte, kind byte, id uint16, version, code byte) []byte {
	first := kind << 4
	if kind == pubrelPacket {
		first |= 2
	}
	if version == mqtt5 && code != success {
		b = append(b, first, 3)
		b = binary.BigEndian.AppendUint16(b, id)
		return append(b, code)
	}
	b = append(b, first, 2)
	return binary.BigEndian.AppendUint16(b, id)
}
