package outage

import "sync"

// inspector looks once at all retained messages, as a new client does who subscribes to them. A connection that breaks makes it begin
// anew.
type inspector struct {
	*client
	ledger *Ledger
	filter string // of the retained topics
	last   string // a retained topic that it subscribes to after them

	mu   sync.Mutex
	look *Look // nil before the first connection
	end  bool  // the last topic's message has come
}

// done says whether there is nothing more to wait for.
func (i *inspector) done() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.end && i.look.Awaits() == 0
}

// finish judges what was not seen, and ends the connection.
func (i *inspector) finish() {
	i.leave(goodbye)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.look == nil {
		i.look = i.ledger.Look()
	}
	i.look.End()
}

func (i *inspector) up(l *link, _ bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.look, i.end = i.ledger.Look(), false
	l.send(encodeSubscribe(l.version, 1, i.filter, 1))
	l.send(encodeSubscribe(l.version, 2, i.last, 1))
}

func (*inspector) down() {}

func (i *inspector) take(l *link, p packet) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if p.kind != publishPacket {
		return nil
	}
	if p.retain {
		i.look.Saw(p.topic, decodeNumber(p.payload))
		i.end = i.end || p.topic == i.last
	}
	if p.qos > 0 {
		l.send(encodeAck(l.version, pubackPacket, p.id, 0))
	}
	return nil
}
