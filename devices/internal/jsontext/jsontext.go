// Package jsontext reads the JSON that devices publish: once, as a list of the values in a text, from which any of them can be
// looked up without reading again and without a map for each object.
//
// The conventions below devices call it on every message, in the publisher's goroutine. It keeps to RFC 8259 but for two
// leniences: of two members with the same name the first counts, and a text may hold bytes that are no UTF-8. It never panics, and the
// size, depth and number of values of what it reads are bounded.
package jsontext

import (
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of what is read, unless ReadUpTo is given another size.
const (
	MaxSize  = 256 << 10 // bytes
	maxDepth = 32        // of objects and lists in each other
	perValue = 2         // bytes that the shortest value of a list takes
)

// Errors of Read, worded so that they complete "the payload was not understood: ".
var (
	ErrInvalid = errors.New("expected JSON, got something else")
	ErrTooLong = errors.New("expected JSON of a size that devices send, got more")
)

// Kind is the type of a JSON value.
type Kind byte

// The kinds. Missing is a value that is not there.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	Text
	Object
	List
)

// Value is one value of a text that was read; the zero Value is missing. It stays valid, and is never changed.
type Value struct {
	doc *document
	at  int32
}

// document is a text as a list of its values in the order in which they begin.
type document struct {
	src   string
	nodes []node
}

type node struct {
	key        string
	start, end int32 // in src; of a text without its quotes
	next       int32 // the first node that is not inside this one
	kind       Kind
	escaped    bool // a text with backslashes
	num        float64
}

// Read reads a whole payload of at most MaxSize bytes. The error is ErrInvalid or ErrTooLong.
func Read(payload []byte) (Value, error) { return ReadUpTo(payload, MaxSize) }

// ReadUpTo is Read for payloads of at most size bytes.
func ReadUpTo(payload []byte, size int) (Value, error) { return new(Buffer).ReadUpTo(payload, size) }

// Buffer is memory to read into again and again, where that is done for every message. The zero Buffer is ready.
type Buffer struct{ doc document }

// ReadUpTo is ReadUpTo into the buffer's memory: values that were read into it before are no longer valid. Their texts are.
func (b *Buffer) ReadUpTo(payload []byte, size int) (Value, error) {
	if len(payload) > size {
		return Value{}, ErrTooLong
	}
	d := &b.doc
	d.src = string(payload)
	if n := min(len(payload)/12+4, 512); n > cap(d.nodes) {
		d.nodes = make([]node, 0, n)
	}
	d.nodes = d.nodes[:0]
	r := reader{document: d}
	r.space()
	if !r.value("", 0) {
		return Value{}, ErrInvalid
	}
	if r.space(); r.pos != len(r.src) {
		return Value{}, ErrInvalid
	}
	return Value{d, 0}, nil
}

// Reset lets go of the text that was read last, and says how many values there is memory for.
func (b *Buffer) Reset() int {
	clear(b.doc.nodes[:cap(b.doc.nodes)])
	b.doc.src = ""
	return cap(b.doc.nodes)
}

// Plain reads a payload that is JSON, or else takes it for a text: devices that publish one value a topic leave out the quotes. An
// empty payload is missing.
func Plain(payload []byte) Value {
	if len(payload) == 0 {
		return Value{}
	}
	if v, err := Read(payload); err == nil {
		return v
	}
	s := string(payload[:min(len(payload), MaxSize)])
	return Value{&document{src: s, nodes: []node{{end: int32(len(s)), next: 1, kind: Text}}}, 0}
}

func (v Value) node() *node {
	if v.doc == nil {
		return &node{}
	}
	return &v.doc.nodes[v.at]
}

// Kind is the value's type.
func (v Value) Kind() Kind {
	if v.doc == nil {
		return Missing
	}
	return v.doc.nodes[v.at].kind
}

// Is says whether there is a value that is not null.
func (v Value) Is() bool { return v.Kind() > Null }

// Key is the name of a member of an object; empty for any other value.
func (v Value) Key() string { return v.node().key }

// Get is a member of an object; missing when there is none of the name, or v is no object.
func (v Value) Get(key string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	nodes := v.doc.nodes
	for i := v.at + 1; i < nodes[v.at].next; i = nodes[i].next {
		if nodes[i].key == key {
			return Value{v.doc, i}
		}
	}
	return Value{}
}

// At is Get along a path.
func (v Value) At(path ...string) Value {
	for _, key := range path {
		v = v.Get(key)
	}
	return v
}

// Children are the members of an object or the items of a list; none for any other value.
func (v Value) Children() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if k := v.Kind(); k != Object && k != List {
			return
		}
		nodes := v.doc.nodes
		for i := v.at + 1; i < nodes[v.at].next; i = nodes[i].next {
			if !yield(Value{v.doc, i}) {
				return
			}
		}
	}
}

// Text is the value of a text; empty for any other value. It may share memory with the whole text: what is kept is cloned, see Clip.
func (v Value) Text() string {
	if v.Kind() != Text {
		return ""
	}
	n := v.node()
	if n.escaped {
		return unescape(v.doc.src[n.start-1 : n.end+1])
	}
	return v.doc.src[n.start:n.end]
}

// Number is the value of a number.
func (v Value) Number() (float64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	return v.node().num, true
}

// Numeric is the value of a number, of a text that spells one, or of a truth as 0 or 1. It is never infinite nor NaN.
func (v Value) Numeric() (float64, bool) {
	switch v.Kind() {
	case Number, Bool:
		return v.node().num, true
	case Text:
		f, err := strconv.ParseFloat(strings.TrimSpace(v.Text()), 64)
		return f, err == nil && f-f == 0
	}
	return 0, false
}

// Whole is the value of a number that is an integer from 0 to most.
func (v Value) Whole(most int) (int, bool) {
	f, ok := v.Number()
	if !ok || !(f >= 0 && f <= float64(most)) || f != float64(int(f)) {
		return 0, false
	}
	return int(f), true
}

// Bool is the value of a truth.
func (v Value) Bool() (value, ok bool) {
	return v.Kind() == Bool && v.node().num != 0, v.Kind() == Bool
}

// JSON is the value as it was written.
func (v Value) JSON() string {
	if v.doc == nil {
		return "null"
	}
	n := v.node()
	if n.kind != Text {
		return v.doc.src[n.start:n.end]
	}
	if v.at == 0 && n.start == 0 { // a plain text has no quotes
		return Quote(v.doc.src)
	}
	return v.doc.src[n.start-1 : n.end+1]
}

// Said is the value as people are shown it in a fault: as it was written, shortened; "nothing" if it is missing.
func (v Value) Said() string {
	if v.doc == nil {
		return "nothing"
	}
	n := v.node()
	s := v.doc.src[n.start:n.end]
	if n.kind == Text {
		return strconv.Quote(Clip(s, 60))
	}
	return Clip(s, 60)
}

func unescape(quoted string) string {
	s, _, _ := TextAt(quoted, 0)
	return s
}

// Quote writes a text as JSON.
func Quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// Clip copies a text, so that the message that it came in is not kept in memory, makes it valid UTF-8, and cuts it behind at most n
// bytes, which an ellipsis then shows.
func Clip(s string, n int) string {
	if len(s) <= n {
		return strings.ToValidUTF8(strings.Clone(s), "?")
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.ToValidUTF8(s[:n], "?") + "…"
}
