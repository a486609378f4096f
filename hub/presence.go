package hub

import (
	"fmt"
	"slices"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
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
//
// cut is what cutOff says.
func (h *Hub) presence(now time.Time, e *entry, cut string) (devices.Presence, string) {
	s, said := &e.signs, e.said()
	overdue := h.overdue(now, e)
	if s.ended != nil && said.Presence != devices.Asleep && slices.ContainsFunc(e.accounts, func(a *account) bool { return a.sleeps }) {
		said = devices.Reach{Presence: devices.Asleep, Why: "it sleeps between its visits", Since: now}
	}
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
	if e.client != "" && e.client != gateway.client && h.sessions[e.client].connected || h.leansOn(gateway, e) {
		return ""
	}
	return fmt.Sprintf("its gateway %s is offline: %s", gateway.twin.Device().Name, gateway.twin.Reach().Why)
}

// leansOn says whether a device is offline only because its gateway is, or that one's, and so on, and e is one of these: two that name each
// other would keep each other offline.
func (h *Hub) leansOn(gateway, e *entry) bool {
	const farthest = 16 // as many gateways in a row as nobody has
	for range farthest {
		if gateway == nil || !gateway.signs.behind {
			return false
		}
		if gateway = h.byID[gateway.twin.Device().Via]; gateway == e {
			return true
		}
	}
	return true
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

// settle lets the signs take effect, and sends what waited for the device if it is back.
func (h *Hub) settle(now time.Time, e *entry) {
	cut := h.cutOff(e)
	presence, why := h.presence(now, e, cut)
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
