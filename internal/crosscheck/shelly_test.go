package crosscheck_test

import (
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/simulator"
)

// shellyHouse has every kind of device that exists as a Shelly of the second generation, and people's ways of setting them up.
const shellyHouse = `
name: Test
rooms:
  - {name: Kitchen, use: kitchen}
devices:
  - {name: Kitchen plug, room: Kitchen, kind: plug, speaks: shelly, load: fridge}
  - {name: Kitchen strip, room: Kitchen, kind: plug, speaks: shelly, load: television, outlets: 4, shelly: {prefix: home/kitchen/strip, status: true}}
  - {name: Kitchen dimmer, room: Kitchen, kind: light, speaks: shelly, can: [brightness]}
  - {name: Kitchen duo, room: Kitchen, kind: light, speaks: shelly, can: [temperature]}
  - {name: Kitchen rgb, room: Kitchen, kind: light, speaks: shelly, can: [color], shelly: {prefix: my light}}
  - {name: Kitchen rgbw, room: Kitchen, kind: light, speaks: shelly, can: [brightness, color], shelly: {light: rgbw}}
  - {name: Kitchen bulb, room: Kitchen, kind: light, speaks: shelly, can: [brightness, temperature, color], shelly: {status: true}}
  - {name: Kitchen shutter, room: Kitchen, kind: cover, speaks: shelly}
  - {name: Kitchen blind, room: Kitchen, kind: cover, speaks: shelly, shelly: {uncalibrated: true}}
  - {name: Kitchen thermostat, room: Kitchen, kind: thermostat, speaks: shelly}
  - {name: Kitchen climate, room: Kitchen, kind: climate sensor, speaks: shelly}
  - {name: Kitchen presence, room: Kitchen, kind: motion sensor, speaks: shelly}
  - {name: Kitchen window, room: Kitchen, kind: contact, speaks: shelly, opening: window}
  - {name: Kitchen remote, room: Kitchen, kind: remote, speaks: shelly}
`

func TestAHouseWithShelliesJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := family(t, shellyHouse)
		h.wantHouse()
		h.noFaults()
		h.wantValues(map[string]string{
			"kitchen-plug/switch-0/energy": "", "kitchen-strip/switch-3/on": "false", "kitchen-shutter/cover-0/position": "",
			"kitchen-thermostat/thermostat-0/target-temperature": "", "kitchen-climate/temperature-0/temperature": "",
			"kitchen-presence/presencezone-200/occupancy": "false", "kitchen-window/input-0/input": "false",
		})
		blind := h.device("kitchen-blind")
		if c := blind.Component("cover-0"); c == nil || c.Property(devices.Position) != nil {
			t.Errorf("a cover that is not calibrated has a position: %+v", c)
		}
	})
}

func TestAHouseWithShelliesObeys(t *testing.T) {
	obeys(t, shellyHouse, "shelly", 30, func(c devices.Component, _ devices.Property, _ devices.Path) bool {
		return c.Kind == devices.Update || c.ID == "restart" // there is no update, and who restarts does nothing else meanwhile
	})
}

// A hub that has never seen a house finds its Shellies, though none of them has anything to tell.
func TestAHubThatIsNewToAHouseFindsItsShellies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		h.live(shellyHouse)
		h.startHouse(simulator.Options{})
		h.settle(time.Hour)
		h.startHub(hub.Options{Rooms: []string{"Kitchen"}})
		h.settle(5 * time.Second)
		h.wantHouse()
		h.noFaults()
	})
}

func TestAHubThatComesBackToShelliesKnowsEverythingSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := family(t, shellyHouse)
		for range 2 {
			h.hubEnd()
			h.settle(time.Minute)
			h.startHub(hub.Options{Rooms: []string{"Kitchen"}})
			h.settle(2 * time.Second)
			h.wantHouse()
		}
	})
}
