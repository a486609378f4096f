package access

import (
	"errors"
	"strings"
)

// pattern is a topic filter with %u and %c in it.
type pattern struct {
	written string
	// parts are what stands between the placeholders, one more than these; %% is a percent sign in them.
	parts        []string
	placeholders []byte // 'u' or 'c'
	levels       int    // at most, since a placeholder never makes a level
}

func newPattern(written string) (pattern, error) {
	p := pattern{written: written, levels: levels(written)}
	var part strings.Builder
	for rest := written; ; {
		text, after, found := strings.Cut(rest, "%")
		part.WriteString(text)
		if !found {
			p.parts = append(p.parts, part.String())
			return p, nil
		}
		if after == "" || !strings.ContainsRune("uc%", rune(after[0])) {
			return pattern{}, errors.New("a % stands before u (the user name), c (the client identifier) or % (a percent sign)")
		}
		if after[0] == '%' {
			part.WriteByte('%')
		} else {
			p.parts = append(p.parts, part.String())
			p.placeholders = append(p.placeholders, after[0])
			part.Reset()
		}
		rest = after[1:]
	}
}

// personal says whether the filter depends on the client.
func (p *pattern) personal() bool { return len(p.placeholders) > 0 }

// text is the filter of a pattern that is not personal.
func (p *pattern) text() string { return p.parts[0] }

// fate is what became of a pattern when a client's names were put in.
type fate int

const (
	filled  fate = iota // a filter came of it
	missing             // the client has no such name: the pattern is not about it
	unfit               // a name would make another filter of it
)

// fill puts a client's names in. When one is unfit, it returns the filter of all that the pattern could have meant with names that are
// several levels: for what is denied.
func (p *pattern) fill(client, user string, allow bool) (string, fate) {
	if !p.personal() {
		return p.parts[0], filled
	}
	for i := range p.placeholders {
		if p.name(i, client, user) == "" {
			return "", missing
		}
	}
	var b strings.Builder
	for i := range p.placeholders {
		b.WriteString(p.parts[i])
		name := p.name(i, client, user)
		if strings.ContainsAny(name, "+#/\x00") || allow && b.Len() == 0 && name[0] == '$' {
			before := b.String()
			return before[:strings.LastIndexByte(before, '/')+1] + "#", unfit
		}
		b.WriteString(name)
	}
	b.WriteString(p.parts[len(p.placeholders)])
	return b.String(), filled
}

// name is what stands for a placeholder.
func (p *pattern) name(i int, client, user string) string {
	if p.placeholders[i] == 'u' {
		return user
	}
	return client
}
