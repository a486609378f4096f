package shelly

import (
	"slices"
	"strings"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/hub"
)

// maxObserved is how many questions one client's subscription is worth: a device listens under one prefix.
const maxObserved = 8

// Observe asks a client that has just begun to listen to remote procedure calls, if something shows that it is a Shelly: a device says that it
// is online a moment before it subscribes, so that what it is asked then may be lost; and one that tells only changes may be there
// for days before it says another word.
func (c *Convention) Observe(client string, filters []string) []broker.Message {
	var u hub.Update
	for _, filter := range filters {
		prefix, ok := strings.CutSuffix(filter, "/rpc")
		if len(u.Ask) >= maxObserved {
			break
		}
		if !ok || !goodPrefix(prefix) || prefix == c.source || strings.HasPrefix(prefix, c.source+"/") {
			continue
		}
		_, suspected := c.suspects[prefix]
		switch d := c.prefixes[prefix]; {
		case d != nil:
			c.askAgain(d, &u)
		case suspected, named(client), named(prefix[strings.LastIndexByte(prefix, '/')+1:]), slices.Contains(filters, prefix+"/command"):
			c.suspect(prefix, &u)
		}
	}
	return u.Ask
}

// named says whether a name is one that the factory gives, such as shellyplus1pm-a8032ab1c2d4.
func named(name string) bool {
	const factory = "shelly"
	return len(name) > len(factory) && strings.EqualFold(name[:len(factory)], factory)
}

// askAgain asks a device that has not answered yet. A sleeper says by itself how it is.
func (c *Convention) askAgain(d *modern, u *hub.Update) {
	if d.asked == 0 || d.asked >= maxAsked || d.since > 0 || d.rhythm.sleeps && d.docs[docConfig].Topic != "" {
		return
	}
	d.asked++
	u.Ask = append(u.Ask, c.questions(d.prefix, askAll)...)
}
