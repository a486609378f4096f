package shelly_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/house"
)

// classicHouse are the lines of a house with devices of the first generation.
var classicHouse = []string{
	`shellies/announce {"id":"shelly1pm-A4CF12F45412","model":"SHSW-PM","mac":"A4CF12F45412","ip":"192.168.1.8","new_fw":false,"fw_ver":"20230913-112234/v1.14.0-gcb84623"}`,
	"shellies/shelly1pm-A4CF12F45412/online true",
	"shellies/shelly1pm-A4CF12F45412/relay/0 on", "shellies/shelly1pm-A4CF12F45412/relay/0/power 61.25",
	"shellies/shelly1pm-A4CF12F45412/relay/0/energy 600000", "shellies/shelly1pm-A4CF12F45412/input/0 1",
	`shellies/shelly1pm-A4CF12F45412/input_event/0 {"event":"S","event_cnt":3}`,
	"shellies/shelly1pm-A4CF12F45412/temperature 51.20", "shellies/shelly1pm-A4CF12F45412/overtemperature 0",
	"shellies/shelly1pm-A4CF12F45412/ext_temperature/0 999",
	`shellies/shelly1pm-A4CF12F45412/info {"wifi_sta":{"rssi":-40},"uptime":7,"update":{"status":"pending","has_update":true,"new_version":"20230913-112234/v1.14.1-gcb84623","old_version":"20230913-112234/v1.14.0-gcb84623"}}`,
	"shellies/shellygas-FFEEDD/valve/0/state opened", "shellies/shellygas-FFEEDD/sensor/gas none",
	"shellies/house/blind/roller/0 stop", "shellies/house/blind/roller/0/pos 42",
	`shellies/shellybulb-3CC533/color/0/status {"ison":true,"mode":"color","red":255,"green":0,"blue":0,"white":51,"gain":70,"temp":3000,"brightness":20,"effect":0}`,
	"shellies/shellybulb-3CC533/light/0 on", "shellies/shellybulb-3CC533/light/0/power 7.5",
	`shellies/shellybulbduo-112233/light/0/status {"ison":true,"brightness":100,"white":50,"temp":4000}`,
	`shellies/shellyrgbw2-445566/white/1/status {"ison":false,"mode":"white","brightness":33}`,
	"shellies/shellyht-778899/sensor/temperature -1.00", "shellies/shellyht-778899/sensor/humidity 999", "shellies/shellyht-778899/sensor/battery 77",
	"shellies/shellydw2-AABBCC/sensor/state open", "shellies/shellydw2-AABBCC/sensor/lux -1", "shellies/shellydw2-AABBCC/sensor/vibration 0",
	"shellies/shellyflood-DDEEFF/sensor/flood true", "shellies/shellyem3-123456/emeter/0/total 1500.5", "shellies/shellyem3-123456/emeter/0/pf 0.9",
	`shellies/shellytrv-60A423D0E032/announce {"id":"shellytrv-60A423D0E032","model":"SHTRV-01","mac":"60A423D0E032","fw_ver":"x/v2.1.8"}`,
	`shellies/shellytrv-60A423D0E032/info {"wifi_sta":{"rssi":-55},"uptime":60,"bat":{"value":90},"thermostats":[{"pos":12.5,"target_t":{"enabled":true,"value":21.0},"tmp":{"value":19.5}}]}`,
	`shellies/shellymotionsensor-60A423000001/announce {"id":"shellymotionsensor-60A423000001","model":"SHMOS-01","mac":"60A423000001"}`,
	`shellies/shellymotionsensor-60A423000001/status {"motion":true,"timestamp":1,"active":true,"vibration":false,"lux":102,"bat":98}`,
}

func TestClassicValues(t *testing.T) {
	h := newHouse(t)
	h.Hear(classicHouse...)
	for path, want := range map[string]string{
		"shelly1pm-A4CF12F45412/relay-0/on":                       "true",
		"shelly1pm-A4CF12F45412/relay-0/power":                    "61.25",
		"shelly1pm-A4CF12F45412/relay-0/energy":                   "10",
		"shelly1pm-A4CF12F45412/input-0/input":                    "true",
		"shelly1pm-A4CF12F45412/temperature/temperature":          "51.2",
		"shelly1pm-A4CF12F45412/ext-temperature-0/temperature":    "",
		"shelly1pm-A4CF12F45412/button-0/event":                   "",
		"shelly1pm-A4CF12F45412/update/installed-version":         "1.14.0",
		"shelly1pm-A4CF12F45412/update/latest-version":            "1.14.1",
		"shelly1pm-A4CF12F45412/update/in-progress":               "false",
		"shellygas-FFEEDD/valve-0/state":                          "open",
		"house/blind/roller-0/state":                              "stopped",
		"house/blind/roller-0/position":                           "42",
		"shellybulb-3CC533/light-0/on":                            "true",
		"shellybulb-3CC533/light-0/brightness":                    "70",
		"shellybulb-3CC533/light-0/color":                         "0,100",
		"shellybulb-3CC533/light-0/white":                         "20",
		"shellybulb-3CC533/light-0/effect":                        "off",
		"shellybulb-3CC533/light-0/power":                         "7.5",
		"shellybulbduo-112233/light-0/color-temperature":          "4000",
		"shellyrgbw2-445566/white-1/brightness":                   "33",
		"shellyht-778899/temperature/temperature":                 "-1",
		"shellyht-778899/humidity/humidity":                       "",
		"shellyht-778899/battery/battery":                         "77",
		"shellydw2-AABBCC/opening/opening":                        "true",
		"shellydw2-AABBCC/illuminance/illuminance":                "",
		"shellyem3-123456/emeter-0/energy":                        "1.5005",
		"shellytrv-60A423D0E032/thermostat/target-temperature":    "21",
		"shellytrv-60A423D0E032/thermostat/current-temperature":   "19.5",
		"shellymotionsensor-60A423000001/motion/motion":           "true",
		"shellymotionsensor-60A423000001/illuminance/illuminance": "102",
	} {
		if got := h.Values["gen1/"+path].String(); got != want {
			t.Errorf("%s is %q, not %q", path, got, want)
		}
		id, _, _ := strings.Cut(path, "/")
		if _, ok := h.Devices["gen1/"+id]; !ok && id != "house" {
			t.Errorf("there is no %s", id)
		}
	}
	if len(h.Faults) > 0 {
		t.Error(h.Faults)
	}
	d := h.Devices["gen1/shelly1pm-A4CF12F45412"].Device
	if d.Name != "Shelly 1PM F45412" || d.Model != "Shelly 1PM (SHSW-PM)" || d.Firmware != "1.14.0" || d.Connections[0].Value != "a4:cf:12:f4:54:12" {
		t.Errorf("%+v", d)
	}
}

func TestClassicCommands(t *testing.T) {
	h := newHouse(t)
	h.Hear(classicHouse...)
	for _, tc := range []struct{ id, path, value, want string }{
		{"shelly1pm-A4CF12F45412", "relay-0/on", "off", "relay/0/command off"},
		{"shelly1pm-A4CF12F45412", "update/install", "true", "command update_fw"},
		{"shellygas-FFEEDD", "valve-0/state", "closed", "valve/0/command close"},
		{"house/blind", "roller-0/state", "open", "roller/0/command open"},
		{"house/blind", "roller-0/state", "closed", "roller/0/command close"},
		{"house/blind", "roller-0/stop", "true", "roller/0/command stop"},
		{"house/blind", "roller-0/position", "30", "roller/0/command/pos 30"},
		{"shellybulb-3CC533", "light-0/on", "on", `color/0/set {"turn":"on"}`},
		{"shellybulb-3CC533", "light-0/brightness", "50", `color/0/set {"gain":50,"turn":"on"}`},
		{"shellybulb-3CC533", "light-0/color", "240,100", `color/0/set {"blue":255,"green":0,"mode":"color","red":0}`},
		{"shellybulb-3CC533", "light-0/effect", "flash", `color/0/set {"effect":4}`},
		{"shellybulbduo-112233", "light-0/brightness", "50", `light/0/set {"brightness":50,"turn":"on"}`},
		{"shellybulbduo-112233", "light-0/brightness", "0", `light/0/set {"turn":"off"}`},
		{"shellybulbduo-112233", "light-0/color-temperature", "3000", `light/0/set {"temp":3000}`},
		{"shellyrgbw2-445566", "white-1/on", "on", `white/1/set {"turn":"on"}`},
		{"shellybulb-3CC533", "light-0/white", "20", `color/0/set {"white":51}`},
		{"shellytrv-60A423D0E032", "thermostat/target-temperature", "22.5", "thermostat/0/command/target_t 22.5"},
	} {
		t.Run(tc.id+" "+tc.path+" becomes "+tc.value, func(t *testing.T) {
			h.In(t)
			if diff := cmp.Diff("shellies/"+tc.id+"/"+tc.want, h.Tell("gen1/"+tc.id, tc.path, tc.value)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClassic(t *testing.T) {
	const relay = "shellies/shelly1pm-A4CF12F45412/"
	const key = "gen1/shelly1pm-A4CF12F45412"
	for _, tc := range []struct {
		name  string
		lines []string
		check func(t *testing.T, h *home)
	}{
		{"how long a light's changes take goes with each of them", classicHouse, func(t *testing.T, h *home) {
			const bulb, duo = "gen1/shellybulb-3CC533", "gen1/shellybulbduo-112233"
			if told := h.Tell(bulb, "light-0/transition", "1.5"); told != "" {
				t.Errorf("it publishes %s", told)
			}
			if diff := cmp.Diff(`shellies/shellybulb-3CC533/color/0/set {"transition":1500,"turn":"off"}`, h.Tell(bulb, "light-0/on", "off")); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(`shellies/shellybulbduo-112233/light/0/set {"turn":"off"}`, h.Tell(duo, "light-0/on", "off")); diff != "" {
				t.Error(diff)
			}
		}},
		{"what it repeats of a button is no press", nil, func(t *testing.T, h *home) {
			h.Hear(relay + `input_event/0 {"event":"L","event_cnt":4}`)
			if got := h.Values[key+"/button-0/event"].String(); got != "long" {
				t.Errorf("%q", got)
			}
			if u := h.Take(house.Message(relay + `input_event/0 {"event":"L","event_cnt":4}`)); len(u.Readings) > 0 {
				t.Errorf("%v", u.Readings)
			}
		}},
		{"a button that sleeps wakes up because it is pressed", []string{`shellies/shellybutton1-AABBCC/input_event/0 {"event":"SS","event_cnt":1}`}, func(t *testing.T, h *home) {
			if got := h.Values["gen1/shellybutton1-AABBCC/button-0/event"].String(); got != "double" {
				t.Errorf("%q", got)
			}
		}},
		{"a valve that failed is a fault", []string{"shellies/shellygas-FFEEDD/valve/0/state failure"}, func(t *testing.T, h *home) {
			if len(h.Faults) != 1 || !strings.Contains(h.Faults[0], `expected a valve that is open or closed, got "failure"`) {
				t.Error(h.Faults)
			}
		}},
		{"sleepers are announced as such", nil, func(t *testing.T, h *home) {
			for id, want := range map[string]bool{"shellyht-778899": true, "shellydw2-AABBCC": true, "shelly1pm-A4CF12F45412": false} {
				if got := h.Devices["gen1/"+id].Sleeps; got != want {
					t.Errorf("%s: %v", id, got)
				}
			}
		}},
		{"what is cleared is the device's alone", []string{"shellies/house/relay/0 on"}, func(t *testing.T, h *home) {
			if diff := cmp.Diff([]string{"shellies/house/blind/#"}, h.c.Topics("gen1/house/blind")); diff != "" {
				t.Error(diff)
			}
			want := []string{"shellies/house/announce", "shellies/house/info", "shellies/house/online", "shellies/house/relay/0"}
			if diff := cmp.Diff(want, h.c.Topics("gen1/house")); diff != "" {
				t.Error(diff)
			}
		}},
		{"a will makes it offline, or asleep", []string{relay + "online false", "shellies/shellyht-778899/online false"}, func(t *testing.T, h *home) {
			if h.Reach[key].Presence != devices.Offline || h.Reach["gen1/shellyht-778899"].Presence != devices.Asleep {
				t.Errorf("%v", h.Reach)
			}
			h.Hear(relay + "relay/0 off")
			if h.Reach[key].Presence != devices.Online {
				t.Errorf("%v", h.Reach)
			}
		}},
		{"a roller says where it goes, and then where it is", []string{"shellies/house/blind/roller/0 open"}, func(t *testing.T, h *home) {
			for _, step := range [][2]string{
				{"roller/0/pos 100", "opening"},
				{"roller/0 stop", "open"},
				{"roller/0 close", "closing"},
				{"roller/0 stop", "open"},
				{"roller/0/pos 0", "closed"},
				{"roller/0/pos -1", "closed"},
				{"roller/0 stop", "stopped"},
			} {
				h.Hear("shellies/house/blind/" + step[0])
				if got := h.Values["gen1/house/blind/roller-0/state"].String(); got != step[1] {
					t.Errorf("after %s it is %s, not %s", step[0], got, step[1])
				}
			}
		}},
		{"what is none of the words is a fault", []string{relay + "relay/0 abc", relay + "relay/0/power nan", relay + "relay/0/power x"}, func(t *testing.T, h *home) {
			want := []string{
				key + ": " + relay + `relay/0: relay/0: expected on or off, got "abc"`,
				key + ": " + relay + `relay/0/power: relay/0/power: expected a number, got "x"`,
			}
			if diff := cmp.Diff(want, h.Faults); diff != "" {
				t.Error(diff)
			}
		}},
		{"a script's announcement of a younger device makes it asked", []string{`shellies/announce {"id":"` + plugID + `","mac":"A8032AB1C2D4","gen":2}`}, func(t *testing.T, h *home) {
			if n := len(h.Asked); n != 1 || h.Asked[0].Topic != plugID+"/rpc" {
				t.Errorf("%v", h.Asked)
			}
		}},
		{"a younger device below shellies is none of the first generation", []string{
			"shellies/plug/online true", answered("shellies/plug", plugID, `{"id":"`+plugID+`","mac":"A8032AB1C2D4","gen":2,"app":"Plus1PM"}`),
			`shellies/plug/status/switch:0 {"id":0,"output":true}`,
		}, func(t *testing.T, h *home) {
			if _, ok := h.Devices["gen1/plug"]; ok || h.Values[plugID+"/switch-0/on"] != devices.BoolValue(true) {
				t.Errorf("%v", h.Values)
			}
		}},
		{"what hangs below a known device is no device", []string{relay + "script/temperature 21"}, func(t *testing.T, h *home) {
			if _, ok := h.Devices[key+"/script"]; ok {
				t.Error("it is")
			}
		}},
		{"commands are no reports", []string{relay + "relay/0/command off", relay + "command announce", "shellies/command update"}, func(t *testing.T, h *home) {
			if h.Values[key+"/relay-0/on"] != devices.BoolValue(true) {
				t.Error("it is off")
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t)
			h.Hear(classicHouse...)
			h.Reach, h.Asked = map[string]devices.Reach{}, nil
			h.Hear(tc.lines...)
			tc.check(t, h)
		})
	}
}

func TestDevicesWhoseIDsBeginAlikeAreThereAgainInAnyOrder(t *testing.T) {
	h := newHouse(t)
	h.Hear("shellies/a/b/c/relay/0 on", "shellies/a/relay/0 off")
	for _, order := range [][]string{{"gen1/a", "gen1/a/b/c"}, {"gen1/a/b/c", "gen1/a"}} {
		again := newHouse(t)
		for _, key := range order {
			for _, m := range h.Devices[key].Sources {
				m.Retain = true
				again.Take(m)
			}
		}
		if diff := cmp.Diff(h.Keys(), again.Keys()); diff != "" {
			t.Errorf("in the order %q: %s", order, diff)
		}
	}
}
