// Package load is a cheap MQTT client many times over: it loads a broker, counts what comes back, and measures what that cost the
// broker. One goroutine serves all connections over one epoll set, with one read for each socket that is ready and one write
// for each batch, so that the generator costs much less than the broker that it drives.
//
// The benchmark calls it. It speaks MQTT 3.1.1 to brokers on this machine only, knows no broker by name, and starts nothing. It
// is for Linux; elsewhere only the encoding of packets is left of it.
package load

import "encoding/binary"

// The types of packets [MQTT-2.1.2].
const (
	connectPacket    = 1
	connackPacket    = 2
	publishPacket    = 3
	pubackPacket     = 4
	pubrecPacket     = 5
	pubrelPacket     = 6
	pubcompPacket    = 7
	subscribePacket  = 8
	subackPacket     = 9
	pingreqPacket    = 12
	pingrespPacket   = 13
	disconnectPacket = 14
)

// Login is who connects, and how.
type Login struct {
	// Client is the client identifier.
	Client string
	// User and Password; an empty User: none.
	User, Password string
	// Persistent sessions outlive their connection.
	Persistent bool
	// KeepAlive is in seconds, 0: none.
	KeepAlive uint16
}

func appendVarint(b []byte, n int) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

func appendConnect(b []byte, l Login) []byte {
	var flags byte
	if !l.Persistent {
		flags |= 0x02
	}
	if l.User != "" {
		flags |= 0xC0
	}
	body := appendText(nil, "MQTT")
	body = append(body, 4, flags)
	body = binary.BigEndian.AppendUint16(body, l.KeepAlive)
	body = appendText(body, l.Client)
	if l.User != "" {
		body = appendText(body, l.User)
		body = appendText(body, l.Password)
	}
	b = appendVarint(append(b, connectPacket<<4), len(body))
	return append(b, body...)
}

func appendSubscribe(b []byte, id uint16, filter string, qos byte) []byte {
	b = appendVarint(append(b, subscribePacket<<4|2), 2+2+len(filter)+1)
	b = binary.BigEndian.AppendUint16(b, id)
	b = appendText(b, filter)
	return append(b, qos)
}

// appendAck encodes PUBACK, PUBREC, PUBREL or PUBCOMP.
func appendAck(b []byte, kind byte, id uint16) []byte {
	first := kind << 4
	if kind == pubrelPacket {
		first |= 2
	}
	return append(b, first, 2, byte(id>>8), byte(id))
}

// stamp is what the first bytes of each payload say, so that the receiver knows what it has got.
type stamp struct {
	publisher uint32
	sequence  uint64 // of the publisher's, from 1
	sent      int64  // nanoseconds since the generator's start
}

// stampSize is its length, and so the shortest payload.
const stampSize = 20

// template is an encoded PUBLISH: a message costs one copy of it and a few bytes filled in.
type template struct {
	packet  []byte
	id      int // where the packet identifier is, 0: nowhere (QoS 0)
	payload int // where the payload begins
}

func newTemplate(topic string, qos byte, retain bool, payload []byte) template {
	size := 2 + len(topic) + len(payload)
	if qos > 0 {
		size += 2
	}
	first := publishPacket<<4 | qos<<1
	if retain {
		first |= 1
	}
	var t template
	t.packet = appendVarint(append(t.packet, first), size)
	t.packet = appendText(t.packet, topic)
	if qos > 0 {
		t.id = len(t.packet)
		t.packet = append(t.packet, 0, 0)
	}
	t.payload = len(t.packet)
	t.packet = append(t.packet, payload...)
	return t
}

func (t *template) append(b []byte, id uint16, s stamp) []byte {
	at := len(b)
	b = append(b, t.packet...)
	packet := b[at:]
	if t.id > 0 {
		binary.BigEndian.PutUint16(packet[t.id:], id)
	}
	payload := packet[t.payload:]
	binary.BigEndian.PutUint32(payload, s.publisher)
	binary.BigEndian.PutUint64(payload[4:], s.sequence)
	binary.BigEndian.PutUint64(payload[12:], uint64(s.sent))
	return b
}

// split cuts the first packet off b. used is 0 when b holds no whole packet, -1 when it makes no sense.
func split(b []byte) (first byte, body []byte, used int) {
	if len(b) < 2 {
		return 0, nil, 0
	}
	size := 0
	for i := 1; i < 5; i++ {
		if i >= len(b) {
			return 0, nil, 0
		}
		size |= int(b[i]&0x7F) << (7 * (i - 1))
		if b[i] < 0x80 {
			end := i + 1 + size
			if len(b) < end {
				return 0, nil, 0
			}
			return b[0], b[i+1 : end], end
		}
	}
	return 0, nil, -1
}

// decodePublish returns the packet identifier (0 with QoS 0) and the stamp of a PUBLISH. A payload that is shorter than a stamp
// has none.
func decodePublish(first byte, body []byte) (id uint16, s stamp, stamped, ok bool) {
	if len(body) < 2 {
		return 0, stamp{}, false, false
	}
	at := 2 + int(binary.BigEndian.Uint16(body))
	if first&0x06 != 0 {
		if len(body) < at+2 {
			return 0, stamp{}, false, false
		}
		id = binary.BigEndian.Uint16(body[at:])
		at += 2
	}
	if len(body) < at {
		return 0, stamp{}, false, false
	}
	payload := body[at:]
	if len(payload) < stampSize {
		return id, stamp{}, false, true
	}
	return id, stamp{
		publisher: binary.BigEndian.Uint32(payload),
		sequence:  binary.BigEndian.Uint64(payload[4:]),
		sent:      int64(binary.BigEndian.Uint64(payload[12:])),
	}, true, true
}
