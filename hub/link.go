package hub

import (
	"context"

	"home.arpa/homehub/broker"
)

// Link carries messages between the hub and a broker: the embedded one by direct calls, any other over the network. One
// conformance suite, hub/linktest, holds for both.
type Link interface {
	// Run holds the link up, handing what arrives to h, until ctx ends (then it returns nil) or the link can never
	// work (for instance a login that the broker refuses for good). A connection that breaks is made again. It is
	// called once, and returns when every call of h has returned.
	Run(ctx context.Context, h LinkHandler) error

	// Publish hands one message to the broker and returns when the broker has taken it (for QoS 1 and 2: when it has
	// acknowledged it), or with an error when ctx ends, the link is down (broker.ErrClosed), or the topic is invalid
	// (broker.ErrTopic). The link does not deliver to its own handler what it publishes itself.
	Publish(ctx context.Context, m broker.Message) error

	// Subscribe declares what the handler wants to get; it may be called before Run, and from inside the handler. It
	// does not wait for an answer: the link makes it so as soon as it can, and again after each reconnect. For each
	// subscription, also for one that was declared before, the broker replays the retained messages that match.
	// On the embedded link it has happened when the call returns, replay included, so that nothing that a publisher
	// sends next can be missed; therefore it is never called by the goroutine that empties the handler's queue. A
	// message that matches several subscriptions arrives at least once. Invalid filters are logged and left out.
	Subscribe(subs ...broker.Subscription)

	// Unsubscribe takes filters back that were declared.
	Unsubscribe(filters ...string)
}

// LinkHandler takes what arrives over a Link. It is declared beside Message, so that the links under broker/ need not
// import this package.
type LinkHandler = broker.Handler
