package embedded

import "fmt"

// The properties of MQTT 5 that this broker looks at by name (section 2.2.2.2).
const (
	payloadFormat       byte = 0x01
	messageExpiry       byte = 0x02
	contentType         byte = 0x03
	responseTopic       byte = 0x08
	correlationData     byte = 0x09
	subscriptionID      byte = 0x0B
	sessionExpiry       byte = 0x11
	assignedClientID    byte = 0x12
	serverKeepAlive     byte = 0x13
	authMethod          byte = 0x15
	authData            byte = 0x16
	requestProblemInfo  byte = 0x17
	willDelay           byte = 0x18
	requestResponseInfo byte = 0x19
	reasonString        byte = 0x1F
	receiveMaximum      byte = 0x21
	topicAliasMaximum   byte = 0x22
	topicAlias          byte = 0x23
	userProperty        byte = 0x26
	maximumPacketSize   byte = 0x27
)

type propertyKind byte

const (
	unknownKind propertyKind = iota
	flagKind                 // one byte, 0 or 1
	uint16Kind
	uint32Kind
	varintKind
	binaryKind
	textKind
	pairKind
)

// propertyRule says how a property is written and in which packets a client may use it.
type propertyRule struct {
	kind    propertyKind
	packets uint32 // 1<<packet
}

const (
	inConnect     = 1 << connectPacket
	inPublish     = 1 << publishPacket
	inAcks        = 1<<pubackPacket | 1<<pubrecPacket | 1<<pubrelPacket | 1<<pubcompPacket
	inSubscribe   = 1 << subscribePacket
	inUnsubscribe = 1 << unsubscribePacket
	inDisconnect  = 1 << disconnectPacket
	inAuth        = 1 << authPacket
	inWill        = 1 << willProperties
)

var propertyRules = [...]propertyRule{
	payloadFormat:       {flagKind, inPublish | inWill},
	messageExpiry:       {uint32Kind, inPublish | inWill},
	contentType:         {textKind, inPublish | inWill},
	responseTopic:       {textKind, inPublish | inWill},
	correlationData:     {binaryKind, inPublish | inWill},
	subscriptionID:      {varintKind, inSubscribe},
	sessionExpiry:       {uint32Kind, inConnect | inDisconnect},
	authMethod:          {textKind, inConnect | inAuth},
	authData:            {binaryKind, inConnect | inAuth},
	requestProblemInfo:  {flagKind, inConnect},
	willDelay:           {uint32Kind, inWill},
	requestResponseInfo: {flagKind, inConnect},
	reasonString:        {textKind, inAcks | inDisconnect | inAuth},
	receiveMaximum:      {uint16Kind, inConnect},
	topicAliasMaximum:   {uint16Kind, inConnect},
	topicAlias:          {uint16Kind, inPublish},
	userProperty:        {pairKind, inConnect | inPublish | inAcks | inSubscribe | inUnsubscribe | inDisconnect | inAuth | inWill},
	maximumPacketSize:   {uint32Kind, inConnect},
}

// property is one property as it stands in a packet.
type property struct {
	id     byte
	number int64  // of the numeric kinds
	data   []byte // of a text or binary property, pointing into the packet
	raw    []byte // all of it, identifier included, pointing into the packet
}

// properties reads the property length and the properties of a packet that a client sent, and calls visit (which may be
// nil) for each. Unknown and misplaced properties, duplicates and overruns make the cursor bad.
func (c *cursor) properties(packet byte, visit func(property)) {
	block := cursor{rest: c.take(c.varint())}
	var seen uint64
	for len(block.rest) > 0 && c.bad == nil {
		start := block.rest
		p := property{id: block.byte()}
		if int(p.id) >= len(propertyRules) || propertyRules[p.id].kind == unknownKind {
			c.fail(malformed(fmt.Sprintf("property %#x, which no client has", p.id)))
			return
		}
		rule := propertyRules[p.id]
		if p.id == subscriptionID && packet == publishPacket { // [MQTT-3.3.4-6]: ours alone have it
			c.fail(violation("a message with a subscription identifier"))
			return
		}
		if rule.packets&(1<<packet) == 0 { // section 2.2.2.2
			c.fail(malformed(fmt.Sprintf("property %#x, which does not belong into this packet", p.id)))
			return
		}
		if p.id != userProperty && seen&(1<<p.id) != 0 {
			c.fail(violation(fmt.Sprintf("property %#x is given twice", p.id)))
			return
		}
		seen |= 1 << p.id
		block.value(rule.kind, &p)
		if block.bad != nil {
			c.fail(block.bad)
			return
		}
		p.raw = start[:len(start)-len(block.rest)]
		if visit != nil {
			visit(p)
		}
	}
}

func (c *cursor) value(kind propertyKind, p *property) {
	switch kind {
	case flagKind:
		p.number = int64(c.byte())
		if p.number > 1 {
			c.fail(violation(fmt.Sprintf("property %#x is %d, not 0 or 1", p.id, p.number)))
		}
	case uint16Kind:
		p.number = int64(c.uint16())
	case uint32Kind:
		p.number = int64(c.uint32())
	case varintKind:
		p.number = int64(c.varint())
	case binaryKind:
		p.data = c.binary()
	case textKind:
		p.data = c.text()
	case pairKind:
		c.text()
		c.text()
	}
	switch p.id {
	case receiveMaximum, maximumPacketSize, subscriptionID:
		if p.number == 0 && c.bad == nil { // [MQTT-3.1.2-11.3], [MQTT-3.1.2-11.4], [MQTT-3.8.2-1.2]
			c.fail(violation(fmt.Sprintf("property %#x is 0, which it must not be", p.id)))
		}
	}
}
