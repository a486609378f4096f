package announce

import (
	"slices"

	"home.arpa/homehub/devices"
)

// quantity is a device class of numbers: the units that Home Assistant takes for it, "" for none, and how it counts.
type quantity struct {
	units []string
	state string
}

const (
	measurement = "measurement"
	rising      = "total_increasing"
	total       = "total"
)

var (
	pressures   = []string{"Pa", "hPa", "kPa", "bar", "cbar", "mbar", "mmHg", "inHg", "psi"}
	lengths     = []string{"mm", "cm", "m", "km", "in", "ft", "yd", "mi"}
	speeds      = []string{"m/s", "km/h", "mph", "kn", "ft/s"}
	volumes     = []string{"L", "mL", "m³", "ft³", "gal", "fl. oz."}
	micrograms  = []string{"µg/m³"}
	percentages = []string{"%"}
)

// quantities are the device classes of sensors and numbers by Home Assistant's documentation, those of its version 2023.3 and before: an
// older one would refuse an entity whose class it does not know. With a unit that is not among these it would complain, and the class is left
// out.
var quantities = map[string]quantity{
	"apparent_power":             {[]string{"VA"}, measurement},
	"aqi":                        {[]string{""}, measurement},
	"atmospheric_pressure":       {pressures, measurement},
	"battery":                    {percentages, measurement},
	"carbon_dioxide":             {[]string{"ppm"}, measurement},
	"carbon_monoxide":            {[]string{"ppm"}, measurement},
	"current":                    {[]string{"A", "mA"}, measurement},
	"data_rate":                  {[]string{"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "B/s", "kB/s", "MB/s", "GB/s"}, measurement},
	"data_size":                  {[]string{"B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB"}, measurement},
	"distance":                   {lengths, measurement},
	"duration":                   {[]string{"s", "min", "h", "d"}, measurement},
	"energy":                     {[]string{"Wh", "kWh", "MWh"}, rising},
	"frequency":                  {[]string{"Hz", "kHz", "MHz", "GHz"}, measurement},
	"gas":                        {[]string{"m³", "ft³"}, rising},
	"humidity":                   {percentages, measurement},
	"illuminance":                {[]string{"lx"}, measurement},
	"irradiance":                 {[]string{"W/m²"}, measurement},
	"moisture":                   {percentages, measurement},
	"nitrogen_dioxide":           {micrograms, measurement},
	"nitrogen_monoxide":          {micrograms, measurement},
	"nitrous_oxide":              {micrograms, measurement},
	"ozone":                      {micrograms, measurement},
	"pm1":                        {micrograms, measurement},
	"pm10":                       {micrograms, measurement},
	"pm25":                       {micrograms, measurement},
	"power":                      {[]string{"W", "kW"}, measurement},
	"power_factor":               {[]string{"", "%"}, measurement},
	"precipitation":              {[]string{"mm", "cm", "in"}, measurement},
	"precipitation_intensity":    {[]string{"mm/h", "mm/d", "in/h", "in/d"}, measurement},
	"pressure":                   {pressures, measurement},
	"reactive_power":             {[]string{"var"}, measurement},
	"signal_strength":            {[]string{"dB", "dBm"}, measurement},
	"sound_pressure":             {[]string{"dB", "dBA"}, measurement},
	"speed":                      {speeds, measurement},
	"sulphur_dioxide":            {micrograms, measurement},
	"temperature":                {[]string{"°C", "°F", "K"}, measurement},
	"volatile_organic_compounds": {micrograms, measurement},
	"voltage":                    {[]string{"V", "mV"}, measurement},
	"volume":                     {volumes, total},
	"water":                      {[]string{"m³", "L", "ft³", "gal"}, rising},
	"weight":                     {[]string{"kg", "g", "mg", "µg", "oz", "lb"}, measurement},
	"wind_speed":                 {speeds, measurement},
}

// The device classes of other kinds.
var (
	binaryClasses = []string{
		"battery", "battery_charging", "carbon_monoxide", "cold", "connectivity", "door", "garage_door", "gas", "heat", "light", "lock",
		"moisture", "motion", "moving", "occupancy", "opening", "plug", "power", "presence", "problem", "running", "safety", "smoke", "sound",
		"tamper", "update", "vibration", "window",
	}
	coverClasses  = []string{"awning", "blind", "curtain", "damper", "door", "garage", "gate", "shade", "shutter", "window"}
	switchClasses = []string{"outlet", "switch"}
	valveClasses  = []string{"water", "gas"}
	buttonClasses = []string{"identify", "restart", "update"}
	eventClasses  = []string{"doorbell", "button", "motion"}
)

// classOf announces a property's class if it is one of those that the kind of entity has.
func (c config) classOf(p *devices.Property, classes []string) {
	if slices.Contains(classes, p.Class) {
		c["device_class"] = p.Class
	}
}

// class is classOf for a component's property.
func (c config) class(b *builder, id string, classes []string) {
	if p := b.component.Property(id); p != nil {
		c.classOf(p, classes)
	}
}
