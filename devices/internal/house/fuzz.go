package house

import (
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Fuzz gives a convention sequences of messages, one a line as Message reads them. Then it commands whatever can be commanded, has
// the devices announce themselves again by their sources, and forgets them. Each seed is one house.
func Fuzz[C hub.Convention](f *testing.F, newConvention func(testing.TB) C, seeds ...[]string) {
	if len(seeds) == 0 {
		f.Fatal("the seed corpus is empty")
	}
	for _, lines := range seeds {
		f.Add(strings.ReplaceAll(strings.Join(lines, "\x00"), "\n", " "))
	}
	f.Fuzz(func(t *testing.T, script string) {
		h := New(t, newConvention(t))
		for line := range strings.SplitSeq(script, "\x00") {
			m := Message(line)
			if broker.ValidTopic(m.Topic) != nil {
				continue
			}
			h.Take(m)
			if o, ok := h.C.(hub.Observer); ok { // somebody subscribes to such topics
				h.Asked = append(h.Asked, o.Observe(string(m.Payload), []string{m.Topic, m.Topic + "/rpc"})...)
			}
		}
		for _, m := range append(h.Asked, h.C.Greet()...) {
			if m.Retain || broker.ValidTopic(m.Topic) != nil {
				t.Errorf("it asks on %q", m.Topic)
			}
		}
		for _, w := range h.Wanted {
			if err := broker.ValidFilter(w); err != nil {
				t.Errorf("it wants %q: %v", w, err)
			}
		}
		again := New(t, newConvention(t))
		for key, a := range h.Devices {
			wellFormed(t, h, key, a.Device)
			for _, m := range a.Sources {
				again.Take(m)
			}
			if _, ok := again.Devices[key]; !ok {
				t.Errorf("the sources of %s do not announce it", key)
			}
			h.C.Topics(key)
		}
		for key := range h.Devices {
			h.C.Forget(key)
		}
	})
}

func wellFormed(t *testing.T, h *House, key string, d devices.Device) {
	t.Helper()
	if d.Name == "" || len(d.Name) > 200 {
		t.Errorf("the name of %s is %q", key, d.Name)
	}
	ids := map[string]bool{}
	for _, c := range d.Components {
		if c.ID == "" || c.ID != devices.Slug(c.ID) || ids[c.ID] {
			t.Errorf("component %q", c.ID)
		}
		ids[c.ID] = true
		for _, p := range c.Properties {
			id := c.ID + "/" + p.ID
			if p.ID == "" || p.ID != devices.Slug(p.ID) || ids[id] {
				t.Errorf("property %q", id)
			}
			ids[id] = true
			if p.Settable {
				command(t, h.C, key, devices.Ref{Component: c.ID, Property: p.ID}, p)
			}
		}
	}
}

// command commands some value of a property's type.
func command(t *testing.T, c hub.Convention, key string, ref devices.Ref, p devices.Property) {
	t.Helper()
	v := devices.BoolValue(true)
	switch p.Datatype {
	case devices.Int:
		v = devices.IntValue(3)
	case devices.Float:
		v, _ = devices.FloatValue(1.5)
	case devices.Enum:
		v = devices.EnumValue(append(p.Wanted, p.Choices...)[0])
	case devices.Color:
		v, _ = devices.ColorValue(120, 50)
	case devices.JSON:
		v, _ = devices.JSONValue("{}")
	case devices.String:
		v = devices.TextValue("x")
	}
	messages, err := c.Encode(key, ref, v)
	if err != nil {
		t.Errorf("commanding %s %s: %v", key, ref, err)
	}
	for _, m := range messages {
		if m.Retain || broker.ValidTopic(m.Topic) != nil {
			t.Errorf("a command is published as %+v", m)
		}
	}
}
