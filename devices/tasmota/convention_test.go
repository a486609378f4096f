package tasmota_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/conventiontest"
)

const plugSensors = `{"sn":{"Time":"2023-06-24T08:39:31","ENERGY":{"TotalStartTime":"2023-06-24T08:32:22","Total":1.5,"Yesterday":0.2,"Today":0.1,` +
	`"Power":0,"ApparentPower":0,"ReactivePower":0,"Factor":0.00,"Voltage":233,"Current":0.000}},"ver":1}`

const plugSensor = `{"Time":"2023-06-24T09:19:26","ENERGY":{"TotalStartTime":"2023-06-24T08:32:22","Total":1.523,"Yesterday":0.210,"Today":0.101,` +
	`"Period":2,"Power":42,"ApparentPower":50,"ReactivePower":27,"Factor":0.84,"Voltage":234,"Current":0.213}}`

const plugState = `{"Time":"2023-06-24T09:19:26","Uptime":"1T00:40:09","UptimeSec":88809,"Heap":26,"SleepMode":"Dynamic","Sleep":50,"LoadAvg":19,` +
	`"MqttCount":3,"POWER":"ON","Wifi":{"AP":1,"SSId":"x","BSSId":"y","Channel":1,"Mode":"11n","RSSI":92,"Signal":-54,"LinkCount":2,"Downtime":"0T00:00:03"}}`

func TestConformance(t *testing.T) {
	var house []broker.Message
	add := func(topic, payload string) {
		house = append(house, broker.Message{Topic: topic, Payload: []byte(payload), Retain: strings.HasPrefix(topic, "tasmota/")})
	}
	announce := func(mac, topic, changes string) {
		add("tasmota/discovery/"+mac+"/config", config(mac, topic, changes))
	}
	announce("AA0000000001", "plug", "")
	add("tasmota/discovery/AA0000000001/sensors", plugSensors)
	add("tele/plug/LWT", "Online")
	add("tele/plug/STATE", plugState)
	add("tele/plug/SENSOR", plugSensor)
	add("stat/plug/POWER", "OFF")
	announce("AA0000000002", "lamp", "rl=[2];lt_st=5;lk=1;ft=\"home/%topic%/%prefix%/\"")
	add("home/lamp/tele/STATE", `{"Time":"x","Uptime":"0T01:00:00","Wifi":{"RSSI":50},"POWER":"ON","Dimmer":40,"Color":"66000000","HSBColor":"0,100,40","White":0,"CT":200,"Scheme":0}`)
	add("home/lamp/stat/RESULT", `{"POWER":"ON","Dimmer":40,"White":40,"CT":300}`)
	announce("AA0000000003", "blind", "rl=[3,3,3,3];sho=[0,1];sht=[[0,90,40],[0,0,0]]")
	add("stat/blind/RESULT", `{"Shutter1":{"Position":36,"Direction":1,"Target":100,"Tilt":45}}`)
	announce("AA0000000004", "fan", "rl=[2,0,0,0];if=1")
	add("stat/fan/RESULT", `{"FanSpeed":2}`)
	announce("AA0000000005", "inputs", `rl=[];btn=[1,0];swc=[1,0,3];swn=["Door",null,null];so={"73":1,"114":1}`)
	add("stat/inputs/RESULT", `{"Button1":{"Action":"SINGLE"}}`)
	add("stat/inputs/RESULT", `{"Door":{"Action":"ON"}}`)
	for _, m := range answers("old", "AA:00:00:00:00:06", `"POWER1":"ON","POWER2":"OFF"`, `"DS18B20":{"Temperature":20.6},"TempUnit":"C"`) {
		add(m[0], m[1])
	}
	add("tele/old/SENSOR", `{"Time":"2019","DS18B20":{"Temperature":20.9},"BH1750":{"Illuminance":79},"TempUnit":"C"}`)
	conventiontest.Run(t, conventiontest.Setup{
		New:   func() hub.Convention { return newConvention(t) },
		House: house,
	})
}

// answers are what a device answers to STATUS 0.
func answers(topic, mac, state, sensors string) [][2]string {
	if state != "" {
		state += ","
	}
	return [][2]string{
		{"stat/" + topic + "/STATUS", `{"Status":{"Module":1,"DeviceName":"Old one","FriendlyName":["Left","Right"],"Topic":"` + topic + `","ButtonTopic":"0","Power":1}}`},
		{"stat/" + topic + "/STATUS1", `{"StatusPRM":{"Baudrate":115200,"RestartReason":"Power on","Uptime":"0T03:18:43"}}`},
		{"stat/" + topic + "/STATUS2", `{"StatusFWR":{"Version":"7.2.0(tasmota)","Hardware":"ESP8266EX"}}`},
		{"stat/" + topic + "/STATUS3", `{"StatusLOG":{"TelePeriod":300,"SetOption":["0000A009","2805C8000100060000005A00000000000000","00008000","00000000"]}}`},
		{"stat/" + topic + "/STATUS4", `{"StatusMEM":{"ProgramSize":594}}`},
		{"stat/" + topic + "/STATUS5", `{"StatusNET":{"Hostname":"old-5911","IPAddress":"192.0.2.45","Mac":"` + mac + `"}}`},
		{"stat/" + topic + "/STATUS6", `{"StatusMQT":{"MqttHost":"192.0.2.1"}}`},
		{"stat/" + topic + "/STATUS10", `{"StatusSNS":{"Time":"2021-05-03T12:53:45",` + sensors + `}}`},
		{"stat/" + topic + "/STATUS11", `{"StatusSTS":{"Time":"2021-05-03T12:53:45","Uptime":"0T03:18:43","Vcc":3.4,` + state + `"Wifi":{"AP":1,"RSSI":74}}}`},
	}
}

func TestPlug(t *testing.T) {
	h := newHouse(t)
	h.discover("")
	h.replay("tasmota/discovery/"+mac+"/sensors", plugSensors)
	want := `48551917E7AE: "Hall", Tasmota Athom Plug V2, firmware 13.1.0.1, [{mac 48:55:19:17:e7:ae}]
  energy: sensor "ENERGY" 
    apparent-power: float (apparent_power) VA
    current: float (current) A
    energy: float (energy) kWh
    power: float (power) W
    power-factor: float (power_factor)
    reactive-power: float (reactive_power) var
    today: float (energy) kWh
    voltage: float (voltage) V
    yesterday: float (energy) kWh
  relay: switch "" 
    on: bool settable
  status: sensor "Status" diagnostic
    mqtt-connects: float
    restart-reason: text
    signal-strength: float (signal_strength) dBm
    uptime: float (duration) s
    wifi-connects: float
    wifi-quality: float %
`
	if diff := cmp.Diff(want, h.Shape(mac)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"cmnd/hall/STATUS 3", "cmnd/hall/STATUS 10", "cmnd/hall/STATUS 11", "cmnd/hall/STATUS 1"}, h.questions()); diff != "" {
		t.Errorf("it is asked how it is: %s", diff)
	}
	if got := h.hear("tele/hall/STATE", plugState); !cmp.Equal(got, []string{
		"relay/on=true", "status/mqtt-connects=3", "status/signal-strength=-54", "status/uptime=88809", "status/wifi-connects=2", "status/wifi-quality=92",
	}) {
		t.Errorf("STATE: %q", got)
	}
	if got := h.hear("tele/hall/SENSOR", plugSensor); !cmp.Equal(got, []string{
		"energy/apparent-power=50", "energy/current=0.213", "energy/energy=1.523", "energy/period=0.002", "energy/power-factor=0.84", "energy/power=42",
		"energy/reactive-power=27", "energy/today=0.101", "energy/voltage=234", "energy/yesterday=0.21",
	}) {
		t.Errorf("SENSOR: %q", got)
	}
	if n := len(h.Devices[mac].Sources); n != 3 {
		t.Errorf("Period was learnt, and yet there are %d sources", n)
	}
	for payload, want := range map[string]string{"ON": "relay/on=true", "OFF": "relay/on=false"} {
		if got := h.hear("stat/hall/POWER", payload); !cmp.Equal(got, []string{want}) {
			t.Errorf("POWER %s: %q", payload, got)
		}
		if got := h.hear("stat/hall/RESULT", `{"POWER":"`+payload+`"}`); !cmp.Equal(got, []string{want}) {
			t.Errorf("RESULT %s: %q", payload, got)
		}
	}
	if got := h.told(mac, "relay/on", "true"); !cmp.Equal(got, []string{"cmnd/hall/POWER1 ON"}) {
		t.Errorf("told %q", got)
	}
	if len(h.faults) > 0 {
		t.Errorf("faults: %q", h.faults)
	}
	h.hear("tele/hall/SENSOR", `{"ENERGY":{"Power":"abc","Voltage":null}}`)
	if diff := cmp.Diff([]string{`SENSOR: expected a number at ENERGY.Power, got "abc"`}, h.faults); diff != "" {
		t.Error(diff)
	}
	h.replay("tasmota/discovery/"+mac+"/config", "")
	if len(h.Devices) > 0 {
		t.Error("it took its announcement away, and yet it is there")
	}
}

// step is a message that is heard, or, when topic begins with "> ", a command: path=value, and what it sends.
type step struct {
	topic, payload string
	want           []string
}

func TestDevices(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		steps  []step
	}{
		"topics turned around, with other prefixes and words": {
			config: `ft="house/%topic%/%prefix%/";tp=["do","is","says"];state=["AUS","AN","UM","HALT"]`,
			steps: []step{
				{"house/hall/is/POWER", "AN", []string{"relay/on=true"}},
				{"house/hall/is/RESULT", `{"POWER":"AUS"}`, []string{"relay/on=false"}},
				{"house/hall/says/STATE", `{"POWER":"AN","Wifi":{"RSSI":70}}`, []string{"relay/on=true", "status/wifi-quality=70"}},
				{"> relay/on=true", "", []string{"house/hall/do/POWER1 ON"}},
			},
		},
		"topics with the address": {
			config: `ft="t/%id%/%prefix%"`,
			steps: []step{
				{"t/" + mac + "/stat/POWER", "ON", []string{"relay/on=true"}},
				{"> relay/on=false", "", []string{"t/" + mac + "/cmnd/POWER1 OFF"}},
				{"t/" + mac[6:] + "/stat/POWER", "ON", []string{"relay/on=true"}},
				{"> relay/on=false", "", []string{"t/" + mac[6:] + "/cmnd/POWER1 OFF"}},
			},
		},
		"topics without a prefix": {
			config: `ft="just/%hostname%"`,
			steps: []step{
				{"just/hall-1234/POWER", "ON", []string{"relay/on=true"}},
				{"> relay/on=false", "", []string{"just/hall-1234/cmnd/POWER1 OFF"}},
			},
		},
		"two relays with names": {
			config: `rl=[1,1];fn=["Desk","Wall",null]`,
			steps: []step{
				{"stat/hall/POWER2", "ON", []string{"relay-2/on=true"}},
				{"stat/hall/RESULT", `{"POWER1":"ON"}`, []string{"relay-1/on=true"}},
				{"> relay-2/on=false", "", []string{"cmnd/hall/POWER2 OFF"}},
			},
		},
		"answers in topics of commands (SetOption4)": {
			config: `so={"4":1}`,
			steps:  []step{{"stat/hall/POWER", `{"POWER":"ON"}`, []string{"relay/on=true"}}},
		},
		"relays that are to be lights (SetOption30)": {
			config: `rl=[1];so={"30":1}`,
			steps:  []step{{"stat/hall/POWER", "ON", []string{"light/on=true"}}},
		},
		"dimmer": {
			config: `rl=[2];lt_st=1;lk=1`,
			steps: []step{
				{"stat/hall/RESULT", `{"POWER":"ON","Dimmer":35}`, []string{"light/brightness=35", "light/on=true"}},
				{"> light/brightness=41", "", []string{"cmnd/hall/Dimmer 41"}},
				{"> light/brightness=0.2", "", []string{"cmnd/hall/Dimmer 1"}},
				{"> light/brightness=0", "", []string{"cmnd/hall/POWER1 OFF"}},
			},
		},
		"dimmer that fades": {
			config: `rl=[2];lt_st=1;lk=1`,
			steps: []step{
				{"tele/hall/STATE", `{"POWER":"ON","Dimmer":35,"Fade":"OFF","Speed":4}`, []string{"light/brightness=35", "light/on=true", "light/transition=0"}},
				{"> light/transition=3", "", []string{"cmnd/hall/Backlog Speed 6;Fade 1"}},
				{"stat/hall/RESULT", `{"Speed":6}`, []string{"light/transition=0"}},
				{"stat/hall/RESULT", `{"Fade":"ON"}`, []string{"light/transition=3"}},
				{"stat/hall/RESULT", `{"Speed":0}`, []string{"light/transition=3"}},
				{"stat/hall/RESULT", `{"Fade":"ON","Speed":8}`, []string{"light/transition=4"}},
				{"> light/transition=0", "", []string{"cmnd/hall/Fade 0"}},
				{"> light/transition=20", "", []string{"cmnd/hall/Backlog Speed 40;Fade 1"}},
			},
		},
		"dimmer behind a Tuya chip": {
			config: `rl=[2];lt_st=1;lk=1;ty=1`,
			steps: []step{
				{"stat/hall/RESULT", `{"Dimmer":35}`, []string{"light/brightness=35"}},
				{"> light/brightness=41", "", []string{"cmnd/hall/Dimmer3 41"}},
			},
		},
		"dimmer that does not switch on (SetOption20)": {
			config: `rl=[1,2];lt_st=1;lk=1;so={"20":1}`,
			steps: []step{
				{"> light/brightness=41", "", []string{"cmnd/hall/Backlog Dimmer 41;POWER2 ON"}},
				{"> light/brightness=0", "", []string{"cmnd/hall/POWER2 OFF"}},
			},
		},
		"cold and warm white": {
			config: `rl=[2];lt_st=2;lk=1`,
			steps: []step{
				{"stat/hall/RESULT", `{"POWER":"ON","Dimmer":50,"Color":"4C33","White":50,"CT":250,"Channel":[30,20]}`, []string{"light/brightness=50", "light/color-temperature=4000", "light/on=true"}},
				{"> light/color-temperature=2700", "", []string{"cmnd/hall/CT 370"}},
				{"> light/color-temperature=6536", "", []string{"cmnd/hall/CT 153"}},
			},
		},
		"cold and warm white for Alexa (SetOption82)": {
			config: `rl=[2];lt_st=2;lk=1;so={"82":1}`,
			steps:  []step{{"> light/color-temperature=5000", "", []string{"cmnd/hall/CT 200"}}},
		},
		"colors": {
			config: `rl=[2];lt_st=3;lk=1`,
			steps: []step{
				{"stat/hall/RESULT", `{"POWER":"ON","Dimmer":50,"Color":"7F0000","HSBColor":"0,100,50","Channel":[50,0,0]}`, []string{"light/brightness=50", "light/color=0,100", "light/on=true"}},
				{"stat/hall/RESULT", `{"Color":"00FF00"}`, []string{"light/color=120,100"}},
				{"stat/hall/RESULT", `{"Color":"0,0,255"}`, []string{"light/color=240,100"}},
				{"tele/hall/STATE", `{"Scheme":2}`, []string{"light/effect=cycle up"}},
				{"> light/color=120,100", "", []string{"cmnd/hall/Color2 0,255,0"}},
				{"> light/color=240,50", "", []string{"cmnd/hall/Color2 128,128,255"}},
				{"> light/effect=random", "", []string{"cmnd/hall/Scheme 4"}},
			},
		},
		"colors and white": {
			config: `rl=[2];lt_st=4;lk=1`,
			steps: []step{
				{"stat/hall/RESULT", `{"Dimmer":50,"Color":"7F000000","HSBColor":"0,100,50","White":0}`, []string{"light/brightness=50", "light/color=0,100", "light/white=0"}},
				{"stat/hall/RESULT", `{"Dimmer":50,"Color":"0000007F","HSBColor":"30,100,0","White":50}`, []string{"light/brightness=50", "light/color=0,0", "light/white=50"}},
				{"> light/white=30", "", []string{"cmnd/hall/White 30"}},
			},
		},
		"colors, cold and warm white": {
			config: `rl=[1,2];lt_st=5;lk=1`,
			steps: []step{
				{"tele/hall/STATE", `{"POWER1":"OFF","POWER2":"ON","Dimmer":50,"Color":"7F00000000","HSBColor":"0,100,50","White":0,"CT":400}`, []string{"light/brightness=50", "light/color-temperature=2500", "light/color=0,100", "light/on=true", "relay/on=false"}},
				{"tele/hall/STATE", `{"Dimmer":60,"Color":"0000009900","HSBColor":"0,100,0","White":60,"CT":153}`, []string{"light/brightness=60", "light/color-temperature=6536"}},
			},
		},
		"colors and white apart from each other": {
			config: `rl=[2,2];lt_st=5;lk=0`,
			steps: []step{
				{"stat/hall/RESULT", `{"POWER1":"ON","Dimmer1":10,"POWER2":"OFF","Dimmer2":90,"HSBColor":"120,100,10","CT":250,"White":90}`, []string{
					"light-color/brightness=10", "light-color/color=120,100", "light-color/on=true", "light-white/brightness=90", "light-white/color-temperature=4000", "light-white/on=false",
				}},
				{"> light-color/brightness=20", "", []string{"cmnd/hall/Dimmer1 20"}},
				{"> light-white/brightness=30", "", []string{"cmnd/hall/Dimmer2 30"}},
				{"> light-color/color=0,100", "", []string{"cmnd/hall/Color2 255,0,0="}},
				{"> light-white/on=true", "", []string{"cmnd/hall/POWER2 ON"}},
			},
		},
		"channels that are lights of their own (SetOption68)": {
			config: `rl=[1,2,2];lt_st=2;so={"68":1}`,
			steps: []step{
				{"tele/hall/STATE", `{"POWER1":"ON","POWER2":"ON","Channel2":40,"POWER3":"OFF","Channel3":70}`, []string{"light-2/brightness=40", "light-2/on=true", "light-3/brightness=70", "light-3/on=false", "relay/on=true"}},
				{"> light-3/brightness=10", "", []string{"cmnd/hall/Channel3 10"}},
			},
		},
		"shutter": {
			config: `rl=[3,3];sho=[0];sht=[[-90,90,10]]`,
			steps: []step{
				{"stat/hall/RESULT", `{"Shutter1":{"Position":36,"Direction":1,"Target":100,"Tilt":0}}`, []string{"shutter/position=36", "shutter/state=opening", "shutter/tilt=50"}},
				{"tele/hall/SENSOR", `{"Time":"x","Shutter1":{"Position":0,"Direction":0,"Target":0}}`, []string{"shutter/position=0", "shutter/state=closed"}},
				{"stat/hall/SHUTTER1", "42", []string{"shutter/position=42"}},
				{"stat/hall/RESULT", `{"ShutterOpen1":100}`, nil},
				{"> shutter/state=open", "", []string{"cmnd/hall/ShutterOpen1"}},
				{"> shutter/state=closed", "", []string{"cmnd/hall/ShutterClose1"}},
				{"> shutter/stop=true", "", []string{"cmnd/hall/ShutterStop1"}},
				{"> shutter/position=30", "", []string{"cmnd/hall/ShutterPosition1 30"}},
				{"> shutter/tilt=75", "", []string{"cmnd/hall/ShutterTilt1 45"}},
			},
		},
		"two shutters, of which the second is turned around": {
			config: `rl=[3,3,3,3];sho=[0,1]`,
			steps: []step{
				{"stat/hall/STATUS10", `{"StatusSNS":{"Time":"x","Shutter2":{"Position":30,"Direction":-1,"Target":0}}}`, []string{"shutter-2/position=70", "shutter-2/state=opening"}},
				{"> shutter-2/position=20", "", []string{"cmnd/hall/ShutterPosition2 80"}},
			},
		},
		"fan with a lamp": {
			config: `rl=[2,0,0,0];if=1`,
			steps: []step{
				{"stat/hall/RESULT", `{"FanSpeed":1}`, []string{"fan/on=true", "fan/speed=33.33"}},
				{"tele/hall/STATE", `{"POWER1":"ON","POWER2":"OFF","FanSpeed":0}`, []string{"fan/on=false", "fan/speed=0", "light/on=true"}},
				{"> fan/on=true", "", []string{"cmnd/hall/FanSpeed 1"}},
				{"> fan/speed=66.67", "", []string{"cmnd/hall/FanSpeed 2"}},
				{"> fan/speed=5", "", []string{"cmnd/hall/FanSpeed 1"}},
				{"> fan/on=false", "", []string{"cmnd/hall/FanSpeed 0"}},
				{"> light/on=false", "", []string{"cmnd/hall/POWER1 OFF"}},
			},
		},
		"buttons and switches that are detached": {
			config: `rl=[1];btn=[1,1];swc=[1,0,3];swn=["Door",null,null];so={"73":1,"114":1}`,
			steps: []step{
				{"stat/hall/RESULT", `{"Button2":{"Action":"DOUBLE"}}`, []string{"button-2/event=double"}},
				{"stat/hall/BUTTON1", `{"ACTION":"SINGLE"}`, []string{"button-1/event=single"}},
				{"stat/hall/RESULT", `{"Door":{"Action":"ON"}}`, []string{"switch-1/on=true"}},
				{"tele/hall/SENSOR", `{"Time":"x","Door":"OFF"}`, []string{"switch-1/on=false"}},
				{"stat/hall/RESULT", `{"Switch2":{"Action":"TOGGLE"}}`, []string{"switch-2/event=toggle"}},
				{"stat/hall/RESULT", `{"Switch3":{"Action":"HOLD"}}`, []string{"switch-3/event=hold"}},
				{"stat/hall/RESULT", `{"Switch3":{"Action":"ON"}}`, []string{"switch-3/on=true"}},
				{"stat/hall/SWITCH3", `{"STATE":"OFF"}`, []string{"switch-3/on=false"}},
			},
		},
		"buttons whose presses are swapped (SetOption11)": {
			config: `btn=[1];so={"73":1,"11":1}`,
			steps:  []step{{"stat/hall/RESULT", `{"Button1":{"Action":"DOUBLE"}}`, []string{"button-1/event=single"}}},
		},
		"a switch that was not announced": {
			steps: []step{
				{"tele/hall/SENSOR", `{"Time":"2021-01-01T00:00:00","Switch1":"OFF"}`, []string{"switch-1/on=false"}},
				{"tele/hall/SENSOR", `{"Time":"2021-01-01T00:00:00","Switch1":"ON"}`, []string{"switch-1/on=true"}},
			},
		},
		"three phases and two tariffs": {
			steps: []step{{
				"tele/hall/SENSOR", `{"Time":"x","ENERGY":{"TotalStartTime":"y","Total":[1.5,2.5,3.5],"TotalTariff":[0.1,0.2],"Power":[10,20,30],"Voltage":230}}`,
				[]string{
					"energy/energy-1=1.5", "energy/energy-2=2.5", "energy/energy-3=3.5", "energy/power-1=10", "energy/power-2=20", "energy/power-3=30",
					"energy/total-tariff-1=0.1", "energy/total-tariff-2=0.2", "energy/voltage=230",
				},
			}},
		},
		"degrees Fahrenheit and millimeters of mercury": {
			steps: []step{{
				"tele/hall/SENSOR", `{"Time":"x","BME280":{"Temperature":68.0,"Humidity":50.1,"DewPoint":50,"Pressure":750.0},"PressureUnit":"mmHg","TempUnit":"F"}`,
				[]string{"bme280/dew-point=10", "bme280/humidity=50.1", "bme280/pressure=999.92", "bme280/temperature=20"},
			}},
		},
		"several chips of a kind, and what is nested": {
			steps: []step{
				{"tele/hall/SENSOR", `{"Time":"x","DS18B20-1":{"Id":"00000566CC39","Temperature":13.3},"DS18B20-2":{"Id":"0000059352D4","Temperature":1.2},"TempUnit":"C"}`, []string{"ds18b20-1/temperature=13.3", "ds18b20-2/temperature=1.2"}},
				{"tele/hall/SENSOR", `{"Time":"x","TX23":{"Speed":{"Act":14.8,"Avg":8.5},"Dir":{"Card":"WSW","Deg":247.5}},"SpeedUnit":"km/h"}`, []string{"tx23/dir-card=WSW", "tx23/dir-deg=247.5", "tx23/speed-act=14.8", "tx23/speed-avg=8.5"}},
				{"tele/hall/SENSOR", `{"Time":"x","ANALOG":{"CTEnergy1":{"Energy":0.5,"Power":2300}}}`, []string{"analog/ct-energy1-energy=0.5", "analog/ct-energy1-power=2300"}},
				{"tele/hall/SENSOR", `{"Time":"x","PMS5003":{"PM2.5":12,"PB0.3":100}}`, []string{"pms5003/pb0-3=100", "pms5003/pm25=12"}},
				{"tele/hall/SENSOR", `{"Time":"x","AS3935":{"Event":4,"Distance":12,"Energy":58622}}`, []string{"as3935/distance=12", "as3935/energy=58622", "as3935/event=4"}},
			},
		},
		"null, and numbers that are texts": {
			steps: []step{
				{"tele/hall/SENSOR", `{"Time":"x","DHT11":{"Temperature":null,"Humidity":null}}`, nil},
				{"tele/hall/SENSOR", `{"Time":"x","DHT11":{"Temperature":"21.5","Humidity":nan}}`, []string{"dht11/temperature=21.5"}},
			},
		},
		"a text that first was on or off": {
			steps: []step{
				{"tele/hall/SENSOR", `{"Time":"x","LD2410":{"STATE":"ON"}}`, []string{"ld2410/state=true"}},
				{"tele/hall/SENSOR", `{"Time":"x","LD2410":{"STATE":"GONE"}}`, []string{"ld2410/state=GONE"}},
			},
		},
		"radio bridges": {
			steps: []step{
				{"tele/hall/RESULT", `{"Time":"x","RfReceived":{"Data":"0x7028D2","Bits":24,"Protocol":1,"Pulse":238}}`, []string{"rf/event=0x7028D2"}},
				{"tele/hall/RESULT", `{"IrReceived":{"Protocol":"NEC","Bits":32,"Data":"0x10EF"}}`, []string{"ir/event=NEC 0x10EF"}},
				{"tele/hall/SENSOR", `{"ZbReceived":{"0x5ADF":{"Device":"0x5ADF","Name":"Lamp","Power":1,"Temperature":21.5,"LinkQuality":70}}}`, []string{"zbreceived-0x5adf/link-quality=70", "zbreceived-0x5adf/power=1", "zbreceived-0x5adf/temperature=21.5"}},
				{"tele/hall/5ADF/SENSOR", `{"ZbReceived":{"0x5ADF":{"Temperature":22}}}`, []string{"zbreceived-0x5adf/temperature=22"}},
				{"tele/hall/SENSOR", `{"Time":"x","PN532":{"UID":"94D8FC5F","DATA":""}}`, []string{"pn532/event=94D8FC5F"}},
			},
		},
		"a battery": {
			config: `bat=1;rl=[]`,
			steps: []step{
				{"tele/hall/STATE", `{"Wifi":{"RSSI":50},"BatteryPercentage":87}`, []string{"battery/battery=87", "status/wifi-quality=50"}},
			},
		},
		"the oldest firmware": {
			steps: []step{
				{"tele/hall/STATE", `{"Time":"2017-07-25T12:06:28","Uptime":68,"Vcc":3.122,"POWER":"ON","Wifi":{"AP":1,"RSSI":100}}`, []string{"relay/on=true", "status/uptime=244800", "status/voltage=3.122", "status/wifi-quality=100"}},
				{"stat/hall/STATUS8", `{"StatusSNS":{"Time":"x","Total":0.640,"Power":12}}`, []string{"sensor/energy=0.64", "sensor/power=12"}},
				{"tele/hall/INFO3", `{"RestartReason":"Power on"}`, []string{"status/restart-reason=Power on"}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.discover(c.config)
			for _, s := range c.steps {
				var got []string
				if path, ok := strings.CutPrefix(s.topic, "> "); ok {
					path, value, _ := strings.Cut(path, "=")
					got = h.told(mac, path, value)
				} else {
					got = h.hear(s.topic, s.payload)
				}
				if diff := cmp.Diff(s.want, got); diff != "" {
					t.Errorf("%s %s: %s", s.topic, s.payload, diff)
				}
			}
			if len(h.faults) > 0 {
				t.Errorf("faults: %q", h.faults)
			}
			// What was learnt is known again from what is kept.
			again := newHouse(t)
			for _, m := range h.Devices[mac].Sources {
				again.hearMessage(m)
			}
			if diff := cmp.Diff(h.Shape(mac), again.Shape(mac)); diff != "" {
				t.Errorf("after a restart: %s", diff)
			}
		})
	}
}

func TestAnAnswerToAnUnknownCommandRefusesIt(t *testing.T) {
	h := newHouse(t)
	h.discover(`rl=[2];lt_st=3;lk=1;so={"20":1}`)
	h.hear("stat/hall/RESULT", `{"Command":"Unknown"}`) // somebody else's, for the hub said nothing
	h.told(mac, "light/on", "true")
	h.told(mac, "light/brightness", "41")
	h.hear("stat/hall/RESULT", `{"Command":"Unknown","Input":"DISPLAYTEXT x"}`)
	h.hear("stat/hall/RESULT", `{"Command":"Unknown","Input":"POWER1"}`)
	h.hear("stat/hall/RESULT", `{"Dimmer":"Error"}`)
	h.told(mac, "light/color", "120,100")
	h.replay("stat/hall/RESULT", `{"Command":"Error"}`)
	h.hear("stat/hall/RESULT", `{"Command":"Error"}`)
	h.hear("stat/hall/RESULT", `{"Command":"Error"}`)
	want := []string{
		mac + "/light/on: the device does not know this command", mac + "/light/brightness: the device says that this is an error",
		mac + "//: the device says that this is an error",
	}
	if diff := cmp.Diff(want, h.Refused); diff != "" {
		t.Error(diff)
	}
}

func TestTheSilenceOfADeviceIsWhatItSays(t *testing.T) {
	h := newHouse(t)
	h.discover("")
	h.questions()
	if s := h.Devices[mac].Silence; s != 0 {
		t.Errorf("before it has said so it is %v", s)
	}
	h.hear("stat/hall/STATUS3", `{"StatusLOG":{"TelePeriod":60,"SetOption":["00008009"]}}`)
	if s := h.Devices[mac].Silence; s != 150*time.Second {
		t.Errorf("it is %v", s)
	}
	again := newHouse(t)
	for _, m := range h.Devices[mac].Sources {
		again.hearMessage(m)
	}
	if s := again.Devices[mac].Silence; s != 150*time.Second {
		t.Errorf("after a restart it is %v", s)
	}
	h.hear("stat/hall/RESULT", `{"TelePeriod":300}`)
	if diff := cmp.Diff([]string{"cmnd/hall/STATUS 3"}, h.questions()); diff != "" {
		t.Error(diff)
	}
	h.hear("stat/hall/STATUS3", `{"StatusLOG":{"TelePeriod":0}}`)
	if s := h.Devices[mac].Silence; s != 0 {
		t.Errorf("without reports it is %v", s)
	}
}

func TestWhatIsClearedIsTheDevicesAlone(t *testing.T) {
	for config, want := range map[string][]string{
		"":                           {"stat/hall/+", "tele/hall/+", "cmnd/hall/+"},
		`ft="%topic%/x/%prefix%/"`:   {"hall/x/stat/+", "hall/x/tele/+", "hall/x/cmnd/+"},
		`ft="house/%prefix%/"`:       nil,
		`ft="%prefix%/%hostname%/";`: {"stat/hall-1234/+", "tele/hall-1234/+", "cmnd/hall-1234/+"},
	} {
		h := newHouse(t)
		h.discover(config)
		want := append([]string{"tasmota/discovery/" + mac + "/config", "tasmota/discovery/" + mac + "/sensors"}, want...)
		if diff := cmp.Diff(want, h.C.Topics(mac)); diff != "" {
			t.Errorf("%s: %s", config, diff)
		}
	}
	h := newHouse(t)
	h.discover("")
	h.replay("tasmota/discovery/AA0000000001/config", config("AA0000000001", "hall", ""))
	if got := h.C.Topics("AA0000000001"); len(got) != 2 {
		t.Errorf("of a device with the topics of another: %q", got)
	}
}
