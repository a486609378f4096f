package zigbee2mqtt_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/zigbee2mqtt"
)

const (
	lampKey   = "0x000b57fffec6a5b2"
	switchKey = "0x84fd27fffe000001"
)

var transaction = regexp.MustCompile(`homehub-[0-9]+`)

func TestCommandsAreTheSmallestJSON(t *testing.T) {
	e := settled(t)
	for _, c := range []struct{ key, component, property, value, want string }{
		{lampKey, "light", "on", "true", `Hall lamp/set {"state":"ON"}`},
		{lampKey, "light", "brightness", "50", `Hall lamp/set {"brightness":127}`},
		{lampKey, "light", "brightness", "0.1", `Hall lamp/set {"brightness":1}`},
		{lampKey, "light", "brightness", "0", `Hall lamp/set {"brightness":0}`},
		{lampKey, "light", "color-temperature", "2700", `Hall lamp/set {"color_temp":370}`},
		{lampKey, "light", "color", "0,100", `Hall lamp/set {"color":{"x":0.64,"y":0.33}}`},
		{lampKey, "light", "effect", "blink", `Hall lamp/set {"effect":"blink"}`},
		{lampKey, "identify", "press", "true", `Hall lamp/set {"identify":"identify"}`},
		{lampKey, "level-config", "on-level", "100", `Hall lamp/set {"level_config":{"on_level":100}}`},
		{lampKey, "level-config", "execute-if-off", "true", `Hall lamp/set {"level_config":{"execute_if_off":true}}`},
		{switchKey, "switch-l2", "on", "false", `Two gang switch/set {"state_l2":"OFF"}`},
		{switchKey, "countdown-l1", "value", "180", `Two gang switch/set {"countdown_l1":3}`},
		{switchKey, "child-lock", "on", "true", `Two gang switch/set {"child_lock":"LOCK"}`},
		{"0x84fd27fffe000002", "climate", "target-temperature", "21.5", `bedroom/radiator/set {"current_heating_setpoint":21.5}`},
		{"0x84fd27fffe000002", "climate", "mode", "auto", `bedroom/radiator/set {"system_mode":"auto"}`},
		{"0x84fd27fffe000002", "schedule", "value", `6:00 "21"`, `bedroom/radiator/set {"schedule":"6:00 \"21\""}`},
		{"0x84fd27fffe000003", "cover", "state", "closed", `Blind/set {"state":"CLOSE"}`},
		{"0x84fd27fffe000003", "cover", "position", "30", `Blind/set {"position":30}`},
		{"0x84fd27fffe000003", "cover", "stop", "true", `Blind/set {"state":"STOP"}`},
		{"0x84fd27fffe000004", "lock", "state", "locked", `Front door/set {"state":"LOCK"}`},
		{"0x84fd27fffe000004", "lock", "state", "unlocked", `Front door/set {"state":"UNLOCK"}`},
		{"0x84fd27fffe000005", "fan", "speed", "34", `Ceiling fan/set {"fan_mode":"low"}`},
		{"0x84fd27fffe000005", "fan", "speed", "0", `Ceiling fan/set {"fan_mode":"off"}`},
		{"0x84fd27fffe000005", "fan", "preset", "auto", `Ceiling fan/set {"fan_mode":"auto"}`},
		{"0x84fd27fffe000005", "fan", "on", "false", `Ceiling fan/set {"fan_state":"OFF"}`},
		{"0x84fd27fffe000007", "warning", "value", `{"mode":"fire"}`, `Siren/set {"warning":{"mode":"fire"}}`},
		{"zigbee2mqtt/group/1", "light", "on", "true", `kitchen/set {"state":"ON"}`},
		{"zigbee2mqtt/bridge", "permit-join", "on", "true", `bridge/request/permit_join {"time":254,"value":true,"transaction":"homehub-N"}`},
		{"zigbee2mqtt/bridge", "permit-join", "on", "false", `bridge/request/permit_join {"time":0,"value":false,"transaction":"homehub-N"}`},
		{"zigbee2mqtt/bridge", "restart", "press", "true", `bridge/request/restart {"transaction":"homehub-N"}`},
		{"zigbee2mqtt/bridge", "device", "remove", "Hall lamp", `bridge/request/device/remove {"id":"Hall lamp","transaction":"homehub-N"}`},
		{"zigbee2mqtt/bridge", "device", "remove", `{"id":"Hall lamp","force":true}`, `bridge/request/device/remove {"id":"Hall lamp","force":true,"transaction":"homehub-N"}`},
		{"zigbee2mqtt/bridge", "group", "add", "attic", `bridge/request/group/add {"friendly_name":"attic","transaction":"homehub-N"}`},
		{"zigbee2mqtt/bridge", "group", "add-member", `{"group":"kitchen","device":"Blind"}`, `bridge/request/group/members/add {"group":"kitchen","device":"Blind","transaction":"homehub-N"}`},
		{lampKey, "update", "install", "true", `bridge/request/device/ota_update/update {"id":"0x000b57fffec6a5b2","transaction":"homehub-N"}`},
		{lampKey, "color-temp-startup", "value", "previous", `Hall lamp/set {"color_temp_startup":65535}`},
		{lampKey, "light", "color-temperature", "coolest", `Hall lamp/set {"color_temp":153}`},
		{"zigbee2mqtt/bridge", "device", "rename", `{"from":"a","to":"b"}`, `bridge/request/device/rename {"from":"a","to":"b","transaction":"homehub-N"}`},
	} {
		ref := devices.Ref{Component: c.component, Property: c.property}
		d := e.devices[c.key].Device
		p := d.Property(ref)
		if p == nil {
			t.Errorf("%s has no %s", c.key, ref)
			continue
		}
		v, err := p.ParseText(c.value)
		if err != nil || p.Check(v) != nil {
			t.Errorf("%s = %s: %v", ref, c.value, errors.Join(err, p.Check(v)))
		}
		out, err := e.c.Encode(c.key, ref, v)
		if err != nil || len(out) != 1 || out[0].Retain {
			t.Errorf("%s = %s gives %v, %v", ref, c.value, out, err)
			continue
		}
		got := strings.TrimPrefix(out[0].Topic, "zigbee2mqtt/") + " " + string(out[0].Payload)
		if got = transaction.ReplaceAllString(got, "homehub-N"); got != c.want {
			t.Errorf("%s = %s gives %s, want %s", ref, c.value, got, c.want)
		}
	}
	if _, err := e.c.Encode(lampKey, devices.Ref{Component: "identify", Property: "press"}, devices.BoolValue(false)); !errors.Is(err, devices.ErrValue) {
		t.Errorf("not pressing a button gives %v", err)
	}
}

func TestStates(t *testing.T) {
	for _, c := range []struct{ name, topic, payload, want string }{
		{"the color counts when the mode says so, wherever that stands", "Hall lamp", `{"color":{"x":0.64,"y":0.33},"color_temp":200,"color_mode":"xy"}`, "Hall lamp light/color = 0,100"},
		{"the color temperature counts otherwise", "Hall lamp", `{"color":{"x":0.64,"y":0.33},"color_temp":200,"color_mode":"color_temp"}`, "Hall lamp light/color-temperature = 5000"},
		{"the color temperature of a lamp without one is none", "Hall lamp", `{"color_temp":65535}`, ""},
		{"a number that has a name is told", "Hall lamp", `{"color_temp_startup":65535}`, "Hall lamp color-temp-startup/value = 15"},
		{
			"an update on its way", "Hall lamp", `{"update":{"state":"updating","progress":12.5,"remaining":300,"installed_version":1,"latest_version":null}}`,
			"Hall lamp update/in-progress = true; Hall lamp update/progress = 12.5; Hall lamp update/installed-version = 1",
		},
		{"null says nothing", "Hall lamp", `{"state":null,"color":null,"update":null}`, ""},
		{"what is not exposed is left out", "Hall lamp", `{"unknown":{"x":[1,2,{}]},"last_seen":"2024"}`, ""},
		{"a preset's word in the place of a number says nothing", "Hall lamp", `{"level_config":{"on_level":"previous"}}`, ""},
		{"an enum may be more than its values", "Hall lamp", `{"power_on_behavior":"toggle"}`, "Hall lamp power-on-behavior/option = toggle"},
		{"escaped keys and values are read", "Hall lamp", `{"power_on\u005fbehavior":"o\u006e"}`, "Hall lamp power-on-behavior/option = on"},
		{"the case of a word does not matter", "Hall lamp", `{"state":"on"}`, "Hall lamp light/on = true"},
		{"a bool as text is read", "Siren", `{"tamper":"true"}`, "Siren tamper/tamper = true"},
		{"a closed contact is a closed door", "kitchen/window", `{"contact":true}`, "kitchen/window contact/door = false"},
		{"an action beside the list is an event", "Remote", `{"action":"hold"}`, "Remote action/event = hold"},
		{"a lock knows better than what it was told", "Front door", `{"lock_state":"not_fully_locked","state":"LOCK"}`, "Front door lock/state = jammed"},
		{"a lock that does not know is what it was told", "Front door", `{"lock_state":null,"state":"LOCK"}`, "Front door lock/state = locked"},
		{"some covers say ON", "Blind", `{"state":"ON"}`, "Blind cover/state = open"},
		{"a fan that is off has no speed", "Ceiling fan", `{"fan_mode":"off"}`, "Ceiling fan fan/speed = 0; Ceiling fan fan/preset = none"},
		{"a text is no number", "kitchen/window", `{"battery":"abc"}`, `fault of kitchen/window at zigbee2mqtt/kitchen/window: expected a number at battery, got "abc"`},
		{"neither is an object", "kitchen/window", `{"battery":{}}`, `fault of kitchen/window at zigbee2mqtt/kitchen/window: expected a number at battery, got {}`},
		{"nor what is too great", "kitchen/window", `{"voltage":1e999}`, `fault of kitchen/window at zigbee2mqtt/kitchen/window: expected a number at voltage, got 1e999`},
		{"a fault does not spoil the rest", "kitchen/window", `{"contact":5,"battery":10}`, `kitchen/window battery/battery = 10; fault of kitchen/window at zigbee2mqtt/kitchen/window: expected false or true at contact, got 5`},
		{"a fault within an object says where", "Hall lamp", `{"level_config":{"on_level":"x"}}`, `fault of Hall lamp at zigbee2mqtt/Hall lamp: expected a number at on_level at level_config, got {"on_level":"x"}`},
		{"what is no object is a fault", "Hall lamp", `ON`, `fault of Hall lamp at zigbee2mqtt/Hall lamp: expected a state as a JSON object, got "ON"`},
		{"nor is half an object", "Hall lamp", `{"state":"ON"`, `fault of Hall lamp at zigbee2mqtt/Hall lamp: expected a state as a JSON object, got "{\"state\":\"ON\""`},
		{"an availability has two words", "Hall lamp/availability", `gone`, `fault of Hall lamp at zigbee2mqtt/Hall lamp/availability: expected online or offline, got "gone"`},
		{"nobody's state", "No such lamp", `{"state":"ON"}`, ""},
		{"an attribute is left alone where the state is JSON", "Remote/action", `toggle`, ""},
		{"a refused request is told", "bridge/response/device/remove", `{"data":{},"status":"error","error":"Device 'x' does not exist"}`, `fault of Zigbee2MQTT at zigbee2mqtt/bridge/response/device/remove: device/remove was refused: Device 'x' does not exist`},
		{"a command that failed is told", "bridge/logging", `{"level":"error","message":"z2m: Publish 'set' 'state' to 'Hall lamp' failed: 'Error: no answer'"}`, `fault of Hall lamp at zigbee2mqtt/bridge/logging: setting state failed: Error: no answer`},
		{"a get that failed is not", "bridge/logging", `{"level":"error","message":"Publish 'get' 'state' to 'Hall lamp' failed: 'Error'"}`, ""},
		{"a list that is none is a fault", "bridge/devices", `{"a":1}`, `fault of Zigbee2MQTT at zigbee2mqtt/bridge/devices: expected Zigbee2MQTT's devices as JSON, got {"a":1}`},
		{"a list that was cleared takes nobody away", "bridge/devices", ``, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := settled(t)
			if got := strings.Join(e.say(c.topic, c.payload), "; "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAFaultIsSaidOnceUntilItCanBeReadAgain(t *testing.T) {
	e := settled(t)
	const fault = `fault of kitchen/window at zigbee2mqtt/kitchen/window: expected a number at battery, got "x"`
	e.want(e.say("kitchen/window", `{"battery":"x"}`), fault)
	e.want(e.say("kitchen/window", `{"battery":"y"}`))
	e.want(e.say("kitchen/window", `{"battery":7}`), "kitchen/window battery/battery = 7")
	e.want(e.say("kitchen/window", `{"battery":"x"}`), fault)
}

func TestWhatTheBrokerKeptIsNoEvent(t *testing.T) {
	e := settled(t)
	e.want(e.hear(broker.Message{Topic: "zigbee2mqtt/Remote", Payload: []byte(`{"action":"toggle"}`), Retain: true}))
}

func TestARenamedDeviceKeepsItsKey(t *testing.T) {
	e := settled(t)
	renamed := strings.Replace(string(read(t, "devices.json")), `"Hall lamp"`, `"Hall/upper lamp"`, 1)
	e.want(e.say("bridge/devices", renamed), "announced "+lampKey+" as Hall/upper lamp",
		"Hall/upper lamp is online: availability topic zigbee2mqtt/Hall/upper lamp/availability says online",
		"unsubscribe zigbee2mqtt/Hall lamp", "unsubscribe zigbee2mqtt/Hall lamp/availability")
	e.want(e.say("Hall lamp", `{"state":"OFF"}`))
	e.want(e.say("Hall/upper lamp", `{"state":"OFF"}`), "Hall/upper lamp light/on = false")
	e.want(e.say("bridge/devices", renamed))
}

func TestDevicesThatSwapTheirNames(t *testing.T) {
	e := settled(t)
	swapped := strings.NewReplacer(`"friendly_name":"Hall lamp"`, `"friendly_name":"Blind"`, `"friendly_name":"Blind"`, `"friendly_name":"Hall lamp"`).
		Replace(string(read(t, "devices.json")))
	for _, line := range e.say("bridge/devices", swapped) {
		if strings.HasPrefix(line, "unsubscribe") || strings.HasPrefix(line, "gone") {
			t.Error(line)
		}
	}
	e.want(e.say("Hall lamp", `{"position":10}`), "Hall lamp cover/position = 10")
	e.want(e.say("Blind", `{"brightness":254}`), "Blind light/brightness = 100")
}

func TestARemovedDeviceIsGoneAndItsGroupLosesIt(t *testing.T) {
	e := settled(t)
	var list []map[string]any
	if err := json.Unmarshal(read(t, "devices.json"), &list); err != nil {
		t.Fatal(err)
	}
	list = append(list[:1], list[2:]...) // without the hall lamp
	b, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	got := e.say("bridge/devices", string(b))
	for _, want := range []string{"gone " + lampKey, "announced zigbee2mqtt/group/1 as kitchen", "unsubscribe zigbee2mqtt/Hall lamp"} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	d := e.devices["zigbee2mqtt/group/1"].Device
	if d.Property(devices.Ref{Component: "light", Property: devices.ColorHS}) != nil {
		t.Error("the group still has the color that only the lamp had")
	}
	e.want(e.say("bridge/groups", `[]`), "gone zigbee2mqtt/group/1", "unsubscribe zigbee2mqtt/kitchen", "unsubscribe zigbee2mqtt/kitchen/availability")
}

func TestAListWithAFaultTakesNobodyAway(t *testing.T) {
	e := settled(t)
	e.want(e.say("bridge/devices", `[{"ieee_address":"0x00124b0018ed1111","type":"Coordinator"},{"ieee_address":"12"},7]`),
		`fault of Zigbee2MQTT at zigbee2mqtt/bridge/devices: expected an IEEE address at ieee_address, got "12"`,
		"fault of Zigbee2MQTT at zigbee2mqtt/bridge/devices: expected an object for each entry, got 7")
}

func TestADeviceThatIsBeingInterviewedIsAnnouncedWhenThatHasEnded(t *testing.T) {
	e := settled(t)
	if _, ok := e.devices["0x84fd27fffe000009"]; ok {
		t.Error("it is announced already")
	}
	done := strings.Replace(string(read(t, "devices.json")), `"interview_state":"IN_PROGRESS","definition":null`,
		`"interview_state":"SUCCESSFUL","power_source":"Mains (single phase)","definition":{"model":"P1","vendor":"V","exposes":[{"type":"switch","features":[{"access":7,"name":"state","property":"state","type":"binary","value_on":"ON","value_off":"OFF"}]}]}`, 1)
	e.want(e.say("bridge/devices", done), "announced 0x84fd27fffe000009 as 0x84fd27fffe000009", `ask zigbee2mqtt/0x84fd27fffe000009/get {"state":""}`)
}

func TestPresence(t *testing.T) {
	e := newEar(t)
	for _, m := range house(t)[:1] {
		e.hear(m)
	}
	const off, on = "Zigbee2MQTT is offline, says zigbee2mqtt/bridge/state", "availability topic zigbee2mqtt/Hall lamp/availability says online"
	of := func(lines []string) (out []string) {
		for _, l := range lines {
			if strings.HasPrefix(l, "Hall lamp is ") || strings.HasPrefix(l, "Remote is ") {
				out = append(out, l)
			}
		}
		return out
	}
	e.want(of(e.say("bridge/state", `online`)))
	e.want(of(e.say("Hall lamp/availability", `{"state":"online"}`)), "Hall lamp is online: "+on)
	e.want(of(e.say("bridge/state", `{"state":"offline"}`)), "Hall lamp is offline: "+off, "Remote is offline: "+off)
	e.want(of(e.say("Hall lamp/availability", `{"state":"online"}`)), "Hall lamp is offline: "+off)
	e.want(of(e.say("bridge/state", `{"state":"online"}`)), "Hall lamp is online: "+on, "Remote is unknown: Zigbee2MQTT does not tell its availability")
	e.want(of(e.say("Hall lamp/availability", `offline`)), "Hall lamp is offline: availability topic zigbee2mqtt/Hall lamp/availability says offline")
	e.want(of(e.say("Hall lamp/availability", ``)), "Hall lamp is unknown: Zigbee2MQTT does not tell its availability")
	if got := e.say("bridge/state", `{"state":"asleep"}`); len(got) != 1 || !strings.Contains(got[0], `expected online or offline`) {
		t.Error(got)
	}
}

func TestGreetAsksWhoCanAnswer(t *testing.T) {
	e := settled(t)
	var got []string
	for _, m := range e.c.Greet() {
		got = append(got, m.Topic+" "+string(m.Payload))
	}
	want := []string{
		`zigbee2mqtt/Hall lamp/get {"state":"","brightness":"","color_temp":"","color_temp_startup":"","color":"","level_config":"","power_on_behavior":""}`,
		`zigbee2mqtt/Two gang switch/get {"state_l1":"","state_l2":"","power":"","energy":""}`,
		`zigbee2mqtt/Blind/get {"position":"","tilt":""}`,
		`zigbee2mqtt/Ceiling fan/get {"fan_state":"","fan_mode":""}`, `zigbee2mqtt/kitchen/get {"state":""}`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhoCouldNotBeAskedIsAskedWhenItIsThere(t *testing.T) {
	e := settled(t)
	asked := func(got []string) (list []string) {
		for _, s := range got {
			if strings.HasPrefix(s, "ask ") {
				list = append(list, strings.Fields(s)[1])
			}
		}
		return list
	}
	e.say("Blind/availability", "offline")
	for _, m := range e.c.Greet() {
		if m.Topic == "zigbee2mqtt/Blind/get" {
			t.Error("a device that is away is asked")
		}
	}
	e.want(asked(e.say("Blind/availability", "online")), "zigbee2mqtt/Blind/get")
	e.want(asked(e.say("Blind/availability", "offline")))
	e.want(asked(e.say("Blind/availability", "online")))
	e.want(asked(e.say("bedroom/radiator/availability", "online"))) // it sleeps

	e.say("bridge/state", "offline")
	if got := e.c.Greet(); len(got) != 0 {
		t.Errorf("without a bridge it asks %v", got)
	}
	if got := asked(e.say("bridge/state", "online")); len(got) != 5 {
		t.Errorf("when the bridge is back it asks %q", got)
	}
}

func TestDevicesThatSleep(t *testing.T) {
	for _, test := range []struct {
		name, entry string
		want        float64
	}{
		{"one on battery sleeps", `"type":"EndDevice","power_source":"Battery"`, 86400},
		{"even if it calls itself a router", `"type":"Router","power_source":"Battery"`, 86400},
		{"so does one that does not say what it runs on", `"type":"EndDevice","power_source":"Unknown"`, 86400},
		{"or says nothing at all", `"type":"EndDevice","power_source":null`, 86400},
		{"one on mains listens", `"type":"EndDevice","power_source":"Mains (single phase)"`, 0},
		{"so does one on another source", `"type":"EndDevice","power_source":"DC Source"`, 0},
		{"and a router, whatever it runs on", `"type":"Router","power_source":"Unknown"`, 0},
	} {
		e := newEar(t)
		e.say("bridge/devices", `[{"ieee_address":"0x84fd27fffe000009","friendly_name":"it",`+test.entry+
			`,"definition":{"model":"M","vendor":"V","exposes":[{"type":"switch","features":[{"access":7,"name":"state","property":"state","type":"binary","value_on":"ON","value_off":"OFF"}]}]}}]`)
		if got := e.devices["0x84fd27fffe000009"].Device.Wakes; got != test.want {
			t.Errorf("%s: it wakes after %v s", test.name, got)
		}
		e.c.Greet()
		if asks := len(e.c.Greet()) > 0; asks != (test.want == 0) {
			t.Errorf("%s: it is asked: %t", test.name, asks)
		}
	}
}

func TestValuesInTopicsOfTheirOwn(t *testing.T) {
	e := settled(t)
	e.say("bridge/info", strings.Replace(info, `"output":"json"`, `"output":"attribute"`, 1))
	if !strings.Contains(strings.Join(e.filters, " "), "zigbee2mqtt/#") {
		t.Errorf("filters %q", e.filters)
	}
	e.want(e.say("Hall lamp/state", "OFF"), "Hall lamp light/on = false")
	e.want(e.say("Hall lamp/brightness", "254"), "Hall lamp light/brightness = 100")
	e.want(e.say("Hall lamp/color_mode", "xy"))
	e.want(e.say("Hall lamp/color-x", "0.64"))
	e.want(e.say("Hall lamp/color-y", "0.33"), "Hall lamp light/color = 0,100")
	e.want(e.say("Hall lamp/color", "0,255,0"), "Hall lamp light/color = 120,100")
	e.want(e.say("Hall lamp/level_config-execute_if_off", "true"), "Hall lamp level-config/execute-if-off = true")
	e.want(e.say("Hall lamp/effect", ""))
	e.want(e.say("Remote/action", "toggle"), "Remote action/event = toggle")
	e.want(e.say("kitchen/window/voltage", "abc"), `fault of kitchen/window at zigbee2mqtt/kitchen/window/voltage: expected a number at voltage, got "abc"`)
	e.want(e.say("Siren/colors", "a,b"), `Siren colors/value = "a,b"`)
	if got := strings.Join(e.say("bridge/info", info), "; "); !strings.Contains(got, "unsubscribe zigbee2mqtt/#") {
		t.Error(got)
	}
}

func TestTwoNetworks(t *testing.T) {
	e := settled(t)
	second := func(topic, payload string, retain bool) []string {
		return e.hear(broker.Message{Topic: "cellar/z2m/" + topic, Payload: []byte(payload), Retain: retain})
	}
	list := string(read(t, "devices.json"))
	got := strings.Join(second("bridge/devices", list, true), "\n")
	if !strings.Contains(got, "it belongs to the network zigbee2mqtt already") || !strings.Contains(got, "unsubscribe cellar/z2m/Hall lamp") ||
		!strings.Contains(got, "announced cellar/z2m/bridge as Zigbee2MQTT (cellar/z2m)") {
		t.Error(got)
	}
	e.say("bridge/state", "offline")
	got = strings.Join(second("bridge/devices", list, false), "\n")
	if !strings.Contains(got, "announced "+lampKey) || !strings.Contains(got, "unsubscribe zigbee2mqtt/Hall lamp") {
		t.Error(got)
	}
	if out, err := e.c.Encode(lampKey, devices.Ref{Component: "light", Property: "on"}, devices.BoolValue(true)); err != nil || out[0].Topic != "cellar/z2m/Hall lamp/set" {
		t.Error(out, err)
	}
}

func TestABaseTopicOfThreeLevels(t *testing.T) {
	c, err := zigbee2mqtt.New(zigbee2mqtt.Options{Base: "my/home/zigbee"})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range c.Filters() {
		found = found || f.Filter == "my/home/zigbee/bridge/devices"
	}
	if !found {
		t.Error(c.Filters())
	}
	if _, err := zigbee2mqtt.New(zigbee2mqtt.Options{Base: "a/#"}); err == nil {
		t.Error("a filter was taken for a base topic")
	}
}

// told commands a property and returns the transaction of what is published.
func (e *ear) told(key, component, property, value string) string {
	e.tb.Helper()
	ref := devices.Ref{Component: component, Property: property}
	d := e.devices[key].Device
	v, err := d.Property(ref).ParseText(value)
	if err != nil {
		e.tb.Fatal(err)
	}
	out, err := e.c.Encode(key, ref, v)
	if err != nil || len(out) != 1 {
		e.tb.Fatalf("%v, %v", out, err)
	}
	return transaction.FindString(string(out[0].Payload))
}

func TestTheBridgesAnswersConfirmAndRefuse(t *testing.T) {
	e := settled(t)
	const key = "zigbee2mqtt/bridge"
	of := e.told(key, "device", "rename", `{"from":"a","to":"b"}`)
	e.want(e.say("bridge/response/device/remove", `{"data":{},"status":"ok","transaction":"`+of+`"}`))
	e.want(e.say("bridge/response/device/rename", `{"data":{"from":"a","to":"b"},"status":"ok","transaction":"homehub-99999"}`))
	e.want(e.say("bridge/response/device/rename", `{"data":{"from":"a","to":"b"},"status":"ok","transaction":"`+of+`"}`),
		`Zigbee2MQTT device/rename = {"from":"a","to":"b"}`)
	of = e.told(key, "device", "remove", "x")
	e.want(e.say("bridge/response/device/remove", `{"data":{},"status":"error","error":"Device 'x' does not exist","transaction":"`+of+`"}`),
		"Zigbee2MQTT refuses device/remove: Device 'x' does not exist")
	of = e.told(key, "permit-join", "on", "true")
	e.want(e.say("bridge/response/permit_join", `{"data":{},"status":"error","error":"no","transaction":"`+of+`"}`),
		"Zigbee2MQTT refuses permit-join/on: no")
	e.told(key, "permit-join", "on", "true")
	e.want(e.say("bridge/info", strings.Replace(info, `"permit_join":false`, `"permit_join":true`, 1)),
		"Zigbee2MQTT permit-join/on = true", "Zigbee2MQTT restart-required/problem = false")
	of = e.told(lampKey, "update", "install", "true")
	e.want(e.say("bridge/response/device/ota_update/update", `{"status":"error","error":"already in progress","transaction":"`+of+`"}`),
		"fault of Hall lamp at zigbee2mqtt/bridge/response/device/ota_update/update: device/ota_update/update was refused: already in progress")
}

func TestALoggedFailureRefusesTheCommandThatFailed(t *testing.T) {
	e := settled(t)
	logged := func(message string) []string {
		return e.say("bridge/logging", `{"level":"error","namespace":"z2m","message":"`+message+`"}`)
	}
	e.told(switchKey, "switch-l1", "on", "true")
	e.told(switchKey, "switch-l2", "on", "true")
	e.told(switchKey, "child-lock", "on", "true")
	e.want(logged("Publish 'set' 'state' to 'Two gang switch' failed: 'Error: ZCL command 0x84/1 genOnOff.on failed (Timeout)'"),
		"Two gang switch refuses switch-l2/on: Error: ZCL command 0x84/1 genOnOff.on failed (Timeout)")
	e.want(logged("Publish 'set' 'child_lock' to 'Two gang switch' failed: 'no'"), "Two gang switch refuses child-lock/on: no")
	e.want(logged("Publish 'set' 'child_lock' to 'Two gang switch' failed: 'no'"),
		"fault of Two gang switch at zigbee2mqtt/bridge/logging: setting child_lock failed: no")
	e.told(lampKey, "light", "effect", "blink")
	e.want(logged("No converter available for 'effect' on 'Hall lamp': (\\\"blink\\\")"),
		"Hall lamp refuses light/effect: Zigbee2MQTT does not know how to set it")
}

func TestValves(t *testing.T) {
	const exposes = `{"type":"switch","features":[{"access":7,"name":"state","property":"state","type":"binary","value_on":"ON","value_off":"OFF"}]}`
	for description, want := range map[string]devices.Kind{
		"Zigbee smart water valve": devices.Valve, "Irrigation controller": devices.Valve, "Smart plug": devices.Switch,
		"Radiator valve with thermostat": devices.Switch,
	} {
		e := newEar(t)
		e.say("bridge/devices", `[{"ieee_address":"0x0000000000000001","friendly_name":"d","definition":{"model":"m","vendor":"v","description":"`+description+`","exposes":[`+exposes+`]}}]`)
		d := e.devices["0x0000000000000001"].Device
		if len(d.Components) != 1 || d.Components[0].Kind != want {
			t.Errorf("%s: %+v", description, d.Components)
			continue
		}
		if want == devices.Valve {
			e.want(e.say("d", `{"state":"ON"}`), "d valve/state = open")
			ref := devices.Ref{Component: "valve", Property: devices.State}
			if out, err := e.c.Encode("0x0000000000000001", ref, devices.EnumValue("closed")); err != nil || string(out[0].Payload) != `{"state":"OFF"}` {
				t.Error(out, err)
			}
		}
	}
}

func TestWhatIsClearedIsTheDevicesAlone(t *testing.T) {
	e := settled(t)
	e.want(e.c.Topics("0x00158d0001a2b3c4"), "zigbee2mqtt/kitchen/window", "zigbee2mqtt/kitchen/window/availability")
	e.say("bridge/info", strings.Replace(info, `"output":"json"`, `"output":"attribute"`, 1))
	got := e.c.Topics("zigbee2mqtt/group/1") // whose name is the beginning of another's
	for _, want := range []string{"zigbee2mqtt/kitchen", "zigbee2mqtt/kitchen/availability", "zigbee2mqtt/kitchen/brightness", "zigbee2mqtt/kitchen/color-hue"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not in %q", want, got)
		}
	}
	for _, topic := range got {
		if strings.Contains(topic, "window") || strings.ContainsAny(topic, "+#") {
			t.Errorf("%s is cleared as well", topic)
		}
	}
	if got := e.c.Topics("zigbee2mqtt/bridge"); got != nil {
		t.Error(got)
	}
}

func TestTheOutputModeOfBothIsReadAsJSON(t *testing.T) {
	e := settled(t)
	e.say("bridge/info", strings.Replace(info, `"output":"json"`, `"output":"attribute_and_json"`, 1))
	if slices.Contains(e.filters, "zigbee2mqtt/#") {
		t.Error("it listens to both")
	}
	e.want(e.say("Remote", `{"action":"toggle"}`), "Remote action/event = toggle")
	e.want(e.say("Remote/action", "toggle"))
}

func TestAForgottenDeviceReturnsWithTheSameList(t *testing.T) {
	e := settled(t)
	e.want(e.c.Forget(lampKey), "zigbee2mqtt/Hall lamp", "zigbee2mqtt/Hall lamp/availability")
	if got := e.say("bridge/devices", string(read(t, "devices.json"))); len(got) == 0 || got[0] != "announced "+lampKey+" as Hall lamp" {
		t.Error(got)
	}
}

func TestOddExposes(t *testing.T) {
	for name, c := range map[string]struct{ exposes, want string }{
		"an enum of one command is a button":             {`{"access":2,"name":"reset","property":"reset","type":"enum","values":["go"]}`, "reset button press bool ms"},
		"a door contact the other way round":             {`{"access":1,"name":"contact","property":"contact","type":"binary","value_on":true,"value_off":false}`, "contact binary_sensor door bool r door"},
		"a range upside down is none, and a fault":       {`{"access":3,"name":"x","property":"x","type":"numeric","value_min":5,"value_max":1}`, "x number value float rs; fault: x: its greatest value is less than its least"},
		"an expose that is no object is a fault":         {`7`, "fault: exposes: expected an object, got 7"},
		"two of the same are one":                        {`{"access":1,"name":"x","property":"x","type":"numeric"},{"access":1,"name":"x","property":"x","type":"numeric"}`, "x sensor value float r"},
		"power in kW is power in W":                      {`{"access":1,"name":"p","property":"p","type":"numeric","unit":"kW"}`, "p sensor power float r power \"W\""},
		"a fan that only has modes is on in one of them": {`{"type":"fan","features":[{"access":3,"name":"mode","property":"fan_mode","type":"enum","values":["off","auto"]}]}`, "fan fan on bool rs preset enum rs auto|none auto"},
		"a fan with a speed of its own":                  {`{"type":"fan","features":[{"access":7,"name":"speed","property":"speed","type":"numeric","value_min":1,"value_max":4}]}`, "fan fan speed float rs \"%\" 0 to 100 % step 25"},
		"heating and cooling are a range":                {`{"type":"climate","features":[{"access":7,"name":"occupied_heating_setpoint","property":"a","type":"numeric","unit":"°C"},{"access":7,"name":"occupied_cooling_setpoint","property":"b","type":"numeric","unit":"°C"}]}`, `climate climate target-temperature-high float rs temperature "°C" target-temperature-low float rs temperature "°C"`},
		"what nobody can read or set is nothing":         {`{"access":0,"name":"x","property":"x","type":"numeric"}`, ""},
		"a type of the future is JSON":                   {`{"access":3,"name":"x","property":"x","type":"matrix"}`, "x other value json rs"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEar(t)
			lines := e.say("bridge/devices", `[{"ieee_address":"0x0000000000000001","friendly_name":"d","definition":{"model":"m","vendor":"v","exposes":[`+c.exposes+`]}}]`)
			var got []string
			for _, component := range e.devices["0x0000000000000001"].Device.Components {
				words := component.ID + " " + string(component.Kind)
				for _, p := range component.Properties {
					words += " " + strings.ReplaceAll(strings.Join(strings.Fields(describeProperty(p)), " "), ` ""`, "")
				}
				got = append(got, words)
			}
			for _, l := range lines {
				if _, reason, ok := strings.Cut(l, "bridge/devices: "); ok {
					got = append(got, "fault: "+reason)
				}
			}
			if s := strings.Join(got, "; "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}
