package template

import "slices"

// operation is what a filter, a function, a test or a method does. The first of args is the operand (but for functions); those
// that were not given are absent.
type operation struct {
	params []string // names of the arguments after the operand; "*" takes any number
	needed int      // how many of them there must be
	do     func(f *frame, args []Value) (Value, error)
}

// arguments reads what follows an opening parenthesis up to the closing one, in the order of params.
func (p *parser) arguments(name token, op *operation) ([]expr, error) {
	var out []expr
	many := len(op.params) == 1 && op.params[0] == "*"
	if !many {
		out = make([]expr, len(op.params))
	}
	given := 0
	for !p.op(")") {
		if given > 0 {
			if err := p.expect(tokOp, ",", "a comma or )"); err != nil {
				return nil, err
			}
			if p.op(")") {
				break
			}
		}
		at := given
		t := p.peek()
		if next := p.tokens[min(p.at+1, len(p.tokens)-1)]; t.kind == tokName && next.kind == tokOp && next.s == "=" {
			if at = slices.Index(op.params, t.s); at < 0 {
				return nil, p.errorf(t, "%s has no argument %s", name, t)
			}
			p.at += 2
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		switch {
		case many:
			out = append(out, e)
		case at >= len(out):
			return nil, p.errorf(t, "%s takes %d arguments at most", name, len(out))
		case out[at].eval != nil:
			return nil, p.errorf(t, "%s is given one argument twice", name)
		default:
			out[at] = e
		}
		given++
	}
	return out, p.needed(name, op, out)
}

func (p *parser) needed(name token, op *operation, args []expr) error {
	for i := range op.needed {
		if i >= len(args) || args[i].eval == nil {
			return p.errorf(name, "%s lacks an argument", name)
		}
	}
	return nil
}

// apply is the expression that evaluates operand, if there is one, and arguments, and hands them to the operation.
func apply(op *operation, operand *expr, args []expr) expr {
	return expr{eval: func(f *frame) (Value, error) { return f.call(op, nil, operand, args) }}
}

// call works out an operation of an operand, which is a value or an expression or not there, and of arguments. They lie on the
// frame's stack meanwhile; an operation keeps none of it.
func (f *frame) call(op *operation, v *Value, operand *expr, args []expr) (Value, error) {
	if err := f.charge(128); err != nil {
		return Value{}, err
	}
	base := len(f.stack)
	defer func() { f.stack = f.stack[:base] }()
	if v != nil {
		f.stack = append(f.stack, *v)
	} else if operand != nil {
		v, err := operand.eval(f)
		if err != nil {
			return Value{}, err
		}
		f.stack = append(f.stack, v)
	}
	for i := range args {
		v := Value{kind: absent}
		if args[i].eval != nil {
			var err error
			if v, err = args[i].eval(f); err != nil {
				return Value{}, err
			}
		}
		f.stack = append(f.stack, v)
	}
	return op.do(f, f.stack[base:len(f.stack):len(f.stack)])
}

// call reads a call of a function, whose name has been taken.
func (p *parser) call(name token) (expr, error) {
	op, ok := functions[name.s]
	if !ok {
		return expr{}, p.errorf(name, "the function %s is not supported", name)
	}
	p.at++ // (
	args, err := p.arguments(name, op)
	return apply(op, nil, args), err
}

// method reads a call of a method, whose name has been taken.
func (p *parser) method(e expr, name token) (expr, error) {
	op, ok := methods[name.s]
	if !ok {
		return expr{}, p.errorf(name, "the method %s is not supported", name)
	}
	p.at++ // (
	args, err := p.arguments(name, op)
	return apply(op, &e, args), err
}

// filters reads the filters and tests that follow an operand.
func (p *parser) filters(e expr) (expr, error) {
	for {
		switch {
		case p.op("|"):
			name := p.next()
			if name.kind == tokName && eachers[name.s] {
				var err error
				if e, err = p.each(name, e); err != nil {
					return expr{}, err
				}
				continue
			}
			op, ok := filters[name.s]
			if name.kind != tokName || !ok {
				return expr{}, p.errorf(name, "the filter %s is not supported", name)
			}
			var args []expr
			err := p.needed(name, op, nil)
			if p.op("(") {
				args, err = p.arguments(name, op)
			} else if !slices.Contains(op.params, "*") {
				args = make([]expr, len(op.params))
			}
			if err != nil {
				return expr{}, err
			}
			operand := e
			e = apply(op, &operand, args)
		case p.word("is"):
			var err error
			if e, err = p.test(e); err != nil {
				return expr{}, err
			}
		default:
			return e, nil
		}
	}
}

// test reads what follows is: [not] name, with an argument in parentheses or without.
func (p *parser) test(e expr) (expr, error) {
	negated := p.word("not")
	name := p.next()
	op, ok := tests[name.s]
	if !ok || name.kind != tokName && name.kind != tokOp {
		return expr{}, p.errorf(name, "the test %s is not supported", name)
	}
	var args []expr
	var err error
	switch t := p.peek(); {
	case t.kind == tokOp && t.s == "(":
		p.at++
		args, err = p.arguments(name, op)
	case len(op.params) > 0 && (t.kind == tokString || t.kind == tokInt || t.kind == tokFloat || t.kind == tokName && !keywords[t.s] ||
		t.kind == tokOp && (t.s == "[" || t.s == "{")):
		var arg expr
		if arg, err = p.primary(); err == nil {
			arg, err = p.postfix(arg)
		}
		args = make([]expr, len(op.params))
		args[0] = arg
	default:
		args = make([]expr, len(op.params))
		err = p.needed(name, op, args)
	}
	if err != nil {
		return expr{}, err
	}
	tested := apply(op, &e, args)
	return expr{eval: func(f *frame) (Value, error) {
		v, err := tested.eval(f)
		return boolean(v.Truth() != negated), err
	}}, nil
}
