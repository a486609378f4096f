package template

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func replace(f *frame, a []Value) (Value, error) {
	s, err := f.spell(a[0])
	if err != nil {
		return Value{}, err
	}
	old, err := f.spell(a[1])
	if err != nil {
		return Value{}, err
	}
	replacement, err := f.spell(a[2])
	if err != nil {
		return Value{}, err
	}
	n := -1
	if a[3].kind == Int && a[3].int() >= 0 && a[3].int() < MaxOutput {
		n = int(a[3].int())
	}
	if grown := len(s) + strings.Count(s, old)*(len(replacement)-len(old)); grown > MaxOutput {
		return Value{}, errTooLong
	}
	return f.made(strings.Replace(s, old, replacement, n))
}

// truncate cuts a text at a word, as Jinja's filter does.
func truncate(f *frame, a []Value) (Value, error) {
	v, length, end, leeway := a[0], int64(255), "...", int64(5)
	if a[1].kind == Int {
		length = a[1].int()
	}
	if a[3].kind != absent {
		var err error
		if end, err = f.spell(a[3]); err != nil {
			return Value{}, err
		}
	}
	if a[4].kind == Int {
		leeway = a[4].int()
	}
	switch v.kind {
	case Undefined:
		return text(""), nil
	case String:
	case List, Tuple, Dict:
		if int64(v.Len()) <= length+leeway {
			return v, nil
		}
		return Value{}, mistake("truncate got a %s", v.kind)
	default:
		return Value{}, mistake("truncate got a %s", v.kind)
	}
	if err := f.charge(8 * len(v.str)); err != nil {
		return Value{}, err
	}
	chars := []rune(v.str)
	if int64(len(chars)) <= length+leeway {
		return v, nil
	}
	keep := min(max(length-int64(runes(end)), 0), int64(len(chars)))
	cut := string(chars[:keep])
	if !a[2].Truth() {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return f.made(cut + end)
}

func join(f *frame, a []Value) (Value, error) {
	items, err := f.elements(a[0])
	if err != nil {
		return Value{}, err
	}
	separator, err := f.spell(a[1])
	if err != nil {
		return Value{}, err
	}
	return f.joined(separator, items)
}

func (f *frame) joined(separator string, items []Value) (Value, error) {
	s, err := f.printed(func(p *printer) bool {
		for i := range items {
			if i > 0 {
				p.add(separator)
			}
			if p.str(items[i]); p.full {
				break
			}
		}
		return true
	})
	return text(s), err
}

// elements are what a list, tuple, dict (its keys) or text (its characters) consists of; undefined has none.
func (f *frame) elements(v Value) ([]Value, error) {
	var out []Value
	switch v.kind {
	case Undefined:
		return nil, nil
	case List, Tuple:
		out = v.box.items
	case Dict:
		out = v.box.keys
	case String:
		n := runes(v.str)
		if n > maxItems {
			return nil, errTooLong
		}
		if err := f.charge((sizeOfValue + 8) * n); err != nil {
			return nil, err
		}
		out = make([]Value, 0, n)
		for s := v.str; s != ""; {
			_, size := utf8.DecodeRuneInString(s)
			out = append(out, text(s[:size]))
			s = s[size:]
		}
	default:
		return nil, mistake("a %s has no elements", v.kind)
	}
	return out, f.charge(4 * len(out))
}

func length(_ *frame, v Value) (Value, error) {
	switch v.kind {
	case Undefined:
		return integer(0), nil
	case String:
		return integer(int64(runes(v.str))), nil
	case List, Tuple, Dict:
		return integer(int64(v.Len())), nil
	}
	return Value{}, mistake("a %s has no length", v.kind)
}

// pick is the first (0) or last (-1) element.
func (f *frame) pick(v Value, at int) (Value, error) {
	items, err := f.elements(v)
	if err != nil {
		return Value{}, err
	}
	if len(items) == 0 {
		return missing("an element of what is empty"), nil
	}
	if at < 0 {
		at += len(items)
	}
	return items[at], nil
}

// extreme is the greatest or least of the arguments, or of the elements of the only one.
func (f *frame) extreme(a []Value, want ordering) (Value, error) {
	if len(a) == 1 {
		var err error
		if a, err = f.elements(a[0]); err != nil {
			return Value{}, err
		}
	}
	if len(a) == 0 {
		return missing("an element of what is empty"), nil
	}
	best := a[0]
	if best.kind == Undefined {
		return Value{}, absence(best.str)
	}
	for _, v := range a[1:] {
		if err := f.charge(0); err != nil {
			return Value{}, err
		}
		order, err := f.order(v, best)
		if err != nil {
			return Value{}, err
		}
		if order == want {
			best = v
		}
	}
	return best, nil
}

func sum(f *frame, v Value) (Value, error) {
	items, err := f.elements(v)
	total := integer(0)
	for i := 0; i < len(items) && err == nil; i++ {
		total, err = f.arithmetic("+", total, items[i])
	}
	return total, err
}

// trimmed is strip, lstrip or rstrip.
func trimmed(cut func(s, chars string) string) func(*frame, []Value) (Value, error) {
	return func(f *frame, a []Value) (Value, error) {
		s, err := f.spell(a[0])
		if err != nil {
			return Value{}, err
		}
		if err := f.charge(8 * len(s)); err != nil {
			return Value{}, err
		}
		chars := " \t\r\n\v\f"
		if a[1].kind == String {
			chars = a[1].str
		}
		return f.made(cut(s, chars))
	}
}

// initMethods fills the table of methods of texts and dicts.
func initMethods() {
	onText := func(params []string, needed int, do func(f *frame, s string, a []Value) (Value, error)) *operation {
		return &operation{params: params, needed: needed, do: func(f *frame, a []Value) (Value, error) {
			switch a[0].kind {
			case String:
				if err := f.charge(8 * len(a[0].str)); err != nil {
					return Value{}, err
				}
				return do(f, a[0].str, a)
			case Undefined:
				return Value{}, absence(a[0].str)
			}
			return Value{}, absence("a text's method of a " + a[0].kind.String())
		}}
	}
	changed := func(change func(string) string) *operation {
		return onText(nil, 0, func(f *frame, s string, _ []Value) (Value, error) { return f.made(change(s)) })
	}
	asked := func(ask func(string) bool) *operation {
		return onText(nil, 0, func(_ *frame, s string, _ []Value) (Value, error) { return boolean(ask(s)), nil })
	}
	strip := func(cut func(s, chars string) string) *operation {
		do := trimmed(cut)
		return onText([]string{"chars"}, 0, func(f *frame, _ string, a []Value) (Value, error) { return do(f, a) })
	}
	ends := func(has func(s, part string) bool) *operation {
		return onText([]string{"part"}, 1, func(_ *frame, s string, a []Value) (Value, error) {
			parts := []Value{a[1]}
			if a[1].kind == Tuple {
				parts = a[1].box.items
			}
			for _, part := range parts {
				if part.kind == String && has(s, part.str) {
					return trueValue, nil
				}
			}
			return boolean(false), nil
		})
	}
	onDict := func(params []string, needed int, do func(v Value, a []Value) (Value, error)) *operation {
		return &operation{params: params, needed: needed, do: func(f *frame, a []Value) (Value, error) {
			switch a[0].kind {
			case Dict:
				v, err := do(a[0], a)
				if err != nil {
					return Value{}, err
				}
				return v, f.charge(64 * v.Len())
			case Undefined:
				return Value{}, absence(a[0].str)
			}
			return Value{}, absence("a dict's method of a " + a[0].kind.String())
		}}
	}
	methods = map[string]*operation{
		"lower":      changed(strings.ToLower),
		"upper":      changed(strings.ToUpper),
		"capitalize": changed(capitalize),
		"title":      changed(title),
		"strip":      strip(strings.Trim),
		"lstrip":     strip(strings.TrimLeft),
		"rstrip":     strip(strings.TrimRight),
		"startswith": ends(strings.HasPrefix),
		"endswith":   ends(strings.HasSuffix),
		"isdigit":    asked(func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }),
		"isnumeric":  asked(func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }),
		"replace": onText([]string{"old", "new", "count"}, 2, func(f *frame, _ string, a []Value) (Value, error) {
			if a[1].kind != String || a[2].kind != String {
				return Value{}, mistake("replace takes texts")
			}
			return replace(f, a)
		}),
		"split": onText([]string{"sep", "maxsplit"}, 0, split),
		"find": onText([]string{"sub"}, 1, func(_ *frame, s string, a []Value) (Value, error) {
			i := strings.Index(s, brief(a[1]))
			if i > 0 {
				i = runes(s[:i])
			}
			return integer(int64(i)), nil
		}),
		"join": onText([]string{"items"}, 1, func(f *frame, s string, a []Value) (Value, error) {
			items, err := f.elements(a[1])
			if err != nil {
				return Value{}, err
			}
			for i := range items {
				if items[i].kind != String {
					return Value{}, mistake("join takes texts, not a %s", items[i].kind)
				}
			}
			return f.joined(s, items)
		}),
		"zfill": onText([]string{"width"}, 1, func(f *frame, s string, a []Value) (Value, error) {
			sign := ""
			if s != "" && (s[0] == '-' || s[0] == '+') {
				sign, s = s[:1], s[1:]
			}
			width := min(a[1].int(), 1000)
			return f.made(sign + strings.Repeat("0", max(0, int(width)-len(sign)-runes(s))) + s)
		}),
		"isoformat": onText(nil, 0, func(_ *frame, s string, _ []Value) (Value, error) { return isoFormat(s) }),
		"timestamp": onText(nil, 0, func(_ *frame, s string, _ []Value) (Value, error) { return timestampOf(s) }),

		"get": onDict([]string{"key", "default"}, 1, func(v Value, a []Value) (Value, error) {
			if a[1].kind == List || a[1].kind == Dict {
				return Value{}, mistake("a %s cannot be a key", a[1].kind)
			}
			if got, ok := v.lookup(a[1]); ok {
				return got, nil
			}
			if a[2].kind == absent {
				return none, nil
			}
			return a[2], nil
		}),
		"keys":   onDict(nil, 0, func(v Value, _ []Value) (Value, error) { return list(v.box.keys), nil }),
		"values": onDict(nil, 0, func(v Value, _ []Value) (Value, error) { return list(v.box.items), nil }),
		"items": {do: func(f *frame, a []Value) (Value, error) {
			if a[0].kind != Dict {
				return Value{}, absence("a dict's method of a " + a[0].kind.String())
			}
			return itemsOf(f, a[0])
		}},
	}
}

func split(f *frame, s string, a []Value) (Value, error) {
	n := -1
	if a[2].kind == Int && a[2].int() >= 0 && a[2].int() < MaxOutput {
		n = int(a[2].int()) + 1
	}
	pieces := fields(s)
	if a[1].kind == String && a[1].str != "" {
		pieces = 1 + strings.Count(s, a[1].str)
		if n >= 0 {
			pieces = min(pieces, n)
		}
	}
	if pieces > maxItems {
		return Value{}, errTooLong
	}
	if err := f.charge((16 + sizeOfValue) * pieces); err != nil {
		return Value{}, err
	}
	var parts []string
	switch {
	case a[1].kind == absent || a[1].kind == None:
		parts = strings.Fields(s)
	case a[1].kind != String || a[1].str == "":
		return Value{}, mistake("split takes a text that is not empty")
	default:
		parts = strings.SplitN(s, a[1].str, n)
	}
	items := make([]Value, len(parts))
	for i := range parts {
		items[i] = text(parts[i])
	}
	return f.listOf(List, items)
}

// fields is how many words a text has.
func fields(s string) (n int) {
	inside := false
	for _, r := range s {
		space := unicode.IsSpace(r)
		if !space && !inside {
			n++
		}
		inside = !space
	}
	return n
}
