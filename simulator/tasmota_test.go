package simulator_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator"
)

// tasmotaHouse has one device of each kind that exists in the language, and one for each of the ways in which people set up
// theirs.
const tasmotaHouse = `
name: Test
rooms:
  - {name: Room, use: living}
  - {name: Yard, use: garden}
people:
  - {name: Ben, role: home}
devices:
  - {name: T plug, room: Room, kind: plug, speaks: tasmota, load: fridge, tasmota: {topic: plug}}
  - {name: T strip, room: Room, kind: plug, speaks: tasmota, load: television, outlets: 3, tasmota: {topic: strip, full_topic: "%topic%/%prefix%/"}}
  - {name: T relay, room: Room, kind: light, speaks: tasmota, tasmota: {topic: house/relay, prefixes: [do, did, says], states: [aus, an, um, halt]}}
  - {name: T dimmer, room: Room, kind: light, speaks: tasmota, can: [brightness], tasmota: {topic: dimmer, options: [4, 20]}}
  - {name: T white, room: Room, kind: light, speaks: tasmota, can: [temperature], tasmota: {topic: white}}
  - {name: T rgb, room: Room, kind: light, speaks: tasmota, can: [color], tasmota: {topic: rgb, options: [17]}}
  - {name: T rgbw, room: Room, kind: light, speaks: tasmota, can: [brightness, color], tasmota: {topic: rgbw, light: rgbw}}
  - {name: T bulb, room: Room, kind: light, speaks: tasmota, can: [brightness, temperature, color], tasmota: {topic: bulb}}
  - {name: T cover, room: Room, kind: cover, speaks: tasmota, tasmota: {topic: cover}}
  - {name: T fan, room: Room, kind: fan, speaks: tasmota, tasmota: {topic: fan}}
  - {name: T climate, room: Room, kind: climate sensor, speaks: tasmota, tasmota: {topic: climate, options: [8], telemetry: 10s}}
  - {name: T probe, room: Room, kind: climate sensor, speaks: tasmota, sleeps: 5m, tasmota: {topic: probe, sensor: DS18B20}}
  - {name: T yard, room: Yard, kind: climate sensor, speaks: tasmota, tasmota: {topic: yard, options: [24]}}
  - {name: T motion, room: Room, kind: motion sensor, speaks: tasmota, tasmota: {topic: motion}}
  - {name: T window, room: Room, kind: contact, speaks: tasmota, opening: window, tasmota: {topic: window}}
  - {name: T remote, room: Room, kind: remote, speaks: tasmota, tasmota: {topic: remote}}
`

func TestTasmotaDevicesSayWhatIsWritten(t *testing.T) {
	from(t, 12, tasmotaHouse, simulator.Options{Seed: 1}, func(t *testing.T, s *simulator.Simulator, ts *tapes) {
		time.Sleep(3 * time.Second)
		synctest.Wait()
		for _, id := range s.Devices() {
			golden(t, "tasmota/"+id, written(ts.of(id).taken()))
		}
		for id, topic := range map[string]string{"t-plug": "cmnd/plug/", "t-strip": "strip/cmnd/", "t-bulb": "cmnd/bulb/", "t-cover": "cmnd/cover/", "t-yard": "cmnd/yard/"} {
			golden(t, "tasmota/"+id+"-status", written(ts.of(id).hear(topic+"STATUS", "0")))
		}
	})
}

func TestTasmotaDevicesObey(t *testing.T) {
	atNoon(t, tasmotaHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		obeyed(t, ts, []order{
			{"t-plug", "cmnd/plug/POWER", "OFF", []string{`stat/plug/RESULT {"POWER":"OFF"}`, "stat/plug/POWER OFF"}, nil},
			{"t-plug", "cmnd/plug/power", "toggle", []string{`stat/plug/RESULT {"POWER":"ON"}`, "stat/plug/POWER ON"}, nil},
			{"t-plug", "cmnd/plug/POWER1", "", []string{`stat/plug/RESULT {"POWER":"ON"}`, "stat/plug/POWER ON"}, nil},
			{"t-plug", "cmnd/plug/Power0", "0", []string{"stat/plug/POWER OFF"}, nil},
			{"t-plug", "cmnd/tasmotas/STATUS", "5", []string{`stat/plug/STATUS5 "Mac":"A0:20:A6:`}, nil},
			{"t-plug", "cmnd/plug/STATUS", "10", []string{`stat/plug/STATUS10 {"StatusSNS":{"Time":"`}, nil},
			{"t-plug", "cmnd/plug/STATUS", "", []string{`stat/plug/STATUS "Topic":"plug"`}, nil},
			{"t-plug", "cmnd/plug/Dimmer", "10", []string{`stat/plug/RESULT {"Command":"Unknown"}`}, nil},
			{"t-plug", "cmnd/plug/TelePeriod", "15", []string{`stat/plug/RESULT {"TelePeriod":15}`}, []string{`tele/plug/SENSOR "ENERGY":{"TotalStartTime":"2026`}},
			{"t-plug", "cmnd/plug/SetOption4", "1", []string{`stat/plug/SETOPTION4 {"SetOption4":"ON"}`}, nil},
			{"t-plug", "cmnd/plug/Backlog", "POWER ON;TelePeriod", []string{`stat/plug/POWER ON`, `stat/plug/TELEPERIOD {"TelePeriod":15}`}, nil},

			{"t-strip", "strip/cmnd/POWER2", "ON", []string{`strip/stat/RESULT {"POWER2":"ON"}`, "strip/stat/POWER2 ON"}, nil},
			{"t-strip", "strip/cmnd/POWER0", "OFF", []string{`strip/stat/POWER1 OFF`, "strip/stat/POWER3 OFF"}, nil},

			{"t-relay", "do/house/relay/POWER", "an", []string{`did/house/relay/RESULT {"POWER":"an"}`, "did/house/relay/POWER an"}, nil},
			{"t-relay", "do/house/relay/POWER", "0", []string{"did/house/relay/POWER aus"}, nil},

			{"t-dimmer", "cmnd/dimmer/Dimmer", "40", []string{`stat/dimmer/DIMMER {"POWER":"OFF","Dimmer":40}`}, nil},
			{"t-dimmer", "cmnd/dimmer/Backlog", "Dimmer 30;POWER1 ON", []string{`stat/dimmer/DIMMER {"POWER":"OFF","Dimmer":30}`, "stat/dimmer/POWER ON"}, nil},
			{"t-dimmer", "cmnd/dimmer/Dimmer", "0", []string{`stat/dimmer/DIMMER {"POWER":"OFF","Dimmer":0}`}, nil},
			{"t-dimmer", "cmnd/dimmer/Dimmer", "", []string{`stat/dimmer/DIMMER {"Dimmer":0}`}, nil},

			{"t-white", "cmnd/white/Dimmer", "60", []string{`stat/white/RESULT {"POWER":"ON","Dimmer":60,`}, nil},
			{"t-white", "cmnd/white/CT", "500", []string{`stat/white/RESULT "White":60,"CT":500,`}, nil},
			{"t-white", "cmnd/white/CT", "153", []string{`stat/white/RESULT "CT":153,`}, nil},
			{"t-white", "cmnd/white/CT", "20", []string{`stat/white/RESULT {"CT":153}`}, nil},
			{"t-white", "cmnd/white/HSBColor", "1,2,3", []string{`stat/white/RESULT {"Command":"Unknown"}`}, nil},

			{"t-rgb", "cmnd/rgb/Color", "255,0,0", []string{`stat/rgb/RESULT {"POWER":"ON","Dimmer":100,"Color":"255,0,0","HSBColor":"0,100,100","Channel":[100,0,0]}`}, nil},
			{"t-rgb", "cmnd/rgb/Dimmer", "50", []string{`stat/rgb/RESULT {"POWER":"ON","Dimmer":50,"Color":"128,0,0","HSBColor":"0,100,50","Channel":[50,0,0]}`}, nil},
			{"t-rgb", "cmnd/rgb/Color2", "0,0,255", []string{`stat/rgb/RESULT "Dimmer":50,"Color":"0,0,128","HSBColor":"240,100,50"`}, nil},
			{"t-rgb", "cmnd/rgb/HSBColor", "120,100,20", []string{`stat/rgb/RESULT "HSBColor":"120,100,20"`}, nil},
			{"t-rgb", "cmnd/rgb/HSBColor1", "60", []string{`stat/rgb/RESULT "HSBColor":"60,100,20"`}, nil},
			{"t-rgb", "cmnd/rgb/Scheme", "2", []string{`stat/rgb/RESULT {"Scheme":2}`}, nil},

			{"t-rgbw", "cmnd/rgbw/Color2", "#00FF00", []string{`stat/rgbw/RESULT "HSBColor":"120,100,`}, nil},
			{"t-rgbw", "cmnd/rgbw/White", "80", []string{`stat/rgbw/RESULT {"POWER":"ON","Dimmer":80,"Color":"000000CC","HSBColor":"120,100,0","White":80,"Channel":[0,0,0,80]}`}, nil},
			{"t-bulb", "cmnd/bulb/Color", "0000FF0000", []string{`stat/bulb/RESULT {"POWER":"ON","Dimmer":100,"Color":"0000FF0000","HSBColor":"240,100,100","White":0,"CT":`}, nil},
			{"t-bulb", "cmnd/bulb/CT", "326", []string{`stat/bulb/RESULT "HSBColor":"240,100,0","White":100,"CT":326,"Channel":[0,0,0,50,50]`}, nil},

			{
				"t-cover", "cmnd/cover/ShutterPosition1", "30",
				[]string{`stat/cover/RESULT {"ShutterPosition1":30}`, "stat/cover/POWER1 ON"},
				[]string{`stat/cover/RESULT {"Shutter1":{"Position":30,"Direction":0,"Target":30,"Tilt":0}}`, "stat/cover/SHUTTER1 30", "stat/cover/POWER1 OFF"},
			},
			{"t-cover", "cmnd/cover/ShutterOpen1", "", []string{"stat/cover/POWER1 ON"}, []string{"stat/cover/SHUTTER1 100"}},
			{"t-cover", "cmnd/cover/ShutterClose", "", []string{`stat/cover/RESULT {"ShutterClose1":0}`}, []string{"stat/cover/SHUTTER1 0"}},
			{"t-cover", "cmnd/cover/ShutterStop1", "", []string{`stat/cover/RESULT {"ShutterStop1":"Done"}`}, nil},

			{"t-fan", "cmnd/fan/FanSpeed", "2", []string{`stat/fan/RESULT {"FanSpeed":2}`}, nil},
			{"t-fan", "cmnd/fan/FanSpeed", "+", []string{`stat/fan/RESULT {"FanSpeed":3}`}, nil},
			{"t-fan", "cmnd/fan/FanSpeed", "0", []string{`stat/fan/RESULT {"FanSpeed":0}`}, nil},
			{"t-fan", "cmnd/fan/POWER1", "ON", []string{`stat/fan/RESULT {"POWER1":"ON"}`}, nil},

			{"t-climate", "cmnd/climate/STATUS", "8", []string{`stat/climate/STATUS8 "TempUnit":"F"`}, nil},
			{"t-yard", "cmnd/yard/STATUS", "10", []string{`stat/yard/STATUS10 "PressureUnit":"mmHg"`}, nil},
		})
	})
}

func TestTasmotaTellsItsPresence(t *testing.T) {
	atNoon(t, tasmotaHouse, func(t *testing.T, s *simulator.Simulator, ts *tapes) {
		time.Sleep(3 * time.Second)
		if err := s.CutPower("t-plug"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		ts.of("t-plug").taken()
		if err := s.RestorePower("t-plug"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		said := ts.of("t-plug").taken()
		for _, want := range []string{"tele/plug/LWT Online", `tele/plug/INFO1 {"Info1":{"Module":"Athom Plug V2"`, `tele/plug/INFO3 {"Info3":{"RestartReason":"Power On","BootCount":2}}`, "stat/plug/POWER ON"} {
			if !spoken(said, want) {
				t.Errorf("with power again it did not say %s, but\n%s", want, show(said))
			}
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if text := show(ts.of("t-plug").taken()); !strings.Contains(text, "tasmota/discovery/") || !strings.Contains(text, "tele/plug/STATE") {
			t.Errorf("ten seconds after its start it announces itself and tells its state, but said\n%s", text)
		}
		if said := ts.of("t-plug").hear("cmnd/plug/Restart", "1"); !spoken(said, `stat/plug/RESULT {"Restart":"Restarting"}`) {
			t.Errorf("it does not restart: %s", show(said))
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if text := show(ts.of("t-plug").taken()); !strings.Contains(text, "tele/plug/INFO1") {
			t.Errorf("it did not come back, but said %s", text)
		}
	})
}

func TestATasmotaSleeperSleeps(t *testing.T) {
	atNoon(t, tasmotaHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		time.Sleep(2 * time.Minute)
		said := ts.of("t-probe").taken()
		if !spoken(said, "tele/probe/LWT Offline") || !spoken(said, `tele/probe/SENSOR "DS18B20":{"Id":"`) || !strings.Contains(show(said), "DeepSleep") {
			t.Errorf("it did not report and go to sleep, but said\n%s", show(said))
		}
		time.Sleep(3*time.Minute + 9*time.Second)
		synctest.Wait()
		said = ts.of("t-probe").taken()
		if !spoken(said, "tele/probe/LWT Online") || !spoken(said, `tele/probe/STATE "BatteryPercentage":`) || strings.Contains(show(said), "tasmota/discovery") {
			t.Errorf("when it wakes it reports, and does not announce itself: it said\n%s", show(said))
		}
	})
}

func TestTasmotaDevicesTellWhatPeopleDo(t *testing.T) {
	tellInTheMorning(t, tasmotaHouse, map[string]string{
		"t-motion": `stat/motion/RESULT {"Motion":{"Action":"ON"}}`,
		"t-window": `stat/window/RESULT {"Contact":{"Action":"OFF"}}`,
		"t-remote": `stat/remote/RESULT {"Button1":{"Action":"SINGLE"}}`,
		"t-cover":  `stat/cover/SHUTTER1 100`,
	})
}

// FuzzTasmota throws commands at every kind of device: none may break, and what they say stays well-formed.
func FuzzTasmota(f *testing.F) { fuzzHouse(f, tasmotaHouse, "#", tasmotaSeeds) }

var tasmotaSeeds = [][2]string{
	{"POWER", "TOGGLE"},
	{"POWER0", "1"},
	{"Dimmer", "-1"},
	{"Dimmer", "99999999999999999999"},
	{"Color", "#FF"},
	{"Color1", "1,2,3,4,5,6"},
	{"Color2", "FFFFFF="},
	{"HSBColor", "360,100,100"},
	{"HSBColor3", "5"},
	{"CT", "+"},
	{"White", "50"},
	{"Channel5", "100"},
	{"Channel9", "100"},
	{"Backlog", "Backlog POWER 1;;POWER 0; Dimmer +"},
	{"ShutterPosition1", "stop"},
	{"ShutterPosition2", "7"},
	{"FanSpeed", "-"},
	{"TelePeriod", "1"},
	{"SetOption17", "1"},
	{"STATUS", "0"},
	{"DeviceName", "\x00\xff\""},
	{"", ""},
	{"POWER18446744073709551616", "ON"},
	{"Scheme", "4"},
	{"Restart", "1"},
	{"STATE", ""},
}

// fuzzHouse lets every client of a house hear what comes, in place of the wildcard at the end of its filters, or behind them.
func fuzzHouse(f *testing.F, text, wildcard string, seeds [][2]string) {
	f.Helper()
	house := parse(f, text)
	if len(seeds) == 0 {
		f.Fatal("there are no seeds")
	}
	for _, s := range seeds {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, path, payload string) {
		s, err := simulator.New(house, simulator.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for id, filters := range s.Topics() {
			for _, filter := range filters {
				topic := strings.TrimSuffix(filter, wildcard)
				if topic != filter {
					topic += path
				}
				for _, m := range s.Hear(id, broker.Message{Topic: topic, Payload: []byte(payload)}) {
					if broker.ValidTopic(m.Topic) != nil {
						t.Errorf("%s %q makes %s say something in %q", topic, payload, id, m.Topic)
					}
					if strings.HasPrefix(string(m.Payload), "{") && !json.Valid(m.Payload) {
						t.Errorf("%s %q makes %s say %s", topic, payload, id, m.Payload)
					}
				}
			}
		}
	})
}
