package homeassistant_test

import (
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/devices"
	shared "home.arpa/homehub/devices/internal/house"
)

// floorUnderstood is the least number of recorded announcements that must be understood wholly.
const floorUnderstood = 238

func TestRecordedAnnouncements(t *testing.T) {
	h := newHouse(t)
	understood, all := 0, 0
	for _, m := range shared.Recorded(t, "homeassistant-discovery.tsv") {
		faults := len(h.faults)
		h.hearMessage(m)
		all++
		if len(h.faults) == faults {
			understood++
		}
	}
	components, properties := 0, 0
	for _, d := range h.devices {
		var ids []string
		for _, c := range d.Device.Components {
			if c.ID != devices.Slug(c.ID) || slices.Contains(ids, c.ID) {
				t.Errorf("device %s has a component %q, which is no slug or is there twice", d.Key, c.ID)
			}
			ids = append(ids, c.ID)
			properties += len(c.Properties)
		}
		components += len(ids)
		t.Logf("%s: %s: %s", d.Key, d.Device.Name, strings.Join(ids, ", "))
	}
	t.Logf("understood %d of %d announcements: %d devices, %d components, %d properties; filters to subscribe: %d",
		understood, all, len(h.devices), components, properties, len(h.filters))
	if understood < floorUnderstood {
		t.Errorf("that is less than %d", floorUnderstood)
	}
	for _, f := range h.faults {
		t.Logf("fault: %s", f)
	}
}

func TestAllRecordedMessagesInOneHouse(t *testing.T) {
	h := newHouse(t)
	readings, all := 0, 0
	for range 2 {
		for _, m := range shared.Others(t, "") {
			readings += len(h.hearMessage(m))
			all++
		}
	}
	t.Logf("%d messages gave %d readings of %d devices", all, readings, len(h.devices))
	commanded := 0
	for _, d := range h.devices {
		for _, c := range d.Device.Components {
			for _, p := range c.Properties {
				if p.Settable {
					commanded++
					ref := devices.Ref{Component: c.ID, Property: p.ID}
					if _, err := h.c.Encode(d.Key, ref, anyValue(t, p)); err != nil {
						t.Errorf("%s %s cannot be commanded: %v", d.Key, ref, err)
					}
				}
			}
		}
	}
	if readings == 0 || commanded == 0 {
		t.Errorf("%d readings, and %d properties that can be commanded", readings, commanded)
	}
}

// anyValue is a value that the property takes.
func anyValue(t testing.TB, p devices.Property) devices.Value {
	t.Helper()
	s := ""
	switch p.Datatype {
	case devices.Bool:
		s = "true"
	case devices.Int, devices.Float:
		s = "1"
		if p.Min != nil {
			s = devices.IntValue(int64(*p.Min)).String()
		}
	case devices.Enum:
		if allowed := append(p.Wanted, p.Choices...); len(allowed) > 0 {
			s = allowed[0]
		}
	case devices.Color:
		s = "120,100"
	}
	v, err := p.ParseText(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
