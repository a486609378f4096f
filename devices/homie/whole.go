package homie

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/devices/internal/address"
)

const (
	// maxArray bounds the instances of one array of nodes, a thing of version 3.
	maxArray = 100
	// beats is how many intervals of its statistics a device may miss.
	beats = 3
)

// lists says whether the device says that it has a statistic.
func (t *tree) lists(name string) bool {
	return slices.Contains(strings.Split(t.attributes["$stats"], ","), name)
}

// branch is a node of the device: level is that of its topics, source that of its attributes. They differ for an array's instances.
type branch struct {
	level, source string
	array         bool
}

func (t *tree) nodes() []branch {
	var out []branch
	for item := range strings.SplitSeq(t.attributes["$nodes"], ",") {
		level, array := strings.CutSuffix(strings.TrimSpace(item), "[]")
		if level == "" || level[0] == '$' || strings.Contains(level, "/") || len(out) >= maxProperties {
			continue
		}
		if !array {
			out = append(out, branch{level: level, source: level})
			continue
		}
		from, to, err := readArray(t.attributes[level+"/$array"])
		if err != nil {
			out = append(out, branch{level: level, source: level, array: true})
			continue
		}
		for i := from; i <= to; i++ {
			out = append(out, branch{level: fmt.Sprintf("%s_%d", level, i), source: level})
		}
	}
	return out
}

// readArray reads the range of an array, 0-3.
func readArray(s string) (from, to int, err error) {
	low, high, _ := strings.Cut(s, "-")
	if from, err = strconv.Atoi(low); err == nil {
		to, err = strconv.Atoi(high)
	}
	if err != nil || from < 0 || to < from || to-from >= maxArray {
		return 0, 0, fmt.Errorf("expected a range of at most %d such as 0-3, got %.40q", maxArray, s)
	}
	return from, to, nil
}

// names are the properties that a node lists; version 2 marks those that can be set.
func (t *tree) names(source string) (names []string, settable map[string]bool) {
	settable = map[string]bool{}
	for item := range strings.SplitSeq(t.attributes[source+"/$properties"], ",") {
		name, can := strings.CutSuffix(strings.TrimSpace(item), ":settable")
		if name != "" && name[0] != '$' && !strings.Contains(name, "/") && len(names) < maxProperties {
			names = append(names, name)
			settable[name] = can
		}
	}
	return names, settable
}

// lacks is an attribute that is missing, empty if the device has described itself wholly.
func (t *tree) lacks() string {
	if _, ok := t.attributes[t.lacking]; !ok && t.lacking != "" {
		return t.lacking
	}
	t.lacking = t.search()
	return t.lacking
}

func (t *tree) search() string {
	has := func(path string) bool {
		_, ok := t.attributes[path]
		return ok
	}
	if !has("$nodes") {
		return "$nodes"
	}
	typed := !strings.HasPrefix(t.attributes["$homie"], "2.")
	for _, n := range t.nodes() {
		if path := n.source + "/$properties"; !has(path) {
			return path
		}
		if path := n.source + "/$array"; n.array && !has(path) {
			return path
		}
		names, _ := t.names(n.source)
		for _, name := range names {
			base := n.source + "/" + name
			if typed && !has(base+"/$datatype") {
				return base + "/$datatype"
			}
			if d := t.attributes[base+"/$datatype"]; (d == typeEnum || d == typeColor) && !has(base+"/$format") {
				return base + "/$format"
			}
		}
	}
	return ""
}

// begun says whether the device has described a node, or has none.
func (t *tree) begun() bool {
	_, listed := t.attributes["$nodes"]
	nodes := t.nodes()
	return listed && (len(nodes) == 0 || slices.ContainsFunc(nodes, func(n branch) bool {
		_, described := t.attributes[n.source+"/$properties"]
		return described
	}))
}

// announcement makes the model's view of what the device says.
func (t *tree) announcement(convention string) (a *announcement, silence time.Duration) {
	a = lay(t.description(), t.key(), t.id, t.base())
	a.device.Convention = convention
	a.device.Model = cmp.Or(t.attributes["$fw/name"], t.attributes["$implementation"])
	a.device.Firmware = t.attributes["$fw/version"]
	if mac := address.MAC(strings.TrimSpace(t.attributes["$mac"])); mac != "" {
		a.device.Connections = []devices.Connection{{Kind: "mac", Value: mac}}
	}
	a.sources = t.sources()
	if n, err := strconv.Atoi(t.attributes["$stats/interval"]); err == nil && n > 0 && n < 7*24*3600 {
		silence = beats * time.Duration(n) * time.Second
	}
	return a, silence
}

// sources are the messages by which the device is made known again. The $state stands at the end: by it the device is whole.
func (t *tree) sources() []broker.Message {
	out := make([]broker.Message, 0, len(t.attributes)+1)
	add := func(path, payload string) {
		out = append(out, broker.Message{Topic: t.base() + "/" + path, Payload: []byte(payload)})
	}
	heads := []string{"$implementation", "$homie"} // by one of these it is found
	for _, path := range heads {
		if s, ok := t.attributes[path]; ok {
			add(path, s)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(t.attributes)) {
		if !slices.Contains(heads, path) {
			add(path, t.attributes[path])
		}
	}
	add("$state", ready)
	return out
}

// description is what the device's attributes say.
func (t *tree) description() *description {
	d := &description{name: t.attributes["$name"]}
	unique := unique{}
	left := maxProperties
	for _, branch := range t.nodes() {
		n := node{
			id: unique.id(branch.level), level: branch.level, kind: t.attributes[branch.source+"/$type"],
			name: cmp.Or(t.attributes[branch.level+"/$name"], t.attributes[branch.source+"/$name"]),
		}
		names, settable := t.names(branch.source)
		taken := map[string]int{}
		for _, name := range names {
			if left--; left < 0 {
				d.fault(fmt.Sprintf("the device has more than %d properties", maxProperties))
				break
			}
			n.properties = append(n.properties, t.property(d, branch.source+"/"+name, name, settable[name], taken))
		}
		slices.SortFunc(n.properties, func(a, b property) int { return strings.Compare(a.id, b.id) })
		d.nodes = append(d.nodes, n)
	}
	if n := t.statistics(); len(n.properties) > 0 {
		n.id = unique.id("stats")
		d.nodes = append(d.nodes, n)
	}
	slices.SortFunc(d.nodes, func(a, b node) int { return strings.Compare(a.id, b.id) })
	return d
}

// property reads the attributes of one property, below path. What is wrong with its format is left out aloud.
func (t *tree) property(d *description, path, level string, settable bool, taken unique) property {
	p := property{
		id: taken.id(level), level: level, name: t.attributes[path+"/$name"], unit: t.attributes[path+"/$unit"],
		datatype: cmp.Or(t.attributes[path+"/$datatype"], typeString), bare: true,
		settable: settable || t.attributes[path+"/$settable"] == "true", retained: t.attributes[path+"/$retained"] != "false",
	}
	format := t.attributes[path+"/$format"]
	if p.datatype == typeEnum { // a comma within a choice is doubled
		format = strings.ReplaceAll(format, ",,", "\x00")
	}
	if err := p.readFormat(format); err != nil {
		switch p.datatype {
		case typeInteger, typeFloat:
			p.span = span{}
		case typeBoolean:
			p.choices = nil
			return p // some say what true and false are called, others something else
		default:
			p.datatype, p.choices = typeString, nil
		}
		d.fault(fmt.Sprintf("%s: %v", path, err))
	}
	for i := range p.choices {
		p.choices[i] = strings.ReplaceAll(p.choices[i], "\x00", ",")
	}
	return p
}

// statistics is the node that the device's statistics make.
func (t *tree) statistics() node {
	n := node{level: "$stats", kind: "stats", name: "Statistics"}
	for _, id := range slices.Sorted(maps.Keys(statistics)) {
		if t.lists(id) {
			p := statistics[id]
			p.id, p.retained = id, true
			n.properties = append(n.properties, p)
		}
	}
	return n
}

// unique makes IDs of topic levels, which need not be such before Homie 5.
type unique map[string]int

func (u unique) id(level string) string {
	id := cmp.Or(devices.Slug(level), "x")
	if u[id]++; u[id] > 1 {
		return u.id(fmt.Sprintf("%.58s-%d", id, u[id]))
	}
	return id
}
