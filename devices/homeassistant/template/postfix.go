package template

// postfix reads what follows an operand: .name, .0, [key], [from:to], .method(…).
func (p *parser) postfix(e expr) (expr, error) {
	for length := 0; ; length++ {
		if length > maxNested {
			return expr{}, p.errorf(p.peek(), "a path longer than %d", maxNested)
		}
		switch {
		case p.op("."):
			t := p.next()
			switch t.kind {
			case tokInt:
				e = index(e, t.num, false)
			case tokName:
				if next := p.peek(); next.kind == tokOp && next.s == "(" {
					var err error
					if e, err = p.method(e, t); err != nil {
						return expr{}, err
					}
					continue
				}
				e = index(e, text(t.s), true)
			default:
				return expr{}, p.errorf(t, "expected a name after the dot, found %s", t)
			}
		case p.op("["):
			var err error
			if e, err = p.subscript(e); err != nil {
				return expr{}, err
			}
		case p.peek().kind == tokOp && p.peek().s == "(":
			return expr{}, p.errorf(p.peek(), "this cannot be called")
		default:
			return e, nil
		}
	}
}

// maxIndex is how far a path looks into a text, which it does not pay for.
const maxIndex = 512

// index is e[key] for a constant key.
func index(e expr, key Value, attr bool) expr {
	out := expr{eval: func(f *frame) (Value, error) {
		v, err := e.eval(f)
		if err != nil {
			return Value{}, err
		}
		if err := f.charge(4 * len(v.str)); err != nil {
			return Value{}, err
		}
		return item(v, key, attr)
	}}
	if e.path != nil && (key.kind != Int || key.int() >= -maxIndex && key.int() <= maxIndex) {
		steps := append(e.path.steps[:len(e.path.steps):len(e.path.steps)], step{key, attr})
		path := &pathExpr{root: e.path.root, steps: steps}
		out.path = path
		name := "value"
		if path.root == rootJSON {
			name = "value_json"
		}
		out.eval = func(f *frame) (Value, error) {
			if len(f.Vars) > 0 {
				if v, ok := f.Vars[name]; ok {
					var err error
					for i := 0; i < len(steps) && err == nil; i++ {
						v, err = item(v, steps[i].key, steps[i].attr)
					}
					return v, err
				}
			}
			return path.walk(&f.Context)
		}
	}
	return out
}

// subscript reads what follows an opening bracket.
func (p *parser) subscript(e expr) (expr, error) {
	var bounds [3]*expr
	colons := 0
	for !p.op("]") {
		if p.op(":") {
			if colons++; colons > 2 {
				return expr{}, p.errorf(p.peek(), "a slice has two colons at most")
			}
			continue
		}
		if bounds[colons] != nil {
			return expr{}, p.errorf(p.peek(), "expected ], found %s", p.peek())
		}
		t := p.peek()
		b, err := p.expression()
		if err != nil {
			return expr{}, err
		}
		bounds[colons] = &b
		if colons == 0 && p.op("]") {
			if p.tokens[p.at-2] == t && (t.kind == tokString || t.kind == tokInt) { // a constant
				key := t.num
				if t.kind == tokString {
					key = text(t.s)
				}
				return index(e, key, false), nil
			}
			return expr{eval: func(f *frame) (Value, error) {
				v, err := e.eval(f)
				if err != nil {
					return Value{}, err
				}
				key, err := b.eval(f)
				if err != nil {
					return Value{}, err
				}
				if v.kind == String || v.kind == Dict && !v.box.texts {
					if err := f.charge(4 * (len(v.str) + v.Len())); err != nil {
						return Value{}, err
					}
				}
				return item(v, key, false)
			}}, nil
		}
	}
	if colons == 0 {
		return expr{}, p.errorf(p.peek(), "an index without a key")
	}
	return expr{eval: func(f *frame) (Value, error) {
		v, err := e.eval(f)
		if err != nil {
			return Value{}, err
		}
		var at [3]Value
		for i := range bounds {
			at[i] = none
			if bounds[i] != nil {
				if at[i], err = bounds[i].eval(f); err != nil {
					return Value{}, err
				}
			}
		}
		return f.slice(v, at)
	}}, nil
}

// slice is v[from:to:step] of a text, list or tuple.
func (f *frame) slice(v Value, at [3]Value) (Value, error) {
	var items []Value
	var chars []rune
	switch v.kind {
	case Undefined:
		return Value{}, absence(v.str)
	case String:
		if err := f.charge(12 * len(v.str)); err != nil {
			return Value{}, err
		}
		chars = []rune(v.str)
	case List, Tuple:
		items = v.box.items
	default:
		return missing("slice"), nil // as Jinja does when an index fails
	}
	n := int64(max(len(items), len(chars)))
	step := int64(1)
	for i := range at {
		if at[i].kind != None && at[i].kind != Int && at[i].kind != Bool {
			return missing("slice"), nil
		}
	}
	if at[2].kind != None {
		if step = at[2].int(); step == 0 {
			return Value{}, mistake("a slice cannot have the step 0")
		}
		step = min(max(step, -n-1), n+1)
	}
	bound := func(b Value, missing, low, high int64) int64 {
		if b.kind == None {
			return missing
		}
		i := b.int()
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	if err := f.charge(2 * sizeOfValue * len(items)); err != nil {
		return Value{}, err
	}
	var from, to int64
	if step > 0 {
		from, to = bound(at[0], 0, 0, n), bound(at[1], n, 0, n)
	} else {
		from, to = bound(at[0], n-1, -1, n-1), bound(at[1], -1, -1, n-1)
	}
	var outItems []Value
	var outChars []rune
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		if v.kind == String {
			outChars = append(outChars, chars[i])
		} else {
			outItems = append(outItems, items[i])
		}
	}
	if v.kind == String {
		return text(string(outChars)), nil
	}
	return f.listOf(v.kind, outItems)
}
