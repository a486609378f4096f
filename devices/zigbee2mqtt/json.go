package zigbee2mqtt

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// maxDepth is how deep objects and lists may lie in each other.
const maxDepth = 64

// kind is what a literal is.
type kind byte

const (
	none kind = iota // null, or nothing at all
	boolean
	number
	text
	object
	list
)

// literal is a JSON value that was found whole, or a plain text taken for one. It is part of the message's payload: nothing is
// copied until it is needed.
type literal struct {
	kind kind
	// raw is the value as it is written; of a text what is between the quotes.
	raw []byte
	// escaped: the text has a backslash in it.
	escaped bool
}

// String is the text, or how the value is written.
func (l literal) String() string {
	if l.kind != text {
		return string(l.raw)
	}
	if l.escaped {
		var s string
		if json.Unmarshal([]byte(`"`+string(l.raw)+`"`), &s) == nil {
			return s
		}
	}
	if !utf8.Valid(l.raw) {
		return string([]rune(string(l.raw)))
	}
	return string(l.raw)
}

// is says whether the literal is spelt like this, whatever its type: the exposes say true, and some firmware reports "true".
func (l literal) is(s string) bool {
	if l.escaped {
		return l.String() == s
	}
	return string(l.raw) == s && l.kind != none
}

// number is the number; texts that spell one are taken, too.
func (l literal) number() (float64, bool) {
	if l.kind != number && l.kind != text {
		return 0, false
	}
	if f, ok := short64(l.raw); ok {
		return f, true
	}
	f, err := strconv.ParseFloat(string(l.raw), 64)
	return f, err == nil && f-f == 0 // neither infinite nor NaN
}

// tens are the powers of ten that are needed for short numbers.
var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// short64 reads a number of up to fifteen digits without an exponent, as nearly all are: then one division of two numbers
// that are exact gives the nearest float64.
func short64(b []byte) (float64, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 16 {
		return 0, false
	}
	var digits, decimals int
	var n int64
	point := -1
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n = 10*n + int64(c-'0')
			digits++
		case c == '.' && point < 0 && i > 0:
			point = i
		default:
			return 0, false
		}
	}
	if point >= 0 {
		decimals = len(b) - point - 1
	}
	if digits == 0 || digits > 15 || point >= 0 && decimals == 0 {
		return 0, false
	}
	f := float64(n) / tens[decimals]
	if negative {
		f = -f
	}
	return f, true
}

// json is the value as JSON text.
func (l literal) json() string {
	if l.kind == text {
		return `"` + string(l.raw) + `"`
	}
	return string(l.raw)
}

// plain takes a payload that is no JSON object for a literal, as the output mode "attribute" writes them: without quotes.
func plain(payload []byte) literal {
	switch s := string(payload); s {
	case "", "null":
		return literal{}
	case "true", "false":
		return literal{kind: boolean, raw: payload}
	}
	if c := payload[0]; c == '-' || c >= '0' && c <= '9' || c == '{' || c == '[' {
		if l, ok := parse(payload); ok {
			return l
		}
	}
	return literal{kind: text, raw: payload}
}

// parse reads a whole payload as JSON.
func parse(b []byte) (literal, bool) {
	l, i, ok := value(b, space(b, 0), 0)
	return l, ok && space(b, i) == len(b)
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// value reads the value that begins at i, and returns where it ends.
func value(b []byte, i, depth int) (l literal, end int, ok bool) {
	if i >= len(b) || depth > maxDepth {
		return literal{}, i, false
	}
	switch c := b[i]; {
	case c == '"':
		end, escaped, ok := quoted(b, i)
		if !ok {
			return literal{}, i, false
		}
		return literal{text, b[i+1 : end-1], escaped}, end, true
	case c == '-' || c >= '0' && c <= '9':
		end, ok = digits(b, i)
		return literal{kind: number, raw: b[i:end]}, end, ok
	case c == '{':
		end, ok = members(b, i, depth, nil)
		return literal{kind: object, raw: b[i:end]}, end, ok
	case c == '[':
		end, ok = elements(b, i, depth, nil)
		return literal{kind: list, raw: b[i:end]}, end, ok
	case has(b, i, "null"):
		return literal{}, i + 4, true
	case has(b, i, "true"):
		return literal{kind: boolean, raw: b[i : i+4]}, i + 4, true
	case has(b, i, "false"):
		return literal{kind: boolean, raw: b[i : i+5]}, i + 5, true
	}
	return literal{}, i, false
}

func has(b []byte, i int, word string) bool {
	return len(b)-i >= len(word) && string(b[i:i+len(word)]) == word
}

// quoted finds the end of a text.
func quoted(b []byte, i int) (end int, escaped, ok bool) {
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, escaped, true
		case c < ' ':
			return i, escaped, false
		case c == '\\':
			escaped = true
			if i++; i >= len(b) {
				return i, escaped, false
			}
			switch b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for n := 1; n <= 4; n++ {
					if i+n >= len(b) || !hexadecimal(b[i+n]) {
						return i, escaped, false
					}
				}
				i += 4
			default:
				return i, escaped, false
			}
		}
	}
	return i, escaped, false
}

func hexadecimal(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// digits finds the end of a number.
func digits(b []byte, i int) (end int, ok bool) {
	run := func() bool {
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !run() {
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		if i++; !run() {
			return i, false
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !run() {
			return i, false
		}
	}
	return i, true
}

// members reads the object that begins at i, and shows visit (if there is one) each of its members.
func members(b []byte, i, depth int, visit func(key, value literal)) (end int, ok bool) {
	if i = space(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1, true
	}
	for i < len(b) && b[i] == '"' {
		end, escaped, ok := quoted(b, i)
		if !ok {
			return i, false
		}
		key := literal{text, b[i+1 : end-1], escaped}
		if i = space(b, end); i >= len(b) || b[i] != ':' {
			return i, false
		}
		v, end, ok := value(b, space(b, i+1), depth+1)
		if !ok {
			return end, false
		}
		if visit != nil {
			visit(key, v)
		}
		if i = space(b, end); i >= len(b) {
			return i, false
		}
		if b[i] == '}' {
			return i + 1, true
		}
		if b[i] != ',' {
			return i, false
		}
		i = space(b, i+1)
	}
	return i, false
}

// elements does for lists what members does for objects.
func elements(b []byte, i, depth int, visit func(value literal)) (end int, ok bool) {
	if i = space(b, i+1); i < len(b) && b[i] == ']' {
		return i + 1, true
	}
	for {
		v, end, ok := value(b, i, depth+1)
		if !ok {
			return end, false
		}
		if visit != nil {
			visit(v)
		}
		if i = space(b, end); i >= len(b) {
			return i, false
		}
		if b[i] == ']' {
			return i + 1, true
		}
		if b[i] != ',' {
			return i, false
		}
		i = space(b, i+1)
	}
}

// each shows the members of an object; of anything else it shows none.
func (l literal) each(visit func(key string, value literal)) {
	if l.kind == object {
		members(l.raw, 0, 0, func(k, v literal) { visit(k.String(), v) })
	}
}

// items shows the elements of a list, or the values of an object: some lists become objects on their way.
func (l literal) items(visit func(value literal)) {
	switch l.kind {
	case list:
		elements(l.raw, 0, 0, visit)
	case object:
		members(l.raw, 0, 0, func(_, v literal) { visit(v) })
	}
}

// get is the object's member of that name; nothing when there is none.
func (l literal) get(name string) literal {
	var found literal
	if l.kind == object {
		members(l.raw, 0, 0, func(k, v literal) {
			if k.is(name) {
				found = v
			}
		})
	}
	return found
}
