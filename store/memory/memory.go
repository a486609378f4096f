// Package memory is a hub.Store that forgets everything with the process. It is for tests and for trying things out; the
// programs keep their records in store/sqlite. It starts no goroutine and touches no file.
package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Store keeps records in maps. Closing it keeps them, so that the same Store can be handed to the next hub: that is how a
// test restarts one.
type Store struct {
	mu       sync.Mutex
	devices  map[string]hub.Record
	last     map[devices.Path]devices.Reading
	history  map[devices.Path][]devices.Reading // sorted by Heard
	commands map[string]devices.Command
	follows  []hub.Follow
}

// New returns an empty store.
func New() *Store {
	return &Store{
		devices: map[string]hub.Record{}, last: map[devices.Path]devices.Reading{},
		history: map[devices.Path][]devices.Reading{}, commands: map[string]devices.Command{},
	}
}

// do runs f under the lock, unless ctx has ended.
func (s *Store) do(ctx context.Context, what string, f func()) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	return nil
}

// Load is hub.Store's. The lists are sorted.
func (s *Store) Load(ctx context.Context) (m hub.Memory, err error) {
	err = s.do(ctx, "loading", func() {
		for _, id := range slices.Sorted(maps.Keys(s.devices)) {
			m.Devices = append(m.Devices, clone(s.devices[id]))
		}
		for path, r := range s.last {
			m.Last = append(m.Last, hub.Sample{Path: path, Reading: r})
		}
		for _, id := range slices.Sorted(maps.Keys(s.commands)) {
			if c := s.commands[id]; c.Pending() {
				m.Pending = append(m.Pending, c)
			}
		}
		m.Follows = slices.Clone(s.follows)
	})
	slices.SortFunc(m.Last, func(a, b hub.Sample) int { return strings.Compare(a.Path.String(), b.Path.String()) })
	return m, err
}

// SaveDevice is hub.Store's.
func (s *Store) SaveDevice(ctx context.Context, r hub.Record) error {
	r = clone(r)
	r.Joined, r.Reach.Since = utc(r.Joined), utc(r.Reach.Since)
	return s.do(ctx, "saving device "+r.Device.ID, func() { s.devices[r.Device.ID] = r })
}

// DeleteDevice is hub.Store's.
func (s *Store) DeleteDevice(ctx context.Context, id string) error {
	return s.do(ctx, "deleting device "+id, func() {
		delete(s.devices, id)
		maps.DeleteFunc(s.last, func(p devices.Path, _ devices.Reading) bool { return p.Device == id })
		maps.DeleteFunc(s.history, func(p devices.Path, _ []devices.Reading) bool { return p.Device == id })
		maps.DeleteFunc(s.commands, func(_ string, c devices.Command) bool { return c.Device == id })
	})
}

// SaveReadings is hub.Store's.
func (s *Store) SaveReadings(ctx context.Context, readings []hub.Sample) error {
	return s.do(ctx, "saving readings", func() {
		for _, r := range readings {
			if _, known := s.devices[r.Device]; !known {
				continue
			}
			r.At, r.Heard = utc(r.At), utc(r.Heard)
			s.last[r.Path] = r.Reading
			list := s.history[r.Path]
			i := after(list, r.Heard)
			s.history[r.Path] = slices.Insert(list, i, r.Reading)
		}
	})
}

// History is hub.Store's.
func (s *Store) History(ctx context.Context, path devices.Path, from, to time.Time, limit int) (list []devices.Reading, err error) {
	err = s.do(ctx, "reading history of "+path.String(), func() {
		for _, r := range s.history[path] {
			if !r.Heard.Before(from) && r.Heard.Before(to) {
				list = append(list, r)
			}
		}
	})
	return slices.Clip(list[max(0, len(list)-max(0, limit)):]), err
}

// SaveCommand is hub.Store's.
func (s *Store) SaveCommand(ctx context.Context, c devices.Command) error {
	c.Created, c.SentAt, c.Deadline, c.Done = utc(c.Created), utc(c.SentAt), utc(c.Deadline), utc(c.Done)
	return s.do(ctx, "saving command "+c.ID, func() { s.commands[c.ID] = c })
}

// Command is hub.Store's.
func (s *Store) Command(ctx context.Context, id string) (c devices.Command, err error) {
	ok := false
	err = s.do(ctx, "reading command "+id, func() { c, ok = s.commands[id] })
	if err == nil && !ok {
		err = fmt.Errorf("reading command %s: %w", id, hub.ErrNotFound)
	}
	return c, err
}

// Commands is hub.Store's.
func (s *Store) Commands(ctx context.Context, device string, limit int) (list []devices.Command, err error) {
	err = s.do(ctx, "reading commands of "+device, func() {
		for _, c := range s.commands {
			if c.Device == device {
				list = append(list, c)
			}
		}
	})
	slices.SortFunc(list, func(a, b devices.Command) int { return strings.Compare(b.ID, a.ID) })
	return list[:min(max(0, limit), len(list))], err
}

// SaveFollow is hub.Store's.
func (s *Store) SaveFollow(ctx context.Context, f hub.Follow) error {
	return s.do(ctx, "saving a follow", func() {
		if !slices.Contains(s.follows, f) {
			s.follows = append(s.follows, f)
		}
	})
}

// DeleteFollow is hub.Store's.
func (s *Store) DeleteFollow(ctx context.Context, f hub.Follow) error {
	return s.do(ctx, "deleting a follow", func() {
		s.follows = slices.DeleteFunc(s.follows, func(g hub.Follow) bool { return g == f })
	})
}

// Prune is hub.Store's.
func (s *Store) Prune(ctx context.Context, before time.Time) error {
	return s.do(ctx, "pruning", func() {
		for path, list := range s.history {
			s.history[path] = slices.DeleteFunc(list, func(r devices.Reading) bool { return r.Heard.Before(before) })
		}
		maps.DeleteFunc(s.commands, func(_ string, c devices.Command) bool { return !c.Pending() && c.Done.Before(before) })
	})
}

// Close is hub.Store's. It forgets nothing.
func (s *Store) Close() error { return nil }

// after is the place behind all readings that were not heard later than t.
func after(list []devices.Reading, t time.Time) int {
	for i := len(list); i > 0; i-- {
		if !list[i-1].Heard.After(t) {
			return i
		}
	}
	return 0
}

// utc is how a store that writes times down gives them back: in UTC, without the monotonic clock.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

func clone(r hub.Record) hub.Record {
	r.Device = r.Device.Clone()
	r.Rhythm.Pauses = slices.Clone(r.Rhythm.Pauses)
	r.Accounts = slices.Clone(r.Accounts)
	for i := range r.Accounts {
		sources := slices.Clone(r.Accounts[i].Sources)
		for j, m := range sources {
			sources[j] = broker.Message{Topic: m.Topic, Payload: slices.Clone(m.Payload), QoS: m.QoS, Retain: m.Retain, Client: m.Client}
		}
		r.Accounts[i].Sources = sources
	}
	return r
}
