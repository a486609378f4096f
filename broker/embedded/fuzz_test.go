package embedded_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/broker/embedded"
)

// seeds are packets that follow CONNECT, valid ones and ones that brokers have died of.
func seeds() [][]byte {
	return [][]byte{
		post{topic: "t", payload: "x", qos: 1, id: 1, retain: true}.bytes(5),
		post{topic: "t", qos: 2, id: 1, props: string(join(prop(0x23, u16(1)), prop(0x02, u32(9))))}.bytes(5),
		ack(PUBREL, 1), ack(PUBREC, 1), ack(PUBCOMP, 1, 0x92), ack(PUBACK, 1, 0x10),
		subscribe(5, 1, prop(0x0B, []byte{1}), filter{"#", 2}, filter{"$share/g/t", 1}),
		frame(0x82, u16(1), []byte{0}, str("t")), // cut after the filter
		frame(0x82, u16(1), []byte{0, 0, 1}),
		unsubscribe(5, 1, "#"),
		{0xC0, 0},
		{0xE0, 0},
		{0xE0, 1, 4},
		frame(0xE0, []byte{0}, props(5, prop(0x11, u32(1)))),
		{0xF0, 2, 0x18, 0},
		{0x30, 0xFF, 0xFF, 0xFF, 0xFF},
		{0x30, 0xFF, 0xFF, 0xFF, 0x7F},
		hello{version: 5, id: "again"}.bytes(),
		frame(0x30, str("t"), []byte{5, 0x26, 0, 9}),
	}
}

// FuzzConnection sends whatever bytes after a CONNECT, in all versions. Nothing may make the broker panic, and whoever else is
// there goes on undisturbed.
func FuzzConnection(f *testing.F) {
	if len(seeds()) == 0 {
		f.Fatal("the seed corpus is empty")
	}
	for i, s := range seeds() {
		f.Add(byte(3+i%3), s)
		f.Add(byte(5), join(subscribe(5, 2, nil, filter{"#", 2}), s, []byte{0xC0, 0}))
	}
	f.Fuzz(func(t *testing.T, version byte, data []byte) {
		version = 3 + version%3
		fuzz(t, join(hello{version: version, id: "fuzz", persistent: true, props: prop(0x11, u32(9)), will: &post{topic: "will"}}.bytes(), data))
	})
}

// FuzzConnect sends whatever bytes from the start.
func FuzzConnect(f *testing.F) {
	packets := [][]byte{
		hello{version: 5, id: "a", will: &post{topic: "w", payload: "x", qos: 1}, user: "u", password: "p", props: prop(0x21, u16(9))}.bytes(),
		hello{version: 4, id: "a"}.bytes(),
		hello{version: 3, id: "a", keepAlive: 10}.bytes(),
		{0x10, 0xFF, 0xFF, 0xFF, 0x7F},
		{0xC0, 0},
	}
	if len(packets) == 0 {
		f.Fatal("the seed corpus is empty")
	}
	for _, p := range packets {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, data []byte) { fuzz(t, data) })
}

func fuzz(t *testing.T, data []byte) {
	var log journal
	b, err := embedded.New(embedded.Options{Logger: log.logger(), MaxPacketSize: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	ended := make(chan struct{})
	go func() { defer close(ended); b.ServeConn(theirs) }()
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			if _, err := ours.Read(buf); err != nil {
				return
			}
		}
	}()
	_ = ours.SetWriteDeadline(time.Now().Add(patience()))
	_, _ = ours.Write(data)
	ours.Close()
	<-ended
	<-read
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("the broker failed:\n%s", log.String())
	}
	if got := b.Stats().Connected; got != 0 {
		t.Errorf("%d clients are connected after the end", got)
	}
}
