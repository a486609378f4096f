package main

import (
	"encoding/json"
	"testing"
)

func TestSummariesNameWhatIsWorthKnowing(t *testing.T) {
	for _, tt := range []struct{ name, device, want string }{
		{"a plug", `{"telling": ["relay/on", "energy/power", "energy/energy"],
			"components": [{"id": "relay", "kind": "switch", "properties": [{"id": "on", "datatype": "bool"}]},
				{"id": "energy", "kind": "sensor", "properties": [{"id": "power", "datatype": "float", "unit": "W"}, {"id": "energy", "datatype": "float", "unit": "kWh"}]}],
			"reported": {"relay/on": {"value": true}, "energy/power": {"value": 3.25}}}`, "on, power 3.25 W"},
		{"a fan with a lamp says which is on", `{"telling": ["fan/on", "light/on"],
			"components": [{"id": "fan", "kind": "fan", "properties": [{"id": "on"}]}, {"id": "light", "kind": "light", "properties": [{"id": "on"}]}],
			"reported": {"fan/on": {"value": false}, "light/on": {"value": true}}}`, "fan off, light on"},
		{"a machine's switch says what it switches", `{"telling": ["running/on"], "components": [{"id": "running", "kind": "switch", "properties": [{"id": "on"}]}],
			"reported": {"running/on": {"value": false}}}`, "running off"},
		{"a value is named after its component", `{"telling": ["display/value"], "components": [{"id": "display", "kind": "text", "properties": [{"id": "value"}]}],
			"reported": {"display/value": {"value": "Hello"}}}`, "display Hello"},
		{"no more than four", `{"telling": ["a/a", "b/b", "c/c", "d/d", "e/e"],
			"reported": {"a/a": {"value": 1}, "b/b": {"value": 2}, "c/c": {"value": 3}, "d/d": {"value": 4}, "e/e": {"value": 5}}}`, "a 1, b 2, c 3, d 4"},
		{"what was not understood is marked", `{"telling": ["a/a"], "reported": {"a/a": {"value": 1}}, "faults": 2}`, "a 1 (2 messages not understood)"},
		{"also where nothing else is known", `{"faults": 1}`, "(1 message not understood)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d device
			if err := json.Unmarshal([]byte(tt.device), &d); err != nil {
				t.Fatal(err)
			}
			if got := d.summary(); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}
