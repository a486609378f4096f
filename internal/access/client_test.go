package access_test

import (
	"net"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// patience bounds every wait for a broker; reaching it is a failure, never a result.
const patience = time.Minute

// client is an MQTT 5 client that does one thing after the other.
type client struct {
	t    *testing.T
	conn net.Conn
	id   uint16
	qos  byte     // of subscriptions; it acknowledges nothing
	got  []string // topics of messages
}

// connect comes in as a user, or anonymously.
func connect(t *testing.T, conn net.Conn, id, user string) *client {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	c := &client{t: t, conn: conn}
	k := packets.NewControlPacket(packets.CONNECT)
	content := k.Content.(*packets.Connect)
	content.ClientID, content.CleanStart, content.KeepAlive = id, true, 60
	if user != "" {
		content.UsernameFlag, content.Username, content.PasswordFlag, content.Password = true, user, true, []byte("secret")
	}
	if ack := c.ask(k, packets.CONNACK).Content.(*packets.Connack); ack.ReasonCode != 0 {
		t.Fatalf("user %q was refused: %d", user, ack.ReasonCode)
	}
	return c
}

// ask sends a packet and returns the answer.
func (c *client) ask(k *packets.ControlPacket, answer byte) *packets.ControlPacket {
	c.t.Helper()
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := k.WriteTo(c.conn); err != nil {
		c.t.Fatal(err)
	}
	for {
		got, err := packets.ReadPacket(c.conn)
		if err != nil {
			c.t.Fatal(err)
		}
		switch {
		case got.Type == answer:
			return got
		case got.Type == packets.PUBLISH:
			c.got = append(c.got, got.Content.(*packets.Publish).Topic)
		}
	}
}

// publish says whether it was allowed.
func (c *client) publish(topic string) bool { return c.send(topic, false) }

func (c *client) send(topic string, retain bool) bool {
	c.t.Helper()
	c.id++
	k := packets.NewControlPacket(packets.PUBLISH)
	content := k.Content.(*packets.Publish)
	content.Topic, content.QoS, content.PacketID, content.Payload, content.Retain = topic, 1, c.id, []byte("x"), retain
	switch code := c.ask(k, packets.PUBACK).Content.(*packets.Puback).ReasonCode; code {
	case 0, 0x10: // success, no matching subscribers
		return true
	case 0x87: // not authorized
	default:
		c.t.Fatalf("publishing to %s: reason code %d", topic, code)
	}
	return false
}

// subscribe returns the reason code of the last filter.
func (c *client) subscribe(filters ...string) (code byte) {
	c.t.Helper()
	for _, filter := range filters {
		c.id++
		k := packets.NewControlPacket(packets.SUBSCRIBE)
		content := k.Content.(*packets.Subscribe)
		content.PacketID, content.Subscriptions = c.id, []packets.SubOptions{{Topic: filter, QoS: c.qos}}
		code = c.ask(k, packets.SUBACK).Content.(*packets.Suback).Reasons[0]
	}
	return code
}

// received returns the topics of what came since the last time: the broker answers after what it has sent before.
func (c *client) received() []string {
	c.t.Helper()
	c.ask(packets.NewControlPacket(packets.PINGREQ), packets.PINGRESP)
	got := c.got
	c.got = nil
	return got
}
