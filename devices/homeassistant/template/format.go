package template

import (
	"math"
	"strconv"
	"strings"
)

// maxWidth bounds the width and the precision of one conversion.
const maxWidth = 200

func formatFilter(f *frame, a []Value) (Value, error) {
	s, err := f.spell(a[0])
	if err != nil {
		return Value{}, err
	}
	return f.format(s, a[1:])
}

// conversion is one %… of a format.
type conversion struct {
	minus, zero, plus, space, hash bool
	width, precision               int // precision is -1 when not given
	verb                           byte
}

// format is Python's s % args: %d %i %u %s %r %f %F %e %E %g %G %x %X %o %c %%.
func (f *frame) format(s string, args []Value) (Value, error) {
	if err := f.charge(4 * len(s)); err != nil {
		return Value{}, err
	}
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		c, next, ok := readConversion(s, i+1)
		if !ok {
			return Value{}, mistake("the format %.40q", s)
		}
		i = next
		if c.verb == '%' {
			out = append(out, '%')
			continue
		}
		if len(args) == 0 {
			return Value{}, mistake("not enough values for the format %.40q", s)
		}
		part, err := f.convert(c, args[0])
		if err != nil {
			return Value{}, err
		}
		if err := f.charge(256 + 16*len(part)); err != nil {
			return Value{}, err
		}
		if out = append(out, part...); len(out) > MaxOutput {
			return Value{}, errTooLong
		}
		args = args[1:]
	}
	if len(args) > 0 {
		return Value{}, mistake("more values than the format %.40q takes", s)
	}
	return f.made(string(out))
}

func readConversion(s string, i int) (c conversion, last int, ok bool) {
	for ; i < len(s) && strings.IndexByte("-0+ #", s[i]) >= 0; i++ {
		switch s[i] {
		case '-':
			c.minus = true
		case '0':
			c.zero = true
		case '+':
			c.plus = true
		case ' ':
			c.space = true
		case '#':
			c.hash = true
		}
	}
	number := func() (n int) {
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			n = min(n*10+int(s[i]-'0'), maxWidth)
		}
		return n
	}
	c.width, c.precision = number(), -1
	if i < len(s) && s[i] == '.' {
		i++
		c.precision = number()
	}
	if i >= len(s) {
		return c, i, false
	}
	c.verb = s[i]
	return c, i, true
}

func (f *frame) convert(c conversion, v Value) (string, error) {
	sign, digits := "", ""
	switch c.verb {
	case 's', 'r':
		s, err := f.printed(func(p *printer) bool {
			if c.verb == 's' {
				p.str(v)
			} else {
				p.repr(v)
			}
			return true
		})
		if err != nil {
			return "", err
		}
		if c.precision >= 0 && runes(s) > c.precision {
			s = string([]rune(s)[:c.precision])
		}
		return c.pad("", s, false), nil
	case 'd', 'i', 'u', 'x', 'X', 'o', 'c':
		n := v.int()
		switch {
		case v.kind == Float && (c.verb == 'd' || c.verb == 'i' || c.verb == 'u') && math.Abs(v.float()) < 1<<63:
			n = int64(v.float())
		case v.kind == Undefined:
			return "", absence(v.str)
		case v.kind != Int && v.kind != Bool:
			return "", mistake("%%%c takes a whole number, not a %s", c.verb, v.kind)
		}
		if c.verb == 'c' {
			return c.pad("", string(rune(n)), false), nil
		}
		base, prefix := 10, ""
		switch c.verb {
		case 'x', 'X':
			base, prefix = 16, "0"+string(c.verb)
		case 'o':
			base, prefix = 8, "0o"
		}
		digits = strconv.FormatInt(n, base)
		if c.verb == 'X' {
			digits = strings.ToUpper(digits)
		}
		if n < 0 {
			sign, digits = "-", digits[1:]
		}
		if len(digits) < c.precision {
			digits = strings.Repeat("0", c.precision-len(digits)) + digits
		}
		if sign == "" {
			sign = c.positive()
		}
		if c.hash {
			sign += prefix
		}
	case 'f', 'F', 'e', 'E', 'g', 'G':
		if v.kind == Undefined {
			return "", absence(v.str)
		}
		if !v.numeric() {
			return "", mistake("%%%c takes a number, not a %s", c.verb, v.kind)
		}
		precision, n := c.precision, v.asFloat()
		if precision < 0 {
			precision = 6
		}
		if math.Signbit(n) {
			sign, n = "-", -n
		} else {
			sign = c.positive()
		}
		verb := c.verb
		if verb == 'F' {
			verb = 'f'
		}
		digits = strconv.FormatFloat(n, verb, precision, 64)
	default:
		return "", mistake("the conversion %%%c", c.verb)
	}
	return c.pad(sign, digits, true), nil
}

func (c conversion) positive() string {
	switch {
	case c.plus:
		return "+"
	case c.space:
		return " "
	}
	return ""
}

func (c conversion) pad(sign, s string, numeric bool) string {
	fill := max(0, c.width-len(sign)-runes(s))
	switch {
	case c.minus:
		return sign + s + strings.Repeat(" ", fill)
	case c.zero && numeric:
		return sign + strings.Repeat("0", fill) + s
	}
	return strings.Repeat(" ", fill) + sign + s
}
