package zigbee2mqtt

import (
	"math"
	"strconv"
	"strings"
)

// scale converts a device's numbers to the model's and back: model = device × factor + offset, or for mired 10⁶ / device.
type scale struct {
	factor, offset float64
	digits         int // decimals that are worth keeping in the model, 0 for as many as there are
	mired          bool
}

var same = scale{factor: 1}

func (s scale) in(f float64) float64 {
	switch {
	case s == same:
		return f
	case s.mired:
		return mired(f)
	}
	return rounded(clean(f*s.factor+s.offset), s.digits)
}

func (s scale) out(f float64) float64 {
	switch {
	case s == same:
		return f
	case s.mired:
		return mired(f)
	}
	return rounded(clean((f-s.offset)/s.factor), s.digits)
}

// mired converts between mired and kelvin; the way back is the same.
func mired(f float64) float64 {
	if f <= 0 {
		return 0
	}
	return math.Round(1e6 / f)
}

// clean takes away what floating point adds in the last digits. Of a number with few decimals it is the nearest float64 to
// them, which is quickly found.
func clean(f float64) float64 {
	if math.Abs(f) < 1e6 {
		if near := math.Round(f*1e6) / 1e6; math.Abs(near-f) <= math.Abs(f)*1e-14 {
			return near
		}
	}
	if out, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 10, 64), 64); err == nil {
		return out
	}
	return f
}

func rounded(f float64, digits int) float64 {
	if digits == 0 {
		return f
	}
	p := math.Pow(10, float64(digits))
	return math.Round(f*p) / p
}

// units are those that the model spells otherwise, with what one of them is in the model's.
var units = map[string]struct {
	unit   string
	factor float64
}{
	"Wh": {"kWh", 1e-3}, "MWh": {"kWh", 1e3}, "kVAh": {"kVAh", 1},
	"mW": {"W", 1e-3}, "kW": {"W", 1e3}, "mA": {"A", 1e-3}, "mV": {"V", 1e-3}, "kV": {"V", 1e3},
	"kPa": {"hPa", 10}, "mbar": {"hPa", 1}, "lux": {"lx", 1}, "C": {"°C", 1}, "℃": {"°C", 1}, "ºC": {"°C", 1}, "km/h": {"km/h", 1},
	"ms": {"s", 1e-3}, "sec": {"s", 1}, "second": {"s", 1}, "seconds": {"s", 1},
	"min": {"s", 60}, "minute": {"s", 60}, "minutes": {"s", 60}, "mins": {"s", 60},
	"l": {"L", 1}, "liter": {"L", 1}, "liters": {"L", 1}, "litre": {"L", 1},
	"h": {"s", 3600}, "hour": {"s", 3600}, "hours": {"s", 3600},
}

// unitOf is the unit in which the model keeps such numbers, and the way there. A calibration in °F is a difference.
func unitOf(unit string, difference bool) (string, scale) {
	if rest, greek := strings.CutPrefix(unit, "μ"); greek { // the letter instead of the micro sign
		unit = "µ" + rest
	}
	switch unit {
	case "°F", "℉":
		if difference {
			return "°C", scale{factor: 5.0 / 9, digits: 2}
		}
		return "°C", scale{factor: 5.0 / 9, offset: -160.0 / 9, digits: 2}
	case "mired":
		return "K", scale{mired: true}
	}
	if u, ok := units[unit]; ok {
		return u.unit, scale{factor: u.factor}
	}
	return unit, same
}

// steps is a device's own scale of whole numbers from low to high, which the model has as percent.
type steps struct{ low, high float64 }

func (s steps) step() float64 { return 100 / (s.high - s.low) }

func (s steps) valid() bool { return s.high-s.low >= 1 && s.high-s.low <= 1e6 }

// in rounds only so far that the device's step can be found again.
func (s steps) in(f float64) float64 {
	digits := 2
	for n := s.high - s.low; n > 1000; n /= 10 {
		digits++
	}
	return min(max(rounded((f-s.low)/(s.high-s.low)*100, digits), 0), 100)
}

func (s steps) out(percent float64) float64 {
	return math.Round(s.low + percent/100*(s.high-s.low))
}

// bound is a property's limit.
func bound(f float64) *float64 { return &f }
