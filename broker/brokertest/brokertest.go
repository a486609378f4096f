// Package brokertest gives tests an embedded broker over net.Pipe: no port, no file, and time that testing/synctest controls.
//
// Everybody's tests use it, inside of a synctest bubble and outside. It never appears in a program.
package brokertest

import (
	"context"
	"net"
	"sync"
	"testing"

	"home.arpa/homehub/broker/embedded"
)

// Broker is a running broker that a test has made.
type Broker struct {
	*embedded.Broker

	stop  context.CancelFunc
	ended chan struct{}

	mu     sync.Mutex
	closed bool
	conns  sync.WaitGroup
}

// New starts a broker, and stops it when the test ends. At most one Options may be given.
func New(t testing.TB, options ...embedded.Options) *Broker {
	t.Helper()
	var o embedded.Options
	switch len(options) {
	case 0:
	case 1:
		o = options[0]
	default:
		t.Fatal("brokertest.New takes one Options at most")
	}
	b, err := embedded.New(o)
	if err != nil {
		t.Fatalf("building the broker: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	tb := &Broker{Broker: b, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(tb.ended)
		if err := b.Run(ctx); err != nil {
			t.Errorf("running the broker: %v", err)
		}
	}()
	t.Cleanup(tb.Stop)
	return tb
}

// Stop stops the broker and returns when it has stopped. The test's end calls it, too.
func (b *Broker) Stop() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.stop()
	<-b.ended
	b.conns.Wait()
}

// Dial connects to the broker. After Stop the connection is a closed one. A client that writes a packet in several pieces from
// several goroutines, as paho does, needs packets.NewThreadSafeConn around it.
func (b *Broker) Dial() net.Conn {
	client, server := net.Pipe()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		_ = server.Close()
	} else {
		b.conns.Go(func() { b.ServeConn(server) })
	}
	return pipe{client}
}

// DialContext is Dial with the signature of net.Dialer's method; it ignores network and address.
func (b *Broker) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return b.Dial(), nil
}

// pipe is a client's end. Writes of nothing, which net.Pipe would wait to hand over, are swallowed: some client libraries
// make them.
type pipe struct{ net.Conn }

func (p pipe) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return p.Conn.Write(b)
}
