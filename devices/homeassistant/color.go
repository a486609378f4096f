package homeassistant

import (
	"fmt"
	"math"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/color"
)

// mired converts between mired and kelvin; the way back is the same.
func mired(f float64) float64 {
	if f <= 0 {
		return 0
	}
	return math.Round(1e6 / f)
}

// addColor adds a color made of the numbers of one color mode.
func (s *sink) addColor(mode string, n []float64) error {
	var hue, saturation float64
	ok := true
	switch {
	case mode == "hs" && len(n) >= 2:
		hue, saturation = n[0], n[1]
	case mode == "xy" && len(n) >= 2:
		hue, saturation, ok = color.FromXY(n[0], n[1])
	case mode == "rgb" && len(n) >= 3: // what stands behind them are white channels
		for _, c := range n[:3] {
			ok = ok && c >= 0 && c <= 65535
		}
		hue, saturation, _ = devices.RGBToHSV(n[0], n[1], n[2])
	default:
		ok = false
	}
	if !ok {
		return fmt.Errorf("expected the numbers of a color in %s, got %v", mode, n)
	}
	v, err := devices.ColorValue(hue, saturation)
	if err != nil {
		return err
	}
	s.add(devices.ColorHS, v)
	return nil
}

// rgbOf is a color's red, green and blue at full brightness, 0 to 255.
func rgbOf(v devices.Value) (r, g, b int) {
	hue, saturation := v.Color()
	fr, fg, fb := devices.HSVToRGB(hue, saturation, 100)
	return int(math.Round(fr)), int(math.Round(fg)), int(math.Round(fb))
}
