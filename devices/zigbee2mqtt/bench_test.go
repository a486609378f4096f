package zigbee2mqtt_test

import (
	"fmt"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
)

// BenchmarkState is a state of six properties.
func BenchmarkState(b *testing.B) {
	e := settled(b)
	m := broker.Message{Topic: "zigbee2mqtt/Two gang switch", Payload: []byte(
		`{"child_lock":"UNLOCK","countdown_l1":2,"energy":3.21,"power":12.5,"state_l1":"ON","state_l2":"OFF"}`)}
	b.ReportAllocs()
	for b.Loop() {
		if u := e.c.Apply(m, e.c.Parse(m)); len(u.Readings) != 6 {
			b.Fatalf("%+v", u)
		}
	}
}

// BenchmarkLampState is the state of a lamp with a color, nested objects and its update.
func BenchmarkLampState(b *testing.B) {
	e := settled(b)
	m := broker.Message{Topic: "zigbee2mqtt/Hall lamp", Payload: []byte(lampState)}
	b.ReportAllocs()
	for b.Loop() {
		if u := e.c.Apply(m, e.c.Parse(m)); len(u.Readings) != 9 {
			b.Fatalf("%+v", u)
		}
	}
}

// BenchmarkForeign is a message that concerns no device.
func BenchmarkForeign(b *testing.B) {
	e := settled(b)
	m := broker.Message{Topic: "other/thing", Payload: []byte(`{"a":1}`)}
	b.ReportAllocs()
	for b.Loop() {
		e.c.Apply(m, e.c.Parse(m))
	}
}

// rest is what entries of the list have beside what the convention reads: endpoints with clusters, bindings and reportings,
// and the options of the definition. It makes the list as long as those of real houses.
var rest = func() string {
	cluster := `"genBasic","genPowerCfg","genIdentify","genGroups","genScenes","genOnOff","genLevelCtrl","lightingColorCtrl","touchlink"`
	reporting := `{"attribute":"onOff","cluster":"genOnOff","maximum_report_interval":3600,"minimum_report_interval":0,"reportable_change":0}`
	option := `{"access":2,"description":"Controls the transition time (in seconds) of on/off, brightness and color changes. Defaults to 0 (no transition).",` +
		`"label":"Transition","name":"transition","property":"transition","type":"numeric","value_min":0,"value_step":0.1}`
	return `"date_code":"20230101","network_address":12345,"supported":true,"endpoints":{"1":{"bindings":[{"cluster":"genOnOff",` +
		`"target":{"endpoint":1,"ieee_address":"0x00124b0018ed1111","type":"endpoint"}}],"clusters":{"input":[` + cluster + `],"output":["genOta"]},` +
		`"configured_reportings":[` + reporting + "," + reporting + `],"scenes":[]}},"options":[` + strings.Repeat(option+",", 6) + option + `],`
}()

// hundred is bridge/devices of a hundred devices, about ten of each kind in the house.
func hundred(tb testing.TB) []byte {
	tb.Helper()
	kinds := strings.Split(strings.TrimSpace(strings.Trim(strings.TrimSpace(string(read(tb, "devices.json"))), "[]")), "\n {\"ieee_address\":\"0x")
	var out []string
	for i := range 100 {
		kind := strings.TrimSuffix(strings.TrimSpace(kinds[1+i%10]), ",")
		_, own, _ := strings.Cut(kind[16:], `"friendly_name":"`)
		out = append(out, fmt.Sprintf(`{"ieee_address":"0x%016x",%s"friendly_name":"%d `, i+1, rest, i)+own)
	}
	list := []byte("[" + strings.Join(out, ",\n") + "]")
	if len(list) < 300_000 {
		tb.Fatalf("the list has only %d bytes", len(list))
	}
	return list
}

// BenchmarkDevices is the list of a hundred devices when it is heard first.
func BenchmarkDevices(b *testing.B) {
	m := broker.Message{Topic: "zigbee2mqtt/bridge/devices", Payload: hundred(b)}
	b.SetBytes(int64(len(m.Payload)))
	b.ReportAllocs()
	for b.Loop() {
		c := newConvention(b)
		if u := c.Apply(m, c.Parse(m)); len(u.Devices) != 100 || len(u.Faults) > 0 {
			b.Fatalf("%d %+v", len(u.Devices), u.Faults)
		}
	}
}

// BenchmarkDevicesAgain is the same list once more.
func BenchmarkDevicesAgain(b *testing.B) {
	m := broker.Message{Topic: "zigbee2mqtt/bridge/devices", Payload: hundred(b)}
	c := newConvention(b)
	c.Apply(m, c.Parse(m))
	b.SetBytes(int64(len(m.Payload)))
	b.ReportAllocs()
	for b.Loop() {
		if u := c.Apply(m, c.Parse(m)); len(u.Devices) != 0 {
			b.Fatalf("%+v", u)
		}
	}
}
