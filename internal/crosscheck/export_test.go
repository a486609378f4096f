package crosscheck_test

import (
	"maps"
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
	"home.arpa/homehub/simulator"
)

// seen is a house as a reader of Homie 5 sees it.
type seen struct {
	devices  map[string]devices.Device
	values   map[string]devices.Value
	presence map[string]devices.Presence
	faults   []hub.Fault
}

// read reads retained messages as another hub would, under another domain, since a hub does not read its own.
func read(retained map[string]string) seen {
	s := seen{map[string]devices.Device{}, map[string]devices.Value{}, map[string]devices.Presence{}, nil}
	c := homie.New()
	hear := func(topics func(topic string) bool) {
		for _, topic := range slices.Sorted(maps.Keys(retained)) {
			if !topics(topic) {
				continue
			}
			m := broker.Message{Topic: "copy" + strings.TrimPrefix(topic, homie.Own), Payload: []byte(retained[topic]), Retain: true}
			u := c.Apply(m, c.Parse(m))
			for _, a := range u.Devices {
				s.devices[a.Device.ID] = a.Device
			}
			id := func(key string) string { return strings.TrimPrefix(key, "copy/") }
			for _, r := range u.Readings {
				s.values[id(r.Key)+"/"+r.Ref.String()] = r.Value
			}
			for _, r := range u.Reaches {
				s.presence[id(r.Key)] = r.Presence
			}
			s.faults = append(s.faults, u.Faults...)
		}
	}
	// The broker replays by subscription: states and descriptions first, then what these made known.
	about := func(topic string) bool {
		return strings.HasSuffix(topic, "/$state") || strings.HasSuffix(topic, "/$description")
	}
	hear(about)
	hear(func(topic string) bool { return !about(topic) })
	return s
}

// plain leaves out of a device what Homie has no word for.
func plain(d devices.Device) devices.Device {
	d = devices.Device{ID: d.ID, Name: d.Name, Room: d.Room, Model: d.Model, Components: d.Clone().Components}
	for i := range d.Components {
		d.Components[i].Category = ""
		for j := range d.Components[i].Properties {
			p := &d.Components[i].Properties[j]
			p.Class, p.Wanted = "", nil
			p.Readable = true
		}
	}
	return d
}

func TestTheExportReadBackIsTheSameHouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := liveHome(t, hub.Options{}, simulator.Options{})
		if err := h.sim.CutPower("hall-lamp"); err != nil {
			t.Fatal(err)
		}
		h.settle(time.Minute)
		s := read(h.reader.all())
		for _, f := range s.faults {
			t.Errorf("fault at %s: %s", f.Topic, f.Reason)
		}
		if len(s.devices) != len(h.plan.Devices) {
			t.Errorf("%d devices, want %d", len(s.devices), len(h.plan.Devices))
		}
		for _, v := range h.Devices() {
			if diff := cmp.Diff(plain(v.Device), plain(s.devices[v.ID])); diff != "" {
				t.Errorf("%s (-hub +read back):\n%s", v.ID, diff)
			}
			if got := s.presence[v.ID]; got != v.Reach.Presence {
				t.Errorf("%s is %s, read back %s", v.ID, v.Reach.Presence, got)
			}
			properties(v.Device, func(_ devices.Component, p devices.Property, path devices.Path) {
				want, ok := v.Reported[path.Ref.String()]
				if got := s.values[path.String()]; ok && got != want.Value {
					t.Errorf("%s is %s, read back %s", path, want.Value, got)
				} else if !ok && !got.IsZero() {
					t.Errorf("%s has no value, read back %s", path, got)
				}
			})
		}
	})
}
