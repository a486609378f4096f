package zigbee2mqtt

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var spellings = []string{
	`{}`, `[]`, `{"a":1,"b":[true,false,null],"c":{"d":"e\u00e9\n"}}`, ` { "a" : -0.5e+3 } `, `"x"`, `01`, `1.`, `-`, `1e`, `{"a"}`, `{"a":}`,
	`{"a":1,}`, `[1,]`, `[1 2]`, `nul`, `true `, `"\x"`, `"\u12g4"`, "\"\x01\"", `{"a":1}{`, ``, `"\ud83d\ude00"`, "\"\xff\"", `{"a":1,"a":2}`, `{"\u0061":3}`,
}

// FuzzJSON holds the scanner against encoding/json: what is JSON, and what is in it.
func FuzzJSON(f *testing.F) {
	if len(spellings) == 0 {
		f.Fatal("the seed corpus is empty")
	}
	for _, s := range spellings {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, ok := parse(b)
		valid := json.Valid(b)
		if ok != valid && (ok || depth(b) <= maxDepth) {
			t.Fatalf("%q is valid: %v, want %v", b, ok, valid)
		}
		d := tokenize(b)
		if d.valid != (ok && l.kind == object) {
			t.Fatalf("%q as a state is valid: %v, but it is JSON: %v", b, d.valid, ok)
		}
		if !ok {
			return
		}
		var want any
		if err := json.Unmarshal(b, &want); err != nil {
			return // a number beyond all bounds
		}
		if diff := cmp.Diff(want, l.any()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", b, diff)
		}
		if !d.valid || len(d.tokens) == maxKeys {
			return
		}
		got := map[string]any{}
		for i := range d.tokens {
			key, value := d.tokens[i].key(b), d.tokens[i].value(b)
			got[key.String()] = value.any()
		}
		if diff := cmp.Diff(want, any(got)); diff != "" {
			t.Errorf("%q as a state (-want +got):\n%s", b, diff)
		}
	})
}

func depth(b []byte) (deepest int) {
	n := 0
	for _, c := range b {
		switch c {
		case '{', '[':
			n++
			deepest = max(deepest, n)
		case '}', ']':
			n--
		}
	}
	return deepest
}

// any is the value as encoding/json has it.
func (l literal) any() any {
	switch l.kind {
	case boolean:
		return l.is("true")
	case number:
		f, _ := l.number()
		return f
	case text:
		return l.String()
	case object:
		out := map[string]any{}
		l.each(func(key string, v literal) { out[key] = v.any() })
		return out
	case list:
		out := []any{}
		l.items(func(v literal) { out = append(out, v.any()) })
		return out
	}
	return nil
}
