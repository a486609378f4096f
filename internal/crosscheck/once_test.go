package crosscheck_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/esphome"
	"home.arpa/homehub/devices/homeassistant"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/devices/valetudo"
	"home.arpa/homehub/devices/wled"
	"home.arpa/homehub/devices/zwavejs"
	"home.arpa/homehub/hub"
)

// What announces itself in its own way and to Home Assistant, too, is one device, in whichever order it is heard.
func TestWhatIsAnnouncedToHomeAssistantTooIsOneDevice(t *testing.T) {
	robot := []broker.Message{
		kept("valetudo/Fox/$homie", "4.0.0"), kept("valetudo/Fox/$name", "Fox"), kept("valetudo/Fox/$implementation", "Valetudo"),
		kept("valetudo/Fox/StatusStateAttribute/$properties", "status"), kept("valetudo/Fox/StatusStateAttribute/status/$datatype", "enum"),
		kept("valetudo/Fox/StatusStateAttribute/status/$format", "error,docked,cleaning"), kept("valetudo/Fox/$nodes", "StatusStateAttribute"),
		kept("valetudo/Fox/$state", "ready"), kept("valetudo/Fox/StatusStateAttribute/status", "docked"),
	}
	robotHA := []broker.Message{
		kept("homeassistant/vacuum/Fox/Fox_vacuum/config", `{"name":"Robot","state_topic":"valetudo/Fox/hass/Fox_vacuum/state","command_topic":"valetudo/Fox/hass/Fox_vacuum/command","unique_id":"Fox_vacuum","device":{"manufacturer":"Valetudo","model":"x","name":"Fox","identifiers":["Fox"]}}`),
		kept("valetudo/Fox/hass/Fox_vacuum/state", `{"state":"docked"}`),
	}
	node := []broker.Message{
		kept("esphome/discover/attic", `{"name":"attic","friendly_name":"Attic","version":"2024.10.2","mac":"a020a61c3106","board":"d1_mini","platform":"ESP8266"}`),
		kept("attic/status", "online"),
	}
	nodeHA := []broker.Message{
		kept("homeassistant/switch/attic/relay/config", `{"name":"Relay","state_topic":"attic/switch/relay/state","command_topic":"attic/switch/relay/command","availability_topic":"attic/status","unique_id":"ESPswitchrelay","device":{"identifiers":"a020a61c3106","name":"attic"}}`),
		kept("attic/switch/relay/state", "ON"),
	}
	for name, test := range map[string]struct {
		messages []broker.Message
		ref      string
		value    devices.Value
		kinds    []devices.Kind
	}{
		"a robot, its own tree first":      {slices.Concat(robot, robotHA), "vacuum/state", devices.EnumValue("docked"), []devices.Kind{devices.Vacuum}},
		"a robot, Home Assistant first":    {slices.Concat(robotHA, robot), "vacuum/state", devices.EnumValue("docked"), []devices.Kind{devices.Vacuum}},
		"a node, its own words first":      {slices.Concat(node, nodeHA), "", devices.BoolValue(true), []devices.Kind{devices.Switch}},
		"a node, Home Assistant first":     {slices.Concat(nodeHA, node), "", devices.BoolValue(true), []devices.Kind{devices.Switch}},
		"a node, its state before it says": {slices.Concat(nodeHA[1:], node, nodeHA[:1]), "", devices.BoolValue(true), []devices.Kind{devices.Switch}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t)
				h.startNative()
				publisher := h.broker.Link()
				h.run(func(ctx context.Context) error { return publisher.Run(ctx, h.reader) })
				synctest.Wait()
				for _, m := range test.messages {
					if err := publisher.Publish(t.Context(), m); err != nil {
						t.Fatal(err)
					}
				}
				h.settle(3 * time.Second)
				all := h.Devices()
				if len(all) != 1 || len(all[0].Conventions) != 2 || all[0].Reach.Presence != devices.Online {
					t.Fatalf("there are %d devices: %+v", len(all), all)
				}
				var kinds []devices.Kind
				said := false
				for _, c := range all[0].Components {
					kinds = append(kinds, c.Kind)
				}
				for ref, r := range all[0].Reported {
					said = said || (test.ref == "" || test.ref == ref) && r.Value == test.value
				}
				if !slices.Equal(kinds, test.kinds) || !said {
					t.Errorf("it has %v and says %+v", kinds, all[0].Reported)
				}
			})
		})
	}
}

func kept(topic, payload string) broker.Message {
	return broker.Message{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: true}
}

// startNative starts a hub with Home Assistant's discovery behind conventions that know more.
func (h *home) startNative() {
	h.t.Helper()
	robots, err := valetudo.New(valetudo.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	waves, err := zwavejs.New(zwavejs.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	strips, err := wled.New(wled.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	nodes, err := esphome.New(esphome.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	ha, err := homeassistant.New(homeassistant.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	o := hub.Options{Exporter: homie.NewExporter(homie.Own)}
	if h.Hub, err = hub.New(h.broker.Link(), h.store, []hub.Convention{robots, strips, homie.New(), nodes, waves, ha}, o); err != nil {
		h.t.Fatal(err)
	}
	h.run(h.Hub.Run)
	<-h.Started()
}
