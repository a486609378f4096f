package embedded

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"home.arpa/homehub/broker"
)

// overTCP returns the two ends of a connection over loopback.
func overTCP(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}

func TestASocketBorrowsItsInputBufferWhenThereIsSomethingToRead(t *testing.T) {
	client, server := overTCP(t)
	s := newSocket(server)
	if s == nil {
		t.Skip("sockets are not read by their descriptor here")
	}
	waits := make(chan struct{}, 1)
	s.waits = func() error { waits <- struct{}{}; return nil }
	go func() {
		<-waits
		_, _ = client.Write([]byte("hello"))
	}()
	into, n, err := s.read(borrowInput(), true)
	if string(into[:n]) != "hello" || len(into) != inputSize || err != nil {
		t.Errorf("read %q into a buffer of %d bytes, %v", into[:n], len(into), err)
	}
	_ = server.SetReadDeadline(longAgo)
	if into, _, err = s.read(into, true); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	_ = server.SetReadDeadline(time.Time{})
	gone := errors.New("it has to go")
	s.waits = func() error { return gone }
	if _, _, err = s.read(into, true); !errors.Is(err, gone) {
		t.Errorf("who must not wait any more: %v", err)
	}
	client.Close()
	if into, n, err = s.read(nil, true); n != 0 || err == nil {
		t.Errorf("after the end: %d bytes, %v", n, err)
	}
	returnInput(into)
}

// slow is a handler that holds a publisher back until its read deadline has passed.
type slow struct {
	broker *Broker
	calls  *atomic.Int64
}

func (slow) HandleLink(bool, string)                       {}
func (slow) HandleSession(context.Context, broker.Session) {}

func (s slow) HandleMessage(_ context.Context, m broker.Message) {
	s.calls.Add(1)
	s.broker.registry.mu.Lock()
	defer s.broker.registry.mu.Unlock()
	_ = s.broker.registry.holders[m.Client].net.SetReadDeadline(longAgo)
}

// Being held back by a handler is no silence of the client's, and an alarm that goes off meanwhile says nothing.
func TestADeadlineThatPassesWhileNobodyWaitsEndsNothing(t *testing.T) {
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	link := b.Link()
	link.Subscribe(broker.Subscription{Filter: "t"})
	ctx, stop := context.WithCancel(t.Context())
	linked := make(chan error, 1)
	var held atomic.Int64
	go func() { linked <- link.Run(ctx, slow{b, &held}) }()
	client, server := overTCP(t)
	served := make(chan struct{})
	go func() { defer close(served); b.ServeConn(server) }()
	come(t, client, "a")
	for held.Load() < 3 { // the link comes up meanwhile
		if _, err := client.Write(append([]byte{publishPacket << 4, 4, 0, 1, 't', 'x'}, pingreqPacket<<4, 0)); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 2)
		if _, err := client.Read(answer); err != nil || answer[0] != pingrespPacket<<4 {
			t.Fatalf("the answer to a ping is % x, %v", answer, err)
		}
	}
	client.Close()
	<-served
	stop()
	if err := <-linked; err != nil {
		t.Error(err)
	}
}
