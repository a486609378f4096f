package crosscheck_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/simulator"
)

// wantValues expects values, by their paths; an empty one stands for any.
func (h *home) wantValues(values map[string]string) {
	h.t.Helper()
	for _, path := range slices.Sorted(maps.Keys(values)) {
		want := values[path]
		if got := h.value(path); got == "" || want != "" && got != want {
			h.t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

// obeys expects that a family's house takes every value of every settable property, but for those that spared names, and that there are
// so many of them at least.
func obeys(t *testing.T, text, convention string, least int, spared func(c devices.Component, p devices.Property, path devices.Path) bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := family(t, text)
		count := h.everySettable(func(c devices.Component, p devices.Property, path devices.Path, v devices.Value) {
			if spared == nil || !spared(c, p, path) {
				h.steer(c, p, path, v)
			}
		})
		if count[convention] < least {
			t.Errorf("there are %v settable properties", count)
		}
		h.noFaults()
	})
}

// knowsSoon expects of a hub that comes to a house which has been up for long, and of the next one, that it soon knows what want expects.
func knowsSoon(t *testing.T, text string, want func(h *home)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		h.live(text)
		h.startHouse(simulator.Options{})
		h.settle(time.Minute)
		for range 2 {
			h.startHub(hub.Options{Rooms: []string{"Kitchen", "Garden"}})
			h.settle(2 * time.Second)
			want(h)
			h.hubEnd()
		}
	})
}

// losesPower takes a device's power away, expects that it is offline after a while, looks at that, and expects that it is online again soon
// after it has power.
func (h *home) losesPower(id string, gone time.Duration, look func(without devices.Reach)) {
	h.t.Helper()
	if err := h.sim.CutPower(id); err != nil {
		h.t.Fatal(err)
	}
	h.settle(gone)
	r := h.device(id).Reach
	if r.Presence != devices.Offline {
		h.t.Errorf("%s without power is %s: %s", id, r.Presence, r.Why)
	}
	if look != nil {
		look(r)
	}
	if err := h.sim.RestorePower(id); err != nil {
		h.t.Fatal(err)
	}
	h.settle(5 * time.Second)
	if r := h.device(id).Reach; r.Presence != devices.Online {
		h.t.Errorf("%s with power again is %s: %s", id, r.Presence, r.Why)
	}
}
