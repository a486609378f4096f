package openmqttgateway_test

import (
	"fmt"
	"strings"
	"testing"

	"home.arpa/homehub/devices"
)

const (
	bot     = `home/OMG_hall/BTtoMQTT/AABBCCDDEE55 {"id":"AA:BB:CC:DD:EE:55","brand":"SwitchBot","model":"Bot","model_id":"X1","type":"ACTR","acts":true,"ctrl":true,"mode":"on/off","state":"off","batt":91}`
	curtain = `home/OMG_hall/BTtoMQTT/AABBCCDDEE57 {"id":"AA:BB:CC:DD:EE:57","brand":"SwitchBot","model":"Curtain (2/3)","model_id":"W070160X","type":"WCVR","acts":true,"ctrl":true,"moving":false,"position":25,"batt":76}`
)

func TestWhatTheDecoderMeans(t *testing.T) {
	for _, test := range []struct{ name, message, ref, want string }{
		{"a name does not repeat the maker", `{"brand":"Aranet","model":"Aranet4 CO₂ Monitor","model_id":"ARANET4","type":"AIR","co2":879}`, "sensor/carbon-dioxide", "Aranet4 CO₂ Monitor EE01: float ppm  = 879"},
		{"thousandths of the earth's acceleration", `{"brand":"KKM","model":"K9","model_id":"K9","type":"ACEL","accz":1031}`, "more/acceleration-z", "KKM K9 EE01: float m/s² Acceleration z = 10.1107"},
		{"an acceleration in its own unit", `{"brand":"R","model":"T","model_id":"RuuviTag_RAWv1","type":"ACEL","accz":0.70019481}`, "more/acceleration-z", "R T EE01: float m/s² Acceleration z = 0.70019481"},
		{"for how long teeth are brushed", `{"brand":"Oral-B","model":"T","model_id":"ORALB_BT","type":"BODY","state":"running","time":12}`, "sensor/duration", "Oral-B T EE01: float s  = 12"},
		{"what a toothbrush does", `{"brand":"Oral-B","model":"T","model_id":"ORALB_BT","type":"BODY","state":"running"}`, "sensor/state", "Oral-B T EE01: text  State = running"},
		{"since when a beacon runs is no duration", `{"brand":"G","model":"T","model_id":"WS02/WS08","type":"THB","tempc":1,"time":2371}`, "sensor/duration", ""},
		{"darkness is how light it is", `{"brand":"Xiaomi","model":"MiLamp","model_id":"MUE4094RT","type":"CTMO","darkness":29}`, "sensor/illuminance", "Xiaomi MiLamp EE01: float lx  = 29"},
		{"keys that are no words", `{"brand":"S","model":"C","model_id":"W120150X","type":"CTMO","in_ct":3}`, "more/in-count", "S C EE01: float  In count = 3"},
		{"a press-only bot has no state to be steered by", `{"brand":"S","model":"Bot","model_id":"X1","type":"ACTR","mode":"onestate","state":"off"}`, "switch/on", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			const key = "ble/aa:bb:cc:dd:ee:01"
			h.Hear("home/OMG_hall/BTtoMQTT/AABBCCDDEE01 " + test.message)
			component, property, _ := strings.Cut(test.ref, "/")
			d, got := h.Devices[key].Device, ""
			if p := d.Property(devices.Ref{Component: component, Property: property}); p != nil {
				got = fmt.Sprintf("%s: %s %s %s = %s", d.Name, p.Datatype, p.Unit, p.Name, h.Values[key+"/"+test.ref])
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSwitchBotsAreSteered(t *testing.T) {
	for _, test := range []struct{ name, message, key, path, shown, wish, want string }{
		{"a bot", bot, "ble/aa:bb:cc:dd:ee:55", "switch/on", "false", "true", `{"model_id":"X1","cmd":"on","id":"AA:BB:CC:DD:EE:55"}`},
		{
			"a curtain, which counts from open to closed", curtain, "ble/aa:bb:cc:dd:ee:57", "cover/position", "75", "40",
			`{"model_id":"W070160X","position":60,"id":"AA:BB:CC:DD:EE:57"}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			h.Hear(test.message)
			h.Want(map[string]string{test.key + "/" + test.path: test.shown})
			if got := h.Tell(test.key, test.path, test.wish); got != "home/OMG_hall/commands/MQTTtoBT "+test.want {
				t.Errorf("it is told %s", got)
			}
			again := newHouse(t) // what is kept of it says the same
			for _, m := range h.Devices[test.key].Sources {
				again.Take(m)
			}
			if got := again.Tell(test.key, test.path, test.wish); !strings.HasSuffix(got, test.want) {
				t.Errorf("after a restart it is told %s", got)
			}
		})
	}
}

func TestATheengsGatewaySteersNothing(t *testing.T) {
	h := newHouse(t)
	h.Hear(`home/TheengsGateway/BTtoMQTT/AABBCCDDEE55 {"id":"AA:BB:CC:DD:EE:55","brand":"SwitchBot","model":"Bot","model_id":"X1","type":"ACTR","mode":"on/off","state":"off"}`)
	ref := devices.Ref{Component: "switch", Property: devices.On}
	d := h.Devices["ble/aa:bb:cc:dd:ee:55"].Device
	if p := d.Property(ref); p == nil || p.Settable {
		t.Errorf("it is %+v", p)
	}
	if got, err := h.C.Encode("ble/aa:bb:cc:dd:ee:55", ref, devices.BoolValue(true)); err == nil {
		t.Errorf("it is told %+v", got)
	}
}
