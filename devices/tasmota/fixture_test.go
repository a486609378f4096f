package tasmota_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/devices/internal/house"
)

// noState are the keys of recorded answers that say nothing of the device's state: its settings, and what commands did.
var noState = []string{
	"Gesture", "TLSKey1", "SetOption3", "SetOption103", "MqttHost", "MqttPort", "MqttUser", "BrGc", "LightGold", "Button<x>", "Ping",
	"LoRaWanAppKey1", "LoRaWanName1", "I2CScan", "Sensor29_D99", "Sensor29_D0", "Sensor29_D2", "Event", "MCP230xx_INTPRI", "S29cmnd_D0", "MtrUpdate", "MtrInfo",
	"ot_tboiler", "ot_twater", "ot_ch", "Rule1", "Var1", "SCD40Stop", "SCD40Toff", "SCD40Alt", "SCD40Pers", "RfProtocol", "Module", "WebServerMode",
}

// The least that must be understood of what was recorded.
const (
	floorMessages = 68
	floorReadings = 105
)

func TestRecordedMessages(t *testing.T) {
	messages := house.Recorded(t, "tasmota.tsv")
	h := newHouse(t)
	for i, m := range messages { // the recorded messages are of devices whose announcements were not
		topic := strings.Split(m.Topic, "/")[1]
		if address := fmt.Sprintf("%012X", i+1); !slices.Contains(h.Wanted, "tele/"+topic+"/LWT") {
			h.replay("tasmota/discovery/"+address+"/config", config(address, topic, map[string]string{"wemos2": "rl=[1,1]"}[topic]))
		}
	}
	var story strings.Builder // what each message means, as it was checked by eye
	understood, readings := 0, 0
	for _, m := range messages {
		faults := len(h.faults)
		got := h.hearMessage(m)
		readings += len(got)
		fmt.Fprintf(&story, "%s %.100s\n", m.Topic, m.Payload)
		for _, r := range got {
			fmt.Fprintf(&story, "  %s\n", r)
		}
		var content map[string]any
		if err := json.Unmarshal(m.Payload, &content); err != nil {
			t.Fatal(err)
		}
		stateless := false
		for _, key := range noState {
			if _, there := content[key]; there {
				stateless = true
			}
		}
		if strings.Contains(string(m.Payload), `"APDS9960":{"None":1}`) { // a gesture that was none
			stateless = true
		}
		switch {
		case len(h.faults) > faults:
			t.Errorf("%s %s: %s", m.Topic, m.Payload, h.faults[faults:])
		case len(got) == 0 && !stateless:
			t.Errorf("%s %s: nothing was understood", m.Topic, m.Payload)
		case len(got) > 0 && stateless:
			t.Errorf("%s %s: %q", m.Topic, m.Payload, got)
		default:
			understood++
			t.Logf("%s %.120s: %q", m.Topic, m.Payload, got)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(h.Devices)) {
		story.WriteString("\n" + h.Shape(key))
	}
	house.Golden(t, "recorded.golden", story.String())
	t.Logf("understood %d of %d messages of %d devices: %d readings", understood, len(messages), len(h.Devices), readings)
	if understood < floorMessages || readings < floorReadings {
		t.Errorf("that is less than %d messages or %d readings", floorMessages, floorReadings)
	}
}

func TestOtherFamiliesAreNotTakenForTasmota(t *testing.T) {
	h := newHouse(t)
	others := house.Others(t, "tasmota.tsv")
	for _, m := range slices.Concat(others, others) {
		h.hearMessage(m)
	}
	if out := h.Outline(); out != "" {
		t.Error(out)
	}
}
