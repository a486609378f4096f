package homie_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
)

// one is a convention with one device a/x with one node n of a type, with the properties given as JSON.
func one(tb testing.TB, kind, properties string) *listener {
	l := listen(tb)
	d := fmt.Sprintf(`{"homie":"5.0","version":1,"nodes":{"n":{"type":%q,"properties":{%s}}}}`, kind, properties)
	if got := l.hear("a/5/x/$description", d); len(got) != 1 {
		tb.Fatalf("announcing %s: %q", d, got)
	}
	return l
}

// The values of one property: what a device may say and what it becomes; "-" for a fault.
var spellings = []struct {
	property string
	values   map[string]string
}{
	{`"datatype":"integer"`, map[string]string{
		"0": "0", "-7": "-7", "123456789012345": "123456789012345", "007": "7",
		"+1": "-", "1.0": "-", " 1": "-", "": "", "-": "-", "1e3": "-", "0x10": "-", "9223372036854775808": "-", "1_000": "-", "\x00": "-",
	}},
	{`"datatype":"float"`, map[string]string{
		"21.5": "21.5", "-0": "0", "1e3": "1000", "1E-3": "0.001", ".5": "0.5", "5.": "5",
		"NaN": "-", "inf": "-", "Infinity": "-", "1,5": "-", "1e999": "-", "+1": "-", "0x1p4": "-", "1.2.3": "-", "1 ": "-", "e": "-", "1e+5": "-",
	}},
	{`"datatype":"boolean","format":"off,on"`, map[string]string{"true": "true", "false": "false", "True": "-", "on": "-", "1": "-"}},
	{`"datatype":"enum","format":"a, b,C"`, map[string]string{"a": "a", " b": " b", "C": "C", "b": "-", "c": "-"}},
	{`"datatype":"string"`, map[string]string{"hello": "hello", "\x00": "", "": "", "\x00\x00": "\x00\x00", "\xc3": "-"}},
	{`"datatype":"datetime"`, map[string]string{
		"2026-01-31T18:30:00Z": "2026-01-31T18:30:00Z", "2026-01-31T18:30:00.25+01:00": "2026-01-31T18:30:00.25+01:00",
		"2026-01-31": "2026-01-31", "20260131T183000Z": "20260131T183000Z", "31.1.2026": "-", "2026-02-31": "-", "now": "-",
	}},
	{`"datatype":"duration"`, map[string]string{
		"PT12H5M46S": "43546", "PT5M": "300", "PT0S": "0", "PT1.5S": "1.5", "PT90M": "5400",
		"PT": "-", "P1D": "-", "PT5": "-", "PTM": "-", "PT5S3M": "-", "PT-5S": "-", "PT1.5H": "-", "5": "-", "PT1.2.3S": "-",
	}},
	{`"datatype":"json"`, map[string]string{`{"a":1}`: `{"a":1}`, `[]`: `[]`, ` [1]`: ` [1]`, `1`: "-", `"a"`: "-", `{`: "-", `null`: "-"}},
	{`"datatype":"color","format":"rgb,hsv,xyz"`, map[string]string{
		"rgb,255,0,0": "0,100", "rgb,0,127.5,0": "120,100", "rgb,255,255,255": "0,0", "hsv,300,50,75": "300,50", "hsv,360,100,100": "0,100",
		"xyz,0.64,0.33": "0.1,100", "rgb,0,0,0": "",
		"rgb,256,0,0": "-", "rgb,0,0": "-", "hsv,1,2,3,4": "-", "xyz,1.1,0": "-", "hsl,1,2,3": "-", "rgb, 1,2,3": "-", "rgb,-1,0,0": "-", "rgb": "-", "": "",
	}},
	{`"datatype":"color","format":"hsv"`, map[string]string{"rgb,255,0,0": "-", "hsv,10,20,0": "10,20"}},
	{`"datatype":"integer","unit":"#"`, map[string]string{"3": "3"}},
	{`"datatype":"float","unit":"°F"`, map[string]string{"70": "21.1111111111", "32": "0"}},
	{`"datatype":"integer","unit":"Wh"`, map[string]string{"1234": "1.234"}},
	{`"datatype":"float","unit":"kW"`, map[string]string{"2.3": "2300"}},
	{`"datatype":"integer","unit":"min"`, map[string]string{"5": "300"}},
}

func TestValuesAreReadStrictly(t *testing.T) {
	for _, s := range spellings {
		for text, want := range s.values {
			l := one(t, "other", `"p":{`+s.property+`}`)
			got := strings.Join(l.hear("a/5/x/n/p", text), "; ")
			switch {
			case want == "-" && strings.HasPrefix(got, "fault a/x at a/5/x/n/p: "):
			case got == "" && want == "": // nothing is said
			case got == "a/x n/p = "+want:
			default:
				t.Errorf("%s, %q: got %q, want %q", s.property, text, got, want)
			}
		}
	}
}

// Properties of known kinds, what they become, and values that go through and come back unchanged.
func TestMeaningsAndTheWayBack(t *testing.T) {
	number := func(f float64) *float64 { return &f }
	const settable = `,"settable":true`
	for _, test := range []struct {
		kind, id, property string
		want               devices.Property // Readable and Settable are true
		trip               map[string]string
	}{
		{"light", "power", `"datatype":"boolean"`, devices.Property{ID: "on", Datatype: devices.Bool}, map[string]string{"true": "true", "false": "false"}},
		{"light", "state", `"datatype":"enum","format":"ON,OFF"`, devices.Property{ID: "on", Datatype: devices.Bool}, map[string]string{"ON": "true", "OFF": "false"}},
		{
			"light", "level", `"datatype":"integer","format":"0:255"`,
			devices.Property{ID: "brightness", Datatype: devices.Float, Unit: "%", Min: number(0), Max: number(100), Step: 0.392156862745},
			map[string]string{"0": "0", "1": "0.392156862745", "127": "49.8039215686", "255": "100"},
		},
		{
			"light", "dim", `"datatype":"float","format":"0:1"`,
			devices.Property{ID: "brightness", Datatype: devices.Float, Unit: "%", Min: number(0), Max: number(100)},
			map[string]string{"0.57": "57", "0.333": "33.3"},
		},
		{
			"light", "brightness", `"datatype":"integer","unit":"%","format":"1:100"`,
			devices.Property{ID: "brightness", Datatype: devices.Float, Unit: "%", Min: number(1), Max: number(100), Step: 1},
			map[string]string{"1": "1", "40": "40"},
		},
		{"light", "brightness", `"datatype":"float"`, devices.Property{ID: "brightness", Datatype: devices.Float, Unit: "%", Min: number(0), Max: number(100)}, map[string]string{"40.5": "40.5"}},
		{
			"light", "color-temp", `"datatype":"integer","unit":"MK⁻¹","format":"153:500"`,
			devices.Property{ID: "color-temperature", Datatype: devices.Int, Unit: "K", Min: number(2000), Max: number(6536)},
			map[string]string{"153": "6536", "154": "6494", "370": "2703", "499": "2004", "500": "2000"},
		},
		{"light", "ct", `"datatype":"integer","format":"2200:6500"`, devices.Property{ID: "color-temperature", Datatype: devices.Int, Unit: "K", Min: number(2200), Max: number(6500)}, map[string]string{"2700": "2700"}},
		{
			"thermostat", "setpoint", `"datatype":"float","unit":"°C","format":"5:30:0.5"`,
			devices.Property{ID: "target-temperature", Datatype: devices.Float, Unit: "°C", Min: number(5), Max: number(30), Step: 0.5},
			map[string]string{"21.5": "21.5", "5": "5"},
		},
		{
			"thermostat", "temperature", `"datatype":"integer","unit":"°F","format":"41:86"`,
			devices.Property{ID: "target-temperature", Datatype: devices.Float, Unit: "°C", Min: number(5), Max: number(30), Step: 0.555555555556},
			map[string]string{"68": "20", "70": "21.1111111111", "71": "21.6666666667"},
		},
		{
			"hvac", "mode", `"datatype":"enum","format":"Off,Heating,heat-cool,fan,eco"`,
			devices.Property{ID: "mode", Datatype: devices.Enum, Choices: []string{"off", "heat", "heat_cool", "fan_only", "eco"}},
			map[string]string{"Off": "off", "Heating": "heat", "heat-cool": "heat_cool", "fan": "fan_only", "eco": "eco"},
		},
		{"lock", "lock", `"datatype":"enum","format":"lock,unlock"`, devices.Property{ID: "state", Datatype: devices.Enum, Choices: []string{"locked", "unlocked"}}, map[string]string{"lock": "locked", "unlock": "unlocked"}},
		{"lock", "locked", `"datatype":"boolean"`, devices.Property{ID: "state", Datatype: devices.Enum, Choices: []string{"unlocked", "locked"}}, map[string]string{"true": "locked", "false": "unlocked"}},
		{"lock", "state", `"datatype":"boolean","format":"lock,unlock"`, devices.Property{ID: "state", Datatype: devices.Enum, Choices: []string{"locked", "unlocked"}}, map[string]string{"true": "unlocked"}},
		{
			"lock", "state", `"datatype":"enum","format":"locked,unlocked,locking,unlocking,jammed"`,
			devices.Property{ID: "state", Datatype: devices.Enum, Choices: []string{"locked", "unlocked", "locking", "unlocking", "jammed"}, Wanted: []string{"unlocked", "locked"}},
			map[string]string{"locked": "locked"},
		},
		{
			"shutter", "state", `"datatype":"enum","format":"open,opening,closed,closing,stopped"`,
			devices.Property{ID: "state", Datatype: devices.Enum, Choices: []string{"open", "opening", "closed", "closing", "stopped"}, Wanted: []string{"open", "closed"}},
			map[string]string{"open": "open", "closed": "closed"},
		},
		{"blind", "position", `"datatype":"integer","format":"0:100","unit":"%"`, devices.Property{ID: "position", Datatype: devices.Float, Unit: "%", Min: number(0), Max: number(100), Step: 1}, map[string]string{"33": "33"}},
		{"fan", "speed", `"datatype":"integer","format":"0:3"`, devices.Property{ID: "speed", Datatype: devices.Float, Unit: "%", Min: number(0), Max: number(100), Step: 33.3333333333}, map[string]string{"1": "33.3333333333", "2": "66.6666666667", "3": "100"}},
		{"fan", "speed", `"datatype":"enum","format":"low,high"`, devices.Property{ID: "preset", Datatype: devices.Enum, Choices: []string{"low", "high"}}, map[string]string{"low": "low"}},
		{"fan", "direction", `"datatype":"enum","format":"forward,backward"`, devices.Property{ID: "direction", Datatype: devices.Enum, Choices: []string{"forward", "reverse"}}, map[string]string{"backward": "reverse"}},
		{"other", "spin", `"datatype":"integer","format":"-5:1400:5"`, devices.Property{ID: "spin", Datatype: devices.Int, Min: number(-5), Max: number(1400), Step: 5}, map[string]string{"1200": "1200", "-5": "-5"}},
		{"other", "delay", `"datatype":"duration"`, devices.Property{ID: "delay", Datatype: devices.Float, Unit: "s", Min: number(0), Class: "duration"}, map[string]string{"PT1H1M1.5S": "3661.5", "PT0S": "0", "PT2H": "7200"}},
		{"other", "delay", `"datatype":"integer","unit":"h","format":":24"`, devices.Property{ID: "delay", Datatype: devices.Int, Unit: "s", Max: number(86400), Class: "duration"}, map[string]string{"2": "7200"}},
		{"other", "note", `"datatype":"string"`, devices.Property{ID: "note", Datatype: devices.String}, map[string]string{"\x00": "", "x": "x"}},
		{"other", "plan", `"datatype":"json"`, devices.Property{ID: "plan", Datatype: devices.JSON}, map[string]string{`{"a":[1]}`: `{"a":[1]}`}},
		{"other", "glow", `"datatype":"color","format":"hsv,rgb"`, devices.Property{ID: "glow", Datatype: devices.Color}, map[string]string{"hsv,12.5,80,75": "12.5,80"}},
	} {
		l := one(t, test.kind, `"`+test.id+`":{`+test.property+settable+`}`)
		test.want.Readable, test.want.Settable = true, true
		ref := devices.Ref{Component: "n", Property: test.want.ID}
		d := l.devices["a/x"]
		got := d.Property(ref)
		if diff := cmp.Diff(&test.want, got); diff != "" {
			t.Errorf("%s %s {%s}: %s", test.kind, test.id, test.property, diff)
			continue
		}
		for text, want := range test.trip {
			l.want(l.hear("a/5/x/n/"+test.id, text), "a/x "+ref.String()+" = "+want)
			v, err := got.ParseText(want)
			if err != nil {
				t.Fatal(err)
			}
			if err := got.Check(v); err != nil {
				t.Errorf("%s: what the device said may not be wanted: %v", test.property, err)
			}
			m, err := l.Encode("a/x", ref, v)
			if err != nil || len(m) != 1 || string(m[0].Payload) != text || m[0].Topic != "a/5/x/n/"+test.id+"/set" || m[0].Retain {
				t.Errorf("%s: %s = %s is told as %v, %v, want %q", test.property, ref, want, m, err, text)
			}
		}
	}
}

func TestEverySmallStepOfAScaleSurvivesTheRoundTrip(t *testing.T) {
	for _, format := range []string{`"format":"0:255"`, `"format":"1:254"`, `"format":"0:100","unit":"%"`, `"format":"0:1023"`, `"format":"0:65535"`} {
		l := one(t, "light", `"dim":{"datatype":"integer","settable":true,`+format+`}`)
		d := l.devices["a/x"]
		ref := devices.Ref{Component: "n", Property: "brightness"}
		p := d.Property(ref)
		for n := 1; n <= 65535 && n <= int(*p.Max/p.Step+0.5); n += 1 + n/300 {
			text := fmt.Sprint(n)
			_, said, _ := strings.Cut(l.hear("a/5/x/n/dim", text)[0], " = ")
			v, err := p.ParseText(said)
			if err != nil {
				t.Fatal(err)
			}
			if m, err := l.Encode("a/x", ref, v); err != nil || string(m[0].Payload) != text {
				t.Fatalf("%s: %s is %s is %s, %v", format, text, said, m[0].Payload, err)
			}
		}
	}
}

func TestWantedValuesAreRoundedToWhatTheDeviceCanTake(t *testing.T) {
	l := one(t, "other", `"i":{"datatype":"integer","format":"0:10:4","settable":true},"f":{"datatype":"float","format":"5:30:0.5","settable":true},"h":{"datatype":"float","format":":10:3","settable":true}`)
	for _, test := range []struct{ id, want, told string }{
		{"i", "3", "4"}, {"i", "10", "8"}, {"i", "1", "0"}, {"f", "21.3", "21.5"}, {"f", "5.2", "5"}, {"h", "8.9", "10"}, {"h", "2", "1"},
	} {
		d := l.devices["a/x"]
		ref := devices.Ref{Component: "n", Property: test.id}
		v, err := d.Property(ref).ParseText(test.want)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := l.Encode("a/x", ref, v); err != nil || string(m[0].Payload) != test.told {
			t.Errorf("%s = %s is told as %v, %v; want %s", test.id, test.want, m, err, test.told)
		}
	}
}

func TestAColorCarriesTheBrightnessWhereNothingElseDoes(t *testing.T) {
	l := one(t, "light", `"rgb":{"datatype":"color","format":"rgb","settable":true}`)
	l.want(l.hear("a/5/x/n/rgb", "rgb,0,51,0"), "a/x n/color = 120,100", "a/x n/brightness = 20")
	tell := func(id string, v devices.Value, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		m, err := l.Encode("a/x", devices.Ref{Component: "n", Property: id}, v)
		if err != nil {
			t.Fatal(err)
		}
		return m[0].Topic + " " + string(m[0].Payload)
	}
	v, err := devices.FloatValue(100)
	if got := tell("brightness", v, err); got != "a/5/x/n/rgb/set rgb,0,255,0" {
		t.Errorf("brighter: %s", got)
	}
	v, err = devices.ColorValue(0, 100)
	if got := tell("color", v, err); got != "a/5/x/n/rgb/set rgb,51,0,0" {
		t.Errorf("red: %s", got)
	}

	l = one(t, "light", `"rgb":{"datatype":"color","format":"hsv","settable":true},"dim":{"datatype":"integer","format":"0:255","settable":true}`)
	l.want(l.hear("a/5/x/n/dim", "51"), "a/x n/brightness = 20")
	l.want(l.hear("a/5/x/n/rgb", "hsv,10,20,20"), "a/x n/color = 10,20")
	if got := tell("color", v, nil); got != "a/5/x/n/rgb/set hsv,0,100,20" {
		t.Errorf("red must not be brighter than the light is: %s", got)
	}
}

func TestACoverThatTakesStopCanBeStopped(t *testing.T) {
	l := one(t, "", `"state":{"datatype":"enum","format":"open,close,stop","settable":true}`)
	d := l.devices["a/x"]
	want := []devices.Property{
		{ID: "state", Datatype: devices.Enum, Choices: []string{"open", "closed", "stopped"}, Wanted: []string{"open", "closed"}, Readable: true, Settable: true},
		{ID: "stop", Datatype: devices.Bool, Settable: true, Momentary: true},
	}
	if diff := cmp.Diff(want, d.Component("n").Properties); diff != "" || d.Component("n").Kind != devices.Cover {
		t.Error(d.Component("n").Kind, diff)
	}
	for ref, test := range map[string]struct {
		v    devices.Value
		told string
	}{"stop": {devices.BoolValue(true), "stop"}, "state": {devices.EnumValue("closed"), "close"}} {
		m, err := l.Encode("a/x", devices.Ref{Component: "n", Property: ref}, test.v)
		if err != nil || m[0].Topic != "a/5/x/n/state/set" || string(m[0].Payload) != test.told {
			t.Errorf("%s is told as %v, %v", ref, m, err)
		}
	}
	l.want(l.hear("a/5/x/n/state", "stop"), "a/x n/state = stopped")
}
