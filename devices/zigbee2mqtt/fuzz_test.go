package zigbee2mqtt_test

import (
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// FuzzConvention gives a convention a sequence of messages, one a line: topic, a tab, payload. Then it commands whatever can be
// commanded.
func FuzzConvention(f *testing.F) {
	var all strings.Builder
	for _, m := range house(f) {
		line := m.Topic + "\t" + strings.ReplaceAll(string(m.Payload), "\n", "") + "\n"
		all.WriteString(line)
		f.Add(line)
	}
	if all.Len() == 0 {
		f.Fatal("the seed corpus is empty")
	}
	f.Add(all.String())
	f.Add("z\xbb/bridge/info\t" + info + "\n")
	f.Add("a/bridge/info\t{\"version\":\"1\",\"coordinator\":{},\"config\":{\"experimental\":{\"output\":\"attribute\"}}}\na/bridge/devices\t[{\"ieee_address\":\"0x0000000000000001\",\"friendly_name\":\"d\",\"definition\":{\"exposes\":[{\"type\":\"light\",\"features\":[{\"name\":\"color_xy\",\"property\":\"color\",\"access\":7,\"type\":\"composite\"}]}]}}]\na/d/color-x\t1\na/d/color-y\t0.3\na/d/color\t1,2,3\n")
	f.Fuzz(func(t *testing.T, script string) {
		e := newEar(t)
		for line := range strings.SplitSeq(script, "\n") {
			topic, payload, _ := strings.Cut(line, "\t")
			m := broker.Message{Topic: topic, Payload: []byte(payload)}
			p := e.c.Parse(m)
			for _, s := range p.Subscribe {
				if broker.ValidTopic(strings.TrimSuffix(s.Filter, "/#")) != nil {
					t.Errorf("subscribing to %q", s.Filter)
				}
			}
			u := e.c.Apply(m, p)
			for _, key := range u.Gone {
				delete(e.devices, key)
			}
			for _, a := range u.Devices {
				e.devices[a.Key] = a
				ids := map[string]bool{}
				for _, c := range a.Device.Components {
					if c.ID == "" || c.ID != devices.Slug(c.ID) || ids[c.ID] {
						t.Errorf("component %q", c.ID)
					}
					ids[c.ID] = true
					for _, p := range c.Properties {
						if p.ID == "" || p.ID != devices.Slug(p.ID) || ids[c.ID+"/"+p.ID] {
							t.Errorf("property %q of %q", p.ID, c.ID)
						}
						ids[c.ID+"/"+p.ID] = true
					}
				}
			}
			for _, r := range u.Readings {
				d := e.devices[r.Key].Device
				if p := d.Property(r.Ref); p == nil || p.Datatype != r.Datatype() || !p.Readable && !p.Answers {
					t.Errorf("a reading of %s %s of type %s, which is %+v", r.Key, r.Ref, r.Datatype(), p)
				}
			}
			for _, m := range u.Ask {
				if m.Retain || broker.ValidTopic(m.Topic) != nil {
					t.Errorf("asking %+v", m)
				}
			}
		}
		for key, a := range e.devices {
			for _, c := range a.Device.Components {
				for _, p := range c.Properties {
					v, err := p.ParseText(map[devices.Datatype]string{
						devices.Bool: "true", devices.Int: "3000", devices.Float: "1", devices.Enum: strings.Join(p.Choices[:min(1, len(p.Choices))], ""),
						devices.Color: "120,100", devices.JSON: "{}",
					}[p.Datatype])
					if err != nil || !p.Settable {
						continue
					}
					messages, _ := e.c.Encode(key, devices.Ref{Component: c.ID, Property: p.ID}, v)
					for _, m := range messages {
						if m.Retain || broker.ValidTopic(m.Topic) != nil {
							t.Errorf("a command is published as %+v", m)
						}
					}
				}
			}
			e.c.Forget(key)
		}
	})
}
