package hub

import (
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

// signs are what speaks for a device's presence.
type signs struct {
	told  bool          // the convention tells presence
	said  devices.Reach // its last word; Presence is empty if there was none
	heard bool          // it spoke live in this life of the hub
	// ended is how the session of the device's client ended; nil while it lasts or nothing is known of it.
	ended *ending
}

// ending is the end of a session that says something about the device.
type ending struct {
	clean  bool
	reason string
}

// presence weighs the signs. A device sleeps if it said so, whatever its connection does. A session that broke off says
// more than an availability topic that was not yet told; a clean end only counts for devices that should be there, that is
// those that can be commanded. Then the convention's word holds, and without one the device is there if it is heard.
func (s signs) presence(settable bool) (devices.Presence, string) {
	switch {
	case s.said.Presence == devices.Asleep:
		return devices.Asleep, s.said.Why
	case s.ended != nil && !s.ended.clean:
		return devices.Offline, s.ended.reason
	case s.ended != nil && settable && s.said.Presence != devices.Offline:
		return devices.Offline, "it said goodbye"
	case s.said.Presence == devices.Offline:
		return devices.Offline, s.said.Why
	case s.said.Presence == devices.Online:
		return devices.Online, s.said.Why
	case s.heard:
		return devices.Online, "heard from it"
	case s.told:
		return devices.Unknown, "it has not said yet whether it is there"
	}
	return devices.Unknown, "nothing has been heard from it yet"
}

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
		return
	}
	if s.Connected {
		h.sessions[s.Client] = session{connected: true, since: now, will: s.WillTopic != ""}
		for e := range bound {
			e.signs.ended = nil
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
		e.signs.ended = &ending{clean: s.Clean, reason: s.Reason}
		if r := e.twin.Reach(); !s.Clean && r.Presence == devices.Offline && now.Sub(r.Since) <= sameEvent {
			h.emit(now, e, e.twin.Explain(now, s.Reason)) // the will was quicker, but the session knows why
		}
		h.settle(now, e)
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

// heard notes a live message from or about a device. client is its publisher, empty if unknown. spoke says that it had a
// value: where the convention tells presence, an announcement alone may be a gateway's, of a device that is off.
func (h *Hub) heard(now time.Time, e *entry, client string, spoke bool) {
	if s, known := h.sessions[client]; known && !s.connected {
		return // a will: the message of a client that is gone is no sign of life
	}
	h.emit(now, e, e.twin.Heard(now))
	e.signs.heard = e.signs.heard || spoke || !e.signs.told
	if client == "" || client == e.client || h.sessions[e.client].connected {
		return // somebody else who publishes for it does not become its client as long as that is there
	}
	h.unbind(e)
	e.client, e.signs.ended = client, nil
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
	e.client, e.signs.ended = "", nil
}

// settle lets the signs take effect, and sends what waited for the device if it is back.
func (h *Hub) settle(now time.Time, e *entry) {
	presence, why := e.signs.presence(settable(e.twin.Device()))
	if presence != devices.Unknown || e.twin.Reach().Presence != devices.Unknown {
		h.emit(now, e, e.twin.Reached(now, presence, why))
	}
	h.sendWaiting(now, e)
}
