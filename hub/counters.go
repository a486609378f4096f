package hub

import (
	"sync/atomic"

	"home.arpa/homehub/devices"
)

// counts are the hub's counters.
type counts struct {
	messages, faults, panics                 atomic.Uint64
	confirmed, refused, lapsed               atomic.Uint64
	superseded, unconfirmed                  atomic.Uint64
	exports, exportErrors, commandsPublished atomic.Uint64
}

func (c *counts) ended(s devices.Status) {
	switch s {
	case devices.Confirmed:
		c.confirmed.Add(1)
	case devices.Refused:
		c.refused.Add(1)
	case devices.Lapsed:
		c.lapsed.Add(1)
	case devices.Superseded:
		c.superseded.Add(1)
	default:
		c.unconfirmed.Add(1)
	}
}

// Counters are numbers for monitoring. They count since the start, except those that are said to be now.
type Counters struct {
	Messages, Faults, Panics uint64
	// Events is the number of the feed's newest event.
	Events uint64
	// Commands that ended, by their last status.
	Commands map[devices.Status]uint64
	// CommandsPublished and Exports (greetings among them) are messages that the broker took; ExportErrors are exports that it refused, and
	// OccurrencesDropped those of momentary properties that waited too long for the link.
	CommandsPublished, Exports, ExportErrors, OccurrencesDropped uint64
	// ReadingsSaved and ReadingsDropped are rows of history; StoreErrors are failures of the store.
	ReadingsSaved, ReadingsDropped, StoreErrors uint64
	// What waits now: messages for the hub (of at most InboxSize), commands and exports for the broker, and records and
	// readings for the store.
	Inbox, InboxSize, CommandsWaiting, ExportsWaiting, StoreWaiting int
}

// Counters returns the numbers of now.
func (h *Hub) Counters() Counters {
	c := Counters{
		Messages: h.counts.messages.Load(), Faults: h.counts.faults.Load(), Panics: h.counts.panics.Load(),
		Events: h.feed.newest(),
		Commands: map[devices.Status]uint64{
			devices.Confirmed: h.counts.confirmed.Load(), devices.Refused: h.counts.refused.Load(),
			devices.Lapsed: h.counts.lapsed.Load(), devices.Superseded: h.counts.superseded.Load(),
			devices.Sent: h.counts.unconfirmed.Load(),
		},
		CommandsPublished: h.counts.commandsPublished.Load(),
		Exports:           h.counts.exports.Load(), ExportErrors: h.counts.exportErrors.Load(),
		ReadingsSaved: h.recorder.saved.Load(), ReadingsDropped: h.recorder.dropped.Load(), StoreErrors: h.recorder.errors.Load(),
		Inbox: len(h.inbox.queue), InboxSize: cap(h.inbox.queue), StoreWaiting: h.recorder.size(),
	}
	c.CommandsWaiting, c.ExportsWaiting, c.OccurrencesDropped = h.outbox.size()
	return c
}
