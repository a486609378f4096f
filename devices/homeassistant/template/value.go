package template

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is the type of a Value.
type Kind uint8

// The kinds of values, named as in Python where Jinja comes from.
const (
	Undefined Kind = iota // a variable, key or index that does not exist
	None
	Bool
	Int
	Float
	String
	List
	Tuple
	Dict
	Namespace // what namespace() made: its members can be set

	absent // an argument that was not given
)

var kindNames = [...]string{"undefined", "None", "bool", "int", "float", "str", "list", "tuple", "dict", "namespace", "absent"}

// String is the kind's name as Python has it.
func (k Kind) String() string { return kindNames[k] }

// Value is one value that a template works with, and one node of a JSON document. The zero Value is undefined. A Value
// is never changed once it is made, so that goroutines may share it.
type Value struct {
	kind Kind
	num  uint64 // Bool: 0 or 1; Int: the int64; Float: its bits
	str  string // String: the text; Undefined: the name of what is missing
	box  *box   // List, Tuple, Dict
}

// box holds the elements of a list, tuple or dict. keys is as long as items in a dict and nil otherwise.
type box struct {
	items []Value
	keys  []Value
	index map[string]int // string keys of a large dict
	texts bool           // all keys are texts
	depth int            // how deep lists are nested that a template made
}

// indexed is the number of keys from which on a dict gets an index.
const indexed = 24

var (
	none      = Value{kind: None}
	trueValue = Value{kind: Bool, num: 1}
)

func boolean(b bool) Value {
	if b {
		return trueValue
	}
	return Value{kind: Bool}
}
func integer(i int64) Value     { return Value{kind: Int, num: uint64(i)} }
func floating(f float64) Value  { return Value{kind: Float, num: math.Float64bits(f)} }
func text(s string) Value       { return Value{kind: String, str: s} }
func missing(name string) Value { return Value{kind: Undefined, str: name} }
func list(items []Value) Value  { return Value{kind: List, box: &box{items: items}} }
func tuple(items []Value) Value { return Value{kind: Tuple, box: &box{items: items}} }

// Of makes a Value of a bool, int, int64, float64, string, Value or nil; anything else is undefined.
func Of(x any) Value {
	switch x := x.(type) {
	case nil:
		return none
	case bool:
		return boolean(x)
	case int:
		return integer(int64(x))
	case int64:
		return integer(x)
	case float64:
		return floating(x)
	case string:
		return text(x)
	case Value:
		return x
	}
	return Value{}
}

// Kind is the value's type.
func (v Value) Kind() Kind { return v.kind }

// Len is the number of elements of a list, tuple or dict; 0 for anything else.
func (v Value) Len() int {
	if v.box == nil {
		return 0
	}
	return len(v.box.items)
}

// Get is a dict's value under a text key; undefined when there is none or v is no dict.
func (v Value) Get(key string) Value {
	if v.kind != Dict && v.kind != Namespace {
		return missing(key)
	}
	if v.box.index != nil {
		if i, ok := v.box.index[key]; ok {
			return v.box.items[i]
		}
		return missing(key)
	}
	for i := range v.box.keys {
		if k := &v.box.keys[i]; k.kind == String && k.str == key {
			return v.box.items[i]
		}
	}
	return missing(key)
}

// Without is a dict that lacks a text key; v itself when it is no dict.
func (v Value) Without(key string) Value {
	if v.kind != Dict {
		return v
	}
	b := &box{keys: make([]Value, 0, v.Len()), items: make([]Value, 0, v.Len())}
	for i, k := range v.box.keys {
		if k.kind != String || k.str != key {
			b.keys, b.items = append(b.keys, k), append(b.items, v.box.items[i])
		}
	}
	return Value{kind: Dict, box: b}
}

// At is the i-th element of a list or tuple, or the i-th value of a dict; undefined out of range.
func (v Value) At(i int) Value {
	if i < 0 || i >= v.Len() {
		return missing(strconv.Itoa(i))
	}
	return v.box.items[i]
}

// Key is the i-th key of a dict as text; empty out of range.
func (v Value) Key(i int) string {
	if v.kind != Dict || i < 0 || i >= len(v.box.keys) {
		return ""
	}
	return v.box.keys[i].Text()
}

// Number is the value of an int or float, or of a text that spells a finite number; ok is false for anything else.
func (v Value) Number() (f float64, ok bool) {
	switch v.kind {
	case Int:
		return float64(int64(v.num)), true
	case Float:
		f = math.Float64frombits(v.num)
	case String:
		var err error
		if f, err = strconv.ParseFloat(strings.TrimSpace(v.str), 64); err != nil {
			return 0, false
		}
	default:
		return 0, false
	}
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// Truth is what an if makes of the value: false for undefined, None, zero, and what is empty.
func (v Value) Truth() bool {
	switch v.kind {
	case Undefined, None, absent:
		return false
	case Bool, Int:
		return v.num != 0
	case Float:
		return math.Float64frombits(v.num) != 0
	case String:
		return v.str != ""
	case Namespace:
		return true
	}
	return len(v.box.items) > 0
}

// Text is how a template prints the value: Python's spelling (True, None, 21.0), and nothing for undefined. What is
// longer than MaxOutput is cut.
func (v Value) Text() string {
	if v.kind == String {
		return v.str
	}
	p := printer{max: MaxOutput}
	p.str(v)
	return string(p.b)
}

// brief is the beginning of the value's text, for messages.
func brief(v Value) string {
	if v.kind == String {
		return v.str
	}
	p := printer{max: 40}
	p.str(v)
	return string(p.b)
}

// JSON is the value as compact JSON; ok is false when it holds something undefined or is longer than MaxOutput.
func (v Value) JSON() (s string, ok bool) {
	p := printer{max: MaxOutput}
	ok = p.json(v)
	return string(p.b), ok && !p.full
}

func (v Value) int() int64     { return int64(v.num) }
func (v Value) float() float64 { return math.Float64frombits(v.num) }

// numeric says whether v counts as a number in arithmetic, where a bool does.
func (v Value) numeric() bool { return v.kind == Int || v.kind == Float || v.kind == Bool }

// asFloat is the value of what is numeric.
func (v Value) asFloat() float64 {
	if v.kind == Float {
		return v.float()
	}
	return float64(v.int())
}

// lookup finds a key of any scalar kind in a dict; as in Python 1, 1.0 and True are one key.
func (v Value) lookup(key Value) (Value, bool) {
	if key.kind == String {
		got := v.Get(key.str)
		if got.kind != Undefined {
			return got, true
		}
		return got, false
	}
	for i := range v.box.keys {
		if v.box.texts {
			break
		}
		if scalarsEqual(v.box.keys[i], key) {
			return v.box.items[i], true
		}
	}
	return missing(brief(key)), false
}

func scalarsEqual(a, b Value) bool {
	if a.numeric() && b.numeric() {
		if a.kind != Float && b.kind != Float {
			return a.int() == b.int()
		}
		return a.asFloat() == b.asFloat()
	}
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case String:
		return a.str == b.str
	case None, Undefined:
		return true
	}
	return false
}

// set adds or replaces a key while the dict is being made.
func (b *box) set(key, v Value) {
	if b.index != nil && key.kind == String {
		if i, ok := b.index[key.str]; ok {
			b.items[i] = v
			return
		}
		b.index[key.str] = len(b.items)
	} else if len(b.keys) < indexed || key.kind != String {
		for i := range b.keys {
			if scalarsEqual(b.keys[i], key) {
				b.items[i] = v
				return
			}
		}
	}
	b.keys = append(b.keys, key)
	b.items = append(b.items, v)
	if b.index == nil && len(b.keys) == indexed {
		b.index = make(map[string]int, 2*indexed)
		for i := range b.keys {
			if b.keys[i].kind == String {
				b.index[b.keys[i].str] = i
			}
		}
	}
}

// printer writes values as Python prints them, up to max bytes.
type printer struct {
	b    []byte
	max  int
	full bool
}

func (p *printer) add(s string) {
	if p.full || len(p.b)+len(s) > p.max {
		p.full = true
		return
	}
	p.b = append(p.b, s...)
}

func (p *printer) str(v Value) {
	switch v.kind {
	case String:
		p.add(v.str)
	case Undefined, absent:
	case None:
		p.add("None")
	case Bool:
		if v.num != 0 {
			p.add("True")
		} else {
			p.add("False")
		}
	case Int:
		p.b = strconv.AppendInt(p.b, v.int(), 10)
	case Float:
		p.b = appendFloat(p.b, v.float())
	case List:
		p.sequence(v, "[", "]")
	case Tuple:
		if v.Len() == 1 {
			p.sequence(v, "(", ",)")
		} else {
			p.sequence(v, "(", ")")
		}
	case Namespace:
		p.add("<Namespace ")
		p.str(Value{kind: Dict, box: v.box})
		p.add(">")
	case Dict:
		p.add("{")
		for i := range v.box.items {
			if p.full {
				return
			}
			if i > 0 {
				p.add(", ")
			}
			p.repr(v.box.keys[i])
			p.add(": ")
			p.repr(v.box.items[i])
		}
		p.add("}")
	}
}

func (p *printer) sequence(v Value, open, end string) {
	p.add(open)
	for i := range v.box.items {
		if p.full {
			return
		}
		if i > 0 {
			p.add(", ")
		}
		p.repr(v.box.items[i])
	}
	p.add(end)
}

// repr is str with texts in quotes.
func (p *printer) repr(v Value) {
	switch v.kind {
	case Undefined:
		p.add("Undefined")
	case String:
		quote := byte('\'')
		if strings.IndexByte(v.str, '\'') >= 0 && strings.IndexByte(v.str, '"') < 0 {
			quote = '"'
		}
		p.add(string(quote))
		for _, r := range v.str {
			switch {
			case r == rune(quote) || r == '\\':
				p.add("\\" + string(r))
			case r == '\n':
				p.add("\\n")
			case r == '\r':
				p.add("\\r")
			case r == '\t':
				p.add("\\t")
			case r < ' ' || r == 0x7f:
				p.add("\\x" + string("0123456789abcdef"[r>>4]) + string("0123456789abcdef"[r&15]))
			default:
				p.add(string(r))
			}
		}
		p.add(string(quote))
	default:
		p.str(v)
	}
}

// json writes compact JSON and says whether that is possible.
func (p *printer) json(v Value) bool {
	switch v.kind {
	case Undefined, Namespace, absent:
		return false
	case None:
		p.add("null")
	case Bool:
		p.add(strconv.FormatBool(v.num != 0))
	case Float:
		if f := v.float(); math.IsNaN(f) || math.IsInf(f, 0) {
			p.add("null")
			return true
		}
		p.str(v)
	case String:
		p.quoteJSON(v.str)
	case List, Tuple:
		p.add("[")
		for i := range v.box.items {
			if i > 0 {
				p.add(",")
			}
			if p.full || !p.json(v.box.items[i]) {
				return false
			}
		}
		p.add("]")
	case Dict:
		p.add("{")
		for i := range v.box.items {
			if i > 0 {
				p.add(",")
			}
			if v.box.keys[i].kind == Undefined {
				return false
			}
			p.quoteJSON(v.box.keys[i].Text())
			p.add(":")
			if p.full || !p.json(v.box.items[i]) {
				return false
			}
		}
		p.add("}")
	default:
		p.str(v)
	}
	return true
}

func (p *printer) quoteJSON(s string) {
	p.add(`"`)
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		p.add(s[start:i])
		start = i + 1
		switch c {
		case '"', '\\':
			p.add("\\" + string(rune(c)))
		case '\n':
			p.add(`\n`)
		case '\r':
			p.add(`\r`)
		case '\t':
			p.add(`\t`)
		default:
			p.add(`\u00` + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
		}
	}
	p.add(s[start:])
	p.add(`"`)
}

// appendFloat spells a float as Python's repr does: the shortest digits that say it, with ".0" for a whole number, and
// with an exponent from 1e16 on and below 0.0001.
func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 0):
		if f < 0 {
			b = append(b, '-')
		}
		return append(b, "inf"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	for _, c := range b[start:] {
		if c == '.' {
			return b
		}
	}
	return append(b, ".0"...)
}

// runes is the number of characters, as Python counts a text's length.
func runes(s string) int { return utf8.RuneCountInString(s) }
