package main

import (
	"encoding/json"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// read decodes what the hub says for people to see, without what could steer their terminal: devices name themselves, and say what they
// like.
func read(raw []byte, v any) error { return json.Unmarshal(harmless(raw), v) }

// harmless replaces the control characters in the texts of a JSON document, and those that turn the direction of writing. Line ends and
// tabs become spaces: each thing has a line of its own.
func harmless(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		n, with := 0, ""
		switch {
		case raw[0] == '\\' && len(raw) > 1:
			n, with = escaped(raw)
		default:
			var r rune
			if r, n = utf8.DecodeRune(raw); r >= 0x7f && steers(r) { // what is less stands between the texts only
				with = `\ufffd`
			}
		}
		if with == "" {
			out = append(out, raw[:n]...)
		} else {
			out = append(out, with...)
		}
		raw = raw[n:]
	}
	return out
}

// escaped looks at an escape sequence: how long it is, and what is to stand in its place; empty for itself.
func escaped(raw []byte) (n int, with string) {
	switch raw[1] {
	case 'n', 'r', 't':
		return 2, " "
	case 'b', 'f':
		return 2, `\ufffd`
	case 'u':
		n = min(6, len(raw))
		if r, err := strconv.ParseUint(string(raw[2:n]), 16, 16); err == nil && steers(rune(r)) {
			return n, `\ufffd`
		}
		return n, ""
	}
	return 2, ""
}

func steers(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
