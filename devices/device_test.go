package devices_test

import (
	"reflect"
	"strings"
	"testing"

	"home.arpa/homehub/devices"
)

func TestSlug(t *testing.T) {
	for name, want := range map[string]string{
		"Living room lamp":          "living-room-lamp",
		"  Küche: Spülmaschine!  ":  "kueche-spuelmaschine",
		"Straße 5":                  "strasse-5",
		"Café Ångström Ørsted Łódź": "cafe-angstroem-orsted-lodz",
		"0x00158d0001":              "0x00158d0001",
		"a__b//c":                   "a-b-c",
		"日本":                        "",
		"":                          "",
		"---":                       "",
		strings.Repeat("ab ", 40):   strings.TrimRight(strings.Repeat("ab-", 40)[:64], "-"),
		strings.Repeat("ß", 40):     strings.Repeat("ss", 32),
	} {
		if got := devices.Slug(name); got != want || len(got) > 64 {
			t.Errorf("Slug(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzSlugIsAnIDAndStaysItself(f *testing.F) {
	seeds := []string{"Living room lamp", "Ärger", "a-", "\xff", strings.Repeat("ß-", 40)}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		id := devices.Slug(name)
		if len(id) > 64 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.Trim(id, "-") != id {
			t.Errorf("Slug(%q) = %q", name, id)
		}
		if again := devices.Slug(id); again != id {
			t.Errorf("Slug(%q) = %q", id, again)
		}
	})
}

func TestParsePath(t *testing.T) {
	p, err := devices.ParsePath("hall-lamp/light/on")
	if err != nil || p != (devices.Path{Device: "hall-lamp", Ref: devices.Ref{Component: "light", Property: "on"}}) || p.String() != "hall-lamp/light/on" {
		t.Errorf("got %v, %v", p, err)
	}
	for _, bad := range []string{"", "a", "a/b", "a/b/c/d", "/b/c", "a//c", "a/b/"} {
		if _, err := devices.ParsePath(bad); err == nil {
			t.Errorf("%q was taken for a path", bad)
		}
	}
}

func TestACloneSharesNothingThatMayChange(t *testing.T) {
	d := lamp()
	d.Identifiers = []string{"a"}
	c := d.Clone()
	c.Identifiers[0], c.Components[0].Name, c.Components[0].Properties[0].Name = "b", "changed", "changed"
	if !d.Equal(func() devices.Device { e := lamp(); e.Identifiers = []string{"a"}; return e }()) {
		t.Errorf("the original changed: %+v", d)
	}
}

// Every field must count for Equal: a forgotten one would make a changed announcement look like a repetition.
func TestEqualLooksAtEveryField(t *testing.T) {
	full := func() devices.Device {
		return devices.Device{Components: []devices.Component{{Properties: []devices.Property{{}}}}}
	}
	if !full().Equal(full()) {
		t.Fatal("a description differs from itself")
	}
	places := map[string]func(*devices.Device) reflect.Value{
		"device":    func(d *devices.Device) reflect.Value { return reflect.ValueOf(d).Elem() },
		"component": func(d *devices.Device) reflect.Value { return reflect.ValueOf(&d.Components[0]).Elem() },
		"property":  func(d *devices.Device) reflect.Value { return reflect.ValueOf(&d.Components[0].Properties[0]).Elem() },
	}
	for place, of := range places {
		for i := range fields(of) {
			d := full()
			f := of(&d).Field(i)
			name := of(&d).Type().Field(i).Name
			switch f.Kind() {
			case reflect.String:
				f.SetString("x")
			case reflect.Bool:
				f.SetBool(true)
			case reflect.Float64:
				f.SetFloat(1)
			case reflect.Pointer:
				f.Set(reflect.New(f.Type().Elem()))
			case reflect.Slice:
				f.Set(reflect.MakeSlice(f.Type(), 2, 2))
			default:
				t.Fatalf("%s.%s: a %s is not provided for", place, name, f.Kind())
			}
			if d.Equal(full()) {
				t.Errorf("Equal does not look at %s.%s", place, name)
			}
		}
	}
}

func TestEqualTakesNilAndEmptyForTheSame(t *testing.T) {
	a, b := lamp(), lamp()
	a.Identifiers, b.Identifiers = nil, []string{}
	a.Component("identify").Property(devices.Press).Choices = []string{}
	if !a.Equal(b) {
		t.Error("nil and empty differ")
	}
}

func fields(of func(*devices.Device) reflect.Value) int {
	d := devices.Device{Components: []devices.Component{{Properties: []devices.Property{{}}}}}
	return of(&d).NumField()
}
