package esphome_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/esphome"
	"home.arpa/homehub/devices/internal/house"
)

var convention = house.Maker(esphome.New)

func TestConventionKeepsItsContract(t *testing.T) {
	house.Contract(t, convention, house.File(t, "house.tsv"))
}

func TestTheHouseBecomesWhatWasCheckedByEye(t *testing.T) {
	house.Told(t, convention(t))
}

func whole(t testing.TB) *esphome.Convention {
	c := convention(t)
	for _, m := range house.File(t, "house.tsv") {
		c.Apply(m, c.Parse(m))
	}
	return c
}

func TestCommands(t *testing.T) {
	c := whole(t)
	green := house.Color(t, 120, 100)
	for _, test := range []struct {
		ref   string
		value devices.Value
		want  string
	}{
		{"relay/on", devices.BoolValue(true), "switch/relay/command ON"},
		{"switch-door/on", devices.BoolValue(false), "switch/door/command OFF"},
		{"limit/value", house.Float(t, 3.5), "number/limit/command 3.5"},
		{"scene/value", devices.TextValue("Night"), "select/scene/command Night"},
		{"front/state", devices.EnumValue("unlocked"), "lock/front/command UNLOCK"},
		{"blind/state", devices.EnumValue("closed"), "cover/blind/command CLOSE"},
		{"blind/stop", devices.BoolValue(true), "cover/blind/command STOP"},
		{"blind/position", house.Float(t, 30), "cover/blind/position/command 30"},
		{"vent/speed-level", house.Float(t, 2), "fan/vent/speed_level/command 2"},
		{"vent/oscillating", devices.BoolValue(true), "fan/vent/oscillation/command oscillate_on"},
		{"vent/direction", devices.EnumValue("forward"), "fan/vent/direction/command forward"},
		{"heater/target-humidity", house.Float(t, 50), "climate/heater/target_humidity/command 50"},
		{"heater/mode", devices.EnumValue("off"), "climate/heater/mode/command off"},
		{"heater/target-temperature", house.Float(t, 20), "climate/heater/target_temperature/command 20"},
		{"lamp/on", devices.BoolValue(false), `light/lamp/command {"state":"OFF"}`},
		{"lamp/brightness", house.Float(t, 20), `light/lamp/command {"state":"ON","brightness":51}`},
		{"lamp/brightness", house.Float(t, 0), `light/lamp/command {"state":"OFF"}`},
		{"lamp/color", green, `light/lamp/command {"state":"ON","color":{"r":0,"g":255,"b":0}}`},
		{"strip/white", house.Float(t, 20), `light/strip/command {"state":"ON","color":{"w":51}}`},
		{"lamp/color-temperature", devices.IntValue(4000), `light/lamp/command {"state":"ON","color_temp":250}`},
	} {
		component, property, _ := strings.Cut(test.ref, "/")
		got, err := c.Encode("attic", devices.Ref{Component: component, Property: property}, test.value)
		if err != nil || len(got) != 1 || got[0].Topic+" "+string(got[0].Payload) != "attic/"+test.want {
			t.Errorf("%s = %s: %v, %v, want %s", test.ref, test.value, got, err, test.want)
		}
	}
}

func TestFaultsSayWhatWasExpectedAndWhatWasGot(t *testing.T) {
	c := whole(t)
	for _, test := range []struct{ topic, payload, key, want string }{
		{"esphome/discover/x", "hello", "", `expected a JSON object with name, mac and version, got "hello"`},
		{"esphome/discover/x", `{"name":"y"}`, "", `expected the name "x" as in the topic, got "y"`},
		{"esphome/discover/x", `{"name":"x","mac":"12"}`, "", `expected a MAC address in mac, got "12"`},
		{"attic/status", "away", "attic", `expected online or offline, got "away"`},
		{"attic/switch/relay/state", "1", "attic", `expected ON or OFF, got "1"`},
		{"attic/sensor/outside_temperature/state", "warm", "attic", `expected a number, got "warm"`},
		{"attic/lock/front/state", "OPEN", "attic", `expected one of locked, unlocked, locking, unlocking, jammed, got "open"`},
		{"attic/light/lamp/state", "ON", "attic", `expected a JSON object with state ON or OFF, got "ON"`},
		{"attic/light/lamp/state", `{"state":"ON","brightness":300}`, "attic", `expected a brightness of 0 to 255, got 300`},
		{"attic/light/strip/state", `{"state":"ON","color":{"w":256}}`, "attic", `expected a white channel of 0 to 255, got 256`},
		{"attic/sensor/x/state", strings.Repeat("x", 5000), "attic", `expected a state of at most 4096 bytes in UTF-8, got other bytes`},
	} {
		want := []string{"fault " + test.key + " at " + test.topic + ": " + test.want}
		if diff := cmp.Diff(want, house.Say(c, test.topic, test.payload)); diff != "" {
			t.Error(diff)
		}
	}
	for _, topic := range []string{"other/switch/relay/state", "attic/camera/x/state", "attic/switch/relay/command", "homeassistant/status", "esphome/discover/a b", "zima/sensor/tank/state"} {
		if got := house.Say(c, topic, "ON"); got != nil {
			t.Errorf("%s: %q", topic, got)
		}
	}
}

func TestDiscoveryTakesOverWhatWasFoundByTopics(t *testing.T) {
	c := whole(t)
	got := house.Say(c, "homeassistant/switch/attic/relay/config", "{}")
	if diff := cmp.Diff([]string{`device attic "Attic" [{mac a0:20:a6:1c:31:06}] Espressif acme.board 2024.10.2`}, got); diff != "" {
		t.Error(diff)
	}
	if got := house.Say(c, "attic/switch/relay/state", "ON"); got != nil {
		t.Errorf("a state beside the discovery: %q", got)
	}
}

func TestARenamedNodeIsNotThereTwice(t *testing.T) {
	c := whole(t)
	got := house.Say(c, "esphome/discover/loft", `{"name":"loft","version":"2024.10.2","mac":"a020a61c3106"}`)
	want := []string{`device loft "loft" [{mac a0:20:a6:1c:31:06}] Espressif  2024.10.2`, "gone attic"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"gone loft"}, house.Say(c, "esphome/discover/loft", "")); diff != "" {
		t.Error(diff)
	}
}

func TestNodesAndEntitiesAreBounded(t *testing.T) {
	c := convention(t)
	for i := range 1000 {
		house.Say(c, fmt.Sprintf("esphome/discover/n%d", i), fmt.Sprintf(`{"name":"n%d"}`, i))
	}
	if diff := cmp.Diff([]string{"fault  at esphome/discover/more: more than 1000 nodes"}, house.Say(c, "esphome/discover/more", `{"name":"more"}`)); diff != "" {
		t.Error(diff)
	}
	for i := range 200 {
		house.Say(c, fmt.Sprintf("n1/switch/s%d/state", i), "ON")
	}
	if diff := cmp.Diff([]string{"fault n1 at n1/switch/more/state: more than 200 entities of one node"}, house.Say(c, "n1/switch/more/state", "ON")); diff != "" {
		t.Error(diff)
	}
}

func FuzzConvention(f *testing.F) {
	house.Fuzz(f, convention, house.Seeds(house.File(f, "house.tsv"))...)
}

func BenchmarkState(b *testing.B) {
	c := whole(b)
	house.Bench(b, c, house.Message("attic/sensor/outside_temperature/state 21.5"), 1)
}
