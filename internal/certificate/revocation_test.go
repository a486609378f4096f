package certificate_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/internal/certificate"
)

// list is a list of revoked certificates, signed by the house's authority, and good for 40 days. change may change what is signed.
func (h house) list(change func(l *x509.RevocationList), certs ...*x509.Certificate) []byte {
	h.t.Helper()
	pair := must(tls.LoadX509KeyPair(filepath.Join(h.dir, "ca.crt"), filepath.Join(h.dir, "ca.key")))
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().AddDate(0, 0, 40)}
	for _, c := range certs {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
	}
	if change != nil {
		change(l)
	}
	der := must(x509.CreateRevocationList(rand.Reader, l, pair.Leaf, pair.PrivateKey.(crypto.Signer)))
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

func TestARevokedCertificateIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, other := newHouse(t), newHouse(t)
		lost, kept := h.client("lost"), h.client("kept")
		lost.ClientSessionCache = tls.NewLRUClientSessionCache(8)
		src := certificate.NewSource(must(certificate.Load(h.files)))
		if _, _, err := shake(src, lost); err != nil {
			t.Fatalf("before it is lost: %v", err)
		}
		f := h.files
		f.ClientCA = write(t, t.TempDir(), "both.crt", append(must(os.ReadFile(h.files.ClientCA)), must(os.ReadFile(other.files.ClientCA))...))
		f.ClientCRL = write(t, t.TempDir(), "lists.pem", append(other.list(nil, kept.Certificates[0].Leaf), h.list(nil, lost.Certificates[0].Leaf)...))
		for _, f.RequireClient = range []bool{false, true} {
			src.Use(must(certificate.Load(f)))
			for _, who := range []string{"a new connection", "one that would be resumed"} {
				if _, _, err := shake(src, lost); err == nil || !strings.Contains(err.Error(), `the certificate of "lost" was revoked on 2000-01-01`) {
					t.Errorf("required %t, %s: got %v", f.RequireClient, who, err)
				}
			}
			// The number of the kept one is in another authority's list, which says nothing about it.
			if _, _, err := shake(src, kept); err != nil {
				t.Errorf("required %t, another certificate: %v", f.RequireClient, err)
			}
			if _, _, err := shake(src, h.client("")); (err != nil) != f.RequireClient {
				t.Errorf("required %t, no certificate: %v", f.RequireClient, err)
			}
		}
		time.Sleep(50 * 24 * time.Hour)
		src.Use(must(certificate.Load(f)))
		if _, _, err := shake(src, lost); err == nil {
			t.Error("when the list has ended, what it names is let in")
		}
		if _, _, err := shake(src, kept); err != nil {
			t.Errorf("when the list has ended, another certificate is refused: %v", err)
		}
	})
}

// An authority between the root and the clients is trusted by itself when its certificate is in the same file, and is revoked by the root all the same.
func TestARevokedAuthorityIsTrustedNoMore(t *testing.T) {
	h := newHouse(t)
	root := must(tls.LoadX509KeyPair(filepath.Join(h.dir, "ca.crt"), filepath.Join(h.dir, "ca.key")))
	issue := func(name string, authority bool, by tls.Certificate) tls.Certificate {
		key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		c := &x509.Certificate{
			SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
			BasicConstraintsValid: true, IsCA: authority, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
		if authority {
			c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		}
		der := must(x509.CreateCertificate(rand.Reader, c, by.Leaf, key.Public(), by.PrivateKey))
		return tls.Certificate{Certificate: append([][]byte{der}, by.Certificate...), PrivateKey: key, Leaf: must(x509.ParseCertificate(der))}
	}
	middle := issue("the cellar's authority", true, root)
	lamp := issue("lamp", false, middle)
	f := h.files
	f.ClientCA = write(t, t.TempDir(), "both.crt", append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: middle.Certificate[0]}), must(os.ReadFile(h.files.ClientCA))...))
	for name, shown := range map[string][]*x509.Certificate{"alone": {lamp.Leaf}, "with its authority's": {lamp.Leaf, middle.Leaf}} {
		f.ClientCRL = write(t, t.TempDir(), "list.pem", h.list(nil))
		set := must(certificate.Load(f))
		chains, err := set.Verify(shown)
		if err != nil {
			t.Fatalf("%s, with an empty list: %v", name, err)
		}
		f.ClientCRL = write(t, t.TempDir(), "list.pem", h.list(nil, middle.Leaf))
		set = must(certificate.Load(f))
		for what, err := range map[string]error{"a new connection": second(set.Verify(shown)), "one that is there": set.Revoked(chains)} {
			if err == nil || !strings.Contains(err.Error(), `the certificate of "the cellar's authority" was revoked`) {
				t.Errorf("%s, %s: got %v", name, what, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestListsThatSayNothing(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	sound := h.list(nil)
	block, _ := pem.Decode(sound)
	broken := bytes.Clone(block.Bytes)
	broken[len(broken)/2] ^= 1
	for name, c := range map[string]struct{ data, want string }{
		"it is empty":              {"", "no PEM in it (-----BEGIN X509 CRL-----)"},
		"it is binary":             {string(block.Bytes), "openssl crl -inform der"},
		"its end is missing":       {string(sound[:len(sound)/2]), "of 1 lists in"},
		"the second has no end":    {string(sound) + string(sound[:len(sound)/2]), "only 1 are whole"},
		"it is damaged":            {string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: broken})), "it is damaged"},
		"it is cut off":            {string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: block.Bytes[:50]})), "it is damaged"},
		"it is a certificate":      {string(must(os.ReadFile(h.files.Cert))), "no PEM in it"},
		"the second is another's":  {string(sound) + string(other.list(nil)), "list number 2 of revoked certificates"},
		"it is another's":          {string(other.list(nil)), `"CN=Homehub authority `},
		"it is said to be a piece": {string(h.list(partial)), "it is part of a list only"},
	} {
		t.Run(name, func(t *testing.T) {
			f := h.files
			f.ClientCRL = write(t, t.TempDir(), "list.pem", []byte(c.data))
			_, err := certificate.Load(f)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), f.ClientCRL) {
				t.Errorf("got %v, want %q and the file", err, c.want)
			}
		})
	}
	f := h.files
	f.ClientCRL = filepath.Join(t.TempDir(), "missing.pem")
	if _, err := certificate.Load(f); err == nil || !strings.Contains(err.Error(), "missing.pem is not there") {
		t.Errorf("without the file: %v", err)
	}
}

// partial makes a list one of changes since another list (RFC 5280, 5.2.4).
func partial(l *x509.RevocationList) {
	l.ExtraExtensions = []pkix.Extension{{Id: []int{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}}
}

func TestAListThatEndsIsSpokenOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		f := h.files
		f.ClientCRL = write(t, t.TempDir(), "list.pem", h.list(nil))
		s := must(certificate.Load(f))
		begin := time.Now()
		for _, c := range []struct {
			day  int
			want string
		}{
			{0, ""},
			{29, ""},
			{31, "list.pem ends in 9 days, on 2000-02-10"},
			{41, "list.pem has ended on 2000-02-10: what it names stays revoked"},
		} {
			got := strings.Join(s.Warnings(begin.AddDate(0, 0, c.day)), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("after %d days: %q, want %q", c.day, got, c.want)
			}
			if s.Expired(begin.AddDate(0, 0, c.day)) {
				t.Errorf("after %d days the certificate is said to have ended", c.day)
			}
		}
		f.ClientCRL = write(t, t.TempDir(), "list.pem", h.list(func(l *x509.RevocationList) { l.NextUpdate = time.Now().AddDate(50, 0, 0) }))
		if got := must(certificate.Load(f)).Warnings(begin.AddDate(1, 0, 0)); len(got) != 0 {
			t.Errorf("of a list that is good for 50 years it says %q", got)
		}
	})
}

// Verify decides as a handshake does.
func TestCertificatesThatAreLookedAtAfterTheHandshake(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	lost := h.client("lost").Certificates[0].Leaf
	f := h.files
	f.AnyClient, f.ClientCRL = true, write(t, t.TempDir(), "list.pem", h.list(nil, lost))
	src := certificate.NewSource(must(certificate.Load(f)))
	foreign := h.client("")
	foreign.Certificates = other.client("lamp").Certificates
	for _, c := range []struct {
		name   string
		client *tls.Config
		want   string // in the error
	}{
		{"one of ours", h.client("lamp"), ""},
		{"none", h.client(""), "no certificate was shown"},
		{"one of another authority", foreign, "unknown authority"},
	} {
		s, _, err := shake(src, c.client)
		if err != nil {
			t.Errorf("%s: the handshake fails: %v", c.name, err)
			continue
		}
		chains, err := src.Set().Verify(s.ConnectionState().PeerCertificates)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || err == nil && len(chains) == 0 {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := src.Set().Verify([]*x509.Certificate{lost}); err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("a revoked one: %v", err)
	}
	server := must(tls.LoadX509KeyPair(h.files.Cert, h.files.Key))
	if _, err := src.Set().Verify([]*x509.Certificate{server.Leaf}); err == nil || !strings.Contains(err.Error(), "key usage") {
		t.Errorf("a server's: %v", err)
	}
	f = h.files
	f.ClientCA = ""
	if _, err := must(certificate.Load(f)).Verify([]*x509.Certificate{h.client("lamp").Certificates[0].Leaf}); err == nil {
		t.Error("without an authority one is believed")
	}
}
