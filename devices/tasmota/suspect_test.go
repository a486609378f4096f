package tasmota_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices/tasmota"
)

const oldKey = "tele/old"

const askOld = "cmnd/old/STATUS 0"

func TestADeviceThatDoesNotAnnounceItselfIsAskedWhatItIs(t *testing.T) {
	h := newHouse(t)
	h.hear("tele/old/LWT", "Online")
	if diff := cmp.Diff([]string{askOld}, h.questions()); diff != "" {
		t.Fatal(diff)
	}
	var readings []string
	for _, m := range answers("old", "AA:00:00:00:00:06", `"POWER1":"ON","POWER2":"OFF","Dimmer":40,"Color":"FF00000000","HSBColor":"0,100,40","CT":200`, `"DS18B20":{"Temperature":20.6},"TempUnit":"C"`) {
		readings = append(readings, h.hear(m[0], m[1])...)
	}
	if len(h.questions()) > 0 {
		t.Error("it is asked while it answers")
	}
	want := `tele/old: "Old one", Tasmota ESP8266EX, firmware 7.2.0(tasmota), [{mac aa:00:00:00:00:06}], silent for at most 10m30s
  ds18b20: sensor "DS18B20" 
    temperature: float (temperature) °C
  light: light "Right" 
    brightness: float 0 to 100 % settable
    color: color settable
    color-temperature: int 2000 to 6536 K settable
    effect: enum [solid wake up cycle up cycle down random] settable
    on: bool settable
    transition: float (duration) 0 to 20 s settable
  relay: switch "Left" 
    on: bool settable
  status: sensor "Status" diagnostic
    mqtt-connects: float
    restart-reason: text
    signal-strength: float (signal_strength) dBm
    uptime: float (duration) s
    voltage: float (voltage) V
    wifi-connects: float
    wifi-quality: float %
`
	if diff := cmp.Diff(want, h.Shape(oldKey)); diff != "" {
		t.Error(diff)
	}
	for _, r := range []string{"relay/on=true", "light/on=false", "ds18b20/temperature=20.6", "light/brightness=40", "status/restart-reason=Power on"} {
		if !slices.Contains(readings, r) {
			t.Errorf("%s is missing in %q", r, readings)
		}
	}
	if r := h.reach[oldKey]; r != "online: it is connected: LWT says Online" {
		t.Error(r)
	}
	if got := h.told(oldKey, "relay/on", "false"); !cmp.Equal(got, []string{"cmnd/old/POWER1 OFF"}) {
		t.Error(got)
	}
	again := newHouse(t)
	for _, m := range h.Devices[oldKey].Sources {
		again.hearMessage(m)
	}
	if diff := cmp.Diff(want, again.Shape(oldKey)); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
	if len(h.faults) > 0 {
		t.Error(h.faults)
	}

	// Its firmware is replaced by one that announces itself.
	h.replay("tasmota/discovery/AA0000000006/config", config("AA0000000006", "old", `rl=[1,1];state=["AUS","AN","UM","HALT"]`))
	if len(h.Devices) != 1 || !strings.Contains(h.Shape(oldKey), "relay-2") {
		t.Errorf("it is another device now: %v", h.Shape("AA0000000006"))
	}
	if got := h.hear("stat/old/POWER2", "AN"); !cmp.Equal(got, []string{"relay-2/on=true"}) {
		t.Error(got)
	}
	again = newHouse(t)
	for _, m := range h.Devices[oldKey].Sources {
		again.hearMessage(m)
	}
	if diff := cmp.Diff(h.Shape(oldKey), again.Shape(oldKey)); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
}

func TestADeviceThatWasOnlySeenInKeptMessagesIsAskedWithTheGreeting(t *testing.T) {
	h := newHouse(t)
	h.replay("kitchen/tele/LWT", "Online")
	h.replay("tele/gone/LWT", "Offline")
	if len(h.questions()) > 0 {
		t.Error("it is asked at once, before its announcement can have come")
	}
	var got []string
	for _, m := range h.C.Greet() {
		got = append(got, m.Topic+" "+string(m.Payload))
	}
	if diff := cmp.Diff([]string{"kitchen/cmnd/STATUS 0", "cmnd/tasmotas/STATUS 5", "cmnd/sonoffs/STATUS 5"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestADeviceOfAGroupIsFoundByItsAnswer(t *testing.T) {
	h := newHouse(t)
	h.hear("stat/old/STATUS5", `{"StatusNET":{"Hostname":"old-5911","Mac":"AA:00:00:00:00:06"}}`)
	if diff := cmp.Diff([]string{askOld}, h.questions()); diff != "" {
		t.Error(diff)
	}
}

func TestADeviceThatNeverAnswersIsTakenByItsReports(t *testing.T) {
	h := newHouse(t)
	h.hear("tele/old/STATE", plugState)
	h.hear("tele/old/SENSOR", plugSensor)
	if len(h.Devices) > 0 {
		t.Error("it had no time to answer")
	}
	got := h.hear("tele/old/STATE", strings.Replace(plugState, `"ON"`, `"OFF"`, 1))
	if !slices.Contains(got, "relay/on=false") || h.Devices[oldKey].Device.Name != "old" {
		t.Errorf("%q %s", got, h.Shape(oldKey))
	}
	if got := h.hear("tele/old/SENSOR", plugSensor); !slices.Contains(got, "energy/power=42") {
		t.Error(got)
	}
	again := newHouse(t)
	for _, m := range h.Devices[oldKey].Sources {
		again.hearMessage(m)
	}
	if diff := cmp.Diff(h.Shape(oldKey), again.Shape(oldKey)); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
	for range 20 {
		h.hear("tele/old/STATE", plugState)
	}
	if n := len(h.questions()); n > 8 {
		t.Errorf("it is asked %d times", n)
	}
}

func TestADeviceWhoseTopicWasChangedStaysTheSame(t *testing.T) {
	h := newHouse(t)
	hear := func(topic string) {
		h.hear("tele/"+topic+"/LWT", "Online")
		for _, m := range answers(topic, "AA:00:00:00:00:06", `"POWER":"ON"`, `"DS18B20":{"Temperature":20.6}`) {
			h.hear(m[0], m[1])
		}
	}
	hear("old")
	hear("new")
	if got := h.told(oldKey, "relay/on", "true"); len(h.Devices) != 1 || !cmp.Equal(got, []string{"cmnd/new/POWER1 ON"}) {
		t.Errorf("%d devices, %q", len(h.Devices), got)
	}
}

func TestWhatIsNotTasmotaIsLeftAlone(t *testing.T) {
	h := newHouse(t)
	for topic, payload := range map[string]string{
		"home/OMG_ESP32/LWT":     "online",
		"tele/x/LWT":             "online",
		"tele/x/STATE":           `{"a":1}`,
		"tele/x/SENSOR":          "21.5",
		"zigbee2mqtt/tele/y":     `{"Wifi":{},"Uptime":1}`,
		"a/b/c/d/e/f/g/tele/LWT": "Online",
		"STATE":                  plugState,
		"tele/LWT":               "Online",
		"$SYS/tele/LWT":          "Online",
	} {
		if got := h.hear(topic, payload); got != nil || len(h.Devices) > 0 || len(h.questions()) > 0 || len(h.faults) > 0 {
			t.Errorf("%s: %q %q", topic, got, h.faults)
		}
	}
}

func TestPresence(t *testing.T) {
	h := newHouse(t)
	h.discover(`ofln="weg";onln="da"`)
	h.questions()
	expect := func(want string) {
		t.Helper()
		if got := h.reach[mac]; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	h.replay("tele/hall/LWT", "weg")
	expect("offline: it is not connected: LWT says weg")
	h.hear("tele/hall/LWT", "da")
	expect("online: it is connected: LWT says da")
	if diff := cmp.Diff([]string{"cmnd/hall/STATUS 3", "cmnd/hall/STATUS 10", "cmnd/hall/STATUS 11", "cmnd/hall/STATUS 1"}, h.questions()); diff != "" {
		t.Error(diff)
	}
	h.hear("tele/hall/INFO3", `{"Info3":{"RestartReason":"Power on"}}`) // by now it has subscribed
	if n := len(h.questions()); n != 4 {
		t.Errorf("it is asked %d questions again", n)
	}
	h.hear("stat/hall/STATUS11", `{"StatusSTS":{"POWER":"ON"}}`)
	h.hear("tele/hall/STATE", plugState)
	if q := h.questions(); len(q) > 0 {
		t.Errorf("it answered, and is asked again: %q", q)
	}
	h.hear("tele/hall/LWT", "weg") // the will of an earlier connection
	expect("offline: it is not connected: LWT says weg")
	h.hear("tele/hall/SENSOR", plugSensor)
	expect("online: it reports")
	h.hear("tele/hall/LWT", "Offline")
	expect("online: it reports")
}

func TestDeepSleep(t *testing.T) {
	h := newHouse(t)
	h.discover("dslp=1;rl=[]")
	h.replay("tele/hall/LWT", "Offline")
	if r := h.reach[mac]; !strings.HasPrefix(r, "asleep: ") {
		t.Error(r)
	}
	h.hear("tele/hall/LWT", "Online")
	h.hear("tele/hall/SENSOR", `{"Time":"x","ANALOG":{"A0":8}}`)
	if r := h.reach[mac]; !strings.HasPrefix(r, "online: ") {
		t.Error(r)
	}
	h.hear("stat/hall/DEEPSLEEP", `{"DeepSleep":{"Time":"2021-06-27T15:04:00","Epoch":1624799040}}`)
	if r := h.reach[mac]; r != "asleep: it is in deep sleep until 2021-06-27T15:04:00 of its own clock" {
		t.Error(r)
	}
	h.hear("tele/hall/LWT", "Offline")
	if r := h.reach[mac]; r != "asleep: it is in deep sleep until 2021-06-27T15:04:00 of its own clock" || !h.Devices[mac].Sleeps {
		t.Error(r)
	}
}

func TestShuttersSayWhereTheyAreGoing(t *testing.T) {
	h := newHouse(t)
	h.discover("rl=[3,3]")
	h.hear("stat/hall/RESULT", `{"Shutter1":{"Position":10,"Direction":1,"Target":60}}`)
	h.hear("stat/hall/RESULT", `{"Shutter1":{"Position":60,"Direction":0,"Target":60}}`)
	if diff := cmp.Diff([]string{"shutter/position=60", "shutter/position="}, h.targets); diff != "" {
		t.Error(diff)
	}
}

func TestWrongAnnouncements(t *testing.T) {
	for payload, want := range map[string]string{
		"{":                        "the announcement is not a JSON object",
		`{"mac":"123456789012"}`:   `the announcement is of "123456789012", but the topic says "48551917E7AE"`,
		`{"mac":"48551917E7AE"}`:   `the announcement lacks the device's topic, "t"`,
		`{"t":"a+b"}`:              `FullTopic "%prefix%/%topic%/" with topic "a+b" makes topics that cannot be`,
		strings.Repeat(" ", 20000): "the announcement has 20000 bytes, which is more than 16384",
	} {
		h := newHouse(t)
		h.replay("tasmota/discovery/"+mac+"/config", payload)
		if diff := cmp.Diff([]string{want}, h.faults); diff != "" || len(h.Devices) > 0 {
			t.Errorf("%.40s: %s", payload, diff)
		}
	}
	h := newHouse(t)
	h.replay("tasmota/discovery/"+mac+"/sensors", `{"ver":1}`)
	if diff := cmp.Diff([]string{`the announcement lacks its sensors, "sn"`}, h.faults); diff != "" {
		t.Error(diff)
	}
}

func TestSensorsMayComeBeforeTheDevice(t *testing.T) {
	h := newHouse(t)
	h.replay("tasmota/discovery/"+mac+"/sensors", plugSensors)
	h.discover("")
	if !strings.Contains(h.Shape(mac), "apparent-power") {
		t.Error(h.Shape(mac))
	}
}

func TestADeviceMovesWithItsAnnouncement(t *testing.T) {
	h := newHouse(t)
	h.discover(`ft="far/away/in/the/house/%prefix%/%topic%/"`)
	if !slices.Contains(h.Wanted, "far/away/in/the/house/tele/hall/+") || !slices.Contains(h.Wanted, "far/away/in/the/house/stat/hall/+") {
		t.Errorf("it subscribes %v", h.Wanted)
	}
	h.discover("")
	if slices.Contains(h.Wanted, "far/away/in/the/house/tele/hall/+") || !slices.Contains(h.Wanted, "tele/hall/LWT") {
		t.Errorf("then it subscribes %v", h.Wanted)
	}
	if got := h.hear("far/away/in/the/house/stat/hall/POWER", "ON"); got != nil {
		t.Errorf("its old topics are read: %q", got)
	}
	if got := h.hear("stat/hall/POWER", "ON"); len(got) != 1 {
		t.Errorf("its new topics are not read: %q", got)
	}
}

func TestTwoDevicesWithTheSameTopics(t *testing.T) {
	h := newHouse(t)
	h.discover("")
	h.replay("tasmota/discovery/AA0000000001/config", config("AA0000000001", "hall", `dn="Other"`))
	if len(h.Devices) != 2 || len(h.faults) != 1 || !strings.Contains(h.faults[0], "those of Hall") {
		t.Errorf("%d devices, %q", len(h.Devices), h.faults)
	}
	h.replay("tasmota/discovery/"+mac+"/config", "")
	h.hear("tele/hall/LWT", "Offline")
	if r := h.reach["AA0000000001"]; r != "offline: it is not connected: LWT says Offline" {
		t.Errorf("the second does not inherit the topics: %q", r)
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	h := newHouse(t)
	h.discover("")
	for i := range 3000 {
		n := strings.Repeat("x", i%40) + string(rune('a'+i%26)) + strings.Repeat("y", i/40)
		h.hear("tele/hall/SENSOR", `{"Time":"x","`+n+`":{"Temperature":1,"n":{"a":{}}}}`)
		h.hear("tele/"+n+"/LWT", "Offline")
	}
	d := h.Devices[mac]
	if len(d.Device.Components) > 700 || len(d.Sources) > 100 {
		t.Errorf("%d components, %d sources", len(d.Device.Components), len(d.Sources))
	}
}

func TestOptions(t *testing.T) {
	if _, err := tasmota.New(tasmota.Options{Groups: []string{"a/+"}}); err == nil {
		t.Error("a wildcard is taken for a group")
	}
	if c, err := tasmota.New(tasmota.Options{Groups: []string{}}); err != nil || len(c.Greet()) > 0 {
		t.Errorf("without groups it greets %v, %v", c.Greet(), err)
	}
}

func TestAGreetingOfManyDevicesIsShort(t *testing.T) {
	h := newHouse(t)
	for i := range 1000 {
		address := fmt.Sprintf("%012X", i)
		h.replay("tasmota/discovery/"+address+"/config", config(address, fmt.Sprint("plug", i), ""))
	}
	greeting := h.C.Greet()
	if len(greeting) > 1002 || string(greeting[0].Payload) != "STATUS 3;STATUS 10;STATUS 11;STATUS 1" {
		t.Errorf("%d messages, the first is %s %s", len(greeting), greeting[0].Topic, greeting[0].Payload)
	}
}
