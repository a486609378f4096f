package valetudo_test

import (
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/devices/valetudo"
)

var convention = house.Maker(valetudo.New)

func TestConventionKeepsItsContract(t *testing.T) {
	house.Contract(t, convention, house.File(t, "house.tsv"))
}

func TestTheHouseBecomesWhatWasCheckedByEye(t *testing.T) {
	house.Told(t, convention(t))
}

const fox = "valetudo/4/SpottedCleverFox"

func TestCommands(t *testing.T) {
	c := convention(t)
	for _, m := range house.File(t, "house.tsv") {
		c.Apply(m, c.Parse(m))
	}
	for _, test := range []struct {
		ref   string
		value devices.Value
		want  string
	}{
		{"vacuum/state", devices.EnumValue("cleaning"), "BasicControlCapability/operation/set START"},
		{"vacuum/state", devices.EnumValue("docked"), "BasicControlCapability/operation/set HOME"},
		{"vacuum/state", devices.EnumValue("paused"), "BasicControlCapability/operation/set PAUSE"},
		{"vacuum/stop", devices.BoolValue(true), "BasicControlCapability/operation/set STOP"},
		{"vacuum/locate", devices.BoolValue(true), "LocateCapability/locate/set PERFORM"},
		{"vacuum/fan-speed", devices.EnumValue("turbo"), "FanSpeedControlCapability/preset/set turbo"},
		{"empty-dustbin/press", devices.BoolValue(true), "AutoEmptyDockManualTriggerCapability/trigger/set PERFORM"},
		{"reset-brush-main/press", devices.BoolValue(true), "ConsumableMonitoringCapability/brush-main/reset/set PERFORM"},
		{"reset-brush-side-right/press", devices.BoolValue(true), "ConsumableMonitoringCapability/brush-side_right/reset/set PERFORM"},
		{"key-lock/on", devices.BoolValue(true), "KeyLockCapability/enabled/set ON"},
	} {
		component, property, _ := strings.Cut(test.ref, "/")
		got, err := c.Encode(fox, devices.Ref{Component: component, Property: property}, test.value)
		if err != nil || len(got) != 1 || got[0].Topic+" "+string(got[0].Payload) != "valetudo/SpottedCleverFox/"+test.want || got[0].Retain {
			t.Errorf("%s = %s: %v, %v, want %s", test.ref, test.value, got, err, test.want)
		}
	}
}

func TestTheRobotIsNotReadByHomie(t *testing.T) {
	c := homie.New()
	messages := house.File(t, "house.tsv")
	messages[0], messages[1] = messages[1], messages[0] // the order of the firmware: the $homie comes first
	for _, m := range messages {
		for _, base := range []string{"valetudo/", "upstairs/"} {
			m.Topic = base + m.Topic[strings.IndexByte(m.Topic, '/')+1:]
			if u := c.Apply(m, c.Parse(m)); len(u.Devices) > 0 {
				t.Fatalf("%s: homie announces %s", m.Topic, u.Devices[0].Key)
			}
		}
	}
}

func TestARobotUnderAnyRootIsOne(t *testing.T) {
	c := convention(t)
	found := false
	for _, m := range house.File(t, "house.tsv") {
		m.Topic = "upstairs" + strings.TrimPrefix(m.Topic, "valetudo")
		found = found || len(c.Apply(m, c.Parse(m)).Devices) > 0
	}
	if !found {
		t.Error("a robot under another root is not found")
	}
	for _, line := range house.Say(c, "upstairs/SpottedCleverFox/StatusStateAttribute/status", "dancing") {
		if want := `fault upstairs/4/SpottedCleverFox at upstairs/SpottedCleverFox/StatusStateAttribute/status: "dancing" is not one of its choices`; line != want {
			t.Errorf("got %s, want %s", line, want)
		}
	}
}

func FuzzConvention(f *testing.F) {
	whole := house.File(f, "house.tsv")
	loose := slices.DeleteFunc(slices.Clone(whole), func(m broker.Message) bool { return strings.HasSuffix(m.Topic, "/locate/$datatype") })
	house.Fuzz(f, convention, append(house.Seeds(whole), house.Seeds(loose)[0])...)
}

func BenchmarkState(b *testing.B) {
	c := convention(b)
	for _, m := range house.File(b, "house.tsv") {
		c.Apply(m, c.Parse(m))
	}
	house.Bench(b, c, house.Message("valetudo/SpottedCleverFox/BatteryStateAttribute/level 42"), 1)
}
