package tasmota_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/internal/recorded"
)

var update = flag.Bool("update", false, "write the golden files anew")

// recordedMessages reads a file of recorded messages: topic, retained, payload, with tabs between.
func recordedMessages(tb testing.TB, name string) []broker.Message {
	tb.Helper()
	file, err := os.Open(recorded.Path(tb, "payloads", name))
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	var out []broker.Message
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if fields := strings.Split(lines.Text(), "\t"); len(fields) >= 3 && !strings.HasPrefix(fields[0], "#") {
			out = append(out, broker.Message{Topic: fields[0], Payload: []byte(fields[2]), Retain: fields[1] == "1"})
		}
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	return out
}

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
	messages := recordedMessages(t, "tasmota.tsv")
	h := newHouse(t)
	for i, m := range messages { // the recorded messages are of devices whose announcements were not
		topic := strings.Split(m.Topic, "/")[1]
		if address := fmt.Sprintf("%012X", i+1); !h.filters["tele/"+topic+"/LWT"] {
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
	for _, key := range slices.Sorted(maps.Keys(h.devices)) {
		story.WriteString("\n" + h.spell(key))
	}
	golden := filepath.Join("testdata", "recorded.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(story.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), story.String()); diff != "" {
		t.Error(diff)
	}
	t.Logf("understood %d of %d messages of %d devices: %d readings", understood, len(messages), len(h.devices), readings)
	if understood < floorMessages || readings < floorReadings {
		t.Errorf("that is less than %d messages or %d readings", floorMessages, floorReadings)
	}
}

func TestOtherFamiliesAreNotTakenForTasmota(t *testing.T) {
	for _, name := range []string{
		"homeassistant-discovery.tsv", "homie.tsv", "openmqttgateway-theengs.tsv", "others.tsv", "rtl_433.tsv", "shelly-gen2.tsv",
	} {
		h := newHouse(t)
		for range 2 {
			for _, m := range recordedMessages(t, name) {
				h.hearMessage(m)
			}
		}
		if len(h.devices) > 0 || len(h.faults) > 0 {
			t.Errorf("%s: %d devices, %q", name, len(h.devices), h.faults)
			for key := range h.devices {
				t.Log(h.spell(key))
			}
		}
	}
}
