package homeassistant

import (
	"fmt"
	"math"

	"home.arpa/homehub/devices"
)

// mired converts between mired and kelvin; the way back is the same.
func mired(f float64) float64 {
	if f <= 0 {
		return 0
	}
	return math.Round(1e6 / f)
}

// xyToHS converts CIE 1931 xy to hue and saturation, as of a lamp of full brightness in the gamut of sRGB.
func xyToHS(x, y float64) (hue, saturation float64, ok bool) {
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

// hsToXY is xyToHS backwards.
func hsToXY(hue, saturation float64) (x, y float64) {
	r, g, b := devices.HSVToRGB(hue, saturation, 100)
	r, g, b = linear(r/255), linear(g/255), linear(b/255)
	bigX := 0.4124564*r + 0.3575761*g + 0.1804375*b
	bigY := 0.2126729*r + 0.7151522*g + 0.0721750*b
	bigZ := 0.0193339*r + 0.1191920*g + 0.9503041*b
	sum := bigX + bigY + bigZ
	return decimals(bigX/sum, 4), decimals(bigY/sum, 4)
}

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

// addColor adds a color made of the numbers of one color mode.
func (s *sink) addColor(mode string, n []float64) error {
	var hue, saturation float64
	ok := true
	switch {
	case mode == "hs" && len(n) >= 2:
		hue, saturation = n[0], n[1]
	case mode == "xy" && len(n) >= 2:
		hue, saturation, ok = xyToHS(n[0], n[1])
	case mode == "rgb" && len(n) >= 3:
		for _, c := range n {
			ok = ok && c >= 0 && c <= 65535
		}
		// White channels make the color paler.
		pale := 0.0
		for _, white := range n[3:] {
			pale += white
		}
		if high := max(n[0], n[1], n[2]); pale > 0 && high+pale > 255 {
			pale *= 255 / (high + pale)
		}
		hue, saturation, _ = devices.RGBToHSV(n[0]+pale, n[1]+pale, n[2]+pale)
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
