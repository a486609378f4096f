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
}

// publishOverdue publishes a will whose time has come, and forgets it then: a crash in between lets it come twice rather than never. A panic
// ends nothing but this.
func (b *Broker) publishOverdue(id string, w *overdueWill) {
	defer b.survive("publishing a will", called(id))
	b.publishWill(id, w.user, w.will)
	b.registry.forgetWill(id, w, b.ledger)
}

// publishWill brings a will in as a message of its client. It is called with no lock held, by whoever found that it is due.
func (b *Broker) publishWill(id, user string, w *will) {
	if !b.permit(id, user).MayPublish(w.message.topic) {
		b.deny(Publishing, called(id), user, "", w.message.topic)
		return
	}
	m := *w.message
	m.client, m.will = called(id), true
	if w.expiry > 0 {
		m.expires = time.Now().Add(w.expiry)
	}
	var owed batch
	defer owed.release()
	if !b.router.route(&m, nil, nil, &owed, nil) {
		b.reportFull(&m)
	}
	owed.settle(context.Background()) // the client's life is over; the handlers' calls end with their links
}
