package shelly

import (
	"slices"
	"strings"
)

// Topics are those that the device alone publishes. What is behind a gateway has none of its own.
func (c *Convention) Topics(key string) []string {
	if id, ok := strings.CutPrefix(key, classicKey); ok {
		if d := c.classic[id]; d != nil {
			return c.classicTopics(d)
		}
		return nil
	}
	d := c.modern[key]
	if d == nil {
		return nil
	}
	out := make([]string, 0, 4)
	for _, rest := range []string{"/online", "/events/rpc", "/status/+", "/debug/+"} {
		out = append(out, d.prefix+rest)
	}
	return out
}

// classicTopics are all topics below a device's own, unless another device's name begins with its name; then those that it was
// heard in.
func (c *Convention) classicTopics(d *classic) []string {
	own := classicPrefix + d.id
	shared := func(prefix string) bool { return strings.HasPrefix(prefix, own+"/") }
	alone := true
	for id := range c.classic {
		alone = alone && !shared(classicPrefix+id)
	}
	for prefix := range c.prefixes {
		alone = alone && !shared(prefix)
	}
	if alone {
		return []string{own + "/#"}
	}
	out := []string{own + "/announce", own + "/info", own + "/online"}
	for topic, t := range c.topics {
		if t.device == d && !slices.Contains(out, topic) {
			out = append(out, topic)
		}
	}
	slices.Sort(out)
	return out
}
