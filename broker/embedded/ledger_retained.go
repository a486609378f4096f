package embedded

import (
	"context"
	"strings"

	"home.arpa/homehub/broker/embedded/journal"
)

// retained says that a message took its place among the retained ones, or cleared it. What was promised to nobody (QoS 0, and what the
// hub publishes, which it publishes anew in its next life) is written when its time comes, the newest of each topic, unless too much waits for that.
// The caller holds the router's lock.
func (l *ledger) retained(m *message, promised bool) (after position) {
	if l == nil || internal(m.topic) || !promised && l.soil(m.topic) {
		return 0
	}
	w := l.begin()
	defer func() {
		if l.commit(w, &after); !promised {
			after = 0
		}
	}()
	l.writeRetained(w, m)
	return after
}

// writeRetained writes what is retained under a topic now, nothing if the message has no content.
func (l *ledger) writeRetained(w *journal.Writer, m *message) {
	if len(m.payload) == 0 {
		writeCleared(w, m.topic)
		return
	}
	n := l.number(w, m)
	w.Record(retainedRecord)
	w.Number(n)
	w.End()
}

// maxSoil bounds, in bytes, what is noted to be written later.
const maxSoil = 16 << 20

// soil notes that what is retained under a topic is to be written when its time comes, and says whether there was room for that.
func (l *ledger) soil(topic string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, noted := l.dirty[topic]; noted {
		return true
	}
	if l.soilSize >= maxSoil {
		return false
	}
	if l.dirty == nil {
		l.dirty = map[string]struct{}{}
	}
	l.dirty[topic] = struct{}{}
	l.soilSize += len(topic) + 64
	return true
}

// soaked says that there is no room for more of that: whoever retains with QoS 0 has something for the journal then.
func (l *ledger) soaked() bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.soilSize >= maxSoil
}

// internal says whether a topic is the broker's own, whose messages are made anew in each life.
func internal(topic string) bool { return strings.HasPrefix(topic, "$SYS/") }

// soiled returns the topics whose time has come.
func (l *ledger) soiled() map[string]struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	dirty := l.dirty
	l.dirty, l.soilSize = nil, 0
	return dirty
}

// write writes what is retained under the topics whose time has come. Where that is much, it waits for the disk as long as ctx lasts, and
// not with the router's lock.
func (r *router) write(ctx context.Context, l *ledger) {
	for topic := range l.soiled() {
		_ = l.log.Room(ctx, journal.Fresh) // then the journal itself sees to it that it does not become too much
		r.writeOne(l, topic)
	}
}

func (r *router) writeOne(l *ledger, topic string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	w := l.begin()
	var after position // nobody waits for it
	defer l.commit(w, &after)
	m := r.retained.get(topic)
	if m == nil {
		m = &message{topic: topic}
	}
	l.writeRetained(w, m)
}
