// Package certificate keeps what the hub needs to speak TLS: its certificate and key, and the authorities whose certificates
// clients may show. Load reads and checks the files; a Source serves what was loaded last, so that a renewed certificate is used
// from the next handshake on while the connections stay; an Authority makes certificates for a house that has none.
//
// Package app calls Load at the start and when a file changes; the commands "hub cert" call the Authority. The package listens to
// nothing, watches nothing, and never writes or logs a key except into the file that it was asked to make.
package certificate

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Soon is how long before the end of a certificate Warning begins to speak.
const Soon = 30 * 24 * time.Hour

// maxFile is the size in bytes that no file with certificates or a key has; the authorities of a whole system fit.
const maxFile = 4 << 20

// Errors that callers decide by.
var (
	// ErrPEM: there is no PEM of the wanted kind in the file.
	ErrPEM = errors.New("no PEM in it")
	// ErrMatch: the key does not belong to the certificate.
	ErrMatch = errors.New("the key does not belong to the certificate")
)

// Files say where the PEM files are.
type Files struct {
	// Cert has the server's certificate, followed by those of the authorities between it and the root, if there are any; Key
	// its private key, unencrypted.
	Cert, Key string
	// ClientCA has the certificates of the authorities whose certificates clients may show. Empty: clients are not asked for one.
	ClientCA string
	// ClientCRL has the lists of certificates that these authorities have taken back. Empty: there are none. It needs ClientCA.
	ClientCRL string
	// RequireClient refuses clients that show none. It needs ClientCA.
	RequireClient bool
	// AnyClient lets a handshake take whatever certificate a client shows, or none, for whoever asks Verify afterwards. It needs ClientCA.
	AnyClient bool
	// Protocols are the application protocols (ALPN) that are offered, best first. Empty: none.
	Protocols []string
}

// List are the paths of the files, without the empty ones.
func (f Files) List() []string {
	var list []string
	for _, path := range []string{f.Cert, f.Key, f.ClientCA, f.ClientCRL} {
		if path != "" {
			list = append(list, path)
		}
	}
	return list
}

// Set is what was loaded from the files at one time. It does not change.
type Set struct {
	files   Files
	chain   []*x509.Certificate // the server's own first
	revoked *revocations        // nil: none
	config  *tls.Config
}

// Load reads the files and checks that they belong together. The error says what to do; it wraps ErrPEM or ErrMatch, or is the file
// system's. Certificates that have expired are no error: see Warning.
func Load(f Files) (*Set, error) {
	s := &Set{files: f}
	certPEM, err := read(f.Cert, "the certificate")
	if err != nil {
		return nil, err
	}
	keyPEM, err := read(f.Key, "the key")
	if err != nil {
		return nil, err
	}
	if s.chain, err = certificates(f.Cert, certPEM); err != nil {
		return nil, err
	}
	key, err := privateKey(f.Key, keyPEM)
	if err != nil {
		return nil, err
	}
	if !belongs(key, s.chain[0]) {
		return nil, fmt.Errorf("%w: %s is not the key of %s, which was issued to %s; give the two files that were made together",
			ErrMatch, f.Key, f.Cert, subject(s.chain[0]))
	}
	pair := tls.Certificate{PrivateKey: key, Leaf: s.chain[0]}
	for _, c := range s.chain {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	s.config = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: f.Protocols}
	// Tickets of connections that began under other files are of no use: another authority may have been trusted then.
	var ticketKey [32]byte
	rand.Read(ticketKey[:]) // it never fails: it ends the program
	s.config.SetSessionTicketKeys([][32]byte{ticketKey})
	return s, s.trust()
}

// Files are where the set came from.
func (s *Set) Files() Files { return s.files }

// Names are those that the server's certificate is good for, host names before IP addresses.
func (s *Set) Names() []string {
	names := slices.Clone(s.chain[0].DNSNames)
	for _, ip := range s.chain[0].IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// Ends is when the first certificate of the server's chain ends.
func (s *Set) Ends() time.Time {
	first := s.chain[0].NotAfter
	for _, c := range s.chain[1:] {
		if c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}

// Expired says whether the server's certificate has ended.
func (s *Set) Expired(now time.Time) bool { return now.After(s.Ends()) }

// Warning says what will keep clients away or soon will: that the certificate has ended, ends within Soon or has not begun, and what to
// do. Empty: nothing.
func (s *Set) Warning(now time.Time) string {
	ends, begins := s.Ends(), s.chain[0].NotBefore
	switch left := ends.Sub(now); {
	case left <= 0:
		return fmt.Sprintf("%s has expired on %s, clients will refuse it; renew it, the hub uses the new files by itself", s.files.Cert, day(ends))
	case left <= Soon:
		return fmt.Sprintf("%s expires in %s, on %s; renew it, the hub uses the new files by itself", s.files.Cert, days(left), day(ends))
	case now.Before(begins):
		return fmt.Sprintf("%s is valid from %s on only, clients will refuse it until then; is this computer's clock right?", s.files.Cert, day(begins))
	}
	return ""
}

// Warnings are what Warning says, and the same of the list of revoked certificates: that it has ended, or is about to.
func (s *Set) Warnings(now time.Time) (list []string) {
	for _, text := range []string{s.Warning(now), s.revoked.warning(now)} {
		if text != "" {
			list = append(list, text)
		}
	}
	return list
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func days(d time.Duration) string {
	switch n := int(d / (24 * time.Hour)); n {
	case 0:
		return "less than a day"
	case 1:
		return "a day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

func subject(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return fmt.Sprintf("%q", c.Subject.CommonName)
	case len(c.DNSNames) > 0:
		return fmt.Sprintf("%q", c.DNSNames[0])
	}
	return "nobody by name"
}

func read(path, what string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("reading %s: %s is not there", what, path)
	case errors.Is(err, fs.ErrPermission):
		return nil, forbidden(what, path)
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", what, err)
	case info.IsDir():
		return nil, fmt.Errorf("reading %s: %s is a folder, not a file", what, path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("reading %s: %s has more than %d bytes: %w", what, path, maxFile, ErrPEM)
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, forbidden(what, path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	return data, nil
}

func forbidden(what, path string) error {
	return fmt.Errorf("reading %s: the hub's user may not read %s; make it that user's, or let its group read it: %w", what, path, fs.ErrPermission)
}

// certificates are those of a PEM file.
func certificates(path string, data []byte) (list []*x509.Certificate, err error) {
	other := ""
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			other = block.Type
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate number %d in %s: %w", len(list)+1, path, err)
		}
		list = append(list, c)
	}
	switch {
	case len(list) > 0:
		return list, nil
	case other != "":
		return nil, fmt.Errorf("reading a certificate: %s holds a %s: %w (-----BEGIN CERTIFICATE-----)", path, other, ErrPEM)
	}
	return nil, fmt.Errorf("reading a certificate: %s: %w (-----BEGIN CERTIFICATE-----); a DER file is turned into PEM with openssl x509 -inform der",
		path, ErrPEM)
}

// privateKey is the first private key in a PEM file.
func privateKey(path string, data []byte) (any, error) {
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("reading the key: %s: %w (-----BEGIN PRIVATE KEY-----)", path, ErrPEM)
		}
		switch block.Type {
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		case "ENCRYPTED PRIVATE KEY":
			return nil, encrypted(path)
		default: // a certificate, or the parameters of an elliptic curve
			continue
		}
		if block.Headers["DEK-Info"] != "" {
			return nil, encrypted(path)
		}
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		key, err := x509.ParseECPrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading the key in %s: it is damaged, or of a kind other than RSA, ECDSA and Ed25519", path)
		}
		return key, nil
	}
}

func encrypted(path string) error {
	return fmt.Errorf("reading the key: %s is encrypted, and nobody is there to type the password when the hub starts; openssl pkey -in "+
		"%[1]s -out ... makes one without", path)
}

// belongs says whether a private key is that of a certificate.
func belongs(key any, c *x509.Certificate) bool {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key.PublicKey.Equal(c.PublicKey)
	case *ecdsa.PrivateKey:
		return key.PublicKey.Equal(c.PublicKey)
	case ed25519.PrivateKey:
		public, ok := key.Public().(ed25519.PublicKey)
		return ok && public.Equal(c.PublicKey)
	}
	return false
}
