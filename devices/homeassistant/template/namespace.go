package template

// keywordCall reads the arguments of namespace and dict: at most one in front, then any number with names.
func (p *parser) keywordCall(name token) (expr, error) {
	p.at++ // (
	var first *expr
	var names []string
	var values []expr
	for !p.op(")") {
		if first != nil || len(names) > 0 {
			if err := p.expect(tokOp, ",", "a comma or )"); err != nil {
				return expr{}, err
			}
			if p.op(")") {
				break
			}
		}
		key := p.peek()
		next := p.tokens[min(p.at+1, len(p.tokens)-1)]
		named := key.kind == tokName && next.kind == tokOp && next.s == "="
		if named {
			p.at += 2
		}
		e, err := p.expression()
		switch {
		case err != nil:
			return expr{}, err
		case named:
			names, values = append(names, key.s), append(values, e)
		case first != nil || len(names) > 0:
			return expr{}, p.errorf(key, "%s takes one argument without a name at most", name)
		default:
			first = &e
		}
	}
	kind := Dict
	if name.s == "namespace" {
		kind = Namespace
	}
	return expr{eval: func(f *frame) (Value, error) {
		b := &box{}
		if first != nil {
			v, err := first.eval(f)
			if err != nil {
				return Value{}, err
			}
			if err := f.fill(b, v); err != nil {
				return Value{}, err
			}
		}
		for i := range names {
			v, err := values[i].eval(f)
			if err != nil {
				return Value{}, err
			}
			if err := f.put(b, text(names[i]), v); err != nil {
				return Value{}, err
			}
		}
		return Value{kind: kind, box: b}, f.charge(sizeOfBox)
	}}, nil
}

// fromKeys reads dict.from_keys(pairs), if that is what comes: Home Assistant's way to make a dict of a list of pairs.
func (p *parser) fromKeys(t token) (expr, bool, error) {
	if t.s != "dict" || p.at+2 >= len(p.tokens) || p.tokens[p.at].s != "." || p.tokens[p.at+1].s != "from_keys" || p.tokens[p.at+2].s != "(" {
		return expr{}, false, nil
	}
	p.at += 2
	e, err := p.keywordCall(t)
	return e, true, err
}

// fill puts a dict's entries, or pairs, into a dict that is being made.
func (f *frame) fill(b *box, v Value) error {
	if v.kind == Dict {
		for i := range v.box.keys {
			if err := f.put(b, v.box.keys[i], v.box.items[i]); err != nil {
				return err
			}
		}
		return nil
	}
	pairs, err := f.elements(v)
	if err != nil {
		return err
	}
	for i := range pairs {
		pair, err := f.elements(pairs[i])
		if err != nil {
			return err
		}
		if len(pair) != 2 {
			return mistake("a dict is made of pairs, not of %d elements", len(pair))
		}
		if err := f.put(b, pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// put adds or replaces an entry, and pays for it.
func (f *frame) put(b *box, key, v Value) error {
	switch {
	case key.kind == List || key.kind == Dict || key.kind == Namespace:
		return mistake("a %s cannot be a key", key.kind)
	case len(b.keys) >= maxItems:
		return errTooLong
	}
	if err := f.hold(b, v); err != nil {
		return err
	}
	cost := 4 * sizeOfValue // two lists that grow by doubling
	if b.index == nil || key.kind != String {
		cost += 4 * min(len(b.keys), indexed)
	}
	if b.index == nil && len(b.keys)+1 == indexed {
		cost += 64 * indexed
	}
	if b.index != nil {
		cost += 96
		if key.kind != String {
			cost += 8 * len(b.keys)
		}
	}
	if err := f.charge(cost); err != nil {
		return err
	}
	b.set(key, v)
	return nil
}

// hold notes that a list or dict gets an element: they can be nested so deep only, and no namespace can be within them, since a
// namespace changes, and could come to hold itself.
func (f *frame) hold(b *box, v Value) error {
	if v.kind == Namespace {
		return mistake("a namespace cannot be kept in anything")
	}
	if v.box != nil && v.box.depth >= b.depth {
		if b.depth = v.box.depth + 1; b.depth > MaxDepth {
			return mistake("lists within lists more than %d deep", MaxDepth)
		}
	}
	return nil
}

// setMember reads what follows {% set x. %}: the name of a namespace's member, = and its value.
func (p *parser) setMember(of token) (node, error) {
	name := p.next()
	if name.kind != tokName {
		return nil, p.errorf(name, "expected a name after the dot, found %s", name)
	}
	if err := p.expect(tokOp, "=", "="); err != nil {
		return nil, err
	}
	slots := p.resolve(of.s)
	e, err := p.tupleOrExpression()
	if err != nil {
		return nil, err
	}
	key := text(name.s)
	return func(f *frame) error {
		v, err := e.eval(f)
		if err != nil {
			return err
		}
		for _, i := range slots {
			if ns := f.slots[i]; ns.kind == Namespace {
				return f.put(ns.box, key, v)
			}
		}
		return mistake("%s is no namespace", of.s)
	}, p.expect(tokBlockEnd, "", "%}")
}
