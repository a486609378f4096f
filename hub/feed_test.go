package hub_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

var errEnough = errors.New("enough")

func TestTheFeedIsResumed(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		plug := h.client("plug", nil)
		plug.publish("plain/plug/config", "Plug")
		for i := range 20 {
			plug.publish("plain/plug/is/power", strconv.Itoa(i))
		}
		synctest.Wait()
		o := h.Overview()
		if o.LastEvent != 22 { // joined, online, and the values
			t.Fatalf("the newest event is %d", o.LastEvent)
		}
		next := uint64(1)
		for next <= o.LastEvent { // five at a time, as a client that loses its connection
			n := 0
			err := h.Watch(t.Context(), o.Epoch, next-1, func(e hub.Numbered) error {
				if e.ID != next || e.Epoch != o.Epoch || e.At.IsZero() || e.Event.DeviceID() != "plug" {
					t.Errorf("event %+v, want number %d", e, next)
				}
				next++
				if n++; n == 5 || e.ID == o.LastEvent {
					return errEnough
				}
				return nil
			})
			if !errors.Is(err, errEnough) {
				t.Fatal(err)
			}
		}
		for name, from := range map[string]struct {
			epoch string
			after uint64
		}{
			"another epoch":                {"another", 3},
			"a number that is yet to come": {o.Epoch, 23},
		} {
			err := h.Watch(t.Context(), from.epoch, from.after, func(hub.Numbered) error { return errEnough })
			if !errors.Is(err, hub.ErrGap) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.Watch(ctx, o.Epoch, 0, func(hub.Numbered) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("an ended context: got %v", err)
		}
	})
}

func TestASlowReaderIsCutOffAndHoldsNobodyUp(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		plug := h.client("plug", nil)
		plug.publish("plain/plug/config", "Plug")
		synctest.Wait()
		free := make(chan struct{})
		var wg sync.WaitGroup
		var err error
		wg.Go(func() {
			err = h.Watch(t.Context(), "", hub.Newest, func(hub.Numbered) error { <-free; return nil })
		})
		synctest.Wait()
		plug.publish("plain/plug/is/power", "-1")
		synctest.Wait() // the reader has it, and is stuck
		for i := range 4200 {
			h.HandleMessage(t.Context(), message("plain/plug/is/power", strconv.Itoa(i), "plug"))
		}
		h.wantValue("plug/switch/power", "4199")
		close(free)
		wg.Wait()
		if !errors.Is(err, hub.ErrGap) {
			t.Errorf("got %v", err)
		}
		if err := h.Watch(t.Context(), h.Overview().Epoch, 1, func(hub.Numbered) error { return nil }); !errors.Is(err, hub.ErrGap) {
			t.Errorf("events that are no longer kept: got %v", err)
		}
	})
}

func TestAReaderIsToldThatTheHubHasStopped(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		var wg sync.WaitGroup
		var watched, waited error
		h.powerLamp("lamp", "Lamp", "true", false)
		c := h.send("lamp/light/on", "false")
		wg.Go(func() { watched = h.Watch(t.Context(), "", hub.Newest, func(hub.Numbered) error { return nil }) })
		wg.Go(func() { _, waited = h.Wait(t.Context(), c.ID) })
		synctest.Wait()
		h.stop()
		wg.Wait()
		if !errors.Is(watched, hub.ErrStopped) || !errors.Is(waited, hub.ErrStopped) {
			t.Errorf("got %v and %v", watched, waited)
		}
		if _, err := h.trySend("lamp/light/on", "false"); !errors.Is(err, hub.ErrStopped) {
			t.Errorf("sending: %v", err)
		}
		if v, err := h.Device("lamp"); err != nil || v.Reach.Presence != devices.Online {
			t.Errorf("looking is possible all the same: %+v, %v", v, err)
		}
	})
}
