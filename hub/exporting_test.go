package hub_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homie"
)

func TestExports(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		lamp := h.powerLamp("lamp", "Lamp", "true", false)
		h.wantRetained("hub/5/lamp/$state", "ready")
		h.wantRetained("hub/5/lamp/light/on", "true")
		h.wantRetained("hub/5/lamp/light/brightness", "20")
		if d, _ := h.retained("hub/5/lamp/$description"); !strings.Contains(d, `"Lamp"`) {
			t.Errorf("described as %s", d)
		}
		c := h.send("lamp/light/brightness", "40")
		h.wantRetained("hub/5/lamp/light/brightness/$target", "40")
		lamp.retain("homie/5/lamp/light/brightness", "40")
		h.wantCommand(c.ID, devices.Confirmed, "")
		h.wantRetained("hub/5/lamp/light/brightness", "40")
		if got, kept := h.retained("hub/5/lamp/light/brightness/$target"); kept {
			t.Errorf("the target is still %q", got)
		}
		h.send("lamp/light/brightness", "60")
		seconds(10)
		if got, kept := h.retained("hub/5/lamp/light/brightness/$target"); kept {
			t.Errorf("the target of a command that lapsed is still %q", got)
		}
		lamp.retain("homie/5/lamp/light/brightness/$target", "80")
		h.wantRetained("hub/5/lamp/light/brightness/$target", "80")
		lamp.cut()
		h.wantRetained("hub/5/lamp/$state", "lost")
	})
}

func TestWishes(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		h.powerLamp("lamp", "Lamp", "true", true)
		someone := h.client("mosq-123", nil)
		for range 2 { // while the start is being tidied up after, and later
			someone.publish("hub/5/lamp/light/brightness/set", "40")
			h.wantValue("lamp/light/brightness", "40")
			list, err := h.Commands(t.Context(), "lamp", 10)
			if err != nil || list[0].Origin != "mqtt mosq-123" || list[0].Status != devices.Confirmed {
				t.Errorf("commands %+v, %v", list, err)
			}
			minutes(1)
			someone.publish("hub/5/lamp/light/brightness/set", "50")
			h.wantValue("lamp/light/brightness", "50")
		}
		if list, _ := h.Commands(t.Context(), "lamp", 10); len(list) != 4 {
			t.Errorf("%d commands for four wishes", len(list))
		}

		someone.publish("hub/5/lamp/light/brightness/set", "bright")
		v := h.device("lamp")
		if v.Faults != 1 || !strings.Contains(v.LastFaults[0].Reason, "bright") || v.LastFaults[0].Topic != "hub/5/lamp/light/brightness/set" {
			t.Errorf("got %+v", v.LastFaults)
		}
		someone.publish("hub/5/lamp/light/brightness/set", "101")
		someone.publish("hub/5/lamp/light/loudness/set", "1")
		if v := h.device("lamp"); v.Faults != 3 || !strings.Contains(v.LastFaults[0].Reason, "loudness") {
			t.Errorf("got %d, %+v", v.Faults, v.LastFaults)
		}
		someone.publish("hub/5/nobody/light/on/set", "true")
		synctest.Wait()
		if o := h.Overview(); len(o.Unclaimed) != 1 || o.Unclaimed[0].Reason != "a wish that cannot be: no device nobody" {
			t.Errorf("got %+v", o.Unclaimed)
		}

		before, _ := h.Commands(t.Context(), "lamp", 10)
		h.stop()
		someone.retain("hub/5/lamp/light/on/set", "false")
		h.start()
		minutes(1)
		after, _ := h.Commands(t.Context(), "lamp", 10)
		if len(after) != len(before) {
			t.Errorf("a retained wish came true: %+v", after[0])
		}
	})
}

func TestTheStartTidiesUpAmongTheExports(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		lamp := h.powerLamp("lamp", "Lamp", "true", true)
		h.client("plug", nil).publish("plain/plug/config", "Plug") // not retained: known by the store only
		h.send("lamp/light/brightness", "40")
		seconds(1)
		h.stop()
		// What an earlier life of the hub has left.
		publish(t, h.broker.Link(), "hub/5/old/$state", "hub/5/old/light/on", "hub/5/lamp/light/hue", "hub/5/lamp/light/on/$target")
		lamp.retain("homie/5/lamp/light/on", "false")

		h.start()
		minutes(1)
		all := h.client("all", nil)
		all.subscribe("hub/5/#")
		var topics []string
		for _, d := range all.taken() {
			topic, value, _ := strings.Cut(d, "=")
			if topic = strings.TrimPrefix(topic, "hub/5/"); !strings.HasSuffix(topic, "$description") {
				topic += "=" + value
			}
			topics = append(topics, topic)
		}
		slices.Sort(topics)
		if d := cmp.Diff([]string{
			"homehub/$description", "homehub/$state=ready",
			"lamp/$description", "lamp/$state=ready", "lamp/light/brightness=40", "lamp/light/on=false",
			"plug/$description", "plug/$state=init",
		}, topics); d != "" {
			t.Errorf("exports (-want +got):\n%s", d)
		}
	})
}

func TestWithoutAnExporterNothingIsExported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.options.Exporter = nil
		h.start()
		h.powerLamp("lamp", "Lamp", "true", true)
		h.send("lamp/light/brightness", "40")
		h.wantValue("lamp/light/brightness", "40")
		if got, kept := h.retained(homie.Own + "/5/#"); kept {
			t.Errorf("exported %q", got)
		}
	})
}

func TestTheRootNamesTheDevicesBelowIt(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		children := func() (list []string) {
			t.Helper()
			text, _ := h.retained("hub/5/homehub/$description")
			var doc struct{ Children []string }
			if err := json.Unmarshal([]byte(text), &doc); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			return doc.Children
		}
		seconds(3)
		if got, kept := h.retained("hub/#"); kept {
			t.Errorf("an empty house exports %q", got)
		}
		c := h.client("gateway", nil)
		for _, name := range []string{"Plug", "Lamp", "Homehub"} { // the last one's name would make the root's ID
			c.publish("plain/"+name+"/config", name)
		}
		seconds(2)
		if d := cmp.Diff([]string{"homehub-2", "lamp", "plug"}, children()); d != "" {
			t.Errorf("children (-want +got):\n%s", d)
		}
		c.publish("plain/Plug/config", "")
		seconds(2)
		if d := cmp.Diff([]string{"homehub-2", "lamp"}, children()); d != "" {
			t.Errorf("children (-want +got):\n%s", d)
		}
		h.stop()
		h.wantRetained("hub/5/homehub/$state", "lost")
		h.start()
		h.wantRetained("hub/5/homehub/$state", "ready")
		for _, name := range []string{"Lamp", "Homehub"} {
			c = h.client("gateway", nil)
			c.publish("plain/"+name+"/config", "")
		}
		seconds(3)
		if got, kept := h.retained("hub/#"); kept {
			t.Errorf("a house that is empty again exports %q", got)
		}
	})
}
