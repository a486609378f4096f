package remote_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/remote"
)

// serve gives what a listener accepts to a broker, until the test ends.
func serve(t *testing.T, b *brokertest.Broker, l net.Listener) {
	t.Helper()
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wait.Go(func() { b.ServeConn(c) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		b.Stop()
		wait.Wait()
	})
}

func TestEachTransportCarriesMessagesBothWays(t *testing.T) {
	b := brokertest.New(t)
	web := httptest.NewTLSServer(b.WebSocket())
	t.Cleanup(web.Close)
	plainWeb := httptest.NewServer(b.WebSocket())
	t.Cleanup(plainWeb.Close)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, b, plain)
	secure, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, b, secure)

	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []remote.Options{
		{URL: "mqtt://" + plain.Addr().String()},
		{URL: "mqtts://" + secure.Addr().String(), CAFile: ca},
		{URL: strings.Replace(plainWeb.URL, "http", "ws", 1)},
		{URL: strings.Replace(web.URL, "https", "wss", 1) + "/elsewhere", CAFile: ca},
	} {
		arrived := make(chan string, 10)
		tell := func(_ context.Context, m broker.Message) { arrived <- string(m.Payload) }
		l := run(t, o, tell, broker.Subscription{Filter: "to/link", QoS: 2})
		other := run(t, remote.Options{Dial: over(b), ClientID: "other"}, tell, broker.Subscription{Filter: "to/other", QoS: 2})
		if err := errors.Join(l.Sync(t.Context()), other.Sync(t.Context())); err != nil {
			t.Fatal(o.URL, err)
		}
		payload := strings.Repeat("x", 100_000)
		for qos := range byte(3) {
			if err := l.Publish(t.Context(), broker.Message{Topic: "to/other", Payload: []byte(payload), QoS: qos}); err != nil {
				t.Error(o.URL, err)
			}
			if err := other.Publish(t.Context(), broker.Message{Topic: "to/link", Payload: []byte(payload), QoS: qos}); err != nil {
				t.Error(o.URL, err)
			}
			for range 2 {
				if got := <-arrived; got != payload {
					t.Errorf("%s: %d bytes arrived", o.URL, len(got))
				}
			}
		}
		l.end(t)
		other.end(t)
	}
}

func TestACertificateOfSomebodyElseIsRefused(t *testing.T) {
	b := brokertest.New(t)
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	t.Cleanup(web.Close)
	secure, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, b, secure)
	l, err := remote.New(remote.Options{URL: "mqtts://" + secure.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	n := make(news, 1)
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, n) }()
	var unknown x509.UnknownAuthorityError
	if said := <-n; !strings.Contains(said, unknown.Error()) {
		t.Errorf("said %q", said)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// news is a handler of what HandleLink says first.
type news chan string

func (n news) HandleMessage(context.Context, broker.Message) {}
func (n news) HandleSession(context.Context, broker.Session) {}
func (n news) HandleLink(_ bool, detail string) {
	select {
	case n <- detail:
	default:
	}
}
