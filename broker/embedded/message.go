package embedded

import (
	"encoding/binary"
	"slices"
	"time"
)

// message is an application message on its way through the broker. Once it has been routed with a QoS above 0 or was
// retained, it is shared by everybody who keeps it and never changed.
type message struct {
	topic   string
	payload []byte
	props   []byte // encoded MQTT 5 properties that travel with the message: all but expiry, alias and subscription identifiers
	client  string // identifier of the publisher, empty for the hub's own and for retained messages of an earlier life
	expires time.Time
	qos     byte
	retain  bool
	will    bool // it is a will, not published by its client itself

	segment, number uint64 // where it stands in the journal; guarded by the journal's lock
}

func (m *message) expired(now time.Time) bool { return !m.expires.IsZero() && !now.Before(m.expires) }

// stale says that it has expired by now. It asks for the time only if the message can expire.
func (m *message) stale() bool { return !m.expires.IsZero() && m.expired(time.Now()) }

// size is what a kept message is counted as, in bytes.
func (m *message) size() int { return len(m.topic) + len(m.payload) + len(m.props) + 128 }

// outgoing is a PUBLISH as one client gets it.
type outgoing struct {
	*message
	subs   []uint32 // subscription identifiers, MQTT 5 only
	id     uint16   // packet identifier, QoS 1 and 2 only
	alias  uint16   // topic alias, 0 for none; it is given when the packet is put into the outbox
	known  bool     // the client knows the alias already
	level  byte     // the QoS of this delivery
	dup    bool
	replay bool // the retain flag of this delivery
}

// measure returns the length of the properties (MQTT 5) and of the variable part.
func (o *outgoing) measure(v5 bool) (props, body int) {
	body = 2 + len(o.topic) + len(o.payload)
	if o.level > 0 {
		body += 2
	}
	if v5 {
		props = len(o.props)
		if !o.expires.IsZero() {
			props += 5
		}
		if o.alias != 0 {
			props += 3
		}
		for _, id := range o.subs {
			props += 1 + varintSize(int(id))
		}
		body += varintSize(props) + props
	}
	if o.known {
		body -= len(o.topic)
	}
	return props, body
}

// size is the length of the whole packet.
func (o *outgoing) size(v5 bool) int {
	_, body := o.measure(v5)
	return 1 + varintSize(body) + body
}

// append encodes the packet.
func (o *outgoing) append(b []byte, v5 bool) []byte {
	props, body := o.measure(v5)
	first := publishPacket<<4 | o.level<<1
	if o.dup {
		first |= 0x08
	}
	if o.replay {
		first |= 0x01
	}
	b = slices.Grow(b, 5+body)
	b = append(b, first)
	b = appendVarint(b, body)
	if o.known {
		b = append(b, 0, 0)
	} else {
		b = appendText(b, o.topic)
	}
	if o.level > 0 {
		b = binary.BigEndian.AppendUint16(b, o.id)
	}
	if v5 {
		b = appendVarint(b, props)
		if !o.expires.IsZero() { // [MQTT-3.3.2-6]
			left := max(time.Until(o.expires), time.Second)
			b = append(b, messageExpiry)
			b = binary.BigEndian.AppendUint32(b, uint32((left+time.Second-1)/time.Second))
		}
		b = append(b, o.props...)
		if o.alias != 0 {
			b = append(b, topicAlias)
			b = binary.BigEndian.AppendUint16(b, o.alias)
		}
		for _, id := range o.subs {
			b = append(b, subscriptionID)
			b = appendVarint(b, int(id))
		}
	}
	return append(b, o.payload...)
}

// shorthand is the topic aliases that we have set on one connection, at most as many as the client allows. The zero value sets
// none.
type shorthand struct {
	most  int
	known map[string]uint16
}

// maxOutAliases bounds the memory for the aliases of one connection.
const maxOutAliases = 64

// apply gives a message its alias: a new one goes with the topic name, a known one instead of it. limit is the client's greatest
// packet, 0 for none.
func (s *shorthand) apply(o *outgoing, limit uint32) {
	o.alias, o.known = 0, false
	if s.most == 0 {
		return
	}
	if o.alias, o.known = s.known[o.topic], true; o.alias != 0 {
		return
	}
	o.known = false
	if len(s.known) >= s.most {
		return
	}
	if limit > 0 && uint32(o.size(true)+4) > limit {
		return
	}
	if s.known == nil {
		s.known = map[string]uint16{}
	}
	o.alias = uint16(len(s.known) + 1)
	s.known[o.topic] = o.alias
}
