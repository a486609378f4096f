// Package template evaluates the value templates and command templates of Home Assistant's MQTT discovery: a subset of
// Jinja, with Python's spelling of numbers, bools and None, compiled to closures.
//
// Templates come from whoever may publish, so nothing in one can reach a file, a host or a clock but now(), loop, grow
// without bound, or panic: there is no include, import, macro, for or filter block, and source, depth, steps and output
// are limited. devices/homeassistant compiles a template once for all announcements that have it (see Cache) and renders it for each message.
//
// What there is: texts with escapes, numbers, lists, tuples, dicts; paths (a.b, a['b'], a[0], a.0, slices); arithmetic,
// ~, comparisons (chained), in, and, or, not, inline if; tests (is defined, …); filters and methods with arguments; if,
// elif, else, set, raw, comments and {%- -%}.
package template

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// The limits of one template. Whatever an operation does is paid for in steps beforehand: one for itself, one for each 64 bytes
// that it allocates or looks through, and more where it costs more. So the number of steps bounds the memory of an evaluation to
// 1 MiB, all that it ever allocated counted together, and its time to less than a millisecond.
const (
	MaxSource = 16 << 10  // bytes of source
	MaxOutput = 256 << 10 // bytes of output, and of any text on the way there
	maxSteps  = 16_000    // one step is 64 bytes at most, and some 50 ns
	maxTokens = 2000      // words, numbers and signs of a source
	maxNested = 48        // brackets and blocks within each other
	maxItems  = 4096      // elements of a list that a template makes
)

// ErrMissing is wrapped by the errors of Render and Eval that come from a value which is not there: a key of something
// undefined, or an undefined value passed to is_defined or to arithmetic. That is how many templates say "not in this
// message"; other errors look like mistakes.
var ErrMissing = errors.New("a value is missing")

// Template is a compiled template. It is never changed, so that goroutines may share it.
type Template struct {
	source string
	slots  int       // variables that set makes
	body   []node    // what is written one after the other
	only   *expr     // the one expression of a template that is nothing else
	path   *pathExpr // the same if it is a path into the document
}

// node writes a part of the output.
type node func(*frame) error

// Context is what a template is evaluated with.
type Context struct {
	// Document is the message: value is its text, value_json its value if it is JSON. It may be nil.
	Document *Document
	// Vars are further variables, as for command templates. They hide the document's.
	Vars map[string]Value
	// Now is what now() returns, in its location; zero takes the clock's.
	Now time.Time
}

// frame is one evaluation.
type frame struct {
	Context
	slots []Value // absent until set
	stack []Value // the arguments of operations that are being worked out
	out   []byte
	steps int  // left
	leave jump // what ends the pass of a loop
}

var frames = sync.Pool{New: func() any { return new(frame) }}

// free gives a frame back, without what it holds of a payload.
func (f *frame) free() {
	f.Context, f.leave = Context{}, 0
	clear(f.slots)
	clear(f.stack[:cap(f.stack)])
	if cap(f.out) > 4096 {
		f.out = nil
	}
	if cap(f.stack) <= 64 && cap(f.slots) <= 64 {
		frames.Put(f)
	}
}

// Compile reads a template. An error says at which byte it is wrong, or what is not supported.
func Compile(source string) (*Template, error) {
	if len(source) > MaxSource {
		return nil, fmt.Errorf("compiling template: %d bytes are more than %d", len(source), MaxSource)
	}
	if !utf8.ValidString(source) {
		return nil, errors.New("compiling template: it is not valid UTF-8")
	}
	source, raw := cutRaw(source)
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := parser{tokens: tokens, scope: &scope{}, raw: raw}
	t := &Template{source: source}
	if err := p.template(t); err != nil {
		return nil, err
	}
	t.slots = p.slots
	return t, nil
}

// Source is the template's text.
func (t *Template) Source() string { return t.source }

// Render evaluates the template and returns its output without the white space around it. The error wraps ErrMissing when a
// value is not there; nothing that a payload holds makes it panic.
func (t *Template) Render(c Context) (string, error) {
	v, err := t.Eval(c)
	if err != nil {
		return "", err
	}
	s := v.Text()
	if v.kind != String && len(s) >= MaxOutput {
		return "", errTooLong
	}
	return strings.TrimSpace(s), nil
}

// Eval is Render that spares a template of one single expression the detour by text: it returns the expression's own
// value, a number for {{ value_json.temperature }}, whose Text is what Render returns.
func (t *Template) Eval(c Context) (Value, error) {
	if t.path != nil && c.Vars == nil {
		v, err := t.path.walk(&c)
		v.str = strings.TrimSpace(v.str)
		return v, err
	}
	return t.evaluate(c)
}

func (t *Template) evaluate(c Context) (Value, error) {
	f := frames.Get().(*frame)
	defer f.free()
	return t.run(f, c, maxSteps)
}

func (t *Template) run(f *frame, c Context, steps int) (Value, error) {
	f.Context, f.steps, f.out, f.stack = c, steps, f.out[:0], f.stack[:0]
	if f.slots = f.slots[:0]; t.slots > 0 {
		if err := f.charge(sizeOfValue * t.slots); err != nil {
			return Value{}, err
		}
		f.slots = append(f.slots, make([]Value, t.slots)...)
		for i := range f.slots {
			f.slots[i].kind = absent
		}
	}
	if t.only != nil {
		v, err := t.only.eval(f)
		if v.kind == String {
			v.str = strings.TrimSpace(v.str)
		}
		return v, err
	}
	if err := f.write(t.body); err != nil {
		return Value{}, err
	}
	out := strings.TrimSpace(string(f.out))
	return text(out), f.charge(len(out))
}

// write runs the parts of a body one after the other.
func (f *frame) write(body []node) error {
	for _, n := range body {
		if err := n(f); err != nil || f.leave != 0 {
			return err
		}
	}
	return nil
}

var (
	errTooLong = fmt.Errorf("rendering template: a text or list is longer than %d", MaxOutput)
	errWork    = fmt.Errorf("rendering template: more than %d steps", maxSteps)
)

// sizeOfValue is the memory of a Value in a list, with what its list needs for itself.
const sizeOfValue = 48

// charge counts work; n is the number of bytes handled.
func (f *frame) charge(n int) error {
	f.steps -= 1 + n/64
	if f.steps < 0 {
		return errWork
	}
	return nil
}

// add appends to the output, and pays for the memory that it takes.
func (f *frame) add(s string) error {
	if len(f.out)+len(s) > MaxOutput {
		return errTooLong
	}
	before := cap(f.out)
	if len(f.out)+len(s) > before {
		if err := f.charge(2*before + len(s) + 64); err != nil { // append doubles what is small
			return err
		}
	}
	f.out = append(f.out, s...)
	return f.charge(0)
}

// print appends a value to the output.
func (f *frame) print(v Value) error {
	if v.kind == String {
		return f.add(v.str)
	}
	if v.kind == Undefined {
		return f.charge(0)
	}
	var room [32]byte
	if v.box == nil {
		p := printer{b: room[:0], max: MaxOutput}
		p.str(v)
		return f.add(string(p.b))
	}
	s, err := f.spell(v)
	if err != nil {
		return err
	}
	return f.add(s)
}

// spell is the value as text.
func (f *frame) spell(v Value) (string, error) {
	if v.kind == String {
		return v.str, nil
	}
	return f.printed(func(p *printer) bool { p.str(v); return true })
}

// printed is what is written with a printer, which writes no more than can be paid for: a buffer that grows by a quarter each
// time takes five times its length, the text once more, and elements of a few bytes their time.
func (f *frame) printed(write func(p *printer) bool) (string, error) {
	p := printer{max: min(MaxOutput, max(f.steps, 0)*64/16)}
	ok := write(&p)
	if err := f.charge(16 * len(p.b)); err != nil {
		return "", err
	}
	switch {
	case p.full && p.max < MaxOutput:
		return "", errWork
	case p.full:
		return "", errTooLong
	case !ok:
		return "", absence("a part of what becomes JSON")
	}
	return string(p.b), nil
}

func mistake(format string, args ...any) error {
	return fmt.Errorf("rendering template: "+format, args...)
}

func absence(what string) error {
	return fmt.Errorf("rendering template: %w: %.60s is undefined", ErrMissing, what)
}

// cutRaw takes the insides of {% raw %} blocks out of a source and leaves {% raw n %} tags in their place, n being the
// index in the second result.
func cutRaw(source string) (string, []string) {
	if !strings.Contains(source, "endraw") {
		return source, nil
	}
	var out strings.Builder
	var raw []string
	for {
		begin, after, trim := findTag(source, "raw")
		if begin < 0 {
			break
		}
		end, rest, _ := findTag(source[after:], "endraw")
		if end < 0 {
			break
		}
		inside := source[after : after+end]
		if trim {
			inside = strings.TrimLeft(inside, " \t\r\n")
		}
		fmt.Fprintf(&out, "%s{%% raw %d %%}", source[:begin], len(raw))
		raw = append(raw, inside)
		source = source[after+rest:]
	}
	out.WriteString(source)
	return out.String(), raw
}

// findTag finds the first block tag of that name and nothing else in it: where it begins and ends.
func findTag(s, name string) (begin, after int, trim bool) {
	for from := 0; ; {
		i := strings.Index(s[from:], "{%")
		if i < 0 {
			return -1, -1, false
		}
		i += from
		inside, _, closed := strings.Cut(s[i+2:], "%}")
		if !closed {
			return -1, -1, false
		}
		trim = strings.HasSuffix(inside, "-")
		if strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(inside, "-"), "-")) == name {
			return i, i + 2 + len(inside) + 2, trim
		}
		from = i + 2
	}
}
