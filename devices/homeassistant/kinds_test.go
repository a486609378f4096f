package homeassistant_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// exchange is one step after an announcement: a message that comes in with the readings it must give, or a command
// ("> component/property") with the messages it must give.
type exchange struct {
	topic, payload string
	want           string // joined by blanks
}

// kind is an announcement with the device it must make, as describe says it, and what is said to and by it afterwards.
type kind struct {
	name, topic, config string
	want                string
	steps               []exchange
}

var kinds = append([]kind{
	{
		"a sensor in Fahrenheit is one in °C", "homeassistant/sensor/0x01/temperature/config",
		`{"stat_t":"z/a","dev_cla":"temperature","unit_of_meas":"°F","val_tpl":"{{ value_json.t }}","dev":{"ids":"0x01","name":"A"}}`,
		"temperature(sensor)/temperature:float r °C",
		[]exchange{
			{"z/a", `{"t":72.5}`, "temperature/temperature=22.5"},
			{"z/a", `{"t":"70"}`, "temperature/temperature=21.11"},
			{"z/a", `{"t":null}`, ""},
			{"z/a", `{}`, ""},
			{"z/a", `{"t":"unknown"}`, ""},
			{"z/a", ``, ""},
			{"z/b", `{"t":1}`, ""},
		},
	},
	{
		"energy in Wh is kWh", "homeassistant/sensor/e/config",
		`{"state_topic":"e","device_class":"energy","unit_of_measurement":"Wh","device":{"identifiers":["e1"],"name":"E"}}`,
		"sensor(sensor)/energy:float r kWh",
		[]exchange{{"e", "1234.5", "sensor/energy=1.2345"}},
	},
	{
		"a sensor without class and unit is text", "homeassistant/sensor/e/ssid/config", `{"stat_t":"e","dev":{"ids":"x","name":"E"}}`,
		"ssid(sensor)/value:text r",
		[]exchange{{"e", "HomeNet", "ssid/value=HomeNet"}},
	},
	{
		"a sensor with options is an enum, its options given as text", "homeassistant/sensor/e/mode/config",
		`{"stat_t":"e","dev_cla":"enum","options":"['eco', 'boost']","dev":{"ids":"x","name":"E"}}`,
		"mode(sensor)/value:enum r",
		[]exchange{{"e", "eco", "mode/value=eco"}, {"e", "other", ""}},
	},
	{
		"a time is text under its class", "homeassistant/sensor/e/next/config", `{"stat_t":"e","dev_cla":"timestamp","dev":{"ids":"x","name":"E"}}`,
		"next(sensor)/timestamp:text r",
		[]exchange{{"e", "2026-11-02T07:00:00+00:00", "next/timestamp=2026-11-02T07:00:00+00:00"}},
	},
	{
		"a duration is seconds", "homeassistant/sensor/e/left/config", `{"stat_t":"e","dev_cla":"duration","unit_of_meas":"min","dev":{"ids":"x","name":"E"}}`,
		"left(sensor)/duration:float r s",
		[]exchange{{"e", "90", "left/duration=5400"}},
	},
	{
		"the pressure of the air is a pressure", "homeassistant/sensor/e/air/config", `{"stat_t":"e","dev_cla":"atmospheric_pressure","unit_of_meas":"mbar","dev":{"ids":"x","name":"E"}}`,
		"air(sensor)/pressure:float r hPa",
		[]exchange{{"e", "1013.2", "air/pressure=1013.2"}},
	},
	{
		"a binary sensor with JSON's bools", "homeassistant/binary_sensor/0x02/contact/config",
		`{"stat_t":"z/door","pl_on":false,"pl_off":true,"dev_cla":"door","val_tpl":"{{ value_json.contact }}","dev":{"ids":["0x02"],"name":"Door"}}`,
		"contact(binary_sensor)/door:bool r",
		[]exchange{{"z/door", `{"contact":false}`, "contact/door=true"}, {"z/door", `{"contact":true}`, "contact/door=false"}, {"z/door", `{}`, ""}},
	},
	{
		"a switch with payloads that are JSON", "homeassistant/switch/plug-0/config",
		`{"name":"Relay","cmd_t":"~rpc","pl_off":"{\"on\":false}","pl_on":"{\"on\":true}","stat_t":"~status","val_tpl":"{%if value_json.output%}on{%else%}off{%endif%}","stat_off":"off","stat_on":"on","dev":{"cns":[["mac","AA-BB-CC-DD-EE-FF"]],"name":"Plug"},"~":"plug/"}`,
		"switch-0(switch)/on:bool rs",
		[]exchange{
			{"plug/status", `{"output":true}`, "switch-0/on=true"},
			{"> switch-0/on", "true", `plug/rpc={"on":true}`},
			{"> switch-0/on", "off", `plug/rpc={"on":false}`},
		},
	},
	{
		"a switch without a state topic cannot confirm", "homeassistant/switch/x/config", `{"cmd_t":"x/set"}`,
		"switch(switch)/on:bool s",
		[]exchange{{"> switch/on", "true", "x/set=ON"}},
	},
	{
		"a command template", "homeassistant/switch/x/config",
		`{"cmd_t":"x/set","cmd_tpl":"{\"id\":1,\"on\":{{ 'true' if value == 'ON' else 'false' }}}","stat_t":"x"}`,
		"switch(switch)/on:bool rs",
		[]exchange{{"> switch/on", "true", `x/set={"id":1,"on":true}`}, {"x", "OFF", "switch/on=false"}, {"x", "on", "switch/on=true"}},
	},
	{
		"a climate", "homeassistant/climate/0x04/climate/config",
		`{"~":"z/trv","mode_cmd_t":"~/set/mode","mode_stat_t":"~","mode_stat_tpl":"{{ value_json.system_mode }}","modes":["off","heat"],"temp_cmd_t":"~/set/temp","temp_stat_t":"~","temp_stat_tpl":"{{ value_json.sp }}","min_temp":"5","max_temp":30,"temp_step":0.5,"curr_temp_t":"~","curr_temp_tpl":"{{ value_json.local_temperature }}","act_t":"~","act_tpl":"{{ {'0':'idle','1':'heating'}[value_json.running] }}","pr_mode_cmd_t":"~/set/preset","pr_mode_stat_t":"~","pr_mode_val_tpl":"{{ value_json.preset }}","pr_modes":["eco"],"dev":{"ids":"0x04","name":"Valve"}}`,
		"climate(climate)/action:enum r; climate(climate)/current-temperature:float r °C; climate(climate)/mode:enum rs; climate(climate)/preset:enum rs; climate(climate)/target-temperature:float rs °C",
		[]exchange{
			{
				"z/trv", `{"system_mode":"heat","sp":21.5,"local_temperature":19.81,"running":"1","preset":"none"}`,
				"climate/action=heating climate/current-temperature=19.81 climate/mode=heat climate/preset=none climate/target-temperature=21.5",
			},
			{"z/trv", `{"sp":22}`, "climate/target-temperature=22"},
			{"> climate/target-temperature", "22.5", "z/trv/set/temp=22.5"},
			{"> climate/mode", "off", "z/trv/set/mode=off"},
			{"> climate/target-temperature", "4", "refused: invalid value: target-temperature takes 5 to 30 °C, not 4"},
			{"> climate/mode", "cool", `refused: invalid value: mode takes one of off, heat, not "cool"`},
		},
	},
	{
		"a climate in Fahrenheit", "homeassistant/climate/c/config",
		`{"temp_unit":"F","temp_cmd_t":"c/set","temp_stat_t":"c","min_temp":50,"max_temp":86,"temp_lo_cmd_t":"c/low","power_command_topic":"c/power"}`,
		"climate(climate)/on:bool s; climate(climate)/target-temperature:float rs °C; climate(climate)/target-temperature-low:float s °C",
		[]exchange{{"c", "68", "climate/target-temperature=20"}, {"> climate/target-temperature", "21", "c/set=69.8"}, {"> climate/on", "true", "c/power=ON"}},
	},
	{
		"a cover that reports a state and a position", "homeassistant/cover/c/config",
		`{"cmd_t":"c/set","stat_t":"c","val_tpl":"{{ value_json.state }}","stat_stopped":"stop","pos_t":"c","pos_tpl":"{{ value_json.position }}","set_pos_t":"c/set","set_pos_tpl":"{ \"position\": {{ position }} }","tilt_cmd_t":"c/tilt","tilt_status_t":"c","tilt_status_tpl":"{{ value_json.tilt }}"}`,
		"cover(cover)/position:float rs %; cover(cover)/state:enum rs; cover(cover)/stop:bool ms; cover(cover)/tilt:float rs %",
		[]exchange{
			{"c", `{"state":"opening","position":40,"tilt":10}`, "cover/position=40 cover/state=opening cover/tilt=10"},
			{"c", `{"state":"stop"}`, "cover/state=stopped"},
			{"> cover/state", "open", "c/set=OPEN"},
			{"> cover/state", "closed", "c/set=CLOSE"},
			{"> cover/stop", "true", "c/set=STOP"},
			{"> cover/state", "opening", `refused: invalid value: state takes one of open, closed, not "opening"`},
			{"> cover/position", "25", `c/set={ "position": 25 }`},
			{"> cover/tilt", "30", "c/tilt=30"},
		},
	},
	{
		"a cover whose positions are reversed and which has no stop", "homeassistant/cover/c/config",
		`{"cmd_t":"c/set","pl_stop":null,"pos_t":"c","set_pos_t":"c/pos","pos_open":0,"pos_clsd":255}`,
		"cover(cover)/position:float rs %; cover(cover)/state:enum rs",
		[]exchange{
			{"c", "0", "cover/position=100 cover/state=open"},
			{"c", "255", "cover/position=0 cover/state=closed"},
			{"> cover/position", "100", "c/pos=0"},
			{"> cover/position", "0", "c/pos=255"},
			{"c", "153", "cover/position=40 cover/state=open"},
			{"> cover/position", "40", "c/pos=153"},
		},
	},
	{
		"a lock with states of its own", "homeassistant/lock/l/config",
		`{"cmd_t":"l/set","stat_t":"l","val_tpl":"{{ value_json.lock_state }}","stat_locked":"lock","stat_unlocked":"unlock","pl_open":"PULL"}`,
		"lock(lock)/open:bool ms; lock(lock)/state:enum rs",
		[]exchange{
			{"l", `{"lock_state":"lock"}`, "lock/state=locked"},
			{"l", `{"lock_state":"JAMMED"}`, "lock/state=jammed"},
			{"> lock/state", "unlocked", "l/set=UNLOCK"},
			{"> lock/state", "locked", "l/set=LOCK"},
			{"> lock/open", "true", "l/set=PULL"},
		},
	},
	{
		"a fan", "homeassistant/fan/f/config",
		`{"cmd_t":"f/on","stat_t":"f","pct_cmd_t":"f/speed","pct_stat_t":"f/speed/state","spd_rng_min":1,"spd_rng_max":4,"osc_cmd_t":"f/osc","osc_stat_t":"f/osc/state","dir_cmd_t":"f/dir","pr_mode_cmd_t":"f/preset","pr_modes":["auto","sleep"]}`,
		"fan(fan)/direction:enum s; fan(fan)/on:bool rs; fan(fan)/oscillating:bool rs; fan(fan)/preset:enum s; fan(fan)/speed:float rs %",
		[]exchange{
			{"f", "ON", "fan/on=true"},
			{"f/speed/state", "3", "fan/speed=75"},
			{"f/speed/state", "9", ""},
			{"f/osc/state", "oscillate_on", "fan/oscillating=true"},
			{"> fan/speed", "50", "f/speed=2"},
			{"> fan/speed", "1", "f/speed=1"},
			{"> fan/speed", "0", "f/speed=0"},
			{"> fan/oscillating", "false", "f/osc=oscillate_off"},
			{"> fan/direction", "reverse", "f/dir=reverse"},
			{"> fan/preset", "sleep", "f/preset=sleep"},
		},
	},
	{
		"a number in minutes is one in seconds", "homeassistant/number/n/config",
		`{"cmd_t":"n/set","stat_t":"n","min":0,"max":10,"step":0.5,"unit_of_meas":"min","dev_cla":"duration"}`, "number(number)/value:float rs s",
		[]exchange{
			{"n", "2", "number/value=120"},
			{"> number/value", "90", "n/set=1.5"},
			{"n", "None", ""},
			{"> number/value", "601", "refused: invalid value: value takes 0 to 600 s, not 601"},
		},
	},
	{
		"a number that is a time, as computers count it in microseconds", "homeassistant/number/n/config",
		`{"cmd_t":"n/set","stat_t":"n","min":0,"max":1e16}`, "number(number)/value:float rs",
		[]exchange{
			{"n", "1764445967000000", "number/value=1764445967000000"},
			{"> number/value", "1764445967000001", "n/set=1764445967000001"},
		},
	},
	{
		"a select", "homeassistant/select/s/config", `{"cmd_t":"s/set","stat_t":"s","ops":["eco","comfort"],"cmd_tpl":"{\"mode\":{{ value | tojson }}}"}`,
		"select(select)/option:enum rs",
		[]exchange{{"s", "eco", "select/option=eco"}, {"> select/option", "comfort", `s/set={"mode":"comfort"}`}, {"s", "?", ""}},
	},
	{
		"a button", "homeassistant/button/zima/start_hp/config", `{"cmd_t":"zima/button/start_hp/command","dev":{"ids":"a020a61c3105","name":"zima"}}`,
		"start-hp(button)/press:bool ms",
		[]exchange{
			{"> start-hp/press", "true", "zima/button/start_hp/command=PRESS"},
			{"> start-hp/press", "false", "error: invalid value: press takes true only"},
		},
	},
	{
		"a text", "homeassistant/text/t/config", `{"cmd_t":"t/set","stat_t":"t"}`,
		"text(text)/value:text rs",
		[]exchange{{"t", "hello", "text/value=hello"}, {"> text/value", "Grüße", "t/set=Grüße"}},
	},
	{
		"an event", "homeassistant/event/e/config",
		`{"stat_t":"e","evt_typ":["single_push","long_push"],"val_tpl":"{%if value_json.id==0%}{{{\"event_type\":value_json.event}|to_json}}{%endif%}"}`,
		"event(event)/event:enum mr",
		[]exchange{
			{"e", `{"id":0,"event":"single_push"}`, "event/event=single_push"},
			{"e", `{"id":1,"event":"single_push"}`, ""},
			{"R e", `{"id":0,"event":"single_push"}`, ""},
		},
	},
	{
		"a device automation", "homeassistant/device_automation/0x05/action_on/config",
		`{"atype":"trigger","t":"z/button","pl":"on","val_tpl":"{{ value_json.action }}","type":"button_short_press","stype":"button_1","dev":{"ids":["0x05"],"name":"Remote"}}`,
		"button-1(event)/event:enum mr",
		[]exchange{{"z/button", `{"action":"on"}`, "button-1/event=button_short_press"}, {"z/button", `{"action":"off"}`, ""}},
	},
	{
		"an update", "homeassistant/update/0x06/update/config",
		`{"stat_t":"z/a","val_tpl":"{\"latest_version\":\"{{ value_json['update']['latest_version'] }}\",\"installed_version\":\"{{ value_json['update']['installed_version'] }}\",\"in_progress\":{{ (value_json['update']['state'] == 'updating')|lower }}}","dev":{"ids":["0x06"],"name":"A"}}`,
		"update(update)/in-progress:bool r; update(update)/installed-version:text r; update(update)/latest-version:text r; update(update)/progress:float r %",
		[]exchange{
			{"z/a", `{"update":{"installed_version":1,"latest_version":2,"state":"idle"}}`, "update/in-progress=false update/installed-version=1 update/latest-version=2"},
			{"z/a", `{}`, ""},
		},
	},
	{
		"a wildcard in the state topic", "homeassistant/sensor/A4C138-batt/config",
		`{"stat_t":"+/+/BTtoMQTT/A4C138","dev_cla":"battery","unit_of_meas":"%","val_tpl":"{{ value_json.batt | is_defined }}","dev":{"ids":["A4C138"],"name":"T"}}`,
		"batt(sensor)/battery:float r %",
		[]exchange{{"home/kitchen/BTtoMQTT/A4C138", `{"batt":88}`, "batt/battery=88"}, {"home/attic/BTtoMQTT/A4C138", `{"tempc":3}`, ""}},
	},
	{
		"the legacy short form of Tasmota, ~ at the beginning and in availability", "homeassistant/sensor/522851_ENERGY_Today/config",
		`{"name":"Today","stat_t":"~SENSOR","avty_t":"~LWT","pl_avail":"Online","pl_not_avail":"Offline","~":"tasmota01/tele/","val_tpl":"{{value_json['ENERGY'].Today}}","unit_of_meas":"kWh","dev":{"ids":["522851"],"name":"T"}}`,
		"energy-today(sensor)/value:float r kWh",
		[]exchange{{"tasmota01/tele/SENSOR", `{"ENERGY":{"Today":1.5}}`, "energy-today/value=1.5"}},
	},
}, slices.Concat(lightKinds, moreKinds)...)

func TestKinds(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			h := newHouse(t)
			h.hear(k.topic, k.config)
			if d := cmp.Diff(k.want, describe(h.only().Device)); d != "" {
				t.Errorf("the device is otherwise (-want +got):\n%s\nfaults: %v", d, h.faults)
			}
			for _, s := range k.steps {
				var got []string
				if ref, ok := strings.CutPrefix(s.topic, "> "); ok {
					got = h.tell(ref, s.payload)
				} else if topic, ok := strings.CutPrefix(s.topic, "R "); ok {
					got = h.hearMessage(retained(topic, s.payload))
				} else {
					got = h.hear(s.topic, s.payload)
				}
				if g := strings.Join(got, " "); g != s.want {
					t.Errorf("%s %s gives\n%s, want\n%s\nfaults: %v", s.topic, s.payload, g, s.want, h.faults)
				}
			}
			// All that was announced is dropped with it.
			h.hear(k.topic, "")
			if len(h.devices) != 0 || len(h.filters) != 0 {
				t.Errorf("after its removal there is still %v %v", h.devices, h.filters)
			}
		})
	}
}

func TestEveryStepOfABrightnessScaleSurvivesTheWayThereAndBack(t *testing.T) {
	for scale, config := range map[int]string{
		100:   `{"schema":"json","stat_t":"l","cmd_t":"l/set","brightness":true,"bri_scl":100}`,
		254:   `{"schema":"json","stat_t":"l","cmd_t":"l/set","brightness":true,"bri_scl":254}`,
		255:   `{"schema":"json","stat_t":"l","cmd_t":"l/set","brightness":true}`,
		999:   `{"schema":"json","stat_t":"l","cmd_t":"l/set","brightness":true,"bri_scl":999}`,
		65535: `{"schema":"json","stat_t":"l","cmd_t":"l/set","brightness":true,"bri_scl":65535}`,
	} {
		h := newHouse(t)
		h.hear("homeassistant/light/l/config", config)
		for i := 1; i <= scale; i += 1 + scale/700 {
			payload := `{"state":"ON","brightness":` + itoa(i) + `}`
			readings := h.hear("l", payload)
			at := slices.IndexFunc(readings, func(s string) bool { return strings.HasPrefix(s, "light/brightness=") })
			if at < 0 {
				t.Fatalf("%s gives %v", payload, readings)
			}
			percent := strings.TrimPrefix(readings[at], "light/brightness=")
			if got := h.tell("light/brightness", percent); len(got) != 1 || got[0] != "l/set="+payload {
				t.Errorf("scale %d: %s is %s %%, which is commanded as %v", scale, payload, percent, got)
			}
		}
	}
}
