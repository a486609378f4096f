package zwavejs

import (
	"strings"

	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/hub"
)

// longestSleep is how many seconds a node sleeps at most, as far as is known: a day, which is the longest that makers set.
const longestSleep = 24 * 60 * 60

// sleep is for how long a node sleeps at most. One visit that is missed is no harm yet.
func (f facts) sleep() float64 {
	switch {
	case !f.sleeps:
		return 0
	case f.wakes == 0:
		return longestSleep
	}
	return float64(2 * f.wakes)
}

// interval takes the time after which a node wakes up.
func (c *Convention) interval(p *parsed, u *hub.Update) {
	v := p.value
	if v.Kind() == jsontext.Object {
		v = v.Get("value")
	}
	seconds, ok := v.Whole(longestSleep)
	if !ok || p.at.property != "wakeUpInterval" {
		return
	}
	if n := c.paths[p.node]; n != nil {
		f := n.facts
		f.wakes = seconds
		c.inform(n, f, u)
	} else if f, known := c.facts[p.node]; known || len(c.facts) < maxFacts {
		f.wakes = seconds
		c.facts[strings.Clone(p.node)] = f
	}
}
