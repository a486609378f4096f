package hub_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

func TestTheLampLosesPowerForTenMinutes(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		lamp := h.powerLamp("hall-lamp", "Hall lamp", "true", true)
		h.wantPresence("hall-lamp", devices.Online, "it says that it is ready")
		h.wantValue("hall-lamp/light/on", "true")
		minutes(5)
		events := h.watch()

		lamp.cut()
		cut := time.Now()
		v := h.device("hall-lamp")
		if v.Reach.Presence != devices.Offline || !v.Reach.Since.Equal(cut) || strings.Contains(v.Reach.Why, "will") {
			t.Errorf("after the power cut it is %+v, want offline since %v with the session's reason", v.Reach, cut)
		}
		minutes(1)
		off := h.send("hall-lamp/light/on", "false")
		if off.Status != devices.Waiting || off.Reason != "the device is offline: "+v.Reach.Why {
			t.Errorf("the command is %s (%s)", off.Status, off.Reason)
		}
		minutes(9)

		h.powerLamp("hall-lamp", "Hall lamp", "true", true)
		seconds(1)
		h.wantCommand(off.ID, devices.Confirmed, "")
		h.wantPresence("hall-lamp", devices.Online, "it says that it is ready")
		h.wantValue("hall-lamp/light/on", "false")
		if d := cmp.Diff([]string{
			"hall-lamp is offline",
			"hall-lamp/light/on to false: waiting",
			"hall-lamp is starting",
			"hall-lamp/light/on to false: waiting", // for another reason
			"hall-lamp is online",
			"hall-lamp/light/on = false",
			"hall-lamp/light/on to false: confirmed",
		}, events()); d != "" {
			t.Errorf("events (-want +got):\n%s", d)
		}
	})
}

func TestCommandsOverTheWire(t *testing.T) {
	for name, run := range map[string]func(*testing.T, *house){
		"a command is confirmed by the device's report": func(t *testing.T, h *house) {
			h.powerLamp("lamp", "Lamp", "true", true)
			c := h.send("lamp/light/brightness", "40")
			got, err := h.Wait(t.Context(), c.ID)
			if err != nil || got.Status != devices.Confirmed || got.Done.IsZero() || got.SentAt.IsZero() {
				t.Errorf("got %+v, %v", got, err)
			}
			h.wantValue("lamp/light/brightness", "40")
		},
		"a command lapses when the device does nothing": func(t *testing.T, h *house) {
			lamp := h.powerLamp("lamp", "Lamp", "true", false)
			c := h.send("lamp/light/brightness", "40")
			start := time.Now()
			got, err := h.Wait(t.Context(), c.ID)
			if err != nil || got.Status != devices.Lapsed || got.Reason != "no report of 40 within 10 s; it last said 20" {
				t.Errorf("got %+v, %v", got, err)
			}
			if took := time.Since(start); took != 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if d := cmp.Diff([]string{"homie/5/lamp/light/brightness/set=40"}, lamp.taken()); d != "" {
				t.Error(d)
			}
		},
		"what sleeps behind a gateway is told at once, and confirms it when it wakes": func(t *testing.T, h *house) {
			gateway := h.client("gateway", nil)
			gateway.publish("plain/valve/config", "wakes=2h Valve!")
			gateway.publish("plain/valve/status", "asleep")
			gateway.subscribe("plain/valve/set/+")
			c := h.send("valve/switch/on", "true")
			h.wantCommand(c.ID, devices.Sent, "waits for the device to wake up")
			if got := gateway.taken(); !slices.Equal(got, []string{"plain/valve/set/on=true"}) {
				t.Errorf("the gateway was told %q", got)
			}
			minutes(110)
			gateway.publish("plain/valve/is/on", "true")
			h.wantCommand(c.ID, devices.Confirmed, "")
		},
		"what sleeps behind a gateway that goes away is told again when that is back": func(t *testing.T, h *house) {
			gateway := h.client("gateway", nil)
			gateway.publish("plain/bridge/config", "Bridge!")
			gateway.publish("plain/bridge/status", "online")
			gateway.publish("plain/valve/config", "via=bridge wakes=2h Valve!")
			gateway.publish("plain/valve/status", "asleep")
			gateway.subscribe("plain/valve/set/+")
			c := h.send("valve/switch/on", "true")
			h.wantCommand(c.ID, devices.Sent, "waits for the device to wake up")
			gateway.publish("plain/bridge/status", "offline")
			h.wantCommand(c.ID, devices.Waiting, "the device is offline: its gateway Bridge is offline: it said so")
			gateway.publish("plain/bridge/status", "online")
			seconds(2)
			h.wantPresence("valve", devices.Asleep, "it said so")
			h.wantCommand(c.ID, devices.Sent, "waits for the device to wake up")
			if got := gateway.taken(); !slices.Equal(got, []string{"plain/valve/set/on=true", "plain/valve/set/on=true"}) {
				t.Errorf("the gateway was told %q", got)
			}
		},
		"what sleeps for nobody knows how long is waited for a day": func(t *testing.T, h *house) {
			c := h.client("lamp", nil)
			c.publish("plain/lamp/config", "Lamp!")
			c.publish("plain/lamp/status", "asleep")
			sent := h.send("lamp/switch/on", "true")
			minutes(24*60 - 1)
			h.wantCommand(sent.ID, devices.Waiting, "the device is asleep: it said so")
			minutes(1)
			h.wantCommand(sent.ID, devices.Lapsed, "waited 24 h, but the device is asleep: it said so")
		},
		"what sleeps between its visits is waited for as long as it may be silent": func(t *testing.T, h *house) {
			c := h.client("sensor", nil)
			c.publish("plain/sensor/config", "sleeps=yes silence=3h Sensor!")
			c.publish("plain/sensor/status", "online")
			seconds(20)
			c.leave()
			sent := h.send("sensor/switch/on", "true")
			minutes(150)
			c = h.client("sensor", nil)
			c.subscribe("plain/sensor/set/+")
			c.publish("plain/sensor/is/on", "false")
			seconds(2)
			if got := c.taken(); !slices.Equal(got, []string{"plain/sensor/set/on=true"}) {
				t.Errorf("it was told %q", got)
			}
			c.publish("plain/sensor/is/on", "true")
			h.wantCommand(sent.ID, devices.Confirmed, "")
		},
		"its patience can be chosen": func(t *testing.T, h *house) {
			h.powerLamp("lamp", "Lamp", "true", false)
			c, err := h.Send(t.Context(), hub.Request{Path: parsePath(t, "lamp/light/on"), Value: devices.BoolValue(false), Patience: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			seconds(59)
			h.wantCommand(c.ID, devices.Sent, "")
			seconds(1)
			h.wantCommand(c.ID, devices.Lapsed, "no report of false within 60 s; it last said true")
		},
		"a newer command supersedes": func(t *testing.T, h *house) {
			h.powerLamp("lamp", "Lamp", "true", false)
			first := h.send("lamp/light/brightness", "40")
			second := h.send("lamp/light/brightness", "60")
			h.wantCommand(first.ID, devices.Superseded, "a newer command wants 60")
			h.wantCommand(second.ID, devices.Sent, "")
			list, err := h.Commands(t.Context(), "lamp", 10)
			if err != nil || len(list) != 2 || list[0].ID != second.ID || list[1].ID != first.ID {
				t.Errorf("commands are %+v, %v", list, err)
			}
			if list, _ := h.Commands(t.Context(), "lamp", 1); len(list) != 1 || list[0].ID != second.ID {
				t.Errorf("the newest is %+v", list)
			}
		},
		"a command that waits too long lapses": func(t *testing.T, h *house) {
			h.powerLamp("lamp", "Lamp", "true", true).cut()
			synctest.Wait()
			c, err := h.Send(t.Context(), hub.Request{Path: parsePath(t, "lamp/light/on"), Value: devices.BoolValue(false), Await: 5 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			minutes(5)
			got, _ := h.Command(t.Context(), c.ID)
			if got.Status != devices.Lapsed || !strings.HasPrefix(got.Reason, "waited 5 min, but the device is offline: ") {
				t.Errorf("got %s (%s)", got.Status, got.Reason)
			}
		},
		"a command that cannot be spelt is refused": func(t *testing.T, h *house) {
			h.client("plug", nil).publish("plain/plug/config", "Plug")
			synctest.Wait()
			c := h.send("plug/switch/broken", "true")
			h.wantCommand(c.ID, devices.Refused, "plug has no topic for switch/broken")
		},
		"a command of which the device has not said how it is told is refused": func(t *testing.T, h *house) {
			h.client("plug", nil).publish("plain/plug/config", "Plug")
			c := h.send("plug/switch/untold", "true")
			h.wantCommand(c.ID, devices.Refused, "the device has not said how it can be told")
		},
		"what cannot be confirmed is sent once, unretained, and ends as sent": func(t *testing.T, h *house) {
			plug := h.client("plug", nil)
			plug.publish("plain/plug/config", "Plug")
			plug.subscribe("plain/plug/set/+")
			c := h.send("plug/switch/press", "true")
			h.wantCommand(c.ID, devices.Sent, "")
			if got, _ := h.Command(t.Context(), c.ID); got.Pending() {
				t.Error("it is still pending")
			}
			if d := cmp.Diff([]string{"plain/plug/set/press=true"}, plug.taken()); d != "" {
				t.Error(d)
			}
			if got, kept := h.retained("plain/plug/set/press"); kept {
				t.Errorf("the command was retained: %q", got)
			}
		},
		"what goes with later commands ends as sent without a message": func(t *testing.T, h *house) {
			plug := h.client("plug", nil)
			plug.publish("plain/plug/config", "Plug")
			plug.subscribe("plain/plug/set/+")
			c := h.send("plug/switch/fade", "2")
			h.wantCommand(c.ID, devices.Sent, "")
			if got, _ := h.Command(t.Context(), c.ID); got.Pending() || len(plug.taken()) > 0 {
				t.Errorf("got %+v, and the plug was told %q", got, plug.taken())
			}
		},
		"requests that cannot be are turned away": func(t *testing.T, h *house) {
			h.powerLamp("lamp", "Lamp", "true", true)
			for path, want := range map[string]error{
				"nobody/light/on": hub.ErrNotFound, "lamp/motor/on": hub.ErrNotFound, "lamp/light/loudness": hub.ErrNotFound,
			} {
				if _, err := h.trySend(path, "true"); !errors.Is(err, want) {
					t.Errorf("%s: got %v, want %v", path, err, want)
				}
			}
			if _, err := h.trySend("lamp/light/brightness", "140"); !errors.Is(err, devices.ErrValue) || !strings.Contains(err.Error(), "0 to 100 %") {
				t.Errorf("out of range: got %v", err)
			}
			for _, r := range []hub.Request{{Patience: time.Millisecond}, {Patience: 25 * time.Hour}, {Await: -1}, {Await: 1000 * time.Hour}} {
				r.Path, r.Value = parsePath(t, "lamp/light/on"), devices.BoolValue(true)
				if _, err := h.Send(t.Context(), r); !errors.Is(err, devices.ErrValue) {
					t.Errorf("%+v: got %v", r, err)
				}
			}
			if _, err := h.Command(t.Context(), "nothing"); !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("an unknown command: %v", err)
			}
			if _, err := h.Commands(t.Context(), "nobody", 1); !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("commands of an unknown device: %v", err)
			}
		},
		"waiting ends with the caller's patience": func(t *testing.T, h *house) {
			h.powerLamp("lamp", "Lamp", "true", false)
			c := h.send("lamp/light/on", "false")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			got, err := h.Wait(ctx, c.ID)
			if !errors.Is(err, context.DeadlineExceeded) || got.ID != c.ID || got.Status != devices.Sent {
				t.Errorf("got %+v, %v", got, err)
			}
		},
		"a removed device's commands are refused": func(t *testing.T, h *house) {
			h.powerLamp("lamp", "Lamp", "true", false)
			c := h.send("lamp/light/on", "false")
			if _, err := h.Remove(t.Context(), "lamp", false); err != nil {
				t.Fatal(err)
			}
			h.wantCommand(c.ID, devices.Refused, "the device was removed")
		},
	} {
		t.Run(name, func(t *testing.T) { inHouse(t, run) })
	}
}

func TestARestartWithAPendingCommand(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		lamp := h.powerLamp("lamp", "Lamp", "true", true)
		lamp.cut()
		synctest.Wait()
		waiting := h.send("lamp/light/on", "false")
		before := h.device("lamp")
		minutes(1)

		h.restart()
		v := h.device("lamp")
		if v.Reach != before.Reach {
			t.Errorf("presence after the restart is %+v, want %+v", v.Reach, before.Reach)
		}
		h.wantValue("lamp/light/brightness", "20")
		h.wantCommand(waiting.ID, devices.Waiting, waiting.Reason)
		minutes(10)
		h.wantCommand(waiting.ID, devices.Waiting, waiting.Reason)

		h.powerLamp("lamp", "Lamp", "true", true)
		seconds(2)
		h.wantCommand(waiting.ID, devices.Confirmed, "")
		h.wantValue("lamp/light/on", "false")
	})
}

func TestARestartJustAfterSending(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		lamp := h.powerLamp("lamp", "Lamp", "true", false)
		c := h.send("lamp/light/on", "false")
		h.wantCommand(c.ID, devices.Sent, "")
		h.restart()
		seconds(29)
		if n := len(lamp.taken()); n != 1 {
			t.Errorf("the lamp was told %d times before anybody knows whether it is there", n)
		}
		seconds(1)
		if d := cmp.Diff([]string{"homie/5/lamp/light/on/set=false", "homie/5/lamp/light/on/set=false"}, lamp.taken()); d != "" {
			t.Error(d)
		}
		lamp.retain("homie/5/lamp/light/on", "false")
		h.wantCommand(c.ID, devices.Confirmed, "")
	})
}
