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
