package hub_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/store/memory"
)

// What people changed must survive a crash that follows at once: the store takes a minute here, and has it when Edit and
// Remove return.
func TestWhatPeopleChangeIsStoredWhenTheyAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &moody{Store: memory.New()}
		h := runHub(t, &still{}, s, newPlain(), hub.Options{})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		seconds(2)
		s.set(nil, time.Minute)
		begin := time.Now()
		if _, err := h.Edit(t.Context(), "plug", ptr("Kettle"), nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < time.Minute {
			t.Errorf("it returned after %v", took)
		}
		m, err := s.Load(t.Context())
		if err != nil || len(m.Devices) != 1 || m.Devices[0].Device.Name != "Kettle" || !m.Devices[0].NameSet {
			t.Errorf("the store has %+v, %v", m.Devices, err)
		}
		if _, err := h.Remove(t.Context(), "plug", false); err != nil {
			t.Fatal(err)
		}
		if m, err := s.Load(t.Context()); err != nil || len(m.Devices) != 0 {
			t.Errorf("after removing it the store has %+v, %v", m.Devices, err)
		}
	})
}

func TestAStoreThatRefusesWhatPeopleChangeIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &moody{Store: memory.New()}
		h := runHub(t, &still{}, s, newPlain(), hub.Options{})
		h.HandleMessage(t.Context(), message("plain/plug/config", "Plug", ""))
		seconds(2)
		full := errors.New("the disk is full")
		s.set(full, 0)
		for range 2 { // the second one while the store is given time to recover
			if _, err := h.Edit(t.Context(), "plug", ptr("Kettle"), nil); !errors.Is(err, full) || !strings.Contains(err.Error(), "tried again") {
				t.Errorf("got %v", err)
			}
		}
		s.set(nil, 0)
		minutes(1)
		if m, err := s.Load(t.Context()); err != nil || len(m.Devices) != 1 || m.Devices[0].Device.Name != "Kettle" {
			t.Errorf("the store has %+v, %v", m.Devices, err)
		}
	})
}

// A command whose device is not there any more, since the hub was killed between the two, does not wait for ever.
func TestACommandWithoutADeviceIsRefusedAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		orphan := devices.Command{
			ID: "01", Device: "gone", Ref: devices.Ref{Component: "switch", Property: "on"}, Value: devices.BoolValue(true), Status: devices.Waiting,
			Created: time.Now(), Deadline: time.Now().Add(time.Hour),
		}
		if err := s.SaveCommand(t.Context(), orphan); err != nil {
			t.Fatal(err)
		}
		runHub(t, &still{}, s, newPlain(), hub.Options{})
		seconds(2)
		c, err := s.Command(t.Context(), orphan.ID)
		if err != nil || c.Status != devices.Refused || c.Reason != "the device was removed" {
			t.Errorf("it is %+v, %v", c, err)
		}
	})
}
