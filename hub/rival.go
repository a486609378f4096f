package hub

import (
	"fmt"
	"time"

	"home.arpa/homehub/broker"
)

// clashing is how often two clients take turns in one topic before it is certain that both mean to be the device: a script that
// sets a value for it now and then, or a retained message that somebody repeats, are no second device.
const clashing = 4

// rival is a client that publishes to a device's own topics while the device's client is connected: another device with the same
// topics, or the same one twice. To all who listen they are one, whose values jump between those of the two; nobody but the broker
// can tell them apart.
type rival struct {
	client string
	since  time.Time // when its session began
	topic  string    // one that both publish to
	last   string    // who published to it last
	turns  int
}

// lookForRival notes who publishes a message of a device, and says so once when two take turns.
func (h *Hub) lookForRival(now time.Time, e *entry, m broker.Message) {
	r := &e.rival
	if m.Client == e.client {
		if r.topic != m.Topic || r.last == e.client || !h.sessions[r.client].connected {
			return
		}
	} else {
		from := h.sessions[m.Client]
		if !from.connected || !h.sessions[e.client].connected {
			return
		}
		switch another := r.client != m.Client || !r.since.Equal(from.since); {
		case another && r.turns > 0 && h.sessions[r.client].connected && r.client != m.Client:
			return // there is a third one; the two that are watched take turns already
		case another, r.topic != m.Topic && r.turns == 0: // the newest topic, until one is found that both have
			*r = rival{client: m.Client, since: from.since, topic: m.Topic, last: m.Client}
			return
		case r.topic != m.Topic || r.last == m.Client:
			return
		}
	}
	r.last = m.Client
	if r.turns++; r.turns == clashing {
		h.fault(now, e, m, m.Topic, fmt.Sprintf("%s and %s both publish this, in turns; if they are two devices, give each topics of its own",
			e.client, r.client))
	}
}
