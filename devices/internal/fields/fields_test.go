package fields_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// learnt are the fields of a JSON object, as conventions learn them.
func learnt(data []byte) (*fields.Set, jsontext.Value) {
	var s fields.Set
	v, err := jsontext.Read(data)
	if err != nil || v.Kind() != jsontext.Object {
		return &s, jsontext.Value{}
	}
	for x := range v.Children() {
		if m, ok := fields.Unknown(x.Key(), x); ok {
			s.Learn(x.Key(), m, x)
		}
	}
	return &s, v
}

// FuzzSet holds a set to what its users build on: that what it keeps teaches the same again, and that a value is of its property's type.
func FuzzSet(f *testing.F) {
	for _, seed := range []string{
		`{"avg":1,"avg-":"kWh","open":true,"x":null,"list":[1]}`, `{"ä":"ö","\u2028":1,"<&>":2}`, "{\"b\xba\xba\":1,\"c\":\"\xff\"}",
		`{"long":"` + strings.Repeat("ü\"", 100) + `"}`, `{"n":1e300,"m":-0,"k":"12"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, v := learnt(data)
		var b strings.Builder
		s.Samples(&b)
		again, _ := learnt([]byte("{" + strings.TrimPrefix(b.String(), ",") + "}"))
		components := s.Components()
		if d := cmp.Diff(components, again.Components()); d != "" {
			t.Errorf("of %s is kept %s, and that is another sensor:\n%s", data, b.String(), d)
		}
		for x := range v.Children() {
			ref, value, ok, err := s.Read(x.Key(), x)
			if !ok || err != nil {
				continue
			}
			if p := (&devices.Device{Components: components}).Property(ref); p == nil || p.Datatype != value.Datatype() {
				t.Errorf("%s is %v, of the property %+v", x.Key(), value, p)
			}
		}
	})
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
