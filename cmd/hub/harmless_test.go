package main

import (
	"encoding/json"
	"testing"
)

func TestWhatADeviceSaysDoesNotSteerTheTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"Küche 19 °C":               "Küche 19 °C",
		"red \x1b[31m, bell \a":     "red \ufffd[31m, bell \ufffd",
		"two\nlines\r\n and\ta tab": "two lines   and a tab",
		"8 bits: \u009b31m, \x7f":   "8 bits: \ufffd31m, \ufffd",
		"backwards \u202etxt.exe":   "backwards \ufffdtxt.exe",
		`a path C:\new\u001b\`:      `a path C:\new\u001b\`,
		"\U0001f600 \b\f":           "\U0001f600 \ufffd\ufffd",
	} {
		for _, escape := range []bool{false, true} {
			raw, err := json.Marshal(map[string]string{"name": text})
			if escape { // as others may spell it
				raw, err = json.MarshalIndent(json.RawMessage(raw), "", "\t")
			}
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Name string }
			if err := read(raw, &got); err != nil || got.Name != want {
				t.Errorf("%q became %q, want %q (%v)", text, got.Name, want, err)
			}
		}
	}
}

func FuzzHarmless(f *testing.F) {
	f.Add([]byte(`{"a":"\u001b\\n","b":[1,"\ud83d\ude00"]}`))
	f.Add([]byte(`"\u00`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if out := harmless(raw); json.Valid(raw) && !json.Valid(out) {
			t.Errorf("%q became %q", raw, out)
		}
	})
}
