package homie_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
)

// relay is a device in Homie 4, without its $homie and $state.
var relay = [][2]string{
	{"$name", "Relay"},
	{"$nodes", "relay"},
	{"relay/$type", "switch"},
	{"relay/$properties", "on"},
	{"relay/on/$settable", "true"},
	{"relay/on/$datatype", "boolean"},
}

func (l *listener) grow(base string) {
	l.tb.Helper()
	for _, a := range relay {
		l.want(l.hear(base+"/"+a[0], a[1]))
	}
}

func TestParseAsksForAllThatADeviceOfAnOlderVersionSays(t *testing.T) {
	c := homie.New()
	p := c.Parse(broker.Message{Topic: "attic/plug/$homie", Payload: []byte("4.0.0")})
	want := []broker.Subscription{{Filter: "attic/plug/+/+/+", QoS: 1}, {Filter: "attic/plug/+/+", QoS: 1}, {Filter: "attic/plug/+", QoS: 1}}
	if diff := cmp.Diff(want, p.Subscribe); diff != "" {
		t.Error(diff)
	}
	for _, topic := range []string{"hub/plug/$homie", "attic/5/$homie", "valetudo/robot/$homie", "$x/plug/$homie", "plug/$homie", "a/b/c/$homie", "attic//$homie", "attic/$x/$homie"} {
		if p := c.Parse(broker.Message{Topic: topic, Payload: []byte("4.0.0")}); p.Content != nil || p.Subscribe != nil {
			t.Errorf("%s concerns the convention: %+v", topic, p)
		}
	}
}

func TestADeviceOfAnOlderVersionIsAnnouncedWhenItIsWhole(t *testing.T) {
	l := listen(t)
	l.want(l.hear("a/plug/$homie", "4.0.0"))
	l.want(l.hear("a/plug/$state", "init"))
	l.want(l.hear("a/plug/relay/on", "true"))
	l.grow("a/plug")
	l.want(l.hear("a/plug/$state", "ready"), "device a/4/plug", "a/4/plug is online: it says that it is ready", "a/4/plug relay/on = true")
	l.want(l.hear("a/plug/relay/on", "false"), "a/4/plug relay/on = false")
	l.want(l.hear("a/plug/$name", "Relay"))
	l.want(l.hear("a/plug/$name", "Other relay"), "device a/4/plug")
	if n := l.devices["a/4/plug"].Name; n != "Other relay" {
		t.Errorf("it is called %q", n)
	}
	for state, want := range map[string]string{
		"alert":        "online: it is connected, but says that something is wrong with it",
		"sleeping":     "asleep: it said that it goes to sleep",
		"disconnected": "offline: it said goodbye",
		"lost":         "offline: its connection was lost (its will was published)",
		"init":         "starting: it is connected and says what it is; it is not ready for commands yet",
	} {
		l.want(l.hear("a/plug/$state", state), "a/4/plug is "+want)
	}
	l.want(l.hear("a/plug/relay/$properties", "on,watts")) // it is starting: the rest is to come
	l.want(l.hear("a/plug/$state", "ready"), "device a/4/plug", "a/4/plug is online: it says that it is ready")
}

func TestAReplayedTreeWaitsForItsLastAttribute(t *testing.T) {
	l := listen(t)
	l.want(l.replay("a/plug/$homie", "4.0.0"))
	l.want(l.replay("a/plug/$state", "ready"))
	for _, a := range relay[:len(relay)-1] {
		l.want(l.replay("a/plug/"+a[0], a[1]))
	}
	l.want(l.replay("a/plug/relay/on/$datatype", "boolean"), "device a/4/plug", "a/4/plug is online: it says that it is ready")
}

func TestWhoIsReadyAndReportsHasSaidAll(t *testing.T) {
	l := listen(t)
	l.want(l.replay("a/plug/$homie", "3.0.1"))
	l.want(l.replay("a/plug/$nodes", "n"))
	l.want(l.replay("a/plug/n/$properties", "text"))
	l.want(l.replay("a/plug/n/text", "old"))
	l.want(l.replay("a/plug/$state", "ready"))
	l.want(l.hear("a/plug/n/text", "hello"), "device a/4/plug", "a/4/plug is online: it says that it is ready", "a/4/plug n/text = hello")
	d := l.devices["a/4/plug"]
	if p := d.Property(devices.Ref{Component: "n", Property: "text"}); p == nil || p.Datatype != devices.String {
		t.Errorf("without a data type it became %+v", p)
	}
}

func TestADeviceOfAnOlderVersionLeavesWithItsHomieOrItsState(t *testing.T) {
	gone := []string{"gone a/4/plug", "unsubscribe a/plug/+/+/+", "unsubscribe a/plug/+/+", "unsubscribe a/plug/+"}
	for _, attribute := range []string{"$homie", "$state"} {
		l := listen(t)
		l.hear("a/plug/$homie", "4.0.0")
		l.grow("a/plug")
		l.want(l.hear("a/plug/$state", "ready"), "device a/4/plug", "a/4/plug is online: it says that it is ready")
		l.want(l.hear("a/plug/"+attribute, ""), gone...)
		l.want(l.hear("a/plug/relay/on", "true"))
		l.want(l.hear("a/plug/$nodes", ""))
	}
}

func TestAnotherConventionsDeviceIsLeftToIt(t *testing.T) {
	l := listen(t)
	l.want(l.hear("robots/x/$homie", "4.0.0"))
	l.grow("robots/x")
	l.want(l.hear("robots/x/$state", "ready"), "device robots/4/x", "robots/4/x is online: it says that it is ready")
	l.want(l.hear("robots/x/$implementation", "Valetudo"), "gone robots/4/x", "unsubscribe robots/x/+/+/+", "unsubscribe robots/x/+/+", "unsubscribe robots/x/+")
}

func TestOneImplementationAlone(t *testing.T) {
	c := homie.NewOnly("mine", "Mine", "Map")
	if diff := cmp.Diff([]broker.Subscription{{Filter: "+/+/$implementation", QoS: 1}}, c.Filters()); diff != "" {
		t.Error(diff)
	}
	l := &listener{t, c, map[string]devices.Device{}}
	l.want(l.hear("a/5/plug/$description", plug))
	l.want(l.hear("a/other/$implementation", "esp8266"))
	l.want(l.hear("a/other/$state", "ready"))
	l.want(l.hear("a/x/$implementation", "Mine"))
	l.want(l.hear("a/x/$homie", "4.0.0"))
	l.want(l.hear("a/x/Map/picture", strings.Repeat("x", 1<<20)))
	l.grow("a/x")
	l.want(l.hear("a/x/$nodes", "relay,Map"))
	l.want(l.hear("a/x/$state", "ready"), "device a/4/x", "a/4/x is online: it says that it is ready")
	if d := l.devices["a/4/x"]; d.Convention != "mine" || len(d.Components) != 1 {
		t.Errorf("it became %+v", d)
	}
}

func TestDevicesThatNeverBecomeWholeAreBounded(t *testing.T) {
	l := listen(t)
	dropped := 0
	for i := range 700 {
		for _, said := range l.hear(fmt.Sprintf("a/plug-%d/$homie", i), "4.0.0") {
			if strings.HasPrefix(said, "fault") {
				dropped++
			}
		}
	}
	if dropped != 200 {
		t.Errorf("%d of 700 were dropped", dropped)
	}
	l.want(l.hear("a/plug-1/$state", "ready")) // it is forgotten
	l.hear("a/large/$homie", "4.0.0")
	for i := range 100 {
		for _, said := range l.hear(fmt.Sprintf("a/large/n%d/$name", i), strings.Repeat("x", 8000)) {
			if said == "fault  at a/large: the device was left out: it did not describe itself wholly, $nodes is missing" {
				return
			}
		}
	}
	t.Error("a device may say 800,000 bytes of itself without being one")
}

func TestFaultsOfOlderVersions(t *testing.T) {
	l := listen(t)
	l.hear("a/plug/$homie", "4.0.0")
	l.grow("a/plug")
	l.hear("a/plug/$state", "ready")
	for _, test := range []struct{ topic, payload, want string }{
		{"a/x/$homie", "6.0", `fault  at a/x/$homie: expected version 2 to 4 of homie, got "6.0"`},
		{"a/plug/$state", "sick", `fault a/4/plug at a/plug/$state: expected one of init, ready, disconnected, sleeping, lost and alert, got "sick"`},
		{"a/plug/$name", "\xff", `fault a/4/plug at a/plug/$name: it is not valid UTF-8`},
		{"a/plug/$name", strings.Repeat("x", 9000), `fault a/4/plug at a/plug/$name: expected at most 8192 bytes, got 9000`},
		{"a/plug/relay/on", "ON", `fault a/4/plug at a/plug/relay/on: "ON" is neither true nor false`},
		{"a/plug/relay/off", "true", `fault a/4/plug at a/plug/relay/off: the device does not announce this property`},
		{"a/plug/$online", "maybe", `fault a/4/plug at a/plug/$online: expected true or false, got "maybe"`},
	} {
		l.want(l.hear(test.topic, test.payload), test.want)
	}
	for _, topic := range []string{"a/plug/relay/on/set", "a/plug/$localip", "a/plug/$fw/checksum", "a/plug/relay/on/$x", "a/plug/relay/$x", "a/plug/a/b/c", "a/plug/", "a/plug//on"} {
		l.want(l.hear(topic, "true"))
	}
}

func TestCommandsOfOlderVersions(t *testing.T) {
	l := listen(t)
	l.hear("a/lamp/$homie", "4.0.0")
	for _, a := range [][2]string{
		{"$nodes", "light"},
		{"light/$type", "light"},
		{"light/$properties", "power,tint"},
		{"light/power/$datatype", "boolean"},
		{"light/power/$settable", "true"},
		{"light/tint/$datatype", "color"},
		{"light/tint/$format", "hsv"},
		{"light/tint/$settable", "true"},
	} {
		l.hear("a/lamp/"+a[0], a[1])
	}
	l.hear("a/lamp/$state", "ready")
	l.want(l.hear("a/lamp/light/tint", "120,50,40"), "a/4/lamp light/color = 120,50", "a/4/lamp light/brightness = 40")
	red, err := devices.ColorValue(0.4, 99.6)
	if err != nil {
		t.Fatal(err)
	}
	for property, want := range map[string]struct {
		value   devices.Value
		payload string
	}{
		"on":    {devices.BoolValue(true), "a/lamp/light/power/set true"},
		"color": {red, "a/lamp/light/tint/set 0,100,40"},
	} {
		got, err := l.Encode("a/4/lamp", devices.Ref{Component: "light", Property: property}, want.value)
		if err != nil || len(got) != 1 || got[0].Topic+" "+string(got[0].Payload) != want.payload {
			t.Errorf("%s: %v, %v", property, got, err)
		}
	}
	if diff := cmp.Diff([]string{"a/lamp/#"}, l.Topics("a/4/lamp")); diff != "" {
		t.Error(diff)
	}
	l.want(l.Forget("a/4/lamp"), "a/lamp/+/+/+", "a/lamp/+/+", "a/lamp/+")
}

func TestIdentityOfOlderVersions(t *testing.T) {
	c := homie.New()
	var last hub.Announced
	for _, a := range append([][2]string{
		{"$homie", "3.0.1"}, {"$mac", "DE-AD-BE-EF-FE-ED"}, {"$fw/name", "plug"}, {"$fw/version", "1.2"}, {"$implementation", "esp"}, {"$stats/interval", "60"},
	}, append(relay, [2]string{"$state", "ready"})...) {
		m := broker.Message{Topic: "a/plug/" + a[0], Payload: []byte(a[1])}
		for _, d := range c.Apply(m, c.Parse(m)).Devices {
			last = d
		}
	}
	got := []any{last.Device.Model, last.Device.Firmware, last.Device.Connections, last.Silence}
	want := []any{"plug", "1.2", []devices.Connection{{Kind: "mac", Value: "de:ad:be:ef:fe:ed"}}, 3 * time.Minute}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAlertsAndLog(t *testing.T) {
	l := listen(t)
	l.want(l.hear("a/5/plug/$alert/x", "lost"))
	l.hear("a/5/plug/$state", "ready")
	l.want(l.replay("a/5/plug/$alert/battery", "Battery is low"))
	l.want(
		l.hear("a/5/plug/$description", plug), "device a/plug", "a/plug is online: it says that it is ready",
		"a/plug alert/problem = true", "a/plug alert/message = battery: Battery is low",
	)
	l.want(l.hear("a/5/plug/$alert/childlost", strings.Repeat("é", 200)), "a/plug alert/problem = true", "a/plug alert/message = battery: Battery is low; childlost: "+strings.Repeat("é", 100)+"…")
	l.want(l.hear("a/5/plug/$alert/battery", ""), "a/plug alert/problem = true", "a/plug alert/message = childlost: "+strings.Repeat("é", 100)+"…")
	l.want(l.hear("a/5/plug/$alert/childlost", ""), "a/plug alert/problem = false", "a/plug alert/message = ")
	l.want(l.hear("a/5/plug/$log/debug", "x"))
	l.want(l.hear("a/5/plug/$log/warn", "low memory"), "device a/plug", "a/plug log/message = warn: low memory")
	l.want(l.replay("a/5/plug/$log/warn", "old"))
	l.want(l.hear("a/5/plug/$log/loud", "x"), "fault a/plug at a/5/plug/$log/loud: the level of the log is not debug, info, warn, error or fatal")
	l.want(l.hear("a/5/plug/$alert/A_B", "x"), "fault a/plug at a/5/plug/$alert/A_B: the alert's ID is not of a-z, 0-9 and hyphens, or longer than 64")
	for i := range 100 {
		l.hear(fmt.Sprintf("a/5/plug/$alert/n%d", i), "x")
	}
	if got := l.hear("a/5/plug/$alert/n1", "y"); len(got[1]) > 250 {
		t.Errorf("alerts are not bounded: %s", got[1])
	}
}

func BenchmarkStateOfAnOlderVersion(b *testing.B) {
	l := listen(b)
	l.hear("a/plug/$homie", "4.0.0")
	l.grow("a/plug")
	l.hear("a/plug/$state", "ready")
	m := broker.Message{Topic: "a/plug/relay/on", Payload: []byte("true")}
	b.ReportAllocs()
	for b.Loop() {
		if u := l.Apply(m, l.Parse(m)); len(u.Readings) != 1 {
			b.Fatal(u)
		}
	}
}

func BenchmarkState(b *testing.B) {
	l := listen(b)
	l.hear("a/5/plug/$description", plug)
	m := broker.Message{Topic: "a/5/plug/switch/on", Payload: []byte("true")}
	b.ReportAllocs()
	for b.Loop() {
		if u := l.Apply(m, l.Parse(m)); len(u.Readings) != 1 {
			b.Fatal(u)
		}
	}
}
