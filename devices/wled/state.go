package wled

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"home.arpa/homehub/devices"
)

// maxState bounds a state in XML; the firmware's own buffer has 1024 bytes.
const maxState = 4 << 10

// state is the firmware's state in XML, as far as it is used.
type state struct {
	name       string
	brightness int // of 255, 0 is off
	color      tint
	white      int // of 255; -1 without a white channel
	effect     int
	speed      int
	intensity  int
	palette    int
	preset     int // 0: none
	night      int // 1: it is dimming to sleep
}

// looksLikeState says whether a payload may be one: it begins with the firmware's own words.
func looksLikeState(payload []byte) bool {
	p := payload[:min(len(payload), 64)]
	if bytes.HasPrefix(p, []byte("<?xml")) {
		_, p, _ = bytes.Cut(p, []byte("?>"))
	}
	return bytes.HasPrefix(bytes.TrimSpace(p), []byte("<vs>"))
}

// readState reads the flat XML that the firmware writes. It does that itself instead of with encoding/xml, since the firmware does not
// escape the name that people gave the device: an ampersand in it makes the text none of XML.
func readState(payload []byte) (state, error) {
	s := state{white: -1}
	if len(payload) > maxState {
		return s, fmt.Errorf("expected a state of at most %d bytes, got %d", maxState, len(payload))
	}
	if !utf8.Valid(payload) {
		return s, errors.New("expected a state in UTF-8, got other bytes")
	}
	text := string(payload)
	_, text, _ = strings.Cut(text, "<vs>")
	i := strings.LastIndex(text, "</vs>")
	if i < 0 {
		return s, errors.New("expected a state that ends with </vs>, got only a part of it")
	}
	text = text[:i]
	var channels []int
	lit := false
	for text != "" {
		var tag, value string
		var err error
		if tag, value, text, err = element(text); err != nil {
			return s, err
		}
		if tag == "ds" {
			s.name = strings.TrimSpace(strings.TrimSuffix(value, " (live)"))
			continue
		}
		to := s.field(tag)
		if tag != "cl" && to == nil {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < -1 || n > 255 {
			return s, fmt.Errorf("expected a number of -1 to 255 in %s, got %.40q", tag, value)
		}
		switch {
		case tag == "cl":
			channels = append(channels, max(n, 0))
		default:
			*to = n
			lit = lit || tag == "ac"
		}
	}
	if !lit || len(channels) < 3 {
		return s, errors.New("expected the brightness, ac, and three channels of a color, cl, in the state, got less")
	}
	s.color = mix(channels[0], channels[1], channels[2], s.white)
	s.brightness = max(s.brightness, 0)
	return s, nil
}

// field is where the number of an element goes; nil for one that is not used.
func (s *state) field(tag string) *int {
	switch tag {
	case "ac":
		return &s.brightness
	case "wv":
		return &s.white
	case "fx":
		return &s.effect
	case "sx":
		return &s.speed
	case "ix":
		return &s.intensity
	case "fp":
		return &s.palette
	case "ps":
		return &s.preset
	case "nl":
		return &s.night
	}
	return nil
}

// element reads one <tag>value</tag>. A name may have any characters but its end.
func element(text string) (tag, value, rest string, err error) {
	text = strings.TrimLeft(text, " \r\n\t")
	if !strings.HasPrefix(text, "<") {
		return "", "", "", fmt.Errorf("expected an element in the state, got %.40q", text)
	}
	tag, after, ok := strings.Cut(text[1:], ">")
	if !ok || tag == "" || len(tag) > 8 {
		return "", "", "", fmt.Errorf("expected an element in the state, got %.40q", text)
	}
	value, rest, ok = strings.Cut(after, "</"+tag+">")
	if !ok {
		return "", "", "", fmt.Errorf("expected </%s> in the state, got no end of it", tag)
	}
	return tag, value, rest, nil
}

// tint is a color without the light's brightness: hue 0-360, saturation and value 0-100. Dark: the colored channels are off, and
// only the white one shines.
type tint struct {
	hue, saturation, value float64
	dark                   bool
}

// mix makes a tint of the channels of a color. Black is no color: its value is 0.
func mix(r, g, b, white int) tint {
	hue, saturation, value := devices.RGBToHSV(float64(r), float64(g), float64(b))
	return tint{hue, saturation, value, value == 0 && white > 0}
}

// readBrightness reads a brightness of 0 to 255.
func readBrightness(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 255 {
		return 0, fmt.Errorf("expected a brightness of 0 to 255, got %.40q", s)
	}
	return n, nil
}

// readColor reads #RRGGBB, or #WWRRGGBB where the white channel shines.
func readColor(s string) (rgb [4]int, err error) {
	bad := fmt.Errorf("expected a color such as #FFA000 or #80FFA000 with white in front, got %.40q", s)
	digits, ok := strings.CutPrefix(s, "#")
	if !ok || len(digits) != 6 && len(digits) != 8 {
		return rgb, bad
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return rgb, bad
	}
	return [4]int{int(n >> 16 & 255), int(n >> 8 & 255), int(n & 255), int(n >> 24)}, nil
}
