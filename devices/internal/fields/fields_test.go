package fields_test

import (
	"fmt"
	"strings"
	"testing"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/fields"
	"home.arpa/homehub/devices/internal/jsontext"
)

func read(t *testing.T, s string) jsontext.Value {
	t.Helper()
	v, err := jsontext.Read([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTwoFieldsThatSayTheSameAreOneProperty(t *testing.T) {
	var s fields.Set
	celsius := fields.Sensor("temperature", "°C")
	s.Learn("c", celsius, read(t, "20.5"))
	s.Learn("f", celsius.Fahrenheit(), read(t, "68.9"))
	if s.Learn("f", celsius, read(t, "1")) {
		t.Error("a field is learnt twice")
	}
	c := s.Components()
	if len(c) != 1 || len(c[0].Properties) != 1 || !c[0].Properties[0].Readable {
		t.Fatalf("%+v", c)
	}
	for key, raw := range map[string]string{"c": "20.5", "f": `"68.9"`} {
		ref, v, ok, err := s.Read(key, read(t, raw))
		if ref.String() != "sensor/temperature" || v.Float() != 20.5 || !ok || err != nil {
			t.Errorf("%s is %s = %v, %v, %v", key, ref, v, ok, err)
		}
	}
	var b strings.Builder
	s.Samples(&b)
	if got := b.String(); got != `,"c":20.5,"f":68.9` {
		t.Errorf("the samples are %s", got)
	}
}

func TestAFieldOfAnotherTypeDoesNotTakeAPropertyOver(t *testing.T) {
	var s fields.Set
	for key, raw := range map[string]string{"avg": "1", "avg-": `"kWh"`} {
		v := read(t, raw)
		m, ok := fields.Unknown(key, v)
		if !ok {
			t.Fatalf("%s has no meaning", key)
		}
		s.Learn(key, m, v)
	}
	kept := s.Components()[0].Properties
	for _, raw := range []string{"1", `"kWh"`} {
		for _, key := range []string{"avg", "avg-"} {
			if ref, v, ok, err := s.Read(key, read(t, raw)); ok && err == nil && v.Datatype() != kept[0].Datatype {
				t.Errorf("%s = %s is a %s of %s, which is a %s", key, raw, v.Datatype(), ref, kept[0].Datatype)
			}
		}
	}
}

func TestAFaultSaysWhatWasExpectedAndGot(t *testing.T) {
	var s fields.Set
	s.Learn("open", fields.Truth("open", "opening"), read(t, "true"))
	mode := fields.Meaning{Component: "x", Kind: devices.Sensor, Property: devices.Property{ID: "mode", Datatype: devices.Enum, Choices: []string{"idle", "busy"}}, Words: []string{"0", "1"}}
	s.Learn("mode", mode, read(t, "0"))
	for _, c := range []struct{ key, raw, want string }{
		{"open", "1", "true <nil>"},
		{"open", `"closed"`, "false <nil>"},
		{"open", "null", " <nil>"},
		{"open", "7", ` expected true or false at open, got 7`},
		{"mode", "1", "busy <nil>"},
		{"mode", `"2"`, ` expected one of 0, 1 at mode, got "2"`},
	} {
		_, v, _, err := s.Read(c.key, read(t, c.raw))
		if got := fmt.Sprint(v, " ", err); got != c.want {
			t.Errorf("%s = %s gives %q, want %q", c.key, c.raw, got, c.want)
		}
	}
}

func TestWhatIsLearntIsBounded(t *testing.T) {
	var s fields.Set
	for i := range 1000 {
		key := fmt.Sprintf("x%d", i)
		m, ok := fields.Unknown(key, read(t, `"a"`))
		if !ok {
			t.Fatal("no meaning")
		}
		s.Learn(key, m, read(t, `"`+strings.Repeat("x", 1000)+`"`))
	}
	var b strings.Builder
	s.Samples(&b)
	if s.Len() != fields.Max || !s.Full() || b.Len() > 10_000 {
		t.Errorf("%d fields, %d bytes", s.Len(), b.Len())
	}
	if _, ok := fields.Unknown("ä/", read(t, "{}")); ok {
		t.Error("an object is no single value")
	}
}
