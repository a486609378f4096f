package outage

// reading is what one subscriber was promised and got.
type reading struct {
	name    string
	qos     byte
	streams map[*stream]bool
	tallies tallies
	group   *group // of a shared subscription, else nil

	open []*delivery // got and not acknowledged, in the order of the broker's sending
	last int         // the place in open of what came again last on this connection, -1 for nothing
}

// group is one shared subscription: its members' deliveries count together.
type group struct {
	name    string
	members []*reading
	tallies tallies
}

// tallies count how often each message has come, by stream and number less one.
type tallies map[*stream]*tally

type tally struct {
	times []uint8
	first uint64 // the highest number that has come
	whole int    // up to here nothing is missing or will be

	over, before uint64 // up to here nothing may come again: since the last rest, and since the one before
}

func (all tallies) of(s *stream) *tally {
	t := all[s]
	if t == nil {
		t = &tally{}
		all[s] = t
	}
	return t
}

// delivery is one message on its way to a subscriber that has not acknowledged it yet.
type delivery struct {
	stream   *stream
	number   uint64
	id       uint16
	at       uint64
	released bool // PUBREL has come: that is what comes again
	firm     bool // the broker must remember it over the outage
	again    bool // it has come on this connection
}

// Subscribes writes down what a subscriber is promised: every message with QoS 1 and 2 to the topics, which were opened before. group
// is the name of a shared subscription, empty for one of its own. It is called before the first message is sent.
func (l *Ledger) Subscribes(client string, qos byte, groupName string, topics ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &reading{name: client, qos: qos, streams: map[*stream]bool{}, tallies: tallies{}, last: -1}
	for _, topic := range topics {
		r.streams[l.streams[topic]] = true
	}
	if groupName != "" {
		g := l.groups[groupName]
		if g == nil {
			g = &group{name: groupName, tallies: tallies{}}
			l.groups[groupName] = g
		}
		g.members = append(g.members, r)
		r.group, r.tallies = g, g.tallies
	}
	l.readers[client] = r
}

// Connected writes down that a subscriber has a new connection. What it has not acknowledged must come again, in the same order.
func (l *Ledger) Connected(client string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.readers[client]
	r.last = -1
	for _, d := range r.open {
		d.again = false
	}
}

// Left writes down that a subscriber ends its connection while the broker lives.
func (l *Ledger) Left(client string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.readers[client].open {
		d.firm = true
	}
}

// Received writes down a PUBLISH that is not a repetition of a QoS 2 message which the subscriber still holds.
func (l *Ledger) Received(client, topic string, number uint64, qos byte, id uint16, dup bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, s := l.readers[client], l.streams[topic]
	if r == nil || s == nil || !r.streams[s] || number == 0 || number > uint64(len(s.messages)) {
		l.fault(&l.counts.Strange, "%s got message %d of %s, which nobody sent to it", client, number, topic)
		return
	}
	l.counts.Received++
	if most := min(s.qos, r.qos); qos != most {
		l.fault(&l.counts.Strange, "%s got message %d of %s with QoS %d instead of %d", client, number, topic, qos, most)
	}
	l.countIn(r, s, number, qos)
	if d, place := r.find(s, number, id); d != nil && !d.again {
		if !dup && d.firm { // [MQTT-3.3.1-1]
			l.fault(&l.counts.Unmarked, "%s got message %d of %s again, not marked as a duplicate", client, number, topic)
		}
		l.cameAgain(r, d, place)
		return
	}
	// With QoS 2 what a subscriber has got cannot be taken back: forgetting it would deliver the message a second time.
	r.open = append(r.open, &delivery{stream: s, number: number, id: id, at: l.tick(), again: true, firm: qos == 2})
}

// countIn judges a delivery by number: in order, and with QoS 2 only once.
func (l *Ledger) countIn(r *reading, s *stream, number uint64, qos byte) {
	t := r.tallies.of(s)
	for uint64(len(t.times)) < number {
		t.times = append(t.times, 0)
	}
	n := &t.times[number-1]
	if *n < 255 {
		*n++
	}
	switch {
	case *n > 1 && number <= t.over:
		l.fault(&l.counts.Stale, "%s got message %d of %s again, which it had acknowledged long ago", r.name, number, s.topic)
	case *n > 1 && qos == 2 && s.qos == 2:
		l.fault(&l.counts.DuplicatedQoS2, "%s got message %d of %s twice with QoS 2", r.name, number, s.topic)
	case *n > 1:
		l.counts.DuplicatedQoS1++
	case number < t.first && r.group == nil: // [MQTT-4.6.0-6]; shared subscriptions keep no order among their members
		l.fault(&l.counts.Reordered, "%s got message %d of %s after message %d", r.name, number, s.topic, t.first)
	}
	t.first = max(t.first, number)
}

// cameAgain judges a redelivery by its place among all that was not acknowledged [MQTT-4.6.0-1].
func (l *Ledger) cameAgain(r *reading, d *delivery, place int) {
	if place < r.last {
		l.fault(&l.counts.Reordered, "%s got message %d of %s again after one that had been sent later", r.name, d.number, d.stream.topic)
	}
	r.last = max(r.last, place)
	d.again = true
}

func (r *reading) find(s *stream, number uint64, id uint16) (*delivery, int) {
	for i, d := range r.open {
		if d.stream == s && d.number == number && d.id == id && !d.released {
			return d, i
		}
	}
	return nil, -1
}

// findID finds what came on this connection under an identifier before what came on an earlier one.
func (r *reading) findID(id uint16) (*delivery, int) {
	place := -1
	for i, d := range r.open {
		if d.id == id && (place < 0 || d.again) {
			place = i
		}
	}
	if place < 0 {
		return nil, -1
	}
	return r.open[place], place
}

// Repeated writes down a PUBLISH with QoS 2 under a packet identifier that the subscriber holds: it has answered, or is going to,
// with PUBREC, and has not got PUBREL. It is no second delivery [MQTT-4.3.3-10].
func (l *Ledger) Repeated(client, topic string, number uint64, id uint16, dup bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, s := l.readers[client], l.streams[topic]
	d, place := r.find(s, number, id)
	switch {
	case d == nil:
		l.fault(&l.counts.Strange, "%s got message %d of %s under packet identifier %d, which belongs to another one", client, number, topic, id)
		return
	case !dup:
		l.fault(&l.counts.Unmarked, "%s got message %d of %s again, not marked as a duplicate", client, number, topic)
	}
	l.cameAgain(r, d, place)
}

// Released writes down that PUBREL has come for a packet identifier. It comes again until it is answered.
func (l *Ledger) Released(client string, id uint16) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.readers[client]
	d, place := r.findID(id)
	if d == nil {
		return // it was answered, and the broker has not heard it
	}
	if !d.again {
		l.cameAgain(r, d, place)
	}
	d.released, d.firm = true, true
}

// Settled writes down that the subscriber sends the last acknowledgement for a packet identifier, PUBACK or PUBCOMP.
func (l *Ledger) Settled(client string, id uint16) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.readers[client]
	if _, i := r.findID(id); i >= 0 {
		r.open = append(r.open[:i], r.open[i+1:]...)
		if r.last >= i {
			r.last--
		}
	}
}

// Rest writes down that nothing is on its way: everything has come, and the broker has taken the subscribers' acknowledgements. None of
// that may ever come again; over an outage not, if something was acknowledged that had been sent after the rest.
func (l *Ledger) Rest() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rested = l.tick()
	for _, r := range l.readers {
		r.open = nil // what is left there was forgotten in an outage before the broker had to remember it
	}
	l.tallies(func(t *tally) { t.before, t.over = t.over, uint64(len(t.times)) })
}

// tallies calls f for each tally. The caller holds the lock.
func (l *Ledger) tallies(f func(*tally)) {
	for _, r := range l.readers {
		if r.group == nil || r == r.group.members[0] {
			for _, t := range r.tallies {
				f(t)
			}
		}
	}
}

// missing calls f for each message that was acknowledged and has not come. The caller holds the lock.
func (l *Ledger) missing(f func(who, topic string, number uint64)) {
	look := func(who string, s *stream, tallies tallies) {
		t := tallies.of(s)
		for i := t.whole; i < len(s.messages); i++ {
			m, come := s.messages[i], i < len(t.times) && t.times[i] > 0
			if m.acked && !come {
				f(who, s.topic, uint64(i+1))
			} else if i == t.whole && m.ended {
				t.whole++
			}
		}
	}
	for _, s := range l.order {
		for _, r := range l.readers {
			if r.group == nil && r.streams[s] {
				look(r.name, s, r.tallies)
			}
		}
		for _, g := range l.groups {
			if g.members[0].streams[s] {
				look("the group "+g.name, s, g.tallies)
			}
		}
	}
}

// forgotten calls f for each message that the broker had to send again and did not. The caller holds the lock.
func (l *Ledger) forgotten(f func(who string, d *delivery)) {
	for _, r := range l.readers {
		for _, d := range r.open {
			if d.firm && !d.again {
				f(r.name, d)
			}
		}
	}
}
