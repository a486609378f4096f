package main

import (
	"encoding/json"
	"testing"
	"time"
)

func TestValuesForPeople(t *testing.T) {
	percent, celsius := property{Datatype: "float", Unit: "%"}, property{Datatype: "float", Unit: "°C"}
	for _, c := range []struct {
		p         property
		raw, want string
	}{
		{percent, `40.15748031496063`, "40.2 %"},
		{percent, `40`, "40 %"},
		{percent, `99.96`, "100 %"},
		{percent, `0.02`, "0 %"},
		{celsius, `19.12345`, "19.123 °C"},
		{celsius, `21.50`, "21.5 °C"},
		{celsius, `-0.00001`, "-0.00001 °C"},
		{celsius, `-12.3`, "-12.3 °C"},
		{celsius, `0`, "0 °C"},
		{property{Unit: "V"}, `0.0012345`, "0.00123 V"},
		{property{}, `1234567`, "1234567"},
		{property{ID: "on"}, `true`, "on"},
		{property{ID: "on", Class: "outlet"}, `false`, "off"},
		{property{ID: "door", Class: "door"}, `true`, "open"},
		{property{ID: "running"}, `true`, "true"},
		{property{Datatype: "color"}, `{"hue":299.96,"saturation":80.04}`, "300,80"},
		{property{Datatype: "enum"}, `"heat"`, "heat"},
		{property{Datatype: "json"}, `[1,2]`, "[1,2]"},
		{property{Datatype: "text"}, `""`, ""},
	} {
		if got := c.p.spell(json.RawMessage(c.raw)); got != c.want {
			t.Errorf("%s %s is spelt %q, want %q", c.p.ID, c.raw, got, c.want)
		}
	}
}

func TestDurationsForPeople(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 400 * time.Millisecond: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min",
		25*time.Hour + 30*time.Minute: "25 h 30 min", 49 * time.Hour: "2 days",
	} {
		if got := span(d); got != want {
			t.Errorf("%s is spelt %q, want %q", d, got, want)
		}
	}
	if got := ago(time.Time{}, time.Now()); got != "never" {
		t.Errorf("no time is spelt %q", got)
	}
}
