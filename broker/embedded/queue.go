package embedded

// delivery is one message with QoS 1 or 2 on its way to one session.
type delivery struct {
	outgoing
	released bool // PUBREC has come: what is sent from now on is PUBREL
	after    position
}

// queue is what a session has to deliver, in order. The first sent entries are on their way on the present connection; an entry
// with a packet identifier was sent at least once, perhaps on an earlier one [MQTT-4.4.0-1]. Entries leave it when the client
// acknowledges them.
type queue struct {
	entries []delivery
	head    int // entries[:head] are gone
	sent    int // entries[head:head+sent] are on their way
	bytes   int
	lastID  uint16
}

func (q *queue) len() int { return len(q.entries) - q.head }

func (q *queue) push(d delivery) {
	if q.head > 64 && q.head > len(q.entries)/2 {
		n := copy(q.entries, q.entries[q.head:])
		clear(q.entries[n:])
		q.entries, q.head = q.entries[:n], 0
	}
	q.entries = append(q.entries, d)
	q.bytes += d.message.size()
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

// remove takes away the entry at a place that find returned, or that of waiting.
func (q *queue) remove(i int) {
	q.bytes -= q.entries[i].message.size()
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

// rewind says that the connection is gone: nothing is on its way any more.
func (q *queue) rewind() { q.sent = 0 }

// nextID returns a packet identifier that no entry uses. There are fewer entries with an identifier than identifiers.
func (q *queue) nextID() uint16 {
	for {
		q.lastID++
		if q.lastID != 0 && !q.uses(q.lastID) {
			return q.lastID
		}
	}
}

func (q *queue) uses(id uint16) bool {
	for i := q.head; i < len(q.entries) && q.entries[i].id != 0; i++ {
		if q.entries[i].id == id {
			return true
		}
	}
	return false
}
