package embedded_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// The wire format once more, written for the tests alone, so that they do not share the broker's mistakes.

type kind byte

const (
	CONNECT kind = iota + 1
	CONNACK
	PUBLISH
	PUBACK
	PUBREC
	PUBREL
	PUBCOMP
	SUBSCRIBE
	SUBACK
	UNSUBSCRIBE
	UNSUBACK
	PINGREQ
	PINGRESP
	DISCONNECT
	AUTH
)

func u16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

func u32[N int | int64 | uint32](n N) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func str(s string) []byte {
	return append(u16(len(s)), s...)
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func frame(first byte, parts ...[]byte) []byte {
	body := join(parts...)
	return join([]byte{first}, binary.AppendUvarint(nil, uint64(len(body))), body)
}

// props encodes the property length in front of encoded properties; nothing for versions before 5.
func props(version byte, p ...[]byte) []byte {
	if version < 5 {
		return nil
	}
	all := join(p...)
	return join(binary.AppendUvarint(nil, uint64(len(all))), all)
}

func prop(id byte, value []byte) []byte { return append([]byte{id}, value...) }

type hello struct {
	version    byte // 4 if 0
	id         string
	persistent bool
	keepAlive  int
	props      []byte
	user       string
	password   string
	will       *post
	willProps  []byte
}

func (h hello) bytes() []byte {
	if h.version == 0 {
		h.version = 4
	}
	name := "MQTT"
	if h.version == 3 {
		name = "MQIsdp"
	}
	var flags byte
	if !h.persistent {
		flags |= 2
	}
	payload := str(h.id)
	if h.will != nil {
		flags |= 4 | h.will.qos<<3
		if h.will.retain {
			flags |= 0x20
		}
		payload = join(payload, props(h.version, h.willProps), str(h.will.topic), str(h.will.payload))
	}
	if h.user != "" {
		flags |= 0x80
		payload = join(payload, str(h.user))
	}
	if h.password != "" {
		flags |= 0x40
		payload = join(payload, str(h.password))
	}
	return frame(0x10, str(name), []byte{h.version, flags}, u16(h.keepAlive), props(h.version, h.props), payload)
}

// post is a PUBLISH, to send or as received.
type post struct {
	topic, payload string
	qos            byte
	retain, dup    bool
	id             int
	props          string // encoded
}

func (p post) bytes(version byte) []byte {
	first := 0x30 | p.qos<<1
	if p.retain {
		first |= 1
	}
	if p.dup {
		first |= 8
	}
	var id []byte
	if p.qos > 0 {
		id = u16(p.id)
	}
	return frame(first, str(p.topic), id, props(version, []byte(p.props)), []byte(p.payload))
}

func ack(k kind, id int, codes ...byte) []byte {
	first := byte(k) << 4
	if k == PUBREL || k == SUBSCRIBE || k == UNSUBSCRIBE {
		first |= 2
	}
	return frame(first, u16(id), codes)
}

// filter is one entry of a SUBSCRIBE.
type filter struct {
	name    string
	options byte
}

func subscribe(version byte, id int, properties []byte, filters ...filter) []byte {
	body := join(u16(id), props(version, properties))
	for _, f := range filters {
		body = join(body, str(f.name), []byte{f.options})
	}
	return frame(0x82, body)
}

func unsubscribe(version byte, id int, filters ...string) []byte {
	body := join(u16(id), props(version))
	for _, f := range filters {
		body = join(body, str(f))
	}
	return frame(0xA2, body)
}

type packet struct {
	first byte
	body  []byte
}

func (p packet) kind() kind { return kind(p.first >> 4) }
func (p packet) id() int    { return int(binary.BigEndian.Uint16(p.body)) }

func (p packet) post(version byte) post {
	m := post{qos: p.first >> 1 & 3, retain: p.first&1 != 0, dup: p.first&8 != 0}
	n := int(binary.BigEndian.Uint16(p.body))
	m.topic = string(p.body[2 : 2+n])
	rest := p.body[2+n:]
	if m.qos > 0 {
		m.id, rest = int(binary.BigEndian.Uint16(rest)), rest[2:]
	}
	if version == 5 {
		size, used := binary.Uvarint(rest)
		m.props, rest = string(rest[used:used+int(size)]), rest[used+int(size):]
	}
	m.payload = string(rest)
	return m
}

// client is a raw MQTT client. A goroutine of its own reads what comes.
type client struct {
	t       *testing.T
	nc      net.Conn
	version byte
	packets chan packet // closed when the connection has ended
}

// patience bounds every wait for the broker; reaching it is a failure, never a result. In a bubble nothing takes time that need not, while a
// real machine may be busy with something else.
func patience() time.Duration {
	if time.Now().Year() == 2000 { // a bubble's time
		return 10 * time.Second
	}
	return time.Minute
}

// attach reads from a connection.
func attach(t *testing.T, nc net.Conn) *client {
	c := &client{t: t, nc: nc, version: 4, packets: make(chan packet, 100_000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(c.packets)
		r := bufio.NewReader(nc)
		for {
			first, err := r.ReadByte()
			if err != nil {
				return
			}
			size, err := binary.ReadUvarint(r)
			if err != nil {
				return
			}
			body := make([]byte, size)
			if _, err := io.ReadFull(r, body); err != nil {
				return
			}
			c.packets <- packet{first, body}
		}
	}()
	t.Cleanup(func() { nc.Close(); <-done })
	return c
}

// connect connects over the test broker's pipe and expects to be let in.
func connect(t *testing.T, b *brokertest.Broker, h hello) *client {
	t.Helper()
	c, _ := connected(t, b, h)
	return c
}

// connected is connect that returns CONNACK's body, too.
func connected(t *testing.T, b *brokertest.Broker, h hello) (*client, []byte) {
	t.Helper()
	c := attach(t, b.Dial())
	body := c.hello(h)
	if body[1] != 0 {
		t.Fatalf("client %s was refused with code %#x", h.id, body[1])
	}
	return c, body
}

// hello sends CONNECT and returns the body of CONNACK.
func (c *client) hello(h hello) []byte {
	c.t.Helper()
	c.version = max(h.version, 3)
	if h.version == 0 {
		c.version = 4
	}
	c.send(h.bytes())
	return c.expect(CONNACK).body
}

func (c *client) send(b []byte) {
	c.t.Helper()
	_ = c.nc.SetWriteDeadline(time.Now().Add(patience()))
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatalf("sending %#x: %v", b[0], err)
	}
}

// next returns the next packet; ok is false when the connection has ended.
func (c *client) next() (p packet, ok bool) {
	c.t.Helper()
	timer := time.NewTimer(patience())
	defer timer.Stop()
	select {
	case p, ok = <-c.packets:
		return p, ok
	case <-timer.C:
		c.t.Fatal("nothing came")
		return p, false
	}
}

func (c *client) expect(k kind) packet {
	c.t.Helper()
	p, ok := c.next()
	if !ok {
		c.t.Fatalf("the connection ended, want packet type %d", k)
	}
	if p.kind() != k {
		c.t.Fatalf("got packet type %d (% x), want %d", p.kind(), p.body, k)
	}
	return p
}

// expectEnd expects the connection to end, after a DISCONNECT with this code if it is not 0.
func (c *client) expectEnd(code byte) {
	c.t.Helper()
	if code != 0 {
		if p := c.expect(DISCONNECT); p.body[0] != code {
			c.t.Fatalf("disconnected with %#x, want %#x", p.body[0], code)
		}
	}
	if p, ok := c.next(); ok {
		c.t.Fatalf("got packet type %d (% x), want the end of the connection", p.kind(), p.body)
	}
}

// subscribe subscribes and expects exactly these codes.
func (c *client) subscribe(filters ...filter) {
	c.t.Helper()
	c.send(subscribe(c.version, 77, nil, filters...))
	p := c.expect(SUBACK)
	codes := p.body[len(p.body)-len(filters):]
	for i, code := range codes {
		if code != filters[i].options&3 {
			c.t.Fatalf("subscription to %s was granted %#x, want %d", filters[i].name, code, filters[i].options&3)
		}
	}
}

// publish publishes and goes through the whole flow.
func (c *client) publish(p post) {
	c.t.Helper()
	c.send(p.bytes(c.version))
	switch p.qos {
	case 1:
		c.expect(PUBACK)
	case 2:
		c.expect(PUBREC)
		c.send(ack(PUBREL, p.id))
		c.expect(PUBCOMP)
	}
}

// receive expects a message and acknowledges it to the end.
func (c *client) receive() post {
	c.t.Helper()
	m := c.expect(PUBLISH).post(c.version)
	switch m.qos {
	case 1:
		c.send(ack(PUBACK, m.id))
	case 2:
		c.send(ack(PUBREC, m.id))
		c.expect(PUBREL)
		c.send(ack(PUBCOMP, m.id))
	}
	return m
}

// collect receives messages, several at once on their way, and acknowledges each to the end.
func (c *client) collect(count int) (messages []post) {
	c.t.Helper()
	for open := 0; len(messages) < count || open > 0; {
		p, ok := c.next()
		if !ok {
			c.t.Fatalf("the connection ended after %d of %d messages", len(messages), count)
		}
		switch p.kind() {
		case PUBLISH:
			m := p.post(c.version)
			messages = append(messages, m)
			switch m.qos {
			case 1:
				c.send(ack(PUBACK, m.id))
			case 2:
				c.send(ack(PUBREC, m.id))
				open++
			}
		case PUBREL:
			c.send(ack(PUBCOMP, p.id()))
			open--
		default:
			c.t.Fatalf("got packet type %d", p.kind())
		}
	}
	return messages
}

// quiet expects that nothing has come and that nothing is about to come. For bubbles only.
func (c *client) quiet() {
	c.t.Helper()
	synctest.Wait()
	select {
	case p, ok := <-c.packets:
		if ok {
			c.t.Fatalf("got packet type %d (% x), want nothing", p.kind(), p.body)
		}
		c.t.Fatal("the connection ended, want it to go on")
	default:
	}
}

func (c *client) goodbye() {
	c.t.Helper()
	c.send([]byte{0xE0, 0})
	c.expectEnd(0)
}

// ping shows that the connection is alive and that everything before has been handled.
func (c *client) ping() {
	c.t.Helper()
	c.send([]byte{0xC0, 0})
	c.expect(PINGRESP)
}

// bubble runs a test in a synctest bubble with a broker.
func bubble(t *testing.T, o embedded.Options, test func(t *testing.T, b *brokertest.Broker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, brokertest.New(t, o)) })
}

// connectTo connects to a broker that was not made by brokertest.
func connectTo(t *testing.T, b *embedded.Broker) *client {
	ours, theirs := net.Pipe()
	go b.ServeConn(theirs)
	c := attach(t, ours)
	c.hello(hello{id: "c"})
	return c
}
