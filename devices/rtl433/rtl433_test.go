package rtl433_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/devices/rtl433"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
)

var newConvention = house.Maker(rtl433.New)

func newHouse(t testing.TB) *house.House { return house.New(t, newConvention(t)) }

// event is a transmission of a thermometer at some second.
func event(second int, more string) string {
	return fmt.Sprintf(`rtl_433/pi/events {"time":"2026-01-01 12:00:%02d","model":"Nexus-TH","id":42,"channel":2%s}`, second, more)
}

var weather = []string{
	"=rtl_433/pi/availability online",
	event(1, `,"battery_ok":1,"temperature_C":20.5,"humidity":83`),
	event(31, `,"battery_ok":1,"temperature_C":20.4,"humidity":83`),
	`rtl_433/pi/events {"time":"a","model":"Bresser-5in1","id":7,"mic":"CHECKSUM","temperature_F":68.9,"wind_avg_m_s":2.5,"wind_max_m_s":5,"wind_dir_deg":270,"rain_in":1.5,"light_klx":12.5,"uvi":3}`,
	`rtl_433/pi/events {"time":"b","model":"Bresser-5in1","id":7,"mic":"CHECKSUM","temperature_F":68.9,"wind_avg_m_s":2.5,"wind_max_m_s":5,"wind_dir_deg":270,"rain_in":1.5,"light_klx":12.5,"uvi":3}`,
	`rtl_433/pi/events {"time":"a","type":"TPMS","model":"Toyota","id":"fb26ac5a","pressure_PSI":33,"temperature_C":18}`,
	`rtl_433/pi/events {"time":"b","type":"TPMS","model":"Toyota","id":"fb26ac5a","pressure_PSI":33,"temperature_C":18}`,
	`rtl_433/pi/events {"time":"a","model":"Kerui-Security","id":1234,"cmd":10,"motion":1,"state":"motion"}`,
	`rtl_433/pi/events {"time":"b","model":"Kerui-Security","id":1234,"cmd":10,"motion":1,"state":"motion"}`,
	`rtl_433/pi/events {"time":"a","model":"Interlogix-Security","subtype":"contact","id":"e3a1","battery_ok":0,"contact_open":1,"tamper":0}`,
	`rtl_433/pi/events {"time":"b","model":"Interlogix-Security","subtype":"contact","id":"e3a1","battery_ok":0,"contact_open":1,"tamper":0}`,
	`rtl_433/pi/events {"time":"a","model":"CurrentCost-TX","id":77,"power0_W":312,"energy_kWh":12.5}`,
	`rtl_433/pi/events {"time":"b","model":"CurrentCost-TX","id":77,"power0_W":312,"energy_kWh":12.5}`,
}

func TestConformance(t *testing.T) {
	conventiontest.Run(t, conventiontest.Setup{
		New: func() hub.Convention { return newConvention(t) }, House: house.Messages(weather...), Mute: true,
	})
}

func TestUnitsBecomeTheModels(t *testing.T) {
	h := newHouse(t)
	h.Hear(weather...)
	house.Golden(t, "weather.txt", h.Outline())
	h.Want(map[string]string{
		"sensor/Nexus-TH/2/42/sensor/temperature":                 "20.4",
		"sensor/Nexus-TH/2/42/battery/battery":                    "100",
		"sensor/Bresser-5in1/7/sensor/temperature":                "20.5",
		"sensor/Bresser-5in1/7/sensor/wind-avg":                   "9",
		"sensor/Bresser-5in1/7/sensor/rain":                       "38.1",
		"sensor/Bresser-5in1/7/sensor/illuminance":                "12500",
		"sensor/TPMS/Toyota/fb26ac5a/sensor/pressure":             "2275.2699",
		"sensor/Interlogix-Security/contact/e3a1/contact/contact": "true",
		"sensor/Interlogix-Security/contact/e3a1/battery/battery": "0",
		"sensor/CurrentCost-TX/77/sensor/power0":                  "312",
		"sensor/Kerui-Security/1234/events/cmd":                   "10",
		"sensor/Kerui-Security/1234/motion/motion":                "true",
	})
	if r := h.Reach["receiver/rtl_433/pi"]; r.Presence != "online" {
		t.Errorf("the receiver is %+v", r)
	}
	h.Hear("!rtl_433/pi/availability offline")
	if r := h.Reach["receiver/rtl_433/pi"]; r.Presence != "offline" {
		t.Errorf("the receiver is %+v", r)
	}
}

func TestASensorIsAnnouncedWhenItWasHeardTwice(t *testing.T) {
	h := newHouse(t)
	h.Hear(event(1, `,"temperature_C":20`), event(1, `,"temperature_C":20`), strings.Replace(event(1, `,"temperature_C":20`), "events", "states", 1))
	if len(h.Devices) > 0 {
		t.Error("one transmission, heard several times, makes a device")
	}
	h.Hear(event(2, `,"temperature_C":21`))
	h.Want(map[string]string{"sensor/Nexus-TH/2/42/sensor/temperature": "21"})
	told := h.Told
	h.Hear(event(3, `,"temperature_C":22`))
	if h.Told != told {
		t.Error("it is announced again though there is nothing new")
	}
	h.Hear(event(4, `,"humidity":50`))
	h.Want(map[string]string{"sensor/Nexus-TH/2/42/sensor/temperature": "22", "sensor/Nexus-TH/2/42/sensor/humidity": "50"})
	if h.Told != told+1 {
		t.Error("what is new is not announced")
	}
}

func TestFieldsOneByOne(t *testing.T) {
	h := newHouse(t)
	transmission := []string{
		"=rtl_433/pi/devices/Nexus-TH/2/42/time 2026-01-01 12:00:00", "=rtl_433/pi/devices/Nexus-TH/2/42/id 42",
		"=rtl_433/pi/devices/Nexus-TH/2/42/temperature_C 20.5", "=rtl_433/pi/devices/Nexus-TH/2/42/humidity 83",
	}
	h.Hear(transmission...)
	if len(h.Devices) > 0 {
		t.Error("what the broker kept makes a device")
	}
	for _, line := range transmission {
		h.Hear(line[1:])
	}
	h.Want(map[string]string{"sensor/Nexus-TH/2/42/sensor/temperature": "20.5", "sensor/Nexus-TH/2/42/sensor/humidity": "83"})
	if d := h.Devices["sensor/Nexus-TH/2/42"].Device; d.Name != "Nexus-TH channel 2" || d.Model != "TH" || d.Manufacturer != "Nexus" {
		t.Errorf("it is %+v", d)
	}
	if got := h.C.Topics("sensor/Nexus-TH/2/42"); !slices.Equal(got, []string{"rtl_433/pi/devices/Nexus-TH/2/42/#"}) {
		t.Errorf("its topics are %q", got)
	}
	// The same sensor in JSON is the same device, and from then on the fields say nothing new.
	h.Hear(event(9, `,"temperature_C":19`), "rtl_433/pi/devices/Nexus-TH/2/42/temperature_C 25")
	h.Want(map[string]string{"sensor/Nexus-TH/2/42/sensor/temperature": "19"})
	if len(h.Devices) != 1 {
		t.Errorf("there are %q", h.Keys())
	}
}

func TestFaultsSayWhatWasExpectedAndGot(t *testing.T) {
	h := newHouse(t)
	h.Hear(event(1, `,"temperature_C":20,"tamper":0`), event(2, `,"temperature_C":"cold","tamper":5`), "rtl_433/pi/events {", "rtl_433/pi/events [1]",
		"rtl_433/pi/availability perhaps", `rtl_433/pi/states {"frequencies":[433920000]}`)
	want := []string{
		`sensor/Nexus-TH/2/42: rtl_433/pi/events: expected a number at temperature_C, got "cold"`,
		`sensor/Nexus-TH/2/42: rtl_433/pi/events: expected true or false at tamper, got 5`,
		`: rtl_433/pi/events: expected a JSON object of rtl_433, got "{"`,
		`: rtl_433/pi/events: expected a JSON object of rtl_433, got [1]`,
		`: rtl_433/pi/availability: expected online or offline, got "perhaps"`,
	}
	if !slices.Equal(h.Faults, want) {
		t.Errorf("the faults are\n%s", strings.Join(h.Faults, "\n"))
	}
}

func TestAFloodOfSensorsIsBounded(t *testing.T) {
	h := newHouse(t)
	for i := range 3000 {
		for second := range 2 {
			h.Hear(fmt.Sprintf(`rtl_433/pi/events {"time":"%d","model":"Noise","id":%d,"temperature_C":1}`, second, i))
		}
	}
	if n := len(h.Devices); n != 500 {
		t.Errorf("%d devices", n)
	}
	h.C.Forget(h.Keys()[0])
	h.Hear(`rtl_433/pi/events {"time":"1","model":"Late","temperature_C":1}`, `rtl_433/pi/events {"time":"2","model":"Late","temperature_C":1}`)
	if _, ok := h.Devices["sensor/Late"]; !ok {
		t.Error("there is no room though one was removed")
	}
}

func TestRecordedMessages(t *testing.T) {
	h := newHouse(t)
	messages := house.Recorded(t, "rtl_433.tsv")
	for _, m := range messages {
		h.Take(m)
	}
	if len(h.Devices) > 0 {
		t.Error("a sensor that was heard once is a device")
	}
	again := slices.Clone(messages) // the recorded transmission once more, a minute later
	for i := range again {
		again[i].Payload = []byte(strings.ReplaceAll(string(again[i].Payload), "08:38:19", "08:39:19"))
		h.Take(again[i])
	}
	house.Golden(t, "recorded.txt", h.Outline())
}

func TestOtherFamiliesAreLeftAlone(t *testing.T) {
	house.LeavesOthersAlone(t, newConvention(t), "rtl_433.tsv")
}

func FuzzConvention(f *testing.F) {
	house.Fuzz(f, newConvention, weather, []string{
		"rtl_433/pi/devices/Nexus-TH/2/42/time x", "rtl_433/pi/devices/Nexus-TH/2/42/temperature_C 1", "rtl_433/pi/devices/Nexus-TH/2/42/time y",
		"rtl_433/devices/a/b 1", "rtl_433/devices/a/b 2", `rtl_433/events {"model":"x","tamper":1}`, `rtl_433/x/kept {"model":"x","kept-path":"a//b","button":"1"}`,
		"rtl_433/x/kept {\"model\":\"x\",\"kept-path\":\"a//\xba\",\"button\":\"1\"}",
		"rtl_433/x/kept {\"model\":\"y\",\"" + strings.Repeat("b\xba", 20) + "\":\"1\"}",
	})
}

// BenchmarkState is a thermometer's transmission.
func BenchmarkState(b *testing.B) {
	h := newHouse(b)
	h.Hear(weather...)
	house.Bench(b, h.C, house.Message(event(40, `,"battery_ok":1,"temperature_C":20.5,"humidity":83`)), 3)
}

// BenchmarkForeign is a message that concerns no sensor of rtl_433.
func BenchmarkForeign(b *testing.B) {
	house.Bench(b, newConvention(b), house.Message(house.Foreign), 0)
}
