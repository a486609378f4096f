package access

import (
	"math"
	"slices"
	"strings"
)

// none is the place of nothing: it comes after all others.
const none = math.MaxInt32

// tree finds, of numbered topic filters, the lowest number whose filter matches a topic. It is not changed once it is built.
type tree struct{ root node }

type node struct {
	children []branch // by literal level, sorted
	plus     *node    // the level +
	here     int32    // the lowest number of a filter that ends at this level
	hash     int32    // the lowest number of a filter that goes on with # after this level
	least    int32    // the lowest number here and below
}

type branch struct {
	level string
	node  *node
}

func newTree() *tree { return &tree{emptyNode()} }

func emptyNode() node { return node{here: none, hash: none, least: none} }

// add puts a valid filter into the tree.
func (t *tree) add(filter string, number int32) {
	n := &t.root
	for more := true; more; {
		var level string
		n.least = min(n.least, number)
		level, filter, more = strings.Cut(filter, "/")
		if level == "#" {
			n.hash = min(n.hash, number)
			return
		}
		n = n.grow(level)
	}
	n.least = min(n.least, number)
	n.here = min(n.here, number)
}

// grow returns the node behind a level, which it makes if there is none.
func (n *node) grow(level string) *node {
	if level == "+" {
		if n.plus == nil {
			n.plus = new(node)
			*n.plus = emptyNode()
		}
		return n.plus
	}
	i, found := n.find(level)
	if !found {
		child := emptyNode()
		n.children = slices.Insert(n.children, i, branch{level, &child})
	}
	return n.children[i].node
}

func (n *node) find(level string) (int, bool) {
	return slices.BinarySearchFunc(n.children, level, func(b branch, level string) int { return strings.Compare(b.level, level) })
}

// few is how many children are looked through one by one faster than by halves.
const few = 16

func (n *node) child(level string) *node {
	if len(n.children) <= few {
		for i := range n.children {
			if n.children[i].level == level {
				return n.children[i].node
			}
		}
		return nil
	}
	if i, found := n.find(level); found {
		return n.children[i].node
	}
	return nil
}

// first returns the lowest number whose filter matches the topic, or none. A filter that begins with a wildcard does not match a
// topic that begins with $ [MQTT-4.7.2-1].
func (t *tree) first(topic string) int32 {
	return t.root.first(topic, strings.HasPrefix(topic, "$"), none)
}

// first returns the lowest number below n for the rest of a topic, or best if that is lower; dollar is true at the first level of
// a topic that begins with $.
func (n *node) first(topic string, dollar bool, best int32) int32 {
	if !dollar {
		best = min(best, n.hash)
	}
	if n.least >= best {
		return best
	}
	level, rest, more := topic, "", false
	if i := strings.IndexByte(topic, '/'); i >= 0 {
		level, rest, more = topic[:i], topic[i+1:], true
	}
	if next := n.child(level); next != nil && next.least < best {
		best = next.step(rest, more, best)
	}
	if next := n.plus; next != nil && !dollar && next.least < best {
		best = next.step(rest, more, best)
	}
	return best
}

func (n *node) step(rest string, more bool, best int32) int32 {
	if more {
		return n.first(rest, false, best)
	}
	return min(best, n.here, n.hash) // a/# matches a, too
}
