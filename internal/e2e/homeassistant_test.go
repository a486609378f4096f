package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// assistant is a real Home Assistant, run by homeassistant/client.py.
type assistant struct {
	*program
	t     *testing.T
	input io.Writer
	asked int
}

// newAssistant starts one at a broker's port. HOMEASSISTANT names a Python that has the package homeassistant (see .ci/run); without it
// the test is left out.
func newAssistant(t *testing.T, port string) *assistant {
	t.Helper()
	python := os.Getenv("HOMEASSISTANT")
	if python == "" {
		t.Skip("left out: HOMEASSISTANT does not name a Python 3.11 with homeassistant==2024.3.3 and paho-mqtt==1.6.1")
	}
	r, w := io.Pipe()
	a := &assistant{program: startWith(t, r, python, "homeassistant/client.py", port, t.TempDir()), t: t, input: w}
	t.Cleanup(func() { w.Close() }) // before the program's end is waited for
	a.expect(`(?m)^ready$`)
	return a
}

// ask tells it something and returns what it answers.
func (a *assistant) ask(words ...any) string {
	a.t.Helper()
	line, err := json.Marshal(words)
	if err != nil {
		a.t.Fatal(err)
	}
	if _, err := a.input.Write(append(line, '\n')); err != nil {
		a.t.Fatalf("asking Home Assistant: %v", err)
	}
	a.asked++
	answer := regexp.MustCompile(`(?m)^(?:states|devices|called)(?: (.*))?$`)
	var all [][]string
	eventually(a.t, "Home Assistant answers", func() bool {
		all = answer.FindAllStringSubmatch(a.text(), -1)
		return len(all) >= a.asked
	})
	return all[a.asked-1][1]
}

// states are those of all its entities, by their IDs.
func (a *assistant) states() (all map[string]string) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.ask("states")), &all); err != nil {
		a.t.Fatal(err)
	}
	return all
}

// shows waits until an entity has a state.
func (a *assistant) shows(id, state string) {
	a.t.Helper()
	eventually(a.t, fmt.Sprintf("Home Assistant shows that %s is %q", id, state), func() bool { return a.states()[id] == state })
}

// call calls a service.
func (a *assistant) call(domain, service, entity string, more ...any) {
	a.t.Helper()
	data := map[string]any{"entity_id": entity}
	for i := 0; i+1 < len(more); i += 2 {
		data[more[i].(string)] = more[i+1]
	}
	a.ask("call", domain, service, data)
}

var (
	complaint = regexp.MustCompile(`(?m)^log \w+ homeassistant\.(components|helpers)\..*$`)
	// What it complains of that is none of ours: this version does not know the device form of discovery, in which simulated devices
	// announce themselves.
	foreign = "Integration device is not supported"
)

// calm wants its log to be without complaints.
func (a *assistant) calm() {
	a.t.Helper()
	for _, line := range complaint.FindAllString(a.text(), -1) {
		if !strings.Contains(line, foreign) {
			a.t.Error(line)
		}
	}
}

func TestARealHomeAssistantSteersTheHouse(t *testing.T) {
	h := serve(t, t.TempDir())
	a := newAssistant(t, h.mqtt)
	start(t, "simulator", "--broker", "mqtt://127.0.0.1:"+h.mqtt, "--seed", "3")
	const plug, lamp = "switch.kitchen_kettle", "light.bathroom_light" // with Tasmota, and a Shelly
	known := func(id string) func() bool {
		return func() bool { s := a.states()[id]; return s == "on" || s == "off" }
	}
	eventually(t, "Home Assistant lists the plug", known(plug))
	eventually(t, "Home Assistant lists the lamp", known(lamp))
	var devices []string
	if err := json.Unmarshal([]byte(a.ask("devices")), &devices); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Kitchen kettle", "Bathroom light", "Living room spots", "Kitchen shutter", "Bedroom fan"} {
		if !slices.Contains(devices, want) {
			t.Errorf("Home Assistant does not list %s among %q", want, devices)
		}
	}
	for _, id := range []string{plug, lamp} {
		domain, _, _ := strings.Cut(id, ".")
		for _, state := range []string{"off", "on", "off"} {
			a.call(domain, "turn_"+state, id)
			a.shows(id, state)
		}
	}
	// What Home Assistant shows is what the device has reported: the hub's commands are confirmed.
	for device, property := range map[string]string{"kitchen-kettle": "/on", "bathroom-light": "/on"} {
		eventually(t, "the commands to "+device+" are confirmed", func() bool {
			out, code := call(t, "hub", "device", "show", device, "--json", "--hub", "http://127.0.0.1:"+h.web)
			var d struct {
				Reported map[string]struct{ Value any }
			}
			if code != 0 || json.Unmarshal([]byte(out), &d) != nil {
				return false
			}
			for path, r := range d.Reported {
				if strings.HasSuffix(path, property) && r.Value == false {
					return true
				}
			}
			return false
		})
	}
	a.call("light", "turn_on", lamp, "brightness", 128)
	a.shows(lamp, "on")

	// A device that is removed is gone from Home Assistant, too.
	pub(t, h.mqtt, "-r", "-q", "1", "-t", "homie/5/pump/$description", "-m", `{"homie":"5.0","version":1,"name":"Pump","nodes":{"relay":{"type":"switch",`+
		`"properties":{"on":{"datatype":"boolean","settable":true}}}}}`)
	pub(t, h.mqtt, "-r", "-q", "1", "-t", "homie/5/pump/$state", "-m", "ready")
	pub(t, h.mqtt, "-r", "-q", "1", "-t", "homie/5/pump/relay/on", "-m", "true")
	a.shows("switch.pump", "on")
	pub(t, h.mqtt, "-r", "-q", "1", "-t", "homie/5/pump/$state", "-m", "lost")
	a.shows("switch.pump", "unavailable")
	pub(t, h.mqtt, "-r", "-n", "-t", "homie/5/pump/$description")
	pub(t, h.mqtt, "-r", "-n", "-t", "homie/5/pump/$state")
	eventually(t, "the pump is gone", func() bool { _, there := a.states()["switch.pump"]; return !there })
	a.calm()
}

// Home Assistant takes what is announced for every kind of component: what devices/homeassistant/announce keeps as its golden file.
func TestARealHomeAssistantTakesEveryKind(t *testing.T) {
	h := serve(t, t.TempDir())
	a := newAssistant(t, h.mqtt)
	golden := readFile(t, "../../devices/homeassistant/announce/testdata/everything.golden")
	golden = strings.ReplaceAll(golden, "hub/5/everything", "house/everything") // the hub's own topics are closed to others
	var topic string
	config := map[string]json.RawMessage{}
	count := 0
	publish := func() {
		if topic == "" {
			return
		}
		levels := strings.Split(topic, "/")
		config["unique_id"] = fmt.Appendf(nil, "%q", levels[2]+"_"+levels[3])
		config["device"] = []byte(`{"identifiers":["everything"],"name":"Everything"}`)
		payload, err := json.Marshal(config)
		if err != nil {
			t.Fatalf("%s: %v", topic, err)
		}
		pub(t, h.mqtt, "-r", "-q", "1", "-t", strings.Replace(topic, "homehub_", "example_", 1), "-m", string(payload))
		if string(config["enabled_by_default"]) != "false" {
			count++
		}
		clear(config)
	}
	for line := range strings.Lines(golden) {
		line = strings.TrimSuffix(line, "\n")
		if key, value, ok := strings.Cut(strings.TrimPrefix(line, "  "), ": "); ok && strings.HasPrefix(line, "  ") {
			config[key] = json.RawMessage(value)
			continue
		}
		publish()
		topic = line
	}
	publish()
	eventually(t, "all entities are there", func() bool {
		n := 0
		for id := range a.states() {
			if strings.Contains(id, ".everything") {
				n++
			}
		}
		return n == count
	})
	for _, c := range []struct{ topic, payload, entity, state string }{
		{"alarm/state", "armed_away", "alarm_control_panel.everything_alarm", "armed_away"},
		{"blind/state", "opening", "cover.everything_blind", "opening"},
		{"blind/position", "33.5", "cover.everything_blind", "opening"},
		{"blind/tilt", "50", "cover.everything_blind", "opening"},
		{"garage/state", "closed", "cover.everything_garage", "closed"},
		{"boiler/mode", "eco", "water_heater.everything_boiler", "eco"},
		{"boiler/target-temperature", "55", "water_heater.everything_boiler", "eco"},
		{"bulb/brightness", "40.5", "light.everything_bulb", "on"},
		{"door/state", "jammed", "lock.everything_door", "jammed"},
		{"dryer/on", "true", "humidifier.everything_dryer", "on"},
		{"dryer/target-humidity", "45.5", "humidifier.everything_dryer", "on"},
		{"fan/on", "true", "fan.everything_fan", "on"},
		{"fan/speed", "66.6667", "fan.everything_fan", "on"},
		{"faucet/state", "stopped", "valve.everything_faucet", "open"},
		{"gas/position", "0", "valve.everything_gas", "closed"},
		{"firmware/installed-version", "1.0", "update.everything_firmware", "unknown"},
		{"firmware/latest-version", "1.1", "update.everything_firmware", "on"},
		{"heating/mode", "boost", "climate.everything_heating", "heat"},
		{"heating/mode", "heat", "climate.everything_heating", "heat"},
		{"heating/action", "defrosting", "climate.everything_heating", "heat"},
		{"heating/attributes", `{"window":"open"}`, "climate.everything_heating", "heat"},
		{"lamp/on", "true", "light.everything", "on"},
		{"lamp/color", "hsv,30.5,80,100", "light.everything", "on"},
		{"lamp/color", "", "light.everything", "on"},
		{"lamp/color-temperature", "2703", "light.everything", "on"},
		{"lamp/brightness", "1.181102362205", "light.everything", "on"},
		{"mower/state", "returning", "lawn_mower.everything_mower", "mowing"},
		{"phone/place", "home", "device_tracker.everything_phone", "home"},
		{"plug/on", "true", "switch.everything_plug", "on"},
		{"siren/on", "true", "siren.everything_siren", "on"},
		{"motion/occupancy", "true", "binary_sensor.everything_occupancy", "on"},
		{"meter/energy", "12.25", "sensor.everything_energy", "12.25"},
		{"washer/phase", "spin", "sensor.everything_washer_phase", "spin"},
		{"clock/note", "late", "sensor.everything_note", "late"},
		{"clock/started", "2026-01-31T18:30:00Z", "sensor.everything_started", "2026-01-31T18:30:00+00:00"},
		{"clock/mood", "hsv,120,100,100", "text.everything_mood", "120,100"},
		{"clock/timeout", "120", "number.everything_time_out", "120"},
		{"programme/option", "wool", "select.everything_programme", "wool"},
		{"clock/plan", `{"day":"mo"}`, "sensor.everything_plan", `{"day":"mo"}`},
		{"clock/plan", `["mo","tu"]`, "sensor.everything_plan", `["mo","tu"]`},
		{"clock/days", `["mo"]`, "text.everything_days", `["mo"]`},
		{"robot/$homeassistant", `{"state":"docked","fan_speed":"low"}`, "vacuum.everything_robot", "docked"},
		{"robot/$homeassistant", `{"state":null}`, "vacuum.everything_robot", "unknown"},
		{"phone/$homeassistant", `{"latitude":48.5,"longitude":-2,"gps_accuracy":13}`, "device_tracker.everything_phone", "home"},
		{"phone/$homeassistant", `{}`, "device_tracker.everything_phone", "home"},
	} {
		args := []string{"-r", "-q", "1", "-t", "house/everything/" + c.topic, "-m", c.payload}
		pub(t, h.mqtt, args...)
		a.shows(c.entity, c.state)
	}
	pub(t, h.mqtt, "-q", "1", "-t", "house/everything/knob/event", "-m", "double")
	eventually(t, "the knob's event is there", func() bool { return strings.HasPrefix(a.states()["event.everything_knob"], "20") })
	a.calm()
}
