package homeassistant_test

import (
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant"
)

// FuzzConvention gives a convention a sequence of messages, one a line: topic, a blank, payload. Then it commands whatever can
// be commanded.
func FuzzConvention(f *testing.F) {
	seeds := 0
	for _, k := range kinds {
		var b strings.Builder
		b.WriteString(k.topic + " " + k.config + "\n")
		for _, s := range k.steps {
			if !strings.HasPrefix(s.topic, "> ") {
				b.WriteString(s.topic + " " + s.payload + "\n")
			}
		}
		b.WriteString(k.topic + " \n")
		f.Add(b.String())
		seeds++
	}
	f.Add("homeassistant/device/x/config " + lampInDeviceForm + "\nlamp/state {\"rssi\":1}\nlamp/status online\nhomeassistant/device/x/config {\"migrate_discovery\":true}\n")
	if seeds == 0 {
		f.Fatal("the seed corpus is empty")
	}
	f.Fuzz(func(t *testing.T, script string) {
		c, err := homeassistant.New(homeassistant.Options{})
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]devices.Device{}
		for line := range strings.SplitSeq(script, "\n") {
			topic, payload, _ := strings.Cut(line, " ")
			m := broker.Message{Topic: topic, Payload: []byte(payload)}
			p := c.Parse(m)
			for _, s := range p.Subscribe {
				if broker.ValidFilter(s.Filter) != nil {
					t.Errorf("subscribing to %q", s.Filter)
				}
			}
			u := c.Apply(m, p)
			for _, key := range u.Gone {
				delete(known, key)
			}
			for _, d := range u.Devices {
				known[d.Key] = d.Device
				ids := map[string]bool{}
				for _, component := range d.Device.Components {
					if component.ID == "" || component.ID != devices.Slug(component.ID) || ids[component.ID] {
						t.Errorf("component %q", component.ID)
					}
					ids[component.ID] = true
					for _, p := range component.Properties {
						if p.ID == "" || p.ID != devices.Slug(p.ID) {
							t.Errorf("property %q", p.ID)
						}
					}
				}
			}
			for _, r := range u.Readings {
				d := known[r.Key]
				if p := d.Property(r.Ref); p == nil || p.Datatype != r.Datatype() || !p.Readable {
					t.Errorf("a reading of %s/%s of type %s, which is %+v", r.Key, r.Ref, r.Datatype(), p)
				}
			}
		}
		for key, d := range known {
			for _, component := range d.Components {
				for _, p := range component.Properties {
					if !p.Settable {
						continue
					}
					messages, _ := c.Encode(key, devices.Ref{Component: component.ID, Property: p.ID}, anyValue(t, p))
					for _, m := range messages {
						if m.Retain || broker.ValidTopic(m.Topic) != nil {
							t.Errorf("a command is published as %+v", m)
						}
					}
				}
			}
			c.Forget(key)
		}
	})
}

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

// BenchmarkForeign is a message that concerns no entity.
func BenchmarkForeign(b *testing.B) {
	c, err := homeassistant.New(homeassistant.Options{})
	if err != nil {
		b.Fatal(err)
	}
	m := broker.Message{Topic: "other/thing", Payload: []byte("21.5")}
	b.ReportAllocs()
	for b.Loop() {
		c.Apply(m, c.Parse(m))
	}
}
