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
	house.Rooms = parse(f, zigbeeHouse).Rooms
	for _, more := range []string{espHouse, oldHomieHouse, zigbeeHouse, formHouse} {
		house.Devices = append(house.Devices, parse(f, more).Devices...)
	}
	seeds := []string{
		"true", "ON", "40", "-1e309", "NaN", "hsv,120,50,100", "hsv,,,", "30,60", `{"state":"ON","brightness":102,"transition":1e300}`,
		`{"color":{"h":1e308,"s":-1}}`, `{"color_temp":0}`, `{"state":null}`, "OPEN", "STOP", "", "\x00", "open", "quick",
		`{"color":{"x":0.3,"y":1e-320}}`, `{"color":"#fffffff"}`, `{"brightness":"1e3","transition":-1}`, `{"time":"1e999"}`,
		`{"from":"plug","to":"a/b\u0000"}`, `{"id":"plug","options":{"retain":true}}`, `{"friendly_name":7,"transaction":{}}`, `[1]`,
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
				for _, topic := range append(zigbeeTopics(path, filter), topic) {
					for _, m := range s.Hear(id, broker.Message{Topic: topic, Payload: []byte(payload)}) {
						if strings.HasPrefix(string(m.Payload), "{") && (m.Topic == "sim/"+id || id == "zigbee2mqtt") && !json.Valid(m.Payload) {
							t.Errorf("%s makes %s say %s", payload, id, m.Payload)
						}
						if broker.ValidTopic(m.Topic) != nil {
							t.Errorf("%s makes %s publish to %q", payload, id, m.Topic)
						}
					}
				}
			}
		}
	})
}

// zigbeeTopics are the topics of commands and requests to the bridge, for its filter.
func zigbeeTopics(path, filter string) (list []string) {
	base, ok := strings.CutSuffix(filter, "/#")
	if !ok {
		return nil
	}
	for _, name := range []string{
		"living room/lamp", "All lights", "plug", "bedroom/radiator", "motion", "shutter", "lock", "fan", "exhaust fan", "attic",
	} {
		list = append(list, base+"/"+name+"/set", base+"/"+name+"/get", base+"/"+name+"/set/"+path, base+"/"+name+"/set/color")
	}
	for _, what := range []string{
		"permit_join", "device/rename", "device/remove", "device/options", "device/interview", "device/ota_update/update", "group/add",
		"group/rename", "group/members/add", "group/remove", "options", "restart", path,
	} {
		list = append(list, base+"/bridge/request/"+what)
	}
	return list
}
