package template

import (
	"regexp"
	"strings"
)

// maxPattern is the length of a regular expression. Go's run in time linear to the text, whatever they hold.
const maxPattern = 512

func (f *frame) pattern(find, ignoreCase Value) (*regexp.Regexp, error) {
	s := ""
	if find.kind != absent {
		s = find.Text()
	}
	if len(s) > maxPattern {
		return nil, mistake("a regular expression longer than %d", maxPattern)
	}
	if ignoreCase.Truth() {
		s = "(?i)" + s
	}
	if err := f.charge(64 * 20); err != nil { // compiling costs far more than a step
		return nil, err
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, mistake("%w", err)
	}
	return re, nil
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
		loc := re.FindStringIndex(s)
		return boolean(loc != nil && (!atStart || loc[0] == 0)), f.charge(16 * len(s))
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
		with = a[2].Text()
	}
	with = groups.ReplaceAllString(strings.ReplaceAll(with, "$", "$$"), "$${${1}${2}}")
	if len(s)*(len(with)+1) > 64*MaxOutput {
		return Value{}, errTooLong
	}
	if err := f.charge(16 * len(s)); err != nil {
		return Value{}, err
	}
	var out []byte
	at := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
		out = append(out, s[at:m[0]]...)
		out = re.ExpandString(out, with, s, m)
		at = m[1]
		if len(out) > MaxOutput {
			return Value{}, errTooLong
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
	if err := f.charge(16 * len(s)); err != nil {
		return Value{}, err
	}
	var out []Value
	for _, m := range re.FindAllStringSubmatch(s, 1000) {
		switch len(m) {
		case 1, 2:
			out = append(out, text(m[len(m)-1]))
		default:
			parts := make([]Value, len(m)-1)
			for i := range parts {
				parts[i] = text(m[i+1])
			}
			out = append(out, tuple(parts))
		}
	}
	return list(out), f.charge(64 * len(out))
}
