package jsontext_test

import (
	"encoding/json"
	"testing"

	"home.arpa/homehub/devices/internal/jsontext"
)

// FuzzTextAt holds the reader of texts against encoding/json.
func FuzzTextAt(f *testing.F) {
	seeds := []string{`"x"`, `""`, `"a\u00e9\n\"\\\/\b\f\r\t"`, `"\ud83d\ude00"`, `"\ud83d\u0041"`, `"\ud83dx"`, `"\ude00"`, `"\x"`, `"\u12g4"`, `"\u12"`, "\"\x01\"", `"`, `"\`, `"a" b`}
	if len(seeds) == 0 {
		f.Fatal("the seed corpus is empty")
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || s[0] != '"' {
			s = `"` + s
		}
		got, end, ok := jsontext.TextAt(s, 0)
		if !ok {
			if json.Valid([]byte(s)) {
				t.Errorf("%q is no text", s)
			}
			return
		}
		var want string
		if err := json.Unmarshal([]byte(s[:end]), &want); err != nil {
			t.Fatalf("%q is a text: %v", s[:end], err)
		}
		if string([]rune(got)) != want {
			t.Errorf("%q is %q, want %q", s[:end], got, want)
		}
	})
}
