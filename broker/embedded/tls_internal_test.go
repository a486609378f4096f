package embedded

import (
	"crypto/x509"
	"crypto/x509/pkix"
)

// CertifiedName says whether a common name can be a user's.
func CertifiedName(name string) error {
	_, err := certifiedName(&x509.Certificate{Subject: pkix.Name{CommonName: name}})
	return err
}
