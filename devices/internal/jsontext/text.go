package jsontext

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// TextAt reads the text in quotes that begins at i, for readers that keep more or less of a message than Read does, and returns the
// index behind it. A text without escapes shares the memory of s. ok is false for what is no text.
func TextAt(s string, i int) (text string, end int, ok bool) {
	start := i + 1
	for i = start; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[start:i], i + 1, true
		case c == '\\':
			return escapedAt(s, start, i)
		case c < ' ':
			return "", i, false
		}
	}
	return "", i, false
}

// escapes are what a byte behind a backslash stands for; 0 for those that stand for nothing.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escapedAt goes on with a text at its first backslash.
func escapedAt(s string, start, i int) (text string, end int, ok bool) {
	b := []byte(s[start:i])
	for i < len(s) {
		c := s[i]
		i++
		switch {
		case c == '"':
			return string(b), i, true
		case c < ' ':
			return "", i, false
		case c != '\\':
			b = append(b, c)
			continue
		}
		if i >= len(s) {
			return "", i, false
		}
		c = s[i]
		i++
		switch {
		case escapes[c] != 0:
			b = append(b, escapes[c])
		case c == 'u':
			var r rune
			if r, i, ok = codeAt(s, i); !ok {
				return "", i, false
			}
			b = utf8.AppendRune(b, r)
		default:
			return "", i, false
		}
	}
	return "", i, false
}

// codeAt reads the character whose number follows \u at i, or two numbers that are one character together. One of such two alone
// becomes U+FFFD.
func codeAt(s string, i int) (r rune, end int, ok bool) {
	if r, ok = hex4(s, i); !ok {
		return 0, i, false
	}
	if i += 4; utf16.IsSurrogate(r) && strings.HasPrefix(s[i:], `\u`) {
		low, ok := hex4(s, i+2)
		if !ok {
			return 0, i, false
		}
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			i += 6
		}
	}
	return r, i, true
}

func hex4(s string, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	n, err := strconv.ParseUint(s[i:i+4], 16, 32)
	return rune(n), err == nil
}
