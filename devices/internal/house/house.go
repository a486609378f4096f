// Package house is what the tests of conventions share: a convention with what it made of what it heard. Nothing but tests calls
// it.
package house

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/internal/recorded"
)

var update = flag.Bool("update", false, "write the golden files anew")

// House is a convention with what it made of what it heard.
type House struct {
	C       hub.Convention
	Devices map[string]hub.Announced
	Values  map[string]devices.Value // device/component/property
	Reach   map[string]devices.Reach
	Faults  []string
	Refused []string
	Asked   []broker.Message
	Wanted  []string // filters, each once
	Told    int      // how often a device was announced

	t testing.TB
}

// New returns a house in which nothing was heard yet.
func New(t testing.TB, c hub.Convention) *House {
	return &House{t: t, C: c, Devices: map[string]hub.Announced{}, Values: map[string]devices.Value{}, Reach: map[string]devices.Reach{}}
}

// In has failures reported by another test, such as a part of the one that the house was made for.
func (h *House) In(t testing.TB) *House {
	h.t = t
	return h
}

// Message is a message of a topic, a blank and a payload. One that begins with "=" was kept by the broker, one with "!" is a will.
func Message(line string) broker.Message {
	line, kept := strings.CutPrefix(line, "=")
	line, will := strings.CutPrefix(line, "!")
	topic, payload, _ := strings.Cut(line, " ")
	return broker.Message{Topic: topic, Payload: []byte(payload), Retain: kept, Will: will}
}

// Messages are the messages of several lines.
func Messages(lines ...string) []broker.Message {
	out := make([]broker.Message, len(lines))
	for i, line := range lines {
		out[i] = Message(line)
	}
	return out
}

// Hear takes lines as Message reads them.
func (h *House) Hear(lines ...string) {
	h.t.Helper()
	for _, m := range Messages(lines...) {
		h.Take(m)
	}
}

// Take takes one message.
func (h *House) Take(m broker.Message) hub.Update {
	h.t.Helper()
	p := h.C.Parse(m)
	u := h.C.Apply(m, p)
	for _, key := range u.Gone {
		if _, ok := h.Devices[key]; !ok {
			h.t.Errorf("after %s %s is gone, which was never there", m.Topic, key)
		}
		delete(h.Devices, key)
	}
	for _, d := range u.Devices {
		if len(d.Sources) == 0 || d.Device.Name == "" {
			h.t.Errorf("%s announces %s without a source, or without a name: %+v", m.Topic, d.Key, d)
		}
		h.Devices[d.Key] = d
		h.Told++
	}
	for _, r := range u.Readings {
		d := h.Devices[r.Key]
		if p := d.Device.Property(r.Ref); p == nil || p.Datatype != r.Datatype() || !p.Readable && !p.Answers {
			h.t.Errorf("%s gives a reading of %s/%s of type %s, which is %+v", m.Topic, r.Key, r.Ref, r.Datatype(), p)
		}
		h.Values[r.Key+"/"+r.Ref.String()] = r.Value
	}
	for _, r := range u.Reaches {
		if _, ok := h.Devices[r.Key]; !ok {
			h.t.Errorf("%s tells presence of %s, which was not announced", m.Topic, r.Key)
		}
		h.Reach[r.Key] = r.Reach
	}
	for _, f := range u.Faults {
		h.Faults = append(h.Faults, fmt.Sprintf("%s: %s: %s", f.Key, f.Topic, f.Reason))
	}
	for _, r := range u.Refusals {
		h.Refused = append(h.Refused, fmt.Sprintf("%s/%s: %s", r.Key, r.Ref, r.Reason))
	}
	h.Asked = append(h.Asked, u.Ask...)
	for _, s := range append(slices.Clone(p.Subscribe), u.Subscribe...) {
		if err := broker.ValidFilter(s.Filter); err != nil || s.QoS > 1 {
			h.t.Errorf("%s makes it subscribe to %q at QoS %d: %v", m.Topic, s.Filter, s.QoS, err)
		}
		if !slices.Contains(h.Wanted, s.Filter) {
			h.Wanted = append(h.Wanted, s.Filter)
		}
	}
	for _, f := range u.Unsubscribe {
		if !slices.Contains(h.Wanted, f) {
			h.t.Errorf("%s makes it unsubscribe from %s, which was not subscribed", m.Topic, f)
		}
		h.Wanted = slices.DeleteFunc(h.Wanted, func(w string) bool { return w == f })
	}
	return u
}

// Tell commands a value as people type it, and returns what is published: a line of topic, blank and payload for each message, or why not.
func (h *House) Tell(key, path, text string) string {
	h.t.Helper()
	component, property, _ := strings.Cut(path, "/")
	ref := devices.Ref{Component: component, Property: property}
	d := h.Devices[key].Device
	p := d.Property(ref)
	if p == nil {
		h.t.Errorf("%s has no %s", key, path)
		return ""
	}
	v, err := p.ParseText(text)
	if err == nil {
		err = p.Check(v)
	}
	if err != nil {
		h.t.Errorf("telling %s: %v", path, err)
		return ""
	}
	messages, err := h.C.Encode(key, ref, v)
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, m := range messages {
		out = append(out, m.Topic+" "+string(m.Payload))
	}
	return strings.Join(out, "\n")
}

// Want checks values, by device/component/property; an empty text is no value.
func (h *House) Want(values map[string]string) {
	h.t.Helper()
	for _, path := range slices.Sorted(maps.Keys(values)) {
		if got := h.Values[path].String(); got != values[path] {
			h.t.Errorf("%s is %q, want %q", path, got, values[path])
		}
	}
}

// Keys are the keys of the devices, sorted.
func (h *House) Keys() []string { return slices.Sorted(maps.Keys(h.Devices)) }

// Outline is what is known of all devices, as golden files have it.
func (h *House) Outline() string {
	var b strings.Builder
	for _, key := range h.Keys() {
		h.device(&b, h.Devices[key])
	}
	for _, f := range h.Faults {
		fmt.Fprintf(&b, "fault: %s\n", f)
	}
	return b.String()
}

// Shape is what a device is, without what it said.
func (h *House) Shape(key string) string {
	a, ok := h.Devices[key]
	if !ok {
		return "no device " + key
	}
	var b strings.Builder
	new(House).device(&b, a)
	return b.String()
}

func (h *House) device(b *strings.Builder, a hub.Announced) {
	d := a.Device
	fmt.Fprintf(b, "%s: %q, ", a.Key, d.Name)
	if d.ID != "" {
		fmt.Fprintf(b, "id %s, ", d.ID)
	}
	fmt.Fprintf(b, "%s %s", d.Manufacturer, d.Model)
	if d.Firmware != "" {
		fmt.Fprintf(b, ", firmware %s", d.Firmware)
	}
	fmt.Fprintf(b, ", %v", d.Connections)
	if d.Via != "" {
		fmt.Fprintf(b, ", via %s", d.Via)
	}
	if a.Silence > 0 {
		fmt.Fprintf(b, ", silent for at most %s", a.Silence)
	}
	if r, ok := h.Reach[a.Key]; ok {
		fmt.Fprintf(b, ", %s: %s", r.Presence, r.Why)
	}
	b.WriteByte('\n')
	for _, c := range d.Components {
		fmt.Fprintf(b, "  %s: %s %q %s\n", c.ID, c.Kind, c.Name, c.Category)
		for _, p := range c.Properties {
			b.WriteString("    " + property(p))
			if v, ok := h.Values[a.Key+"/"+c.ID+"/"+p.ID]; ok {
				fmt.Fprintf(b, " = %s", v)
			}
			b.WriteByte('\n')
		}
	}
}

func property(p devices.Property) string {
	s := p.ID + ": " + string(p.Datatype)
	if p.Class != "" {
		s += " (" + p.Class + ")"
	}
	if p.Min != nil || p.Max != nil {
		s += " " + p.Range()
	} else if p.Unit != "" {
		s += " " + p.Unit
	}
	if n := len(p.Choices); n > 16 {
		s += fmt.Sprintf(" [%s, and %d more]", strings.Join(p.Choices[:16], " "), n-16)
	} else if n > 0 {
		s += " [" + strings.Join(p.Choices, " ") + "]"
	}
	if !p.Readable && !p.Momentary {
		s += " not readable"
	}
	if p.Settable {
		s += " settable"
	}
	if p.Momentary {
		s += " momentary"
	}
	return s
}

// Recorded are the messages of a file of recorded ones: topic, retained, payload, with tabs between. The test is skipped where the
// file is missing.
func Recorded(t testing.TB, name string) []broker.Message {
	t.Helper()
	return read(t, recorded.Path(t, "payloads", name))
}

// Others are all recorded messages but those of the named file.
func Others(t testing.TB, name string) []broker.Message {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(recorded.Path(t, "payloads"), "*.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var out []broker.Message
	for _, file := range files {
		if filepath.Base(file) != name {
			out = append(out, Recorded(t, filepath.Base(file))...)
		}
	}
	if len(out) == 0 {
		t.Fatalf("there are no recorded messages but those of %s", name)
	}
	return out
}

// Golden compares a text with a file under testdata, or writes that with -update.
func Golden(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}
