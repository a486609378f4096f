package embedded_test

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

func TestSessionPresent(t *testing.T) {
	lasting := func(version byte) hello {
		return hello{version: version, id: "c", persistent: true, props: prop(0x11, u32(60))}
	}
	clean := func(version byte) hello { return hello{version: version, id: "c"} }
	tests := []struct {
		name          string
		first, second hello
		present       byte
	}{
		{"a lasting session is found again", lasting(4), lasting(4), 1},
		{"a lasting session is found again by version 5", lasting(5), lasting(5), 1},
		{"a lasting session is found again by another version", lasting(4), lasting(5), 1},
		{"MQTT 3.1 is not told", lasting(3), lasting(3), 0},
		{"a clean start discards it", lasting(5), clean(5), 0},
		{"a clean session discards it", lasting(4), clean(4), 0},
		{"a clean session is gone with its connection", clean(4), lasting(4), 0},
		{"a clean start with an expiry interval lasts", hello{version: 5, id: "c", props: prop(0x11, u32(60))}, lasting(5), 1},
		{"without an expiry interval it does not", hello{version: 5, id: "c", persistent: true}, lasting(5), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				c := connect(t, b, test.first)
				c.subscribe(filter{"t", 1})
				c.goodbye()
				c, connack := connected(t, b, test.second)
				if connack[0] != test.present {
					t.Errorf("session present is %d, want %d", connack[0], test.present)
				}
				c.publish(post{topic: "other", qos: 1, id: 1})
				if want := test.present == 1 || test.second.version == 3; want {
					c.send(post{topic: "t", payload: "x"}.bytes(c.version))
					c.receive()
				} else {
					c.publish(post{topic: "t", payload: "x", qos: 1, id: 2})
					c.quiet()
				}
			})
		})
	}
}

func TestSessionExpiry(t *testing.T) {
	tests := []struct {
		name    string
		h       hello
		bye     []byte
		away    time.Duration
		present byte
	}{
		{"a session is there before it expires", hello{version: 5, props: prop(0x11, u32(60))}, nil, 59 * time.Second, 1},
		{"and not after", hello{version: 5, props: prop(0x11, u32(60))}, nil, 61 * time.Second, 0},
		{"goodbye may shorten it", hello{version: 5, props: prop(0x11, u32(60))}, frame(0xE0, []byte{0}, props(5, prop(0x11, u32(5)))), 6 * time.Second, 0},
		{"goodbye may lengthen it", hello{version: 5, props: prop(0x11, u32(60))}, frame(0xE0, []byte{0}, props(5, prop(0x11, u32(600)))), 500 * time.Second, 1},
		{"goodbye may end it", hello{version: 5, props: prop(0x11, u32(60))}, frame(0xE0, []byte{0}, props(5, prop(0x11, u32(0)))), time.Millisecond, 0},
		{"one of 3.1.1 lasts long", hello{version: 4}, nil, 29 * 24 * time.Hour, 1},
		{"but not for ever", hello{version: 4}, nil, 31 * 24 * time.Hour, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				test.h.id, test.h.persistent = "c", true
				c := connect(t, b, test.h)
				c.subscribe(filter{"t", 1})
				if test.bye != nil {
					c.send(test.bye)
					c.expectEnd(0)
				} else {
					c.nc.Close()
				}
				time.Sleep(test.away)
				if s := b.Stats(); s.Sessions != int(test.present) || s.Subscriptions != int(test.present) {
					t.Errorf("%d sessions with %d subscriptions, want %d", s.Sessions, s.Subscriptions, test.present)
				}
				if _, connack := connected(t, b, test.h); connack[0] != test.present {
					t.Errorf("session present is %d, want %d", connack[0], test.present)
				}
			})
		})
	}
}

func TestTakeover(t *testing.T) {
	for _, version := range []byte{4, 5} {
		bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
			h := hello{version: version, id: "c", persistent: true, props: prop(0x11, u32(60))}
			first := connect(t, b, h)
			first.subscribe(filter{"t", 1})
			second, connack := connected(t, b, h)
			if connack[0] != 1 {
				t.Error("the second connection did not find the session")
			}
			if version == 5 {
				first.expectEnd(0x8E)
			} else {
				first.expectEnd(0)
			}
			pub := connect(t, b, hello{id: "pub"})
			pub.publish(post{topic: "t", qos: 1, id: 1})
			second.receive()
			second.quiet()
			if got := b.Clients(); len(got) != 2 || got[0].ID != "c" || got[0].Subscriptions != 1 {
				t.Errorf("clients are %+v", got)
			}
		})
	}
}

// Whatever many connections of one identifier do to each other, the last one works and nothing is left behind.
func TestTakeoverRaces(t *testing.T) {
	for _, persistent := range []bool{false, true} {
		t.Run(fmt.Sprintf("persistent %t", persistent), func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				watch := connect(t, b, hello{id: "watch"})
				watch.subscribe(filter{"#", 0})
				h := hello{id: "c", persistent: persistent, will: &post{topic: "will", payload: "w"}}
				for range 30 {
					race(t, b, h)
					synctest.Wait()
					last := connect(t, b, h)
					last.subscribe(filter{"t", 1})
					last.publish(post{topic: "t", payload: "x", qos: 0})
					if m := last.receive(); m.payload != "x" {
						t.Fatalf("got %+v", m)
					}
					synctest.Wait()
					if got := b.Clients(); len(got) != 2 || got[0].Subscriptions != 1 {
						t.Fatalf("clients are %+v", got)
					}
				}
				if s := b.Stats(); s.Connected != 2 || s.Sessions != 2 || s.Subscriptions != 2 {
					t.Errorf("%+v, want two clients with one session and one subscription each", s)
				}
			})
		})
	}
}

// race lets several connections of one client come in at once, some of which read answers, and some of which break off.
func race(t *testing.T, b *brokertest.Broker, h hello) {
	var racing sync.WaitGroup
	for i := range 8 {
		nc := b.Dial()
		t.Cleanup(func() { nc.Close() })
		racing.Go(func() {
			_ = nc.SetDeadline(time.Now().Add(time.Second))
			_, _ = nc.Write(join(h.bytes(), subscribe(4, 1, nil, filter{"t", 1})))
			_, _ = io.ReadFull(nc, make([]byte, []int{0, 4, 9}[i%3])) // nothing, CONNACK, or SUBACK too
			if i%2 == 1 {
				nc.Close()
			}
		})
	}
	racing.Wait()
}

func TestAClientIdentifierBelongsToItsUser(t *testing.T) {
	o := embedded.Options{Authenticate: func(user, password string) bool { return password == "secret" }}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		anna := hello{version: 5, id: "c", user: "anna", password: "secret", persistent: true, props: prop(0x11, u32(60))}
		ben := hello{version: 5, id: "c", user: "ben", password: "secret", persistent: true}
		nobody := hello{version: 5, id: "c", persistent: true}
		refused := func(h hello) {
			t.Helper()
			c := attach(t, b.Dial())
			if body := c.hello(h); body[1] != 0x87 {
				t.Errorf("%q was answered %#x, want 0x87", h.user, body[1])
			}
			c.expectEnd(0)
		}
		c := connect(t, b, anna)
		refused(ben)
		refused(nobody)
		c.ping()
		c.nc.Close()
		time.Sleep(time.Second)
		refused(ben)
		if _, connack := connected(t, b, anna); connack[0] != 1 {
			t.Error("anna did not find her session")
		}
		connect(t, b, hello{id: "open", persistent: true}).goodbye()
		if _, connack := connected(t, b, hello{id: "open", user: "ben", password: "secret", persistent: true}); connack[0] != 1 {
			t.Error("a user did not get on with what an anonymous client had begun")
		}
	})
}

// The will of a client that was connected when the broker stopped is withdrawn by its return, also where its session has ended: by its own.
func TestAWaitingWillBelongsToItsUser(t *testing.T) {
	o := embedded.Options{Folder: t.TempDir(), Authenticate: func(_, password string) bool { return password == "secret" }}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		connect(t, b, hello{id: "c", user: "anna", password: "secret", will: &post{topic: "will", payload: "gone"}})
		b.Stop()
		again := brokertest.New(t, o)
		ben := attach(t, again.Dial())
		if body := ben.hello(hello{version: 5, id: "c", user: "ben", password: "secret"}); body[1] != 0x87 {
			t.Errorf("ben was answered %#x, want 0x87", body[1])
		}
		watch := connect(t, again, hello{id: "watch"})
		watch.subscribe(filter{"will", 0})
		time.Sleep(2 * time.Minute)
		if m := watch.receive(); m.payload != "gone" {
			t.Errorf("got %+v, want the will", m)
		}
		connect(t, again, hello{id: "c", user: "ben", password: "secret"}) // whose it can be now
	})
}

func TestDisconnectByTheOwner(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		if !b.Disconnect("c") {
			t.Error("there was no such client")
		}
		c.expectEnd(0x98)
		if b.Disconnect("c") || b.Disconnect("nobody") {
			t.Error("a client that is not there was disconnected")
		}
	})
}

func TestClients(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		time.Sleep(time.Minute)
		c := connect(t, b, hello{version: 5, id: "c", keepAlive: 30})
		c.subscribe(filter{"a", 1}, filter{"b", 1})
		c.publish(post{topic: "a", qos: 0})
		pub := connect(t, b, hello{version: 3, id: "pub"})
		pub.publish(post{topic: "a", qos: 1, id: 1}) // left unacknowledged by c
		got := b.Clients()
		if len(got) != 2 {
			t.Fatalf("clients are %+v", got)
		}
		want := embedded.Client{
			ID: "c", Address: "pipe", Transport: "local", Version: "5", Since: time.Now(), CleanStart: true, KeepAlive: 30 * time.Second,
			Queued: 1, Subscriptions: 2,
		}
		if diff := cmp.Diff(want, got[0], cmpopts.IgnoreFields(embedded.Client{}, "QueuedBytes", "In", "Out", "Rates")); diff != "" {
			t.Error(diff)
		}
		if got[1].Version != "3.1" {
			t.Errorf("version is %q, want 3.1", got[1].Version)
		}
		if s := b.Stats(); s.Connected != 2 || s.MessagesReceived != 2 || s.MessagesSent != 2 || s.Queued != 1 || s.Connections != 2 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// A client may say for how long its session is to be kept, and is told if that is shortened [MQTT-3.2.2.3.2]. Where nothing is set, only those
// that would be kept for ever are.
func TestSessionExpiryIsLimited(t *testing.T) {
	const day = 24 * 60 * 60
	for _, test := range []struct {
		name  string
		limit time.Duration
		wish  uint32
		told  uint32 // 0: nothing
	}{
		{"a time is granted", 0, 60, 0},
		{"so is the longest", 0, 0xFFFFFFFE, 0},
		{"for ever is a month", 0, 0xFFFFFFFF, 30 * day},
		{"within the limit", time.Hour, 3600, 0},
		{"beyond the limit", time.Hour, 3601, 3600},
		{"for ever beyond the limit", time.Hour, 0xFFFFFFFF, 3600},
		{"for ever within a limit of more than that", 50000 * day * time.Second, 0xFFFFFFFF, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, embedded.Options{MaxSessionExpiry: test.limit}, func(t *testing.T, b *brokertest.Broker) {
				_, connack := connected(t, b, hello{version: 5, id: "c", persistent: true, props: prop(0x11, u32(test.wish))})
				told := bytes.Contains(connack, prop(0x11, u32(test.told)))
				if test.told != 0 && !told || test.told == 0 && connack[3] == 0x11 {
					t.Errorf("CONNACK is % x, want %d s told", connack, test.told)
				}
			})
		})
	}
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		connect(t, b, hello{id: "old", persistent: true}).goodbye()
		for _, test := range []struct {
			away    time.Duration
			present byte
		}{{29 * day * time.Second, 1}, {31 * day * time.Second, 0}} {
			time.Sleep(test.away)
			c, connack := connected(t, b, hello{id: "old", persistent: true})
			if connack[0] != test.present {
				t.Errorf("after %v the session is present: %d, want %d", test.away, connack[0], test.present)
			}
			c.goodbye()
		}
	})
}
