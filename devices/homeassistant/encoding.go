package homeassistant

import (
	"strings"

	"home.arpa/homehub/devices/homeassistant/template"
)

// readEncoding reads the key encoding: utf-8 is the default, and empty means that templates see the bytes, which they do as
// characters of the same number. Of the others those are understood whose characters are single bytes.
func (b *builder) readEncoding() {
	if !b.has("encoding") {
		return
	}
	switch name := strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(b.text("encoding", ""))); name {
	case "utf8", "ascii", "usascii":
	case "", "latin1", "iso88591", "l1", "8859", "cp1252", "windows1252":
		b.latin = true
	default:
		b.fault("encoding: expected utf-8, latin-1 or nothing, got %.40q; utf-8 is taken", b.text("encoding", ""))
	}
}

// fromLatin reads a payload whose characters are single bytes.
func fromLatin(payload []byte) *template.Document {
	var s strings.Builder
	s.Grow(len(payload))
	for _, c := range payload[:min(len(payload), template.MaxDocument/2)] {
		s.WriteRune(rune(c))
	}
	return template.ReadText(s.String())
}

// toLatin is the way back; what is no character of one byte becomes a question mark.
func toLatin(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return out
}
