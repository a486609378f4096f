package openmqttgateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/devices/openmqttgateway"
)

var newConvention = house.Maker(openmqttgateway.New)

func newHouse(t testing.TB) *house.House { return house.New(t, newConvention(t)) }

const (
	system   = `home/OMG_hall/SYStoMQTT {"uptime":456,"version":"v1.7.0","freemem":125488,"mqttport":"1883","rssi":-36,"SSID":"x","ip":"192.168.1.9","mac":"4C:75:25:A8:D5:D8","modules":["IR","RF","BT"]}`
	settings = `home/OMG_hall/BTtoMQTT {"bleconnect":true,"interval":55555,"intervalacts":55555,"scanduration":10000,"onlysensors":false,"minrssi":-100,"adaptivescan":true}`
	thermo   = `home/OMG_hall/BTtoMQTT/A4C138D5D498 {"id":"A4:C1:38:D5:D4:98","rssi":-67,"brand":"Xiaomi","model":"TH Sensor","model_id":"LYWSD03MMC/MJWSD05MMC_ATC","type":"THB","tempc":32.5,"tempf":90.5,"hum":62,"batt":81,"volt":2.939,"mac":"A4:C1:38:D5:D4:98"}`
)

var home = []string{
	system, settings, "=home/OMG_hall/LWT online", thermo,
	`home/OMG_hall/BTtoMQTT/BC026EAABBCC {"id":"BC:02:6E:AA:BB:CC","rssi":-70,"brand":"Shelly","model":"ShellyBLU Button1","model_id":"SBBT-002C","type":"BTN","packet":29,"batt":100,"button":1}`,
	`home/OMG_hall/BTtoMQTT/AABBCCDDEE11 {"id":"AA:BB:CC:DD:EE:11","rssi":-80,"brand":"iNode","model":"Energy Meter","model_id":"INEM","type":"ENRG","avg":2.376,"avgu":"kW","sum":21.2928,"sumu":"kWh","batt":70,"lowbatt":false}`,
	`home/OMG_hall/BTtoMQTT/AABBCCDDEE12 {"id":"AA:BB:CC:DD:EE:12","rssi":-80,"brand":"Xiaomi","model":"Mi Smart Scale","model_id":"XMTZC01HM","type":"SCALE","weighing_mode":"person","unit":"lb","weight":100}`,
	`home/OMG_hall/CLIMAtoMQTT/bme {"tempc":21.5,"tempf":70.7,"hum":45,"pa":1003.2}`,
	`home/OMG_hall/433toMQTT {"value":1315156,"protocol":1,"length":24,"delay":317}`,
	`home/OMG_hall/IRtoMQTT {"value":875849879,"protocol":7,"protocol_name":"SAMSUNG","bits":32,"hex":"0x34346897"}`,
	`home/OMG_hall/LORAtoMQTT {"rssi":-16,"snr":9.25,"pferror":-3598,"packetSize":3,"message":"test"}`,
	`home/OMG_hall/RTL_433toMQTT/Nexus-TH/2/42 {"model":"Nexus-TH","id":42,"channel":2,"battery_ok":1,"temperature_C":20.5,"humidity":83,"protocol":"Nexus","rssi":-80,"duration":1}`,
	`home/OMG_hall/RTL_433toMQTT/Nexus-TH/2/42 {"model":"Nexus-TH","id":42,"channel":2,"battery_ok":1,"temperature_C":20.7,"humidity":83,"protocol":"Nexus","rssi":-80,"duration":1}`,
	"home/TheengsGateway/LWT online",
	`home/TheengsGateway/BTtoMQTT/582D341233DC {"name":"x","id":"58:2D:34:12:33:DC","rssi":-60,"brand":"ClearGrass","model":"Round TH","model_id":"CGG1","type":"THB","tempc":23.7,"hum":60.3}`,
}

func TestConformance(t *testing.T) {
	house.Contract(t, newConvention, house.Messages(home...))
}

func TestAHouseIsUnderstood(t *testing.T) {
	h := newHouse(t)
	h.Hear(home...)
	house.Golden(t, "house.txt", h.Outline())
	if !slices.Contains(h.Wanted, "home/OMG_hall/#") {
		t.Errorf("it wants %q", h.Wanted)
	}
}

func TestCommands(t *testing.T) {
	h := newHouse(t)
	h.Hear(home...)
	const gateway, commands = "gateway/home/OMG_hall", "home/OMG_hall/commands/"
	for _, c := range []struct{ path, text, want string }{
		{"restart/press", "true", `MQTTtoSYS/config {"cmd":"restart"}`},
		{"scan/press", "true", `MQTTtoBT/config {"interval":0}`},
		{"bt-interval/value", "66", `MQTTtoBT/config {"interval":66000}`},
		{"bt-minrssi/value", "-80", `MQTTtoBT/config {"minrssi":-80}`},
		{"bt-onlysensors/on", "true", `MQTTtoBT/config {"onlysensors":true}`},
		{"radio-send/value", "1315156", `MQTTto433 {"value":1315156}`},
		{"radio-send/value", `{"value":1,"protocol":2}`, `MQTTto433 {"value":1,"protocol":2}`},
		{"infrared-send/value", "0x25060090B", `MQTTtoIR {"hex":"0x25060090B"}`},
		{"lora-send/value", `say "hi"`, `MQTTtoLORA {"message":"say \"hi\""}`},
	} {
		if got := h.Tell(gateway, c.path, c.text); got != commands+c.want {
			t.Errorf("%s = %s publishes %s", c.path, c.text, got)
		}
	}
	if d := h.Devices["gateway/home/TheengsGateway"].Device; d.Name == "" || d.Component("restart") != nil {
		t.Error("Theengs Gateway cannot be restarted")
	}
}

// heard is a thermometer's message that a gateway heard with some strength.
func heard(gateway string, rssi int, more string) string {
	return fmt.Sprintf(`home/%s/BTtoMQTT/A4C138D5D498 {"id":"A4:C1:38:D5:D4:98","rssi":%d,"model":"TH Sensor","model_id":"LYWSD03MMC","type":"THB"%s}`, gateway, rssi, more)
}

func TestASensorIsOneDeviceBehindTheGatewayThatHearsItBest(t *testing.T) {
	h := newHouse(t)
	const key = "ble/a4:c1:38:d5:d4:98"
	h.Hear(heard("hall", -70, `,"tempc":20`), heard("attic", -75, `,"hum":50`))
	h.Want(map[string]string{key + "/sensor/temperature": "20", key + "/sensor/humidity": "50", key + "/link/signal-strength": "-70"})
	if via := h.Devices[key].Device.Via; via != "gateway/home/hall" {
		t.Errorf("it is behind %s", via)
	}
	for range 10 { // as good as the other, and once in a while better
		h.Hear(heard("attic", -66, ""), heard("hall", -70, ""))
	}
	if via := h.Devices[key].Device.Via; via != "gateway/home/hall" {
		t.Errorf("a little is enough to put it behind %s", via)
	}
	for range 20 {
		h.Hear(heard("attic", -45, ""), heard("hall", -80, ""))
	}
	if via := h.Devices[key].Device.Via; via != "gateway/home/attic" || h.Values[key+"/link/signal-strength"].Float() != -45 {
		t.Errorf("it is behind %s with %s", via, h.Values[key+"/link/signal-strength"])
	}
	for range 40 {
		h.Hear(heard("hall", -80, ""))
	}
	if via := h.Devices[key].Device.Via; via != "gateway/home/hall" {
		t.Errorf("the other no longer hears it, but it is behind %s", via)
	}
	if len(h.Devices) != 3 {
		t.Errorf("there are %q", h.Keys())
	}
	topics := h.C.Topics(key)
	slices.Sort(topics)
	if want := []string{"home/attic/BTtoMQTT/A4C138D5D498", "home/hall/BTtoMQTT/A4C138D5D498"}; !slices.Equal(topics, want) {
		t.Errorf("its topics are %q", topics)
	}
}

func TestWhatPassesByIsNotAnnounced(t *testing.T) {
	h := newHouse(t)
	h.Hear(system)
	for _, line := range []string{
		`home/OMG_hall/BTtoMQTT/45E174126E00 {"id":"45:e1:74:12:6e:00","rssi":-89,"distance":21.5,"servicedata":"fe00"}`,
		`home/OMG_hall/BTtoMQTT/58782076BC24 {"id":"58:78:20:76:BC:24","mac_type":1,"rssi":-79,"brand":"GENERIC","model":"iBeacon","model_id":"IBEACON","type":"BCON","uuid":"1d"}`,
		`home/OMG_hall/BTtoMQTT/58782076BC25 {"id":"58:78:20:76:BC:25","rssi":-79,"brand":"Apple","model":"Apple iPhone/iPad","model_id":"APPLEDEVICE","type":"TRACK","track":true,"prmac":true}`,
		`home/OMG_hall/BTtoMQTT/58782076BC26 {"id":"58:78:20:76:BC:26","rssi":-79,"brand":"GENERIC","model":"MS-CDP","model_id":"MS-CDP","type":"RMAC"}`,
		`home/OMG_hall/RTL_433toMQTT {"model":"Nexus-TH","id":1,"temperature_C":1}`,
	} {
		h.Hear(line)
	}
	if len(h.Devices) != 1 {
		t.Errorf("there are %q", h.Keys())
	}
	h.Hear(`home/OMG_hall/BTtoMQTT/1de4b189115e45f6b44e509352269977 {"id":"52:10:A8:46:90:AC","mac_type":1,"rssi":-76,"brand":"GENERIC","model":"iBeacon","model_id":"IBEACON","type":"BCON"}`)
	if _, ok := h.Devices["ble/1de4b189115e45f6b44e509352269977"]; !ok {
		t.Error("a beacon that is known by its UUID is not announced")
	}
	for i := range 2000 {
		h.Hear(fmt.Sprintf(`home/OMG_hall/BTtoMQTT/A4C13800%04X {"id":"A4:C1:38:00:%02X:%02X","model":"T","model_id":"T","type":"THB","tempc":1}`, i, i>>8, i&255),
			fmt.Sprintf(`home/OMG_hall/RTL_433toMQTT {"model":"N","id":%d,"humidity":1}`, i), fmt.Sprintf(`home/OMG_hall/RTL_433toMQTT {"model":"N","id":%d,"humidity":1}`, i))
	}
	if len(h.Devices) > 1201 || len(h.Faults) != 1 {
		t.Errorf("%d devices, faults %q", len(h.Devices), h.Faults)
	}
}

func TestAPressIsToldOnce(t *testing.T) {
	h := newHouse(t)
	line := func(gateway string, packet, button int) string {
		return fmt.Sprintf(`home/%s/BTtoMQTT/BC026EAABBCC {"id":"BC:02:6E:AA:BB:CC","model":"ShellyBLU Button1","model_id":"SBBT-002C","type":"BTN","packet":%d,"button":%d}`, gateway, packet, button)
	}
	presses := func(line string) (n int) {
		for _, r := range h.Take(house.Message(line)).Readings {
			if r.Ref == (devices.Ref{Component: "button", Property: "event"}) {
				n++
			}
		}
		return n
	}
	for i, c := range []struct {
		line string
		want int
	}{
		{line("hall", 1, 1), 1}, {line("hall", 1, 1), 0}, {line("attic", 1, 1), 0}, {line("hall", 2, 2), 1}, {line("hall", 3, 0), 0}, {"=" + line("hall", 4, 1), 0},
	} {
		if got := presses(c.line); got != c.want {
			t.Errorf("step %d: %d presses, want %d", i, got, c.want)
		}
	}
}

func TestFaultsAndPresence(t *testing.T) {
	h := newHouse(t)
	h.Hear("tele/plug/LWT Online", "home/OMG_hall/LWT online", system)
	if r := h.Reach["gateway/home/OMG_hall"]; r.Presence != devices.Online {
		t.Errorf("a gateway that publishes is %+v", r)
	}
	h.Hear("!home/OMG_hall/LWT offline")
	if r := h.Reach["gateway/home/OMG_hall"]; r.Presence != devices.Offline {
		t.Errorf("after its will it is %+v", r)
	}
	encrypted := `home/OMG_hall/BTtoMQTT/60EFABAABBCC {"id":"60:EF:AB:AA:BB:CC","brand":"Shelly","model":"ShellyBLU Motion encrypted","model_id":"SBMO_003Z_ENCR","type":"CTMO","encr":2,"cipher":"cc08"}`
	h.Hear(thermo, strings.ReplaceAll(thermo, "32.5", `"warm"`), "home/OMG_hall/LWT maybe", "home/OMG_hall/SYStoMQTT {", encrypted, encrypted,
		`home/OMG_hall/BTtoMQTT {"interval":"often"}`)
	want := []string{
		`ble/a4:c1:38:d5:d4:98: home/OMG_hall/BTtoMQTT/A4C138D5D498: expected a number at tempc, got "warm"`,
		`gateway/home/OMG_hall: home/OMG_hall/LWT: expected online or offline, got "maybe"`,
		`gateway/home/OMG_hall: home/OMG_hall/SYStoMQTT: expected a JSON object, got "{"`,
		`ble/60:ef:ab:aa:bb:cc: home/OMG_hall/BTtoMQTT/60EFABAABBCC: expected the sensor's values, got encrypted ones: the gateway needs the sensor's key to read them`,
		`gateway/home/OMG_hall: home/OMG_hall/BTtoMQTT: expected a number at interval, got "often"`,
	}
	if !slices.Equal(h.Faults, want) {
		t.Errorf("the faults are\n%s", strings.Join(h.Faults, "\n"))
	}
	h.Hear(strings.NewReplacer(" encrypted", "", "_ENCR", "", `"encr":2,"cipher":"cc08"`, `"motion":true`).Replace(encrypted))
	if d := h.Devices["ble/60:ef:ab:aa:bb:cc"].Device; d.Model != "ShellyBLU Motion" {
		t.Errorf("with its key it is %q", d.Model)
	}
}

// TestRecordedDevices has what each recorded message says of a device, as it was checked by eye.
func TestRecordedDevices(t *testing.T) {
	var b strings.Builder
	known := 0
	for _, m := range house.Recorded(t, "openmqttgateway-theengs.tsv") {
		h := newHouse(t)
		h.Take(m)
		for _, f := range h.Faults {
			if !strings.Contains(f, "encrypted") {
				t.Error(f)
			}
		}
		known += len(h.Devices) - 1
		delete(h.Devices, "gateway/home/OpenMQTTGateway")
		fmt.Fprintf(&b, "%s\n", h.Outline())
	}
	house.Golden(t, "recorded.txt", b.String())
	// All but the nine whose addresses change or cannot be known to stay.
	if known != 105 {
		t.Errorf("%d of 114 devices are known", known)
	}
}

func TestOtherFamiliesAreLeftAlone(t *testing.T) {
	house.LeavesOthersAlone(t, newConvention(t), "openmqttgateway-theengs.tsv")
}

func FuzzConvention(f *testing.F) {
	house.Fuzz(f, newConvention, home, []string{
		system, `a/b/BTtoMQTT/x {"id":"A4:C1:38:D5:D4:98","model_id":"a","avg":1,"avgu":"kWh","button":9,"open":2}`,
		`a/b/BTtoMQTT {"interval":1e300}`, `a/b/RTL_433toMQTT {"model":"x","kept-key":"rtl/a//b","button":"1"}`, `a/b/SYStoMQTT {"kept-gateway":true,"fields":{"CLIMA/x":1},"codes":["IR"]}`,
		"a/b/RTL_433toMQTT {\"model\":\"x\",\"kept-key\":\"rtl/a\xaf/b\",\"button\":\"1\"}",
	})
}

// BenchmarkState is a thermometer's message.
func BenchmarkState(b *testing.B) {
	h := newHouse(b)
	h.Hear(home...)
	house.Bench(b, h.C, house.Message(thermo), 5)
}

// BenchmarkForeign is a message that concerns no gateway.
func BenchmarkForeign(b *testing.B) {
	house.Bench(b, newConvention(b), house.Message(house.Foreign), 0)
}
