package embedded

import (
	"bytes"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"home.arpa/homehub/broker"
)

// control is our side of the control plane: mochi reads CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ and DISCONNECT, asks here what
// they do, and writes the answers. Its own sessions, subscriptions, queues and wills stay empty.
type control struct {
	mqtt.HookBase
	broker *Broker
}

// newControlPlane builds a mochi server that serves connections one by one, without listeners, timers or topics of its own.
func newControlPlane(b *Broker) (*mqtt.Server, error) {
	limits := mqtt.NewDefaultServerCapabilities()
	limits.MaximumClientWritesPending = 1 // a queue that is allocated for each connection and never used
	limits.MaximumMessageExpiryInterval = 0
	limits.TopicAliasMaximum = 0
	s := mqtt.New(&mqtt.Options{
		Capabilities:             limits,
		Logger:                   noLog, // it would log whole packets
		SysTopicResendInterval:   1 << 30,
		ClientNetReadBufferSize:  256,
		ClientNetWriteBufferSize: 256,
	})
	return s, s.AddHook(&control{broker: b}, nil)
}

// ID is the hook's name.
func (*control) ID() string { return "homehub" }

// Provides says which of mochi's events are wanted.
func (*control) Provides(event byte) bool {
	return bytes.IndexByte([]byte{
		mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablished, mqtt.OnPacketEncode, mqtt.OnPacketProcessed,
		mqtt.OnSubscribe, mqtt.OnUnsubscribe,
	}, event) >= 0
}

// OnConnectAuthenticate lets everybody in: who gets here has been admitted.
func (*control) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnSessionEstablished is called when CONNACK has been written.
func (h *control) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	h.broker.opened(cl.Net.Conn.(*conn))
}

// OnSubscribe subscribes, and leaves nothing for mochi to do but to write the acknowledgement.
func (h *control) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	c := cl.Net.Conn.(*conn)
	c.codes = c.codes[:0]
	for _, f := range pk.Filters {
		code := h.subscribe(c, &f)
		if code >= unspecifiedError && c.connect.version != mqtt5 { // [MQTT-3.9.3-2] of 3.1.1
			code = unspecifiedError
		}
		c.codes = append(c.codes, code)
		if code < unspecifiedError {
			c.subscribed = append(c.subscribed, f.Filter)
		}
	}
	pk.Filters = nil
	return pk
}

func (h *control) subscribe(c *conn, f *packets.Subscription) byte {
	if c.options.topicTooLong(f.Filter) {
		return filterInvalid
	}
	if _, filter, _ := broker.SplitShared(f.Filter); !c.session.may().MaySubscribe(filter) {
		h.broker.deny(Subscribing, c.connect.id, c.connect.user, c.peer.host, f.Filter)
		return notAuthorized
	}
	code, after := h.broker.router.subscribe(c.session, &subscription{
		filter: f.Filter, qos: f.Qos, noLocal: f.NoLocal, asPublished: f.RetainAsPublished,
		handling: f.RetainHandling, id: uint32(f.Identifier),
	}, &c.replays)
	c.owes = max(c.owes, after)
	return code
}

// OnPacketProcessed is called when a packet has been answered: after SUBACK come the retained messages, and the links are told who
// listens to what.
func (h *control) OnPacketProcessed(cl *mqtt.Client, _ packets.Packet, _ error) {
	c := cl.Net.Conn.(*conn)
	if len(c.replays) > 0 {
		c.session.follow(c.replays)
		c.replays = nil
		c.batch.touch(c)
	}
	h.broker.saySubscribed(c, c.subscribed)
	c.subscribed = nil
}

// OnUnsubscribe is the same for UNSUBSCRIBE.
func (h *control) OnUnsubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	c := cl.Net.Conn.(*conn)
	c.codes = c.codes[:0]
	for _, f := range pk.Filters {
		code := success
		known, after := h.broker.router.unsubscribe(c.session, f.Filter)
		if !known {
			code = noSubscriptionExisted
		}
		c.owes = max(c.owes, after)
		c.codes = append(c.codes, code)
	}
	pk.Filters = nil
	return pk
}

// OnPacketEncode puts what only we know into mochi's answers.
func (h *control) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	c := cl.Net.Conn.(*conn)
	switch pk.FixedHeader.Type {
	case packets.Suback, packets.Unsuback:
		pk.ReasonCodes = c.codes
		pk.Properties = packets.Properties{}
	case packets.Connack:
		h.welcome(c, &pk)
	case packets.Disconnect:
		if c.connect.version != mqtt5 { // no server sends it there: an invalid type makes mochi leave it
			pk.FixedHeader.Type = 0
		}
	}
	return pk
}

// welcome fills in CONNACK.
func (h *control) welcome(c *conn, pk *packets.Packet) {
	o := c.options
	pk.SessionPresent = c.resumed && c.connect.version != mqtt31
	pk.Properties = packets.Properties{
		ReceiveMaximum:    uint16(o.ReceiveMaximum),
		MaximumPacketSize: uint32(o.MaxPacketSize),
		TopicAliasMaximum: maxAliases,
	}
	if c.connect.assigned {
		pk.Properties.AssignedClientID = c.connect.id
	}
	if c.shortened.keepAlive {
		pk.Properties.ServerKeepAlive, pk.Properties.ServerKeepAliveFlag = c.connect.keepAlive, true
	}
	if c.shortened.expiry {
		pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = c.connect.expiry, true
	}
}

// shortened says which wishes of a CONNECT were granted in part only.
type shortened struct{ keepAlive, expiry bool }

// negotiate limits what the client asks for.
func (c *conn) negotiate() {
	k, o := &c.connect, c.options
	if k.id == "" {
		k.id, k.assigned = newClientID(), true
	}
	if longest := uint16(o.MaxKeepAlive / time.Second); k.version == mqtt5 && (k.keepAlive > longest || k.keepAlive == 0 && longest < 65535) {
		k.keepAlive, c.shortened.keepAlive = longest, true
	}
	if longest := c.broker.longestSession(); k.expiry > longest {
		k.expiry, c.shortened.expiry = longest, k.version == mqtt5
	}
}
