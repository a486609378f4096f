package embedded_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/internal/certificate"
)

// realm is a house with an authority, the hub's certificate, and clients that trust it.
type realm struct {
	*certificate.Authority
	t     *testing.T
	files certificate.Files
}

func newRealm(t *testing.T) realm {
	t.Helper()
	dir := t.TempDir()
	a, err := certificate.NewAuthority(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := a.Server([]string{"hub.lan", "127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return realm{a, t, certificate.Files{Cert: cert, Key: key, ClientCA: filepath.Join(dir, certificate.AuthorityCert)}}
}

func (r realm) server() *tls.Config {
	r.t.Helper()
	s, err := certificate.Load(r.files)
	if err != nil {
		r.t.Fatal(err)
	}
	return certificate.NewSource(s).Config()
}

// client is a client's configuration, with a certificate in a name if there is one.
func (r realm) client(name string) *tls.Config {
	r.t.Helper()
	data, err := os.ReadFile(r.files.ClientCA)
	if err != nil {
		r.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(data)
	c := &tls.Config{ServerName: "hub.lan", RootCAs: roots}
	if name != "" {
		cert, key, err := r.Client(name, r.t.TempDir(), time.Now())
		if err != nil {
			r.t.Fatal(err)
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			r.t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c
}

// dialTLS connects over a pipe, as if from an address, to a broker that takes it for a TLS connection.
func dialTLS(t *testing.T, b *brokertest.Broker, address string, server, client *tls.Config) *client {
	t.Helper()
	ours, theirs := net.Pipe()
	var serving sync.WaitGroup
	serving.Go(func() { b.ServeConn(tls.Server(from{theirs, address}, server)) })
	t.Cleanup(serving.Wait)
	return attach(t, tls.Client(ours, client))
}

func TestTLSInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRealm(t)
		b := brokertest.New(t)
		c := dialTLS(t, b, "127.0.0.1:1", r.server(), r.client(""))
		c.hello(hello{version: 5, id: "c", keepAlive: 60})
		c.subscribe(filter{"#", 2})
		pub := dialTLS(t, b, "127.0.0.1:1", r.server(), r.client("pub"))
		pub.hello(hello{id: "pub"})
		for qos := range byte(3) {
			pub.publish(post{topic: "t", payload: strings.Repeat("x", 100_000), qos: qos, id: 1})
			if m := c.receive(); len(m.payload) != 100_000 || m.qos != qos {
				t.Errorf("got %d bytes with QoS %d", len(m.payload), m.qos)
			}
		}
		// A packet in two records, with all deadlines of the reader passing between them and after them.
		packet := post{topic: "t", payload: "in two parts"}.bytes(5)
		for range 10 {
			time.Sleep(50 * time.Second)
			c.send(packet[:5])
			time.Sleep(50 * time.Second)
			c.send(packet[5:])
			if m := c.receive(); m.payload != "in two parts" {
				t.Errorf("got %q", m.payload)
			}
		}
		c.ping()
		time.Sleep(91 * time.Second)
		c.expectEnd(0x8D)
	})
}

// What is wrong after a handshake is not the handshake.
func TestWhatIsNotMQTTWithinTLS(t *testing.T) {
	for what, bytes := range map[string][]byte{
		"no MQTT":          []byte("GET / HTTP/1.1\r\n\r\n"),
		"another protocol": frame(0x10, str("SMTP"), []byte{4, 2}, u16(0), str("c")),
		"half a CONNECT":   frame(0x10, str("MQTT"), []byte{4}),
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRealm(t)
			b := brokertest.New(t)
			c := dialTLS(t, b, "192.168.1.40:1", r.server(), r.client(""))
			c.send(bytes)
			c.expectEnd(0)
			if got := b.Stats().Refused; got["protocol"] != 1 || got["tls"] != 0 {
				t.Errorf("%s is counted as %v", what, got)
			}
		})
	}
}

func TestAClientCertificateIsTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRealm(t)
		server := r.server()
		b := brokertest.New(t, embedded.Options{Anonymous: embedded.Never, Authenticate: func(u, p string) bool { return u == "anna" && p == "right" }})
		const lan = "192.168.1.40:5000"
		for _, c := range []struct {
			name        string
			certificate string
			h           hello
			code        byte
			user        string
		}{
			{"a certificate alone", "lamp", hello{id: "1"}, 0, "lamp"},
			{"a certificate beside a wrong password", "lamp", hello{id: "2", user: "anna", password: "wrong"}, 0, "lamp"},
			{"a certificate beside somebody else's password", "lamp", hello{id: "3", user: "anna", password: "right"}, 0, "lamp"},
			{"a password alone", "", hello{id: "4", user: "anna", password: "right"}, 0, "anna"},
			{"a wrong password alone", "", hello{id: "5", user: "anna", password: "wrong"}, 4, ""},
			{"neither", "", hello{id: "6"}, 5, ""},
		} {
			client := dialTLS(t, b, lan, server, r.client(c.certificate))
			if code := client.hello(c.h)[1]; code != c.code {
				t.Errorf("%s: the answer is %d, want %d", c.name, code, c.code)
			}
			user := ""
			for _, known := range b.Clients() {
				if known.ID == c.h.id {
					user = known.User
				}
			}
			if user != c.user {
				t.Errorf("%s: it is %q, want %q", c.name, user, c.user)
			}
		}
	})
}

// The session of a certificate's user is not another user's, whatever name he gives.
func TestACertificatesSessionIsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRealm(t)
		server := r.server()
		b := brokertest.New(t, embedded.Options{Authenticate: func(string, string) bool { return true }})
		dialTLS(t, b, "10.0.0.1:1", server, r.client("lamp")).hello(hello{id: "c", persistent: true})
		thief := dialTLS(t, b, "10.0.0.2:1", server, r.client("thief"))
		if code := thief.hello(hello{id: "c", user: "lamp", password: "x"})[1]; code != 5 {
			t.Errorf("the answer is %d, want 5", code)
		}
	})
}

func TestHandshakesThatFailSayWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, other := newRealm(t), newRealm(t)
		foreign := r.client("")
		foreign.Certificates = other.client("lamp").Certificates
		old := r.client("lamp")
		old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		nameless := r.client("lamp")
		nameless.ServerName = "another.lan"
		required := r
		required.files.RequireClient = true
		for i, c := range []struct {
			name   string
			client func(nc net.Conn)
			want   string
		}{
			{"plain MQTT", func(nc net.Conn) { nc.Write(hello{id: "c"}.bytes()) }, "TLS: it does not speak TLS, which this port is for"},
			{"no certificate", shakes(r.client("")), "TLS: it shows no certificate, which mqtt.tls.client_auth requires"},
			{"another authority's certificate", shakes(foreign), "TLS: its certificate was signed by an authority other than that of mqtt.tls.client_ca"},
			{"an old version", shakes(old), "TLS: it speaks no version of TLS from 1.2 on"},
			{"a client that knows another authority", shakes(other.client("lamp")), "TLS: it does not accept the hub's certificate (bad certificate): give it"},
			{"a client that calls the hub by another name", shakes(nameless), "TLS: it does not accept the hub's certificate (bad certificate): give it"},
			{"nothing and a farewell", func(nc net.Conn) { nc.Close() }, "TLS: it hung up during the handshake"},
			{"silence", func(nc net.Conn) { time.Sleep(11 * time.Second) }, "TLS: it did not finish the handshake in time"},
		} {
			var log journal
			b := brokertest.New(t, embedded.Options{Logger: log.logger(), Anonymous: embedded.Always})
			for range 3 { // each reason of each address is told once in a while
				ours, theirs := net.Pipe()
				var serving sync.WaitGroup
				serving.Go(func() {
					b.ServeConn(tls.Server(from{theirs, fmt.Sprintf("192.168.1.40:%d", 1000+i)}, required.server()))
				})
				serving.Go(func() { c.client(ours); io.Copy(io.Discard, ours) })
				serving.Wait()
				ours.Close()
			}
			if got := strings.Count(log.String(), c.want); got != 1 {
				t.Errorf("%s: the log has %q %d times, want once:\n%s", c.name, c.want, got, log.String())
			}
		}
	})
}

// shakes is a client that shakes hands and reads to the end.
func shakes(config *tls.Config) func(net.Conn) {
	return func(nc net.Conn) {
		c := tls.Client(nc, config)
		if c.Handshake() == nil {
			_, _ = io.Copy(io.Discard, c)
		}
		nc.Close()
	}
}

func TestACertificateWithoutAUsableNameIsRefused(t *testing.T) {
	for name, want := range map[string]string{"": "no common name", "a\nb": "is no user name", strings.Repeat("x", 257): "is no user name", "küche": ""} {
		if err := embedded.CertifiedName(name); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.10q: %v, want %q", name, err, want)
		}
	}
}

// A handshake counts against the strangers' limits and the time for CONNECT, and does not hold up the broker's end.
func TestHandshakesAreStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRealm(t)
		server := r.server()
		b := brokertest.New(t, embedded.Options{Anonymous: embedded.Always, MaxStrangersPerAddress: 3, ConnectTimeout: 5 * time.Second})
		silent := func(address string) net.Conn {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { ours.Close() })
			go b.ServeConn(tls.Server(from{theirs, address}, server))
			synctest.Wait()
			return ours
		}
		for range 3 {
			silent("192.168.1.40:1")
		}
		if _, err := silent("192.168.1.40:1").Read(make([]byte, 1)); err == nil {
			t.Error("a fourth silent connection was let in")
		}
		dialTLS(t, b, "192.168.1.41:1", server, r.client("")).hello(hello{id: "other"})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		dialTLS(t, b, "192.168.1.40:1", server, r.client("")).hello(hello{id: "late"})
		silent("192.168.1.42:1")
		begin := time.Now()
		b.Stop()
		if took := time.Since(begin); took > 1500*time.Millisecond {
			t.Errorf("stopping took %v", took)
		}
	})
}

// listeningTLS runs a broker on a port of this machine.
func listeningTLS(t *testing.T, o embedded.Options, config *tls.Config) (b *embedded.Broker, address string, stop func() error) {
	t.Helper()
	b, err := embedded.New(o)
	if err != nil {
		t.Fatal(err)
	}
	at, err := b.ListenTLS("127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return b, at.String(), stop
}

func TestTLSOverTCP(t *testing.T) {
	r := newRealm(t)
	_, address, stop := listeningTLS(t, embedded.Options{}, r.server())
	dial := func(config *tls.Config) *client {
		nc, err := tls.Dial("tcp", address, config)
		if err != nil {
			t.Fatal(err)
		}
		return attach(t, nc)
	}
	c := dial(r.client("lamp"))
	c.hello(hello{version: 5, id: "c"})
	c.subscribe(filter{"#", 2})
	c.send(post{topic: "t", payload: strings.Repeat("x", 1<<20)}.bytes(5))
	if m := c.receive(); len(m.payload) != 1<<20 {
		t.Errorf("got %d bytes", len(m.payload))
	}
	bad := dial(r.client(""))
	bad.hello(hello{version: 5, id: "bad"})
	bad.send(join(post{topic: "t/#"}.bytes(5), make([]byte, 200_000))) // unread input must not destroy the last words
	bad.expectEnd(0x81)
	if err := stop(); err != nil {
		t.Error(err)
	}
	c.expectEnd(0x8B)
}

// The last words to a client that is sent away end with TLS's own, so that it can tell them from a cut line.
func TestTLSEndsWithAGoodbye(t *testing.T) {
	r := newRealm(t)
	b, address, _ := listeningTLS(t, embedded.Options{}, r.server())
	nc, err := tls.Dial("tcp", address, r.client("lamp"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Write(hello{version: 5, id: "c"}.bytes()); err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if n := b.DisconnectUser("lamp"); n != 1 {
		t.Errorf("%d connections were ended", n)
	}
	_ = nc.SetReadDeadline(time.Now().Add(patience()))
	rest, err := io.ReadAll(nc) // io.EOF after close_notify, io.ErrUnexpectedEOF without it
	if err != nil || len(rest) != 4 || rest[2] != 0x87 {
		t.Errorf("the last words are % x, %v", rest, err)
	}
}

// A client that does not read costs nobody else anything over TLS, too.
func TestAStuckTLSClientHoldsNobodyUp(t *testing.T) {
	r := newRealm(t)
	b, address, stop := listeningTLS(t, embedded.Options{MaxQueuedBytes: 1 << 20}, r.server())
	stuck, err := tls.Dial("tcp", address, r.client(""))
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	_, _ = stuck.Write(join(hello{id: "stuck", persistent: true}.bytes(), subscribe(4, 1, nil, filter{"#", 1})))
	if _, err := io.ReadFull(stuck, make([]byte, 9)); err != nil {
		t.Fatal(err)
	}
	pub := connectTo(t, b)
	for i := range 400 {
		pub.publish(post{topic: "t", payload: strings.Repeat("x", 100_000), qos: 1, id: i + 1})
	}
	if b.Stats().MessagesDropped == 0 {
		t.Error("nothing was dropped for a client that does not read")
	}
	begin := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 15*time.Second { // to write to it would be given up after 20
		t.Errorf("stopping took %v", took)
	}
}
