package embedded_test

import (
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// noCounts leaves out what is counted.
var noCounts = cmpopts.IgnoreFields(embedded.Connection{}, "In", "Out")

func TestHistoryTellsOfAConnection(t *testing.T) {
	bubble(t, embedded.Options{Anonymous: embedded.Always}, func(t *testing.T, b *brokertest.Broker) {
		if got := b.History("c"); len(got) != 0 {
			t.Errorf("before it ever came there is %+v", got)
		}
		time.Sleep(time.Minute)
		came := time.Now()
		c := dialFrom(t, b, "192.168.1.40:4711")
		c.hello(hello{version: 5, id: "c", persistent: true, keepAlive: 60, props: prop(0x11, u32(3600))})
		c.subscribe(filter{"a", 1})
		c.send(post{topic: "a", payload: "hello", qos: 1, id: 1}.bytes(5))
		c.expect(PUBLISH) // left unacknowledged
		c.expect(PUBACK)
		want := embedded.Connection{
			Client: "c", Address: "192.168.1.40:4711", Transport: "tcp", Version: "5", SessionExpiry: time.Hour, KeepAlive: time.Minute,
			Came: came, Accepted: true, Attempts: 1,
			In:  embedded.Flow{Messages: [3]uint64{0, 1, 0}, Packets: 3, PayloadBytes: 5, Bytes: 43},
			Out: embedded.Flow{Messages: [3]uint64{0, 1, 0}, Packets: 4, PayloadBytes: 5, Bytes: 39},
		}
		synctest.Wait()
		if diff := cmp.Diff([]embedded.Connection{want}, b.History("c")); diff != "" {
			t.Fatal(diff)
		}
		time.Sleep(time.Second)
		c.goodbye()
		synctest.Wait()
		want.Ended, want.Goodbye, want.Reason = came.Add(time.Second), true, "said goodbye"
		want.In.Packets, want.In.Bytes = 4, 45
		if diff := cmp.Diff([]embedded.Connection{want}, b.History("c")); diff != "" {
			t.Error(diff)
		}
		dialFrom(t, b, "192.168.1.40:4712").hello(hello{id: "c", persistent: true})
		next := embedded.Connection{
			Client: "c", Address: "192.168.1.40:4712", Transport: "tcp", Version: "3.1.1", SessionExpiry: 30 * 24 * time.Hour, Resumed: true,
			Came: time.Now(), Accepted: true, Attempts: 1,
		}
		if diff := cmp.Diff([]embedded.Connection{next, want}, b.History("c"), noCounts); diff != "" {
			t.Error(diff)
		}
	})
}

func TestHistoryTellsWhyConnectionsEnded(t *testing.T) {
	tests := []struct {
		name   string
		h      hello
		end    func(t *testing.T, b *brokertest.Broker, c *client)
		reason string
	}{
		{"goodbye with its will", hello{version: 5}, func(_ *testing.T, _ *brokertest.Broker, c *client) {
			c.send([]byte{0xE0, 1, 0x04})
		}, "said goodbye and asked for its will"},
		{"goodbye with a reason", hello{version: 5}, func(_ *testing.T, _ *brokertest.Broker, c *client) {
			c.send([]byte{0xE0, 1, 0x95})
		}, "said goodbye because of a packet that is too large for it"},
		{"goodbye with a reason of its own", hello{version: 5}, func(_ *testing.T, _ *brokertest.Broker, c *client) {
			c.send([]byte{0xE0, 1, 0xA2})
		}, "said goodbye with reason code 0xa2"},
		{"silence", hello{keepAlive: 10}, func(*testing.T, *brokertest.Broker, *client) {
			time.Sleep(time.Minute)
		}, "keep alive of 10 s passed without a sign of life: the last was 15 s ago"},
		{"a broken connection", hello{}, func(_ *testing.T, _ *brokertest.Broker, c *client) {
			c.nc.Close()
		}, "it closed its connection without a goodbye"},
		{"a takeover", hello{}, func(t *testing.T, b *brokertest.Broker, _ *client) {
			dialFrom(t, b, "192.168.1.9:5").hello(hello{id: "c"})
		}, "taken over by a new connection from 192.168.1.9"},
		{"a protocol error", hello{}, func(_ *testing.T, _ *brokertest.Broker, c *client) {
			c.send(ack(PUBACK, 0))
		}, "protocol error: a packet identifier is 0"},
		{"the owner's wish", hello{}, func(_ *testing.T, b *brokertest.Broker, _ *client) {
			b.Disconnect("c")
		}, "disconnected by the owner"},
		{"the broker's end", hello{}, func(_ *testing.T, b *brokertest.Broker, _ *client) { b.Stop() }, "the hub is stopping"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log journal
			bubble(t, embedded.Options{Anonymous: embedded.Always, Logger: log.logger()}, func(t *testing.T, b *brokertest.Broker) {
				test.h.id = "c"
				c := connect(t, b, test.h)
				time.Sleep(time.Second)
				test.end(t, b, c)
				synctest.Wait()
				all := b.History("c")
				last := all[len(all)-1]
				if last.Reason != test.reason || last.Ended.IsZero() || last.Goodbye {
					t.Errorf("the history says %+v, want the reason %q", last, test.reason)
				}
				if line := `msg="client disconnected" client=c user="" address=pipe reason="` + test.reason + `" after=`; strings.Count(log.String(), line) != 1 {
					t.Errorf("the log is\n%swant one line with %s", log.String(), line)
				}
			})
		})
	}
}

func TestHistoryHoldsTheLastTwenty(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		for i := range 30 {
			connect(t, b, hello{id: "c", keepAlive: i + 1}).goodbye()
			time.Sleep(time.Minute)
		}
		all := b.History("c")
		if len(all) != 20 {
			t.Fatalf("%d connections are remembered, want 20", len(all))
		}
		for i, c := range all {
			if want := time.Duration(30-i) * time.Second; c.KeepAlive != want {
				t.Errorf("place %d: keep alive %v, want %v", i, c.KeepAlive, want)
			}
		}
	})
}

func TestHistoryHoldsRefusedAttempts(t *testing.T) {
	o := embedded.Options{Authenticate: func(u, p string) bool { return p == "right" }}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		try := func(address, password string, code byte) {
			c := dialFrom(t, b, address)
			if got := c.hello(hello{id: "c", user: "anna", password: password})[1]; got != code {
				t.Errorf("the answer is %d, want %d", got, code)
			}
			c.nc.Close()
			synctest.Wait()
		}
		for i := range 25 {
			try(fmt.Sprintf("192.168.1.40:%d", 4000+i), "wrong", 4)
		}
		try("192.168.1.41:1", "wrong", 4)
		try("192.168.1.40:1", "right", 0)
		var got []string
		for _, c := range b.History("c") {
			got = append(got, fmt.Sprintf("%s %s %t %d %s", c.User, c.Address, c.Accepted, c.Attempts, c.Reason))
		}
		want := []string{
			"anna 192.168.1.40:1 true 1 it closed its connection without a goodbye",
			"anna 192.168.1.41:1 false 1 wrong user name or password",
			"anna 192.168.1.40:4024 false 25 wrong user name or password",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRatesAreThoseOfTheLastMinute(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		time.Sleep(3 * time.Second)
		w := connect(t, b, hello{id: "w"})
		r := connect(t, b, hello{id: "r"})
		r.subscribe(filter{"#", 0})
		rates := func() (writer, reader embedded.Rates) {
			synctest.Wait()
			all := b.Clients()
			return all[1].Rates, all[0].Rates
		}
		expect := func(what string, perSecond float64) {
			t.Helper()
			writer, reader := rates()
			if math.Abs(writer.MessagesIn-perSecond) > perSecond/5 || math.Abs(reader.MessagesOut-perSecond) > perSecond/5 {
				t.Errorf("%s: %.2f in and %.2f out, want about %.2f a second", what, writer.MessagesIn, reader.MessagesOut, perSecond)
			}
			if writer.MessagesOut != 0 || reader.MessagesIn != 0 {
				t.Errorf("%s: what went one way was counted the other way", what)
			}
			if bytes := 8 * perSecond; math.Abs(writer.BytesIn-bytes) > bytes/3+1 || math.Abs(reader.BytesOut-bytes) > bytes/3+1 {
				t.Errorf("%s: %.1f bytes in and %.1f out, want about %.1f", what, writer.BytesIn, reader.BytesOut, bytes)
			}
		}
		for range 20 {
			for range 10 {
				w.send(post{topic: "t", payload: "12345"[:3]}.bytes(4))
			}
			time.Sleep(time.Second)
		}
		expect("after 20 s", 10)
		for range 100 {
			w.send(post{topic: "t", payload: "123"}.bytes(4))
			time.Sleep(time.Second)
		}
		expect("after two minutes", 1)
		time.Sleep(70 * time.Second)
		expect("after silence", 0)
	})
}

func TestARestlessClientIsLoggedOnceInAWhile(t *testing.T) {
	var log journal
	bubble(t, embedded.Options{Logger: log.logger()}, func(t *testing.T, b *brokertest.Broker) {
		for range 50 {
			connect(t, b, hello{id: "twin"}).goodbye()
			time.Sleep(time.Second)
		}
		if n := strings.Count(log.String(), "client=twin"); n > 15 {
			t.Errorf("the log has %d lines about it", n)
		}
		if n := strings.Count(log.String(), `level=WARN msg="client comes and goes all the time" client=twin`); n != 1 {
			t.Errorf("the log says %d times that it comes and goes, want once", n)
		}
		time.Sleep(5 * time.Minute)
		connect(t, b, hello{id: "twin"})
		synctest.Wait() // the log hears of it after the client does
		if text := log.String(); !strings.Contains(text[strings.LastIndex(strings.TrimSpace(text), "\n"):], `msg="client connected" client=twin`) {
			t.Error("when it has calmed down its coming is not logged")
		}
	})
}

func TestTransportsAreTold(t *testing.T) {
	b, address, _ := listening(t, embedded.Options{})
	attach(t, dialTCP(t, address)).hello(hello{id: "plain"})
	ours, theirs := net.Pipe()
	go b.ServeConn(theirs)
	attach(t, ours).hello(hello{id: "pipe"})
	for id, want := range map[string]string{"plain": "tcp", "pipe": "local"} {
		if got := b.History(id); len(got) != 1 || got[0].Transport != want {
			t.Errorf("%s: %+v, want %s", id, got, want)
		}
	}
}
