package embedded

import (
	"sync"
	"sync/atomic"
)

// keepBuffer is the greatest buffer that an idle connection holds on to.
const keepBuffer = 16 << 10

// spares are larger buffers, for connections that have much to write at the moment. What nobody uses is collected.
var spares = sync.Pool{New: func() any {
	b := make([]byte, 0, 8*keepBuffer)
	return &b
}}

// outbox is the ordered queue of bytes on their way to one client. It is bounded: what does not fit is either not put in
// (QoS 1 and 2 stay in the session's queue, QoS 0 is dropped) or ends the client (acknowledgements that it does not read).
type outbox struct {
	marked atomic.Bool // somebody has promised a flush

	mu      sync.Mutex
	buf     []byte        // not yet taken for writing
	spare   []byte        // a used buffer for the next round
	marks   []mark        // the parts of buf that depend on the journal, in order
	durable position      // what the journal has on disk
	pending int           // bytes in buf and on their way into the socket
	all     *atomic.Int64 // bytes of all that waits for clients, nil: nobody counts them
	counted int           // those of them that wait here
	writing bool          // somebody is writing what was taken
	closed  bool          // nothing more may be put in
	aliases shorthand
	limit   uint32        // the client's greatest packet, 0 for none
	total   Flow          // what was put in; of bytes, those that were written
	drained chan struct{} // closed when the outbox is closed, empty and nobody writes
}

// mark says that what stands in buf from start on must wait for a position.
type mark struct {
	start int
	after position
}

// open says what the client allows.
func (o *outbox) open(aliases uint16, limit uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.aliases.most, o.limit = min(int(aliases), maxOutAliases), limit
}

// put appends bytes that hold some packets, unless the outbox is closed or would then hold more than limit; an empty outbox takes anything.
func (o *outbox) put(b []byte, packets int, after position, limit int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.pending > 0 && o.pending+len(b) > limit {
		return false
	}
	o.add(b, packets, after)
	return true
}

// publish encodes a message at the end of the queue, under the same limit as put, and under one for what waits for all clients.
func (o *outbox) publish(m *outgoing, v5 bool, limit, limitInAll int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if waits := o.pending + len(m.payload); o.closed || o.pending > 0 && (waits > limit || o.crowds(waits, limitInAll)) {
		return false
	}
	o.encode(m, v5, 0)
	return true
}

// crowds says that so much here would be too much with what waits for the others. The caller holds the lock.
func (o *outbox) crowds(waits, limitInAll int) bool {
	return waits > ownShare && o.all != nil && o.all.Load()+int64(waits-o.counted) > int64(limitInAll)
}

// weigh counts what waits here, if it is more than each client may have: those who keep up have no part in what all share. The caller holds the lock.
func (o *outbox) weigh() {
	waits := 0
	if o.pending > ownShare {
		waits = o.pending
	}
	if waits != o.counted && o.all != nil {
		o.all.Add(int64(waits - o.counted))
		o.counted = waits
	}
}

// add and encode append, whatever the limit. The caller holds the lock. To a closed outbox nothing is appended.
func (o *outbox) add(b []byte, packets int, after position) {
	if o.closed {
		return
	}
	o.begin(after)
	o.buf = append(o.buf, b...)
	o.pending += len(b)
	o.weigh()
	o.total.Packets += uint64(packets)
}

func (o *outbox) encode(m *outgoing, v5 bool, after position) {
	if o.closed {
		return
	}
	o.begin(after)
	o.aliases.apply(m, o.limit)
	before := len(o.buf)
	o.widen(len(m.topic) + len(m.payload) + 64)
	o.buf = m.append(o.buf, v5)
	o.pending += len(o.buf) - before
	o.weigh()
	o.total.publish(m.level, len(m.payload))
}

// widen changes to a large buffer when n more bytes make the present one larger than a connection may keep.
func (o *outbox) widen(n int) {
	if size := len(o.buf) + n; size <= cap(o.buf) || size <= keepBuffer || cap(o.buf) > keepBuffer {
		return
	}
	large := *spares.Get().(*[]byte)
	o.buf = append(large[:0], o.buf...)
}

// begin starts an entry that depends on the journal up to a position. Entries never overtake each other, so only a position
// beyond all before it needs a mark.
func (o *outbox) begin(after position) {
	if o.buf == nil {
		o.buf, o.spare = o.spare, nil
	}
	if after > o.durable && (len(o.marks) == 0 || after > o.marks[len(o.marks)-1].after) {
		o.marks = append(o.marks, mark{len(o.buf), after})
	}
}

// release says that the journal is on disk up to a position. What waited for it leaves with the next flush.
func (o *outbox) release(durable position) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.durable = max(o.durable, durable)
}

// awaits returns the position that the next bytes wait for, 0 when they wait for none.
func (o *outbox) awaits() position {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.marks {
		if m.after > o.durable {
			return m.after
		}
	}
	return 0
}

// forfeit throws away what waits for the journal, which has failed.
func (o *outbox) forfeit() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.marks) > 0 && o.marks[0].after <= o.durable {
		o.marks = o.marks[1:]
	}
	if len(o.marks) > 0 {
		o.pending -= len(o.buf) - o.marks[0].start
		o.buf = o.buf[:o.marks[0].start]
		o.marks = nil
		o.weigh()
	}
}

// room says whether the outbox is short enough to be filled up from the session's queue.
func (o *outbox) room(limit int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.takes(limit)
}

// takes is room for a caller who holds the lock.
func (o *outbox) takes(limit int) bool { return !o.closed && o.pending < limit }

// take gives the caller what may be written, and with it the sole right to write until it calls wrote. It returns nothing
// when somebody else is writing (and will find what there is) or when there is nothing to write.
func (o *outbox) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing {
		return nil
	}
	b := o.ready()
	o.writing = len(b) > 0
	return b
}

// exchange is put and take in one, for an outbox with nothing in it: it returns what to write, nothing if it is not empty.
func (o *outbox) exchange(b []byte, packets int) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.writing || o.pending > 0 {
		return nil
	}
	o.add(b, packets, 0)
	o.writing = true
	return o.ready()
}

// more is take for the one who is writing already: it reports n bytes written since the last time and gives the next ones.
// used is the buffer that they came from, for another round. With nothing left to write the right to write ends.
func (o *outbox) more(n int, used []byte) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count(n)
	switch {
	case cap(used) > 16*keepBuffer: // more than it takes again and again
	case cap(used) > keepBuffer:
		large := used // of its own, or every call would allocate a header for what is seldom put there
		spares.Put(&large)
	case o.spare == nil:
		o.spare = used[:0]
	}
	b := o.ready()
	o.writing = len(b) > 0
	o.settle()
	return b
}

// wrote reports n bytes written, with more of the same buffer to come.
func (o *outbox) wrote(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count(n)
}

// count counts bytes that were written. The caller holds the lock.
func (o *outbox) count(n int) {
	o.pending -= n
	o.weigh()
	o.total.Bytes += uint64(n)
}

// flow returns the counts of now.
func (o *outbox) flow() Flow {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.total
}

// close lets nothing more in; what is inside may still be written. The channel is closed when that has happened or can
// no longer happen.
func (o *outbox) close() (drained <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.drained == nil {
		o.drained = make(chan struct{})
	}
	o.settle()
	return o.drained
}

// discard is called by the one who writes, when the connection takes no more: everything is thrown away.
func (o *outbox) discard() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf, o.spare, o.marks = nil, nil, nil
	o.pending, o.writing, o.closed = 0, false, true
	o.weigh()
	o.settle()
}

// abandon throws away what nobody is writing.
func (o *outbox) abandon() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pending -= len(o.buf)
	o.weigh()
	o.buf, o.spare, o.marks = nil, nil, nil
	o.settle()
}

// settle closes drained when its time has come. The caller holds the lock.
func (o *outbox) settle() {
	if o.drained == nil || o.writing || len(o.buf) > 0 {
		return
	}
	select {
	case <-o.drained:
	default:
		close(o.drained)
	}
}

// ready cuts the durable beginning off the queue.
func (o *outbox) ready() []byte {
	for len(o.marks) > 0 && o.marks[0].after <= o.durable {
		o.marks = o.marks[1:]
	}
	if len(o.marks) == 0 {
		b := o.buf
		o.buf, o.marks = nil, nil
		return b
	}
	n := o.marks[0].start
	if n == 0 { // as for whoever comes meanwhile: what waits may be much, and stays where it is
		return nil
	}
	b := append([]byte(nil), o.buf[:n]...)
	o.buf = append(o.buf[:0], o.buf[n:]...)
	for i := range o.marks {
		o.marks[i].start -= n
	}
	return b
}
