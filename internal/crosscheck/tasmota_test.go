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

// tasmotaHouse has every kind of device that exists with Tasmota, and people's ways of setting them up.
const tasmotaHouse = `
name: Test
rooms:
  - {name: Kitchen, use: kitchen}
  - {name: Garden, use: garden}
devices:
  - {name: Kitchen plug, room: Kitchen, kind: plug, speaks: tasmota, load: fridge}
  - {name: Kitchen strip, room: Kitchen, kind: plug, speaks: tasmota, load: television, outlets: 3, tasmota: {topic: strip, full_topic: "%topic%/%prefix%/"}}
  - {name: Kitchen relay, room: Kitchen, kind: light, speaks: tasmota, tasmota: {topic: house/relay, prefixes: [do, did, says], states: [aus, an, um, halt]}}
  - {name: Kitchen dimmer, room: Kitchen, kind: light, speaks: tasmota, can: [brightness], tasmota: {topic: dimmer, options: [4, 20]}}
  - {name: Kitchen white, room: Kitchen, kind: light, speaks: tasmota, can: [temperature], tasmota: {full_topic: "home/%hostname%/%prefix%/%topic%/"}}
  - {name: Kitchen rgb, room: Kitchen, kind: light, speaks: tasmota, can: [color], tasmota: {options: [17, 20]}}
  - {name: Kitchen rgbw, room: Kitchen, kind: light, speaks: tasmota, can: [brightness, color], tasmota: {light: rgbw, full_topic: "%prefix%/%id%/%topic%/"}}
  - {name: Kitchen bulb, room: Kitchen, kind: light, speaks: tasmota, can: [brightness, temperature, color]}
  - {name: Kitchen shutter, room: Kitchen, kind: cover, speaks: tasmota}
  - {name: Kitchen fan, room: Kitchen, kind: fan, speaks: tasmota}
  - {name: Kitchen climate, room: Kitchen, kind: climate sensor, speaks: tasmota, tasmota: {options: [8]}}
  - {name: Garden weather, room: Garden, kind: climate sensor, speaks: tasmota, tasmota: {options: [24, 139]}}
  - {name: Kitchen motion, room: Kitchen, kind: motion sensor, speaks: tasmota}
  - {name: Kitchen window, room: Kitchen, kind: contact, speaks: tasmota, opening: window}
  - {name: Kitchen heater, room: Kitchen, kind: plug, speaks: tasmota, load: kettle, tasmota: {options: [19], telemetry: 10s}}
  - {name: Kitchen remote, room: Kitchen, kind: remote, speaks: tasmota}
`

// family is a home with a house of its own, in which everything runs and has settled.
func family(t *testing.T, text string) *home {
	t.Helper()
	h := newHome(t)
	h.live(text)
	h.startHub(hub.Options{Rooms: []string{"Kitchen", "Garden"}})
	h.startHouse(simulator.Options{})
	h.settle(15 * time.Second)
	return h
}

func (h *home) live(text string) {
	h.t.Helper()
	var err error
	if h.plan, err = simulator.ParseHouse("house.yaml", []byte(text)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) noFaults() {
	h.t.Helper()
	for _, v := range h.Devices() {
		if v.Faults != 0 {
			h.t.Errorf("%s has %d faults: %+v", v.ID, v.Faults, v.LastFaults)
		}
	}
	if o := h.Overview(); o.Faults != 0 || o.Pending != 0 {
		h.t.Errorf("%d faults, %d pending: %+v", o.Faults, o.Pending, o.Unclaimed)
	}
}

func (h *home) wantHouse() {
	h.t.Helper()
	if n := len(h.Devices()); n != len(h.plan.Devices) {
		var ids []string
		for _, v := range h.Devices() {
			ids = append(ids, v.ID)
		}
		h.t.Errorf("%d devices joined, want %d: %q", n, len(h.plan.Devices), ids)
	}
	for _, spec := range h.plan.Devices {
		h.wantDevice(spec)
	}
}

func TestAHouseWithTasmotaJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := family(t, tasmotaHouse)
		h.wantHouse()
		h.noFaults()
		h.wantValues(map[string]string{
			"kitchen-plug/energy/energy": "", "kitchen-climate/si7021/temperature": "", "garden-weather/bme280/pressure": "",
			"kitchen-motion/switch-1/on": "", "kitchen-strip/relay-3/on": "false",
		})
	})
}

func TestAHouseWithTasmotaObeys(t *testing.T) { obeys(t, tasmotaHouse, "tasmota", 25, nil) }

func TestAHubThatComesLateToTasmotaKnowsEverythingSoon(t *testing.T) {
	knowsSoon(t, tasmotaHouse, (*home).wantHouse)
}

func TestPowerCutsOfAFamilyAreSeen(t *testing.T) {
	for name, text := range map[string]string{"tasmota": tasmotaHouse, "shelly": shellyHouse, "shelly1": shelly1House} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := family(t, text)
				for _, spec := range h.plan.Devices {
					if spec.Sleeps > 0 || spec.Speaks == simulator.Shelly1 && spec.Kind == simulator.KindContact {
						continue // who sleeps is not missed
					}
					h.losesPower(spec.ID(), 3*time.Second, func(r devices.Reach) {
						if !strings.Contains(r.Why, "without a goodbye") {
							t.Errorf("%s without power: %s", spec.ID(), r.Why)
						}
					})
				}
				h.noFaults()
			})
		})
	}
}
