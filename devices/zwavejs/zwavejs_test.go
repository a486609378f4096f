package zwavejs_test

import (
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/devices/zwavejs"
)

var newConvention = house.Maker(zwavejs.New)

func newHouse(t testing.TB) *house.House { return house.New(t, newConvention(t)) }

var network = []string{
	`=zwave/_CLIENTS/ZWAVE_GATEWAY-home/version {"value":"9.9.0","time":1}`, `=zwave/_CLIENTS/ZWAVE_GATEWAY-home/status {"value":true,"time":1}`,
	`zwave/_CLIENTS/ZWAVE_GATEWAY-home/api/getNodes {"success":true,"result":[{"id":5,"name":"Plug","loc":"Kitchen","manufacturer":"Fibaro","productLabel":"FGWPE102","firmwareVersion":"3.2"},{"id":7,"name":"","loc":"","deviceClass":{"generic":17,"specific":6}}]}`,
	`=zwave/Kitchen/Plug/switch_binary/endpoint_0/currentValue {"time":1,"value":true}`, `zwave/Kitchen/Plug/meter/endpoint_0/value/66049 {"time":1,"value":12.5}`,
	`zwave/Kitchen/Plug/meter/endpoint_0/value/65537 {"time":1,"value":1.25}`, `zwave/Kitchen/Plug/status {"time":1,"value":true,"status":"Alive","nodeId":5}`,
	`zwave/nodeID_7/38/0/currentValue 50`, `zwave/nodeID_7/38/0/Up {"time":1}`,
	`zwave/Lamp/Multilevel_Switch/endpoint_0/currentValue {"id":"38-0-currentValue","nodeId":8,"commandClass":38,"value":99}`, `zwave/Lamp/Multilevel_Switch/endpoint_0/targetValue {"time":1,"value":10}`,
	`zwave/9/49/0/Air_temperature {"value":68,"unit":"°F"}`, `zwave/9/113/0/Home_Security/Motion_sensor_status 8`, `zwave/9/128/0/level 77`, `zwave/9/status {"value":true,"status":"Asleep"}`,
	`zwave/Door/door_lock/endpoint_0/currentMode {"value":255}`, `zwave/Trv/thermostat_mode/endpoint_0/mode {"value":1}`, `zwave/Trv/thermostat_setpoint/endpoint_0/setpoint/1 {"value":21.5,"unit":"°C"}`,
	`zwave/Trv/thermostat_operating_state/endpoint_0/state {"value":1}`, `zwave/Wall/central_scene/endpoint_0/scene/001 {"value":3}`, `zwave/Gate/102/0/currentState 254`,
	`zwave/Window/sensor_binary/endpoint_0/Any true`, `zwave/Bulb/38/0/currentValue 99`, `zwave/Bulb/51/0/currentColor {"value":{"warmWhite":51,"coldWhite":0,"red":255,"green":128,"blue":0}}`,
	`zwave/Bulb/51/0/currentColor/0 {"value":51}`, `zwave/Bulb/51/0/currentColor/1 0`, `zwave/Bulb/51/0/currentColor/2 255`, `zwave/Bulb/51/0/targetColor/1 {"value":102}`,
	`zwave/Bulb/51/0/hexColor {"value":"ff8000"}`, `zwave/Bulb/51/0/hexColor {"value":"000000"}`, `zwave/Meter/meter/endpoint_0/value/66049 {"value":7}`, `zwave/Meter/meter/endpoint_0/value/197121 {"value":100}`,
}

func TestConformance(t *testing.T) {
	house.Contract(t, newConvention, house.Messages(network...))
}

func TestANetworkIsUnderstood(t *testing.T) {
	h := newHouse(t)
	h.Hear(network...)
	house.Golden(t, "network.txt", h.Outline())
	var asked []string
	for _, m := range h.Asked {
		asked = append(asked, m.Topic)
	}
	const api = "zwave/_CLIENTS/ZWAVE_GATEWAY-home/api/"
	if want := []string{api + "getInfo/set", api + "getNodes/set"}; !slices.Equal(asked, want) {
		t.Errorf("it asks %q", asked)
	}
	for _, c := range []struct{ key, path, text, want string }{
		{"node/Kitchen/Plug", "switch/on", "false", `zwave/Kitchen/Plug/switch_binary/endpoint_0/targetValue/set {"value":false}`},
		{"node/Lamp", "light/brightness", "50", `zwave/Lamp/Multilevel_Switch/endpoint_0/targetValue/set {"value":50}`},
		{"node/Lamp", "light/on", "true", `zwave/Lamp/Multilevel_Switch/endpoint_0/targetValue/set {"value":255}`},
		{"node/nodeID_7", "cover/state", "open", `zwave/nodeID_7/38/0/targetValue/set {"value":99}`},
		{"node/nodeID_7", "cover/stop", "true", `zwave/nodeID_7/38/0/Up/set {"value":false}`},
		{"node/Door", "lock/state", "unlocked", `zwave/Door/door_lock/endpoint_0/targetMode/set {"value":0}`},
		{"node/Trv", "climate/mode", "cool", `zwave/Trv/thermostat_mode/endpoint_0/mode/set {"value":2}`},
		{"node/Trv", "climate/target-temperature", "20", `zwave/Trv/thermostat_setpoint/endpoint_0/setpoint/1/set {"value":20}`},
		{"node/Bulb", "light/color", "120,100", `zwave/Bulb/51/0/hexColor/set {"value":"00ff00"}`},
		{"node/Bulb", "light/warm-white", "40", `zwave/Bulb/51/0/targetColor/0/set {"value":102}`},
		{"node/Gate", "cover/state", "closed", `zwave/Gate/102/0/targetState/set {"value":0}`},
	} {
		if got := h.Tell(c.key, c.path, c.text); got != c.want {
			t.Errorf("%s %s = %s publishes %s", c.key, c.path, c.text, got)
		}
	}
}

// The numbers that are not in everybody's house: on one side of a door only, saving energy, in a second stage.
func TestStatesOfLocksAndThermostats(t *testing.T) {
	h := newHouse(t)
	h.Hear(network...)
	for _, c := range []struct{ line, path, want string }{
		{"zwave/Door/door_lock/endpoint_0/currentMode 16", "node/Door/lock/state", "unlocked"},
		{"zwave/Door/door_lock/endpoint_0/currentMode 255", "node/Door/lock/state", "locked"},
		{"zwave/Door/door_lock/endpoint_0/currentMode 254", "node/Door/lock/state", "locked"}, // it does not know
		{"zwave/Trv/thermostat_mode/endpoint_0/mode 0", "node/Trv/climate/mode", "off"},
		{"zwave/Trv/thermostat_mode/endpoint_0/mode 11", "node/Trv/climate/mode", "heat"},
		{"zwave/Trv/thermostat_operating_state/endpoint_0/state 4", "node/Trv/climate/action", "idle"},
		{"zwave/Trv/thermostat_operating_state/endpoint_0/state 9", "node/Trv/climate/action", "cooling"},
		{"zwave/Trv/thermostat_setpoint/endpoint_0/setpoint/11 18", "node/Trv/climate/eco-temperature", "18"},
		{"zwave/Bulb/51/0/hexColor ff0000", "node/Bulb/light/color", "0,100"},
		{"zwave/Bulb/51/0/hexColor 660000", "node/Bulb/light/color", "0,100"},
		{"zwave/Bulb/51/0/hexColor 000000", "node/Bulb/light/color", "0,100"}, // it is white
	} {
		h.Hear(c.line)
		if got := h.Values[c.path].String(); got != c.want {
			t.Errorf("after %s %s is %q, want %q", c.line, c.path, got, c.want)
		}
	}
	if len(h.Faults) > 0 {
		t.Errorf("the faults are %q", h.Faults)
	}
}

func TestPresenceAndFaults(t *testing.T) {
	h := newHouse(t)
	h.Hear(network...)
	h.Hear("zwave/9/status maybe", "zwave/9/128/0/level full", "zwave/_CLIENTS/ZWAVE_GATEWAY-home/status {", "zwave/Lamp/Multilevel_Switch/endpoint_0/currentValue 254")
	want := []string{
		`node/9: zwave/9/status: expected true or false, or an object with a status, got "maybe"`,
		`node/9: zwave/9/128/0/level: expected a number, got "full"`,
		`: zwave/_CLIENTS/ZWAVE_GATEWAY-home/status: expected JSON, got "{"`,
		`node/Lamp: zwave/Lamp/Multilevel_Switch/endpoint_0/currentValue: expected a number from 0 to 99, got 254`,
	}
	if !slices.Equal(h.Faults, want) {
		t.Errorf("the faults are\n%s", strings.Join(h.Faults, "\n"))
	}
	h.Hear("zwave/Kitchen/Plug/status false")
	if r := h.Reach["node/Kitchen/Plug"]; r.Presence != devices.Offline {
		t.Errorf("a dead node is %+v", r)
	}
	if r := h.Reach["node/9"]; r.Presence != devices.Asleep {
		t.Errorf("a sleeping node is %+v", r)
	}
}

// A node is known to the whole world by its home's number and its own, of which the gateway tells in several ways.
func TestAddresses(t *testing.T) {
	const (
		gateway = `=zwave/_CLIENTS/ZWAVE_GATEWAY-home/status {"value":true}`
		info    = `zwave/_CLIENTS/ZWAVE_GATEWAY-home/api/getInfo {"success":true,"result":{"homeid":3774873600,"name":"0xe1000000","controllerId":1}}`
		nodes   = `zwave/_CLIENTS/ZWAVE_GATEWAY-home/api/getNodes {"success":true,"result":[{"id":5,"name":"Plug","loc":""}]}`
		value   = `=zwave/Plug/37/0/currentValue true`
	)
	for name, test := range map[string]struct {
		lines []string
		want  string
	}{
		"the list of nodes tells its number":                 {[]string{gateway, info, nodes, value}, "0xe1000000_node5"},
		"whenever the value comes":                           {[]string{value, gateway, info, nodes}, "0xe1000000_node5"},
		"the list is asked for again once the home is known": {[]string{gateway, nodes, value, info, nodes}, "0xe1000000_node5"},
		"its status does, too":                               {[]string{gateway, info, value, `zwave/Plug/status {"value":true,"status":"Alive","nodeId":5}`}, "0xe1000000_node5"},
		"and its details":                                    {[]string{gateway, info, value, `zwave/Plug/nodeinfo {"id":5,"name":"Plug"}`}, "0xe1000000_node5"},
		"without a home it has none":                         {[]string{gateway, nodes, value, `zwave/_CLIENTS/ZWAVE_GATEWAY-home/api/getInfo {"success":true,"result":{"name":"undefined"}}`}, ""},
		"nor without a number":                               {[]string{gateway, info, value}, ""},
		"two gateways may be two homes":                      {[]string{gateway, info, strings.Replace(gateway, "home", "barn", 1), value, `zwave/Plug/nodeinfo {"id":5}`}, ""},
	} {
		h := newHouse(t)
		h.Hear(test.lines...)
		got := ""
		for _, c := range h.Devices["node/Plug"].Device.Connections {
			got += c.Value
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		again := newHouse(t) // as after a restart of the hub
		for _, m := range h.Devices["node/Plug"].Sources {
			again.Take(m)
		}
		if a, b := h.Devices["node/Plug"].Device.Connections, again.Devices["node/Plug"].Device.Connections; !slices.Equal(a, b) {
			t.Errorf("%s: after a restart %v, before %v", name, b, a)
		}
	}
}

func TestSleepers(t *testing.T) {
	const value = `=zwave/Trv/thermostat_mode/endpoint_0/mode 1`
	for name, test := range map[string]struct {
		line string
		want float64
	}{
		"one that says nothing listens":                 {`zwave/Trv/nodeinfo {"id":5}`, 0},
		"one that does not listen sleeps":               {`zwave/Trv/nodeinfo {"id":5,"isListening":false,"isFrequentListening":false}`, 86400},
		"one that listens every second does not":        {`zwave/Trv/nodeinfo {"id":5,"isListening":false,"isFrequentListening":"1000ms"}`, 0},
		"one that listens does not":                     {`zwave/Trv/nodeinfo {"id":5,"isListening":true,"isFrequentListening":false}`, 0},
		"one that is asleep sleeps":                     {`zwave/Trv/status {"value":true,"status":"Asleep","nodeId":5}`, 86400},
		"and one that is awake just now":                {`zwave/Trv/status {"value":true,"status":"Awake","nodeId":5}`, 86400},
		"one that is alive does not":                    {`zwave/Trv/status {"value":true,"status":"Alive","nodeId":5}`, 0},
		"an interval alone says nothing":                {`=zwave/Trv/wake_up/endpoint_0/wakeUpInterval 3600`, 0},
		"one that says how often it wakes is believed":  {"=zwave/Trv/wake_up/endpoint_0/wakeUpInterval {\"value\":3600}\nzwave/Trv/status {\"status\":\"Asleep\"}", 7200},
		"also in the other form, before the list comes": {"=zwave/Trv/132/0/wakeUpInterval 600\nzwave/_CLIENTS/g/api/getNodes {\"result\":[{\"id\":5,\"name\":\"Trv\",\"isListening\":false}]}", 1200},
	} {
		for _, first := range []bool{true, false} {
			h := newHouse(t)
			lines := strings.Split(test.line, "\n")
			if first {
				lines = append([]string{value}, lines...)
			}
			h.Hear(append(lines, value)...)
			if !first && strings.Contains(test.line, "/status ") {
				continue // nothing but its values shows that there is a node
			}
			if got := h.Devices["node/Trv"].Device.Wakes; got != test.want {
				t.Errorf("%s: it wakes after %v s, want %v", name, got, test.want)
			}
			again := newHouse(t)
			for _, m := range h.Devices["node/Trv"].Sources {
				again.Take(m)
			}
			if got := again.Devices["node/Trv"].Device.Wakes; got != test.want {
				t.Errorf("%s: after a restart it wakes after %v s", name, got)
			}
		}
	}
}

func TestRecordedMessages(t *testing.T) {
	house.Recalls(t, newConvention(t), "others.tsv")
}

func FuzzConvention(f *testing.F) {
	house.Fuzz(f, newConvention, network, []string{`zwave/a/kept {"id":1,"kept":{"37/0/currentValue":"","38/0/Open":""}}`, `zwave/a/38/0/Open 1`, `zwave/a/nodeinfo {"id":1}`},
		[]string{
			`zwave/_CLIENTS/g/status {"value":true}`, `zwave/_CLIENTS/g/api/getInfo {"result":{"name":"0xe1"}}`, `zwave/_CLIENTS/g/api/getNodes {"result":[{"id":4,"name":"a","isListening":false}]}`,
			`zwave/a/132/0/wakeUpInterval 600`, `zwave/a/64/0/mode 1`, `zwave/a/status {"status":"Asleep","nodeId":4}`,
		})
}

// BenchmarkState is a plug's power.
func BenchmarkState(b *testing.B) {
	h := newHouse(b)
	h.Hear(network...)
	house.Bench(b, h.C, house.Message(`zwave/Kitchen/Plug/meter/endpoint_0/value/66049 {"time":1,"value":12.5}`), 1)
}

// BenchmarkForeign is a message that concerns no node.
func BenchmarkForeign(b *testing.B) {
	house.Bench(b, newConvention(b), house.Message(house.Foreign), 0)
}
