package simulator

import (
	"context"
	"net"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/remote"
)

// Client is the connection of one device, as far as the simulator needs it; *remote.Link is one.
type Client interface {
	// Run holds the connection up until ctx ends, and then says goodbye to the broker (DISCONNECT). A connection that breaks,
	// or cannot be made, is tried again; the handler's HandleLink hears of it.
	Run(ctx context.Context, h broker.Handler) error
	// Abandon ends Run without a goodbye, so that the broker publishes the will.
	Abandon()
	// Publish returns when the broker has taken the message; its error wraps broker.ErrClosed when the connection is down.
	Publish(ctx context.Context, m broker.Message) error
	// Subscribe says what Run's handler is to get, after each connection. It is called before Run.
	Subscribe(subs ...broker.Subscription)
	// Sync waits until the connection is up and the broker has acknowledged the subscriptions.
	Sync(ctx context.Context) error
}

// ClientOptions is what a device's connection needs to know.
type ClientOptions struct {
	// ID is the client identifier, the same in every run of the same house and seed.
	ID   string
	Will broker.Message
}

// DefaultBroker is where a simulator looks for its broker when nobody says otherwise.
const DefaultBroker = "mqtt://127.0.0.1:1883"

// Broker says where the broker is and how to log in.
type Broker struct {
	// URL is mqtt://host, mqtts://host, ws://host/path or wss://host/path, with a port or not; empty means DefaultBroker.
	URL string
	// User and Password are what every device logs in with. PasswordFile holds the password; it beats Password.
	User, Password, PasswordFile string
	// CAFile holds the certificates (PEM) of the authorities that may vouch for the broker; empty means the system's.
	CAFile string
	// Dial makes the network connection, for instance over net.Pipe, instead of URL.
	Dial func(ctx context.Context) (net.Conn, error)
}

// connect makes the client of a device.
func (b Broker) connect(o ClientOptions) (Client, error) {
	if b.URL == "" {
		b.URL = DefaultBroker
	}
	link, err := remote.New(remote.Options{
		URL: b.URL, User: b.User, Password: b.Password, PasswordFile: b.PasswordFile, CAFile: b.CAFile, Dial: b.Dial,
		ClientID: o.ID, Will: &o.Will,
		// No logger: five hundred devices would say the same; the simulator says it once.
	})
	if err != nil {
		return nil, err
	}
	return link, nil
}
