package wled_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/wled"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
	"home.arpa/homehub/internal/recorded"
)

var update = flag.Bool("update", false, "write the golden files anew")

func convention(tb testing.TB) *wled.Convention {
	tb.Helper()
	c, err := wled.New(wled.Options{})
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
				say("  %s %s/%s %s %s", c.Kind, c.ID, p.ID, p.Datatype, p.Unit)
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
		say("%s %s = %.6s", r.Key, r.Ref, r.Value)
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

func TestCollectedMessages(t *testing.T) {
	c := convention(t)
	known := map[string]bool{}
	for _, m := range messages(t, recorded.Path(t, "payloads", "others.tsv")) {
		u := c.Apply(m, c.Parse(m))
		for _, a := range u.Devices {
			known[a.Key] = true
		}
		for _, f := range u.Faults {
			t.Errorf("%s: %s", f.Topic, f.Reason)
		}
	}
	if diff := cmp.Diff([]string{"wled/7a2b3c"}, slices.Sorted(maps.Keys(known))); diff != "" {
		t.Error(diff)
	}
}

const whole = `<?xml version="1.0" ?><vs><ac>128</ac><cl>255</cl><cl>0</cl><cl>0</cl><nl>0</nl><fx>0</fx><sx>1</sx><ix>2</ix><fp>3</fp><wv>51</wv><ps>0</ps><ds>Strip</ds></vs>`

func TestCommands(t *testing.T) {
	c := convention(t)
	hear(c, "wled/x/v", whole)
	green, _ := devices.ColorValue(120, 100)
	for _, test := range []struct {
		ref   string
		value devices.Value
		want  string
	}{
		{"light/on", devices.BoolValue(false), `{"on":false}`},
		{"light/brightness", number(t, 20), `{"on":true,"bri":51}`},
		{"light/brightness", number(t, 0.1), `{"on":true,"bri":1}`},
		{"light/brightness", number(t, 0), `{"on":false,"bri":1}`},
		{"light/color", green, `{"seg":{"col":[[0,255,0,51]]}}`},
		{"light/white", number(t, 100), `{"seg":{"col":[[255,0,0,255]]}}`},
		{"light/effect", devices.EnumValue("Rainbow"), `{"seg":{"fx":9}}`},
		{"preset/option", devices.EnumValue("12"), `{"ps":12}`},
		{"nightlight/on", devices.BoolValue(true), `{"nl":{"on":true}}`},
		{"palette/value", devices.IntValue(7), `{"seg":{"pal":7}}`},
		{"effect-speed/value", number(t, 100), `{"seg":{"sx":255}}`},
		{"effect-intensity/value", number(t, 0), `{"seg":{"ix":0}}`},
	} {
		component, property, _ := strings.Cut(test.ref, "/")
		got, err := c.Encode("wled/x", devices.Ref{Component: component, Property: property}, test.value)
		if err != nil || len(got) != 1 || got[0].Topic != "wled/x/api" || string(got[0].Payload) != test.want {
			t.Errorf("%s = %s: %v, %v, want %s", test.ref, test.value, got, err, test.want)
		}
	}
}

func number(t *testing.T, f float64) devices.Value {
	t.Helper()
	v, err := devices.FloatValue(f)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFaultsSayWhatWasExpectedAndWhatWasGot(t *testing.T) {
	c := convention(t)
	hear(c, "wled/x/status", "online")
	for _, test := range []struct{ topic, payload, want string }{
		{"wled/x/g", "bright", `expected a brightness of 0 to 255, got "bright"`},
		{"wled/x/g", "256", `expected a brightness of 0 to 255, got "256"`},
		{"wled/x/c", "red", `expected a color such as #FFA000 or #80FFA000 with white in front, got "red"`},
		{"wled/x/c", "#12345", `expected a color such as #FFA000 or #80FFA000 with white in front, got "#12345"`},
		{"wled/x/status", "away", `expected online or offline, got "away"`},
		{"wled/x/v", "{}", `expected the state in XML, got something else`},
		{"wled/x/v", "<vs><ac>1</ac>", `expected a state that ends with </vs>, got only a part of it`},
		{"wled/x/v", "<vs><ac>1</ac></vs>", `expected the brightness, ac, and three channels of a color, cl, in the state, got less`},
		{"wled/x/v", "<vs><ac>bright</ac></vs>", `expected a number of -1 to 255 in ac, got "bright"`},
		{"wled/x/v", "<vs><ac>1</vs>", `expected </ac> in the state, got no end of it`},
		{"wled/x/v", "<vs>" + strings.Repeat(" ", 5000) + "</vs>", `expected a state of at most 4096 bytes, got 5009`},
		{"wled/x/button/99", "on", `expected the number of an input, 0 to 31, got "99"`},
		{"wled/x/button/1", "hard", `expected one of short, long, double, on, off, got "hard"`},
	} {
		want := []string{"fault wled/x at " + test.topic + ": " + test.want}
		if diff := cmp.Diff(want, hear(c, test.topic, test.payload)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWhatIsNotOfWLEDIsLeftAlone(t *testing.T) {
	c := convention(t)
	for _, m := range [][2]string{
		{"wled/x/status", "running"}, {"wled/x/g", "9000"}, {"wled/x/c", "21"}, {"boiler/v", "230"}, {"a/b/c/d/v", whole}, {"boiler/status", "online"},
		{"wled/x/button/1", "on"}, {"wled/x/v", "<html></html>"}, {"$SYS/v", whole}, {"v", whole},
	} {
		if got := hear(c, m[0], m[1]); got != nil {
			t.Errorf("%s %s: %q", m[0], m[1], got)
		}
	}
}

func TestADeviceElsewhereIsFoundByItsStateAndItsTopicsAreAskedFor(t *testing.T) {
	c := convention(t)
	p := c.Parse(broker.Message{Topic: "attic/lamp/v", Payload: []byte(whole)})
	var got []string
	for _, s := range p.Subscribe {
		got = append(got, s.Filter)
	}
	want := []string{"attic/lamp/g", "attic/lamp/c", "attic/lamp/status", "attic/lamp/button/+", "attic/lamp/motion/+"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	hear(c, "attic/lamp/v", whole)
	if diff := cmp.Diff(want, c.Forget("attic/lamp")); diff != "" {
		t.Error(diff)
	}
}

func TestDevicesAreBounded(t *testing.T) {
	c := convention(t)
	for i := range 1000 {
		hear(c, fmt.Sprintf("wled/%d/status", i), "online")
	}
	if diff := cmp.Diff([]string{"fault  at wled/more/status: more than 1000 devices"}, hear(c, "wled/more/status", "online")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"gone wled/7"}, hear(c, "wled/7/status", "")); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseApply(f *testing.F) {
	seeds := messages(f, filepath.Join("testdata", "house.tsv"))
	for _, m := range seeds {
		f.Add(m.Topic, m.Payload, m.Retain)
	}
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retain bool) {
		if broker.ValidTopic(topic) != nil {
			return
		}
		c := convention(t)
		hear(c, "wled/7a2b3c/status", "online")
		m := broker.Message{Topic: topic, Payload: payload, Retain: retain}
		known := map[string]devices.Device{}
		for range 2 {
			u := c.Apply(m, c.Parse(m))
			for _, a := range u.Devices {
				known[a.Key] = a.Device
			}
			for _, r := range u.Readings {
				if d, ok := known[r.Key]; ok && d.Property(r.Ref) == nil {
					t.Fatalf("a value of %s %s, which is not known", r.Key, r.Ref)
				}
			}
		}
	})
}

func BenchmarkState(b *testing.B) {
	c := convention(b)
	m := broker.Message{Topic: "wled/x/v", Payload: []byte(whole)}
	c.Apply(m, c.Parse(m))
	b.ReportAllocs()
	for b.Loop() {
		if u := c.Apply(m, c.Parse(m)); len(u.Readings) < 9 {
			b.Fatal(u)
		}
	}
}
