package crosscheck_test

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/remote"
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
		if root, ok := s.devices[hub.RootID]; !ok || len(root.Components) != 0 || len(s.devices) != len(h.plan.Devices)+1 {
			t.Errorf("%d devices, want %d and their root, which is %+v", len(s.devices), len(h.plan.Devices), root)
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

// Another hub, or whatever reads Homie 5, learns from the broker that this one is gone, and with it all that it spoke for.
func TestWhenTheHubDiesAllItsDevicesAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		will := homie.NewExporter(homie.Own).Will()
		connect := func() (link *remote.Link, die func()) {
			link, err := remote.New(remote.Options{
				ClientID: "hub", Will: &will, Dial: func(ctx context.Context) (net.Conn, error) { return h.broker.DialContext(ctx, "", "") },
			})
			if err != nil {
				t.Fatal(err)
			}
			here, err := hub.New(link, h.store, []hub.Convention{homie.New()}, hub.Options{Exporter: homie.NewExporter(homie.Own)})
			if err != nil {
				t.Fatal(err)
			}
			h.Hub = here
			stop := h.run(func(ctx context.Context) error {
				_ = here.Run(ctx) // it complains that the link has ended
				return nil
			})
			<-here.Started()
			return link, stop
		}
		count := func() map[devices.Presence]int {
			n := map[devices.Presence]int{}
			for id, p := range read(h.reader.all()).presence {
				if id != hub.RootID {
					n[p]++
				}
			}
			return n
		}
		want := func(when string, p devices.Presence, most bool) {
			t.Helper()
			h.settle(10 * time.Second)
			n, all := count(), len(h.Devices())
			if all < 10 || (n[p] == all) != most {
				t.Errorf("%s, of %d devices there are %v", when, all, n)
			}
		}
		link, stop := connect()
		h.startHouse(simulator.Options{})
		h.settle(10 * time.Second)
		want("while it lives", devices.Offline, false)
		link.Abandon()
		want("when its power fails", devices.Offline, true)
		stop()
		_, stop = connect()
		want("when it is back", devices.Offline, false)
		stop()
		want("when it has been stopped", devices.Offline, true)
	})
}
