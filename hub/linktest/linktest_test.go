package linktest_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/remote"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/linktest"
	"home.arpa/homehub/internal/realpart"
)

var _ hub.Link = (*remote.Link)(nil)

func TestEmbeddedLink(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Setup {
		b := brokertest.New(t)
		return linktest.Setup{Link: b.Link(), Settle: settle, Peer: peers(overPipe(b))}
	})
}

func TestRemoteLinkToTheEmbeddedBroker(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Setup {
		b := brokertest.New(t)
		return linktest.Setup{Link: open(t, overPipe(b), "hub"), Settle: settle, Peer: peers(overPipe(b))}
	})
}

func TestRemoteLinkToMosquitto(t *testing.T) {
	realpart.Find(t, "mosquitto", "mosquitto") // or all of it is skipped
	linktest.Run(t, func(t *testing.T) linktest.Setup {
		o := remote.Options{URL: "mqtt://" + realpart.Mosquitto(t, "allow_anonymous true\n")}
		return linktest.Setup{Link: open(t, o, "hub"), Settle: settle, Peer: peers(o)}
	})
}

func overPipe(b *brokertest.Broker) remote.Options {
	return remote.Options{Dial: func(context.Context) (net.Conn, error) { return b.Dial(), nil }}
}

func open(t *testing.T, o remote.Options, id string) *remote.Link {
	t.Helper()
	o.ClientID = id
	l, err := remote.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func settle(ctx context.Context, l hub.Link) error {
	if r, ok := l.(*remote.Link); ok {
		return r.Sync(ctx)
	}
	return nil // a subscription of the embedded link is in force when the call returns
}

var peerNumber atomic.Int64

func peers(o remote.Options) func(*testing.T, hub.LinkHandler) hub.Link {
	return func(t *testing.T, h hub.LinkHandler) hub.Link {
		t.Helper()
		l := open(t, o, fmt.Sprintf("peer-%d", peerNumber.Add(1)))
		run(t, l, h)
		return l
	}
}

// run runs a link until the test ends, and returns when it is up.
func run(t *testing.T, l *remote.Link, h broker.Handler) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, h) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if err := l.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}
