package simulator_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/simulator"
)

// shellyHouse has one device of each kind that exists in the language, and one for each of the ways in which people set up
// theirs.
const shellyHouse = `
name: Test
rooms:
  - {name: Room, use: living}
people:
  - {name: Ben, role: home}
devices:
  - {name: S plug, room: Room, kind: plug, speaks: shelly, load: fridge, shelly: {prefix: plug}}
  - {name: S strip, room: Room, kind: plug, speaks: shelly, load: television, outlets: 4, shelly: {prefix: home/room/strip, status: true}}
  - {name: S dimmer, room: Room, kind: light, speaks: shelly, can: [brightness], shelly: {prefix: dimmer}}
  - {name: S duo, room: Room, kind: light, speaks: shelly, can: [temperature], shelly: {prefix: duo}}
  - {name: S rgb, room: Room, kind: light, speaks: shelly, can: [color], shelly: {prefix: rgb}}
  - {name: S rgbw, room: Room, kind: light, speaks: shelly, can: [brightness, color], shelly: {prefix: rgbw, light: rgbw}}
  - {name: S bulb, room: Room, kind: light, speaks: shelly, can: [brightness, temperature, color], shelly: {prefix: bulb}}
  - {name: S cover, room: Room, kind: cover, speaks: shelly, shelly: {prefix: cover}}
  - {name: S blind, room: Room, kind: cover, speaks: shelly, shelly: {prefix: blind, uncalibrated: true}}
  - {name: S thermostat, room: Room, kind: thermostat, speaks: shelly, shelly: {prefix: thermostat}}
  - {name: S climate, room: Room, kind: climate sensor, speaks: shelly, shelly: {prefix: climate}}
  - {name: S ht, room: Room, kind: climate sensor, speaks: shelly, sleeps: 5m, shelly: {prefix: ht}}
  - {name: S presence, room: Room, kind: motion sensor, speaks: shelly, shelly: {prefix: presence}}
  - {name: S window, room: Room, kind: contact, speaks: shelly, opening: window, shelly: {prefix: window}}
  - {name: S remote, room: Room, kind: remote, speaks: shelly, shelly: {prefix: remote}}
`

func call(method, params string) string {
	return `{"id":7,"src":"me","method":"` + method + `","params":` + params + `}`
}

func TestShelliesSayWhatIsWritten(t *testing.T) {
	from(t, 12, shellyHouse, simulator.Options{Seed: 1, Speed: 0.01}, func(t *testing.T, s *simulator.Simulator, ts *tapes) {
		for _, id := range s.Devices() {
			said := ts.of(id).taken()
			topic := strings.TrimSuffix(ts.of(id).filters[0].Filter, "/rpc") + "/rpc"
			for _, method := range []string{"Shelly.GetDeviceInfo", "Shelly.GetConfig", "Shelly.GetStatus"} {
				said = append(said, ts.of(id).hear(topic, call(method, "{}"))...)
			}
			golden(t, "shelly/"+id, written(said))
		}
	})
}

func TestShelliesObey(t *testing.T) {
	const null = `me/rpc "dst":"me","result":null}`
	atNoon(t, shellyHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		obeyed(t, ts, []order{
			{"s-plug", "plug/rpc", call("Switch.Set", `{"id":0,"on":false}`), []string{`me/rpc {"id":7,"src":"shellyplusplugs-a8032a`, `me/rpc "result":{"was_on":true}}`, `plug/events/rpc "switch:0":{"id":0,"output":false,"source":"rpc"}`}, nil},
			{"s-plug", "shellies/command", "announce", []string{`shellies/announce "model":"SNPL-00112EU","gen":2`, `plug/announce "model":"SNPL-00112EU","gen":2`}, nil},
			{"s-plug", "plug/rpc", call("switch.toggle", `{"id":0}`), []string{`me/rpc "result":{"was_on":false}}`, `plug/events/rpc "switch:0":{"id":0,"output":true,"source":"rpc"}`}, nil},
			{"s-plug", "plug/rpc", call("Switch.Set", `{"id":3,"on":true}`), []string{`me/rpc "error":{"code":-105,"message":"Argument 'id', value 3 not found!"}}`}, nil},
			{"s-plug", "plug/rpc", call("Switch.Set", `{"id":0}`), []string{`me/rpc "error":{"code":-103,"message":"Missing required argument 'on'!"}}`}, nil},
			{"s-plug", "plug/rpc", call("Switch.Set", `{"id":0,"on":"yes"}`), []string{`me/rpc "error":{"code":-103,`}, nil},
			{"s-plug", "plug/rpc", call("Light.Set", `{"id":0,"on":true}`), []string{`me/rpc "error":{"code":404,"message":"No handler for Light.Set"}}`}, nil},
			{"s-plug", "plug/rpc", call("Shelly.Fly", `{}`), []string{`me/rpc "error":{"code":404,"message":"No handler for Shelly.Fly"}}`}, nil},
			{"s-plug", "plug/rpc", call("Shelly.GetComponents", `{"include":["status","config"],"offset":4}`), []string{`me/rpc "components":[{"key":"wifi","status":{"sta_ip":`, `me/rpc "offset":4,"total":5`}, nil},
			{"s-plug", "plug/rpc", `{"id":"x","src":"a/b","method":"Switch.GetStatus","params":{"id":0}}`, []string{`a/b/rpc "result":{"id":0,"source":"rpc","output":true,"apower":`}, nil},
			{"s-plug", "plug/command/switch:0", "off", []string{`plug/events/rpc "output":false,"source":"MQTT"`}, nil},
			{"s-plug", "plug/command", "announce", []string{`plug/announce "app":"PlusPlugS"`}, nil},
			{"s-plug", "plug/command", "status_update", []string{`plug/status/switch:0 "output":false`}, nil},
			{"s-strip", "home/room/strip/rpc", call("Switch.Set", `{"id":3,"on":true}`), []string{`home/room/strip/events/rpc "switch:3":{"id":3,"output":true,"source":"rpc"}`, `home/room/strip/status/switch:3 "output":true`}, nil},

			{"s-dimmer", "dimmer/rpc", call("Light.Set", `{"id":0,"on":true,"brightness":40}`), []string{null, `dimmer/events/rpc "light:0":{"id":0,"output":true,"source":"rpc","brightness":40,"apower":`}, nil},
			{"s-dimmer", "dimmer/rpc", call("Light.Set", `{"id":0,"on":false}`), []string{`dimmer/events/rpc "light:0":{"id":0,"output":false,"source":"rpc","apower":`}, nil},
			{"s-dimmer", "dimmer/rpc", call("Light.Set", `{"id":0,"brightness":70}`), []string{`dimmer/events/rpc "light:0":{"id":0,"brightness":70}`}, nil},
			{"s-dimmer", "dimmer/rpc", call("Light.Set", `{"id":0,"brightness":101}`), []string{`me/rpc "error":{"code":-103,`}, nil},
			{"s-dimmer", "dimmer/rpc", call("Light.SetConfig", `{"id":0,"config":{"transition_duration":4}}`), []string{`me/rpc "result":{"restart_required":false}}`}, nil},
			{"s-dimmer", "dimmer/rpc", call("Light.GetConfig", `{"id":0}`), []string{`me/rpc "transition_duration":4`}, nil},
			{"s-dimmer", "dimmer/rpc", call("Light.SetConfig", `{"id":0}`), []string{`me/rpc "error":`}, nil},
			{"s-dimmer", "dimmer/rpc", call("Light.Set", `{"id":0}`), []string{`me/rpc "error":{"code":-103,`}, nil},
			{"s-dimmer", "dimmer/command/light:0", "toggle", []string{`dimmer/events/rpc "output":true`}, nil},
			{"s-duo", "duo/rpc", call("CCT.Set", `{"id":0,"on":true,"ct":5000}`), []string{`duo/events/rpc "cct:0":{"id":0,"output":true,"source":"rpc","ct":5000,"apower":`}, nil},
			{"s-rgb", "rgb/rpc", call("RGB.Set", `{"id":0,"rgb":[0,0,255]}`), []string{`rgb/events/rpc "rgb:0":{"id":0,"rgb":[0,0,255]}`}, nil},
			{"s-rgb", "rgb/rpc", call("RGB.Set", `{"id":0,"rgb":[0,0,256]}`), []string{`me/rpc "error":{"code":-103,`}, nil},
			{"s-rgbw", "rgbw/rpc", call("RGBW.Set", `{"id":0,"on":true,"white":51}`), []string{`rgbw/events/rpc "rgbw:0":{"id":0,"output":true,"source":"rpc","white":51,"apower":`}, nil},
			{"s-bulb", "bulb/rpc", call("RGBCCT.Set", `{"id":0,"on":true,"mode":"rgb","rgb":[255,0,0]}`), []string{`bulb/events/rpc "rgbcct:0":{"id":0,"output":true,"source":"rpc","rgb":[255,0,0],"mode":"rgb","apower":`}, nil},
			{"s-bulb", "bulb/rpc", call("RGBCCT.Set", `{"id":0,"mode":"cct","ct":3000}`), []string{`bulb/events/rpc "rgbcct:0":{"id":0,"ct":3000,"mode":"cct"}`}, nil},

			{"s-cover", "cover/rpc", call("Cover.GoToPosition", `{"id":0,"pos":30}`), []string{null, `cover/events/rpc "cover:0":{"id":0,"state":"opening","source":"rpc",`}, nil},
			{"s-cover", "cover/rpc", call("Cover.GetStatus", `{"id":0}`), []string{`me/rpc "current_pos":30`}, nil},
			{"s-cover", "cover/rpc", call("Cover.Open", `{"id":0}`), []string{`cover/events/rpc "target_pos":100`}, nil},
			{"s-cover", "cover/rpc", call("Cover.GetStatus", `{"id":0}`), []string{`me/rpc "state":"open"`}, nil},
			{"s-cover", "cover/command/cover:0", "pos,10", []string{`cover/events/rpc "state":"closing","source":"MQTT"`}, nil},
			{"s-cover", "cover/rpc", call("Cover.GetStatus", `{"id":0}`), []string{`me/rpc "pos_control":true,"last_direction":"open","current_pos":10`}, nil},
			{"s-blind", "blind/rpc", call("Cover.GoToPosition", `{"id":0,"pos":30}`), []string{`me/rpc "error":{"code":-109,"message":"Cover is not calibrated!"}}`}, nil},
			{"s-blind", "blind/rpc", call("Cover.Open", `{"id":0}`), []string{`blind/events/rpc "state":"opening"`}, nil},
			{"s-blind", "blind/rpc", call("Cover.GetStatus", `{"id":0}`), []string{`me/rpc "state":"open"`}, nil},

			{"s-thermostat", "thermostat/rpc", call("Thermostat.SetConfig", `{"id":0,"config":{"target_C":22.5}}`), []string{`me/rpc "result":{"restart_required":false}}`, `thermostat/events/rpc "target_C":22.5`}, nil},
			{"s-thermostat", "thermostat/rpc", call("Thermostat.SetConfig", `{"id":0,"config":{"enable":false}}`), []string{`thermostat/events/rpc "enable":false`}, nil},
		})
		for _, nothing := range []string{"", "{", `{"id":1}`, `{"id":1,"src":"a/#","method":"Shelly.GetStatus"}`, `{"src":"me","method":"Shelly.GetStatus"}`} {
			if said := ts.of("s-plug").hear("plug/rpc", nothing); len(said) > 0 {
				t.Errorf("to %q it says %s", nothing, show(said))
			}
		}
	})
}

func TestAShellyThatSleepsReportsAndLeaves(t *testing.T) {
	atNoon(t, shellyHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		time.Sleep(2 * time.Minute)
		said := ts.of("s-ht").taken()
		if !spoken(said, `ht/events/rpc "component":"sys","event":"sleep"`) || !strings.Contains(show(said), `"method":"NotifyFullStatus"`) || strings.Contains(show(said), "ht/online false") {
			t.Errorf("it reports everything and leaves, but said\n%s", show(said))
		}
		time.Sleep(3*time.Minute + 9*time.Second)
		synctest.Wait()
		said = ts.of("s-ht").taken()
		if !spoken(said, "ht/online true") || !strings.Contains(show(said), `"wakeup_reason":{"boot":"periodic","cause":"undefined"},"wakeup_period":300`) {
			t.Errorf("it wakes and reports, but said\n%s", show(said))
		}
	})
}

func TestShelliesTellWhatPeopleDo(t *testing.T) {
	tellInTheMorning(t, shellyHouse, map[string]string{
		"s-presence": `"presencezone:200":{"id":200,"value":true,"num_objects":1}`,
		"s-window":   `"input:0":{"id":0,"state":true}`,
		"s-remote":   `{"component":"input:0","id":0,"event":"single_push","ts":`,
		"s-cover":    `"state":"open","source":"button"`,
		"s-plug":     `"aenergy":{"total":`,
	})
}

// FuzzShelly throws calls at every kind of device: none may break, and what they say stays well-formed.
func FuzzShelly(f *testing.F) {
	fuzzHouse(f, shellyHouse, "+", [][2]string{
		{"switch:0", "on"},
		{"cover:0", "pos,50"},
		{"light:0", "toggle"},
		{"", call("Shelly.GetStatus", "{}")},
		{"", call("Shelly.GetComponents", `{"offset":-1}`)},
		{"", call("Switch.Set", `{"id":0,"on":true}`)},
		{"", call("Light.Set", `{"id":0,"on":true,"brightness":1e3}`)},
		{"", call("RGB.Set", `{"id":0,"rgb":[1,2]}`)},
		{"", call("RGBCCT.Set", `{"id":0,"mode":"x","ct":3000,"rgb":[1,2,3]}`)},
		{"", call("RGBW.Set", `{"id":0,"white":255,"transition_duration":1e3}`)},
		{"", call("Cover.GoToPosition", `{"id":0,"pos":50.7}`)},
		{"", call("Thermostat.SetConfig", `{"id":0,"config":{"target_C":5,"enable":true}}`)},
		{"", `{"id":{"a":[1]},"src":"x","method":".","params":null}`},
		{"", call("CCT.Set", `{"id":0,"ct":"x"}`)},
		{"", call("Shelly.Reboot", "null")},
	})
}
