package embedded

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
	"weak"
)

// visitor is a client over a pipe, whose connection may be gone for good one day.
type visitor struct {
	t    *testing.T
	nc   net.Conn
	conn weak.Pointer[conn]
	over chan struct{} // closed when the broker is done with it
}

// cleanStart is the flag of a CONNECT that wants a new session, which ends with the connection.
const cleanStart = 2

// knock sends CONNECT with flags, and with what these say that follows the identifier.
func knock(t *testing.T, b *Broker, id string, flags byte, more ...byte) *visitor {
	body := append(appendText(nil, "MQTT"), mqtt311, flags, 0, 0)
	return knockWith(t, b, append(appendText(body, id), more...))
}

func knockWith(t *testing.T, b *Broker, connect []byte) *visitor {
	client, server := net.Pipe()
	v := &visitor{t: t, nc: client, over: make(chan struct{})}
	go func() { defer close(v.over); b.ServeConn(server) }()
	v.send(connectPacket<<4, connect)
	return v
}

func arrive(t *testing.T, b *Broker, id string) *visitor {
	v := knock(t, b, id, cleanStart)
	v.expect(connackPacket)
	b.registry.mu.Lock()
	defer b.registry.mu.Unlock()
	v.conn = weak.Make(b.registry.holders[id])
	return v
}

func (v *visitor) send(first byte, body []byte) {
	v.t.Helper()
	if _, err := v.nc.Write(append(appendVarint([]byte{first}, len(body)), body...)); err != nil {
		v.t.Fatal(err)
	}
}

func (v *visitor) expect(kind byte) {
	v.t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(v.nc, head); err != nil || head[0]>>4 != kind {
		v.t.Fatalf("got % x, %v, want packet type %d", head, err, kind)
	}
	if _, err := io.CopyN(io.Discard, v.nc, int64(head[1])); err != nil {
		v.t.Fatal(err)
	}
}

func (v *visitor) leave() {
	_ = v.nc.Close()
	<-v.over
}

// A connection remembers who wrote to it last. That must not keep the other connection, which remembers another one, and so on: nothing but the
// first and the last one would ever be given back.
func TestNothingKeepsAConnectionThatHasEnded(t *testing.T) {
	b, err := New(Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	first := arrive(t, b, "0")
	first.send(subscribePacket<<4|2, append(appendText([]byte{0, 1}, "0"), 1))
	first.expect(9)
	var gone []weak.Pointer[conn]
	before := first
	for i := 1; i < 50; i++ {
		name := fmt.Sprint(i)
		v := arrive(t, b, name)
		v.send(subscribePacket<<4|2, append(appendText([]byte{0, 1}, name), 1))
		v.expect(9)
		v.send(publishPacket<<4, append(appendText(nil, fmt.Sprint(i-1)), "hello"...)) // to the one before, which is still there
		before.expect(publishPacket)
		if before != first {
			before.leave()
		}
		before, gone = v, append(gone, v.conn)
	}
	before.leave()
	kept := len(gone)
	for begin := time.Now(); kept > 0 && time.Since(begin) < 10*time.Second; runtime.GC() { // whoever served one may still be on the way out
		kept = 0
		for _, c := range gone {
			if c.Value() != nil {
				kept++
			}
		}
	}
	if kept > 0 {
		t.Errorf("%d of %d connections that have ended are kept", kept, len(gone))
	}
	if first.conn.Value() == nil {
		t.Error("the one that is there is gone, too")
	}
	first.leave()
}
