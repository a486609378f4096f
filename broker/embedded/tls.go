package embedded

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxCertifiedName bounds the user name that a certificate may give, which ends up in logs and on pages.
const maxCertifiedName = 256

// ListenTLS is Listen for MQTT over TLS. A connection's handshake happens in its own goroutine, within Options.ConnectTimeout, and
// the connection counts as a stranger meanwhile. Where config verifies client certificates, a client that shows one is the user of
// its subject's common name, whatever user name and password it gives. Config may change by its GetConfigForClient.
func (b *Broker) ListenTLS(address string, config *tls.Config) (net.Addr, error) {
	return b.bind(address, func(l net.Listener) net.Listener { return tls.NewListener(l, config) })
}

// secured is a TLS connection that closes at once, since nobody is to wait for a client that does not read. CloseWrite says goodbye.
type secured struct{ *tls.Conn }

func (s secured) Close() error { return s.NetConn().Close() }

// secure is the connection as serve needs it.
func secure(nc net.Conn) net.Conn {
	if t, ok := nc.(*tls.Conn); ok {
		return secured{t}
	}
	return nc
}

// shakeHands brings a TLS handshake to its end, and finds out whom the client's certificate names. Other transports have none.
func (c *conn) shakeHands() error {
	s, ok := c.net.(secured)
	if !ok {
		return nil
	}
	if err := s.SetDeadline(c.born.Add(c.options.ConnectTimeout)); err != nil {
		return err
	}
	if c.cause.Load() != nil { // whoever set it moved the deadline after that, perhaps before we did
		return net.ErrClosed
	}
	if err := s.HandshakeContext(c.life.context()); err != nil {
		return err
	}
	if err := s.SetWriteDeadline(time.Time{}); err != nil { // the other one is moved by whoever reads
		return err
	}
	state := s.ConnectionState()
	if len(state.VerifiedChains) == 0 {
		return nil
	}
	shown, err := believed(state.VerifiedChains)
	c.peer.shown = shown
	return err
}

// shown is a client certificate that is believed.
type shown struct {
	user   string
	chains [][]*x509.Certificate // from it to authorities
}

func believed(chains [][]*x509.Certificate) (*shown, error) {
	name, err := certifiedName(chains[0][0])
	if err != nil {
		return nil, err
	}
	return &shown{name, chains}, nil
}

// shownIn finds out whom the certificate names that a client of secure WebSocket has shown.
func (b *Broker) shownIn(state *tls.ConnectionState) (*shown, error) {
	verify := b.options().VerifyCertificate
	if state == nil || len(state.PeerCertificates) == 0 || verify == nil {
		return nil, nil //nolint:nilnil // it has shown none, or nobody wants to know
	}
	chains, err := verify(state.PeerCertificates)
	if err != nil {
		return nil, err
	}
	return believed(chains)
}

// EndRevoked ends the connections of clients whose certificates are not believed any more, and says how many there were. revoked says why, of the
// chains from a client's certificate to authorities, or nil. Who has shown his before and says who he is afterwards is not let in.
func (b *Broker) EndRevoked(revoked func(chains [][]*x509.Certificate) error) (ended int) {
	b.revoked.Store(&revoked)
	for _, c := range b.registry.connected() {
		if err := c.revoked(); err != nil {
			c.kick(&cause{reason: err.Error(), code: notAuthorized, polite: true})
			ended++
		}
	}
	return ended
}

// revoked says why the certificate that the client has shown is not believed any more; nil: it is, or there is none.
func (c *conn) revoked() error {
	revoked := c.broker.revoked.Load()
	if c.peer.shown == nil || revoked == nil {
		return nil
	}
	return (*revoked)(c.peer.shown.chains)
}

// certifiedName is the user name in a client's certificate: its subject's common name.
func certifiedName(cert *x509.Certificate) (string, error) {
	name := cert.Subject.CommonName
	switch {
	case name == "":
		return "", errors.New("its certificate has no common name, which would be its user name")
	case len(name) > maxCertifiedName, !utf8.ValidString(name), strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", fmt.Errorf("the common name of its certificate, %.80q, is no user name", name)
	}
	return name, nil
}

// shakeOff ends a connection whose handshake has failed, and says why aloud: the owner has to give the client another certificate,
// or to configure it in another way.
func (c *conn) shakeOff(err error) {
	reason := "TLS: " + handshakeReason(err)
	if !c.stop(&cause{reason: reason}) {
		return // the broker stops
	}
	if c.broker.sampler.allow(c.peer.host + " " + reason) {
		c.broker.log.Warn("tls handshake failed", "address", c.peer.address, "reason", reason)
	}
}

// remoteAlerts are the alerts by which a client says that it does not want the hub's certificate.
var remoteAlerts = []string{
	"bad certificate", "unsupported certificate", "revoked certificate", "expired certificate", "unknown certificate",
	"unknown certificate authority",
}

const (
	distrusts  = "it does not accept the hub's certificate"
	mistrusted = ": give it the certificate of the authority that signed that, and let it call the hub by a name that stands in it"
)

// handshakeReason is tlsReason for a handshake that came to no end.
func handshakeReason(err error) string {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, syscall.EPIPE):
		return "it hung up during the handshake"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.Canceled):
		return "it did not finish the handshake in time"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset by peer"
	case strings.Contains(err.Error(), "bad record MAC"): // OpenSSL sends its alert in the clear, where TLS 1.3 is encrypted already
		return "it broke off the handshake, most likely because " + distrusts + mistrusted
	}
	return tlsReason(err)
}

// tlsReason says in words why a TLS connection failed, and what to do about it where somebody can do something. Any other error
// speaks for itself.
func tlsReason(err error) string {
	text := err.Error()
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "remote error": // an alert of the client's
		alert := strings.TrimPrefix(op.Err.Error(), "tls: ")
		for _, a := range remoteAlerts {
			if alert == a {
				return distrusts + " (" + alert + ")" + mistrusted
			}
		}
		return "it ended the connection: " + alert
	case strings.Contains(text, "first record does not look like a TLS handshake"):
		return "it does not speak TLS, which this port is for"
	case strings.Contains(text, "client didn't provide a certificate"):
		return "it shows no certificate, which mqtt.tls.client_auth requires"
	case strings.Contains(text, "unsupported versions"):
		return "it speaks no version of TLS from 1.2 on"
	case strings.Contains(text, "no cipher suite supported by both"):
		return "it has no cipher in common with the hub's certificate and TLS 1.2 or 1.3"
	}
	return certificateReason(err)
}

// certificateReason is tlsReason for what is wrong with a client's certificate.
func certificateReason(err error) string {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return "its certificate was signed by an authority other than that of mqtt.tls.client_ca"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("its certificate is valid from %s to %s only", day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter))
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return "its certificate is not meant for clients (extended key usage)"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err // without the port, which is another one each time
	}
	return err.Error()
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
