package jsontext_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"home.arpa/homehub/devices/internal/jsontext"
)

func TestRead(t *testing.T) {
	v, err := jsontext.Read([]byte(` {"a":{"b":[1,-2.5e1,"x\n\u00e4",true,null]},"a":2,"empty":{},"t":"12"} `))
	if err != nil {
		t.Fatal(err)
	}
	var items []string
	for item := range v.At("a", "b").Children() {
		items = append(items, item.JSON())
	}
	if got := strings.Join(items, " "); got != `1 -2.5e1 "x\n\u00e4" true null` {
		t.Errorf("the items are %s", got)
	}
	if f, ok := v.Get("t").Numeric(); f != 12 || !ok {
		t.Errorf("a text that spells a number gives %v, %v", f, ok)
	}
	if _, ok := v.Get("t").Number(); ok {
		t.Error("a text is no number")
	}
	if v.Get("empty").Kind() != jsontext.Object || v.At("a", "c").Is() || v.At("t", "x").Kind() != jsontext.Missing {
		t.Error("an empty object is one, and what is not there is missing")
	}
	for _, bad := range []string{"", "{", `{"a"}`, `{"a":01}`, "[1,]", `"\x"`, "nul", "1 2", `{"a":1e999}`, strings.Repeat("[", 100)} {
		if _, err := jsontext.Read([]byte(bad)); !errors.Is(err, jsontext.ErrInvalid) {
			t.Errorf("%q gives %v", bad, err)
		}
	}
	if _, err := jsontext.ReadUpTo([]byte(`"long"`), 3); !errors.Is(err, jsontext.ErrTooLong) {
		t.Errorf("what is too long gives %v", err)
	}
}

func TestPlainTakesAnythingElseForAText(t *testing.T) {
	for payload, want := range map[string]string{"ON": `"ON"`, "21.5": "21.5", `"a"`: `"a"`, "true": "true", `say "x`: `"say \"x"`, "": "null"} {
		if got := jsontext.Plain([]byte(payload)).JSON(); got != want {
			t.Errorf("%q is %s, want %s", payload, got, want)
		}
	}
}

func TestClipKeepsWholeLetters(t *testing.T) {
	for _, c := range []struct{ in, want string }{{"abc", "abc"}, {"abcd", "abc…"}, {"abä", "ab…"}, {"a\xffb", "a?b"}} {
		if got := jsontext.Clip(c.in, 3); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
		}
	}
}

// FuzzRead compares what is taken for JSON with what the standard library takes for it.
func FuzzRead(f *testing.F) {
	seeds := []string{`{"a":[1,2.5,{"b":null}],"c":"\u00e4\\"}`, "[]", "-0.0e+5", `"x`, "{}", `{"a":1,"a":2}`}
	if len(seeds) == 0 {
		f.Fatal("the seed corpus is empty")
	}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		v, err := jsontext.Read(payload)
		if err == nil && !json.Valid(payload) {
			t.Errorf("%q is no JSON", payload)
		}
		var walk func(v jsontext.Value, depth int)
		walk = func(v jsontext.Value, depth int) {
			if !json.Valid([]byte(v.JSON())) {
				t.Errorf("%q has %q in it", payload, v.JSON())
			}
			v.Text()
			v.Said()
			for c := range v.Children() {
				walk(c, depth+1)
			}
		}
		if err == nil {
			walk(v, 0)
		}
		if plain := jsontext.Plain(payload); !json.Valid([]byte(plain.JSON())) {
			t.Errorf("as plain text it is %q", plain.JSON())
		}
	})
}

func BenchmarkRead(b *testing.B) {
	payload := []byte(`{"id":"A4:C1:38:D5:D4:98","rssi":-67,"brand":"Xiaomi","model":"TH Sensor","model_id":"LYWSD03MMC/MJWSD05MMC_ATC","type":"THB","tempc":32.5,"tempf":90.5,"hum":62,"batt":81,"volt":2.939,"mac":"A4:C1:38:D5:D4:98"}`)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jsontext.Read(payload); err != nil {
			b.Fatal(err)
		}
	}
}
