package template

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var filters, functions, methods, tests map[string]*operation

// simple is an operation without arguments.
func simple(do func(f *frame, v Value) (Value, error)) *operation {
	return &operation{do: func(f *frame, a []Value) (Value, error) { return do(f, a[0]) }}
}

// ofText is a filter that prints its operand and changes the text.
func ofText(change func(string) string) *operation {
	return simple(func(f *frame, v Value) (Value, error) {
		s, err := f.spell(v)
		if err != nil {
			return Value{}, err
		}
		if err := f.charge(6 * len(s)); err != nil {
			return Value{}, err
		}
		return f.made(change(s))
	})
}

// made is a text that an operation made, charged for its length.
func (f *frame) made(s string) (Value, error) {
	if len(s) > MaxOutput {
		return Value{}, errTooLong
	}
	return text(s), f.charge(2 * len(s))
}

func init() {
	filters = map[string]*operation{
		"default":    {params: []string{"default_value", "boolean"}, do: defaultTo},
		"is_defined": simple(isDefined),
		"int":        {params: []string{"default", "base"}, do: toInt},
		"float":      {params: []string{"default"}, do: toFloat},
		"round":      {params: []string{"precision", "method", "default"}, do: round},
		"multiply":   {params: []string{"amount", "default"}, needed: 1, do: scaled(func(a, b float64) float64 { return a * b })},
		"add":        {params: []string{"amount", "default"}, needed: 1, do: scaled(func(a, b float64) float64 { return a + b })},
		"abs":        simple(absolute),
		"bool":       {params: []string{"default"}, do: toBool},
		"string":     ofText(func(s string) string { return s }),
		"lower":      ofText(strings.ToLower),
		"upper":      ofText(strings.ToUpper),
		"capitalize": ofText(capitalize),
		"title":      ofText(title),
		"trim":       {params: []string{"chars"}, do: trimmed(strings.Trim)},
		"replace":    {params: []string{"old", "new", "count"}, needed: 2, do: replace},
		"truncate":   {params: []string{"length", "killwords", "end", "leeway"}, do: truncate},
		"format":     {params: []string{"*"}, do: formatFilter},
		"join":       {params: []string{"d"}, do: join},
		"to_json":    {params: []string{"ensure_ascii", "pretty_print", "sort_keys"}, do: toJSON},
		"tojson":     {params: []string{"indent"}, do: toJSON},
		"from_json":  simple(fromJSON),
		"length":     simple(length),
		"count":      simple(length),
		"first":      simple(func(f *frame, v Value) (Value, error) { return f.pick(v, 0) }),
		"last":       simple(func(f *frame, v Value) (Value, error) { return f.pick(v, -1) }),
		"list":       simple(asList),
		"max":        simple(func(f *frame, v Value) (Value, error) { return f.extreme([]Value{v}, greater) }),
		"min":        simple(func(f *frame, v Value) (Value, error) { return f.extreme([]Value{v}, less) }),
		"sum":        simple(sum),
		"is_number":  simple(isNumber),
		"sort":       {params: []string{"reverse", "case_sensitive", "attribute"}, do: sorted},
		"unique":     {params: []string{"case_sensitive", "attribute"}, do: uniques},
		"reverse":    simple(reversed),
		"items":      simple(itemsOf),
		"safe":       simple(func(_ *frame, v Value) (Value, error) { return v, nil }),
		"ord":        simple(ordinal),
		"iif":        {params: []string{"if_true", "if_false", "if_none"}, do: iif},

		"regex_match":   {params: []string{"find", "ignorecase"}, needed: 1, do: regexTest(true)},
		"regex_search":  {params: []string{"find", "ignorecase"}, needed: 1, do: regexTest(false)},
		"regex_replace": {params: []string{"find", "replace", "ignorecase"}, do: regexReplace},
		"regex_findall": {params: []string{"find", "ignorecase"}, do: regexFindAll},
		"regex_findall_index": {params: []string{"find", "index", "ignorecase"}, do: func(f *frame, a []Value) (Value, error) {
			found, err := regexFindAll(f, []Value{a[0], a[1], a[3]})
			if err != nil {
				return Value{}, err
			}
			at := a[2]
			if at.kind == absent {
				at = integer(0)
			}
			return item(found, at, false)
		}},

		"as_timestamp":    {params: []string{"default"}, do: asTimestamp},
		"timestamp_local": {params: []string{"default"}, do: timestampLocal},
		"timestamp_utc":   {params: []string{"default"}, do: timestampUTC},
		"bitwise_and":     {params: []string{"second"}, needed: 1, do: bitwise(func(a, b int64) int64 { return a & b })},
		"bitwise_xor":     {params: []string{"second"}, needed: 1, do: bitwise(func(a, b int64) int64 { return a ^ b })},
		"bitwise_or":      {params: []string{"second"}, needed: 1, do: bitwise(func(a, b int64) int64 { return a | b })},
	}
	filters["d"] = filters["default"]
	initFunctions()
	initTests()
	initMethods()
}

func asList(f *frame, v Value) (Value, error) {
	items, err := f.elements(v)
	if err != nil {
		return Value{}, err
	}
	return f.listOf(List, items)
}

// itemsOf are a dict's entries as pairs.
func itemsOf(f *frame, v Value) (Value, error) {
	if v.kind == Undefined {
		return list(nil), f.charge(sizeOfBox)
	}
	if v.kind != Dict {
		return Value{}, mistake("the items of a %s", v.kind)
	}
	if err := f.charge((2*sizeOfValue + sizeOfBox + sizeOfValue) * v.Len()); err != nil {
		return Value{}, err
	}
	out := make([]Value, v.Len())
	for i := range out {
		var err error
		if out[i], err = f.listOf(Tuple, []Value{v.box.keys[i], v.box.items[i]}); err != nil {
			return Value{}, err
		}
	}
	return f.listOf(List, out)
}

// ordinal is the number of a single character.
func ordinal(_ *frame, v Value) (Value, error) {
	r, size := utf8.DecodeRuneInString(v.str)
	if v.kind != String || size == 0 || size != len(v.str) {
		return Value{}, mistake("ord takes one character")
	}
	return integer(int64(r)), nil
}

func defaultTo(_ *frame, a []Value) (Value, error) {
	if a[0].kind != Undefined && (!a[2].Truth() || a[0].Truth()) {
		return a[0], nil
	}
	if a[1].kind == absent {
		return text(""), nil
	}
	return a[1], nil
}

func isDefined(_ *frame, v Value) (Value, error) {
	if v.kind == Undefined {
		return Value{}, absence(v.str)
	}
	return v, nil
}

// number is Python's float(v): texts are read, with underscores between digits allowed.
func number(v Value) (float64, bool) {
	switch v.kind {
	case Bool, Int:
		return float64(v.int()), true
	case Float:
		return v.float(), true
	case String:
		s := strings.TrimSpace(v.str)
		if len(s) == 0 || len(s) > 400 || strings.ContainsAny(s, "xXpP") { // Go reads hexadecimal floats, Python does not
			return 0, false
		}
		f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
		return f, err == nil || math.IsInf(f, 0)
	}
	return 0, false
}

// otherwise is what a conversion gives that failed: its default if it was given one.
func otherwise(what string, v, def Value) (Value, error) {
	if def.kind != absent {
		return def, nil
	}
	if v.kind == Undefined {
		return Value{}, absence(v.str)
	}
	return Value{}, mistake("%s got %.40q and no default", what, brief(v))
}

func toFloat(fr *frame, a []Value) (Value, error) {
	if err := fr.charge(16 * min(len(a[0].str), 400)); err != nil {
		return Value{}, err
	}
	if f, ok := number(a[0]); ok {
		return floating(f), nil
	}
	return otherwise("float", a[0], a[1])
}

func toInt(fr *frame, a []Value) (Value, error) {
	if err := fr.charge(16 * min(len(a[0].str), 400)); err != nil {
		return Value{}, err
	}
	v, def := a[0], a[1]
	base := int64(10)
	if len(a) > 2 && a[2].kind == Int {
		base = a[2].int()
	}
	if v.kind == String && base >= 2 && base <= 36 {
		s := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(v.str)), "_", "")
		switch {
		case base == 16:
			s = strings.TrimPrefix(s, "0x")
		case base == 2:
			s = strings.TrimPrefix(s, "0b")
		case base == 8:
			s = strings.TrimPrefix(s, "0o")
		}
		if i, err := strconv.ParseInt(s, int(base), 64); err == nil {
			return integer(i), nil
		}
	}
	if f, ok := number(v); ok && math.Abs(f) < 1<<63 {
		if v.kind == Int || v.kind == Bool {
			return integer(v.int()), nil
		}
		return integer(int64(f)), nil
	}
	return otherwise("int", v, def)
}

// round is Home Assistant's: to an int when the precision is 0.
func round(_ *frame, a []Value) (Value, error) {
	precision := int64(0)
	if a[1].kind == Int {
		precision = min(max(a[1].int(), -300), 300)
	}
	f, ok := number(a[0])
	if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
		return otherwise("round", a[0], a[3])
	}
	factor := math.Pow(10, float64(precision))
	switch a[2].str {
	case "ceil":
		f = math.Ceil(f*factor) / factor
	case "floor":
		f = math.Floor(f*factor) / factor
	case "half":
		f = math.RoundToEven(f*2) / 2
	default:
		f = roundTo(f, int(precision))
	}
	if precision == 0 && math.Abs(f) < 1<<63 {
		return integer(int64(f)), nil
	}
	return floating(f), nil
}

// roundTo rounds half to even on the exact binary value, as Python does.
func roundTo(f float64, digits int) float64 {
	if digits < 0 {
		factor := math.Pow(10, float64(-digits))
		return math.RoundToEven(f/factor) * factor
	}
	out, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', digits, 64), 64)
	if err != nil {
		return f
	}
	return out
}

func scaled(do func(a, b float64) float64) func(*frame, []Value) (Value, error) {
	return func(_ *frame, a []Value) (Value, error) {
		x, ok := number(a[0])
		if !ok || !a[1].numeric() {
			return otherwise("multiply or add", a[0], a[2])
		}
		return floating(do(x, a[1].asFloat())), nil
	}
}

func bitwise(do func(a, b int64) int64) func(*frame, []Value) (Value, error) {
	return func(_ *frame, a []Value) (Value, error) {
		if a[0].kind != Int || a[1].kind != Int {
			return Value{}, mistake("bitwise works on ints, not on %s and %s", a[0].kind, a[1].kind)
		}
		return integer(do(a[0].int(), a[1].int())), nil
	}
}

func absolute(f *frame, v Value) (Value, error) {
	if v.kind == Float {
		return floating(math.Abs(v.float())), nil
	}
	if v.kind == Undefined {
		return Value{}, absence(v.str)
	}
	if !v.numeric() {
		return Value{}, mistake("abs of a %s", v.kind)
	}
	if v.int() < 0 {
		return f.arithmetic("-", integer(0), v)
	}
	return integer(v.int()), nil
}

func toBool(_ *frame, a []Value) (Value, error) {
	switch v := a[0]; v.kind {
	case Bool:
		return v, nil
	case Int, Float:
		return boolean(v.Truth()), nil
	case String:
		switch strings.ToLower(strings.TrimSpace(v.str)) {
		case "1", "true", "yes", "on", "enable":
			return trueValue, nil
		case "0", "false", "no", "off", "disable":
			return boolean(false), nil
		}
	}
	return otherwise("bool", a[0], a[1])
}

func capitalize(s string) string {
	out := []rune(strings.ToLower(s))
	if len(out) > 0 {
		out[0] = unicode.ToUpper(out[0])
	}
	return string(out)
}

func title(s string) string {
	start := true
	return strings.Map(func(r rune) rune {
		begin := start
		start = !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
		if begin {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func iif(_ *frame, a []Value) (Value, error) {
	pick := func(v Value, otherwise bool) Value {
		if v.kind == absent {
			return boolean(otherwise)
		}
		return v
	}
	switch {
	case a[0].kind == None && a[3].kind != absent:
		return a[3], nil
	case a[0].Truth():
		return pick(a[1], true), nil
	}
	return pick(a[2], false), nil
}

func isNumber(_ *frame, v Value) (Value, error) {
	f, ok := number(v)
	return boolean(ok && !math.IsNaN(f) && !math.IsInf(f, 0)), nil
}

func toJSON(f *frame, a []Value) (Value, error) {
	s, err := f.printed(func(p *printer) bool { return p.json(a[0]) })
	return text(s), err
}

func fromJSON(f *frame, v Value) (Value, error) {
	s, err := f.spell(v)
	if err != nil {
		return Value{}, err
	}
	// A value takes more room than its text: [0,0,0] has one of two bytes.
	if err := f.charge(2*sizeOfValue*strings.Count(s, ",") + (sizeOfBox+2*sizeOfValue)*(strings.Count(s, "[")+strings.Count(s, "{")) + 2*len(s)); err != nil {
		return Value{}, err
	}
	d := ReadText(s)
	if !d.isJSON {
		return Value{}, mistake("from_json got what is not JSON")
	}
	return d.json, f.charge(len(d.text))
}
