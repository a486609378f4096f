package hub

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"home.arpa/homehub/devices"
)

// Overview is part of API.
func (h *Hub) Overview() Overview {
	l := h.linkState.Load()
	h.mu.RLock()
	defer h.mu.RUnlock()
	o := Overview{
		Started: h.startedAt, LinkUp: l.up, LinkNote: l.detail, Devices: len(h.byID), Pending: len(h.pending),
		Messages: h.counts.messages.Load(), Faults: h.counts.faults.Load(),
		Unclaimed: slices.Clone(h.unclaimed), LastEvent: h.feed.newest(), Epoch: h.feed.epoch,
	}
	slices.Reverse(o.Unclaimed)
	for _, e := range h.byID {
		switch e.twin.Reach().Presence {
		case devices.Online:
			o.Online++
		case devices.Offline:
			o.Offline++
		case devices.Asleep:
			o.Asleep++
		case devices.Late:
			o.Late++
		case devices.Starting:
			o.Starting++
		}
	}
	return o
}

// Devices is part of API.
func (h *Hub) Devices() []View {
	views := h.views()
	slices.SortFunc(views, func(a, b View) int {
		return cmp.Or(strings.Compare(a.Room, b.Room), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return views
}

func (h *Hub) views() []View {
	h.mu.RLock()
	defer h.mu.RUnlock()
	views := make([]View, 0, len(h.byID))
	for _, e := range h.byID {
		views = append(views, e.view())
	}
	return views
}

// Device is part of API.
func (h *Hub) Device(id string) (View, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	e := h.byID[id]
	if e == nil {
		return View{}, fmt.Errorf("%w: no device %s", ErrNotFound, id)
	}
	return e.view(), nil
}

// History is part of API. The newest second may be missing, because readings are stored together.
func (h *Hub) History(ctx context.Context, path devices.Path, from, to time.Time, limit int) ([]devices.Reading, error) {
	if err := h.exists(path); err != nil {
		return nil, fmt.Errorf("looking for the history of %s: %w", path, err)
	}
	readings, err := h.store.History(ctx, path, from, to, limit)
	if err != nil {
		return nil, fmt.Errorf("looking for the history of %s: %w", path, err)
	}
	return readings, nil
}

func (h *Hub) exists(path devices.Path) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	_, _, err := h.property(path)
	return err
}

// Edit is part of API.
func (h *Hub) Edit(ctx context.Context, id string, name, room *string) (View, error) {
	if err := checkName("name", name, 1); err != nil {
		return View{}, fmt.Errorf("editing %s: %w", id, err)
	}
	if err := checkName("room", room, 0); err != nil {
		return View{}, fmt.Errorf("editing %s: %w", id, err)
	}
	var v View
	var refused error
	kept := make(chan error, 1)
	err := h.ask(ctx, func(now time.Time) {
		e := h.byID[id]
		if e == nil {
			refused = fmt.Errorf("%w: no device %s", ErrNotFound, id)
			return
		}
		d := e.twin.Device()
		if name != nil {
			d.Name, e.nameSet = strings.TrimSpace(*name), true
		}
		if room != nil {
			d.Room, e.roomSet = strings.TrimSpace(*room), true
		}
		h.emit(now, e, e.twin.Describe(now, d))
		h.recorder.device(e.record(), func(err error) { kept <- err }) // also when they chose what it was: that they did is news
		v = e.view()
	})
	if err == nil {
		err = refused
	}
	if err == nil {
		err = h.untilKept(ctx, kept)
	}
	if err != nil {
		return View{}, fmt.Errorf("editing %s: %w", id, err)
	}
	return v, nil
}

// untilKept waits until the store has what was changed.
func (h *Hub) untilKept(ctx context.Context, kept <-chan error) error {
	var err error
	select {
	case err = <-kept:
	case <-ctx.Done():
		return ctx.Err()
	case <-h.stopped:
		select {
		case err = <-kept: // with the last flush
		default:
			return ErrStopped
		}
	}
	if err != nil {
		return fmt.Errorf("storing it, which will be tried again: %w", err)
	}
	return nil
}

func checkName(what string, s *string, least int) error {
	if s == nil {
		return nil
	}
	n := utf8.RuneCountInString(strings.TrimSpace(*s))
	switch {
	case n < least || n > 80:
		return fmt.Errorf("%w: a %s has %d to 80 characters, not %d", devices.ErrValue, what, least, n)
	case !utf8.ValidString(*s) || strings.ContainsFunc(*s, unicode.IsControl):
		return fmt.Errorf("%w: a %s has printable characters only", devices.ErrValue, what)
	}
	return nil
}
