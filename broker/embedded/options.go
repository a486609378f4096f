package embedded

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"home.arpa/homehub/broker"
)

// Durability says what an acknowledgement waits for.
type Durability int

// The durabilities. Strict, the zero value: what is acknowledged is on disk. Relaxed: it will be within Options.DurabilityInterval.
const (
	Strict Durability = iota
	Relaxed
)

// Options of a broker. The zero value is a broker for a house, without a snapshot, to which nobody can log in.
type Options struct {
	// Folder is where the journal keeps sessions, retained messages and wills. Empty: they are forgotten when the program ends.
	Folder string
	// Version is the program's, for $SYS. Empty: devel.
	Version string
	// Durability says what an acknowledgement waits for. Zero: until what it promises is on disk.
	Durability Durability
	// DurabilityInterval is how long what was promised to nobody may stay off the disk, and with Relaxed what was promised, too.
	// Zero: 10 s.
	DurabilityInterval time.Duration
	// Anonymous says whose clients need no credentials. Zero: those on this machine.
	Anonymous AnonymousPolicy
	// Authenticate says whether a user name and a password belong together. It is called by each client's own goroutine.
	// Nil: nobody can log in, and who gives credentials is anonymous all the same.
	Authenticate func(user, password string) bool
	// VerifyCertificate finds the chains from a certificate that a client of secure WebSocket has shown, with those between it and its
	// authority behind it, to authorities. A client with such a certificate is the user of its subject's common name; one with another is
	// refused. Nil: what they show does not count.
	VerifyCertificate func(shown []*x509.Certificate) (chains [][]*x509.Certificate, err error)
	// Access decides which topics are whose. Nobody but the broker publishes to $SYS in any case. Nil: everybody may read
	// everything, and publish to all topics that do not begin with $.
	Access Access
	// Origins are the hosts, such as "panel.lan:8443", from whose pages a browser may connect over WebSocket, besides the
	// host that it connects to. Empty: no other.
	Origins []string
	// Logger gets connections, refusals and losses. Nil: nothing is logged.
	Logger *slog.Logger

	// MaxPacketSize is the greatest packet that a client may send, in bytes. Zero: 2 MiB, since Zigbee2MQTT describes its
	// devices in one message of more than 1 MiB.
	MaxPacketSize int
	// MaxConnectSize is the greatest CONNECT packet in bytes, the only packet that a stranger may make us keep. Zero: 128 KiB, in
	// which a will message of the greatest length that the standard allows fits.
	MaxConnectSize int
	// MaxTopicLevels and MaxTopicSize bound a topic name or filter: its levels, at most 201, and its bytes. Zero: 201 and 4096.
	MaxTopicLevels, MaxTopicSize int
	// MaxSubscriptions bounds the topic filters of one session, which may have 16 times as many levels in all; MaxFilters bounds those of one
	// SUBSCRIBE or UNSUBSCRIBE. Zero: 4096 and 1024.
	MaxSubscriptions, MaxFilters int
	// MaxQueued and MaxQueuedBytes bound what waits for one client, and MaxQueuedBytes also what is on its way to it. What
	// exceeds them is dropped and counted. Zero: 10,000 messages and 8 MiB.
	MaxQueued, MaxQueuedBytes int
	// MaxQueuedInAll bounds what waits for all clients together, in bytes. Beyond it each may have 16 KiB all the same, so that those who keep
	// up go on. Zero: 256 MiB.
	MaxQueuedInAll int
	// MaxSessions bounds the sessions. When it is reached, who has none is let in only with one that ends with its connection. Zero: 20,000.
	MaxSessions int
	// MaxInflight is how many messages with QoS 1 and 2 may be on their way to a client unacknowledged. Zero: 64.
	MaxInflight int
	// ReceiveMaximum is how many messages with QoS 2 an MQTT 5 client may have open. Zero: 64.
	ReceiveMaximum int
	// MaxRetained bounds the number of retained messages, MaxRetainedBytes the memory of all of them. What exceeds them is delivered and not
	// retained. Zero: 100,000 and 256 MiB.
	MaxRetained, MaxRetainedBytes int
	// MaxConnections bounds the connections, MaxConnectionsPerAddress those from one IP address other than this machine's own.
	// Zero: 10,000 and 1,000.
	MaxConnections, MaxConnectionsPerAddress int
	// MaxStrangers and MaxStrangersPerAddress bound, in the same way, the connections that have not been let in yet: they are in
	// their TLS handshake, have not said CONNECT, or wait for the answer to it. So one silent device does not keep the others
	// out. Zero: 500 and 100.
	MaxStrangers, MaxStrangersPerAddress int
	// ConnectTimeout is how long a connection may take to say CONNECT, its TLS handshake included. Zero: 10 s.
	ConnectTimeout time.Duration
	// MaxKeepAlive is the longest keep alive of an MQTT 5 client, which is told to use it instead of its own. Zero: no limit.
	MaxKeepAlive time.Duration
	// MaxSessionExpiry is how long a session may outlive its connection. Zero: as long as its client says, but 30 days where it says
	// for ever, as every client of MQTT 3.1.1 does that wants its session kept: of the many that are tried once, none would ever go.
	MaxSessionExpiry time.Duration
}

// fill replaces zero values by what they mean, and refuses what makes no sense.
func (o *Options) fill() error {
	if o.Version == "" {
		o.Version = "devel"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	defaults := []struct {
		name  string
		value *int
		zero  int
		most  int
	}{
		{"MaxPacketSize", &o.MaxPacketSize, 2 << 20, 256 << 20},
		{"MaxConnectSize", &o.MaxConnectSize, 128 << 10, 256 << 20},
		{"MaxTopicLevels", &o.MaxTopicLevels, broker.MaxTopicLevels, broker.MaxTopicLevels},
		{"MaxTopicSize", &o.MaxTopicSize, 4096, broker.MaxTopicLength},
		{"MaxSubscriptions", &o.MaxSubscriptions, 4096, math.MaxInt32},
		{"MaxFilters", &o.MaxFilters, 1024, math.MaxInt32},
		{"MaxQueued", &o.MaxQueued, 10_000, math.MaxInt32},
		{"MaxQueuedBytes", &o.MaxQueuedBytes, 8 << 20, math.MaxInt32},
		{"MaxQueuedInAll", &o.MaxQueuedInAll, 256 << 20, math.MaxInt32},
		{"MaxSessions", &o.MaxSessions, 20_000, math.MaxInt32},
		{"MaxInflight", &o.MaxInflight, 64, 4096},
		{"ReceiveMaximum", &o.ReceiveMaximum, 64, math.MaxUint16},
		{"MaxRetained", &o.MaxRetained, 100_000, math.MaxInt32},
		{"MaxRetainedBytes", &o.MaxRetainedBytes, 256 << 20, math.MaxInt32},
		{"MaxConnections", &o.MaxConnections, 10_000, math.MaxInt32},
		{"MaxConnectionsPerAddress", &o.MaxConnectionsPerAddress, 1_000, math.MaxInt32},
		{"MaxStrangers", &o.MaxStrangers, 500, math.MaxInt32},
		{"MaxStrangersPerAddress", &o.MaxStrangersPerAddress, 100, math.MaxInt32},
	}
	for _, d := range defaults {
		if *d.value < 0 || *d.value > d.most {
			return fmt.Errorf("checking the broker's options: %s is %d, not between 0 and %d", d.name, *d.value, d.most)
		}
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	times := []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"DurabilityInterval", &o.DurabilityInterval, 10 * time.Second},
		{"ConnectTimeout", &o.ConnectTimeout, 10 * time.Second},
		{"MaxKeepAlive", &o.MaxKeepAlive, math.MaxUint16 * time.Second},
		{"MaxSessionExpiry", &o.MaxSessionExpiry, 0},
	}
	for _, d := range times {
		if *d.value < 0 || *d.value > 0 && *d.value < time.Second {
			return fmt.Errorf("checking the broker's options: %s is %v, less than a second", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	return nil
}

// foreverIs how long a session is kept for ever where nothing else is said, in seconds.
const foreverIs = 30 * 24 * 60 * 60

// granted is what becomes of a wish for a session expiry, in seconds.
func (o *Options) granted(expiry uint32) uint32 {
	switch {
	case o.MaxSessionExpiry > 0:
		return uint32(min(time.Duration(expiry), o.MaxSessionExpiry/time.Second))
	case expiry == neverExpires:
		return foreverIs
	}
	return expiry
}

// topicTooLong says whether a topic name or filter is beyond the limits.
func (o *Options) topicTooLong(s string) bool {
	return len(s) > o.MaxTopicSize || strings.Count(s, "/") >= o.MaxTopicLevels
}

// topicLimits is the reason for refusing such a one.
func (o *Options) topicLimits() string {
	return fmt.Sprintf("a topic of more than %d levels or %d bytes", o.MaxTopicLevels, o.MaxTopicSize)
}
