package shelly

import (
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/jsontext"
)

// degrees is the property of a wanted temperature.
func degrees(low, high, step float64) devices.Property {
	return devices.Property{
		ID: devices.TargetTemperature, Datatype: devices.Float, Unit: "°C", Class: "temperature",
		Min: bound(low), Max: bound(high), Step: step,
	}
}

// thermostat is that of a Wall Display.
func (b *build) thermostat() {
	id := b.id
	working, mode := "heating", "heat"
	if b.config.Get("type").Text() == "cooling" {
		working, mode = "cooling", "cool"
	}
	c := b.own(devices.Climate, "")
	b.measure(c, "current_C", devices.CurrentTemperature, "temperature", "°C", 1)
	b.measured(c, "current_rh", devices.CurrentHumidity, "humidity", "%", 1)
	b.add(c, "target_C", degrees(5, 35, 0.5), floatOf(1))
	b.set(c, devices.TargetTemperature, func(v devices.Value) (string, map[string]any) {
		return "Thermostat.SetConfig", b2(id, "config", map[string]any{"target_C": v.Float()})
	})
	actions := []string{"idle", working}
	b.add(c, "output", devices.Property{ID: devices.Action, Datatype: devices.Enum, Choices: actions}, choose(actions))
	modes := []string{"off", mode}
	b.add(c, "enable", devices.Property{ID: devices.Mode, Datatype: devices.Enum, Choices: modes}, choose(modes))
	b.set(c, devices.Mode, func(v devices.Value) (string, map[string]any) {
		return "Thermostat.SetConfig", b2(id, "config", map[string]any{"enable": v.Text() != "off"})
	})
}

// choose reads a boolean as one of two words.
func choose(words []string) func(v jsontext.Value) (devices.Value, string) {
	return func(v jsontext.Value) (devices.Value, string) {
		t, ok := v.Bool()
		switch {
		case !ok:
			return devices.Value{}, "true or false"
		case t:
			return devices.EnumValue(words[1]), ""
		}
		return devices.EnumValue(words[0]), ""
	}
}

// radiator is a radiator valve behind a Bluetooth gateway.
func (b *build) radiator() {
	id := b.id
	if !b.child(b.config.Get("addr").Text(), b.config.Get("name").Text(), "BLU TRV", "") {
		return
	}
	c := b.component("radiator", devices.Climate, "", "")
	b.measure(c, "current_C", devices.CurrentTemperature, "temperature", "°C", 1)
	b.add(c, "target_C", degrees(4, 30, 0.1), floatOf(1))
	b.set(c, devices.TargetTemperature, func(v devices.Value) (string, map[string]any) {
		return "BluTrv.Call", map[string]any{
			"id": id, "method": "TRV.SetTarget", "params": map[string]any{"id": 0, "target_C": v.Float()},
		}
	})
	b.measure(c, "pos", "valve-position", "", "%", 1)
	b.link()
	b.measured(b.component("battery", devices.Sensor, "Battery", "diagnostic"), "battery", "battery", "battery", "%", 1)
}

// climateRoles are the virtual components that make up a thermostat, when they belong to one service.
var climateRoles = map[string]devices.Property{
	"current_temperature": {ID: devices.CurrentTemperature, Class: "temperature"},
	"target_temperature":  {ID: devices.TargetTemperature, Class: "temperature"},
	"current_humidity":    {ID: devices.CurrentHumidity, Class: "humidity"},
	"enable":              {ID: devices.On},
}
