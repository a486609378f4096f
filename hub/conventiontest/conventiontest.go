// Package conventiontest is the conformance suite of hub.Convention: what the hub relies on, whatever language the devices
// speak. The tests of each convention call Run; nothing else does.
package conventiontest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Setup is what Run needs of a convention.
type Setup struct {
	// New returns a convention that has seen nothing yet.
	New func() hub.Convention
	// House is what a broker delivers from a house: announcements, presence and values of a few devices, at least one
	// of them with a property that can be set. Nothing in it may be wrong.
	House []broker.Message
	// Mute says that devices of the kind take no commands, so that nothing in the house can be set.
	Mute bool
}

// Run holds the convention against its contract.
func Run(t *testing.T, s Setup) {
	t.Run("its name is short and its filters are valid", s.names)
	t.Run("its greeting can be published, and is nothing that it takes for a device's word", s.greeting)
	t.Run("a house is understood", s.house)
	t.Run("the sources of a device announce it again", s.sources)
	t.Run("a settable property can be told each legal value", s.encode)
	t.Run("what is not known cannot be told", s.unknown)
	t.Run("a forgotten device is forgotten until it announces itself again", s.forget)
	t.Run("Parse may be called by several goroutines while Apply is at work", s.concurrent)
	t.Run("no bytes whatever make it panic or talk nonsense", s.nonsense)
}

func (s Setup) names(t *testing.T) {
	c := s.New()
	if n := c.Name(); n == "" || n != strings.ToLower(n) || strings.ContainsAny(n, " /") {
		t.Errorf("the name %q is not a short lower-case word", n)
	}
	if len(c.Filters()) == 0 {
		t.Error("it asks for nothing, so it finds nothing")
	}
	for _, f := range c.Filters() {
		if err := broker.ValidFilter(f.Filter); err != nil || f.QoS > 2 {
			t.Errorf("subscription %v: %v", f, err)
		}
	}
}

func (s Setup) greeting(t *testing.T) {
	h := s.hearAll(t)
	for _, m := range h.Greet() {
		if err := broker.ValidTopic(m.Topic); err != nil || m.Retain || m.QoS > 2 {
			t.Errorf("greeting %s: %v, retain %v, QoS %d", m.Topic, err, m.Retain, m.QoS)
		}
		if diff := cmp.Diff(hub.Update{}, h.Apply(m, h.Parse(m))); diff != "" {
			t.Errorf("the convention hears its own greeting: %s", diff)
		}
	}
}

// home is a convention with the devices that it announced.
type home struct {
	hub.Convention
	devices  map[string]devices.Device
	sources  map[string][]broker.Message
	readings int
	faults   []hub.Fault
}

func (s Setup) home() *home {
	return &home{Convention: s.New(), devices: map[string]devices.Device{}, sources: map[string][]broker.Message{}}
}

// hear lets the convention hear a message, and checks what it makes of it.
func (h *home) hear(t *testing.T, m broker.Message) {
	t.Helper()
	p := h.Parse(m)
	for _, f := range p.Subscribe {
		if err := broker.ValidFilter(f.Filter); err != nil || f.QoS > 2 {
			t.Errorf("after %s it wants subscription %v: %v", m.Topic, f, err)
		}
	}
	u := h.Apply(m, p)
	for _, a := range u.Devices {
		if a.Key == "" {
			t.Errorf("after %s a device is announced without a key", m.Topic)
		}
		wellFormed(t, a.Device)
		h.devices[a.Key], h.sources[a.Key] = a.Device, a.Sources
	}
	for _, r := range u.Readings {
		h.readings++
		h.checkValue(t, m, r, false)
	}
	for _, r := range u.Targets {
		h.checkValue(t, m, r, true)
	}
	for _, r := range u.Reaches {
		if _, ok := h.devices[r.Key]; !ok {
			t.Errorf("after %s there is presence of %q, which was not announced", m.Topic, r.Key)
		}
		if !slices.Contains([]devices.Presence{devices.Unknown, devices.Online, devices.Offline, devices.Starting, devices.Asleep, devices.Late}, r.Presence) || r.Why == "" {
			t.Errorf("after %s the presence of %s is %q because %q", m.Topic, r.Key, r.Presence, r.Why)
		}
	}
	for _, f := range u.Faults {
		if f.Topic == "" || f.Reason == "" {
			t.Errorf("after %s there is a fault without topic or reason: %+v", m.Topic, f)
		}
	}
	h.faults = append(h.faults, u.Faults...)
	for _, key := range u.Gone {
		delete(h.devices, key)
	}
}

func (h *home) checkValue(t *testing.T, m broker.Message, r hub.Reported, target bool) {
	t.Helper()
	d := h.devices[r.Key]
	p := d.Property(r.Ref)
	switch {
	case p == nil:
		t.Errorf("after %s there is a value of %s %s, which was not announced", m.Topic, r.Key, r.Ref)
	case target && r.Value.IsZero(): // the target was taken back
	case r.Value.Datatype() != p.Datatype:
		t.Errorf("after %s the value %v of %s %s is a %q, not a %q", m.Topic, r.Value, r.Key, r.Ref, r.Value.Datatype(), p.Datatype)
	}
}

func wellFormed(t *testing.T, d devices.Device) {
	t.Helper()
	if d.Name == "" {
		t.Errorf("device %q has no name", d.ID)
	}
	sorted := d.Clone()
	sorted.Sort()
	if diff := cmp.Diff(sorted, d, cmp.Comparer(func(a, b devices.Value) bool { return a == b })); diff != "" {
		t.Errorf("device %s is not sorted: %s", d.Name, diff)
	}
	seen := map[string]bool{}
	unique := func(where, id string) {
		if !isSlug(id) || seen[where+id] {
			t.Errorf("%s%s is no slug or is there twice", where, id)
		}
		seen[where+id] = true
	}
	for _, c := range d.Components {
		unique("component ", c.ID)
		if c.Kind == "" {
			t.Errorf("component %s has no kind", c.ID)
		}
		for _, p := range c.Properties {
			unique("property "+c.ID+"/", p.ID)
			if p.Datatype == "" || !p.Readable && !p.Settable {
				t.Errorf("property %s/%s has datatype %q and can be neither read nor set, or has none", c.ID, p.ID, p.Datatype)
			}
			if p.Min != nil && p.Max != nil && *p.Min > *p.Max || p.Step < 0 {
				t.Errorf("property %s/%s takes %s in steps of %v", c.ID, p.ID, p.Range(), p.Step)
			}
		}
	}
}

func isSlug(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (s Setup) hearAll(t *testing.T) *home {
	t.Helper()
	h := s.home()
	for _, m := range s.House {
		h.hear(t, m)
	}
	return h
}

func (s Setup) house(t *testing.T) {
	h := s.hearAll(t)
	if len(h.devices) == 0 || h.readings == 0 {
		t.Fatalf("it announced %d devices and reported %d values", len(h.devices), h.readings)
	}
	for _, f := range h.faults {
		t.Errorf("fault at %s: %s", f.Topic, f.Reason)
	}
	for key := range h.devices {
		if len(h.sources[key]) == 0 {
			t.Errorf("device %s has no sources, so it is lost when the hub starts anew", key)
		}
	}
}

func (s Setup) sources(t *testing.T) {
	first, second := s.hearAll(t), s.home()
	for key := range first.devices {
		for _, m := range first.sources[key] {
			second.hear(t, m)
		}
	}
	if diff := cmp.Diff(first.devices, second.devices); diff != "" {
		t.Error(diff)
	}
}

// legal are values that Property.Check accepts.
func legal(p devices.Property) []devices.Value {
	var vs []devices.Value
	add := func(v devices.Value, err error) {
		if err == nil && p.Check(v) == nil {
			vs = append(vs, v)
		}
	}
	switch p.Datatype {
	case devices.Bool:
		add(devices.BoolValue(true), nil)
		add(devices.BoolValue(false), nil)
		if p.Momentary {
			vs = vs[:1]
		}
	case devices.Int, devices.Float:
		numbers := []float64{-1, 0, 1, 20, 21.5, 42, 1000, 2700}
		if p.Min != nil {
			numbers = append(numbers, *p.Min)
		}
		if p.Max != nil {
			numbers = append(numbers, *p.Max)
		}
		for _, f := range numbers {
			if p.Datatype == devices.Int {
				add(devices.IntValue(int64(f)), nil)
			} else {
				add(devices.FloatValue(f))
			}
		}
	case devices.Enum:
		for _, c := range p.Choices {
			add(devices.EnumValue(c), nil)
		}
	case devices.Color:
		add(devices.ColorValue(0, 0))
		add(devices.ColorValue(359.9, 100))
	case devices.JSON:
		add(devices.JSONValue(`{"a":[1]}`))
	default:
		add(devices.TextValue("2026-01-31T18:30:00Z"), nil) // a text everywhere, and a time where that is wanted
	}
	return vs
}

func (s Setup) encode(t *testing.T) {
	h := s.hearAll(t)
	told := 0
	for key, d := range h.devices {
		for _, c := range d.Components {
			for _, p := range c.Properties {
				if !p.Settable {
					continue
				}
				ref := devices.Ref{Component: c.ID, Property: p.ID}
				values := legal(p)
				if len(values) == 0 {
					t.Errorf("%s %s can be set to nothing: %s", key, ref, p.Range())
				}
				for _, v := range values {
					messages, err := h.Encode(key, ref, v)
					if err != nil || messages == nil || len(messages) == 0 && p.Readable { // what is reported has to be told
						t.Errorf("telling %s %s = %v gives %d messages, %v", key, ref, v, len(messages), err)
					}
					for _, m := range messages {
						if err := broker.ValidTopic(m.Topic); err != nil || m.Retain || m.QoS > 2 {
							t.Errorf("telling %s %s = %v: topic %v, retain %v, QoS %d", key, ref, v, err, m.Retain, m.QoS)
						}
						told++
					}
				}
			}
		}
	}
	if (told == 0) != s.Mute {
		t.Errorf("%d commands were made for the house, and it is mute: %v", told, s.Mute)
	}
}

func (s Setup) unknown(t *testing.T) {
	h := s.hearAll(t)
	if m, err := h.Encode("no such key", devices.Ref{Component: "a", Property: "b"}, devices.BoolValue(true)); err == nil {
		t.Errorf("telling an unknown device gives %v", m)
	}
	for key := range h.devices {
		if m, err := h.Encode(key, devices.Ref{Component: "no-such", Property: "thing"}, devices.BoolValue(true)); err == nil {
			t.Errorf("telling an unknown property gives %v", m)
		}
	}
	if f := h.Topics("no such key"); len(f) > 0 {
		t.Errorf("an unknown device has the topics %q", f)
	}
	if f := h.Forget("no such key"); len(f) > 0 {
		t.Errorf("forgetting an unknown device makes %q unneeded", f)
	}
}

func (s Setup) forget(t *testing.T) {
	h := s.hearAll(t)
	before := h.devices
	for key, d := range before {
		for _, f := range h.Topics(key) {
			if err := broker.ValidFilter(f); err != nil || strings.HasPrefix(f, "+") || strings.HasPrefix(f, "#") {
				t.Errorf("%s would have %q cleared: %v", key, f, err)
			}
		}
		for _, f := range h.Forget(key) {
			if err := broker.ValidFilter(f); err != nil {
				t.Error(err)
			}
		}
		for _, c := range d.Components {
			for _, p := range c.Properties {
				if vs := legal(p); p.Settable && len(vs) > 0 {
					if _, err := h.Encode(key, devices.Ref{Component: c.ID, Property: p.ID}, vs[0]); err == nil {
						t.Errorf("%s is forgotten, and yet %s can be told", key, p.ID)
					}
				}
			}
		}
	}
	h.devices = map[string]devices.Device{}
	for _, m := range s.House {
		h.hear(t, m)
	}
	if diff := cmp.Diff(before, h.devices); diff != "" {
		t.Errorf("after forgetting and hearing all again: %s", diff)
	}
}

func (s Setup) concurrent(t *testing.T) {
	h := s.home()
	var others sync.WaitGroup
	for range 3 {
		others.Go(func() {
			for range 5 {
				for _, m := range s.House {
					h.Parse(m)
				}
				h.Filters()
			}
		})
	}
	for range 5 {
		for _, m := range s.House {
			h.hear(t, m)
		}
	}
	others.Wait()
}

func (s Setup) nonsense(t *testing.T) {
	h := s.home()
	rnd := rand.New(rand.NewPCG(7, 11))
	var topics []string
	for _, m := range s.House {
		topics = append(topics, m.Topic)
	}
	for round := range 3000 {
		m := s.House[rnd.IntN(len(s.House))]
		m.Payload = Spoil(rnd, m.Payload)
		m.Retain = rnd.IntN(2) == 0
		if rnd.IntN(4) == 0 {
			m.Topic = topics[rnd.IntN(len(topics))]
		}
		if rnd.IntN(50) == 0 {
			m.Payload = nil
		}
		func() {
			defer func() {
				if r := recover(); r != nil {
					t.Fatalf("round %d: %s with %q makes it panic: %v", round, m.Topic, m.Payload, r)
				}
			}()
			h.hear(t, m)
		}()
		if t.Failed() {
			t.Fatalf("round %d, after %s with %q", round, m.Topic, m.Payload)
		}
	}
}

// Spoil returns a copy of a payload with one thing wrong, or with nothing wrong once in a while.
func Spoil(rnd *rand.Rand, payload []byte) []byte {
	p := slices.Clone(payload)
	if len(p) == 0 {
		return p
	}
	at := rnd.IntN(len(p))
	switch rnd.IntN(6) {
	case 0:
		return p[:at]
	case 1:
		p[at] = byte(rnd.IntN(256))
	case 2:
		return slices.Insert(p, at, []byte(fmt.Sprint(rnd.Int64()-1<<62))...)
	case 3:
		words := []string{"null", `""`, "[]", "{}", "-1", "1e999", "true", "\x00", "nan", `"+/#"`}
		return slices.Insert(p, at, []byte(words[rnd.IntN(len(words))])...)
	case 4:
		end := min(len(p), at+1+rnd.IntN(20))
		return slices.Delete(p, at, end)
	}
	return p
}
