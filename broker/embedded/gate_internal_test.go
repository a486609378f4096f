package embedded

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
)

// flaky is a listener whose Accept fails now and then, as it does when there are too many open files.
type flaky struct {
	net.Listener
	failures int
}

func (f *flaky) Accept() (net.Conn, error) {
	if f.failures > 0 {
		f.failures--
		return nil, errors.New("too many open files")
	}
	return f.Listener.Accept()
}

func TestAFailingAcceptIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		ended := make(chan struct{})
		go func() { defer close(ended); b.accept(context.Background(), &flaky{l, 5}) }()
		client, server := net.Pipe()
		l.conns <- server
		if _, err := client.Write(append([]byte{0x10, 13}, "\x00\x04MQTT\x04\x02\x00\x00\x00\x01a"...)); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 4)
		if _, err := client.Read(answer); err != nil || answer[0] != 0x20 || answer[3] != 0 {
			t.Errorf("the answer is % x, %v", answer, err)
		}
		client.Close()
		close(l.closed)
		<-ended
	})
}

// pipeListener accepts what a test hands to it.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { return nil }
func (l *pipeListener) Addr() net.Addr { return nil }
