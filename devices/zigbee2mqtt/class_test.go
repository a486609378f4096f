package zigbee2mqtt_test

import (
	"fmt"
	"testing"

	"home.arpa/homehub/devices"
)

func TestWhatAMeasurementMeansIsInItsNameOrItsUnit(t *testing.T) {
	for _, c := range []struct{ name, unit, want string }{
		{"co2", "ppm", "co2/carbon-dioxide carbon_dioxide ppm"},
		{"voc", "µg/m³", "voc/volatile-organic-compounds volatile_organic_compounds µg/m³"},
		{"voc", "ppb", "voc/volatile-organic-compounds-parts volatile_organic_compounds_parts ppb"},
		{"cable_sensor_temperature", "°C", "cable-sensor-temperature/temperature temperature °C"},
		{"floor", "℃", "floor/temperature temperature °C"},
		{"temperature_offset", "°C", "temperature-offset/value  °C"},
		{"temperature_difference", "°F", "temperature-difference/value  °C"},
		{"capacity", "liter", "capacity/value  L"},
		{"load", "W", "load/power power W"},
		{"turns", "", "turns/value  "},
	} {
		t.Run(c.name+" in "+c.unit, func(t *testing.T) {
			e := newEar(t)
			e.say("bridge/devices", fmt.Sprintf(`[{"ieee_address":"0x0000000000000001","friendly_name":"x","type":"Router","interview_completed":true,`+
				`"definition":{"model":"M","vendor":"V","exposes":[{"type":"numeric","access":1,"name":%[1]q,"property":%[1]q,"unit":%[2]q}]}}]`, c.name, c.unit))
			var got string
			for _, component := range e.devices["0x0000000000000001"].Device.Components {
				for _, p := range component.Properties {
					got += devices.Ref{Component: component.ID, Property: p.ID}.String() + " " + p.Class + " " + p.Unit
				}
			}
			if got != c.want {
				t.Errorf("it is %q, want %q", got, c.want)
			}
		})
	}
}
