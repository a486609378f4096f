package tasmota_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
)

// hallSays gives reports of a device with no more than an announced relay, and returns what the last one told.
func hallSays(t *testing.T, reports ...string) (*home, []string) {
	t.Helper()
	h := newHouse(t)
	h.replay("tasmota/discovery/A1B2C3D4E5F6/config", config("A1B2C3D4E5F6", "hall", "rl=[1]"))
	var got []string
	for _, r := range reports {
		topic, payload, _ := strings.Cut(r, " ")
		got = h.hear(topic, payload)
	}
	return h, got
}

func TestWhatDriversSayInWordsOfTheirOwn(t *testing.T) {
	for _, test := range []struct {
		name    string
		reports []string
		want    []string
	}{
		{
			"a gesture is an event, not a number that stays",
			[]string{`tele/hall/SENSOR {"Time":"x","APDS9960":{"Up":1}}`, `tele/hall/SENSOR {"Time":"x","APDS9960":{"Left":1}}`},
			[]string{"apds9960-gesture/event=left"},
		},
		{"what was no gesture is nothing", []string{`tele/hall/SENSOR {"Time":"x","APDS9960":{"None":1}}`}, nil},
		{
			"the pins of a port expander are on or off",
			[]string{`tele/hall/SENSOR {"Time":"x","MCP230XX":{"D0":0,"D1":1},"MCP230_OUT":{"OUT_D4":"OFF","END":1}}`},
			[]string{"mcp230-out/out-d4=false", "mcp230xx/d0=false", "mcp230xx/d1=true"},
		},
		{
			"a pin that changes is one of the expander's pins",
			[]string{`tele/hall/SENSOR {"Time":"x","MCP230XX":{"D0":0,"D1":1}}`, `stat/hall/RESULT {"Time":"x","MCP230XX_INT":{"D0":1,"MS":301}}`},
			[]string{"mcp230xx/d0=true"},
		},
		{
			"the battery of a LoRaWAN node is told in volts",
			[]string{`tele/hall/SENSOR {"LwDecoded":{"0x4AD6":{"Node":1,"Device":"0x4AD6","RSSI":-50.0,"SNR":12.0,"LastEvent":3,"DoorOpen":1,"Alarm":0,"Battery":3.0}}}`},
			[]string{
				"lwdecoded-0x4ad6/alarm=false", "lwdecoded-0x4ad6/door-open=true", "lwdecoded-0x4ad6/last-event=180", "lwdecoded-0x4ad6/signal-strength=-50",
				"lwdecoded-0x4ad6/snr=12", "lwdecoded-0x4ad6/voltage=3",
			},
		},
		{
			"what a LoRaWAN node sent undecoded is no list of values",
			[]string{`tele/hall/SENSOR {"LwReceived":{"0xAE3D":{"Node":1,"Device":"0xAE3D","RSSI":-14,"SNR":8.8,"Decoder":"LHT52","DevEUIh":"A840414E","DevEUIl":"4F5CAE3D","FPort":2,"Payload":[9,230]}}}`},
			[]string{"lwreceived-0xae3d/signal-strength=-14", "lwreceived-0xae3d/snr=8.8"},
		},
		{
			"beacons that are told of one at a time are kept apart",
			[]string{`tele/hall/SENSOR {"Time":"x","IBEACON":{"MAC":"A4C1387FC1E1","RSSI":-56,"STATE":"ON"}}`, `tele/hall/SENSOR {"Time":"x","IBEACON":{"MAC":"A4C1387FC1E2","RSSI":0,"STATE":"OFF"}}`},
			[]string{"ibeacon-a4c1387fc1e2/state=false"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, got := hallSays(t, test.reports...)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(h.faults) > 0 {
				t.Errorf("faults: %q", h.faults)
			}
		})
	}
}

func TestABoilersValuesHaveUnits(t *testing.T) {
	h, got := hallSays(t, `tele/hall/SENSOR {"Time":"x","TempUnit":"F","OPENTHERM":{"conn":"BUSY","SLAVE":{"FAULT":0,"CH":1,"RAW":3221225472},"BTMP":{"FAULT":0,"REQ":85.0,"ACT":85.0},"FLM":12.5,"TB":31.0}}`)
	if want := []string{
		"opentherm/btmp-act=85", "opentherm/btmp-fault=false", "opentherm/btmp-req=85", "opentherm/conn=BUSY", "opentherm/flm=12.5", "opentherm/slave-ch=true",
		"opentherm/slave-fault=false", "opentherm/tb=31",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	d := h.Devices["A1B2C3D4E5F6"].Device
	for id, want := range map[string]string{"tb": "Boiler temperature °C temperature", "flm": "Flame modulation % ", "slave-ch": "Central heating  running"} {
		if p := d.Property(devices.Ref{Component: "opentherm", Property: id}); p == nil || p.Name+" "+p.Unit+" "+p.Class != want {
			t.Errorf("%s is %+v, want %s", id, p, want)
		}
	}
}

func TestBeaconsThatComeAndGoAreBounded(t *testing.T) {
	h, _ := hallSays(t)
	for i := range 100 {
		h.hear("tele/hall/SENSOR", fmt.Sprintf(`{"Time":"x","IBEACON":{"MAC":"A4C138000%03X","RSSI":-56,"STATE":"ON"}}`, i))
	}
	if got := h.hear("tele/hall/SENSOR", `{"Time":"x","SHT3X":{"Temperature":20.5}}`); !slices.Equal(got, []string{"sht3x/temperature=20.5"}) {
		t.Errorf("after many beacons a sensor says %q", got)
	}
	beacons := 0
	for _, c := range h.Devices["A1B2C3D4E5F6"].Device.Components {
		if strings.HasPrefix(c.ID, "ibeacon") {
			beacons++
		}
	}
	if beacons != 16 {
		t.Errorf("%d beacons are kept, want 16", beacons)
	}
}

func TestRelaysThatAnswersTellOfAreThere(t *testing.T) {
	h := newHouse(t)
	h.hear("tele/wemos2/INFO1", `{"Module":"Generic","Version":"7.0.0.3(tasmota)"}`)
	h.hear("tele/wemos2/INFO1", `{"Module":"Generic","Version":"7.0.0.3(tasmota)"}`)
	h.hear("stat/wemos2/RESULT", `{"POWER1":"OFF"}`)
	got := h.hear("stat/wemos2/RESULT", `{"POWER2":"ON"}`)
	if want := []string{"relay-1/on=false", "relay-2/on=true"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestARadioBridgeIsFoundByWhatItHears(t *testing.T) {
	h := newHouse(t)
	for range 2 {
		h.hear("tele/core2/SENSOR", `{"LwReceived":{"0x4AD6":{"Node":1,"Device":"0x4AD6","RSSI":-50.0,"DoorOpen":1}}}`)
	}
	if len(h.Devices) != 1 {
		t.Errorf("%d devices, want 1", len(h.Devices))
	}
	h.hear("tele/other/SENSOR", `{"LwReceived":"no"}`)
	h.hear("tele/other/SENSOR", `{"LwReceived":"no"}`)
	if len(h.Devices) != 1 {
		t.Errorf("%d devices, want 1", len(h.Devices))
	}
}
