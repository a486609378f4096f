package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"home.arpa/homehub/broker"
)

// Options say where the broker is and who asks.
type Options struct {
	// URL is mqtt://host, mqtts://host (TLS), ws://host/path or wss://host/path (WebSocket). user:password@ may stand in front
	// of the host. Default ports: 1883, 8883, 80, 443; default path: /mqtt. With Dial set it may be empty and only names the
	// broker.
	URL string
	// User and Password beat those in URL. PasswordFile is read on New, its last line break is dropped; it beats Password.
	User, Password, PasswordFile string
	// CAFile has the certificates (PEM) by which the broker's own is judged. Empty: those of the system.
	CAFile string
	// ClientID names the client to the broker, which ends an older connection of the same name. Empty: homehub- and the
	// host's name.
	ClientID string
	// Will is what the broker publishes for us when the connection ends without a goodbye. Nil: nothing.
	Will *broker.Message
	// KeepAlive is the longest silence, after which a sign of life is sent, in whole seconds from 1 s to 65535 s. A broker
	// that does not answer for as long again counts as gone. Zero: 30 s.
	KeepAlive time.Duration
	// Logger gets connects, losses and refusals. Nil: nothing is logged.
	Logger *slog.Logger
	// Dial makes the network connection, for instance over net.Pipe. Nil: as URL says.
	Dial func(ctx context.Context) (net.Conn, error)
}

// target is Options, checked.
type target struct {
	scheme   string // mqtt, mqtts, ws, wss
	address  string // host:port
	url      string // without user and password, for dialling and for people
	host     string
	user     string
	password []byte
	tls      *tls.Config
}

var ports = map[string]string{"mqtt": "1883", "mqtts": "8883", "ws": "80", "wss": "443"}

func (o *Options) check() (t target, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.KeepAlive == 0 {
		o.KeepAlive = 30 * time.Second
	}
	if o.KeepAlive < time.Second || o.KeepAlive > math.MaxUint16*time.Second {
		return t, fmt.Errorf("keep alive %v is not from 1 s to %d s", o.KeepAlive, math.MaxUint16)
	}
	if o.ClientID == "" {
		o.ClientID = defaultClientID()
	}
	if o.Will != nil {
		if err := broker.ValidTopic(o.Will.Topic); err != nil {
			return t, fmt.Errorf("checking the will: %w", err)
		}
		if o.Will.QoS > 2 {
			return t, fmt.Errorf("checking the will: QoS %d is not 0, 1 or 2", o.Will.QoS)
		}
	}
	if o.URL != "" || o.Dial == nil {
		if t, err = readURL(o.URL); err != nil {
			return t, err
		}
	}
	if o.User != "" {
		t.user = o.User
	}
	if o.Password != "" {
		t.password = []byte(o.Password)
	}
	if o.PasswordFile != "" {
		data, err := os.ReadFile(o.PasswordFile)
		if err != nil {
			return t, fmt.Errorf("reading the password: %w", err)
		}
		t.password = []byte(strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"))
	}
	if t.scheme == "mqtts" || t.scheme == "wss" {
		t.tls = &tls.Config{ServerName: t.host, MinVersion: tls.VersionTLS12}
	}
	if o.CAFile != "" {
		if t.tls == nil && o.Dial == nil {
			return t, fmt.Errorf("a CA file is of no use with %s, which is not encrypted", t.url)
		}
		pool, err := readCertificates(o.CAFile)
		if err != nil {
			return t, err
		}
		if t.tls != nil {
			t.tls.RootCAs = pool
		}
	}
	return t, nil
}

// readURL takes a broker's URL apart. Errors do not repeat it, since it may hold a password.
func readURL(s string) (t target, err error) {
	u, err := url.Parse(s)
	if err != nil {
		return t, errors.New("the broker's URL cannot be read; want mqtt://host, mqtts://, ws:// or wss://")
	}
	port, ok := ports[strings.ToLower(u.Scheme)]
	if !ok || u.Hostname() == "" {
		return t, fmt.Errorf("the broker's URL %s has no host or another scheme than mqtt://, mqtts://, ws://, wss://", u.Redacted())
	}
	t.scheme, t.host, t.user = strings.ToLower(u.Scheme), u.Hostname(), u.User.Username()
	if password, set := u.User.Password(); set {
		t.password = []byte(password)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	t.address = net.JoinHostPort(t.host, port)
	path := ""
	if t.scheme == "ws" || t.scheme == "wss" {
		if path = u.RequestURI(); path == "/" {
			path = "/mqtt"
		}
	}
	t.url = t.scheme + "://" + t.address + path
	return t, nil
}

func readCertificates(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the CA file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("reading the CA file: %s has no certificate", file)
	}
	return pool, nil
}

// defaultClientID is the same at each start on one machine.
func defaultClientID() string {
	host, err := os.Hostname()
	if err != nil {
		return "homehub"
	}
	return "homehub-" + host
}
