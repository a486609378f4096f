package jsontext

import (
	"strconv"
	"strings"
)

// reader goes through a text once and notes its values.
type reader struct {
	*document
	pos int
}

func (r *reader) space() {
	for r.pos < len(r.src) {
		switch r.src[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// value reads one value and says whether it could.
func (r *reader) value(key string, depth int) bool {
	if r.pos >= len(r.src) || depth > maxDepth || len(r.nodes) > len(r.src)/perValue+1 {
		return false
	}
	i := len(r.nodes)
	r.nodes = append(r.nodes, node{key: key, start: int32(r.pos)})
	ok := false
	switch c := r.src[r.pos]; {
	case c == '{':
		ok = r.members(i, depth)
	case c == '[':
		ok = r.items(i, depth)
	case c == '"':
		n := &r.nodes[i]
		n.kind = Text
		n.start++
		if n.escaped, ok = r.quoted(); !ok {
			return false
		}
		n.end, n.next = int32(r.pos-1), int32(i+1)
		return true
	case c == '-' || c >= '0' && c <= '9':
		ok = r.number(&r.nodes[i])
	case c == 't':
		ok = r.word(&r.nodes[i], "true", Bool, 1)
	case c == 'f':
		ok = r.word(&r.nodes[i], "false", Bool, 0)
	case c == 'n':
		ok = r.word(&r.nodes[i], "null", Null, 0)
	}
	r.nodes[i].end, r.nodes[i].next = int32(r.pos), int32(len(r.nodes))
	return ok
}

func (r *reader) word(n *node, word string, k Kind, num float64) bool {
	if !strings.HasPrefix(r.src[r.pos:], word) {
		return false
	}
	r.pos += len(word)
	n.kind, n.num = k, num
	return true
}

func (r *reader) members(i, depth int) bool {
	r.nodes[i].kind = Object
	for r.pos++; ; r.pos++ {
		r.space()
		if r.pos >= len(r.src) {
			return false
		}
		if r.src[r.pos] == '}' && len(r.nodes) == i+1 {
			r.pos++
			return true
		}
		key, ok := r.key()
		if !ok || !r.value(key, depth+1) {
			return false
		}
		r.space()
		if r.pos >= len(r.src) {
			return false
		}
		if r.src[r.pos] == '}' {
			r.pos++
			return true
		}
		if r.src[r.pos] != ',' {
			return false
		}
	}
}

// key reads a member's name and the colon behind it.
func (r *reader) key() (key string, ok bool) {
	if r.src[r.pos] != '"' {
		return "", false
	}
	start := r.pos
	escaped, ok := r.quoted()
	if !ok {
		return "", false
	}
	key = r.src[start+1 : r.pos-1]
	if escaped {
		key = unescape(r.src[start:r.pos])
	}
	r.space()
	if r.pos >= len(r.src) || r.src[r.pos] != ':' {
		return "", false
	}
	r.pos++
	r.space()
	return key, true
}

func (r *reader) items(i, depth int) bool {
	r.nodes[i].kind = List
	for r.pos++; ; r.pos++ {
		r.space()
		if r.pos < len(r.src) && r.src[r.pos] == ']' && len(r.nodes) == i+1 {
			r.pos++
			return true
		}
		if !r.value("", depth+1) {
			return false
		}
		r.space()
		if r.pos >= len(r.src) {
			return false
		}
		if r.src[r.pos] == ']' {
			r.pos++
			return true
		}
		if r.src[r.pos] != ',' {
			return false
		}
	}
}

// quoted goes to the end of a text that begins here.
func (r *reader) quoted() (escaped, ok bool) {
	for r.pos++; r.pos < len(r.src); r.pos++ {
		switch c := r.src[r.pos]; {
		case c == '"':
			r.pos++
			return escaped, true
		case c == '\\':
			escaped = true
			if r.pos++; r.pos >= len(r.src) || !r.escape() {
				return true, false
			}
		case c < ' ':
			return escaped, false
		}
	}
	return escaped, false
}

// escape goes to the last byte of what follows a backslash.
func (r *reader) escape() bool {
	switch r.src[r.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if r.pos++; r.pos >= len(r.src) || !hexadecimal(r.src[r.pos]) {
				return false
			}
		}
		return true
	}
	return false
}

func hexadecimal(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// digits goes behind a run of digits and says whether there was one.
func (r *reader) digits() bool {
	from := r.pos
	for r.pos < len(r.src) && r.src[r.pos] >= '0' && r.src[r.pos] <= '9' {
		r.pos++
	}
	return r.pos > from
}

func (r *reader) number(n *node) bool {
	start := r.pos
	if r.src[r.pos] == '-' {
		r.pos++
	}
	if r.pos < len(r.src) && r.src[r.pos] == '0' {
		r.pos++
	} else if !r.digits() {
		return false
	}
	if r.pos < len(r.src) && r.src[r.pos] == '.' {
		if r.pos++; !r.digits() {
			return false
		}
	}
	if r.pos < len(r.src) && (r.src[r.pos] == 'e' || r.src[r.pos] == 'E') {
		if r.pos++; r.pos < len(r.src) && (r.src[r.pos] == '+' || r.src[r.pos] == '-') {
			r.pos++
		}
		if !r.digits() {
			return false
		}
	}
	f, err := strconv.ParseFloat(r.src[start:r.pos], 64)
	n.kind, n.num = Number, f
	return err == nil
}
