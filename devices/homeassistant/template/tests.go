package template

import "strings"

// initTests fills the table of what may follow "is".
func initTests() {
	kinds := func(of ...Kind) *operation {
		return simple(func(_ *frame, v Value) (Value, error) {
			for _, k := range of {
				if v.kind == k {
					return trueValue, nil
				}
			}
			return boolean(false), nil
		})
	}
	asked := func(ask func(v Value) bool) *operation {
		return simple(func(_ *frame, v Value) (Value, error) { return boolean(ask(v)), nil })
	}
	compared := func(op string) *operation {
		return &operation{params: []string{"other"}, needed: 1, do: func(f *frame, a []Value) (Value, error) {
			yes, err := f.compare(op, a[0], a[1])
			return boolean(yes), err
		}}
	}
	remainder := func(f *frame, v Value, by int64) (int64, error) {
		if v.kind != Int {
			return 0, mistake("the remainder of a %s", v.kind)
		}
		m, err := f.arithmetic("%", v, integer(by))
		return m.int(), err
	}
	parity := func(want int64) *operation {
		return simple(func(f *frame, v Value) (Value, error) {
			m, err := remainder(f, v, 2)
			return boolean(m == want), err
		})
	}
	tests = map[string]*operation{
		"defined":   asked(func(v Value) bool { return v.kind != Undefined }),
		"undefined": kinds(Undefined),
		"none":      kinds(None),
		"None":      kinds(None),
		"boolean":   kinds(Bool),
		"integer":   kinds(Int),
		"float":     kinds(Float),
		"number":    kinds(Int, Float, Bool),
		"string":    kinds(String),
		"mapping":   kinds(Dict),
		"sequence":  kinds(String, List, Tuple, Dict, Undefined),
		"iterable":  kinds(String, List, Tuple, Dict, Undefined),
		"list":      kinds(List),
		"true":      asked(func(v Value) bool { return v.kind == Bool && v.num != 0 }),
		"false":     asked(func(v Value) bool { return v.kind == Bool && v.num == 0 }),
		"True":      asked(func(v Value) bool { return v.kind == Bool && v.num != 0 }),
		"False":     asked(func(v Value) bool { return v.kind == Bool && v.num == 0 }),
		"lower": asked(func(v Value) bool {
			return v.kind == String && v.str == strings.ToLower(v.str) && v.str != strings.ToUpper(v.str)
		}),
		"upper": asked(func(v Value) bool {
			return v.kind == String && v.str == strings.ToUpper(v.str) && v.str != strings.ToLower(v.str)
		}),
		"is_number": simple(isNumber),
		"odd":       parity(1),
		"even":      parity(0),
		"divisibleby": {params: []string{"num"}, needed: 1, do: func(f *frame, a []Value) (Value, error) {
			if a[1].kind != Int {
				return Value{}, mistake("divisibleby a %s", a[1].kind)
			}
			m, err := remainder(f, a[0], a[1].int())
			return boolean(m == 0), err
		}},
		"sameas": {params: []string{"other"}, needed: 1, do: func(f *frame, a []Value) (Value, error) {
			yes, err := f.equal(a[0], a[1])
			return boolean(yes && a[0].kind == a[1].kind), err
		}},
		"contains": {params: []string{"item"}, needed: 1, do: func(f *frame, a []Value) (Value, error) {
			yes, err := f.contains(a[0], a[1])
			return boolean(yes), err
		}},
		"eq": compared("=="), "equalto": compared("=="),
		"ne": compared("!="), "lt": compared("<"), "lessthan": compared("<"), "le": compared("<="),
		"gt": compared(">"), "greaterthan": compared(">"), "ge": compared(">="), "in": compared("in"),
		"match":  {params: []string{"find", "ignorecase"}, needed: 1, do: regexTest(true)},
		"search": {params: []string{"find", "ignorecase"}, needed: 1, do: regexTest(false)},
	}
}
