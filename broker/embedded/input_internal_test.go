package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
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

// reader is a connection, which somebody has let in, over loopback. It does without a lobby.
func reader(t *testing.T) (client net.Conn, c *conn) {
	t.Helper()
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	client, server := overTCP(t)
	c = newConn(b, server, peer{})
	c.opened.Store(true)
	if runtime.GOOS == "windows" {
		t.Skip("left out: sockets are not read by their descriptor here")
	}
	if c.socket == nil {
		t.Fatal("the socket is not read by its descriptor")
	}
	return client, c
}

func TestASocketIsReadUntilTheReaderHasEnough(t *testing.T) {
	client, c := reader(t)
	enough := errors.New("enough")
	var got []string
	go func() { _, _ = client.Write([]byte("hello")) }()
	err := c.fill(func(c *conn) error {
		got = append(got, string(c.in[c.start:c.top]))
		c.start = c.top
		if len(got) == 3 {
			return enough
		}
		_, err := client.Write([]byte{byte('0' + len(got))})
		return err
	})
	if !errors.Is(err, enough) || !slices.Equal(got, []string{"hello", "1", "2"}) {
		t.Errorf("read %q, %v", got, err)
	}
	go func() { _, _ = client.Write([]byte("x")) }()
	if err := c.fill(nil); err != nil || string(c.in[c.start:c.top]) != "x" {
		t.Errorf("without a reader: %q, %v", c.in[c.start:c.top], err)
	}
}

func TestASocketBorrowsItsInputBufferWhenThereIsSomethingToRead(t *testing.T) {
	client, c := reader(t)
	_ = c.net.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) // until it waits, and nothing comes
	if late, err := c.read(); !late || c.in != nil {
		t.Errorf("while it waits it has a buffer of %d bytes; %v", len(c.in), err)
	}
	_ = c.net.SetReadDeadline(time.Time{})
	_, _ = client.Write([]byte("hello"))
	if err := c.fill(nil); err != nil || len(c.in) != inputSize || string(c.in[:c.top]) != "hello" {
		t.Errorf("read %q into a buffer of %d bytes, %v", c.in[:c.top], len(c.in), err)
	}
	_, _ = client.Write([]byte(" there"))
	if err := c.fill(nil); err != nil || string(c.in[:c.top]) != "hello there" {
		t.Errorf("then %q, %v", c.in[:c.top], err)
	}
}

func TestASocketSaysWhyThereIsNothingToRead(t *testing.T) {
	client, c := reader(t)
	c.stop(&cause{reason: "a test"})
	if err := c.fill(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("who must not wait any more: %v", err)
	}
	client.Close()
	if err := c.fill(nil); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
	_ = c.net.SetReadDeadline(longAgo)
	if err := c.fill(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("when it was woken to be ended: %v", err)
	}
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

// A large packet needs a large buffer. When it has been handled, the connection has a small one again.
func TestALargeInputBufferIsNotKept(t *testing.T) {
	c := &conn{in: make([]byte, 4*keepBuffer), start: 100, top: 200}
	if c.room(); len(c.in) != 4*keepBuffer {
		t.Errorf("with something unread the buffer has %d bytes", len(c.in))
	}
	c.start = c.top
	if c.room(); len(c.in) != inputSize {
		t.Errorf("with nothing unread the buffer has %d bytes, want %d", len(c.in), inputSize)
	}
}

// A connection remembers the names of topics that it has used, and not all of them.
func TestTheMemoryOfTopicNamesIsBounded(t *testing.T) {
	var n names
	for i := range 10 * maxNames {
		if _, err := n.find(fmt.Append(nil, "topic/", i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(n.known) == 0 || len(n.known) > maxNames {
		t.Errorf("%d names are remembered, want %d at most", len(n.known), maxNames)
	}
}

// Of a connection that is taken over, what has come is heard even if nobody had the time to look for it.
func TestWhatHasComeIsOverheardHoweverLate(t *testing.T) {
	client, c := reader(t)
	c.connect.version = mqtt311
	c.session = &session{}
	c.session.permit.Store(&everything)
	past := time.Now().Add(-time.Second)
	if err := c.net.SetReadDeadline(past); err != nil { // as whoever ends it does
		t.Fatal(err)
	}
	if c.overhear(past); c.leaving != nil {
		t.Fatal("a goodbye was heard before it was said")
	}
	if _, err := client.Write([]byte{publishPacket << 4, 4, 0, 1, 't', 'x', disconnectPacket << 4, 0}); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); c.leaving == nil && time.Since(begin) < 10*time.Second; runtime.Gosched() {
		c.overhear(past)
	}
	if c.leaving == nil || c.news.Messages[0] != 1 {
		t.Errorf("the goodbye that was heard is %v, with %d messages before it", c.leaving, c.news.Messages[0])
	}
}
