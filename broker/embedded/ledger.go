package embedded

import (
	"strings"
	"sync"
	"time"

	"home.arpa/homehub/broker/embedded/journal"
)

// The kinds of records in the journal and in its checkpoints. A checkpoint is made of the same records as the journal: those that
// lead to the present state by the shortest way.
const (
	timeRecord         byte = 1  // the wall clock; what is left of an expiry counts from the last one
	messageRecord      byte = 2  // a message, for the records after it to refer to by number
	retainedRecord     byte = 3  // a message is retained
	clearedRecord      byte = 4  // nothing is retained under a topic any more
	sessionRecord      byte = 5  // a session begins, or is given back, or taken up again
	endedRecord        byte = 6  // a session ends with all that it has
	subscribedRecord   byte = 7  // a subscription is made or replaced
	unsubscribedRecord byte = 8  // and taken back
	plannedRecord      byte = 9  // the retained messages of a subscription are still to be sent
	replayedRecord     byte = 10 // they have been sent
	queuedRecord       byte = 11 // a message waits for the clients of sessions
	sentRecord         byte = 12 // it was sent, with a packet identifier
	takenRecord        byte = 13 // PUBREC has come for it
	doneRecord         byte = 14 // it is acknowledged for good, or dropped
	receivedRecord     byte = 15 // a QoS 2 message of the client's is here and not yet released
	releasedRecord     byte = 16 // PUBREL has come for it
	willRecord         byte = 17 // a client's will, to be published if it does not come back
	unwilledRecord     byte = 18 // there is no will any more
	settledRecord      byte = 19 // closes what a checkpoint says of a session
)

// position is a place in the journal. What a packet depends on must be on disk up to its position before the packet may leave; 0
// depends on nothing.
type position = journal.Position

// ledger is what the broker writes into its journal, each thing under the lock that guards it in memory, so that the order on disk
// is the order in which things happened. Its methods return the position that an acknowledgement of the thing must wait for, which is 0
// where nothing was promised: with relaxed durability, and without a journal, which a nil ledger stands for.
//
// Only what outlives a connection is written: sessions with an expiry, retained messages, wills.
type ledger struct {
	log    *journal.Journal
	strict bool

	// Guarded by the journal's lock, which begin takes and commit gives back.
	segment uint64    // the file that is being written
	clock   time.Time // of the last timeRecord in it
	numbers uint64    // of messages

	// fence is held for reading while a QoS 2 message is on its way from the queues into the journal. A checkpoint, which reads the
	// queues, passes it at its end: what it has seen of such a message is in the journal then.
	fence sync.RWMutex

	mu    sync.Mutex
	dirty map[string]struct{} // topics whose retained message is to be written when its time comes
}

// begin starts an append. What time it is matters to the second only, so only the first append of those that are written together asks.
func (l *ledger) begin() *journal.Writer {
	w := l.log.Begin()
	if s := w.Segment(); s != l.segment || w.First() {
		if now := time.Now(); s != l.segment || now.Sub(l.clock) >= time.Second {
			l.segment, l.clock = s, now
			writeTime(w, now)
		}
	}
	return w
}

// crowded says that the disk is slower than the clients: whoever has something for the journal should be held back.
func (l *ledger) crowded() bool { return l != nil && l.log.Crowded() }

// commit ends what begin has begun. It is deferred, since nothing may keep the journal's lock.
func (l *ledger) commit(w *journal.Writer, after *position) {
	if p := w.Commit(); l.strict {
		*after = p
	}
}

// number is a message's in the present file, into which it is written if it is not there yet.
func (l *ledger) number(w *journal.Writer, m *message) uint64 {
	if m.segment != l.segment {
		l.numbers++
		m.segment, m.number = l.segment, l.numbers
		w.Record(messageRecord)
		w.Number(m.number)
		writeMessage(w, m, l.clock)
		w.End()
	}
	return m.number
}

// present is a position that covers all that has been written until now.
func (l *ledger) present() (after position) {
	if l == nil {
		return 0
	}
	w := l.log.Begin()
	defer l.commit(w, &after)
	return after
}

// retained says that a message took its place among the retained ones, or cleared it. What was promised to nobody (QoS 0, and what the
// hub publishes, which it publishes anew in its next life) is written when its time comes, the newest of each topic. The caller
// holds the router's lock.
func (l *ledger) retained(m *message, promised bool) (after position) {
	if l == nil {
		return 0
	}
	if internal(m.topic) {
		return 0
	}
	if !promised {
		l.soil(m.topic)
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	if len(m.payload) == 0 {
		writeCleared(w, m.topic)
	} else {
		n := l.number(w, m)
		w.Record(retainedRecord)
		w.Number(n)
		w.End()
	}
	return after
}

func (l *ledger) soil(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dirty == nil {
		l.dirty = map[string]struct{}{}
	}
	l.dirty[topic] = struct{}{}
}

// internal says whether a topic is the broker's own, whose messages are made anew in each life.
func internal(topic string) bool { return strings.HasPrefix(topic, "$SYS/") }

// soiled returns the topics whose time has come.
func (l *ledger) soiled() map[string]struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	dirty := l.dirty
	l.dirty = nil
	return dirty
}

// write writes what is retained under the topics whose time has come.
func (r *router) write(l *ledger) {
	for topic := range l.soiled() {
		r.writeOne(l, topic)
	}
}

func (r *router) writeOne(l *ledger, topic string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	w := l.begin()
	var after position // nobody waits for it
	defer l.commit(w, &after)
	if m := r.retained.get(topic); m == nil {
		writeCleared(w, topic)
	} else {
		n := l.number(w, m)
		w.Record(retainedRecord)
		w.Number(n)
		w.End()
	}
}

// session says that a session was taken up or given back; left is how long it lives on, 0 while it is connected. The caller holds the
// registry's lock.
func (l *ledger) session(s *session, left time.Duration) (after position) {
	if l == nil {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	writeSession(w, s, s.user, s.expiry, left)
	return after
}

// end says that a session has ended, if it was one that lasts.
func (l *ledger) end(s *session) position {
	if !s.keeps.Load() {
		return 0
	}
	return l.ended(s)
}

// ended says that a session has ended, or outlives its connection no more. The caller holds the registry's lock.
func (l *ledger) ended(s *session) (after position) {
	if l == nil {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	w.Record(endedRecord)
	w.Number(s.serial)
	w.End()
	return after
}

// subscribed says that a session has a subscription, and whether retained messages are to follow. The caller holds the router's lock.
func (l *ledger) subscribed(s *session, sub *subscription, planned bool) (after position) {
	if l == nil || !s.keeps.Load() {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	writeSubscribed(w, s, sub)
	if planned {
		w.Record(plannedRecord)
		w.Number(s.serial)
		w.Text(sub.filter)
		w.Number(uint64(sub.qos))
		w.Number(uint64(sub.id))
		w.Flag(false) // all that is retained now
		w.End()
	}
	return after
}

// unsubscribed says that a session has no subscription to a filter any more. The caller holds the router's lock.
func (l *ledger) unsubscribed(s *session, filter string) position {
	if l == nil || !s.keeps.Load() {
		return 0
	}
	return l.about(s, unsubscribedRecord, filter)
}

// replayed says that the retained messages of a subscription have all been sent. The caller holds the session's lock.
func (l *ledger) replayed(s *session, filter string) {
	if l != nil && s.keeps.Load() {
		l.about(s, replayedRecord, filter)
	}
}

func (l *ledger) about(s *session, kind byte, filter string) (after position) {
	w := l.begin()
	defer l.commit(w, &after)
	w.Record(kind)
	w.Number(s.serial)
	w.Text(filter)
	w.End()
	return after
}

// owed is a message that was put into a lasting session's queue and is not in the journal yet.
type owed struct {
	session *session
	entry   delivery
}

// receipt is a QoS 2 message's packet identifier in the session of its publisher, nil for a message without one.
type receipt struct {
	session *session
	id      uint16
}

// queued says that a message has been put into queues, together with the publisher's receipt for it: either all of this comes back
// after a crash or none. No lock is held.
func (l *ledger) queued(m *message, all []owed, from receipt) (after position) {
	if l == nil {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	if len(all) == 0 {
		writeIdentifier(w, receivedRecord, from.session, from.id)
	} else {
		n := l.number(w, m)
		writeQueued(w, n, from, all...)
	}
	return after
}

// replay says that a retained message has been put into a queue for a new subscription. The caller holds the session's lock.
func (l *ledger) replay(s *session, d *delivery) (after position) {
	if l == nil || !s.keeps.Load() {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	n := l.number(w, d.message)
	writeQueued(w, n, receipt{}, owed{s, *d})
	return after
}

// sent, taken and done follow a message on its way to the client. The caller holds the session's lock.
func (l *ledger) sent(s *session, d *delivery) (after position) {
	if l == nil || !s.keeps.Load() {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	w.Record(sentRecord)
	w.Number(s.serial)
	w.Number(d.seq)
	w.Number(uint64(d.id))
	w.End()
	return after
}

func (l *ledger) taken(s *session, d *delivery) position { return l.step(takenRecord, s, d) }
func (l *ledger) done(s *session, d *delivery) position  { return l.step(doneRecord, s, d) }

func (l *ledger) step(kind byte, s *session, d *delivery) (after position) {
	if l == nil || !s.keeps.Load() {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	w.Record(kind)
	w.Number(s.serial)
	w.Number(d.seq)
	w.End()
	return after
}

// received says that a QoS 2 message was taken from the client without being queued for anybody, released that it has released
// one. The caller holds the session's lock.
func (l *ledger) released(s *session, id uint16) (after position) {
	if l == nil || !s.keeps.Load() {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	writeIdentifier(w, releasedRecord, s, id)
	return after
}

// willed says that a client has a will, unwilled that it has none any more. The caller holds the registry's lock.
func (l *ledger) willed(client string, o *overdueWill) (after position) {
	if l == nil {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	writeWill(w, client, o, l.clock)
	return after
}

func (l *ledger) unwilled(client string) (after position) {
	if l == nil {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	w.Record(unwilledRecord)
	w.Text(client)
	w.End()
	return after
}
