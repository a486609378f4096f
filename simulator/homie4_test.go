package simulator_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/simulator"
)

const oldHomieHouse = `
name: Test
rooms:
  - {name: Room, use: living}
devices:
  - {name: H4 light, room: Room, kind: light, speaks: homie4, can: [brightness, temperature, color]}
  - {name: H4 thermostat, room: Room, kind: thermostat, speaks: homie4}
  - {name: H4 washer, room: Room, kind: washing machine, speaks: homie4}
  - {name: H4 plug, room: Room, kind: plug, speaks: homie4, load: fridge}
  - {name: H4 climate, room: Room, kind: climate sensor, speaks: homie4}
  - {name: H4 motion, room: Room, kind: motion sensor, speaks: homie4}
  - {name: H4 window, room: Room, kind: contact, speaks: homie4, opening: window}
  - {name: H4 cover, room: Room, kind: cover, speaks: homie4}
  - {name: H4 lock, room: Room, kind: lock, speaks: homie4, jam: 1}
  - {name: H4 fan, room: Room, kind: fan, speaks: homie4}
  - {name: H4 remote, room: Room, kind: remote, speaks: homie4}
  - {name: H3 light, room: Room, kind: light, speaks: homie3, can: [brightness, temperature, color]}
  - {name: H3 thermostat, room: Room, kind: thermostat, speaks: homie3}
  - {name: H3 cover, room: Room, kind: cover, speaks: homie3}
`

func TestOldHomieAnnouncesItselfAsWritten(t *testing.T) { announcesAsWritten(t, oldHomieHouse) }

func TestOldHomieObeys(t *testing.T) {
	atNoon(t, oldHomieHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		obeyed(t, ts, []order{
			{"h4-light", "homie/h4-light/light/on/set", "true", []string{"homie/h4-light/light/on true"}, nil},
			{"h4-light", "homie/h4-light/light/brightness/set", "40", nil, []string{"homie/h4-light/light/brightness 40.0"}},
			{"h4-light", "homie/h4-light/light/color-temperature/set", "4000", nil, []string{"homie/h4-light/light/color-temperature 4000"}},
			{"h4-light", "homie/h4-light/light/color/set", "120,80,100", []string{"homie/h4-light/light/color 120,80,100"}, nil},
			{"h4-thermostat", "homie/h4-thermostat/climate/mode/set", "off", []string{"homie/h4-thermostat/climate/mode off"}, nil},
			{
				"h4-thermostat", "homie/h4-thermostat/climate/target-temperature/set", "23.5",
				[]string{"homie/h4-thermostat/climate/target-temperature 23.50"},
				nil,
			},
			{"h4-washer", "homie/h4-washer/washer/programme/set", "quick", []string{"homie/h4-washer/washer/programme quick"}, nil},
			{
				"h4-washer", "homie/h4-washer/washer/start/set", "true",
				[]string{"homie/h4-washer/washer/start true", "homie/h4-washer/washer/phase fill"},
				nil,
			},
			{"h4-plug", "homie/h4-plug/switch/on/set", "false", []string{"homie/h4-plug/switch/on false"}, []string{"homie/h4-plug/meter/power 0.0"}},
			{"h4-cover", "homie/h4-cover/cover/position/set", "30", []string{"homie/h4-cover/cover/state opening"}, []string{"homie/h4-cover/cover/position 30"}},
			{"h4-cover", "homie/h4-cover/cover/state/set", "closed", []string{"homie/h4-cover/cover/state closing"}, []string{"homie/h4-cover/cover/state closed"}},
			{
				"h4-lock", "homie/h4-lock/lock/state/set", "unlocked",
				[]string{"homie/h4-lock/lock/state unlocking"},
				[]string{"homie/h4-lock/lock/state jammed", "homie/h4-lock/$state alert"},
			},
			{"h4-fan", "homie/h4-fan/fan/speed/set", "75", []string{"homie/h4-fan/fan/speed 75", "homie/h4-fan/fan/on true"}, nil},
			{"h4-fan", "homie/h4-fan/fan/oscillating/set", "true", []string{"homie/h4-fan/fan/oscillating true"}, nil},
			{"h3-light", "homie/h3-light/light/on/set", "true", []string{"homie/h3-light/light/on true"}, nil},
			{"h3-thermostat", "homie/h3-thermostat/climate/mode/set", "heat", []string{"homie/h3-thermostat/climate/mode heat"}, nil},
			{"h3-cover", "homie/h3-cover/cover/state/set", "open", nil, []string{"homie/h3-cover/cover/state open"}},
		})
	})
}

func TestOldHomieIgnoresWhatMakesNoSense(t *testing.T) {
	atNoon(t, oldHomieHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		for _, c := range []struct{ device, topic, payload string }{
			{"h4-light", "homie/h4-light/light/on/set", "ON"},
			{"h4-light", "homie/h4-light/light/color/set", "hsv,120,80,100"},
			{"h4-light", "homie/h4-light/light/color/set", "1,2"},
			{"h4-light", "homie/h4-light/light/brightness/set", "101"},
			{"h4-light", "homie/h4-light/light/brightness", "50"},
			{"h4-climate", "homie/h4-climate/air/temperature/set", "30"},
			{"h3-light", "homie/h3-light/light/dim/set", "30"},
		} {
			if said := ts.of(c.device).hear(c.topic, c.payload); len(said) > 0 {
				t.Errorf("%s %q made it say\n%s", c.topic, c.payload, show(said))
			}
		}
		tape := ts.of("h4-light")
		tape.handler.HandleMessage(t.Context(), broker.Message{Topic: "homie/h4-light/light/on/set", Payload: []byte("true"), Retain: true})
		synctest.Wait()
		if said := tape.taken(); len(said) > 0 {
			t.Errorf("a retained command made it say\n%s", show(said))
		}
	})
}

func TestOldHomieDescribesAllThatItSays(t *testing.T) {
	atNoon(t, oldHomieHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		for id, tape := range ts.all {
			said := tape.taken()
			base := "homie/" + id + "/"
			values := map[string]string{}
			for _, m := range said {
				path, ok := strings.CutPrefix(m.Topic, base)
				if !ok || !m.Retain || m.QoS != 1 || len(m.Payload) == 0 {
					t.Errorf("%s says %s %q with QoS %d, retained: %v", id, m.Topic, m.Payload, m.QoS, m.Retain)
				}
				values[path] = string(m.Payload)
			}
			if first := said[0]; first.Topic != base+"$state" || string(first.Payload) != "init" || values["$state"] != "ready" {
				t.Errorf("%s begins with %s %s and ends in %s", id, first.Topic, first.Payload, values["$state"])
			}
			described := 0
			for _, node := range strings.Split(values["$nodes"], ",") {
				if values[node+"/$name"] == "" || values[node+"/$type"] == "" {
					t.Errorf("%s: node %s is not described", id, node)
				}
				for _, property := range strings.Split(values[node+"/$properties"], ",") {
					path := node + "/" + property
					value, has := values[path]
					if momentary := values[path+"/$retained"] == "false"; momentary == has {
						t.Errorf("%s: %s is momentary: %v, and has a value: %v", id, path, momentary, has)
					}
					if has {
						described++
					}
					datatype, format := values[path+"/$datatype"], values[path+"/$format"]
					if datatype == "color" {
						value = "hsv," + value
					}
					if err := homieFits(datatype, format, value); has && err != nil {
						t.Errorf("%s: %s: %v", id, path, err)
					}
					if settable := values[path+"/$settable"] == "true"; settable != tape.listens(base+path+"/set") {
						t.Errorf("%s: %s is settable: %v, but listens otherwise", id, path, settable)
					}
				}
			}
			count := 0
			for path := range values {
				if !strings.Contains(path, "$") {
					count++
				}
			}
			if count != described || count == 0 {
				t.Errorf("%s says %d values, of which %d are described", id, count, described)
			}
			want := "4.0.0"
			if strings.HasPrefix(id, "h3") {
				want = "3.0.1"
			}
			if values["$homie"] != want {
				t.Errorf("%s speaks Homie %s", id, values["$homie"])
			}
		}
	})
}

func TestOldHomieIsLostReadyDisconnectedAndSleeping(t *testing.T) {
	const sleeper = "\n  - {name: H4 sleeper, room: Room, kind: climate sensor, speaks: homie4, sleeps: 2m}\n"
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		ear, _ := listen(t, b, "#")
		s, halt := open(t, b, parse(t, oldHomieHouse+sleeper), simulator.Options{Seed: 1})
		<-s.Ready()
		if err := s.CutPower("h4-fan"); err != nil {
			t.Fatal(err)
		}
		var states []string
		for range 5 * 60 {
			time.Sleep(time.Second)
			synctest.Wait()
			ear.mu.Lock()
			if state := ear.last["homie/h4-sleeper/$state"]; len(states) == 0 || states[len(states)-1] != state {
				states = append(states, state)
			}
			ear.mu.Unlock()
		}
		if want := []string{"ready", "sleeping", "ready", "sleeping", "ready", "sleeping"}; !slices.Equal(states, want) {
			t.Errorf("in five minutes the sleeper was %q", states)
		}
		ear.want(t, "without power", "homie/h4-fan/$state", "lost")
		if err := s.RestorePower("h4-fan"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		ear.want(t, "with power again", "homie/h4-fan/$state", "ready")
		halt()
		synctest.Wait()
		ear.want(t, "after the house was closed", "homie/h3-light/$state", "disconnected")
	})
}
