package tasmota_test

import (
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/tasmota"
)

// FuzzConvention gives a convention a sequence of messages, one a line: topic, a blank, payload. Then it commands whatever can
// be commanded.
func FuzzConvention(f *testing.F) {
	seeds := []string{
		"tasmota/discovery/" + mac + "/config " + config(mac, "hall", "") + "\ntele/hall/SENSOR " + plugSensor + "\ntele/hall/STATE " + plugState + "\nstat/hall/POWER ON\n",
		"tasmota/discovery/" + mac + "/sensors " + plugSensors + "\ntasmota/discovery/" + mac + "/config " + config(mac, "hall", `rl=[2];lt_st=5;lk=1;so={"20":1}`) +
			"\nstat/hall/RESULT {\"POWER\":\"ON\",\"Dimmer\":50,\"Color\":\"7F0000\",\"HSBColor\":\"0,100,50\",\"CT\":200,\"Scheme\":2}\ntele/hall/LWT Offline\n",
		"tasmota/discovery/" + mac + "/config " + config(mac, "hall", `rl=[3,3,2];if=1;sho=[1];sht=[[0,90,5]]`) +
			"\nstat/hall/RESULT {\"Shutter1\":{\"Position\":36,\"Direction\":1,\"Target\":100,\"Tilt\":3},\"FanSpeed\":2}\nstat/hall/SHUTTER1 20\n",
		"tasmota/discovery/" + mac + "/config " + config(mac, "hall", `btn=[1];swc=[0,3];swn=["a",null];so={"73":1}`) +
			"\nstat/hall/RESULT {\"Button1\":{\"Action\":\"HOLD\"},\"a\":{\"Action\":\"TOGGLE\"}}\ntele/hall/RESULT {\"RfReceived\":{\"Data\":\"0x1\"}}\n",
		"tele/old/STATE " + plugState + "\ntele/old/STATE " + plugState + "\ntele/old/SENSOR {\"Time\":\"x\",\"A\":{\"B\":[1,{\"C\":null}],\"D\":\"ON\"},\"TempUnit\":\"F\"}\n",
	}
	var old strings.Builder
	old.WriteString("tele/old/LWT Online\n")
	for _, m := range answers("old", "AA:00:00:00:00:06", `"POWER1":"ON","Channel1":5,"FanSpeed":1`, `"Shutter1":{"Position":5},"Switch1":"ON"`) {
		old.WriteString(m[0] + " " + m[1] + "\n")
	}
	seeds = append(seeds, old.String())
	for _, s := range seeds {
		f.Add(s)
	}
	if len(seeds) == 0 {
		f.Fatal("the seed corpus is empty")
	}
	f.Fuzz(func(t *testing.T, script string) {
		c, err := tasmota.New(tasmota.Options{})
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
				wellFormed(t, d.Device)
			}
			for _, r := range append(u.Readings, u.Targets...) {
				d := known[r.Key]
				if p := d.Property(r.Ref); p == nil || p.Datatype != r.Datatype() && r.Datatype() != "" || !p.Readable {
					t.Errorf("a reading of %s/%s of type %s, which is %+v", r.Key, r.Ref, r.Datatype(), p)
				}
			}
			for _, m := range append(u.Ask, c.Greet()...) {
				if m.Retain || broker.ValidTopic(m.Topic) != nil {
					t.Errorf("it asks %+v", m)
				}
			}
		}
		for key, d := range known {
			for _, component := range d.Components {
				for _, p := range component.Properties {
					if !p.Settable {
						continue
					}
					messages, err := c.Encode(key, devices.Ref{Component: component.ID, Property: p.ID}, anyValue(t, p))
					if err != nil {
						t.Error(err)
					}
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

func wellFormed(t testing.TB, d devices.Device) {
	t.Helper()
	ids := map[string]bool{}
	for _, component := range d.Components {
		if component.ID == "" || component.ID != devices.Slug(component.ID) || ids[component.ID] {
			t.Errorf("component %q", component.ID)
		}
		ids[component.ID] = true
		inner := map[string]bool{}
		for _, p := range component.Properties {
			if p.ID == "" || p.ID != devices.Slug(p.ID) || inner[p.ID] {
				t.Errorf("property %q of %s", p.ID, component.ID)
			}
			inner[p.ID] = true
		}
	}
}

// anyValue is a value that the property takes.
func anyValue(t testing.TB, p devices.Property) devices.Value {
	t.Helper()
	s := "true"
	switch p.Datatype {
	case devices.Int, devices.Float:
		s = "3000"
		if p.Max != nil {
			s = devices.IntValue(int64(*p.Max)).String()
		}
	case devices.Enum:
		s = p.Choices[0]
	case devices.Color:
		s = "120,100"
	}
	v, err := p.ParseText(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
