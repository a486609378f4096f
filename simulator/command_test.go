package simulator_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator"
)

// house has one device of each kind that can be told something, in each language and style.
const commandHouse = `
name: Test
rooms:
  - {name: Room, use: living}
devices:
  - {name: Homie light, room: Room, kind: light, speaks: homie, can: [brightness, temperature, color]}
  - {name: Homie thermostat, room: Room, kind: thermostat, speaks: homie}
  - {name: Homie washer, room: Room, kind: washing machine, speaks: homie}
  - {name: Homie plug, room: Room, kind: plug, speaks: homie, load: fridge}
  - {name: Homie cover, room: Room, kind: cover, speaks: homie}
  - {name: Homie lock, room: Room, kind: lock, speaks: homie}
  - {name: Homie fan, room: Room, kind: fan, speaks: homie}
  - {name: Json light, room: Room, kind: light, speaks: homeassistant, can: [brightness, temperature, color]}
  - {name: Kelvin light, room: Room, kind: light, speaks: homeassistant, can: [temperature], short: true}
  - {name: Basic light, room: Room, kind: light, speaks: homeassistant, can: [brightness, temperature, color], style: topics}
  - {name: Thermostat, room: Room, kind: thermostat, speaks: homeassistant}
  - {name: Thermostat topics, room: Room, kind: thermostat, speaks: homeassistant, style: topics}
  - {name: Washer, room: Room, kind: washing machine, speaks: homeassistant}
  - {name: Plug, room: Room, kind: plug, speaks: homeassistant, load: fridge}
  - {name: Cover, room: Room, kind: cover, speaks: homeassistant}
  - {name: Lock, room: Room, kind: lock, speaks: homeassistant}
  - {name: Fan, room: Room, kind: fan, speaks: homeassistant}
`

// inHouse runs commandHouse.
func inHouse(t *testing.T, visit func(t *testing.T, ts *tapes)) {
	t.Helper()
	atNoon(t, commandHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) { visit(t, ts) })
}

// atNoon runs a house at noon, when no habit interferes.
func atNoon(t *testing.T, text string, visit func(t *testing.T, s *simulator.Simulator, ts *tapes)) {
	t.Helper()
	from(t, 12, text, simulator.Options{}, visit)
}

// from runs a house from an hour of a Monday on.
func from(t *testing.T, hour int, text string, o simulator.Options, visit func(t *testing.T, s *simulator.Simulator, ts *tapes)) {
	t.Helper()
	house := parse(t, text)
	synctest.Test(t, func(t *testing.T) {
		o.Start = time.Date(2026, time.November, 2, hour, 0, 0, 0, time.UTC)
		live(t, house, o, func(s *simulator.Simulator, ts *tapes) { visit(t, s, ts) })
	})
}

// tellInTheMorning lets people get up, and looks for what each device has to say of it, as a part of topic and payload.
func tellInTheMorning(t *testing.T, text string, wants map[string]string) {
	t.Helper()
	from(t, 7, text, simulator.Options{Speed: 60}, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		for id, want := range wants {
			if text := show(ts.of(id).taken()); !strings.Contains(text, want) {
				t.Errorf("%s did not say %s in three hours, but\n%s", id, want, text)
			}
		}
	})
}

func parse(t testing.TB, text string) simulator.House {
	t.Helper()
	house, err := simulator.ParseHouse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return house
}

func TestCommandsAreObeyed(t *testing.T) {
	inHouse(t, func(t *testing.T, ts *tapes) {
		obeyed(t, ts, []order{
			{"homie-light", "homie/5/homie-light/light/on/set", "true", []string{"homie/5/homie-light/light/on true"}, nil},
			{
				"homie-light", "homie/5/homie-light/light/brightness/set", "40",
				[]string{"homie/5/homie-light/light/brightness/$target 40"},
				[]string{"homie/5/homie-light/light/brightness 40.0"},
			},
			{
				"homie-light", "homie/5/homie-light/light/color-temperature/set", "4000",
				[]string{"homie/5/homie-light/light/color-temperature/$target 4000"},
				[]string{"homie/5/homie-light/light/color-temperature 4000"},
			},
			{"homie-light", "homie/5/homie-light/light/color/set", "hsv,120,80,100", []string{"homie/5/homie-light/light/color hsv,120,80,100"}, nil},
			{"homie-thermostat", "homie/5/homie-thermostat/climate/mode/set", "heat", []string{"homie/5/homie-thermostat/climate/mode heat"}, nil},
			{"homie-thermostat", "homie/5/homie-thermostat/climate/target-temperature/set", "23.5", []string{"homie/5/homie-thermostat/climate/target-temperature 23.50"}, nil},
			{"homie-washer", "homie/5/homie-washer/washer/programme/set", "quick", []string{"homie/5/homie-washer/washer/programme quick"}, nil},
			{
				"homie-washer", "homie/5/homie-washer/washer/start/set", "true",
				[]string{"homie/5/homie-washer/washer/start true", "homie/5/homie-washer/washer/phase fill", "homie/5/homie-washer/washer/door-locked true"},
				nil,
			},
			{"homie-washer", "homie/5/homie-washer/washer/running/set", "false", []string{"homie/5/homie-washer/washer/phase idle"}, nil},
			{"homie-plug", "homie/5/homie-plug/switch/on/set", "false", []string{"homie/5/homie-plug/switch/on false"}, []string{"homie/5/homie-plug/meter/power 0.0"}},
			{
				"homie-cover", "homie/5/homie-cover/cover/position/set", "30",
				[]string{"homie/5/homie-cover/cover/position/$target 30"},
				[]string{"homie/5/homie-cover/cover/position 30", "homie/5/homie-cover/cover/state stopped"},
			},
			{
				"homie-cover", "homie/5/homie-cover/cover/state/set", "closed",
				[]string{"homie/5/homie-cover/cover/state/$target closed", "homie/5/homie-cover/cover/state closing"},
				[]string{"homie/5/homie-cover/cover/position 0", "homie/5/homie-cover/cover/state closed", "homie/5/homie-cover/cover/position/$target 0"},
			},
			{
				"homie-lock", "homie/5/homie-lock/lock/state/set", "unlocked",
				[]string{"homie/5/homie-lock/lock/state/$target unlocked", "homie/5/homie-lock/lock/state unlocking"},
				[]string{"homie/5/homie-lock/lock/state unlocked"},
			},
			{"homie-fan", "homie/5/homie-fan/fan/speed/set", "75", []string{"homie/5/homie-fan/fan/speed 75", "homie/5/homie-fan/fan/on true"}, nil},
			{"homie-fan", "homie/5/homie-fan/fan/oscillating/set", "true", []string{"homie/5/homie-fan/fan/oscillating true"}, nil},

			{"json-light", "sim/json-light/set", `{"state":"ON"}`, []string{`sim/json-light "state":"ON"`}, nil},
			{"json-light", "sim/json-light/set", `{"state":"ON","brightness":102}`, nil, []string{`sim/json-light "brightness":102`}},
			{"json-light", "sim/json-light/set", `{"color_temp":250}`, nil, []string{`sim/json-light "color_temp":250,`, `sim/json-light "color_mode":"color_temp"`}},
			{"json-light", "sim/json-light/set", `{"color_temp":455}`, nil, []string{`sim/json-light "color_temp":455,`}},
			{"json-light", "sim/json-light/set", `{"state":"ON","color":{"h":200,"s":50}}`, []string{`sim/json-light "color":{"h":200,"s":50}`, `sim/json-light "color_mode":"hs"`}, nil},
			{"json-light", "sim/json-light/set", `{"state":"ON","brightness":10,"transition":0}`, []string{`sim/json-light "brightness":10,`}, nil},
			{"json-light", "sim/json-light/set", `{"state":"ON","brightness":0}`, []string{`sim/json-light "state":"OFF"`}, nil},
			{"json-light", "sim/json-light/set", `{"state":"OFF"}`, []string{`sim/json-light "state":"OFF"`}, nil},
			{"kelvin-light", "sim/kelvin-light/set", `{"color_temp":3000}`, nil, []string{`sim/kelvin-light "color_temp":3000,`}},
			{"basic-light", "sim/basic-light/light/command", "ON", []string{"sim/basic-light/light/state ON"}, nil},
			{"basic-light", "sim/basic-light/light/brightness/command", "35", nil, []string{"sim/basic-light/light/brightness 35"}},
			{"basic-light", "sim/basic-light/light/color_temp/command", "5000", nil, []string{"sim/basic-light/light/color_temp 5000"}},
			{"basic-light", "sim/basic-light/light/hs/command", "30,60", []string{"sim/basic-light/light/hs 30,60"}, nil},
			{"basic-light", "sim/basic-light/light/command", "OFF", []string{"sim/basic-light/light/state OFF"}, nil},
			{"thermostat", "sim/thermostat/mode/set", "heat", []string{`sim/thermostat "mode":"heat"`}, nil},
			{"thermostat", "sim/thermostat/target_temperature/set", "19.5", []string{`sim/thermostat "target_temperature":19.5`}, nil},
			{"thermostat-topics", "sim/thermostat-topics/mode/command", "off", []string{"sim/thermostat-topics/mode off"}, []string{"sim/thermostat-topics/action off"}},
			{"washer", "sim/washer/programme/set", "wool", []string{`sim/washer "programme":"wool"`}, nil},
			{"washer", "sim/washer/start/set", "START", []string{`sim/washer "phase":"fill"`, `sim/washer "door-lock":"LOCKED"`}, nil},
			{"washer", "sim/washer/running/set", "OFF", []string{`sim/washer "phase":"idle"`}, nil},
			{"plug", "sim/plug/switch/set", "OFF", []string{`sim/plug "state":"OFF"`}, []string{`sim/plug "meter":{"power":0,`}},
			{"cover", "sim/cover/set", "OPEN", []string{`sim/cover "state":"opening"`}, []string{`sim/cover "state":"open","position":100`}},
			{"cover", "sim/cover/position/set", "40", []string{`sim/cover "state":"closing"`}, []string{`sim/cover "state":"stopped","position":40`}},
			{"cover", "sim/cover/set", "CLOSE", nil, []string{`sim/cover "state":"closed","position":0`}},
			{"lock", "sim/lock/set", "UNLOCK", []string{`sim/lock "state":"UNLOCKING"`}, []string{`sim/lock "state":"UNLOCKED"`}},
			{"lock", "sim/lock/set", "LOCK", []string{`sim/lock "state":"LOCKING"`}, []string{`sim/lock "state":"LOCKED"`}},
			{"fan", "sim/fan/speed/set", "3", []string{`sim/fan "state":"ON","speed":3`}, nil},
			{"fan", "sim/fan/oscillation/set", "oscillate_on", []string{`sim/fan "oscillation":"oscillate_on"`}, nil},
			{"fan", "sim/fan/set", "OFF", []string{`sim/fan "state":"OFF"`}, nil},
		})
	})
}

// order is a command to a device. atOnce is what is said before any time passes, later what is said last on the topics within
// a minute: topic and payload, or topic and a part of the document.
type order struct {
	device, topic, payload string
	atOnce, later          []string
}

// obeyed gives the orders one after the other, and fails where a device does not say what it is to say.
func obeyed(t *testing.T, ts *tapes, orders []order) {
	t.Helper()
	for _, c := range orders {
		tape := ts.of(c.device)
		if !tape.listens(c.topic) {
			t.Errorf("%s does not listen to %s", c.device, c.topic)
		}
		said := tape.hear(c.topic, c.payload)
		for _, want := range c.atOnce {
			if !spoken(said, want) {
				t.Errorf("%s %s: it did not say %s at once, but\n%s", c.topic, c.payload, want, show(said))
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		said = append(said, tape.taken()...)
		for _, want := range c.later {
			if !spoken(said, want) {
				t.Errorf("%s %s: its last word was not %s, but\n%s", c.topic, c.payload, want, show(said))
			}
		}
	}
}

// spoken says whether the last message to the topic has the payload, or, if it is a document, holds it.
func spoken(said []broker.Message, want string) bool {
	topic := ""
	for _, m := range said { // topics may have spaces, too
		if len(m.Topic) > len(topic) && strings.HasPrefix(want, m.Topic+" ") {
			topic = m.Topic
		}
	}
	payload := strings.TrimPrefix(want, topic+" ")
	for _, m := range slices.Backward(said) {
		if m.Topic == topic {
			text := string(m.Payload)
			return text == payload || json.Valid(m.Payload) && strings.HasPrefix(text, "{") && strings.Contains(text, payload)
		}
	}
	return false
}

func show(said []broker.Message) string {
	var b strings.Builder
	for _, m := range said {
		b.WriteString("  " + m.Topic + " " + string(m.Payload) + "\n")
	}
	return b.String()
}

func TestCommandsThatMakeNoSenseAreIgnored(t *testing.T) {
	inHouse(t, func(t *testing.T, ts *tapes) {
		for _, c := range []struct{ device, topic, payload string }{
			{"homie-light", "homie/5/homie-light/light/on/set", "TRUE"},
			{"homie-light", "homie/5/homie-light/light/on/set", ""},
			{"homie-light", "homie/5/homie-light/light/brightness/set", "101"},
			{"homie-light", "homie/5/homie-light/light/brightness/set", "NaN"},
			{"homie-light", "homie/5/homie-light/light/brightness/set", " 40"},
			{"homie-light", "homie/5/homie-light/light/color/set", "rgb,1,2,3"},
			{"homie-light", "homie/5/homie-light/light/color/set", "hsv,400,2,3"},
			{"homie-light", "homie/5/homie-light/light/color/set", "hsv,a,b,c"},
			{"homie-light", "homie/5/homie-light/light/hue/set", "1"},
			{"homie-light", "homie/5/homie-light/set", "1"},
			{"homie-cover", "homie/5/homie-cover/cover/state/set", "opening"},
			{"homie-cover", "homie/5/homie-cover/cover/position/set", "1.5"},
			{"homie-thermostat", "homie/5/homie-thermostat/climate/current-temperature/set", "40"},
			{"json-light", "sim/json-light/set", "ON"},
			{"json-light", "sim/json-light/set", `{"state":"on"}`},
			{"json-light", "sim/json-light/set", `{"state":"ON","brightness":300}`},
			{"json-light", "sim/json-light/set", `{"color":{}}`},
			{"json-light", "sim/json-light/set", `{"color_temp":1}`},
			{"json-light", "sim/json-light", `{"state":"ON"}`},
			{"basic-light", "sim/basic-light/light/command", "on"},
			{"basic-light", "sim/basic-light/light/brightness/command", "bright"},
			{"basic-light", "sim/basic-light/light/hs/command", "30"},
			{"thermostat", "sim/thermostat/target_temperature/set", "99"},
			{"thermostat", "sim/thermostat/mode/set", "cool"},
			{"washer", "sim/washer/start/set", "GO"},
			{"cover", "sim/cover/set", "open"},
			{"fan", "sim/fan/speed/set", "5"},
			{"lock", "sim/lock/set", "BREAK"},
		} {
			if said := ts.of(c.device).hear(c.topic, c.payload); len(said) > 0 {
				t.Errorf("%s %q made it say\n%s", c.topic, c.payload, show(said))
			}
		}
	})
}

func TestARetainedCommandIsIgnored(t *testing.T) {
	inHouse(t, func(t *testing.T, ts *tapes) {
		for device, m := range map[string]broker.Message{
			"homie-light": {Topic: "homie/5/homie-light/light/on/set", Payload: []byte("true"), Retain: true},
			"json-light":  {Topic: "sim/json-light/set", Payload: []byte(`{"state":"ON"}`), Retain: true},
		} {
			tape := ts.of(device)
			tape.taken()
			tape.handler.HandleMessage(t.Context(), m)
			synctest.Wait()
			if said := tape.taken(); len(said) > 0 {
				t.Errorf("%s said\n%s", device, show(said))
			}
		}
	})
}

func TestACoverIsStoppedOnItsWay(t *testing.T) {
	for device, c := range map[string]struct{ open, openText, stop, stopText, want string }{
		"homie-cover": {"homie/5/homie-cover/cover/state/set", "open", "homie/5/homie-cover/cover/stop/set", "true", "homie/5/homie-cover/cover/state stopped"},
		"cover":       {"sim/cover/set", "OPEN", "sim/cover/set", "STOP", `sim/cover "state":"stopped"`},
	} {
		inHouse(t, func(t *testing.T, ts *tapes) {
			tape := ts.of(device)
			tape.hear(c.open, c.openText)
			time.Sleep(5 * time.Second)
			synctest.Wait()
			said := append(tape.taken(), tape.hear(c.stop, c.stopText)...)
			if !spoken(said, c.want) {
				t.Errorf("%s did not stop:\n%s", device, show(said))
			}
		})
	}
}

func TestALampReportsWhatLiesBetween(t *testing.T) {
	inHouse(t, func(t *testing.T, ts *tapes) {
		tape := ts.of("homie-light")
		tape.hear("homie/5/homie-light/light/brightness/set", "1")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		tape.taken()
		said := tape.hear("homie/5/homie-light/light/brightness/set", "100")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		var way []string
		for _, m := range append(said, tape.taken()...) {
			if strings.HasPrefix(m.Topic, "homie/5/homie-light/light/brightness") {
				way = append(way, strings.TrimPrefix(m.Topic, "homie/5/homie-light/light/")+" "+string(m.Payload))
			}
		}
		want := []string{"brightness/$target 100", "brightness 1.0", "brightness 34.0", "brightness 67.0", "brightness 100.0"}
		if !slices.Equal(way, want) {
			t.Errorf("it said %q, want %q", way, want)
		}
	})
}

func TestHomeAssistantsBirthMakesDevicesRepeatThemselves(t *testing.T) {
	inHouse(t, func(t *testing.T, ts *tapes) {
		tape := ts.of("json-light")
		if !tape.listens("homeassistant/status") || ts.of("homie-light").listens("homeassistant/status") {
			t.Error("the wrong devices listen to homeassistant/status")
		}
		said := tape.hear("homeassistant/status", "online")
		if len(said) != 3 || said[0].Topic != "homeassistant/device/json-light/config" || said[1].Topic != "sim/json-light/availability" || said[2].Topic != "sim/json-light" {
			t.Errorf("it said\n%s", show(said))
		}
		if said := tape.hear("homeassistant/status", "offline"); len(said) > 0 {
			t.Errorf("when Home Assistant goes it says\n%s", show(said))
		}
	})
}
