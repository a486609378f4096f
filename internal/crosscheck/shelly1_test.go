package crosscheck_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/devices"
)

// shelly1House has every kind of device that exists as a Shelly of the first generation, and people's ways of setting them up.
// What such a device is called is its id.
const shelly1House = `
name: Test
rooms:
  - {name: Kitchen, use: kitchen}
devices:
  - {name: Kitchen plug, room: Kitchen, kind: plug, speaks: shelly1, load: fridge}
  - {name: Kitchen strip, room: Kitchen, kind: plug, speaks: shelly1, load: television, outlets: 4, shelly: {id: kitchen/strip}}
  - {name: Kitchen meter, room: Kitchen, kind: plug, speaks: shelly1, load: freezer, shelly: {clamp: true}}
  - {name: Kitchen dimmer, room: Kitchen, kind: light, speaks: shelly1, can: [brightness]}
  - {name: Kitchen duo, room: Kitchen, kind: light, speaks: shelly1, can: [brightness, temperature]}
  - {name: Kitchen strip light, room: Kitchen, kind: light, speaks: shelly1, can: [brightness, color]}
  - {name: Kitchen bulb, room: Kitchen, kind: light, speaks: shelly1, can: [brightness, temperature, color]}
  - {name: Kitchen shutter, room: Kitchen, kind: cover, speaks: shelly1}
  - {name: Kitchen blind, room: Kitchen, kind: cover, speaks: shelly1, shelly: {uncalibrated: true}}
  - {name: Kitchen valve, room: Kitchen, kind: thermostat, speaks: shelly1}
  - {name: Kitchen motion, room: Kitchen, kind: motion sensor, speaks: shelly1}
  - {name: Kitchen window, room: Kitchen, kind: contact, speaks: shelly1, opening: window}
  - {name: Kitchen remote, room: Kitchen, kind: remote, speaks: shelly1}
`

func (h *home) wantShellies1() {
	h.t.Helper()
	for _, spec := range h.plan.Devices {
		v, err := h.Device(spec.ID())
		if err != nil {
			h.t.Error(err)
			continue
		}
		if v.Convention != "shelly" || v.Reach.Presence != devices.Online || v.Faults != 0 {
			h.t.Errorf("%s speaks %s and is %s (%s), with %d faults: %+v", v.ID, v.Convention, v.Reach.Presence, v.Reach.Why, v.Faults, v.LastFaults)
		}
		for _, kind := range has[spec.Kind] {
			if !slices.ContainsFunc(v.Components, func(c devices.Component) bool { return c.Kind == kind }) {
				h.t.Errorf("%s has no %s: %+v", v.ID, kind, v.Components)
			}
		}
	}
	if n := len(h.Devices()); n != len(h.plan.Devices) {
		h.t.Errorf("%d devices joined", n)
	}
}

func TestAHouseWithShelliesOfTheFirstGenerationJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := family(t, shelly1House)
		h.wantShellies1()
		h.noFaults()
		h.wantValues(map[string]string{
			"kitchen-plug/relay-0/energy": "", "kitchen-strip/relay-3/on": "false", "kitchen-meter/emeter-0/energy": "",
			"kitchen-shutter/roller-0/position": "", "kitchen-valve/thermostat/target-temperature": "21", "kitchen-window/opening/opening": "false",
		})
	})
}

func TestAHouseWithShelliesOfTheFirstGenerationObeys(t *testing.T) {
	obeys(t, shelly1House, "shelly", 25, func(c devices.Component, p devices.Property, path devices.Path) bool {
		return c.Kind == devices.Update || p.ID == devices.Effect || // there is no update, and the lamp knows no effects
			path.Device == "kitchen-blind" && p.ID == devices.State // whether it got there nobody can know, since it only says "stop"
	})
}

func TestAHubThatComesLateToShelliesOfTheFirstGenerationKnowsEverythingSoon(t *testing.T) {
	knowsSoon(t, shelly1House, (*home).wantShellies1)
}
