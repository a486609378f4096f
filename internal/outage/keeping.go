package outage

// Look is one look at retained messages: what somebody gets who subscribes to all of them.
type Look struct {
	ledger *Ledger
	floors map[*stream]uint64 // what had been acknowledged when the look began
	seen   map[*stream]bool
}

// Look begins a look at all retained topics. It is called before SUBSCRIBE is sent.
func (l *Ledger) Look() *Look {
	l.mu.Lock()
	defer l.mu.Unlock()
	look := &Look{ledger: l, floors: map[*stream]uint64{}, seen: map[*stream]bool{}}
	for _, s := range l.order {
		if s.retained {
			look.floors[s] = s.acked
		}
	}
	return look
}

// Saw writes down a retained message. It must be the last that was acknowledged when the look began, or a later one.
func (k *Look) Saw(topic string, number uint64) {
	l := k.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[topic]
	floor, known := k.floors[s]
	if s == nil || !known || number == 0 || number > uint64(len(s.messages)) || s.messages[number-1].cleared {
		l.fault(&l.counts.RetainedWrong, "%s has a retained message %d, which nobody retained", topic, number)
		return
	}
	k.seen[s] = true
	if number < floor {
		l.fault(&l.counts.RetainedWrong, "%s has the retained message %d, although %d was acknowledged", topic, number, floor)
	}
}

// Awaits says how many topics must still be seen, because what was acknowledged last did not take the value away and nothing sent
// since then did.
func (k *Look) Awaits() (topics int) {
	l := k.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for s, floor := range k.floors {
		if !k.seen[s] && !s.mayBeEmpty(floor) {
			topics++
		}
	}
	return topics
}

// End judges the topics that were not seen.
func (k *Look) End() {
	l := k.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.order {
		floor, known := k.floors[s]
		if !known {
			continue
		}
		l.counts.RetainedSeen++
		if !k.seen[s] && !s.mayBeEmpty(floor) {
			l.fault(&l.counts.RetainedWrong, "%s has no retained message, although %d was acknowledged", s.topic, floor)
		}
	}
}

// mayBeEmpty says whether a topic of which a number was acknowledged may have no value.
func (s *stream) mayBeEmpty(floor uint64) bool {
	if floor == 0 {
		return true
	}
	for _, m := range s.messages[floor-1:] {
		if m.cleared {
			return true
		}
	}
	return false
}
