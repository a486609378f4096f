package embedded

import (
	"encoding/binary"
	"unicode/utf8"
)

// The control packets [MQTT-2.1.2]. willProperties is no packet: the properties of a will message have a set of their own.
const (
	connectPacket     byte = 1
	connackPacket     byte = 2
	publishPacket     byte = 3
	pubackPacket      byte = 4
	pubrecPacket      byte = 5
	pubrelPacket      byte = 6
	pubcompPacket     byte = 7
	subscribePacket   byte = 8
	unsubscribePacket byte = 10
	pingreqPacket     byte = 12
	pingrespPacket    byte = 13
	disconnectPacket  byte = 14
	authPacket        byte = 15
	willProperties    byte = 16
)

// The reason codes of MQTT 5 that this broker gives or understands (section 2.4).
const (
	success                byte = 0x00
	disconnectWithWill     byte = 0x04
	noMatchingSubscribers  byte = 0x10
	noSubscriptionExisted  byte = 0x11
	unspecifiedError       byte = 0x80
	malformedPacket        byte = 0x81
	protocolViolation      byte = 0x82
	unsupportedVersion     byte = 0x84
	clientIDNotValid       byte = 0x85
	badUserOrPassword      byte = 0x86
	notAuthorized          byte = 0x87
	serverUnavailable      byte = 0x88
	serverBusy             byte = 0x89
	serverShuttingDown     byte = 0x8B
	badAuthMethod          byte = 0x8C
	keepAliveTimeout       byte = 0x8D
	sessionTakenOver       byte = 0x8E
	filterInvalid          byte = 0x8F
	topicInvalid           byte = 0x90
	packetIDNotFound       byte = 0x92
	receiveMaximumExceeded byte = 0x93
	aliasInvalid           byte = 0x94
	packetTooLarge         byte = 0x95
	quotaExceeded          byte = 0x97
	administrativeAction   byte = 0x98
)

// packetError says what is wrong with a packet and with which reason code an MQTT 5 client is told so.
type packetError struct {
	code byte
	text string
}

func (e *packetError) Error() string { return e.text }

// errCut is what is wrong with a packet whose fields do not fit into its length.
var errCut = malformed("the packet ends in the middle of a field")

func malformed(text string) error { return &packetError{malformedPacket, text} }
func violation(text string) error { return &packetError{protocolViolation, text} }

// varint reads a variable byte integer of at most four bytes [MQTT-1.5.5-1]; n is the number of bytes it takes, 0 when b
// ends too early. It is the only parser of lengths here.
func varint(b []byte) (value, n int, err error) {
	for n < 4 {
		if n == len(b) {
			return 0, 0, nil
		}
		value |= int(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1] < 0x80 {
			return value, n, nil
		}
	}
	return 0, 0, malformed("a length has more than four bytes")
}

func appendVarint(b []byte, v int) []byte { return binary.AppendUvarint(b, uint64(v)) }

func varintSize(v int) int {
	switch {
	case v < 1<<7:
		return 1
	case v < 1<<14:
		return 2
	case v < 1<<21:
		return 3
	}
	return 4
}

// frameSize returns the length of the packet that begins b, fixed header included, and where its variable part begins;
// both are 0 when b is too short to tell.
func frameSize(b []byte) (size, header int, err error) {
	if len(b) < 2 {
		return 0, 0, nil
	}
	v, n, err := varint(b[1:])
	if err != nil || n == 0 {
		return 0, 0, err
	}
	return 1 + n + v, 1 + n, nil
}

// validFlags says whether the flags of a fixed header are those of its packet [MQTT-2.1.3-1]; those of PUBLISH are not looked
// at. MQTT 3.1 marks repeated packets as duplicates.
func validFlags(first, version byte) bool {
	switch kind := first >> 4; kind {
	case publishPacket:
		return true
	case pubrelPacket, subscribePacket, unsubscribePacket:
		return first&0x0F == 2 || version == mqtt31 && first&0x0F == 10
	}
	return first&0x0F == 0
}

// clientMaySend says whether a client may send a kind of packet at all.
func clientMaySend(kind byte) bool {
	switch kind {
	case connectPacket, publishPacket, pubackPacket, pubrecPacket, pubrelPacket, pubcompPacket,
		subscribePacket, unsubscribePacket, pingreqPacket, disconnectPacket, authPacket:
		return true
	}
	return false
}

// cursor reads fields off the front of a packet. After the first field that is not there or not valid, bad says why and
// everything else reads as zero.
type cursor struct {
	rest []byte
	bad  error
}

func (c *cursor) fail(err error) {
	if c.bad == nil {
		c.bad = err
	}
	c.rest = nil
}

func (c *cursor) take(n int) []byte {
	if n > len(c.rest) {
		c.fail(errCut)
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) varint() int {
	v, n, err := varint(c.rest)
	if err == nil && n == 0 {
		err = errCut
	}
	if err != nil {
		c.fail(err)
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

// binary reads binary data: two bytes of length, then the data. The result points into the packet.
func (c *cursor) binary() []byte { return c.take(int(c.uint16())) }

// text reads a UTF-8 string [MQTT-1.5.4]; the result points into the packet.
func (c *cursor) text() []byte {
	b := c.binary()
	if !validText(b) {
		c.fail(malformed("a string is not valid UTF-8 or has a control character"))
		return nil
	}
	return b
}

// validText says whether b is UTF-8 without null [MQTT-1.5.4-1], [MQTT-1.5.4-2] and without control characters and
// non-characters, which the standard lets a receiver refuse, and which would end up in logs and on pages.
func validText(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, r := range string(b) {
		if r < 0x20 || r >= 0x7F && r < 0xA0 || r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE {
			return false
		}
	}
	return true
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}
