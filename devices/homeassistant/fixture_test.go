package homeassistant_test

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/internal/recorded"
)

// messages reads a file of recorded messages: topic, retained, payload, with tabs between.
func messages(t *testing.T, path string) []broker.Message {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out []broker.Message
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if fields := strings.Split(lines.Text(), "\t"); len(fields) >= 3 && !strings.HasPrefix(fields[0], "#") {
			out = append(out, broker.Message{Topic: fields[0], Payload: []byte(fields[2]), Retain: fields[1] == "1"})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// floorUnderstood is the least number of recorded announcements that must be understood wholly.
const floorUnderstood = 238

func TestRecordedAnnouncements(t *testing.T) {
	dir := recorded.Path(t, "payloads")
	h := newHouse(t)
	understood, all := 0, 0
	for _, m := range messages(t, filepath.Join(dir, "homeassistant-discovery.tsv")) {
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
	dir := recorded.Path(t, "payloads")
	files, err := filepath.Glob(filepath.Join(dir, "*.tsv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded messages in %s: %v", dir, err)
	}
	h := newHouse(t)
	readings, all := 0, 0
	for range 2 {
		for _, file := range files {
			for _, m := range messages(t, file) {
				readings += len(h.hearMessage(m))
				all++
			}
		}
	}
	t.Logf("%d messages gave %d readings of %d devices", all, readings, len(h.devices))
	for _, d := range h.devices {
		for _, c := range d.Device.Components {
			for _, p := range c.Properties {
				if p.Settable {
					ref := devices.Ref{Component: c.ID, Property: p.ID}
					if _, err := h.c.Encode(d.Key, ref, anyValue(t, p)); err != nil {
						t.Errorf("%s %s cannot be commanded: %v", d.Key, ref, err)
					}
				}
			}
		}
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
