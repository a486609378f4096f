// Package template evaluates the value templates and command templates of Home Assistant's MQTT discovery: a subset of
// Jinja, with Python's spelling of numbers, bools and None, compiled to closures.
//
// Templates come from whoever may publish, so nothing in one can reach a file, a host or a clock but now(), loop, grow
// without bound, or panic: there is no include, import, macro, for or filter block, and source, depth, steps and output
// are limited. devices/homeassistant compiles a template once for each announcement and renders it for each message.
//
// What there is: texts with escapes, numbers, lists, tuples, dicts; paths (a.b, a['b'], a[0], a.0, slices); arithmetic,
// ~, comparisons (chained), in, and, or, not, inline if; tests (is defined, …); filters and methods with arguments; if,
// elif, else, set, raw, comments and {%- -%}.
package template

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of one template.
const (
	MaxSource = 16 << 10 // bytes of source
	MaxOutput = 64 << 10 // bytes of output, and of any text or list on the way there
	maxSteps  = 20_000   // operations; handling 64 bytes or one element counts as one
	maxNested = 48       // brackets and blocks within each other
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
	*Context
	slots []Value // absent until set
	out   []byte
	steps int
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
	p := parser{tokens: tokens, slots: map[string]int{}, raw: raw}
	t := &Template{source: source}
	if err := p.template(t); err != nil {
		return nil, err
	}
	t.slots = len(p.slots)
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
	f := frame{Context: &c, steps: maxSteps}
	if t.slots > 0 {
		f.slots = make([]Value, t.slots)
		for i := range f.slots {
			f.slots[i].kind = absent
		}
	}
	if t.only != nil {
		v, err := t.only.eval(&f)
		if v.kind == String {
			v.str = strings.TrimSpace(v.str)
		}
		return v, err
	}
	for _, n := range t.body {
		if err := n(&f); err != nil {
			return Value{}, err
		}
	}
	return text(strings.TrimSpace(string(f.out))), nil
}

var (
	errTooLong = fmt.Errorf("rendering template: a text or list is longer than %d", MaxOutput)
	errWork    = fmt.Errorf("rendering template: more than %d steps", maxSteps)
)

// charge counts work; n is the number of bytes handled.
func (f *frame) charge(n int) error {
	f.steps -= 1 + n/64
	if f.steps < 0 {
		return errWork
	}
	return nil
}

// print appends a value to the output.
func (f *frame) print(v Value) error {
	p := printer{b: f.out, max: MaxOutput}
	p.str(v)
	grown := len(p.b) - len(f.out)
	f.out = p.b
	if p.full || len(f.out) > MaxOutput {
		return errTooLong
	}
	return f.charge(grown)
}

// spell is the value as text.
func (f *frame) spell(v Value) (string, error) {
	if v.kind == String {
		return v.str, nil
	}
	p := printer{max: MaxOutput}
	p.str(v)
	if p.full {
		return "", errTooLong
	}
	return string(p.b), f.charge(len(p.b))
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
		j := strings.Index(s[i:], "%}")
		if j < 0 {
			return -1, -1, false
		}
		j += i
		inside := s[i+2 : j]
		trim = strings.HasSuffix(inside, "-")
		if strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(inside, "-"), "-")) == name {
			return i, j + 2, trim
		}
		from = i + 2
	}
}
