package tasmota_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/devices/tasmota"
)

// home is a house that also says what each message meant.
type home struct {
	*house.House
	t       testing.TB
	reach   map[string]string // presence and why by key
	faults  []string          // without what they are of
	targets []string
}

var newConvention = house.Maker(tasmota.New)

func newHouse(t testing.TB) *home {
	t.Helper()
	return &home{House: house.New(t, newConvention(t)), t: t, reach: map[string]string{}}
}

// hear gives a live message to the convention and returns the readings as component/property=value.
func (h *home) hear(topic, payload string) []string {
	h.t.Helper()
	return h.hearMessage(broker.Message{Topic: topic, Payload: []byte(payload)})
}

func (h *home) replay(topic, payload string) []string {
	h.t.Helper()
	return h.hearMessage(broker.Message{Topic: topic, Payload: []byte(payload), Retain: true})
}

func (h *home) hearMessage(m broker.Message) []string {
	h.t.Helper()
	u := h.Take(m)
	for _, r := range u.Reaches {
		h.reach[r.Key] = string(r.Presence) + ": " + r.Why
	}
	for _, f := range u.Faults {
		h.faults = append(h.faults, f.Reason)
	}
	for _, r := range u.Targets {
		h.targets = append(h.targets, r.Ref.String()+"="+r.Value.String())
	}
	var out []string
	for _, r := range u.Readings {
		out = append(out, r.Ref.String()+"="+r.Value.String())
	}
	slices.Sort(out)
	return out
}

// questions returns what was asked since the last time.
func (h *home) questions() []string {
	var out []string
	for _, m := range h.Asked {
		out = append(out, m.Topic+" "+string(m.Payload))
	}
	h.Asked = nil
	return out
}

// told is what a command sends: topic and payload.
func (h *home) told(key, path, value string) []string {
	h.t.Helper()
	var out []string
	for line := range strings.Lines(h.Tell(key, path, value)) {
		out = append(out, strings.TrimSpace(line))
	}
	return out
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
func (h *home) discover(changes string) {
	h.t.Helper()
	h.replay("tasmota/discovery/"+mac+"/config", config(mac, "hall", changes))
}
