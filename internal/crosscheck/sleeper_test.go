package crosscheck_test

import (
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
)

// sleepersHouse has a sensor of each family that connects, reports and leaves.
const sleepersHouse = `
name: Test
rooms:
  - {name: Kitchen, use: kitchen}
devices:
  - {name: Kitchen probe, room: Kitchen, kind: climate sensor, speaks: tasmota, sleeps: 10m, tasmota: {sensor: DS18B20}}
  - {name: Kitchen ht, room: Kitchen, kind: climate sensor, speaks: shelly, sleeps: 10m}
  - {name: Kitchen old ht, room: Kitchen, kind: climate sensor, speaks: shelly1, sleeps: 10m, shelly: {id: kitchen/old/ht}}
`

func TestSleepersSleepAndReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := family(t, sleepersHouse)
		temperatures := map[string]string{
			"kitchen-probe": "ds18b20/temperature", "kitchen-old-ht": "temperature/temperature",
		}
		for _, v := range h.Devices() {
			if v.Name == "Kitchen ht" { // it had to be announced before it could say what it is called
				temperatures[v.ID] = "temperature-0/temperature"
			}
		}
		if len(temperatures) != 3 {
			t.Errorf("%d sleepers joined under their names", len(temperatures))
		}
		for range 3 {
			for id, path := range temperatures {
				if h.value(id+"/"+path) == "" {
					t.Errorf("%s has said nothing", id)
				}
				if r := h.device(id).Reach; r.Presence != devices.Asleep {
					t.Errorf("%s is %s: %s", id, r.Presence, r.Why)
				}
			}
			h.settle(10 * time.Minute)
			h.settle(20 * time.Second)
		}
		h.noFaults()
	})
}
