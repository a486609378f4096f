package embedded

import (
	"fmt"
	"log/slog"
	"math"
	"time"
)

// maxRetainedBytes bounds the memory of all retained messages together, maxSubscriptions the topic filters of one session.
const (
	maxRetainedBytes = 256 << 20
	maxSubscriptions = 4096
)

// Options of a broker. The zero value is a broker for a house, without a snapshot, to which nobody can log in.
type Options struct {
	// Snapshot is the path of the file that keeps retained messages, sessions and wills between two lives of the program.
	// Empty: they are forgotten.
	Snapshot string
	// Anonymous says whose clients need no credentials. Zero: those on this machine.
	Anonymous AnonymousPolicy
	// Authenticate says whether a user name and a password belong together. It is called by each client's own goroutine.
	// Nil: nobody can log in, and who gives credentials is anonymous all the same.
	Authenticate func(user, password string) bool
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
	// MaxQueued and MaxQueuedBytes bound what waits for one client, and MaxQueuedBytes also what is on its way to it. What
	// exceeds them is dropped and counted. Zero: 10,000 messages and 8 MiB.
	MaxQueued, MaxQueuedBytes int
	// MaxInflight is how many messages with QoS 1 and 2 may be on their way to a client unacknowledged. Zero: 64.
	MaxInflight int
	// ReceiveMaximum is how many messages with QoS 2 an MQTT 5 client may have open. Zero: 64.
	ReceiveMaximum int
	// MaxRetained bounds the number of retained messages. Zero: 100,000.
	MaxRetained int
	// MaxConnections bounds the connections, MaxConnectionsPerAddress those from one IP address other than this machine's own.
	// Zero: 10,000 and 1,000.
	MaxConnections, MaxConnectionsPerAddress int
	// ConnectTimeout is how long a connection may take to say CONNECT. Zero: 10 s.
	ConnectTimeout time.Duration
	// MaxKeepAlive is the longest keep alive of an MQTT 5 client, which is told to use it instead of its own. Zero: no limit.
	MaxKeepAlive time.Duration
	// MaxSessionExpiry is how long a session may outlive its connection. Zero: 30 days.
	MaxSessionExpiry time.Duration
}

// fill replaces zero values by what they mean, and refuses what makes no sense.
func (o *Options) fill() error {
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
		{"MaxQueued", &o.MaxQueued, 10_000, math.MaxInt32},
		{"MaxQueuedBytes", &o.MaxQueuedBytes, 8 << 20, math.MaxInt32},
		{"MaxInflight", &o.MaxInflight, 64, 4096},
		{"ReceiveMaximum", &o.ReceiveMaximum, 64, math.MaxUint16},
		{"MaxRetained", &o.MaxRetained, 100_000, math.MaxInt32},
		{"MaxConnections", &o.MaxConnections, 10_000, math.MaxInt32},
		{"MaxConnectionsPerAddress", &o.MaxConnectionsPerAddress, 1_000, math.MaxInt32},
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
		{"ConnectTimeout", &o.ConnectTimeout, 10 * time.Second},
		{"MaxKeepAlive", &o.MaxKeepAlive, math.MaxUint16 * time.Second},
		{"MaxSessionExpiry", &o.MaxSessionExpiry, 30 * 24 * time.Hour},
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

// longestSession is MaxSessionExpiry in seconds.
func (b *Broker) longestSession() uint32 {
	return uint32(min(b.options().MaxSessionExpiry/time.Second, neverExpires))
}
