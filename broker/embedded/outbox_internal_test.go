package embedded

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What depends on the journal waits for its position, and holds back what stands behind it.
func TestOutboxWaitsForTheJournal(t *testing.T) {
	const limit = 1 << 20
	var o outbox
	take := func() string {
		b := o.take()
		s := string(b)
		for len(b) > 0 {
			b = o.more(len(b), b)
			s += string(b)
		}
		return s
	}
	put := func(s string, after position) {
		if !o.put([]byte(s), 1, after, limit) {
			t.Fatalf("%q was not taken", s)
		}
	}
	put("a", 0)
	put("b", 5)
	put("c", 0)
	put("d", 5)
	put("e", 7)
	put("f", 0)
	for _, step := range []struct {
		durable position
		want    string
	}{{0, "a"}, {4, ""}, {5, "bcd"}, {6, ""}, {9, "ef"}, {9, ""}} {
		o.release(step.durable)
		if got := take(); got != step.want {
			t.Errorf("with the journal at %d, %q left, want %q", step.durable, got, step.want)
		}
	}
	put("g", 8)
	put("h", 20)
	if got := take(); got != "g" {
		t.Errorf("%q left, want what is durable already", got)
	}
	if o.pending != 1 {
		t.Errorf("%d bytes are pending, want 1", o.pending)
	}
}

// Who exchanges writes at once, so nothing may be before it, and nobody may write beside it.
func TestOnlyAnEmptyOutboxExchanges(t *testing.T) {
	var o outbox
	exchange := func() string { return string(o.exchange([]byte("answer"), 1)) }
	if got := exchange(); got != "answer" {
		t.Errorf("an empty outbox gives %q", got)
	}
	o.put([]byte("news"), 1, 0, 100)
	if got := exchange() + string(o.take()); got != "" {
		t.Errorf("%q is given while somebody writes", got)
	}
	if got := string(o.more(len("answer"), nil)); got != "news" {
		t.Errorf("after the answer, %q is to be written", got)
	}
	o.more(len("news"), nil)
	o.put([]byte("later"), 1, 5, 100) // waits for the journal
	if got := exchange(); got != "" {
		t.Errorf("%q overtakes what waits", got)
	}
	o.forfeit()
	if got := exchange(); got != "answer" {
		t.Errorf("an outbox that is empty again gives %q", got)
	}
	o.more(len("answer"), nil)
	o.close()
	if got := exchange(); got != "" {
		t.Errorf("a closed outbox gives %q", got)
	}
}

func TestOutboxIsBounded(t *testing.T) {
	var o outbox
	if !o.put(make([]byte, 100), 1, 0, 10) {
		t.Error("an empty outbox refused a large packet")
	}
	if o.put([]byte{1}, 1, 0, 100) {
		t.Error("a full outbox took more")
	}
	b := o.take()
	if o.put([]byte{1}, 1, 0, 100) {
		t.Error("what is being written does not count")
	}
	if b = o.more(100, b); b != nil || !o.put([]byte{1}, 1, 0, 100) {
		t.Error("what was written still counts")
	}
	drained := o.close()
	if o.put([]byte{1}, 1, 0, 100) {
		t.Error("a closed outbox took more")
	}
	select {
	case <-drained:
		t.Error("it is drained with a byte inside")
	default:
	}
	o.more(1, o.take())
	<-drained
}

// What waits for those who do not keep up is counted with what waits for all, and no longer when it has gone, in whatever way.
func TestOutboxesAreCountedTogether(t *testing.T) {
	const much = 10 * ownShare
	for name, end := range map[string]func(o *outbox, taken []byte){
		"written":                func(o *outbox, taken []byte) { o.more(much, o.more(much, taken)) },
		"written piece by piece": func(o *outbox, taken []byte) { o.wrote(much - 1); o.more(much, o.more(1, taken)) },
		"cut off":                func(o *outbox, _ []byte) { o.discard() },
		"left, and written":      func(o *outbox, taken []byte) { o.abandon(); o.more(much, taken) },
		"left, and cut off":      func(o *outbox, _ []byte) { o.abandon(); o.discard() },
		"failed by the disk": func(o *outbox, taken []byte) {
			o.forfeit()
			if n := o.all.Load(); n != much {
				t.Errorf("%d bytes are counted when those that waited for the disk have gone, want %d", n, much)
			}
			o.more(much, taken)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var all atomic.Int64
			o := outbox{all: &all}
			o.put(make([]byte, ownShare), 1, 0, 1)
			if n := all.Load(); n != 0 {
				t.Errorf("%d bytes are counted, and each may have %d", n, ownShare)
			}
			o.put(make([]byte, much-ownShare), 1, 0, much)
			taken := o.take()
			o.put(make([]byte, much), 1, 5, 2*much)
			if n := all.Load(); n != 2*much {
				t.Errorf("%d bytes are counted, want %d", n, 2*much)
			}
			if name == "written" || name == "written piece by piece" {
				o.release(5)
			}
			end(&o, taken)
			if n := all.Load(); n != 0 || o.pending != 0 {
				t.Errorf("%d bytes are counted in the end, %d are pending", n, o.pending)
			}
		})
	}
}

func TestQueueKeepsOrderAndIdentifiers(t *testing.T) {
	var q queue
	q.lastID = 65533
	m := &message{topic: "t"}
	for range 6 {
		q.push(delivery{outgoing: outgoing{message: m, level: 1}})
	}
	var ids []uint16
	for q.waiting() != nil {
		d := q.waiting()
		d.id = q.nextID()
		ids = append(ids, d.id)
		q.sent++
	}
	if diff := cmp.Diff([]uint16{65534, 65535, 1, 2, 3, 4}, ids); diff != "" {
		t.Error(diff)
	}
	q.remove(q.find(1))
	q.remove(q.find(65534))
	q.remove(q.find(4))
	if q.find(1) >= 0 || q.len() != 3 || q.sent != 3 {
		t.Errorf("%d entries, %d sent, want 3 and 3", q.len(), q.sent)
	}
	q.rewind()
	ids = nil
	for q.waiting() != nil {
		ids = append(ids, q.waiting().id)
		q.sent++
	}
	if diff := cmp.Diff([]uint16{65535, 2, 3}, ids); diff != "" {
		t.Error(diff)
	}
	q.lastID, q.free = 65534, 0
	if id := q.nextID(); id != 1 {
		t.Errorf("the next identifier is %d, want 1, since 65535 is in use and 0 is none", id)
	}
}

// Identifiers go round several times. One message is never acknowledged, the others soon, though not in order.
func TestNoIdentifierIsUsedTwiceAtOnce(t *testing.T) {
	var q queue
	m := &message{topic: "t"}
	dice := rand.New(rand.NewPCG(1, 2))
	used := map[uint16]bool{}
	for n := range 300_000 {
		q.push(delivery{outgoing: outgoing{message: m, level: 1}})
		d := q.waiting()
		d.id = q.nextID()
		q.sent++
		if d.id == 0 || used[d.id] {
			t.Fatalf("message %d has the identifier %d, which is in use", n, d.id)
		}
		used[d.id] = true
		for q.len() > 1+dice.IntN(40) {
			i := q.head + 1 + dice.IntN(min(q.len()-1, 5)) // not the first one
			delete(used, q.entries[i].id)
			q.remove(i)
		}
	}
	if q.bytes != q.len()*m.size() || q.sent != q.len() || q.len() != len(used) {
		t.Errorf("%d messages of %d bytes wait, of which %d are on their way, want %d", q.len(), q.bytes, q.sent, len(used))
	}
	if cap(q.entries) > 256 {
		t.Errorf("a queue of up to 41 messages has room for %d", cap(q.entries))
	}
}

func TestRetainedTreeForgetsEmptyBranches(t *testing.T) {
	var r retained
	for _, topic := range []string{"a/b/c", "a/b", "x"} {
		r.set(&message{topic: topic, payload: []byte("1")})
	}
	r.clear("a/b/c")
	r.clear("a/b/c")
	r.clear("a/never")
	r.clear("a/b")
	r.clear("x")
	if r.count != 0 || r.bytes != 0 || len(r.root.children) != 0 {
		t.Errorf("%d messages, %d bytes and %d branches are left", r.count, r.bytes, len(r.root.children))
	}
}

// BenchmarkWaitingOutbox is what a flush costs while all that there is, 1 MiB, waits for the journal.
func BenchmarkWaitingOutbox(b *testing.B) {
	var o outbox
	o.put(make([]byte, 1<<20), 1, 1, 1)
	for b.Loop() {
		if len(o.take()) > 0 {
			b.Fatal("it does not wait")
		}
	}
}
