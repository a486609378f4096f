package embedded_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// locked has one user, anna with the password right, who may publish below open/ and read below open/.
func locked(log *journal) embedded.Options {
	o := embedded.Options{
		Authenticate: func(u, p string) bool { return u == "anna" && p == "right" }, Access: below("open/"),
	}
	if log != nil {
		o.Logger = log.logger()
	}
	return o
}

// below is an access policy that opens the topics with a prefix.
type below string

func (p below) Permit(_, _ string) embedded.Permit { return p }
func (p below) MayPublish(topic string) bool       { return strings.HasPrefix(topic, string(p)) }
func (p below) MayReceive(topic string) bool       { return strings.HasPrefix(topic, string(p)) }
func (p below) MaySubscribe(filter string) bool    { return strings.HasPrefix(filter, string(p)) }
func anna(id string, version byte) hello {
	return hello{version: version, id: id, user: "anna", password: "right"}
}
func wrong(id string) hello { return hello{id: id, user: "anna", password: "guess"} }

func TestRefusedConnectionsAreListed(t *testing.T) {
	bubble(t, locked(nil), func(t *testing.T, b *brokertest.Broker) {
		begin := time.Now()
		for range 2 {
			c := dialFrom(t, b, "192.168.1.40:4711")
			c.hello(wrong("plug"))
			c.expectEnd(0)
		}
		time.Sleep(time.Second)
		dialFrom(t, b, "192.168.1.41:1").hello(hello{id: "nobody"})
		time.Sleep(time.Second)
		dialFrom(t, b, "192.168.1.42:1").hello(anna("mine", 5))
		dialFrom(t, b, "192.168.1.43:1").hello(hello{version: 5, id: "w", user: "anna", password: "right", will: &post{topic: "closed/w"}})
		time.Sleep(time.Second)
		web := dialFrom(t, b, "192.168.1.44:1")
		web.send([]byte("GET / HTTP/1.1\r\n\r\n"))
		web.expectEnd(0)
		time.Sleep(time.Second)
		dialFrom(t, b, "192.168.1.45:1").nc.Close() // looks whether the port is open
		dialFrom(t, b, "192.168.1.46:1")            // says nothing
		time.Sleep(time.Minute)
		got := b.Refusals()
		want := []embedded.Refusal{
			{Act: embedded.Connecting, Reason: "no CONNECT within 10s", Address: "192.168.1.46", Count: 1},
			{Act: embedded.Connecting, Reason: "not a CONNECT packet", Address: "192.168.1.44", Count: 1},
			{Act: embedded.Connecting, Reason: "its will message goes to closed/w, where it may not publish", Address: "192.168.1.43", Client: "w", User: "anna", Count: 1},
			{Act: embedded.Connecting, Reason: "no credentials; hub user add", Address: "192.168.1.41", Client: "nobody", Count: 1},
			{Act: embedded.Connecting, Reason: "wrong user name or password", Address: "192.168.1.40", Client: "plug", User: "anna", Count: 2},
		}
		for i := range got {
			if i < len(want) {
				want[i].First, want[i].Last = got[i].First, got[i].Last
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if r := got[len(got)-1]; !r.First.Equal(begin) || !r.Last.Equal(begin.Add(time.Second)) {
			t.Errorf("the wrong passwords were heard at %v and %v, want %v and a second later", r.First, r.Last, begin)
		}
		refused := b.Stats().Refused
		for class, n := range map[string]uint64{"password": 2, "anonymous": 1, "will": 1, "protocol": 2, "client_id": 0, "publish": 0} {
			if refused[class] != n {
				t.Errorf("%d were refused for %s, want %d", refused[class], class, n)
			}
		}
	})
}

func TestDeniedMessagesAreListedAndEndNothing(t *testing.T) {
	for _, version := range []byte{3, 4, 5} {
		t.Run(fmt.Sprintf("MQTT %d", version), func(t *testing.T) {
			var log journal
			bubble(t, locked(&log), func(t *testing.T, b *brokertest.Broker) {
				watch := connect(t, b, anna("watch", 5))
				watch.subscribe(filter{"open/#", 0})
				c := connect(t, b, anna("plug", version))
				code := func(p packet) byte {
					if len(p.body) > 2 {
						return p.body[2]
					}
					return 0
				}
				want := byte(0)
				if version == 5 {
					want = 0x87
				}
				for i := range 40 {
					c.send(post{topic: "closed/a", payload: "x"}.bytes(version))
					c.send(post{topic: "closed/a", payload: "x", qos: 1, id: 1}.bytes(version))
					if p := c.expect(PUBACK); code(p) != want {
						t.Fatalf("PUBACK has code %#x, want %#x", code(p), want)
					}
					c.send(post{topic: "closed/a", payload: "x", qos: 2, id: 2}.bytes(version))
					if p := c.expect(PUBREC); code(p) != want {
						t.Fatalf("PUBREC has code %#x, want %#x", code(p), want)
					}
					if version != 5 { // a refused message of version 5 is done with
						c.send(ack(PUBREL, 2))
						c.expect(PUBCOMP)
					}
					time.Sleep(time.Duration(i) * time.Second)
				}
				c.publish(post{topic: "closed/b", payload: "x", qos: 1, id: 1, retain: true})
				c.send(subscribe(version, 3, nil, filter{"closed/#", 1}))
				c.expect(SUBACK)
				c.ping()
				watch.quiet()
				var got []string
				for _, r := range b.Refusals() {
					got = append(got, fmt.Sprintf("%s %s %s %s %s %d %s %v", r.Act, r.Client, r.User, r.Address, r.Topic, r.Count, r.Reason, r.Last.Sub(r.First)))
				}
				want2 := []string{
					"subscribe plug anna pipe closed/# 1 it may not read there 0s",
					"publish plug anna pipe closed/b 1 it may not publish there 0s",
					"publish plug anna pipe closed/a 120 it may not publish there 12m21s",
				}
				if diff := cmp.Diff(want2, got); diff != "" {
					t.Error(diff)
				}
				for _, line := range []string{
					`msg="refused a message" client=plug user=anna address=pipe topic=closed/a`, `msg="refused a message" client=plug user=anna address=pipe topic=closed/b`,
					`msg="refused a subscription" client=plug user=anna address=pipe topic=closed/#`,
				} {
					if n := strings.Count(log.String(), line); n != 1 {
						t.Errorf("the log has %d lines with %s, want 1", n, line)
					}
				}
				if r := b.Stats().Refused; r["publish"] != 121 || r["subscribe"] != 1 {
					t.Errorf("counted %v", r)
				}
			})
		})
	}
}

func TestAFloodOfRefusalsLeavesRoomForOthers(t *testing.T) {
	var log journal
	bubble(t, locked(&log), func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, anna("flood", 5))
		quiet := connect(t, b, anna("quiet", 5))
		quiet.send(post{topic: "closed/quiet"}.bytes(5))
		quiet.ping()
		for i := range 5000 {
			c.send(post{topic: fmt.Sprintf("closed/%d/%s", i, strings.Repeat("x", 1000))}.bytes(5))
		}
		c.ping()
		var listed, others int
		for _, r := range b.Refusals() {
			switch {
			case r.Client == "flood" && r.Others:
				others += int(r.Count)
			case r.Client == "flood":
				listed += int(r.Count)
				if len(r.Topic) > 256 {
					t.Errorf("a topic of %d bytes is kept", len(r.Topic))
				}
			}
		}
		if listed != 32 || others != 5000-32 {
			t.Errorf("%d are listed and %d counted as others, want 32 and %d", listed, others, 5000-32)
		}
		if all := b.Refusals(); all[len(all)-1].Topic != "closed/quiet" {
			t.Error("the other client's refusal has been pushed out")
		}
		if n := strings.Count(log.String(), "refused a message"); n > 40 {
			t.Errorf("the log has %d lines", n)
		}
	})
}

func TestWrongPasswordsAreAnsweredSlowly(t *testing.T) {
	bubble(t, locked(nil), func(t *testing.T, b *brokertest.Broker) {
		try := func(address string, h hello) time.Duration {
			begin := time.Now()
			c := dialFrom(t, b, address)
			c.hello(h)
			took := time.Since(begin)
			c.nc.Close()
			return took
		}
		steps := func(what, address string, want ...time.Duration) {
			t.Helper()
			for i, w := range want {
				if got := try(address, wrong("c")); got != w*time.Second {
					t.Errorf("%s, wrong password %d: the answer took %v, want %v", what, i+1, got, w*time.Second)
				}
			}
		}
		steps("elsewhere", "192.168.1.40:1", 1, 2, 3, 4, 5, 5)
		steps("here", "127.0.0.1:1", 1, 2)
		steps("IPv6", "[2001:db8::1]:1", 1)
		steps("a neighbour's address in the same network of IPv6", "[2001:db8::ffff]:1", 2)
		steps("another network of IPv6", "[2001:db8:0:1::1]:1", 1)
		for _, address := range []string{"192.168.1.40:2", "127.0.0.1:2"} {
			if got := try(address, anna("c", 5)); got != 0 {
				t.Errorf("the right password from %s took %v", address, got)
			}
		}
		time.Sleep(10 * time.Minute)
		steps("after a quiet while", "192.168.1.40:1", 1, 2)
	})
}

// What a client gives as its password, right or wrong, is in no log and no list, at no level.
func TestNobodyIsToldAPassword(t *testing.T) {
	var log journal
	o := locked(nil)
	o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Authenticate = func(u, p string) bool { return p == "hunter2-right" }
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		for i, password := range []string{"hunter2-right", "hunter2-wrong"} {
			for _, version := range []byte{3, 4, 5} {
				h := hello{version: version, id: fmt.Sprint("c", i, version), user: "anna", password: password}
				c := dialFrom(t, b, "192.168.1.40:1")
				c.hello(h)
				c.nc.Close()
				broken := h.bytes()
				broken[1]++ // a byte too many, so that it is no CONNECT
				dialFrom(t, b, "192.168.1.41:1").send(append(broken, 0))
			}
		}
		time.Sleep(time.Minute)
		told := log.String() + fmt.Sprintf("%+v", b.Refusals())
		for i := range 2 {
			for version := range 6 {
				told += fmt.Sprintf("%+v", b.History(fmt.Sprint("c", i, version)))
			}
		}
		if !strings.Contains(told, "wrong user name or password") || !strings.Contains(told, "protocol error") {
			t.Fatalf("the test does not get as far as it should: %s", told)
		}
		if strings.Contains(told, "hunter2") {
			t.Errorf("a password is told: %s", told)
		}
	})
}

func TestThoseWhoGuessInParallelWaitWithinTheGatesLimits(t *testing.T) {
	bubble(t, locked(nil), func(t *testing.T, b *brokertest.Broker) {
		begin := time.Now()
		var answers [300]time.Duration
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				ours, theirs := net.Pipe()
				defer ours.Close()
				served := make(chan struct{})
				go func() { defer close(served); b.ServeConn(from{theirs, "192.168.1.40:1"}) }()
				defer func() { <-served }()
				if _, err := ours.Write(wrong(fmt.Sprint("c", i)).bytes()); err != nil {
					return // turned away at once
				}
				var answer [4]byte
				if n, _ := ours.Read(answer[:]); n > 0 {
					answers[i] = time.Since(begin)
				}
			})
		}
		synctest.Wait()
		if got := dialFrom(t, b, "192.168.1.41:1").hello(anna("right", 5))[1]; got != 0 || time.Since(begin) > 0 {
			t.Errorf("from another address the right password gets %d after %v", got, time.Since(begin))
		}
		all.Wait()
		count := map[time.Duration]int{}
		for _, a := range answers {
			count[a]++
		}
		want := map[time.Duration]int{0: 200, time.Second: 1, 2 * time.Second: 1, 3 * time.Second: 1, 4 * time.Second: 1, 5 * time.Second: 96}
		if diff := cmp.Diff(want, count); diff != "" {
			t.Errorf("answers by time, 0 for none:\n%s", diff)
		}
		if n := b.Stats().Refused["limit"]; n != 200 {
			t.Errorf("%d were turned away, want 200", n)
		}
	})
}

func TestStoppingDoesNotWaitForThoseWhoGuessed(t *testing.T) {
	bubble(t, locked(nil), func(t *testing.T, b *brokertest.Broker) {
		for i := range 5 {
			dialFrom(t, b, "192.168.1.40:1").send(wrong(fmt.Sprint(i)).bytes())
		}
		synctest.Wait()
		begin := time.Now()
		b.Stop()
		if took := time.Since(begin); took >= time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}

// A client that does not trust our certificate says so in an alert, which is the only thing that tells the owner why nothing works.
func TestATLSAlertIsListed(t *testing.T) {
	var log journal
	b := brokertest.New(t, embedded.Options{Logger: log.logger()})
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"hub"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	for _, test := range []struct {
		name, address, reason string
		speak                 func(nc net.Conn)
	}{
		{"no trust", "192.168.1.50:1", "TLS: it does not accept the hub's certificate (bad certificate)", func(nc net.Conn) {
			_ = tls.Client(nc, &tls.Config{ServerName: "hub", RootCAs: x509.NewCertPool()}).Handshake()
		}},
		{"no TLS", "192.168.1.51:1", "TLS: it does not speak TLS, which this port is for", func(nc net.Conn) { _, _ = nc.Write(hello{id: "c"}.bytes()) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			served := make(chan struct{})
			go func() {
				defer close(served)
				b.ServeConn(tls.Server(from{theirs, test.address}, config))
			}()
			test.speak(ours)
			ours.Close()
			<-served
			all := b.Refusals()
			if len(all) == 0 || !strings.HasPrefix(all[0].Reason, test.reason) || all[0].Address != strings.TrimSuffix(test.address, ":1") {
				t.Errorf("the refusals are %+v, want %s", all, test.reason)
			}
			if !strings.Contains(log.String(), test.reason) {
				t.Errorf("the log does not say %s:\n%s", test.reason, log.String())
			}
		})
	}
}
