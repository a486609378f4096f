package app

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/internal/outage"
)

func TestNothingIsKeptUnlessEverythingIs(t *testing.T) {
	command := func(s devices.Status) Pulled {
		return Pulled{Rounds: []PlugRound{{}, {Commands: []PlugCommand{{Status: devices.Confirmed}, {Status: s}}}}}
	}
	tests := []struct {
		name  string
		found Pulled
		want  bool
	}{
		{"nothing to say", Pulled{}, true},
		{"duplicates with QoS 1", Pulled{Verdict: outage.Verdict{DuplicatedQoS1: 5, Acknowledged: 9}}, true},
		{"a lost message", Pulled{Verdict: outage.Verdict{Lost: 1}}, false},
		{"a duplicate with QoS 2", Pulled{Verdict: outage.Verdict{DuplicatedQoS2: 1}}, false},
		{"a will that is missing", Pulled{Verdict: outage.Verdict{WillsMissing: 1}}, false},
		{"a confirmed command", command(devices.Confirmed), true},
		{"a command whose time is over, and the hub says so", command(devices.Lapsed), true},
		{"a command that another one replaced", command(devices.Superseded), true},
		{"a command that nobody ends", command(devices.Sent), false},
		{"a command that still waits", command(devices.Waiting), false},
		{"a command that the hub has forgotten", command(""), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.found.Kept(); got != test.want {
				t.Errorf("kept: %v, want %v", got, test.want)
			}
			var out strings.Builder
			(&printer{&out}).verdict(test.found)
			if said := strings.Contains(out.String(), "Nothing was lost."); said != test.want {
				t.Errorf("it says:\n%s", &out)
			}
		})
	}
}

func TestTheReportIsForPeople(t *testing.T) {
	found := Pulled{
		Devices: 28,
		Rounds: []PlugRound{
			{Acknowledged: 1234567, Back: 210 * time.Millisecond, First: 300 * time.Millisecond, All: 500 * time.Millisecond, Commands: []PlugCommand{
				{When: "to a lamp without power", Device: "hall-lamp", Status: devices.Confirmed, After: 1500 * time.Millisecond},
				{When: "in the last moment", Device: "bed-lamp", Status: devices.Confirmed},
				{When: "during the outage", Device: "desk-lamp", Status: devices.Lapsed, Reason: "no report of 40 within 10 s"},
			}},
			{Back: time.Second, Commands: []PlugCommand{{When: "in the last moment", Device: "gone"}}},
		},
		Verdict: outage.Verdict{
			Acknowledged: 2345, Received: 20000, Lost: 12, DuplicatedQoS1: 7, RetainedSeen: 120, Strange: 3,
			Faults: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "the eleventh"},
		},
	}
	var out strings.Builder
	p := &printer{&out}
	p.begin(found.Devices, 2)
	for i, r := range found.Rounds {
		p.round(i+1, found.Devices, r)
	}
	p.verdict(found)
	text := out.String()
	for _, want := range []string{
		`house of 28 devices`, `killed under load, without a warning, twice`,
		`1\. Killed after 1,234,567 acknowledged messages; the first one after the start 0\.21 s, the whole house back after 0\.50 s\.`,
		`to a lamp without power: hall-lamp confirmed it 1\.50 s after the start`, `bed-lamp had confirmed it`,
		`desk-lamp: lapsed, no report of 40 within 10 s`, `in the last moment: LOST, the hub does not know it any more`,
		`(?m)^  acknowledged +2,345 `, `(?m)^  lost +12 `, `(?m)^  duplicated +0  with QoS 2; 7 with QoS 1`, `(?m)^  retained +0  wrong of 120$`,
		`(?m)^  strange +3 `, `(?m)^  commands +1  lost of 4$`, `(?m)^  back after +1\.00 s `, `Promises were broken:`, `(?m)^  …$`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("the report does not say %q", want)
		}
	}
	if strings.Contains(text, "eleventh") {
		t.Error("the report has no end")
	}
	if n := strings.Count(text, "\n"); n > 40 {
		t.Errorf("the report has %d lines, more than a screen", n)
	}
	if t.Failed() {
		t.Log(text)
	}
}
