package hub_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

func ptr(s string) *string { return &s }

func TestDiscovery(t *testing.T) {
	for name, run := range map[string]func(*testing.T, *house){
		"an announcement followed at once by an unretained state does not lose the state": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug")
			c.publish("plain/plug/is/on", "true")
			h.wantValue("plug/switch/on", "true")
		},
		"what a convention wants to ask is published, and not retained": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.subscribe("plain/plug/ask")
			c.publish("plain/plug/who", "I am new")
			synctest.Wait()
			if d := cmp.Diff([]string{"plain/plug/ask=who"}, c.taken()); d != "" {
				t.Errorf("asked (-want +got):\n%s", d)
			}
			if got, kept := h.retained("plain/plug/ask"); kept {
				t.Errorf("the question is retained: %q", got)
			}
		},
		"what was retained before the announcement is taken in": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.retain("plain/plug/is/on", "true")
			c.publish("plain/plug/config", "Plug")
			h.wantValue("plug/switch/on", "true")
		},
		"the same announcement again replays nothing, a changed one does": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.retain("plain/plug/is/on", "true")
			c.publish("plain/plug/config", "Plug")
			synctest.Wait()
			before := h.Overview().Messages
			c.publish("plain/plug/config", "Plug")
			synctest.Wait()
			if n := h.Overview().Messages - before; n != 1 {
				t.Errorf("%d messages for a repetition", n)
			}
			c.publish("plain/plug/config", "Plug 2")
			synctest.Wait()
			if n := h.Overview().Messages - before; n != 3 {
				t.Errorf("%d messages after a change, want the two announcements and one replay", n)
			}
		},
		"a device that removes itself is gone with all that was exported of it, and comes back whole": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.retain("plain/plug/is/on", "true")
			c.publish("plain/plug/config", "Plug")
			h.wantRetained("hub/5/plug/switch/on", "true")
			events := h.watch()
			c.publish("plain/plug/config", "")
			c.publish("plain/plug/config", "Plug") // so quickly that the one meets the other
			h.wantValue("plug/switch/on", "true")
			c.publish("plain/plug/is/on", "false")
			h.wantValue("plug/switch/on", "false")
			c.publish("plain/plug/config", "")
			for _, topic := range []string{"$state", "$description", "switch/on"} {
				if got, kept := h.retained("hub/5/plug/" + topic); kept {
					t.Errorf("%s still has %q", topic, got)
				}
			}
			if d := cmp.Diff([]string{
				"plug left", "plug joined", "plug is online", "plug/switch/on = true", "plug/switch/on = false", "plug left",
			}, events()); d != "" {
				t.Errorf("events (-want +got):\n%s", d)
			}
			if _, err := h.Device("plug"); !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("got %v", err)
			}
		},
		"a device that people removed comes back with its next announcement": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.retain("plain/plug/is/on", "true")
			c.publish("plain/plug/config", "Plug")
			synctest.Wait()
			if _, err := h.Remove(t.Context(), "plug", false); err != nil {
				t.Fatal(err)
			}
			c.publish("plain/plug/is/on", "false")
			synctest.Wait()
			if _, err := h.Device("plug"); !errors.Is(err, hub.ErrNotFound) {
				t.Fatalf("got %v", err)
			}
			if _, err := h.Remove(t.Context(), "plug", false); !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("removing it again: %v", err)
			}
			h.restart()
			if n := len(h.Devices()); n != 0 {
				t.Errorf("%d devices after a restart", n)
			}
			c.publish("plain/plug/config", "Plug")
			h.wantValue("plug/switch/on", "true")
		},
		"an ID is frozen at first sight, and unique": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/a/config", "Kitchen plug")
			c.publish("plain/b/config", "Kitchen plug")
			c.publish("plain/c/config", "日本")
			c.publish("plain/a/config", "Renamed")
			if v := h.device("kitchen-plug"); v.Name != "Renamed" {
				t.Errorf("got %q", v.Name)
			}
			if v := h.device("kitchen-plug-2"); v.Name != "Kitchen plug" || v.Room != "Kitchen" {
				t.Errorf("got %q in %q", v.Name, v.Room)
			}
			h.device("c") // the name gave no ID, so the key did
		},
		"what people chose wins for ever": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			c.publish("plain/a/config", "Kitchen plug")
			synctest.Wait()
			v, err := h.Edit(t.Context(), "kitchen-plug", ptr(" Kettle "), ptr("Pantry"))
			if err != nil || v.Name != "Kettle" || v.Room != "Pantry" || v.ID != "kitchen-plug" {
				t.Fatalf("got %+v, %v", v, err)
			}
			c.publish("plain/a/config", "Hall plug")
			synctest.Wait()
			h.restart()
			if v := h.device("kitchen-plug"); v.Name != "Kettle" || v.Room != "Pantry" {
				t.Errorf("got %q in %q", v.Name, v.Room)
			}
			if _, err := h.Edit(t.Context(), "kitchen-plug", nil, ptr("")); err != nil {
				t.Error(err)
			}
			if v := h.device("kitchen-plug"); v.Name != "Kettle" || v.Room != "" {
				t.Errorf("got %q in %q", v.Name, v.Room)
			}
			for _, bad := range []string{"", "  ", strings.Repeat("x", 81), "a\nb", "\xff"} {
				if _, err := h.Edit(t.Context(), "kitchen-plug", &bad, nil); !errors.Is(err, devices.ErrValue) {
					t.Errorf("the name %q: got %v", bad, err)
				}
			}
			if _, err := h.Edit(t.Context(), "nobody", ptr("x"), nil); !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("got %v", err)
			}
		},
		"rooms are guessed from names, whole words, the longest first": func(t *testing.T, h *house) {
			h.stop()
			h.options.Rooms = []string{"Anna's room"}
			h.start()
			c := h.client("gateway", nil)
			for name, want := range map[string]string{
				"Living room lamp": "Living room", "Wohnzimmer Lampe": "Wohnzimmer", "Küche: Kessel": "Küche", "Hallway light": "Hallway",
				"Hallmark": "", "Lamp": "", "Annas Room Lamp": "", "Anna's room lamp": "Anna's room", "Guest room": "Guest room", "Badlampe": "",
				"Bedroom 2 lamp": "Bedroom 2", "Study lamp 2": "Study", "Cellar 2": "Cellar", "Office 100 W heater": "Office",
			} {
				key := devices.Slug(name)
				c.publish("plain/"+key+"/config", name)
				if v := h.device(key); v.Room != want {
					t.Errorf("%q is in %q, want %q", name, v.Room, want)
				}
			}
			if _, err := h.Edit(t.Context(), "lamp", nil, ptr("Tower")); err != nil {
				t.Fatal(err)
			}
			c.publish("plain/t/config", "Tower light")
			if v := h.device("tower-light"); v.Room != "Tower" {
				t.Errorf("it is in %q", v.Room)
			}
		},
		"devices are sorted by room, name and ID": func(t *testing.T, h *house) {
			c := h.client("gateway", nil)
			for _, name := range []string{"Kitchen b", "Hall z", "Kitchen a", "Hall z", "Nowhere"} {
				c.publish("plain/"+devices.Slug(name)+string(rune('a'+len(h.Devices())))+"/config", name)
				synctest.Wait()
			}
			var got []string
			for _, v := range h.Devices() {
				got = append(got, v.ID)
			}
			if d := cmp.Diff([]string{"nowhere", "hall-z", "hall-z-2", "kitchen-a", "kitchen-b"}, got); d != "" {
				t.Error(d)
			}
		},
		"what cannot be understood is counted and shown": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug")
			c.publish("plain/plug/is/on", "maybe")
			v := h.device("plug")
			if v.Faults != 1 || v.LastFaults[0].Topic != "plain/plug/is/on" || !strings.Contains(v.LastFaults[0].Reason, "maybe") {
				t.Errorf("got %d, %+v", v.Faults, v.LastFaults)
			}
			c.publish("plain/plug/is/unheard-of", "x")
			if v := h.device("plug"); v.Faults != 2 || v.LastFaults[0].Reason != "a value for switch/unheard-of, which the device does not have" {
				t.Errorf("got %d, %+v", v.Faults, v.LastFaults)
			}
			for i := range 60 {
				c.publish(fmt.Sprintf("homie/5/x%d/$description", i%30), "{\x00")
			}
			synctest.Wait()
			o := h.Overview()
			if o.Faults != 62 || len(o.Unclaimed) != 20 {
				t.Fatalf("got %d, %+v", o.Faults, o.Unclaimed)
			}
			if f := o.Unclaimed[0]; f.Topic != "homie/5/x29/$description" || f.Sample != "{\uFFFD" {
				t.Errorf("got %+v", f)
			}
			c.publish("homie/5/x29/$description", strings.Repeat("ä", 100))
			synctest.Wait()
			if f := h.Overview().Unclaimed[0]; f.Count != 2 || f.Sample != strings.Repeat("ä", 60)+"…" {
				t.Errorf("got %+v", f)
			}
		},
		"a convention that panics does not stop the hub": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/panic", "parse")
			c.publish("plain/plug/panic", "apply")
			c.subscribe("plain/panic")
			c.publish("plain/plug/config", "Plug")
			h.device("plug")
			if n := h.Counters().Panics; n != 3 {
				t.Errorf("%d panics were counted", n)
			}
			if o := h.Overview(); o.Faults != 2 || o.Unclaimed[0].Topic != "plain/plug/panic" {
				t.Errorf("got %+v", o.Unclaimed)
			}
		},
		"devices, names and values survive a restart, and can be steered at once": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug") // not retained
			c.publish("plain/plug/is/on", "true")
			joined := h.device("plug").Joined
			minutes(1)
			h.restart()
			h.wantValue("plug/switch/on", "true")
			if v := h.device("plug"); !v.Joined.Equal(joined) || v.LastSeen.IsZero() {
				t.Errorf("joined %v, last seen %v", v.Joined, v.LastSeen)
			}
			c.publish("plain/plug/is/on", "false")
			h.wantValue("plug/switch/on", "false")
			c.subscribe("plain/plug/set/on")
			seconds(1)
			command := h.send("plug/switch/on", "true")
			if d := cmp.Diff([]string{"plain/plug/set/on=true"}, c.taken()); d != "" {
				t.Error(d)
			}
			h.wantCommand(command.ID, devices.Sent, "")
			got, err := h.History(t.Context(), parsePath(t, "plug/switch/on"), joined, joined.AddDate(1, 0, 0), 10)
			if err != nil || len(got) != 2 || !got[0].Value.Bool() || got[1].Value.Bool() {
				t.Errorf("history is %+v, %v", got, err)
			}
			if _, err := h.History(t.Context(), parsePath(t, "plug/switch/nothing"), joined, joined, 10); !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("got %v", err)
			}
		},
		"a replay after a restart is no event": func(t *testing.T, h *house) {
			h.powerLamp("lamp", "Lamp", "true", true)
			h.stop()
			seconds(1)
			h.start()
			events := h.watch()
			seconds(5)
			if got := events(); len(got) != 0 {
				t.Errorf("events: %q", got)
			}
			if n := h.Counters().ReadingsSaved; n != 0 {
				t.Errorf("%d rows of history", n)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { inHouse(t, run) })
	}
}
