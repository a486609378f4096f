package embedded

import (
	"iter"
	"math"
	"strings"
	"time"
)

// retained is the tree of retained messages, one level of the topic name a node. It is not safe for concurrent use; the
// router guards it.
type retained struct {
	root   leaf
	count  int
	bytes  int    // of messages and leaves, but for the broker's own
	serial uint64 // of the last topic that got a message and had none
}

// leafSize is what a leaf is counted as: those of a deep topic may take a hundred times as much as its message.
const leafSize = 256

type leaf struct {
	children map[string]*leaf
	message  *message
	since    uint64 // the serial with which its topic got a message, whatever has replaced that
}

// set keeps a message in place of what was kept under its topic, or clears that if the payload is empty. It says whether there was or is something.
func (r *retained) set(m *message) (changed bool) {
	if len(m.payload) == 0 { // [MQTT-3.3.1-6]
		return r.clear(m.topic)
	}
	n := &r.root
	for rest, more := m.topic, true; more; {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		next := n.children[level]
		if next == nil {
			if n.children == nil {
				n.children = map[string]*leaf{}
			}
			next = new(leaf)
			n.children[level] = next
			r.weigh(m.topic, leafSize)
		}
		n = next
	}
	if n.message != nil {
		r.tally(n.message, -1)
	} else {
		r.serial++
		n.since = r.serial
	}
	n.message = m
	r.tally(m, 1)
	return true
}

// tally counts a message in or out. The broker's own are no part of what is bounded.
func (r *retained) tally(m *message, sign int) {
	if !internal(m.topic) {
		r.count += sign
	}
	r.weigh(m.topic, sign*m.size())
}

func (r *retained) weigh(topic string, bytes int) {
	if !internal(topic) {
		r.bytes += bytes
	}
}

// want is how many bytes more would be kept with a message, and whether its topic has none yet.
func (r *retained) want(m *message) (bytes int, fresh bool) {
	bytes, n := m.size(), &r.root
	for rest, more := m.topic, true; more; {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		if n = n.children[level]; n == nil {
			missing := 1
			if more {
				missing += 1 + strings.Count(rest, "/")
			}
			return bytes + missing*leafSize, true
		}
	}
	if n.message == nil {
		return bytes, true
	}
	return bytes - n.message.size(), false
}

// get returns what is kept under a topic, nil when there is nothing or when it has expired.
func (r *retained) get(topic string) *message { return r.sooner(topic, math.MaxUint64) }

// sooner is get for a topic that has had a message since a serial or before.
func (r *retained) sooner(topic string, until uint64) *message {
	n := r.find(topic)
	if n == nil || n.message == nil || n.since > until || n.message.expired(time.Now()) {
		return nil
	}
	return n.message
}

func (r *retained) find(topic string) *leaf {
	n := &r.root
	for rest, more := topic, true; more; {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		if n = n.children[level]; n == nil {
			return nil
		}
	}
	return n
}

// drop clears a message, if it is still the one that is kept.
func (r *retained) drop(m *message) {
	if n := r.find(m.topic); n != nil && n.message == m {
		r.clear(m.topic)
	}
}

// clear takes away what is kept under a topic, and the branch that is empty then. It says whether there was something.
func (r *retained) clear(topic string) bool { return r.prune(&r.root, topic, topic) }

func (r *retained) prune(n *leaf, topic, rest string) (there bool) {
	level, rest, more := strings.Cut(rest, "/")
	next := n.children[level]
	switch {
	case next == nil:
		return false
	case more:
		there = r.prune(next, topic, rest)
	case next.message != nil:
		r.tally(next.message, -1)
		next.message, there = nil, true
	}
	if next.message == nil && len(next.children) == 0 {
		delete(n.children, level)
		r.weigh(topic, -leafSize)
	}
	return there
}

// match yields each message whose topic the filter matches, in no particular order, and since when the topic has one.
func (r *retained) match(filter string) iter.Seq2[*message, uint64] {
	return func(yield func(*message, uint64) bool) {
		now := time.Now()
		r.root.match(filter, true, func(n *leaf) bool {
			return n.message.expired(now) || yield(n.message, n.since)
		})
	}
}

// any says whether there is a message whose topic the filter matches.
func (r *retained) any(filter string) bool {
	for range r.match(filter) {
		return true
	}
	return false
}

// all calls visit for each message, expired or not.
func (r *retained) all(visit func(*message)) {
	r.root.all(false, func(n *leaf) bool { visit(n.message); return true })
}

// match, step and all visit leaves with a message until visit returns false, and say whether to go on.
func (n *leaf) match(filter string, first bool, visit func(*leaf) bool) bool {
	level, rest, more := strings.Cut(filter, "/")
	switch level {
	case "#": // a/# matches a, too
		return (n.message == nil || visit(n)) && n.all(first, visit)
	case "+":
		for name, child := range n.children {
			if first && strings.HasPrefix(name, "$") { // [MQTT-4.7.2-1]
				continue
			}
			if !child.step(rest, more, visit) {
				return false
			}
		}
	default:
		if child := n.children[level]; child != nil {
			return child.step(rest, more, visit)
		}
	}
	return true
}

func (n *leaf) step(rest string, more bool, visit func(*leaf) bool) bool {
	if more {
		return n.match(rest, false, visit)
	}
	return n.message == nil || visit(n)
}

// all visits what is below n, without the names that begin with $ if they are not wanted.
func (n *leaf) all(noDollar bool, visit func(*leaf) bool) bool {
	for name, child := range n.children {
		if noDollar && strings.HasPrefix(name, "$") {
			continue
		}
		if child.message != nil && !visit(child) || !child.all(false, visit) {
			return false
		}
	}
	return true
}
