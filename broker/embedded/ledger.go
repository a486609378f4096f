package embedded

import (
	"context"
	"sync"
	"time"

	"home.arpa/homehub/broker/embedded/journal"
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

	// fence is held for reading while something is in memory and the journal that a checkpoint must not see only in part: a QoS 2 message
	// on its way from the queues into the journal, a session that ends and hands on what it leaves behind, a subscription and its plan. A
	// checkpoint passes it at its end: what it has seen of such a thing, or missed, is in the journal then. It comes before all locks.
	fence sync.RWMutex

	mu       sync.Mutex
	dirty    map[string]struct{} // topics whose retained message is to be written when its time comes
	soilSize int                 // of these, in bytes
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

// hold and letGo are a passage in which no checkpoint ends. It must not be entered twice.
func (l *ledger) hold() {
	if l != nil {
		l.fence.RLock()
	}
}

func (l *ledger) letGo() {
	if l != nil {
		l.fence.RUnlock()
	}
}

// crowded says that the disk is slower than the clients: whoever has something for the journal should be held back.
func (l *ledger) crowded(level journal.Level) bool { return l != nil && l.log.Crowded(level) }

// yield waits while the disk is slower than the clients, for somebody who ends something and holds nothing meanwhile.
func (l *ledger) yield(ctx context.Context) {
	if l.crowded(journal.Pending) {
		_ = l.log.Room(ctx, journal.Pending) // then the journal itself sees to it that it does not become too much
	}
}

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

// ended says that a session has ended, or outlives its connection no more. What it leaves behind to others has been handed on.
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
		writePlanned(w, s, sub.filter, sub.qos, sub.id, "")
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

// queued says that a message has been put into queues, together with the publisher's receipt for it, or with what becomes of the will that it
// was, whose client is named then: either all of this comes back after a crash or none. No lock is held but the registry's for a will.
func (l *ledger) queued(m *message, all []owed, from receipt, testator *string) (after position) {
	if l == nil {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	if len(all) == 0 {
		writeIdentifier(w, receivedRecord, from.session, from.id)
	} else {
		n := l.number(w, m)
		writeQueued(w, n, from, testator, all...)
	}
	return after
}

// inherited says that a message has been put into queues, and is no longer in the one that it was left in: after a crash it is in the
// one or in the others. No lock is held.
func (l *ledger) inherited(m *message, left *owed, all []owed) (after position) {
	if l == nil {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	n := l.number(w, m)
	writeInherited(w, n, left, all...)
	return after
}

// replay says that a retained message has been put into a queue for a subscription to a filter. The caller holds the session's lock.
func (l *ledger) replay(s *session, d *delivery, filter string) (after position) {
	if l == nil || !s.keeps.Load() {
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	n := l.number(w, d.message)
	writeBrought(w, n, owed{s, *d}, filter)
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

// released says that the client has released a QoS 2 message. The caller holds the session's lock.
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
