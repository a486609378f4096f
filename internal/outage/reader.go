package outage

import (
	"context"
	"strings"
	"sync"
)

// reader is a subscriber with a session that lasts. It acknowledges what it gets at once, or holds one kind of acknowledgement back.
type reader struct {
	*client
	ledger *Ledger
	filter string
	qos    byte
	holds  byte                        // the acknowledgement that it holds back while it is told to, 0 for none
	own    func(topic, payload string) // gets what is not in the ledger, nil for nobody

	mu         sync.Mutex
	link       *link // nil while there is none
	met        bool
	subscribed bool
	holding    bool
	held       []packet            // what it has not answered on this connection
	inhand     map[uint16]struct{} // QoS 2 messages that it has got, and for which PUBREL has not come
}

// ready says whether it is connected and subscribed.
func (r *reader) ready() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.link != nil && r.subscribed
}

// hold says whether to hold acknowledgements back; those that were held leave when it ends.
func (r *reader) hold(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holding = on && r.holds != 0
	if r.holding {
		return
	}
	for _, p := range r.held {
		r.answer(p)
	}
	r.held = nil
}

// confirm waits until the broker has taken what was sent until now. It returns false when the connection has ended before that.
func (r *reader) confirm(ctx context.Context) (taken bool, err error) {
	r.mu.Lock()
	l := r.link
	r.mu.Unlock()
	if l == nil {
		return false, nil
	}
	pings := l.ping()
	err = until(ctx, func() bool { return l.answered(pings) || !r.connected() })
	return err == nil && l.answered(pings), err
}

// withdraw ends the connection while the broker lives.
func (r *reader) withdraw(how manner) {
	if r.own == nil {
		r.ledger.Left(r.hello.id)
	}
	r.leave(how)
}

func (r *reader) up(l *link, present bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !present {
		if r.met {
			r.ledger.SessionLost(r.hello.id)
		}
		r.inhand = map[uint16]struct{}{}
		r.subscribed = false
	}
	r.met, r.link, r.held = true, l, nil
	if r.own == nil {
		r.ledger.Connected(r.hello.id)
	}
	if !r.subscribed {
		l.send(encodeSubscribe(l.version, 1, r.filter, r.qos))
	}
}

func (r *reader) down() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.link, r.held = nil, nil // it gets them again
}

func (r *reader) take(_ *link, p packet) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch p.kind {
	case subackPacket:
		if len(p.codes) != 1 || p.codes[0] != r.qos {
			r.ledger.Strange(r.hello.id, "was refused its subscription")
			return errMalformed
		}
		r.subscribed = true
		return nil
	case publishPacket:
		if p.retain && r.own == nil {
			return nil // from before its subscription; nobody promised that
		}
		r.note(p)
	case pubrelPacket:
		delete(r.inhand, p.id)
		if r.own == nil {
			r.ledger.Released(r.hello.id, p.id)
		}
	default:
		r.ledger.Strange(r.hello.id, "got an acknowledgement of nothing")
		return nil
	}
	if p.qos == 0 && p.kind == publishPacket {
		return nil
	}
	if r.holding && answerTo(p) == r.holds {
		r.held = append(r.held, p)
		return nil
	}
	r.answer(p)
	return nil
}

// note writes a PUBLISH down.
func (r *reader) note(p packet) {
	_, again := r.inhand[p.id]
	again = again && p.qos == 2
	if p.qos == 2 {
		r.inhand[p.id] = struct{}{}
	}
	switch {
	case r.own != nil && !again:
		r.own(p.topic, strings.TrimRight(string(p.payload), "."))
	case r.own != nil:
	case again:
		r.ledger.Repeated(r.hello.id, p.topic, decodeNumber(p.payload), p.id, p.dup)
	default:
		r.ledger.Received(r.hello.id, p.topic, decodeNumber(p.payload), p.qos, p.id, p.dup)
	}
}

// answerTo is the kind of packet that answers one from the broker.
func answerTo(p packet) byte {
	switch {
	case p.kind == pubrelPacket:
		return pubcompPacket
	case p.qos == 2:
		return pubrecPacket
	}
	return pubackPacket
}

// answer sends what answers a packet from the broker. The caller holds the lock.
func (r *reader) answer(p packet) {
	if r.link == nil {
		return
	}
	kind := answerTo(p)
	if kind != pubrecPacket && r.own == nil {
		r.ledger.Settled(r.hello.id, p.id)
	}
	r.link.send(encodeAck(r.link.version, kind, p.id, 0))
}
