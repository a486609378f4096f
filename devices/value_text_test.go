package devices_test

import (
	"errors"
	"math"
	"testing"

	"home.arpa/homehub/devices"
)

// must returns the value of a constructor that is known to accept its arguments.
func must(v devices.Value, err error) devices.Value {
	if err != nil {
		panic(err)
	}
	return v
}

func TestEveryValueComesBackFromItsText(t *testing.T) {
	values := []devices.Value{
		{},
		devices.BoolValue(true), devices.BoolValue(false),
		devices.IntValue(0), devices.IntValue(-7), devices.IntValue(1 << 53), devices.IntValue(math.MaxInt64),
		devices.IntValue(math.MinInt64),
		must(devices.FloatValue(0)), must(devices.FloatValue(21.5)), must(devices.FloatValue(7)),
		must(devices.FloatValue(0.1 + 0.2)), must(devices.FloatValue(math.MaxFloat64)),
		must(devices.FloatValue(math.SmallestNonzeroFloat64)), must(devices.FloatValue(-1e-300)),
		must(devices.FloatValue(math.Copysign(0, -1))),
		devices.EnumValue("heat"), devices.EnumValue(""), devices.EnumValue("Wärme, 60 °C"),
		devices.TextValue(""), devices.TextValue("true"), devices.TextValue("a\x00b\n\"'\\"), devices.TextValue("\xff\xfe"),
		devices.TextValue("日本 🏠"),
		must(devices.ColorValue(0, 0)), must(devices.ColorValue(359.9, 100)), must(devices.ColorValue(120.04, 33.3)),
		must(devices.JSONValue(`{"a": [1, "\u0000", null]}`)), must(devices.JSONValue(" 1 ")), must(devices.JSONValue("null")),
	}
	for _, v := range values {
		got, err := devices.DecodeValue(v.Datatype(), v.Encode())
		if err != nil || got != v {
			t.Errorf("%s %q came back as %s %q (%v)", v.Datatype(), v.Encode(), got.Datatype(), got.Encode(), err)
		}
	}
}

func TestDecodeValueRefusesWhatEncodeCannotHaveWritten(t *testing.T) {
	for _, c := range []struct {
		datatype devices.Datatype
		text     string
	}{
		{devices.Bool, "on"},
		{devices.Bool, ""},
		{devices.Int, "1.5"},
		{devices.Int, ""},
		{devices.Int, "x"},
		{devices.Float, "NaN"},
		{devices.Float, "+Inf"},
		{devices.Float, "1e999"},
		{devices.Float, " 1"},
		{devices.Color, "120"},
		{devices.Color, "400,1"},
		{devices.Color, "a,b"},
		{devices.Color, "#ff0000"},
		{devices.JSON, "{"},
		{devices.JSON, ""},
		{"", "x"},
		{"duration", "5"},
	} {
		if v, err := devices.DecodeValue(c.datatype, c.text); !errors.Is(err, devices.ErrValue) || !v.IsZero() {
			t.Errorf("%s %q was read as %v (%v)", c.datatype, c.text, v, err)
		}
	}
}
