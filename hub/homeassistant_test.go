package hub_test

import (
	"testing"
	"testing/synctest"

	"github.com/eclipse/paho.golang/paho"
	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
)

// plugConfigs announce one plug in three messages that share a state topic, as Zigbee2MQTT does.
var plugConfigs = map[string]string{
	"switch/plug/switch": `{"~":"z/plug","name":null,"stat_t":"~","cmd_t":"~/set","val_tpl":"{{ value_json.state }}","pl_on":"ON","pl_off":"OFF",` +
		`"uniq_id":"p1","avty_t":"~/availability","dev":{"ids":["0x1"],"name":"Kitchen plug"}}`,
	"sensor/plug/power": `{"stat_t":"z/plug","val_tpl":"{{ value_json.power }}","unit_of_meas":"W","dev_cla":"power","uniq_id":"p2",` +
		`"avty_t":"z/plug/availability","dev":{"ids":["0x1"],"name":"Kitchen plug"}}`,
	"sensor/plug/energy": `{"stat_t":"z/plug","val_tpl":"{{ value_json.energy }}","unit_of_meas":"kWh","dev_cla":"energy","uniq_id":"p3",` +
		`"avty_t":"z/plug/availability","dev":{"ids":["0x1"],"name":"Kitchen plug"}}`,
}

func announcePlug(c *client) {
	for topic, config := range plugConfigs {
		c.retain("homeassistant/"+topic+"/config", config)
	}
}

// wantPlug expects the plug with one value in each of its three components.
func (h *house) wantPlug(want ...string) {
	h.t.Helper()
	var got []string
	for _, c := range h.device("kitchen-plug").Components {
		for _, p := range c.Properties {
			r := h.device("kitchen-plug").Reported[devices.Ref{Component: c.ID, Property: p.ID}.String()]
			got = append(got, p.ID+" "+r.Value.String())
		}
	}
	if d := cmp.Diff(want, got, cmp.Transformer("sorted", sorted)); d != "" {
		h.t.Errorf("the plug (-want +got):\n%s", d)
	}
}

func TestADeviceOfSeveralAnnouncementsWithOneStateTopic(t *testing.T) {
	for name, before := range map[string]bool{"announced while the hub runs": false, "announced before the hub starts": true} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(t *testing.T, h *house) {
				if before {
					h.stop()
				}
				c := h.client("bridge", nil)
				c.retain("z/plug", `{"state":"ON","power":30.5,"energy":1.25}`)
				c.retain("z/plug/availability", "online")
				announcePlug(c)
				if before {
					h.start()
				}
				h.wantPlug("on true", "power 30.5", "energy 1.25")
				if v := h.device("kitchen-plug"); v.Room != "Kitchen" || v.Reach.Presence != devices.Online {
					t.Errorf("it is in %q and %+v", v.Room, v.Reach)
				}
				h.restart()
				h.wantPlug("on true", "power 30.5", "energy 1.25")

				c.subscribe("z/plug/set")
				var on devices.Path
				for _, component := range h.device("kitchen-plug").Components {
					if component.Kind == devices.Switch {
						on = devices.Path{Device: "kitchen-plug", Ref: devices.Ref{Component: component.ID, Property: devices.On}}
					}
				}
				command := h.send(on.String(), "false")
				seconds(1)
				if d := cmp.Diff([]string{"z/plug/set=OFF"}, c.taken()); d != "" {
					t.Error(d)
				}
				c.publish("z/plug", `{"state":"OFF","power":0,"energy":1.25}`)
				h.wantCommand(command.ID, devices.Confirmed, "")
				h.wantRetained("hub/5/"+on.String(), "false")
				if v := h.device("kitchen-plug"); v.Faults != 0 {
					t.Errorf("%+v", v.LastFaults)
				}

				for topic := range plugConfigs {
					c.retain("homeassistant/"+topic+"/config", "")
				}
				synctest.Wait()
				if n := len(h.Devices()); n != 0 {
					t.Errorf("%d devices after the last component was taken back", n)
				}
				if got, kept := h.retained("hub/5/kitchen-plug/#"); kept {
					t.Errorf("still exported: %q", got)
				}
			})
		})
	}
}

func TestTheHubAsksDevicesThatSayNothingByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		c := h.client("lamp", nil)
		watts := "30.5"
		c.onTake = func(topic, payload string) {
			if topic == "homeassistant/status" && payload == "online" {
				// With QoS 0, since this is the goroutine that would have to take the acknowledgement.
				_, err := c.mqtt.Publish(t.Context(), &paho.Publish{Topic: "z/plug", Payload: []byte(`{"state":"ON","power":` + watts + `,"energy":1.25}`)})
				if err != nil {
					t.Errorf("the plug answering: %v", err)
				}
			}
		}
		c.subscribe("homeassistant/status")
		announcePlug(c)
		h.start()
		h.wantPlug("on ", "power ", "energy ")
		seconds(2)
		h.wantPlug("on true", "power 30.5", "energy 1.25")

		h.stop()
		watts = "40"
		h.start()
		seconds(2)
		h.wantPlug("on true", "power 40", "energy 1.25")
		if d := cmp.Diff([]string{"homeassistant/status=online", "homeassistant/status=online"}, c.taken()); d != "" {
			t.Errorf("it was asked (-want +got):\n%s", d)
		}
		if got, kept := h.retained("homeassistant/status"); kept {
			t.Errorf("the greeting is retained: %q", got)
		}
	})
}

func TestWhatCanOnlyChangeOverIsToldNothingThatItIsAlready(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		c := h.client("gate", nil)
		c.subscribe("gate/set")
		c.retain("homeassistant/switch/gate/config", `{"name":null,"uniq_id":"g","stat_t":"gate","cmd_t":"gate/set","pl_on":"PUSH","pl_off":"PUSH","stat_on":"ON","stat_off":"OFF","dev":{"ids":"g","name":"Gate"}}`)
		c.publish("gate", "ON")
		h.wantCommand(h.send("gate/switch/on", "true").ID, devices.Confirmed, "the device had said so already")
		if got := c.taken(); len(got) != 0 {
			t.Errorf("it was told %q", got)
		}
		command := h.send("gate/switch/on", "false")
		seconds(1)
		if got := c.taken(); len(got) != 1 || got[0] != "gate/set=PUSH" {
			t.Errorf("it was told %q", got)
		}
		c.publish("gate", "OFF")
		h.wantCommand(command.ID, devices.Confirmed, "")
	})
}
