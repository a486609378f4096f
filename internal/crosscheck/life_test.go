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

func TestPowerCutsAreSeenAndExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := liveHome(t, hub.Options{}, simulator.Options{})
		for _, spec := range h.plan.Devices {
			h.losesPower(spec.ID(), 3*time.Second, func(r devices.Reach) {
				if o := h.Overview(); o.Online != len(h.plan.Devices)-1 || !strings.Contains(r.Why, "without a goodbye") {
					t.Errorf("without %s (%s), %d are online", spec.ID(), r.Why, o.Online)
				}
			})
		}
	})
}

func TestACommandWaitsForPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := liveHome(t, hub.Options{}, simulator.Options{})
		for _, id := range []string{"living-room-lamp", "hall-lamp"} {
			if err := h.sim.CutPower(id); err != nil {
				t.Fatal(err)
			}
			h.settle(3 * time.Second)
			path := devices.Path{Device: id, Ref: devices.Ref{Component: "light", Property: devices.Brightness}}
			forty, err := devices.FloatValue(40)
			if err != nil {
				t.Fatal(err)
			}
			c, err := h.Send(t.Context(), hub.Request{Path: path, Value: forty, Origin: "test"})
			if err != nil || c.Status != devices.Waiting {
				t.Fatalf("%+v, %v", c, err)
			}
			h.settle(10 * time.Minute)
			if err := h.sim.RestorePower(id); err != nil {
				t.Fatal(err)
			}
			h.settle(10 * time.Second)
			if c, err = h.Command(t.Context(), c.ID); err != nil || c.Status != devices.Confirmed {
				t.Errorf("%s: %+v, %v", id, c, err)
			}
			if got := h.value(id + "/light/on"); got != "true" {
				t.Errorf("%s is on: %s", id, got)
			}
		}
	})
}

// The one link of the demo's house: the people of the house walk by, and the lamp follows.
func TestTheHallLampFollowsTheMotionInTheHall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := func(s string) devices.Path {
			p, err := devices.ParsePath(s)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		from, to := path("motion-hall/motion/occupancy"), path("hall-lamp/light/on")
		h := liveHome(t, hub.Options{Follows: []hub.Follow{{From: from, To: to}}}, simulator.Options{Speed: 20, Start: noon.Add(-6 * time.Hour)})
		last, steady := "", 0
		for range 360 { // two hours of a morning
			h.settle(time.Second)
			motion := h.value(from.String())
			if steady++; motion != last {
				last, steady = motion, 0
			}
			if lamp := h.value(to.String()); steady > 2 && lamp != motion {
				t.Fatalf("at %s there is motion: %s, the lamp is on: %s", h.sim.Now(), motion, lamp)
			}
		}
		commands, err := h.Commands(t.Context(), to.Device, 1000)
		if err != nil || len(commands) < 4 {
			t.Fatalf("%d commands in two hours, %v", len(commands), err)
		}
		for _, c := range commands {
			if c.Origin != "link "+from.String() || c.Status != devices.Confirmed {
				t.Errorf("%+v", c)
			}
		}
	})
}
