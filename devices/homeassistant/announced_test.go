package homeassistant_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

func TestWhichConventionUnderstandsTheDeviceBetter(t *testing.T) {
	for _, c := range []struct{ name, config, want string }{
		{"Zigbee2MQTT says its name", `{"stat_t":"z/a","o":{"name":"Zigbee2MQTT"},"dev":{"ids":["x"]}}`, "zigbee2mqtt"},
		{"an old Zigbee2MQTT is known by its identifiers", `{"stat_t":"z/a","dev":{"ids":["zigbee2mqtt_0x00158d0001234567"]}}`, "zigbee2mqtt"},
		{"the old announcement of Tasmota", `{"stat_t":"~tele/STATE","avty_t":"~tele/LWT","~":"plug/","dev":{"ids":["522851"]}}`, "tasmota"},
		{"Tasmota, by its maker", `{"stat_t":"a/b","dev":{"ids":["522851"],"mf":"Tasmota"}}`, "tasmota"},
		{"a script of a Shelly", `{"stat_t":"~status/switch:0","avty_t":"~online","~":"plug/","o":{"name":"Shellies Discovery Gen2"},"dev":{"ids":["x"]}}`, "shelly"},
		{"a Shelly's script with topics of its own", `{"stat_t":"blu/door","o":{"name":"Shellies Discovery Gen2"},"dev":{"ids":["x"]}}`, ""},
		{"a Shelly of the first generation", `{"stat_t":"shellies/plug/relay/0","dev":{"ids":["x"]}}`, "shelly"},
		{"OpenMQTTGateway", `{"stat_t":"+/+/BTtoMQTT/A4C138","dev":{"ids":["A4C138"]}}`, "openmqttgateway"},
		{"Theengs Gateway", `{"stat_t":"home/x","o":{"name":"Theengs Gateway"},"dev":{"ids":["A4C138"]}}`, "openmqttgateway"},
		{"Z-Wave JS UI announces more than its topics tell", `{"stat_t":"zwave/a","dev":{"ids":["zwavejs2mqtt_0xe1_node2"]}}`, ""},
		{"Valetudo", `{"stat_t":"valetudo/r/x","o":{"name":"Valetudo"},"dev":{"ids":["r"]}}`, "valetudo"},
		{"WLED", `{"stat_t":"wled/a/g","dev":{"ids":["x"],"mf":"WLED"}}`, "wled"},
		{"the helper of rtl_433", `{"stat_t":"rtl_433/h/devices/a/1/t","dev":{"ids":["x"],"mf":"rtl_433"}}`, "rtl433"},
		{"Frigate", `{"stat_t":"frigate/a/b","dev":{"ids":["x"],"mf":"Frigate"}}`, "frigate"},
		{"ESPHome announces best", `{"stat_t":"node/sensor/a/state","avty_t":"node/status","dev":{"ids":"a020a61c3105","sw":"esphome v2024.1"}}`, ""},
	} {
		h := newHouse(t)
		h.hear("homeassistant/sensor/a/config", c.config)
		if got := h.only().Native; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	t.Run("not when it knows a part of the device only", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/sensor/a/config", `{"stat_t":"z/a","o":{"name":"Zigbee2MQTT"},"dev":{"ids":["x"]}}`)
		h.hear("homeassistant/sensor/b/config", `{"stat_t":"other","dev":{"ids":["x"]}}`)
		if got := h.only().Native; got != "" {
			t.Errorf("the native convention is %q", got)
		}
	})
}

func TestAddressesInIdentifiersAreConnections(t *testing.T) {
	for ids, want := range map[string]string{
		`"a020a61c3105"`:                          "mac a0:20:a6:1c:31:05",
		`["AA-BB-CC-DD-EE-FF"]`:                   "mac aa:bb:cc:dd:ee:ff",
		`["zigbee2mqtt_0x00158D0001234567"]`:      "zigbee 0x00158d0001234567",
		`["0x00158d0001234567","00158d00012345"]`: "zigbee 0x00158d0001234567",
		`["522851"]`:                              "",
		`["bridge_0x01"]`:                         "",
	} {
		h := newHouse(t)
		h.hear("homeassistant/sensor/a/config", `{"stat_t":"a","dev":{"name":"X","ids":`+ids+`}}`)
		got := ""
		for _, cn := range h.only().Device.Connections {
			got = strings.TrimSpace(got + " " + cn.Kind + " " + cn.Value)
		}
		if got != want {
			t.Errorf("%s gives %q, want %q", ids, got, want)
		}
	}
	t.Run("and the same address among the connections is one device's", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/sensor/a/config", `{"stat_t":"a","dev":{"name":"X","ids":"a020a61c3105"}}`)
		h.hear("homeassistant/sensor/b/config", `{"stat_t":"b","dev":{"name":"X","cns":[["mac","A0:20:A6:1C:31:05"]]}}`)
		if d := h.only(); len(d.Device.Components) != 2 || len(d.Device.Connections) != 1 {
			t.Errorf("announced %+v", d)
		}
	})
}

func TestWhatADeviceSaysOfItsSensors(t *testing.T) {
	t.Run("how long a reading is good for, and how long it keeps silent", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/sensor/a/config", `{"stat_t":"a","exp_aft":600,"dev":{"ids":"x"}}`)
		h.hear("homeassistant/binary_sensor/b/config", `{"stat_t":"b","expire_after":"600","dev":{"ids":"x"}}`)
		h.hear("homeassistant/switch/c/config", `{"stat_t":"c","cmd_t":"c/set","expire_after":5,"dev":{"ids":"x"}}`)
		d := h.only()
		if got := d.Device.Component("a").Property("value").Expires; got != 600 || d.Silence != 10*time.Minute {
			t.Errorf("a reading expires after %v s, silence is %v", got, d.Silence)
		}
		if got := d.Device.Component("c").Property("on").Expires; got != 0 {
			t.Errorf("a switch's expires after %v", got)
		}
		h.hear("homeassistant/sensor/d/config", `{"stat_t":"d","dev":{"ids":"x"}}`)
		if d := h.only(); d.Silence != 0 {
			t.Errorf("with a sensor that says nothing of it the silence is %v", d.Silence)
		}
	})
	t.Run("what need not be shown", func(t *testing.T) {
		for value, want := range map[string]bool{`false`: true, `"false"`: true, `true`: false, `"true"`: false, `null`: false} {
			h := newHouse(t)
			h.hear("homeassistant/sensor/a/config", `{"stat_t":"a","en":`+value+`,"dev":{"ids":"x"}}`)
			if got := h.only().Device.Components[0].Hidden; got != want {
				t.Errorf("enabled_by_default %s: hidden %v", value, got)
			}
		}
	})
	t.Run("the attributes that all of its entities name are told once", func(t *testing.T) {
		h := newHouse(t)
		for _, e := range []string{"a", "b", "c"} {
			h.hear("homeassistant/sensor/"+e+"/config", `{"stat_t":"s","val_tpl":"{{ value_json.`+e+` }}","json_attr_t":"s","dev":{"ids":"x"}}`)
		}
		want := []string{`a/attributes={"a":1,"b":2}`, "a/value=1", "b/value=2"}
		if got := h.hear("s", `{"a":1,"b":2}`); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
		h.hear("homeassistant/sensor/a/config", "")
		if got := h.hear("s", `{"b":2}`); !slices.Equal(got, []string{`b/attributes={"b":2}`, "b/value=2"}) {
			t.Errorf("after the first is gone: %v", got)
		}
	})
}

func TestTriggersOfOneButtonAreOneComponent(t *testing.T) {
	h := newHouse(t)
	for _, button := range []string{"1", "2"} {
		for _, kind := range []string{"short_press", "long_press"} {
			h.hear("homeassistant/device_automation/x/"+kind+button+"/config", fmt.Sprintf(
				`{"atype":"trigger","t":"r","val_tpl":"{{ value_json.a }}","pl":"%s_%s","type":"button_%s","stype":"button_%s","dev":{"ids":"x","name":"Remote"}}`,
				button, kind, kind, button))
		}
	}
	d := h.only().Device
	if got := describe(d); got != "button-1(event)/event:enum mr; button-2(event)/event:enum mr" {
		t.Fatalf("there is %s", got)
	}
	if got := d.Component("button-1").Property("event").Choices; !slices.Equal(got, []string{"button_short_press", "button_long_press"}) {
		t.Errorf("the events are %v", got)
	}
	if got := h.hear("r", `{"a":"2_long_press"}`); !slices.Equal(got, []string{"button-2/event=button_long_press"}) {
		t.Errorf("got %v", got)
	}
	h.hear("homeassistant/device_automation/x/short_press1/config", "")
	d = h.only().Device
	if got := d.Component("button-1").Property("event").Choices; !slices.Equal(got, []string{"button_long_press"}) {
		t.Errorf("after a removal the events are %v", got)
	}
	h.hear("homeassistant/device_automation/x/long_press1/config", "")
	if got := describe(h.only().Device); got != "button-2(event)/event:enum mr" {
		t.Errorf("after another there is %s", got)
	}
}

func TestTopicsThatBelongToOneDevice(t *testing.T) {
	h := newHouse(t)
	hear := func(topic, config string) { h.hear("homeassistant/"+topic+"/config", config) }
	const bridge = `"avty":[{"t":"zigbee2mqtt/bridge/state"},{"t":"zigbee2mqtt/%s/availability"}],"avty_mode":"all"`
	hear("sensor/lamp/a", `{"stat_t":"zigbee2mqtt/Lamp",`+strings.ReplaceAll(bridge, "%s", "Lamp")+`,"dev":{"ids":"lamp","via_device":"b"}}`)
	hear("sensor/lamp/b", `{"stat_t":"zigbee2mqtt/Lamp","json_attr_t":"zigbee2mqtt/Lamp/more","dev":{"ids":"lamp","via_device":"b"}}`)
	hear("sensor/node/a", `{"stat_t":"node/sensor/a/state","avty_t":"node/status","dev":{"ids":"node"}}`)
	hear("sensor/ble/a", `{"stat_t":"home/+/BTtoMQTT/A4C138","avty_t":"home/OMG/LWT","dev":{"ids":"ble","via_device":"OMG"}}`)
	hear("sensor/any/a", `{"stat_t":"+/+/BTtoMQTT/A4C139","dev":{"ids":"any"}}`)
	hear("sensor/greedy/a", `{"stat_t":"greedy/#","dev":{"ids":"greedy"}}`)
	hear("sensor/shared1/a", `{"stat_t":"shared","dev":{"ids":"shared1"}}`)
	hear("sensor/shared2/a", `{"stat_t":"shared","dev":{"ids":"shared2"}}`)
	hear("sensor/under/a", `{"stat_t":"greedy/x","dev":{"ids":"under"}}`)
	for key, want := range map[string]string{
		"id:lamp":    "sensor/lamp/a sensor/lamp/b zigbee2mqtt/Lamp zigbee2mqtt/Lamp/more zigbee2mqtt/Lamp/availability",
		"id:node":    "sensor/node/a node/sensor/a/state node/status",
		"id:ble":     "sensor/ble/a home/+/BTtoMQTT/A4C138",
		"id:any":     "sensor/any/a",
		"id:greedy":  "sensor/greedy/a",
		"id:shared1": "sensor/shared1/a",
		"id:under":   "sensor/under/a",
		"id:none":    "",
	} {
		var got []string
		for _, topic := range h.c.Topics(key) {
			if err := broker.ValidFilter(topic); err != nil {
				t.Error(err)
			}
			topic = strings.TrimPrefix(topic, "homeassistant/")
			got = append(got, strings.TrimSuffix(topic, "/config"))
		}
		if diff := cmp.Diff(strings.Fields(want), got, cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
}

func TestFaultsSayWhatWasExpectedAndWhatWasGot(t *testing.T) {
	for _, c := range []struct{ topic, config, payload, want string }{
		{"sensor", `{"stat_t":"a","unit_of_meas":"W","val_tpl":"{{ value_json.p }}","dev":{"ids":"x"}}`, `{"p":"abc"}`, `a: e: value_template {{ value_json.p }}: expected a number, got "abc"`},
		{"switch", `{"stat_t":"a","cmd_t":"b","dev":{"ids":"x"}}`, `maybe`, `a: e: state_topic: expected ON or OFF, got "maybe"`},
		{"select", `{"stat_t":"a","cmd_t":"b","ops":["eco","boost"],"dev":{"ids":"x"}}`, `max`, `a: e: state_topic: expected one of eco, boost, got "max"`},
		{"light", `{"schema":"json","stat_t":"a","cmd_t":"b","brightness":true,"dev":{"ids":"x"}}`, `{"brightness":"high"}`, `a: e: expected a number at brightness, got "high"`},
		{"vacuum", `{"stat_t":"a","cmd_t":"b","dev":{"ids":"x"}}`, `cleaning`, `a: e: state_topic: expected a JSON object, got "cleaning"`},
		{"camera", `{"topic":"a","dev":{"ids":"x"}}`, ``, `homeassistant/camera/e/config: expected a kind of component that is understood, got "camera"`},
		{"sensor", `[1]`, ``, `homeassistant/sensor/e/config: expected a JSON object, got "[1]"`},
	} {
		h := newHouse(t)
		h.hear("homeassistant/"+c.topic+"/e/config", c.config)
		h.hear("a", c.payload)
		if len(h.faults) != 1 || h.faults[0] != c.want {
			t.Errorf("faults are %q, want %q", h.faults, c.want)
		}
	}
}

func TestASirenRemembersNothingOfAnother(t *testing.T) {
	h := newHouse(t)
	h.hear("homeassistant/siren/a/config", `{"cmd_t":"a","dev":{"ids":"x"}}`)
	h.hear("homeassistant/siren/b/config", `{"cmd_t":"b","dev":{"ids":"x"}}`)
	h.tell("a/on", "true")
	if got := h.tell("b/volume", "10"); !slices.Equal(got, []string{`b={"state":"OFF"}`}) {
		t.Errorf("got %v", got)
	}
	if _, err := h.c.Encode("id:x", devices.Ref{Component: "a", Property: "tone"}, devices.EnumValue("x")); err == nil {
		t.Error("a tone that was not announced can be told")
	}
}

func TestAButtonThatAnEventTellsOfIsNotShownTwice(t *testing.T) {
	h := newHouse(t)
	trigger := `{"atype":"trigger","t":"b/events","val_tpl":"{{ value_json.event_type }}","pl":"push","type":"button_short_press","stype":"button_1","dev":{"ids":"x","name":"Remote"}}`
	h.hear("homeassistant/device_automation/x/push/config", trigger)
	shown := func(id string) bool {
		d := h.only().Device
		c := d.Component(id)
		if c == nil {
			t.Fatalf("there is no %s in %s", id, describe(d))
		}
		return !c.Hidden
	}
	if !shown("button-1") {
		t.Error("a trigger of which nothing else tells is hidden")
	}
	h.hear("homeassistant/event/x/input/config", `{"name":"Button 0","stat_t":"b/events","evt_typ":["push"],"dev":{"ids":"x","name":"Remote"}}`)
	if shown("button-1") || !shown("input") {
		t.Errorf("of a button there is %s", describe(h.only().Device))
	}
	h.hear("homeassistant/event/x/input/config", "")
	if !shown("button-1") {
		t.Error("the trigger stays hidden when the event is gone")
	}
}

func TestWhatASensorSaysOnceMoreIsNewsIfItIsToBe(t *testing.T) {
	h := newHouse(t)
	h.hear("homeassistant/sensor/a/config", `{"stat_t":"s","frc_upd":true,"dev":{"ids":"x","name":"X"}}`)
	h.hear("homeassistant/binary_sensor/b/config", `{"stat_t":"s","force_update":"true","dev":{"ids":"x","name":"X"}}`)
	h.hear("homeassistant/sensor/c/config", `{"stat_t":"s","dev":{"ids":"x","name":"X"}}`)
	got := map[string]bool{}
	for _, c := range h.only().Device.Components {
		got[c.ID] = c.Properties[0].Repeats
	}
	if d := cmp.Diff(map[string]bool{"a": true, "b": true, "c": false}, got); d != "" {
		t.Error(d)
	}
}

func TestWhatHasOneMessageForBothValuesToggles(t *testing.T) {
	for config, want := range map[string]bool{
		`"cmd_t":"c","stat_t":"s","pl_on":"TOGGLE","pl_off":"TOGGLE","stat_on":"ON","stat_off":"OFF"`: true,
		`"cmd_t":"c","stat_t":"s","cmd_tpl":"push"`:                                                   true,
		`"cmd_t":"c","stat_t":"s"`:                                                                    false,
		`"cmd_t":"c","pl_on":"TOGGLE","pl_off":"TOGGLE"`:                                              false, // it reports nothing
	} {
		h := newHouse(t)
		h.hear("homeassistant/switch/a/config", `{`+config+`,"dev":{"ids":"x","name":"X"}}`)
		if got := h.only().Device.Components[0].Property(devices.On).Toggles; got != want {
			t.Errorf("%s toggles: %t, want %t", config, got, want)
		}
	}
	for config, want := range map[string]bool{`"pl_open":"PUSH","pl_cls":"PUSH"`: true, `"pl_open":"OPEN"`: false} {
		h := newHouse(t)
		h.hear("homeassistant/cover/a/config", `{"cmd_t":"c","stat_t":"s",`+config+`,"dev":{"ids":"x","name":"X"}}`)
		if got := h.only().Device.Components[0].Property(devices.State).Toggles; got != want {
			t.Errorf("%s toggles: %t, want %t", config, got, want)
		}
	}
}
