package crosscheck_test

import (
	"fmt"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/homeassistant"
	"home.arpa/homehub/devices/homie"
	"home.arpa/homehub/hub"
)

// A quantity has one ID, one unit and one datatype, whatever convention the device speaks.
func TestTheSameQuantityHasTheSameName(t *testing.T) {
	const number, truth = `"datatype":"float"`, `"datatype":"boolean"`
	for _, test := range []struct {
		platform, class, unit string // of Home Assistant
		id, property          string // of Homie
		want                  string // ID, datatype, unit
	}{
		{"sensor", "temperature", "°F", "temperature", number + `,"unit":"°F"`, "temperature float °C"},
		{"sensor", "humidity", "%", "humidity", number + `,"unit":"%"`, "humidity float %"},
		{"sensor", "battery", "%", "battery-level", number + `,"unit":"%"`, "battery float %"},
		{"sensor", "illuminance", "lx", "lux", number + `,"unit":"lx"`, "illuminance float lx"},
		{"sensor", "power", "kW", "power", number + `,"unit":"W"`, "power float W"},
		{"sensor", "energy", "Wh", "energy", number + `,"unit":"kWh"`, "energy float kWh"},
		{"sensor", "voltage", "mV", "voltage", number + `,"unit":"V"`, "voltage float V"},
		{"sensor", "current", "mA", "current", number + `,"unit":"A"`, "current float A"},
		{"sensor", "frequency", "Hz", "frequency", number + `,"unit":"Hz"`, "frequency float Hz"},
		{"sensor", "pressure", "hPa", "pressure", number + `,"unit":"mbar"`, "pressure float hPa"},
		{"sensor", "atmospheric_pressure", "mbar", "barometric-pressure", number + `,"unit":"hPa"`, "pressure float hPa"},
		{"sensor", "carbon_dioxide", "ppm", "co2", number + `,"unit":"ppm"`, "carbon-dioxide float ppm"},
		{"sensor", "carbon_monoxide", "ppm", "co", number + `,"unit":"ppm"`, "carbon-monoxide float ppm"},
		{"sensor", "volatile_organic_compounds", "μg/m³", "voc", number + `,"unit":"µg/m³"`, "volatile-organic-compounds float µg/m³"},
		{"sensor", "pm25", "µg/m³", "pm2-5", number + `,"unit":"μg/m³"`, "pm25 float µg/m³"},
		{"sensor", "signal_strength", "dBm", "rssi", number + `,"unit":"dBm"`, "signal-strength float dBm"},
		{"sensor", "moisture", "%", "soil-moisture", number + `,"unit":"%"`, "moisture float %"},
		{"sensor", "wind_speed", "m/s", "wind-speed", number + `,"unit":"m/s"`, "wind-speed float m/s"},
		{"sensor", "wind_speed", "mph", "wind-speed", number + `,"unit":"km/h"`, "wind-speed float km/h"},
		{"sensor", "precipitation", "mm", "rain", number + `,"unit":"mm"`, "precipitation float mm"},
		{"sensor", "duration", "min", "duration", `"datatype":"duration"`, "duration float s"},
		{"sensor", "timestamp", "", "timestamp", `"datatype":"datetime"`, "timestamp text "},
		{"binary_sensor", "motion", "", "motion", truth, "motion bool "},
		{"binary_sensor", "occupancy", "", "occupancy", truth, "occupancy bool "},
		{"binary_sensor", "presence", "", "presence", truth, "presence bool "},
		{"binary_sensor", "door", "", "door", truth, "door bool "},
		{"binary_sensor", "window", "", "window", truth, "window bool "},
		{"binary_sensor", "garage_door", "", "garage-door", truth, "garage-door bool "},
		{"binary_sensor", "opening", "", "contact", truth + `,"format":"closed,open"`, "opening bool "},
		{"binary_sensor", "moisture", "", "leak", truth, "moisture bool "},
		{"binary_sensor", "smoke", "", "smoke", truth, "smoke bool "},
		{"binary_sensor", "vibration", "", "vibration", truth, "vibration bool "},
		{"binary_sensor", "tamper", "", "tamper", truth, "tamper bool "},
		{"binary_sensor", "battery", "", "battery-low", truth, "battery bool "},
	} {
		ha, err := homeassistant.New(homeassistant.Options{})
		if err != nil {
			t.Fatal(err)
		}
		unit := ""
		if test.unit != "" {
			unit = `,"unit_of_measurement":"` + test.unit + `"`
		}
		config := fmt.Sprintf(`{"state_topic":"s","device_class":%q%s,"device":{"identifiers":["x"],"name":"X"}}`, test.class, unit)
		if got := announced(ha, "homeassistant/"+test.platform+"/x/x/config", config); got != test.want {
			t.Errorf("Home Assistant's %s %s is %q, want %q", test.platform, test.class, got, test.want)
		}
		description := fmt.Sprintf(`{"homie":"5.0","version":1,"name":"X","nodes":{"n":{"properties":{%q:{%s}}}}}`, test.id, test.property)
		if got := announced(homie.New(), "homie/5/x/$description", description); got != test.want {
			t.Errorf("Homie's %s with %s is %q, want %q", test.id, test.property, got, test.want)
		}
	}
}

// announced is what a message announces, if that is one device with one property.
func announced(c hub.Convention, topic, payload string) (what string) {
	m := broker.Message{Topic: topic, Payload: []byte(payload)}
	for _, a := range c.Apply(m, c.Parse(m)).Devices {
		properties(a.Device, func(_ devices.Component, p devices.Property, _ devices.Path) {
			what += fmt.Sprint(p.ID, " ", p.Datatype, " ", p.Unit)
		})
	}
	return what
}
