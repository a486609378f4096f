package embedded_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	if s := b.Stats(); s.Sessions != 3 {
		t.Errorf("%d sessions, want sub, late and pub", s.Sessions)
	}
}

func TestSnapshotBringsEverythingBack(t *testing.T) {
	tests := []struct {
		name string
		end  func(t *testing.T, b *brokertest.Broker, file string) (restored string)
	}{
		{"after a stop", func(t *testing.T, b *brokertest.Broker, file string) string { b.Stop(); return file }},
		{"after a crash a minute later", func(t *testing.T, b *brokertest.Broker, file string) string {
			time.Sleep(time.Minute + time.Second)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			crashed := filepath.Join(t.TempDir(), "crashed")
			if err := os.WriteFile(crashed, data, 0o600); err != nil {
				t.Fatal(err)
			}
			b.Stop()
			return crashed
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "broker.snapshot")
			bubble(t, embedded.Options{Snapshot: file}, func(t *testing.T, b *brokertest.Broker) {
				furnish(t, b)
				restored := test.end(t, b, file)
				time.Sleep(10 * time.Second)
				inspect(t, brokertest.New(t, embedded.Options{Snapshot: restored}))
			})
		})
	}
}

func TestSnapshotFileIsPrivateAndLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "broker.snapshot")
	bubble(t, embedded.Options{Snapshot: file}, func(t *testing.T, b *brokertest.Broker) {
		furnish(t, b)
		b.Stop()
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("the folder holds %v, %v; want the snapshot alone", entries, err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the mode is %v, %v; want 0600", info.Mode(), err)
		}
	})
}

func TestNothingIsWrittenWhenNothingHasChanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broker.snapshot")
	bubble(t, embedded.Options{Snapshot: file}, func(t *testing.T, b *brokertest.Broker) {
		time.Sleep(time.Hour)
		if _, err := os.Stat(file); err == nil {
			t.Error("an idle broker wrote a snapshot")
		}
		c := connect(t, b, hello{id: "c"})
		c.publish(post{topic: "t", payload: "x", retain: true, qos: 1, id: 1})
		time.Sleep(time.Minute + time.Second)
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		c.publish(post{topic: "t", payload: "not kept", qos: 1, id: 1})
		time.Sleep(time.Hour)
		if _, err := os.Stat(file); err == nil {
			t.Error("the snapshot was written again though nothing in it had changed")
		}
	})
}

// Sessions, messages and wills go on ageing while the program does not run.
func TestTimePassesBetweenTwoLives(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broker.snapshot")
	bubble(t, embedded.Options{Snapshot: file}, func(t *testing.T, b *brokertest.Broker) {
		furnish(t, b)
		b.Stop()
		time.Sleep(1500 * time.Second)
		again := brokertest.New(t, embedded.Options{Snapshot: file})
		if s := again.Stats(); s.Retained != 2 || s.Queued != 3 || s.Sessions != 1 {
			t.Errorf("%d retained, %d queued, %d sessions; want 2, 3, 1", s.Retained, s.Queued, s.Sessions)
		}
		again.Stop()
		time.Sleep(3600 * time.Second)
		if s := brokertest.New(t, embedded.Options{Snapshot: file}).Stats(); s.Retained != 0 || s.Sessions != 0 {
			t.Errorf("%d retained and %d sessions, want none", s.Retained, s.Sessions)
		}
	})
}

// The wills of clients that were connected when the broker stopped are published after its next start, unless they come back.
func TestWillsOverARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broker.snapshot")
	bubble(t, embedded.Options{Snapshot: file}, func(t *testing.T, b *brokertest.Broker) {
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
		again := brokertest.New(t, embedded.Options{Snapshot: file})
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
	file := filepath.Join(t.TempDir(), "broker.snapshot")
	bubble(t, embedded.Options{Snapshot: file}, func(t *testing.T, b *brokertest.Broker) {
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
		again := brokertest.New(t, embedded.Options{Snapshot: file})
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

func TestADamagedSnapshotIsSetAside(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	bubble(t, embedded.Options{Snapshot: whole}, func(t *testing.T, b *brokertest.Broker) {
		furnish(t, b)
		b.Stop()
	})
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(data)
	flipped[len(flipped)-40] ^= 1
	tests := []struct {
		name     string
		data     []byte
		retained int
	}{
		{"empty", nil, 0},
		{"something else", []byte("{\"version\": 3}"), 0},
		{"cut at the end", data[:len(data)-1], 3},
		{"without its end record", data[:len(data)-10], 3},
		{"one bit changed near the end", flipped, 3},
		{"cut in the middle", data[:150], 2},
		{"with a length beyond measure", append(slices.Clone(data[:len("homehub broker snapshot 1\n")]), 2, 0xFF, 0xFF, 0xFF, 0xFF), 0},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(dir, fmt.Sprint("damaged", i))
			if err := os.WriteFile(file, test.data, 0o600); err != nil {
				t.Fatal(err)
			}
			var log journal
			bubble(t, embedded.Options{Snapshot: file, Logger: log.logger()}, func(t *testing.T, b *brokertest.Broker) {
				if got := b.Stats().Retained; got != test.retained {
					t.Errorf("%d retained messages were kept, want %d", got, test.retained)
				}
				aside, err := filepath.Glob(file + ".damaged-*")
				if err != nil || len(aside) != 1 {
					t.Errorf("set aside: %v, %v", aside, err)
				}
				if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "has been set aside") {
					t.Errorf("the log says nothing of it:\n%s", log.String())
				}
				connect(t, b, hello{id: "c"}).publish(post{topic: "t", payload: "x", qos: 1, id: 1, retain: true})
				b.Stop()
				again := brokertest.New(t, embedded.Options{Snapshot: file})
				if got := again.Stats().Retained; got != test.retained+1 {
					t.Errorf("%d retained messages are in the new snapshot, want %d", got, test.retained+1)
				}
			})
		})
	}
}

func TestASnapshotThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "not there")
		b, err := embedded.New(embedded.Options{Snapshot: filepath.Join(dir, "s")})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		l := b.Link()
		go func() { _ = l.Run(ctx, &recorder{}) }()
		ended := make(chan error)
		go func() { ended <- b.Run(ctx) }()
		synctest.Wait()
		client := connectTo(t, b)
		client.publish(post{topic: "t", payload: "x", retain: true, qos: 1, id: 1})
		stop()
		if err := <-ended; err == nil {
			t.Error("Run did not report it")
		}
	})
}
