package homeassistant_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant"
	"home.arpa/homehub/hub"
)

// house is a convention with what it has said so far.
type house struct {
	t       testing.TB
	c       *homeassistant.Convention
	devices map[string]hub.Announced
	reach   map[string]string // presence and why by key
	filters map[string]bool
	faults  []string
}

func newHouse(t testing.TB) *house {
	t.Helper()
	c, err := homeassistant.New(homeassistant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &house{t: t, c: c, devices: map[string]hub.Announced{}, reach: map[string]string{}, filters: map[string]bool{}}
}

// hear gives a message to the convention and returns the readings as component/property=value.
func (h *house) hear(topic, payload string) []string {
	return h.hearMessage(broker.Message{Topic: topic, Payload: []byte(payload)})
}

func (h *house) hearMessage(m broker.Message) []string {
	h.t.Helper()
	p := h.c.Parse(m)
	for _, s := range p.Subscribe {
		if err := broker.ValidFilter(s.Filter); err != nil || s.QoS > 1 {
			h.t.Errorf("subscribing to %q at QoS %d: %v", s.Filter, s.QoS, err)
		}
		h.filters[s.Filter] = true
	}
	u := h.c.Apply(m, p)
	for _, d := range u.Devices {
		h.devices[d.Key] = d
		if len(d.Sources) == 0 || len(d.Device.Components) == 0 || d.Device.Name == "" || d.Device.Convention != "homeassistant" {
			h.t.Errorf("device %s lacks something: %+v", d.Key, d)
		}
	}
	for _, key := range u.Gone {
		if _, ok := h.devices[key]; !ok {
			h.t.Errorf("a device is gone that was never there: %s", key)
		}
		delete(h.devices, key)
	}
	for _, f := range u.Unsubscribe {
		if !h.filters[f] {
			h.t.Errorf("unsubscribing from %s, which was not subscribed", f)
		}
		delete(h.filters, f)
	}
	for _, r := range u.Reaches {
		h.reach[r.Key] = string(r.Presence) + ": " + r.Why
	}
	for _, f := range u.Faults {
		h.faults = append(h.faults, f.Topic+": "+f.Reason)
	}
	var out []string
	for _, r := range u.Readings {
		d, ok := h.devices[r.Key]
		if !ok {
			h.t.Errorf("a reading of %s, which is not there", r.Key)
			continue
		}
		p := d.Device.Property(r.Ref)
		switch {
		case p == nil:
			h.t.Errorf("a reading of %s/%s, which is not there", r.Key, r.Ref)
		case !p.Readable || p.Datatype != r.Datatype():
			h.t.Errorf("a %s reading of %s/%s, which is %+v", r.Datatype(), r.Key, r.Ref, *p)
		}
		out = append(out, r.Ref.String()+"="+r.Value.String())
	}
	slices.Sort(out)
	return out
}

// only is the single device there is.
func (h *house) only() hub.Announced {
	h.t.Helper()
	if len(h.devices) != 1 {
		h.t.Fatalf("there are %d devices, want one; faults: %s", len(h.devices), strings.Join(h.faults, "; "))
	}
	for _, d := range h.devices {
		return d
	}
	panic("unreachable")
}

// tell commands a property of the only device, by the text of the value, and returns the messages as topic=payload.
func (h *house) tell(ref, value string) []string {
	h.t.Helper()
	d := h.only()
	component, property, _ := strings.Cut(ref, "/")
	r := devices.Ref{Component: component, Property: property}
	p := d.Device.Property(r)
	if p == nil {
		h.t.Errorf("%s is not there; there is %s", ref, describe(d.Device))
		return nil
	}
	v, err := p.ParseText(value)
	if err == nil {
		err = p.Check(v)
	}
	if err != nil {
		return []string{"refused: " + err.Error()}
	}
	messages, err := h.c.Encode(d.Key, r, v)
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	var out []string
	for _, m := range messages {
		if m.Retain || broker.ValidTopic(m.Topic) != nil {
			h.t.Errorf("a command is published as %+v", m)
		}
		out = append(out, m.Topic+"="+string(m.Payload))
	}
	return out
}

// describe lists a device's properties in short: r readable, s settable, m momentary.
func describe(d devices.Device) string {
	var out []string
	for _, c := range d.Components {
		for _, p := range c.Properties {
			flags := ""
			for flag, on := range map[string]bool{"r": p.Readable, "s": p.Settable, "m": p.Momentary} {
				if on {
					flags += flag
				}
			}
			f := []byte(flags)
			slices.Sort(f)
			s := fmt.Sprintf("%s(%s)/%s:%s %s", c.ID, c.Kind, p.ID, p.Datatype, f)
			if p.Unit != "" {
				s += " " + p.Unit
			}
			out = append(out, s)
		}
	}
	return strings.Join(out, "; ")
}
