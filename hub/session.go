package hub

import (
	"slices"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

const (
	// sameEvent is how far apart a will and the end of the session that caused it may be heard.
	sameEvent = 2 * time.Second
	// visit is the length of a session below which a client that says goodbye and has no will only came to publish
	// something, as mosquitto_pub does: it is not the device.
	visit = 10 * time.Second
	// remembered is how long the end of a session is kept in mind for clients that no device is known to be.
	remembered = 10 * time.Second
)

// session is what is known of one client's connection.
type session struct {
	connected bool
	since     time.Time
	will      bool
}

// takeSession takes news about a client's connection. It concerns all devices that the client publishes for: a gateway
// takes its devices with it.
func (h *Hub) takeSession(now time.Time, s broker.Session) {
	bound := h.byClient[s.Client]
	if len(s.Subscribed) > 0 {
		for e := range bound {
			h.listens(now, e, s.Subscribed)
		}
		h.observe(now, s)
		return
	}
	if s.Connected {
		h.sessions[s.Client] = session{connected: true, since: now, will: s.WillTopic != ""}
		for e := range bound {
			e.signs.ended = nil
			if len(bound) == 1 {
				e.signs.awake = now
			}
			h.settle(now, e)
		}
		return
	}
	last, known := h.sessions[s.Client]
	h.sessions[s.Client] = session{since: now}
	h.forget(now)
	if s.Clean && s.WillTopic == "" && !last.will && known && now.Sub(last.since) < visit {
		return
	}
	for e := range bound {
		if h.sessions[e.successor].connected {
			h.log.Info("a device goes on under another connection", keyDevice, e.id(), keyClient, e.successor, "before", s.Client)
			h.bind(e, e.successor)
			continue
		}
		e.signs.ended = &ending{clean: s.Clean, reason: s.Reason}
		if r := e.twin.Reach(); !s.Clean && r.Presence == devices.Offline && now.Sub(r.Since) <= sameEvent {
			h.emit(now, e, e.twin.Explain(now, s.Reason)) // the will was quicker, but the session knows why
		}
		h.settle(now, e)
	}
}

// listens takes the news that a device's client gets the messages of these filters. What waits for the device goes out at once if
// it will be heard.
func (h *Hub) listens(now time.Time, e *entry, filters []string) {
	for _, c := range e.twin.Pending() {
		if c.Status != devices.Waiting {
			continue
		}
		messages, err := h.encode(e, c)
		if err != nil || !slices.ContainsFunc(messages, func(m broker.Message) bool {
			return slices.ContainsFunc(filters, func(f string) bool { return broker.Match(f, m.Topic) })
		}) {
			continue
		}
		e.twin.Ready(now)
		h.sendWaiting(now, e)
		return
	}
}

// forget drops the sessions that nobody needs to know of any more, once in a while: when a whole house goes away at once, looking
// through all of them for each would take longer than the rest.
func (h *Hub) forget(now time.Time) {
	if now.Sub(h.forgot) < remembered {
		return
	}
	h.forgot = now
	for client, s := range h.sessions {
		if !s.connected && len(h.byClient[client]) == 0 && now.Sub(s.since) > remembered {
			delete(h.sessions, client)
		}
	}
}

// heard notes a live message m from or about a device. spoke says that it had a value: where the convention tells presence, an
// announcement alone may be a gateway's, of a device that is off.
func (h *Hub) heard(now time.Time, e *entry, m broker.Message, spoke bool) {
	client := m.Client
	if s, known := h.sessions[client]; m.Will || known && !s.connected {
		return // a will: the message of a client that is gone is no sign of life
	}
	h.emit(now, e, e.twin.Heard(now))
	h.lookForRival(now, e, m)
	told := e.told()
	e.signs.heard = e.signs.heard || spoke || !told
	if spoke || !told {
		e.signs.cadence.Heard(now)
		e.signs.last = now
	}
	switch {
	case client == "" || client == e.client:
	case !h.sessions[e.client].connected:
		h.bind(e, client)
	case h.sessions[client].since.After(h.sessions[e.client].since):
		// Somebody else who publishes for it does not become its client as long as that is there; but a device that comes back
		// under another name, before the broker has noticed that its old connection is dead, is one that stays.
		e.successor = client
	}
}

// bind makes a client the device's.
func (h *Hub) bind(e *entry, client string) {
	h.unbind(e)
	e.client = client
	if h.byClient[client] == nil {
		h.byClient[client] = map[*entry]struct{}{}
	}
	h.byClient[client][e] = struct{}{}
}

// unbind forgets the device's client.
func (h *Hub) unbind(e *entry) {
	delete(h.byClient[e.client], e)
	if len(h.byClient[e.client]) == 0 {
		delete(h.byClient, e.client)
	}
	e.client, e.successor, e.rival, e.signs.ended = "", "", rival{}, nil
}
