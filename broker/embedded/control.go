package embedded

import (
	"bytes"
	"net"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/embedded/journal"
)

// control is our side of what mochi does: it decodes SUBSCRIBE and UNSUBSCRIBE, asks here what they do, and encodes the answers.
// Its own sessions, subscriptions, queues and wills stay empty, and it has no part in a connection's life.
type control struct {
	mqtt.HookBase
	broker *Broker
}

// newControlPlane builds a mochi server without listeners, timers, topics or clients of its own.
func newControlPlane(b *Broker) (*mqtt.Server, error) {
	limits := mqtt.NewDefaultServerCapabilities()
	limits.MaximumClientWritesPending = 1 // a queue that is allocated for each client and never used
	s := mqtt.New(&mqtt.Options{
		Capabilities:           limits,
		Logger:                 noLog, // it would log whole packets
		SysTopicResendInterval: 1 << 30,
	})
	return s, s.AddHook(&control{broker: b}, nil)
}

// control has mochi handle a SUBSCRIBE or an UNSUBSCRIBE, which has been checked from end to end. After SUBACK come the retained messages,
// and the links are told who listens to what.
func (c *conn) control(kind byte, body []byte) error {
	if c.session.keeps.Load() {
		if err := c.holdBack(journal.Fresh); err != nil {
			return err
		}
	}
	pk := packets.Packet{ProtocolVersion: c.connect.version, FixedHeader: packets.FixedHeader{Type: kind, Qos: 1}}
	decode := pk.SubscribeDecode
	if kind == unsubscribePacket {
		decode = pk.UnsubscribeDecode
	}
	if err := decode(bytes.Clone(body)); err != nil { // the texts that it finds stay in there
		return malformed(err.Error())
	}
	cl := c.broker.plane.NewClient(nil, "gate", c.connect.name, false) // for this packet alone: what one would remember is elsewhere
	cl.Net.Conn = answers{c}
	cl.Properties.ProtocolVersion = c.connect.version
	cl.Properties.Props.MaximumPacketSize = c.connect.maxPacket
	if err := c.inject(cl, pk); err != nil {
		return err
	}
	c.broker.saySubscribed(c, c.subscribed)
	c.subscribed = nil
	return nil
}

// inject has the packet handled, and puts the retained messages in line that are to follow.
func (c *conn) inject(cl *mqtt.Client, pk packets.Packet) error {
	c.broker.ledger.hold()
	defer c.broker.ledger.letGo()
	if err := c.broker.plane.InjectPacket(cl, pk); err != nil {
		return err
	}
	if len(c.replays) > 0 {
		c.session.follow(c.replays)
		c.replays = nil
		c.batch.touch(c)
	}
	return nil
}

// answers is what mochi takes for the socket of a connection: its answers go into the outbox.
type answers struct{ *conn }

// Write is net.Conn's.
func (a answers) Write(b []byte) (int, error) {
	if err := a.reply(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// The rest of net.Conn, which nobody calls.

func (answers) Read([]byte) (int, error)         { return 0, net.ErrClosed }
func (answers) Close() error                     { return nil }
func (a answers) LocalAddr() net.Addr            { return a.net.LocalAddr() }
func (a answers) RemoteAddr() net.Addr           { return a.net.RemoteAddr() }
func (answers) SetDeadline(time.Time) error      { return nil }
func (answers) SetReadDeadline(time.Time) error  { return nil }
func (answers) SetWriteDeadline(time.Time) error { return nil }

// ID is the hook's name.
func (*control) ID() string { return "homehub" }

// Provides says which of mochi's events are wanted.
func (*control) Provides(event byte) bool {
	return event == mqtt.OnPacketEncode || event == mqtt.OnSubscribe || event == mqtt.OnUnsubscribe
}

// OnSubscribe subscribes, and leaves nothing for mochi to do but to write the acknowledgement.
func (h *control) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	c := cl.Net.Conn.(answers).conn
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
		h.broker.deny(Subscribing, c.connect.name, c.connect.user, c.peer.host, f.Filter)
		return notAuthorized
	}
	code, after := h.broker.router.subscribe(c.session, &subscription{
		filter: f.Filter, qos: f.Qos, noLocal: f.NoLocal, asPublished: f.RetainAsPublished,
		handling: f.RetainHandling, id: uint32(f.Identifier),
	}, &c.replays)
	c.owes = max(c.owes, after)
	return code
}

// OnUnsubscribe is the same for UNSUBSCRIBE.
func (h *control) OnUnsubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	c := cl.Net.Conn.(answers).conn
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

// OnPacketEncode puts the reason codes into mochi's answers.
func (*control) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	pk.ReasonCodes = cl.Net.Conn.(answers).codes
	pk.Properties = packets.Properties{}
	return pk
}

// shortened says which wishes of a CONNECT were granted in part only.
type shortened struct{ keepAlive, expiry bool }

// negotiate limits what the client asks for.
func (c *conn) negotiate() {
	k, o := &c.connect, c.options
	if k.id == "" {
		k.identify(newClientID())
		k.assigned = true
	}
	if longest := uint16(o.MaxKeepAlive / time.Second); k.version == mqtt5 && (k.keepAlive > longest || k.keepAlive == 0 && longest < 65535) {
		k.keepAlive, c.shortened.keepAlive = longest, true
	}
	if granted := o.granted(k.expiry); k.expiry > granted {
		k.expiry, c.shortened.expiry = granted, k.version == mqtt5
	}
}
