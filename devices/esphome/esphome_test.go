package esphome_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/esphome"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func convention(tb testing.TB) *esphome.Convention {
	tb.Helper()
	c, err := esphome.New(esphome.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestConventionKeepsItsContract(t *testing.T) {
	conventiontest.Run(t, conventiontest.Setup{New: func() hub.Convention { return convention(t) }, House: messages(t, filepath.Join("testdata", "house.tsv"))})
}

// messages reads lines of topic, retained, payload; columns after these and lines that begin with # are for people.
func messages(tb testing.TB, file string) []broker.Message {
	tb.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var list []broker.Message
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) >= 3 && !strings.HasPrefix(line, "#") {
			list = append(list, broker.Message{Topic: f[0], Retain: f[1] == "1", Payload: []byte(f[2])})
		}
	}
	if len(list) == 0 {
		tb.Fatalf("%s has no messages", file)
	}
	return list
}

// said spells an update, one thing a line.
func said(u hub.Update) []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, a := range u.Devices {
		say("device %s %q %v %s %s %s", a.Key, a.Device.Name, a.Device.Connections, a.Device.Manufacturer, a.Device.Model, a.Device.Firmware)
		for _, c := range a.Device.Components {
			for _, p := range c.Properties {
				say("  %s %s/%s %s %s %v settable %t", c.Kind, c.ID, p.ID, p.Datatype, p.Unit, p.Choices, p.Settable)
			}
		}
	}
	for _, key := range u.Gone {
		say("gone %s", key)
	}
	for _, r := range u.Reaches {
		say("%s is %s: %s", r.Key, r.Presence, r.Why)
	}
	for _, r := range u.Readings {
		say("%s %s = %.20s", r.Key, r.Ref, r.Value)
	}
	for _, f := range u.Faults {
		say("fault %s at %s: %s", f.Key, f.Topic, f.Reason)
	}
	return lines
}

func hear(c hub.Convention, topic, payload string) []string {
	m := broker.Message{Topic: topic, Payload: []byte(payload)}
	return said(c.Apply(m, c.Parse(m)))
}

func TestTheHouseBecomesWhatWasCheckedByEye(t *testing.T) {
	c := convention(t)
	var b strings.Builder
	for _, m := range messages(t, filepath.Join("testdata", "house.tsv")) {
		fmt.Fprintf(&b, "%s %.60s\n", m.Topic, m.Payload)
		for _, line := range said(c.Apply(m, c.Parse(m))) {
			b.WriteString("    " + line + "\n")
		}
	}
	file := filepath.Join("testdata", "house.golden")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

func whole(t testing.TB) *esphome.Convention {
	c := convention(t)
	for _, m := range messages(t, filepath.Join("testdata", "house.tsv")) {
		c.Apply(m, c.Parse(m))
	}
	return c
}

func TestCommands(t *testing.T) {
	c := whole(t)
	green, _ := devices.ColorValue(120, 100)
	number := func(f float64) devices.Value {
		v, err := devices.FloatValue(f)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, test := range []struct {
		ref   string
		value devices.Value
		want  string
	}{
		{"relay/on", devices.BoolValue(true), "switch/relay/command ON"},
		{"switch-door/on", devices.BoolValue(false), "switch/door/command OFF"},
		{"limit/value", number(3.5), "number/limit/command 3.5"},
		{"scene/value", devices.TextValue("Night"), "select/scene/command Night"},
		{"front/state", devices.EnumValue("unlocked"), "lock/front/command UNLOCK"},
		{"blind/state", devices.EnumValue("closed"), "cover/blind/command CLOSE"},
		{"blind/stop", devices.BoolValue(true), "cover/blind/command STOP"},
		{"blind/position", number(30), "cover/blind/position/command 30"},
		{"vent/speed-level", number(2), "fan/vent/speed_level/command 2"},
		{"vent/oscillating", devices.BoolValue(true), "fan/vent/oscillation/command oscillate_on"},
		{"heater/mode", devices.EnumValue("off"), "climate/heater/mode/command off"},
		{"heater/target-temperature", number(20), "climate/heater/target_temperature/command 20"},
		{"lamp/on", devices.BoolValue(false), `light/lamp/command {"state":"OFF"}`},
		{"lamp/brightness", number(20), `light/lamp/command {"state":"ON","brightness":51}`},
		{"lamp/brightness", number(0), `light/lamp/command {"state":"OFF"}`},
		{"lamp/color", green, `light/lamp/command {"state":"ON","color":{"r":0,"g":255,"b":0}}`},
		{"lamp/color-temperature", devices.IntValue(4000), `light/lamp/command {"state":"ON","color_temp":250}`},
	} {
		component, property, _ := strings.Cut(test.ref, "/")
		got, err := c.Encode("attic", devices.Ref{Component: component, Property: property}, test.value)
		if err != nil || len(got) != 1 || got[0].Topic+" "+string(got[0].Payload) != "attic/"+test.want {
			t.Errorf("%s = %s: %v, %v, want %s", test.ref, test.value, got, err, test.want)
		}
	}
}

func TestFaultsSayWhatWasExpectedAndWhatWasGot(t *testing.T) {
	c := whole(t)
	for _, test := range []struct{ topic, payload, key, want string }{
		{"esphome/discover/x", "hello", "", `expected a JSON object with name, mac and version, got "hello"`},
		{"esphome/discover/x", `{"name":"y"}`, "", `expected the name "x" as in the topic, got "y"`},
		{"esphome/discover/x", `{"name":"x","mac":"12"}`, "", `expected a MAC address in mac, got "12"`},
		{"attic/status", "away", "attic", `expected online or offline, got "away"`},
		{"attic/switch/relay/state", "1", "attic", `expected ON or OFF, got "1"`},
		{"attic/sensor/outside_temperature/state", "warm", "attic", `expected a number, got "warm"`},
		{"attic/lock/front/state", "OPEN", "attic", `expected one of locked, unlocked, locking, unlocking, jammed, got "open"`},
		{"attic/light/lamp/state", "ON", "attic", `expected a JSON object with state ON or OFF, got "ON"`},
		{"attic/light/lamp/state", `{"state":"ON","brightness":300}`, "attic", `expected a brightness of 0 to 255, got 300`},
		{"attic/sensor/x/state", strings.Repeat("x", 5000), "attic", `expected a state of at most 4096 bytes in UTF-8, got other bytes`},
	} {
		want := []string{"fault " + test.key + " at " + test.topic + ": " + test.want}
		if diff := cmp.Diff(want, hear(c, test.topic, test.payload)); diff != "" {
			t.Error(diff)
		}
	}
	for _, topic := range []string{"other/switch/relay/state", "attic/camera/x/state", "attic/switch/relay/command", "homeassistant/status", "esphome/discover/a b", "zima/sensor/tank/state"} {
		if got := hear(c, topic, "ON"); got != nil {
			t.Errorf("%s: %q", topic, got)
		}
	}
}

func TestDiscoveryTakesOverWhatWasFoundByTopics(t *testing.T) {
	c := whole(t)
	got := hear(c, "homeassistant/switch/attic/relay/config", "{}")
	if diff := cmp.Diff([]string{`device attic "Attic" [{mac a0:20:a6:1c:31:06}] Espressif acme.board 2024.10.2`}, got); diff != "" {
		t.Error(diff)
	}
	if got := hear(c, "attic/switch/relay/state", "ON"); got != nil {
		t.Errorf("a state beside the discovery: %q", got)
	}
}

func TestARenamedNodeIsNotThereTwice(t *testing.T) {
	c := whole(t)
	got := hear(c, "esphome/discover/loft", `{"name":"loft","version":"2024.10.2","mac":"a020a61c3106"}`)
	want := []string{`device loft "loft" [{mac a0:20:a6:1c:31:06}] Espressif  2024.10.2`, "gone attic"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"gone loft"}, hear(c, "esphome/discover/loft", "")); diff != "" {
		t.Error(diff)
	}
}

func TestNodesAndEntitiesAreBounded(t *testing.T) {
	c := convention(t)
	for i := range 1000 {
		hear(c, fmt.Sprintf("esphome/discover/n%d", i), fmt.Sprintf(`{"name":"n%d"}`, i))
	}
	if diff := cmp.Diff([]string{"fault  at esphome/discover/more: more than 1000 nodes"}, hear(c, "esphome/discover/more", `{"name":"more"}`)); diff != "" {
		t.Error(diff)
	}
	for i := range 200 {
		hear(c, fmt.Sprintf("n1/switch/s%d/state", i), "ON")
	}
	if diff := cmp.Diff([]string{"fault n1 at n1/switch/more/state: more than 200 entities of one node"}, hear(c, "n1/switch/more/state", "ON")); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseApply(f *testing.F) {
	house := messages(f, filepath.Join("testdata", "house.tsv"))
	for _, m := range house {
		f.Add(m.Topic, m.Payload, m.Retain)
	}
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retain bool) {
		if broker.ValidTopic(topic) != nil {
			return
		}
		c := convention(t)
		known := map[string]devices.Device{}
		for _, m := range append(house[:len(house):len(house)], broker.Message{Topic: topic, Payload: payload, Retain: retain}) {
			u := c.Apply(m, c.Parse(m))
			for _, a := range u.Devices {
				known[a.Key] = a.Device
			}
			for _, r := range u.Readings {
				d := known[r.Key]
				if p := d.Property(r.Ref); p == nil || p.Datatype != r.Datatype() {
					t.Fatalf("a value of %s %s, which is not known, or of another type", r.Key, r.Ref)
				}
			}
		}
	})
}

func BenchmarkState(b *testing.B) {
	c := whole(b)
	m := broker.Message{Topic: "attic/sensor/outside_temperature/state", Payload: []byte("21.5")}
	b.ReportAllocs()
	for b.Loop() {
		if u := c.Apply(m, c.Parse(m)); len(u.Readings) != 1 {
			b.Fatal(u)
		}
	}
}
