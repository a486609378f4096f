package hub_test

import (
	"slices"
	"strings"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// herald announces every device under herald/<id>, but for those of which rumours tell.
type herald struct{}

func (herald) Announce(v hub.View) []broker.Message {
	if slices.Contains(v.Conventions, "rumour") {
		return nil
	}
	return []broker.Message{{Topic: "herald/" + v.ID, Payload: []byte(v.Name), Retain: true}}
}

// Whole says in one what switches report.
func (herald) Whole(device string, c *devices.Component, value func(string) devices.Value) (broker.Message, bool) {
	return broker.Message{Topic: "hub/5/" + device + "/" + c.ID + "/$herald", Payload: []byte("on is " + value("on").String()), Retain: true}, c.ID == "switch"
}

func (herald) Filters() []broker.Subscription { return []broker.Subscription{{Filter: "herald/+"}} }
func (herald) Owns(topic string) bool         { return strings.HasPrefix(topic, "herald/") }
func (herald) Births() []broker.Subscription  { return []broker.Subscription{{Filter: "born"}} }
func (herald) Repeat(m broker.Message) bool   { return m.Topic == "born" && string(m.Payload) == "yes" }

func TestAnnouncing(t *testing.T) {
	for name, run := range map[string]func(*testing.T, *house){
		"a device is announced as long as it is there": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug")
			h.wantRetained("herald/plug", "Plug")
			c.publish("plain/plug/config", "Socket")
			h.wantRetained("herald/plug", "Socket")
			c.publish("plain/plug/config", "")
			h.wantRetained("herald/plug", "")
		},
		"not when it turns out that it announces itself": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "mac=aa:bb:cc:dd:ee:ff Plug")
			h.wantRetained("herald/plug", "Plug")
			c.publish("rumour/x/config", "box_aabbccddeeff Socket")
			h.wantRetained("herald/plug", "")
		},
		"what it takes in one is exported so, as long as the device is announced": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "mac=aa:bb:cc:dd:ee:ff Plug")
			h.wantRetained("hub/5/plug/switch/$herald", "on is ")
			c.publish("plain/plug/is/on", "true")
			h.wantRetained("hub/5/plug/switch/$herald", "on is true")
			h.stop()
			h.start()
			seconds(5)
			h.wantRetained("hub/5/plug/switch/$herald", "on is true")
			c.publish("rumour/x/config", "box_aabbccddeeff Socket")
			h.wantRetained("hub/5/plug/switch/$herald", "")
			c.publish("plain/plug/is/on", "false")
			h.wantRetained("hub/5/plug/switch/$herald", "")
		},
		"it is gone with the device": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug")
			h.wantRetained("hub/5/plug/switch/$herald", "on is ")
			c.publish("plain/plug/config", "")
			h.wantRetained("hub/5/plug/switch/$herald", "")
		},
		"all are announced again to those who ask": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug")
			listener := h.client("listener", nil)
			listener.subscribe("herald/+")
			h.device("plug")
			n := len(listener.taken())
			listener.publish("born", "no")
			listener.publish("born", "yes")
			h.device("plug")
			if got := listener.taken(); len(got) != n+1 || got[n] != "herald/plug=Plug" {
				t.Errorf("announced were %q", got)
			}
		},
		"what is left of devices that are gone is cleared at the start": func(t *testing.T, h *house) {
			c := h.client("plug", nil)
			c.publish("plain/plug/config", "Plug")
			h.device("plug")
			h.stop()
			c.retain("herald/gone", "Gone")
			h.start()
			seconds(5)
			h.wantRetained("herald/gone", "")
			h.wantRetained("herald/plug", "Plug")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inHouseWith(t, func(o *hub.Options) { o.Announcers = []hub.Announcer{herald{}} }, run)
		})
	}
}
