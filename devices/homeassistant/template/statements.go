package template

import (
	"fmt"
)

// parser makes closures of tokens.
type parser struct {
	tokens []token
	at     int
	depth  int
	slots  int    // variables that set and for make
	scope  *scope // where the next set puts its variable
	loops  int    // within how many loops the parser is
	looked bool   // the variable loop was looked at
	raw    []string
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokEnd {
		p.at++
	}
	return t
}

// op takes an operator if it comes next.
func (p *parser) op(s string) bool {
	if t := p.peek(); t.kind == tokOp && t.s == s {
		p.at++
		return true
	}
	return false
}

// word takes a keyword if it comes next.
func (p *parser) word(s string) bool {
	if t := p.peek(); t.kind == tokName && t.s == s {
		p.at++
		return true
	}
	return false
}

func (p *parser) errorf(t token, format string, args ...any) error {
	return fmt.Errorf("compiling template at byte %d: %s", t.at, fmt.Sprintf(format, args...))
}

func (p *parser) expect(kind tokenKind, s, what string) error {
	if t := p.next(); t.kind != kind || s != "" && t.s != s {
		return p.errorf(t, "expected %s, found %s", what, t)
	}
	return nil
}

func (p *parser) enter(t token) error {
	if p.depth++; p.depth > maxNested {
		return p.errorf(t, "more than %d levels", maxNested)
	}
	return nil
}

func (p *parser) template(t *Template) error {
	body, only, end, err := p.body()
	if err != nil {
		return err
	}
	if end != "" {
		return p.errorf(p.peek(), "%s without its beginning", end)
	}
	t.body = body
	if len(body) == 1 && only != nil {
		t.only, t.path = only, only.path
	}
	return nil
}

// body reads up to the end of the template or to a tag that ends or divides a block, whose name it returns with the
// tag's name taken. only is the last expression that was printed.
func (p *parser) body() (out []node, only *expr, end string, err error) {
	for {
		switch t := p.next(); t.kind {
		case tokEnd:
			return out, only, "", nil
		case tokText:
			s := t.s
			out = append(out, func(f *frame) error { return f.add(s) })
		case tokPrint:
			e, err := p.tupleOrExpression()
			if err != nil {
				return nil, nil, "", err
			}
			if err := p.expect(tokPrintEnd, "", "}}"); err != nil {
				return nil, nil, "", err
			}
			only = &e
			out = append(out, func(f *frame) error {
				v, err := e.eval(f)
				if err != nil {
					return err
				}
				return f.print(v)
			})
		case tokBlock:
			name := p.next()
			switch name.s {
			case "if":
				n, err := p.ifBlock(name)
				if err != nil {
					return nil, nil, "", err
				}
				out = append(out, n)
			case "set":
				n, err := p.setBlock(name)
				if err != nil {
					return nil, nil, "", err
				}
				out = append(out, n)
			case "raw":
				i := p.next()
				if i.kind != tokInt || i.num.int() < 0 || i.num.int() >= int64(len(p.raw)) {
					return nil, nil, "", p.errorf(name, "a raw block without its end")
				}
				if err := p.expect(tokBlockEnd, "", "%}"); err != nil {
					return nil, nil, "", err
				}
				s := p.raw[i.num.int()]
				out = append(out, func(f *frame) error { return f.add(s) })
			case "for":
				n, err := p.forBlock(name)
				if err != nil {
					return nil, nil, "", err
				}
				out = append(out, n)
			case "break", "continue":
				n, err := p.jumpTag(name, map[string]jump{"break": jumpBreak, "continue": jumpContinue}[name.s])
				if err != nil {
					return nil, nil, "", err
				}
				out = append(out, n)
			case "elif", "else", "endif", "endset", "endfor":
				return out, only, name.s, nil
			default:
				return nil, nil, "", p.errorf(name, "the tag %s is not supported", name)
			}
		default:
			return nil, nil, "", p.errorf(t, "unexpected %s", t)
		}
	}
}

// branch is one if or elif with what it writes; without a condition it is the else.
type branch struct {
	cond *expr
	body []node
}

func (p *parser) ifBlock(begin token) (node, error) {
	if err := p.enter(begin); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var branches []branch
	for end := "if"; ; {
		var b branch
		switch end {
		case "if", "elif":
			if len(branches) > 0 && branches[len(branches)-1].cond == nil {
				return nil, p.errorf(p.peek(), "elif after else")
			}
			e, err := p.tupleOrExpression()
			if err != nil {
				return nil, err
			}
			b.cond = &e
		case "else":
			if branches[len(branches)-1].cond == nil {
				return nil, p.errorf(p.peek(), "else after else")
			}
		case "endif":
			return ifNode(branches), p.expect(tokBlockEnd, "", "%}")
		case "":
			return nil, p.errorf(begin, "an if without its endif")
		default:
			return nil, p.errorf(p.peek(), "%s within an if", end)
		}
		if err := p.expect(tokBlockEnd, "", "%}"); err != nil {
			return nil, err
		}
		var err error
		if b.body, _, end, err = p.body(); err != nil {
			return nil, err
		}
		branches = append(branches, b)
	}
}

func ifNode(branches []branch) node {
	return func(f *frame) error {
		for i := range branches {
			b := &branches[i]
			if b.cond != nil {
				if err := f.charge(0); err != nil {
					return err
				}
				v, err := b.cond.eval(f)
				if err != nil {
					return err
				}
				if !v.Truth() {
					continue
				}
			}
			return f.write(b.body)
		}
		return nil
	}
}

// setBlock reads {% set x = … %} and {% set x %}…{% endset %}.
func (p *parser) setBlock(begin token) (node, error) {
	name := p.next()
	if name.kind != tokName || keywords[name.s] {
		return nil, p.errorf(name, "expected a name to set, found %s", name)
	}
	if p.op(".") {
		return p.setMember(name)
	}
	if p.op("=") {
		e, err := p.tupleOrExpression()
		if err != nil {
			return nil, err
		}
		i := p.declare(name.s)
		return func(f *frame) error {
			v, err := e.eval(f)
			f.slots[i] = v
			return err
		}, p.expect(tokBlockEnd, "", "%}")
	}
	if err := p.expect(tokBlockEnd, "", "= or %}"); err != nil {
		return nil, err
	}
	if err := p.enter(begin); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	body, _, end, err := p.body()
	if err != nil {
		return nil, err
	}
	if end != "endset" {
		return nil, p.errorf(begin, "a set without its endset")
	}
	i := p.declare(name.s)
	return func(f *frame) error {
		before := len(f.out)
		if err := f.write(body); err != nil {
			return err
		}
		f.slots[i] = text(string(f.out[before:]))
		f.out = f.out[:before]
		return f.charge(len(f.slots[i].str))
	}, p.expect(tokBlockEnd, "", "%}")
}
