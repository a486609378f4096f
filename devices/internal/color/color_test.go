package color_test

import (
	"math"
	"testing"

	"home.arpa/homehub/devices/internal/color"
)

func TestColorsKeepTheirHue(t *testing.T) {
	for _, test := range []struct{ x, y, hue, saturation float64 }{
		{0.64, 0.33, 0, 100}, {0.3, 0.6, 120, 100}, {0.15, 0.06, 240, 100}, {0.3127, 0.329, 0, 0},
	} {
		hue, saturation, ok := color.FromXY(test.x, test.y)
		if off := math.Abs(math.Remainder(hue-test.hue, 360)); !ok || math.Abs(saturation-test.saturation) > 1 || off > 1 && saturation > 1 {
			t.Errorf("%v, %v is %v, %v, want %v, %v", test.x, test.y, hue, saturation, test.hue, test.saturation)
		}
		if x, y := color.ToXY(test.hue, test.saturation); math.Abs(x-test.x) > 0.001 || math.Abs(y-test.y) > 0.001 {
			t.Errorf("%v, %v is %v, %v, want %v, %v", test.hue, test.saturation, x, y, test.x, test.y)
		}
	}
}

func TestNumbersThatAreNoColor(t *testing.T) {
	for _, xy := range [][2]float64{{0.3, 0}, {-0.1, 0.3}, {0.8, 0.8}, {math.NaN(), 0.3}, {0.3, math.Inf(1)}} {
		if _, _, ok := color.FromXY(xy[0], xy[1]); ok {
			t.Errorf("%v is a color", xy)
		}
	}
}
