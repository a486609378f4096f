package wled_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/devices/wled"
)

var convention = house.Maker(wled.New)

func TestConventionKeepsItsContract(t *testing.T) {
	house.Contract(t, convention, house.File(t, "house.tsv"))
}

func TestTheHouseBecomesWhatWasCheckedByEye(t *testing.T) {
	house.Told(t, convention(t))
}

func TestCollectedMessages(t *testing.T) {
	c := convention(t)
	known := map[string]bool{}
	for _, m := range house.Recorded(t, "others.tsv") {
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
	house.Say(c, "wled/x/v", whole)
	green := house.Color(t, 120, 100)
	for _, test := range []struct {
		ref   string
		value devices.Value
		want  string
	}{
		{"light/on", devices.BoolValue(false), `{"on":false}`},
		{"light/brightness", house.Float(t, 20), `{"on":true,"bri":51}`},
		{"light/transition", house.Float(t, 0.7), `{"transition":7}`},
		{"light/brightness", house.Float(t, 0.1), `{"on":true,"bri":1}`},
		{"light/brightness", house.Float(t, 0), `{"on":false,"bri":1}`},
		{"light/color", green, `{"seg":{"col":[[0,255,0,51]]}}`},
		{"light/white", house.Float(t, 100), `{"seg":{"col":[[255,0,0,255]]}}`},
		{"light/effect", devices.EnumValue("Rainbow"), `{"seg":{"fx":9}}`},
		{"preset/option", devices.EnumValue("12"), `{"ps":12}`},
		{"nightlight/on", devices.BoolValue(true), `{"nl":{"on":true}}`},
		{"palette/value", devices.IntValue(7), `{"seg":{"pal":7}}`},
		{"effect-speed/value", house.Float(t, 100), `{"seg":{"sx":255}}`},
		{"effect-intensity/value", house.Float(t, 0), `{"seg":{"ix":0}}`},
	} {
		component, property, _ := strings.Cut(test.ref, "/")
		got, err := c.Encode("wled/x", devices.Ref{Component: component, Property: property}, test.value)
		if err != nil || len(got) != 1 || got[0].Topic != "wled/x/api" || string(got[0].Payload) != test.want {
			t.Errorf("%s = %s: %v, %v, want %s", test.ref, test.value, got, err, test.want)
		}
	}
}

func TestFaultsSayWhatWasExpectedAndWhatWasGot(t *testing.T) {
	c := convention(t)
	house.Say(c, "wled/x/status", "online")
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
		if diff := cmp.Diff(want, house.Say(c, test.topic, test.payload)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWhatIsNotOfWLEDIsLeftAlone(t *testing.T) {
	c := convention(t)
	for _, m := range [][2]string{
		{"wled/x/status", "running"},
		{"wled/x/g", "9000"},
		{"wled/x/c", "21"},
		{"boiler/v", "230"},
		{"a/b/c/d/v", whole},
		{"boiler/status", "online"},
		{"wled/x/button/1", "on"},
		{"wled/x/v", "<html></html>"},
		{"$SYS/v", whole},
		{"v", whole},
	} {
		if got := house.Say(c, m[0], m[1]); got != nil {
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
	house.Say(c, "attic/lamp/v", whole)
	if diff := cmp.Diff(want, c.Forget("attic/lamp")); diff != "" {
		t.Error(diff)
	}
}

func TestDevicesAreBounded(t *testing.T) {
	c := convention(t)
	for i := range 1000 {
		house.Say(c, fmt.Sprintf("wled/%d/status", i), "online")
	}
	if diff := cmp.Diff([]string{"fault  at wled/more/status: more than 1000 devices"}, house.Say(c, "wled/more/status", "online")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"gone wled/7"}, house.Say(c, "wled/7/status", "")); diff != "" {
		t.Error(diff)
	}
}

func FuzzConvention(f *testing.F) {
	house.Fuzz(f, convention, house.Seeds(house.File(f, "house.tsv"))...)
}

func BenchmarkState(b *testing.B) {
	c := convention(b)
	m := broker.Message{Topic: "wled/x/v", Payload: []byte(whole)}
	c.Apply(m, c.Parse(m))
	house.Bench(b, c, m, 10)
}
