package embedded

import (
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
	inheritedRecord    byte = 20 // a message moves from the queue of a session that ends into another one
	broughtRecord      byte = 21 // a retained message waits for a client because of a subscription
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

// What a message was before it was put into queues, as a queuedRecord has it.
const (
	fromNobody  = 0
	fromSession = 1 // with QoS 2
	fromWill    = 2
)

// writeQueued writes one record for a message, all the queues that it was put into, and the publisher's receipt or the client whose will it
// was, and is not any more: a record is there as a whole or not at all.
func writeQueued(w *journal.Writer, number uint64, from receipt, testator *string, all ...owed) {
	w.Record(queuedRecord)
	w.Number(number)
	switch {
	case from.session != nil:
		w.Number(fromSession)
		w.Number(from.session.serial)
		w.Number(uint64(from.id))
	case testator != nil:
		w.Number(fromWill)
		w.Text(*testator)
	default:
		w.Number(fromNobody)
	}
	writeOwed(w, all)
	w.End()
}

// writeInherited writes one record for a message that moves from one queue into others.
func writeInherited(w *journal.Writer, number uint64, left *owed, all ...owed) {
	w.Record(inheritedRecord)
	w.Number(number)
	w.Number(left.session.serial)
	w.Number(left.entry.seq)
	writeOwed(w, all)
	w.End()
}

func writeOwed(w *journal.Writer, all []owed) {
	w.Number(uint64(len(all)))
	for i := range all {
		d := &all[i].entry
		w.Number(all[i].session.serial)
		w.Number(d.seq)
		w.Number(uint64(d.level))
		w.Flag(d.replay)
		w.Text(d.share)
		w.Number(uint64(len(d.subs)))
		for _, id := range d.subs {
			w.Number(uint64(id))
		}
	}
}

// writeBrought writes one record for a retained message that was put into a queue for a subscription.
func writeBrought(w *journal.Writer, number uint64, to owed, filter string) {
	w.Record(broughtRecord)
	w.Number(number)
	w.Text(filter)
	writeOwed(w, []owed{to})
	w.End()
}

// writePlanned writes that retained messages are still to be sent for a subscription: those behind a topic.
func writePlanned(w *journal.Writer, s *session, filter string, qos byte, id uint32, last string) {
	w.Record(plannedRecord)
	w.Number(s.serial)
	w.Text(filter)
	w.Number(uint64(qos))
	w.Number(uint64(id))
	w.Text(last)
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
