package homeassistant_test

import (
	"fmt"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices/homeassistant"
)

// BenchmarkState is the state of a Zigbee lamp as six entities read it.
func BenchmarkState(b *testing.B) {
	c, err := homeassistant.New(homeassistant.Options{})
	if err != nil {
		b.Fatal(err)
	}
	const end = `,"avty":[{"t":"zigbee2mqtt/bridge/state","val_tpl":"{{ value_json.state }}"}],"dev":{"ids":["zigbee2mqtt_0x01"],"name":"Lamp"}}`
	for topic, config := range map[string]string{
		"light/0x01/light":          `{"schema":"json","stat_t":"zigbee2mqtt/Lamp","cmd_t":"zigbee2mqtt/Lamp/set","sup_clrm":["xy","color_temp"],"bri_scl":254`,
		"sensor/0x01/linkquality":   `{"stat_t":"zigbee2mqtt/Lamp","val_tpl":"{{ value_json.linkquality }}","unit_of_meas":"lqi"`,
		"sensor/0x01/power":         `{"stat_t":"zigbee2mqtt/Lamp","val_tpl":"{{ value_json.power }}","dev_cla":"power","unit_of_meas":"W"`,
		"binary_sensor/0x01/update": `{"stat_t":"zigbee2mqtt/Lamp","val_tpl":"{{ value_json.update_available }}","pl_on":true,"pl_off":false`,
		"select/0x01/power_on":      `{"stat_t":"zigbee2mqtt/Lamp","cmd_t":"x","val_tpl":"{{ value_json.power_on_behavior }}","ops":["off","on","previous"]`,
		"update/0x01/update":        `{"stat_t":"zigbee2mqtt/Lamp","val_tpl":"{\"latest_version\":\"{{ value_json['update']['latest_version'] }}\",\"installed_version\":\"{{ value_json['update']['installed_version'] }}\"}"`,
	} {
		m := broker.Message{Topic: "homeassistant/" + topic + "/config", Payload: []byte(config + end)}
		if u := c.Apply(m, c.Parse(m)); len(u.Faults) > 0 || len(u.Devices) != 1 {
			b.Fatalf("%s: %+v", topic, u)
		}
	}
	m := broker.Message{Topic: "zigbee2mqtt/Lamp", Payload: []byte(`{"brightness":254,"color":{"x":0.4599,"y":0.4106},"color_mode":"color_temp",` +
		`"color_temp":370,"linkquality":120,"power":8.5,"power_on_behavior":"previous","state":"ON","update":{"installed_version":33816645,` +
		`"latest_version":33816645,"state":"idle"},"update_available":false}`)}
	b.ReportAllocs()
	for b.Loop() {
		if u := c.Apply(m, c.Parse(m)); len(u.Readings) != 9 {
			b.Fatalf("%+v", u)
		}
	}
}

// BenchmarkManyEntities is a message that twenty entities read: its JSON is decoded once.
func BenchmarkManyEntities(b *testing.B) {
	c := benchConvention(b)
	payload := `{"k0":0`
	for i := range 20 {
		m := broker.Message{
			Topic:   fmt.Sprintf("homeassistant/sensor/many/k%d/config", i),
			Payload: fmt.Appendf(nil, `{"stat_t":"many","val_tpl":"{{ value_json.k%d }}","unit_of_meas":"W","dev":{"ids":"many","name":"Many"}}`, i),
		}
		if u := c.Apply(m, c.Parse(m)); len(u.Faults) > 0 {
			b.Fatalf("%+v", u)
		}
		payload += fmt.Sprintf(`,"k%d":%d.5`, i, i)
	}
	m := broker.Message{Topic: "many", Payload: []byte(payload + "}")}
	b.ReportAllocs()
	for b.Loop() {
		if u := c.Apply(m, c.Parse(m)); len(u.Readings) != 20 {
			b.Fatalf("%+v", u)
		}
	}
}

// BenchmarkDiscovery is a house of 1,000 devices with six entities each, announced as Zigbee2MQTT does.
func BenchmarkDiscovery(b *testing.B) {
	var house []broker.Message
	for d := range 1000 {
		for e, kind := range []string{"light", "sensor", "sensor", "binary_sensor", "select", "sensor"} {
			config := fmt.Sprintf(`{"availability":[{"topic":"zigbee2mqtt/bridge/state","value_template":"{{ value_json.state }}"}],`+
				`"device":{"identifiers":["zigbee2mqtt_0x%016x"],"manufacturer":"Maker","model":"Model","name":"Lamp %d","sw_version":"1","via_device":"zigbee2mqtt_bridge_0x01"},`+
				`"name":"Property %d","object_id":"lamp_%d_%d","origin":{"name":"Zigbee2MQTT","sw":"2.0.0","url":"https://www.zigbee2mqtt.io"},`+
				`"state_topic":"zigbee2mqtt/Lamp %d","command_topic":"zigbee2mqtt/Lamp %d/set","unique_id":"0x%016x_%d_zigbee2mqtt",`+
				`"value_template":"{{ value_json.property_%d }}","schema":"json","brightness":true,"supported_color_modes":["color_temp","xy"],"options":["a","b"],`+
				`"json_attributes_topic":"zigbee2mqtt/Lamp %d"}`, d, d, e, d, e, d, d, d, e, e, d)
			house = append(house, broker.Message{Topic: fmt.Sprintf("homeassistant/%s/0x%016x/property_%d/config", kind, d, e), Payload: []byte(config), Retain: true})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		c := benchConvention(b)
		known := map[string]bool{}
		for _, m := range house {
			for _, d := range c.Apply(m, c.Parse(m)).Devices {
				known[d.Key] = true
			}
		}
		if len(known) != 1000 {
			b.Fatalf("%d devices", len(known))
		}
	}
}

func benchConvention(b *testing.B) *homeassistant.Convention {
	b.Helper()
	c, err := homeassistant.New(homeassistant.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkForeign is a message that concerns no entity.
func BenchmarkForeign(b *testing.B) {
	c, err := homeassistant.New(homeassistant.Options{})
	if err != nil {
		b.Fatal(err)
	}
	m := broker.Message{Topic: "other/thing", Payload: []byte(`{"temperature":21.5,"humidity":40}`)}
	b.ReportAllocs()
	for b.Loop() {
		c.Apply(m, c.Parse(m))
	}
}
