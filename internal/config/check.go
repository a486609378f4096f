package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Problem is one mistake in a file.
type Problem struct {
	File string
	// Line counts from 1; 0 means the whole file.
	Line int
	// Key is the setting, empty where there is none; Text says what is wrong with it, and what would be right.
	Key, Text string
}

// Error is file:line: key: text.
func (p Problem) Error() string { return p.where() + ": " + p.Text }

func (p Problem) where() string {
	where := p.File
	if p.Line > 0 {
		where += ":" + strconv.Itoa(p.Line)
	}
	if p.Key != "" {
		where += ": " + p.Key
	}
	return where
}

// Check reads a file and returns what is wrong with it, from top to bottom. The error is that the file cannot be read at all.
func Check(file string) ([]Problem, error) {
	problems, _, err := check(file)
	return problems, err
}

// check is Check, and returns the lines on which the keys are.
func check(file string) ([]Problem, map[string]int, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the configuration: %w", err)
	}
	c := checker{file: file, data: data, lines: map[string]int{}}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		c.syntax(err)
		return c.problems, nil, nil
	}
	if len(doc.Content) > 0 { // else it is empty, or has comments only
		c.mapping(doc.Content[0], "")
	}
	return c.problems, c.lines, nil
}

type checker struct {
	file     string
	data     []byte
	problems []Problem
	lines    map[string]int // by key
}

func (c *checker) add(n *yaml.Node, key, format string, args ...any) {
	c.problems = append(c.problems, Problem{c.file, n.Line, key, fmt.Sprintf(format, args...)})
}

var tabbed = regexp.MustCompile(`(?m)^ *\t`)

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func (c *checker) syntax(err error) {
	text := err.Error()
	if strings.Contains(text, "cannot start any token") && tabbed.Match(c.data) {
		text += "; YAML is indented by spaces, not by tabs"
	}
	p := Problem{File: c.file}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		p.Line, _ = strconv.Atoi(m[1]) // none: 0
		text = strings.TrimPrefix(text, m[0])
	}
	p.Text = "not YAML: " + text
	c.problems = append(c.problems, p)
}

// mapping checks the keys under a name, "" for the whole file.
func (c *checker) mapping(n *yaml.Node, name string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // a section with nothing in it
	}
	if n.Kind != yaml.MappingNode {
		if name == "" {
			c.add(n, name, "wants keys and values, such as mqtt: and, in the next line, two spaces and listen: \":1883\"")
			return
		}
		c.add(n, name, "wants keys and values beneath it")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		full := k.Value
		if name != "" {
			full = name + "." + k.Value
		}
		if line, twice := seen[full]; twice {
			c.add(k, full, "is there already, on line %d", line)
			continue
		}
		seen[full] = k.Line
		known, ok := find(full)
		if ok {
			c.lines[full] = k.Line
		}
		switch {
		case ok && known.structured:
			c.links(v, full)
		case ok && known.list:
			c.list(v, known)
		case ok:
			c.scalar(v, known)
		case section(full):
			c.mapping(v, full)
		default:
			c.unknown(k, full)
		}
	}
}

// moved are keys that had another name.
var moved = map[string]string{
	"mqtt.max_packet_size": "mqtt.limits.packet_size", "mqtt.max_queued_messages": "mqtt.limits.queued_messages",
}

func (c *checker) unknown(n *yaml.Node, name string) {
	if now := moved[name]; now != "" {
		c.add(n, name, "is now %s", now)
		return
	}
	best, distance := "", 4
	low := strings.ToLower(name) // keys are written small
	last := low[strings.LastIndex(low, ".")+1:]
	for _, k := range keys {
		d := edits(low, k.name)
		if strings.HasSuffix(k.name, "."+last) {
			d = min(d, 3) // the right word in the wrong place
		}
		if d < distance {
			best, distance = k.name, d
		}
		for i := range k.name { // the sections that it is in
			if k.name[i] != '.' {
				continue
			}
			d := edits(low, k.name[:i])
			if strings.HasSuffix(k.name[:i], "."+last) {
				d = min(d, 2) // the right section in the wrong place
			}
			if d < min(3, len(last), distance) {
				best, distance = k.name[:i], d
			}
		}
	}
	if best == "" {
		c.add(n, name, "unknown key; configs/hub.yaml shows all")
		return
	}
	c.add(n, name, "unknown key; did you mean %s?", best)
}

func (c *checker) scalar(n *yaml.Node, k key) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		c.add(n, k.name, "wants one value")
	case n.Tag == "!!null":
		c.add(n, k.name, "has no value; leave the line out for the default")
	case k.number() && n.Tag != "!!int":
		c.add(n, k.name, "wants a whole number, not %q", n.Value)
	case !k.number() && n.Tag == "!!bool":
		c.add(n, k.name, "wants text, not %s", n.Value)
	default:
		if err := k.check(n.Value); err != nil {
			c.add(n, k.name, "%v", err)
		}
	}
}

func (c *checker) list(n *yaml.Node, k key) {
	if n.Kind != yaml.SequenceNode {
		c.add(n, k.name, "wants a list, such as [a, b]")
		return
	}
	for _, item := range n.Content {
		one := k
		one.list = false
		c.scalar(item, one)
	}
}

func (c *checker) links(n *yaml.Node, name string) {
	if n.Kind != yaml.SequenceNode {
		c.add(n, name, "wants a list of from and to")
		return
	}
	lines := map[string]int{} // of the links, by "from to"
	for i, item := range n.Content {
		full := fmt.Sprintf("%s[%d]", name, i)
		if item.Kind != yaml.MappingNode {
			c.add(item, full, "wants from and to")
			continue
		}
		got := map[string]string{}
		for j := 0; j+1 < len(item.Content); j += 2 {
			k, v := item.Content[j], item.Content[j+1]
			switch k.Value {
			case "from", "to":
				if _, twice := got[k.Value]; twice {
					c.add(k, full+"."+k.Value, "is there already")
				}
				got[k.Value] = v.Value
				if err := path(v); err != nil {
					c.add(v, full+"."+k.Value, "%v", err)
				}
			default:
				c.add(k, full+"."+k.Value, "unknown key; a link has from and to")
			}
		}
		_, from := got["from"]
		_, to := got["to"]
		both := got["from"] + " " + got["to"]
		switch line, twice := lines[both]; {
		case !from || !to:
			c.add(item, full, "wants both from and to")
		case got["from"] == got["to"]:
			c.add(item, full, "makes %s follow itself", got["to"])
		case twice:
			c.add(item, full, "is there already, on line %d", line)
		}
		lines[both] = item.Line
	}
}

func path(n *yaml.Node) error {
	parts := strings.Split(n.Value, "/")
	if n.Kind != yaml.ScalarNode || len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return errors.New("wants device/component/property, such as hall-lamp/light/on")
	}
	return nil
}

// edits is the number of single-letter changes that make a into b (Levenshtein's distance).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
