package embedded

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
)

// A message may be replaced while a link is told what is retained, and the link may have got the new one already: it is not left with the old one.
func TestALinkEndsWithTheLastOfWhatIsRetained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		retain := func(topic, payload string) {
			var owed batch
			b.router.route(&message{topic: topic, payload: []byte(payload), qos: 1, retain: true}, nil, nil, &owed, nil)
			owed.settle(t.Context())
		}
		retain("a", "old")
		retain("b", "old")
		last, replaced := map[string]string{}, false
		l := b.Link()
		l.Subscribe(broker.Subscription{Filter: "#", QoS: 1})
		ctx, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		_ = l.Run(ctx, watcher(func(m broker.Message) {
			last[m.Topic] = string(m.Payload)
			if !replaced { // the other one, whose turn is yet to come
				replaced = true
				retain(map[string]string{"a": "b", "b": "a"}[m.Topic], "new")
			}
		}))
		if both := last["a"] + " " + last["b"]; both != "old new" && both != "new old" {
			t.Errorf("the link was told %v in the end", last)
		}
	})
}
