package hub_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/devices"
)

// Two conventions tell of one plug, which they know by the same address.
func TestOneDeviceOnce(t *testing.T) {
	const (
		native = "mac=AA:BB:CC:DD:EE:FF Plug"
		rumour = "box_aabbccddeeff Socket"
	)
	only := func(t *testing.T, h *house, id string) {
		t.Helper()
		synctest.Wait()
		if all := h.Devices(); len(all) != 1 || all[0].ID != id {
			t.Fatalf("the house has %d devices: %+v", len(all), all)
		}
	}
	for name, run := range map[string]func(*testing.T, *house){
		"the better account stands, and the other adds what it lacks": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", native)
			c.publish("rumour/x/config", rumour)
			only(t, h, "plug")
			v := h.device("plug")
			if v.Name != "Plug" || v.Model != "R1" || v.Convention != "plain" || !slices.Equal(v.Conventions, []string{"plain", "rumour"}) {
				t.Errorf("it is %+v", v)
			}
			if len(v.Components) != 2 || v.Component("volts") == nil || v.Component("relay") != nil {
				t.Errorf("it has %+v", v.Components)
			}
			c.publish("rumour/x/volts", "229.5")
			h.wantValue("plug/volts/voltage", "229.5")
		},
		"it is the same whichever is heard first": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("rumour/x/config", rumour)
			h.wantValue("socket/relay/on", "")
			c.publish("plain/plug/config", native)
			only(t, h, "socket") // an ID is for ever
			v := h.device("socket")
			if v.Name != "Plug" || v.Convention != "plain" || v.Component("relay") != nil || v.Component("volts") == nil {
				t.Errorf("it is %+v", v)
			}
		},
		"what was known of it is known still when two turn out to be one": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug")
			c.publish("plain/plug/is/on", "true")
			c.publish("rumour/x/config", rumour)
			c.publish("rumour/x/on", "false")
			c.publish("rumour/x/volts", "229.5")
			h.wantValue("socket/relay/on", "false")
			c.publish("plain/plug/config", native)
			only(t, h, "plug")
			h.wantValue("plug/volts/voltage", "229.5")
			h.wantValue("plug/switch/on", "true")
		},
		"what is said to be known better adds nothing": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("rumour/x/config", "!"+rumour)
			if v := h.device("socket"); len(v.Components) != 2 {
				t.Errorf("alone it has %+v", v.Components)
			}
			c.publish("plain/plug/config", native)
			only(t, h, "socket")
			c.publish("rumour/x/volts", "229.5")
			if v := h.device("socket"); len(v.Components) != 1 || v.Faults != 0 {
				t.Errorf("it has %+v and %d faults", v.Components, v.Faults)
			}
		},
		"a value that both report is the better one's": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", native)
			c.publish("rumour/x/config", rumour)
			c.publish("rumour/x/on", "true")
			h.wantValue("plug/switch/on", "true") // nobody knows better yet
			c.publish("plain/plug/is/on", "false")
			h.wantValue("plug/switch/on", "false")
			c.publish("rumour/x/on", "true")
			h.wantValue("plug/switch/on", "false")
		},
		"both can be used for commands": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.subscribe("plain/plug/set/+", "rumour/x/on/set")
			c.publish("plain/plug/config", native)
			c.publish("rumour/x/config", rumour)
			h.send("plug/switch/on", "true")
			seconds(1)
			if got := c.taken(); !slices.Equal(got, []string{"plain/plug/set/on=true"}) {
				t.Errorf("it was told %q", got)
			}
			c.publish("plain/plug/config", "") // the native one is gone, the other one's account is left
			only(t, h, "plug")
			if v := h.device("plug"); v.Convention != "rumour" || v.Component("switch") != nil {
				t.Errorf("it is %+v", v)
			}
			h.send("plug/relay/on", "false")
			seconds(1)
			if got := c.taken(); !slices.Contains(got, "rumour/x/on/set=false") {
				t.Errorf("it was told %q", got)
			}
			c.publish("rumour/x/config", "")
			synctest.Wait()
			if all := h.Devices(); len(all) != 0 {
				t.Errorf("left are %+v", all)
			}
		},
		"it is one after a restart, with its values": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", native)
			c.publish("rumour/x/config", rumour)
			c.publish("plain/plug/is/on", "true")
			c.publish("rumour/x/volts", "230")
			seconds(2)
			before := h.device("plug").Device
			h.restart()
			only(t, h, "plug")
			if after := h.device("plug").Device; !after.Equal(before) {
				t.Errorf("it is %+v, and was %+v", after, before)
			}
			h.wantValue("plug/switch/on", "true")
			h.wantValue("plug/volts/voltage", "230")
			c.publish("rumour/x/volts", "231")
			h.wantValue("plug/volts/voltage", "231")
		},
		"two devices that turn out to be one become one": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug")
			seconds(1)
			c.publish("rumour/x/config", rumour)
			if v := h.device("socket"); v.Convention != "rumour" {
				t.Errorf("it is %+v", v)
			}
			c.publish("plain/plug/config", native)
			only(t, h, "plug") // the one that was there first
			c.publish("rumour/x/volts", "230")
			h.wantValue("plug/volts/voltage", "230")
			if _, err := h.Remove(t.Context(), "plug", false); err != nil {
				t.Fatal(err)
			}
			if all := h.Devices(); len(all) != 0 {
				t.Errorf("left are %+v", all)
			}
		},
		"the name and the room that people chose are kept when two turn out to be one": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug")
			seconds(1)
			c.publish("rumour/x/config", rumour)
			h.device("socket")
			if _, err := h.Edit(t.Context(), "socket", ptr("Kettle"), ptr("Pantry")); err != nil {
				t.Fatal(err)
			}
			c.publish("plain/plug/config", native)
			only(t, h, "plug")
			c.publish("plain/plug/config", native+" of old")
			if v := h.device("plug"); v.Name != "Kettle" || v.Room != "Pantry" {
				t.Errorf("it is called %q and is in %q", v.Name, v.Room)
			}
			h.restart()
			if v := h.device("plug"); v.Name != "Kettle" || v.Room != "Pantry" {
				t.Errorf("after a restart it is called %q and is in %q", v.Name, v.Room)
			}
		},
		"two of one convention with the same address remain two": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/a/config", "mac=aa:bb:cc:dd:ee:ff A")
			c.publish("plain/b/config", "mac=aa:bb:cc:dd:ee:ff B")
			synctest.Wait()
			if all := h.Devices(); len(all) != 2 {
				t.Errorf("the house has %+v", all)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { inHouse(t, run) })
	}
}

func TestLeftovers(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		c := h.client("plug", nil)
		c.retain("plain/plug/config", "mac=AA:BB:CC:DD:EE:FF Plug")
		c.retain("plain/plug/is/on", "true")
		c.retain("plain/other/is/on", "true")
		c.retain("rumour/x/config", "box_aabbccddeeff Socket")
		h.device("plug")
		found, err := h.Leftovers(t.Context(), "plug")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range found {
			got = append(got, l.Topic+"="+l.Sample)
		}
		want := "plain/plug/config=mac=AA:BB:CC:DD:EE:FF Plug, plain/plug/is/on=true, rumour/x/config=box_aabbccddeeff Socket"
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("found %s, want %s", s, want)
		}
		c.publish("plain/plug/is/on", "false") // looking has changed nothing
		h.wantValue("plug/switch/on", "false")

		cleared, err := h.Remove(t.Context(), "plug", true)
		if err != nil || len(cleared) != 3 {
			t.Fatalf("cleared %+v, %v", cleared, err)
		}
		h.wantRetained("plain/plug/config", "")
		h.wantRetained("rumour/x/config", "")
		h.wantRetained("plain/other/is/on", "true")
		h.restart()
		if all := h.Devices(); len(all) != 0 {
			t.Errorf("after a restart there is %+v", all)
		}
		if _, err := h.Leftovers(t.Context(), "plug"); err == nil {
			t.Error("an unknown device has leftovers")
		}
	})
}

func TestADeviceThatRefusesIsBelieved(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		c := h.client("plug", nil)
		c.publish("plain/plug/config", "Plug")
		command := h.send("plug/switch/on", "true")
		seconds(1)
		c.publish("plain/plug/is/refusal", "overheated")
		h.wantCommand(command.ID, devices.Refused, "overheated")
		c.publish("plain/plug/is/refusal", "nothing is asked of it")
		h.wantCommand(command.ID, devices.Refused, "overheated")
		if v := h.device("plug"); v.Faults != 0 || len(v.Pending) != 0 {
			t.Errorf("%d commands are pending, and the faults are %+v", len(v.Pending), v.LastFaults)
		}
	})
}
