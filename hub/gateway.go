package hub

import (
	"slices"
	"time"
)

// gateway finds the ID of the device that a convention names by a key of its own or by an identifier; empty as long as
// there is none.
func (h *Hub) gateway(convention, via, self string) string {
	if via == "" {
		return ""
	}
	if e := h.byKey[deviceKey{convention, via}]; e != nil && e.id() != self {
		return e.id()
	}
	for id, e := range h.byID {
		if id != self && slices.Contains(e.twin.Device().Identifiers, via) {
			return id
		}
	}
	return ""
}

// orphan notes whether a device's gateway is still to come.
func (h *Hub) orphan(e *entry) {
	if d := e.twin.Device(); d.Via == "" && slices.ContainsFunc(e.accounts, func(a *account) bool { return a.via != "" }) {
		h.orphans[e] = struct{}{}
	} else {
		delete(h.orphans, e)
	}
}

// findOrphans completes the devices whose gateway this is, and was not known when they announced themselves.
func (h *Hub) findOrphans(now time.Time, gateway *entry) {
	for e := range h.orphans {
		if e == gateway || !slices.ContainsFunc(e.accounts, func(a *account) bool { return gateway.is(a.key.convention, a.via) }) {
			continue
		}
		d := e.twin.Device()
		d.Via = gateway.id()
		delete(h.orphans, e)
		h.emit(now, e, e.twin.Describe(now, d))
		h.settle(now, e)
	}
}

// is says whether a convention names the device so: by a key of its own, or by an identifier.
func (e *entry) is(convention, name string) bool {
	if name == "" {
		return false
	}
	d := e.twin.Device()
	return e.account(deviceKey{convention, name}) != nil || slices.Contains(d.Identifiers, name)
}
