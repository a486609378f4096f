package crosscheck_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/internal/app"
	"home.arpa/homehub/internal/config"
	"home.arpa/homehub/internal/recorded"
)

var update = flag.Bool("update", false, "write the golden files anew; look at what changed in them")

// What real devices were recorded to say is played to a hub that understands everything, to a new one for each recorded device, since many
// share an address that was made unrecognisable. What the hub then knows is compared with golden files that were checked by eye:
// devices, names, components, units, values.
func TestRecordedDevices(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recorded.Path(t, "payloads"), "*.tsv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	if goldens, err := filepath.Glob(filepath.Join("testdata", "recorded", "*.txt")); err != nil || len(goldens) != len(files) {
		t.Errorf("there are %d golden files for %d recordings: %v", len(goldens), len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".tsv")
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			devices := recording(t, file)
			together := recordedDevice{name: "all together"}
			for _, d := range devices {
				together.messages = append(together.messages, d.messages...)
			}
			for _, d := range append(devices, together) {
				synctest.Test(t, func(t *testing.T) {
					fmt.Fprintf(&got, "=== %s: %d messages, %s\n", d.name, len(d.messages), registry(play(t, d.messages)))
				})
			}
			golden := filepath.Join("testdata", "recorded", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
				t.Errorf("what the hub knows is not what it should be (-want +got):\n%s", diff)
			}
		})
	}
}

// recordedDevice is what one device was recorded to say.
type recordedDevice struct {
	name     string
	messages []broker.Message
}

// recording reads a file of recorded messages: topic, retained, payload and device, with tabs between. Its first lines are about
// the file; every other line is a message, or the test fails.
func recording(t *testing.T, path string) []recordedDevice {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out []recordedDevice
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if strings.HasPrefix(fields[0], "# ") {
			continue
		}
		if len(fields) < 4 || broker.ValidTopic(fields[0]) != nil {
			t.Fatalf("%s: expected topic, retained, payload and device, got %.100q", path, lines.Text())
		}
		payload := fields[2]
		if !strings.HasPrefix(payload, "{") && !strings.HasPrefix(payload, "[") {
			payload = strings.ReplaceAll(payload, `\n`, "\n")
		}
		i := slices.IndexFunc(out, func(d recordedDevice) bool { return d.name == fields[3] })
		if i < 0 {
			i, out = len(out), append(out, recordedDevice{name: fields[3]})
		}
		out[i].messages = append(out[i].messages, broker.Message{Topic: fields[0], Payload: []byte(payload), QoS: 1, Retain: fields[1] == "1"})
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// play publishes messages to a hub and returns it when it has settled.
func play(t *testing.T, messages []broker.Message) *hub.Hub {
	h := newHome(t)
	all, err := app.Conventions(config.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if h.Hub, err = hub.New(h.broker.Link(), h.store, all, hub.Options{Exporter: homie.NewExporter(homie.Own)}); err != nil {
		t.Fatal(err)
	}
	h.run(h.Hub.Run)
	<-h.Started()
	publisher := h.broker.Link()
	h.run(func(ctx context.Context) error { return publisher.Run(ctx, h.reader) })
	synctest.Wait()
	again := slices.Clone(messages) // devices repeat themselves, and some are believed only then
	for i := range again {
		again[i].Payload = later(again[i])
	}
	for _, m := range slices.Concat(messages, again) {
		if err := publisher.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	h.settle(3 * time.Second)
	return h.Hub
}

// later is what a message says a while later. A transmission that rtl_433 heard at the same time would be the same one.
func later(m broker.Message) []byte {
	if !strings.HasPrefix(m.Topic, "rtl_433/") {
		return m.Payload
	}
	return bytes.Replace(m.Payload, []byte("08:38:19"), []byte("08:39:09"), 1)
}

// registry is all that a hub knows, in words.
func registry(h *hub.Hub) string {
	var b strings.Builder
	views := h.Devices()
	slices.SortFunc(views, func(a, c hub.View) int { return strings.Compare(a.ID, c.ID) })
	fmt.Fprintf(&b, "%d devices\n", len(views))
	for _, v := range views {
		fmt.Fprintf(&b, "\n%s %q (%s), %s\n", v.ID, v.Name, strings.Join(v.Conventions, ", "), v.Reach.Presence)
		about := slices.DeleteFunc([]string{v.Manufacturer, v.Model, v.Firmware}, func(s string) bool { return s == "" })
		line := func(what, text string) {
			if text != "" {
				fmt.Fprintf(&b, "  %s %s\n", what, text)
			}
		}
		line("made by", strings.Join(about, ", "))
		line("in", v.Room)
		line("via", v.Via)
		for _, c := range v.Components {
			fmt.Fprintf(&b, "  %s: %s", c.ID, c.Kind)
			if c.Name != "" {
				fmt.Fprintf(&b, " %q", c.Name)
			}
			if c.Category != "" {
				fmt.Fprintf(&b, ", %s", c.Category)
			}
			if c.Hidden {
				b.WriteString(", hidden")
			}
			b.WriteString("\n")
			for _, p := range c.Properties {
				fmt.Fprintf(&b, "    %s: %s\n", p.ID, property(v, c.ID, p))
			}
		}
		for _, f := range v.LastFaults {
			fmt.Fprintf(&b, "  fault %s: %s\n", f.Topic, f.Reason)
		}
	}
	if o := h.Overview(); len(o.Unclaimed) > 0 {
		b.WriteString("\nnot understood\n")
		for _, f := range o.Unclaimed {
			fmt.Fprintf(&b, "  %s: %s\n", f.Topic, f.Reason)
		}
	}
	return b.String()
}

// property is one property with its value, in words.
func property(v hub.View, component string, p devices.Property) string {
	words := []string{string(p.Datatype)}
	add := func(ok bool, format string, args ...any) {
		if ok {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(p.Unit != "", "%s", p.Unit)
	add(p.Class != "", "class %s", p.Class)
	add(p.Name != "", "%q", p.Name)
	add(p.Min != nil || p.Max != nil, "%s", p.Range())
	add(p.Step != 0, "step %v", p.Step)
	add(len(p.Choices) > 0, "of %s", strings.Join(p.Choices[:min(len(p.Choices), 12)], "|"))
	add(len(p.Choices) > 12, "and %d more", len(p.Choices)-12)
	add(!p.Readable, "not readable")
	add(p.Settable, "settable")
	add(p.Momentary, "momentary")
	add(p.Expires > 0, "expires %v s", p.Expires)
	text := strings.Join(words, ", ")
	if r, ok := v.Reported[component+"/"+p.ID]; ok {
		value := r.Value.String()
		if len(value) > 80 {
			value = value[:80] + "…"
		}
		text += " = " + value
	}
	return text
}
