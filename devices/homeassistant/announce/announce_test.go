package announce_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/announce"
	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/hub"
)

func announcer(tb testing.TB, o announce.Options) *announce.Announcer {
	tb.Helper()
	a, err := announce.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func TestEveryKindHasItsEntities(t *testing.T) {
	var b strings.Builder
	for _, m := range announcer(t, announce.Options{All: true}).Announce(everything()) {
		if !m.Retain || m.QoS != 1 {
			t.Errorf("%s: retain %v, QoS %d", m.Topic, m.Retain, m.QoS)
		}
		if err := broker.ValidTopic(m.Topic); err != nil {
			t.Error(err)
		}
		var c map[string]json.RawMessage
		if err := json.Unmarshal(m.Payload, &c); err != nil {
			t.Fatalf("%s: %v", m.Topic, err)
		}
		levels := strings.Split(m.Topic, "/")
		for key, want := range map[string]string{
			"origin": `{"name":"Homehub"}`, "unique_id": `"` + levels[2] + "_" + levels[3] + `"`, "availability_mode": `"all"`, "qos": "1",
			"availability": `[{"topic":"hub/5/homehub/$state","value_template":` + available + `},{"topic":"hub/5/everything/$state","value_template":` + available + `}]`,
		} {
			if string(c[key]) != want {
				t.Errorf("%s has %s %s, want %s", m.Topic, key, c[key], want)
			}
		}
		for _, common := range []string{"availability", "availability_mode", "device", "origin", "qos", "unique_id"} {
			delete(c, common) // the same in all of them
		}
		fmt.Fprintf(&b, "%s\n", m.Topic)
		for _, key := range slices.Sorted(maps.Keys(c)) {
			fmt.Fprintf(&b, "  %s: %s\n", key, c[key])
		}
	}
	house.Golden(t, "everything.golden", b.String())
}

// available is what says whether the hub or a device is there.
const available = `"{{ 'online' if value in ['ready', 'sleeping'] else 'offline' }}"`

func TestAWholeAnnouncement(t *testing.T) {
	v := hub.View{Device: devices.Device{
		ID: "plug", Name: "Plug", Room: "Hall", Manufacturer: "Acme", Model: "P1", Firmware: "14.2", Via: "bridge", Convention: "tasmota",
		Connections: []devices.Connection{{Kind: "mac", Value: "00:11:22:33:44:55"}},
		Components:  []devices.Component{{ID: "relay", Kind: devices.Switch, Properties: []devices.Property{rw("on", devices.Bool)}}},
	}, Conventions: []string{"tasmota"}}
	got := announcer(t, announce.Options{Prefix: "ha/discovery", Domain: "house", All: true}).Announce(v)
	want := []broker.Message{{
		Topic: "ha/discovery/switch/homehub_plug/relay/config", QoS: 1, Retain: true,
		Payload: []byte(`{"availability":[{"topic":"house/5/homehub/$state","value_template":` + available + `},{"topic":"house/5/plug/$state","value_template":` + available + `}],` +
			`"availability_mode":"all",` +
			`"command_topic":"house/5/plug/relay/on/set","device":{"connections":[["mac","00:11:22:33:44:55"]],"identifiers":["homehub_plug"],"manufacturer":"Acme",` +
			`"model":"P1","name":"Plug","suggested_area":"Hall","sw_version":"14.2","via_device":"homehub_bridge"},"name":null,"origin":{"name":"Homehub"},` +
			`"payload_off":"false","payload_on":"true","qos":1,"state_topic":"house/5/plug/relay/on","unique_id":"homehub_plug_relay"}`),
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhoseDevicesAreAnnounced(t *testing.T) {
	for _, c := range []struct {
		name        string
		options     announce.Options
		conventions []string
		want        bool
	}{
		{"all", announce.Options{All: true}, []string{"shelly"}, true},
		{"all but what Home Assistant knows", announce.Options{All: true}, []string{"zigbee2mqtt", "homeassistant"}, false},
		{"a family that was chosen", announce.Options{Families: []string{"shelly", "tasmota"}}, []string{"tasmota"}, true},
		{"a family that was not", announce.Options{Families: []string{"shelly"}}, []string{"tasmota"}, false},
		{"one of its families", announce.Options{Families: []string{"homie"}}, []string{"tasmota", "homie"}, true},
		{"what was chosen and Home Assistant knows", announce.Options{Families: []string{"homeassistant"}}, []string{"homeassistant"}, false},
		{"nothing", announce.Options{}, []string{"tasmota"}, false},
		{"by its own word where there is no list", announce.Options{Families: []string{"tasmota"}}, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := everything()
			v.Conventions = c.conventions
			if got := len(announcer(t, c.options).Announce(v)) > 0; got != c.want {
				t.Errorf("announced: %v, want %v", got, c.want)
			}
		})
	}
}

func TestItKnowsItsOwnTopics(t *testing.T) {
	a := announcer(t, announce.Options{All: true})
	for _, m := range a.Announce(everything()) {
		if !a.Owns(m.Topic) {
			t.Errorf("%s is not known", m.Topic)
		}
		if !slices.ContainsFunc(a.Filters(), func(s broker.Subscription) bool { return broker.Match(s.Filter, m.Topic) }) {
			t.Errorf("%s matches no filter", m.Topic)
		}
	}
	for _, topic := range []string{
		"homeassistant/switch/plug/relay/config", "homeassistant/switch/homehub_/relay/config", "homeassistant/switch/homehub_a/relay/state",
		"homeassistant/switch/homehub_a/config", "homeassistant/camera/homehub_a/b/config", "elsewhere/switch/homehub_a/b/config",
		"homeassistant/switch/homehub_a b/c/config", "homeassistant/switch/homehub_a/b_c_d/config", "homeassistant/switch/Homehub_a/b/config", "",
	} {
		if a.Owns(topic) {
			t.Errorf("%q is taken for its own", topic)
		}
	}
}

func TestHomeAssistantsBirthMakesItRepeat(t *testing.T) {
	for _, c := range []struct {
		prefix, topic, payload string
		want                   bool
	}{
		{"", "homeassistant/status", "online", true},
		{"", "homeassistant/status", "offline", false},
		{"", "homeassistant/other", "online", false},
		{"ha", "ha/status", "online", true},
		{"ha", "homeassistant/status", "online", true},
	} {
		a := announcer(t, announce.Options{Prefix: c.prefix})
		m := broker.Message{Topic: c.topic, Payload: []byte(c.payload)}
		if got := a.Repeat(m); got != c.want {
			t.Errorf("%s %s with prefix %q: %v, want %v", c.topic, c.payload, c.prefix, got, c.want)
		}
		if heard := slices.ContainsFunc(a.Births(), func(s broker.Subscription) bool { return s.Filter == c.topic }); c.want && !heard {
			t.Errorf("%s is not subscribed to", c.topic)
		}
	}
}

func TestAGatewayWithoutComponentsIsThereAllTheSame(t *testing.T) {
	v := hub.View{Device: devices.Device{ID: "bridge", Name: "Bridge", Convention: "zigbee2mqtt"}, Conventions: []string{"zigbee2mqtt"}}
	got := announcer(t, announce.Options{All: true}).Announce(v)
	if len(got) != 1 || got[0].Topic != "homeassistant/binary_sensor/homehub_bridge/presence/config" ||
		!strings.Contains(string(got[0].Payload), `"state_topic":"hub/5/bridge/$state"`) || !strings.Contains(string(got[0].Payload), `"availability":[{"topic":"hub/5/homehub/$state",`) {
		t.Errorf("got %v", got)
	}
}

func TestNames(t *testing.T) {
	sensor := func(id, name string, p ...devices.Property) devices.Component {
		return devices.Component{ID: id, Kind: devices.Sensor, Name: name, Properties: p}
	}
	relay := func(id, name string, p ...devices.Property) devices.Component {
		return devices.Component{ID: id, Kind: devices.Switch, Name: name, Properties: append([]devices.Property{rw("on", devices.Bool)}, p...)}
	}
	power, temperature := ro("power", devices.Float, class("power", "W")), ro("temperature", devices.Float, class("temperature", "°C"))
	value := ro("value", devices.Float)
	const none, inherited = "(no name)", "(null)"
	for _, c := range []struct {
		name       string
		components []devices.Component
		want       []string // by topic
	}{
		{"the only relay has the device's name", []devices.Component{relay("relay", "", power)}, []string{none, inherited}},
		{"a relay with the device's name", []devices.Component{relay("relay", "kitchen Plug", power)}, []string{none, inherited}},
		{"a relay with a longer name", []devices.Component{relay("relay", "Kitchen plug: left", power)}, []string{"Left power", "Left"}},
		{"a word that only begins like the device", []devices.Component{relay("relay", "Kitchen plugs")}, []string{"Kitchen plugs"}},
		{"two relays without names", []devices.Component{relay("relay-1", ""), relay("relay-2", "")}, []string{inherited, "Relay 2"}},
		{"two relays with the same name", []devices.Component{relay("relay-1", "Pump"), relay("relay-2", "Pump")}, []string{"Relay 1 pump", "Relay 2 pump"}},
		{"a sensor of a class", []devices.Component{sensor("t", "", temperature)}, []string{none}},
		{"two sensors of a class", []devices.Component{sensor("in", "", temperature), sensor("out", "", temperature)}, []string{"In temperature", "Out temperature"}},
		{"a sensor with a name", []devices.Component{sensor("t", "Soil", temperature)}, []string{"Soil"}},
		{"a sensor with a name and more", []devices.Component{sensor("t", "Soil", power, temperature)}, []string{"Soil power", "Soil temperature"}},
		{"a value", []devices.Component{sensor("water-level", "", value)}, []string{"Water level"}},
		{"a value with a name", []devices.Component{sensor("wl", "Level of water", value, power)}, []string{"Level of water power", "Level of water"}},
		{"a property with a name", []devices.Component{sensor("t", "", ro("co2", devices.Float, named("CO₂")))}, []string{"CO₂"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := hub.View{Device: devices.Device{ID: "plug", Name: "Kitchen plug", Components: c.components}, Conventions: []string{"shelly"}}
			var got []string
			for _, m := range announcer(t, announce.Options{All: true}).Announce(v) {
				var config map[string]any
				if err := json.Unmarshal(m.Payload, &config); err != nil {
					t.Fatal(err)
				}
				switch name, there := config["name"]; {
				case !there:
					got = append(got, none)
				case name == nil:
					got = append(got, inherited)
				default:
					got = append(got, name.(string))
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAPrefixMustBeATopic(t *testing.T) {
	for _, o := range []announce.Options{{Prefix: "a/#"}, {Domain: "+"}} {
		if _, err := announce.New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// Whatever a device is like, its announcement is JSON in topics of its own.
func TestAnyShapeOfADeviceIsAnnounced(t *testing.T) {
	kinds := []devices.Kind{"", "unheard-of", devices.Vacuum, devices.Other}
	for _, c := range everything().Components {
		kinds = append(kinds, c.Kind)
	}
	var ids []string
	for _, c := range everything().Components {
		for _, p := range c.Properties {
			ids = append(ids, p.ID)
		}
	}
	odd := func(f float64) *float64 { return &f }
	bounds := []*float64{nil, odd(math.NaN()), odd(math.Inf(1)), odd(math.Inf(-1)), odd(0), odd(-1), odd(1e300)}
	a := announcer(t, announce.Options{All: true})
	n, announced := 0, 0
	for _, kind := range kinds {
		for _, datatype := range []devices.Datatype{devices.Bool, devices.Int, devices.Float, devices.Enum, devices.String, devices.Color, devices.JSON, "?"} {
			for i := range 8 {
				c := devices.Component{ID: "c", Kind: kind}
				for j, id := range ids {
					n++
					c.Properties = append(c.Properties, devices.Property{
						ID: id, Datatype: datatype, Readable: i&1 == 0, Settable: i&2 == 0, Momentary: i&4 == 0,
						Min: bounds[(n+j)%len(bounds)], Max: bounds[n%len(bounds)], Step: []float64{0, math.NaN(), math.Inf(1), -1, 1e-300, 0.5}[n%6],
						Choices: [][]string{nil, {""}, {"None", "none", "open", "closed"}}[n%3], Class: []string{"", "temperature", "\"'{{"}[n%3], Unit: "%",
					})
				}
				for _, m := range a.Announce(hub.View{Device: devices.Device{ID: "x", Components: []devices.Component{c}}}) {
					announced++
					if !json.Valid(m.Payload) || !a.Owns(m.Topic) {
						t.Fatalf("%s %s %d: %s %s", kind, datatype, i, m.Topic, m.Payload)
					}
				}
			}
		}
	}
	if announced < 1000 {
		t.Errorf("of all these shapes came %d announcements", announced)
	}
}
