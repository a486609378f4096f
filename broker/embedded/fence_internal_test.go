package embedded

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/broker/embedded/journal"
)

// What a checkpoint must not see half of.

// newSessions builds a broker that does not run, with some sessions that last.
func newSessions(t *testing.T, o Options, ids ...string) (*Broker, []*session) {
	t.Helper()
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var all []*session
	for _, id := range ids {
		s := b.registry.newSession(id)
		s.keeps.Store(true)
		all = append(all, s)
	}
	return b, all
}

// The publisher's session knows of a QoS 2 message when the queues do. If a checkpoint saw it earlier, and the program crashed before the message
// was written down, the publisher's repetition would be acknowledged and thrown away.
func TestAQoS2MessageIsKnownWhenItIsQueued(t *testing.T) {
	b, s := newSessions(t, Options{Folder: filepath.Join(t.TempDir(), "broker")}, "pub", "sub")
	b.router.put(s[1], &subscription{filter: "t", qos: 2})
	c := &conn{broker: b, options: b.options(), session: s[0], connect: connect{version: mqtt5}}
	if fresh, ok := s[0].receive(c, 7); !fresh || !ok {
		t.Fatal("the message is not fresh")
	}
	if _, _, received, _, _ := s[0].copy(); len(received) > 0 {
		t.Errorf("identifiers %v are known before their message is queued", received)
	}
	owes := batch{receipt: receipt{s[0], 7}}
	b.router.route(&message{topic: "t", qos: 2}, s[0], nil, &owes, nil)
	if _, _, received, _, _ := s[0].copy(); !slices.Equal(received, []uint16{7}) {
		t.Errorf("identifiers %v are known, want 7", received)
	}
	if queue, _, _, _, _ := s[1].copy(); len(queue) != 1 {
		t.Errorf("%d messages are queued", len(queue))
	}
}

// A session that was one that lasts, and is not any more when a checkpoint comes to it, has messages in its queue whose memory is used
// again as soon as they are acknowledged: the checkpoint leaves them alone.
func TestACheckpointLeavesBorrowedMessagesAlone(t *testing.T) {
	b, s := newSessions(t, Options{Folder: filepath.Join(t.TempDir(), "broker")}, "sub")
	b.router.put(s[0], &subscription{filter: "t", qos: 1})
	listed, _ := b.registry.lasting(time.Now())
	if len(listed) != 1 {
		t.Fatalf("%d sessions last", len(listed))
	}
	s[0].keeps.Store(false) // its client has come back, and has said that it wants no more of it
	s[0].conn.Store(&conn{broker: b, options: b.options(), session: s[0]})
	var owed batch
	b.router.route(&message{topic: "t", payload: bytes.Repeat([]byte("x"), 100), qos: 1}, nil, nil, &owed, nil)
	if s[0].queue.len() != 1 || !s[0].queue.entries[0].borrowed {
		t.Fatal("the message is not borrowed")
	}
	if queue, _, _, _, _ := listed[0].copy(); len(queue) > 0 {
		t.Errorf("%d messages are copied, which are somebody else's soon", len(queue))
	}
}

// A member of a group that has just ended, whom a publisher still holds for one, takes no message away with it.
func TestAMemberThatHasJustEnded(t *testing.T) {
	b, s := newSessions(t, Options{}, "leaves", "stays")
	for _, each := range s {
		b.router.put(each, &subscription{filter: "$share/g/t", qos: 1})
	}
	g := b.router.groups["g/t"]
	s[0].discard() // it ends, and is still in the group
	var owed batch
	for range 4 {
		b.router.share(&message{topic: "t", qos: 1}, g, &owed, b.options())
	}
	if got := s[1].queue.len(); got != 4 {
		t.Errorf("the member that stays has %d messages of 4", got)
	}
}

func TestAMessageThatNoMemberHasRoomForIsReported(t *testing.T) {
	b, s := newSessions(t, Options{MaxQueued: 1}, "leaves", "stays")
	for _, each := range s {
		b.router.put(each, &subscription{filter: "$share/g/t", qos: 1})
	}
	g := b.router.groups["g/t"]
	s[0].discard() // whoever is chosen, one takes nothing and the other has no room
	var owed batch
	for range 5 {
		b.router.share(&message{topic: "t", qos: 1}, g, &owed, b.options())
	}
	if dropped := b.Stats().Overflowed; dropped != 4 {
		t.Errorf("%d messages of 4 were reported as lost", dropped)
	}
}

// crashed is what a crash would leave of a folder when all that a broker has written down until now is in it.
func crashed(t *testing.T, b *Broker, folder string) (left string) {
	t.Helper()
	left = filepath.Join(t.TempDir(), "left")
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.ledger.log.Run(ctx, b.checkpoint) }()
	durable := make(told, 1)
	b.ledger.log.Wait(b.ledger.present(), durable)
	if err := <-durable; err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(left, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	end()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return left
}

// told is a journal's waiter.
type told chan error

func (c told) Durable(journal.Position) { c <- nil }
func (c told) Failed(err error)         { c <- err }

// A crash can come when a session is over and not buried yet, and its client has begun another one under the same identifier.
func TestASessionThatIsFollowedByAnotherBeforeItsEnd(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broker")
	b, s := newSessions(t, Options{Folder: folder}, "same", "other")
	for _, each := range s {
		each.expiry = 3600
		b.ledger.session(each, 0)
	}
	group := &subscription{filter: "$share/g/t", qos: 2}
	b.router.subscribe(s[0], group, nil)
	var owed batch
	for range 3 {
		b.router.route(&message{topic: "t", qos: 2}, nil, nil, &owed, nil)
	}
	b.router.subscribe(s[1], &subscription{filter: "$share/g/t", qos: 2}, nil)
	next := b.registry.newSession("same")
	next.keeps.Store(true)
	next.expiry = 3600
	b.ledger.session(next, 0)
	again, err := New(Options{Folder: crashed(t, b, folder)})
	if err != nil {
		t.Fatal(err)
	}
	queued := map[string]int{}
	for _, each := range again.registry.all() {
		queued[each.id] += each.queue.len()
	}
	if len(queued) != 2 || queued["same"] != 0 || queued["other"] != 3 {
		t.Errorf("the sessions have %v, want 3 messages for the other one, and none for the next", queued)
	}
}

// A crash may come when a will has been published and not been forgotten yet.
func TestAWillIsPublishedOrKept(t *testing.T) {
	for name, c := range map[string]struct {
		qos, subscribed byte
		back            bool // its client comes back, with another will, while it is published
		kept, left      int  // wills, and messages in the queue, after the crash
	}{
		"a session that lasts has it":              {qos: 2, subscribed: 2, left: 1},
		"with QoS 1":                               {qos: 1, subscribed: 2, left: 1},
		"nobody has it whom a crash would not end": {qos: 0, subscribed: 2, kept: 1},
		"its client has another will by now":       {qos: 2, subscribed: 2, back: true, kept: 1, left: 1},
	} {
		folder := filepath.Join(t.TempDir(), "broker")
		b, s := newSessions(t, Options{Folder: folder}, "sub")
		s[0].expiry = 3600
		b.ledger.session(s[0], 0)
		b.router.subscribe(s[0], &subscription{filter: "#", qos: c.subscribed}, nil)
		willed := func(text string) *overdueWill {
			o := &overdueWill{will: &will{message: &message{topic: "t", payload: []byte(text), qos: c.qos}}, due: time.Now()}
			b.registry.wills["dead"] = o
			b.ledger.willed("dead", o)
			return o
		}
		o := willed("old")
		if c.back {
			willed("new")
		}
		b.publishWill("dead", o)
		again, err := New(Options{Folder: crashed(t, b, folder)})
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, each := range again.registry.all() {
			left += each.queue.len()
		}
		if kept := len(again.registry.wills); kept != c.kept || left != c.left {
			t.Errorf("%s: %d wills and %d messages are left, want %d and %d", name, kept, left, c.kept, c.left)
		}
		if kept := again.registry.wills["dead"]; c.back && string(kept.will.message.payload) != "new" {
			t.Errorf("%s: the old one is kept", name)
		}
	}
}

// watcher is a handler that calls a function with each message.
type watcher func(broker.Message)

func (w watcher) HandleMessage(_ context.Context, m broker.Message) { w(m) }
func (watcher) HandleSession(context.Context, broker.Session)       {}
func (watcher) HandleLink(bool, string)                             {}

// A will that is due stays in what a checkpoint writes until it has been published: those before it may take long, since their handlers
// may wait.
func TestAWillIsKeptUntilItIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{Folder: filepath.Join(t.TempDir(), "broker")})
		if err != nil {
			t.Fatal(err)
		}
		const count = 3
		for _, id := range []string{"a", "b", "c"} {
			b.registry.wills[id] = &overdueWill{will: &will{message: &message{topic: "will/" + id, payload: []byte("gone"), qos: 1}}, due: time.Now()}
		}
		published := 0
		ctx, end := context.WithCancel(t.Context())
		l := b.Link()
		l.Subscribe(broker.Subscription{Filter: "will/#", QoS: 1})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = l.Run(ctx, watcher(func(broker.Message) {
				if _, wills := b.registry.lasting(time.Now()); len(wills) != count-published {
					t.Errorf("with %d wills published before this one, %d of %d are kept", published, len(wills), count)
				}
				published++
			}))
		}()
		synctest.Wait()
		b.tidy(t.Context(), time.Now())
		if _, wills := b.registry.lasting(time.Now()); published != count || len(wills) > 0 {
			t.Errorf("%d wills were published, %d are kept", published, len(wills))
		}
		if next := b.tidy(t.Context(), time.Now()); published != count || !next.IsZero() {
			t.Errorf("%d wills were published in the end, the next is due at %s", published, next)
		}
		end()
		<-ended
	})
}

// A checkpoint does not end before those that are in the middle of something have ended it.
func TestACheckpointWaitsAtTheFence(t *testing.T) {
	b, _ := newSessions(t, Options{Folder: filepath.Join(t.TempDir(), "broker")}, "a")
	b.ledger.hold()
	written := make(chan struct{})
	go func() {
		defer close(written)
		b.checkpoint(&journal.Writer{})
	}()
	for b.ledger.fence.TryRLock() { // nobody waits for it
		b.ledger.fence.RUnlock()
		select {
		case <-written:
			t.Fatal("the checkpoint has ended")
		default:
			runtime.Gosched()
		}
	}
	b.ledger.letGo()
	<-written
}

// A member of a group ends at the instant at which a QoS 2 message has come into its queue, and is not in the journal yet. Whatever of the
// journal a crash leaves, the message is in one queue, or in none while its publisher's session does not know it and the publisher sends it
// again.
func TestAMemberThatEndsWhenAMessageHasJustComeForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "broker")
		b, s := newSessions(t, Options{Folder: folder}, "pub", "leaves", "stays")
		for _, each := range s {
			each.expiry = 3600
			b.ledger.session(each, 0)
		}
		b.router.subscribe(s[1], &subscription{filter: "$share/g/t", qos: 2}, nil)
		g := b.router.groups["g/t"]
		publisher := batch{receipt: receipt{s[0], 7}}
		b.ledger.hold()
		m := &message{topic: "t", payload: []byte("once"), qos: 2}
		b.router.share(m, g, &publisher, b.options())
		b.router.subscribe(s[2], &subscription{filter: "$share/g/t", qos: 2}, nil)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			b.ledger.hold()
			defer b.ledger.letGo()
			b.bury(s[1])
		}()
		synctest.Wait()
		if n := s[2].queue.len(); n > 0 {
			t.Errorf("%d messages were handed on before they were written down for the member that ends", n)
		}
		publisher.account(m, &b.router)
		b.ledger.letGo()
		<-ended
		if s[1].queue.len() != 0 || s[2].queue.len() != 1 {
			t.Errorf("%d messages with the one that has ended, %d with the other", s[1].queue.len(), s[2].queue.len())
		}
		again, err := New(Options{Folder: crashed(t, b, folder)})
		if err != nil {
			t.Fatal(err)
		}
		waiting := 0
		for _, each := range again.registry.all() {
			waiting += each.queue.len()
		}
		if waiting != 1 {
			t.Errorf("after a crash it is in %d queues", waiting)
		}
	})
}

// What was put into queues is accounted for even if the rest of the delivery panics: the queues would stand still behind it.
func TestADeliveryThatPanicsIsAccountedFor(t *testing.T) {
	b, s := newSessions(t, Options{Folder: filepath.Join(t.TempDir(), "broker"), MaxQueued: 1}, "a", "b")
	for _, each := range s {
		b.router.put(each, &subscription{filter: "t", qos: 1})
		b.router.put(each, &subscription{filter: "#", qos: 1}) // which makes the order in which they get it certain
	}
	s[1].queue.push(delivery{outgoing: outgoing{message: &message{topic: "t", qos: 1}, level: 1}}) // its queue is full
	b.router.full = func(*session) { panic("an error of the broker") }
	var owed batch
	func() {
		defer func() { _ = recover() }()
		b.router.route(&message{topic: "t", qos: 1}, nil, nil, &owed, nil)
	}()
	if n := s[0].queue.len(); n == 1 && !s[0].queue.entries[0].ready {
		t.Error("a message stays in its queue for ever")
	}
}

// A record names a message by a number that stands in the same file: in a new one the message is written down again.
func TestAMessageIsWrittenDownInEachFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "broker")
		b, s := newSessions(t, Options{Folder: folder}, "sub")
		s[0].expiry = 3600
		b.ledger.session(s[0], 0)
		end := b.write(t.Context())
		var owed batch
		b.router.route(&message{topic: "t", payload: []byte("x"), qos: 1, retain: true}, nil, nil, &owed, nil)
		segment := func() uint64 {
			w := b.ledger.log.Begin()
			defer w.Commit()
			return w.Segment()
		}
		first := segment()
		fill(b.ledger, 17<<20) // after which a checkpoint is due
		time.Sleep(time.Second)
		synctest.Wait()
		if segment() == first {
			t.Fatal("there is no new file")
		}
		d := delivery{outgoing: outgoing{message: b.router.kept("t"), level: 1}}
		d.seq = s[0].queue.push(d)
		b.ledger.replay(s[0], &d, "t")
		durable := make(told, 1)
		b.ledger.log.Wait(b.ledger.present(), durable)
		if err := <-durable; err != nil {
			t.Fatal(err)
		}
		left := filepath.Join(t.TempDir(), "left")
		if err := os.CopyFS(left, os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		again, err := New(Options{Folder: left})
		if err != nil {
			t.Fatal(err)
		}
		if q := &again.registry.sessions["sub"].queue; q.len() != 1 || string(q.waiting().payload) != "x" {
			t.Errorf("%d messages wait after a crash, want 1", q.len())
		}
	})
}
