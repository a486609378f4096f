package template

import (
	"math"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"home.arpa/homehub/devices/internal/jsontext"
)

// MaxDocument is the length in bytes up to which a payload is read as JSON; MaxDepth is how deep its lists and dicts may
// be nested.
const (
	MaxDocument = 1 << 20
	MaxDepth    = 64
)

// Document is one payload as templates see it: its text, and its value if it is JSON. It is parsed once, is never
// changed afterwards, and may be shared by goroutines.
type Document struct {
	text   string
	json   Value
	isJSON bool
	binary bool
}

// Read makes a document of a payload, which it does not keep.
func Read(payload []byte) *Document {
	if len(payload) > MaxDocument || !utf8.Valid(payload) {
		return &Document{binary: true}
	}
	return ReadText(string(payload))
}

// ReadText makes a document of a text.
func ReadText(s string) *Document {
	d := &Document{text: s}
	if len(s) > MaxDocument {
		return &Document{binary: true}
	}
	p := parsers.Get().(*jsonParser)
	p.s, p.at, p.stack = s, 0, p.stack[:0]
	p.reserve()
	p.space()
	if v, ok := p.value(0); ok {
		if p.space(); p.at == len(s) {
			d.json, d.isJSON = v, true
		}
	}
	p.s, p.arena, p.boxes = "", nil, nil
	if cap(p.stack) <= 1024 {
		clear(p.stack[:p.high]) // so that it keeps no payload alive
		p.high = 0
		parsers.Put(p)
	}
	return d
}

// Text is the payload's text; empty for a binary payload.
func (d *Document) Text() string { return d.text }

// JSON is the payload's value; undefined when it is not JSON.
func (d *Document) JSON() Value { return d.json }

// IsJSON says whether the payload is JSON: any JSON, a bare number included.
func (d *Document) IsJSON() bool { return d.isJSON }

// Binary says that the payload is no text (not UTF-8), or too long to be one.
func (d *Document) Binary() bool { return d.binary }

// jsonParser reads JSON (RFC 8259). Texts without escapes share the memory of s. What belongs to lists and dicts that are not
// complete lies on the stack, so that each is allocated once and in its size.
type jsonParser struct {
	s     string
	at    int
	stack []Value
	high  int     // how far the stack was used
	arena []Value // room for elements, one allocation for all of a message that is not too long
	boxes []box
}

// maxArena is the number of values and of lists and dicts that get their room at once.
const (
	maxArena = 256
	maxBoxes = 16
)

// reserve makes room for what the commas and brackets promise.
func (p *jsonParser) reserve() {
	opens := strings.Count(p.s, "{") + strings.Count(p.s, "[")
	p.arena, p.boxes = nil, nil
	if opens == 0 {
		return
	}
	p.arena = make([]Value, 0, min(2*(strings.Count(p.s, ":")+strings.Count(p.s, "[")+1), maxArena))
	p.boxes = make([]box, 0, min(opens, maxBoxes))
}

// room is memory for values: in the arena, or where that is full their own.
func (p *jsonParser) room(n int) []Value {
	if len(p.arena)+n > cap(p.arena) {
		return make([]Value, n)
	}
	at := len(p.arena)
	p.arena = p.arena[:at+n]
	return p.arena[at : at+n : at+n]
}

func (p *jsonParser) box() *box {
	if len(p.boxes) == cap(p.boxes) {
		return new(box)
	}
	p.boxes = p.boxes[:len(p.boxes)+1]
	return &p.boxes[len(p.boxes)-1]
}

var parsers = sync.Pool{New: func() any { return &jsonParser{stack: make([]Value, 0, 64)} }}

func (p *jsonParser) space() {
	for p.at < len(p.s) {
		switch p.s[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *jsonParser) value(depth int) (Value, bool) {
	if p.at >= len(p.s) || depth > MaxDepth {
		return Value{}, false
	}
	switch c := p.s[p.at]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		s, ok := p.text()
		return text(s), ok
	case c == 't':
		return trueValue, p.word("true")
	case c == 'f':
		return boolean(false), p.word("false")
	case c == 'n':
		return none, p.word("null")
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	return Value{}, false
}

func (p *jsonParser) word(w string) bool {
	ok := strings.HasPrefix(p.s[p.at:], w)
	p.at += len(w)
	return ok
}

func (p *jsonParser) take(c byte) bool {
	if p.at < len(p.s) && p.s[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *jsonParser) object(depth int) (Value, bool) {
	p.at++
	base := len(p.stack)
	p.space()
	if p.take('}') {
		return Value{kind: Dict, box: new(box)}, true
	}
	for {
		p.space()
		if p.at >= len(p.s) || p.s[p.at] != '"' {
			return Value{}, false
		}
		key, ok := p.text()
		if !ok {
			return Value{}, false
		}
		p.space()
		if !p.take(':') {
			return Value{}, false
		}
		p.space()
		v, ok := p.value(depth + 1)
		if !ok {
			return Value{}, false
		}
		p.stack = append(p.stack, text(key), v)
		p.space()
		switch {
		case p.take(','):
		case p.take('}'):
			return p.dict(base), true
		default:
			return Value{}, false
		}
	}
}

// dict makes a dict of the keys and values that lie on the stack from base on. The last of equal keys wins.
func (p *jsonParser) dict(base int) Value {
	p.high = max(p.high, len(p.stack))
	n := (len(p.stack) - base) / 2
	all := p.room(2 * n)
	b := p.box()
	b.keys, b.items, b.texts = all[:0:n], all[n:n:2*n], true
	seen := uint64(0) // of which lengths and letters there are keys
	for i := base; i < len(p.stack); i += 2 {
		key := p.stack[i].str
		mark := uint64(1) << (len(key) & 63)
		if key != "" {
			mark = 1 << ((len(key) + 7*int(key[0]) + 31*int(key[len(key)-1])) & 63)
		}
		if seen&mark != 0 || len(b.keys) >= indexed-1 {
			b.set(p.stack[i], p.stack[i+1])
		} else {
			b.keys, b.items = append(b.keys, p.stack[i]), append(b.items, p.stack[i+1])
		}
		seen |= mark
	}
	p.stack = p.stack[:base]
	return Value{kind: Dict, box: b}
}

func (p *jsonParser) array(depth int) (Value, bool) {
	p.at++
	base := len(p.stack)
	p.space()
	if p.take(']') {
		return list(nil), true
	}
	for {
		p.space()
		v, ok := p.value(depth + 1)
		if !ok {
			return Value{}, false
		}
		p.stack = append(p.stack, v)
		p.space()
		switch {
		case p.take(','):
		case p.take(']'):
			p.high = max(p.high, len(p.stack))
			items := p.room(len(p.stack) - base)
			copy(items, p.stack[base:])
			p.stack = p.stack[:base]
			b := p.box()
			b.items = items
			return Value{kind: List, box: b}, true
		default:
			return Value{}, false
		}
	}
}

func (p *jsonParser) number() (Value, bool) {
	start, whole := p.at, true
	p.take('-')
	first := p.at
	p.digits()
	if p.at == first || p.s[first] == '0' && p.at > first+1 {
		return Value{}, false
	}
	if p.take('.') {
		whole = false
		if !p.digits() {
			return Value{}, false
		}
	}
	if p.take('e') || p.take('E') {
		whole = false
		if !p.take('+') {
			p.take('-')
		}
		if !p.digits() {
			return Value{}, false
		}
	}
	s := p.s[start:p.at]
	if whole {
		if len(s) <= 18 { // it cannot overflow
			n, digits := int64(0), s
			if s[0] == '-' {
				digits = s[1:]
			}
			for i := range len(digits) {
				n = n*10 + int64(digits[i]-'0')
			}
			if s[0] == '-' {
				n = -n
			}
			return integer(n), true
		}
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return integer(i), true
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return floating(f), err == nil && !math.IsInf(f, 0)
}

func (p *jsonParser) digits() bool {
	start := p.at
	for p.at < len(p.s) && p.s[p.at] >= '0' && p.s[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}

func (p *jsonParser) text() (said string, ok bool) {
	said, p.at, ok = jsontext.TextAt(p.s, p.at)
	return said, ok
}
