package template

import (
	"slices"
	"strings"
)

// sizeOfBox is the memory of a list's or dict's own head.
const sizeOfBox = 80

// made of elements: a list or tuple that an operation made, paid for.
func (f *frame) listOf(kind Kind, items []Value) (Value, error) {
	if len(items) > maxItems {
		return Value{}, errTooLong
	}
	b := &box{items: items}
	for i := range items {
		if err := f.hold(b, items[i]); err != nil {
			return Value{}, err
		}
	}
	return Value{kind: kind, box: b}, f.charge(sizeOfBox + 2*sizeOfValue*len(items))
}

// applied is a filter or test with its arguments, as map and select take it.
type applied struct {
	op   *operation
	args []expr
}

// to works it out for one operand.
func (a applied) to(f *frame, v Value) (Value, error) {
	return f.call(a.op, &v, nil, a.args)
}

// eacher are the filters that do something with each element.
var eachers = map[string]bool{"map": true, "select": true, "reject": true, "selectattr": true, "rejectattr": true}

// each reads the arguments of a filter that does something with each element.
func (p *parser) each(name token, operand expr) (expr, error) {
	if !p.op("(") {
		if name.s != "select" && name.s != "reject" {
			return expr{}, p.errorf(name, "%s lacks an argument", name)
		}
		return picking(operand, nil, nil, name.s == "select"), nil
	}
	var attribute, def *expr
	if name.s == "selectattr" || name.s == "rejectattr" {
		e, err := p.expression()
		if err != nil {
			return expr{}, err
		}
		attribute = &e
		if !p.op(",") && (p.peek().kind != tokOp || p.peek().s != ")") {
			return expr{}, p.errorf(p.peek(), "expected a comma or ), found %s", p.peek())
		}
	}
	for name.s == "map" && p.peek().kind == tokName && p.tokens[p.at+1].s == "=" {
		key := p.next()
		p.at++
		e, err := p.expression()
		if err != nil {
			return expr{}, err
		}
		switch key.s {
		case "attribute":
			attribute = &e
		case "default":
			def = &e
		default:
			return expr{}, p.errorf(key, "map has no argument %s", key)
		}
		p.op(",")
	}
	var what *applied
	if t := p.peek(); t.kind == tokString && !(name.s == "map" && attribute != nil) {
		a, err := p.nameOfOperation(name.s == "map")
		if err != nil {
			return expr{}, err
		}
		what = a
	} else if err := p.expect(tokOp, ")", ")"); err != nil {
		return expr{}, err
	}
	if name.s == "map" {
		if what == nil && attribute == nil {
			return expr{}, p.errorf(name, "map lacks an argument")
		}
		return mapping(operand, what, attribute, def), nil
	}
	return picking(operand, attribute, what, strings.HasPrefix(name.s, "select")), nil
}

// nameOfOperation reads the name of a filter or a test, which is a constant, and its arguments up to the bracket.
func (p *parser) nameOfOperation(filter bool) (*applied, error) {
	t := p.next()
	table := tests
	if filter {
		table = filters
	}
	op := table[t.s]
	if op == nil {
		return nil, p.errorf(t, "the filter or test %s is not supported", t)
	}
	p.op(",")
	args, err := p.arguments(t, op)
	return &applied{op, args}, err
}

func mapping(operand expr, what *applied, attribute, def *expr) expr {
	return expr{eval: func(f *frame) (Value, error) {
		items, err := f.operands(operand)
		if err != nil {
			return Value{}, err
		}
		get, err := f.getter(attribute)
		if err != nil {
			return Value{}, err
		}
		if err := f.charge(sizeOfValue * len(items)); err != nil {
			return Value{}, err
		}
		out := make([]Value, 0, len(items))
		for _, v := range items {
			if get != nil {
				if v, err = get(v); err == nil && v.kind == Undefined && def != nil {
					v, err = def.eval(f)
				}
			} else {
				v, err = what.to(f, v)
			}
			if err != nil {
				return Value{}, err
			}
			out = append(out, v)
		}
		return f.listOf(List, out)
	}}
}

// picking keeps the elements (or those whose attribute) of which the test says keep; without a test it is their truth.
func picking(operand expr, attribute *expr, test *applied, keep bool) expr {
	return expr{eval: func(f *frame) (Value, error) {
		items, err := f.operands(operand)
		if err != nil {
			return Value{}, err
		}
		get, err := f.getter(attribute)
		if err != nil {
			return Value{}, err
		}
		if err := f.charge(sizeOfValue * len(items)); err != nil {
			return Value{}, err
		}
		out := make([]Value, 0, len(items))
		for _, item := range items {
			v := item
			if get != nil {
				if v, err = get(v); err != nil {
					return Value{}, err
				}
			}
			if test != nil {
				if v, err = test.to(f, v); err != nil {
					return Value{}, err
				}
			}
			if err := f.charge(0); err != nil {
				return Value{}, err
			}
			if v.Truth() == keep {
				out = append(out, item)
			}
		}
		return f.listOf(List, out)
	}}
}

func (f *frame) operands(operand expr) ([]Value, error) {
	v, err := operand.eval(f)
	if err != nil {
		return nil, err
	}
	return f.elements(v)
}

// getter takes an attribute out of an element: a name, several with dots between, or an index. It is nil without an attribute.
func (f *frame) getter(attribute *expr) (func(v Value) (Value, error), error) {
	if attribute == nil {
		return nil, nil
	}
	key, err := attribute.eval(f)
	if err != nil {
		return nil, err
	}
	if key.kind != String {
		return func(v Value) (Value, error) {
			if v.kind == String || v.kind == Dict {
				if err := f.charge(4 * (len(v.str) + v.Len())); err != nil {
					return Value{}, err
				}
			}
			return item(v, key, false)
		}, f.charge(64)
	}
	if strings.Count(key.str, ".") > maxNested {
		return nil, mistake("a path longer than %d", maxNested)
	}
	parts := strings.Split(key.str, ".")
	return func(v Value) (Value, error) {
		var err error
		for _, part := range parts {
			if err = f.charge(0); err != nil {
				return Value{}, err
			}
			if v, err = item(v, index0(part), true); err != nil {
				return Value{}, err
			}
		}
		return v, nil
	}, f.charge(64 + 16*len(parts))
}

// index0 is a part of a path as a key: digits are an index.
func index0(part string) Value {
	if part != "" && len(part) < 6 && strings.Trim(part, "0123456789") == "" {
		n := int64(0)
		for _, c := range part {
			n = n*10 + int64(c-'0')
		}
		return integer(n)
	}
	return text(part)
}

// byKey pairs elements with what they are ordered by, which for texts is their lower case.
func (f *frame) byKey(v, attribute, caseSensitive Value) (items, keys []Value, err error) {
	if items, err = f.elements(v); err != nil {
		return nil, nil, err
	}
	if err = f.charge(2 * sizeOfValue * len(items)); err != nil {
		return nil, nil, err
	}
	var get func(v Value) (Value, error)
	if attribute.kind != absent && attribute.kind != None {
		if get, err = f.getter(&expr{eval: func(*frame) (Value, error) { return attribute, nil }}); err != nil {
			return nil, nil, err
		}
	}
	keys = make([]Value, len(items))
	for i := range items {
		key := items[i]
		if get != nil {
			if key, err = get(key); err != nil {
				return nil, nil, err
			}
		}
		if key.kind == String && !caseSensitive.Truth() {
			if err = f.charge(3 * len(key.str)); err != nil {
				return nil, nil, err
			}
			key = text(strings.ToLower(key.str))
		}
		keys[i] = key
	}
	return items, keys, nil
}

// sorted orders elements; those that are equal stay as they were.
func sorted(f *frame, a []Value) (Value, error) {
	items, keys, err := f.byKey(a[0], a[3], a[2])
	if err != nil {
		return Value{}, err
	}
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int {
		if err != nil {
			return 0
		}
		var o ordering
		if o, err = f.order(keys[x], keys[y]); err != nil || f.charge(0) != nil {
			return 0
		}
		if a[1].Truth() {
			return -int(o)
		}
		return int(o)
	})
	if err != nil {
		return Value{}, err
	}
	out := make([]Value, len(items))
	for i, at := range order {
		out[i] = items[at]
	}
	return f.listOf(List, out)
}

// uniques leaves out elements that were there before.
func uniques(f *frame, a []Value) (Value, error) {
	items, keys, err := f.byKey(a[0], a[2], a[1])
	if err != nil {
		return Value{}, err
	}
	var out []Value
	for i := range items {
		seen := false
		for j := 0; j < i && !seen; j++ {
			if err := f.charge(0); err != nil {
				return Value{}, err
			}
			if seen, err = f.equal(keys[i], keys[j]); err != nil {
				return Value{}, err
			}
		}
		if !seen {
			out = append(out, items[i])
		}
	}
	return f.listOf(List, out)
}

func reversed(f *frame, v Value) (Value, error) {
	if v.kind == String {
		return f.slice(v, [3]Value{none, none, integer(-1)})
	}
	items, err := f.elements(v)
	if err != nil {
		return Value{}, err
	}
	if err := f.charge(sizeOfValue * len(items)); err != nil {
		return Value{}, err
	}
	out := slices.Clone(items)
	slices.Reverse(out)
	return f.listOf(List, out)
}

// rangeOf is Python's range: up to maxItems numbers.
func rangeOf(f *frame, a []Value) (Value, error) {
	at := [3]int64{0, 0, 1}
	for i := range a {
		if a[i].kind != absent && a[i].kind != Int && a[i].kind != Bool {
			return Value{}, mistake("range of a %s", a[i].kind)
		}
	}
	if at[1] = a[0].int(); a[1].kind != absent {
		at[0], at[1] = a[0].int(), a[1].int()
	}
	if a[2].kind != absent {
		at[2] = a[2].int()
	}
	if at[2] == 0 {
		return Value{}, mistake("range cannot have the step 0")
	}
	var out []Value
	for i := at[0]; at[2] > 0 && i < at[1] || at[2] < 0 && i > at[1]; i += at[2] {
		if len(out) >= maxItems {
			return Value{}, errTooLong
		}
		if err := f.charge(2 * sizeOfValue); err != nil {
			return Value{}, err
		}
		out = append(out, integer(i))
		if before := i; (i+at[2] > before) != (at[2] > 0) {
			break // beyond the largest number
		}
	}
	return f.listOf(List, out)
}

// zip joins lists to a list of tuples, as long as the shortest.
func zip(f *frame, a []Value) (Value, error) {
	lists := make([][]Value, len(a))
	shortest := 0
	for i := range a {
		var err error
		if lists[i], err = f.elements(a[i]); err != nil {
			return Value{}, err
		}
		if i == 0 || len(lists[i]) < shortest {
			shortest = len(lists[i])
		}
	}
	var out []Value
	for i := range shortest {
		if err := f.charge(2 * sizeOfValue); err != nil {
			return Value{}, err
		}
		row := make([]Value, len(lists))
		for j := range lists {
			row[j] = lists[j][i]
		}
		t, err := f.listOf(Tuple, row)
		if err != nil {
			return Value{}, err
		}
		out = append(out, t)
	}
	return f.listOf(List, out)
}
