package shelly_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/devices/shelly"
)

// answered is an answer of a device under a prefix to the hub.
func answered(prefix, id, result string) string {
	return fmt.Sprintf(`homehub/shelly/%s/rpc {"id":2,"src":%q,"dst":"homehub/shelly/%s","result":%s}`, prefix, id, prefix, result)
}

func notified(prefix, id, method, params string) string {
	return fmt.Sprintf(`%s/events/rpc {"src":%q,"dst":"x","method":%q,"params":{"ts":1.5,%s}}`, prefix, id, method, params)
}

const lightsID = "shellyprorgbwwpm-aabbcc001122"

var lights = []string{
	answered("home/attic/lights", lightsID, `{"sys":{"device":{"name":"Attic","mac":"AABBCC001122"}},"light:0":{"id":0,"name":"Stairs"},
		"rgb:0":{"id":0},"rgbw:0":{"id":0},"cct:0":{"id":0,"ct_range":[3000,6000]},"rgbcct:0":{"id":0},
		"mqtt":{"topic_prefix":"home/attic/lights","rpc_ntf":false,"status_ntf":false}}`),
	answered("home/attic/lights", lightsID, `{"sys":{"mac":"AABBCC001122"},"light:0":{"id":0,"output":true,"brightness":40},
		"rgb:0":{"id":0,"output":false,"brightness":10,"rgb":[255,0,0]},"rgbw:0":{"id":0,"output":true,"brightness":100,"rgb":[0,255,0],"white":51},
		"cct:0":{"id":0,"output":true,"brightness":5,"ct":4000},"rgbcct:0":{"id":0,"output":true,"brightness":44,"ct":3349,"rgb":[0,0,255],"mode":"rgb"}}`),
}

const coverID = "shellyplus2pm-aabbcc003344"

var cover = []string{
	answered(coverID, coverID, `{"sys":{"device":{"name":null,"mac":"AABBCC003344"}},"cover:0":{"id":0,"name":"Blind"},"input:0":{"id":0,"type":"button"},"input:1":{"id":1,"type":"analog"}}`),
	answered(coverID, coverID, `{"sys":{},"cover:0":{"id":0,"state":"stopped","current_pos":42,"pos_control":true,"slat_pos":10,"apower":0.0,"aenergy":{"total":100}},"input:0":{"id":0,"state":null},"input:1":{"id":1,"percent":51.5}}`),
	notified(coverID, coverID, "NotifyEvent", `"events":[{"component":"input:0","id":0,"event":"double_push","ts":1.5}]`),
}

const gatewayID = "shellyblugwg3-aabbcc005566"

var gateway = []string{
	answered(gatewayID, gatewayID, `{"sys":{"device":{"name":"Gateway","mac":"AABBCC005566"}},"thermostat:0":{"id":0,"type":"heating"}}`),
	answered(gatewayID, gatewayID, `{"sys":{},"thermostat:0":{"id":0,"enable":true,"target_C":21.5,"current_C":20.9,"output":true}}`),
	answered(gatewayID, gatewayID, `{"offset":0,"total":9,"components":[
		{"key":"blutrv:200","status":{"id":200,"target_C":19,"current_C":18.5,"pos":30,"rssi":-60,"battery":90},"config":{"id":200,"addr":"28:68:47:00:11:22","name":"Bath"}},
		{"key":"bthomedevice:201","status":{"rssi":-70,"battery":80},"config":{"addr":"aa:bb:cc:dd:ee:01"},"attrs":{"model_id":2}},
		{"key":"bthomesensor:201","status":{"value":80},"config":{"addr":"aa:bb:cc:dd:ee:01","obj_id":1,"idx":0}},
		{"key":"bthomesensor:202","status":{"value":true},"config":{"addr":"aa:bb:cc:dd:ee:01","obj_id":45,"idx":0}},
		{"key":"bthomesensor:203","status":{"value":3.5},"config":{"addr":"aa:bb:cc:dd:ee:01","obj_id":63,"idx":0}},
		{"key":"number:200","status":{"value":1500},"config":{"id":200,"name":"Charged","min":0,"max":10000,"access":"crw","meta":{"ui":{"view":"field","unit":"Wh","step":10}}}},
		{"key":"enum:200","status":{"value":"eco"},"config":{"id":200,"name":"Mode","options":["eco","boost"],"meta":{"ui":{"view":"dropdown"}}}},
		{"key":"text:200","status":{"value":"hi"},"config":{"id":200,"name":"Note"}},
		{"key":"button:200","status":{},"config":{"id":200,"name":"Go"}},
		{"key":"boolean:200","status":{"value":true},"config":{"id":200,"name":"Away"}}]}`),
}

const sleeperID = "shellyplusht-aabbcc007788"

var sleeper = []string{
	sleeperID + "/online true",
	notified(sleeperID, sleeperID, "NotifyFullStatus", `"sys":{"mac":"AABBCC007788","wakeup_period":7200},"temperature:0":{"id":0,"tC":21.4,"tF":70.5},"humidity:0":{"id":0,"rh":55.5},"devicepower:0":{"id":0,"battery":{"V":5.9,"percent":88},"external":{"present":false}},"wifi":{"rssi":-50}`),
}

func TestAPlugIsLearnt(t *testing.T) {
	h := newHouse(t)
	h.Hear(plugID + "/online true")
	if len(h.Asked) != 1 || h.Asked[0].Topic != plugID+"/rpc" || !strings.Contains(string(h.Asked[0].Payload), `"src":"homehub/shelly/`+plugID+`","method":"Shelly.GetDeviceInfo"`) {
		t.Fatalf("it asked %v", h.Asked)
	}
	h.Hear(plugAnswer + plugInfo)
	if len(h.Asked) != 4 {
		t.Fatalf("then it asked %v", h.Asked[1:])
	}
	h.Hear(plugAnswer+plugConfig, plugAnswer+plugStatus, notify(`"switch:0":{"id":0,"output":false,"apower":null}`))
	want := `shellyplus1pm-a8032ab1c2d4: "Kettle", id kettle, Shelly Plus1PM (SNSW-001P16EU), firmware 1.3.1, [{mac a8:03:2a:b1:c2:d4}], online: it spoke
  input-0: binary_sensor "" 
    input: bool = false
  restart: button "Restart" config
    press: bool settable momentary
  switch-0: switch "" 
    current: float (current) A = 8.01
    energy: float (energy) kWh = 12.345678
    frequency: float (frequency) Hz = 50
    on: bool settable = false
    power: float (power) W = 1850.5
    power-factor: float (power_factor) = 0.99
    temperature: float (temperature) °C = 41.5
    voltage: float (voltage) V = 231.2
  sys: sensor "System" diagnostic
    restart-required: bool (problem) = false
    uptime: int (duration) s = 3600
  update: update "Firmware" config
    in-progress: bool
    install: bool settable momentary
    installed-version: text = 1.3.1
    latest-version: text = 1.4.0
    progress: float %
  wifi: sensor "Wi-Fi" diagnostic
    ip: text = 192.168.1.7
    signal-strength: int (signal_strength) dBm = -61
`
	if diff := cmp.Diff(want, h.Outline()); diff != "" {
		t.Error(diff)
	}
	if len(h.Faults) > 0 {
		t.Error(h.Faults)
	}
}

func TestCommands(t *testing.T) {
	h := newHouse(t)
	for _, lines := range [][]string{plug, lights, cover, gateway} {
		h.Hear(lines...)
	}
	blu := "blu/28:68:47:00:11:22"
	for _, tc := range []struct{ key, path, value, topic, method, params string }{
		{plugID, "switch-0/on", "on", plugID, "Switch.Set", `{"id":0,"on":true}`},
		{plugID, "restart/press", "true", plugID, "Shelly.Reboot", `null`},
		{plugID, "update/install", "true", plugID, "Shelly.Update", `{"stage":"stable"}`},
		{lightsID, "light-0/on", "off", "home/attic/lights", "Light.Set", `{"id":0,"on":false}`},
		{lightsID, "light-0/brightness", "40", "home/attic/lights", "Light.Set", `{"brightness":40,"id":0,"on":true}`},
		{lightsID, "light-0/brightness", "0", "home/attic/lights", "Light.Set", `{"id":0,"on":false}`},
		{lightsID, "rgb-0/color", "120,100", "home/attic/lights", "RGB.Set", `{"id":0,"rgb":[0,255,0]}`},
		{lightsID, "rgbw-0/white", "20", "home/attic/lights", "RGBW.Set", `{"id":0,"white":51}`},
		{lightsID, "cct-0/color-temperature", "3500", "home/attic/lights", "CCT.Set", `{"ct":3500,"id":0}`},
		{lightsID, "rgbcct-0/color", "240,100", "home/attic/lights", "RGBCCT.Set", `{"id":0,"mode":"rgb","rgb":[0,0,255]}`},
		{lightsID, "rgbcct-0/color-temperature", "3500", "home/attic/lights", "RGBCCT.Set", `{"ct":3500,"id":0,"mode":"cct"}`},
		{coverID, "cover-0/state", "open", coverID, "Cover.Open", `{"id":0}`},
		{coverID, "cover-0/state", "closed", coverID, "Cover.Close", `{"id":0}`},
		{coverID, "cover-0/stop", "true", coverID, "Cover.Stop", `{"id":0}`},
		{coverID, "cover-0/position", "30", coverID, "Cover.GoToPosition", `{"id":0,"pos":30}`},
		{coverID, "cover-0/tilt", "30", coverID, "Cover.GoToPosition", `{"id":0,"slat_pos":30}`},
		{gatewayID, "thermostat-0/target-temperature", "22", gatewayID, "Thermostat.SetConfig", `{"config":{"target_C":22},"id":0}`},
		{gatewayID, "thermostat-0/mode", "off", gatewayID, "Thermostat.SetConfig", `{"config":{"enable":false},"id":0}`},
		{blu, "radiator/target-temperature", "20.5", gatewayID, "BluTrv.Call", `{"id":200,"method":"TRV.SetTarget","params":{"id":0,"target_C":20.5}}`},
		{gatewayID, "number-200/value", "2", gatewayID, "Number.Set", `{"id":200,"value":2000}`},
		{gatewayID, "enum-200/option", "boost", gatewayID, "Enum.Set", `{"id":200,"value":"boost"}`},
		{gatewayID, "text-200/value", "x", gatewayID, "Text.Set", `{"id":200,"value":"x"}`},
		{gatewayID, "boolean-200/on", "off", gatewayID, "Boolean.Set", `{"id":200,"value":false}`},
		{gatewayID, "button-200/press", "true", gatewayID, "Button.Trigger", `{"event":"single_push","id":200}`},
	} {
		t.Run(tc.path+" becomes "+tc.value, func(t *testing.T) {
			h.In(t)
			told := h.Tell(tc.key, tc.path, tc.value)
			payload, ok := strings.CutPrefix(told, tc.topic+"/rpc ")
			var request struct {
				Src, Method string
				Params      json.RawMessage
			}
			if err := json.Unmarshal([]byte(payload), &request); !ok || err != nil {
				t.Fatalf("%s: %v", told, err)
			}
			if request.Params == nil {
				request.Params = json.RawMessage("null")
			}
			if request.Method != tc.method || string(request.Params) != tc.params || request.Src != "homehub/shelly/"+tc.topic {
				t.Errorf("it publishes %s", told)
			}
		})
	}
}

func TestValues(t *testing.T) {
	h := newHouse(t)
	for _, lines := range [][]string{lights, cover, gateway, sleeper} {
		h.Hear(lines...)
	}
	for path, want := range map[string]string{
		lightsID + "/light-0/brightness":                    "40",
		lightsID + "/rgb-0/color":                           "0,100",
		lightsID + "/rgbw-0/white":                          "20",
		lightsID + "/cct-0/color-temperature":               "4000",
		coverID + "/cover-0/state":                          "stopped",
		coverID + "/cover-0/position":                       "42",
		coverID + "/cover-0/energy":                         "0.1",
		coverID + "/input-0/event":                          "double",
		coverID + "/input-1/level":                          "51.5",
		gatewayID + "/thermostat-0/action":                  "heating",
		gatewayID + "/thermostat-0/mode":                    "heat",
		gatewayID + "/thermostat-0/current-temperature":     "20.9",
		gatewayID + "/number-200/value":                     "1.5",
		"blu/28:68:47:00:11:22/radiator/target-temperature": "19",
		"blu/28:68:47:00:11:22/radiator/valve-position":     "30",
		"blu/aa:bb:cc:dd:ee:01/battery/battery":             "80",
		"blu/aa:bb:cc:dd:ee:01/window/window":               "true",
		"blu/aa:bb:cc:dd:ee:01/rotation/rotation":           "3.5",
		sleeperID + "/temperature-0/temperature":            "21.4",
		sleeperID + "/devicepower-0/battery":                "88",
		sleeperID + "/devicepower-0/external-power":         "false",
	} {
		if got := h.Values[path].String(); got != want {
			t.Errorf("%s is %q, not %q", path, got, want)
		}
	}
	if via := h.Devices["blu/aa:bb:cc:dd:ee:01"].Device.Via; via != gatewayID {
		t.Errorf("the window's gateway is %q", via)
	}
	if len(h.Faults) > 0 {
		t.Error(h.Faults)
	}
}

func TestModern(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines []string
		check func(t *testing.T, h *home)
	}{
		{"a device that does not answer is announced by its third notification, with what the first ones said", []string{
			notify(`"switch:0":{"id":0,"output":true}`), notify(`"switch:0":{"id":0,"apower":12}`), notify(`"wifi":{"rssi":-40}`),
		}, func(t *testing.T, h *home) {
			if h.Values[plugID+"/switch-0/on"] != devices.BoolValue(true) || h.Values[plugID+"/switch-0/power"].Float() != 12 {
				t.Errorf("%v %v", h.Devices, h.Values)
			}
		}},
		{"a device that only publishes status topics is known by its own prefix", []string{
			plugID + `/status/switch:0 {"id":0,"output":true,"apower":3}`, plugID + `/status/input:0 {"id":0,"state":true}`,
			plugID + `/status/sys {"uptime":3}`, plugID + `/status/sys {"uptime":63}`, plugID + `/status/sys {"uptime":123}`,
			plugID + `/status/sys {"uptime":183}`,
		}, func(t *testing.T, h *home) {
			if h.Values[plugID+"/switch-0/on"] != devices.BoolValue(true) || h.Values[plugID+"/input-0/input"] != devices.BoolValue(true) {
				t.Errorf("%v", h.Values)
			}
		}},
		{"an input that is switched off is not there", []string{
			answered(plugID, plugID, `{"sys":{"device":{"name":"Wall","mac":"A8032AB1C2D4"}},"input:0":{"id":0,"enable":false,"type":"switch"},"input:1":{"id":1,"enable":true,"type":"switch"},"service:0":{"id":0}}`),
			answered(plugID, plugID, `{"sys":{},"input:0":{"id":0,"state":null},"input:1":{"id":1,"state":true},"service:0":{"state":"running"}}`),
		}, func(t *testing.T, h *home) {
			d := h.Devices[plugID].Device
			if d.Component("input-0") != nil || d.Component("input-1") == nil || len(h.Faults) > 0 {
				t.Errorf("%+v %v", d, h.Faults)
			}
			if c := d.Component("service-0-state"); c == nil || c.Name != "State" {
				t.Errorf("the program's state is %+v", c)
			}
		}},
		{"a will makes it offline, and a word online again", append(plug, plugID+"/online false"), func(t *testing.T, h *home) {
			if h.Reach[plugID].Presence != devices.Offline {
				t.Errorf("%v", h.Reach)
			}
			h.Hear(notify(`"switch:0":{"output":false}`))
			if h.Reach[plugID].Presence != devices.Online {
				t.Errorf("%v", h.Reach)
			}
		}},
		{"that it was online once, which the broker kept, says nothing", []string{
			"=" + plug[1], "=" + plug[2], "=" + plugID + "/online true",
		}, func(t *testing.T, h *home) {
			if len(h.Reach) > 0 {
				t.Errorf("%v", h.Reach)
			}
			h.Hear(plug[3])
			if r := h.Reach[plugID]; r.Presence != devices.Online || r.Why != "it spoke" {
				t.Errorf("when it answers it is %v", r)
			}
		}},
		{"what runs on batteries sleeps when its will comes", append(sleeper, sleeperID+"/online false"), func(t *testing.T, h *home) {
			if r := h.Reach[sleeperID]; r.Presence != devices.Asleep {
				t.Errorf("%v", r)
			}
			h.Hear(sleeper...)
			if r := h.Reach[sleeperID]; r.Presence != devices.Online {
				t.Errorf("awake it is %v", r)
			}
			h.Hear(notified(sleeperID, sleeperID, "NotifyEvent", `"events":[{"component":"sys","event":"sleep","ts":3}]`))
			if r := h.Reach[sleeperID]; r.Presence != devices.Asleep {
				t.Errorf("then %v", r)
			}
		}},
		{"a value of another type is a fault that says where", append(plug, notify(`"switch:0":{"apower":"abc","output":true}`)), func(t *testing.T, h *home) {
			want := []string{plugID + ": " + plugID + `/events/rpc: switch:0: expected a number at apower, got "abc"`}
			if diff := cmp.Diff(want, h.Faults); diff != "" {
				t.Error(diff)
			}
		}},
		{"what is no JSON is a fault of a known device", append(plug, plugEvents+"{oops"), func(t *testing.T, h *home) {
			if len(h.Faults) != 1 || !strings.Contains(h.Faults[0], "expected JSON, got") {
				t.Error(h.Faults)
			}
		}},
		{"an error refuses the command that it answers", plug, func(t *testing.T, h *home) {
			h.Tell(plugID, "switch-0/on", "on")
			h.Hear(plugAnswer + `{"id":1001,"src":"` + plugID + `","dst":"homehub/shelly/x","error":{"code":-109,"message":"Overpower"}}`)
			if diff := cmp.Diff([]string{plugID + "/switch-0/on: the device refused: Overpower (error -109)"}, h.Refused); diff != "" {
				t.Error(diff)
			}
			if len(h.Faults) > 0 {
				t.Error(h.Faults)
			}
		}},
		{"an act is done when it is answered", plug, func(t *testing.T, h *home) {
			h.Tell(plugID, "update/install", "on")
			if h.Values[plugID+"/update/install"].Bool() {
				t.Error("too early")
			}
			h.Hear(plugAnswer + `{"id":1001,"src":"` + plugID + `","dst":"homehub/shelly/x","result":null}`)
			if !h.Values[plugID+"/update/install"].Bool() {
				t.Error("it was not told")
			}
		}},
		{"how long a light takes to change is in its configuration", []string{
			answered(lightsID, lightsID, `{"sys":{"device":{"name":"Attic"}},"light:0":{"id":0,"transition_duration":1.5}}`),
			answered(lightsID, lightsID, `{"sys":{},"light:0":{"id":0,"output":true,"brightness":40}}`),
		}, func(t *testing.T, h *home) {
			h.Want(map[string]string{lightsID + "/light-0/transition": "1.5"})
			if told := h.Tell(lightsID, "light-0/transition", "3"); !strings.Contains(told, `"method":"Light.SetConfig","params":{"config":{"transition_duration":3},"id":0}`) {
				t.Errorf("it publishes %s", told)
			}
			h.Hear(answered(lightsID, lightsID, `{"restart_required":false}`))
			h.Want(map[string]string{lightsID + "/light-0/transition": "1.5"})
			h.Hear(strings.Replace(answered(lightsID, lightsID, `{"restart_required":false}`), `"id":2,`, `"id":1001,`, 1))
			h.Want(map[string]string{lightsID + "/light-0/transition": "3"})
			h.Hear(answered(lightsID, lightsID, `{"sys":{"device":{"name":"Attic"}},"light:0":{"id":0,"transition_duration":2}}`))
			h.Want(map[string]string{lightsID + "/light-0/transition": "2"})
		}},
		{"an update says how far it is", append(plug,
			notified(plugID, plugID, "NotifyEvent", `"events":[{"component":"sys","event":"ota_begin","msg":"Waiting","ts":1},{"component":"sys","event":"ota_progress","msg":"x","progress_percent":26,"ts":2}]`),
		), func(t *testing.T, h *home) {
			if h.Values[plugID+"/update/progress"].Float() != 26 || !h.Values[plugID+"/update/in-progress"].Bool() {
				t.Errorf("%v", h.Values)
			}
			h.Hear(notified(plugID, plugID, "NotifyEvent", `"events":[{"component":"sys","event":"ota_success","msg":"x","ts":3}]`))
			h.Hear(plugAnswer + strings.ReplaceAll(plugInfo, "1.3.1", "1.4.0"))
			h.Hear(notify(`"sys":{"available_updates":{}}`))
			if h.Values[plugID+"/update/in-progress"].Bool() || h.Values[plugID+"/update/installed-version"].Text() != "1.4.0" ||
				h.Values[plugID+"/update/latest-version"].Text() != "1.4.0" {
				t.Errorf("%v", h.Values)
			}
		}},
		{"a sleeper is announced as one, with how long it sleeps", sleeper, func(t *testing.T, h *home) {
			if a := h.Devices[sleeperID]; !a.Sleeps || a.Silence != 4*time.Hour+time.Minute {
				t.Errorf("%v %v", a.Sleeps, a.Silence)
			}
			h.Hear(notified(sleeperID, sleeperID, "NotifyStatus", `"sys":{"wakeup_period":600}`))
			if a := h.Devices[sleeperID]; !a.Sleeps || a.Silence != 21*time.Minute {
				t.Errorf("then %v %v", a.Sleeps, a.Silence)
			}
		}},
		{"what is cleared is the device's alone", append(plug, lights...), func(t *testing.T, h *home) {
			want := []string{"home/attic/lights/online", "home/attic/lights/events/rpc", "home/attic/lights/status/+", "home/attic/lights/debug/+"}
			if diff := cmp.Diff(want, h.c.Topics(lightsID)); diff != "" {
				t.Error(diff)
			}
		}},
		{"a device that wants a password says so", append(plug, plugAnswer+`{"id":2,"src":"`+plugID+`","error":{"code":401,"message":"x"}}`), func(t *testing.T, h *home) {
			if len(h.Faults) != 1 || !strings.Contains(h.Faults[0], "password") {
				t.Error(h.Faults)
			}
		}},
		{"a device that does not notify is asked after each command", lights, func(t *testing.T, h *home) {
			h.Asked = nil
			h.Tell(lightsID, "light-0/on", "on")
			h.Hear(`homehub/shelly/home/attic/lights/rpc {"id":1001,"src":"` + lightsID + `","result":{"was_on":false}}`)
			if len(h.Asked) != 1 || !strings.Contains(string(h.Asked[0].Payload), "Shelly.GetStatus") {
				t.Errorf("%v", h.Asked)
			}
		}},
		{"an event that arrives twice is one press", cover, func(t *testing.T, h *home) {
			line := notified(coverID, coverID, "NotifyEvent", `"events":[{"component":"input:0","event":"single_push","ts":9}]`)
			topic, payload, _ := strings.Cut(line, " ")
			if n := len(h.Take(house.Message(topic + " " + payload)).Readings); n != 1 {
				t.Errorf("first: %d", n)
			}
			if n := len(h.Take(house.Message(topic + " " + payload)).Readings); n != 0 {
				t.Errorf("again: %d", n)
			}
		}},
		{"a Bluetooth button that nobody told of is learnt when it is pressed", append(gateway,
			notified(gatewayID, gatewayID, "NotifyEvent", `"events":[{"component":"bthomedevice:201","event":"long_push","idx":2,"ts":9}]`),
		), func(t *testing.T, h *home) {
			if got := h.Values["blu/aa:bb:cc:dd:ee:01/button-3/event"].String(); got != "long" {
				t.Errorf("%q", got)
			}
		}},
		{"presses that a button does not have are not reported", cover, func(t *testing.T, h *home) {
			for event, n := range map[string]int{"triple_push": 1, "rotate_left": 0, "swipe": 0} {
				topic, payload, _ := strings.Cut(notified(coverID, coverID, "NotifyEvent", `"events":[{"component":"input:0","event":"`+event+`"}]`), " ")
				if got := h.Take(house.Message(topic + " " + payload)).Readings; len(got) != n {
					t.Errorf("%s: %v", event, got)
				}
			}
		}},
		{"changed settings are asked for", plug, func(t *testing.T, h *home) {
			h.Asked = nil
			h.Hear(notified(plugID, plugID, "NotifyEvent", `"events":[{"component":"switch:0","event":"config_changed","restart_required":false,"cfg_rev":4,"ts":9}]`))
			if len(h.Asked) != 1 || !strings.Contains(string(h.Asked[0].Payload), "Shelly.GetConfig") {
				t.Errorf("%v", h.Asked)
			}
		}},
		{"lists of components come in pages", plug, func(t *testing.T, h *home) {
			h.Asked = nil
			page := `{"offset":%d,"total":2,"components":[{"key":"boolean:%d","status":{"value":true},"config":{"id":200}}]}`
			h.Hear(answered(plugID, plugID, fmt.Sprintf(page, 0, 200)))
			if len(h.Asked) != 1 || !strings.Contains(string(h.Asked[0].Payload), `"offset":1`) {
				t.Errorf("%v", h.Asked)
			}
			h.Hear(answered(plugID, plugID, fmt.Sprintf(page, 1, 201)))
			d := h.Devices[plugID].Device
			if len(h.Asked) != 1 || d.Component("boolean-200") == nil || d.Component("boolean-201") == nil {
				t.Errorf("%v %v", h.Asked, d.Components)
			}
		}},
		{"a prefix may change", append(plug, notified("attic/plug", plugID, "NotifyStatus", `"switch:0":{"output":false}`)), func(t *testing.T, h *home) {
			if got := h.Tell(plugID, "switch-0/on", "on"); !strings.HasPrefix(got, "attic/plug/rpc ") {
				t.Error(got)
			}
			if len(h.Devices) != 1 {
				t.Errorf("%d devices", len(h.Devices))
			}
		}},
		{"nobody is asked without end", nil, func(t *testing.T, h *home) {
			for range 100 {
				h.Hear("other/thing/online true", notify(`"switch:0":{"output":true}`))
			}
			if len(h.Asked) > 15 {
				t.Errorf("%d questions", len(h.Asked))
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t)
			h.Hear(tc.lines...)
			tc.check(t, h)
		})
	}
}

func TestOptions(t *testing.T) {
	for _, source := range []string{"a/+", "#", strings.Repeat("x", 300)} {
		if _, err := shelly.New(shelly.Options{Source: source}); err == nil {
			t.Errorf("source %.20q is taken", source)
		}
	}
}

func TestEachRelayOfSeveralIsTold(t *testing.T) {
	h := newHouse(t)
	const id = "shellypro4pm-aabbcc00dd11"
	h.Hear(answered(id, id, `{"sys":{"device":{"name":"Strip","mac":"AABBCC00DD11"}},"switch:0":{"id":0},"switch:1":{"id":1},"switch:2":{"id":2}}`),
		answered(id, id, `{"sys":{},"switch:0":{"id":0,"output":false},"switch:1":{"id":1,"output":false},"switch:2":{"id":2,"output":false}}`))
	for _, n := range []string{"0", "1", "2"} {
		if told := h.Tell(id, "switch-"+n+"/on", "on"); !strings.Contains(told, `"params":{"id":`+n+`,"on":true}`) {
			t.Errorf("relay %s: it publishes %s", n, told)
		}
	}
}

// A notification says only what has changed, so a device that is told what it does already answers and says no more.
func TestWhatIsAsItIsWantedIsConfirmedByTheAnswer(t *testing.T) {
	h := newHouse(t)
	h.Hear(lights...)
	var request struct{ ID int64 }
	_, payload, _ := strings.Cut(h.Tell(lightsID, "light-0/brightness", "40"), " ")
	if err := json.Unmarshal([]byte(payload), &request); err != nil {
		t.Fatal(err)
	}
	delete(h.Values, lightsID+"/light-0/brightness")
	h.Hear(fmt.Sprintf(`homehub/shelly/home/attic/lights/rpc {"id":%d,"src":%q,"dst":"x","result":null}`, request.ID, lightsID))
	if got := h.Values[lightsID+"/light-0/brightness"].String(); got != "40" {
		t.Errorf("its brightness is %q", got)
	}
}
