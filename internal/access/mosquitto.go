package access

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"home.arpa/homehub/internal/config"
)

// FromMosquitto converts Mosquitto's acl_file (mosquitto.conf(5)) into the text of a file of rules that decides alike. name is for messages
// and comments only. notes are the lines of which something was left out, because no rule can say it. The error lists the lines that
// Mosquitto would not take either.
//
// The two decide alike, except that these rules refuse a subscription by which nothing can be received, where Mosquitto accepts it in
// silence; that the hub's own topics stay its own; and that a user name or client identifier with a / fits into no %u and %c, and one
// with + or # only into none of these, while Mosquitto then forgets all patterns.
func FromMosquitto(name string, data []byte) (text []byte, notes []config.Problem, err error) {
	m := mosquitto{name: name, users: map[string]*section{}}
	if !utf8.Valid(data) {
		return nil, nil, fmt.Errorf("converting %s: it is not valid UTF-8", name)
	}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := m.line(number, line); err != nil {
			m.wrong = append(m.wrong, config.Problem{File: name, Line: number, Text: err.Error()})
		}
	}
	if len(m.wrong) > 0 {
		return nil, nil, errors.Join(m.wrong...)
	}
	return m.text(), m.notes, nil
}

// mosquitto reads an acl_file line by line. What stands under one "user" line, or before the first, or is a pattern, is a section: in
// Mosquitto each is a list whose denials count first, a user's counts before the patterns, and the first match decides.
type mosquitto struct {
	name     string
	current  *section // nil: before the first "user" line
	general  section
	patterns section
	users    map[string]*section
	order    []string // of the users
	notes    []config.Problem
	wrong    []error
}

// section is a rule to be.
type section struct{ filters []converted }

type converted struct {
	keys   []string
	filter string
	line   int
}

func (m *mosquitto) line(number int, text string) error {
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "user":
		if rest == "" {
			return errors.New("the user name is missing")
		}
		if m.users[rest] == nil {
			m.users[rest] = new(section)
			m.order = append(m.order, rest)
		}
		m.current = m.users[rest]
	case "topic":
		to := m.current
		if to == nil {
			to = &m.general
		}
		return m.topic(to, number, rest, false)
	case "pattern":
		return m.topic(&m.patterns, number, rest, true)
	default:
		return fmt.Errorf("%q is not user, topic or pattern", word)
	}
	return nil
}

// accesses are Mosquitto's words and what they mean here.
var accesses = map[string][]string{
	"read": {"read"}, "write": {"write"}, "readwrite": {"read", "write"}, "deny": {"deny_read", "deny_write"},
}

// topic reads what follows "topic" or "pattern": an access, which may be missing before a filter without spaces, and a filter.
func (m *mosquitto) topic(to *section, number int, rest string, pattern bool) error {
	word, filter, two := strings.Cut(rest, " ")
	keys := accesses["readwrite"]
	if !two {
		filter = word
	} else if keys = accesses[word]; keys == nil {
		return fmt.Errorf("%q is not read, write, readwrite or deny; a filter with a space needs one of them before it", word)
	}
	filter = strings.TrimSpace(filter)
	if filter == "" {
		return errors.New("the topic filter is missing")
	}
	if err := sound(filter, false); err != nil {
		return fmt.Errorf("%q: %w", filter, err)
	}
	c := converted{line: number, filter: escaped(filter, pattern)}
	for _, key := range keys {
		if dollar(filter) && strings.HasSuffix(key, "write") {
			if key == "write" {
				m.notes = append(m.notes, config.Problem{
					File: m.name, Line: number,
					Text: fmt.Sprintf("left out: publishing to %s; nobody may publish to topics that begin with $", filter),
				})
			}
			continue
		}
		c.keys = append(c.keys, key)
	}
	to.filters = append(to.filters, c)
	return nil
}

// escaped doubles the percent signs that are no placeholders.
func escaped(filter string, pattern bool) string {
	if !pattern {
		return strings.ReplaceAll(filter, "%", "%%")
	}
	var b strings.Builder
	for i := 0; i < len(filter); i++ {
		b.WriteByte(filter[i])
		if filter[i] != '%' {
			continue
		}
		if i+1 < len(filter) && (filter[i+1] == 'u' || filter[i+1] == 'c') {
			i++
			b.WriteByte(filter[i])
		} else {
			b.WriteByte('%')
		}
	}
	return b.String()
}

// text is the file of rules.
func (m *mosquitto) text() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Rules of access, converted from Mosquitto's %s by \"hub access import\".\n", comment(filepath.Base(m.name)))
	b.WriteString("# The first line that is about the client and the topic decides; what no line is about is not allowed.\n")
	for _, n := range m.notes {
		fmt.Fprintf(&b, "# Line %d, %s.\n", n.Line, comment(n.Text))
	}
	b.WriteString("rules:\n")
	before := b.Len()
	m.general.write(&b, "anonymous: true", `What stood before the first "user" line is for clients without a user name.`)
	for _, user := range m.order {
		m.users[user].write(&b, "users: ["+strconv.Quote(user)+"]", "")
	}
	m.patterns.write(&b, "everyone: true", "Patterns: %u is the user name, %c the client identifier.")
	if b.Len() == before {
		return []byte(strings.TrimSuffix(b.String(), "\n") + " []\n")
	}
	return []byte(b.String())
}

// write adds a rule, if the section has anything to say.
func (s *section) write(b *strings.Builder, who, about string) {
	var rule strings.Builder
	for _, key := range whatKeys {
		begin := rule.Len()
		for _, c := range s.filters {
			if !slices.Contains(c.keys, key) {
				continue
			}
			if rule.Len() == begin {
				fmt.Fprintf(&rule, "    %s:\n", key)
			}
			fmt.Fprintf(&rule, "      - %s # line %d\n", strconv.Quote(c.filter), c.line)
		}
	}
	if rule.Len() == 0 {
		return
	}
	if about != "" {
		fmt.Fprintf(b, "  # %s\n", about)
	}
	fmt.Fprintf(b, "  - %s\n%s", who, rule.String())
}

// comment is a text without what would end a comment or not be allowed in one.
func comment(text string) string {
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
