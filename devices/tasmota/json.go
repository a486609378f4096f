package tasmota

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"home.arpa/homehub/devices/internal/jsontext"
)

// Bounds of what is read of one payload. The largest of the firmware's own messages has 16 KiB.
const (
	maxPayload = 64 << 10
	maxFields  = 4096
	maxDepth   = 16
)

// kind is the type of a JSON value.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	array
	object
)

// document is a JSON value and all that is in it, in the order of the text: what belongs to a value follows it. The first
// field is the whole.
type document []field

// field is one value of a document.
type field struct {
	key  string // empty in a list
	text string // of a text; of a number as it was spelt
	num  float64
	end  int32 // the index behind the last value that belongs to this one
	kind kind
}

// readJSON reads a payload that is a JSON object. Old firmware wrote "nan" and "inf" for what it could not measure; that
// is null here.
func readJSON(payload []byte) (document, bool) { return readInto(nil, payload) }

// readInto is readJSON into the memory of a document that nobody needs any more.
func readInto(old document, payload []byte) (document, bool) {
	payload = bytes.TrimSpace(payload)
	if len(payload) < 2 || len(payload) > maxPayload || payload[0] != '{' || !utf8.Valid(payload) {
		return nil, false
	}
	p := parser{s: string(payload), out: old[:0]}
	if n := min(2+strings.Count(p.s, ","), maxFields) + strings.Count(p.s, "{"); n > cap(p.out) {
		p.out = make(document, 0, n)
	}
	if !p.value("", 0) || len(p.out) > maxFields {
		return nil, false
	}
	p.space()
	return p.out, p.at == len(p.s)
}

// children calls visit for each value that is directly in the value at i.
func (d document) children(i int, visit func(i int, f *field)) {
	for at := i + 1; at < int(d[i].end); at = int(d[at].end) {
		visit(at, &d[at])
	}
}

// get finds a value of the object at i, without regard to case: firmware was not always of one mind. It is 0, the whole,
// when there is none.
func (d document) get(i int, key string) int {
	if d[i].kind != object {
		return 0
	}
	for at := i + 1; at < int(d[i].end); at = int(d[at].end) {
		if len(d[at].key) == len(key) && strings.EqualFold(d[at].key, key) {
			return at
		}
	}
	return 0
}

// at is get along a path.
func (d document) at(path ...string) int {
	i := 0
	for _, key := range path {
		if i = d.get(i, key); i == 0 {
			return 0
		}
	}
	return i
}

// textAt is a text or the spelling of a number along a path, empty when there is none.
func (d document) textAt(path ...string) string {
	if i := d.at(path...); i > 0 {
		return d[i].text
	}
	return ""
}

// number is a number, or what a text spells.
func (f *field) number() (float64, bool) {
	switch f.kind {
	case number, boolean:
		return f.num, true
	case text:
		n, err := strconv.ParseFloat(strings.TrimSpace(f.text), 64)
		return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return 0, false
}

// truth says whether a flag is set.
func (f *field) truth() bool {
	n, ok := f.number()
	return ok && n != 0
}

// said is the value as people may be shown it.
func (f *field) said() string {
	switch f.kind {
	case null:
		return "null"
	case boolean:
		return strconv.FormatBool(f.num != 0)
	case array:
		return "a list"
	case object:
		return "an object"
	case text:
		return strconv.Quote(clip(f.text, 40))
	}
	return f.text
}

// clip shortens a text to n bytes at most, at the border of a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// parser reads JSON (RFC 8259) as this firmware writes it, which package jsontext would not: numbers such as 007, nan and inf. Texts
// without escapes share the memory of s.
type parser struct {
	s   string
	at  int
	out document
}

func (p *parser) space() {
	for p.at < len(p.s) && (p.s[p.at] == ' ' || p.s[p.at] == '\t' || p.s[p.at] == '\n' || p.s[p.at] == '\r') {
		p.at++
	}
}

func (p *parser) take(c byte) bool {
	if p.at < len(p.s) && p.s[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) value(key string, depth int) bool {
	p.space()
	if p.at >= len(p.s) || depth > maxDepth || len(p.out) > maxFields {
		return false
	}
	me := len(p.out)
	p.out = append(p.out, field{key: key})
	f := &p.out[me]
	ok := false
	switch c := p.s[p.at]; {
	case c == '{' || c == '[':
		ok = p.inside(me, c == '{', depth)
		f = &p.out[me]
	case c == '"':
		f.kind = text
		f.text, ok = p.text()
	case c == '-' && p.at+1 < len(p.s) && p.s[p.at+1] > '9':
		p.at++
		ok = p.word(f)
	case c == '-' || c >= '0' && c <= '9':
		ok = p.number(f)
	default:
		ok = p.word(f)
	}
	f.end = int32(len(p.out))
	return ok
}

func (p *parser) inside(me int, keyed bool, depth int) bool {
	p.at++
	end := byte(']')
	p.out[me].kind = array
	if keyed {
		end, p.out[me].kind = '}', object
	}
	p.space()
	if p.take(end) {
		return true
	}
	for {
		key := ""
		if keyed {
			p.space()
			if p.at >= len(p.s) || p.s[p.at] != '"' {
				return false
			}
			ok := false
			if key, ok = p.text(); !ok {
				return false
			}
			p.space()
			if !p.take(':') {
				return false
			}
		}
		if !p.value(key, depth+1) {
			return false
		}
		p.space()
		if p.take(end) {
			return true
		}
		if !p.take(',') {
			return false
		}
	}
}

func (p *parser) word(f *field) bool {
	for _, w := range [...]struct {
		word string
		kind kind
		num  float64
	}{{"true", boolean, 1}, {"false", boolean, 0}, {"null", null, 0}, {"nan", null, 0}, {"NaN", null, 0}, {"inf", null, 0}} {
		if strings.HasPrefix(p.s[p.at:], w.word) {
			p.at += len(w.word)
			f.kind, f.num = w.kind, w.num
			return true
		}
	}
	return false
}

// number is less strict than the standard: firmware of measuring chips sends numbers such as 007.
func (p *parser) number(f *field) bool {
	start := p.at
	for p.at < len(p.s) {
		switch c := p.s[p.at]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			p.at++
			continue
		}
		break
	}
	var err error
	f.kind, f.text = number, p.s[start:p.at]
	f.num, err = strconv.ParseFloat(f.text, 64)
	return err == nil && !math.IsInf(f.num, 0)
}

func (p *parser) text() (said string, ok bool) {
	said, p.at, ok = jsontext.TextAt(p.s, p.at)
	return said, ok
}
