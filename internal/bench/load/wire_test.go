package load

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPacketsAreEncodedAsTheStandardSays(t *testing.T) {
	plain, retained := newTemplate("a/b", 0, false, make([]byte, stampSize)), newTemplate("a/b", 2, true, make([]byte, stampSize))
	s := stamp{publisher: 1, sequence: 2, sent: 3}
	const stamped = "00000001" + "0000000000000002" + "0000000000000003"
	for name, c := range map[string]struct {
		got  []byte
		want string
	}{
		"CONNECT":                  {appendConnect(nil, Login{Client: "c", KeepAlive: 60}), "100d00044d5154540402003c000163"},
		"CONNECT with credentials": {appendConnect(nil, Login{Client: "c", User: "u", Password: "p", Persistent: true}), "101300044d51545404c00000000163" + "000175" + "000170"},
		"SUBSCRIBE":                {appendSubscribe(nil, 0x0102, "a/#", 1), "82080102" + "0003612f23" + "01"},
		"PUBACK":                   {appendAck(nil, pubackPacket, 0x0304), "40020304"},
		"PUBREL":                   {appendAck(nil, pubrelPacket, 1), "62020001"},
		"PUBLISH with QoS 0":       {plain.append(nil, 9, s), "3019" + "0003612f62" + stamped},
		"PUBLISH retained, QoS 2":  {retained.append([]byte{0xFF}, 9, s), "ff" + "351b" + "0003612f62" + "0009" + stamped},
		"a length of two bytes":    {appendVarint(nil, 128), "8001"},
		"the greatest of one byte": {appendVarint(nil, 127), "7f"},
		"a length of three bytes":  {appendVarint(nil, 16384), "808001"},
	} {
		t.Run(name, func(t *testing.T) {
			if want := unhex(t, c.want); !bytes.Equal(c.got, want) {
				t.Errorf("got  %x\nwant %x", c.got, want)
			}
		})
	}
}

func TestPacketsAreSplit(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		used int
	}{
		"nothing":                {"", 0},
		"a whole packet":         {"20020000", 4},
		"a packet and more":      {"d000d0", 2},
		"half a packet":          {"200200", 0},
		"half a length":          {"3080", 0},
		"a length of five bytes": {"30ffffffff01", -1},
		"an empty packet":        {"d000", 2},
	} {
		t.Run(name, func(t *testing.T) {
			_, body, used := split(unhex(t, c.in))
			if used != c.used || used > 2 && len(body) != used-2 {
				t.Errorf("used %d with a body of %d bytes, want %d", used, len(body), c.used)
			}
		})
	}
}

func TestWhatIsPublishedIsRead(t *testing.T) {
	for _, qos := range []byte{0, 1, 2} {
		tmpl := newTemplate("x", qos, false, make([]byte, 300))
		want := stamp{7, 1 << 40, 1 << 50}
		packet := tmpl.append(nil, 5, want)
		first, body, used := split(packet)
		id, got, stamped, ok := decodePublish(first, body)
		if used != len(packet) || !ok || !stamped || got != want || (id == 5) != (qos > 0) {
			t.Errorf("QoS %d: used %d, id %d, %+v, %v, %v", qos, used, id, got, stamped, ok)
		}
		for n := range body[:5] {
			if _, _, _, ok := decodePublish(first, body[:n]); ok && n < 3 {
				t.Errorf("QoS %d: %d bytes are a message", qos, n)
			}
		}
	}
	if _, _, stamped, ok := decodePublish(0x30, unhex(t, "000161"+"ffff")); stamped || !ok {
		t.Error("a payload of two bytes is stamped")
	}
}

// FuzzSplit hands anything to the reader of packets.
func FuzzSplit(f *testing.F) {
	f.Add([]byte{0x30, 0x19, 0, 1, 'a'})
	f.Add([]byte{0x32, 5, 0, 1, 'a', 0, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			first, body, used := split(b)
			if used <= 0 {
				return
			}
			if used > len(b) || len(body) > used-2 {
				t.Fatalf("used %d of %d, body %d", used, len(b), len(body))
			}
			decodePublish(first, body)
			b = b[used:]
		}
	})
}
