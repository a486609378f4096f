package homeassistant_test

import (
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices/homeassistant"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
)

func TestConformance(t *testing.T) {
	var house []broker.Message
	add := func(topic, payload string) {
		house = append(house, broker.Message{Topic: topic, Payload: []byte(payload), Retain: strings.HasSuffix(topic, "/config")})
	}
	add("homeassistant/device/hall_lamp/config", lampInDeviceForm)
	add("lamp/status", "online")
	add("lamp/state", `{"state":"ON","brightness":100,"rssi":-60}`)
	for _, k := range kinds {
		if strings.Contains(k.config, `"0x0`) { // those that have topics and devices of their own
			add(k.topic, k.config)
			add(k.steps[0].topic, k.steps[0].payload)
		}
	}
	kindsSeen := map[string]bool{}
	for _, k := range moreKinds { // one of each component, since their devices and topics have the same names
		component := strings.Split(k.topic, "/")[1]
		switch component {
		case "siren", "valve", "humidifier", "water_heater", "vacuum", "lawn_mower", "alarm_control_panel", "scene", "device_tracker":
		default:
			continue
		}
		if kindsSeen[component] {
			continue
		}
		kindsSeen[component] = true
		add(k.topic, k.config)
		for _, s := range k.steps {
			if !strings.Contains(s.topic, " ") && s.want != "" {
				add(s.topic, s.payload)
			}
		}
	}
	add("homeassistant/cover/blind/config", `{"~":"blind","cmd_t":"~/set","pos_t":"~","set_pos_t":"~/pos","tilt_cmd_t":"~/tilt","tilt_status_t":"~/tilted","avty_t":"~/lwt"}`)
	add("blind/lwt", "offline")
	add("blind", "40")
	add("homeassistant/number/offset/config", `{"cmd_t":"offset/set","stat_t":"offset","min":-5,"max":5,"step":0.1,"dev":{"ids":"n","name":"N"}}`)
	add("offset", "0.5")
	conventiontest.Run(t, conventiontest.Setup{
		New: func() hub.Convention {
			c, err := homeassistant.New(homeassistant.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		House: house,
	})
}
