package shelly_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/shelly"
	"home.arpa/homehub/hub"
)

// house is a convention with what it made of what it heard.
type house struct {
	t       testing.TB
	c       *shelly.Convention
	devices map[string]hub.Announced
	values  map[string]devices.Value // device/component/property
	reach   map[string]devices.Reach
	faults  []string
	asked   []broker.Message
	refused []string
}

func newHouse(t testing.TB) *house {
	t.Helper()
	c, err := shelly.New(shelly.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &house{
		t: t, c: c, devices: map[string]hub.Announced{}, values: map[string]devices.Value{}, reach: map[string]devices.Reach{},
	}
}

func message(topic, payload string) broker.Message {
	return broker.Message{Topic: topic, Payload: []byte(payload)}
}

// hear takes lines of a topic, a blank and a payload. A line that begins with "=" was kept by the broker.
func (h *house) hear(lines ...string) {
	h.t.Helper()
	for _, line := range lines {
		line, kept := strings.CutPrefix(line, "=")
		topic, payload, _ := strings.Cut(line, " ")
		m := message(topic, payload)
		m.Retain = kept
		h.take(m)
	}
}

func (h *house) take(m broker.Message) hub.Update {
	h.t.Helper()
	u := h.c.Apply(m, h.c.Parse(m))
	for _, key := range u.Gone {
		delete(h.devices, key)
	}
	for _, d := range u.Devices {
		h.devices[d.Key] = d
	}
	for _, r := range u.Readings {
		d := h.devices[r.Key]
		if p := d.Device.Property(r.Ref); p == nil || p.Datatype != r.Datatype() || !p.Readable && !p.Answers {
			h.t.Errorf("%s gives a reading of %s/%s of type %s, which is %+v", m.Topic, r.Key, r.Ref, r.Datatype(), p)
		}
		h.values[r.Key+"/"+r.Ref.String()] = r.Value
	}
	for _, r := range u.Reaches {
		h.reach[r.Key] = r.Reach
	}
	for _, f := range u.Faults {
		h.faults = append(h.faults, fmt.Sprintf("%s: %s: %s", f.Key, f.Topic, f.Reason))
	}
	for _, r := range u.Refusals {
		h.refused = append(h.refused, fmt.Sprintf("%s/%s: %s", r.Key, r.Ref, r.Reason))
	}
	h.asked = append(h.asked, u.Ask...)
	return u
}

// tell commands a value as people type it, and returns what is published.
func (h *house) tell(key, path, text string) string {
	h.t.Helper()
	component, property, _ := strings.Cut(path, "/")
	ref := devices.Ref{Component: component, Property: property}
	d := h.devices[key].Device
	p := d.Property(ref)
	if p == nil {
		h.t.Errorf("%s has no %s", key, path)
		return ""
	}
	v, err := p.ParseText(text)
	if err == nil {
		err = p.Check(v)
	}
	if err != nil {
		h.t.Errorf("telling %s: %v", path, err)
		return ""
	}
	messages, err := h.c.Encode(key, ref, v)
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, m := range messages {
		out = append(out, m.Topic+" "+string(m.Payload))
	}
	return strings.Join(out, "\n")
}

// outline is a device as golden files have it.
func outline(a hub.Announced, values map[string]devices.Value) string {
	var b strings.Builder
	d := a.Device
	fmt.Fprintf(&b, "%s: %q, id %s, %s %s, firmware %s, %v", a.Key, d.Name, d.ID, d.Manufacturer, d.Model, d.Firmware, d.Connections)
	if d.Via != "" {
		fmt.Fprintf(&b, ", via %s", d.Via)
	}
	b.WriteByte('\n')
	for _, c := range d.Components {
		fmt.Fprintf(&b, "  %s: %s %q %s\n", c.ID, c.Kind, c.Name, c.Category)
		for _, p := range c.Properties {
			fmt.Fprintf(&b, "    %s: %s", p.ID, p.Datatype)
			if p.Class != "" {
				fmt.Fprintf(&b, " (%s)", p.Class)
			}
			if p.Min != nil || p.Max != nil {
				fmt.Fprintf(&b, " %s", p.Range())
			} else if p.Unit != "" {
				fmt.Fprintf(&b, " %s", p.Unit)
			}
			if len(p.Choices) > 0 {
				fmt.Fprintf(&b, " [%s]", strings.Join(p.Choices, " "))
			}
			if p.Settable {
				b.WriteString(" settable")
			}
			if p.Momentary {
				b.WriteString(" momentary")
			}
			if v, ok := values[a.Key+"/"+c.ID+"/"+p.ID]; ok {
				fmt.Fprintf(&b, " = %s", v)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// recordedMessages reads a file of recorded messages: topic, retained, payload, with tabs between.
func recordedMessages(t testing.TB, path string) []broker.Message {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out []broker.Message
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if fields := strings.Split(lines.Text(), "\t"); len(fields) >= 3 && !strings.HasPrefix(fields[0], "#") {
			out = append(out, broker.Message{Topic: fields[0], Payload: []byte(fields[2]), Retain: fields[1] == "1"})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// The messages of a plug as its documents show them.
const (
	plugID     = "shellyplus1pm-a8032ab1c2d4"
	plugInfo   = `{"id":1,"src":"shellyplus1pm-a8032ab1c2d4","dst":"homehub/shelly/shellyplus1pm-a8032ab1c2d4","result":{"name":"Kettle","id":"shellyplus1pm-a8032ab1c2d4","mac":"A8032AB1C2D4","model":"SNSW-001P16EU","gen":2,"fw_id":"20240430-114429/1.3.1-gd8534ee","ver":"1.3.1","app":"Plus1PM","auth_en":false}}`
	plugConfig = `{"id":2,"src":"shellyplus1pm-a8032ab1c2d4","dst":"homehub/shelly/shellyplus1pm-a8032ab1c2d4","result":{"input:0":{"id":0,"name":null,"type":"switch"},"mqtt":{"enable":true,"topic_prefix":"shellyplus1pm-a8032ab1c2d4","rpc_ntf":true,"status_ntf":false},"switch:0":{"id":0,"name":null},"sys":{"device":{"name":"Kettle","mac":"A8032AB1C2D4","fw_id":"20240430-114429/1.3.1-gd8534ee"},"cfg_rev":3},"wifi":{"ap":{}}}}`
	plugStatus = `{"id":4,"src":"shellyplus1pm-a8032ab1c2d4","dst":"homehub/shelly/shellyplus1pm-a8032ab1c2d4","result":{"input:0":{"id":0,"state":false},"switch:0":{"id":0,"source":"init","output":true,"apower":1850.5,"voltage":231.2,"current":8.01,"freq":50.0,"pf":0.99,"aenergy":{"total":12345.678,"by_minute":[1.0,2.0,3.0],"minute_ts":1700000000},"temperature":{"tC":41.5,"tF":106.7}},"sys":{"mac":"A8032AB1C2D4","restart_required":false,"uptime":3600,"available_updates":{"stable":{"version":"1.4.0"}}},"wifi":{"sta_ip":"192.168.1.7","status":"got ip","rssi":-61}}}`
	plugAnswer = "homehub/shelly/" + plugID + "/rpc "
	plugEvents = plugID + "/events/rpc "
)

// plug are the lines by which the plug becomes known.
var plug = []string{
	plugID + "/online true", plugAnswer + plugInfo, plugAnswer + plugConfig, plugAnswer + plugStatus,
}

// notify is a notification of the plug's.
func notify(params string) string {
	return plugEvents + `{"src":"` + plugID + `","dst":"` + plugID + `/events","method":"NotifyStatus","params":{"ts":1700000001.5,` + params + `}}`
}
