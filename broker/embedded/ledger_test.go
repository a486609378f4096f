package embedded_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"home.arpa/homehub/broker/brokertest"
	"home.arpa/homehub/broker/embedded"
)

func lasting(id string) hello {
	return hello{version: 5, id: id, persistent: true, props: prop(0x11, u32(3600))}
}

// furnish gives a broker something of everything to keep.
func furnish(t *testing.T, b *brokertest.Broker) {
	pub := connect(t, b, hello{version: 5, id: "pub"})
	for i := range 3 {
		pub.publish(post{
			topic: fmt.Sprint("kept/", i), payload: fmt.Sprint(i), qos: byte(i), id: 1, retain: true,
			props: string(join(prop(0x02, u32(1000*(i+1))), prop(0x26, join(str("k"), str("v"))))),
		})
	}
	sub := connect(t, b, lasting("sub"))
	sub.subscribe(filter{"q/#", 2 | 0x08}, filter{"$share/g/work", 1}, filter{"kept/#", 0x20})
	pub.publish(post{topic: "q/1", payload: "acknowledged", qos: 1, id: 1})
	sub.receive()
	pub.publish(post{topic: "q/2", payload: "sent", qos: 1, id: 1})
	sub.expect(PUBLISH)
	pub.publish(post{topic: "q/3", payload: "received", qos: 2, id: 1})
	m := sub.expect(PUBLISH).post(5)
	sub.send(ack(PUBREC, m.id))
	sub.expect(PUBREL)
	sub.send(post{topic: "x", payload: "half done", qos: 2, id: 99}.bytes(5))
	sub.expect(PUBREC)
	sub.nc.Close()
	synctest.Wait()
	pub.publish(post{topic: "q/4", payload: "waiting", qos: 2, id: 1, props: string(prop(0x02, u32(500)))})
	pub.publish(post{topic: "q/5", payload: "short-lived", qos: 1, id: 1, props: string(prop(0x02, u32(5)))})
	pub.publish(post{topic: "q/6", payload: "last", qos: 1, id: 1})
	pub.goodbye()
	clean := connect(t, b, hello{id: "clean"})
	clean.subscribe(filter{"q/#", 1})
	clean.goodbye()
}

// inspect finds it all again.
func inspect(t *testing.T, b *brokertest.Broker) {
	t.Helper()
	late := connect(t, b, hello{id: "late"})
	late.subscribe(filter{"kept/#", 2})
	var kept []string
	for _, m := range late.collect(3) {
		kept = append(kept, fmt.Sprintf("%s %s %d", m.topic, m.payload, m.qos))
	}
	slices.Sort(kept)
	if diff := cmp.Diff([]string{"kept/0 0 0", "kept/1 1 1", "kept/2 2 2"}, kept); diff != "" {
		t.Error(diff)
	}
	sub, connack := connected(t, b, lasting("sub"))
	if connack[0] != 1 {
		t.Error("the session was not found again")
	}
	if m := sub.expect(PUBLISH).post(5); m.payload != "sent" || !m.dup {
		t.Errorf("got %+v, want the unacknowledged message as a duplicate", m)
	}
	sub.expect(PUBREL)
	if m := sub.expect(PUBLISH).post(5); m.payload != "waiting" || m.dup || m.qos != 2 {
		t.Errorf("got %+v, want the one that waited", m)
	}
	if m := sub.expect(PUBLISH).post(5); m.payload != "last" {
		t.Errorf("got %+v, want the last one", m)
	}
	sub.send(post{topic: "q/7", payload: "a repetition", qos: 2, id: 99, dup: true}.bytes(5))
	sub.expect(PUBREC)
	sub.quiet()
	pub := connect(t, b, hello{id: "pub"})
	pub.publish(post{topic: "work", payload: "shared", qos: 1, id: 1})
	if m := sub.expect(PUBLISH).post(5); m.payload != "shared" {
		t.Errorf("got %+v, want the shared message", m)
	}
	pub.publish(post{topic: "q/8", payload: "as published", qos: 1, id: 1, retain: true})
	if m := sub.expect(PUBLISH).post(5); !m.retain {
		t.Errorf("got %+v, want the retain flag as published", m)
	}
	if s := b.Stats(); s.Sessions < 3 || s.Sessions > 4 {
		t.Errorf("%d sessions, want sub, late and pub, and perhaps another", s.Sessions)
	}
}

// crash returns a copy of a folder as it is at this moment, which is what a crash leaves of it.
func crash(t *testing.T, folder string) string {
	t.Helper()
	left := filepath.Join(t.TempDir(), "left")
	if err := os.CopyFS(left, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	return left
}

func TestTheJournalBringsEverythingBack(t *testing.T) {
	tests := []struct {
		name string
		end  func(t *testing.T, b *brokertest.Broker, folder string) (restored string)
	}{
		{"after a stop", func(t *testing.T, b *brokertest.Broker, folder string) string { b.Stop(); return folder }},
		{"after a crash", func(t *testing.T, b *brokertest.Broker, folder string) string {
			time.Sleep(11 * time.Second) // for the retained message with QoS 0
			defer b.Stop()
			return crash(t, folder)
		}},
		{"after a crash soon after a restart", func(t *testing.T, b *brokertest.Broker, folder string) string {
			b.Stop()
			again := brokertest.New(t, embedded.Options{Folder: folder})
			connect(t, again, lasting("another")).goodbye()
			defer again.Stop()
			return crash(t, folder)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "broker")
			bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
				furnish(t, b)
				restored := test.end(t, b, folder)
				time.Sleep(10 * time.Second)
				inspect(t, brokertest.New(t, embedded.Options{Folder: restored}))
			})
		})
	}
}

func TestTheFolderIsPrivate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
		furnish(t, b)
		b.Stop()
		entries, err := os.ReadDir(folder)
		if err != nil || len(entries) == 0 {
			t.Fatalf("the folder holds %v, %v", entries, err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the mode of %s is %v, %v; want 0600", e.Name(), info.Mode(), err)
			}
		}
	})
}

// Sessions, messages and wills go on ageing while the program does not run.
func TestTimePassesBetweenTwoLives(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
		furnish(t, b)
		b.Stop()
		time.Sleep(1500 * time.Second)
		again := brokertest.New(t, embedded.Options{Folder: folder})
		if s := again.Stats(); s.Retained != 2 || s.Queued != 3 || s.Sessions != 1 {
			t.Errorf("%d retained, %d queued, %d sessions; want 2, 3, 1", s.Retained, s.Queued, s.Sessions)
		}
		again.Stop()
		time.Sleep(3600 * time.Second)
		if s := brokertest.New(t, embedded.Options{Folder: folder}).Stats(); s.Retained != 0 || s.Sessions != 0 {
			t.Errorf("%d retained and %d sessions, want none", s.Retained, s.Sessions)
		}
	})
}

// The wills of clients that were connected when the broker stopped are published after its next start, unless they come back.
func TestWillsOverARestart(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
		watch := connect(t, b, hello{id: "watch"})
		watch.subscribe(filter{"will/#", 0})
		for _, id := range []string{"gone", "back"} {
			connect(t, b, hello{id: id, will: &post{topic: "will/" + id, payload: "offline", retain: true}})
		}
		h := lasting("delayed")
		h.will, h.willProps = &post{topic: "will/delayed", payload: "offline"}, prop(0x18, u32(200))
		connect(t, b, h).nc.Close()
		synctest.Wait()
		watch.quiet()
		b.Stop()
		watch.expectEnd(0) // and nothing before

		time.Sleep(10 * time.Second)
		begin := time.Now()
		again := brokertest.New(t, embedded.Options{Folder: folder})
		watch = connect(t, again, hello{id: "watch"})
		watch.subscribe(filter{"will/#", 0})
		connect(t, again, hello{id: "back"})
		time.Sleep(59 * time.Second)
		watch.quiet()
		time.Sleep(2 * time.Second)
		if m := watch.receive(); m.topic != "will/gone" {
			t.Errorf("got %+v", m)
		}
		time.Sleep(time.Until(begin.Add(189 * time.Second)))
		watch.quiet()
		time.Sleep(2 * time.Second)
		if m := watch.receive(); m.topic != "will/delayed" {
			t.Errorf("got %+v", m)
		}
		watch.quiet()
	})
}

func TestAnInterruptedReplayOverARestart(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
		const count = 500
		pub := connect(t, b, hello{id: "pub"})
		for i := range count {
			pub.publish(post{topic: fmt.Sprintf("t/%d", i), payload: "x", retain: true, qos: 1, id: 1})
		}
		sub := connect(t, b, lasting("sub"))
		sub.subscribe(filter{"t/#", 1})
		sub.nc.Close()
		synctest.Wait()
		b.Stop()
		again := brokertest.New(t, embedded.Options{Folder: folder})
		sub = connect(t, again, lasting("sub"))
		seen := map[string]bool{}
		for _, m := range sub.collect(count) {
			seen[m.topic] = true
		}
		if len(seen) != count {
			t.Errorf("%d topics arrived, want %d", len(seen), count)
		}
	})
}

// At every acknowledgement, what it promises is in the folder already: a broker that starts with a copy of the folder, taken at
// this moment, has it all, in order and once.
func TestWhatIsAcknowledgedIsInTheFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
		sub := connect(t, b, lasting("sub"))
		sub.subscribe(filter{"t/#", 2})
		sub.nc.Close()
		synctest.Wait()
		pub := connect(t, b, lasting("pub"))
		var want []string
		check := func(last string) {
			t.Helper()
			copied := brokertest.New(t, embedded.Options{Folder: crash(t, folder)})
			defer copied.Stop()
			late := connect(t, copied, hello{id: "late"})
			late.subscribe(filter{"kept", 0})
			if m := late.receive(); m.payload != last {
				t.Errorf("%s is retained after %s was acknowledged", m.payload, last)
			}
			again := connect(t, copied, lasting("sub"))
			var got []string
			for range want {
				got = append(got, again.expect(PUBLISH).post(5).payload)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("after %s was acknowledged: %s", last, diff)
			}
			again.quiet()
		}
		for i := range 10 {
			payload := fmt.Sprint(i)
			want = append(want, payload, payload+" kept")
			if i%2 == 0 {
				pub.publish(post{topic: "t/1", payload: payload, qos: 1, id: 1})
				pub.publish(post{topic: "t/2", payload: payload + " kept", qos: 1, id: 1})
				pub.publish(post{topic: "kept", payload: payload, qos: 1, id: 1, retain: true})
				check(payload)
				continue
			}
			for j, p := range []post{{topic: "t/1", payload: payload}, {topic: "t/2", payload: payload + " kept"}, {topic: "kept", payload: payload, retain: true}} {
				p.qos, p.id = 2, j+1
				pub.send(p.bytes(5))
				pub.expect(PUBREC)
			}
			check(payload)
			for j := range 3 {
				pub.send(ack(PUBREL, j+1))
				pub.expect(PUBCOMP)
			}
		}
	})
}

// A QoS 2 message that was taken before a crash is not taken again after it, whatever was heard of it.
func TestQoS2OverACrash(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
		sub := connect(t, b, lasting("sub"))
		sub.subscribe(filter{"t", 2})
		pub := connect(t, b, lasting("pub"))
		once := post{topic: "t", payload: "once", qos: 2, id: 7}
		pub.send(once.bytes(5))
		pub.expect(PUBREC)
		m := sub.expect(PUBLISH).post(5)
		taken := crash(t, folder)
		sub.send(ack(PUBREC, m.id))
		sub.expect(PUBREL)
		pub.send(ack(PUBREL, 7))
		pub.expect(PUBCOMP)
		released := crash(t, folder)

		first := brokertest.New(t, embedded.Options{Folder: taken})
		pub2, sub2 := connect(t, first, lasting("pub")), connect(t, first, lasting("sub"))
		if again := sub2.expect(PUBLISH).post(5); !again.dup || again.id != m.id {
			t.Errorf("got %+v, want the message again with its identifier %d", again, m.id)
		}
		again := once
		again.dup = true
		pub2.send(again.bytes(5))
		pub2.expect(PUBREC)
		sub2.quiet()

		second := brokertest.New(t, embedded.Options{Folder: released})
		pub3, sub3 := connect(t, second, lasting("pub")), connect(t, second, lasting("sub"))
		if p := sub3.expect(PUBREL); len(p.body) < 2 {
			t.Errorf("got % x", p.body)
		}
		sub3.send(ack(PUBCOMP, m.id))
		pub3.send(post{topic: "t", payload: "another with the same identifier", qos: 2, id: 7}.bytes(5))
		pub3.expect(PUBREC)
		if next := sub3.expect(PUBLISH).post(5); next.payload != "another with the same identifier" {
			t.Errorf("got %+v", next)
		}
	})
}

// Publishers that publish at once may come into the queue in one order and into the journal in another.
func TestPublishersAtOnceOverACrash(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	bubble(t, embedded.Options{Folder: folder}, func(t *testing.T, b *brokertest.Broker) {
		const publishers, each = 8, 200
		sub := connect(t, b, lasting("sub"))
		sub.subscribe(filter{"t/#", 1})
		sub.nc.Close()
		synctest.Wait()
		var all sync.WaitGroup
		for p := range publishers {
			c := connect(t, b, hello{version: 5, id: fmt.Sprint("pub", p)})
			all.Go(func() {
				for i := range each {
					c.send(post{topic: fmt.Sprint("t/", p), payload: fmt.Sprint(i), qos: 1, id: i%10 + 1}.bytes(5))
					if i%10 == 9 {
						for range 10 {
							c.expect(PUBACK)
						}
					}
				}
			})
		}
		all.Wait()
		again := connect(t, brokertest.New(t, embedded.Options{Folder: crash(t, folder)}), lasting("sub"))
		next := map[string]int{}
		for range publishers * each {
			m := again.receive()
			if m.payload != fmt.Sprint(next[m.topic]) {
				t.Fatalf("%s brought %s, want %d", m.topic, m.payload, next[m.topic])
			}
			next[m.topic]++
		}
		again.quiet()
	})
}
