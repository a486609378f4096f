package hub

import (
	"fmt"
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

// signs are what speaks for a device's presence, beside what its conventions say.
type signs struct {
	heard bool // it spoke live in this life of the hub
	// ended is how the session of the device's client ended; nil while it lasts or nothing is known of it.
	ended *ending
	// awake is when the session of a device that said that it sleeps began.
	awake time.Time
	// cadence is how often it speaks, last when it last did.
	cadence devices.Cadence
	last    time.Time
	// behind: it is offline because its gateway is.
	behind bool
	// back is when it was last away and is there again: the silence before says nothing.
	back time.Time
	// kept and keptWatch are the limit and the time of watching that the store knows, keptAt since when.
	kept, keptWatch time.Duration
	keptAt          time.Time
}

// ending is the end of a session that says something about the device.
type ending struct {
	clean  bool
	reason string
}

// presence weighs the signs. A device sleeps if it said so, whatever its connection does, unless it has connected since or should have woken up long ago. A
// session that broke off says more than an availability topic that was not yet told; a clean end only counts for devices that should
// be there, that is those that can be commanded. What is reached through a gateway is away when that is. Then the convention's word
// holds, and without one the device is there if it is heard. It is late if it is silent for longer than it ever was, since it is back.
func (h *Hub) presence(now time.Time, e *entry) (devices.Presence, string) {
	s, said := &e.signs, e.said()
	overdue := h.overdue(now, e)
	if s.ended != nil && said.Presence != devices.Asleep && slices.ContainsFunc(e.accounts, func(a *account) bool { return a.sleeps }) {
		said = devices.Reach{Presence: devices.Asleep, Why: "it sleeps between its visits", Since: now}
	}
	cut := h.cutOff(e)
	switch {
	case said.Presence == devices.Asleep && cut != "" && e.twin.Device().Wakes > 0: // who would wake it, or keep anything for it, is away
		return devices.Offline, cut
	case said.Presence == devices.Asleep && s.awake.After(said.Since) && s.ended != nil && !s.ended.clean:
		return devices.Offline, s.ended.reason
	case said.Presence == devices.Asleep && s.awake.After(said.Since) && s.ended == nil:
		return devices.Online, "it has woken up"
	case said.Presence == devices.Asleep && overdue != "":
		return devices.Offline, "it sleeps, and should have woken up: " + overdue
	case said.Presence == devices.Asleep:
		return devices.Asleep, said.Why
	case s.ended != nil && !s.ended.clean:
		return devices.Offline, s.ended.reason
	case s.ended != nil && said.Presence != devices.Offline && settable(e.twin.Device()):
		return devices.Offline, "it said goodbye"
	}
	switch {
	case cut != "":
		return devices.Offline, cut
	case said.Presence == devices.Offline:
		return devices.Offline, said.Why
	case said.Presence == devices.Starting: // its silence says nothing beside: it has said that it is not ready
		return devices.Starting, said.Why
	case overdue != "" && !absent(e.twin.Reach().Presence): // else it is just back
		return devices.Late, overdue
	case said.Presence == devices.Online, said.Presence == devices.Late:
		return said.Presence, said.Why
	case s.heard:
		return devices.Online, "heard from it"
	case e.told():
		return devices.Unknown, "it has not said yet whether it is there"
	}
	return devices.Unknown, "nothing has been heard from it yet"
}

// cutOff says why the gateway of a device cannot reach it; empty if it can, if there is none, or if the device has a connection of
// its own.
func (h *Hub) cutOff(e *entry) string {
	d := e.twin.Device()
	if d.Via == "" {
		return ""
	}
	gateway := h.byID[d.Via]
	if gateway == nil || gateway == e || gateway.twin.Reach().Presence != devices.Offline {
		return ""
	}
	if e.client != "" && e.client != gateway.client && h.sessions[e.client].connected {
		return ""
	}
	return fmt.Sprintf("its gateway %s is offline: %s", gateway.twin.Device().Name, gateway.twin.Reach().Why)
}

// overdue says in what way a device has been silent for too long; empty if it has not. The silence of a device whose own connection stands is
// judged only by what it promised. Nobody is silent while the hub does not listen.
func (h *Hub) overdue(now time.Time, e *entry) string {
	limit := e.signs.cadence.Limit()
	if h.listening.IsZero() || e.twin.LastSeen().IsZero() && limit == 0 {
		return ""
	}
	silence := now.Sub(h.listening)
	if back := e.signs.back; !back.IsZero() {
		silence = min(silence, now.Sub(back))
	}
	if ref, promised, ok := e.twin.Overdue(now); ok && silence > promised {
		return fmt.Sprintf("no %s for more than %s, within which it promised one", ref, devices.Span(promised))
	}
	if last := e.signs.last; !last.IsZero() {
		silence = min(silence, now.Sub(last))
	}
	declared := e.declared()
	switch {
	case declared > 0 && silence > declared:
		return fmt.Sprintf("silent for more than %s, longer than a device of its kind should be", devices.Span(declared))
	case !h.habitual(e):
		return ""
	}
	if limit > 0 && silence > limit {
		return fmt.Sprintf("silent for more than %s, longer than it ever was", devices.Span(limit))
	}
	return ""
}

// declared is the longest silence that the device's conventions know of; 0 if they do not.
func (e *entry) declared() time.Duration {
	var declared time.Duration
	for _, a := range e.accounts {
		declared = max(declared, a.silence)
	}
	return declared
}

// habitual says whether a device is judged by what it has shown, because nothing better is known.
func (h *Hub) habitual(e *entry) bool {
	return e.declared() == 0 && !(e.client != "" && len(h.byClient[e.client]) == 1 && h.sessions[e.client].connected)
}

// reach takes what a convention says of a device's presence. The will of a connection that has been replaced since is late: the
// device is there, and has said so.
func (h *Hub) reach(now time.Time, e *entry, a *account, m broker.Message, r devices.Reach) {
	if m.Will && r.Presence == devices.Offline && e.client != "" && e.client != m.Client && h.sessions[e.client].connected {
		h.log.Info("ignored a late will", keyDevice, e.id(), keyClient, m.Client, "now", e.client)
		return
	}
	a.said = devices.Reach{Presence: r.Presence, Why: r.Why, Since: now}
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

// settle lets the signs take effect, and sends what waited for the device if it is back.
func (h *Hub) settle(now time.Time, e *entry) {
	presence, why := h.presence(now, e)
	cut := h.cutOff(e)
	behind := presence == devices.Offline && cut != "" && why == cut
	back := e.signs.behind && !behind
	e.signs.behind = behind
	before := e.twin.Reach().Presence
	if presence == before {
		if back { // it is away all the same, for a reason of its own
			h.emit(now, e, e.twin.Explain(now, why))
		}
		if presence != devices.Online || e.twin.Waits() {
			h.sendWaiting(now, e)
		}
		return
	}
	h.emit(now, e, e.twin.Reached(now, presence, why))
	if absent(before) && !absent(presence) {
		e.signs.back = now
	}
	if e.twin.Away() {
		e.signs.cadence.Paused()
	}
	h.sendWaiting(now, e)
	if presence == devices.Offline || before == devices.Offline {
		h.settleBehind(now, e)
	}
}

// absent says of a presence that nothing is to be heard of a device meanwhile.
func absent(p devices.Presence) bool { return p == devices.Offline || p == devices.Starting }

// settleBehind lets what happened to a gateway take effect on what is reached through it.
func (h *Hub) settleBehind(now time.Time, gateway *entry) {
	for _, e := range h.byID {
		if e != gateway && e.twin.Device().Via == gateway.id() {
			h.settle(now, e)
		}
	}
}
