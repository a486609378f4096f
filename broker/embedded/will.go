package embedded

import (
	"context"
	"time"
)

// restartGrace is how long after a start of the broker the clients that were connected when it stopped have to come back
// before their wills are published. The standard lets a server that stops defer the wills to its next start (MQTT 5.0, 3.1.2.5).
const restartGrace = time.Minute

// will is a will message as CONNECT gave it.
type will struct {
	message *message
	delay   time.Duration
	expiry  time.Duration // of the message, counted from its publication; 0 means none
}

// overdueWill is a will whose client has gone, and which is to be published at a time.
type overdueWill struct {
	will    *will
	user    string
	due     time.Time
	restart bool // its client was connected when the broker stopped, and withdraws it by coming back, whatever its session
	leaving bool // it is being published; guarded by the registry

	forgotten bool // it is in queues, and written down as that; guarded by the registry
}

// testament is a will that is being published.
type testament struct {
	*overdueWill
	id       string // of its client
	registry *registry
}

// queued says that the will has been put into the queues of lasting sessions, and takes it away: after a crash it is there, or in these queues,
// and never both. The ledger's fence is held: a checkpoint that sees the will no more does not end before this is written down.
func (t *testament) queued(m *message, all []owed, l *ledger) (after position) {
	r := t.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wills[t.id] != t.overdueWill { // its client came back meanwhile, and that is written down
		return l.queued(m, all, receipt{}, nil)
	}
	delete(r.wills, t.id)
	t.forgotten = true
	return l.queued(m, all, receipt{}, &t.id)
}

// publishOverdue publishes a will whose time has come, and forgets it then: where no lasting session waits for it, a crash in between lets it
// come twice rather than never. A panic ends nothing but this.
func (b *Broker) publishOverdue(id string, w *overdueWill) {
	defer b.survive("publishing a will", called(id))
	b.publishWill(id, w)
	b.registry.forgetWill(id, w, b.ledger)
}

// publishWill brings a will in as a message of its client. It is called with no lock held, by whoever found that it is due.
func (b *Broker) publishWill(id string, o *overdueWill) {
	w := o.will
	if !b.permit(id, o.user).MayPublish(w.message.topic) {
		b.deny(Publishing, called(id), o.user, "", w.message.topic)
		return
	}
	m := *w.message
	m.client, m.will = called(id), true
	if w.expiry > 0 {
		m.expires = time.Now().Add(w.expiry)
	}
	owed := batch{will: testament{o, id, &b.registry}}
	defer owed.release()
	if !b.router.route(&m, nil, nil, &owed, nil) {
		b.reportFull(&m)
	}
	owed.settle(context.Background()) // the client's life is over; the handlers' calls end with their links
}
