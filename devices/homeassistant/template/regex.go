package template

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// The limits of a regular expression. Go's run in time linear to the text times their size, whatever they hold; but a short
// pattern may be large: a{1000} is a thousand instructions, and to fold the case of a range of letters takes a while for each.
const (
	maxPattern      = 256 // bytes
	maxInstructions = 1000
	maxPatterns     = 256 // compiled ones that are kept
)

// pattern is a compiled regular expression with its size.
type pattern struct {
	*regexp.Regexp
	size int // instructions
}

// patterns keeps what was compiled lately: templates use the same few patterns for each message.
var patterns = struct {
	sync.Mutex
	known map[string]*pattern
}{known: map[string]*pattern{}}

// pattern compiles a regular expression. It costs the same whether or not it is known already.
func (f *frame) pattern(find, ignoreCase Value) (*pattern, error) {
	s := ""
	if find.kind != absent {
		var err error
		if s, err = f.spell(find); err != nil {
			return nil, err
		}
	}
	if ignoreCase.Truth() {
		s = "(?i)" + s
	}
	if len(s) > maxPattern {
		return nil, mistake("a regular expression of more than %d bytes", maxPattern)
	}
	if err := f.charge(1024 + 64*len(s)); err != nil {
		return nil, err
	}
	patterns.Lock()
	known := patterns.known[s]
	patterns.Unlock()
	if known != nil {
		return known, f.charge(256 * known.size)
	}
	p, err := f.compile(s)
	if err != nil {
		return nil, err
	}
	patterns.Lock()
	defer patterns.Unlock()
	if len(patterns.known) >= maxPatterns {
		clear(patterns.known)
	}
	patterns.known[strings.Clone(s)] = p
	return p, nil
}

func (f *frame) compile(s string) (*pattern, error) {
	if strings.Contains(s, `\p`) || strings.Contains(s, `\P`) {
		return nil, mistake("a regular expression with classes of Unicode")
	}
	if strings.Contains(s, "(?") && strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) || strings.Contains(s, `\x{`) {
		return nil, mistake("a regular expression with options and letters beyond ASCII")
	}
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, mistake("%w", err)
	}
	size := instructions(tree)
	if size > maxInstructions {
		return nil, mistake("a regular expression that is too large")
	}
	if err := f.charge(256 * size); err != nil {
		return nil, err
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, mistake("%w", err)
	}
	return &pattern{re, size}, nil
}

// instructions is how large the program for a pattern gets, at most.
func instructions(re *syntax.Regexp) int {
	n := 2
	switch re.Op {
	case syntax.OpLiteral:
		n += len(re.Rune)
	case syntax.OpCharClass:
		n += len(re.Rune) / 8
	}
	for _, sub := range re.Sub {
		if n += instructions(sub); n > 1<<20 {
			return n
		}
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1) + 1
	}
	return n
}

// search pays for looking through a text n times at most, of which each match may cost a clean slate, and says how many matches
// there may be.
func (f *frame) search(p *pattern, s string, n int) (int, error) {
	if err := f.charge(16 * p.size * (len(s) + 1)); err != nil {
		return 0, err
	}
	each := 128 + 16*(p.NumSubexp()+1)*3 + p.size*(len(s)+1)/32
	n = min(n, len(s)+1, 64*f.steps/each)
	return n, nil
}

// matches are where a pattern is found: all of it, and its groups.
func (f *frame) matches(p *pattern, s string) ([][]int, error) {
	n, err := f.search(p, s, maxItems)
	if err != nil {
		return nil, err
	}
	found := p.FindAllStringSubmatchIndex(s, n+1)
	if len(found) > n {
		return nil, errWork
	}
	each := 128 + 16*(p.NumSubexp()+1)*3 + p.size*(len(s)+1)/32
	return found, f.charge(each * len(found))
}

func regexTest(atStart bool) func(*frame, []Value) (Value, error) {
	return func(f *frame, a []Value) (Value, error) {
		s, err := f.spell(a[0])
		if err != nil {
			return Value{}, err
		}
		re, err := f.pattern(a[1], a[2])
		if err != nil {
			return Value{}, err
		}
		if _, err := f.search(re, s, 1); err != nil {
			return Value{}, err
		}
		loc := re.FindStringIndex(s)
		return boolean(loc != nil && (!atStart || loc[0] == 0)), nil
	}
}

func regexReplace(f *frame, a []Value) (Value, error) {
	s, err := f.spell(a[0])
	if err != nil {
		return Value{}, err
	}
	re, err := f.pattern(a[1], a[3])
	if err != nil {
		return Value{}, err
	}
	with := ""
	if a[2].kind != absent {
		if with, err = f.spell(a[2]); err != nil {
			return Value{}, err
		}
	}
	if len(with) > MaxOutput/8 {
		return Value{}, errTooLong
	}
	if err := f.charge(16 * len(with)); err != nil {
		return Value{}, err
	}
	with = groups.ReplaceAllString(strings.ReplaceAll(with, "$", "$$"), "$${${1}${2}}")
	found, err := f.matches(re, s)
	if err != nil {
		return Value{}, err
	}
	var out []byte
	at := 0
	for _, m := range found {
		before := len(out)
		out = append(out, s[at:m[0]]...)
		if err := f.charge(len(with) * (1 + len(s)/max(len(with), 1))); err != nil { // a group may be all of the text
			return Value{}, err
		}
		out = re.ExpandString(out, with, s, m)
		at = m[1]
		if len(out) > MaxOutput {
			return Value{}, errTooLong
		}
		if err := f.charge(3 * (len(out) - before)); err != nil {
			return Value{}, err
		}
	}
	return f.made(string(out) + s[at:])
}

// groups are Python's references to a group: \1 and \g<name>.
var groups = regexp.MustCompile(`\\([0-9]+)|\\g<(\w+)>`)

func regexFindAll(f *frame, a []Value) (Value, error) {
	s, err := f.spell(a[0])
	if err != nil {
		return Value{}, err
	}
	re, err := f.pattern(a[1], a[2])
	if err != nil {
		return Value{}, err
	}
	found, err := f.matches(re, s)
	if err != nil {
		return Value{}, err
	}
	if err := f.charge((sizeOfBox + sizeOfValue*(re.NumSubexp()+2)) * len(found)); err != nil {
		return Value{}, err
	}
	part := func(m []int, i int) Value {
		if m[2*i] < 0 {
			return text("")
		}
		return text(s[m[2*i]:m[2*i+1]])
	}
	out := make([]Value, 0, len(found))
	for _, m := range found {
		switch n := len(m) / 2; n {
		case 1, 2:
			out = append(out, part(m, n-1))
		default:
			parts := make([]Value, n-1)
			for i := range parts {
				parts[i] = part(m, i+1)
			}
			out = append(out, tuple(parts))
		}
	}
	return f.listOf(List, out)
}
