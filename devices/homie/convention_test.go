package homie_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homie"
	shared "home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
)

func TestConventionKeepsItsContract(t *testing.T) {
	conventiontest.Run(t, conventiontest.Setup{
		New:   func() hub.Convention { return homie.New() },
		House: shared.File(t, "house.tsv"),
	})
}

// listener is a convention with a shorthand for what it says.
type listener struct {
	tb testing.TB
	*homie.Convention
	devices map[string]devices.Device
}

func listen(tb testing.TB) *listener {
	return &listener{tb, homie.New(), map[string]devices.Device{}}
}

// hear returns an update as lines of text.
func (l *listener) hear(topic, payload string) []string {
	return l.take(broker.Message{Topic: topic, Payload: []byte(payload)})
}

func (l *listener) replay(topic, payload string) []string {
	return l.take(broker.Message{Topic: topic, Payload: []byte(payload), Retain: true})
}

func (l *listener) take(m broker.Message) []string {
	u := l.Apply(m, l.Parse(m))
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, a := range u.Devices {
		l.devices[a.Key] = a.Device
		say("device %s", a.Key)
	}
	for _, key := range u.Gone {
		say("gone %s", key)
	}
	for _, r := range u.Reaches {
		say("%s is %s: %s", r.Key, r.Presence, r.Why)
	}
	for _, r := range u.Readings {
		replayed := ""
		if r.Replayed {
			replayed = " (replayed)"
		}
		say("%s %s = %s%s", r.Key, r.Ref, r.Value, replayed)
	}
	for _, r := range u.Targets {
		say("%s %s -> %s", r.Key, r.Ref, r.Value)
	}
	for _, f := range u.Unsubscribe {
		say("unsubscribe %s", f)
	}
	for _, f := range u.Faults {
		say("fault %s at %s: %s", f.Key, f.Topic, f.Reason)
	}
	return lines
}

func (l *listener) want(got []string, want ...string) {
	l.tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		l.tb.Error(diff)
	}
}

const plug = `{"homie":"5.0","version":1,"name":"Plug","nodes":{"switch":{"properties":{"on":{"datatype":"boolean","settable":true},"press":{"datatype":"boolean","retained":false}}}}}`

func TestParseAsksForTheValuesOfADescribedDevice(t *testing.T) {
	c := homie.New()
	p := c.Parse(broker.Message{Topic: "attic/5/plug/$description", Payload: []byte(plug)})
	want := []broker.Subscription{{Filter: "attic/5/plug/+/+", QoS: 1}, {Filter: "attic/5/plug/+/+/$target", QoS: 1}}
	if diff := cmp.Diff(want, p.Subscribe); diff != "" {
		t.Error(diff)
	}
	for _, topic := range []string{"hub/5/plug/$description", "attic/4/plug/$description", "attic/5/$broadcast/$description", "attic/5/plug/switch/on", "attic/5/plug", "a", "$SYS/5/plug/$state"} {
		if p := c.Parse(broker.Message{Topic: topic, Payload: []byte(plug)}); p.Content != nil || p.Subscribe != nil {
			t.Errorf("%s concerns the convention: %+v", topic, p)
		}
	}
}

func TestADeviceIsAnnouncedOnceAndAgainWhenItsDescriptionChanges(t *testing.T) {
	l := listen(t)
	l.want(l.hear("a/5/plug/$state", "init"))
	l.want(l.hear("a/5/plug/$description", plug), "device a/plug", "a/plug is starting: it is connected and says what it is; it is not ready for commands yet")
	l.want(l.hear("a/5/plug/$state", "ready"), "a/plug is online: it says that it is ready")
	l.want(l.replay("a/5/plug/$description", plug))
	l.want(l.hear("a/5/plug/$description", strings.Replace(plug, "Plug", "Other plug", 1)), "device a/plug", "a/plug is online: it says that it is ready")
	if n := l.devices["a/plug"].Name; n != "Other plug" {
		t.Errorf("the same version with another name was not applied: %s", n)
	}
	l.want(l.hear("a/5/plug/$state", ""), "gone a/plug", "unsubscribe a/5/plug/+/+", "unsubscribe a/5/plug/+/+/$target")
	l.want(l.hear("a/5/plug/$description", ""))
	l.want(l.hear("a/5/plug/switch/on", ""))

	l.want(l.hear("a/5/plug/$description", plug), "device a/plug")
	l.want(l.hear("a/5/plug/$description", ""), "gone a/plug", "unsubscribe a/5/plug/+/+", "unsubscribe a/5/plug/+/+/$target")
}

func TestTheRestOfARemovedDeviceIsNoDevice(t *testing.T) {
	l := listen(t)
	l.want(l.replay("a/5/plug/$description", plug))
	l.want(l.replay("a/5/plug/$state", "lost"), "device a/plug", "a/plug is offline: its connection was lost (its will was published)")
}

func TestAnnouncementForTheHub(t *testing.T) {
	c := homie.New()
	m := broker.Message{Topic: "a/5/plug/$description", Payload: []byte(plug), Retain: true, Client: "esp"}
	c.Apply(broker.Message{Topic: "a/5/plug/$state", Payload: []byte("ready")}, c.Parse(broker.Message{Topic: "a/5/plug/$state", Payload: []byte("ready")}))
	u := c.Apply(m, c.Parse(m))
	want := []hub.Announced{{
		Key: "a/plug",
		Device: devices.Device{
			ID: "plug", Name: "Plug", Convention: "homie", Identifiers: []string{"a/5/plug"},
			Components: []devices.Component{{ID: "switch", Kind: devices.Switch, Properties: []devices.Property{
				{ID: "on", Datatype: devices.Bool, Readable: true, Settable: true},
				{ID: "press", Datatype: devices.Bool, Readable: true, Momentary: true},
			}}},
		},
		Sources:      []broker.Message{{Topic: m.Topic, Payload: m.Payload}},
		Availability: true,
	}}
	if diff := cmp.Diff(want, u.Devices); diff != "" {
		t.Error(diff)
	}
}

func TestAChildIsLostWithItsRoot(t *testing.T) {
	l := listen(t)
	child := strings.Replace(plug, `"version":1`, `"version":1,"root":"bridge","parent":"relay"`, 1)
	l.hear("a/5/bridge/$description", `{"homie":"5.0","version":1,"children":["relay"]}`)
	l.hear("a/5/bridge/$state", "ready")
	l.hear("a/5/plug/$state", "ready")
	l.want(l.hear("a/5/plug/$description", child), "device a/plug", "a/plug is online: it says that it is ready")
	if via := l.devices["a/plug"].Via; via != "a/relay" {
		t.Errorf("it is reached through %q", via)
	}
	why := "the connection of bridge, through which it is reached, was lost"
	l.want(l.hear("a/5/bridge/$state", "lost"), "a/bridge is offline: its connection was lost (its will was published)", "a/plug is offline: "+why)
	l.want(l.hear("a/5/plug/$state", "ready"), "a/plug is offline: "+why)
	l.want(l.hear("a/5/bridge/$state", "sleeping"), "a/bridge is asleep: it said that it goes to sleep", "a/plug is online: it says that it is ready")
	l.hear("a/5/bridge/$state", "lost")
	l.want(l.hear("a/5/bridge/$state", ""), "gone a/bridge", "a/plug is online: it says that it is ready", "unsubscribe a/5/bridge/+/+", "unsubscribe a/5/bridge/+/+/$target")
	l.want(l.hear("other/5/bridge/$state", "lost"))
}

func TestValuesBeforeTheDescriptionAreKept(t *testing.T) {
	l := listen(t)
	l.want(l.hear("a/5/plug/switch/on", "false"))
	l.want(l.replay("a/5/plug/switch/on", "true"))
	l.want(l.hear("a/5/plug/switch/on/$target", "false"))
	l.want(l.hear("a/5/plug/switch/press", "true"))
	l.want(l.hear("a/5/plug2/switch/on", "true"))
	l.want(l.hear("a/5/plug/$description", plug), "device a/plug", "a/plug switch/on = true (replayed)", "a/plug switch/on -> false")
	l.want(l.hear("a/5/plug/switch/on", "false"), "a/plug switch/on = false")
	for i := range 3000 { // what is kept is bounded, and the newest is kept
		l.want(l.hear(fmt.Sprintf("a/5/other-%d/switch/on", i), "true"))
	}
	l.want(l.hear("a/5/other-1/$description", plug), "device a/other-1")
	l.want(l.hear("a/5/other-2999/$description", plug), "device a/other-2999", "a/other-2999 switch/on = true")
}

func TestAKeptEventIsNone(t *testing.T) {
	l := listen(t)
	l.hear("a/5/plug/$description", plug)
	l.want(l.replay("a/5/plug/switch/press", "true"))
	l.want(l.hear("a/5/plug/switch/press", "true"), "a/plug switch/press = true")
}

func TestATargetThatIsTakenBackBecomesNoValue(t *testing.T) {
	l := listen(t)
	l.hear("a/5/plug/$description", plug)
	l.want(l.hear("a/5/plug/switch/on/$target", "true"), "a/plug switch/on -> true")
	l.want(l.hear("a/5/plug/switch/on/$target", ""), "a/plug switch/on -> ")
}

func TestFaultsNameTopicAndReason(t *testing.T) {
	l := listen(t)
	l.hear("a/5/plug/$description", plug)
	l.hear("a/5/plug/$state", "ready")
	for _, test := range []struct{ topic, payload, want string }{
		{"a/5/plug/$state", "alert", `fault a/plug at a/5/plug/$state: "alert" is not a state of a device`},
		{"a/5/plug/$state", "\xff", `fault a/plug at a/5/plug/$state: it is not valid UTF-8`},
		{"a/5/Plug_1/$state", "ready", `fault  at a/5/Plug_1/$state: the device ID is not of a-z, 0-9 and hyphens, or longer than 64`},
		{"a/5/plug/switch/on", "TRUE", `fault a/plug at a/5/plug/switch/on: "TRUE" is neither true nor false`},
		{"a/5/plug/switch/on", "\xff", `fault a/plug at a/5/plug/switch/on: it is not valid UTF-8`},
		{"a/5/plug/switch/on/$target", "1", `fault a/plug at a/5/plug/switch/on/$target: "1" is neither true nor false`},
		{"a/5/plug/switch/off", "true", `fault a/plug at a/5/plug/switch/off: the device's description does not have this property`},
		{"a/5/x/$description", "[]", `fault a/x at a/5/x/$description: it is not a JSON object`},
		{"a/5/x/$description", `{"homie":"4.0"}`, `fault a/x at a/5/x/$description: the description is in version "4.0" of homie, not 5.x`},
		{"a/5/x/$description", `{"homie":"5.0","version":1,"nodes":7}`, `fault a/x at a/5/x/$description: nodes is not a JSON object`},
		{"a/5/x/$description", `{"homie":"5.0","version":1,"root":"A B"}`, `fault a/x at a/5/x/$description: root "A B" is not a device ID of a-z, 0-9 and hyphens`},
	} {
		l.want(l.hear(test.topic, test.payload), test.want)
	}
	for _, ignored := range []string{"a/5/plug/$log/debug", "a/5/plug/$unknown/x", "a/5/plug/switch/on/set", "a/5/$broadcast/alert/x", "b/c/d/e/f"} {
		l.want(l.hear(ignored, "true"))
	}
}

func TestWhatIsWrongInADescriptionIsLeftOutAndTheRestStays(t *testing.T) {
	bad := map[string]string{
		`"A":{"datatype":"boolean"}`: `property "n"/"A": its ID is not of a-z, 0-9 and hyphens, or longer than 64`,
		`"a":7`:                      `property "n"/"a": it is not a JSON object`,
		`"a":{}`:                     `property "n"/"a": it has no datatype`,
		`"a":{"datatype":"number"}`:  `property "n"/"a": datatype "number" is unknown`,
		`"a":{"datatype":5}`:         `property "n"/"a": datatype is not a string`,
		`"a":{"datatype":"boolean","settable":"true"}`:             `property "n"/"a": settable is neither true nor false`,
		`"a":{"datatype":"enum"}`:                                  `property "n"/"a": the format "" has an empty or repeated value`,
		`"a":{"datatype":"enum","format":"x,y,x"}`:                 `property "n"/"a": the format "x,y,x" has an empty or repeated value`,
		`"a":{"datatype":"color"}`:                                 `property "n"/"a": the format "" of a color must list rgb, hsv or xyz`,
		`"a":{"datatype":"boolean","format":"on"}`:                 `property "n"/"a": the format "on" of a boolean must have two labels`,
		`"a":{"datatype":"integer","format":"1"}`:                  `property "n"/"a": the format "1" is not min:max or min:max:step`,
		`"a":{"datatype":"integer","format":"1.5:2"}`:              `property "n"/"a": in the format "1.5:2": "1.5" is not an integer`,
		`"a":{"datatype":"float","format":"2:1"}`:                  `property "n"/"a": in the format "2:1": the minimum is above the maximum`,
		`"a":{"datatype":"float","format":"0:1:0"}`:                `property "n"/"a": in the format "0:1:0": the step must be above 0`,
		`"a":{"datatype":"float","format":"0:1:1:1"}`:              `property "n"/"a": the format "0:1:1:1" is not min:max or min:max:step`,
		`"a":{"datatype":"float"}},"properties":{"a":{"datatype":`: `it is not a JSON object`,
	}
	for text, reason := range bad {
		l := listen(t)
		got := l.hear("a/5/x/$description", `{"homie":"5.0","version":1,"nodes":{"n":{"properties":{`+text+`,"fine":{"datatype":"string"}}}}}`)
		if want := "fault a/x at a/5/x/$description: " + reason; len(got) == 0 || got[len(got)-1] != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
		if d := l.devices["a/x"]; reason != "it is not a JSON object" && d.Property(devices.Ref{Component: "n", Property: "fine"}) == nil {
			t.Errorf("%s: the rest of the device was lost: %+v", text, d)
		}
	}
}

func TestForgetGivesTheFiltersBack(t *testing.T) {
	l := listen(t)
	l.hear("a/5/plug/$state", "ready")
	l.hear("a/5/plug/$description", plug)
	l.want(l.Forget("a/plug"), "a/5/plug/+/+", "a/5/plug/+/+/$target")
	l.want(l.Forget("a/plug"))
	l.want(l.hear("a/5/plug/$description", plug), "device a/plug", "a/plug is online: it says that it is ready")
}
