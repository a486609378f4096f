package tasmota

import (
	"strings"

	"home.arpa/homehub/devices"
)

// scale says which numbers of a device are in a unit that a message names beside them, or in one that the model has not.
type scale uint8

const (
	plain       scale = iota
	temperature       // TempUnit
	pressure          // PressureUnit
	speed             // SpeedUnit
	wattHours         // in kWh in the model
	minutes           // in seconds in the model
)

// quantity is what a key of a sensor means.
type quantity struct {
	id    string // the property's ID where it is alone; empty for the key's own
	class string
	unit  string
	scale scale
	name  string // where the key is none that people would understand
	truth bool   // it is told as a number, 0 or 1
}

// quantities are the keys that the firmware's drivers share (tasmota/include/i18n.h), with what they measure.
var quantities = map[string]quantity{
	"Temperature":    {id: "temperature", class: "temperature", unit: "°C", scale: temperature},
	"DewPoint":       {class: "temperature", unit: "°C", scale: temperature},
	"OBJTMP":         {class: "temperature", unit: "°C", scale: temperature},
	"AMBTMP":         {class: "temperature", unit: "°C", scale: temperature},
	"ProbeTemp":      {class: "temperature", unit: "°C", scale: temperature},
	"HeatIndex":      {class: "temperature", unit: "°C", scale: temperature},
	"Humidity":       {id: "humidity", class: "humidity", unit: "%"},
	"Pressure":       {id: "pressure", class: "atmospheric_pressure", unit: "hPa", scale: pressure},
	"SeaPressure":    {class: "atmospheric_pressure", unit: "hPa", scale: pressure},
	"Illuminance":    {id: "illuminance", class: "illuminance", unit: "lx"},
	"Ambient":        {class: "illuminance", unit: "lx"},
	"CarbonDioxide":  {id: "carbon-dioxide", class: "carbon_dioxide", unit: "ppm"},
	"CO2":            {id: "carbon-dioxide", class: "carbon_dioxide", unit: "ppm"},
	"eCO2":           {id: "eco2", unit: "ppm", class: "carbon_dioxide"},
	"TVOC":           {id: "tvoc", class: "volatile_organic_compounds_parts", unit: "ppb"},
	"PM1":            {id: "pm1", class: "pm1", unit: "µg/m³"},
	"PM2.5":          {id: "pm25", class: "pm25", unit: "µg/m³"},
	"PM10":           {id: "pm10", class: "pm10", unit: "µg/m³"},
	"CF1":            {unit: "µg/m³"},
	"CF2.5":          {unit: "µg/m³"},
	"CF10":           {unit: "µg/m³"},
	"PB0.3":          {unit: "ppd"},
	"PB0.5":          {unit: "ppd"},
	"PB1":            {unit: "ppd"},
	"PB2.5":          {unit: "ppd"},
	"PB5":            {unit: "ppd"},
	"PB10":           {unit: "ppd"},
	"Moisture":       {id: "moisture", class: "moisture", unit: "%"},
	"Battery":        {id: "battery", class: "battery", unit: "%"},
	"BatteryVoltage": {class: "voltage", unit: "V"},
	"Distance":       {id: "distance", class: "distance", unit: "cm"},
	"Weight":         {id: "weight", class: "weight", unit: "kg"},
	"CCT":            {unit: "K"},
	"Speed":          {id: "speed", class: "wind_speed", scale: speed},
	"RSSI":           {id: "signal-strength", class: "signal_strength", unit: "dBm"},

	"Power":          {id: "power", class: "power", unit: "W"},
	"ActivePower":    {id: "power", class: "power", unit: "W"},
	"ApparentPower":  {id: "apparent-power", class: "apparent_power", unit: "VA"},
	"ReactivePower":  {id: "reactive-power", class: "reactive_power", unit: "var"},
	"Factor":         {id: "power-factor", class: "power_factor"},
	"Voltage":        {id: "voltage", class: "voltage", unit: "V"},
	"Current":        {id: "current", class: "current", unit: "A"},
	"CurrentNeutral": {class: "current", unit: "A"},
	"Frequency":      {id: "frequency", class: "frequency", unit: "Hz"},
	"PhaseAngle":     {unit: "°"},
	"Total":          {id: "energy", class: "energy", unit: "kWh"},
	"Energy":         {id: "energy", class: "energy", unit: "kWh"},
	"TotalTariff":    {class: "energy", unit: "kWh"},
	"Today":          {class: "energy", unit: "kWh"},
	"Yesterday":      {class: "energy", unit: "kWh"},
	"Period":         {class: "energy", unit: "kWh", scale: wattHours},
	"ImportActive":   {class: "energy", unit: "kWh"},
	"ExportActive":   {class: "energy", unit: "kWh"},
	"ExportTariff":   {class: "energy", unit: "kWh"},
	"ImportReactive": {unit: "kvarh"},
	"ExportReactive": {unit: "kvarh"},
}

// meter says whether a block is one of those in which keys mean amounts of electricity: elsewhere Total, Period and Energy
// may be anything.
func meter(block string) bool {
	name, _, _ := strings.Cut(block, "-")
	return name == "" || name == "ENERGY" || strings.HasPrefix(name, "PZEM") || strings.HasPrefix(name, "SDM") ||
		strings.HasPrefix(name, "INA") || name == "ANALOG" || name == "SPM"
}

// quantityOf finds what a sensor measures by the keys of its path, the first of which is its block. Numbers at the end of a
// key count alike things: Temperature1.
func quantityOf(path []string) (q quantity, known bool) {
	if len(path) == 0 {
		return quantity{}, false
	}
	if q, known = particularly(path); known {
		return q, true
	}
	block := ""
	if len(path) > 1 {
		block = path[0]
	}
	for _, key := range []string{path[len(path)-1], path[min(1, len(path)-1)]} {
		if q, known = quantities[key]; !known {
			name, _, _ := numbered(key)
			if q, known = quantities[name]; known {
				q.id = "" // the number is part of its name
			}
		}
		if known {
			break
		}
	}
	switch {
	case !known:
		return quantity{}, false
	case radio(block) && (q.class == "power" || q.class == "energy"): // of a radio bridge: Power is on or off
		return quantity{}, false
	case (q.class == "energy" || q.unit == "kvarh") && !meter(block):
		return quantity{}, false
	case q.class == "wind_speed" && (strings.HasPrefix(block, "FAN") || strings.HasPrefix(block, "Fan")):
		return quantity{}, false
	}
	return q, true
}

// surroundings are what a message says beside its values.
type surroundings struct {
	fahrenheit bool
	pressure   float64 // one of its units in hPa
	speed      string
}

// units reads what is beside the values.
func (s *surroundings) units(doc document, top int) {
	if i := doc.get(top, "TempUnit"); i > 0 {
		s.fahrenheit = strings.EqualFold(doc[i].text, "F")
	}
	if i := doc.get(top, "PressureUnit"); i > 0 {
		switch doc[i].text {
		case "mmHg":
			s.pressure = 1.33322387415
		case "inHg":
			s.pressure = 33.8638866667
		default:
			s.pressure = 1
		}
	}
	if i := doc.get(top, "SpeedUnit"); i > 0 && len(doc[i].text) <= 8 {
		s.speed = doc[i].text
	}
}

// in converts a number to the model's unit.
func (s *surroundings) in(to scale, f float64) float64 {
	switch {
	case to == temperature && s.fahrenheit:
		return round((f-32)*5/9, 2)
	case to == pressure && s.pressure > 0 && s.pressure != 1:
		return round(f*s.pressure, 2)
	case to == wattHours:
		return round(f/1000, 6)
	case to == minutes:
		return f * 60
	}
	return f
}

// property is what the model says of a quantity.
func (q quantity) property(id string, t devices.Datatype) devices.Property {
	p := devices.Property{ID: id, Datatype: t, Readable: true}
	switch {
	case t == devices.Float:
		p.Unit, p.Class = q.unit, q.class
	case t == devices.Bool && q.truth:
		p.Class = q.class
	}
	return p
}
