package app

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"home.arpa/homehub/internal/certificate"
)

// loginWith connects with a certificate, and says whether it was let in.
func (o home) loginWith(name string, certs tls.Certificate) (net.Conn, bool) {
	o.t.Helper()
	c := o.shakeHands(certs)
	return c, c != nil && hello(o.t, c, name, "", "") == 0
}

// shakeHands makes a connection with a certificate that has not said who it is yet; nil: the hub does not want it.
func (o home) shakeHands(certs tls.Certificate) net.Conn {
	o.t.Helper()
	ours, theirs := net.Pipe()
	var serving sync.WaitGroup
	serving.Go(func() { o.h.broker.ServeConn(tls.Server(theirs, o.h.mqttTLS.Config())) })
	// With TLS 1.2 the client hears in the handshake what the hub thinks of its certificate.
	c := tls.Client(ours, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certs}})
	o.t.Cleanup(func() { ours.Close(); serving.Wait() })
	if err := c.Handshake(); err != nil {
		return nil
	}
	return c
}

func TestARevokedCertificateEndsItsConnections(t *testing.T) {
	dir := t.TempDir()
	begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // the bubble's
	a, err := certificate.NewAuthority(dir, begin)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := a.Server([]string{"hub.lan"}, begin)
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string]tls.Certificate{}
	for _, name := range []string{"lost", "kept"} {
		cert, key, err := a.Client(name, dir, begin)
		if err != nil {
			t.Fatal(err)
		}
		if pairs[name], err = tls.LoadX509KeyPair(cert, key); err != nil {
			t.Fatal(err)
		}
	}
	list := filepath.Join(dir, certificate.RevokedList)
	text := "mqtt:\n  anonymous: never\n  tls:\n    cert: " + cert + "\n    key: " + key + "\n    client_ca: " + filepath.Join(dir, certificate.AuthorityCert) + "\n"
	live(t, text, nil, func(t *testing.T, o home) {
		lost, _ := o.loginWith("lost", pairs["lost"])
		kept, _ := o.loginWith("kept", pairs["kept"])
		check := func(when string) {
			t.Helper()
			if !alive(kept) {
				t.Fatalf("%s, the other client's connection has ended", when)
			}
			if _, in := o.loginWith("again", pairs["lost"]); in {
				t.Errorf("%s, the lost certificate is let in", when)
			}
		}
		refusedBy := func(reason string) {
			t.Helper()
			if log := o.settle(); !strings.Contains(log, "not reloaded") || !strings.Contains(log, reason) {
				t.Errorf("the log says %s, want %q", log, reason)
			}
		}
		old := filepath.Join(dir, "old.crl")
		o.write(old, ended(t, dir))
		o.write(o.file, text+"    client_crl: "+old+"\n")
		if log := o.settle(); !strings.Contains(log, "msg=reloaded") || !strings.Contains(log, old+" has ended on ") {
			t.Errorf("with a list that has ended, where there was none, the log says %s", log)
		}
		o.write(o.file, text)
		o.settle()
		o.write(o.file, text+"    client_crl: "+list+"\n")
		refusedBy("mqtt.tls: reading the list of revoked certificates: " + list + " is not there")
		if !alive(lost) || !alive(kept) {
			t.Fatal("a connection has ended before there was a list")
		}
		if _, _, _, err := a.Revoke(filepath.Join(dir, "lost.crt"), time.Now()); err != nil {
			t.Fatal(err)
		}
		early := o.shakeHands(pairs["lost"])
		o.hangup <- os.Interrupt
		time.Sleep(time.Second)
		if code := hello(t, early, "early", "", ""); code != 5 {
			t.Errorf("who has shown the lost certificate before and says who it is afterwards is answered %d", code)
		}
		if log := o.settle(); !strings.Contains(log, "ended connections with revoked certificates") || !strings.Contains(log, `the certificate of \"lost\" was revoked on 2000-01-01`) {
			t.Errorf("the log says %s", log)
		}
		if alive(lost) {
			t.Error("the connection with the lost certificate goes on")
		}
		check("with the list")
		sound, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		o.rename(list, string(sound[:len(sound)/2]))
		refusedBy("mqtt.tls: reading the list of revoked certificates: of 1 lists in " + list)
		check("with half a list")
		o.rename(list, ended(t, dir))
		refusedBy("mqtt.tls: the list of revoked certificates " + list + " has ended already")
		check("with a list that has ended")
		o.rename(list, string(sound))
		if log := o.settle(); !strings.Contains(log, "msg=reloaded") {
			t.Errorf("the log says %s", log)
		}
		check("with the list again")
	})
}

// ended is an empty list of the authority in a folder that has ended.
func ended(t *testing.T, dir string) string {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().AddDate(0, 0, -2), NextUpdate: time.Now().AddDate(0, 0, -1)}
	der, err := x509.CreateRevocationList(rand.Reader, l, pair.Leaf, pair.PrivateKey.(crypto.Signer))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}
