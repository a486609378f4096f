package hub_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/devices"
)

// What the hub says of a device's presence is true also where the device, its gateway or its connection say nothing, or something old.
func TestTruthfulPresence(t *testing.T) {
	is := func(t *testing.T, h *house, id string, p devices.Presence, why string) {
		t.Helper()
		if r := h.device(id).Reach; r.Presence != p || !strings.Contains(r.Why, why) {
			t.Errorf("%s is %s (%s), want %s (…%s…)", id, r.Presence, r.Why, p, why)
		}
	}
	for name, run := range map[string]func(*testing.T, *house){
		"what is behind a gateway goes and comes with it": func(t *testing.T, h *house) {
			c := h.client("bridge", nil)
			c.publish("plain/bridge/config", "Bridge!")
			c.publish("plain/lamp/config", "via=bridge Lamp!")
			c.publish("plain/bridge/status", "online")
			c.publish("plain/lamp/status", "online")
			is(t, h, "lamp", devices.Online, "it said so")
			c.publish("plain/bridge/status", "offline")
			is(t, h, "lamp", devices.Offline, "its gateway Bridge is offline: it said so")
			c.publish("plain/bridge/status", "online")
			is(t, h, "lamp", devices.Online, "it said so")
		},
		"what has a connection of its own does not go with its gateway": func(t *testing.T, h *house) {
			bridge, lamp := h.client("bridge", nil), h.client("lamp", nil)
			bridge.publish("plain/bridge/config", "Bridge!")
			lamp.publish("plain/lamp/config", "via=bridge Lamp!")
			lamp.publish("plain/lamp/status", "online")
			lamp.publish("plain/lamp/is/on", "true")
			bridge.publish("plain/bridge/status", "offline")
			is(t, h, "lamp", devices.Online, "it said so")
		},
		"a late will does not overwrite a newer word": func(t *testing.T, h *house) {
			will := []string{"plain/plug/status", "offline"}
			old := h.client("plug-1", will)
			old.publish("plain/plug/config", "Plug!")
			old.publish("plain/plug/status", "online")
			seconds(30)
			// It comes back under another name, before the broker has noticed that the old connection is dead.
			h.client("plug-2", will).publish("plain/plug/status", "online")
			seconds(30)
			old.cut()
			is(t, h, "plug", devices.Online, "it said so")
		},
		"a will that is not late takes the device offline": func(t *testing.T, h *house) {
			c := h.client("plug", []string{"plain/plug/status", "offline"})
			c.publish("plain/plug/config", "Plug!")
			c.publish("plain/plug/status", "online")
			seconds(30)
			c.cut()
			synctest.Wait()
			if r := h.device("plug").Reach; r.Presence != devices.Offline {
				t.Errorf("it is %+v", r)
			}
		},
		"one that speaks regularly is late when it is silent, and there again when it speaks": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/other/config", "Other") // so that the connection is not the sensor's alone
			c.publish("plain/sensor/config", "Sensor")
			for range 20 {
				c.publish("plain/sensor/is/power", "5")
				minutes(5)
			}
			is(t, h, "sensor", devices.Online, "heard")
			minutes(9)
			is(t, h, "sensor", devices.Online, "heard")
			minutes(2)
			is(t, h, "sensor", devices.Late, "silent for more than 15 min")
			c.publish("plain/sensor/is/power", "5")
			is(t, h, "sensor", devices.Online, "heard")
		},
		"one that speaks when something happens is not late": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/other/config", "Other")
			c.publish("plain/door/config", "Door")
			for i := range 40 {
				c.publish("plain/door/is/on", "true")
				minutes(float64(1 + i%7*10))
			}
			minutes(12 * 60)
			is(t, h, "door", devices.Online, "heard")
		},
		"one that said how often it speaks is held to it": func(t *testing.T, h *house) {
			c := h.client("sensor", nil)
			c.publish("plain/sensor/config", "silence=10m Sensor")
			c.publish("plain/sensor/is/power", "5")
			minutes(9)
			is(t, h, "sensor", devices.Online, "heard")
			minutes(2)
			is(t, h, "sensor", devices.Late, "silent for more than 10 min")
			command := h.send("sensor/switch/on", "true") // it may be there all the same
			seconds(2)
			h.wantCommand(command.ID, devices.Sent, "")
		},
		"a value that was promised and has not come is overdue": func(t *testing.T, h *house) {
			c := h.client("sensor", nil)
			c.publish("plain/sensor/config", "expires=5m Sensor")
			c.publish("plain/sensor/is/power", "5")
			minutes(4)
			c.publish("plain/sensor/is/power", "5") // the same value again keeps it fresh
			minutes(4)
			is(t, h, "sensor", devices.Online, "heard")
			minutes(2)
			is(t, h, "sensor", devices.Late, "no switch/power for more than 5 min")
			if v := h.device("sensor"); len(v.Expired) != 1 || v.Expired[0] != "switch/power" {
				t.Errorf("expired are %q", v.Expired)
			}
			c.publish("plain/sensor/is/on", "true")
			is(t, h, "sensor", devices.Late, "no switch/power")
			c.publish("plain/sensor/is/power", "5")
			is(t, h, "sensor", devices.Online, "heard")
			if v := h.device("sensor"); len(v.Expired) != 0 {
				t.Errorf("expired are %q", v.Expired)
			}
		},
		"what is true for a while becomes false by itself": func(t *testing.T, h *house) {
			c := h.client("sensor", nil)
			c.publish("homeassistant/binary_sensor/pir/config", `{"name":"Motion","uniq_id":"x","stat_t":"pir","off_dly":30,"dev_cla":"motion","dev":{"ids":"pir","name":"Pir"}}`)
			c.publish("pir", "ON")
			h.wantValue("pir/binary-sensor/motion", "true")
			seconds(20)
			c.publish("pir", "ON")
			seconds(20)
			h.wantValue("pir/binary-sensor/motion", "true")
			seconds(11)
			h.wantValue("pir/binary-sensor/motion", "false")
			c.publish("pir", "ON")
			h.restart()
			h.wantValue("pir/binary-sensor/motion", "false")
		},
		"a sleeper that should have woken up is offline": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/other/config", "Other")
			c.publish("plain/sensor/config", "silence=1h Sensor!")
			c.publish("plain/sensor/is/power", "5")
			c.publish("plain/sensor/status", "asleep")
			minutes(59)
			is(t, h, "sensor", devices.Asleep, "it said so")
			minutes(2)
			is(t, h, "sensor", devices.Offline, "it sleeps, and should have woken up: silent for more than 1 h")
		},
		"a sleeper is told what waits as soon as it listens": func(t *testing.T, h *house) {
			c := h.client("sensor", nil)
			c.publish("plain/sensor/config", "Sensor!")
			c.publish("plain/sensor/is/power", "5")
			c.publish("plain/sensor/status", "asleep")
			c.leave()
			command := h.send("sensor/switch/on", "true")
			minutes(3)
			h.wantCommand(command.ID, devices.Waiting, "the device is asleep: it said so")
			c = h.client("sensor", nil)
			is(t, h, "sensor", devices.Online, "it has woken up")
			c.subscribe("plain/sensor/set/+")
			if got := c.taken(); len(got) != 1 || got[0] != "plain/sensor/set/on=true" { // in no time at all
				t.Errorf("it was told %q", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { inHouse(t, run) })
	}
}
