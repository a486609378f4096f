package devices_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"home.arpa/homehub/devices"
)

func TestFloatValueRefusesWhatIsNoNumber(t *testing.T) {
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, err := devices.FloatValue(f); !errors.Is(err, devices.ErrValue) {
			t.Errorf("%v: got %v", f, err)
		}
	}
	negativeZero := math.Copysign(0, -1)
	if v := number(negativeZero); v != number(0) || v.String() != "0" {
		t.Errorf("-0 is %q", v.String())
	}
}

func TestColorValue(t *testing.T) {
	for _, c := range [][2]float64{{-1, 0}, {361, 0}, {0, -1}, {0, 101}, {math.NaN(), 0}, {0, math.NaN()}} {
		if _, err := devices.ColorValue(c[0], c[1]); !errors.Is(err, devices.ErrValue) {
			t.Errorf("%v: got %v", c, err)
		}
	}
	for _, c := range []struct{ hue, sat, wantHue, wantSat float64 }{{360, 50, 0, 50}, {359.96, 1, 0, 1}, {120.04, 99.96, 120, 100}} {
		v, err := devices.ColorValue(c.hue, c.sat)
		h, s := v.Color()
		if err != nil || h != c.wantHue || s != c.wantSat {
			t.Errorf("%v: got %v,%v, %v", c, h, s, err)
		}
	}
}

var properties = map[devices.Datatype]devices.Property{
	devices.Bool:   {ID: "on", Datatype: devices.Bool, Settable: true},
	devices.Int:    {ID: "color-temperature", Datatype: devices.Int, Unit: "K", Min: bound(2000), Max: bound(6500), Settable: true},
	devices.Float:  {ID: "brightness", Datatype: devices.Float, Unit: "%", Min: bound(0), Max: bound(100), Settable: true},
	devices.Enum:   {ID: "state", Datatype: devices.Enum, Choices: []string{"open", "opening", "closed"}, Wanted: []string{"open", "closed"}, Settable: true},
	devices.String: {ID: "value", Datatype: devices.String, Settable: true},
	devices.Color:  {ID: "color", Datatype: devices.Color, Settable: true},
	devices.JSON:   {ID: "raw", Datatype: devices.JSON, Settable: true},
}

func TestParseText(t *testing.T) {
	for _, test := range []struct {
		t        devices.Datatype
		in, want string // want "" means refused
	}{
		{devices.Bool, "true", "true"},
		{devices.Bool, " ON ", "true"},
		{devices.Bool, "0", "false"},
		{devices.Bool, "1", "true"},
		{devices.Bool, "yes", "true"},
		{devices.Bool, "No", "false"},
		{devices.Bool, "maybe", ""},
		{devices.Bool, "", ""},
		{devices.Float, "21.5", "21.5"},
		{devices.Float, "1e3", "1000"},
		{devices.Float, "NaN", ""},
		{devices.Float, "Inf", ""},
		{devices.Float, "21,5", ""},
		{devices.Int, "2700", "2700"},
		{devices.Int, "2700.0", "2700"},
		{devices.Int, "2700.5", ""},
		{devices.Int, "9007199254740994", ""}, // from here on a float does not know every whole number
		{devices.Int, "1e300", ""},
		{devices.Enum, "open", "open"},
		{devices.Enum, "Opening", "opening"},
		{devices.Enum, "ajar", ""},
		{devices.String, " as it is ", " as it is "},
		{devices.Color, "120,100", "120,100"},
		{devices.Color, "#00ff00", "120,100"},
		{devices.Color, "#ff", ""},
		{devices.Color, "120", ""},
		{devices.Color, "400,1", ""},
		{devices.JSON, `{"a":1}`, `{"a":1}`},
		{devices.JSON, `{`, ""},
	} {
		v, err := properties[test.t].ParseText(test.in)
		switch {
		case test.want == "" && !errors.Is(err, devices.ErrValue):
			t.Errorf("%s %q: got %q, %v, want it refused", test.t, test.in, v, err)
		case test.want != "" && (err != nil || v.String() != test.want || v.Datatype() != test.t):
			t.Errorf("%s %q: got %q, %v, want %q", test.t, test.in, v, err, test.want)
		}
	}
}

func TestParseJSON(t *testing.T) {
	for _, test := range []struct {
		t        devices.Datatype
		in, want string
	}{
		{devices.Bool, `true`, "true"},
		{devices.Bool, `"off"`, "false"},
		{devices.Bool, `1`, ""},
		{devices.Bool, `null`, ""},
		{devices.Float, `40`, "40"},
		{devices.Float, `"40"`, "40"},
		{devices.Float, `true`, ""},
		{devices.Float, `1e999`, ""},
		{devices.Int, `2.5`, ""},
		{devices.Enum, `"closed"`, "closed"},
		{devices.Enum, `1`, ""},
		{devices.Color, `{"hue":120,"saturation":50}`, "120,50"},
		{devices.Color, `{"hue":120}`, ""},
		{devices.Color, `"#ff0000"`, "0,100"},
		{devices.JSON, `[1,2]`, "[1,2]"},
		{devices.JSON, ``, ""},
		{devices.Float, `[`, ""},
	} {
		v, err := properties[test.t].ParseJSON([]byte(test.in))
		switch {
		case test.want == "" && !errors.Is(err, devices.ErrValue):
			t.Errorf("%s %s: got %q, %v, want it refused", test.t, test.in, v, err)
		case test.want != "" && (err != nil || v.String() != test.want):
			t.Errorf("%s %s: got %q, %v, want %q", test.t, test.in, v, err, test.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		t    devices.Datatype
		v    devices.Value
		want string // the error, empty for none
	}{
		{devices.Float, number(0), ""},
		{devices.Float, number(100), ""},
		{devices.Float, number(100.1), "invalid value: brightness takes 0 to 100 %, not 100.1"},
		{devices.Float, number(-1), "invalid value: brightness takes 0 to 100 %, not -1"},
		{devices.Float, devices.BoolValue(true), "invalid value: brightness is a float, not a bool"},
		{devices.Int, devices.IntValue(2000), ""},
		{devices.Int, devices.IntValue(1999), "invalid value: color-temperature takes 2000 to 6500 K, not 1999"},
		{devices.Int, devices.IntValue(6500), ""},
		{devices.Enum, devices.EnumValue("closed"), ""},
		{devices.Enum, devices.EnumValue("opening"), `invalid value: state takes one of open, closed, not "opening"`},
		{devices.Float, devices.Value{}, "invalid value: brightness is a float, not a "},
	} {
		err := properties[test.t].Check(test.v)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.want || err != nil && !errors.Is(err, devices.ErrValue) {
			t.Errorf("%s %s: got %q, want %q", test.t, test.v, got, test.want)
		}
	}
	if err := (devices.Property{ID: "x", Datatype: devices.Bool}).Check(devices.BoolValue(true)); !errors.Is(err, devices.ErrValue) {
		t.Errorf("what cannot be set: %v", err)
	}
}

// A preset is a number with a name, which may be outside the range: of what does not count as one.
func TestPresets(t *testing.T) {
	p := devices.Property{
		ID: "transition", Datatype: devices.Float, Min: bound(0), Max: bound(60), Settable: true,
		Presets: []devices.NamedValue{{Name: "previous", Value: 65535}},
	}
	for text, want := range map[string]string{"previous": "65535", " Previous ": "65535", "65535": "65535", "30": "30", "61": "", "next": ""} {
		v, err := p.ParseText(text)
		if err == nil {
			err = p.Check(v)
		}
		if want == "" && !errors.Is(err, devices.ErrValue) || want != "" && (err != nil || v.String() != want) {
			t.Errorf("%q: got %q, %v, want %q", text, v, err, want)
		}
	}
	if v, err := p.ParseJSON([]byte(`"previous"`)); err != nil || v != number(65535) {
		t.Errorf("as JSON it is %v, %v", v, err)
	}
}

func color(h, s float64) devices.Value {
	v, err := devices.ColorValue(h, s)
	if err != nil {
		panic(err)
	}
	return v
}

func TestSame(t *testing.T) {
	for _, test := range []struct {
		t                devices.Datatype
		wanted, reported devices.Value
		want             bool
	}{
		{devices.Float, number(40), number(40.4), true}, // a scale of 254 has no 40
		{devices.Float, number(40), number(39.5), true},
		{devices.Float, number(40), number(40.6), false},
		{devices.Int, devices.IntValue(2700), devices.IntValue(2702), true}, // through mired
		{devices.Int, devices.IntValue(2700), devices.IntValue(2727), true},
		{devices.Int, devices.IntValue(2700), devices.IntValue(2728), false},
		{devices.Color, color(359, 50), color(1, 50), true},
		{devices.Color, color(10, 50), color(14, 50), false},
		{devices.Color, color(10, 50), color(13, 53), true},
		{devices.Color, color(10, 50), color(10, 54), false},
		{devices.Color, color(10, 1), color(200, 0), true}, // white
		{devices.Color, color(10, 3), color(200, 1), false},
		{devices.Enum, devices.EnumValue("open"), devices.EnumValue("OPEN"), true},
		{devices.Bool, devices.BoolValue(true), devices.BoolValue(false), false},
		{devices.Float, number(1), devices.BoolValue(true), false},
	} {
		if got := properties[test.t].Same(test.wanted, test.reported); got != test.want {
			t.Errorf("%s %s and %s: got %v", test.t, test.wanted, test.reported, got)
		}
	}
	half := devices.Property{Datatype: devices.Float, Unit: "°C", Step: 0.5}
	if !half.Same(number(21), number(21.25)) || half.Same(number(21), number(21.5)) {
		t.Error("the tolerance is not half a step")
	}
	plain := devices.Property{Datatype: devices.Float, Unit: "W"}
	if !plain.Same(number(0.1+0.2), number(0.3)) || !plain.Same(number(1e9), number(1e9+1)) || plain.Same(number(1), number(1.00001)) {
		t.Error("the tolerance without a step is not what a float loses on its way")
	}
}

func TestMarshalJSON(t *testing.T) {
	raw, _ := devices.JSONValue(`{"a":[1]}`)
	for want, v := range map[string]devices.Value{
		"null": {}, "true": devices.BoolValue(true), "21.5": number(21.5), `"heat"`: devices.EnumValue("heat"),
		`{"hue":120,"saturation":50}`: color(120, 50), `{"a":[1]}`: raw, "2700": devices.IntValue(2700), "1e+21": number(1e21), "1e-07": number(1e-7), "0.000001": number(1e-6),
		// As long as a float knows each of them, whole numbers have no exponent: few devices read one.
		"1000000000000000": number(1e15), "-9007199254740992": devices.IntValue(-(1 << 53)), "1000000000000000.5": number(1e15 + 0.5), "9.007199254740994e+15": number(1<<53 + 2),
	} {
		got, err := json.Marshal(v)
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}

func TestRGBAndBack(t *testing.T) {
	for r := 0.0; r <= 255; r += 51 {
		for g := 0.0; g <= 255; g += 51 {
			for b := 0.0; b <= 255; b += 51 {
				h, s, v := devices.RGBToHSV(r, g, b)
				r2, g2, b2 := devices.HSVToRGB(h, s, v)
				if math.Abs(r-r2)+math.Abs(g-g2)+math.Abs(b-b2) > 1e-9 || h < 0 || h >= 360 {
					t.Errorf("%v,%v,%v became %v,%v,%v by hue %v", r, g, b, r2, g2, b2, h)
				}
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"true", "21.5", "NaN", "open", "#00ff00", "1,2", `{"hue":1,"saturation":2}`, `"x"`, "\xff", "-0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, p := range properties {
			for _, parse := range []func() (devices.Value, error){
				func() (devices.Value, error) { return p.ParseText(s) },
				func() (devices.Value, error) { return p.ParseJSON([]byte(s)) },
			} {
				v, err := parse()
				if (err == nil) == v.IsZero() || err == nil && v != v { // a NaN would differ from itself
					t.Errorf("%s %q: got %v, %v", p.Datatype, s, v, err)
				}
				if _, jsonErr := json.Marshal(v); jsonErr != nil {
					t.Errorf("%s %q: writing %v: %v", p.Datatype, s, v, jsonErr)
				}
			}
		}
	})
}
