package certificate

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// revocations are the certificates that their authorities have taken back (RFC 5280, 5).
type revocations struct {
	path  string
	since map[revoked]time.Time
	// fallen are the authorities that others of them have taken back, by their whole certificates: a chain may end with one.
	fallen map[string]time.Time
	// ends is when the first of the lists ends, zero if none does; lasts is how long that was good for.
	ends  time.Time
	lasts time.Duration
}

// revoked is the authority's public key as it is encoded, since two may go by one name, and the certificate's number.
type revoked struct{ issuer, serial string }

func number(issuer *x509.Certificate, serial *big.Int) revoked {
	return revoked{string(issuer.RawSubjectPublicKeyInfo), string(serial.Bytes())}
}

// revocationsIn reads the lists in a PEM file. Each must be signed by one of the authorities. An entry stays good when its list has ended, since
// nobody gives a certificate back.
func revocationsIn(path string, authorities []*x509.Certificate) (*revocations, error) {
	all, err := lists(path)
	if err != nil {
		return nil, err
	}
	r := &revocations{path: path, since: map[revoked]time.Time{}, fallen: map[string]time.Time{}}
	for i, list := range all {
		if err := r.add(list, authorities); err != nil {
			return nil, fmt.Errorf("reading list number %d of revoked certificates in %s: %w", i+1, path, err)
		}
	}
	for _, a := range authorities {
		for _, by := range authorities {
			if since, found := r.since[number(by, a.SerialNumber)]; found && a.CheckSignatureFrom(by) == nil {
				r.fallen[string(a.Raw)] = since
			}
		}
	}
	return r, nil
}

const listType = "X509 CRL"

// lists are those of a PEM file. Who signed them is not looked at.
func lists(path string) (all []*x509.RevocationList, err error) {
	data, err := read(path, "the list of revoked certificates")
	if err != nil {
		return nil, err
	}
	begun := bytes.Count(data, []byte("-----BEGIN "+listType))
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != listType {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading list number %d of revoked certificates in %s: it is damaged: %w", len(all)+1, path, err)
		}
		all = append(all, list)
	}
	switch {
	case len(all) < begun:
		return nil, fmt.Errorf("reading the list of revoked certificates: of %d lists in %s only %d are whole; it is damaged or cut off", begun, path, len(all))
	case begun == 0:
		return nil, fmt.Errorf("reading the list of revoked certificates: %s: %w (-----BEGIN %s-----); a DER file is turned into PEM with "+
			"openssl crl -inform der", path, ErrPEM, listType)
	}
	return all, nil
}

func (r *revocations) add(list *x509.RevocationList, authorities []*x509.Certificate) error {
	by := slices.IndexFunc(authorities, func(a *x509.Certificate) bool {
		return bytes.Equal(a.RawSubject, list.RawIssuer) && list.CheckSignatureFrom(a) == nil
	})
	if by < 0 {
		return fmt.Errorf("it is damaged, or its issuer, %q, is none of the clients' authorities; give their lists, or the issuer's certificate "+
			"beside theirs", list.Issuer)
	}
	for _, e := range list.Extensions {
		if e.Critical { // such a list says less than it seems to
			return fmt.Errorf("it is part of a list only (extension %s); give the whole one", e.Id)
		}
	}
	for _, e := range list.RevokedCertificateEntries {
		r.since[number(authorities[by], e.SerialNumber)] = e.RevocationTime
	}
	if ends := list.NextUpdate; !ends.IsZero() && (r.ends.IsZero() || ends.Before(r.ends)) {
		r.ends, r.lasts = ends, ends.Sub(list.ThisUpdate)
	}
	return nil
}

// check wants one chain without a revoked certificate, if there are any chains.
func (r *revocations) check(chains [][]*x509.Certificate) (err error) {
	if r == nil {
		return nil
	}
	for _, chain := range chains {
		if err = r.checkChain(chain); err == nil {
			return nil
		}
	}
	return err
}

func (r *revocations) checkChain(chain []*x509.Certificate) error {
	for i, c := range chain {
		since, found := r.fallen[string(c.Raw)]
		if i+1 < len(chain) && !found {
			since, found = r.since[number(chain[i+1], c.SerialNumber)]
		}
		if found {
			return fmt.Errorf("the certificate of %s was revoked on %s", subject(c), day(since))
		}
	}
	return nil
}

// warning says that a list has ended, or is about to: in the last quarter of its time, Soon at the earliest.
func (r *revocations) warning(now time.Time) string {
	if r == nil || r.ends.IsZero() {
		return ""
	}
	switch left := r.ends.Sub(now); {
	case left <= 0:
		return fmt.Sprintf("%s has ended on %s: what it names stays revoked, what was revoked since is let in; give a new list, the hub uses it by itself",
			r.path, day(r.ends))
	case left <= min(Soon, r.lasts/4):
		return fmt.Sprintf("%s ends in %s, on %s; give a new list, the hub uses it by itself", r.path, days(left), day(r.ends))
	}
	return ""
}

// ListExpired says whether there is a list of revoked certificates that has ended.
func (s *Set) ListExpired(now time.Time) bool {
	return s.revoked != nil && !s.revoked.ends.IsZero() && !now.Before(s.revoked.ends)
}
