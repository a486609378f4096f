package outage

// testament is the will that a client has left with the broker.
type testament struct {
	client  string
	state   fate
	at      uint64 // when the state began
	lasting bool   // the session outlives the connection, so that its CONNACK is a promise
	firm    bool   // it was with the broker before the outage
	times   int    // how often it was published in this state
	soon    bool   // it is due when its delay is over, and not only when the broker has waited for its client after an outage
}

// fate says what has to become of a will.
type fate int

const (
	living   fate = iota // its client is connected, or may come back: it must not be published
	departed             // its client said goodbye: the same
	deceased             // its client went without a goodbye and stays away: it must be published once
	unproven             // nobody can know
)

// Will writes down that a client was welcomed with a will. lasting says that its session outlives the connection. An earlier will of
// the same client is withdrawn by this [MQTT-3.1.3-9].
func (l *Ledger) Will(client string, lasting bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wills[client] = &testament{client: client, state: living, at: l.tick(), lasting: lasting}
}

// Goodbye writes down that the broker has taken a client's goodbye, which deletes the will [MQTT-3.1.2-10].
func (l *Ledger) Goodbye(client string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.wills[client]; w != nil {
		w.state, w.at, w.firm, w.times, w.lasting = departed, l.tick(), false, 0, false
	}
}

// Gone writes down that a client is gone without a goodbye and is not going to return before its will is published. soon says that
// it went while the broker lived, so that its will waits for its own delay only; after an outage a broker may give clients more time to
// come back.
func (l *Ledger) Gone(client string, soon bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.wills[client]; w != nil && w.state == living {
		w.state, w.times, w.soon = deceased, 0, soon
	}
}

// outage makes of what the broker need not know yet something that nobody can know.
func (w *testament) outage() {
	if !w.firm {
		w.state = unproven
	}
}

// Published writes down that a will has come to somebody who gets each message once.
func (l *Ledger) Published(client string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.wills[client]
	if w == nil {
		l.fault(&l.counts.Strange, "the will of %s was published, whom nobody knows", client)
		return
	}
	w.times++
	switch {
	case w.state == living:
		l.fault(&l.counts.WillsSpurious, "the will of %s was published, although it came back in time", client)
	case w.state == departed:
		l.fault(&l.counts.WillsSpurious, "the will of %s was published, although it had said goodbye", client)
	case w.state == deceased && w.times > 1:
		l.fault(&l.counts.WillsSpurious, "the will of %s was published twice", client)
	case w.state == deceased:
		l.counts.WillsPublished++
	}
}
