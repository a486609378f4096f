package outage

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The packets of these tests are spelled out by hand from the standard.
var packets = []struct {
	name    string
	version byte
	hex     string
	want    packet
}{
	{"CONNACK of 3.1.1 with a session", mqtt311, "20020100", packet{kind: connackPacket, present: true, window: 65535}},
	{"CONNACK of 5 with a Receive Maximum between other properties", mqtt5, "2012" + "0000" + "0f" + "2700100000" + "210040" + "120004" + "61626364", packet{kind: connackPacket, window: 64}},
	{"CONNACK of 5 with a Receive Maximum", mqtt5, "200b" + "0000" + "08" + "2700100000" + "210040", packet{kind: connackPacket, window: 64}},
	{"CONNACK of 5 with a pair of texts", mqtt5, "200a" + "0087" + "07" + "26000161000162", packet{kind: connackPacket, code: 0x87, window: 65535}},
	{"PUBLISH of 3.1.1", mqtt311, "3b07" + "000161" + "0102" + "6869", packet{kind: publishPacket, topic: "a", id: 0x0102, payload: []byte("hi"), qos: 1, dup: true, retain: true}},
	{"PUBLISH of 5 with a subscription identifier", mqtt5, "3409" + "000161" + "0007" + "03" + "0b8101" + "", packet{kind: publishPacket, topic: "a", id: 7, payload: []byte{}, qos: 2}},
	{"PUBACK with a reason", mqtt5, "4003" + "0005" + "97", packet{kind: pubackPacket, id: 5, code: 0x97}},
	{"PUBREL", mqtt311, "6202" + "0009", packet{kind: pubrelPacket, id: 9}},
	{"SUBACK of 5", mqtt5, "9004" + "0001" + "00" + "02", packet{kind: subackPacket, id: 1, codes: []byte{2}}},
	{"DISCONNECT of 5", mqtt5, "e0018b", packet{kind: disconnectPacket, code: 0x8b}},
	{"PINGRESP", mqtt311, "d000", packet{kind: pingrespPacket}},
	{"PUBLISH with QoS 3", mqtt311, "3605" + "000161" + "0001", packet{}},
	{"PUBLISH that ends in its topic", mqtt311, "3003" + "000561", packet{}},
	{"an unknown property", mqtt5, "2005" + "0000" + "02" + "7f00", packet{}},
	{"properties beyond the end", mqtt5, "2003" + "0000" + "05", packet{}},
	{"a packet that no broker sends", mqtt5, "1000", packet{}},
	{"a packet that is too large", mqtt5, "30ffffff7f", packet{}},
}

func TestPacketsAreReadAsTheStandardSpellsThem(t *testing.T) {
	for _, test := range packets {
		t.Run(test.name, func(t *testing.T) {
			p, err := readPacket(bufio.NewReader(bytes.NewReader(unhex(t, test.hex))), test.version)
			if test.want.kind == 0 {
				if !errors.Is(err, errMalformed) {
					t.Errorf("read %+v, %v; want an error", p, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, p, cmp.AllowUnexported(packet{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPacketsAreSentAsTheStandardSpellsThem(t *testing.T) {
	will := &lastWords{topic: "w", payload: "x", qos: 2, delay: 5}
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"CONNECT of 3.1.1, clean", connect{version: mqtt311, id: "c"}.encode(), "100d" + "00044d515454" + "04" + "02" + "003c" + "000163"},
		{"CONNECT of 3.1.1 with a will and a session", connect{version: mqtt311, id: "c", expiry: 9, will: will}.encode(), "1013" + "00044d515454" + "04" + "14" + "003c" + "000163" + "000177" + "000178"},
		{
			"CONNECT of 5 with everything", connect{version: mqtt5, id: "c", expiry: 9, window: 10, will: will}.encode(),
			"1022" + "00044d515454" + "05" + "14" + "003c" + "08" + "1100000009" + "21000a" + "000163" + "05" + "1800000005" + "000177" + "000178",
		},
		{"PUBLISH of 5, again", encodePublish(mqtt5, 7, "a", []byte("hi"), 2, true, true), "3d08" + "000161" + "0007" + "00" + "6869"},
		{"PUBLISH of 3.1.1", encodePublish(mqtt311, 7, "a", nil, 1, false, false), "3205" + "000161" + "0007"},
		{"PUBREL", encodeAck(mqtt5, pubrelPacket, 7, 0), "6202" + "0007"},
		{"PUBREL with a reason", encodeAck(mqtt5, pubrelPacket, 7, packetIDNotFound), "6203" + "0007" + "92"},
		{"PUBCOMP of 3.1.1 has no reason", encodeAck(mqtt311, pubcompPacket, 7, packetIDNotFound), "7002" + "0007"},
		{"SUBSCRIBE of 5", encodeSubscribe(mqtt5, 1, "a/#", 2), "8209" + "0001" + "00" + "0003612f23" + "02"},
		{"DISCONNECT with will", encodeDisconnect(mqtt5, disconnectWithWill), "e00104"},
		{"DISCONNECT of 3.1.1", encodeDisconnect(mqtt311, disconnectWithWill), "e000"},
		{"PINGREQ", encodePing(), "c000"},
	}
	for _, test := range tests {
		if got := hex.EncodeToString(test.got); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func FuzzReadPacket(f *testing.F) {
	for _, p := range packets {
		f.Add(unhex(f, p.hex), p.version)
	}
	f.Fuzz(func(t *testing.T, b []byte, version byte) {
		in := bufio.NewReader(bytes.NewReader(b))
		for {
			p, err := readPacket(in, version)
			if err != nil {
				return
			}
			if len(p.payload)+len(p.topic)+len(p.codes) > len(b) || p.qos > 2 {
				t.Errorf("%x makes %+v", b, p)
			}
		}
	})
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
