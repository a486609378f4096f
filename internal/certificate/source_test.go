package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/internal/certificate"
)

// house is an authority with the hub's certificate.
type house struct {
	*certificate.Authority
	t     *testing.T
	dir   string
	files certificate.Files
}

func newHouse(t *testing.T) house {
	dir := t.TempDir()
	a, err := certificate.NewAuthority(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := a.Server([]string{"hub.lan"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return house{a, t, dir, certificate.Files{Cert: cert, Key: key, ClientCA: filepath.Join(dir, certificate.AuthorityCert)}}
}

// client is the configuration of a client that trusts the house, with a certificate in a name if there is one.
func (h house) client(name string) *tls.Config {
	h.t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(must(os.ReadFile(h.files.ClientCA))) {
		h.t.Fatal("the authority is none")
	}
	c := &tls.Config{ServerName: "hub.lan", RootCAs: roots}
	if name != "" {
		cert, key, err := h.Client(name, h.t.TempDir(), time.Now())
		if err != nil {
			h.t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{must(tls.LoadX509KeyPair(cert, key))}
	}
	return c
}

// shake makes a handshake and has one byte come from the server, so that the client knows what the server thinks of it.
func shake(src *certificate.Source, client *tls.Config) (serverSide, clientSide *tls.Conn, err error) {
	a, b := net.Pipe()
	served := make(chan error, 1)
	s := tls.Server(a, src.Config())
	go func() {
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte{1})
		}
		if err != nil {
			a.Close()
		}
		served <- err
	}()
	c := tls.Client(b, client)
	_, err = c.Read(make([]byte, 1))
	if err != nil {
		b.Close()
	}
	if serverErr := <-served; serverErr != nil {
		return s, c, serverErr
	}
	return s, c, err
}

func TestARenewedCertificateServesTheNextHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		src := certificate.NewSource(must(certificate.Load(h.files)))
		cache := tls.NewLRUClientSessionCache(8)
		client := h.client("")
		client.ClientSessionCache = cache
		s1, c1, err := shake(src, client)
		if err != nil {
			t.Fatal(err)
		}
		_, c2, err := shake(src, client)
		if err != nil || !c2.ConnectionState().DidResume {
			t.Errorf("the second handshake is not a short one: %v", err)
		}
		time.Sleep(100 * 24 * time.Hour)
		if _, _, err := h.Server([]string{"hub.lan"}, time.Now()); err != nil {
			t.Fatal(err)
		}
		src.Use(must(certificate.Load(h.files)))
		_, c3, err := shake(src, client)
		if err != nil {
			t.Fatal(err)
		}
		old, renewed := c1.ConnectionState().PeerCertificates[0], c3.ConnectionState().PeerCertificates[0]
		if c3.ConnectionState().DidResume || !renewed.NotAfter.After(old.NotAfter) {
			t.Errorf("the third handshake shows a certificate until %s, the first one until %s", renewed.NotAfter, old.NotAfter)
		}
		go s1.Write([]byte("still here"))
		if n, err := c1.Read(make([]byte, 100)); n != 10 || err != nil {
			t.Errorf("the connection that was there: %d, %v", n, err)
		}
	})
}

func TestClientCertificates(t *testing.T) {
	ours, theirs := newHouse(t), newHouse(t)
	foreign := ours.client("")
	foreign.Certificates = theirs.client("lamp").Certificates
	old := ours.client("")
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	for _, c := range []struct {
		name    string
		require bool
		client  *tls.Config
		want    string // in the error; empty: let in
		who     string
	}{
		{"optional and shown", false, ours.client("lamp"), "", "lamp"},
		{"optional and not shown", false, ours.client(""), "", ""},
		{"required and shown", true, ours.client("lamp"), "", "lamp"},
		{"required and not shown", true, ours.client(""), "didn't provide a certificate", ""},
		{"optional, of another authority", false, foreign, "unknown authority", ""},
		{"required, of another authority", true, foreign, "unknown authority", ""},
		{"an old version of TLS", false, old, "unsupported versions", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := ours.files
			f.RequireClient = c.require
			s, _, err := shake(certificate.NewSource(must(certificate.Load(f))), c.client)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			who := ""
			if chains := s.ConnectionState().VerifiedChains; err == nil && len(chains) > 0 {
				who = chains[0][0].Subject.CommonName
			}
			if who != c.who {
				t.Errorf("it is %q, want %q", who, c.who)
			}
		})
	}
}

// A session that was begun with a certificate of an authority that is not trusted any more is not resumed.
func TestAnotherAuthorityEndsWhatCouldBeResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, others := newHouse(t), newHouse(t)
		src := certificate.NewSource(must(certificate.Load(ours.files)))
		client := ours.client("lamp")
		client.ClientSessionCache = tls.NewLRUClientSessionCache(8)
		if _, _, err := shake(src, client); err != nil {
			t.Fatal(err)
		}
		f := ours.files
		f.ClientCA = others.files.ClientCA
		src.Use(must(certificate.Load(f)))
		if _, _, err := shake(src, client); err == nil || !strings.Contains(err.Error(), "unknown authority") {
			t.Errorf("got %v", err)
		}
	})
}
