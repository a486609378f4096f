package simulator_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/simulator"
)

func TestTheHouseThatIsBuiltInIsTheOneInTheConfigs(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("..", "configs", "house.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, simulator.DefaultHouseFile()) {
		t.Error("configs/house.yaml and simulator/house.yaml differ; copy the one over the other")
	}
}

func TestTheDefaultHouseSpeaksBothLanguagesInEveryKind(t *testing.T) {
	house := twoLanguages(simulator.DefaultHouse())
	languages := map[string]int{}
	kinds := map[string]map[string]bool{simulator.HomeAssistant: {}, simulator.Homie: {}}
	single := 0
	for _, d := range house.Devices {
		languages[d.Speaks]++
		kind := d.Kind
		if kind == simulator.KindDishwasher { // the other machine
			kind = simulator.KindWashingMachine
		}
		kinds[d.Speaks][kind] = true
		if d.Form == "single" {
			single++
		}
		if d.Speaks == simulator.Homie && !strings.HasPrefix(d.Name, d.Room) {
			t.Errorf("Homie knows no rooms, so the name %q should begin with %q", d.Name, d.Room)
		}
	}
	if languages[simulator.HomeAssistant] != 14 || languages[simulator.Homie] != 14 {
		t.Errorf("the languages are %v", languages)
	}
	if d := cmp.Diff(kinds[simulator.HomeAssistant], kinds[simulator.Homie]); d != "" || len(kinds[simulator.Homie]) != 10 {
		t.Errorf("the kinds that speak Homie are not the ten that speak Home Assistant:\n%s", d)
	}
	if single < 2 {
		t.Errorf("%d devices use the single form, want two", single)
	}
}

// twoLanguages is a house without the devices that speak neither Home Assistant's discovery nor Homie 5: the one that tests of these
// two are about.
func twoLanguages(h simulator.House) simulator.House {
	h.Devices = slices.DeleteFunc(slices.Clone(h.Devices), func(d simulator.DeviceSpec) bool {
		return d.Speaks != simulator.HomeAssistant && d.Speaks != simulator.Homie
	})
	return h
}

func TestTheDefaultHouseHasEveryFamily(t *testing.T) {
	count := map[string]int{}
	for _, d := range simulator.DefaultHouse().Devices {
		count[d.Speaks]++
	}
	for _, language := range []string{
		simulator.HomeAssistant, simulator.Homie, simulator.Homie4, simulator.Homie3, simulator.ESPHome, simulator.Zigbee2MQTT, simulator.Tasmota,
	} {
		if count[language] == 0 {
			t.Errorf("nothing speaks %s", language)
		}
	}
}

func ids(h simulator.House) (list []string) {
	for _, d := range h.Devices {
		list = append(list, d.ID())
	}
	return list
}

func TestResize(t *testing.T) {
	trio := []string{"living-room-lamp", "motion-hall", "hall-lamp"}
	for _, c := range []struct{ n, want int }{{1, 3}, {3, 3}, {4, 4}, {10, 10}, {28, 28}, {29, 29}, {100, 100}, {500, 500}} {
		house, err := twoLanguages(simulator.DefaultHouse()).Resize(c.n)
		if err != nil {
			t.Fatalf("%d devices: %v", c.n, err)
		}
		again, _ := twoLanguages(simulator.DefaultHouse()).Resize(c.n)
		list := ids(house)
		if len(list) != c.want || !slices.Equal(list, ids(again)) {
			t.Errorf("%d devices make a house of %d, or not always the same", c.n, len(list))
		}
		for _, id := range trio {
			if !slices.Contains(list, id) {
				t.Errorf("a house of %d has no %s", c.n, id)
			}
		}
		if err := house.Check(); err != nil {
			t.Errorf("a house of %d: %v", c.n, err)
		}
		languages := map[string]int{}
		for _, d := range house.Devices {
			languages[d.Speaks]++
			if d.Speaks == simulator.Homie && !strings.HasPrefix(d.Name, d.Room) {
				t.Errorf("the name %q does not begin with its room %q", d.Name, d.Room)
			}
		}
		if half := languages[simulator.Homie]; c.n >= 10 && (half < c.n*4/10 || half > c.n*6/10) {
			t.Errorf("in a house of %d, %d speak Homie", c.n, half)
		}
	}
	large, _ := twoLanguages(simulator.DefaultHouse()).Resize(500)
	for _, name := range []string{"office-2-lamp", "hall-2-motion", "hall-17-front-door-lock", "utility-room-3-washing-machine"} {
		if !slices.Contains(ids(large), name) {
			t.Errorf("a house of 500 has no %s", name)
		}
	}
	for _, n := range []int{-1, 0, 5001} {
		if _, err := simulator.DefaultHouse().Resize(n); err == nil {
			t.Errorf("a house of %d devices can be built", n)
		}
	}
}

func TestAFaultyHouseFileIsRefusedWithTheLine(t *testing.T) {
	const rooms = "rooms:\n  - {name: Hall, use: hall}\n"
	for _, c := range []struct{ name, text, want string }{
		{"an empty file", "", "it is empty"},
		{"no YAML", "rooms: [", "line 1"},
		{"two documents", rooms + "devices:\n  - {name: A, room: Hall, kind: fan, speaks: homie}\n---\nname: B\n", "more than one document"},
		{"an unknown key at the top", "nmae: x\n", "line 1: field nmae is not known at the top"},
		{"an unknown key in a device", rooms + "devices:\n  - name: Lamp\n    rom: Hall\n", "line 5: field rom is not known in a device"},
		{"an unknown key in a room", "rooms:\n  - {name: Hall, size: 3}\n", "line 2: field size is not known in a room"},
		{"a wrong type", "rooms:\n  - {name: Hall, use: hall, area: big}\n", "line 2: cannot take the text `big` as a number"},
		{"a wrong duration", rooms + "devices:\n  - {name: A, room: Hall, kind: cover, speaks: homie, travel: soon}\n", "line 4: cannot take the text `soon` as a duration"},
		{"no devices", rooms, "the house has no devices"},
		{"an unknown use", "rooms:\n  - {name: Hall, use: haul}\n", "line 2: room \"Hall\": use is one of living, kitchen, hall"},
		{"two rooms of one name", "rooms:\n  - {name: Hall, use: hall}\n  - {name: Hall, use: hall}\n", "line 3: there are two rooms named \"Hall\""},
		{"an unknown role", rooms + "people:\n  - {name: Eve, role: cat}\n", "line 4: Eve: role is one of worker, home, child"},
		{"an unknown room", rooms + "devices:\n  - {name: Lamp, room: Attic, kind: light, speaks: homie}\n", "line 4: device \"Lamp\": there is no room \"Attic\""},
		{"an unknown kind", rooms + "devices:\n  - {name: Lamp, room: Hall, kind: lump, speaks: homie}\n", "kind is one of light, thermostat"},
		{"an unknown language", rooms + "devices:\n  - {name: Lamp, room: Hall, kind: light, speaks: knx}\n", "speaks is one of " + strings.Join(simulator.Languages(), ", ") + `, not "knx"`},
		{"two devices of one id", rooms + "devices:\n  - {name: Lamp a, room: Hall, kind: light, speaks: homie}\n  - {name: lamp A, room: Hall, kind: light, speaks: homie}\n", "line 5: device \"lamp A\": its id lamp-a is taken by \"Lamp a\""},
		{"a name without letters", rooms + "devices:\n  - {name: '?', room: Hall, kind: light, speaks: homie}\n", "a name is 1 to 60 characters"},
		{"a key of another kind", rooms + "devices:\n  - {name: A, room: Hall, kind: fan, speaks: homie, load: kettle}\n", "load is for a plug, not for a fan"},
		{"a plug without a load", rooms + "devices:\n  - {name: A, room: Hall, kind: plug, speaks: homie}\n", "load is one of television"},
		{"a chance above one", rooms + "devices:\n  - {name: A, room: Hall, kind: lock, speaks: homie, jam: 2}\n", "jam is a chance from 0 to 1, not 2"},
		{"a style for Homie", rooms + "devices:\n  - {name: A, room: Hall, kind: fan, speaks: homie, style: topics}\n", "style is for a device that speaks homeassistant, not homie"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := simulator.ParseHouse("my.yaml", []byte(c.text))
			if err == nil {
				t.Fatal("it was taken")
			}
			if got := err.Error(); !strings.Contains(got, c.want) || !strings.Contains(got, "my.yaml") || strings.Contains(got, "simulator.") {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	if _, err := simulator.LoadHouse(filepath.Join(t.TempDir(), "none.yaml")); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestNewRefusesWhatCannotRun(t *testing.T) {
	for name, o := range map[string]simulator.Options{
		"too slow": {Speed: 0.001}, "too fast": {Speed: 1e6}, "backwards": {Speed: -1},
	} {
		if _, err := simulator.New(simulator.DefaultHouse(), o); err == nil {
			t.Errorf("%s: it was built", name)
		}
	}
	if _, err := simulator.New(simulator.House{}, simulator.Options{}); err == nil {
		t.Error("an empty house was built")
	}
}

func TestTwoHousesOnOneBrokerShareNoTopicAndNoAddress(t *testing.T) {
	house, err := simulator.DefaultHouse().Resize(60)
	if err != nil {
		t.Fatal(err)
	}
	cottage, err := house.Apart("cottage")
	if err != nil {
		t.Fatal(err)
	}
	if same, err := house.Apart(""); err != nil || !slices.Equal(ids(same), ids(house)) {
		t.Errorf("without a name the house is another: %v", err)
	}
	address := regexp.MustCompile(`(?i)\b(0x)?[0-9a-f]{12,16}\b|\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b`)
	said := func(h simulator.House) (clients, topics, addresses map[string]bool) {
		clients, topics, addresses = map[string]bool{}, map[string]bool{}, map[string]bool{}
		synctest.Test(t, func(t *testing.T) {
			live(t, h, simulator.Options{Seed: 1}, func(_ *simulator.Simulator, ts *tapes) {
				time.Sleep(20 * time.Minute)
				synctest.Wait()
				ts.mu.Lock()
				defer ts.mu.Unlock()
				for id, tape := range ts.all {
					clients[id] = true
					for _, m := range tape.taken() {
						topics[m.Topic] = true
						for _, a := range address.FindAllString(string(m.Payload), -1) {
							addresses[strings.ToLower(a)] = true
						}
					}
				}
			})
		})
		return clients, topics, addresses
	}
	ownClients, ownTopics, ownAddresses := said(house)
	clients, topics, addresses := said(cottage)
	if len(ownTopics) < 300 || len(topics) < 300 || len(addresses) < 20 {
		t.Fatalf("they say too little: %d and %d topics, %d addresses", len(ownTopics), len(topics), len(addresses))
	}
	// What all of a family have in common: where they announce themselves, the access point, the Zigbee network.
	for _, common := range []string{"shellies/announce", "02:00:5e:00:53:01", "0xdddddddddddddddd"} {
		delete(topics, common)
		delete(addresses, common)
	}
	for what, pair := range map[string][2]map[string]bool{"client": {ownClients, clients}, "topic": {ownTopics, topics}, "address": {ownAddresses, addresses}} {
		for x := range pair[1] {
			if pair[0][x] {
				t.Errorf("both have the %s %s", what, x)
			}
		}
	}
	for _, name := range []string{"The cottage", "a--b", "ä", "-", strings.Repeat("x", 60)} {
		if _, err := house.Apart(name); err == nil {
			t.Errorf("a house can be set apart by %q", name)
		}
	}
}
