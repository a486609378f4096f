package template

// expr is a compiled expression.
type expr struct {
	eval func(*frame) (Value, error)
	path *pathExpr // for what is a path into the document and nothing else
}

var keywords = map[string]bool{
	"and": true, "or": true, "not": true, "in": true, "is": true, "if": true, "else": true,
	"true": true, "false": true, "none": true, "True": true, "False": true, "None": true,
}

func constant(v Value) expr {
	return expr{eval: func(*frame) (Value, error) { return v, nil }}
}

// tupleOrExpression reads what a tag may hold: an expression, or several with commas between, which are a tuple.
func (p *parser) tupleOrExpression() (expr, error) {
	first, err := p.expression()
	if err != nil || p.peek().kind != tokOp || p.peek().s != "," {
		return first, err
	}
	items := []expr{first}
	for p.op(",") {
		if t := p.peek(); t.kind == tokPrintEnd || t.kind == tokBlockEnd {
			break
		}
		e, err := p.expression()
		if err != nil {
			return expr{}, err
		}
		items = append(items, e)
	}
	return sequence(items, Tuple), nil
}

// expression is the inline if and all that binds more tightly.
func (p *parser) expression() (expr, error) {
	if err := p.enter(p.peek()); err != nil {
		return expr{}, err
	}
	defer func() { p.depth-- }()
	then, err := p.or()
	if err != nil {
		return expr{}, err
	}
	for p.word("if") {
		cond, err := p.or()
		if err != nil {
			return expr{}, err
		}
		other := constant(missing("the inline if without else"))
		if p.word("else") {
			if other, err = p.expression(); err != nil {
				return expr{}, err
			}
		}
		yes := then
		then = expr{eval: func(f *frame) (Value, error) {
			v, err := cond.eval(f)
			if err != nil {
				return Value{}, err
			}
			if v.Truth() {
				return yes.eval(f)
			}
			return other.eval(f)
		}}
	}
	return then, nil
}

func (p *parser) or() (expr, error) {
	left, err := p.and()
	for err == nil && p.word("or") {
		var right expr
		right, err = p.and()
		a := left
		left = expr{eval: func(f *frame) (Value, error) {
			if v, err := a.eval(f); err != nil || v.Truth() {
				return v, err
			}
			return right.eval(f)
		}}
	}
	return left, err
}

func (p *parser) and() (expr, error) {
	left, err := p.not()
	for err == nil && p.word("and") {
		var right expr
		right, err = p.not()
		a := left
		left = expr{eval: func(f *frame) (Value, error) {
			if v, err := a.eval(f); err != nil || !v.Truth() {
				return v, err
			}
			return right.eval(f)
		}}
	}
	return left, err
}

func (p *parser) not() (expr, error) {
	t := p.peek()
	if !p.word("not") {
		return p.compare()
	}
	if err := p.enter(t); err != nil {
		return expr{}, err
	}
	defer func() { p.depth-- }()
	e, err := p.not()
	return expr{eval: func(f *frame) (Value, error) {
		v, err := e.eval(f)
		return boolean(!v.Truth()), err
	}}, err
}

// comparison is one link of a chain such as 0 < x <= 9.
type comparison struct {
	op    string
	right expr
}

func (p *parser) compare() (expr, error) {
	left, err := p.sum()
	if err != nil {
		return expr{}, err
	}
	var chain []comparison
	for {
		op := ""
		switch t := p.peek(); {
		case t.kind == tokOp && (t.s == "==" || t.s == "!=" || t.s == "<" || t.s == "<=" || t.s == ">" || t.s == ">="):
			op = t.s
			p.at++
		case p.word("in"):
			op = "in"
		case t.kind == tokName && t.s == "not" && p.tokens[p.at+1].kind == tokName && p.tokens[p.at+1].s == "in":
			op = "not in"
			p.at += 2
		}
		if op == "" {
			break
		}
		right, err := p.sum()
		if err != nil {
			return expr{}, err
		}
		chain = append(chain, comparison{op, right})
	}
	if len(chain) == 0 {
		return left, nil
	}
	return expr{eval: func(f *frame) (Value, error) {
		a, err := left.eval(f)
		if err != nil {
			return Value{}, err
		}
		for i := range chain {
			b, err := chain[i].right.eval(f)
			if err != nil {
				return Value{}, err
			}
			if yes, err := f.compare(chain[i].op, a, b); err != nil || !yes {
				return boolean(false), err
			}
			a = b
		}
		return trueValue, nil
	}}, nil
}

// binary reads operands joined by operators of one precedence.
func (p *parser) binary(operand func() (expr, error), ops ...string) (expr, error) {
	left, err := operand()
	if err != nil {
		return expr{}, err
	}
	for {
		found := ""
		for _, op := range ops {
			if p.op(op) {
				found = op
				break
			}
		}
		if found == "" {
			return left, nil
		}
		right, err := operand()
		if err != nil {
			return expr{}, err
		}
		a := left
		left = expr{eval: func(f *frame) (Value, error) {
			x, err := a.eval(f)
			if err != nil {
				return Value{}, err
			}
			y, err := right.eval(f)
			if err != nil {
				return Value{}, err
			}
			return f.arithmetic(found, x, y)
		}}
	}
}

func (p *parser) sum() (expr, error)     { return p.binary(p.concat, "+", "-") }
func (p *parser) concat() (expr, error)  { return p.binary(p.product, "~") }
func (p *parser) product() (expr, error) { return p.binary(p.power, "*", "/", "//", "%") }
func (p *parser) power() (expr, error) {
	return p.binary(func() (expr, error) { return p.unary(true) }, "**")
}

func (p *parser) unary(filters bool) (expr, error) {
	t := p.peek()
	sign := t.s
	if t.kind != tokOp || sign != "-" && sign != "+" {
		e, err := p.primary()
		if err != nil {
			return expr{}, err
		}
		if e, err = p.postfix(e); err != nil || !filters {
			return e, err
		}
		return p.filters(e)
	}
	p.at++
	if err := p.enter(t); err != nil {
		return expr{}, err
	}
	defer func() { p.depth-- }()
	e, err := p.unary(false)
	if err != nil {
		return expr{}, err
	}
	signed := expr{eval: func(f *frame) (Value, error) {
		v, err := e.eval(f)
		if err != nil {
			return Value{}, err
		}
		if sign == "+" {
			return f.arithmetic("+", integer(0), v)
		}
		if v.kind == Float {
			return floating(-v.float()), nil
		}
		return f.arithmetic("-", integer(0), v)
	}}
	if !filters {
		return signed, nil
	}
	return p.filters(signed)
}

func (p *parser) primary() (expr, error) {
	t := p.next()
	switch t.kind {
	case tokInt, tokFloat:
		return constant(t.num), nil
	case tokString:
		s := t.s
		for p.peek().kind == tokString { // neighbours are one text
			s += p.next().s
		}
		return constant(text(s)), nil
	case tokName:
		return p.name(t)
	case tokOp:
		switch t.s {
		case "(":
			return p.parens()
		case "[":
			items, err := p.items("]")
			return sequence(items, List), err
		case "{":
			return p.dict()
		}
	}
	return expr{}, p.errorf(t, "unexpected %s", t)
}

func (p *parser) name(t token) (expr, error) {
	switch t.s {
	case "true", "True":
		return constant(trueValue), nil
	case "false", "False":
		return constant(boolean(false)), nil
	case "none", "None":
		return constant(none), nil
	}
	if keywords[t.s] {
		return expr{}, p.errorf(t, "unexpected %s", t)
	}
	if e, ok, err := p.fromKeys(t); ok {
		return e, err
	}
	slots := p.resolve(t.s)
	if next := p.peek(); next.kind == tokOp && next.s == "(" && len(slots) == 0 {
		if t.s == "namespace" || t.s == "dict" {
			return p.keywordCall(t)
		}
		return p.call(t)
	}
	if t.s == "loop" {
		p.looked = true
	}
	r := rootOther
	switch t.s {
	case "value":
		r = rootValue
	case "value_json":
		r = rootJSON
	}
	name := t.s
	e := expr{eval: func(f *frame) (Value, error) {
		for _, slot := range slots {
			if f.slots[slot].kind != absent {
				return f.slots[slot], nil
			}
		}
		if v, ok := f.Vars[name]; ok {
			return v, nil
		}
		if r != rootOther {
			return f.root(r), nil
		}
		return missing(name), nil
	}}
	if r != rootOther && len(slots) == 0 {
		e.path = &pathExpr{root: r}
	}
	return e, nil
}

// parens reads what follows an opening parenthesis: an expression or a tuple.
func (p *parser) parens() (expr, error) {
	if p.op(")") {
		return constant(tuple(nil)), nil
	}
	first, err := p.expression()
	if err != nil {
		return expr{}, err
	}
	if !p.op(",") {
		return first, p.expect(tokOp, ")", ")")
	}
	items, err := p.items(")")
	return sequence(append([]expr{first}, items...), Tuple), err
}

// items reads expressions with commas between up to the closing bracket.
func (p *parser) items(end string) ([]expr, error) {
	var out []expr
	for !p.op(end) {
		if len(out) > 0 {
			if err := p.expect(tokOp, ",", "a comma or "+end); err != nil {
				return nil, err
			}
			if p.op(end) {
				break
			}
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func sequence(items []expr, kind Kind) expr {
	return expr{eval: func(f *frame) (Value, error) {
		if err := f.charge(sizeOfValue * len(items)); err != nil {
			return Value{}, err
		}
		out := make([]Value, len(items))
		for i := range items {
			var err error
			if out[i], err = items[i].eval(f); err != nil {
				return Value{}, err
			}
		}
		return f.listOf(kind, out)
	}}
}

func (p *parser) dict() (expr, error) {
	var keys, values []expr
	for !p.op("}") {
		if len(keys) > 0 {
			if err := p.expect(tokOp, ",", "a comma or }"); err != nil {
				return expr{}, err
			}
			if p.op("}") {
				break
			}
		}
		k, err := p.expression()
		if err != nil {
			return expr{}, err
		}
		if err := p.expect(tokOp, ":", "a colon"); err != nil {
			return expr{}, err
		}
		v, err := p.expression()
		if err != nil {
			return expr{}, err
		}
		keys, values = append(keys, k), append(values, v)
	}
	return expr{eval: func(f *frame) (Value, error) {
		b := &box{}
		for i := range keys {
			k, err := keys[i].eval(f)
			if err != nil {
				return Value{}, err
			}
			v, err := values[i].eval(f)
			if err != nil {
				return Value{}, err
			}
			if err := f.put(b, k, v); err != nil {
				return Value{}, err
			}
		}
		return Value{kind: Dict, box: b}, f.charge(sizeOfBox)
	}}, nil
}
