// Package color converts between the ways in which lamps spell colors. The conventions below devices call it; it is pure.
package color

import (
	"math"

	"home.arpa/homehub/devices"
)

// FromXY converts CIE 1931 xy to hue and saturation, as of a lamp of full brightness in the gamut of sRGB. ok is
// false for numbers that are no color.
func FromXY(x, y float64) (hue, saturation float64, ok bool) {
	if !(x >= 0 && x <= 1 && y > 0 && y <= 1 && x+y <= 1.0001) {
		return 0, 0, false
	}
	// XYZ with Y = 1, then linear sRGB (IEC 61966-2-1, D65).
	bigX, bigZ := x/y, (1-x-y)/y
	r := 3.2404542*bigX - 1.5371385 - 0.4985314*bigZ
	g := -0.9692660*bigX + 1.8760108 + 0.0415560*bigZ
	b := 0.0556434*bigX - 0.2040259 + 1.0572252*bigZ
	r, g, b = max(r, 0), max(g, 0), max(b, 0)
	high := max(r, g, b)
	if high == 0 {
		return 0, 0, false
	}
	hue, saturation, _ = devices.RGBToHSV(255*gamma(r/high), 255*gamma(g/high), 255*gamma(b/high))
	return hue, saturation, true
}

// ToXY is FromXY backwards, to four decimals.
func ToXY(hue, saturation float64) (x, y float64) {
	r, g, b := devices.HSVToRGB(hue, saturation, 100)
	r, g, b = linear(r/255), linear(g/255), linear(b/255)
	bigX := 0.4124564*r + 0.3575761*g + 0.1804375*b
	bigY := 0.2126729*r + 0.7151522*g + 0.0721750*b
	bigZ := 0.0193339*r + 0.1191920*g + 0.9503041*b
	sum := bigX + bigY + bigZ
	return decimals(bigX / sum), decimals(bigY / sum)
}

func decimals(f float64) float64 { return math.Round(f*1e4) / 1e4 }

func gamma(f float64) float64 {
	if f <= 0.0031308 {
		return 12.92 * f
	}
	return 1.055*math.Pow(f, 1/2.4) - 0.055
}

func linear(f float64) float64 {
	if f <= 0.04045 {
		return f / 12.92
	}
	return math.Pow((f+0.055)/1.055, 2.4)
}
