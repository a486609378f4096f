package homie_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homie"
	shared "home.arpa/homehub/devices/internal/house"
)

// TestTheHouseBecomesWhatWasCheckedByEye compares the devices of testdata/house.tsv, their values and their presence with a file.
func TestTheHouseBecomesWhatWasCheckedByEye(t *testing.T) {
	c := homie.New()
	known, values, reach := map[string]devices.Device{}, map[string]string{}, map[string]string{}
	for _, m := range shared.File(t, "house.tsv") {
		u := c.Apply(m, c.Parse(m))
		for _, a := range u.Devices {
			known[a.Key] = a.Device
			if a.Silence > 0 {
				values[a.Key+" silence"] = a.Silence.String()
			}
		}
		for _, r := range u.Readings {
			values[r.Key+" "+r.Ref.String()] = r.Value.String()
		}
		for _, r := range u.Reaches {
			reach[r.Key] = string(r.Presence) + ", " + r.Why
		}
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(known)) {
		d := known[key]
		fmt.Fprintf(&b, "%s: id %s, name %q, model %q, firmware %q, connections %v, identifiers %v, silence %s\n  %s\n",
			key, d.ID, d.Name, d.Model, d.Firmware, d.Connections, d.Identifiers, values[key+" silence"], reach[key])
		for _, part := range d.Components {
			fmt.Fprintf(&b, "  %s: %s %q %s\n", part.ID, part.Kind, part.Name, part.Category)
			for _, p := range part.Properties {
				fmt.Fprintf(&b, "    %s\n", line(p, values[key+" "+part.ID+"/"+p.ID]))
			}
		}
	}
	shared.Golden(t, "house.golden", b.String())
}

func line(p devices.Property, value string) string {
	words := []string{p.ID, string(p.Datatype)}
	if p.Unit != "" {
		words = append(words, "in "+p.Unit)
	}
	if p.Class != "" {
		words = append(words, "class "+p.Class)
	}
	if p.Min != nil || p.Max != nil {
		words = append(words, p.Range())
	}
	if len(p.Choices) > 0 {
		words = append(words, strings.Join(p.Choices, "|"))
	}
	for word, is := range map[string]bool{"settable": p.Settable, "momentary": p.Momentary, "unreadable": !p.Readable} {
		if is {
			words = append(words, word)
		}
	}
	slices.Sort(words[2:])
	if value != "" {
		words = append(words, "= "+value)
	}
	return strings.Join(words, ", ")
}
