package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"home.arpa/homehub/internal/certificate"
)

func parse(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(must(os.ReadFile(path)))
	return must(x509.ParseCertificate(block.Bytes))
}

func TestAnAuthoritySignsForServersAndClients(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for", "it")
	if _, err := certificate.OpenAuthority(dir); !errors.Is(err, certificate.ErrNoAuthority) {
		t.Errorf("opening none: %v", err)
	}
	a, err := certificate.NewAuthority(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	server, _, err := a.Server([]string{"hub.lan", "192.168.1.5", "::1"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = certificate.OpenAuthority(dir); err != nil { // in another call
		t.Fatal(err)
	}
	client, key, err := a.Client("kitchen-plug", t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, filepath.Join(dir, certificate.AuthorityCert)))
	later := now.AddDate(2, 0, 0)
	for _, name := range []string{"hub.lan", "192.168.1.5", "::1"} {
		if _, err := parse(t, server).Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: later}); err != nil {
			t.Errorf("as %s: %v", name, err)
		}
	}
	leaf := parse(t, client)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: later, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: later}); err == nil {
		t.Error("a client's certificate is good for a server")
	}
	if leaf.Subject.CommonName != "kitchen-plug" {
		t.Errorf("it was issued to %q", leaf.Subject.CommonName)
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]fs.FileMode{key: 0o600, client: 0o644, filepath.Join(dir, "ca.key"): 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v", path, info.Mode(), err)
			}
		}
	}
}

func TestAnAuthorityIsNeverReplaced(t *testing.T) {
	dir := t.TempDir()
	if _, err := certificate.NewAuthority(dir, now); err != nil {
		t.Fatal(err)
	}
	before := must(os.ReadFile(filepath.Join(dir, certificate.AuthorityCert)))
	if _, err := certificate.NewAuthority(dir, now); err == nil {
		t.Error("there are two of them")
	}
	if err := os.Remove(filepath.Join(dir, "ca.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := certificate.NewAuthority(dir, now); err == nil {
		t.Error("one without its key was replaced")
	}
	if _, err := certificate.OpenAuthority(dir); err == nil || errors.Is(err, certificate.ErrNoAuthority) {
		t.Errorf("opening one without its key: %v", err)
	}
	if string(must(os.ReadFile(filepath.Join(dir, certificate.AuthorityCert)))) != string(before) {
		t.Error("it was changed")
	}
}

func TestNamesThatCannotStandInACertificate(t *testing.T) {
	dir := t.TempDir()
	a, err := certificate.NewAuthority(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "hub lan", "http://hub", "hub:1883", strings.Repeat("a", 254)} {
		if _, _, err := a.Server([]string{name}, now); !errors.Is(err, certificate.ErrName) {
			t.Errorf("a server %q: %v", name, err)
		}
	}
	if _, _, err := a.Server(nil, now); !errors.Is(err, certificate.ErrName) {
		t.Errorf("a server without a name: %v", err)
	}
	for _, name := range []string{"", "../../etc/passwd", ".hidden", "-rf", "a b", "a/b", "a+", strings.Repeat("a", 65)} {
		if _, _, err := a.Client(name, dir, now); !errors.Is(err, certificate.ErrName) {
			t.Errorf("a client %q: %v", name, err)
		}
	}
	if _, _, err := a.Client("lamp", dir, now); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Client("lamp", dir, now); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a client twice: %v", err)
	}
}

func TestNothingOutlivesItsAuthority(t *testing.T) {
	dir := t.TempDir()
	a, err := certificate.NewAuthority(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	ends := parse(t, filepath.Join(dir, certificate.AuthorityCert)).NotAfter
	cert, _, err := a.Server([]string{net.IPv4(10, 0, 0, 1).String()}, ends.Add(-24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if got := parse(t, cert).NotAfter; !got.Equal(ends) {
		t.Errorf("it ends on %s, its authority on %s", got, ends)
	}
}

// Several may be taken back at once, each by a command of its own.
func TestNoRevocationIsLostToAnother(t *testing.T) {
	h := newHouse(t)
	const many = 12
	var revoking sync.WaitGroup
	var leaves []*x509.Certificate
	for i := range many {
		file, _, err := h.Client("c"+strconv.Itoa(i), t.TempDir(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, parse(t, file))
		revoking.Go(func() {
			a, err := certificate.OpenAuthority(h.dir)
			if err != nil {
				t.Error(err)
				return
			}
			if _, _, fresh, err := a.Revoke(file, time.Now()); err != nil || !fresh {
				t.Errorf("fresh is %t, %v", fresh, err)
			}
		})
	}
	revoking.Wait()
	f := h.files
	f.ClientCRL = filepath.Join(h.dir, certificate.RevokedList)
	set := must(certificate.Load(f))
	for _, c := range leaves {
		if _, err := set.Verify([]*x509.Certificate{c}); err == nil {
			t.Errorf("%s is believed", c.Subject.CommonName)
		}
	}
}

func TestAnAuthorityTakesCertificatesBack(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	folder := t.TempDir()
	for _, name := range []string{"lost", "stolen", "kept"} {
		if _, _, err := h.Client(name, folder, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	revoke := func(file string) (name string, fresh bool) {
		t.Helper()
		name, list, fresh, err := h.Revoke(file, time.Now())
		if err != nil || list != filepath.Join(h.dir, "revoked.crl") {
			t.Errorf("%s: list %s, %v", file, list, err)
		}
		return name, fresh
	}
	for _, c := range []struct {
		file, name string
		fresh      bool
	}{{"lost", "lost", true}, {"stolen", "stolen", true}, {"lost", "lost", false}} {
		if name, fresh := revoke(filepath.Join(folder, c.file+".crt")); name != c.name || fresh != c.fresh {
			t.Errorf("revoking %s: it says %q, fresh %t", c.file, name, fresh)
		}
	}
	f := h.files
	f.ClientCRL = filepath.Join(h.dir, "revoked.crl")
	set := must(certificate.Load(f))
	ends := parse(t, f.ClientCA).NotAfter
	if set.ListExpired(ends.Add(-time.Minute)) || !set.ListExpired(ends) {
		t.Error("the list does not end with its authority")
	}
	for name, revoked := range map[string]bool{"lost": true, "stolen": true, "kept": false} {
		pair := must(tls.LoadX509KeyPair(filepath.Join(folder, name+".crt"), filepath.Join(folder, name+".key")))
		if _, err := set.Verify([]*x509.Certificate{pair.Leaf}); (err != nil) != revoked {
			t.Errorf("%s: %v, want revoked %t", name, err, revoked)
		}
	}
	if _, _, _, err := h.Revoke(other.files.Cert, time.Now()); err == nil || !strings.Contains(err.Error(), "has not signed it") {
		t.Errorf("another authority's certificate: %v", err)
	}
	if _, _, _, err := h.Revoke(h.files.ClientCA, time.Now()); err == nil {
		t.Error("the authority revokes itself")
	}
	if err := os.WriteFile(f.ClientCRL, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := h.Revoke(filepath.Join(folder, "kept.crt"), time.Now()); err == nil || string(must(os.ReadFile(f.ClientCRL))) != "damaged" {
		t.Errorf("a damaged list: %v; or it was overwritten", err)
	}
}
