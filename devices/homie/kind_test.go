package homie_test

import (
	"fmt"
	"strings"
	"testing"

	"home.arpa/homehub/devices"
)

func TestWhatANodeIs(t *testing.T) {
	const (
		relay   = `"on":{"datatype":"boolean","settable":true}`
		dim     = `"brightness":{"datatype":"integer","format":"0:100","settable":true}`
		watts   = `"power":{"datatype":"float","unit":"W"}`
		degrees = `"temperature":{"datatype":"float","unit":"°C"}`
		target  = `"set-temperature":{"datatype":"float","unit":"°C","settable":true}`
		motion  = `"motion":{"datatype":"boolean"}`
		press   = `"press":{"datatype":"boolean","settable":true,"retained":false}`
		gesture = `"action":{"datatype":"enum","format":"single,double","retained":false}`
		phase   = `"phase":{"datatype":"enum","format":"idle,washing"}`
		gate    = `"state":{"datatype":"enum","format":"open,closed","settable":true}`
		bolt    = `"state":{"datatype":"enum","format":"locked,unlocked","settable":true}`
		speed   = `"speed":{"datatype":"integer","format":"0:3","settable":true}`
		level   = `"value":{"datatype":"float","settable":true}`
		program = `"option":{"datatype":"enum","format":"a,b","settable":true}`
		note    = `"note":{"datatype":"string","settable":true}`
		battery = `"battery":{"datatype":"integer","unit":"%"}`
	)
	for _, test := range []struct {
		deviceType, node, nodeType, properties string
		want                                   devices.Kind
		has                                    string // IDs, separated by spaces
	}{
		{"", "n", "", relay, devices.Switch, "on"},
		{"", "n", "", relay + "," + watts, devices.Switch, "on power"},
		{"", "n", "", relay + "," + dim, devices.Light, "brightness on"},
		{"", "lamp", "", relay, devices.Light, "on"},
		{"", "n", "light", relay, devices.Light, "on"},
		{"", "n", "light sensor", `"lux":{"datatype":"float","unit":"lx"}`, devices.Sensor, "illuminance"},
		{"", "n", "light", `"lux":{"datatype":"float","unit":"lx"}`, devices.Sensor, "illuminance"},
		{"", "n", "org.example.wall-plug", relay, devices.Switch, "on"},
		{"", "n", "", target + "," + degrees, devices.Climate, "current-temperature target-temperature"},
		{"", "n", "thermostat", degrees, devices.Sensor, "temperature"},
		{"", "n", "", degrees, devices.Sensor, "temperature"},
		{"", "n", "", degrees + "," + battery, devices.Sensor, "battery temperature"},
		{"", "n", "", motion, devices.BinarySensor, "motion"},
		{"", "n", "motion-sensor", motion + "," + battery, devices.BinarySensor, "battery motion"},
		{"", "n", "", motion + "," + battery, devices.BinarySensor, "battery motion"},
		{"", "n", "", motion + "," + degrees, devices.Sensor, "motion temperature"},
		{"", "n", "", press, devices.Button, "press"},
		{"", "n", "", gesture, devices.EventSource, "event"},
		{"", "n", "", gate, devices.Cover, "state"},
		{"", "n", "", bolt, devices.Lock, "state"},
		{"", "front-door-lock", "", bolt, devices.Lock, "state"},
		{"", "n", "", relay + "," + speed, devices.Fan, "on speed"},
		{"", "n", "", level, devices.Number, "value"},
		{"", "n", "", program, devices.Select, "option"},
		{"", "n", "", note, devices.Text, "value"},
		{"", "n", "washing machine", phase + "," + relay, devices.Appliance, "on phase"},
		{"washing-machine", "drum", "", relay + "," + phase, devices.Appliance, "on phase"},
		{"washing-machine", "drum", "", degrees, devices.Sensor, "temperature"},
		{"", "n", "", level + "," + note, devices.Other, "note value"},
		{"", "n", "other", relay, devices.Other, "on"},
		{"", "n", "light", `"on":{"datatype":"boolean","settable":true},"brightness":{"datatype":"enum","format":"low,high","settable":true}`, devices.Light, "brightness-enum on"},
		{"", "n", "", `"contact":{"datatype":"boolean","format":"closed,open"}`, devices.BinarySensor, "opening"},
		{"", "n", "", `"contact":{"datatype":"boolean"}`, devices.BinarySensor, "contact"},
		{"", "n", "", `"temp":{"datatype":"float"},"temperature":{"datatype":"string"}`, devices.Sensor, "temp temperature"},
		{"", "n", "", relay + `,"rssi":{"datatype":"integer","unit":"dBm"}`, devices.Switch, "on signal-strength"},
		{"", "n", "", `"co2":{"datatype":"integer","unit":"ppm"}`, devices.Sensor, "carbon-dioxide"},
	} {
		l := listen(t)
		l.hear("a/5/x/$description", fmt.Sprintf(`{"homie":"5.0","version":1,"type":%q,"nodes":{%q:{"type":%q,"properties":{%s}}}}`, test.deviceType, test.node, test.nodeType, test.properties))
		d := l.devices["a/x"]
		c := d.Component(test.node)
		if c == nil {
			t.Errorf("%s was not announced", test.properties)
			continue
		}
		var has []string
		for _, p := range c.Properties {
			has = append(has, p.ID)
		}
		if got := strings.Join(has, " "); c.Kind != test.want || got != test.has {
			t.Errorf("device %q, node %q of type %q with %s: got %s with %s, want %s with %s", test.deviceType, test.node, test.nodeType, test.properties, c.Kind, got, test.want, test.has)
		}
	}
}

func TestAContactSaysWhatItsTrueMeans(t *testing.T) {
	for format, want := range map[string]string{"closed,open": "true", "open,closed": "false"} {
		l := one(t, "", `"contact":{"datatype":"boolean","format":"`+format+`"}`)
		l.want(l.hear("a/5/x/n/contact", "true"), "a/x n/opening = "+want)
		d := l.devices["a/x"]
		if class := d.Property(devices.Ref{Component: "n", Property: "opening"}).Class; class != "opening" {
			t.Errorf("its class is %q", class)
		}
	}
}

func TestCategoriesKeepHousekeepingOutOfTheWay(t *testing.T) {
	l := listen(t)
	l.hear("a/5/x/$description", `{"homie":"5.0","version":1,"nodes":{"wifi":{"properties":{"rssi":{"datatype":"integer","unit":"dBm"}}},"settings":{"properties":{"v":{"datatype":"string","settable":true}}},"n":{"properties":{"v":{"datatype":"string"}}},"empty":{}}}`)
	got := map[string]string{}
	d := l.devices["a/x"]
	for _, c := range d.Components {
		got[c.ID] = c.Category
	}
	if len(got) != 3 || got["wifi"] != "diagnostic" || got["settings"] != "config" || got["n"] != "" {
		t.Errorf("got %v", got)
	}
}
