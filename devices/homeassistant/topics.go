package homeassistant

import (
	"slices"
	"strings"
)

// Topics are those in which the device's entities were announced, and those of its states, attributes and presence that no
// other device has anything to do with.
func (c *Convention) Topics(key string) []string {
	d := c.devices[key]
	if d == nil {
		return nil
	}
	var topics []string
	add := func(topic string) {
		if !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	for _, m := range d.members {
		add(m.topic)
	}
	mine := map[string]int{}
	for _, m := range d.members {
		for _, f := range filtersOf(m.entity) {
			mine[f]++
		}
	}
	var states []string
	for _, m := range d.members {
		for _, r := range m.readers {
			if c.clearable(r.filter, mine) {
				add(r.filter)
				states = append(states, r.filter)
			}
		}
	}
	for _, m := range d.members {
		for _, s := range m.entity.sources {
			if c.clearable(s.topic, mine) && ownPresence(s.topic, states, m.owner.via != "") {
				add(s.topic)
			}
		}
	}
	return topics
}

// clearable says whether a filter covers nothing that others need: it begins and ends with a name, and overlaps with no filter of
// another device. mine is how often the device needs each of its own.
func (c *Convention) clearable(filter string, mine map[string]int) bool {
	first, last := filter[0], filter[len(filter)-1]
	if first == '+' || first == '#' || first == '$' || last == '+' || last == '#' || strings.HasPrefix(filter, c.prefix+"/") {
		return false
	}
	for other, needed := range c.filters {
		if needed > mine[other] && overlap(filter, other) {
			return false
		}
	}
	return true
}

// overlap says whether there is a topic that both filters match.
func overlap(a, b string) bool {
	for {
		levelA, restA, moreA := strings.Cut(a, "/")
		levelB, restB, moreB := strings.Cut(b, "/")
		switch {
		case levelA == "#" || levelB == "#":
			return true
		case levelA != levelB && levelA != "+" && levelB != "+":
			return false
		case !moreA || !moreB:
			return moreA == moreB || restA == "#" || restB == "#"
		}
		a, b = restA, restB
	}
}

// ownPresence says whether an availability topic is the device's own rather than its gateway's: it is beside or beneath one of the
// device's states, and for a device behind a gateway right beneath it.
func ownPresence(topic string, states []string, behind bool) bool {
	parent, _, _ := strings.Cut(topic, "/")
	if i := strings.LastIndexByte(topic, '/'); i >= 0 {
		parent = topic[:i]
	}
	if strings.HasSuffix(parent, "/bridge") {
		return false
	}
	for _, s := range states {
		if s == parent || !behind && strings.HasPrefix(s, parent+"/") {
			return true
		}
	}
	return false
}
