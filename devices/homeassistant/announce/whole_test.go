package announce_test

import (
	"testing"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/announce"
	"home.arpa/homehub/devices/internal/house"
)

func TestWhatHomeAssistantTakesInOneObject(t *testing.T) {
	v := everything()
	all := configs(t, v)
	a := announcer(t, announce.Options{All: true})
	for _, c := range []struct {
		name, component  string
		reported         map[string]devices.Value
		entity, topicKey string
		want             string // empty: it is not told so
	}{
		{
			"a vacuum", "robot",
			map[string]devices.Value{"state": devices.EnumValue("docked"), "fan-speed": devices.EnumValue("low"), "battery": house.Float(t, 80)},
			"vacuum/robot", "state_topic", `{"state":"docked","fan_speed":"low"}`,
		},
		{"a vacuum of which nothing is known", "robot", nil, "vacuum/robot", "state_topic", `{"state":null}`},
		{
			"a phone", "phone",
			map[string]devices.Value{"latitude": house.Float(t, 48.5), "longitude": house.Float(t, -2), "accuracy": house.Float(t, 12.6)},
			"device_tracker/phone", "json_attributes_topic", `{"latitude":48.5,"longitude":-2,"gps_accuracy":13}`,
		},
		{
			"a phone that says half of where it is", "phone",
			map[string]devices.Value{"latitude": house.Float(t, 48.5)},
			"device_tracker/phone", "json_attributes_topic", `{}`,
		},
		{"a plug", "plug", map[string]devices.Value{"on": devices.BoolValue(true)}, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, ok := a.Whole(v.ID, v.Component(c.component), func(p string) devices.Value { return c.reported[p] })
			if ok != (c.want != "") || string(m.Payload) != c.want {
				t.Fatalf("got %v, %s, want %s", ok, m.Payload, c.want)
			}
			if ok && (all[c.entity][c.topicKey] != m.Topic || !m.Retain || m.QoS != 1) {
				t.Errorf("Home Assistant listens to %v, and it is told by %+v", all[c.entity][c.topicKey], m)
			}
		})
	}
}

// What has no state that Home Assistant knows, or cannot be told anything, is no vacuum but what its properties are, or a vacuum to look at.
func TestOddVacuums(t *testing.T) {
	for _, c := range []struct {
		name       string
		properties []devices.Property
		entity     string
		features   int
	}{
		{"one with states of its own", []devices.Property{rw("state", devices.Enum, choices("cleaning", "emptying"))}, "select/robot_state", 0},
		{"one that only reports", []devices.Property{ro("state", devices.Enum, choices("cleaning", "docked"))}, "vacuum/robot", 0},
		{
			"one whose fan's speed can only be read",
			[]devices.Property{ro("fan-speed", devices.Enum, choices("low")), rw("state", devices.Enum, choices("cleaning"))},
			"sensor/robot_fan-speed", 0,
		},
		{"one that can be found", []devices.Property{act("locate"), ro("state", devices.Enum, choices("cleaning"))}, "vacuum/robot", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := everything()
			v.Components = []devices.Component{{ID: "robot", Kind: devices.Vacuum, Properties: c.properties}}
			got := configs(t, v)[c.entity]
			if got == nil {
				t.Fatal("it is not announced")
			}
			if list, _ := got["supported_features"].([]any); len(list) != c.features {
				t.Errorf("it can do %v", list)
			}
		})
	}
}
