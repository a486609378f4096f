package template

// jump is what ends the pass of a loop early.
type jump uint8

const (
	jumpContinue jump = iota + 1
	jumpBreak
)

// scope is where set puts its variables: the template, or one pass of a loop, which forgets them.
type scope struct {
	names  map[string]int
	around *scope
}

// declare is the slot of a variable that is set where the parser is.
func (p *parser) declare(name string) int {
	if i, ok := p.scope.names[name]; ok {
		return i
	}
	i := p.slots
	p.slots++
	if p.scope.names == nil {
		p.scope.names = map[string]int{}
	}
	p.scope.names[name] = i
	return i
}

// resolve is where a variable may have been set, from the innermost scope outwards.
func (p *parser) resolve(name string) []int {
	var out []int
	for s := p.scope; s != nil; s = s.around {
		if i, ok := s.names[name]; ok {
			out = append(out, i)
		}
	}
	return out
}

// loop is a compiled for.
type loop struct {
	over      expr
	cond      *expr // of for x in y if z
	targets   []int
	self      int // the slot of the variable loop, -1 when nobody looks at it
	low, high int // the slots that a pass forgets
	body      []node
	otherwise []node // when there was no pass
}

// forBlock reads {% for x in y if z %}…{% else %}…{% endfor %}.
func (p *parser) forBlock(begin token) (node, error) {
	if err := p.enter(begin); err != nil {
		return nil, err
	}
	p.scope = &scope{around: p.scope}
	p.loops++
	defer func() {
		p.depth--
		p.loops--
		p.scope = p.scope.around
	}()
	l := &loop{low: p.slots}
	names, err := p.targets()
	if err != nil {
		return nil, err
	}
	if l.over, err = p.or(); err != nil {
		return nil, err
	}
	for _, name := range names {
		l.targets = append(l.targets, p.declare(name))
	}
	l.self = p.declare("loop")
	if p.word("if") {
		cond, err := p.or()
		if err != nil {
			return nil, err
		}
		l.cond = &cond
	}
	if err := p.expect(tokBlockEnd, "", "%}"); err != nil {
		return nil, err
	}
	seen := p.looked
	p.looked = false
	var end string
	if l.body, _, end, err = p.body(); err != nil {
		return nil, err
	}
	if !p.looked {
		l.self = -1
	}
	p.looked = seen
	l.high = p.slots
	if end == "else" {
		if err := p.expect(tokBlockEnd, "", "%}"); err != nil {
			return nil, err
		}
		if l.otherwise, _, end, err = p.body(); err != nil {
			return nil, err
		}
	}
	if end != "endfor" {
		return nil, p.errorf(begin, "a for without its endfor")
	}
	return l.run, p.expect(tokBlockEnd, "", "%}")
}

// targets reads the names in front of in.
func (p *parser) targets() ([]string, error) {
	var names []string
	bracket := p.op("(")
	for {
		t := p.next()
		if t.kind != tokName || keywords[t.s] || len(names) == 16 {
			return nil, p.errorf(t, "expected a name for the loop, found %s", t)
		}
		names = append(names, t.s)
		if !p.op(",") {
			break
		}
	}
	if bracket && !p.op(")") {
		return nil, p.errorf(p.peek(), "expected ), found %s", p.peek())
	}
	if !p.word("in") {
		return nil, p.errorf(p.peek(), "expected in, found %s", p.peek())
	}
	return names, nil
}

func (l *loop) run(f *frame) error {
	over, err := l.over.eval(f)
	if err != nil {
		return err
	}
	items, err := f.elements(over)
	if err != nil {
		return err
	}
	if l.cond != nil {
		if items, err = l.chosen(f, items); err != nil {
			return err
		}
	}
	for i := range items {
		if err := l.pass(f, items, i); err != nil {
			return err
		}
		left := f.leave
		f.leave = 0
		if left == jumpBreak {
			break
		}
	}
	if len(items) == 0 {
		return f.write(l.otherwise)
	}
	return nil
}

// chosen are the elements for which the condition is true.
func (l *loop) chosen(f *frame, items []Value) ([]Value, error) {
	if err := f.charge(sizeOfValue * len(items)); err != nil {
		return nil, err
	}
	out := make([]Value, 0, len(items))
	for i := range items {
		if err := l.assign(f, items[i]); err != nil {
			return nil, err
		}
		v, err := l.cond.eval(f)
		if err != nil {
			return nil, err
		}
		if v.Truth() {
			out = append(out, items[i])
		}
	}
	return out, nil
}

// assign begins a pass: what the one before set is forgotten.
func (l *loop) assign(f *frame, v Value) error {
	if err := f.charge(l.high - l.low); err != nil {
		return err
	}
	for i := l.low; i < l.high; i++ {
		f.slots[i] = Value{kind: absent}
	}
	if len(l.targets) == 1 {
		f.slots[l.targets[0]] = v
		return nil
	}
	parts, err := f.elements(v)
	if err != nil {
		return err
	}
	if len(parts) != len(l.targets) {
		return mistake("%d names for %d elements", len(l.targets), len(parts))
	}
	for i, slot := range l.targets {
		f.slots[slot] = parts[i]
	}
	return nil
}

func (l *loop) pass(f *frame, items []Value, i int) error {
	if err := l.assign(f, items[i]); err != nil {
		return err
	}
	if l.self >= 0 {
		n := int64(len(items))
		b := &box{}
		for _, of := range []struct {
			name string
			v    Value
		}{
			{"index", integer(int64(i) + 1)},
			{"index0", integer(int64(i))},
			{"first", boolean(i == 0)},
			{"last", boolean(int64(i) == n-1)},
			{"length", integer(n)},
			{"revindex", integer(n - int64(i))},
			{"revindex0", integer(n - int64(i) - 1)},
		} {
			b.set(text(of.name), of.v)
		}
		f.slots[l.self] = Value{kind: Dict, box: b}
		if err := f.charge(1600); err != nil {
			return err
		}
	}
	return f.write(l.body)
}

// jumpTag reads what follows break or continue.
func (p *parser) jumpTag(name token, to jump) (node, error) {
	if p.loops == 0 {
		return nil, p.errorf(name, "%s outside of a loop", name)
	}
	return func(f *frame) error {
		f.leave = to
		return f.charge(0)
	}, p.expect(tokBlockEnd, "", "%}")
}
