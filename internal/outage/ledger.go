package outage

import (
	"fmt"
	"sync"
)

// maxFaults bounds the faults that a ledger describes; the counts go on.
const maxFaults = 40

// Ledger is what the witnesses of an outage have written down, and judges it. It knows no clock and no connection: what it is told,
// and in which order, is all. A topic belongs to one publisher, who numbers its messages from 1 on. Its methods may be called by
// several goroutines at once.
type Ledger struct {
	mu      sync.Mutex
	now     uint64 // counts what was written down; the order of events
	proven  uint64 // the latest moment at which a message was sent that has been acknowledged
	rested  uint64 // the last rest
	streams map[string]*stream
	order   []*stream
	readers map[string]*reading
	groups  map[string]*group
	wills   map[string]*testament
	counts  Verdict
}

// stream is one publisher's messages to one topic, by their numbers less one.
type stream struct {
	topic    string
	qos      byte
	retained bool
	messages []sent
	acked    uint64 // the highest number that was acknowledged
}

type sent struct {
	at      uint64
	acked   bool
	ended   bool // acknowledged or refused: nobody sends it again
	cleared bool // retained, with an empty payload: takes the value away
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{streams: map[string]*stream{}, readers: map[string]*reading{}, groups: map[string]*group{}, wills: map[string]*testament{}}
}

// tick gives what is written down its place in the order. The caller holds the lock.
func (l *Ledger) tick() uint64 {
	l.now++
	return l.now
}

// fault counts a violation and describes it. The caller holds the lock.
func (l *Ledger) fault(count *int, format string, args ...any) {
	*count++
	if len(l.counts.Faults) < maxFaults {
		l.counts.Faults = append(l.counts.Faults, fmt.Sprintf(format, args...))
	}
}

// Publishes opens a topic of a publisher's.
func (l *Ledger) Publishes(topic string, qos byte, retained bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &stream{topic: topic, qos: qos, retained: retained}
	l.streams[topic] = s
	l.order = append(l.order, s)
}

// Sent writes down a new message, before its first byte leaves, and returns its number. Sending it again is not written down.
// cleared says of a retained message that it takes the value away.
func (l *Ledger) Sent(topic string, cleared bool) (number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[topic]
	s.messages = append(s.messages, sent{at: l.tick(), cleared: cleared})
	l.counts.Sent++
	return uint64(len(s.messages))
}

// Acked writes down that the broker has taken a message over: PUBACK or PUBREC has come.
func (l *Ledger) Acked(topic string, number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[topic]
	m := &s.messages[number-1]
	if m.ended {
		return
	}
	m.acked, m.ended = true, true
	s.acked = max(s.acked, number)
	l.proven = max(l.proven, m.at)
	l.counts.Acknowledged++
}

// Refused writes down that the broker has said no to a message.
func (l *Ledger) Refused(topic string, number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := &l.streams[topic].messages[number-1]; !m.ended {
		m.ended = true
		l.counts.Refused++
	}
}

// Outage writes down that the broker is about to be killed. What was acknowledged before must outlive that, and so must what the
// broker did before it got a message that it has acknowledged.
func (l *Ledger) Outage() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.readers {
		for _, d := range r.open {
			d.firm = d.firm || d.at < l.proven && d.stream.messages[d.number-1].acked
		}
	}
	if l.rested > l.proven {
		l.tallies(func(t *tally) { t.over = t.before })
	}
	for _, w := range l.wills {
		w.firm = w.firm || w.lasting || w.at < l.proven
		w.outage()
	}
}

// SessionLost writes down that a client was welcomed without the session that it had been promised.
func (l *Ledger) SessionLost(client string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault(&l.counts.SessionsLost, "%s came back to a broker that does not know its session", client)
}

// Strange writes down something else that a broker must not do.
func (l *Ledger) Strange(client, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault(&l.counts.Strange, "%s: %s", client, what)
}
