package template

import (
	"math"
	"math/bits"
	"strings"
)

// compare is one of == != < <= > >= in, not in.
func (f *frame) compare(op string, a, b Value) (bool, error) {
	if err := f.charge(0); err != nil {
		return false, err
	}
	switch op {
	case "==":
		return f.equal(a, b)
	case "!=":
		same, err := f.equal(a, b)
		return !same, err
	case "in":
		return f.contains(b, a)
	case "not in":
		has, err := f.contains(b, a)
		return !has, err
	}
	order, err := f.order(a, b)
	if err != nil {
		return false, err
	}
	switch op {
	case "<":
		return order == less, nil
	case "<=":
		return order == less || order == equal, nil
	case ">":
		return order == greater, nil
	default:
		return order == greater || order == equal, nil
	}
}

func (f *frame) equal(a, b Value) (bool, error) {
	if a.box == nil || b.box == nil || a.kind != b.kind {
		if a.kind == String && b.kind == String {
			return a.str == b.str, f.charge(min(len(a.str), len(b.str)))
		}
		return scalarsEqual(a, b), nil
	}
	if a.Len() != b.Len() {
		return false, nil
	}
	if a.box == b.box {
		return true, nil
	}
	if err := f.charge(16 * a.Len()); err != nil {
		return false, err
	}
	for i := range a.box.items {
		if err := f.charge(0); err != nil {
			return false, err
		}
		x := a.box.items[i]
		var y Value
		if a.kind == Dict {
			var ok bool
			if y, ok = b.lookup(a.box.keys[i]); !ok {
				return false, nil
			}
		} else {
			y = b.box.items[i]
		}
		if same, err := f.equal(x, y); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

type ordering int8

const (
	less ordering = iota - 1
	equal
	greater
	unordered // NaN
)

func orderOf[T int64 | float64 | string](a, b T) ordering {
	switch {
	case a < b:
		return less
	case a > b:
		return greater
	case a == b:
		return equal
	}
	return unordered
}

// order compares numbers with numbers, texts with texts, lists with lists; everything else is a mistake.
func (f *frame) order(a, b Value) (ordering, error) {
	switch {
	case a.kind == Undefined:
		return 0, absence(a.str)
	case b.kind == Undefined:
		return 0, absence(b.str)
	case a.numeric() && b.numeric():
		if a.kind != Float && b.kind != Float {
			return orderOf(a.int(), b.int()), nil
		}
		return orderOf(a.asFloat(), b.asFloat()), nil
	case a.kind == String && b.kind == String:
		return orderOf(a.str, b.str), f.charge(min(len(a.str), len(b.str)))
	case a.kind == b.kind && (a.kind == List || a.kind == Tuple):
		for i := range min(a.Len(), b.Len()) {
			if err := f.charge(0); err != nil {
				return 0, err
			}
			if same, err := f.equal(a.box.items[i], b.box.items[i]); err != nil || !same {
				if err != nil {
					return 0, err
				}
				return f.order(a.box.items[i], b.box.items[i])
			}
		}
		return orderOf(int64(a.Len()), int64(b.Len())), nil
	}
	return 0, mistake("%s and %s cannot be ordered", a.kind, b.kind)
}

// contains is x in v.
func (f *frame) contains(v, x Value) (bool, error) {
	switch v.kind {
	case Undefined:
		return false, nil
	case String:
		if x.kind != String {
			return false, mistake("a text cannot hold a %s", x.kind)
		}
		return strings.Contains(v.str, x.str), f.charge(len(v.str))
	case Dict:
		if x.kind == List || x.kind == Dict {
			return false, mistake("a %s cannot be a key", x.kind)
		}
		_, ok := v.lookup(x)
		return ok, f.charge(4 * v.Len())
	case List, Tuple:
		for i := range v.box.items {
			if err := f.charge(0); err != nil {
				return false, err
			}
			if same, err := f.equal(v.box.items[i], x); err != nil || same {
				return same, err
			}
		}
		return false, nil
	}
	return false, mistake("a %s cannot hold anything", v.kind)
}

func (f *frame) arithmetic(op string, a, b Value) (Value, error) {
	if err := f.charge(0); err != nil {
		return Value{}, err
	}
	if op == "~" {
		x, err := f.spell(a)
		if err != nil {
			return Value{}, err
		}
		y, err := f.spell(b)
		if err != nil {
			return Value{}, err
		}
		return f.join(x, y)
	}
	switch {
	case a.kind == String && op == "%":
		args := []Value{b}
		if b.kind == Tuple {
			args = b.box.items
		}
		return f.format(a.str, args)
	case a.kind == Undefined:
		return Value{}, absence(a.str)
	case b.kind == Undefined:
		return Value{}, absence(b.str)
	case a.kind == String && b.kind == String && op == "+":
		return f.join(a.str, b.str)
	case (a.kind == List || a.kind == Tuple) && a.kind == b.kind && op == "+":
		if a.Len()+b.Len() > maxItems {
			return Value{}, errTooLong
		}
		if err := f.charge(sizeOfValue * (a.Len() + b.Len())); err != nil {
			return Value{}, err
		}
		items := make([]Value, 0, a.Len()+b.Len())
		items = append(append(items, a.box.items...), b.box.items...)
		return f.listOf(a.kind, items)
	case op == "*" && a.kind == String && (b.kind == Int || b.kind == Bool):
		return f.repeat(a.str, b.int())
	case op == "*" && b.kind == String && (a.kind == Int || a.kind == Bool):
		return f.repeat(b.str, a.int())
	case !a.numeric() || !b.numeric():
		return Value{}, mistake("%s cannot be worked out for %s and %s", op, a.kind, b.kind)
	case op == "/":
		if b.asFloat() == 0 {
			return Value{}, mistake("division by zero")
		}
		return floating(a.asFloat() / b.asFloat()), nil
	case a.kind == Float || b.kind == Float:
		return floatArithmetic(op, a.asFloat(), b.asFloat())
	}
	return intArithmetic(op, a.int(), b.int())
}

func (f *frame) join(a, b string) (Value, error) {
	if len(a)+len(b) > MaxOutput {
		return Value{}, errTooLong
	}
	if err := f.charge(len(a) + len(b)); err != nil {
		return Value{}, err
	}
	return text(a + b), nil
}

func (f *frame) repeat(s string, n int64) (Value, error) {
	if n <= 0 || s == "" {
		return text(""), nil
	}
	if n > int64(MaxOutput/len(s)) {
		return Value{}, errTooLong
	}
	if err := f.charge(len(s) * int(n)); err != nil {
		return Value{}, err
	}
	return text(strings.Repeat(s, int(n))), nil
}

func floatArithmetic(op string, a, b float64) (Value, error) {
	if b == 0 && (op == "//" || op == "%") {
		return Value{}, mistake("division by zero")
	}
	switch op {
	case "+":
		return floating(a + b), nil
	case "-":
		return floating(a - b), nil
	case "*":
		return floating(a * b), nil
	case "//":
		return floating(math.Floor(a / b)), nil
	case "%":
		m := math.Mod(a, b)
		if m != 0 && (m < 0) != (b < 0) { // as in Python the sign is b's
			m += b
		}
		return floating(m), nil
	}
	p := math.Pow(a, b)
	if math.IsInf(p, 0) || math.IsNaN(p) {
		return Value{}, mistake("%g ** %g is no number", a, b)
	}
	return floating(p), nil
}

func intArithmetic(op string, a, b int64) (Value, error) {
	if b == 0 && (op == "//" || op == "%") {
		return Value{}, mistake("division by zero")
	}
	fits, out := true, int64(0)
	switch op {
	case "+":
		out = a + b
		fits = (out > a) == (b > 0)
	case "-":
		out = a - b
		fits = (out < a) == (b > 0)
	case "*":
		out, fits = multiply(a, b)
	case "//":
		if out, fits = a/b, a != math.MinInt64 || b != -1; a%b != 0 && (a < 0) != (b < 0) {
			out--
		}
	case "%":
		if b == -1 {
			return integer(0), nil
		}
		if out = a % b; out != 0 && (out < 0) != (b < 0) {
			out += b
		}
	case "**":
		if b < 0 {
			return floatArithmetic(op, float64(a), float64(b))
		}
		out = 1
		for n, base := b, a; n > 0 && fits; n >>= 1 {
			if n&1 == 1 {
				out, fits = multiply(out, base)
			}
			if n > 1 && fits {
				base, fits = multiply(base, base)
			}
		}
	}
	if !fits {
		return Value{}, mistake("%d %s %d is too large", a, op, b)
	}
	return integer(out), nil
}

func multiply(a, b int64) (int64, bool) {
	if a == math.MinInt64 || b == math.MinInt64 {
		return 0, a == 0 || b == 0
	}
	high, low := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	if high != 0 || low > math.MaxInt64 {
		return 0, false
	}
	return a * b, true
}
