package zigbee2mqtt

import (
	"slices"
	"strings"

	"home.arpa/homehub/devices"
)

// classes are Home Assistant's device classes of what converters name so, whatever its type. The names are those of the
// documentation of exposes.
var classes = map[string]string{
	"temperature": "temperature", "local_temperature": "temperature", "device_temperature": "temperature",
	"external_temperature": "temperature", "soil_temperature": "temperature", "cpu_temperature": "temperature",
	"dew_point": "temperature", "humidity": "humidity", "external_humidity": "humidity", "pressure": "atmospheric_pressure",
	"battery": "battery", "voltage": "voltage", "battery_voltage": "voltage", "current": "current", "power": "power",
	"energy": "energy", "produced_energy": "energy", "consumed_energy": "energy", "power_apparent": "apparent_power",
	"power_reactive": "reactive_power", "power_factor": "power_factor", "ac_frequency": "frequency",
	"illuminance": "illuminance", "illuminance_lux": "illuminance", "co2": "carbon_dioxide", "co": "carbon_monoxide",
	"pm1": "pm1", "pm25": "pm25", "pm10": "pm10", "aqi": "aqi", "soil_moisture": "moisture", "noise": "sound_pressure",
	"distance": "distance", "target_distance": "distance", "water_consumed": "water", "wind_speed": "wind_speed",
	"flow": "volume_flow_rate", "precipitation": "precipitation", "voc": "volatile_organic_compounds",
}

// binaryClasses are the same for bools; they say what true means.
var binaryClasses = map[string]string{
	"contact": "door", "garage_door_contact": "garage_door", "occupancy": "occupancy", "presence": "presence", "motion": "motion",
	"water_leak": "moisture", "rain": "moisture", "smoke": "smoke", "gas": "gas", "carbon_monoxide": "carbon_monoxide",
	"vibration": "vibration", "tamper": "tamper", "battery_low": "battery", "moving": "moving", "noise_detected": "sound",
	"window": "window", "window_open": "window", "sos": "safety", "valve_alarm": "problem", "fault": "problem", "trouble": "problem",
	"consumer_connected": "plug",
}

// unitClasses are the classes of measurements whose name says nothing but whose unit does.
var unitClasses = map[string]string{
	"°C": "temperature", "W": "power", "kWh": "energy", "V": "voltage", "A": "current", "lx": "illuminance", "hPa": "atmospheric_pressure", "VA": "apparent_power",
}

// measuredClass is the class of a measurement: by its name, or by its unit. What is a difference of temperatures is none.
func measuredClass(e *expose) string {
	unit, _ := unitOf(e.unit, false)
	class := classes[e.name]
	switch {
	case class == "volatile_organic_compounds" && (unit == "ppb" || unit == "ppm"):
		return "volatile_organic_compounds_parts"
	case class != "", unit == "°C" && e.difference():
		return class
	}
	return unitClasses[unit]
}

// difference says whether a number in degrees is how far two temperatures are apart.
func (e *expose) difference() bool {
	return slices.ContainsFunc([]string{"calibration", "offset", "difference", "hysteresis", "deadzone"}, func(word string) bool {
		return strings.Contains(e.name, word)
	})
}

// classIDs are the IDs of properties whose device class is not their name; the other conventions have the same words.
var classIDs = map[string]string{"atmospheric_pressure": "pressure"}

// propertyID is the ID of a property named after a device class; def is for those without a class.
func propertyID(class, def string) string {
	if id, ok := classIDs[class]; ok {
		return id
	}
	if id := devices.Slug(class); id != "" {
		return id
	}
	return def
}

// setup are words in the names of what people set once, for the many converters that give no category.
var setup = []string{
	"calibration", "sensitivity", "timeout", "interval", "delay", "threshold", "behavior", "behaviour", "memory", "indicator",
	"direction", "reversal", "child_lock", "min_", "max_", "_min", "_max", "alarm_", "precision", "reporting", "offset",
	"power_outage", "startup", "display", "backlight", "motor_", "keep_time", "deadzone", "hysteresis", "level_config",
	"transition", "switch_type", "led_", "operation_mode", "window_detection", "temperature_unit", "fading_time",
}

// report are names of what only says how the device itself is.
var report = map[string]bool{
	"linkquality": true, "battery": true, "battery_low": true, "device_temperature": true, "power_outage_count": true,
	"battery_voltage": true, "cpu_temperature": true, "last_seen": true, "trigger_count": true, "battery_state": true,
}

// categoryOf is an expose's category: its own, or what its name suggests.
func categoryOf(e *expose) string {
	switch {
	case e.category != "":
		return e.category
	case e.takes():
		for _, word := range setup {
			if strings.Contains(e.name, word) {
				return "config"
			}
		}
	case report[e.name]:
		return "diagnostic"
	}
	return ""
}
