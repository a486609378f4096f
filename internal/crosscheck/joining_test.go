package crosscheck_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/simulator"
)

// has are the kinds that a device of the simulator must have for the hub, whatever it speaks.
var has = map[string][]devices.Kind{
	simulator.KindLight:      {devices.Light},
	simulator.KindThermostat: {devices.Climate},
	simulator.KindPlug:       {devices.Switch, devices.Sensor},
	simulator.KindClimate:    {devices.Sensor},
	simulator.KindMotion:     {devices.BinarySensor},
	simulator.KindContact:    {devices.BinarySensor},
	simulator.KindCover:      {devices.Cover},
	simulator.KindLock:       {devices.Lock},
	simulator.KindFan:        {devices.Fan},
}

func TestEveryDeviceOfTheHouseJoins(t *testing.T) {
	for _, speed := range []float64{1, 60} {
		t.Run(fmt.Sprintf("at %v times the speed of life", speed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := liveHome(t, hub.Options{}, simulator.Options{Speed: speed})
				h.settle(time.Minute)
				if n := len(h.Devices()); n != len(h.plan.Devices) {
					t.Errorf("%d devices joined, want %d", n, len(h.plan.Devices))
				}
				for _, spec := range h.plan.Devices {
					h.wantDevice(spec)
				}
				if o := h.Overview(); o.Faults != 0 || o.Online != o.Devices {
					t.Errorf("%d of %d devices are online, with %d faults: %+v", o.Online, o.Devices, o.Faults, o.Unclaimed)
				}
			})
		})
	}
}

// The house that is built in has devices of every family; a bridge and a group join with those of Zigbee.
func TestTheHouseWithEveryFamilyJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		h.plan = simulator.DefaultHouse()
		h.startHub(hub.Options{})
		h.startHouse(simulator.Options{})
		h.settle(40 * time.Second)
		if n := len(h.Devices()); n != len(h.plan.Devices)+2 {
			t.Errorf("%d devices joined, want %d, a bridge and a group", n, len(h.plan.Devices))
		}
		for _, spec := range h.plan.Devices {
			v, err := h.Device(spec.ID())
			if err != nil {
				t.Error(err)
				continue
			}
			if v.Name != spec.Name || v.Room != spec.Room || v.Faults != 0 || v.Reach.Presence != devices.Online {
				t.Errorf("%s is called %q, is in %q, is %s (%s), with the faults %+v; want %+v", v.ID, v.Name, v.Room, v.Reach.Presence,
					v.Reach.Why, v.LastFaults, spec)
			}
		}
		if o := h.Overview(); o.Faults != 0 {
			t.Errorf("there are %d faults: %+v", o.Faults, o.Unclaimed)
		}
	})
}

func TestALargeHouseJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		var err error
		if h.plan, err = h.plan.Resize(150); err != nil {
			t.Fatal(err)
		}
		h.startHub(hub.Options{})
		h.startHouse(simulator.Options{Seed: 3})
		h.settle(10 * time.Second)
		if n := len(h.Devices()); n != 150 {
			t.Errorf("%d devices joined", n)
		}
		for _, spec := range h.plan.Devices {
			h.wantDevice(spec)
		}
	})
}

func (h *home) wantDevice(spec simulator.DeviceSpec) {
	h.t.Helper()
	v, err := h.Device(spec.ID())
	if err != nil {
		h.t.Error(err)
		return
	}
	if v.Name != spec.Name || v.Room != spec.Room || v.Convention != spec.Speaks {
		h.t.Errorf("%s is called %q, is in %q and speaks %s, want %+v", v.ID, v.Name, v.Room, v.Convention, spec)
	}
	if v.Faults != 0 {
		h.t.Errorf("%s has %d faults: %+v", v.ID, v.Faults, v.LastFaults)
	}
	if v.Reach.Presence != devices.Online {
		h.t.Errorf("%s is %s: %s", v.ID, v.Reach.Presence, v.Reach.Why)
	}
	for _, kind := range has[spec.Kind] {
		if !slices.ContainsFunc(v.Components, func(c devices.Component) bool { return c.Kind == kind }) {
			h.t.Errorf("%s has no %s: %+v", v.ID, kind, v.Components)
		}
	}
	properties(v.Device, func(c devices.Component, p devices.Property, path devices.Path) {
		if p.Datatype == devices.Color && v.Component(path.Component).Property(devices.ColorTemperature) != nil {
			return // a lamp that shines white has no color
		}
		if c.Kind == devices.Update {
			return // not every device has one
		}
		if _, ok := v.Reported[path.Ref.String()]; p.Confirmable() && !ok {
			h.t.Errorf("%s has no value", path)
		}
	})
}

func TestTheSameSeedGivesTheSameNames(t *testing.T) {
	names := func() (list []string) {
		synctest.Test(t, func(t *testing.T) {
			h := liveHome(t, hub.Options{}, simulator.Options{Seed: 7})
			for _, v := range h.Devices() {
				properties(v.Device, func(c devices.Component, p devices.Property, path devices.Path) {
					list = append(list, strings.Join([]string{v.Room, v.Name, c.Name, string(c.Kind), p.Name, string(p.Datatype), path.String()}, " | "))
				})
			}
		})
		return list
	}
	first := names()
	if len(first) < 100 {
		t.Errorf("only %d properties", len(first))
	}
	if diff := cmp.Diff(first, names()); diff != "" {
		t.Error(diff)
	}
}

// A hub that starts in a house that has been up for long gets everything, too: what is not retained it asks for.
func TestAHubThatComesLateKnowsEverythingSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		h.startHouse(simulator.Options{})
		h.settle(time.Minute)
		for _, life := range []string{"first", "second"} {
			h.startHub(hub.Options{})
			h.settle(2 * time.Second)
			for _, spec := range h.plan.Devices {
				h.wantDevice(spec)
			}
			if t.Failed() {
				t.Fatalf("in its %s life", life)
			}
			h.hubEnd()
		}
	})
}
