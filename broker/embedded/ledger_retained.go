package embedded

import (
	"context"
	"strings"

	"home.arpa/homehub/broker/embedded/journal"
)

// retained says that a message took its place among the retained ones, or cleared it. What was promised to nobody (QoS 0, and what the
// hub publishes, which it publishes anew in its next life) is written when its time comes, the newest of each topic. The caller
// holds the router's lock.
func (l *ledger) retained(m *message, promised bool) (after position) {
	if l == nil {
		return 0
	}
	if internal(m.topic) {
		return 0
	}
	if !promised {
		l.soil(m.topic)
		return 0
	}
	w := l.begin()
	defer l.commit(w, &after)
	if len(m.payload) == 0 {
		writeCleared(w, m.topic)
	} else {
		n := l.number(w, m)
		w.Record(retainedRecord)
		w.Number(n)
		w.End()
	}
	return after
}

func (l *ledger) soil(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dirty == nil {
		l.dirty = map[string]struct{}{}
	}
	l.dirty[topic] = struct{}{}
}

// internal says whether a topic is the broker's own, whose messages are made anew in each life.
func internal(topic string) bool { return strings.HasPrefix(topic, "$SYS/") }

// soiled returns the topics whose time has come.
func (l *ledger) soiled() map[string]struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	dirty := l.dirty
	l.dirty = nil
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
	if m := r.retained.get(topic); m == nil {
		writeCleared(w, topic)
	} else {
		n := l.number(w, m)
		w.Record(retainedRecord)
		w.Number(n)
		w.End()
	}
}
