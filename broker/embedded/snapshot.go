package embedded

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// save writes the snapshot, if there is to be one and something has changed since the last. The file is replaced as a whole:
// at any moment it is the old one or the new one.
func (b *Broker) save() error {
	if b.options().Snapshot == "" || !b.counts.changed.Swap(false) {
		return nil
	}
	if err := b.write(b.options().Snapshot); err != nil {
		b.counts.changed.Store(true)
		return fmt.Errorf("writing the broker's snapshot: %w", err)
	}
	return nil
}

func (b *Broker) write(path string) (err error) {
	next := path + ".new"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(next)
		}
	}()
	w := &recordWriter{to: bufio.NewWriterSize(f, 64<<10)}
	_, w.err = w.to.WriteString(snapshotFormat)
	b.record(w, time.Now())
	err = errors.Join(w.err, w.to.Flush(), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err = os.Rename(next, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, fs.ErrInvalid) || errors.Is(err, errors.ErrUnsupported) { // some file systems cannot, and need not
		err = nil
	}
	return errors.Join(err, d.Close())
}

// record writes everything that outlives the program. Each lock is held only while pointers are copied.
func (b *Broker) record(w *recordWriter, now time.Time) {
	w.begin(metaRecord)
	w.number(uint64(now.UnixNano()))
	w.end()
	for _, m := range b.router.allRetained() {
		if !m.expired(now) {
			w.begin(retainedRecord)
			w.message(m, now)
			w.end()
		}
	}
	sessions, wills := b.registry.lasting(now)
	for _, s := range sessions {
		s.subs = b.router.subscriptionsOf(s.session)
		s.record(w, now)
	}
	for _, o := range wills {
		w.begin(willRecord)
		w.text(o.id)
		w.text(o.user)
		w.flag(o.restart)
		w.duration(o.due.Sub(now))
		w.duration(o.will.delay)
		w.duration(o.will.expiry)
		w.message(o.will.message, now)
		w.end()
	}
	w.begin(endRecord)
	w.number(w.count)
	w.end()
}

func (r *router) allRetained() (all []*message) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	r.retained.all(func(m *message) { all = append(all, m) })
	return all
}

func (r *router) subscriptionsOf(s *session) (subs []*subscription) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, sub := range s.subs {
		subs = append(subs, sub)
	}
	return subs
}

// lastingSession is what the registry and the router know of a session that outlives the program; lastingWill the same for a
// will.
type lastingSession struct {
	*session
	user   string
	expiry uint32
	left   time.Duration // until it expires; 0 means never
	subs   []*subscription
}

type lastingWill struct {
	id string
	*overdueWill
}

// lasting returns the sessions and wills that outlive the program. The wills of connected clients are among them, in case that
// the program ends without a chance to put them off.
func (r *registry) lasting(now time.Time) (sessions []*lastingSession, wills []lastingWill) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, s := range r.sessions {
		if s.expiry == 0 || s.over(now) {
			continue
		}
		l := &lastingSession{session: s, user: s.user, expiry: s.expiry}
		switch {
		case s.expiry == neverExpires:
		case r.holders[id] != nil || s.expires.IsZero():
			l.left = time.Duration(s.expiry) * time.Second
		default:
			l.left = s.expires.Sub(now)
		}
		sessions = append(sessions, l)
	}
	for id, w := range r.wills {
		wills = append(wills, lastingWill{id, w})
	}
	for id, c := range r.holders {
		if w := c.connect.will; w != nil && c.opened.Load() && c.cause.Load() == nil {
			wills = append(wills, lastingWill{id, &overdueWill{will: w, user: c.connect.user, restart: true}})
		}
	}
	return sessions, wills
}

func (s *lastingSession) record(w *recordWriter, now time.Time) {
	queue, replays := s.recordHead(w)
	for _, d := range queue {
		w.begin(deliveryRecord)
		w.message(d.message, now)
		w.number(uint64(d.level))
		w.number(uint64(d.id))
		w.flag(d.replay)
		w.flag(d.released)
		w.number(uint64(len(d.subs)))
		for _, id := range d.subs {
			w.number(uint64(id))
		}
		w.end()
	}
	for _, p := range replays {
		w.begin(replayRecord)
		w.text(p.filter)
		w.number(uint64(p.qos))
		w.number(uint64(p.id))
		w.number(uint64(len(p.topics)))
		for _, topic := range p.topics {
			w.text(topic)
		}
		w.end()
	}
}

// recordHead writes the session record and returns a copy of what follows it.
func (s *lastingSession) recordHead(w *recordWriter) ([]delivery, []replay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.begin(sessionRecord)
	w.text(s.id)
	w.text(s.user)
	w.number(uint64(s.expiry))
	w.duration(s.left)
	w.number(uint64(s.queue.lastID))
	w.number(uint64(len(s.received)))
	for id := range s.received {
		w.number(uint64(id))
	}
	w.number(uint64(len(s.subs)))
	for _, sub := range s.subs {
		w.text(sub.filter)
		w.number(uint64(sub.qos))
		w.flag(sub.noLocal)
		w.flag(sub.asPublished)
		w.number(uint64(sub.handling))
		w.number(uint64(sub.id))
	}
	w.end()
	return slices.Clone(s.queue.entries[s.queue.head:]), slices.Clone(s.replays)
}
