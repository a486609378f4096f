package embedded

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"home.arpa/homehub/broker"
)

// load brings back what the snapshot holds. A damaged snapshot is set aside under another name, and what could be read up to
// the damage is kept; only a file that cannot be read or set aside is an error.
func (b *Broker) load() error {
	path := b.options().Snapshot
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("loading the broker's snapshot: %w", err)
	}
	err = b.restore(f, time.Now())
	b.counts.changed.Store(false)
	if err := f.Close(); err != nil {
		return fmt.Errorf("loading the broker's snapshot: %w", err)
	}
	if errors.Is(err, errDamaged) {
		aside := fmt.Sprintf("%s.damaged-%s", path, time.Now().UTC().Format("20060102T150405Z"))
		if err := os.Rename(path, aside); err != nil {
			return fmt.Errorf("setting a damaged snapshot of the broker aside: %w", err)
		}
		s := b.Stats()
		b.log.Warn("the broker's snapshot was damaged and has been set aside; kept what came before the damage",
			"file", aside, "error", err, "retained", s.Retained, "sessions", s.Sessions)
		b.counts.change()
		return nil
	}
	if err != nil {
		return fmt.Errorf("loading the broker's snapshot: %w", err)
	}
	return nil
}

// restorer puts records back in their places.
type restorer struct {
	broker *Broker
	now    time.Time
	base   time.Time // now, less the time that has passed since the snapshot was written
	last   *session
}

func (b *Broker) restore(from io.Reader, now time.Time) error {
	r := &recordReader{from: bufio.NewReaderSize(from, 64<<10)}
	format := make([]byte, len(snapshotFormat))
	if _, err := io.ReadFull(r.from, format); err != nil || string(format) != snapshotFormat {
		return fmt.Errorf("%w: it does not begin as a snapshot does", errDamaged)
	}
	to := &restorer{broker: b, now: now, base: now}
	for {
		before := r.count
		kind, content, err := r.next()
		if err != nil {
			return err
		}
		if kind == endRecord {
			if content.number() != before {
				return fmt.Errorf("%w: records are missing", errDamaged)
			}
			return nil
		}
		to.take(kind, content)
		if content.bad {
			return fmt.Errorf("%w: record %d is incomplete", errDamaged, r.count)
		}
	}
}

func (to *restorer) take(kind byte, content *record) {
	switch kind {
	case metaRecord:
		to.meta(content)
	case retainedRecord:
		to.retained(content)
	case sessionRecord:
		to.session(content)
	case deliveryRecord:
		to.delivery(content)
	case replayRecord:
		to.replay(content)
	case willRecord:
		to.will(content)
	}
}

// meta reads when the snapshot was written. Times in it are counted from then, unless a clock was wrong then or is now: a small
// computer without a battery starts in the past.
func (to *restorer) meta(content *record) {
	written := time.Unix(0, int64(content.number()))
	plausible := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	if passed := to.now.Sub(written); passed > 0 && !written.Before(plausible) {
		to.base = to.now.Add(-passed)
	}
}

func (to *restorer) retained(content *record) {
	m := content.message(to.base)
	if !content.bad && !m.expired(to.now) && broker.ValidTopic(m.topic) == nil {
		to.broker.router.retained.set(m)
	}
}

func (to *restorer) session(content *record) {
	to.last = nil
	id, user, expiry := content.text(), content.text(), uint32(content.number())
	var expires time.Time
	if left := content.duration(); left > 0 {
		expires = to.base.Add(left)
	}
	lastID := uint16(content.number())
	received := map[uint16]struct{}{}
	for n := content.number(); n > 0 && !content.bad; n-- {
		received[uint16(content.number())] = struct{}{}
	}
	var subs []*subscription
	for n := content.number(); n > 0 && !content.bad; n-- {
		subs = append(subs, &subscription{
			filter: content.text(), qos: byte(content.number()) & 3, noLocal: content.flag(), asPublished: content.flag(),
			handling: byte(content.number()), id: uint32(content.number()),
		})
	}
	if content.bad || !expires.IsZero() && !to.now.Before(expires) {
		return
	}
	s := to.broker.registry.restored(id)
	s.user, s.expiry, s.expires, s.keeps = user, expiry, expires, true
	s.queue.lastID, s.received = lastID, received
	for _, sub := range subs {
		if handling := sub.handling; broker.ValidFilter(sub.filter) == nil {
			sub.handling = 2 // its retained messages were sent, or come as replay records
			to.broker.router.subscribe(s, sub, nil)
			sub.handling = handling
		}
	}
	to.last = s
}

func (r *registry) restored(id string) *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newSession(id)
}

func (to *restorer) delivery(content *record) {
	d := delivery{outgoing: outgoing{message: content.message(to.base)}}
	d.level, d.id, d.replay, d.released = byte(content.number()), uint16(content.number()), content.flag(), content.flag()
	for n := content.number(); n > 0 && !content.bad; n-- {
		d.subs = append(d.subs, uint32(content.number()))
	}
	lives := d.id != 0 || !d.expired(to.now)
	if s := to.last; s != nil && !content.bad && lives && (d.level == 1 || d.level == 2) {
		s.queue.push(d)
	}
}

func (to *restorer) replay(content *record) {
	p := replay{filter: content.text(), qos: byte(content.number()) & 3, id: uint32(content.number())}
	for n := content.number(); n > 0 && !content.bad; n-- {
		p.topics = append(p.topics, content.text())
	}
	if s := to.last; s != nil && !content.bad && len(p.topics) > 0 {
		s.replays = append(s.replays, p)
		s.hungry.Store(true)
	}
}

// will brings a will back. A client that was connected gets the time to come back from now on.
func (to *restorer) will(content *record) {
	id, user, restart := content.text(), content.text(), content.flag()
	due := to.base.Add(content.duration())
	w := &will{delay: content.duration(), expiry: content.duration()}
	w.message = content.message(to.base)
	if content.bad || broker.ValidTopic(w.message.topic) != nil {
		return
	}
	if restart {
		due = to.now.Add(max(restartGrace, w.delay))
	}
	r := &to.broker.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wills[id] = &overdueWill{will: w, user: user, due: due, restart: restart}
}
