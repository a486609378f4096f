package template

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd      tokenKind = iota
	tokText               // text between tags
	tokPrint              // {{
	tokPrintEnd           // }}
	tokBlock              // {%
	tokBlockEnd           // %}
	tokName               // a name or a keyword
	tokInt                // a whole number
	tokFloat              // any other number
	tokString             // a text in quotes, unquoted
	tokOp                 // an operator or a bracket
)

type token struct {
	kind tokenKind
	s    string // text, name, string or operator
	num  Value  // tokInt, tokFloat
	at   int    // byte offset in the source
}

func (t token) String() string {
	switch t.kind {
	case tokEnd:
		return "the end of the template"
	case tokPrintEnd:
		return "}}"
	case tokBlockEnd:
		return "%}"
	case tokInt, tokFloat:
		return t.num.Text()
	}
	return strconv.Quote(t.s)
}

type lexer struct {
	src    string
	at     int
	tokens []token
}

// lex cuts a template into tokens. Comments are gone, and so is the white space that {%- and -%} take away.
func lex(src string) ([]token, error) {
	l := lexer{src: src}
	trim := false // the tag before ended with -
	for {
		rest := l.src[l.at:]
		open, next := len(rest), byte(0)
		for i := strings.IndexByte(rest, '{'); i >= 0 && i+1 < len(rest); {
			if c := rest[i+1]; c == '{' || c == '%' || c == '#' {
				open, next = i, c
				break
			}
			j := strings.IndexByte(rest[i+1:], '{')
			if j < 0 {
				break
			}
			i += 1 + j
		}
		s := rest[:open]
		if trim {
			s = strings.TrimLeft(s, " \t\r\n\v\f")
		}
		begin := l.at + open
		l.at = begin
		if next != 0 {
			l.at += 2
			if l.peek("-") {
				s = strings.TrimRight(s, " \t\r\n\v\f")
				l.at++
			} else if l.peek("+") && next != '{' {
				l.at++
			}
		}
		if len(l.tokens) > maxTokens {
			return nil, l.errorf(l.at, "more than %d words, numbers and signs", maxTokens)
		}
		if s != "" {
			l.tokens = append(l.tokens, token{kind: tokText, s: s, at: begin - open})
		}
		var err error
		switch next {
		case 0:
			l.tokens = append(l.tokens, token{kind: tokEnd, at: len(src)})
			return l.tokens, nil
		case '#':
			end := strings.Index(l.src[l.at:], "#}")
			if end < 0 {
				return nil, l.errorf(begin, "a comment without its end")
			}
			trim = end > 0 && l.src[l.at+end-1] == '-'
			l.at += end + 2
		case '{':
			l.tokens = append(l.tokens, token{kind: tokPrint, s: "{{", at: begin})
			trim, err = l.tag("}}", tokPrintEnd)
		case '%':
			l.tokens = append(l.tokens, token{kind: tokBlock, s: "{%", at: begin})
			trim, err = l.tag("%}", tokBlockEnd)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (l *lexer) peek(s string) bool { return strings.HasPrefix(l.src[l.at:], s) }

func (l *lexer) errorf(at int, format string, args ...any) error {
	return fmt.Errorf("compiling template at byte %d: %s", at, fmt.Sprintf(format, args...))
}

var operators = []string{"==", "!=", ">=", "<=", "//", "**"}

// tag reads the tokens inside a tag up to its end; an end inside brackets is none.
func (l *lexer) tag(end string, kind tokenKind) (trim bool, err error) {
	depth := 0
	begin := l.at
	for l.at < len(l.src) {
		if len(l.tokens) > maxTokens {
			return false, l.errorf(l.at, "more than %d words, numbers and signs", maxTokens)
		}
		c := l.src[l.at]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.at++
			continue
		case depth == 0 && l.peek("-"+end):
			trim = true
			l.at++
			fallthrough
		case depth == 0 && l.peek(end):
			l.tokens = append(l.tokens, token{kind: kind, at: l.at})
			l.at += 2
			return trim, nil
		case c == '"' || c == '\'':
			err = l.quoted(c)
		case c >= '0' && c <= '9':
			err = l.number()
		case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf:
			start := l.at
			for l.at < len(l.src) && nameByte(l.src[l.at]) {
				l.at++
			}
			l.tokens = append(l.tokens, token{kind: tokName, s: l.src[start:l.at], at: start})
		default:
			op := string(c)
			for _, o := range operators {
				if l.peek(o) {
					op = o
				}
			}
			if !strings.Contains("+-*/%~[](){}=<>!.:|,", string(c)) || op == "!" {
				return false, l.errorf(l.at, "unexpected character %q", c)
			}
			switch c {
			case '(', '[', '{':
				depth++
			case ')', ']', '}':
				depth--
			}
			if depth < 0 {
				return false, l.errorf(l.at, "a %q that nothing opened", c)
			}
			l.tokens = append(l.tokens, token{kind: tokOp, s: op, at: l.at})
			l.at += len(op)
		}
		if err != nil {
			return false, err
		}
	}
	return false, l.errorf(begin, "a tag without its end %s", end)
}

func nameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= utf8.RuneSelf
}

func (l *lexer) quoted(quote byte) error {
	start := l.at
	l.at++
	var b strings.Builder
	for l.at < len(l.src) {
		c := l.src[l.at]
		l.at++
		switch {
		case c == quote:
			l.tokens = append(l.tokens, token{kind: tokString, s: b.String(), at: start})
			return nil
		case c == '\\' && l.at < len(l.src):
			l.escape(&b)
		default:
			b.WriteByte(c)
		}
	}
	return l.errorf(start, "a text without its closing quote")
}

// escape reads what follows a backslash; what Python does not know it keeps as it is.
func (l *lexer) escape(b *strings.Builder) {
	c := l.src[l.at]
	l.at++
	width := 0
	switch c {
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case '\\', '\'', '"':
		b.WriteByte(c)
	case '\n':
	case 'x':
		width = 2
	case 'u':
		width = 4
	default:
		b.WriteByte('\\')
		b.WriteByte(c)
	}
	if width == 0 {
		return
	}
	if l.at+width <= len(l.src) {
		if n, err := strconv.ParseUint(l.src[l.at:l.at+width], 16, 32); err == nil {
			l.at += width
			b.WriteRune(rune(n))
			return
		}
	}
	b.WriteByte('\\')
	b.WriteByte(c)
}

// number reads an int or a float. After a dot it reads an int only, so that a.0.1 is two indexes.
func (l *lexer) number() error {
	start, float := l.at, false
	digits := func() {
		for l.at < len(l.src) && (l.src[l.at] >= '0' && l.src[l.at] <= '9' || l.src[l.at] == '_') {
			l.at++
		}
	}
	digits()
	index := len(l.tokens) > 0 && l.tokens[len(l.tokens)-1].kind == tokOp && l.tokens[len(l.tokens)-1].s == "."
	if !index {
		if l.at+1 < len(l.src) && l.src[l.at] == '.' && l.src[l.at+1] >= '0' && l.src[l.at+1] <= '9' {
			float = true
			l.at++
			digits()
		}
		if l.at < len(l.src) && (l.src[l.at] == 'e' || l.src[l.at] == 'E') {
			back := l.at
			l.at++
			if l.at < len(l.src) && (l.src[l.at] == '+' || l.src[l.at] == '-') {
				l.at++
			}
			if l.at < len(l.src) && l.src[l.at] >= '0' && l.src[l.at] <= '9' {
				float = true
				digits()
			} else {
				l.at = back
			}
		}
	}
	s := strings.ReplaceAll(l.src[start:l.at], "_", "")
	if float {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return l.errorf(start, "%s is not a number that can be worked with", s)
		}
		l.tokens = append(l.tokens, token{kind: tokFloat, num: floating(f), at: start})
		return nil
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return l.errorf(start, "%s is not a number that can be worked with", s)
	}
	l.tokens = append(l.tokens, token{kind: tokInt, num: integer(i), at: start})
	return nil
}
