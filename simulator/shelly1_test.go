package simulator_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/simulator"
)

// shelly1House has one device of each kind that exists in the language, and one for each of the ways in which people set up
// theirs.
const shelly1House = `
name: Test
rooms:
  - {name: Room, use: living}
people:
  - {name: Ben, role: home}
devices:
  - {name: C plug, room: Room, kind: plug, speaks: shelly1, load: fridge, shelly: {id: factory}}
  - {name: C strip, room: Room, kind: plug, speaks: shelly1, load: television, outlets: 4, shelly: {id: room/strip}}
  - {name: C meter, room: Room, kind: plug, speaks: shelly1, load: freezer, shelly: {clamp: true}}
  - {name: C dimmer, room: Room, kind: light, speaks: shelly1, can: [brightness]}
  - {name: C duo, room: Room, kind: light, speaks: shelly1, can: [temperature]}
  - {name: C strip light, room: Room, kind: light, speaks: shelly1, can: [color]}
  - {name: C bulb, room: Room, kind: light, speaks: shelly1, can: [brightness, temperature, color]}
  - {name: C cover, room: Room, kind: cover, speaks: shelly1}
  - {name: C blind, room: Room, kind: cover, speaks: shelly1, shelly: {uncalibrated: true}}
  - {name: C valve, room: Room, kind: thermostat, speaks: shelly1}
  - {name: C climate, room: Room, kind: climate sensor, speaks: shelly1, sleeps: 5m}
  - {name: C motion, room: Room, kind: motion sensor, speaks: shelly1}
  - {name: C window, room: Room, kind: contact, speaks: shelly1, opening: window}
  - {name: C remote, room: Room, kind: remote, speaks: shelly1}
`

func TestShelliesOfTheFirstGenerationSayWhatIsWritten(t *testing.T) {
	from(t, 12, shelly1House, simulator.Options{Seed: 1, Speed: 0.01}, func(t *testing.T, s *simulator.Simulator, ts *tapes) {
		for _, id := range s.Devices() {
			golden(t, "shelly1/"+id, written(ts.of(id).taken()))
		}
	})
}

func TestShelliesOfTheFirstGenerationObey(t *testing.T) {
	atNoon(t, shelly1House, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		obeyed(t, ts, []order{
			{"c-strip", "shellies/room/strip/relay/3/command", "on", []string{"shellies/room/strip/relay/3 on"}, nil},
			{"c-strip", "shellies/room/strip/relay/3/command", "toggle", []string{"shellies/room/strip/relay/3 off"}, nil},
			{"c-strip", "shellies/room/strip/command", "announce", []string{`shellies/announce {"id":"room/strip","model":"SHSW-44"`, `shellies/room/strip/announce {"id":"room/strip"`}, nil},
			{"c-strip", "shellies/command", "update", []string{"shellies/room/strip/relay/0 on", "shellies/room/strip/overtemperature 0"}, nil},
			{"c-meter", "shellies/c-meter/relay/0/command", "off", []string{"shellies/c-meter/relay/0 off"}, []string{"shellies/c-meter/emeter/0/power 0.00"}},

			{"c-dimmer", "shellies/c-dimmer/light/0/set", `{"turn":"on","brightness":40}`, []string{"shellies/c-dimmer/light/0 on", `shellies/c-dimmer/light/0/status "mode":"white","brightness":40}`}, nil},
			{"c-dimmer", "shellies/c-dimmer/light/0/command", "off", []string{"shellies/c-dimmer/light/0 off"}, nil},
			{"c-duo", "shellies/c-duo/light/0/set", `{"temp":5000}`, []string{`shellies/c-duo/light/0/status "temp":5000`}, nil},
			{"c-strip-light", "shellies/c-strip-light/color/0/set", `{"mode":"color","red":0,"green":255,"blue":0,"gain":30,"turn":"on"}`, []string{`shellies/c-strip-light/color/0/status "red":0,"green":255,"blue":0,"white":0,"gain":30`}, nil},
			{"c-bulb", "shellies/c-bulb/color/0/set", `{"mode":"color","red":255,"green":0,"blue":0}`, []string{`shellies/c-bulb/color/0/status "mode":"color","red":255`}, nil},
			{"c-bulb", "shellies/c-bulb/color/0/set", `{"mode":"white","temp":3000}`, []string{`shellies/c-bulb/color/0/status "mode":"white"`}, nil},

			{"c-cover", "shellies/c-cover/roller/0/command/pos", "30", []string{"shellies/c-cover/roller/0 open"}, []string{"shellies/c-cover/roller/0 stop", "shellies/c-cover/roller/0/pos 30"}},
			{"c-cover", "shellies/c-cover/roller/0/command", "close", []string{"shellies/c-cover/roller/0 close"}, []string{"shellies/c-cover/roller/0/pos 0"}},
			{"c-blind", "shellies/c-blind/roller/0/command", "open", []string{"shellies/c-blind/roller/0 open"}, []string{"shellies/c-blind/roller/0 stop", "shellies/c-blind/roller/0/pos -1"}},
			{"c-valve", "shellies/c-valve/thermostat/0/command/target_t", "22.5", []string{`shellies/c-valve/info "target_t":{"enabled":true,"value":22.5`}, nil},
		})
		for topic, payload := range map[string]string{
			"shellies/c-cover/roller/0/command": "fly", "shellies/c-cover/roller/0/command/pos": "101", "shellies/c-valve/thermostat/0/command/target_t": "NaN",
			"shellies/c-dimmer/light/0/set": "{", "shellies/c-blind/roller/0/command/pos": "5",
		} {
			id, _, _ := strings.Cut(strings.TrimPrefix(topic, "shellies/"), "/")
			if said := ts.of(id).hear(topic, payload); len(said) > 0 {
				t.Errorf("to %s %s it says %s", topic, payload, show(said))
			}
		}
	})
}

func TestAShellyOfTheFirstGenerationReportsAndLeaves(t *testing.T) {
	atNoon(t, shelly1House, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		time.Sleep(2 * time.Minute)
		said := ts.of("c-climate").taken()
		if text := show(said); !strings.Contains(text, "shellies/c-climate/sensor/temperature ") || strings.Contains(text, "online false") {
			t.Errorf("it reports and leaves without a word, but said\n%s", text)
		}
		time.Sleep(3*time.Minute + 9*time.Second)
		synctest.Wait()
		if text := show(ts.of("c-climate").taken()); !strings.Contains(text, "shellies/c-climate/online true") {
			t.Errorf("it comes back, but said\n%s", text)
		}
	})
}

func TestShelliesOfTheFirstGenerationTellWhatPeopleDo(t *testing.T) {
	tellInTheMorning(t, shelly1House, map[string]string{
		"c-motion": `shellies/c-motion/status {"motion":true,`, "c-window": "shellies/c-window/sensor/state open",
		"c-remote": `shellies/c-remote/input_event/0 {"event":"S","event_cnt":`, "c-cover": "shellies/c-cover/roller/0/pos 100",
	})
}

// FuzzShelly1 throws commands at every kind of device: none may break, and what they say stays well-formed.
func FuzzShelly1(f *testing.F) {
	fuzzHouse(f, shelly1House, "command", [][2]string{
		{"command", "on"},
		{"command", "update"},
		{"command", "announce"},
		{"command", "toggle"},
		{"command", "open"},
		{"command", "50"},
		{"command", "-1"},
		{"command", "22.5"},
		{"command", `{"turn":"on","brightness":1e99,"gain":-5,"temp":0,"red":1,"green":2,"blue":300,"white":1e9,"transition":-1}`},
		{"command", `{"mode":"white"}`},
		{"", ""},
	})
}
