package valetudo_test

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
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/devices/valetudo"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func convention(tb testing.TB) *valetudo.Convention {
	tb.Helper()
	c, err := valetudo.New(valetudo.Options{})
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
		say("device %s %q %v", a.Key, a.Device.Name, a.Device.Connections)
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

const fox = "valetudo/4/SpottedCleverFox"

func TestCommands(t *testing.T) {
	c := convention(t)
	for _, m := range messages(t, filepath.Join("testdata", "house.tsv")) {
		c.Apply(m, c.Parse(m))
	}
	for _, test := range []struct {
		ref   string
		value devices.Value
		want  string
	}{
		{"vacuum/state", devices.EnumValue("cleaning"), "BasicControlCapability/operation/set START"},
		{"vacuum/state", devices.EnumValue("docked"), "BasicControlCapability/operation/set HOME"},
		{"vacuum/state", devices.EnumValue("paused"), "BasicControlCapability/operation/set PAUSE"},
		{"vacuum/stop", devices.BoolValue(true), "BasicControlCapability/operation/set STOP"},
		{"vacuum/locate", devices.BoolValue(true), "LocateCapability/locate/set PERFORM"},
		{"vacuum/fan-speed", devices.EnumValue("turbo"), "FanSpeedControlCapability/preset/set turbo"},
		{"empty-dustbin/press", devices.BoolValue(true), "AutoEmptyDockManualTriggerCapability/trigger/set PERFORM"},
		{"reset-brush-main/press", devices.BoolValue(true), "ConsumableMonitoringCapability/brush-main/reset/set PERFORM"},
		{"reset-brush-side-right/press", devices.BoolValue(true), "ConsumableMonitoringCapability/brush-side_right/reset/set PERFORM"},
		{"key-lock/on", devices.BoolValue(true), "KeyLockCapability/enabled/set ON"},
	} {
		component, property, _ := strings.Cut(test.ref, "/")
		got, err := c.Encode(fox, devices.Ref{Component: component, Property: property}, test.value)
		if err != nil || len(got) != 1 || got[0].Topic+" "+string(got[0].Payload) != "valetudo/SpottedCleverFox/"+test.want || got[0].Retain {
			t.Errorf("%s = %s: %v, %v, want %s", test.ref, test.value, got, err, test.want)
		}
	}
}

func TestTheRobotIsNotReadByHomie(t *testing.T) {
	c := homie.New()
	house := messages(t, filepath.Join("testdata", "house.tsv"))
	house[0], house[1] = house[1], house[0] // the order of the firmware: the $homie comes first
	for _, m := range house {
		for _, base := range []string{"valetudo/", "upstairs/"} {
			m.Topic = base + m.Topic[strings.IndexByte(m.Topic, '/')+1:]
			if u := c.Apply(m, c.Parse(m)); len(u.Devices) > 0 {
				t.Fatalf("%s: homie announces %s", m.Topic, u.Devices[0].Key)
			}
		}
	}
}

func TestARobotUnderAnyRootIsOne(t *testing.T) {
	c := convention(t)
	found := false
	for _, m := range messages(t, filepath.Join("testdata", "house.tsv")) {
		m.Topic = "upstairs" + strings.TrimPrefix(m.Topic, "valetudo")
		found = found || len(c.Apply(m, c.Parse(m)).Devices) > 0
	}
	if !found {
		t.Error("a robot under another root is not found")
	}
	for _, line := range hear(c, "upstairs/SpottedCleverFox/StatusStateAttribute/status", "dancing") {
		if want := `fault upstairs/4/SpottedCleverFox at upstairs/SpottedCleverFox/StatusStateAttribute/status: "dancing" is not one of its choices`; line != want {
			t.Errorf("got %s, want %s", line, want)
		}
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
		var last devices.Device
		for _, m := range append(house[:len(house):len(house)], broker.Message{Topic: topic, Payload: payload, Retain: retain}) {
			u := c.Apply(m, c.Parse(m))
			for _, a := range u.Devices {
				last = a.Device
			}
			for _, r := range u.Readings {
				if p := last.Property(r.Ref); p == nil || p.Datatype != r.Datatype() {
					t.Fatalf("a value of %s, which is not known, or of another type", r.Ref)
				}
			}
		}
	})
}

func BenchmarkState(b *testing.B) {
	c := convention(b)
	for _, m := range messages(b, filepath.Join("testdata", "house.tsv")) {
		c.Apply(m, c.Parse(m))
	}
	m := broker.Message{Topic: "valetudo/SpottedCleverFox/BatteryStateAttribute/level", Payload: []byte("42")}
	b.ReportAllocs()
	for b.Loop() {
		if u := c.Apply(m, c.Parse(m)); len(u.Readings) != 1 {
			b.Fatal(u)
		}
	}
}
