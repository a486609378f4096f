package embedded_test

import (
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/internal/realpart"
)

// heard returns the messages that a client has got until now, by topic. For bubbles only.
func (c *client) heard() map[string]post {
	c.t.Helper()
	synctest.Wait()
	got := map[string]post{}
	for {
		select {
		case p, ok := <-c.packets:
			if !ok || p.kind() != PUBLISH {
				c.t.Fatalf("got packet type %d, want messages", p.kind())
			}
			m := p.post(c.version)
			got[m.topic] = m
		default:
			return got
		}
	}
}

func TestSysTellsTheBrokersNumbers(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{id: "c", persistent: true})
		c.subscribe(filter{"a/+", 1}, filter{"$share/g/b", 0})
		gone := connect(t, b, hello{id: "gone", persistent: true})
		gone.subscribe(filter{"a/#", 1})
		gone.goodbye()
		c.send(post{topic: "a/b", payload: "hello", qos: 1, id: 1, retain: true}.bytes(4))
		c.receive()
		c.expect(PUBACK)
		time.Sleep(10 * time.Second)
		synctest.Wait() // until the numbers of this moment have been published
		watch := connect(t, b, hello{version: 5, id: "watch"})
		watch.subscribe(filter{"$SYS/#", 2})
		got := watch.heard()
		for name, want := range map[string]string{
			"clients/connected": "1", "clients/active": "1", "clients/total": "2", "clients/maximum": "2", "clients/disconnected": "1",
			"clients/inactive": "1", "clients/expired": "0",
			"messages/received":         "7", // CONNECT, SUBSCRIBE, PUBLISH, PUBACK; CONNECT, SUBSCRIBE, DISCONNECT
			"messages/sent":             "6", // CONNACK, SUBACK, PUBACK, PUBLISH; CONNACK, SUBACK
			"publish/messages/received": "1", "publish/messages/sent": "1", "publish/messages/dropped": "0",
			"publish/bytes/received": "5", "publish/bytes/sent": "5",
			"retained messages/count": "1", "store/messages/count": "2", "messages/stored": "2",
			"subscriptions/count": "2", "shared_subscriptions/count": "1",
			"uptime":                    "10 seconds",
			"load/connections/1min":     "1.84", // two in ten seconds are 12 a minute; 12 (1 - exp(-10/60))
			"load/connections/15min":    "0.13",
			"load/publish/sent/5min":    "0.20",
			"load/sockets/1min":         "1.84",
			"load/publish/dropped/1min": "0.00",
		} {
			m, ok := got["$SYS/broker/"+name]
			switch {
			case !ok:
				t.Errorf("there is no %s", name)
			case m.payload != want:
				t.Errorf("%s is %s, want %s", name, m.payload, want)
			case !m.retain || m.qos != 0:
				t.Errorf("%s came as %+v, want it retained with QoS 0", name, m)
			}
		}
		time.Sleep(10 * time.Second)
		got = watch.heard()
		if m := got["$SYS/broker/uptime"]; m.payload != "20 seconds" || m.retain {
			t.Errorf("after ten more seconds the uptime is %+v", m)
		}
		for _, constant := range []string{"version", "clients/expired", "retained messages/count", "load/publish/dropped/1min"} {
			if m, ok := got["$SYS/broker/"+constant]; ok {
				t.Errorf("%s has not changed and came again: %+v", constant, m)
			}
		}
	})
}

func TestSysIsForThoseWhoAskForIt(t *testing.T) {
	bubble(t, embedded.Options{MaxRetained: 1}, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		c.subscribe(filter{"#", 0}, filter{"+/broker/uptime", 0}, filter{"+/#", 0})
		shares := connect(t, b, hello{version: 5, id: "shares"})
		shares.subscribe(filter{"$share/g/#", 0})
		time.Sleep(time.Minute)
		c.quiet()
		shares.quiet()
		c.send(post{topic: "a", payload: "x", qos: 1, id: 1, retain: true}.bytes(5)) // the one that may be retained
		if p := c.expect(PUBLISH); p.post(5).topic != "a" {
			t.Errorf("got %+v", p.post(5))
		}
		if p := c.expect(PUBACK); len(p.body) > 2 && p.body[2] != 0 {
			t.Errorf("PUBACK is % x: $SYS took the place of a retained message", p.body)
		}
		if s := b.Stats(); s.Retained != 1 {
			t.Errorf("%d messages are retained, want 1", s.Retained)
		}
		time.Sleep(11 * time.Second) // past the next round
		c.subscribe(filter{"$SYS/broker/retained messages/count", 0})
		if m := c.receive(); m.payload != "1" {
			t.Errorf("got %+v", m)
		}
	})
}

func TestSysIsReadOnlyWhereOneMay(t *testing.T) {
	o := embedded.Options{Access: blind{}}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		c := connect(t, b, hello{version: 5, id: "c"})
		c.send(subscribe(5, 1, nil, filter{"$SYS/#", 0}))
		if p := c.expect(SUBACK); p.body[len(p.body)-1] != 0x87 {
			t.Errorf("SUBACK is % x, want 0x87", p.body)
		}
		time.Sleep(time.Minute)
		c.quiet()
	})
}

// blind lets nobody read anything.
type blind struct{}

func (p blind) Permit(_, _ string) embedded.Permit { return p }
func (blind) MayPublish(string) bool               { return true }
func (blind) MayReceive(string) bool               { return false }
func (blind) MaySubscribe(string) bool             { return false }

func TestExpiredSessionsAreCounted(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		connect(t, b, hello{version: 5, id: "c", props: prop(0x11, u32(60))}).goodbye()
		time.Sleep(2 * time.Minute)
		if s := b.Stats(); s.Expired != 1 || s.Sessions != 0 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// Every name that a real Mosquitto publishes is there, and says the same kind of thing.
func TestSysHasMosquittosNames(t *testing.T) {
	t.Parallel()
	theirs := sysOf(t, realpart.Mosquitto(t, "allow_anonymous true\nsys_interval 1\n"), 2)
	_, address, _ := listening(t, embedded.Options{})
	ours := sysOf(t, address, 0)
	if len(theirs) < 40 {
		t.Fatalf("Mosquitto told only %d names", len(theirs))
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("Mosquitto's names and forms (-) and ours (+):\n%s", diff)
	}
}

// sysOf returns what a broker says in $SYS, as the form of each value by topic, after a number of rounds.
func sysOf(t *testing.T, address string, rounds int) map[string]string {
	c := attach(t, dialTCP(t, address))
	c.hello(hello{id: "watch"})
	c.subscribe(filter{"$SYS/#", 0})
	c.send([]byte{0xC0, 0})
	forms := map[string]string{}
	for {
		p, ok := c.next()
		if !ok {
			t.Fatal("the connection ended")
		}
		if p.kind() == PINGRESP && rounds == 0 {
			return forms
		}
		if p.kind() != PUBLISH {
			continue
		}
		m := p.post(4)
		forms[m.topic] = form(m.payload)
		if m.topic == "$SYS/broker/uptime" && !m.retain {
			if rounds--; rounds == 0 {
				c.send([]byte{0xC0, 0}) // the rest of the round comes before the answer
			}
		}
	}
}

var forms = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"integer", regexp.MustCompile(`^\d+$`)},
	{"hundredths", regexp.MustCompile(`^\d+\.\d\d$`)},
	{"seconds", regexp.MustCompile(`^\d+ seconds$`)},
	{"version", regexp.MustCompile(`^[a-z]+ version \S+$`)},
}

func form(value string) string {
	for _, f := range forms {
		if f.pattern.MatchString(value) {
			return f.name
		}
	}
	return value
}
