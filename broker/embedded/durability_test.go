package embedded_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

// How often the disk is asked to sync, and what for.
func TestWhenTheJournalIsSynced(t *testing.T) {
	const count = 50
	for _, test := range []struct {
		name        string
		mode        embedded.Durability
		least, most uint64 // syncs while all is acknowledged
		later       uint64 // within the interval after that
	}{
		{"strict: before each acknowledgement", embedded.Strict, count, count, 0},
		{"relaxed: once in an interval", embedded.Relaxed, 0, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := embedded.Options{Folder: filepath.Join(t.TempDir(), "broker"), Durability: test.mode, DurabilityInterval: 10 * time.Second}
			bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
				sub := connect(t, b, lasting("sub"))
				sub.subscribe(filter{"t", 1})
				sub.nc.Close()
				pub := connect(t, b, hello{id: "pub"})
				time.Sleep(15 * time.Second) // all that is on its way to the disk is there
				synctest.Wait()
				before := b.Stats().JournalSyncs
				for i := range count {
					pub.publish(post{topic: "t", payload: fmt.Sprint(i), qos: 1, id: 1})
				}
				n := b.Stats().JournalSyncs - before
				if n < test.least || n > test.most {
					t.Errorf("%d syncs for %d acknowledgements, one after the other; want %d to %d", n, count, test.least, test.most)
				}
				time.Sleep(11 * time.Second)
				synctest.Wait()
				if later := b.Stats().JournalSyncs - before - n; later != test.later {
					t.Errorf("%d syncs later, want %d", later, test.later)
				}
			})
		})
	}
}

// What nobody was promised is written once in an interval, the newest of each topic.
func TestRetainedMessagesWithQoS0AreWrittenOnceInAnInterval(t *testing.T) {
	o := embedded.Options{Folder: filepath.Join(t.TempDir(), "broker"), DurabilityInterval: 10 * time.Second}
	bubble(t, o, func(t *testing.T, b *brokertest.Broker) {
		const sensors, seconds = 20, 100
		pub := connect(t, b, hello{id: "pub"})
		time.Sleep(15 * time.Second)
		synctest.Wait()
		before := b.Stats()
		for second := range seconds {
			for i := range sensors {
				pub.publish(post{topic: fmt.Sprintf("sensor/%d/temperature", i), payload: fmt.Sprintf("%d.5", second), retain: true})
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		after := b.Stats()
		const writes = seconds / 10 * sensors
		if each := (after.JournalBytes - before.JournalBytes) / writes; each > 150 {
			t.Errorf("%d bytes for each of %d values that are to be written", each, writes)
		}
		if syncs := after.JournalSyncs - before.JournalSyncs; syncs > seconds/10+1 {
			t.Errorf("%d syncs in %d s", syncs, seconds)
		}
	})
}
