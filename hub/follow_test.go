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
	"home.arpa/homehub/store/memory"
)

func link(t *testing.T, from, to string) hub.Follow {
	return hub.Follow{From: parsePath(t, from), To: parsePath(t, to)}
}

func (h *house) follow(from, to string) {
	h.t.Helper()
	if err := h.Follow(h.t.Context(), link(h.t, from, to)); err != nil {
		h.t.Fatal(err)
	}
}

func TestOneDeviceFollowsAnother(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.powerLamp("lamp", "Lamp", "false", true)
		plug := h.client("plug", nil)
		plug.publish("plain/plug/config", "Plug")
		synctest.Wait()
		h.follow("plug/switch/on", "lamp/light/on")
		events := h.watch()

		plug.publish("plain/plug/is/on", "true") // the first word is no change
		h.wantValue("lamp/light/on", "false")
		plug.publish("plain/plug/is/on", "false")
		seconds(1)
		plug.publish("plain/plug/is/on", "true")
		h.wantValue("lamp/light/on", "true")
		list, err := h.Commands(t.Context(), "lamp", 1)
		if err != nil || list[0].Origin != "link plug/switch/on" || list[0].Status != devices.Confirmed {
			t.Errorf("commands %+v, %v", list, err)
		}
		plug.publish("plain/plug/is/on", "true") // a repetition
		synctest.Wait()
		if d := cmp.Diff([]string{
			"plug/switch/on = true",
			"plug/switch/on = false", "lamp/light/on to false: waiting", "lamp/light/on to false: confirmed",
			"plug/switch/on = true", "lamp/light/on to true: waiting", "lamp/light/on = true", "lamp/light/on to true: confirmed",
		}, events()); d != "" {
			t.Errorf("events (-want +got):\n%s", d)
		}

		h.restart()
		seconds(2)
		if got := h.Follows(); len(got) != 1 || got[0] != link(t, "plug/switch/on", "lamp/light/on") {
			t.Errorf("follows after a restart: %v", got)
		}
		plug.publish("plain/plug/is/on", "false")
		h.wantValue("lamp/light/on", "false")
		if err := h.Unfollow(t.Context(), link(t, "plug/switch/on", "lamp/light/on")); err != nil {
			t.Fatal(err)
		}
		plug.publish("plain/plug/is/on", "true")
		h.wantValue("lamp/light/on", "false")
	})
}

// A change that the hub hears of at its start only is nobody's wish any more: people have lived with the other lamp as it is.
func TestWhatTheBrokerKeptMakesNobodyFollow(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.powerLamp("lamp", "Lamp", "false", true)
		plug := h.client("plug", nil)
		plug.retain("plain/plug/config", "Plug")
		plug.retain("plain/plug/is/on", "false")
		synctest.Wait()
		h.follow("plug/switch/on", "lamp/light/on")
		h.stop()
		plug.retain("plain/plug/is/on", "true")
		h.start()
		seconds(2)
		h.wantValue("plug/switch/on", "true")
		h.wantValue("lamp/light/on", "false")
		if list, err := h.Commands(t.Context(), "lamp", 10); err != nil || len(list) != 0 {
			t.Errorf("commands %+v, %v", list, err)
		}
	})
}

func TestAQuickChangeSupersedes(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.powerLamp("lamp", "Lamp", "false", false)
		plug := h.client("plug", nil)
		plug.publish("plain/plug/config", "Plug")
		plug.publish("plain/plug/is/on", "false")
		synctest.Wait()
		h.follow("plug/switch/on", "lamp/light/on")
		plug.publish("plain/plug/is/on", "true")
		plug.publish("plain/plug/is/on", "false")
		synctest.Wait()
		list, err := h.Commands(t.Context(), "lamp", 10)
		if err != nil || len(list) != 2 || list[0].Status != devices.Sent || list[0].Value.Bool() || list[1].Status != devices.Superseded {
			t.Errorf("commands %+v, %v", list, err)
		}
	})
}

func TestValuesAreConvertedForAFollower(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.powerLamp("lamp", "Lamp", "false", true)
		plug := h.client("plug", nil)
		plug.publish("plain/plug/config", "Plug")
		plug.publish("plain/plug/is/power", "0")
		plug.publish("plain/plug/is/limit", "0")
		synctest.Wait()
		h.follow("plug/switch/power", "lamp/light/brightness")
		h.follow("plug/switch/power", "plug/switch/limit")
		plug.subscribe("plain/plug/set/limit")

		plug.publish("plain/plug/is/power", "30.4")
		h.wantValue("lamp/light/brightness", "30.4")
		if d := cmp.Diff([]string{"plain/plug/set/limit=30"}, plug.taken()); d != "" {
			t.Error(d)
		}
		plug.publish("plain/plug/is/power", "300")
		h.wantValue("lamp/light/brightness", "30.4")
		if v := h.device("lamp"); v.Faults != 1 || !strings.Contains(v.LastFaults[0].Reason, "cannot follow plug/switch/power") {
			t.Errorf("got %+v", v.LastFaults)
		}
	})
}

func TestAPressMakesFollow(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.powerLamp("lamp", "Lamp", "false", true)
		plug := h.client("plug", nil)
		plug.publish("plain/plug/config", "Plug")
		synctest.Wait()
		h.follow("plug/switch/press", "lamp/light/on")
		plug.publish("plain/plug/is/press", "true")
		h.wantValue("lamp/light/on", "true")
	})
}

func TestFollowsThatCannotBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.options.Follows = []hub.Follow{link(t, "x/a/on", "y/a/on")}
		h.start()
		h.powerLamp("lamp", "Lamp", "false", true)
		h.client("plug", nil).publish("plain/plug/config", "Plug")
		synctest.Wait()
		h.follow("y/a/on", "z/a/on") // unknown devices may come
		h.follow("y/a/on", "z/a/on") // again is no error
		for _, test := range []struct {
			from, to string
			want     error
		}{
			{"lamp/light/on", "lamp/light/on", hub.ErrConflict},
			{"y/a/on", "x/a/on", hub.ErrConflict},
			{"z/a/on", "x/a/on", hub.ErrConflict},
			{"lamp/light/nothing", "plug/switch/on", hub.ErrNotFound},
			{"lamp/light/on", "plug/nothing/on", hub.ErrNotFound},
			{"plug/switch/limit", "plug/switch/power", devices.ErrValue}, // cannot be set
			{"lamp/light/on", "plug/switch/limit", devices.ErrValue},     // a number cannot follow a bool
		} {
			if err := h.Follow(t.Context(), link(t, test.from, test.to)); !errors.Is(err, test.want) {
				t.Errorf("%s -> %s: got %v, want %v", test.from, test.to, err, test.want)
			}
		}
		if n := len(h.Follows()); n != 2 {
			t.Errorf("follows: %v", h.Follows())
		}
		if err := h.Unfollow(t.Context(), link(t, "x/a/on", "y/a/on")); !errors.Is(err, hub.ErrConflict) {
			t.Errorf("removing one from the configuration: %v", err)
		}
		if err := h.Unfollow(t.Context(), link(t, "a/a/on", "y/a/on")); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("removing an unknown one: %v", err)
		}
	})
	loop := hub.Options{Follows: []hub.Follow{link(t, "x/a/on", "y/a/on"), link(t, "y/a/on", "x/a/on")}}
	if _, err := hub.New(nil, memory.New(), nil, loop); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("a loop in the configuration: %v", err)
	}
}

// Nobody but who writes the configuration takes a link of it back: neither a device that is removed, nor one that turns out to be another.
func TestLinksOfTheConfigurationOutliveTheirDevices(t *testing.T) {
	fixed := []hub.Follow{link(t, "plug/switch/on", "lamp/switch/on"), link(t, "socket/relay/on", "other/switch/on")}
	inHouseWith(t, func(o *hub.Options) { o.Follows = fixed }, func(t *testing.T, h *house) {
		c := h.client("gateway", nil)
		c.publish("plain/plug/config", "Plug")
		c.publish("plain/lamp/config", "Lamp")
		seconds(1)
		c.publish("rumour/x/config", "box_aabbccddeeff Socket")
		h.device("socket")
		for _, id := range []string{"plug", "lamp"} {
			if _, err := h.Remove(t.Context(), id, false); err != nil {
				t.Fatal(err)
			}
		}
		c.publish("plain/plug/config", "Plug")
		h.device("plug")
		c.publish("plain/plug/config", "mac=AA:BB:CC:DD:EE:FF Plug") // and the socket is the plug
		synctest.Wait()
		if n := len(h.Devices()); n != 1 {
			t.Fatalf("there are %d devices", n)
		}
		if d := cmp.Diff(fixed, h.Follows()); d != "" {
			t.Errorf("follows (-want +got):\n%s", d)
		}
	})
}

func TestLinksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := runHub(t, &still{}, memory.New(), newPlain(), hub.Options{})
		const most = 1000
		for i := range most {
			if err := h.Follow(t.Context(), link(t, fmt.Sprintf("a%d/a/on", i), fmt.Sprintf("b%d/a/on", i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Follow(t.Context(), link(t, "one/too/many", "for/the/hub")); !errors.Is(err, hub.ErrConflict) || len(h.Follows()) != most {
			t.Errorf("with %d links the next one is answered %v", len(h.Follows()), err)
		}
		if err := h.Follow(t.Context(), link(t, "a0/a/on", "b0/a/on")); err != nil {
			t.Errorf("one that is there already: %v", err)
		}
	})
}
