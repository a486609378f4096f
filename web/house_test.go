package web_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// memory is a hub.API that keeps everything in memory and answers commands itself: at once, unless the device is told to
// stay silent. It lets the tests of the web decide what happens in the house.
type memory struct {
	epoch string
	keep  int // how many events are kept for those that resume

	mu       sync.Mutex
	views    map[string]*hub.View
	commands map[string]devices.Command
	history  map[devices.Path][]devices.Reading
	follows  []hub.Follow
	feed     []hub.Numbered
	last     uint64
	news     chan struct{} // closed at the next event
	silent   map[string]bool
	links    string
	down     bool            // the link to the broker is
	strays   []hub.FaultNote // of no known device, newest first
	watchErr error
}

var _ hub.API = (*memory)(nil)

func newMemory(views ...hub.View) *memory {
	m := &memory{
		epoch: "e1", keep: 100, views: map[string]*hub.View{}, commands: map[string]devices.Command{},
		history: map[devices.Path][]devices.Reading{}, news: make(chan struct{}), silent: map[string]bool{}, links: "inside this process",
	}
	for _, v := range views {
		m.views[v.ID] = &v
	}
	return m
}

// happen numbers an event and tells the watchers. The lock is held.
func (m *memory) happen(e devices.Event) {
	m.last++
	m.feed = append(m.feed, hub.Numbered{Epoch: m.epoch, ID: m.last, At: time.Now().UTC(), Event: e})
	if len(m.feed) > m.keep {
		m.feed = slices.Delete(m.feed, 0, len(m.feed)-m.keep)
	}
	close(m.news)
	m.news = make(chan struct{})
}

// report lets a device report a value.
func (m *memory) report(device string, ref devices.Ref, v devices.Value) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reportLocked(device, ref, v)
}

func (m *memory) reportLocked(device string, ref devices.Ref, v devices.Value) {
	r := devices.Reading{Value: v, Heard: time.Now().UTC()}
	m.views[device].Reported[ref.String()] = r
	m.views[device].LastSeen = r.Heard
	path := devices.Path{Device: device, Ref: ref}
	m.history[path] = append(m.history[path], r)
	m.happen(devices.Reported{Device: device, Ref: ref, Reading: r})
	for id, c := range m.commands {
		if c.Device == device && c.Ref == ref && c.Pending() && c.Value == v {
			m.end(id, devices.Confirmed, "")
		}
	}
}

// reach lets a device come or go.
func (m *memory) reach(device string, p devices.Presence, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.views[device].Reach = devices.Reach{Presence: p, Since: time.Now().UTC(), Why: why}
	m.happen(devices.PresenceChanged{Device: device, Reach: m.views[device].Reach})
}

// fault lets a device say what is not understood, of which no event tells.
func (m *memory) fault(device string, note hub.FaultNote) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.views[device].Faults += note.Count
	m.views[device].LastFaults = append([]hub.FaultNote{note}, m.views[device].LastFaults...)
}

// broken lets the link to the broker be down, for a reason, or up without one.
func (m *memory) broken(reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down, m.links = reason != "", reason
}

// stray lets something that is not understood come from no known device.
func (m *memory) stray(note hub.FaultNote) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.strays = slices.Insert(m.strays, 0, note)
}

// join adds a device.
func (m *memory) join(v hub.View) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.views[v.ID] = &v
	m.happen(devices.Joined{Device: v.Device})
}

// end ends a command. The lock is held.
func (m *memory) end(id string, s devices.Status, reason string) {
	c := m.commands[id]
	c.Status, c.Reason, c.Done = s, reason, time.Now().UTC()
	m.commands[id] = c
	v := m.views[c.Device]
	v.Pending = slices.DeleteFunc(v.Pending, func(p devices.Command) bool { return p.ID == id })
	m.happen(devices.CommandMoved{Command: c})
}

// lapse ends all pending commands of a device without a confirmation.
func (m *memory) lapse(device, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range slices.Clone(m.views[device].Pending) {
		m.end(c.ID, devices.Lapsed, reason)
	}
}

func (m *memory) Overview() hub.Overview {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := hub.Overview{
		Started: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), LinkUp: !m.down, LinkNote: m.links, Messages: 4711, Faults: 3,
		Epoch: m.epoch, LastEvent: m.last, Unclaimed: slices.Clone(m.strays),
	}
	for _, v := range m.views {
		o.Devices++
		o.Pending += len(v.Pending)
		switch v.Reach.Presence {
		case devices.Online:
			o.Online++
		case devices.Offline:
			o.Offline++
		case devices.Asleep:
			o.Asleep++
		}
	}
	return o
}

func (m *memory) Devices() []hub.View {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []hub.View
	for _, v := range m.views {
		all = append(all, copyView(v))
	}
	slices.SortFunc(all, func(a, b hub.View) int {
		return cmp.Or(cmp.Compare(a.Room, b.Room), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return all
}

func copyView(v *hub.View) hub.View {
	c := *v
	c.Device = v.Device.Clone()
	c.Reported = map[string]devices.Reading{}
	for k, r := range v.Reported {
		c.Reported[k] = r
	}
	c.Pending = slices.Clone(v.Pending)
	return c
}

func (m *memory) Device(id string) (hub.View, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.views[id]
	if !ok {
		return hub.View{}, fmt.Errorf("device %q: %w", id, hub.ErrNotFound)
	}
	return copyView(v), nil
}

func (m *memory) Edit(_ context.Context, id string, name, room *string) (hub.View, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.views[id]
	if !ok {
		return hub.View{}, fmt.Errorf("device %q: %w", id, hub.ErrNotFound)
	}
	if name != nil {
		if len(*name) < 1 || len(*name) > 80 {
			return hub.View{}, fmt.Errorf("%w: a name has 1 to 80 characters", devices.ErrValue)
		}
		v.Name = *name
	}
	if room != nil {
		v.Room = *room
	}
	m.happen(devices.Changed{Device: v.Device.Clone()})
	return copyView(v), nil
}

func (m *memory) Remove(ctx context.Context, id string, clearing bool) ([]hub.Leftover, error) {
	found, err := m.Leftovers(ctx, id)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.views, id)
	m.happen(devices.Left{Device: id, At: time.Now().UTC()})
	if !clearing {
		return nil, nil
	}
	return found, nil
}

func (m *memory) Leftovers(_ context.Context, id string) ([]hub.Leftover, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.views[id]; !ok {
		return nil, fmt.Errorf("device %q: %w", id, hub.ErrNotFound)
	}
	return []hub.Leftover{{Topic: "tele/" + id + "/LWT", Bytes: 6, Sample: "Online"}}, nil
}

func (m *memory) Send(_ context.Context, r hub.Request) (devices.Command, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.views[r.Device]
	if !ok {
		return devices.Command{}, fmt.Errorf("device %q: %w", r.Device, hub.ErrNotFound)
	}
	p := v.Property(r.Ref)
	if err := p.Check(r.Value); err != nil {
		return devices.Command{}, err
	}
	now := time.Now().UTC()
	c := devices.Command{
		ID: "c" + strconv.Itoa(len(m.commands)+1), Device: r.Device, Ref: r.Ref, Value: r.Value, Status: devices.Sent,
		Origin: r.Origin, Created: now, SentAt: now, Deadline: now.Add(cmp.Or(r.Patience, 5*time.Second)),
	}
	if v.Reach.Presence == devices.Offline {
		c.Status, c.Reason, c.SentAt, c.Deadline = devices.Waiting, "the device is offline", time.Time{}, now.Add(time.Hour)
	}
	if v.Wakes > 0 {
		c.Reason = "waits for the device to wake up"
	}
	for _, old := range slices.Clone(v.Pending) {
		if old.Ref == r.Ref {
			m.end(old.ID, devices.Superseded, "a newer command came")
		}
	}
	m.commands[c.ID] = c
	v.Pending = append(v.Pending, c)
	m.happen(devices.CommandMoved{Command: c})
	switch {
	case c.Status == devices.Waiting || v.Wakes > 0 || m.silent[r.Device]:
	case !p.Confirmable():
		m.end(c.ID, devices.Sent, "")
	default:
		m.reportLocked(r.Device, r.Ref, r.Value)
	}
	return c, nil // as it was kept; what became of it, Wait tells
}

func (m *memory) Command(_ context.Context, id string) (devices.Command, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.commands[id]
	if !ok {
		return c, fmt.Errorf("command %q: %w", id, hub.ErrNotFound)
	}
	return c, nil
}

func (m *memory) Commands(_ context.Context, device string, limit int) ([]devices.Command, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []devices.Command
	for _, c := range m.commands {
		if c.Device == device {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b devices.Command) int { return b.Created.Compare(a.Created) })
	return all[:min(limit, len(all))], nil
}

func (m *memory) Wait(ctx context.Context, id string) (devices.Command, error) {
	for {
		m.mu.Lock()
		c, ok := m.commands[id]
		news := m.news
		m.mu.Unlock()
		if !ok {
			return c, fmt.Errorf("command %q: %w", id, hub.ErrNotFound)
		}
		if !c.Pending() {
			return c, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return c, ctx.Err()
		}
	}
}

func (m *memory) History(_ context.Context, path devices.Path, from, to time.Time, limit int) ([]devices.Reading, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []devices.Reading
	for _, r := range m.history[path] {
		if !r.Heard.Before(from) && r.Heard.Before(to) {
			found = append(found, r)
		}
	}
	return found[max(0, len(found)-limit):], nil
}

func (m *memory) Watch(ctx context.Context, epoch string, after uint64, visit func(hub.Numbered) error) error {
	m.mu.Lock()
	if m.watchErr != nil {
		defer m.mu.Unlock()
		return m.watchErr
	}
	if after == hub.Newest {
		epoch, after = m.epoch, m.last
	}
	m.mu.Unlock()
	for {
		m.mu.Lock()
		oldest := m.last - uint64(len(m.feed))
		if epoch != m.epoch || after > m.last || after < oldest {
			m.mu.Unlock()
			return hub.ErrGap
		}
		batch := slices.Clone(m.feed[after-oldest:])
		news := m.news
		m.mu.Unlock()
		for _, n := range batch {
			if err := visit(n); err != nil {
				return err
			}
			after = n.ID
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *memory) Follows() []hub.Follow {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.follows)
}

func (m *memory) Follow(_ context.Context, f hub.Follow) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.From == f.To {
		return fmt.Errorf("%s follows itself: %w", f.To, hub.ErrConflict)
	}
	m.follows = append(m.follows, f)
	return nil
}

func (m *memory) Unfollow(_ context.Context, f hub.Follow) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.follows)
	m.follows = slices.DeleteFunc(m.follows, func(g hub.Follow) bool { return f == g })
	if len(m.follows) == n {
		return fmt.Errorf("link from %s to %s: %w", f.From, f.To, hub.ErrNotFound)
	}
	return nil
}
