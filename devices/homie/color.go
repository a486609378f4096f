package homie

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"home.arpa/homehub/devices"
)

// The spellings of a color: rgb is three numbers of 0-255, hsv a hue of 0-360 with saturation and brightness of 0-100,
// xyz the CIE 1931 chromaticity x, y of 0-1.
const (
	formatRGB = "rgb"
	formatHSV = "hsv"
	formatXYZ = "xyz"
)

var colorFormats = []string{formatRGB, formatHSV, formatXYZ}

// shade is a color with its brightness: hue 0-360, saturation and value 0-100.
type shade struct{ hue, saturation, value float64 }

// readColor reads one of the allowed spellings. bright is false for xyz, which says nothing about brightness.
func readColor(s string, allowed []string) (c shade, bright bool, err error) {
	parts := strings.Split(s, ",")
	if !slices.Contains(allowed, parts[0]) {
		return c, false, fmt.Errorf("%.40q is not a color in %s", s, strings.Join(allowed, " or "))
	}
	n := make([]float64, len(parts)-1)
	for i := range n {
		if n[i], err = readFloat(parts[i+1]); err != nil {
			return c, false, fmt.Errorf("in color %.40q: %w", s, err)
		}
	}
	limits := map[string][]float64{formatRGB: {255, 255, 255}, formatHSV: {360, 100, 100}, formatXYZ: {1, 1}}[parts[0]]
	if len(n) != len(limits) {
		return c, false, fmt.Errorf("color %.40q has %d numbers, want %d", s, len(n), len(limits))
	}
	for i, limit := range limits {
		if n[i] < 0 || n[i] > limit {
			return c, false, fmt.Errorf("in color %.40q: %v is not within 0 to %v", s, n[i], limit)
		}
	}
	switch parts[0] {
	case formatHSV:
		return shade{n[0], n[1], n[2]}, true, nil
	case formatRGB:
		h, sat, v := devices.RGBToHSV(n[0], n[1], n[2])
		return shade{h, sat, v}, true, nil
	}
	h, sat, _ := devices.RGBToHSV(xyToRGB(n[0], n[1]))
	return shade{h, sat, 100}, false, nil
}

// writeColor spells a color; rgb in whole numbers, hsv in tenths, xyz in ten-thousandths.
func writeColor(c shade, format string) string {
	switch format {
	case formatRGB:
		r, g, b := devices.HSVToRGB(c.hue, c.saturation, c.value)
		return fmt.Sprintf("rgb,%d,%d,%d", int(math.Round(r)), int(math.Round(g)), int(math.Round(b)))
	case formatXYZ:
		x, y := rgbToXY(devices.HSVToRGB(c.hue, c.saturation, 100))
		return "xyz," + writeFloat(math.Round(x*1e4)/1e4) + "," + writeFloat(math.Round(y*1e4)/1e4)
	}
	tenth := func(f float64) string { return writeFloat(math.Round(f*10) / 10) }
	return "hsv," + tenth(c.hue) + "," + tenth(c.saturation) + "," + tenth(c.value)
}

// writeBareColor spells a color as before Homie 5: whole numbers only, and no name of the format.
func writeBareColor(c shade, format string) string {
	if format == formatRGB {
		return strings.TrimPrefix(writeColor(c, formatRGB), "rgb,")
	}
	return fmt.Sprintf("%d,%d,%d", int(math.Round(c.hue)), int(math.Round(c.saturation)), int(math.Round(c.value)))
}

// xyToRGB gives the brightest sRGB color (IEC 61966-2-1, white point D65) of a chromaticity, each part 0-255.
func xyToRGB(x, y float64) (r, g, b float64) {
	if y <= 0 {
		return 255, 255, 255 // no color has this; white offends nobody
	}
	cx, cz := x/y, (1-x-y)/y
	r = 3.2406*cx - 1.5372 - 0.4986*cz
	g = -0.9689*cx + 1.8758 + 0.0415*cz
	b = 0.0557*cx - 0.2040 + 1.0570*cz
	high := max(r, g, b)
	if high <= 0 {
		return 255, 255, 255
	}
	gamma := func(c float64) float64 {
		c = max(0, c/high) // what lies outside the gamut is clipped
		if c <= 0.0031308 {
			return 255 * 12.92 * c
		}
		return 255 * (1.055*math.Pow(c, 1/2.4) - 0.055)
	}
	return gamma(r), gamma(g), gamma(b)
}

// rgbToXY is the reverse; black has the chromaticity of white.
func rgbToXY(r, g, b float64) (x, y float64) {
	linear := func(c float64) float64 {
		c /= 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	r, g, b = linear(r), linear(g), linear(b)
	cx := 0.4124*r + 0.3576*g + 0.1805*b
	cy := 0.2126*r + 0.7152*g + 0.0722*b
	cz := 0.0193*r + 0.1192*g + 0.9505*b
	if sum := cx + cy + cz; sum > 0 {
		return cx / sum, cy / sum
	}
	return 0.3127, 0.3290
}
