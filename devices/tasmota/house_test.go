package tasmota_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/tasmota"
	"home.arpa/homehub/hub"
)

// house is a convention with what it has said so far.
type house struct {
	t       testing.TB
	c       *tasmota.Convention
	devices map[string]hub.Announced
	reach   map[string]string // presence and why by key
	filters map[string]bool
	faults  []string
	asked   []string // topic and payload
	targets []string
	refused []string
}

func newHouse(t testing.TB) *house {
	t.Helper()
	c, err := tasmota.New(tasmota.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &house{t: t, c: c, devices: map[string]hub.Announced{}, reach: map[string]string{}, filters: map[string]bool{}}
}

// hear gives a live message to the convention and returns the readings as component/property=value.
func (h *house) hear(topic, payload string) []string {
	h.t.Helper()
	return h.hearMessage(broker.Message{Topic: topic, Payload: []byte(payload)})
}

func (h *house) replay(topic, payload string) []string {
	h.t.Helper()
	return h.hearMessage(broker.Message{Topic: topic, Payload: []byte(payload), Retain: true})
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
		if len(d.Sources) == 0 || len(d.Device.Components) == 0 || d.Device.Name == "" {
			h.t.Errorf("device %s lacks something: %+v", d.Key, d)
		}
		h.devices[d.Key] = d
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
		h.faults = append(h.faults, f.Reason)
	}
	for _, a := range u.Ask {
		h.asked = append(h.asked, a.Topic+" "+string(a.Payload))
	}
	for _, r := range u.Targets {
		h.targets = append(h.targets, r.Ref.String()+"="+r.Value.String())
	}
	for _, r := range u.Refusals {
		h.refused = append(h.refused, r.Ref.String()+": "+r.Reason)
	}
	var out []string
	for _, r := range u.Readings {
		d, ok := h.devices[r.Key]
		if !ok {
			h.t.Errorf("a reading of %s, which is not there", r.Key)
			continue
		}
		p := d.Device.Property(r.Ref)
		if p == nil || p.Datatype != r.Datatype() || !p.Readable {
			h.t.Errorf("after %s a reading of %s of type %s, which is %+v", m.Topic, r.Ref, r.Datatype(), p)
		}
		out = append(out, r.Ref.String()+"="+r.Value.String())
	}
	slices.Sort(out)
	return out
}

// questions returns what was asked since the last time.
func (h *house) questions() []string {
	out := h.asked
	h.asked = nil
	return out
}

// told is what a command sends: topic and payload.
func (h *house) told(key, path, value string) []string {
	h.t.Helper()
	component, property, _ := strings.Cut(path, "/")
	ref := devices.Ref{Component: component, Property: property}
	d := h.devices[key].Device
	p := d.Property(ref)
	if p == nil {
		h.t.Fatalf("%s has no %s: %s", key, path, h.spell(key))
	}
	v, err := p.ParseText(value)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := p.Check(v); err != nil {
		h.t.Fatal(err)
	}
	messages, err := h.c.Encode(key, ref, v)
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, m := range messages {
		out = append(out, strings.TrimSpace(m.Topic+" "+string(m.Payload)))
	}
	return out
}

// spell is a device with its components and properties, for golden comparisons.
func (h *house) spell(key string) string {
	a, ok := h.devices[key]
	if !ok {
		return "no device " + key
	}
	d := a.Device
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s, %s) %v %v\n", d.Name, d.Model, d.Firmware, d.Identifiers, d.Connections)
	for _, c := range d.Components {
		fmt.Fprintf(&b, "  %s: %s %q %s\n", c.ID, c.Kind, c.Name, c.Category)
		for _, p := range c.Properties {
			fmt.Fprintf(&b, "    %s: %s", p.ID, p.Datatype)
			if p.Unit != "" || p.Class != "" {
				fmt.Fprintf(&b, " [%s %s]", p.Unit, p.Class)
			}
			if p.Min != nil && p.Max != nil {
				fmt.Fprintf(&b, " %s step %v", p.Range(), p.Step)
			}
			if p.Settable {
				b.WriteString(" settable")
			}
			if p.Momentary {
				b.WriteString(" momentary")
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// config is a discovery config with some keys of its own.
func config(mac, topic, changes string) string {
	keys := map[string]string{
		"ip": `"192.0.2.12"`, "dn": `"Hall"`, "fn": `["Hall",null,null,null]`, "hn": `"` + topic + `-1234"`, "mac": `"` + mac + `"`, "md": `"Athom Plug V2"`,
		"ty": "0", "if": "0", "ofln": `"Offline"`, "onln": `"Online"`, "state": `["OFF","ON","TOGGLE","HOLD"]`, "sw": `"13.1.0.1"`, "t": `"` + topic + `"`,
		"ft": `"%prefix%/%topic%/"`, "tp": `["cmnd","stat","tele"]`, "rl": "[1,0,0,0]", "swc": "[-1,-1]", "swn": "[null,null]", "btn": "[0,0]",
		"so": `{"4":0,"11":0,"13":0,"17":0,"20":0,"30":0,"68":0,"73":0,"82":0,"114":0,"117":0}`, "lk": "0", "lt_st": "0", "bat": "0", "dslp": "0",
		"sho": "[]", "sht": "[]", "ver": "1",
	}
	for change := range strings.SplitSeq(changes, ";") {
		if key, value, ok := strings.Cut(change, "="); ok {
			keys[key] = value
		}
	}
	names := make([]string, 0, len(keys))
	for key := range keys {
		names = append(names, key)
	}
	slices.Sort(names)
	var b strings.Builder
	for i, key := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", key, keys[key])
	}
	return "{" + b.String() + "}"
}

const mac = "48551917E7AE"

// discover announces a device with some keys of its own.
func (h *house) discover(changes string) {
	h.t.Helper()
	h.replay("tasmota/discovery/"+mac+"/config", config(mac, "hall", changes))
}
