// Package broker holds what every MQTT link in Homehub shares: the message, the subscription, the news about sessions,
// and the rules for topic names and topic filters (MQTT 5.0, section 4.7).
//
// Everybody may import it; it imports the standard library only. It opens no connection and starts no goroutine: the
// embedded broker is in broker/embedded, the link to another broker in broker/remote.
package broker

import "errors"

// Message is one MQTT application message.
//
// Whoever hands a Message on gives up the right to change its Payload; whoever receives one must not change it either.
type Message struct {
	// Topic is a topic name, never a filter.
	Topic string
	// Payload is the application's bytes; nil and empty are the same.
	Payload []byte
	// QoS is 0, 1 or 2.
	QoS byte
	// Retain asks, on publishing, that the broker keeps the message for later subscribers; an empty payload clears
	// what is kept. On a received message it says that the broker replayed a kept message because of a new
	// subscription; a message that arrives live has it unset even if its publisher asked for it to be kept.
	Retain bool
	// Client is the client identifier of the publisher where the link knows it (the embedded broker does), else empty.
	// It is empty for a replay and for what the hub publishes itself.
	Client string
	// Will says that the broker published it for Client, whose connection had ended without a goodbye. Links that cannot
	// tell leave it unset.
	Will bool
}

// Subscription is a topic filter and the highest QoS at which its messages are wanted.
type Subscription struct {
	Filter string
	QoS    byte
}

// Session is news about one client's network connection. Only the embedded broker can tell.
type Session struct {
	// Client is the client identifier, User the login name (empty for an anonymous client), Address the peer's
	// IP address and port.
	Client, User, Address string
	// Connected is true when the connection was accepted, false when it ended. It is true, too, in news about Subscribed.
	Connected bool
	// Subscribed are the topic filters from which a connected client now gets messages, because it has just subscribed to them
	// or because its session was kept; none of them was refused. Such news is about nothing else.
	Subscribed []string
	// Clean says of an end that the client said goodbye itself (DISCONNECT with reason 0x00).
	Clean bool
	// Reason is one plain sentence part about an end, such as "keep alive of 60 s passed without a sign of life".
	Reason string
	// WillTopic is the topic of the client's will message, empty when it has none.
	WillTopic string
}

// ErrClosed is returned by a link that has been closed or was never opened.
var ErrClosed = errors.New("the link is closed")
