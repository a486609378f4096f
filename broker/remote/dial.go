package remote

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// How long connecting and logging in, writing one packet, and saying goodbye may take.
const (
	connectTimeout  = 10 * time.Second
	writeTimeout    = 30 * time.Second
	farewellTimeout = time.Second
)

// dial makes the network connection.
func (l *Link) dial(ctx context.Context) (net.Conn, error) {
	t := &l.target
	switch {
	case l.options.Dial != nil:
		return l.options.Dial(ctx)
	case t.scheme == "mqtt":
		return new(net.Dialer).DialContext(ctx, "tcp", t.address)
	case t.scheme == "mqtts":
		return (&tls.Dialer{Config: t.tls}).DialContext(ctx, "tcp", t.address)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: t.tls, Proxy: http.ProxyFromEnvironment}}
	//nolint:bodyclose // the connection owns it
	ws, _, err := websocket.Dial(ctx, t.url, &websocket.DialOptions{Subprotocols: []string{"mqtt"}, HTTPClient: client})
	if err != nil {
		return nil, err
	}
	if ws.Subprotocol() != "mqtt" {
		_ = ws.CloseNow()
		return nil, errors.New("the server does not speak MQTT over WebSocket")
	}
	return socket{websocket.NetConn(context.WithoutCancel(ctx), ws, websocket.MessageBinary), ws}, nil
}

// socket is a WebSocket that closes at once: MQTT has a goodbye of its own, and who does not hear us does not answer the
// other one either.
type socket struct {
	net.Conn
	ws *websocket.Conn
}

func (s socket) Close() error { return s.ws.CloseNow() }

// wire is a network connection as the MQTT library needs it: it locks a wire while it writes one packet, in pieces, and the
// wire sends the packet as a whole when it is unlocked. So packets of several goroutines do not mix, TLS and WebSocket make
// one record of each, and net.Pipe is not asked to carry pieces of length zero.
type wire struct {
	net.Conn
	in     *bufio.Reader
	closed func()       // called by each Close
	limit  atomic.Int64 // how long a write may take, a time.Duration

	turn    chan struct{} // holds one token while a packet is being written; a mutex would stop the clock of synctest
	writing bool
	out     []byte
}

func newWire(c net.Conn, closed func()) *wire {
	w := &wire{Conn: c, in: bufio.NewReader(c), closed: closed, turn: make(chan struct{}, 1)}
	w.limit.Store(int64(writeTimeout))
	return w
}

// Close tells that the connection is over, and closes it.
func (w *wire) Close() error {
	w.closed()
	return w.Conn.Close()
}

// hurry gives what is still being written and what will be no more than a short time.
func (w *wire) hurry() {
	w.limit.Store(int64(farewellTimeout))
	_ = w.SetWriteDeadline(time.Now().Add(farewellTimeout)) // an error will be the write's, too
}

func (w *wire) Read(p []byte) (int, error) { return w.in.Read(p) }

// Lock begins a packet.
func (w *wire) Lock() {
	w.turn <- struct{}{}
	w.writing = true
}

// Unlock ends a packet and sends it. If that fails the connection is closed, which whoever reads from it notices.
func (w *wire) Unlock() {
	defer func() { <-w.turn }()
	w.writing = false
	if err := w.send(w.out); err != nil {
		_ = w.Close()
	}
	if w.out = w.out[:0]; cap(w.out) > 64<<10 {
		w.out = nil
	}
}

// Write adds to the packet.
func (w *wire) Write(p []byte) (int, error) {
	if !w.writing {
		return 0, fmt.Errorf("writing %d bytes: not within a packet", len(p))
	}
	w.out = append(w.out, p...)
	return len(p), nil
}

func (w *wire) send(p []byte) error {
	if err := w.SetWriteDeadline(time.Now().Add(time.Duration(w.limit.Load()))); err != nil {
		return err
	}
	_, err := w.Conn.Write(p)
	return err
}
