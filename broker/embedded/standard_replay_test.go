package embedded_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// retain publishes a retained message to each of so many topics, as fast as the broker takes them.
func retain(c *client, count int) {
	c.t.Helper()
	for i := range count {
		c.send(post{topic: fmt.Sprintf("t/%d", i), payload: "x", retain: true, qos: 1, id: i%60000 + 1}.bytes(c.version))
	}
	for range count {
		c.expect(PUBACK)
	}
}

// A subscription brings what is retained [MQTT-3.3.1-9], however many others there are whose retained messages are still on their way, and
// however many may be retained by now.
func TestStandardEachSubscriptionBringsWhatIsRetained(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		const count = 50
		retain(connect(t, b, hello{id: "pub"}), count)
		if err := b.Reload(embedded.Options{MaxRetained: 5}); err != nil {
			t.Fatal(err)
		}
		sub := connect(t, b, hello{id: "sub"})
		filters := []filter{{"#", 0}, {"t/#", 1}, {"+/#", 1}, {"t/+", 0}, {"+/+", 1}, {"t/7", 0}}
		sub.subscribe(filters...)
		times := map[string]int{}
		for _, m := range sub.collect(5*count + 1) {
			if !m.retain {
				t.Errorf("got %+v, want the retain flag", m)
			}
			times[m.topic]++
		}
		sub.quiet()
		for i := range count {
			if topic := fmt.Sprintf("t/%d", i); times[topic] < 5 {
				t.Errorf("%s came %d times, want it for each of the filters", topic, times[topic])
			}
		}
	})
}

// A subscriber that has not got all yet, and subscribes again, gets all once more, and its subscription goes on [MQTT-3.8.4-3].
func TestStandardSubscribingAgainDuringAReplay(t *testing.T) {
	bubble(t, embedded.Options{MaxRetained: 1000}, func(t *testing.T, b *brokertest.Broker) {
		const count = 1000
		pub := connect(t, b, hello{id: "pub"})
		retain(pub, count)
		sub := connect(t, b, hello{id: "sub"})
		sub.subscribe(filter{"#", 1}, filter{"t/#", 1})
		first := sub.expect(PUBLISH).post(4) // which holds the others up, since it is not acknowledged
		for id := 2; id < 6; id++ {
			sub.send(subscribe(4, id, nil, filter{"#", 1}))
		}
		codes, seen, open := 0, map[string]bool{}, []int{first.id}
		for codes < 4 || len(seen) < count {
			switch p, ok := sub.next(); {
			case !ok:
				t.Fatal("the connection ended")
			case p.kind() == SUBACK:
				if codes++; p.body[2] != 1 {
					t.Errorf("subscribing again is answered %#x", p.body[2])
				}
			default:
				m := p.post(4)
				if open = append(open, m.id); codes == 4 {
					seen[m.topic] = true
				}
			}
			for _, id := range open {
				sub.send(ack(PUBACK, id))
			}
			open = nil
		}
		pub.publish(post{topic: "live", qos: 1, id: 1})
		for {
			if m := sub.receive(); m.topic == "live" {
				break
			}
		}
	})
}

// What is retained for the first time after a subscription comes as it is published, and once.
func TestStandardAReplayIsOfWhatWasThere(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		const count = 500
		pub := connect(t, b, hello{id: "pub"})
		retain(pub, count)
		sub := connect(t, b, lasting("sub")) // which gets them in the order of their names
		sub.subscribe(filter{"a/#", 1}, filter{"#", 1})
		pub.publish(post{topic: "zz", payload: "new", retain: true, qos: 1, id: 1})
		pub.publish(post{topic: "t/499", retain: true, qos: 1, id: 1})
		pub.publish(post{topic: "t/499", payload: "cleared and new", retain: true, qos: 1, id: 1})
		var late []string
		for _, m := range sub.collect(count + 2) {
			if !m.retain {
				late = append(late, m.topic+" "+m.payload)
			} else if m.payload != "x" {
				t.Errorf("got %+v", m)
			}
		}
		if want := []string{"zz new", "t/499 ", "t/499 cleared and new"}; !slices.Equal(late, want) {
			t.Errorf("live came %q, want %q", late, want)
		}
		sub.quiet()
	})
}

// A replay goes on where it was after each of several lives of the broker: what its client has acknowledged does not come again, and
// nothing is left out, not even what was retained with QoS 0 just before.
func TestStandardAReplayOverManyLives(t *testing.T) {
	tests := []struct {
		name string
		end  func(t *testing.T, b *brokertest.Broker, folder string) (restored string)
	}{
		{"that are stopped", func(_ *testing.T, b *brokertest.Broker, folder string) string { b.Stop(); return folder }},
		{"that crash", func(t *testing.T, b *brokertest.Broker, folder string) string {
			time.Sleep(11 * time.Second) // what is promised to nobody is on disk then
			defer b.Stop()
			return crash(t, folder)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "broker")
			bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
				const count, piece, lives = 20_000, 6_000, 3
				pub := connect(t, b, hello{id: "pub"})
				retain(pub, count)
				pub.publish(post{topic: "t/last", payload: "x", retain: true})
				pub.ping()
				sub := connect(t, b, lasting("sub"))
				sub.subscribe(filter{"none/#", 1}, filter{"t/#", 1}, filter{"t/7", 1})
				times := map[string]int{}
				for range lives {
					for _, m := range sub.collect(piece) {
						times[m.topic]++
					}
					sub.nc.Close()
					synctest.Wait()
					folder = test.end(t, b, folder)
					b = brokertest.New(t, embedded.Options{Folder: folder})
					sub = connect(t, b, lasting("sub"))
				}
				for len(times) < count+1 || times["t/7"] < 2 {
					times[sub.collect(1)[0].topic]++
				}
				sub.quiet()
				again := 0
				for _, n := range times {
					again += n - 1
				}
				if again > lives*64+1 { // those that were on their way each time
					t.Errorf("%d messages came again", again)
				}
			})
		})
	}
}
