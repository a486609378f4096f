package tasmota

import (
	"strings"

	"home.arpa/homehub/broker"
)

// maxTopic is the length of a topic with which a device is taken; the firmware's own limit is 100 bytes.
const maxTopic = 250

// split cuts a topic into what is before its last level, with the slash, and the last level. The firmware spells last levels
// in capital letters, whatever FullTopic says about the rest.
func split(topic string) (base, last string, ok bool) {
	i := strings.LastIndexByte(topic, '/')
	if i < 0 || i == len(topic)-1 || len(topic) > maxTopic || topic[0] == '$' {
		return "", "", false
	}
	last = topic[i+1:]
	if last[0] < 'A' || last[0] > 'Z' || len(last) > 40 {
		return "", "", false
	}
	for _, c := range []byte(last) {
		if !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_') {
			return "", "", false
		}
	}
	return topic[:i+1], last, true
}

// branches are the beginnings of a device's topics, each with a slash at its end.
type branches struct{ cmnd, stat, tele string }

// valid says whether the topics can be subscribed and published.
func (b branches) valid() bool {
	for _, s := range []string{b.cmnd, b.stat, b.tele} {
		if len(s) > maxTopic || broker.ValidTopic(s+"STATE") != nil || s[0] == '$' {
			return false
		}
	}
	return b.cmnd != b.stat && b.cmnd != b.tele
}

// expand makes topics of FullTopic as the firmware does: without %prefix%, only commands get their prefix, at the end.
func (s *setup) expand(id string) branches {
	full := func(prefix int) string {
		t := s.fullTopic
		if prefix == 0 && !strings.Contains(t, "%prefix%") {
			t += "/%prefix%"
		}
		t = strings.NewReplacer("%prefix%", s.prefixes[prefix], "%topic%", s.topic, "%hostname%", s.hostname, "%id%", id).Replace(t)
		t = strings.ReplaceAll(strings.ReplaceAll(t, "#", ""), "//", "/")
		if !strings.HasSuffix(t, "/") {
			t += "/"
		}
		return t
	}
	return branches{cmnd: full(0), stat: full(1), tele: full(2)}
}

// branches are the topics that a device may use: %id% is the whole address, and its last six digits in some firmware.
func (s *setup) branches(mac string) []branches {
	out := []branches{s.expand(mac)}
	if strings.Contains(s.fullTopic, "%id%") && len(mac) > 6 {
		out = append(out, s.expand(mac[len(mac)-6:]))
	}
	return out
}

// The prefixes of topics unless they were changed.
var standardPrefixes = [3]string{"cmnd", "stat", "tele"}

// guess finds the topics of a device by one of them: the level that is the prefix tells. It works for the prefixes that
// devices have from the start, wherever FullTopic puts them.
func guess(base string) (branches, bool) {
	levels := strings.Split(strings.TrimSuffix(base, "/"), "/")
	if len(levels) < 2 || len(levels) > 6 {
		return branches{}, false
	}
	for i, level := range levels {
		if level != "tele" && level != "stat" {
			continue
		}
		join := func(prefix string) string {
			levels[i] = prefix
			return strings.Join(levels, "/") + "/"
		}
		b := branches{cmnd: join("cmnd"), stat: join("stat"), tele: join("tele")}
		return b, b.valid()
	}
	return branches{}, false
}

// name is the part of a topic that is the device's own.
func (b branches) name() string {
	var own []string
	for level := range strings.SplitSeq(strings.TrimSuffix(b.tele, "/"), "/") {
		if level != "tele" {
			own = append(own, level)
		}
	}
	return strings.Join(own, " ")
}

// standardFilters are the topics by which devices are found that do not announce themselves: FullTopic's usual forms with up
// to three levels beside the command.
func standardFilters() []broker.Subscription {
	var out []broker.Subscription
	for _, prefix := range []string{"tele", "stat"} {
		for _, filter := range []string{"P/+/+", "+/P/+", "P/+/+/+", "+/P/+/+", "+/+/P/+"} {
			out = append(out, broker.Subscription{Filter: strings.Replace(filter, "P", prefix, 1), QoS: 1})
		}
	}
	return out
}

// subscriptions are what a device that announced itself needs beside the standard filters: its topics, where those do not
// cover them, and what the broker may keep, so that it comes again, behind the announcement.
func (b branches) subscriptions() []broker.Subscription {
	covered := func(topic string) bool {
		for _, f := range standardFilters() {
			if broker.Match(f.Filter, topic) {
				return true
			}
		}
		return false
	}
	var out []broker.Subscription
	if covered(b.tele + "LWT") {
		for _, last := range []string{"LWT", "STATE", "SENSOR"} {
			out = append(out, broker.Subscription{Filter: b.tele + last, QoS: 1})
		}
	} else {
		out = append(out, broker.Subscription{Filter: b.tele + "+", QoS: 1})
	}
	if b.stat != b.tele && !covered(b.stat+"RESULT") {
		out = append(out, broker.Subscription{Filter: b.stat + "+", QoS: 1})
	}
	return out
}

// ask is a question to the device.
func (b branches) ask(what string) broker.Message {
	return broker.Message{Topic: b.cmnd + "STATUS", Payload: []byte(what)}
}
