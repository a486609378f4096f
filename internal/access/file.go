package access

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/internal/config"
)

// maxFile is the greatest size of a file in bytes, maxLines the greatest number of filters that it may come to.
const (
	maxFile  = 1 << 20
	maxLines = 100_000
)

// Load reads the rules in a file; without the file everybody may do everything. domain is the Homie domain whose topics are the hub's
// own: domain/5/…. The error lists all mistakes, a line each, with file and line.
func Load(path, domain string) (*Rules, error) {
	data, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		own, all := ownPrefix(domain), side{all: true, dollar: true}
		return &Rules{path: path, domain: domain, own: own, open: true, all: Permit{own: own, read: all, write: all}}, nil
	}
	if err != nil {
		return nil, err
	}
	return Parse(path, domain, data)
}

// Reload reads the file again, beside a running broker, and returns the rules that take the place of r. It is as Load is, but it is an
// error when the file was there and is not: whoever saves a file may take it away for a moment, and that must not open the house.
func (r *Rules) Reload() (*Rules, error) {
	next, err := Load(r.path, r.domain)
	if err == nil && next.open && !r.open {
		return nil, fmt.Errorf("reading the rules of access: %s is gone; its rules stay until the hub starts again", r.path)
	}
	return next, err
}

// Path is the file's path, also when there is no file.
func (r *Rules) Path() string { return r.path }

// Open says whether there is no file, so that everybody may do everything.
func (r *Rules) Open() bool { return r.open }

// Len is the number of rules in the file.
func (r *Rules) Len() int { return len(r.rules) }

func ownPrefix(domain string) string { return domain + "/5/" }

func read(path string) ([]byte, error) {
	switch info, err := os.Stat(path); {
	case err != nil:
		return nil, fmt.Errorf("reading the rules of access: %w", err)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("reading the rules of access: %s has more than %d bytes", path, maxFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the rules of access: %w", err)
	}
	return data, nil
}

// Parse reads rules from the text of a file, whose path is for messages only. The error is as Load's.
func Parse(path, domain string, data []byte) (*Rules, error) {
	p := parser{file: path, groups: map[string][]string{}, rules: &Rules{path: path, domain: domain, own: ownPrefix(domain), shared: map[string]*common{}}}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		p.syntax(err, data)
	} else {
		p.document(&doc)
	}
	slices.SortStableFunc(p.problems, func(a, b config.Problem) int { return a.Line - b.Line })
	errs := make([]error, len(p.problems))
	for i, problem := range p.problems {
		errs[i] = problem
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p.rules, nil
}

// parser turns a file into rules, and notes what is wrong with it.
type parser struct {
	file     string
	rules    *Rules
	groups   map[string][]string
	problems []config.Problem
}

func (p *parser) add(line int, key, format string, args ...any) {
	p.problems = append(p.problems, config.Problem{File: p.file, Line: line, Key: key, Text: fmt.Sprintf(format, args...)})
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax says why a file is no YAML. Most often it is a filter that YAML takes for something else.
func (p *parser) syntax(err error, data []byte) {
	text := err.Error()
	line := 0
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // none: 0
		text = strings.TrimPrefix(text, m[0])
	}
	switch lines := "\n" + string(data); {
	case strings.Contains(lines, "\n\t"):
		text += "; YAML is indented with spaces, and a line begins with a tab"
	case strings.ContainsAny(lines, "#%"):
		text += `; a topic filter that begins with # or % must be in quotes, such as "#"`
	}
	p.add(line, "", "not YAML: %s", text)
}

// document reads the keys of the file. The groups come first, wherever they stand.
func (p *parser) document(doc *yaml.Node) {
	if len(doc.Content) == 0 { // nothing, or comments only
		p.add(0, "", `there is nothing in it; "rules: []" allows nothing, and without the file everybody may do everything`)
		return
	}
	top := p.keys(doc.Content[0], "", "groups", "rules")
	if top == nil {
		return
	}
	if groups := top["groups"]; groups != nil {
		p.members(groups)
	}
	list := top["rules"]
	switch {
	case list == nil:
		p.add(doc.Content[0].Line, "rules", `is missing; "rules: []" allows nothing`)
	case list.Kind != yaml.SequenceNode:
		p.add(list.Line, "rules", `wants a list of rules, each beginning with "- "; "rules: []" allows nothing`)
	default:
		for i, item := range list.Content {
			p.rule(i, plain(item))
		}
	}
}

// keys returns the values of a mapping by their keys, and notes the keys that are unknown or there twice; nil when it is no mapping.
func (p *parser) keys(n *yaml.Node, name string, known ...string) map[string]*yaml.Node {
	n = plain(n)
	if n.Kind != yaml.MappingNode {
		p.add(n.Line, name, "wants keys and values: %s", strings.Join(known, ", "))
		return nil
	}
	values, lines := map[string]*yaml.Node{}, map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		full := dotted(name, k.Value)
		switch line, twice := lines[k.Value]; {
		case twice:
			p.add(k.Line, full, "is there already, on line %d", line)
		case len(known) > 0 && !slices.Contains(known, k.Value):
			p.unknown(k.Line, full, k.Value, known)
		default:
			values[k.Value] = plain(n.Content[i+1])
		}
		lines[k.Value] = k.Line
	}
	return values
}

func (p *parser) unknown(line int, full, word string, known []string) {
	if best := near(word, known); best != "" {
		p.add(line, full, "unknown key; did you mean %s?", best)
		return
	}
	p.add(line, full, "unknown key; there are %s", strings.Join(known, ", "))
}

func (p *parser) members(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // a section with nothing in it
	}
	if n.Kind != yaml.MappingNode {
		p.add(n.Line, "groups", "wants names with lists of users, such as family: [anna, ben]")
		return
	}
	for name, users := range p.keys(n, "groups") {
		p.groups[name] = p.texts(users, "groups."+name, "user names, such as [anna, ben]")
	}
}

// The keys of a rule, in the order in which they decide where they do.
var (
	whoKeys  = []string{"users", "groups", "clients", "everyone", "anonymous"}
	whatKeys = []string{"deny_read", "deny_write", "read", "write"}
)

func (p *parser) rule(i int, n *yaml.Node) {
	name := fmt.Sprintf("rules[%d]", i)
	before := len(p.problems)
	values := p.keys(n, name, append(slices.Clone(whoKeys), whatKeys...)...)
	if values == nil {
		return
	}
	known := len(p.problems) == before // else what is missing may be a key that is misspelt
	r := rule{users: map[string]bool{}}
	for _, user := range p.optional(values, name, "users", "user names, such as [anna, ben]") {
		r.users[user] = true
	}
	for _, group := range p.optional(values, name, "groups", "names of groups, such as [family]") {
		members, ok := p.groups[group]
		if !ok {
			p.unknownGroup(values["groups"].Line, name+".groups", group)
		}
		for _, user := range members {
			r.users[user] = true
		}
	}
	r.clients = p.optional(values, name, "clients", "client identifiers, with * for any text, such as [phone-*]")
	r.everyone = p.truth(values, name, "everyone")
	r.anonymous = p.truth(values, name, "anonymous")
	named := slices.ContainsFunc(whoKeys, func(k string) bool { return values[k] != nil })
	if !named && known {
		p.add(n.Line, name, "does not say whom it is about; it wants users, groups, clients, anonymous: true or everyone: true")
	}
	if values["users"] == nil && values["groups"] == nil && values["anonymous"] == nil {
		r.everyone = true // clients alone
	}
	p.rules.rules = append(p.rules.rules, r)
	says := false
	for _, key := range whatKeys {
		if values[key] != nil {
			says = true
			p.filters(len(p.rules.rules)-1, values[key], name, key)
		}
	}
	if !says && known {
		p.add(n.Line, name, "says nothing; it wants read, write, deny_read or deny_write")
	}
}

func (p *parser) unknownGroup(line int, key, group string) {
	var names []string
	for name := range p.groups {
		names = append(names, name)
	}
	slices.Sort(names)
	switch best := near(group, names); {
	case best != "":
		p.add(line, key, "there is no group %q; did you mean %s?", group, best)
	case len(names) == 0:
		p.add(line, key, `there is no group %q; groups are under "groups:", such as %s: [anna, ben]`, group, "family")
	default:
		p.add(line, key, "there is no group %q; there are %s", group, strings.Join(names, ", "))
	}
}

// filters reads one key with topic filters.
func (p *parser) filters(rule int, n *yaml.Node, name, key string) {
	write, allow := strings.HasSuffix(key, "write"), !strings.HasPrefix(key, "deny")
	for _, item := range items(n) {
		text, ok := p.text(item, dotted(name, key), "topic filters, such as [lamp/#, +/state]")
		if !ok {
			continue
		}
		filter, err := newPattern(text)
		if err == nil {
			err = sound(text, write)
		}
		if err != nil {
			p.add(item.Line, dotted(name, key), "%q: %v", text, err)
			continue
		}
		lines := &p.rules.reads
		if write {
			lines = &p.rules.writes
		}
		if len(*lines) >= maxLines {
			p.add(item.Line, dotted(name, key), "more than %d topic filters", maxLines)
			return
		}
		*lines = append(*lines, line{rule: rule, key: key, number: item.Line, filter: filter, allow: allow})
	}
}

// sound says whether a filter is one, and about something that can be allowed. A placeholder is checked as the letters that it is: it
// never stands for a wildcard or for several levels.
func sound(filter string, write bool) error {
	if _, _, shared := broker.SplitShared(filter); shared {
		return errors.New("a rule is about topics; leave $share and the share name out")
	}
	if write && dollar(filter) {
		return errors.New("nobody may publish to topics that begin with $, and no rule changes that; leave it out")
	}
	err := broker.ValidFilter(filter)
	if err == nil {
		return nil
	}
	why := err.Error()
	if i := strings.LastIndex(why, `": `); i >= 0 {
		why = why[i+3:]
	}
	return errors.New(why)
}

// optional reads the texts of a key that need not be there.
func (p *parser) optional(values map[string]*yaml.Node, name, key, wants string) []string {
	if values[key] == nil {
		return nil
	}
	list := p.texts(values[key], dotted(name, key), wants)
	if len(list) == 0 && values[key].Kind == yaml.SequenceNode && len(values[key].Content) == 0 {
		p.add(values[key].Line, dotted(name, key), "is empty; it wants %s", wants)
	}
	return list
}

// texts reads a list of texts, or one text by itself.
func (p *parser) texts(n *yaml.Node, key, wants string) []string {
	var list []string
	for _, item := range items(n) {
		if text, ok := p.text(item, key, wants); ok {
			list = append(list, text)
		}
	}
	return list
}

func (p *parser) text(n *yaml.Node, key, wants string) (string, bool) {
	switch {
	case n.Kind != yaml.ScalarNode:
		p.add(n.Line, key, "wants %s", wants)
	case n.Tag == "!!null":
		p.add(n.Line, key, `has no value; it wants %s, and YAML takes # for a comment unless it is in quotes: "#"`, wants)
	case n.Value == "":
		p.add(n.Line, key, "has an empty text; it wants %s", wants)
	default:
		return n.Value, true
	}
	return "", false
}

func (p *parser) truth(values map[string]*yaml.Node, name, key string) bool {
	n := values[key]
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || !strings.EqualFold(n.Value, "true") {
		p.add(n.Line, dotted(name, key), "wants true; leave the line out if it is not so")
	}
	return true
}

// items are the items of a list, or the one value that stands in its place.
func items(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	list := make([]*yaml.Node, len(n.Content))
	for i, item := range n.Content {
		list[i] = plain(item)
	}
	return list
}

// plain is the value that an alias stands for.
func plain(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func dotted(name, key string) string {
	if name == "" {
		return key
	}
	return name + "." + key
}
