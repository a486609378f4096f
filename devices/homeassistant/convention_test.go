package homeassistant_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant"
	"home.arpa/homehub/hub"
)

func itoa(i int) string { return strconv.Itoa(i) }

func retained(topic, payload string) broker.Message {
	return broker.Message{Topic: topic, Payload: []byte(payload), Retain: true}
}

const lampInDeviceForm = `{"dev":{"ids":["lamp-1"],"cns":[["mac","AABBCCDDEEFF"]],"name":"Hall lamp","mf":"Maker","mdl":"L1","sw":"1.2","sa":"Hall","via_device":"bridge-1"},` +
	`"o":{"name":"test"},"~":"lamp","stat_t":"~/state","avty_t":"lamp/status","cmps":{` +
	`"light":{"p":"light","schema":"json","cmd_t":"~/set","brightness":true,"uniq_id":"a"},` +
	`"rssi":{"p":"sensor","dev_cla":"signal_strength","unit_of_meas":"dBm","val_tpl":"{{ value_json.rssi }}","uniq_id":"b","ent_cat":"diagnostic","name":"Hall lamp Signal"}}}`

func TestDeviceForm(t *testing.T) {
	h := newHouse(t)
	h.hear("homeassistant/device/hall_lamp/config", lampInDeviceForm)
	d := h.only()
	want := devices.Device{
		ID: "hall-lamp", Name: "Hall lamp", Room: "Hall", Manufacturer: "Maker", Model: "L1", Firmware: "1.2", Via: "bridge-1",
		Identifiers: []string{"lamp-1"}, Connections: []devices.Connection{{Kind: "mac", Value: "aa:bb:cc:dd:ee:ff"}}, Convention: "homeassistant",
	}
	got := d.Device
	got.Components = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c := d.Device.Component("rssi"); c == nil || c.Category != "diagnostic" || c.Name != "Signal" {
		t.Errorf("the sensor is %+v", c)
	}
	if !d.Availability || len(d.Sources) != 1 || !d.Sources[0].Retain {
		t.Errorf("announced %+v", d)
	}
	if got := h.hear("lamp/state", `{"state":"ON","brightness":255,"rssi":-60}`); !slices.Equal(got,
		[]string{"light/brightness=100", "light/on=true", "rssi/signal-strength=-60"}) {
		t.Errorf("got %v", got)
	}
	// A component that holds its platform only is removed; what is left stays as it was.
	h.hear("homeassistant/device/hall_lamp/config", strings.Replace(lampInDeviceForm, `"rssi":{"p":"sensor",`, `"rssi":{"p":"sensor"},"x":{"p":"sensor",`, 1))
	if got := slices.Sorted(maps.Keys(h.filters)); !slices.Equal(got, []string{"lamp/state", "lamp/status"}) {
		t.Errorf("filters are %v", got)
	}
	if d := h.only(); d.Device.Component("rssi") != nil || d.Device.Component("x") == nil || d.Device.Component("light") == nil {
		t.Errorf("there is %s", describe(d.Device))
	}
	h.hear("homeassistant/device/hall_lamp/config", "")
	if len(h.devices) != 0 || len(h.filters) != 0 || len(h.faults) != 0 {
		t.Errorf("left: %v %v %v", h.devices, h.filters, h.faults)
	}
}

func TestGrouping(t *testing.T) {
	t.Run("entities with one identifier are one device", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/switch/plug/relay_1/config", `{"stat_t":"a","cmd_t":"a/set","dev":{"ids":"p","name":"Plug"}}`)
		h.hear("homeassistant/switch/plug/relay_2/config", `{"stat_t":"b","cmd_t":"b/set","dev":{"ids":["p"]}}`)
		h.hear("homeassistant/sensor/plug/relay_1/config", `{"stat_t":"c","dev":{"ids":["p"],"sw":"2"}}`)
		d := h.only()
		if got := describe(d.Device); got != "relay-1(switch)/on:bool rs; relay-1-sensor(sensor)/value:text r; relay-2(switch)/on:bool rs" {
			t.Errorf("there is %s", got)
		}
		if d.Device.Name != "Plug" || d.Device.Firmware != "2" || len(d.Sources) != 3 {
			t.Errorf("announced %+v", d)
		}
		h.hear("homeassistant/switch/plug/relay_1/config", "")
		if got := describe(h.only().Device); got != "relay-1-sensor(sensor)/value:text r; relay-2(switch)/on:bool rs" {
			t.Errorf("after a removal there is %s", got)
		}
	})
	t.Run("two devices turn out to be one", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/sensor/a/config", `{"stat_t":"a","dev":{"ids":["x"],"name":"X"}}`)
		h.hear("homeassistant/sensor/b/config", `{"stat_t":"b","avty_t":"b/status","dev":{"cns":[["mac","00:11:22:33:44:55"]],"name":"Y"}}`)
		if len(h.devices) != 2 {
			t.Fatalf("there are %v", h.devices)
		}
		h.hear("b/status", "online")
		h.hear("homeassistant/sensor/c/config", `{"stat_t":"c","dev":{"ids":["x"],"cns":[["mac","001122334455"]]}}`)
		d := h.only()
		if len(d.Device.Components) != 3 || d.Key != "id:x" || !strings.HasPrefix(h.reach[d.Key], "online") {
			t.Errorf("announced %+v, %v", d, h.reach)
		}
		if got := h.hear("b", "7"); len(got) != 1 {
			t.Errorf("the entity that moved reads %v", got)
		}
		for _, e := range []string{"a", "b", "c"} {
			h.hear("homeassistant/sensor/"+e+"/config", "")
		}
		if len(h.devices) != 0 || len(h.filters) != 0 {
			t.Errorf("left: %v %v", h.devices, h.filters)
		}
		h.hear("homeassistant/sensor/b/config", `{"stat_t":"b","dev":{"cns":[["mac","00:11:22:33:44:55"]],"name":"Y"}}`)
		if d := h.only(); d.Device.Name != "Y" {
			t.Errorf("announced again it is %+v", d)
		}
	})
	t.Run("an entity without a device block is a device of its own", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/switch/heat_pump/config", `{"name":"Heat pump","cmd_t":"a","uniq_id":"hp"}`)
		d := h.only()
		if d.Key != "unique:hp" || d.Device.Name != "Heat pump" || d.Device.ID != "heat-pump" || describe(d.Device) != "switch(switch)/on:bool s" {
			t.Errorf("announced %+v", d)
		}
	})
	t.Run("an entity moves to another device", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/sensor/a/config", `{"stat_t":"a","dev":{"ids":["x"],"name":"X"}}`)
		h.hear("homeassistant/sensor/b/config", `{"stat_t":"b","dev":{"ids":["x"],"name":"X"}}`)
		h.hear("homeassistant/sensor/b/config", `{"stat_t":"b","dev":{"ids":["y"],"name":"Y"}}`)
		if len(h.devices) != 2 || len(h.devices["id:x"].Device.Components) != 1 || len(h.devices["id:y"].Device.Components) != 1 {
			t.Errorf("there are %+v", h.devices)
		}
	})
}

func TestChangeInPlace(t *testing.T) {
	h := newHouse(t)
	h.hear("homeassistant/sensor/a/config", `{"stat_t":"a","dev_cla":"temperature","dev":{"ids":["x"],"name":"X"}}`)
	if u := h.c.Apply(retained("homeassistant/sensor/a/config", `{"stat_t":"a","dev_cla":"temperature","dev":{"ids":["x"],"name":"X"}}`), hub.Parsed{}); len(u.Devices) != 0 {
		t.Errorf("a repetition announces %v", u.Devices)
	}
	h.hear("homeassistant/sensor/a/config", `{"stat_t":"b","dev_cla":"humidity","dev":{"ids":["x"],"name":"X2"}}`)
	d := h.only()
	if d.Device.Name != "X2" || describe(d.Device) != "a(sensor)/humidity:float r" || !maps.Equal(h.filters, map[string]bool{"b": true}) {
		t.Errorf("changed to %+v with %v", d, h.filters)
	}
	if got := h.hear("a", "1"); got != nil {
		t.Errorf("the old topic reads %v", got)
	}
	if got := h.hear("b", "40"); len(got) != 1 {
		t.Errorf("the new topic reads %v", got)
	}
}

func TestCollisionAndMigration(t *testing.T) {
	const single = `{"stat_t":"old","dev_cla":"temperature","dev":{"ids":["x"],"name":"X"}}`
	const form = `{"dev":{"ids":["x"],"name":"X"},"o":{"name":"t"},"cmps":{"temp":{"p":"sensor","stat_t":"new","uniq_id":"u"}}}`
	h := newHouse(t)
	h.hear("homeassistant/sensor/x/temp/config", single)
	h.hear("homeassistant/device/x/config", form)
	if len(h.faults) != 1 || !h.filters["old"] || h.filters["new"] {
		t.Fatalf("the second did not give way: %v, %v", h.faults, h.filters)
	}
	h.hear("homeassistant/sensor/x/temp/config", `{"migrate_discovery":true}`)
	h.hear("homeassistant/device/x/config", form)
	if d := h.only(); h.filters["old"] || !h.filters["new"] || len(d.Device.Components) != 1 || d.Sources[0].Topic != "homeassistant/device/x/config" {
		t.Fatalf("it did not migrate: %+v, %v", d, h.filters)
	}
	h.hear("homeassistant/sensor/x/temp/config", "")
	if got := h.hear("new", "warm"); !slices.Equal(got, []string{"temp/value=warm"}) {
		t.Errorf("after the end of the old form it reads %v", got)
	}
}

func TestAvailability(t *testing.T) {
	const key = "id:x"
	config := func(more string) string { return `{"stat_t":"s","dev":{"ids":["x"],"name":"X"},` + more + `}` }
	two := `"avty":[{"t":"a"},{"t":"~/b","pl_avail":"yes","pl_not_avail":"no","val_tpl":"{{ value_json.s }}"}],"~":"base"`
	for _, c := range []struct{ name, config, script, want string }{
		{"one topic", config(`"avty_t":"a"`), "a=online", "online: availability topic a says online"},
		{"one topic, offline", config(`"avty_t":"a"`), "a=online a=offline", "offline: availability topic a says offline"},
		{"payloads of its own", config(`"avty_t":"a","pl_avail":"Online","pl_not_avail":"Offline"`), "a=Offline", "offline: availability topic a says Offline"},
		{"other payloads change nothing", config(`"avty_t":"a"`), "a=online a=restarting", "online: availability topic a says online"},
		{"a template", config(`"avty_t":"a","avty_tpl":"{{ value_json.state }}"`), `a={"state":"online"}`, "online: availability topic a says online"},
		{"latest decides", config(two), `a=offline base/b={"s":"yes"}`, "online: availability topic base/b says yes"},
		{"latest decides, the other way", config(two), `base/b={"s":"yes"} a=offline`, "offline: availability topic a says offline"},
		{"all: one is away", config(two + `,"avty_mode":"all"`), `a=online base/b={"s":"no"}`, "offline: availability topic base/b says no"},
		{"all: one is not known", config(two + `,"avty_mode":"all"`), `a=online`, ""},
		{"all: both are there", config(two + `,"avty_mode":"all"`), `a=online base/b={"s":"yes"}`, "online: availability topic base/b says yes"},
		{"any: one is there", config(two + `,"avty_mode":"any"`), `base/b={"s":"no"} a=online`, "online: availability topic a says online"},
		{"any: one is away, one not known", config(two + `,"avty_mode":"any"`), `a=offline`, ""},
		{"any: both are away", config(two + `,"avty_mode":"any"`), `base/b={"s":"no"} a=offline`, "offline: availability topic a says offline"},
	} {
		h := newHouse(t)
		h.hear("homeassistant/sensor/x/config", c.config)
		if !h.devices[key].Availability {
			t.Errorf("%s: availability is not announced", c.name)
		}
		for step := range strings.FieldsSeq(c.script) {
			topic, payload, _ := strings.Cut(step, "=")
			if topic == "a" || h.filters[topic] {
				h.hear(topic, payload)
			}
		}
		if got := h.reach[key]; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestQuirks(t *testing.T) {
	t.Run("our own announcements are not devices", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/sensor/a/config", `{"stat_t":"a","o":{"name":"Homehub"},"dev":{"ids":["x"]}}`)
		if len(h.devices)+len(h.filters)+len(h.faults) != 0 {
			t.Errorf("taken: %v %v %v", h.devices, h.filters, h.faults)
		}
	})
	t.Run("a device before its state in one breath, and without the subscription", func(t *testing.T) {
		h := newHouse(t)
		config := broker.Message{Topic: "homeassistant/sensor/a/config", Payload: []byte(`{"stat_t":"a","dev":{"ids":["x"],"name":"X"}}`)}
		state := broker.Message{Topic: "a", Payload: []byte("7")}
		p1, p2 := h.c.Parse(config), h.c.Parse(state)
		h.c.Apply(config, p1)
		if u := h.c.Apply(state, p2); len(u.Readings) != 1 || u.Readings[0].Replayed {
			t.Errorf("the state gives %+v", u)
		}
		state.Retain = true
		if u := h.c.Apply(state, hub.Parsed{}); len(u.Readings) != 1 || !u.Readings[0].Replayed {
			t.Errorf("the replayed state gives %+v", u)
		}
	})
	t.Run("what is not understood is a fault and no more", func(t *testing.T) {
		for topic, config := range map[string]string{
			"homeassistant/camera/a/config":   `{"topic":"a","dev":{"ids":["x"]}}`,
			"homeassistant/light/a/config":    `{"schema":"template","cmd_t":"a"}`,
			"homeassistant/sensor/a/config":   `{"dev":{"ids":["x"]}}`,
			"homeassistant/sensor/b/config":   `{"stat_t":"a/#/b"}`,
			"homeassistant/sensor/c/config":   `{"stat_t":"$share/g/a"}`,
			"homeassistant/sensor/d/config":   `[1]`,
			"homeassistant/sensor/e/config":   `{`,
			"homeassistant/sensor/f/config":   "\xff",
			"homeassistant/sensor/g h/config": `{"stat_t":"a"}`,
			"homeassistant/sensor/i/config":   `{"stat_t":"a","val_tpl":"{{ value || 0 }}"}`,
			"homeassistant/switch/a/config":   `{"cmd_t":"a/+"}`,
			"homeassistant/device/a/config":   `{"dev":{"ids":["x"]}}`,
			"homeassistant/device/b/config":   `{"dev":{"ids":["x"]},"cmps":{"a":7,"b":{"stat_t":"x"}}}`,
			"homeassistant/device/c/d/config": `{"dev":{"ids":["x"]},"cmps":{"a":{"p":"camera","stat_t":"x"}}}`,
		} {
			h := newHouse(t)
			h.hear(topic, config)
			if len(h.faults) == 0 || len(h.devices) != 0 || len(h.filters) != 0 {
				t.Errorf("%s %s: faults %v, devices %v, filters %v", topic, config, h.faults, h.devices, h.filters)
			}
		}
	})
	t.Run("a bad part does not take the rest with it", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/light/a/config", `{"cmd_t":"a","stat_t":"s","bri_stat_t":"b","bri_cmd_t":"c","bri_val_tpl":"{% macro x() %}{% endmacro %}"}`)
		if got := describe(h.only().Device); got != "light(light)/brightness:float s %; light(light)/on:bool rs" || len(h.faults) != 1 {
			t.Errorf("there is %s with faults %v", got, h.faults)
		}
	})
	t.Run("a state that cannot be read is one fault, not one a message", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/binary_sensor/a/config", `{"stat_t":"a"}`)
		for range 5 {
			h.hear("a", "maybe")
		}
		if len(h.faults) != 1 {
			t.Errorf("faults are %v", h.faults)
		}
		h.hear("a", "ON")
		h.hear("a", "maybe")
		if len(h.faults) != 2 {
			t.Errorf("faults are %v", h.faults)
		}
	})
	t.Run("keys with white space, names that are null, numbers where texts belong", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/sensor/a/config", `{"state_topic ":"a","name":null,"dev":{"ids":7,"name":"X","hw":0,"sw":1.5,"cns":[["mac"],"x",[1,2]]}}`)
		if d := h.only(); d.Key != "id:7" || d.Device.Firmware != "1.5" {
			t.Errorf("announced %+v", d)
		}
	})
	t.Run("commands for what is not there are errors", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/sensor/a/config", `{"stat_t":"a","dev":{"ids":["x"]}}`)
		for key, ref := range map[string]devices.Ref{"y": {}, "id:x": {Component: "z"}, "id:x ": {Component: "a", Property: "value"}} {
			if _, err := h.c.Encode(strings.TrimSpace(key), ref, devices.BoolValue(true)); err == nil {
				t.Errorf("%s %s can be commanded", key, ref)
			}
		}
	})
	t.Run("a device is forgotten", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/device/hall_lamp/config", lampInDeviceForm)
		h.hear("homeassistant/sensor/a/config", `{"stat_t":"lamp/state","dev":{"ids":["x"]}}`)
		if got := h.c.Forget("id:lamp-1"); !slices.Equal(got, []string{"lamp/status"}) {
			t.Errorf("unneeded are %v", got)
		}
		if got := h.c.Forget("id:x"); !slices.Equal(got, []string{"lamp/state"}) {
			t.Errorf("unneeded are %v", got)
		}
		h.devices = map[string]hub.Announced{}
		if got := h.hear("lamp/state", `{"state":"ON"}`); got != nil {
			t.Errorf("it still reads %v", got)
		}
		h.hear("homeassistant/device/hall_lamp/config", lampInDeviceForm)
		if d := h.only(); len(d.Device.Components) != 2 {
			t.Errorf("announced again it is %+v", d)
		}
	})
	t.Run("another prefix", func(t *testing.T) {
		c, err := homeassistant.New(homeassistant.Options{Prefix: "ha/disco"})
		if err != nil {
			t.Fatal(err)
		}
		m := broker.Message{Topic: "ha/disco/sensor/a/config", Payload: []byte(`{"stat_t":"a"}`)}
		if u := c.Apply(m, c.Parse(m)); len(u.Devices) != 1 || c.Filters()[0].Filter != "ha/disco/+/+/config" {
			t.Errorf("got %+v", u)
		}
		if _, err := homeassistant.New(homeassistant.Options{Prefix: "a/#"}); err == nil {
			t.Error("a prefix with a wildcard is taken")
		}
	})
	t.Run("sources bring everything back", func(t *testing.T) {
		h := newHouse(t)
		h.hear("homeassistant/switch/p/relay_1/config", `{"stat_t":"a","cmd_t":"a/set","dev":{"ids":"p","name":"Plug"}}`)
		h.hear("homeassistant/sensor/p/relay_1/config", `{"stat_t":"c","dev":{"ids":["p"],"sw":"2"}}`)
		before := h.only()
		again := newHouse(t)
		for _, m := range before.Sources {
			again.hearMessage(m)
		}
		if d := cmp.Diff(before.Device, again.only().Device); d != "" {
			t.Error(d)
		}
	})
}
