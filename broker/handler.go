package broker

import "context"

// Handler takes what arrives over a link. Messages of one publisher arrive in the order in which it sent them. The
// methods are called by several goroutines at once (with the embedded broker, by each publisher's own), with no lock of
// the link's held.
type Handler interface {
	// HandleMessage takes one message. It may wait for room; ctx ends with the publisher's connection and with the
	// link, and then the handler gives up waiting.
	HandleMessage(ctx context.Context, m Message)
	// HandleSession takes news about a client's connection, in order for each client. Links that do not know of
	// sessions never call it.
	HandleSession(ctx context.Context, s Session)
	// HandleLink is told when the link comes up and goes down. detail says to or from what, and why, for people:
	// "connected to mqtt://broker.lan:1883". It does not wait.
	HandleLink(up bool, detail string)
}
