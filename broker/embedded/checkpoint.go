package embedded

import (
	"slices"
	"time"

	"home.arpa/homehub/broker/embedded/journal"
)

// checkpoint writes everything that outlives the program. Each lock is held only while pointers are copied, and meanwhile the journal
// goes on, so what is written is not of one moment: the journal's records from the checkpoint's beginning on are applied to it again.
func (b *Broker) checkpoint(w *journal.Writer) {
	c := &checkpoint{w: w, now: time.Now(), numbers: map[*message]uint64{}}
	writeTime(w, c.now)
	for _, m := range b.router.allRetained() {
		if !m.expired(c.now) && !internal(m.topic) {
			c.retained(m)
		}
	}
	sessions, wills := b.registry.lasting(c.now)
	for _, s := range sessions {
		writeSession(w, s.session, s.user, s.expiry, s.left)
		for _, sub := range b.router.subscriptionsOf(s.session) {
			writeSubscribed(w, s.session, sub)
		}
		c.session(s.session)
	}
	for _, o := range wills {
		writeWill(w, o.id, o.overdueWill, c.now)
	}
	b.ledger.fence.Lock() // those who are in the middle of what was read here write it down first
	defer b.ledger.fence.Unlock()
}

// checkpoint is one that is being written. Messages are numbered in it as in a segment of the journal.
type checkpoint struct {
	w       *journal.Writer
	now     time.Time
	numbers map[*message]uint64
}

func (c *checkpoint) number(m *message) uint64 {
	n, known := c.numbers[m]
	if !known {
		n = uint64(len(c.numbers)) + 1
		c.numbers[m] = n
		c.w.Record(messageRecord)
		c.w.Number(n)
		writeMessage(c.w, m, c.now)
		c.w.End()
	}
	return n
}

func (c *checkpoint) retained(m *message) {
	n := c.number(m)
	c.w.Record(retainedRecord)
	c.w.Number(n)
	c.w.End()
}

// session writes what a session's lock guards.
func (c *checkpoint) session(s *session) {
	queue, replays, received, lastID, next := s.copy()
	for _, p := range replays {
		writePlanned(c.w, s, p.filter, p.qos, p.id, p.last)
	}
	for i := range queue {
		d := &queue[i]
		n := c.number(d.message)
		writeQueued(c.w, n, receipt{}, nil, owed{s, *d})
		if d.id != 0 {
			c.w.Record(sentRecord)
			c.w.Number(s.serial)
			c.w.Number(d.seq)
			c.w.Number(uint64(d.id))
			c.w.End()
		}
		if d.released {
			c.w.Record(takenRecord)
			c.w.Number(s.serial)
			c.w.Number(d.seq)
			c.w.End()
		}
	}
	for _, id := range received {
		writeIdentifier(c.w, receivedRecord, s, id)
	}
	c.w.Record(settledRecord)
	c.w.Number(s.serial)
	c.w.Number(uint64(lastID))
	c.w.Number(next)
	c.w.End()
}

// copy copies what a session has, which is nothing if it does not outlive its connection any more: then it may have messages that are
// given back and used again.
func (s *session) copy() (queue []delivery, replays []replay, received []uint16, lastID uint16, next uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.keeps.Load() {
		return nil, nil, nil, 0, 0
	}
	for id := range s.received {
		received = append(received, id)
	}
	return slices.Clone(s.queue.entries[s.queue.head:]), slices.Clone(s.replays), received, s.queue.lastID, s.queue.next
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

// lastingSession is what the registry knows of a session that outlives the program; lastingWill the same for a will.
type lastingSession struct {
	*session
	user   string
	expiry uint32
	left   time.Duration // until it expires; 0 while connected
}

type lastingWill struct {
	id string
	*overdueWill
}

// lasting returns the sessions and wills that outlive the program. The wills of connected clients are among them, and the sessions that are
// over but not buried yet: what they leave behind is somebody else's.
func (r *registry) lasting(now time.Time) (sessions []lastingSession, wills []lastingWill) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sessions {
		if s.keeps.Load() {
			l := lastingSession{session: s, user: s.user, expiry: s.expiry}
			if !s.expires.IsZero() {
				l.left = max(s.expires.Sub(now), 1)
			}
			sessions = append(sessions, l)
		}
	}
	for id, w := range r.wills {
		wills = append(wills, lastingWill{id, w})
	}
	for id, c := range r.holders {
		if w := c.connect.will; w != nil && c.session != nil && !c.retired {
			wills = append(wills, lastingWill{id, &overdueWill{will: w, user: c.connect.user, restart: true}})
		}
	}
	return sessions, wills
}
