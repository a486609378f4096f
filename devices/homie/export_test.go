package homie_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homie"
	shared "home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/hub"
)

var _ hub.Exporter = (*homie.Exporter)(nil)

// house is a view of devices of every kind, with a value for everything that has one.
func house(tb testing.TB) hub.View {
	number := func(f float64) *float64 { return &f }
	rw := func(p devices.Property) devices.Property {
		p.Readable, p.Settable = true, true
		return p
	}
	ro := func(p devices.Property) devices.Property {
		p.Readable = true
		return p
	}
	d := devices.Device{
		ID: "everything", Name: "Everything & more", Room: "Büro", Model: "E-1",
		Components: []devices.Component{
			{ID: "blind", Kind: devices.Cover, Properties: []devices.Property{
				rw(devices.Property{ID: "position", Datatype: devices.Float, Unit: "%", Min: number(0), Max: number(100), Step: 1}),
				rw(devices.Property{ID: "state", Datatype: devices.Enum, Choices: []string{"open", "opening", "closed", "closing", "stopped"}, Wanted: []string{"open", "closed"}}),
				{ID: "stop", Datatype: devices.Bool, Settable: true, Momentary: true},
				rw(devices.Property{ID: "tilt", Datatype: devices.Float, Unit: "%", Min: number(0), Max: number(100)}),
			}},
			{ID: "door", Kind: devices.Lock, Properties: []devices.Property{
				{ID: "open", Datatype: devices.Bool, Settable: true, Momentary: true},
				rw(devices.Property{ID: "state", Datatype: devices.Enum, Choices: []string{"locked", "unlocked", "jammed"}, Wanted: []string{"unlocked", "locked"}}),
			}},
			{ID: "heating", Kind: devices.Climate, Name: "Heating", Properties: []devices.Property{
				ro(devices.Property{ID: "action", Datatype: devices.Enum, Choices: []string{"heating", "idle", "off"}}),
				ro(devices.Property{ID: "current-temperature", Datatype: devices.Float, Unit: "°C"}),
				rw(devices.Property{ID: "mode", Datatype: devices.Enum, Choices: []string{"off", "heat", "heat_cool", "fan_only"}}),
				rw(devices.Property{ID: "preset", Datatype: devices.Enum, Choices: []string{"eco", "away"}}),
				rw(devices.Property{ID: "target-temperature", Datatype: devices.Float, Unit: "°C", Min: number(5), Max: number(30), Step: 0.5}),
			}},
			{ID: "knob", Kind: devices.EventSource, Properties: []devices.Property{
				{ID: "event", Datatype: devices.Enum, Choices: []string{"single", "double"}, Readable: true, Momentary: true},
			}},
			{ID: "light", Kind: devices.Light, Properties: []devices.Property{
				rw(devices.Property{ID: "brightness", Datatype: devices.Float, Unit: "%", Min: number(0), Max: number(100), Step: 0.392156862745}),
				rw(devices.Property{ID: "color", Datatype: devices.Color}),
				rw(devices.Property{ID: "color-temperature", Datatype: devices.Int, Unit: "K", Min: number(2000), Max: number(6536)}),
				rw(devices.Property{ID: "effect", Datatype: devices.Enum, Choices: []string{"none", "party"}}),
				rw(devices.Property{ID: "on", Datatype: devices.Bool}),
			}},
			{ID: "meter", Kind: devices.Sensor, Properties: []devices.Property{
				ro(devices.Property{ID: "energy", Datatype: devices.Float, Unit: "kWh", Class: "energy"}),
				ro(devices.Property{ID: "power", Datatype: devices.Float, Unit: "W", Class: "power"}),
				ro(devices.Property{ID: "uptime", Datatype: devices.Int, Unit: "s", Class: "duration"}),
			}},
			{ID: "motion", Kind: devices.BinarySensor, Properties: []devices.Property{
				ro(devices.Property{ID: "battery", Datatype: devices.Int, Unit: "%", Class: "battery"}),
				ro(devices.Property{ID: "occupancy", Datatype: devices.Bool, Class: "occupancy"}),
			}},
			{ID: "plug", Kind: devices.Switch, Properties: []devices.Property{
				rw(devices.Property{ID: "on", Datatype: devices.Bool}),
				ro(devices.Property{ID: "power", Datatype: devices.Float, Unit: "W", Class: "power"}),
			}},
			{ID: "reset", Kind: devices.Button, Properties: []devices.Property{{ID: "press", Datatype: devices.Bool, Settable: true, Momentary: true}}},
			{ID: "speaker", Kind: devices.Text, Properties: []devices.Property{rw(devices.Property{ID: "value", Datatype: devices.String})}},
			{ID: "ventilator", Kind: devices.Fan, Properties: []devices.Property{
				rw(devices.Property{ID: "direction", Datatype: devices.Enum, Choices: []string{"forward", "reverse"}}),
				rw(devices.Property{ID: "on", Datatype: devices.Bool}),
				rw(devices.Property{ID: "oscillating", Datatype: devices.Bool}),
				rw(devices.Property{ID: "speed", Datatype: devices.Float, Unit: "%", Min: number(0), Max: number(100), Step: 25}),
			}},
			{ID: "washer", Kind: devices.Appliance, Properties: []devices.Property{
				ro(devices.Property{ID: "phase", Datatype: devices.Enum, Choices: []string{"idle", "wash", "spin"}}),
				ro(devices.Property{ID: "plan", Datatype: devices.JSON}),
				rw(devices.Property{ID: "program", Datatype: devices.Enum, Choices: []string{"cotton 40°", "wool"}}),
			}},
		},
	}
	jsonValue, err := devices.JSONValue(`{"steps":[1,2]}`)
	if err != nil {
		tb.Fatal(err)
	}
	v := hub.View{Device: d, Reach: devices.Reach{Presence: devices.Online}, Reported: map[string]devices.Reading{}, Targets: map[string]devices.Value{}}
	for path, value := range map[string]devices.Value{
		"blind/position": shared.Float(tb, 33), "blind/state": devices.EnumValue("opening"), "blind/tilt": shared.Float(tb, 0.25),
		"door/state": devices.EnumValue("jammed"), "heating/action": devices.EnumValue("heating"),
		"heating/current-temperature": shared.Float(tb, -0.5), "heating/mode": devices.EnumValue("heat_cool"), "heating/preset": devices.EnumValue("eco"),
		"heating/target-temperature": shared.Float(tb, 21.5), "light/brightness": shared.Float(tb, 49.8039215686), "light/color": shared.Color(tb, 30.5, 80),
		"light/color-temperature": devices.IntValue(2703), "light/effect": devices.EnumValue("none"), "light/on": devices.BoolValue(true),
		"meter/energy": shared.Float(tb, 1e16), "meter/power": shared.Float(tb, 1e-9), "meter/uptime": devices.IntValue(86400), "motion/battery": devices.IntValue(87),
		"motion/occupancy": devices.BoolValue(false), "plug/on": devices.BoolValue(false), "plug/power": shared.Float(tb, 3.2), "speaker/value": devices.TextValue(""),
		"ventilator/direction": devices.EnumValue("reverse"), "ventilator/on": devices.BoolValue(true), "ventilator/oscillating": devices.BoolValue(true),
		"ventilator/speed": shared.Float(tb, 75), "washer/phase": devices.EnumValue("spin"), "washer/plan": jsonValue, "washer/program": devices.EnumValue("cotton 40°"),
	} {
		v.Reported[path] = devices.Reading{Value: value}
	}
	v.Targets["blind/position"] = shared.Float(tb, 100)
	return v
}

func TestWhatIsExportedReadsBackTheSame(t *testing.T) {
	v := house(t)
	l := listen(t)
	got := hub.View{Reported: map[string]devices.Reading{}, Targets: map[string]devices.Value{}}
	for _, m := range homie.NewExporter("elsewhere").Describe(v) {
		if err := broker.ValidTopic(m.Topic); err != nil || !m.Retain || m.QoS != 1 {
			t.Errorf("%s: %v, retain %v, QoS %d", m.Topic, err, m.Retain, m.QoS)
		}
		m.Retain = false
		u := l.Apply(m, l.Parse(m))
		for _, f := range u.Faults {
			t.Errorf("%s: %s", f.Topic, f.Reason)
		}
		for _, a := range u.Devices {
			got.Device = a.Device
		}
		for _, r := range u.Readings {
			got.Reported[r.Ref.String()] = devices.Reading{Value: r.Value}
		}
		for _, r := range u.Targets {
			got.Targets[r.Ref.String()] = r.Value
		}
		for _, r := range u.Reaches {
			got.Reach.Presence = r.Presence
		}
	}
	v.Identifiers, v.Convention, v.Via = []string{"elsewhere/5/everything"}, "homie", "elsewhere/homehub"
	same := []cmp.Option{cmp.Comparer(func(a, b devices.Value) bool { return a == b }), cmpopts.EquateEmpty()}
	for _, part := range [][2]any{{v.Device, got.Device}, {v.Reported, got.Reported}, {v.Targets, got.Targets}, {v.Reach, got.Reach}} {
		if diff := cmp.Diff(part[0], part[1], same...); diff != "" {
			t.Error(diff)
		}
	}
}

func TestDescriptionForOtherReaders(t *testing.T) {
	v := hub.View{Device: devices.Device{ID: "plug", Name: "Plug", Room: "Hall", Components: []devices.Component{{ID: "switch", Kind: devices.Switch, Properties: []devices.Property{
		{ID: "on", Datatype: devices.Bool, Readable: true, Settable: true},
		{ID: "limit", Datatype: devices.Int, Unit: "W", Min: new(-0.5), Step: 10, Settable: true},
		{ID: "odd", Datatype: devices.Enum, Choices: []string{"a,b", "c"}, Readable: true},
		{ID: "press", Datatype: devices.Bool, Settable: true, Momentary: true},
		{ID: "plan", Datatype: devices.JSON, Readable: true},
	}}}}, Reported: map[string]devices.Reading{
		"switch/on": {Value: devices.BoolValue(true)}, "switch/press": {Value: devices.BoolValue(true)}, "switch/odd": {Value: devices.EnumValue("a,b")},
	}}
	var got []string
	for _, m := range homie.NewExporter("hub").Describe(v) {
		got = append(got, m.Topic+" "+string(m.Payload))
	}
	var doc map[string]any
	_, text, _ := strings.Cut(got[0], " ")
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	version := doc["version"]
	doc["version"] = 0.0
	want := map[string]any{
		"homie": "5.0", "version": 0.0, "name": "Plug", "room": "Hall", "root": "homehub",
		"nodes": map[string]any{"switch": map[string]any{"type": "switch", "properties": map[string]any{
			"on":    map[string]any{"datatype": "boolean", "settable": true},
			"limit": map[string]any{"datatype": "integer", "format": "0::10", "unit": "W", "settable": true},
			"odd":   map[string]any{"datatype": "string"},
			"press": map[string]any{"datatype": "boolean", "settable": true, "retained": false},
			"plan":  map[string]any{"datatype": "json"},
		}}},
	}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"hub/5/plug/switch/on true", "hub/5/plug/switch/odd a,b", "hub/5/plug/$state init"}, got[1:]); diff != "" {
		t.Error(diff)
	}
	v.Name = "Plug 2"
	if err := json.Unmarshal(homie.NewExporter("hub").Describe(v)[0].Payload, &doc); err != nil || doc["version"] == version || doc["version"].(float64) != float64(int64(doc["version"].(float64))) {
		t.Errorf("the version of another description is %v, was %v (%v)", doc["version"], version, err)
	}
}

func TestTheRootOfTheExport(t *testing.T) {
	e := homie.NewExporter("hub")
	got := e.Root([]string{"lamp", "plug"}, true)
	if len(got) != 2 || got[0].Topic != "hub/5/homehub/$description" || got[1].Topic != "hub/5/homehub/$state" || string(got[1].Payload) != "ready" {
		t.Fatalf("got %v", got)
	}
	var doc map[string]any
	if err := json.Unmarshal(got[0].Payload, &doc); err != nil {
		t.Fatal(err)
	}
	delete(doc, "version")
	want := map[string]any{"homie": "5.0", "name": "Homehub", "type": "hub", "children": []any{"lamp", "plug"}, "nodes": map[string]any{}}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(e.Will(), e.Root(nil, false)[1]); diff != "" {
		t.Errorf("the will is another word than the last one (-will +word):\n%s", diff)
	}
	if w := e.Will(); w.Topic != "hub/5/homehub/$state" || string(w.Payload) != "lost" || !w.Retain || w.QoS != 1 {
		t.Errorf("the will is %+v", w)
	}
}

func TestSingleMessagesOfTheExport(t *testing.T) {
	e := homie.NewExporter("hub")
	ref := devices.Ref{Component: "c", Property: "p"}
	momentary := devices.Property{ID: "p", Datatype: devices.Enum, Choices: []string{"x"}, Readable: true, Momentary: true}
	state := devices.Property{ID: "p", Datatype: devices.String, Readable: true}
	scalar, err := devices.JSONValue("5")
	if err != nil {
		t.Fatal(err)
	}
	great, err := devices.FloatValue(1 << 53)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		got  []broker.Message
		want string
	}{
		"an event is not kept":            {e.Value("d", momentary, ref, devices.EnumValue("x")), "hub/5/d/c/p x 0 false"},
		"an event has no target":          {e.Target("d", momentary, ref, devices.EnumValue("x")), ""},
		"an event cannot be taken back":   {e.Value("d", momentary, ref, devices.Value{}), ""},
		"a value is kept":                 {e.Value("d", state, ref, devices.TextValue("x")), "hub/5/d/c/p x 1 true"},
		"an empty text is not a deletion": {e.Value("d", state, ref, devices.TextValue("")), "hub/5/d/c/p \x00 1 true"},
		"no value clears":                 {e.Value("d", state, ref, devices.Value{}), "hub/5/d/c/p  1 true"},
		"a target":                        {e.Target("d", state, ref, devices.TextValue("x")), "hub/5/d/c/p/$target x 1 true"},
		"a target is taken back":          {e.Target("d", state, ref, devices.Value{}), "hub/5/d/c/p/$target  1 true"},
		"a great whole number has no exponent": {
			e.Value("d", devices.Property{ID: "p", Datatype: devices.Float}, ref, great), "hub/5/d/c/p 9007199254740992 1 true",
		},
		"a value of the wrong type is left":    {e.Value("d", state, ref, devices.BoolValue(true)), ""},
		"a json scalar is left":                {e.Value("d", devices.Property{Datatype: devices.JSON}, ref, scalar), ""},
		"online":                               {e.State("d", devices.Reach{Presence: devices.Online}), "hub/5/d/$state ready 1 true"},
		"offline":                              {e.State("d", devices.Reach{Presence: devices.Offline, Why: "x"}), "hub/5/d/$state lost 1 true"},
		"offline after a Homie device's word":  {e.State("d", devices.Reach{Presence: devices.Offline, Why: "it said goodbye"}), "hub/5/d/$state disconnected 1 true"},
		"asleep":                               {e.State("d", devices.Reach{Presence: devices.Asleep}), "hub/5/d/$state sleeping 1 true"},
		"starting":                             {e.State("d", devices.Reach{Presence: devices.Starting}), "hub/5/d/$state init 1 true"},
		"unknown":                              {e.State("d", devices.Reach{Presence: devices.Unknown}), "hub/5/d/$state init 1 true"},
		"nothing known of the presence at all": {e.State("d", devices.Reach{}), "hub/5/d/$state init 1 true"},
	} {
		var got []string
		for _, m := range test.got {
			b, err := json.Marshal([]any{m.QoS, m.Retain})
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, m.Topic+" "+string(m.Payload)+" "+strings.NewReplacer("[", "", "]", "", ",", " ").Replace(string(b)))
		}
		if strings.Join(got, "\n") != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestWishes(t *testing.T) {
	e := homie.NewExporter("hub")
	if e.All() != "hub/5/#" || e.Commands() != "hub/5/+/+/+/set" {
		t.Errorf("filters %s, %s", e.All(), e.Commands())
	}
	path, text, ok := e.Wish(broker.Message{Topic: "hub/5/lamp/light/on/set", Payload: []byte("true")})
	if !ok || path.String() != "lamp/light/on" || text != "true" {
		t.Errorf("got %v, %q, %v", path, text, ok)
	}
	if _, text, ok := e.Wish(broker.Message{Topic: "hub/5/d/c/p/set", Payload: []byte{0}}); !ok || text != "" {
		t.Errorf("the empty text is %q, %v", text, ok)
	}
	if path, text, ok := e.Wish(broker.Message{Topic: "hub/5/blind/cover/$any/set", Payload: []byte("state=a=b")}); !ok || path.String() != "blind/cover/state" || text != "a=b" {
		t.Errorf("of any property it is %v, %q, %v", path, text, ok)
	}
	for _, m := range []broker.Message{
		{Topic: "hub/5/blind/cover/$any/set", Payload: []byte("state")},
		{Topic: "hub/5/lamp/light/on/set", Payload: []byte("true"), Retain: true},
		{Topic: "hub/5/lamp/light/on/set"},
		{Topic: "hub/5/lamp/light/on", Payload: []byte("true")},
		{Topic: "hub/5/lamp/light/set", Payload: []byte("true")},
		{Topic: "hub/5/lamp/light/on/x/set", Payload: []byte("true")},
		{Topic: "hub/5/lamp//on/set", Payload: []byte("true")},
		{Topic: "homie/5/lamp/light/on/set", Payload: []byte("true")},
		{Topic: "hub/5//set", Payload: []byte("true")},
	} {
		if path, text, ok := e.Wish(m); ok {
			t.Errorf("%+v is a wish for %v: %q", m, path, text)
		}
	}
}

func TestWishesAreReadAsPeopleTypeThem(t *testing.T) {
	e := homie.NewExporter("hub")
	percent := devices.Property{ID: "p", Datatype: devices.Float, Unit: "%"}
	seconds := devices.Property{ID: "p", Datatype: devices.Int, Unit: "s"}
	hue := devices.Property{ID: "p", Datatype: devices.Color}
	on := devices.Property{ID: "p", Datatype: devices.Bool}
	mode := devices.Property{ID: "p", Datatype: devices.Enum, Choices: []string{"heat", "off"}}
	for _, test := range []struct {
		p          devices.Property
		text, want string
	}{
		{percent, "40", "40"},
		{percent, " 40 % ", "40"},
		{percent, "40%", "40"},
		{percent, "forty", ""},
		{percent, "", ""},
		{seconds, "90", "90"},
		{seconds, "PT1M30S", "90"},
		{seconds, "90 s", "90"},
		{seconds, "1.5", ""},
		{hue, "hsv,120,100,50", "120,100"},
		{hue, "rgb,0,255,0", "120,100"},
		{hue, "#00ff00", "120,100"},
		{hue, "120,100", "120,100"},
		{hue, "xyz,0.64,0.33", "0.1,100"},
		{hue, "green", ""},
		{on, "true", "true"},
		{on, "ON", "true"},
		{on, "2", ""},
		{mode, "heat", "heat"},
		{mode, "HEAT", "heat"},
		{mode, "cool", ""},
	} {
		v, err := e.Parse(test.p, test.text)
		if test.want == "" {
			if !errors.Is(err, devices.ErrValue) {
				t.Errorf("%s %q: got %v, %v, want an error", test.p.Datatype, test.text, v, err)
			}
		} else if err != nil || v.String() != test.want || v.Datatype() != test.p.Datatype {
			t.Errorf("%s %q: got %v, %v, want %s", test.p.Datatype, test.text, v, err, test.want)
		}
	}
}
