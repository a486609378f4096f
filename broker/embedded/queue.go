package embedded

import (
	"cmp"
	"math"
	"slices"
	"sync/atomic"
)

// ownShare is what a queue may have in bytes however much waits in all of them.
const ownShare = 16 << 10

// delivery is one message with QoS 1 or 2 on its way to one session.
type delivery struct {
	outgoing
	seq       uint64   // its number in the session's queue
	after     position // what must be on disk before it may leave
	ready     bool     // it may leave, as far as the journal knows of it
	attempted bool     // it was sent before, perhaps on an earlier connection
	released  bool     // PUBREC has come: what is sent from now on is PUBREL
	borrowed  bool     // its message is in no other queue, and is given back when it leaves this one
	share     string   // the key of the shared subscription that it came by, empty for none
}

// weight is what it is counted as while it waits, in bytes.
func (d *delivery) weight() int { return d.message.size() + 4*len(d.subs) }

// queue is what a session has to deliver, in order. The first sent entries are on their way on the present connection; an entry
// with a packet identifier was sent at least once, perhaps on an earlier one [MQTT-4.4.0-1]. Entries leave it when the client
// acknowledges them.
type queue struct {
	entries []delivery
	head    int // entries[:head] are gone
	sent    int // entries[head:head+sent] are on their way
	bytes   int
	all     *atomic.Int64 // bytes of all queues, nil: nobody counts them
	next    uint64        // the number of the next entry
	lastID  uint16
	free    uint16 // how many identifiers behind lastID are known to be unused
}

func (q *queue) len() int { return len(q.entries) - q.head }

// count notes that so many bytes have come, or gone.
func (q *queue) count(bytes int) {
	q.bytes += bytes
	if q.all != nil {
		q.all.Add(int64(bytes))
	}
}

// room says whether there is room for one more message of a size. An empty queue takes any.
func (q *queue) room(size int, limits *Options) bool {
	bytes := q.bytes + size
	switch {
	case q.len() >= limits.MaxQueued:
		return false
	case q.len() == 0:
		return true
	case bytes <= ownShare:
		return bytes <= limits.MaxQueuedBytes
	}
	return bytes <= limits.MaxQueuedBytes && (q.all == nil || q.all.Load()+int64(size) <= int64(limits.MaxQueuedInAll))
}

// push appends an entry and returns its number.
func (q *queue) push(d delivery) uint64 {
	if len(q.entries) == cap(q.entries) && q.head > len(q.entries)/2 { // moving half of them is cheaper than more memory
		n := copy(q.entries, q.entries[q.head:])
		clear(q.entries[n:])
		q.entries, q.head = q.entries[:n], 0
	}
	d.seq = q.next
	q.next++
	q.entries = append(q.entries, d)
	q.count(d.weight())
	return d.seq
}

// waiting returns the first entry that is not on its way, nil when there is none.
func (q *queue) waiting() *delivery {
	if q.sent == q.len() {
		return nil
	}
	return &q.entries[q.head+q.sent]
}

// find returns the place of the entry that is on its way with this packet identifier, -1 when there is none.
func (q *queue) find(id uint16) int {
	for i := q.head; i < q.head+q.sent; i++ {
		if q.entries[i].id == id {
			return i
		}
	}
	return -1
}

// insert puts an entry back into its place by its number, unless it is there.
func (q *queue) insert(d delivery) {
	i, found := q.search(d.seq)
	if found {
		return
	}
	q.entries = slices.Insert(q.entries, q.head+i, d)
	q.next = max(q.next, d.seq+1)
	q.count(d.weight())
}

func (q *queue) search(seq uint64) (i int, found bool) {
	return slices.BinarySearchFunc(q.entries[q.head:], seq, func(d delivery, seq uint64) int { return cmp.Compare(d.seq, seq) })
}

// place returns where the entry with a number is, -1 when it is not there any more. Entries are in the order of their numbers.
func (q *queue) place(seq uint64) int {
	i, found := q.search(seq)
	if !found {
		return -1
	}
	return q.head + i
}

// remove takes away the entry at a place that find returned, or that of waiting.
func (q *queue) remove(i int) {
	q.count(-q.entries[i].weight())
	if i < q.head+q.sent {
		q.sent--
	}
	copy(q.entries[q.head+1:i+1], q.entries[q.head:i]) // those before it move up by one
	q.entries[q.head] = delivery{}
	q.head++
	if q.head == len(q.entries) {
		q.head = 0
		q.entries = q.entries[:0]
		if cap(q.entries) > 64 {
			q.entries = nil
		}
	}
}

// dropWaiting takes away the first entry that is not on its way.
func (q *queue) dropWaiting() { q.remove(q.head + q.sent) }

// accounted says whether all entries are in the journal.
func (q *queue) accounted() bool {
	return !slices.ContainsFunc(q.entries[q.head:], func(d delivery) bool { return !d.ready })
}

// rewind says that the connection is gone: nothing is on its way any more.
func (q *queue) rewind() { q.sent = 0 }

// nextID returns a packet identifier that no entry uses. There are fewer entries with an identifier than identifiers.
func (q *queue) nextID() uint16 {
	for {
		if q.free == 0 {
			q.free = q.gap()
		}
		q.lastID++
		if q.free > 0 {
			q.free--
			if q.lastID != 0 {
				return q.lastID
			}
		}
	}
}

// gap counts the identifiers behind lastID up to the next one that an entry uses.
func (q *queue) gap() uint16 {
	gap := uint16(math.MaxUint16)
	for i := q.head; i < len(q.entries) && q.entries[i].id != 0; i++ {
		gap = min(gap, q.entries[i].id-q.lastID-1)
	}
	return gap
}
