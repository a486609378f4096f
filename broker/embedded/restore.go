package embedded

import (
	"fmt"
	"slices"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/embedded/journal"
)

// load opens the journal and brings back what it holds. Damage is no error: what is whole is kept, the damaged file is set aside, and
// both are reported. Only a folder that cannot be read or written is an error.
func (b *Broker) load() error {
	o := b.options()
	if o.Folder == "" {
		return nil
	}
	log, err := journal.Open(o.Folder, journal.Options{Interval: o.DurabilityInterval, Logger: o.Logger})
	if err != nil {
		return fmt.Errorf("opening the broker's journal: %w", err)
	}
	to := &restorer{broker: b, now: time.Now()}
	to.base = to.now
	if _, err := log.Replay(to.take); err != nil { // it tells of damage itself
		return fmt.Errorf("reading the broker's journal: %w", err)
	}
	over := to.finish()
	b.ledger = &ledger{log: log, strict: o.Durability == Strict}
	b.router.ledger = b.ledger
	for _, s := range over {
		b.bury(s)
	}
	return nil
}

// restorer puts records back in their places. The records of one file were written by one life of the program, but a checkpoint may
// already contain what the first records after it say, so that each record must do no harm when it is applied for a second time: the
// entries of a queue are numbered, everything else is set to what it is.
type restorer struct {
	broker   *Broker
	now      time.Time
	base     time.Time // what durations count from
	messages map[uint64]*message
	sessions map[uint64]*session
	left     map[*session]time.Duration // how long sessions live without their client; absent: it was connected
}

func (to *restorer) take(kind byte, content *journal.Reader) {
	if content.First() { // messages are numbered anew in each file
		clear(to.messages)
	}
	switch kind {
	case timeRecord:
		to.time(content)
	case messageRecord:
		to.message(content)
	case retainedRecord:
		if m := to.messages[content.Number()]; m != nil {
			to.broker.router.retained.set(m)
		}
	case clearedRecord:
		if topic := content.Text(); !content.Bad() {
			to.broker.router.retained.clear(topic)
		}
	case willRecord:
		to.will(content)
	case unwilledRecord:
		delete(to.broker.registry.wills, content.Text())
	case sessionRecord:
		to.session(content)
	case queuedRecord:
		to.queued(content)
	case inheritedRecord:
		to.inherited(content)
	case broughtRecord:
		to.brought(content)
	default:
		if s := to.sessions[content.Number()]; s != nil && !content.Bad() {
			to.about(s, kind, content)
		}
	}
}

// about takes a record that belongs to a session.
func (to *restorer) about(s *session, kind byte, content *journal.Reader) {
	switch kind {
	case endedRecord:
		to.end(s)
	case subscribedRecord:
		to.subscribed(s, content)
	case unsubscribedRecord:
		to.broker.router.remove(s, content.Text())
	case plannedRecord:
		to.planned(s, content)
	case replayedRecord:
		s.unfollow(content.Text())
	case sentRecord, takenRecord, doneRecord:
		to.step(s, kind, content)
	case receivedRecord:
		if id := uint16(content.Number()); !content.Bad() {
			s.note(id)
		}
	case releasedRecord:
		delete(s.received, uint16(content.Number()))
	case settledRecord:
		s.queue.lastID = uint16(content.Number())
		s.floor = content.Number()
		s.queue.next = max(s.queue.next, s.floor)
	}
}

// time reads when the records after it were written. Times in them count from then, unless a clock was wrong then or is now: a small
// computer without a battery starts in the past.
func (to *restorer) time(content *journal.Reader) {
	written := time.Unix(0, int64(content.Number()))
	plausible := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	to.base = to.now
	if passed := to.now.Sub(written); passed > 0 && !written.Before(plausible) {
		to.base = to.now.Add(-passed)
	}
}

func (to *restorer) message(content *journal.Reader) {
	number := content.Number()
	if m := to.readMessage(content); m != nil {
		if to.messages == nil {
			to.messages = map[uint64]*message{}
		}
		to.messages[number] = m
	}
}

// readMessage returns nil for what no broker can have written.
func (to *restorer) readMessage(content *journal.Reader) *message {
	m := &message{
		topic: content.Text(), payload: slices.Clone(content.Bytes()), props: slices.Clone(content.Bytes()),
		client: content.Text(), qos: byte(content.Number()), retain: content.Flag(),
	}
	if left := time.Duration(content.Number()); left > 0 {
		m.expires = to.base.Add(left)
	}
	if content.Bad() || m.qos > 2 || broker.ValidTopic(m.topic) != nil {
		return nil
	}
	return m
}

func (to *restorer) session(content *journal.Reader) {
	serial, id, user := content.Number(), content.Text(), content.Text()
	expiry, left := uint32(content.Number()), time.Duration(content.Number())
	if content.Bad() {
		return
	}
	r := &to.broker.registry
	s := to.sessions[serial]
	if s == nil {
		if old := r.sessions[id]; old != nil { // the crash came before it was through with its end
			to.left[old] = 0
		}
		s = r.newSession(id)
		s.serial, r.serial = serial, max(r.serial, serial)
		if to.sessions == nil {
			to.sessions, to.left = map[uint64]*session{}, map[*session]time.Duration{}
		}
		to.sessions[serial] = s
	}
	s.user, s.expiry = user, expiry
	s.keeps.Store(true)
	delete(to.left, s)
	if left > 0 {
		to.left[s] = to.base.Add(left).Sub(to.now)
	}
}

func (to *restorer) end(s *session) {
	to.broker.router.forget(s)
	_ = s.discard() // what it left to others of its group, it had handed on before its end was written down
	delete(to.sessions, s.serial)
	delete(to.left, s)
	if to.broker.registry.sessions[s.id] == s {
		delete(to.broker.registry.sessions, s.id)
	}
}

func (to *restorer) subscribed(s *session, content *journal.Reader) {
	sub := &subscription{
		filter: content.Text(), qos: byte(content.Number()) & 3, noLocal: content.Flag(), asPublished: content.Flag(),
		handling: byte(content.Number()), id: uint32(content.Number()),
	}
	if !content.Bad() && broker.ValidFilter(sub.filter) == nil && sub.qos < 3 {
		to.broker.router.put(s, sub)
	}
}

// planned brings back what was still to be sent for a subscription.
func (to *restorer) planned(s *session, content *journal.Reader) {
	p := replay{filter: content.Text(), qos: byte(content.Number()) & 3, id: uint32(content.Number()), last: content.Text(), more: true}
	if !content.Bad() && broker.ValidFilter(p.filter) == nil {
		s.follow([]replay{p})
	}
}

// will brings a will back.
func (to *restorer) will(content *journal.Reader) {
	id, user, restart := content.Text(), content.Text(), content.Flag()
	due := to.base.Add(time.Duration(content.Number()))
	w := &will{delay: time.Duration(content.Number()), expiry: time.Duration(content.Number())}
	if w.message = to.readMessage(content); w.message != nil {
		to.broker.registry.wills[id] = &overdueWill{will: w, user: user, due: due, restart: restart}
	}
}

// finish does what can be done only when everything is there, and returns the sessions that are over by now. A client that was connected
// gets the time to come back from now on.
func (to *restorer) finish() (over []*session) {
	r := &to.broker.registry
	for _, s := range to.sessions {
		left, gone := to.left[s]
		switch {
		case s.expiry == neverExpires:
		case gone:
			s.expires = to.now.Add(left)
		default:
			s.expires = to.now.Add(time.Duration(s.expiry) * time.Second)
		}
		s.tidy(to.now)
		for i := range s.replays { // what was retained with QoS 0 before the subscription may have been written down after it
			s.replays[i].until = to.broker.router.retained.serial
		}
		s.hungry.Store(len(s.replays) > 0)
		s.allow(permit(to.broker.options().Access, s.id, s.user))
		if s.over(to.now) || r.sessions[s.id] != s {
			over = append(over, s)
		}
	}
	for _, s := range over {
		if r.sessions[s.id] == s {
			delete(r.sessions, s.id)
		}
	}
	for _, w := range r.wills {
		if w.restart {
			w.due = to.now.Add(max(restartGrace, w.will.delay))
		}
	}
	to.broker.router.expire(to.now)
	return over
}

// tidy makes the queue ready for the client, without what has expired and was never sent.
func (s *session) tidy(now time.Time) {
	old := s.queue
	old.count(-old.bytes)
	s.queue = queue{next: old.next, lastID: old.lastID, all: old.all}
	for _, d := range old.entries[old.head:] {
		if d.id == 0 && d.expired(now) {
			s.queue.nextID() // as pump does
			continue
		}
		d.ready = true
		s.queue.entries = append(s.queue.entries, d)
		s.queue.count(d.weight())
	}
}
