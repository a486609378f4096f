package crosscheck_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/simulator"
)

// zigbee runs a house of Zigbee devices with a hub; settings is the bridge's part of the house file.
func zigbee(t *testing.T, settings string, visit func(h *home)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		i := slices.IndexFunc(tongues, func(f tongue) bool { return f.language == simulator.Zigbee2MQTT })
		h.plan = tongues[i].plan(t)
		if settings != "" {
			text := "name: x\nrooms: [{name: R, use: living}]\ndevices: [{name: x, room: R, kind: fan, speaks: homie}]\nzigbee2mqtt: " + settings
			with, err := simulator.ParseHouse("test.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			h.plan.Zigbee2MQTT = with.Zigbee2MQTT
		}
		h.startHub(hub.Options{})
		h.startHouse(simulator.Options{})
		h.settle(40 * time.Second)
		visit(h)
	})
}

// wish tells a property a value and returns what came of it after a while.
func (h *home) wish(path string, v devices.Value, after time.Duration) devices.Command {
	h.t.Helper()
	p, err := devices.ParsePath(path)
	if err != nil {
		h.t.Fatal(err)
	}
	c, err := h.Send(h.t.Context(), hub.Request{Path: p, Value: v, Origin: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	h.settle(after)
	if c, err = h.Command(h.t.Context(), c.ID); err != nil {
		h.t.Fatal(err)
	}
	return c
}

func TestAGroupOfZigbeeLightsObeysAsOne(t *testing.T) {
	zigbee(t, "", func(h *home) {
		if c := h.wish("all-lights/light/on", devices.BoolValue(true), 3*time.Second); c.Status != devices.Confirmed {
			t.Errorf("it is %s: %s", c.Status, c.Reason)
		}
		for _, id := range []string{"all-lights", "aa-color-light", "aa-white-light", "aa-dimmer", "aa-plain-light"} {
			if got := h.value(id + "/light/on"); got != "true" {
				t.Errorf("%s is on: %s", id, got)
			}
		}
	})
}

func TestTheBridgeRenamesRemovesAndLetsIn(t *testing.T) {
	zigbee(t, "", func(h *home) {
		name, err := devices.JSONValue(`{"from":"Aa plug","to":"hall/big plug"}`)
		if err != nil {
			t.Fatal(err)
		}
		if c := h.wish("zigbee2mqtt/device/rename", name, 3*time.Second); c.Status != devices.Confirmed {
			t.Errorf("renaming is %s: %s", c.Status, c.Reason)
		}
		if v := h.device("aa-plug"); v.Name != "hall/big plug" || v.Reach.Presence != devices.Online {
			t.Errorf("it is called %q and is %s: %s", v.Name, v.Reach.Presence, v.Reach.Why)
		}
		if c := h.wish("aa-plug/switch/on", devices.BoolValue(false), 3*time.Second); c.Status != devices.Confirmed {
			t.Errorf("under its new name, switching it is %s: %s", c.Status, c.Reason)
		}
		if c := h.wish("zigbee2mqtt/device/remove", devices.TextValue("attic"), 3*time.Second); c.Status != devices.Refused || !strings.Contains(c.Reason, "does not exist") {
			t.Errorf("removing what is not there is %s: %s", c.Status, c.Reason)
		}
		if c := h.wish("zigbee2mqtt/device/remove", devices.TextValue("hall/big plug"), 3*time.Second); c.Status != devices.Confirmed {
			t.Errorf("removing is %s: %s", c.Status, c.Reason)
		}
		if v, err := h.Device("aa-plug"); err == nil && v.Reach.Presence == devices.Online {
			t.Errorf("when it is removed, it is %s: %s", v.Reach.Presence, v.Reach.Why)
		}
		if c := h.wish("zigbee2mqtt/permit-join/on", devices.BoolValue(true), 20*time.Second); c.Status != devices.Confirmed {
			t.Errorf("permitting to join is %s: %s", c.Status, c.Reason)
		}
		back := slices.ContainsFunc(h.Devices(), func(v hub.View) bool {
			return strings.HasPrefix(v.Name, "0x") && v.Reach.Presence == devices.Online
		})
		if !back {
			t.Error("the plug did not join again")
		}
	})
}

func TestAZigbeeSensorHearsWhenItWakes(t *testing.T) {
	zigbee(t, "", func(h *home) {
		sixty, err := devices.FloatValue(60)
		if err != nil {
			t.Fatal(err)
		}
		const path = "aa-motion/occupancy-timeout/value"
		if c := h.wish(path, sixty, time.Millisecond); c.Status != devices.Sent || c.Reason != "waits for the device to wake up" {
			t.Errorf("while it sleeps the command is %s: %s", c.Status, c.Reason)
		}
		h.settle(time.Minute)
		list, err := h.Commands(t.Context(), "aa-motion", 1)
		if err != nil || len(list) != 1 || list[0].Status != devices.Confirmed {
			t.Errorf("when it has woken up the command is %+v, %v", list, err)
		}
		if got := h.value("aa-motion/occupancy-timeout/value"); got != "60" {
			t.Errorf("it waits %s s", got)
		}
	})
}

func TestOtherSettingsOfTheBridgeAreUnderstood(t *testing.T) {
	for _, settings := range []string{
		"{old: true}", "{output: attribute}", "{output: attribute_and_json}", "{partial: true}", "{base: home/zigbee}", "{blind: true}",
	} {
		t.Run(settings, func(t *testing.T) {
			zigbee(t, settings, func(h *home) {
				for _, spec := range h.plan.Devices {
					v, err := h.Device(spec.ID())
					if err != nil {
						t.Error(err)
						continue
					}
					if v.Reach.Presence != devices.Online || v.Faults != 0 {
						t.Errorf("%s is %s (%s), with the faults %+v", v.ID, v.Reach.Presence, v.Reach.Why, v.LastFaults)
					}
				}
				for path, v := range map[string]bool{"aa-plain-light/light/on": true, "aa-plug/switch/on": false} {
					if c := h.wish(path, devices.BoolValue(v), 3*time.Second); c.Status != devices.Confirmed {
						t.Errorf("%s is %s: %s", path, c.Status, c.Reason)
					}
				}
			})
		})
	}
}
