package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
)

// Bounds of what a Request may ask for.
const (
	MinPatience = time.Second
	MaxPatience = 24 * time.Hour
	MaxAwait    = 7 * 24 * time.Hour
)

// Send is part of API.
func (h *Hub) Send(ctx context.Context, r Request) (devices.Command, error) {
	if r.Patience != 0 && (r.Patience < MinPatience || r.Patience > MaxPatience) {
		return devices.Command{}, fmt.Errorf("%w: a patience of %s is not between %s and %s", devices.ErrValue, r.Patience, MinPatience, MaxPatience)
	}
	if r.Await < 0 || r.Await > MaxAwait {
		return devices.Command{}, fmt.Errorf("%w: a device cannot be waited for %s, at most %s", devices.ErrValue, r.Await, MaxAwait)
	}
	var c devices.Command
	var refused error
	kept := make(chan struct{})
	err := h.ask(ctx, func(now time.Time) {
		var e *entry
		var p *devices.Property
		if e, p, refused = h.property(r.Path); refused == nil {
			if refused = p.Check(r.Value); refused == nil {
				c, refused = h.place(now, e, r, func() { close(kept) })
			}
		}
	})
	if err = errors.Join(err, refused); err != nil {
		return devices.Command{}, fmt.Errorf("setting %s to %s: %w", r.Path, r.Value, err)
	}
	select {
	case <-kept:
		return c, nil
	case <-h.stopped:
		return devices.Command{}, fmt.Errorf("setting %s to %s: %w", r.Path, r.Value, ErrStopped)
	case <-ctx.Done():
		return devices.Command{}, fmt.Errorf("setting %s to %s: %w", r.Path, r.Value, ctx.Err())
	}
}

// property finds what a path names.
func (h *Hub) property(path devices.Path) (*entry, *devices.Property, error) {
	e := h.byID[path.Device]
	if e == nil {
		return nil, nil, fmt.Errorf("%w: no device %s", ErrNotFound, path.Device)
	}
	d := e.twin.Device()
	c := d.Component(path.Component)
	if c == nil {
		ids := make([]string, len(d.Components))
		for i := range d.Components {
			ids[i] = d.Components[i].ID
		}
		return e, nil, fmt.Errorf("%w: %s has no component %q (it has %s)", ErrNotFound, path.Device, path.Component, strings.Join(ids, ", "))
	}
	p := c.Property(path.Property)
	if p == nil {
		ids := make([]string, len(c.Properties))
		for i := range c.Properties {
			ids[i] = c.Properties[i].ID
		}
		return e, nil, fmt.Errorf("%w: %s/%s has no property %q (it has %s)", ErrNotFound, path.Device, path.Component, path.Property, strings.Join(ids, ", "))
	}
	return e, p, nil
}

// place makes a command of a checked request. kept, which may be nil, is called by another goroutine once the command is in
// the store. The command is returned as it is when it has been handed on.
func (h *Hub) place(now time.Time, e *entry, r Request, kept func()) (devices.Command, error) {
	if h.recorder.busy() || len(h.pending) >= maxPending {
		return devices.Command{}, fmt.Errorf("%w: too many commands are pending or wait to be stored", ErrConflict)
	}
	c := devices.Command{
		ID: h.lastID.next(now), Device: e.id(), Ref: r.Ref, Value: r.Value, Origin: r.Origin, Created: now,
	}
	if kept != nil {
		h.onKept[c.ID] = kept
	}
	events := e.twin.Add(now, c, r.Patience, cmp.Or(r.Await, e.await()))
	h.emit(now, e, events)
	h.sendWaiting(now, e)
	for _, p := range e.twin.Pending() {
		if p.ID == c.ID {
			return p, nil
		}
	}
	ended, _ := h.ended.get(c.ID)
	return ended, nil
}

// sendWaiting hands the device's commands that can go out now to the store and, behind it, to the dispatcher.
func (h *Hub) sendWaiting(now time.Time, e *entry) {
	for _, c := range e.twin.Take(now) {
		if l := h.linkState.Load(); !l.up {
			h.emit(now, e, e.twin.Hold(now, c.ID, "the link to the broker is down: "+l.detail))
			continue
		}
		if spared := e.twin.Spare(now, c.ID); len(spared) > 0 {
			h.emit(now, e, spared)
			continue
		}
		messages, err := h.encode(e, c)
		if err != nil {
			h.emit(now, e, e.twin.Refuse(now, c.ID, err.Error()))
			continue
		}
		out := &outgoing{command: c.ID, messages: messages}
		out.wanted = func() bool { return !h.isOver(c.ID) }
		// It is saved first, so that a restart in between does not forget it. If the store fails, it is sent all the same:
		// a full disk must not leave people in the dark.
		h.recorder.command(c, func() { h.outbox.command(out) })
	}
}

// encode has the device's conventions say what to publish: the first one that knows how.
func (h *Hub) encode(e *entry, c devices.Command) (messages []broker.Message, err error) {
	accounts, refs := e.writers(c.Ref)
	err = fmt.Errorf("the hub does not speak %s any more", e.first().key.convention)
	for i, a := range accounts {
		if a.convention < 0 {
			continue
		}
		found, why := h.encodeIn(a, refs[i], c.Value)
		if why == nil {
			messages, err = found, nil
			break
		}
		if i == 0 || e.first().convention < 0 {
			err = why
		}
	}
	messages = slices.Clone(messages)
	for i := range messages {
		messages[i].QoS, messages[i].Retain = 1, false
		if p := e.twin.Property(c.Ref); p == nil || !p.Confirmable() || p.Toggles {
			messages[i].QoS = 0 // else the broker would keep it for a device whose session outlives its connection, or deliver it twice
		}
	}
	return messages, err
}

// encodeIn has one convention say what to publish.
func (h *Hub) encodeIn(a *account, ref devices.Ref, v devices.Value) (messages []broker.Message, err error) {
	convention := h.conventions[a.convention]
	defer func() {
		if p := recover(); p != nil {
			err = errors.New(h.panicked(convention, broker.Message{}, p))
		}
	}()
	if p := a.device.Property(ref); p != nil && p.Datatype != v.Datatype() {
		v, _ = recast(v, p.Datatype)
	}
	messages, err = convention.Encode(a.key.key, ref, v)
	if err == nil && messages == nil {
		err = errors.New("the device has not said how it can be told")
	}
	return messages, err
}

// result is what became of publishing a command.
type result struct {
	command string
	err     error
}

// published takes what became of publishing a command.
func (h *Hub) published(now time.Time, r result) {
	e := h.pending[r.command]
	if e == nil {
		return
	}
	switch {
	case r.err == nil:
		h.emit(now, e, e.twin.Sent(now, r.command))
	case errors.Is(r.err, broker.ErrClosed), errors.Is(r.err, context.DeadlineExceeded), errors.Is(r.err, context.Canceled):
		h.emit(now, e, e.twin.Hold(now, r.command, "the link to the broker is down: "+h.linkState.Load().detail))
		if h.retryAt.IsZero() {
			h.retryAt = now.Add(grace)
		}
	default:
		h.emit(now, e, e.twin.Refuse(now, r.command, "it could not be published: "+r.err.Error()))
	}
}

// commandMoved keeps the books on a command.
func (h *Hub) commandMoved(e *entry, c devices.Command) {
	kept := h.onKept[c.ID]
	delete(h.onKept, c.ID)
	h.recorder.command(c, kept)
	if c.Pending() {
		h.pending[c.ID] = e
		h.busy[e] = struct{}{}
	} else {
		h.log.Debug("command ended", keyCommand, c.ID, keyDevice, c.Device, "status", string(c.Status), keyReason, c.Reason)
		h.counts.ended(c.Status)
		delete(h.pending, c.ID)
		h.ended.add(c)
		if !e.twin.Timed() {
			delete(h.busy, e)
		}
		if w := h.waits[c.ID]; w != nil {
			close(w)
			delete(h.waits, c.ID)
		}
	}
	h.exportTarget(e, c.Ref)
}

// Command is part of API.
func (h *Hub) Command(ctx context.Context, id string) (devices.Command, error) {
	if c, ok := h.present(id); ok {
		return c, nil
	}
	c, err := h.store.Command(ctx, id)
	if err != nil {
		return c, fmt.Errorf("looking for command %q: %w", id, err)
	}
	return c, nil
}

// present finds a command that is pending or ended not long ago.
func (h *Hub) present(id string) (devices.Command, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.inHand(id)
}

func (h *Hub) inHand(id string) (devices.Command, bool) {
	if e := h.pending[id]; e != nil {
		for _, c := range e.twin.Pending() {
			if c.ID == id {
				return c, true
			}
		}
	}
	return h.ended.get(id)
}

// Commands is part of API.
func (h *Hub) Commands(ctx context.Context, device string, limit int) ([]devices.Command, error) {
	if limit <= 0 {
		return nil, nil
	}
	list, err := h.store.Commands(ctx, device, limit)
	if err != nil {
		return nil, fmt.Errorf("listing commands of %s: %w", device, err)
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.byID[device] == nil && len(list) == 0 {
		return nil, fmt.Errorf("listing commands: %w: no device %s", ErrNotFound, device)
	}
	// The store may be a little behind.
	stored := map[string]bool{}
	for i, c := range list {
		stored[c.ID] = true
		if now, ok := h.inHand(c.ID); ok {
			list[i] = now
		}
	}
	add := func(c devices.Command) {
		if c.Device == device && !stored[c.ID] {
			list = append(list, c)
		}
	}
	if e := h.byID[device]; e != nil {
		for _, c := range e.twin.Pending() {
			add(c)
		}
		h.ended.each(func(c devices.Command) {
			if !c.Created.Before(e.twin.Joined()) { // else it was a removed device's of the same ID
				add(c)
			}
		})
	}
	slices.SortFunc(list, func(a, b devices.Command) int { return strings.Compare(b.ID, a.ID) })
	return list[:min(limit, len(list))], nil
}

// Wait is part of API.
func (h *Hub) Wait(ctx context.Context, id string) (devices.Command, error) {
	if over := h.waitFor(id); over != nil {
		select {
		case <-over:
		case <-h.stopped:
			c, _ := h.present(id)
			return c, fmt.Errorf("waiting for command %s: %w", id, ErrStopped)
		case <-ctx.Done():
			c, _ := h.present(id)
			return c, fmt.Errorf("waiting for command %s: %w", id, ctx.Err())
		}
	}
	return h.Command(ctx, id)
}

// waitFor returns a channel that is closed when the command has ended; nil if it is not pending.
func (h *Hub) waitFor(id string) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pending[id] == nil {
		return nil
	}
	if h.waits[id] == nil {
		h.waits[id] = make(chan struct{})
	}
	return h.waits[id]
}

// isOver says whether a command is no longer pending.
func (h *Hub) isOver(id string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.pending[id] == nil
}
