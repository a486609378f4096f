package certificate_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/internal/certificate"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// pair writes a certificate that is its own authority and its key in a form, and returns the files.
func pair(t *testing.T, key crypto.Signer, kind string, form []byte) certificate.Files {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hub"}, NotBefore: now, NotAfter: now.AddDate(1, 0, 0), DNSNames: []string{"hub.lan"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return certificate.Files{
		Cert: write(t, dir, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:  write(t, dir, "key.pem", pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: form})),
	}
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestEveryUsualKindOfKeyIsRead(t *testing.T) {
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	ecKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, kind string
		key        crypto.Signer
		form       []byte
	}{
		{"RSA as openssl writes it now", "PRIVATE KEY", rsaKey, must(x509.MarshalPKCS8PrivateKey(rsaKey))},
		{"RSA as openssl wrote it once", "RSA PRIVATE KEY", rsaKey, x509.MarshalPKCS1PrivateKey(rsaKey)},
		{"an elliptic curve", "PRIVATE KEY", ecKey, must(x509.MarshalPKCS8PrivateKey(ecKey))},
		{"an elliptic curve as openssl wrote it once", "EC PRIVATE KEY", ecKey, must(x509.MarshalECPrivateKey(ecKey))},
		{"Ed25519", "PRIVATE KEY", edKey, must(x509.MarshalPKCS8PrivateKey(edKey))},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := pair(t, c.key, c.kind, c.form)
			s, err := certificate.Load(f)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Names(); len(got) != 1 || got[0] != "hub.lan" {
				t.Errorf("it is good for %q", got)
			}
			// Before the key stands what openssl ecparam puts there; and certificate and key may be in one file.
			all := append(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 1, 1}}), append(must(os.ReadFile(f.Cert)), must(os.ReadFile(f.Key))...)...)
			both := write(t, t.TempDir(), "both.pem", all)
			if _, err := certificate.Load(certificate.Files{Cert: both, Key: both}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMistakesSayWhatToDo(t *testing.T) {
	key, other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	good := pair(t, key, "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
	foreign := pair(t, other, "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(other)))
	dir := t.TempDir()
	file := func(name, text string) string { return write(t, dir, name, []byte(text)) }
	block := func(kind string, headers map[string]string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Headers: headers, Bytes: []byte("x")}))
	}
	a, err := certificate.NewAuthority(filepath.Join(dir, "a"), now)
	if err != nil {
		t.Fatal(err)
	}
	client, _, err := a.Client("lamp", dir, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		files certificate.Files
		want  string
		kind  error
	}{
		{"the key of another certificate", certificate.Files{Cert: good.Cert, Key: foreign.Key}, `is not the key of ` + good.Cert + `, which was issued to "hub"; give the two files`, certificate.ErrMatch},
		{"the two files changed for each other", certificate.Files{Cert: good.Key, Key: good.Cert}, "holds a PRIVATE KEY", certificate.ErrPEM},
		{"a certificate for a key", certificate.Files{Cert: good.Cert, Key: good.Cert}, "-----BEGIN PRIVATE KEY-----", certificate.ErrPEM},
		{"an empty file", certificate.Files{Cert: file("empty", ""), Key: good.Key}, "-----BEGIN CERTIFICATE-----", certificate.ErrPEM},
		{"DER", certificate.Files{Cert: file("der", "\x30\x82\x01"), Key: good.Key}, "openssl x509 -inform der", certificate.ErrPEM},
		{"a damaged certificate", certificate.Files{Cert: file("damaged", block("CERTIFICATE", nil)), Key: good.Key}, "the certificate number 1 in", nil},
		{"a damaged key", certificate.Files{Cert: good.Cert, Key: file("damaged.key", block("PRIVATE KEY", nil))}, "it is damaged, or of a kind other than", nil},
		{"an encrypted key", certificate.Files{Cert: good.Cert, Key: file("encrypted", block("ENCRYPTED PRIVATE KEY", nil))}, "openssl pkey -in", nil},
		{"a key encrypted in the old way", certificate.Files{Cert: good.Cert, Key: file("old", block("RSA PRIVATE KEY", map[string]string{"DEK-Info": "x"}))}, "is encrypted", nil},
		{"no file", certificate.Files{Cert: good.Cert, Key: filepath.Join(dir, "none")}, "reading the key: " + filepath.Join(dir, "none") + " is not there", nil},
		{"a folder", certificate.Files{Cert: dir, Key: good.Key}, "is a folder", nil},
		{"a huge file", certificate.Files{Cert: file("huge", strings.Repeat("\n", 5<<20)), Key: good.Key}, "bytes", certificate.ErrPEM},
		{"no clients' authority", certificate.Files{Cert: good.Cert, Key: good.Key, ClientCA: filepath.Join(dir, "none")}, "the clients' authority", nil},
		{"a client's certificate for the authority's", certificate.Files{Cert: good.Cert, Key: good.Key, ClientCA: leaf(t, client)}, `"lamp", which is no authority`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := certificate.Load(c.files)
			if err == nil || !strings.Contains(err.Error(), c.want) || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// leaf is the first certificate of a file in one of its own.
func leaf(t *testing.T, path string) string {
	block, _ := pem.Decode(must(os.ReadFile(path)))
	return write(t, t.TempDir(), "leaf.pem", pem.EncodeToMemory(block))
}

func TestAFileThatMayNotBeReadSaysSo(t *testing.T) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	f := pair(t, key, "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
	above := filepath.Dir(filepath.Dir(f.Key)) // which tests have for themselves
	if err := errors.Join(os.Chmod(above, 0o711), os.Chmod(f.Cert, 0o644), os.Chmod(f.Key, 0)); err != nil {
		t.Fatal(err)
	}
	asNobody(t)
	if _, err := certificate.Load(f); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "may not read "+f.Key) {
		t.Errorf("got %v", err)
	}
}

func TestWarningsBeginAMonthBeforeTheEnd(t *testing.T) {
	a, err := certificate.NewAuthority(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := a.Server([]string{"hub.lan"}, now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := certificate.Load(certificate.Files{Cert: cert, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ends := s.Ends()
	if want := now.AddDate(0, 0, 820); !ends.Equal(want) {
		t.Errorf("it ends on %s, want %s", ends, want)
	}
	for _, c := range []struct {
		name    string
		now     time.Time
		want    string
		expired bool
	}{
		{"on the first day", now, "", false},
		{"a month and a day before", ends.AddDate(0, 0, -31), "", false},
		{"twelve days before", ends.AddDate(0, 0, -12), "expires in 12 days, on 2028-05-29", false},
		{"a day and a half before", ends.Add(-36 * time.Hour), "expires in a day", false},
		{"an hour before", ends.Add(-time.Hour), "expires in less than a day", false},
		{"after the end", ends.Add(time.Second), "has expired on 2028-05-29", true},
		{"with a clock that stands still", time.Unix(0, 0), "is this computer's clock right?", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := s.Warning(c.now); c.want == "" && got != "" || !strings.Contains(got, c.want) || c.want != "" && !strings.HasPrefix(got, cert) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := s.Expired(c.now); got != c.expired {
				t.Errorf("expired is %t", got)
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	a, err := certificate.NewAuthority(f.TempDir(), now)
	if err != nil {
		f.Fatal(err)
	}
	cert, key, err := a.Server([]string{"hub.lan"}, now)
	if err != nil {
		f.Fatal(err)
	}
	good := append(must(os.ReadFile(cert)), must(os.ReadFile(key))...)
	f.Add(good)
	f.Add(bytes.ReplaceAll(good, []byte("A"), []byte("B")))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "both.pem")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := certificate.Load(certificate.Files{Cert: path, Key: path, ClientCA: path})
		if err == nil {
			_ = s.Warning(now)
		}
	})
}
