package simulator_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/simulator"
)

// formHouse has devices whose announcements are harder to read than those of the default house.
const formHouse = `
name: Test
rooms:
  - {name: Room, use: living}
devices:
  - {name: Form light, room: Room, kind: light, speaks: homeassistant, style: partial, can: [brightness, temperature, color]}
  - {name: Form washer, room: Room, kind: washing machine, speaks: homeassistant, style: partial}
  - {name: Form climate, room: Room, kind: climate sensor, speaks: homeassistant, style: partial, topic: attic/my sensor}
  - {name: Form plug, room: Room, kind: plug, speaks: homeassistant, load: fridge, own_words: true, short: true}
  - {name: Form cover, room: Room, kind: cover, speaks: homeassistant, own_words: true}
  - {name: Form lock, room: Room, kind: lock, speaks: homeassistant, own_words: true, style: topics}
  - {name: Form fan, room: Room, kind: fan, speaks: homeassistant, own_words: true, volatile: true}
  - {name: Form remote, room: Room, kind: remote, speaks: homeassistant, form: single}
`

func TestTheHarderFormsAnnounceThemselvesAsWritten(t *testing.T) { announcesAsWritten(t, formHouse) }

func TestTheHarderFormsObey(t *testing.T) {
	atNoon(t, formHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		obeyed(t, ts, []order{
			{
				"form-light", "sim/form-light/set", `{"state":"ON","color":{"h":200,"s":50}}`,
				[]string{`sim/form-light {"state":"ON","color":{"h":200,"s":50},"color_mode":"hs"}`},
				nil,
			},
			{"form-light", "sim/form-light/set", `{"state":"OFF"}`, []string{`sim/form-light {"state":"OFF","color_mode":"hs"}`}, nil},
			{"form-light", "sim/form-light/set", `{"color_temp":250}`, nil, []string{`sim/form-light "color_mode":"color_temp"`}},
			{"form-washer", "sim/form-washer/start/set", "START", []string{`sim/form-washer "remaining":`}, nil},
			{"form-washer", "sim/form-washer/running/set", "OFF", []string{`sim/form-washer "remaining":null`}, nil},
			{"form-plug", "sim/form-plug/switch/set", "aus", []string{`sim/form-plug "state":"aus"`}, nil},
			{"form-cover", "sim/form-cover/set", "auf", []string{`sim/form-cover "state":"öffnet"`}, []string{`sim/form-cover "state":"offen"`}},
			{"form-lock", "sim/form-lock/set", "schließ auf", []string{"sim/form-lock/state sperrt auf"}, []string{"sim/form-lock/state aufgesperrt"}},
			{"form-fan", "sim/form-fan/set", "an", []string{`sim/form-fan "state":"an"`}, nil},
		})
		for device, m := range map[string][2]string{
			"form-plug": {"sim/form-plug/switch/set", "ON"}, "form-cover": {"sim/form-cover/set", "OPEN"}, "form-lock": {"sim/form-lock/set", "LOCK"},
		} {
			if said := ts.of(device).hear(m[0], m[1]); len(said) > 0 {
				t.Errorf("%s knows the usual word %s:\n%s", device, m[1], show(said))
			}
		}
	})
}

func TestADocumentOfWhatHasChangedIsShort(t *testing.T) {
	atNoon(t, formHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		tape := ts.of("form-climate")
		tape.taken()
		time.Sleep(time.Minute)
		synctest.Wait()
		short := 0
		for _, m := range tape.taken() {
			if m.Topic != "attic/my sensor" {
				t.Errorf("it says %s", m.Topic)
			}
			if text := string(m.Payload); !strings.Contains(text, "battery") {
				short++
			}
		}
		if short < 3 {
			t.Errorf("in a minute it sent %d short documents", short)
		}
	})
}

func TestAVolatileWillIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		ear, _ := listen(t, b, "#")
		s, _ := open(t, b, parse(t, formHouse), simulator.Options{Seed: 1})
		<-s.Ready()
		if err := s.CutPower("form-fan"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		ear.want(t, "without power", "sim/form-fan/availability", "offline")
		late, _ := listen(t, b, "sim/+/availability")
		time.Sleep(time.Second)
		synctest.Wait()
		late.mu.Lock()
		defer late.mu.Unlock()
		if text, has := late.last["sim/form-fan/availability"]; has || late.last["sim/form-plug/availability"] != "online" {
			t.Errorf("who comes late hears %q, and %v", text, late.last)
		}
	})
}
