package embedded

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// whole are valid packets of each type, without their lengths, and broken are bytes that are none.
var (
	whole = []struct {
		version, first byte
		body           string
	}{
		{4, 0x10, "\x00\x04MQTT\x04\x02\x00\x3c\x00\x07a-thing"},
		{3, 0x10, "\x00\x06MQIsdp\x03\x02\x00\x00\x00\x01a"},
		{4, 0x10, "\x00\x04MQTT\x04\xf6\x00\x00\x00\x01a\x00\x01w\x00\x01x\x00\x01u\x00\x04\x00\x01\x02\x03"},
		{5, 0x10, "\x00\x04MQTT\x05\x06\x00\x00\x0a\x11\x00\x00\x00\x09\x21\x00\x05\x17\x00\x00\x01a\x07\x18\x00\x00\x00\x05\x01\x01\x00\x01w\x00\x00"},
		{5, 0x10, "\x00\x04MQTT\x05\x02\x00\x00\x08\x27\x00\x00\x10\x00\x22\x00\x05\x00\x01a"},
		{4, 0x30, "\x00\x01tabc"},
		{4, 0x3B, "\x00\x01t\x00\x07abc"},
		{5, 0x35, "\x00\x01t\x00\x07\x0d\x02\x00\x00\x00\x09\x23\x00\x01\x03\x00\x02abx"},
		{5, 0x30, "\x00\x00\x03\x23\x00\x01x"},
		{5, 0x30, "\x00\x01t\x0a\x26\x00\x01k\x00\x02vv\x01\x01x"},
		{5, 0x30, "\x00\x01t\x08\x08\x00\x01r\x09\x00\x01cx"},
		{4, 0x40, "\x00\x01"},
		{5, 0x40, "\x00\x01\x10"},
		{5, 0x50, "\x00\x01\x80\x00"},
		{4, 0x62, "\x00\x01"},
		{3, 0x6A, "\x00\x01"},
		{5, 0x62, "\x00\x01\x92\x04\x1f\x00\x01x"},
		{5, 0x70, "\x00\x01"},
		{4, 0x82, "\x00\x01\x00\x01a\x01\x00\x01#\x02"},
		{3, 0x8A, "\x00\x01\x00\x01a\x01"},
		{5, 0x82, "\x00\x01\x02\x0b\x05\x00\x0a$share/g/t\x01\x00\x01a\x2d"},
		{4, 0xA2, "\x00\x01\x00\x01a"},
		{5, 0xA2, "\x00\x01\x07\x26\x00\x01k\x00\x01v\x00\x01a"},
		{4, 0xC0, ""},
		{4, 0xE0, ""},
		{5, 0xE0, "\x04"},
		{5, 0xE0, "\x00\x05\x11\x00\x00\x00\x01"},
	}
	broken = []struct {
		version byte
		frame   string
	}{
		{5, "\x82\x06\x00\x01\x00\x00\x01t"}, // cut after the filter
		{5, "\xf0\x02\x18\x00"},
		{5, "\x30\xff\xff\xff\x7f"},
		{5, "\x30\xff\xff\xff\xff"},
		{4, "\x30\x80"},
	}
)

// FuzzFrames hands whatever bytes to the readers of each packet. None may panic; what they take for valid must make the same sense a second
// time; and what is passed on to mochi must be valid for its decoders, too, which panic on some of what is not.
func FuzzFrames(f *testing.F) {
	if len(whole) == 0 || len(broken) == 0 {
		f.Fatal("the seed corpus is empty")
	}
	for _, s := range whole {
		frame := append(appendVarint([]byte{s.first}, len(s.body)), s.body...)
		if !readFrame(f, frame, len(frame)-len(s.body), s.version) {
			f.Errorf("version %d: % x is not taken for valid", s.version, frame)
		}
		f.Add(s.version, frame)
	}
	for _, s := range broken {
		f.Add(s.version, []byte(s.frame))
	}
	f.Fuzz(func(t *testing.T, version byte, data []byte) {
		version = mqtt31 + version%3
		size, header, err := frameSize(data)
		if err != nil {
			isPacketError(t, err)
			return
		}
		if size == 0 || size > len(data) {
			return
		}
		if header < 2 || header > 5 || size < header {
			t.Fatalf("a frame of %d bytes with a header of %d", size, header)
		}
		readFrame(t, data[:size:size], header, version)
	})
}

// readFrame says whether a packet is taken for valid.
func readFrame(t testing.TB, frame []byte, header int, version byte) (valid bool) {
	body := bytes.Clone(frame[header:])
	switch kind := frame[0] >> 4; kind {
	case connectPacket:
		if _, err := decodeConnect(frame[header:]); err != nil {
			isPacketError(t, err)
			return false
		}
	case publishPacket:
		if !readPublish(t, frame[0], frame[header:], version) {
			return false
		}
	case pubackPacket, pubrecPacket, pubrelPacket, pubcompPacket:
		id, code, err := decodeAck(frame[0], frame[header:], version)
		if err != nil {
			isPacketError(t, err)
			return false
		}
		again := appendAck(nil, kind, id, version, code)
		if id2, code2, err := decodeAck(again[0], again[2:], version); err != nil || id2 != id || code2 != code {
			t.Fatalf("% x is %d and %#x, then %d and %#x, %v", frame, id, code, id2, code2, err)
		}
	case disconnectPacket:
		if _, err := decodeGoodbye(frame, header, version); err != nil {
			isPacketError(t, err)
			return false
		}
	default:
		if err := checkControl(frame, header, version, 1000); err != nil {
			isPacketError(t, err)
			return false
		}
		switch kind {
		case subscribePacket:
			mochi(t, frame, version, (*packets.Packet).SubscribeDecode)
		case unsubscribePacket:
			mochi(t, frame, version, (*packets.Packet).UnsubscribeDecode)
		case pingreqPacket:
		default:
			t.Fatalf("packet type %d was passed on", kind)
		}
	}
	if !bytes.Equal(body, frame[header:]) {
		t.Fatal("reading a packet has changed it")
	}
	return true
}

// readPublish reads a PUBLISH, and what it becomes on its way out.
func readPublish(t testing.TB, first byte, body []byte, version byte) (valid bool) {
	options := new(Options)
	if err := options.fill(); err != nil {
		t.Fatal(err)
	}
	n := names{limits: options, aliases: make([]*name, maxAliases)}
	for i := range n.aliases {
		n.aliases[i] = &name{topic: "alias"}
	}
	var m message
	id, err := decodePublish(first, body, version, &n, &m)
	if err != nil {
		isPacketError(t, err)
		return false
	}
	out := outgoing{message: m.own(), level: m.qos, id: id, dup: first&8 != 0, replay: m.retain}
	if !out.expires.IsZero() && time.Until(out.expires) < time.Second {
		out.expires = time.Time{}
	}
	wire := out.append(nil, version == mqtt5)
	size, header, err := frameSize(wire)
	if err != nil || size != len(wire) {
		t.Fatalf("% x came out as % x, whose size is %d, %v", body, wire, size, err)
	}
	var again message
	if id2, err := decodePublish(wire[0], wire[header:], version, &n, &again); err != nil || id2 != id {
		t.Fatalf("% x came out as % x: identifier %d, %v", body, wire, id2, err)
	}
	if again.topic != m.topic || !bytes.Equal(again.payload, m.payload) || !bytes.Equal(again.props, m.props) || again.qos != m.qos || again.retain != m.retain {
		t.Fatalf("%+v came out as %+v", m, again)
	}
	return true
}

// mochi decodes a packet that is passed on to it.
func mochi(t testing.TB, frame []byte, version byte, decode func(*packets.Packet, []byte) error) {
	size, header, err := frameSize(frame)
	if err != nil || size != len(frame) {
		t.Fatalf("% x: size %d, %v", frame, size, err)
	}
	pk := packets.Packet{ProtocolVersion: version}
	if err := pk.FixedHeader.Decode(frame[0] &^ 8); err != nil {
		t.Fatalf("% x: %v", frame, err)
	}
	pk.FixedHeader.Remaining = len(frame) - header
	if err := decode(&pk, frame[header:]); err != nil {
		t.Fatalf("% x is valid here, and for mochi: %v", frame, err)
	}
}

func isPacketError(t testing.TB, err error) {
	if wrong := (*packetError)(nil); !errors.As(err, &wrong) {
		t.Fatalf("%v says nothing of a packet", err)
	}
}
