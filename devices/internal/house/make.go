package house

import (
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/hub"
)

// Maker makes the function by which tests get a new convention: the constructor with its zero options.
func Maker[C hub.Convention, O any](construct func(O) (C, error)) func(testing.TB) C {
	return func(t testing.TB) C {
		t.Helper()
		var options O
		c, err := construct(options)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// Foreign is a message of another family, as a line that Message reads.
const Foreign = `zigbee2mqtt/lamp {"state":"ON"}`

// Bench decodes and applies a message again and again, which must give so many readings.
func Bench(b *testing.B, c hub.Convention, m broker.Message, readings int) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if u := c.Apply(m, c.Parse(m)); len(u.Readings) != readings {
			b.Fatalf("%d readings, want %d: %+v", len(u.Readings), readings, u)
		}
	}
}
