package load

import (
	"time"
)

const (
	// patience is how long the broker may take for a step that is no load.
	patience = 60 * time.Second
	// handshakes is how many connections of a group are made at once.
	handshakes = 100
)

// group connects many clients, and returns when all are accepted.
func (l *loop) group(logins []Login, handle func(*client, byte, []byte)) ([]*client, error) {
	all := make([]*client, 0, len(logins))
	var open []*client
	err := l.until("connecting", patience, func() bool {
		waiting := open[:0]
		for _, c := range open {
			if !c.ready {
				waiting = append(waiting, c)
			}
		}
		open = waiting
		for len(all) < len(logins) && len(open) < handshakes && l.failed == nil {
			c, err := l.dial(logins[len(all)], len(all))
			if err != nil {
				l.failed = err
				break
			}
			c.handle = handle
			all, open = append(all, c), append(open, c)
		}
		return len(open) == 0 && len(all) == len(logins)
	})
	return all, err
}

// subscribe subscribes each client once.
func (l *loop) subscribe(clients []*client, filter func(number int) string, qos byte) error {
	for _, c := range clients {
		c.out = appendSubscribe(c.out, c.nextID(), filter(c.number), qos)
		l.flush(c)
	}
	next := 0
	return l.until("subscribing", patience, func() bool {
		for next < len(clients) && clients[next].subs > 0 {
			next++
		}
		return next == len(clients)
	})
}
