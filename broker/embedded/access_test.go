package embedded_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// journal is a log that a test reads.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// from is a pipe's end that claims to come from an address.
type from struct {
	net.Conn
	address string
}

func (f from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(f.address))
}

// dialFrom connects as if from an address.
func dialFrom(t *testing.T, b *brokertest.Broker, address string) *client {
	ours, theirs := net.Pipe()
	var serving sync.WaitGroup
	serving.Go(func() { b.ServeConn(from{theirs, address}) })
	t.Cleanup(serving.Wait)
	return attach(t, ours)
}

func TestAnonymousPolicy(t *testing.T) {
	const here, here6, mapped, elsewhere = "127.0.0.1:5000", "[::1]:5000", "[::ffff:127.0.0.1]:5000", "192.168.1.40:5000"
	anna := hello{id: "c", user: "anna", password: "right"}
	tests := []struct {
		name    string
		policy  embedded.AnonymousPolicy
		address string
		h       hello
		code    byte
	}{
		{"loopback lets in who is here", embedded.Loopback, here, hello{id: "c"}, 0},
		{"loopback lets in who is here by IPv6", embedded.Loopback, here6, hello{id: "c"}, 0},
		{"loopback lets in who is here by both", embedded.Loopback, mapped, hello{id: "c"}, 0},
		{"loopback refuses a stranger", embedded.Loopback, elsewhere, hello{id: "c"}, 5},
		{"loopback refuses a stranger of version 5", embedded.Loopback, elsewhere, hello{version: 5, id: "c"}, 0x87},
		{"loopback lets in who logs in from elsewhere", embedded.Loopback, elsewhere, anna, 0},
		{"loopback does not forgive a wrong password", embedded.Loopback, here, hello{id: "c", user: "anna", password: "wrong"}, 4},
		{"always lets a stranger in", embedded.Always, elsewhere, hello{id: "c"}, 0},
		{"always does not forgive a wrong password", embedded.Always, elsewhere, hello{version: 5, id: "c", user: "anna", password: "wrong"}, 0x86},
		{"never refuses who is here", embedded.Never, here, hello{id: "c"}, 5},
		{"never lets in who logs in", embedded.Never, here, anna, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := embedded.Options{Anonymous: test.policy, Authenticate: func(u, p string) bool { return u == "anna" && p == "right" }}
			bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
				c := dialFrom(t, b, test.address)
				if body := c.hello(test.h); body[1] != test.code {
					t.Errorf("the answer is %#x, want %#x", body[1], test.code)
				}
			})
		})
	}
}

func TestWithoutUsersCredentialsMeanNothing(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		for address, code := range map[string]byte{"127.0.0.1:1": 0, "192.168.1.40:1": 5} {
			if body := dialFrom(t, b, address).hello(hello{id: "c" + address, user: "anna", password: "x"}); body[1] != code {
				t.Errorf("from %s the answer is %d, want %d", address, body[1], code)
			}
		}
		if got := b.Clients(); len(got) != 1 || got[0].User != "" {
			t.Errorf("clients are %+v, want one anonymous", got)
		}
	})
}

// Firmware whose form was left empty says that there is a user name, and that it is empty.
func TestAnEmptyLoginIsNone(t *testing.T) {
	o := embedded.Options{Authenticate: func(string, string) bool { return false }}
	for _, version := range []byte{3, 4, 5} {
		name := map[byte]string{3: "MQIsdp", 4: "MQTT", 5: "MQTT"}[version]
		for what, login := range map[string]struct {
			flags   byte
			payload []byte
		}{"no password": {0x82, str("")}, "an empty password": {0xC2, join(str(""), str(""))}} {
			for address, want := range map[string]byte{"127.0.0.1:1": 0, "192.168.1.40:1": 5} {
				if version == 5 && want > 0 {
					want = 0x87
				}
				bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
					c := dialFrom(t, b, address)
					c.send(frame(0x10, str(name), []byte{version, login.flags}, u16(0), props(version), str("c"), login.payload))
					if got := c.expect(CONNACK).body[1]; got != want {
						t.Errorf("version %d, an empty user name with %s from %s is answered %#x, want %#x", version, what, address, got, want)
					}
				})
			}
		}
	}
}

func TestRefusalsAreLoggedAloudOnceInAWhile(t *testing.T) {
	var log journal
	o := embedded.Options{Logger: log.logger(), Authenticate: func(string, string) bool { return false }}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		try := func(h hello) {
			c := dialFrom(t, b, "192.168.1.40:4711")
			c.hello(h)
			c.expectEnd(0)
		}
		for range 3 {
			try(hello{id: "DVES_A1B2C3"})
		}
		const line = `level=WARN msg="192.168.1.40 (DVES_A1B2C3) refused: no credentials; hub user add"`
		if got := strings.Count(log.String(), line); got != 1 {
			t.Errorf("the refusal was logged %d times, want once:\n%s", got, log.String())
		}
		time.Sleep(6 * time.Minute)
		try(hello{id: "DVES_A1B2C3"})
		if got := strings.Count(log.String(), line); got != 2 {
			t.Errorf("the refusal was logged %d times after a while, want twice", got)
		}
		try(hello{id: "DVES_A1B2C3", user: "anna", password: "hunter2"})
		if !strings.Contains(log.String(), "refused: wrong user name or password") || strings.Contains(log.String(), "hunter2") {
			t.Errorf("the wrong password must be logged, and never the password itself:\n%s", log.String())
		}
	})
}

func TestPolicyNames(t *testing.T) {
	for _, p := range []embedded.AnonymousPolicy{embedded.Loopback, embedded.Always, embedded.Never} {
		if got, err := embedded.ParseAnonymousPolicy(p.String()); err != nil || got != p {
			t.Errorf("%v is read back as %v, %v", p, got, err)
		}
	}
	if _, err := embedded.ParseAnonymousPolicy("sometimes"); err == nil {
		t.Error("an unknown policy was accepted")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]embedded.Options{
		"a negative limit":        {MaxQueued: -1},
		"a limit beyond measure":  {ReceiveMaximum: 70_000},
		"less than a second":      {ConnectTimeout: time.Millisecond},
		"a negative duration":     {MaxSessionExpiry: -time.Hour},
		"a packet beyond measure": {MaxPacketSize: 1 << 30},
	} {
		if _, err := embedded.New(o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestOneSilentAddressDoesNotKeepOthersOut(t *testing.T) {
	bubble(t, embedded.Options{Anonymous: embedded.Always, MaxStrangers: 120}, func(t *testing.T, b *brokertest.Broker) {
		for range 150 { // of which 100 are let wait
			dialFrom(t, b, "192.168.1.40:1") // says nothing
		}
		synctest.Wait()
		dialFrom(t, b, "192.168.1.41:1").hello(hello{id: "other"})
		time.Sleep(11 * time.Second)
		dialFrom(t, b, "192.168.1.40:1").hello(hello{id: "late"})
	})
}

func TestConnectionsAreLimited(t *testing.T) {
	o := embedded.Options{MaxConnections: 5, MaxConnectionsPerAddress: 2, Anonymous: embedded.Always}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		comesIn := func(address, id string) bool {
			c := dialFrom(t, b, address)
			if _, err := c.nc.Write(hello{id: id}.bytes()); err != nil {
				return false
			}
			p, ok := c.next()
			return ok && p.body[1] == 0
		}
		for i, want := range []bool{true, true, false} {
			if got := comesIn("192.168.1.40:1", string(rune('a'+i))); got != want {
				t.Errorf("connection %d from one address: %t, want %t", i+1, got, want)
			}
		}
		for i, want := range []bool{true, true, true, false} {
			if got := comesIn("127.0.0.1:1", string(rune('m'+i))); got != want {
				t.Errorf("connection %d from here: %t, want %t", i+1, got, want)
			}
		}
		b.Disconnect("a")
		time.Sleep(time.Second)
		if !comesIn("192.168.1.40:1", "z") {
			t.Error("a place that was left is not free again")
		}
	})
}

// Other rules hold for what waits already: what is queued for a client that is away, and what it has not got yet of the retained messages.
func TestOtherRulesHoldForWhatWaits(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		pub := connect(t, b, hello{id: "pub"})
		for i := range 500 {
			pub.publish(post{topic: fmt.Sprint("kept/", i), payload: "x", retain: true, qos: 1, id: 1})
		}
		away := connect(t, b, lasting("away"))
		away.subscribe(filter{"open/#", 1}, filter{"shut/#", 1}, filter{"kept/#", 1})
		away.nc.Close()
		for _, topic := range []string{"shut/1", "open/1", "shut/2", "open/2"} {
			pub.publish(post{topic: topic, qos: 1, id: 1})
		}
		if err := b.Reload(embedded.Options{Access: below("open/")}); err != nil {
			t.Fatal(err)
		}
		away = connect(t, b, lasting("away"))
		var got []string
		for len(got) < 2 {
			if m := away.receive(); !m.dup { // what was on its way before is sent again [MQTT-4.4.0-1]
				got = append(got, m.topic)
			}
		}
		away.quiet()
		if want := []string{"open/1", "open/2"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
