package shelly

import (
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"strings"
)

const (
	maxDepth   = 24     // of nested objects and lists
	maxNodes   = 20_000 // values of one document
	maxPayload = 256 << 10
)

var errJSON = errors.New("it is not valid JSON")

// form is the type of a JSON value.
type form byte

const (
	missing form = iota
	null
	boolean
	number
	text
	object
	list
)

// document is a JSON text that was read once, as a list of its values in the order in which they begin. It is not changed
// any more.
type document struct {
	src   string
	nodes []node
}

type node struct {
	key        string
	start, end int32 // in src; of a text without its quotes
	next       int32 // the first node that is not inside this one
	form       form
	escaped    bool // a text with backslashes
	num        float64
}

// val is one value of a document; the zero val is missing.
type val struct {
	doc *document
	at  int32
}

// readJSON reads a whole document.
func readJSON(payload []byte) (*document, error) {
	d := &document{}
	if err := d.read(payload); err != nil {
		return nil, err
	}
	return d, nil
}

// read reads a whole document into the memory of this one.
func (d *document) read(payload []byte) error {
	if len(payload) > maxPayload {
		return errors.New("it is too long")
	}
	d.src = string(payload)
	if n := min(len(payload)/12+4, 512); n > cap(d.nodes) {
		d.nodes = make([]node, 0, n)
	}
	d.nodes = d.nodes[:0]
	r := reader{document: d}
	r.space()
	if !r.value("", 0) {
		return errJSON
	}
	if r.space(); r.pos != len(r.src) {
		return errJSON
	}
	return nil
}

func (d *document) root() val {
	if d == nil {
		return val{}
	}
	return val{d, 0}
}

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
	if r.pos >= len(r.src) || depth > maxDepth || len(r.nodes) >= maxNodes {
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
		n.form = text
		n.start++
		if n.escaped, ok = r.quoted(); !ok {
			return false
		}
		n.end, n.next = int32(r.pos-1), int32(i+1)
		return true
	case c == '-' || c >= '0' && c <= '9':
		ok = r.digits(&r.nodes[i])
	case strings.HasPrefix(r.src[r.pos:], "true"):
		r.nodes[i].form, r.nodes[i].num, ok = boolean, 1, true
		r.pos += 4
	case strings.HasPrefix(r.src[r.pos:], "false"):
		r.nodes[i].form, ok = boolean, true
		r.pos += 5
	case strings.HasPrefix(r.src[r.pos:], "null"):
		r.nodes[i].form, ok = null, true
		r.pos += 4
	}
	r.nodes[i].end, r.nodes[i].next = int32(r.pos), int32(len(r.nodes))
	return ok
}

func (r *reader) members(i, depth int) bool {
	r.nodes[i].form = object
	for r.pos++; ; r.pos++ {
		r.space()
		if r.pos >= len(r.src) {
			return false
		}
		if r.src[r.pos] == '}' && len(r.nodes) == i+1 {
			r.pos++
			return true
		}
		if r.src[r.pos] != '"' {
			return false
		}
		start := r.pos
		escaped, ok := r.quoted()
		if !ok {
			return false
		}
		key := r.src[start+1 : r.pos-1]
		if escaped {
			key = unescape(r.src[start:r.pos])
		}
		r.space()
		if r.pos >= len(r.src) || r.src[r.pos] != ':' {
			return false
		}
		r.pos++
		r.space()
		if !r.value(key, depth+1) {
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

func (r *reader) items(i, depth int) bool {
	r.nodes[i].form = list
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
			r.pos++
		case c < ' ':
			return escaped, false
		}
	}
	return escaped, false
}

func (r *reader) digits(n *node) bool {
	start := r.pos
	for r.pos < len(r.src) && strings.IndexByte("+-.eE0123456789", r.src[r.pos]) >= 0 {
		r.pos++
	}
	f, err := strconv.ParseFloat(r.src[start:r.pos], 64)
	n.form, n.num = number, f
	return err == nil
}

func unescape(quoted string) string {
	var s string
	if json.Unmarshal([]byte(quoted), &s) != nil {
		return ""
	}
	return s
}

func (v val) node() *node {
	if v.doc == nil {
		return &node{}
	}
	return &v.doc.nodes[v.at]
}

func (v val) form() form {
	if v.doc == nil {
		return missing
	}
	return v.doc.nodes[v.at].form
}

// is says whether there is a value that is not null.
func (v val) is() bool { return v.form() > null }

// key is the name of a member of an object.
func (v val) key() string { return v.node().key }

// get is a member of an object; missing when it is none or there is none of the name.
func (v val) get(key string) val {
	if v.form() != object {
		return val{}
	}
	nodes := v.doc.nodes
	for i := v.at + 1; i < nodes[v.at].next; i = nodes[i].next {
		if nodes[i].key == key {
			return val{v.doc, i}
		}
	}
	return val{}
}

// children are the members of an object or the items of a list.
func (v val) children() iter.Seq[val] {
	return func(yield func(val) bool) {
		if f := v.form(); f != object && f != list {
			return
		}
		nodes := v.doc.nodes
		for i := v.at + 1; i < nodes[v.at].next; i = nodes[i].next {
			if !yield(val{v.doc, i}) {
				return
			}
		}
	}
}

// text is the value of a text; empty for anything else.
func (v val) text() string {
	if v.form() != text {
		return ""
	}
	n := v.node()
	if n.escaped {
		return unescape(v.doc.src[n.start-1 : n.end+1])
	}
	return v.doc.src[n.start:n.end]
}

// number is the value of a number.
func (v val) number() (float64, bool) {
	if v.form() != number {
		return 0, false
	}
	return v.node().num, true
}

// whole is the value of a number that is an integer of 0 to 65535.
func (v val) whole() (int, bool) {
	f, ok := v.number()
	if !ok || f < 0 || f > 65535 || f != float64(int(f)) {
		return 0, false
	}
	return int(f), true
}

// truth is the value of a boolean.
func (v val) truth() (value, ok bool) {
	return v.form() == boolean && v.node().num != 0, v.form() == boolean
}

// raw is the value as it was written, for people.
func (v val) raw() string {
	if v.doc == nil {
		return "nothing"
	}
	n := v.node()
	s := v.doc.src[n.start:n.end]
	if n.form == text {
		return strconv.Quote(short(s, 60))
	}
	return short(s, 60)
}

// short copies a text, so that the message that it came in is not kept in memory, and cuts it if it is too long.
func short(s string, n int) string {
	if len(s) <= n {
		return strings.ToValidUTF8(strings.Clone(s), "?")
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
