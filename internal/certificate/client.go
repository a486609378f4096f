package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// trust sets up which client certificates are believed.
func (s *Set) trust() error {
	if s.files.ClientCA == "" {
		return nil
	}
	data, err := read(s.files.ClientCA, "the clients' authority")
	if err != nil {
		return err
	}
	list, err := certificates(s.files.ClientCA, data)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	for _, c := range list {
		if c.BasicConstraintsValid && !c.IsCA {
			return fmt.Errorf("reading the clients' authority: %s holds a certificate of %s, which is no authority; give that of the authority "+
				"that signed it", s.files.ClientCA, subject(c))
		}
		pool.AddCert(c)
	}
	s.config.ClientCAs, s.config.ClientAuth = pool, tls.VerifyClientCertIfGiven
	switch {
	case s.files.AnyClient:
		s.config.ClientAuth = tls.RequestClientCert
	case s.files.RequireClient:
		s.config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if s.files.ClientCRL == "" {
		return nil
	}
	s.config.VerifyConnection = func(state tls.ConnectionState) error { return s.Revoked(state.VerifiedChains) } // of resumed ones, too
	s.revoked, err = revocationsIn(s.files.ClientCRL, list)
	return err
}

// Revoked says why a client whose certificate was believed before is not any more: each of the chains to its authority has a certificate that was taken
// back.
func (s *Set) Revoked(chains [][]*x509.Certificate) error { return s.revoked.check(chains) }

// Verify finds the chains from a certificate that a client has shown, with those between it and its authority behind it, to the authorities in
// Files.ClientCA, as a handshake would. The error is that of crypto/x509, or that of Revoked.
func (s *Set) Verify(shown []*x509.Certificate) ([][]*x509.Certificate, error) {
	if len(shown) == 0 {
		return nil, errors.New("no certificate was shown")
	}
	o := x509.VerifyOptions{Roots: s.config.ClientCAs, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if o.Roots == nil { // else it would be those of the system
		o.Roots = x509.NewCertPool()
	}
	for _, c := range shown[1:] {
		o.Intermediates.AddCert(c)
	}
	chains, err := shown[0].Verify(o)
	if err != nil {
		return nil, err
	}
	return chains, s.revoked.check(chains)
}
