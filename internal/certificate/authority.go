package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// How long certificates are good for. Apple's devices refuse certificates of servers that are good for more than 825 days.
const (
	authorityLife = 20 * 365 * 24 * time.Hour
	serverLife    = 820 * 24 * time.Hour
	clientLife    = 10 * 365 * 24 * time.Hour
)

// Names of the files that an Authority keeps in its folder.
const (
	AuthorityCert = "ca.crt"
	authorityKey  = "ca.key"
	ServerCert    = "hub.crt"
	ServerKey     = "hub.key"
	RevokedList   = "revoked.crl"
)

// Errors that callers decide by.
var (
	// ErrNoAuthority: there is none in the folder.
	ErrNoAuthority = errors.New("there is no authority")
	// ErrName: the name cannot stand in a certificate.
	ErrName = errors.New("invalid name")
)

// Authority signs the certificates of one house: the hub's own and those of its clients. It lives in a folder, as ca.crt and ca.key.
type Authority struct {
	folder string
	cert   *x509.Certificate
	key    crypto.Signer
}

// OpenAuthority returns the authority in a folder; the error wraps ErrNoAuthority when there is none.
func OpenAuthority(folder string) (*Authority, error) {
	certPath, keyPath := filepath.Join(folder, AuthorityCert), filepath.Join(folder, authorityKey)
	if absent(certPath) && absent(keyPath) {
		return nil, fmt.Errorf("opening the authority: %w in %s", ErrNoAuthority, folder)
	}
	s, err := Load(Files{Cert: certPath, Key: keyPath})
	if err != nil {
		return nil, fmt.Errorf("opening the authority: %w", err)
	}
	key, ok := s.config.Certificates[0].PrivateKey.(crypto.Signer)
	if !ok || !s.chain[0].IsCA {
		return nil, fmt.Errorf("opening the authority: %s is the certificate of no authority; move it and %s away for a new one", certPath, keyPath)
	}
	return &Authority{folder, s.chain[0], key}, nil
}

func absent(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// NewAuthority makes an authority in a folder, and the folder if it is not there. It never replaces one: every device of the house
// may trust it.
func NewAuthority(folder string, now time.Time) (*Authority, error) {
	certPath, keyPath := filepath.Join(folder, AuthorityCert), filepath.Join(folder, authorityKey)
	for _, path := range []string{certPath, keyPath} {
		if !absent(path) {
			return nil, fmt.Errorf("making an authority: %s is there already", path)
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("making a folder for certificates: %w", err)
	}
	t := template(now, authorityLife)
	t.Subject = pkix.Name{CommonName: "Homehub authority " + now.UTC().Format(time.DateOnly)}
	t.IsCA, t.MaxPathLenZero = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	a := &Authority{folder: folder, cert: t}
	cert, key, err := a.issue(t)
	if err != nil {
		return nil, err
	}
	a.cert, a.key = cert, key
	return a, save(certPath, keyPath, key, cert)
}

// Server makes a certificate for a server that is called by names, which are host names and IP addresses, and writes it with its key into the
// authority's folder, as hub.crt and hub.key, whole or not at all. A running hub that uses the files notices.
func (a *Authority) Server(names []string, now time.Time) (cert, key string, err error) {
	t := template(now, serverLife)
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
			continue
		}
		if !hostName(name) {
			return "", "", fmt.Errorf("making a certificate for %q: %w: want a host name such as hub.lan, or an IP address", name, ErrName)
		}
		t.DNSNames = append(t.DNSNames, name)
	}
	if len(t.DNSNames) == 0 && len(t.IPAddresses) == 0 {
		return "", "", fmt.Errorf("making a certificate: %w: there is none", ErrName)
	}
	t.Subject = pkix.Name{CommonName: names[0]}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	cert, key = filepath.Join(a.folder, ServerCert), filepath.Join(a.folder, ServerKey)
	return cert, key, a.make(t, cert, key)
}

// Client makes a certificate for a client, which then is the MQTT user of this name, and writes it with its key into folder, as NAME.crt
// and NAME.key. It never replaces a file.
func (a *Authority) Client(name, folder string, now time.Time) (cert, key string, err error) {
	if name == "" || len(name) > 64 || name[0] == '.' || name[0] == '-' || strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@", r)
	}) {
		return "", "", fmt.Errorf("making a certificate for %q: %w: want 1 to 64 letters, digits, dots, dashes, underscores or @, since "+
			"it is a user name and the name of files", name, ErrName)
	}
	t := template(now, clientLife)
	t.Subject = pkix.Name{CommonName: name}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	cert, key = filepath.Join(folder, name+".crt"), filepath.Join(folder, name+".key")
	for _, path := range []string{cert, key} {
		if !absent(path) {
			return "", "", fmt.Errorf("making a certificate for %q: %s is there already; move it away for a new one", name, path)
		}
	}
	return cert, key, a.make(t, cert, key)
}

// Revoke takes back the certificate in a file, whose name it returns: it puts it into the list of revoked ones in the authority's folder, and says
// whether it was not there yet. The list ends with the authority, since nobody has to fetch it.
func (a *Authority) Revoke(certPath string, now time.Time) (name, list string, fresh bool, err error) {
	list = filepath.Join(a.folder, RevokedList)
	data, err := read(certPath, "the certificate")
	if err != nil {
		return "", list, false, err
	}
	certs, err := certificates(certPath, data)
	if err != nil {
		return "", list, false, err
	}
	unlock, err := a.lock()
	if err != nil {
		return "", list, false, err
	}
	defer unlock()
	c := certs[0]
	if err := c.CheckSignatureFrom(a.cert); err != nil || c.IsCA {
		return "", list, false, fmt.Errorf("revoking the certificate of %s in %s: the authority in %s has not signed it", subject(c), certPath, a.folder)
	}
	next := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now, NextUpdate: a.cert.NotAfter}
	if !absent(list) {
		old, err := lists(list)
		if err != nil || len(old) != 1 || old[0].CheckSignatureFrom(a.cert) != nil {
			return "", list, false, errors.Join(fmt.Errorf("revoking the certificate of %s: %s is not the list of this authority; move it away for a new one",
				subject(c), list), err)
		}
		next.RevokedCertificateEntries = old[0].RevokedCertificateEntries
		next.Number.Add(next.Number, old[0].Number)
	}
	for _, e := range next.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(c.SerialNumber) == 0 {
			return c.Subject.CommonName, list, false, nil
		}
	}
	next.RevokedCertificateEntries = append(next.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: now})
	der, err := x509.CreateRevocationList(rand.Reader, next, a.cert, a.key)
	if err != nil {
		return "", list, false, fmt.Errorf("signing the list of revoked certificates: %w", err)
	}
	return c.Subject.CommonName, list, true, replace(list, pem.EncodeToMemory(&pem.Block{Type: listType, Bytes: der}), 0o644)
}

func (a *Authority) make(t *x509.Certificate, certPath, keyPath string) error {
	if t.NotAfter.After(a.cert.NotAfter) {
		t.NotAfter = a.cert.NotAfter
	}
	cert, key, err := a.issue(t)
	if err != nil {
		return err
	}
	return save(certPath, keyPath, key, cert, a.cert)
}

// issue signs a certificate for a new key; the authority's own is signed by itself.
func (a *Authority) issue(t *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	signs := a.key
	if signs == nil {
		signs = key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), signs)
	if err != nil {
		return nil, nil, fmt.Errorf("signing a certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

// template is what all certificates have in common. They begin a day early, for devices whose clock is late.
func template(now time.Time, life time.Duration) *x509.Certificate {
	serial := make([]byte, 16)
	rand.Read(serial) // it never fails: it ends the program
	serial[0] &= 0x7F
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(life), BasicConstraintsValid: true,
	}
}

func hostName(name string) bool {
	return name != "" && len(name) <= 253 && !strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_*", r)
	})
}

// save writes a key, which only its owner may read, and its certificates, each file whole or not at all. The key goes first: who
// notices a half-done change finds a pair that does not match, and waits.
func save(certPath, keyPath string, key *ecdsa.PrivateKey, certs ...*x509.Certificate) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding a key: %w", err)
	}
	if err := replace(keyPath, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	var text bytes.Buffer
	for _, c := range certs {
		if err := pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
			return fmt.Errorf("encoding a certificate: %w", err)
		}
	}
	return replace(certPath, text.Bytes(), 0o644)
}

// replace writes a file so that a reader, and a computer that loses power, finds the old content or the new one.
func replace(path string, data []byte, mode fs.FileMode) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // its mode is 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(temp.Name()))
	}
	if folder, err := os.Open(filepath.Dir(path)); err == nil { // not every system can sync a folder, and the rest is done
		_ = folder.Sync()
		_ = folder.Close()
	}
	return nil
}
