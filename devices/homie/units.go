package homie

import (
	"math"
	"strconv"
	"strings"
)

// conversion leads from the numbers of a device to those of the model and back. Its zero value changes nothing.
type conversion struct {
	unit           string  // the model's unit
	factor, offset float64 // model = device × factor + offset; factor 0 means 1
	reciprocal     bool    // model = factor / device: mired and kelvin
}

func (c conversion) identity() bool {
	return !c.reciprocal && c.offset == 0 && (c.factor == 0 || c.factor == 1)
}

// whole says whether whole numbers stay whole.
func (c conversion) whole() bool {
	return !c.reciprocal && c.offset == math.Trunc(c.offset) && c.factor == math.Trunc(c.factor)
}

func (c conversion) up(f float64) float64 {
	switch {
	case c.identity():
		return f
	case c.reciprocal && f == 0:
		return 0
	case c.reciprocal:
		return tidy(c.factor/f, 12)
	}
	return tidy(f*c.factor+c.offset, 12)
}

func (c conversion) down(f float64) float64 {
	switch {
	case c.identity():
		return f
	case c.reciprocal && f == 0:
		return 0
	case c.reciprocal:
		return tidy(c.factor/f, 10)
	}
	return tidy((f-c.offset)/c.factor, 10)
}

// tidy rounds to so many significant digits, so that 0.57 × 100 is 57. On the way back conversions keep two digits less, so
// that whole steps of the device survive the round trip.
func tidy(f float64, digits int) float64 {
	t, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', digits, 64), 64)
	if err != nil {
		return f
	}
	return t
}

// units says into which unit of the model a device's unit goes. What is not here stays as it is.
var units = map[string]conversion{
	"#": {}, "percent": {unit: "%"},
	"C": {unit: "°C"}, "degC": {unit: "°C"}, "celsius": {unit: "°C"},
	"°F": fahrenheit, "F": fahrenheit, "degF": fahrenheit, "fahrenheit": fahrenheit,
	"MK⁻¹": mired, "mired": mired, "mireds": mired, "mirek": mired,
	"Wh": {unit: "kWh", factor: 0.001}, "MWh": {unit: "kWh", factor: 1000},
	"kW": {unit: "W", factor: 1000}, "mW": {unit: "W", factor: 0.001},
	"mA": {unit: "A", factor: 0.001}, "mV": {unit: "V", factor: 0.001}, "kV": {unit: "V", factor: 1000},
	"ms": {unit: "s", factor: 0.001}, "min": {unit: "s", factor: 60}, "h": {unit: "s", factor: 3600},
	"lux": {unit: "lx"}, "mbar": {unit: "hPa"},
}

var (
	fahrenheit = conversion{unit: "°C", factor: 5.0 / 9, offset: -160.0 / 9}
	mired      = conversion{unit: "K", factor: 1e6, reciprocal: true}
)

// convert finds the conversion of a property that has no well-known meaning, or one with a unit like any other.
func convert(p property) conversion {
	if rest, greek := strings.CutPrefix(p.unit, "μ"); greek { // the letter instead of the micro sign
		return conversion{unit: "µ" + rest}
	}
	if c, ok := units[p.unit]; ok {
		return c
	}
	return conversion{unit: p.unit}
}

// percent is the conversion to 0-100 %. A scale is known by its upper end: 0-255, 1-254, 0-1. Without one the numbers are
// percent already.
func percent(p property) conversion {
	c := conversion{unit: "%"}
	if p.span.max == nil {
		return c
	}
	low, high := 0.0, *p.span.max
	if p.span.min != nil && *p.span.min < 0 {
		low = *p.span.min
	}
	if isPercent := p.unit == "%" || p.unit == "percent"; high <= low || isPercent && high <= 100 && low == 0 {
		return c
	}
	c.factor = 100 / (high - low)
	c.offset = -low * c.factor
	return c
}

// temperature is the conversion to °C.
func temperature(p property) conversion {
	switch c := convert(p); c.unit {
	case "°C":
		return c
	case "K":
		if !c.reciprocal {
			return conversion{unit: "°C", factor: 1, offset: -273.15}
		}
	}
	return conversion{unit: "°C"}
}

// kelvin is the conversion to a color temperature in kelvin; numbers that end below 1000 can only be mired.
func kelvin(p property) conversion {
	if c := convert(p); c.reciprocal || c.unit == "K" {
		return c
	}
	if p.span.max != nil && *p.span.max <= 1000 {
		return mired
	}
	return conversion{unit: "K"}
}
