package embedded_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// What a session leaves to the other members of its group when it ends, over restarts and crashes.

// A member whose session expires while the broker does not run leaves what it had to the others.
func TestALegacyOverARestart(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
		for id, expiry := range map[string]int{"short": 60, "long": 3600} {
			c := connect(t, b, hello{version: 5, id: id, persistent: true, props: prop(0x11, u32(expiry))})
			c.subscribe(filter{"$share/g/t", 2})
			c.nc.Close()
		}
		synctest.Wait()
		pub := connect(t, b, hello{id: "pub"})
		want := map[string]bool{}
		for i := range 8 {
			want[fmt.Sprint(i)] = true
			pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: byte(1 + i%2), id: 1})
		}
		b.Stop()
		time.Sleep(100 * time.Second)
		again := brokertest.New(t, embedded.Options{Folder: folder})
		left := crash(t, folder) // and once more, before anybody has taken it
		for _, b := range []*brokertest.Broker{again, brokertest.New(t, embedded.Options{Folder: left})} {
			long := connect(t, b, lasting("long"))
			got := map[string]bool{}
			for _, m := range long.collect(len(want)) {
				got[m.payload] = true
			}
			if !maps.Equal(want, got) {
				t.Errorf("of %v %v arrived", slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
			}
			long.quiet()
		}
	})
}

// Wherever a crash cuts off the journal while a session ends and others get what it leaves behind, each message is in one queue: not in
// none, and not in two.
func TestALegacyInACrashAtAnyInstant(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
		for _, id := range []string{"first", "second", "third"} {
			c := connect(t, b, lasting(id))
			c.subscribe(filter{"$share/g/t", 2})
			c.nc.Close()
			synctest.Wait()
		}
		pub := connect(t, b, hello{id: "pub"})
		const count = 12
		for i := range count {
			pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: byte(1 + i%2), id: 1})
		}
		before := segment(t, folder)
		connect(t, b, hello{version: 5, id: "first"}).goodbye()
		time.Sleep(20 * time.Second)
		after := segment(t, folder)
		if b.Stats().Queued != count || len(after) <= len(before) {
			t.Fatalf("%d messages are queued; the journal has %d bytes, and had %d", b.Stats().Queued, len(after), len(before))
		}
		for size := len(before); size <= len(after); size++ {
			cut := t.TempDir()
			if err := os.WriteFile(filepath.Join(cut, "journal-000000000001"), after[:size], 0o600); err != nil {
				t.Fatal(err)
			}
			restored, err := embedded.New(embedded.Options{Folder: cut})
			if err != nil {
				t.Fatal(err)
			}
			if got := restored.Stats().Queued; got != count {
				t.Errorf("cut off after %d of %d to %d bytes: %d messages are queued, not %d", size, len(before), len(after), got, count)
			}
		}
	})
}

// segment is the only file of a journal.
func segment(t *testing.T, folder string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "journal-000000000001"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Members that come and go while messages come take none away with them.
func TestMembersThatComeAndGoUnderLoad(t *testing.T) {
	bubble(t, embedded.Options{}, func(t *testing.T, b *brokertest.Broker) {
		steady := connect(t, b, hello{version: 5, id: "steady"})
		steady.subscribe(filter{"$share/g/t", 1})
		const publishers, each, visitors, visits = 4, 500, 3, 60
		var all sync.WaitGroup
		for p := range publishers {
			c := connect(t, b, hello{id: fmt.Sprint("pub", p)})
			all.Go(func() {
				for i := range each {
					c.publish(post{topic: "t", payload: fmt.Sprint(p, " ", i), qos: 1, id: 1})
				}
			})
		}
		for v := range visitors {
			all.Go(func() {
				for range visits { // it acknowledges nothing
					c := connect(t, b, hello{version: 5, id: fmt.Sprint("visitor", v)})
					c.send(subscribe(5, 1, nil, filter{"$share/g/t", 1}))
					for p, ok := c.next(); ok && p.kind() != SUBACK; { // messages may come first
						p, ok = c.next()
					}
					c.nc.Close()
				}
			})
		}
		seen := map[string]int{}
		for len(seen) < publishers*each {
			seen[steady.receive().payload]++
		}
		all.Wait()
		for payload, times := range seen {
			if times != 1 {
				t.Errorf("message %s came %d times", payload, times)
			}
		}
	})
}

// A message of a group does not go to a member that has no room, whoever's turn it is.
func TestAMemberWithoutRoomIsPassedOver(t *testing.T) {
	bubble(t, embedded.Options{MaxQueued: 2}, func(t *testing.T, b *brokertest.Broker) {
		first := connect(t, b, lasting("first"))
		first.subscribe(filter{"$share/g/t", 1})
		pub := connect(t, b, hello{id: "pub"})
		for range 2 { // which it does not acknowledge
			pub.publish(post{topic: "t", payload: "x", qos: 1, id: 1})
		}
		second := connect(t, b, lasting("second"))
		second.subscribe(filter{"$share/g/t", 1})
		const count = 10
		for i := range count {
			pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: 1, id: 1})
			if m := second.receive(); m.payload != fmt.Sprint(i) {
				t.Fatalf("got %+v, want message %d", m, i)
			}
		}
		if dropped := b.Stats().MessagesDropped; dropped != 0 {
			t.Errorf("%d messages were dropped", dropped)
		}
	})
}
