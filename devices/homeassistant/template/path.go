package template

import "unicode/utf8"

// root is where a path begins.
type root uint8

const (
	rootOther root = iota
	rootValue      // value
	rootJSON       // value_json
)

// pathExpr is value or value_json with names and indexes after it: nine templates of ten.
type pathExpr struct {
	root  root
	steps []step
}

// step is one level of a path: a name (a.b) or a key (a['b'], a[0], a.0).
type step struct {
	key  Value
	attr bool
}

func (p *pathExpr) walk(c *Context) (Value, error) {
	v := c.root(p.root)
	for i := range p.steps {
		s := &p.steps[i]
		if v.kind == Dict && s.key.kind == String {
			v = v.Get(s.key.str)
			continue
		}
		var err error
		if v, err = item(v, s.key, s.attr); err != nil {
			return Value{}, err
		}
	}
	return v, nil
}

func (c *Context) root(r root) Value {
	switch {
	case c.Document == nil:
		return missing("value")
	case r == rootValue && !c.Document.binary:
		return text(c.Document.text)
	case r == rootJSON && c.Document.isJSON:
		return c.Document.json
	}
	return missing("value_json")
}

// item is v[key], or v.key for attr. Only undefined has no items at all; everything else has undefined ones.
func item(v, key Value, attr bool) (Value, error) {
	switch v.kind {
	case Undefined:
		return Value{}, absence(v.str)
	case Dict, Namespace:
		if key.kind == List || key.kind == Dict {
			return Value{}, mistake("a %s cannot be a key", key.kind)
		}
		got, _ := v.lookup(key)
		return got, nil
	case List, Tuple, String:
		if key.kind != Int && key.kind != Bool || attr {
			return missing(brief(key)), nil
		}
		i := key.int()
		if v.kind == String {
			return charAt(v.str, i), nil
		}
		if i < 0 {
			i += int64(len(v.box.items))
		}
		if i < 0 || i >= int64(len(v.box.items)) {
			return missing(brief(key)), nil
		}
		return v.box.items[i], nil
	}
	return missing(brief(key)), nil
}

// charAt is the i-th character, counted from the end when i is negative.
func charAt(s string, i int64) Value {
	for i < -1 && s != "" {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
		i++
	}
	if i < 0 {
		if _, size := utf8.DecodeLastRuneInString(s); size > 0 {
			return text(s[len(s)-size:])
		}
		return missing("index")
	}
	if i >= int64(len(s)) {
		return missing("index")
	}
	for ; s != ""; i-- {
		_, size := utf8.DecodeRuneInString(s)
		if i == 0 {
			return text(s[:size])
		}
		s = s[size:]
	}
	return missing("index")
}
