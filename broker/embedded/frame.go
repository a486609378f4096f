package embedded

import (
	"strings"

	"home.arpa/homehub/broker"
)

// goodbye is what a DISCONNECT packet says.
type goodbye struct {
	code      byte
	expiry    uint32 // a new session expiry interval in seconds
	hasExpiry bool
}

// checkControl reads a packet other than those about messages from end to end, so that mochi's decoder, which trusts
// lengths and panics on some truncated packets, only ever sees whole and valid ones. maxFilters bounds the topic filters of one
// SUBSCRIBE or UNSUBSCRIBE.
func checkControl(frame []byte, header int, version byte, maxFilters int) error {
	body := frame[header:]
	if !validFlags(frame[0], version) {
		return malformed("the flags of a packet are wrong")
	}
	switch kind := frame[0] >> 4; kind {
	case subscribePacket, unsubscribePacket:
		return checkSubscription(kind, body, version, maxFilters)
	case pingreqPacket:
		if len(body) > 0 {
			return malformed("a ping with content")
		}
		return nil
	case connectPacket:
		return violation("a second CONNECT") // [MQTT-3.1.0-2]
	case authPacket:
		if version == mqtt5 { // no authentication method was agreed on in CONNECT [MQTT-4.12.0-6]
			return violation("AUTH without an authentication method")
		}
	}
	return violation("a packet that no client may send") // nothing is wrong with it but its direction (table 2-1)
}

func checkSubscription(kind byte, body []byte, version byte, maxFilters int) error {
	c := cursor{rest: body}
	if c.uint16() == 0 && c.bad == nil { // [MQTT-2.2.1-3]
		return violation("a packet identifier is 0")
	}
	if version == mqtt5 {
		c.properties(kind, nil)
	}
	count := 0
	for c.bad == nil && len(c.rest) > 0 {
		filter := string(c.text())
		if c.bad == nil {
			checkFilter(&c, filter)
		}
		if kind == subscribePacket {
			checkOptions(&c, filter, version)
		}
		count++
	}
	switch {
	case c.bad != nil:
		return c.bad
	case count == 0: // [MQTT-3.8.3-2], [MQTT-3.10.3-2]
		return violation("a subscription without a topic filter")
	case count > maxFilters:
		return &packetError{quotaExceeded, "too many topic filters in one packet"}
	}
	return nil
}

// checkFilter refuses what the standard calls malformed, and filters of so many levels that nobody means well with them.
func checkFilter(c *cursor, filter string) {
	if err := broker.ValidFilter(filter); err != nil {
		c.fail(malformed(err.Error()))
	}
}

func checkOptions(c *cursor, filter string, version byte) {
	options := c.byte()
	switch {
	case options&3 == 3: // section 3.8.3.1; [MQTT-3.8.3-4] of 3.1.1
		c.fail(violation("a subscription with QoS 3"))
	case version != mqtt5 && options&0xFC != 0, options&0xC0 != 0: // [MQTT-3.8.3-5]
		c.fail(malformed("a reserved bit of the subscription options is set"))
	case options&0x30 == 0x30:
		c.fail(violation("retain handling 3"))
	case options&4 != 0 && strings.HasPrefix(filter, "$share/"): // [MQTT-3.8.3-4]
		c.fail(violation("no local on a shared subscription"))
	}
}

// decodeGoodbye reads a DISCONNECT packet.
func decodeGoodbye(frame []byte, header int, version byte) (g goodbye, err error) {
	body := frame[header:]
	if frame[0]&0x0F != 0 || version != mqtt5 && len(body) > 0 { // [MQTT-3.14.1-1]
		return g, malformed("DISCONNECT with flags or with content")
	}
	c := cursor{rest: body}
	if len(c.rest) > 0 {
		g.code = c.byte()
	}
	if len(c.rest) > 0 {
		c.properties(disconnectPacket, func(p property) {
			if p.id == sessionExpiry {
				g.expiry, g.hasExpiry = uint32(p.number), true
			}
		})
	}
	if c.bad == nil && len(c.rest) > 0 {
		c.fail(malformed("bytes follow the end of DISCONNECT"))
	}
	return g, c.bad
}
