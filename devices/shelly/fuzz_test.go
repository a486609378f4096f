package shelly_test

import (
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/shelly"
)

// FuzzConvention gives a convention a sequence of messages, one a line: topic, a blank, payload. Then it commands whatever can
// be commanded, and forgets everything.
func FuzzConvention(f *testing.F) {
	seeds := 0
	for _, lines := range [][]string{plug, lights, cover, gateway, sleeper, classicHouse} {
		for i, line := range lines {
			lines[i] = strings.ReplaceAll(line, "\n", "")
		}
		f.Add(strings.Join(lines, "\n"))
		seeds++
	}
	f.Add(notify(`"switch:0":{"output":true}`) + "\n" + plugAnswer + `{"id":1e300,"src":"` + plugID + `","error":{"code":1}}`)
	f.Add("shellies/a/b/c/relay/0 on\nshellies/a/relay/0 off\nshellies/a/b/c/online false")
	if seeds == 0 {
		f.Fatal("the seed corpus is empty")
	}
	f.Fuzz(func(t *testing.T, script string) {
		h := newHouse(t)
		for line := range strings.SplitSeq(script, "\n") {
			topic, payload, _ := strings.Cut(line, " ")
			m := broker.Message{Topic: topic, Payload: []byte(payload)}
			h.take(m)
			h.asked = append(h.asked, h.c.Observe(payload, []string{topic, topic + "/rpc"})...)
		}
		for _, m := range append(h.asked, h.c.Greet()...) {
			if m.Retain || broker.ValidTopic(m.Topic) != nil {
				t.Errorf("it asks on %q", m.Topic)
			}
		}
		for key, d := range h.devices {
			ids := map[string]bool{}
			for _, c := range d.Device.Components {
				if c.ID == "" || c.ID != devices.Slug(c.ID) || ids[c.ID] {
					t.Errorf("component %q", c.ID)
				}
				ids[c.ID] = true
				for _, p := range c.Properties {
					if p.ID == "" || p.ID != devices.Slug(p.ID) {
						t.Errorf("property %q", p.ID)
					}
					if p.Settable {
						commandAny(t, h.c, key, devices.Ref{Component: c.ID, Property: p.ID}, p)
					}
				}
			}
		}
		for key := range h.devices {
			h.c.Forget(key)
		}
	})
}

// commandAny commands some value of a property's type.
func commandAny(t *testing.T, c *shelly.Convention, key string, ref devices.Ref, p devices.Property) {
	t.Helper()
	var v devices.Value
	switch p.Datatype {
	case devices.Bool:
		v = devices.BoolValue(true)
	case devices.Int:
		v = devices.IntValue(3000)
	case devices.Float:
		v, _ = devices.FloatValue(1.5)
	case devices.Enum:
		v = devices.EnumValue(p.Choices[0])
	case devices.Color:
		v, _ = devices.ColorValue(120, 50)
	default:
		v = devices.TextValue("x")
	}
	messages, err := c.Encode(key, ref, v)
	if err != nil {
		t.Errorf("commanding %s %s: %v", key, ref, err)
	}
	for _, m := range messages {
		if m.Retain || broker.ValidTopic(m.Topic) != nil || len(m.Payload) == 0 {
			t.Errorf("a command is published as %+v", m)
		}
	}
}
