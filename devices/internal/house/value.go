package house

import (
	"testing"

	"home.arpa/homehub/devices"
)

// Float is a float.
func Float(t testing.TB, f float64) devices.Value {
	t.Helper()
	return must(t)(devices.FloatValue(f))
}

// Color is a color of a hue and a saturation.
func Color(t testing.TB, hue, saturation float64) devices.Value {
	t.Helper()
	return must(t)(devices.ColorValue(hue, saturation))
}

// JSON is a JSON text.
func JSON(t testing.TB, s string) devices.Value {
	t.Helper()
	return must(t)(devices.JSONValue(s))
}

func must(t testing.TB) func(v devices.Value, err error) devices.Value {
	return func(v devices.Value, err error) devices.Value {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
