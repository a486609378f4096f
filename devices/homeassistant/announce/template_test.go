package announce_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant/announce"
	"home.arpa/homehub/devices/homeassistant/template"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/devices/internal/house"
	"home.arpa/homehub/hub"
)

// configs are the announcements of a device, decoded, by the two last levels before config.
func configs(tb testing.TB, v hub.View) map[string]map[string]any {
	tb.Helper()
	all := map[string]map[string]any{}
	for _, m := range announcer(tb, announce.Options{All: true}).Announce(v) {
		var c map[string]any
		if err := json.Unmarshal(m.Payload, &c); err != nil {
			tb.Fatalf("%s: %v", m.Topic, err)
		}
		levels := strings.Split(m.Topic, "/")
		all[levels[1]+"/"+levels[3]] = c
	}
	return all
}

func render(tb testing.TB, source string, c template.Context) string {
	tb.Helper()
	t, err := template.Compile(source)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := t.Render(c)
	if err != nil {
		tb.Fatalf("%s: %v", source, err)
	}
	return strings.TrimSpace(s)
}

// told are the values that the hub's exporter spells and what Home Assistant must see of them: the topic under topicKey, through the template
// under templateKey, which may be missing.
func TestHomeAssistantReadsWhatTheHubWrites(t *testing.T) {
	v := everything()
	all := configs(t, v)
	e := homie.NewExporter("hub")
	for _, c := range []struct {
		entity, topicKey, templateKey, ref string
		value                              devices.Value
		want                               string
	}{
		{"alarm_control_panel/alarm", "state_topic", "", "alarm/state", devices.EnumValue("armed_away"), "armed_away"},
		{"cover/blind", "state_topic", "", "blind/state", devices.EnumValue("opening"), "opening"},
		{"cover/blind", "position_topic", "", "blind/position", house.Float(t, 33), "33"},
		{"cover/blind", "tilt_status_topic", "", "blind/tilt", house.Float(t, 50), "50"},
		{"cover/garage", "state_topic", "", "garage/state", devices.EnumValue("closed"), "closed"},
		{"valve/faucet", "state_topic", "value_template", "faucet/state", devices.EnumValue("stopped"), "open"},
		{"valve/faucet", "state_topic", "value_template", "faucet/state", devices.EnumValue("closing"), "closing"},
		{"valve/gas", "state_topic", "value_template", "gas/position", house.Float(t, 70), "70"},
		{"lock/door", "state_topic", "", "door/state", devices.EnumValue("jammed"), "jammed"},
		{"light/bulb", "state_topic", "state_value_template", "bulb/brightness", house.Float(t, 0.5), "100"},
		{"light/bulb", "state_topic", "state_value_template", "bulb/brightness", house.Float(t, 0), "0"},
		{"light/bulb", "state_topic", "state_value_template", "bulb/brightness", devices.Value{}, "0"},
		{"light/bulb", "brightness_state_topic", "", "bulb/brightness", house.Float(t, 40.5), "40.5"},
		{"light/lamp", "state_topic", "state_value_template", "lamp/on", devices.BoolValue(true), "true"},
		{"light/lamp", "brightness_state_topic", "brightness_value_template", "lamp/brightness", house.Float(t, 100.0/254*3), "3"},
		{"light/lamp", "brightness_state_topic", "brightness_value_template", "lamp/brightness", house.Float(t, 100), "254"},
		{"light/lamp", "brightness_state_topic", "brightness_value_template", "lamp/brightness", devices.Value{}, "0"},
		{"light/lamp", "color_temp_state_topic", "color_temp_value_template", "lamp/color-temperature", devices.IntValue(2703), "370"},
		{"light/lamp", "color_temp_state_topic", "color_temp_value_template", "lamp/color-temperature", devices.Value{}, ""},
		{"light/lamp", "hs_state_topic", "hs_value_template", "lamp/color", house.Color(t, 30.5, 80), "30.5,80"},
		{"light/lamp", "hs_state_topic", "hs_value_template", "lamp/color", devices.Value{}, ""},
		{"light/lamp", "effect_state_topic", "", "lamp/effect", devices.EnumValue("party"), "party"},
		{"climate/heating", "mode_state_topic", "mode_state_template", "heating/mode", devices.EnumValue("cool"), "cool"},
		{"climate/heating", "mode_state_topic", "mode_state_template", "heating/mode", devices.EnumValue("boost"), "heat"},
		{"climate/heating", "action_topic", "action_template", "heating/action", devices.EnumValue("defrosting"), "idle"},
		{"climate/heating", "action_topic", "action_template", "heating/action", devices.EnumValue("heating"), "heating"},
		{"climate/heating", "temperature_state_topic", "temperature_state_template", "heating/target-temperature", house.Float(t, 21.5), "21.5"},
		{"water_heater/boiler", "mode_state_topic", "", "boiler/mode", devices.EnumValue("eco"), "eco"},
		{"fan/fan", "percentage_state_topic", "percentage_value_template", "fan/speed", house.Float(t, 66.6667), "2"},
		{"fan/fan", "percentage_state_topic", "percentage_value_template", "fan/speed", house.Float(t, 0), "0"},
		{"fan/fan", "oscillation_state_topic", "", "fan/oscillating", devices.BoolValue(false), "false"},
		{"fan/fan", "direction_state_topic", "", "fan/direction", devices.EnumValue("reverse"), "reverse"},
		{"lawn_mower/mower", "activity_state_topic", "activity_value_template", "mower/state", devices.EnumValue("returning"), "mowing"},
		{"lawn_mower/mower", "activity_state_topic", "activity_value_template", "mower/state", devices.EnumValue("docked"), "docked"},
		{"update/firmware", "state_topic", "value_template", "firmware/installed-version", devices.TextValue("14.2.0"), "14.2.0"},
		{"update/firmware", "latest_version_topic", "latest_version_template", "firmware/latest-version", devices.TextValue(""), ""},
		{"sensor/clock_note", "state_topic", "value_template", "clock/note", devices.TextValue(strings.Repeat("ä", 300)), strings.Repeat("ä", 255)},
		{"sensor/clock_note", "state_topic", "value_template", "clock/note", devices.TextValue(""), ""},
		{"sensor/clock_note", "state_topic", "value_template", "clock/note", devices.TextValue(`{"a": 1}`), `{"a": 1}`},
		{"text/clock_mood", "state_topic", "value_template", "clock/mood", house.Color(t, 120, 100), "120,100"},
		{"event/knob_event", "state_topic", "value_template", "knob/event", devices.EnumValue("double"), `{"event_type":"double"}`},
		{"event/knob_ring", "state_topic", "value_template", "knob/ring", devices.BoolValue(true), `{"event_type": "ring"}`},
		{"binary_sensor/motion_occupancy", "state_topic", "value_template", "motion/occupancy", devices.BoolValue(true), "true"},
		{"sensor/meter_energy", "state_topic", "value_template", "meter/energy", house.Float(t, 12.25), "12.25"},
		{"select/programme_option", "state_topic", "value_template", "programme/option", devices.EnumValue("cotton 40°"), "cotton 40°"},
		{"device_tracker/phone", "state_topic", "value_template", "phone/place", devices.TextValue("home"), "home"},
		{"device_tracker/phone", "state_topic", "value_template", "phone/place", devices.TextValue(""), "None"},
		{"sensor/clock_plan", "state_topic", "value_template", "clock/plan", house.JSON(t, `{"day":"mo"}`), `{"day":"mo"}`},
		{"sensor/clock_plan", "json_attributes_topic", "json_attributes_template", "clock/plan", house.JSON(t, `{"day":"mo"}`), `{"day":"mo"}`},
		{"sensor/clock_plan", "json_attributes_topic", "json_attributes_template", "clock/plan", house.JSON(t, `["mo",1]`), `{"value": ["mo",1]}`},
		{"sensor/clock_plan", "json_attributes_topic", "json_attributes_template", "clock/plan", devices.Value{}, `{}`},
	} {
		t.Run(c.entity+" "+c.ref+" "+c.value.String(), func(t *testing.T) {
			config := all[c.entity]
			if config == nil {
				t.Fatal("it is not announced")
			}
			component, property, _ := strings.Cut(c.ref, "/")
			ref := devices.Ref{Component: component, Property: property}
			var messages []broker.Message
			if p := v.Property(ref); p.Momentary || !c.value.IsZero() {
				messages = e.Value(v.ID, *p, ref, c.value)
			} else {
				messages = e.Value(v.ID, *p, ref, devices.Value{})
			}
			if len(messages) != 1 || messages[0].Topic != config[c.topicKey] {
				t.Fatalf("Home Assistant listens to %v, and the hub says %v", config[c.topicKey], messages)
			}
			got := string(messages[0].Payload)
			if source, ok := config[c.templateKey].(string); ok {
				got = render(t, source, template.Context{Document: template.Read(messages[0].Payload)})
			}
			if got != c.want {
				t.Errorf("it sees %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheHubReadsWhatHomeAssistantWrites(t *testing.T) {
	v := everything()
	all := configs(t, v)
	e := homie.NewExporter("hub")
	whole := func(i int) any { return i }
	for _, c := range []struct {
		entity, topicKey, templateKey string
		value                         any // what Home Assistant publishes, or gives to the template
		ref                           string
		want                          devices.Value
	}{
		{"alarm_control_panel/alarm", "command_topic", "", "payload_arm_home", "alarm/state", devices.EnumValue("armed_home")},
		{"alarm_control_panel/alarm", "command_topic", "", "payload_disarm", "alarm/state", devices.EnumValue("disarmed")},
		{"cover/blind", "command_topic", "", "payload_open", "blind/state", devices.EnumValue("open")},
		{"cover/blind", "command_topic", "", "payload_close", "blind/state", devices.EnumValue("closed")},
		{"cover/blind", "command_topic", "", "payload_stop", "blind/stop", devices.BoolValue(true)},
		{"cover/blind", "set_position_topic", "set_position_template", whole(40), "blind/position", house.Float(t, 40)},
		{"cover/blind", "tilt_command_topic", "", whole(7), "blind/tilt", house.Float(t, 7)},
		{"cover/garage", "command_topic", "", "payload_close", "garage/state", devices.EnumValue("closed")},
		{"valve/faucet", "command_topic", "command_template", "payload_open", "faucet/state", devices.EnumValue("open")},
		{"valve/faucet", "command_topic", "command_template", "payload_stop", "faucet/stop", devices.BoolValue(true)},
		{"valve/gas", "command_topic", "command_template", whole(30), "gas/position", house.Float(t, 30)},
		{"valve/gas", "command_topic", "command_template", "payload_stop", "gas/stop", devices.BoolValue(true)},
		{"lock/door", "command_topic", "", "payload_lock", "door/state", devices.EnumValue("locked")},
		{"lock/door", "command_topic", "", "payload_open", "door/open", devices.BoolValue(true)},
		{"light/bulb", "command_topic", "", "payload_off", "bulb/brightness", house.Float(t, 0)},
		{"light/bulb", "brightness_command_topic", "", whole(60), "bulb/brightness", house.Float(t, 60)},
		{"light/lamp", "command_topic", "", "payload_on", "lamp/on", devices.BoolValue(true)},
		{"light/lamp", "brightness_command_topic", "brightness_command_template", whole(254), "lamp/brightness", house.Float(t, 100)},
		{"light/lamp", "brightness_command_topic", "brightness_command_template", whole(127), "lamp/brightness", house.Float(t, 50)},
		{"light/lamp", "color_temp_command_topic", "color_temp_command_template", whole(154), "lamp/color-temperature", devices.IntValue(6494)},
		{"light/lamp", "color_temp_command_topic", "color_temp_command_template", whole(500), "lamp/color-temperature", devices.IntValue(2000)},
		{"light/lamp", "hs_command_topic", "hs_command_template", "30.5,80.0", "lamp/color", house.Color(t, 30.5, 80)},
		{"light/lamp", "effect_command_topic", "", "none", "lamp/effect", devices.EnumValue("none")},
		{"climate/heating", "mode_command_topic", "", "heat", "heating/mode", devices.EnumValue("heat")},
		{"climate/heating", "temperature_command_topic", "", "21.5", "heating/target-temperature", house.Float(t, 21.5)},
		{"climate/heating", "preset_mode_command_topic", "", "none", "heating/preset", devices.EnumValue("none")},
		{"climate/heating", "fan_mode_command_topic", "", "high", "heating/fan-mode", devices.EnumValue("high")},
		{"climate/heating", "target_humidity_command_topic", "", "45", "heating/target-humidity", house.Float(t, 45)},
		{"water_heater/boiler", "power_command_topic", "", "payload_off", "boiler/on", devices.BoolValue(false)},
		{"fan/fan", "percentage_command_topic", "percentage_command_template", whole(3), "fan/speed", house.Float(t, 100)},
		{"fan/fan", "percentage_command_topic", "percentage_command_template", whole(2), "fan/speed", house.Float(t, 66.667)},
		{"fan/fan", "oscillation_command_topic", "", "payload_oscillation_on", "fan/oscillating", devices.BoolValue(true)},
		{"lawn_mower/mower", "start_mowing_command_topic", "start_mowing_command_template", "start_mowing", "mower/state", devices.EnumValue("mowing")},
		{"lawn_mower/mower", "dock_command_topic", "dock_command_template", "dock", "mower/state", devices.EnumValue("docked")},
		{"update/firmware", "command_topic", "", "payload_install", "firmware/install", devices.BoolValue(true)},
		{"scene/party", "command_topic", "", "payload_on", "party/activate", devices.BoolValue(true)},
		{"button/reset_press", "command_topic", "", "payload_press", "reset/press", devices.BoolValue(true)},
		{"siren/siren", "command_topic", "", "payload_on", "siren/on", devices.BoolValue(true)},
		{"text/clock_mood", "command_topic", "", "120,100", "clock/mood", house.Color(t, 120, 100)},
		{"text/clock_days", "command_topic", "", `["mo"]`, "clock/days", house.JSON(t, `["mo"]`)},
		{"vacuum/robot", "command_topic", "", "payload_start", "robot/state", devices.EnumValue("cleaning")},
		{"vacuum/robot", "command_topic", "", "payload_pause", "robot/state", devices.EnumValue("paused")},
		{"vacuum/robot", "command_topic", "", "payload_return_to_base", "robot/state", devices.EnumValue("docked")},
		{"vacuum/robot", "command_topic", "", "payload_locate", "robot/locate", devices.BoolValue(true)},
		{"vacuum/robot", "command_topic", "", "payload_stop", "robot/stop", devices.BoolValue(true)},
		{"vacuum/robot", "set_fan_speed_topic", "", "high", "robot/fan-speed", devices.EnumValue("high")},
		{"text/speaker_value", "command_topic", "", "dinner is ready", "speaker/value", devices.TextValue("dinner is ready")},
		{"number/clock_timeout", "command_topic", "", "120", "clock/timeout", devices.IntValue(120)},
		{"select/programme_option", "command_topic", "", "wool", "programme/option", devices.EnumValue("wool")},
	} {
		t.Run(fmt.Sprint(c.entity, " ", c.ref, " ", c.value), func(t *testing.T) {
			config := all[c.entity]
			topic, ok := config[c.topicKey].(string)
			if !ok {
				t.Fatal("it is not announced")
			}
			if named, ok := config[fmt.Sprint(c.value)]; ok {
				c.value = named
			}
			payload := fmt.Sprint(c.value)
			if source, ok := config[c.templateKey].(string); ok {
				payload = render(t, source, template.Context{Vars: map[string]template.Value{"value": template.Of(c.value)}})
			}
			path, wish, ok := e.Wish(broker.Message{Topic: topic, Payload: []byte(payload)})
			if !ok || path.String() != "everything/"+c.ref {
				t.Fatalf("%s to %s is a wish for %s", payload, topic, path)
			}
			p := v.Property(path.Ref)
			got, err := e.Parse(*p, wish)
			if err == nil {
				err = p.Check(got)
			}
			if err != nil || !p.Same(c.want, got) || p.Momentary && got != c.want {
				t.Errorf("%s to %s wants %v (%v), want %v", payload, topic, got, err, c.want)
			}
		})
	}
}

func TestWhoIsAvailable(t *testing.T) {
	v := everything()
	e := homie.NewExporter("hub")
	sources := configs(t, v)["light/lamp"]["availability"].([]any)
	source := sources[1].(map[string]any)["value_template"].(string)
	for presence, want := range map[devices.Presence]string{
		devices.Online: "online", devices.Asleep: "online", devices.Offline: "offline", devices.Late: "online", devices.Unknown: "offline",
	} {
		m := e.State(v.ID, devices.Reach{Presence: presence})[0]
		if got := render(t, source, template.Context{Document: template.Read(m.Payload)}); got != want {
			t.Errorf("%s is %q, want %q", presence, got, want)
		}
	}
	root := sources[0].(map[string]any)
	for up, want := range map[bool]string{true: "online", false: "offline"} {
		messages := e.Root(nil, up)
		m := messages[len(messages)-1]
		if got := render(t, root["value_template"].(string), template.Context{Document: template.Read(m.Payload)}); got != want || root["topic"] != m.Topic {
			t.Errorf("with the hub up: %t it is %q, want %q; topic %s, want %s", up, got, want, root["topic"], m.Topic)
		}
	}
}
