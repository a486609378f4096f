package zigbee2mqtt_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	shared "home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/devices/zigbee2mqtt"
	"home.arpa/homehub/hub"
)

func read(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

const (
	lampState = `{"brightness":127,"color":{"hue":120,"saturation":50,"x":0.3,"y":0.45},"color_mode":"hs","color_temp":250,` +
		`"effect":null,"level_config":{"on_level":"previous","execute_if_off":false},"linkquality":120,"power_on_behavior":"on",` +
		`"state":"ON","update":{"installed_version":16777,"latest_version":16778,"state":"available"}}`
	info = `{"commit":"abc","config":{"advanced":{"output":"json"},"mqtt":{"base_topic":"zigbee2mqtt"}},"config_schema":{},` +
		`"coordinator":{"ieee_address":"0x00124b0018ed1111","meta":{"revision":20230507},"type":"ZStack3x0"},"log_level":"info",` +
		`"network":{"channel":11},"permit_join":false,"restart_required":false,"version":"2.6.1"}`
	groups = `[{"id":1,"friendly_name":"kitchen","members":[{"ieee_address":"0x000b57fffec6a5b2","endpoint":11},` +
		`{"ieee_address":"0x84fd27fffe000008","endpoint":1},{"ieee_address":"0x84fd27fffe000001","endpoint":2}],"scenes":[]},` +
		`{"id":901,"friendly_name":"default_bind_group","members":[],"scenes":[]}]`
)

// house is what a broker delivers of a bridge, in that order.
func house(tb testing.TB) []broker.Message {
	tb.Helper()
	var out []broker.Message
	add := func(retain bool, topic, payload string) {
		out = append(out, broker.Message{Topic: "zigbee2mqtt/" + topic, Payload: []byte(payload), Retain: retain})
	}
	add(true, "bridge/devices", string(read(tb, "devices.json")))
	add(true, "bridge/groups", groups)
	add(true, "bridge/info", info)
	add(true, "bridge/state", `{"state":"online"}`)
	add(true, "Hall lamp/availability", `{"state":"online"}`)
	add(true, "kitchen/window/availability", `offline`)
	add(true, "kitchen/availability", `{"state":"online"}`)
	add(false, "Hall lamp", lampState)
	add(false, "kitchen/window", `{"battery":91,"contact":false,"device_temperature":23,"linkquality":94,"voltage":2985}`)
	add(false, "Two gang switch", `{"state_l1":"ON","state_l2":"OFF","power":12.5,"energy":3.21,"countdown_l1":2,"child_lock":"UNLOCK","linkquality":1}`)
	add(false, "bedroom/radiator", `{"current_heating_setpoint":21.5,"local_temperature":19.81,"local_temperature_calibration":-0.5,`+
		`"system_mode":"heat","running_state":"heat","preset":"boost","pi_heating_demand":40,"window_detection":"OFF","schedule":"6:00 21"}`)
	add(false, "Blind", `{"position":30,"state":"OPEN","tilt":0}`)
	add(false, "Front door", `{"action":"manual_unlock","lock_state":"unlocked","state":"LOCK","pin_code":{"user":1,"user_type":"master"}}`)
	add(false, "Ceiling fan", `{"fan_state":"ON","fan_mode":"medium"}`)
	add(false, "Ceiling fan", `{"fan_state":"ON","fan_mode":"auto"}`)
	add(false, "Remote", `{"action":"toggle","linkquality":10}`)
	add(false, "Remote", `{"action":""}`)
	add(false, "Siren", `{"tamper":false,"colors":["a","b"]}`)
	add(false, "kitchen", `{"state":"ON","brightness":254,"color_mode":"color_temp","color_temp":300,"color":{"x":0.4,"y":0.4}}`)
	add(false, "Hall lamp/set", `{"state":"OFF"}`)
	add(false, "bridge/response/device/rename", `{"data":{"from":"a","to":"b"},"status":"ok"}`)
	return out
}

// ear hears messages, and tells in lines what they mean.
type ear struct {
	tb      testing.TB
	c       *zigbee2mqtt.Convention
	devices map[string]hub.Announced
	filters []string
}

func newEar(tb testing.TB) *ear {
	return &ear{tb: tb, c: newConvention(tb), devices: map[string]hub.Announced{}}
}

func (e *ear) hear(m broker.Message) (lines []string) {
	p := e.c.Parse(m)
	for _, s := range p.Subscribe {
		if !slices.Contains(e.filters, s.Filter) {
			e.filters = append(e.filters, s.Filter)
		}
	}
	u := e.c.Apply(m, p)
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, a := range u.Devices {
		e.devices[a.Key] = a
		say("announced %s as %s", a.Key, a.Device.Name)
	}
	for _, key := range u.Gone {
		delete(e.devices, key)
		say("gone %s", key)
	}
	for _, r := range u.Readings {
		say("%s %s = %s", e.name(r.Key), r.Ref, r.Value)
	}
	for _, r := range u.Reaches {
		say("%s is %s: %s", e.name(r.Key), r.Presence, r.Why)
	}
	for _, f := range u.Faults {
		say("fault of %s at %s: %s", e.name(f.Key), f.Topic, f.Reason)
	}
	for _, r := range u.Refusals {
		say("%s refuses %s: %s", e.name(r.Key), r.Ref, r.Reason)
	}
	for _, f := range u.Unsubscribe {
		e.filters = slices.DeleteFunc(e.filters, func(s string) bool { return s == f })
		say("unsubscribe %s", f)
	}
	for _, m := range u.Ask {
		say("ask %s %s", m.Topic, m.Payload)
	}
	return lines
}

func (e *ear) name(key string) string {
	if a, ok := e.devices[key]; ok {
		return a.Device.Name
	}
	return key
}

func (e *ear) say(topic, payload string) []string {
	return e.hear(broker.Message{Topic: "zigbee2mqtt/" + topic, Payload: []byte(payload)})
}

func (e *ear) want(got []string, want ...string) {
	e.tb.Helper()
	if d := cmp.Diff(want, got); d != "" {
		e.tb.Errorf("(-want +got):\n%s", d)
	}
}

// settled has heard the whole house.
func settled(tb testing.TB) *ear {
	e := newEar(tb)
	for _, m := range house(tb) {
		e.hear(m)
	}
	return e
}

// TestHouse compares what is understood of a house with a file that was checked by eye.
func TestHouse(t *testing.T) {
	e := newEar(t)
	var b strings.Builder
	for _, m := range house(t) {
		fmt.Fprintf(&b, "== %s %.60s\n", m.Topic, strings.ReplaceAll(string(m.Payload), "\n", ""))
		for _, line := range e.hear(m) {
			fmt.Fprintln(&b, line)
		}
	}
	keys := make([]string, 0, len(e.devices))
	for key := range e.devices {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		b.WriteString("\n" + describe(e.devices[key]))
	}
	shared.Golden(t, "house.golden", b.String())
}

func describe(a hub.Announced) string {
	var b strings.Builder
	d := a.Device
	fmt.Fprintf(&b, "%s %q: %s, %s, firmware %q, via %q, identifiers %q, connections %v\n", a.Key, d.Name, d.Manufacturer, d.Model, d.Firmware, d.Via, d.Identifiers, d.Connections)
	for _, c := range d.Components {
		hidden := ""
		if c.Hidden {
			hidden = " hidden"
		}
		fmt.Fprintf(&b, "  %s %s %q %s%s\n", c.ID, c.Kind, c.Name, c.Category, hidden)
		for _, p := range c.Properties {
			fmt.Fprintf(&b, "    %s\n", strings.Join(strings.Fields(describeProperty(p)), " "))
		}
	}
	return b.String()
}

func describeProperty(p devices.Property) string {
	access := ""
	for word, has := range map[string]bool{"r": p.Readable, "s": p.Settable, "m": p.Momentary} {
		if has {
			access += word
		}
	}
	sorted := strings.Split(access, "")
	slices.Sort(sorted)
	if p.Answers {
		sorted = append(sorted, "a")
	}
	limits := ""
	for _, preset := range p.Presets {
		limits += fmt.Sprintf("%s=%v ", preset.Name, preset.Value)
	}
	if p.Min != nil || p.Max != nil {
		limits += p.Range()
	}
	if p.Step != 0 {
		limits += fmt.Sprintf(" step %.4g", p.Step)
	}
	return fmt.Sprintf("%s %s %s %s %q %s %s %s", p.ID, p.Datatype, strings.Join(sorted, ""), p.Class, p.Unit, limits, strings.Join(p.Choices, "|"), strings.Join(p.Wanted, "|"))
}
