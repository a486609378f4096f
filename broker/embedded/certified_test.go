package embedded_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/internal/certificate"
)

// secureWeb serves a broker over secure WebSocket, and returns how to connect with a client's configuration.
func secureWeb(t *testing.T, b *brokertest.Broker, server *tls.Config) func(client *tls.Config) (*websocket.Conn, *http.Response, error) {
	s := httptest.NewUnstartedServer(b.WebSocket())
	s.TLS = server
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	t.Cleanup(b.Stop)
	return func(client *tls.Config) (*websocket.Conn, *http.Response, error) {
		transport := &http.Transport{TLSClientConfig: client}
		t.Cleanup(transport.CloseIdleConnections)
		return dialWeb(t, "wss"+strings.TrimPrefix(s.URL, "https"), websocket.DialOptions{
			Subprotocols: []string{"mqtt"}, HTTPClient: &http.Client{Transport: transport}, HTTPHeader: http.Header{"Origin": {s.URL}},
		})
	}
}

func TestSecureWebSocket(t *testing.T) {
	r := newRealm(t)
	b := brokertest.New(t, embedded.Options{Logger: slog.New(slog.DiscardHandler)})
	ws, _, err := secureWeb(t, b, r.server())(r.client(""))
	if err != nil {
		t.Fatal(err)
	}
	c := attach(t, websocket.NetConn(t.Context(), ws, websocket.MessageBinary))
	c.hello(hello{version: 5, id: "c", keepAlive: 30})
	c.subscribe(filter{"t", 1})
	c.publish(post{topic: "t", payload: strings.Repeat("x", 100_000)})
	if m := c.receive(); len(m.payload) != 100_000 {
		t.Errorf("got %d bytes", len(m.payload))
	}
	b.Disconnect("c")
	c.expectEnd(0x98)
}

// A certificate is the user over secure WebSocket, too. The handshake takes any, since the pages need none, and the broker looks at it.
func TestAClientCertificateIsTheUserOverWebSocket(t *testing.T) {
	r, other := newRealm(t), newRealm(t)
	r.files.AnyClient = true
	set, err := certificate.Load(r.files)
	if err != nil {
		t.Fatal(err)
	}
	o := locked(nil)
	o.Anonymous, o.VerifyCertificate = embedded.Never, set.Verify
	b := brokertest.New(t, o)
	dial := secureWeb(t, b, certificate.NewSource(set).Config())
	foreign := r.client("")
	foreign.Certificates = other.client("lamp").Certificates
	for _, test := range []struct {
		name   string
		client *tls.Config
		hello  hello
		code   byte
		user   string
	}{
		{"a certificate and no login", r.client("lamp"), hello{id: "1"}, 0, "lamp"},
		{"a certificate and somebody else's login", r.client("lamp"), hello{id: "2", user: "anna", password: "right"}, 0, "lamp"},
		{"a certificate and a wrong login", r.client("lamp"), hello{id: "3", user: "lamp", password: "guess"}, 0, "lamp"},
		{"no certificate and a login", r.client(""), anna("4", 4), 0, "anna"},
		{"no certificate and no login", r.client(""), hello{id: "5"}, 5, ""},
	} {
		ws, resp, err := dial(test.client)
		if err != nil {
			t.Errorf("%s: %v, %v", test.name, resp, err)
			continue
		}
		c := attach(t, websocket.NetConn(t.Context(), ws, websocket.MessageBinary))
		if code := c.hello(test.hello)[1]; code != test.code {
			t.Errorf("%s: the answer is %d, want %d", test.name, code, test.code)
			continue
		}
		if test.code == 0 && b.Clients()[0].User != test.user {
			t.Errorf("%s: the user is %q, want %q", test.name, b.Clients()[0].User, test.user)
		}
		c.goodbye()
	}
	if _, resp, err := dial(foreign); err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("another authority's certificate: %v, %v, want 403", resp, err)
	}
	if all := b.Refusals(); len(all) == 0 || all[0].Reason != "TLS: its certificate was signed by an authority other than that of mqtt.tls.client_ca" || all[0].Address != "127.0.0.1" {
		t.Errorf("the foreign certificate is not listed: %+v", all)
	}
}

// A certificate may be revoked at any moment while its client is being let in.
func TestACertificateThatIsRevokedMeanwhile(t *testing.T) {
	bubble(t, embedded.Options{Anonymous: embedded.Always}, func(t *testing.T, b *brokertest.Broker) {
		r := newRealm(t)
		server := r.server()
		for good := range 2 { // how often it is found to be good
			c := dialTLS(t, b, "192.168.1.40:1", server, r.client("lost"))
			asked := 0
			b.EndRevoked(func([][]*x509.Certificate) error {
				if asked++; asked > good {
					return errors.New("its certificate was revoked")
				}
				return nil
			})
			if good == 0 {
				if code := c.hello(hello{version: 5, id: "x"})[1]; code != 0x87 {
					t.Errorf("it is answered %#x", code)
				}
				if all := b.Refusals(); len(all) != 1 || all[0].Reason != "its certificate was revoked" || all[0].Client != "x" || all[0].User != "lost" {
					t.Errorf("refusals %+v", all)
				}
				continue
			}
			c.hello(hello{version: 5, id: "x"})
			c.expectEnd(0x87)
			if h := b.History("x"); len(h) == 0 || h[0].Reason != "its certificate was revoked" {
				t.Errorf("the record is %+v", h)
			}
		}
	})
}

func TestTheConnectionsOfRevokedCertificatesAreEnded(t *testing.T) {
	bubble(t, embedded.Options{Anonymous: embedded.Always}, func(t *testing.T, b *brokertest.Broker) {
		r := newRealm(t)
		server := r.server()
		connect := func(name string) *client {
			c := dialTLS(t, b, "192.168.1.40:1", server, r.client(name))
			c.hello(hello{version: 5, id: "with " + name})
			return c
		}
		lost, kept, none := connect("lost"), connect("kept"), connect("")
		ended := b.EndRevoked(func(chains [][]*x509.Certificate) error {
			if leaf := chains[0][0]; leaf.Subject.CommonName != "lost" || len(chains[0]) != 2 {
				return nil
			}
			return errors.New("its certificate was revoked")
		})
		lost.expectEnd(0x87)
		kept.ping()
		none.ping()
		if h := b.History("with lost"); ended != 1 || len(h) != 1 || h[0].Reason != "its certificate was revoked" {
			t.Errorf("%d were ended, and the record is %+v", ended, h)
		}
	})
}
