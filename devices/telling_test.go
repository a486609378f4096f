package devices_test

import (
	"strings"
	"testing"

	"home.arpa/homehub/devices"
)

func TestWhatIsToldFirst(t *testing.T) {
	read := func(id, class string) devices.Property {
		return devices.Property{ID: id, Class: class, Datatype: devices.Float, Readable: true}
	}
	set := func(ids ...string) []devices.Property {
		var all []devices.Property
		for _, id := range ids {
			all = append(all, devices.Property{ID: id, Datatype: devices.Float, Readable: true, Settable: true})
		}
		return all
	}
	comp := func(id string, kind devices.Kind, p ...devices.Property) devices.Component {
		return devices.Component{ID: id, Kind: kind, Properties: p}
	}
	diagnostic := comp("status", devices.Sensor, read("uptime", "duration"))
	diagnostic.Category = "diagnostic"
	hidden := comp("raw", devices.Sensor, read("temperature", "temperature"))
	hidden.Hidden = true

	for _, tt := range []struct {
		name string
		of   []devices.Component
		want string
	}{
		{"a plug with a meter begins with on and power", []devices.Component{
			comp("energy", devices.Sensor, read("apparent-power", "apparent_power"), read("current", "current"), read("energy", "energy"), read("power", "power"),
				read("today", "energy"), read("voltage", "voltage")),
			comp("relay", devices.Switch, set(devices.On)...), diagnostic,
		}, "relay/on energy/power energy/energy energy/today"},
		{"what a plug measures by itself comes after on, and its own warmth is not the room's", []devices.Component{
			comp("switch", devices.Switch, append(set(devices.On), read("energy", "energy"), read("power", "power"), read("temperature", "temperature"), read("voltage", "voltage"))...),
		}, "switch/on switch/power switch/energy"},
		{"a thermostat begins with the temperatures", []devices.Component{
			comp("climate", devices.Climate, append(set(devices.Mode, devices.TargetTemperature), read(devices.Action, ""), read(devices.CurrentTemperature, "temperature"))...),
			comp("humidity", devices.Sensor, read("humidity", "humidity")),
			comp("battery", devices.Sensor, read("battery", "battery")),
		}, "climate/current-temperature climate/target-temperature climate/mode climate/action humidity/humidity"},
		{"a cover begins with its state and position", []devices.Component{
			comp("cover", devices.Cover, append(set(devices.Position, devices.State), read("power", "power"), read("temperature", "temperature"))...),
		}, "cover/state cover/position cover/power"},
		{"a fan with a lamp is a fan", []devices.Component{
			comp("light", devices.Light, set(devices.On)...), comp("fan", devices.Fan, set(devices.On, devices.Speed)...),
		}, "fan/on fan/speed light/on"},
		{"how long a light takes to change is a setting", []devices.Component{
			comp("light", devices.Light, set(devices.Brightness, devices.On, devices.Transition, devices.White)...),
		}, "light/on light/brightness light/white"},
		{"motion comes before how bright it is", []devices.Component{
			comp("illuminance", devices.Sensor, read("illuminance", "illuminance")), comp("motion", devices.BinarySensor, read("occupancy", "occupancy")),
		}, "motion/occupancy illuminance/illuminance"},
		{"a display's text says less than what is measured", []devices.Component{
			comp("display", devices.Text, set(devices.ValueID)...), comp("temperature", devices.Sensor, read("temperature", "temperature")),
		}, "temperature/temperature display/value"},
		{"a machine says what it does before what it uses", []devices.Component{
			comp("energy", devices.Sensor, read("energy", "energy")), comp("phase", devices.Sensor, read("value", "enum")), comp("power", devices.Sensor, read("power", "power")),
			comp("running", devices.Switch, set(devices.On)...),
		}, "running/on phase/value power/power energy/energy"},
		{"hidden, momentary acts and updates are left out", []devices.Component{
			hidden, comp("restart", devices.Button, devices.Property{ID: devices.Press, Settable: true, Momentary: true}), comp("update", devices.Update, read("latest-version", "")),
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, ref := range (devices.Device{Components: tt.of}).Telling() {
				got = append(got, ref.String())
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
