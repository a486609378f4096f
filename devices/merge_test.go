package devices_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/devices"
)

func TestMerge(t *testing.T) {
	on := devices.Property{ID: devices.On, Datatype: devices.Bool, Readable: true, Settable: true}
	sensor := func(id, class, unit string) devices.Property {
		return devices.Property{ID: id, Class: class, Unit: unit, Datatype: devices.Float, Readable: true}
	}
	component := func(id string, kind devices.Kind, name string, p ...devices.Property) devices.Component {
		return devices.Component{ID: id, Kind: kind, Name: name, Properties: p}
	}
	ref := func(c, p string) devices.Ref { return devices.Ref{Component: c, Property: p} }
	effect := devices.Property{ID: devices.Effect, Datatype: devices.Enum, Readable: true, Settable: true}
	for name, test := range map[string]struct {
		first, second []devices.Component
		covered       bool
		want          []string // what the result has
		places        devices.Places
	}{
		"the same function under another name is the same": {
			first:  []devices.Component{component("light", devices.Light, "", on)},
			second: []devices.Component{component("lamp", devices.Light, "Lamp", on)},
			want:   []string{"light/on"}, places: devices.Places{ref("lamp", "on"): ref("light", "on")},
		},
		"what the first lacks of it goes into it": {
			first:  []devices.Component{component("light", devices.Light, "", on)},
			second: []devices.Component{component("lamp", devices.Light, "Lamp", on, effect)},
			want:   []string{"light/effect", "light/on"},
			places: devices.Places{ref("lamp", "on"): ref("light", "on"), ref("lamp", "effect"): ref("light", "effect")},
		},
		"what the first lacks is added": {
			first:  []devices.Component{component("light", devices.Light, "", on)},
			second: []devices.Component{component("light", devices.Sensor, "", sensor("power", "power", "W"))},
			want:   []string{"light-2/power", "light/on"}, places: devices.Places{ref("light", "power"): ref("light-2", "power")},
		},
		"unless the first is known to say it all": {
			first:   []devices.Component{component("light", devices.Light, "", on)},
			second:  []devices.Component{component("lamp", devices.Light, "", on, effect), component("x", devices.Sensor, "", sensor("power", "power", "W"))},
			covered: true,
			want:    []string{"light/on"}, places: devices.Places{ref("lamp", "on"): ref("light", "on")},
		},
		"sensors are told by class and unit, in whatever component": {
			first: []devices.Component{component("climate", devices.Sensor, "", sensor("temperature", "temperature", "°C"), sensor("humidity", "humidity", "%"))},
			second: []devices.Component{
				component("t", devices.Sensor, "T", sensor("value", "temperature", "°C")), component("h", devices.Sensor, "H", sensor("value", "humidity", "%")),
				component("b", devices.Sensor, "B", sensor("value", "battery", "%")),
			},
			want: []string{"b/value", "climate/humidity", "climate/temperature"},
			places: devices.Places{
				ref("t", "value"): ref("climate", "temperature"), ref("h", "value"): ref("climate", "humidity"), ref("b", "value"): ref("b", "value"),
			},
		},
		"of several, the one with the same name": {
			first:  []devices.Component{component("relay-0", devices.Switch, "Pump", on), component("relay-1", devices.Switch, "Fan", on)},
			second: []devices.Component{component("a", devices.Switch, "Fan", on), component("b", devices.Switch, "Pump", on)},
			want:   []string{"relay-0/on", "relay-1/on"},
			places: devices.Places{ref("a", "on"): ref("relay-1", "on"), ref("b", "on"): ref("relay-0", "on")},
		},
		"of several without a name, the first and then the second": {
			first:  []devices.Component{component("relay-0", devices.Switch, "", on), component("relay-1", devices.Switch, "", on)},
			second: []devices.Component{component("a", devices.Switch, "", on), component("b", devices.Switch, "", on)},
			want:   []string{"relay-0/on", "relay-1/on"},
			places: devices.Places{ref("a", "on"): ref("relay-0", "on"), ref("b", "on"): ref("relay-1", "on")},
		},
		"what can be set is not the same as what can only be read": {
			first:  []devices.Component{component("a", devices.Sensor, "", sensor("power", "power", "W"))},
			second: []devices.Component{component("b", devices.Number, "", devices.Property{ID: "power", Class: "power", Unit: "W", Datatype: devices.Float, Settable: true})},
			want:   []string{"a/power", "b/power"}, places: devices.Places{ref("b", "power"): ref("b", "power")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			first := devices.Device{ID: "x", Name: "First", Components: test.first}
			before := first.Clone()
			got, places := devices.Merge(first, devices.Device{Name: "Second", Model: "M", Components: test.second}, test.covered)
			if got.Name != "First" || got.Model != "M" {
				t.Errorf("it is %+v", got)
			}
			var have []string
			for _, c := range got.Components {
				for _, p := range c.Properties {
					have = append(have, c.ID+"/"+p.ID)
				}
			}
			slices.Sort(have)
			if diff := cmp.Diff(test.want, have); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.places, places); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(before, first, cmp.AllowUnexported()); diff != "" {
				t.Errorf("the first was changed: %s", diff)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for name, test := range map[string]struct {
		device devices.Device
		want   []string
	}{
		"a MAC address, however it is written": {devices.Device{Connections: []devices.Connection{
			{Kind: "mac", Value: "AA:bb:CC:dd:EE:ff"}, {Kind: "mac", Value: "aabb.ccdd.eeff"}, {Kind: "bluetooth", Value: "A4C138C38EE5"},
		}}, []string{"aabbccddeeff", "a4c138c38ee5"}},
		"identifiers that end in one": {devices.Device{Identifiers: []string{
			"zigbee2mqtt_0x00158d0001dc126a", "shellyplus1pm-4417939341dc", "a020a61c3105", "kitchen",
		}}, []string{"00158d0001dc126a", "4417939341dc", "a020a61c3105"}},
		"nodes of Z-Wave": {devices.Device{
			Connections: []devices.Connection{{Kind: "zwave", Value: "0xe1234567_node5"}}, Identifiers: []string{"zwavejs2mqtt_0xe1_node260"},
		}, []string{"0xe1234567_node5", "0xe1_node260"}},
		"no nodes of Z-Wave": {devices.Device{Identifiers: []string{
			"0x_node5", "0xe1_node", "0xe123456789_node5", "0xe1_node5x", "0xe1_Node5", "e1_node5", "0xeg_node5",
		}}, nil},
		"nobody's": {devices.Device{Identifiers: []string{"000000000000", "0xffffffffffffffff", "12345", "0x123", "dead-beef", ""}}, nil},
	} {
		if got := test.device.Addresses(); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
