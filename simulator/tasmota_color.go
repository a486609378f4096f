package simulator

import (
	"strconv"
	"strings"
)

// colorList reads channels of 0 to 255: FF8800, #FF8800 or 255,136,0.
func colorList(text string) ([]float64, bool) {
	if strings.Contains(text, ",") {
		return numberList(text, 255)
	}
	text = strings.TrimPrefix(text, "#")
	if len(text) < 4 || len(text)%2 != 0 || len(text) > 10 {
		return nil, false
	}
	var out []float64
	for ; text != ""; text = text[2:] {
		n, err := strconv.ParseUint(text[:2], 16, 8)
		if err != nil {
			return nil, false
		}
		out = append(out, float64(n))
	}
	return out, true
}

// numberList reads up to five numbers of 0 to top with commas between.
func numberList(text string, top float64) ([]float64, bool) {
	var out []float64
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 0 || float64(n) > top || len(out) == 5 {
			return nil, false
		}
		out = append(out, float64(n))
	}
	return out, true
}
