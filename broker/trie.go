package broker

import "strings"

// Trie finds, for a topic name, everything that was set under a matching topic filter. Under one filter each key has one
// value. Its zero value is empty and ready. It is not safe for concurrent use; several Match calls at once are, as long
// as nothing changes meanwhile.
type Trie[K comparable, V any] struct {
	root node[K, V]
	size int
}

type node[K comparable, V any] struct {
	children map[string]*node[K, V] // by literal level
	plus     *node[K, V]            // the level +
	here     []entry[K, V]          // filters that end at this level
	hash     []entry[K, V]          // filters that go on with # after this level
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// Len is the number of (filter, key) pairs.
func (t *Trie[K, V]) Len() int { return t.size }

// Set puts value under (filter, key) and says whether there was one before. The filter must be valid and without a
// share name.
func (t *Trie[K, V]) Set(filter string, key K, value V) (replaced bool) {
	list := t.root.find(filter, true)
	for i := range *list {
		if (*list)[i].key == key {
			(*list)[i].value = value
			return true
		}
	}
	*list = append(*list, entry[K, V]{key, value})
	t.size++
	return false
}

// Get returns the value under exactly this (filter, key).
func (t *Trie[K, V]) Get(filter string, key K) (value V, ok bool) {
	list := t.root.find(filter, false)
	if list == nil {
		return value, false
	}
	for _, e := range *list {
		if e.key == key {
			return e.value, true
		}
	}
	return value, false
}

// Delete takes away what is under (filter, key), with the branches that this leaves empty, and says whether there was
// something.
func (t *Trie[K, V]) Delete(filter string, key K) bool {
	if !t.root.delete(filter, key) {
		return false
	}
	t.size--
	return true
}

// Match calls visit for each (key, value) whose filter matches the topic name, once for each such filter, in no
// particular order.
func (t *Trie[K, V]) Match(topic string, visit func(K, V)) {
	t.root.match(topic, len(topic) > 0 && topic[0] == '$', visit)
}

func (n *node[K, V]) find(filter string, create bool) *[]entry[K, V] {
	for {
		level, rest, more := strings.Cut(filter, "/")
		if level == "#" {
			return &n.hash
		}
		next := n.plus
		if level != "+" {
			next = n.children[level]
		}
		if next == nil {
			if !create {
				return nil
			}
			next = new(node[K, V])
			if level == "+" {
				n.plus = next
			} else {
				if n.children == nil {
					n.children = map[string]*node[K, V]{}
				}
				n.children[strings.Clone(level)] = next
			}
		}
		n = next
		if !more {
			return &n.here
		}
		filter = rest
	}
}

func (n *node[K, V]) delete(filter string, key K) bool {
	level, rest, more := strings.Cut(filter, "/")
	if level == "#" {
		return remove(&n.hash, key)
	}
	next := n.plus
	if level != "+" {
		next = n.children[level]
	}
	if next == nil {
		return false
	}
	var done bool
	if more {
		done = next.delete(rest, key)
	} else {
		done = remove(&next.here, key)
	}
	if next.empty() {
		if level == "+" {
			n.plus = nil
		} else {
			delete(n.children, level)
		}
	}
	return done
}

func (n *node[K, V]) empty() bool {
	return len(n.here) == 0 && len(n.hash) == 0 && n.plus == nil && len(n.children) == 0
}

// match visits what is under n for the rest of a topic name; dollar is true at the first level of a name that begins
// with $, which no wildcard matches.
func (n *node[K, V]) match(topic string, dollar bool, visit func(K, V)) {
	if !dollar {
		for i := range n.hash {
			visit(n.hash[i].key, n.hash[i].value)
		}
	}
	level, rest, more := strings.Cut(topic, "/")
	if next := n.children[level]; next != nil {
		next.step(rest, more, visit)
	}
	if n.plus != nil && !dollar {
		n.plus.step(rest, more, visit)
	}
}

func (n *node[K, V]) step(rest string, more bool, visit func(K, V)) {
	if more {
		n.match(rest, false, visit)
		return
	}
	for i := range n.here {
		visit(n.here[i].key, n.here[i].value)
	}
	for i := range n.hash { // a/# matches a, too
		visit(n.hash[i].key, n.hash[i].value)
	}
}

func remove[K comparable, V any](list *[]entry[K, V], key K) bool {
	l := *list
	for i := range l {
		if l[i].key == key {
			l[i] = l[len(l)-1]
			l[len(l)-1] = entry[K, V]{}
			*list = l[:len(l)-1]
			return true
		}
	}
	return false
}
