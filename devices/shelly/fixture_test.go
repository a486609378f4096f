package shelly_test

import (
	"strings"
	"testing"

	"home.arpa/homehub/devices/internal/house"
)

// floorUnderstood is the least number of recorded messages that must each announce a device, or tell more of one, without a
// fault; that is all of them.
const floorUnderstood = 19

func TestRecordedMessages(t *testing.T) {
	understood, all := 0, 0
	for _, m := range house.Recorded(t, "shelly-gen2.tsv") {
		all++
		h := newHouse(t)
		h.Take(m)
		if len(h.Devices) > 0 && len(h.Faults) == 0 {
			understood++
		} else {
			t.Errorf("not understood: %.200s: %v", m.Payload, h.Faults)
		}
	}
	if understood < floorUnderstood || understood != all {
		t.Errorf("understood %d of %d messages", understood, all)
	}
}

// TestRecordedDevices has what each recorded message says of a device, as it was checked by eye.
func TestRecordedDevices(t *testing.T) {
	var b strings.Builder
	one := newHouse(t)
	for _, m := range house.Recorded(t, "shelly-gen2.tsv") {
		h := newHouse(t)
		h.Take(m)
		one.Take(m)
		b.WriteString(h.Outline() + "\n")
	}
	for _, f := range one.Faults {
		t.Errorf("in one house, fault: %s", f)
	}
	house.Golden(t, "recorded.txt", b.String())
}

func TestOtherFamiliesAreLeftAlone(t *testing.T) {
	h := newHouse(t)
	for _, m := range house.Others(t, "shelly-gen2.tsv") {
		h.Take(m)
	}
	for key, d := range h.Devices {
		t.Errorf("%s is taken for a Shelly: %s", key, d.Sources[0].Topic)
	}
}
