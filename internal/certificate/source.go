package certificate

import (
	"crypto/tls"
	"sync/atomic"
)

// Source serves the set that is in force to TLS listeners. Its methods may be called by several goroutines at once.
type Source struct{ now atomic.Pointer[Set] }

// NewSource returns a source that serves a set.
func NewSource(s *Set) *Source {
	src := new(Source)
	src.Use(s)
	return src
}

// Use puts another set in force, for the handshakes from now on. Connections that are there stay.
func (src *Source) Use(s *Set) { src.now.Store(s) }

// Set is the one in force.
func (src *Source) Set() *Set { return src.now.Load() }

// Config is for a TLS listener: each handshake takes the set that is in force then.
func (src *Source) Config() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return src.Set().config, nil },
	}
}
