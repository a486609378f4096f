package embedded_test

import (
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// What is due comes at its time, whatever else was due sooner or later when it began to be waited for.
func TestWhatIsDueComesInItsTurn(t *testing.T) {
	type wait struct{ expiry, will time.Duration } // of a client that leaves; it has no will if that is 0
	for name, waits := range map[string][]wait{
		"each sooner than the one before": {{4 * time.Second, 0}, {3 * time.Second, 0}, {2 * time.Second, 0}},
		"each later":                      {{2 * time.Second, 0}, {3 * time.Second, 0}, {4 * time.Second, 0}},
		"a will before a session":         {{3 * time.Second, 0}, {time.Hour, time.Second}},
		"mixed, with wills":               {{3 * time.Second, time.Second}, {time.Hour, 2 * time.Second}, {time.Second, 0}, {5 * time.Second, 4 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
				watch := connect(t, b, hello{id: "watch"})
				watch.subscribe(filter{"will", 0})
				all := map[int]wait{}
				for i, w := range waits {
					h := hello{version: 5, id: string(rune('a' + i)), persistent: true, props: prop(0x11, u32(uint32(w.expiry/time.Second)))}
					if w.will > 0 {
						h.will, h.willProps = &post{topic: "will"}, prop(0x18, u32(uint32(w.will/time.Second)))
					}
					connect(t, b, h).nc.Close()
					synctest.Wait()
					all[i] = w
				}
				for passed := time.Second / 2; passed < 6*time.Second; passed += time.Second {
					time.Sleep(time.Second / 2)
					synctest.Wait()
					sessions := 1
					for _, w := range all {
						if passed < w.expiry {
							sessions++
						}
						if w.will > 0 && passed > w.will && passed < w.will+time.Second {
							watch.receive()
						}
					}
					if got := b.Stats().Sessions; got != sessions {
						t.Errorf("after %v there are %d sessions, want %d", passed, got, sessions)
					}
					watch.quiet()
					time.Sleep(time.Second / 2)
				}
			})
		})
	}
}

// A session whose client has come back and left again waits anew.
func TestASessionIsCountedFromTheLastGoodbye(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		h := hello{version: 5, id: "c", persistent: true, props: prop(0x11, u32(3))}
		for range 3 {
			connect(t, b, h).goodbye()
			time.Sleep(2 * time.Second)
		}
		if got := b.Stats().Sessions; got != 1 {
			t.Errorf("%d sessions after two seconds of three", got)
		}
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		if got := b.Stats().Sessions; got != 0 {
			t.Errorf("%d sessions after three seconds", got)
		}
	})
}
