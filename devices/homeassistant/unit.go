package homeassistant

import (
	"math"
	"strconv"
	"strings"
)

// scale converts a device's numbers to the model's: model = device × factor + offset, and back.
type scale struct {
	factor, offset float64
	digits         int // decimals that are worth keeping in the model, 0 for as many as there are
}

var same = scale{factor: 1}

func (s scale) in(f float64) float64 {
	if s == same {
		return f
	}
	f = clean(f*s.factor + s.offset)
	if s.digits > 0 {
		return decimals(f, s.digits)
	}
	return f
}

func (s scale) out(f float64) float64 {
	if s == same {
		return f
	}
	f = clean((f - s.offset) / s.factor)
	if s.digits > 0 {
		return decimals(f, s.digits)
	}
	return f
}

// clean takes away what floating point adds in the last digits.
func clean(f float64) float64 {
	out, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 10, 64), 64)
	if err != nil {
		return f
	}
	return out
}

func decimals(f float64, n int) float64 {
	p := math.Pow(10, float64(n))
	return math.Round(f*p) / p
}

// fahrenheit and kelvin convert to °C.
var (
	fahrenheit = scale{factor: 5.0 / 9, offset: -160.0 / 9, digits: 2}
	kelvin     = scale{factor: 1, offset: -273.15, digits: 2}
)

// units are those that the model spells otherwise, with what they are in it.
var units = map[string]struct {
	unit   string
	factor float64
}{
	"Wh": {"kWh", 1e-3}, "MWh": {"kWh", 1e3}, "GWh": {"kWh", 1e6}, "TWh": {"kWh", 1e9}, "mWh": {"kWh", 1e-6},
	"J": {"kWh", 1 / 3.6e6}, "kJ": {"kWh", 1 / 3.6e3}, "MJ": {"kWh", 1 / 3.6}, "GJ": {"kWh", 1 / 3.6e-3},
	"mW": {"W", 1e-3}, "kW": {"W", 1e3}, "MW": {"W", 1e6}, "GW": {"W", 1e9},
	"mA": {"A", 1e-3}, "µA": {"A", 1e-6}, "mV": {"V", 1e-3}, "kV": {"V", 1e3},
	"mbar": {"hPa", 1}, "lux": {"lx", 1}, "mph": {"km/h", 1.609344},
}

// seconds are the units of time, converted for what is a duration: a "min" elsewhere may be a minimum.
var seconds = map[string]float64{
	"µs": 1e-6, "ms": 1e-3, "s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 604800,
}

// unitOf is the unit in which the model keeps numbers of a class and unit, and the way there.
func unitOf(class, unit string) (string, scale) {
	if rest, greek := strings.CutPrefix(unit, "μ"); greek { // the letter instead of the micro sign
		unit = "µ" + rest
	}
	switch unit {
	case "°F", "℉":
		if class == "temperature_delta" {
			return "°C", scale{factor: 5.0 / 9, digits: 2}
		}
		return "°C", fahrenheit
	case "℃":
		unit = "°C"
	}
	if class == "temperature" {
		switch unit {
		case "F":
			return "°C", fahrenheit
		case "C":
			return "°C", same
		case "K":
			return "°C", kelvin
		}
	}
	if class == "duration" {
		if factor, ok := seconds[unit]; ok {
			return "s", scale{factor: factor}
		}
	}
	if u, ok := units[unit]; ok {
		return u.unit, scale{factor: u.factor}
	}
	return unit, same
}

// temperatureScale is that of a climate's temperature_unit.
func temperatureScale(unit string) scale {
	if unit == "F" || unit == "°F" {
		return fahrenheit
	}
	return same
}

// steps is a device's own scale of whole numbers from low to high, which the model has as percent, 0 to 100. high may be
// below low.
type steps struct{ low, high float64 }

func (s steps) step() float64 { return 100 / math.Abs(s.high-s.low) }

// in rounds only so far that the device's step can be found again.
func (s steps) in(f float64) float64 {
	digits := 2
	for n := math.Abs(s.high - s.low); n > 1000 && digits < 8; n /= 10 {
		digits++
	}
	return min(max(decimals((f-s.low)/(s.high-s.low)*100, digits), 0), 100)
}

func (s steps) out(percent float64) float64 {
	return math.Round(s.low + percent/100*(s.high-s.low))
}

func (s steps) valid() bool {
	return s.low != s.high && !math.IsInf(s.high-s.low, 0) && math.Abs(s.high-s.low) >= 1
}

// bound is a property's limit; nil when the announced one is out of all bounds.
func bound(f float64) *float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return &f
}

// stride is a property's step; 0, which is any, when the announced one makes no sense.
func stride(f float64) float64 {
	if !(f > 0) || math.IsInf(f, 0) {
		return 0
	}
	return clean(f)
}
