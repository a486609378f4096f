package embedded

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"home.arpa/homehub/broker"
)

const (
	mqtt31  byte = 3
	mqtt311 byte = 4
	mqtt5   byte = 5

	// maxName bounds what is shown of a client identifier, in bytes.
	maxName = 512
	// neverExpires is the session expiry interval that means never [MQTT-3.1.2.11.2].
	neverExpires = 0xFFFFFFFF
)

// connect is a decoded CONNECT packet.
type connect struct {
	version     byte
	clean       bool
	keepAlive   uint16 // seconds, 0 means none
	id          string
	name        string // the identifier as people see it, in logs and on pages
	assigned    bool   // the identifier is ours
	user        string
	password    string
	credentials bool // there is a user name or a password; an empty name without one, as from firmware whose form was left empty, is neither
	will        *will

	// MQTT 5; for the older versions set to what they mean there.
	expiry         uint32 // of the session, in seconds
	receiveMaximum uint16
	maxPacket      uint32 // 0 means no limit
	aliasMaximum   uint16 // how many topic aliases we may set
}

// decodeConnect reads the variable part of a CONNECT packet. With an error the version is set as far as it was read, and
// the error is a *packetError whose code is 0 when the client is better left without an answer.
func decodeConnect(body []byte) (k connect, err error) {
	c := cursor{rest: body}
	name := string(c.binary())
	k.version = c.byte()
	flags := c.byte()
	k.keepAlive = c.uint16()
	switch {
	case c.bad != nil || name != "MQTT" && name != "MQIsdp":
		return k, &packetError{0, "not MQTT"}
	case name == "MQIsdp" && k.version != mqtt31, name == "MQTT" && k.version != mqtt311 && k.version != mqtt5:
		return k, &packetError{unsupportedVersion, "version " + strconv.Itoa(int(k.version)) + " of " + name + " is not supported"}
	}
	k.clean = flags&0x02 != 0
	hasWill, hasUser, hasPassword := flags&0x04 != 0, flags&0x80 != 0, flags&0x40 != 0
	switch {
	case flags&0x01 != 0 && k.version != mqtt31: // [MQTT-3.1.2-3]
		return k, malformed("the reserved connect flag is set")
	case !hasWill && flags&0x38 != 0, flags&0x18 == 0x18: // [MQTT-3.1.2-11] to [MQTT-3.1.2-14]
		return k, malformed("the connect flags of the will contradict each other")
	case hasPassword && !hasUser && k.version != mqtt5: // [MQTT-3.1.2-22] of 3.1.1
		return k, malformed("a password without a user name")
	}
	k.defaults()
	if k.version == mqtt5 {
		k.properties(&c)
	}
	k.identify(string(c.text()))
	if hasWill {
		k.will = decodeWill(&c, k.version, flags)
	}
	if hasUser {
		k.user = string(c.text())
	}
	if hasPassword {
		k.password = string(c.binary())
	}
	k.credentials = k.user != "" || k.password != ""
	if c.bad == nil && len(c.rest) > 0 {
		c.fail(malformed("bytes follow the end of CONNECT"))
	}
	switch {
	case c.bad == nil:
		return k, k.check()
	case errors.Is(c.bad, errCut): // perhaps none of it means what it seems to; no answer is owed [MQTT-3.1.4-1], and the log has the reason
		return k, &packetError{0, errCut.Error()}
	}
	return k, c.bad
}

func (k *connect) defaults() {
	k.receiveMaximum = 65535
	if k.version != mqtt5 && !k.clean {
		k.expiry = neverExpires
	}
}

func (k *connect) properties(c *cursor) {
	var method, data bool
	c.properties(connectPacket, func(p property) {
		switch p.id {
		case sessionExpiry:
			k.expiry = uint32(p.number)
		case receiveMaximum:
			k.receiveMaximum = uint16(p.number)
		case maximumPacketSize:
			k.maxPacket = uint32(p.number)
		case topicAliasMaximum:
			k.aliasMaximum = uint16(p.number)
		case authMethod:
			method = true
		case authData:
			data = true
		}
	})
	if c.bad == nil && data && !method { // [MQTT-3.1.2.11.10]
		c.fail(violation("authentication data without a method"))
	} else if c.bad == nil && method {
		c.fail(&packetError{badAuthMethod, "enhanced authentication is not supported"})
	}
}

func (k *connect) identify(id string) { k.id, k.name = id, called(id) }

// called is a client identifier as people see it. An identifier may have 65,535 bytes, of which the first must do, with a number
// that tells it from others that begin like it.
func called(id string) string {
	if len(id) <= maxName {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return clip(id) + " #" + hex.EncodeToString(sum[:6])
}

// check holds what a well-formed CONNECT can still do wrong.
func (k *connect) check() error {
	switch {
	case k.id == "" && (k.version == mqtt31 || k.version == mqtt311 && !k.clean): // [MQTT-3.1.3-8] of 3.1.1
		return &packetError{clientIDNotValid, "an empty client identifier needs a clean session"}
	}
	if k.will != nil {
		if err := checkTopic(k.will.message.topic); err != nil {
			return &packetError{codeOf(err), "will message: " + err.Error()}
		}
	}
	return nil
}

func decodeWill(c *cursor, version, flags byte) *will {
	w := &will{message: &message{qos: flags >> 3 & 3, retain: flags&0x20 != 0}}
	if version == mqtt5 {
		c.properties(willProperties, func(p property) {
			switch p.id {
			case willDelay:
				w.delay = time.Duration(p.number) * time.Second
			case messageExpiry:
				w.expiry = time.Duration(p.number) * time.Second
			case responseTopic:
				if broker.ValidTopic(string(p.data)) != nil {
					c.fail(violation("the response topic is not a topic name"))
				}
				fallthrough
			default:
				w.message.props = append(w.message.props, p.raw...)
			}
		})
	}
	w.message.topic = string(c.text())
	w.message.payload = append([]byte(nil), c.binary()...)
	return w
}

// appendAcceptance appends the CONNACK that lets a client in, with what it has to know about our limits. present says that its session
// was there.
func (c *conn) appendAcceptance(b []byte, present bool) []byte {
	k, o := &c.connect, c.options
	if k.version != mqtt5 {
		return append(b, connackPacket<<4, 2, boolByte(present && k.version != mqtt31), success) // [MQTT-3.2.2-2] of 3.1.1
	}
	props := make([]byte, 0, 80)
	if c.shortened.expiry {
		props = binary.BigEndian.AppendUint32(append(props, sessionExpiry), k.expiry)
	}
	if c.shortened.keepAlive {
		props = binary.BigEndian.AppendUint16(append(props, serverKeepAlive), k.keepAlive)
	}
	props = binary.BigEndian.AppendUint16(append(props, topicAliasMaximum), maxAliases)
	if k.assigned {
		props = appendText(append(props, assignedClientID), k.id)
	}
	props = binary.BigEndian.AppendUint32(append(props, maximumPacketSize), uint32(o.MaxPacketSize))
	props = binary.BigEndian.AppendUint16(append(props, receiveMaximum), uint16(o.ReceiveMaximum))
	b = appendVarint(append(b, connackPacket<<4), 2+varintSize(len(props))+len(props))
	b = append(b, boolByte(present), success)
	return append(appendVarint(b, len(props)), props...)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// refusal is the CONNACK for a client that may not come in, nil when it is better left without an answer.
func refusal(version, code byte) []byte {
	if version == mqtt5 {
		if code == success {
			return nil
		}
		return []byte{connackPacket << 4, 3, 0, code, 0}
	}
	var old byte // [MQTT-3.2.2.3] of 3.1.1
	switch code {
	case unsupportedVersion:
		old = 1
	case clientIDNotValid:
		old = 2
	case serverUnavailable, serverBusy, quotaExceeded:
		old = 3
	case badUserOrPassword:
		old = 4
	case notAuthorized:
		old = 5
	default:
		return nil
	}
	return []byte{connackPacket << 4, 2, 0, old}
}

// codeOf is the reason code of an error, 0 when it has none.
func codeOf(err error) byte {
	if p, ok := errors.AsType[*packetError](err); ok {
		return p.code
	}
	return 0
}
