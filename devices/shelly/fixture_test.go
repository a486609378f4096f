package shelly_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/internal/recorded"
)

var update = flag.Bool("update", false, "write the golden files anew")

// floorUnderstood is the least number of recorded messages that must each announce a device, or tell more of one, without a
// fault; that is all of them.
const floorUnderstood = 19

func TestRecordedMessages(t *testing.T) {
	path := recorded.Path(t, "payloads", "shelly-gen2.tsv")
	understood, all := 0, 0
	for _, m := range recordedMessages(t, path) {
		if m.Topic == "topic" {
			continue
		}
		all++
		h := newHouse(t)
		h.take(m)
		if len(h.devices) > 0 && len(h.faults) == 0 {
			understood++
		} else {
			t.Errorf("not understood: %.200s: %v", m.Payload, h.faults)
		}
	}
	if understood < floorUnderstood || understood != all {
		t.Errorf("understood %d of %d messages", understood, all)
	}
}

// TestRecordedDevices has what each recorded message says of a device, as it was checked by eye.
func TestRecordedDevices(t *testing.T) {
	path := recorded.Path(t, "payloads", "shelly-gen2.tsv")
	var b strings.Builder
	one := newHouse(t)
	for _, m := range recordedMessages(t, path) {
		h := newHouse(t)
		h.take(m)
		one.take(m)
		for _, key := range slices.Sorted(maps.Keys(h.devices)) {
			b.WriteString(outline(h.devices[key], h.values))
		}
		b.WriteString("\n")
	}
	for _, f := range one.faults {
		t.Errorf("in one house, fault: %s", f)
	}
	golden := filepath.Join("testdata", "recorded.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestOtherFamiliesAreLeftAlone(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recorded.Path(t, "payloads"), "*.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	for _, file := range files {
		if filepath.Base(file) == "shelly-gen2.tsv" {
			continue
		}
		for _, m := range recordedMessages(t, file) {
			h.take(m)
		}
	}
	for key, d := range h.devices {
		t.Errorf("%s is taken for a Shelly: %s", key, d.Sources[0].Topic)
	}
}
