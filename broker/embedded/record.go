package embedded

import (
	"time"

	"home.arpa/homehub/broker/embedded/journal"
)

// What stands in the records, as restore.go reads it. Durations are in nanoseconds and count from the last timeRecord, since no
// computer knows how much time passed between two of its lives as well as it knows what it wrote when.

func writeTime(w *journal.Writer, now time.Time) {
	w.Record(timeRecord)
	w.Number(uint64(now.UnixNano()))
	w.End()
}

func writeMessage(w *journal.Writer, m *message, clock time.Time) {
	w.Text(m.topic)
	w.Bytes(m.payload)
	w.Bytes(m.props)
	w.Text(m.client)
	w.Number(uint64(m.qos))
	w.Flag(m.retain)
	if m.expires.IsZero() {
		w.Number(0)
	} else {
		w.Number(uint64(max(m.expires.Sub(clock), 1)))
	}
}

func writeCleared(w *journal.Writer, topic string) {
	w.Record(clearedRecord)
	w.Text(topic)
	w.End()
}

// writeSession writes what the registry knows of a session; left is how long it lives on, 0 while its client is connected.
func writeSession(w *journal.Writer, s *session, user string, expiry uint32, left time.Duration) {
	w.Record(sessionRecord)
	w.Number(s.serial)
	w.Text(s.id)
	w.Text(user)
	w.Number(uint64(expiry))
	w.Number(uint64(max(left, 0)))
	w.End()
}

func writeSubscribed(w *journal.Writer, s *session, sub *subscription) {
	w.Record(subscribedRecord)
	w.Number(s.serial)
	w.Text(sub.filter)
	w.Number(uint64(sub.qos))
	w.Flag(sub.noLocal)
	w.Flag(sub.asPublished)
	w.Number(uint64(sub.handling))
	w.Number(uint64(sub.id))
	w.End()
}

// writeQueued writes one record for a message, all the queues that it was put into, and the publisher's receipt: a record is there as
// a whole or not at all.
func writeQueued(w *journal.Writer, number uint64, from receipt, all ...owed) {
	w.Record(queuedRecord)
	w.Number(number)
	w.Flag(from.session != nil)
	if from.session != nil {
		w.Number(from.session.serial)
		w.Number(uint64(from.id))
	}
	w.Number(uint64(len(all)))
	for i := range all {
		d := &all[i].entry
		w.Number(all[i].session.serial)
		w.Number(d.seq)
		w.Number(uint64(d.level))
		w.Flag(d.replay)
		w.Flag(d.planned)
		w.Text(d.share)
		w.Number(uint64(len(d.subs)))
		for _, id := range d.subs {
			w.Number(uint64(id))
		}
	}
	w.End()
}

func writeIdentifier(w *journal.Writer, kind byte, s *session, id uint16) {
	w.Record(kind)
	w.Number(s.serial)
	w.Number(uint64(id))
	w.End()
}

func writeWill(w *journal.Writer, client string, o *overdueWill, clock time.Time) {
	w.Record(willRecord)
	w.Text(client)
	w.Text(o.user)
	w.Flag(o.restart)
	w.Number(uint64(max(o.due.Sub(clock), 0)))
	w.Number(uint64(o.will.delay))
	w.Number(uint64(o.will.expiry))
	writeMessage(w, o.will.message, clock)
	w.End()
}
