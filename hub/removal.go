package hub

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Remove is part of API.
func (h *Hub) Remove(ctx context.Context, id string, clearing bool) (cleared []Leftover, err error) {
	if clearing {
		if cleared, err = h.leftovers(ctx, id); err != nil {
			return nil, fmt.Errorf("removing %s: %w", id, err)
		}
	}
	var refused error
	kept := make(chan error, 1)
	err = h.ask(ctx, func(now time.Time) {
		e := h.byID[id]
		if e == nil {
			refused = fmt.Errorf("%w: no device %s", ErrNotFound, id)
			return
		}
		for _, a := range e.accounts {
			if a.convention >= 0 {
				h.unneeded(a.convention, h.asked(a, Convention.Forget))
			}
		}
		h.remove(now, e)
		h.unlink(id)
		h.clearLeftovers(cleared)
		h.recorder.forget(id, func(err error) { kept <- err })
	})
	if err == nil {
		err = refused
	}
	if err == nil {
		err = h.untilKept(ctx, kept)
	}
	if err != nil {
		return nil, fmt.Errorf("removing %s: %w", id, err)
	}
	return cleared, nil
}

// asked has a convention say which filters it has for a device: none when it panics.
func (h *Hub) asked(a *account, ask func(c Convention, key string) []string) (filters []string) {
	c := h.conventions[a.convention]
	defer func() {
		if p := recover(); p != nil {
			h.counts.panics.Add(1)
			h.log.Error("convention panicked", "convention", c.Name(), "key", a.key.key, "panic", fmt.Sprint(p))
		}
	}()
	return ask(c, a.key.key)
}

// gone takes the account of one convention, whose announcement said that the device is no more, and the device with the last
// of them.
func (h *Hub) gone(now time.Time, e *entry, key deviceKey) (left bool) {
	if len(e.accounts) == 1 {
		h.remove(now, e)
		return true
	}
	x := e.account(key)
	h.forgetSources(x)
	delete(h.byKey, key)
	e.accounts = slices.DeleteFunc(e.accounts, func(a *account) bool { return a == x })
	h.emit(now, e, h.redescribe(now, e))
	h.recorder.device(e.record(), nil)
	h.orphan(e)
	h.address(e)
	return false
}

// remove forgets a device, after its conventions did.
func (h *Hub) remove(now time.Time, e *entry) {
	h.log.Info("device left", keyDevice, e.id())
	for _, a := range e.accounts {
		h.forgetSources(a)
	}
	h.drop(now, e, "the device was removed")
}

// drop takes a device out of the house, for a reason that those learn who wait for its commands. Links with it stay: programs that
// announce all anew take their devices back first.
func (h *Hub) drop(now time.Time, e *entry, reason string) {
	h.emit(now, e, e.twin.Leave(now, reason))
	h.unbind(e)
	h.unaddress(e)
	delete(h.byID, e.id())
	for _, a := range e.accounts {
		delete(h.byKey, a.key)
	}
	delete(h.busy, e)
	delete(h.orphans, e)
	h.bereave(now, e.id())
}

// bereave makes orphans of the devices that were reached through one that is gone: another one may get its ID.
func (h *Hub) bereave(now time.Time, gateway string) {
	for _, e := range h.byID {
		d := e.twin.Device()
		if d.Via != gateway {
			continue
		}
		d.Via = ""
		h.emit(now, e, e.twin.Describe(now, d))
		h.orphan(e)
		h.settle(now, e)
	}
}

// forgetSources makes what announced a device count as unseen.
func (h *Hub) forgetSources(a *account) {
	if a.convention < 0 {
		return
	}
	topics := make([]string, len(a.sources))
	for i, m := range a.sources {
		topics[i] = m.Topic
	}
	h.filters.forget(a.convention, topics...)
}

// unneeded gives back filters that a convention no longer needs.
func (h *Hub) unneeded(convention int, list []string) {
	if len(list) == 0 {
		return
	}
	if list = h.filters.release(convention, list); len(list) > 0 {
		h.outbox.do(func(l Link) { h.filters.drop(l, list) })
	}
}
