package crosscheck_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/simulator"
)

// A second house on the same broker that is set apart is a house of its own; when it goes, nothing of the first goes with it.
func TestTwoHousesOnOneBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		h.plan = simulator.DefaultHouse()
		h.startHub(hub.Options{})
		h.startHouse(simulator.Options{Seed: 1})
		h.settle(40 * time.Second)
		before := len(h.Devices())
		var err error
		if h.plan, err = h.plan.Apart("cottage"); err != nil {
			t.Fatal(err)
		}
		stop := h.startHouse(simulator.Options{Seed: 2})
		h.settle(40 * time.Second)
		if o := h.Overview(); o.Devices != 2*before || o.Online+o.Asleep != o.Devices || o.Faults != 0 {
			t.Errorf("%d devices in the first house, and then %+v", before, o)
		}
		stop()
		h.settle(10 * time.Second)
		for _, v := range h.Devices() {
			if cottage := strings.Contains(v.ID, "cottage") || v.ID == "all-lights-2"; cottage != (v.Reach.Presence == devices.Offline) {
				t.Errorf("after the second house has gone, %s is %s (%s)", v.ID, v.Reach.Presence, v.Reach.Why)
			}
		}
	})
}

// A second house with the same devices is seen by the hub: two clients publish as each of them.
func TestTheSameHouseTwiceIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		h.startHub(hub.Options{})
		h.startHouse(simulator.Options{Seed: 1})
		h.settle(10 * time.Second)
		before := len(h.Devices())
		h.startHouse(simulator.Options{Seed: 2})
		h.settle(time.Hour)
		told := 0
		for _, v := range h.Devices() {
			for _, f := range v.LastFaults {
				if strings.Contains(f.Reason, "both publish this, in turns") {
					told++
				}
			}
		}
		if n := len(h.Devices()); n != before || told < n/2 {
			t.Errorf("there were %d devices and are %d, of %d of which it is told", before, n, told)
		}
	})
}
