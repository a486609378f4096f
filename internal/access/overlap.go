package access

import (
	"strings"

	"home.arpa/homehub/broker"
)

// fresh is a level that no rule names, because no topic can have a null character [MQTT-1.5.4-2]. It stands for any level at all.
const fresh = "\x00"

// overlap returns the filter that matches exactly the topics that both filters match; ok is false when there are none.
func overlap(a, b string) (both string, ok bool) {
	if dollar(a) != dollar(b) && (wild(a) || wild(b)) { // [MQTT-4.7.2-1]
		return "", false
	}
	var levels []string
	for {
		if a == "#" || b == "#" {
			if a == "#" {
				a = b
			}
			return strings.Join(append(levels, a), "/"), true
		}
		la, ra, ma := strings.Cut(a, "/")
		lb, rb, mb := strings.Cut(b, "/")
		switch {
		case la == "+":
			la = lb
		case lb != "+" && la != lb:
			return "", false
		}
		levels = append(levels, la)
		switch {
		case ma && mb:
			a, b = ra, rb
		case ma && ra != "#", mb && rb != "#": // one ends here, and the other cannot
			return "", false
		default: // both end here: x/# matches x, too
			return strings.Join(levels, "/"), true
		}
	}
}

func dollar(filter string) bool { return strings.HasPrefix(filter, "$") }

// wild says whether a filter begins with a wildcard.
func wild(filter string) bool {
	return strings.HasPrefix(filter, "+") || strings.HasPrefix(filter, "#")
}

// samples calls visit with a topic of each length that a filter matches, up to most levels, until visit says that it is enough. Where the
// filter has a wildcard, the topic has a level that no rule names. So every rule that matches the sample matches all topics of
// this length that the filter matches: what a rule takes away from the sample it takes away from all of them.
func samples(filter string, most int, visit func(topic string) (enough bool)) bool {
	levels := strings.Split(filter, "/")
	open := levels[len(levels)-1] == "#"
	if open {
		levels = levels[:len(levels)-1]
	}
	for i, level := range levels {
		if level == "+" {
			levels[i] = fresh
		}
	}
	if topic := strings.Join(levels, "/"); topic != "" && visit(topic) { // the empty text is no topic [MQTT-4.7.3-1], though /# matches it
		return true
	}
	for open && len(levels) < most {
		levels = append(levels, fresh)
		if visit(strings.Join(levels, "/")) {
			return true
		}
	}
	return false
}

// levels is the number of levels of a filter.
func levels(filter string) int { return min(strings.Count(filter, "/")+1, broker.MaxTopicLevels) }
