package embedded

import (
	"strings"
	"time"
)

// retained is the tree of retained messages, one level of the topic name a node. It is not safe for concurrent use; the
// router guards it.
type retained struct {
	root  leaf
	count int
	bytes int
}

type leaf struct {
	children map[string]*leaf
	message  *message
}

// set keeps a message in place of what was kept under its topic, or clears that if the payload is empty.
func (r *retained) set(m *message) {
	if len(m.payload) == 0 { // [MQTT-3.3.1-6]
		r.clear(m.topic)
		return
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
		}
		n = next
	}
	if n.message != nil {
		r.tally(n.message, -1)
	}
	n.message = m
	r.tally(m, 1)
}

// tally counts a message in or out. The broker's own are no part of what is bounded.
func (r *retained) tally(m *message, sign int) {
	if !internal(m.topic) {
		r.count += sign
		r.bytes += sign * m.size()
	}
}

// get returns what is kept under a topic, nil when there is nothing or when it has expired.
func (r *retained) get(topic string) *message {
	n := r.find(topic)
	if n == nil || n.message == nil || n.message.expired(time.Now()) {
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

// clear takes away what is kept under a topic, and the branch that is empty then.
func (r *retained) clear(topic string) { r.prune(&r.root, topic) }

func (r *retained) prune(n *leaf, rest string) {
	level, rest, more := strings.Cut(rest, "/")
	next := n.children[level]
	switch {
	case next == nil:
		return
	case more:
		r.prune(next, rest)
	case next.message != nil:
		r.tally(next.message, -1)
		next.message = nil
	}
	if next.message == nil && len(next.children) == 0 {
		delete(n.children, level)
	}
}

// match calls visit for each message whose topic the filter matches, in no particular order.
func (r *retained) match(filter string, visit func(*message)) {
	now := time.Now()
	r.root.match(filter, true, func(m *message) {
		if !m.expired(now) {
			visit(m)
		}
	})
}

// all calls visit for each message, expired or not.
func (r *retained) all(visit func(*message)) { r.root.all(false, visit) }

func (n *leaf) match(filter string, first bool, visit func(*message)) {
	level, rest, more := strings.Cut(filter, "/")
	switch level {
	case "#": // a/# matches a, too
		if n.message != nil {
			visit(n.message)
		}
		n.all(first, visit)
	case "+":
		for name, child := range n.children {
			if !first || !strings.HasPrefix(name, "$") { // [MQTT-4.7.2-1]
				child.step(rest, more, visit)
			}
		}
	default:
		if child := n.children[level]; child != nil {
			child.step(rest, more, visit)
		}
	}
}

func (n *leaf) step(rest string, more bool, visit func(*message)) {
	if more {
		n.match(rest, false, visit)
	} else if n.message != nil {
		visit(n.message)
	}
}

// all visits what is below n, without the names that begin with $ if they are not wanted.
func (n *leaf) all(noDollar bool, visit func(*message)) {
	for name, child := range n.children {
		if noDollar && strings.HasPrefix(name, "$") {
			continue
		}
		if child.message != nil {
			visit(child.message)
		}
		child.all(false, visit)
	}
}
