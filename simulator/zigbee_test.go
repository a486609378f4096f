package simulator_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/simulator"
)

const zigbeeHouse = `
name: Test
rooms:
  - {name: Room, use: living}
  - {name: Bath, use: bathroom}
devices:
  - {name: Zb color light, room: Room, kind: light, speaks: zigbee2mqtt, topic: living room/lamp, can: [brightness, temperature, color]}
  - {name: Zb light, room: Room, kind: light, speaks: zigbee2mqtt, can: [brightness]}
  - {name: Zb plug, room: Room, kind: plug, speaks: zigbee2mqtt, topic: plug, load: fridge}
  - {name: Zb thermostat, room: Room, kind: thermostat, speaks: zigbee2mqtt, topic: bedroom/radiator}
  - {name: Zb climate, room: Room, kind: climate sensor, speaks: zigbee2mqtt}
  - {name: Zb motion, room: Room, kind: motion sensor, speaks: zigbee2mqtt, topic: motion}
  - {name: Zb window, room: Room, kind: contact, speaks: zigbee2mqtt, opening: window}
  - {name: Zb cover, room: Room, kind: cover, speaks: zigbee2mqtt, topic: shutter}
  - {name: Zb lock, room: Room, kind: lock, speaks: zigbee2mqtt, topic: lock}
  - {name: Zb fan, room: Room, kind: fan, speaks: zigbee2mqtt, topic: fan}
  - {name: Zb exhaust, room: Bath, kind: fan, speaks: zigbee2mqtt, topic: exhaust fan}
  - {name: Zb remote, room: Room, kind: remote, speaks: zigbee2mqtt, topic: remote}
`

func TestZigbee2MQTTAnnouncesItselfAsWritten(t *testing.T) {
	announcesAsWritten(t, zigbeeHouse)
	for name, settings := range map[string]string{
		"old": "{old: true, output: attribute_and_json, base: zigbee-old}", "attribute": "{output: attribute, partial: true, blind: true}",
	} {
		synctest.Test(t, func(t *testing.T) {
			house := parse(t, zigbeeHouse+"zigbee2mqtt: "+settings+"\n")
			house.Devices = house.Devices[:3]
			live(t, house, simulator.Options{Seed: 1, Speed: 0.01}, func(_ *simulator.Simulator, ts *tapes) {
				golden(t, "announce/zigbee2mqtt-"+name, written(ts.of("zigbee2mqtt").taken()))
			})
		})
	}
}

func TestZigbee2MQTTObeys(t *testing.T) {
	const z = "zigbee2mqtt"
	atNoon(t, zigbeeHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		obeyed(t, ts, []order{
			{
				z, "zigbee2mqtt/living room/lamp/set", `{"state":"ON","brightness":102}`,
				[]string{`zigbee2mqtt/living room/lamp "state":"ON"`, `zigbee2mqtt/living room/lamp "brightness":102`},
				nil,
			},
			{
				z, "zigbee2mqtt/living room/lamp/set", `{"color_temp":250,"transition":1}`,
				[]string{`zigbee2mqtt/living room/lamp "color_temp":250`, `zigbee2mqtt/living room/lamp "color_mode":"color_temp"`},
				nil,
			},
			{
				z, "zigbee2mqtt/living room/lamp/set", `{"color":{"hue":120,"saturation":100}}`,
				[]string{`zigbee2mqtt/living room/lamp "color":{"hue":120,"saturation":100,"x":0.3,"y":0.6},"color_mode":"hs"`},
				nil,
			},
			{
				z, "zigbee2mqtt/living room/lamp/set", `{"color":{"x":0.64,"y":0.33}}`,
				[]string{`zigbee2mqtt/living room/lamp "color":{"hue":0,"saturation":100,"x":0.64,"y":0.33},"color_mode":"xy"`},
				nil,
			},
			{z, "zigbee2mqtt/living room/lamp/set", `{"color":"#0000ff"}`, []string{`zigbee2mqtt/living room/lamp "hue":240`}, nil},
			{z, "zigbee2mqtt/living room/lamp/set/brightness", "50", []string{`zigbee2mqtt/living room/lamp "brightness":50`}, nil},
			{z, "zigbee2mqtt/living room/lamp/set/state", "TOGGLE", []string{`zigbee2mqtt/living room/lamp "state":"OFF"`}, nil},
			{z, "zigbee2mqtt/living room/lamp/set", "on", []string{`zigbee2mqtt/living room/lamp "state":"ON"`}, nil},
			{
				z, "zigbee2mqtt/All lights/set", `{"state":"ON","brightness":200}`,
				[]string{
					`zigbee2mqtt/All lights "state":"ON"`, `zigbee2mqtt/All lights "brightness":200`, `zigbee2mqtt/Zb light "brightness":200`,
					`zigbee2mqtt/living room/lamp "brightness":200`,
				},
				nil,
			},
			{z, "zigbee2mqtt/All lights/set", `{"state":"OFF"}`, []string{`zigbee2mqtt/All lights "state":"OFF"`, `zigbee2mqtt/Zb light "state":"OFF"`}, nil},
			{z, "zigbee2mqtt/plug/set", `{"state":"OFF"}`, []string{`zigbee2mqtt/plug "state":"OFF"`}, []string{`zigbee2mqtt/plug "power":0,`}},
			{z, "zigbee2mqtt/plug/get", `{"power_on_behavior":""}`, []string{`zigbee2mqtt/plug "power_on_behavior":"previous"`}, nil},
			{z, "zigbee2mqtt/plug/set", `{"power_on_behavior":"on"}`, []string{`zigbee2mqtt/plug "power_on_behavior":"on"`}, nil},
			{
				z, "zigbee2mqtt/bedroom/radiator/set", `{"occupied_heating_setpoint":23.5,"system_mode":"heat"}`,
				[]string{`zigbee2mqtt/bedroom/radiator "occupied_heating_setpoint":23.5`, `zigbee2mqtt/bedroom/radiator "system_mode":"heat"`},
				[]string{`zigbee2mqtt/bedroom/radiator "running_state":"heat"`},
			},
			{z, "zigbee2mqtt/bedroom/radiator/set", `{"child_lock":"LOCK"}`, []string{`zigbee2mqtt/bedroom/radiator "child_lock":"LOCK"`}, nil},
			{z, "zigbee2mqtt/motion/set", `{"occupancy_timeout":60}`, nil, []string{`zigbee2mqtt/motion "occupancy_timeout":60`}},
			{
				z, "zigbee2mqtt/shutter/set", `{"position":40}`,
				[]string{`zigbee2mqtt/shutter "moving":"UP"`},
				[]string{`zigbee2mqtt/shutter "moving":"STOP","position":40,"state":"OPEN"`},
			},
			{z, "zigbee2mqtt/shutter/set", `{"state":"CLOSE"}`, []string{`zigbee2mqtt/shutter "moving":"DOWN"`}, []string{`zigbee2mqtt/shutter "position":0,"state":"CLOSE"`}},
			{
				z, "zigbee2mqtt/lock/set", `{"state":"UNLOCK"}`,
				[]string{`zigbee2mqtt/lock "lock_state":"not_fully_locked","state":"UNLOCK"`},
				[]string{`zigbee2mqtt/lock "lock_state":"unlocked","state":"UNLOCK"`},
			},
			{z, "zigbee2mqtt/fan/set", `{"speed":3}`, []string{`zigbee2mqtt/fan "speed":3,"state":"ON"`}, nil},
			{z, "zigbee2mqtt/fan/set", `{"oscillating":true}`, []string{`zigbee2mqtt/fan "oscillating":true`}, nil},
			{z, "zigbee2mqtt/exhaust fan/set", `{"fan_mode":"high"}`, []string{`zigbee2mqtt/exhaust fan "fan_mode":"high","fan_state":"ON"`}, nil},
			{z, "zigbee2mqtt/exhaust fan/set", `{"fan_mode":"off"}`, []string{`zigbee2mqtt/exhaust fan "fan_mode":"off","fan_state":"OFF"`}, nil},
		})
	})
}

func TestZigbee2MQTTComplainsInItsLogOnly(t *testing.T) {
	atNoon(t, zigbeeHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		for _, c := range []struct{ topic, payload, want string }{
			{"living room/lamp/set", "perhaps", "Invalid message"},
			{"living room/lamp/set", `{"state":"perhaps"}`, "choose between: ON, OFF, TOGGLE"},
			{"living room/lamp/set", `{"brightness":"bright"}`, "must be a number"},
			{"living room/lamp/set", `{"color":{"x":7}}`, "color is x and y"},
			{"living room/lamp/set", `{"power":1}`, "No converter available for 'power' on 'living room/lamp': (1)"},
			{"attic/lamp/set", `{"state":"ON"}`, "Entity 'attic/lamp' is unknown"},
			{"plug/get", `{"child_lock":""}`, "No converter available for 'get' 'child_lock'"},
			{"motion/get", `{"occupancy_timeout":""}`, "Timeout"},
			{"bedroom/radiator/set", `{"system_mode":"cool"}`, "mode is not one of the choices"},
			{"shutter/set", `{"position":101}`, "out of range"},
		} {
			said := ts.of("zigbee2mqtt").hear("zigbee2mqtt/"+c.topic, c.payload)
			if len(said) != 1 || said[0].Topic != "zigbee2mqtt/bridge/logging" || !strings.Contains(string(said[0].Payload), c.want) {
				t.Errorf("%s %s: it said\n%s", c.topic, c.payload, show(said))
			}
		}
		for _, topic := range []string{"living room/lamp", "bridge/devices", "bridge/response/restart", "plug/availability", "bridge/request/backup"} {
			if said := ts.of("zigbee2mqtt").hear("zigbee2mqtt/"+topic, `{"state":"ON"}`); len(said) > 0 {
				t.Errorf("to its own %s it said\n%s", topic, show(said))
			}
		}
	})
}

func TestZigbee2MQTTDescribesAllThatItSays(t *testing.T) {
	atNoon(t, zigbeeHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		states := map[string]map[string]any{}
		var devices []struct {
			FriendlyName string         `json:"friendly_name"`
			IEEE         string         `json:"ieee_address"`
			Type         string         `json:"type"`
			Endpoints    map[string]any `json:"endpoints"`
			Definition   *struct {
				Exposes []map[string]any `json:"exposes"`
			} `json:"definition"`
		}
		for _, m := range ts.of("zigbee2mqtt").taken() {
			name := strings.TrimPrefix(m.Topic, "zigbee2mqtt/")
			if name == "bridge/devices" {
				if err := json.Unmarshal(m.Payload, &devices); err != nil || !m.Retain {
					t.Fatalf("%v, retained: %v", err, m.Retain)
				}
			}
			if strings.HasPrefix(name, "bridge/") != m.Retain && !strings.HasSuffix(name, "/availability") {
				t.Errorf("%s is retained: %v", name, m.Retain)
			}
			state := map[string]any{}
			if json.Unmarshal(m.Payload, &state) == nil {
				states[name] = state
			}
		}
		if len(devices) != 13 || devices[0].Type != "Coordinator" || devices[0].Definition != nil {
			t.Fatalf("it lists %d devices, want the coordinator and twelve", len(devices))
		}
		for _, d := range devices[1:] {
			state := states[d.FriendlyName]
			if state == nil || len(d.IEEE) != 18 || len(d.Endpoints) == 0 {
				t.Errorf("%s (%s) has %d endpoints and the state %v", d.FriendlyName, d.IEEE, len(d.Endpoints), state)
				continue
			}
			seen := map[string]bool{"update": true, "color_mode": true} // which the real bridge does not describe, either
			var walk func(list []map[string]any)
			walk = func(list []map[string]any) {
				for _, e := range list {
					if features, ok := e["features"].([]any); ok && e["property"] == nil {
						var inner []map[string]any
						for _, f := range features {
							inner = append(inner, f.(map[string]any))
						}
						walk(inner)
						continue
					}
					property, _ := e["property"].(string)
					access, _ := e["access"].(float64)
					seen[property] = true
					v, has := state[property]
					if told := int(access)&1 != 0; told != has && property != "action" {
						t.Errorf("%s: %s has the access %v, and is told: %v", d.FriendlyName, property, access, has)
					}
					if values, ok := e["values"].([]any); ok && has && v != nil && !slices.Contains(values, v) {
						t.Errorf("%s: %s is %v, which is none of %v", d.FriendlyName, property, v, values)
					}
					if f, ok := v.(float64); ok && e["type"] == "numeric" {
						if low, ok := e["value_min"].(float64); ok && f < low || e["value_max"] != nil && f > e["value_max"].(float64) {
							t.Errorf("%s: %s is %v, outside of its range", d.FriendlyName, property, f)
						}
					}
				}
			}
			walk(d.Definition.Exposes)
			for property := range state {
				if !seen[property] {
					t.Errorf("%s tells %s, which it does not describe", d.FriendlyName, property)
				}
			}
		}
	})
}

// answer is what the bridge answers to a request, as the text of its JSON.
func answer(t *testing.T, tape *tape, what, payload string) string {
	t.Helper()
	for _, m := range tape.hear("zigbee2mqtt/bridge/request/"+what, payload) {
		if m.Topic == "zigbee2mqtt/bridge/response/"+what {
			if m.Retain {
				t.Errorf("the answer to %s is retained", what)
			}
			return string(m.Payload)
		}
	}
	return ""
}

func TestTheBridgeAnswersRequests(t *testing.T) {
	atNoon(t, zigbeeHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		for _, c := range []struct{ what, payload, want string }{
			{"health_check", "", `{"data":{"healthy":true},"status":"ok"}`},
			{"permit_join", `{"time":60,"transaction":"a1"}`, `{"data":{"time":60},"status":"ok","transaction":"a1"}`},
			{"permit_join", "0", `{"data":{"time":0},"status":"ok"}`},
			{"permit_join", `{"time":"30"}`, `{"data":{"time":30},"status":"ok"}`},
			{"permit_join", `{"time":255}`, `{"data":{},"error":"Cannot permit join for more than 254 seconds.","status":"error"}`},
			{"permit_join", `{"value":true,"transaction":7}`, `{"data":{},"error":"Invalid payload","status":"error","transaction":7}`},
			{"permit_join", `{"time":1,"device":"attic"}`, `{"data":{},"error":"Device 'attic' does not exist","status":"error"}`},
			{
				"device/rename", `{"from":"living room/lamp","to":"living room/big lamp","transaction":1}`,
				`{"data":{"from":"living room/lamp","homeassistant_rename":false,"to":"living room/big lamp"},"status":"ok","transaction":1}`,
			},
			{"device/rename", `{"from":"plug","to":"lock"}`, `{"data":{},"error":"friendly_name 'lock' is already in use","status":"error"}`},
			{"device/rename", `{"from":"plug","to":"a/+"}`, `{"data":{},"error":"MQTT wildcard (+ and #) not allowed in friendly_name ('a/+')","status":"error"}`},
			{"device/rename", `{"from":"plug","to":"a/1"}`, `{"data":{},"error":"Friendly name cannot end with a \"/DIGIT\" ('a/1')","status":"error"}`},
			{"device/rename", `{"from":"attic","to":"x"}`, `{"data":{},"error":"Device 'attic' does not exist","status":"error"}`},
			{"device/rename", `plug`, `{"data":{},"error":"Invalid payload","status":"error"}`},
			{
				"device/options", `{"id":"plug","options":{"retain":true,"friendly_name":"no"}}`,
				`{"data":{"from":{},"id":"plug","restart_required":false,"to":{"retain":true}},"status":"ok"}`,
			},
			{"device/options", `{"id":"plug"}`, `{"data":{},"error":"Invalid payload","status":"error"}`},
			{"device/interview", `{"id":"plug"}`, `{"data":{"id":"plug"},"status":"ok"}`},
			{"device/remove", `{"id":"plug"}`, `{"data":{"block":false,"force":false,"id":"plug"},"status":"ok"}`},
			{"device/remove", `plug`, `{"data":{},"error":"Device 'plug' does not exist","status":"error"}`},
			{"device/remove", `motion`, `{"data":{},"error":"Failed to remove device 'motion' (block: false, force: false) (Error: Timeout)","status":"error"}`},
			{"device/remove", `{"id":"motion","force":true}`, `{"data":{"block":false,"force":true,"id":"motion"},"status":"ok"}`},
			{"group/add", `{"friendly_name":"Evening"}`, `{"data":{"friendly_name":"Evening","id":2},"status":"ok"}`},
			{"group/members/add", `{"group":"Evening","device":"Zb light"}`, `{"data":{"device":"Zb light","endpoint":"default","group":"Evening"},"status":"ok"}`},
			{"group/rename", `{"from":"Evening","to":"Night"}`, `{"data":{"from":"Evening","homeassistant_rename":false,"to":"Night"},"status":"ok"}`},
			{"group/members/remove", `{"group":"Night","device":"Zb light"}`, `{"data":{"device":"Zb light","endpoint":"default","group":"Night"},"status":"ok"}`},
			{"group/remove", `{"id":"Night"}`, `{"data":{"force":false,"id":"Night"},"status":"ok"}`},
			{"options", `{"options":{"advanced":{"log_level":"debug"}}}`, `{"data":{"restart_required":false},"status":"ok"}`},
			{"unheard_of", `{}`, ""},
		} {
			if got := answer(t, ts.of("zigbee2mqtt"), c.what, c.payload); got != c.want {
				t.Errorf("%s %s: it answered\n%s, want\n%s", c.what, c.payload, got, c.want)
			}
		}
	})
}

func TestARenamedDeviceLeavesNothingBehindAndObeysItsNewName(t *testing.T) {
	atNoon(t, zigbeeHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		tape := ts.of("zigbee2mqtt")
		said := tape.hear("zigbee2mqtt/bridge/request/device/rename", `{"from":"living room/lamp","to":"hall/lamp 2"}`)
		for _, want := range []string{
			"zigbee2mqtt/living room/lamp ", "zigbee2mqtt/living room/lamp/availability ", `zigbee2mqtt/hall/lamp 2/availability {"state":"online"}`,
			`zigbee2mqtt/hall/lamp 2 "state":"OFF"`,
		} {
			if !spoken(said, want) {
				t.Errorf("it did not say %s, but\n%s", want, show(said))
			}
		}
		if said := tape.hear("zigbee2mqtt/hall/lamp 2/set", `{"state":"ON"}`); !spoken(said, `zigbee2mqtt/hall/lamp 2 "state":"ON"`) {
			t.Errorf("under its new name it said\n%s", show(said))
		}
		if said := tape.hear("zigbee2mqtt/living room/lamp/set", `{"state":"ON"}`); !spoken(said, `zigbee2mqtt/bridge/logging is unknown`) {
			t.Errorf("under its old name it said\n%s", show(said))
		}
	})
}

func TestARemovedDeviceJoinsAgainWhenThatIsPermitted(t *testing.T) {
	atNoon(t, zigbeeHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		tape := ts.of("zigbee2mqtt")
		said := tape.hear("zigbee2mqtt/bridge/request/device/remove", `{"id":"plug"}`)
		if !spoken(said, `zigbee2mqtt/bridge/event "type":"device_leave"`) || spoken(said, `zigbee2mqtt/bridge/devices "plug"`) {
			t.Errorf("it said\n%s", show(said))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, m := range tape.taken() {
			if m.Topic == "zigbee2mqtt/plug" {
				t.Errorf("a removed device said %s", m.Payload)
			}
		}
		tape.hear("zigbee2mqtt/bridge/request/permit_join", `{"time":20}`)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		var events []string
		name := ""
		for _, m := range tape.taken() {
			if m.Topic != "zigbee2mqtt/bridge/event" {
				continue
			}
			var e struct {
				Type string
				Data struct {
					FriendlyName string `json:"friendly_name"`
					Status       string
				}
			}
			if err := json.Unmarshal(m.Payload, &e); err != nil {
				t.Fatal(err)
			}
			events, name = append(events, e.Type+" "+e.Data.Status), e.Data.FriendlyName
		}
		if want := []string{"device_joined ", "device_interview started", "device_interview successful"}; !slices.Equal(events, want) || !strings.HasPrefix(name, "0x") {
			t.Errorf("%s joined with the events %q", name, events)
		}
		if said := tape.hear("zigbee2mqtt/"+name+"/set", `{"state":"OFF"}`); !spoken(said, "zigbee2mqtt/"+name+` "state":"OFF"`) {
			t.Errorf("it said\n%s", show(said))
		}
	})
}

func TestAnUpdateOfTheFirmwareTellsHowFarItIs(t *testing.T) {
	atNoon(t, zigbeeHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		tape := ts.of("zigbee2mqtt")
		var one string
		for _, m := range tape.taken() {
			if strings.Contains(string(m.Payload), `"state":"available"`) {
				one = strings.TrimPrefix(m.Topic, "zigbee2mqtt/")
			}
		}
		if one == "" {
			t.Fatal("no device has an update")
		}
		tape.hear("zigbee2mqtt/bridge/request/device/ota_update/update", fmt.Sprintf(`{"id":%q}`, one))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if said := tape.taken(); !spoken(said, "zigbee2mqtt/"+one+` "progress":5`) && !spoken(said, "zigbee2mqtt/"+one+` "progress":4`) {
			t.Errorf("after half the time it said\n%s", show(said))
		}
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if said := tape.taken(); !spoken(said, "zigbee2mqtt/"+one+` "state":"idle"`) {
			t.Errorf("at the end it said\n%s", show(said))
		}
	})
}

func TestAPressOfAButtonIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := parse(t, zigbeeHouse+"people: [{name: Ben, role: home}]\n")
		live(t, house, simulator.Options{Seed: 1, Speed: 60}, func(_ *simulator.Simulator, ts *tapes) {
			time.Sleep(8 * time.Minute) // eight hours
			synctest.Wait()
			actions := map[string]int{}
			states := 0
			for _, m := range ts.of("zigbee2mqtt").taken() {
				if m.Topic != "zigbee2mqtt/remote" {
					continue
				}
				state := map[string]any{}
				if err := json.Unmarshal(m.Payload, &state); err != nil {
					t.Fatal(err)
				}
				if a, ok := state["action"].(string); ok {
					actions[a]++
				} else {
					states++
				}
			}
			if actions["single"] < 2 || len(actions) > 3 || states < 5 {
				t.Errorf("in eight hours it told %v and %d states", actions, states)
			}
		})
	})
}

func TestZigbeePresenceIsShownByTheBridge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.New(t)
		ear, publish := listen(t, b, "#")
		s, halt := open(t, b, parse(t, zigbeeHouse), simulator.Options{Seed: 1})
		<-s.Ready()
		wait := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		wait(20 * time.Second)
		ear.want(t, "at first", "zigbee2mqtt/bridge/state", `{"state":"online"}`)
		ear.want(t, "at first", "zigbee2mqtt/plug/availability", `{"state":"online"}`)
		if n := s.Connected(); n != 12 {
			t.Errorf("%d devices are connected, want 12", n)
		}
		must(s.CutPower("zb-plug"))
		must(s.CutPower("zb-motion"))
		if n := s.Connected(); n != 10 {
			t.Errorf("with two devices without power %d are connected, want 10", n)
		}
		wait(30 * time.Second)
		ear.want(t, "after half a minute without power", "zigbee2mqtt/plug/availability", `{"state":"online"}`)
		publish("zigbee2mqtt/plug/set", `{"state":"OFF"}`)
		wait(time.Second)
		ear.want(t, "a command to it", "zigbee2mqtt/bridge/logging", "Delivery failed")
		wait(40 * time.Second)
		ear.want(t, "after a minute without power", "zigbee2mqtt/plug/availability", `{"state":"offline"}`)
		ear.want(t, "a sensor with an empty battery", "zigbee2mqtt/motion/availability", `{"state":"online"}`)
		must(s.RestorePower("zb-plug"))
		wait(time.Second)
		ear.want(t, "with power again", "zigbee2mqtt/plug/availability", `{"state":"online"}`)
		ear.want(t, "with power again", "zigbee2mqtt/plug", `"state":"ON"`)
		wait(25 * time.Hour)
		ear.want(t, "after a day", "zigbee2mqtt/motion/availability", `{"state":"offline"}`)

		must(s.CutPower("zigbee2mqtt"))
		wait(time.Minute)
		ear.want(t, "when the bridge has no power", "zigbee2mqtt/bridge/state", `{"state":"offline"}`)
		if n := s.Connected(); n != 0 {
			t.Errorf("without the bridge %d devices are connected", n)
		}
		must(s.RestorePower("zigbee2mqtt"))
		wait(10 * time.Second)
		ear.want(t, "when it has power again", "zigbee2mqtt/bridge/state", `{"state":"online"}`)
		publish("zigbee2mqtt/bridge/request/restart", "")
		wait(2 * time.Second)
		ear.want(t, "while it restarts", "zigbee2mqtt/bridge/state", `{"state":"offline"}`)
		wait(15 * time.Second)
		ear.want(t, "after it has restarted", "zigbee2mqtt/bridge/state", `{"state":"online"}`)
		halt()
		synctest.Wait()
		ear.want(t, "at the end", "zigbee2mqtt/bridge/state", `{"state":"offline"}`)
	})
}

func TestALockTellsWhoTurnedIt(t *testing.T) {
	atNoon(t, zigbeeHouse, func(t *testing.T, _ *simulator.Simulator, ts *tapes) {
		tape := ts.of("zigbee2mqtt")
		tape.hear("zigbee2mqtt/lock/set", `{"state":"UNLOCK"}`)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		told := 0
		for _, m := range tape.taken() {
			if m.Topic == "zigbee2mqtt/lock" && strings.Contains(string(m.Payload), `"action":"unlock"`) {
				told++
			}
		}
		if told != 1 {
			t.Errorf("it told the action %d times, want once", told)
		}
	})
}
