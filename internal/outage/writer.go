package outage

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

// lastingExpiry is how long the sessions of witnesses outlive their connections, in seconds.
const lastingExpiry = 3600

// writer is a publisher of numbered messages. What is not acknowledged is sent again on the next connection: within its session with
// the same packet identifier, marked as a duplicate; without one as a new message.
type writer struct {
	*client
	ledger   *Ledger
	topics   []string
	qos      byte
	retained bool
	size     int           // of a payload at least, in bytes
	window   int           // how many messages may be on their way
	pace     time.Duration // between two messages at least
	clears   int           // each so many'th message of a topic takes the value away; 0: none
	came     func(l *link) // called for each acknowledgement

	more chan struct{} // holds one wish to look whether something may be sent

	mu     sync.Mutex
	link   *link // nil while there is none
	met    bool  // it was welcomed before
	flows  []flow
	budget int // messages that it has yet to send
	turn   int // of the topics
}

// flow is one message on its way to the broker.
type flow struct {
	id       uint16
	topic    string
	number   uint64
	payload  []byte
	released bool // PUBREC has come; what is sent again is PUBREL
}

// write lets the writer send n more messages.
func (w *writer) write(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.budget += n
	w.poke()
}

// stop takes back what it has not begun to send.
func (w *writer) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.budget = 0
}

// idle says that everything it was told to send has been acknowledged.
func (w *writer) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.budget == 0 && len(w.flows) == 0 && w.link != nil
}

func (w *writer) poke() {
	select {
	case w.more <- struct{}{}:
	default: // it is going to look anyway
	}
}

// send sends what there is to send until ctx ends.
func (w *writer) send(ctx context.Context) {
	pause := time.NewTimer(redial)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.more:
		}
		for w.next() && ctx.Err() == nil {
			if w.pace > 0 {
				pause.Reset(w.pace)
				select {
				case <-ctx.Done():
				case <-pause.C:
				}
			}
		}
	}
}

// next sends one message, if it may.
func (w *writer) next() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.link == nil || w.budget == 0 || len(w.flows) >= min(w.window, int(w.link.window)) {
		return false
	}
	topic := w.topics[w.turn%len(w.topics)]
	clear := w.clears > 0 && w.turn/len(w.topics)%w.clears == w.clears-1
	w.turn++
	w.budget--
	f := flow{id: w.freeID(), topic: topic, number: w.ledger.Sent(topic, clear)}
	if !clear {
		f.payload = encodeNumber(f.number, w.size)
	}
	w.flows = append(w.flows, f)
	w.link.send(w.encode(f, false))
	return true
}

func (w *writer) encode(f flow, dup bool) []byte {
	return encodePublish(w.hello.version, f.id, f.topic, f.payload, w.qos, dup, w.retained)
}

// freeID is the lowest identifier that is free: one that is used again at once shows a broker that has not forgotten it.
func (w *writer) freeID() uint16 {
	for id := uint16(1); ; id++ {
		if w.find(id) < 0 {
			return id
		}
	}
}

func (w *writer) find(id uint16) int {
	return slices.IndexFunc(w.flows, func(f flow) bool { return f.id == id })
}

// up sends again what was not acknowledged, in its order.
func (w *writer) up(l *link, present bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.met && !present && w.hello.expiry > 0 {
		w.ledger.SessionLost(w.hello.id)
	}
	w.met, w.link = true, l
	if !present {
		w.flows = slices.DeleteFunc(w.flows, func(f flow) bool { return f.released }) // the broker has those messages
	}
	for _, f := range w.flows {
		if f.released {
			l.send(encodeAck(l.version, pubrelPacket, f.id, 0))
		} else {
			l.send(w.encode(f, present))
		}
	}
	w.poke()
}

func (w *writer) down() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.link = nil
}

func (w *writer) take(l *link, p packet) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.poke()
	i := w.find(p.id)
	if i < 0 {
		w.ledger.Strange(w.hello.id, "got an acknowledgement of nothing")
		if p.kind == pubrecPacket {
			l.send(encodeAck(l.version, pubrelPacket, p.id, packetIDNotFound))
		}
		return nil
	}
	f := &w.flows[i]
	switch {
	case p.kind == pubackPacket && w.qos == 1:
		w.taken(i, p.code)
		w.flows = slices.Delete(w.flows, i, i+1)
		w.came(l)
	case p.kind == pubrecPacket && w.qos == 2 && p.code >= failure && !f.released:
		w.taken(i, p.code)
		w.flows = slices.Delete(w.flows, i, i+1)
	case p.kind == pubrecPacket && w.qos == 2:
		if !f.released {
			w.taken(i, p.code)
			f.released = true
			w.came(l)
		}
		l.send(encodeAck(l.version, pubrelPacket, f.id, 0))
	case p.kind == pubcompPacket && f.released:
		w.flows = slices.Delete(w.flows, i, i+1)
	default:
		w.ledger.Strange(w.hello.id, "got an acknowledgement that does not belong to the message")
	}
	return nil
}

// taken writes down the broker's answer to a message. Answers come in the order of the messages [MQTT-4.6.0-2], [MQTT-4.6.0-3].
func (w *writer) taken(i int, code byte) {
	f := w.flows[i]
	if slices.IndexFunc(w.flows, func(f flow) bool { return !f.released }) != i {
		w.ledger.Strange(w.hello.id, "got acknowledgements out of order")
	}
	if code >= failure {
		w.ledger.Refused(f.topic, f.number)
	} else {
		w.ledger.Acked(f.topic, f.number)
	}
}

// encodeNumber makes a payload of at least size bytes that begins with a number; decodeNumber reads it, 0 for one that has none.
func encodeNumber(number uint64, size int) []byte {
	b := append(strconv.AppendUint(nil, number, 10), ' ')
	return append(b, bytes.Repeat([]byte{'.'}, max(0, size-len(b)))...)
}

func decodeNumber(payload []byte) uint64 {
	digits, _, _ := bytes.Cut(payload, []byte(" "))
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
