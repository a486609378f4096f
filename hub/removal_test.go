package hub_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/store/memory"
)

// What people removed must not come back to life in what follows, and a device that comes back under the same ID must not
// find anything of its predecessor.
func TestARemovedDeviceLeavesNothingBehind(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		c := h.client("gateway", nil)
		c.publish("plain/box/config", "Box")
		c.publish("plain/bulb/config", "via=box Bulb")
		c.publish("plain/other/config", "Other")
		c.publish("plain/box/is/on", "true")
		synctest.Wait()
		h.follow("box/switch/on", "other/switch/on")
		h.follow("other/switch/power", "box/switch/limit")
		h.follow("other/switch/on", "bulb/switch/on") // this one is none of its business
		if _, err := h.Edit(t.Context(), "box", ptr("Grandma's box"), ptr("Attic")); err != nil {
			t.Fatal(err)
		}
		ended, pending := h.send("box/switch/limit", "1"), h.send("box/switch/limit", "2")
		h.wantCommand(ended.ID, devices.Superseded, "a newer command wants 2")
		if via := h.device("bulb").Via; via != "box" {
			t.Fatalf("the bulb is reached through %q", via)
		}
		seconds(2) // so that the store has it all

		if _, err := h.Remove(t.Context(), "box", false); err != nil {
			t.Fatal(err)
		}
		h.wantCommand(pending.ID, devices.Refused, "the device was removed") // whoever waits for it is told
		left := []hub.Follow{link(t, "other/switch/on", "bulb/switch/on")}
		if d := cmp.Diff(left, h.Follows()); d != "" {
			t.Errorf("follows (-want +got):\n%s", d)
		}
		if via := h.device("bulb").Via; via != "" {
			t.Errorf("the bulb is reached through %q, which is gone", via)
		}
		h.restart()
		if d := cmp.Diff(left, h.Follows()); d != "" {
			t.Errorf("follows after a restart (-want +got):\n%s", d)
		}
		for _, id := range []string{ended.ID, pending.ID} {
			if c, err := h.store.Command(t.Context(), id); err == nil {
				t.Errorf("the store has %+v", c)
			}
		}

		before := time.Now()
		seconds(1)
		c.publish("plain/box/config", "Box")
		v := h.device("box")
		if v.Name != "Box" || v.Room != "" || v.Joined.Before(before) || len(v.Reported) != 0 || len(v.Pending) != 0 {
			t.Errorf("it came back as %+v", v)
		}
		past, err := h.History(t.Context(), parsePath(t, "box/switch/on"), time.Time{}, time.Now().Add(time.Hour), 10)
		if err != nil || len(past) != 0 {
			t.Errorf("its history is %+v, %v", past, err)
		}
		if list, err := h.Commands(t.Context(), "box", 10); err != nil || len(list) != 0 {
			t.Errorf("its commands are %+v, %v", list, err)
		}
		if via := h.device("bulb").Via; via != "box" {
			t.Errorf("the bulb is reached through %q, want the box, which is back", via)
		}
	})
}

func TestADeviceThatComesBackAtOnceHasNoCommandsOfItsPredecessor(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		c := h.client("plug", nil)
		c.publish("plain/plug/config", "Plug")
		h.send("plug/switch/limit", "1")
		seconds(2)
		if _, err := h.Remove(t.Context(), "plug", false); err != nil {
			t.Fatal(err)
		}
		c.publish("plain/plug/config", "Plug")
		h.device("plug")
		if list, err := h.Commands(t.Context(), "plug", 10); err != nil || len(list) != 0 {
			t.Errorf("its commands are %+v, %v", list, err)
		}
	})
}

func TestWhatWasReachedThroughARemovedDeviceIsNotOfflineBecauseOfIt(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		c := h.client("gateway", nil)
		c.publish("plain/box/config", "Box!")
		c.publish("plain/bulb/config", "via=box Bulb")
		c.publish("plain/box/status", "offline")
		h.wantPresence("bulb", devices.Offline, "its gateway Box is offline: it said so")
		if _, err := h.Remove(t.Context(), "box", false); err != nil {
			t.Fatal(err)
		}
		h.wantPresence("bulb", devices.Online, "heard from it")
	})
}

func TestADeviceThatRemovedItselfKeepsItsLinks(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.powerLamp("lamp", "Lamp", "false", true)
		c := h.client("plug", nil)
		c.publish("plain/plug/config", "Plug")
		synctest.Wait()
		h.follow("plug/switch/on", "lamp/light/on")
		c.publish("plain/plug/config", "") // as programs do that announce all anew
		c.publish("plain/plug/config", "Plug")
		c.publish("plain/plug/is/on", "false")
		c.publish("plain/plug/is/on", "true")
		h.wantValue("lamp/light/on", "true")
	})
}

// The store must not have the follow of a removed device again when it works again.
func TestAStoreThatFailsForgetsLinksLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &moody{Store: memory.New()}
		h := runHub(t, &still{}, s, newPlain(), hub.Options{})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		h.HandleMessage(t.Context(), message("plain/lamp/config", "Lamp", ""))
		seconds(2)
		f := link(t, "plug/switch/on", "lamp/switch/on")
		if err := h.Follow(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		s.set(errors.New("the disk is full"), 0)
		if _, err := h.Remove(t.Context(), "plug", false); err == nil || !strings.Contains(err.Error(), "tried again") {
			t.Errorf("removing it: %v", err)
		}
		if err := h.Follow(t.Context(), link(t, "lamp/switch/on", "new/switch/on")); err == nil || !strings.Contains(err.Error(), "tried again") {
			t.Errorf("adding a link: %v", err)
		}
		s.set(nil, 0)
		minutes(1)
		m, err := s.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]hub.Follow{link(t, "lamp/switch/on", "new/switch/on")}, m.Follows); d != "" || len(m.Devices) != 1 {
			t.Errorf("the store has %d devices, and follows (-want +got):\n%s", len(m.Devices), d)
		}
	})
}

// Readings that the store has refused wait; a new device of the same ID must not get those of its predecessor.
func TestReadingsOfARemovedDeviceThatWaitAreNotItsSuccessors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &moody{Store: memory.New()}
		h := runHub(t, &still{}, s, newPlain(), hub.Options{})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		seconds(2)
		s.set(nil, time.Minute) // the store is busy with the reading when it learns that the device is removed, and then refuses it
		h.HandleMessage(t.Context(), message("plain/plug/is/power", "42", ""))
		seconds(5)
		s.set(errors.New("the disk is full"), 0)
		removed := make(chan error, 1)
		go func() { _, err := h.Remove(t.Context(), "plug", false); removed <- err }()
		synctest.Wait()
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		<-removed
		s.set(nil, 0)
		minutes(2)
		if _, err := h.Device("plug"); err != nil {
			t.Fatal(err)
		}
		past, err := h.History(t.Context(), parsePath(t, "plug/switch/power"), time.Time{}, time.Now().Add(time.Hour), 10)
		if err != nil || len(past) != 0 {
			t.Errorf("its history is %+v, %v", past, err)
		}
	})
}

func TestLinksOfTwoDevicesThatTurnOutToBeOne(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.powerLamp("lamp", "Lamp", "false", true)
		c := h.client("plug", nil)
		c.publish("plain/plug/config", "Plug")
		seconds(1)
		c.publish("rumour/x/config", "box_aabbccddeeff Socket")
		h.wantValue("socket/relay/on", "")
		h.follow("socket/relay/on", "lamp/light/on")
		h.follow("socket/volts/voltage", "lamp/light/brightness")
		h.follow("plug/switch/on", "lamp/light/on")   // the same as the first, when they are one
		h.follow("plug/switch/on", "socket/relay/on") // which would follow itself
		command := h.send("socket/relay/on", "true")
		c.publish("plain/plug/config", "mac=AA:BB:CC:DD:EE:FF Plug")
		h.wantCommand(command.ID, devices.Refused, "the device has turned out to be plug")
		want := []hub.Follow{link(t, "plug/switch/on", "lamp/light/on"), link(t, "plug/volts/voltage", "lamp/light/brightness")}
		if d := cmp.Diff(want, h.Follows()); d != "" {
			t.Errorf("follows (-want +got):\n%s", d)
		}
		h.restart()
		if d := cmp.Diff(want, h.Follows()); d != "" {
			t.Errorf("follows after a restart (-want +got):\n%s", d)
		}
	})
}
