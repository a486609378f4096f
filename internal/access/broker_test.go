package access_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/eclipse/paho.golang/packets"
	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/internal/access"
)

// ruled gives rules to a broker, as internal/app does.
type ruled struct{ *access.Rules }

func (r ruled) Permit(client, user string) embedded.Permit { return r.Rules.Permit(client, user) }

func options(r *access.Rules) embedded.Options {
	return embedded.Options{
		Anonymous: embedded.Always, Access: ruled{r}, Authenticate: func(_, password string) bool { return password == "secret" },
	}
}

func TestBrokerHoldsTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rules = `rules: [{users: admin, read: "#", write: "#"}, {users: plug, read: [cmnd/%u/#, shared/a], write: tele/%u/#}]`
		b := brokertest.New(t, options(parse(t, rules)))
		admin, plug := connect(t, b.Dial(), "a", "admin"), connect(t, b.Dial(), "p", "plug")
		if code := admin.subscribe("#"); code != 0 {
			t.Fatalf("the admin may not subscribe: %d", code)
		}
		for topic, want := range map[string]bool{"tele/plug/state": true, "tele/lamp/state": false, "cmnd/plug/power": false} {
			if got := plug.publish(topic); got != want {
				t.Errorf("the plug publishes to %s: %v, want %v", topic, got, want)
			}
		}
		if diff := cmp.Diff([]string{"tele/plug/state"}, admin.received()); diff != "" {
			t.Errorf("the admin received\n%s", diff)
		}
		for _, topic := range []string{"shared/a", "shared/b"} {
			if !admin.send(topic, true) {
				t.Errorf("the admin may not publish to %s", topic)
			}
		}
		for filter, want := range map[string]byte{"shared/#": 0, "cmnd/+/power": 0, "cmnd/lamp/#": 0x87, "tele/#": 0x87, "$share/g/tele/#": 0x87} {
			if got := plug.subscribe(filter); got != want {
				t.Errorf("the plug subscribes to %s: reason code %#x, want %#x", filter, got, want)
			}
		}
		synctest.Wait() // until what was retained is on its way
		for _, topic := range []string{"cmnd/plug/power", "cmnd/lamp/power", "shared/b"} {
			admin.publish(topic)
		}
		got := plug.received()
		slices.Sort(got)
		if diff := cmp.Diff([]string{"cmnd/plug/power", "shared/a"}, got); diff != "" { // the second one was retained
			t.Errorf("the plug received\n%s", diff)
		}
	})
}

func TestOtherRulesBesideARunningBrokerDropNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const before = `rules: [{users: admin, read: "#", write: "#"}, {users: plug, read: [a/#, b/#], write: a}]`
		const after = `rules: [{users: admin, read: "#", write: "#"}, {users: plug, read: b/#, write: b}]`
		b := brokertest.New(t, options(parse(t, before)))
		admin, plug := connect(t, b.Dial(), "a", "admin"), connect(t, b.Dial(), "p", "plug")
		plug.subscribe("a/#", "b/#")
		away := keeping(t, b, "away")
		away.subscribe("a/#", "b/#")
		away.conn.Close()
		synctest.Wait() // until the broker knows
		admin.publish("a/1")
		admin.publish("b/1")
		if diff := cmp.Diff([]string{"a/1", "b/1"}, plug.received()); diff != "" {
			t.Errorf("before, the plug received\n%s", diff)
		}
		if err := b.Reload(options(parse(t, after))); err != nil {
			t.Fatal(err)
		}
		admin.publish("a/2")
		admin.publish("b/2")
		if diff := cmp.Diff([]string{"b/2"}, plug.received()); diff != "" {
			t.Errorf("afterwards, the plug received\n%s", diff)
		}
		if plug.publish("a") || !plug.publish("b") {
			t.Error("the plug publishes by the old rules")
		}
		if code := plug.subscribe("a/x"); code != 0x87 {
			t.Errorf("the plug subscribes by the old rules: reason code %#x", code)
		}
		for _, topic := range []string{"a/kept", "b/kept"} {
			admin.send(topic, true)
		}
		if code := plug.subscribe("+/kept"); code != 0 { // some of what it matches may be read
			t.Errorf("the plug subscribes to +/kept: reason code %#x", code)
		}
		synctest.Wait()                                                                       // until what was retained is on its way
		if diff := cmp.Diff([]string{"b", "b/kept", "b/kept"}, plug.received()); diff != "" { // its own, by b/#, and what is retained by +/kept
			t.Errorf("of what is retained, the plug received\n%s", diff)
		}
		away = keeping(t, b, "away") // what was queued by the old rules is sent by the new ones
		synctest.Wait()
		if diff := cmp.Diff([]string{"b/1", "b/2", "b", "b/kept"}, away.received()); diff != "" {
			t.Errorf("who was away received\n%s", diff)
		}
	})
}

// keeping connects a client of the plug that has a session.
func keeping(t *testing.T, b *brokertest.Broker, id string) *client {
	t.Helper()
	c := &client{t: t, conn: b.Dial(), qos: 1}
	t.Cleanup(func() { c.conn.Close() })
	k := packets.NewControlPacket(packets.CONNECT)
	content := k.Content.(*packets.Connect)
	hour := uint32(3600)
	content.ClientID, content.KeepAlive, content.Properties = id, 60, &packets.Properties{SessionExpiryInterval: &hour}
	content.UsernameFlag, content.Username, content.PasswordFlag, content.Password = true, "plug", true, []byte("secret")
	if ack := c.ask(k, packets.CONNACK).Content.(*packets.Connack); ack.ReasonCode != 0 {
		t.Fatalf("refused: %d", ack.ReasonCode)
	}
	return c
}
