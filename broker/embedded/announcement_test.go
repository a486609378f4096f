package embedded_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// learner subscribes, from inside its handler, to the topic that a message names.
type learner struct {
	recorder
	link *embedded.Link
}

func (l *learner) HandleMessage(ctx context.Context, m broker.Message) {
	l.recorder.HandleMessage(ctx, m)
	if m.Topic == "announcement" {
		l.link.Subscribe(broker.Subscription{Filter: string(m.Payload)})
	}
}

func TestAStateInTheSameSegmentAsItsAnnouncementIsNotLost(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		h := &learner{}
		l, _ := link(t, b, h)
		h.link = l
		l.Subscribe(broker.Subscription{Filter: "announcement"})
		c := connect(t, b, hello{id: "c"})
		c.send(join(
			post{topic: "announcement", payload: "state"}.bytes(c.version),
			post{topic: "state", payload: "on"}.bytes(c.version),
		))
		want := []broker.Message{
			{Topic: "announcement", Payload: []byte("state"), Client: "c"},
			{Topic: "state", Payload: []byte("on"), Client: "c"},
		}
		if diff := cmp.Diff(want, h.taken()); diff != "" {
			t.Error(diff)
		}
	})
}
