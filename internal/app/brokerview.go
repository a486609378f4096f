package app

import (
	"time"

	"home.arpa/homehub/broker/embedded"
	"home.arpa/homehub/web"
)

// brokerView shows the embedded broker to the pages.
type brokerView struct{ b *embedded.Broker }

func (v brokerView) Clients() []web.Client {
	var out []web.Client
	for _, c := range v.b.Clients() {
		out = append(out, web.Client{
			ID: c.ID, User: c.User, Address: c.Address, Transport: c.Transport, Version: c.Version, Since: c.Since,
			KeepAlive: int(c.KeepAlive / time.Second), SessionExpiry: lasting(c.SessionExpiry), CleanStart: c.CleanStart,
			Subscriptions: c.Subscriptions, Queued: c.Queued, Dropped: c.Dropped,
			MessagesReceived: c.In.Published(), MessagesSent: c.Out.Published(), BytesReceived: c.In.Bytes, BytesSent: c.Out.Bytes,
			ReceivedRate: c.Rates.MessagesIn, SentRate: c.Rates.MessagesOut,
		})
	}
	return out
}

func (v brokerView) Counters() web.Counters {
	s := v.b.Stats()
	return web.Counters{
		MessagesReceived: s.MessagesReceived, MessagesSent: s.MessagesSent, MessagesDropped: s.MessagesDropped,
		BytesReceived: s.BytesReceived, BytesSent: s.BytesSent,
		ReceivedByQoS: s.In.Messages, SentByQoS: s.Out.Messages, Refused: s.Refused,
		Dropped: map[string]uint64{
			"queue_full": s.Overflowed, "retained_full": s.Unkept, "unfit": s.MessagesDropped - min(s.MessagesDropped, s.Overflowed+s.Unkept),
		},
		Connections: s.Connections, Expired: s.Expired, JournalBytes: s.JournalBytes, JournalSyncs: s.JournalSyncs, JournalErr: s.JournalErr,
		Connected: s.Connected, Sessions: s.Sessions, Subscriptions: s.Subscriptions, Retained: s.Retained, RetainedBytes: s.RetainedBytes,
		Queued: s.Queued, QueuedBytes: s.QueuedBytes,
	}
}

func (v brokerView) Refusals() []web.Refusal {
	var out []web.Refusal
	for _, r := range v.b.Refusals() {
		out = append(out, web.Refusal{
			Act: string(r.Act), Reason: r.Reason, Address: r.Address, Client: r.Client, User: r.User, Topic: r.Topic, Others: r.Others,
			Count: r.Count, First: r.First.UTC(), Last: r.Last.UTC(),
		})
	}
	return out
}

// lasting is a duration in seconds, negative for ever.
func lasting(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return int64(d / time.Second)
}
