package outage

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The packet types of MQTT, as far as a witness sends or understands them.
const (
	connectPacket    byte = 1
	connackPacket    byte = 2
	publishPacket    byte = 3
	pubackPacket     byte = 4
	pubrecPacket     byte = 5
	pubrelPacket     byte = 6
	pubcompPacket    byte = 7
	subscribePacket  byte = 8
	subackPacket     byte = 9
	pingreqPacket    byte = 12
	pingrespPacket   byte = 13
	disconnectPacket byte = 14
)

// The protocol versions that witnesses speak.
const (
	mqtt311 byte = 4
	mqtt5   byte = 5
)

// Reason codes of MQTT 5 that matter here. From failure on they say no.
const (
	disconnectWithWill byte = 0x04
	failure            byte = 0x80
	packetIDNotFound   byte = 0x92
)

// maxPacket bounds what a witness reads, in bytes: nothing that it asked for is greater.
const maxPacket = 4 << 20

var errMalformed = errors.New("malformed packet")

// packet is a packet from the broker.
type packet struct {
	kind    byte
	id      uint16 // packet identifier, 0 for what has none
	code    byte   // the reason code of CONNACK, DISCONNECT and the acknowledgements
	present bool   // CONNACK: there was a session
	window  uint16 // CONNACK: the broker's Receive Maximum
	codes   []byte // SUBACK

	topic   string // PUBLISH
	payload []byte
	qos     byte
	dup     bool
	retain  bool
}

// readPacket reads the next packet. The payload of a PUBLISH is the caller's.
func readPacket(r *bufio.Reader, version byte) (packet, error) {
	first, err := r.ReadByte()
	if err != nil {
		return packet{}, err
	}
	size, err := binary.ReadUvarint(r)
	if err != nil {
		return packet{}, err
	}
	if size > maxPacket {
		return packet{}, fmt.Errorf("reading a packet of %d bytes: %w", size, errMalformed)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return packet{}, err
	}
	return decode(first, body, version)
}

// decode reads the variable part of a packet from the broker.
func decode(first byte, body []byte, version byte) (packet, error) {
	p := packet{kind: first >> 4}
	b := fields{rest: body}
	switch p.kind {
	case connackPacket:
		p.present = b.byte()&1 != 0
		p.code = b.byte()
		p.window = 65535
		if version == mqtt5 {
			b.properties(func(id byte, value []byte) {
				if id == 0x21 {
					p.window = binary.BigEndian.Uint16(value)
				}
			})
		}
	case publishPacket:
		p.dup, p.qos, p.retain = first&8 != 0, first>>1&3, first&1 != 0
		p.topic = string(b.text())
		if p.qos > 0 {
			p.id = b.uint16()
		}
		if version == mqtt5 {
			b.properties(nil)
		}
		p.payload = b.rest
	case pubackPacket, pubrecPacket, pubrelPacket, pubcompPacket:
		p.id = b.uint16()
		if len(b.rest) > 0 {
			p.code = b.byte()
		}
	case subackPacket:
		p.id = b.uint16()
		if version == mqtt5 {
			b.properties(nil)
		}
		p.codes = b.rest
	case disconnectPacket:
		if len(b.rest) > 0 {
			p.code = b.byte()
		}
	case pingrespPacket:
	default:
		return p, fmt.Errorf("reading a packet of type %d: %w", p.kind, errMalformed)
	}
	if b.short || p.qos == 3 {
		return p, fmt.Errorf("reading a packet of type %d: %w", p.kind, errMalformed)
	}
	return p, nil
}

// fields takes the fields of a packet off one by one; short says that one was not there.
type fields struct {
	rest  []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if n > len(f.rest) {
		f.short, f.rest = true, nil
		return make([]byte, min(n, 8))
	}
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) byte() byte     { return f.take(1)[0] }
func (f *fields) uint16() uint16 { return binary.BigEndian.Uint16(f.take(2)) }
func (f *fields) text() []byte   { return f.take(int(f.uint16())) }

// propertySizes are the sizes of MQTT 5's properties by their identifiers (section 2.2.2.2), in bytes; 0 is a text or binary data
// with its length before it, -1 a variable byte integer, -2 a pair of texts.
var propertySizes = map[byte]int{
	0x01: 1, 0x02: 4, 0x03: 0, 0x08: 0, 0x09: 0, 0x0B: -1, 0x11: 4, 0x12: 0, 0x13: 2, 0x15: 0, 0x16: 0, 0x17: 1, 0x18: 4, 0x19: 1,
	0x1A: 0, 0x1C: 0, 0x1F: 0, 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1, 0x25: 1, 0x26: -2, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1,
}

// properties reads a block of properties and hands those of a fixed size to see, if that is not nil.
func (f *fields) properties(see func(id byte, value []byte)) {
	size, n := binary.Uvarint(f.rest)
	if n <= 0 || size > uint64(len(f.rest)-n) {
		f.short, f.rest = true, nil
		return
	}
	block := fields{rest: f.rest[n : n+int(size)]}
	f.rest = f.rest[n+int(size):]
	for len(block.rest) > 0 && !block.short {
		id := block.byte()
		width, known := propertySizes[id]
		switch {
		case !known:
			block.short = true
		case width > 0:
			if value := block.take(width); see != nil && !block.short {
				see(id, value)
			}
		case width == -1:
			_, n := binary.Uvarint(block.rest)
			block.take(max(n, 1))
		default:
			block.text()
			if width == -2 {
				block.text()
			}
		}
	}
	f.short = f.short || block.short
}

// lastWords is a will as CONNECT spells it.
type lastWords struct {
	topic   string
	payload string
	qos     byte
	delay   uint32 // in seconds; MQTT 5 only
}

// connect is a CONNECT packet.
type connect struct {
	version byte
	id      string
	expiry  uint32 // how long the session outlives the connection, in seconds; 0: it begins and ends with it
	window  uint16 // Receive Maximum, 0 for none; MQTT 5 only
	will    *lastWords
}

// keepAlive is what every witness announces, in seconds.
const keepAlive = 60

func (c connect) encode() []byte {
	var flags byte
	if c.expiry == 0 {
		flags |= 0x02
	}
	if c.will != nil {
		flags |= 0x04 | c.will.qos<<3
	}
	body := appendText(nil, "MQTT")
	body = append(body, c.version, flags, 0, keepAlive)
	if c.version == mqtt5 {
		var props []byte
		if c.expiry > 0 {
			props = binary.BigEndian.AppendUint32(append(props, 0x11), c.expiry)
		}
		if c.window > 0 {
			props = binary.BigEndian.AppendUint16(append(props, 0x21), c.window)
		}
		body = append(binary.AppendUvarint(body, uint64(len(props))), props...)
	}
	body = appendText(body, c.id)
	if w := c.will; w != nil {
		if c.version == mqtt5 {
			var props []byte
			if w.delay > 0 {
				props = binary.BigEndian.AppendUint32(append(props, 0x18), w.delay)
			}
			body = append(binary.AppendUvarint(body, uint64(len(props))), props...)
		}
		body = appendText(appendText(body, w.topic), w.payload)
	}
	return frame(connectPacket<<4, body)
}

// encodePublish makes a PUBLISH with QoS 1 or 2.
func encodePublish(version byte, id uint16, topic string, payload []byte, qos byte, dup, retain bool) []byte {
	first := publishPacket<<4 | qos<<1
	if dup {
		first |= 8
	}
	if retain {
		first |= 1
	}
	body := binary.BigEndian.AppendUint16(appendText(nil, topic), id)
	if version == mqtt5 {
		body = append(body, 0)
	}
	return frame(first, append(body, payload...))
}

// encodeAck makes one of the acknowledgements; the reason code is left out where the version knows none.
func encodeAck(version, kind byte, id uint16, code byte) []byte {
	first := kind << 4
	if kind == pubrelPacket {
		first |= 2
	}
	body := binary.BigEndian.AppendUint16(nil, id)
	if version == mqtt5 && code != 0 {
		body = append(body, code)
	}
	return frame(first, body)
}

func encodeSubscribe(version byte, id uint16, filter string, qos byte) []byte {
	body := binary.BigEndian.AppendUint16(nil, id)
	if version == mqtt5 {
		body = append(body, 0)
	}
	return frame(subscribePacket<<4|2, append(appendText(body, filter), qos))
}

func encodeDisconnect(version, code byte) []byte {
	if version == mqtt5 && code != 0 {
		return frame(disconnectPacket<<4, []byte{code})
	}
	return frame(disconnectPacket<<4, nil)
}

func encodePing() []byte { return frame(pingreqPacket<<4, nil) }

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func frame(first byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{first}, uint64(len(body))), body...)
}
