package simulator_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator"
)

// FuzzCommand throws payloads at every command topic of a house: no device may break, and what it says stays well-formed.
func FuzzCommand(f *testing.F) {
	house := parse(f, commandHouse)
	for _, more := range []string{espHouse, oldHomieHouse} {
		house.Devices = append(house.Devices, parse(f, more).Devices...)
	}
	seeds := []string{
		"true", "ON", "40", "-1e309", "NaN", "hsv,120,50,100", "hsv,,,", "30,60", `{"state":"ON","brightness":102,"transition":1e300}`,
		`{"color":{"h":1e308,"s":-1}}`, `{"color_temp":0}`, `{"state":null}`, "OPEN", "STOP", "", "\x00", "open", "quick",
	}
	for _, payload := range seeds {
		for _, path := range []string{"light/brightness", "light/color", "cover/position", "lock/state", "fan/speed", "climate/mode"} {
			f.Add(path, payload)
		}
	}
	if len(seeds) == 0 {
		f.Fatal("there are no seeds")
	}
	f.Fuzz(func(t *testing.T, path, payload string) {
		s, err := simulator.New(house, simulator.Options{})
		if err != nil {
			t.Fatal(err)
		}
		topics := s.Topics()
		for _, id := range slices.Sorted(maps.Keys(topics)) {
			for _, filter := range topics[id] {
				topic := strings.Replace(filter, "+/+", path, 1)
				for _, m := range s.Hear(id, broker.Message{Topic: topic, Payload: []byte(payload)}) {
					if strings.HasPrefix(string(m.Payload), "{") && m.Topic == "sim/"+id && !json.Valid(m.Payload) {
						t.Errorf("%s makes %s say %s", payload, id, m.Payload)
					}
				}
			}
		}
	})
}
