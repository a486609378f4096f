package zigbee2mqtt_test

import (
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices/zigbee2mqtt"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
)

func TestConformance(t *testing.T) {
	conventiontest.Run(t, conventiontest.Setup{
		New:   func() hub.Convention { return newConvention(t) },
		House: house(t),
	})
}

// TestConformanceOfAttributes is the same with values in topics of their own, under a base topic of two levels.
func TestConformanceOfAttributes(t *testing.T) {
	messages := []broker.Message{
		{Topic: "up/z2m/bridge/devices", Payload: read(t, "devices.json"), Retain: true},
		{Topic: "up/z2m/bridge/info", Payload: []byte(`{"version":"1.40.0","coordinator":{"type":"zStack3x0"},"permit_join":false,"config":{"experimental":{"output":"attribute"}}}`), Retain: true},
	}
	for topic, payload := range map[string]string{
		"bridge/state": "online", "Hall lamp/availability": "online", "Hall lamp/state": "ON", "Hall lamp/brightness": "100",
		"Hall lamp/color_mode": "hs", "Hall lamp/color-hue": "120", "Hall lamp/color-saturation": "50", "Hall lamp/level_config-on_level": "100",
		"Remote/action": "toggle", "kitchen/window/contact": "false", "Hall lamp/update-state": "idle", "Siren/colors": "a,b",
	} {
		messages = append(messages, broker.Message{Topic: "up/z2m/" + topic, Payload: []byte(payload)})
	}
	conventiontest.Run(t, conventiontest.Setup{
		New:   func() hub.Convention { return newConvention(t) },
		House: messages,
	})
}

func newConvention(tb testing.TB) *zigbee2mqtt.Convention {
	tb.Helper()
	c, err := zigbee2mqtt.New(zigbee2mqtt.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
