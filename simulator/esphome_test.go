package simulator_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/simulator"
)

const espHouse = `
name: Test
rooms:
  - {name: Room, use: living}
devices:
  - {name: Esp light, room: Room, kind: light, speaks: esphome, can: [brightness, temperature, color]}
  - {name: Esp plain light, room: Room, kind: light, speaks: esphome}
  - {name: Esp thermostat, room: Room, kind: thermostat, speaks: esphome}
  - {name: Esp washer, room: Room, kind: washing machine, speaks: esphome}
  - {name: Esp plug, room: Room, kind: plug, speaks: esphome, load: fridge}
  - {name: Esp climate, room: Room, kind: climate sensor, speaks: esphome}
  - {name: Esp motion, room: Room, kind: motion sensor, speaks: esphome}
  - {name: Esp window, room: Room, kind: contact, speaks: esphome, opening: window}
  - {name: Esp cover, room: Room, kind: cover, speaks: esphome}
  - {name: Esp lock, room: Room, kind: lock, speaks: esphome}
  - {name: Esp fan, room: Room, kind: fan, speaks: esphome}
  - {name: Esp remote, room: Room, kind: remote, speaks: esphome}
`

func TestESPHomeAnnouncesItselfAsWritten(t *testing.T) { announcesAsWritten(t, espHouse) }

func TestESPHomeObeys(t *testing.T) {
	atNoon(t, espHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		obeyed(t, ts, []order{
			{
				"esp-light", "esp-light/light/esp_light/command", `{"state":"ON","brightness":102,"color_temp":250}`,
				[]string{
					`esp-light/light/esp_light/state "brightness":102`, `esp-light/light/esp_light/state "color_temp":250`,
					`esp-light/light/esp_light/state "color_mode":"color_temp"`, `esp-light/light/esp_light/state "state":"ON"`,
				},
				nil,
			},
			{
				"esp-light", "esp-light/light/esp_light/command", `{"state":"ON","color":{"r":0,"g":128,"b":0}}`,
				[]string{`esp-light/light/esp_light/state "color":{"b":0,"g":255,"r":0},"color_mode":"rgb"`},
				nil,
			},
			{"esp-light", "esp-light/light/esp_light/command", `{"state":"OFF"}`, []string{`esp-light/light/esp_light/state "state":"OFF"`}, nil},
			{
				"esp-plain-light", "esp-plain-light/light/esp_plain_light/command", `{"state":"ON"}`,
				[]string{`esp-plain-light/light/esp_plain_light/state {"color":{},"color_mode":"onoff","state":"ON"}`},
				nil,
			},
			{
				"esp-plain-light", "esp-plain-light/light/esp_plain_light/command", `{"state":"ON"}`, // again: it says so again
				[]string{`esp-plain-light/light/esp_plain_light/state {"color":{},"color_mode":"onoff","state":"ON"}`}, nil,
			},
			{
				"esp-thermostat", "esp-thermostat/climate/esp_thermostat/mode/command", "heat",
				[]string{"esp-thermostat/climate/esp_thermostat/mode/state heat"},
				nil,
			},
			{
				"esp-thermostat", "esp-thermostat/climate/esp_thermostat/target_temperature/command", "23.5",
				[]string{"esp-thermostat/climate/esp_thermostat/target_temperature/state 23.5"},
				[]string{"esp-thermostat/climate/esp_thermostat/action/state heating"},
			},
			{"esp-washer", "esp-washer/select/programme/command", "quick", []string{"esp-washer/select/programme/state quick"}, nil},
			{
				"esp-washer", "esp-washer/button/start/command", "PRESS",
				[]string{"esp-washer/switch/running/state ON", "esp-washer/sensor/phase/state fill", "esp-washer/binary_sensor/door/state OFF"},
				nil,
			},
			{"esp-washer", "esp-washer/switch/running/command", "OFF", []string{"esp-washer/switch/running/state OFF"}, nil},
			{
				"esp-plug", "esp-plug/switch/esp_plug/command", "toggle",
				[]string{"esp-plug/switch/esp_plug/state OFF"},
				[]string{"esp-plug/sensor/power/state 0.0"},
			},
			{"esp-climate", "esp-climate/text/display_message/command", "Good morning", []string{"esp-climate/text/display_message/state Good morning"}, nil},
			{"esp-motion", "esp-motion/number/hold_time/command", "60", []string{"esp-motion/number/hold_time/state 60.000000"}, nil},
			{
				"esp-cover", "esp-cover/cover/esp_cover/position/command", "30",
				[]string{"esp-cover/cover/esp_cover/state opening"},
				[]string{"esp-cover/cover/esp_cover/position/state 30", "esp-cover/cover/esp_cover/state open"},
			},
			{
				"esp-cover", "esp-cover/cover/esp_cover/command", "CLOSE",
				[]string{"esp-cover/cover/esp_cover/state closing"},
				[]string{"esp-cover/cover/esp_cover/position/state 0", "esp-cover/cover/esp_cover/state closed"},
			},
			{"esp-lock", "esp-lock/lock/esp_lock/command", "UNLOCK", []string{"esp-lock/lock/esp_lock/state UNLOCKING"}, []string{"esp-lock/lock/esp_lock/state UNLOCKED"}},
			{"esp-fan", "esp-fan/fan/esp_fan/speed_level/command", "3", []string{"esp-fan/fan/esp_fan/state ON", "esp-fan/fan/esp_fan/speed_level/state 3"}, nil},
			{"esp-fan", "esp-fan/fan/esp_fan/oscillation/command", "oscillate_on", []string{"esp-fan/fan/esp_fan/oscillation/state oscillate_on"}, nil},
			{"esp-fan", "esp-fan/fan/esp_fan/command", "OFF", []string{"esp-fan/fan/esp_fan/state OFF"}, nil},
		})
	})
}

func TestESPHomeComplainsInItsLogOnly(t *testing.T) {
	atNoon(t, espHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		for _, c := range []struct{ device, topic, payload string }{
			{"esp-light", "esp-light/light/esp_light/command", "ON"},
			{"esp-thermostat", "esp-thermostat/climate/esp_thermostat/mode/command", "cool"},
			{"esp-thermostat", "esp-thermostat/climate/esp_thermostat/target_temperature/command", "99"},
			{"esp-thermostat", "esp-thermostat/climate/esp_thermostat/target_temperature/command", "NaN"},
			{"esp-plug", "esp-plug/switch/esp_plug/command", "perhaps"},
			{"esp-motion", "esp-motion/number/hold_time/command", "-1"},
			{"esp-climate", "esp-climate/text/display_message/command", strings.Repeat("x", 256)},
			{"esp-cover", "esp-cover/cover/esp_cover/command", "ajar"},
			{"esp-fan", "esp-fan/fan/esp_fan/speed_level/command", "5"},
			{"esp-washer", "esp-washer/button/start/command", "START"},
		} {
			said := ts.of(c.device).hear(c.topic, c.payload)
			if len(said) != 1 || said[0].Topic != c.device+"/debug" || !strings.Contains(string(said[0].Payload), "[W][mqtt.") {
				t.Errorf("%s %q made it say\n%s", c.topic, c.payload, show(said))
			}
		}
	})
}

func TestESPHomeAnswersWhoAsks(t *testing.T) {
	atNoon(t, espHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		tape := ts.of("esp-light")
		for _, topic := range []string{"esphome/discover", "esphome/ping/esp-light"} {
			if !tape.listens(topic) {
				t.Errorf("it does not listen to %s", topic)
			}
			said := tape.hear(topic, "")
			if len(said) != 1 || said[0].Topic != "esphome/discover/esp-light" || said[0].QoS != 2 || !said[0].Retain {
				t.Fatalf("asked at %s it said\n%s", topic, show(said))
			}
			var info struct{ IP, Name, Version, MAC, Platform, Board, Network string }
			if err := json.Unmarshal(said[0].Payload, &info); err != nil || info.Name != "esp-light" || len(info.MAC) != 12 || info.IP == "" {
				t.Errorf("it says of itself %s (%v)", said[0].Payload, err)
			}
		}
		if tape.listens("esphome/ping/esp-fan") || tape.listens("esphome/discover/esp-light") {
			t.Error("it listens to what is not meant for it")
		}
	})
}

func TestAnnouncementsOfESPHomeAreInTheSingleFormWithoutTemplates(t *testing.T) {
	atNoon(t, espHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		unique := map[string]bool{}
		for id, tape := range ts.all {
			said := tape.taken()
			topics := map[string]bool{}
			for _, m := range said {
				topics[m.Topic] = true
				if m.QoS != 0 && m.Topic != "esphome/discover/"+id || !m.Retain {
					t.Errorf("%s says %s with QoS %d, retained: %v", id, m.Topic, m.QoS, m.Retain)
				}
			}
			for _, m := range said {
				if !strings.HasPrefix(m.Topic, "homeassistant/") {
					continue
				}
				var c map[string]any
				if err := json.Unmarshal(m.Payload, &c); err != nil {
					t.Fatal(err)
				}
				device, _ := c["dev"].(map[string]any)
				mac, isText := device["ids"].(string)
				if !isText || len(mac) != 12 || c["avty_t"] != id+"/status" || c["uniq_id"] == nil || unique[c["uniq_id"].(string)] {
					t.Errorf("%s: %s", m.Topic, m.Payload)
				}
				unique[c["uniq_id"].(string)] = true
				for key, v := range c {
					text, _ := v.(string)
					switch {
					case strings.Contains(text, "{{") || strings.HasSuffix(key, "_tpl"):
						t.Errorf("%s has the template %s: %s", m.Topic, key, text)
					case strings.HasSuffix(key, "cmd_t") || key == "set_pos_t":
						if !tape.listens(text) {
							t.Errorf("%s does not listen to its %s %s", id, key, text)
						}
					case strings.HasSuffix(key, "_t") && !topics[text] && !strings.Contains(m.Topic, "/event/"):
						t.Errorf("%s says nothing at its %s %s", id, key, text)
					case strings.HasSuffix(key, "_topic"):
						t.Errorf("%s has the long key %s", m.Topic, key)
					}
				}
			}
		}
	})
}

func TestAnESPHomeNodeWithoutPowerLeavesItsWillAndRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		ear, publish := listen(t, b, "#")
		s, _ := open(t, b, parse(t, espHouse), simulator.Options{Seed: 1})
		<-s.Ready()
		wait := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		wait(time.Second)
		ear.want(t, "at first", "esp-fan/status", "online")
		if err := s.CutPower("esp-fan"); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		ear.want(t, "without power", "esp-fan/status", "offline")
		if err := s.RestorePower("esp-fan"); err != nil {
			t.Fatal(err)
		}
		wait(10 * time.Second)
		ear.want(t, "with power again", "esp-fan/status", "online")

		publish("esp-fan/button/restart/command", "PRESS")
		wait(2 * time.Second)
		ear.want(t, "while it restarts", "esp-fan/status", "offline")
		wait(5 * time.Second)
		ear.want(t, "after it has restarted", "esp-fan/status", "online")
		if n := s.Connected(); n != 12 {
			t.Errorf("%d of 12 are connected", n)
		}
	})
}

func TestADeviceThatSleepsWakesToReport(t *testing.T) {
	const sleepers = `
name: Test
rooms: [{name: Room, use: living}]
devices:
  - {name: Esp sleeper, room: Room, kind: climate sensor, speaks: esphome, sleeps: 5m}
`
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		ear, _ := listen(t, b, "#")
		s, halt := open(t, b, parse(t, sleepers), simulator.Options{Seed: 1})
		<-s.Ready()
		var states []string
		times := 0
		for range 16 * 60 {
			time.Sleep(time.Second)
			synctest.Wait()
			ear.mu.Lock()
			if state := ear.last["esp-sleeper/status"]; len(states) == 0 || states[len(states)-1] != state {
				states = append(states, state)
			}
			times = ear.times["esp-sleeper/sensor/temperature/state"]
			ear.mu.Unlock()
		}
		if want := []string{"online", "offline", "online", "offline", "online", "offline", "online", "offline"}; !slices.Equal(states, want) {
			t.Errorf("in 16 minutes it was %q", states)
		}
		if times < 4 {
			t.Errorf("it told its temperature %d times", times)
		}
		halt() // while it sleeps
	})
}
