package zwavejs_test

import (
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/devices/zwavejs"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
)

func newConvention(t testing.TB) hub.Convention {
	c, err := zwavejs.New(zwavejs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

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
	`zwave/Window/sensor_binary/endpoint_0/Any true`,
}

func TestConformance(t *testing.T) {
	conventiontest.Run(t, conventiontest.Setup{New: func() hub.Convention { return newConvention(t) }, House: house.Messages(network...)})
}

func TestANetworkIsUnderstood(t *testing.T) {
	h := newHouse(t)
	h.Hear(network...)
	house.Golden(t, "network.txt", h.Outline())
	if len(h.Asked) != 1 || h.Asked[0].Topic != "zwave/_CLIENTS/ZWAVE_GATEWAY-home/api/getNodes/set" {
		t.Errorf("it asks %v", h.Asked)
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
		{"node/Gate", "cover/state", "closed", `zwave/Gate/102/0/targetState/set {"value":0}`},
	} {
		if got := h.Tell(c.key, c.path, c.text); got != c.want {
			t.Errorf("%s %s = %s publishes %s", c.key, c.path, c.text, got)
		}
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

func TestRecordedMessages(t *testing.T) {
	h := newHouse(t)
	for _, m := range house.Recorded(t, "others.tsv") {
		h.Take(m)
	}
	house.Golden(t, "recorded.txt", h.Outline())
}

func FuzzConvention(f *testing.F) {
	house.Fuzz(f, newConvention, network, []string{`zwave/a/kept {"id":1,"kept":{"37/0/currentValue":"","38/0/Open":""}}`, `zwave/a/38/0/Open 1`, `zwave/a/nodeinfo {"id":1}`})
}

// BenchmarkState is a plug's power.
func BenchmarkState(b *testing.B) {
	h := newHouse(b)
	h.Hear(network...)
	m := house.Message(`zwave/Kitchen/Plug/meter/endpoint_0/value/66049 {"time":1,"value":12.5}`)
	b.ReportAllocs()
	for b.Loop() {
		if u := h.C.Apply(m, h.C.Parse(m)); len(u.Readings) != 1 {
			b.Fatalf("%+v", u)
		}
	}
}

// BenchmarkForeign is a message that concerns no node.
func BenchmarkForeign(b *testing.B) {
	c := newConvention(b)
	m := broker.Message{Topic: "zigbee2mqtt/lamp", Payload: []byte(`{"state":"ON"}`)}
	b.ReportAllocs()
	for b.Loop() {
		c.Apply(m, c.Parse(m))
	}
}
