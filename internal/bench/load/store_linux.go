package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"home.arpa/homehub/internal/bench/proc"
)

// Store publishes messages with QoS 1 over one connection, and waits until all are acknowledged.
type Store struct {
	// Count of messages, each retained under a topic of its own, or all for one session's queue.
	Count int
	// Queue is the client identifier of a session that is made for them, whose client goes away before they come. Empty: the
	// messages are retained.
	Queue string
	// Payload is in bytes, at least 20. Zero: 150.
	Payload int
}

// Run stores the messages, and returns what happened meanwhile.
func (s Store) Run(ctx context.Context, b Broker) (proc.Usage, error) {
	l, err := newLoop(ctx, b.Address)
	if err != nil {
		return proc.Usage{}, err
	}
	defer l.close()
	if s.Queue != "" {
		if err := s.prepare(l); err != nil {
			return proc.Usage{}, err
		}
	}
	acked := 0
	publishers, err := l.group([]Login{{Client: "store", KeepAlive: 300}}, func(_ *client, first byte, _ []byte) {
		if first>>4 == pubackPacket {
			acked++
		}
	})
	if err != nil {
		return proc.Usage{}, err
	}
	payload := bytes.Repeat([]byte(" "), max(s.Payload, stampSize))
	if s.Payload == 0 {
		payload = bytes.Repeat([]byte(" "), 150)
	}
	c, sent := publishers[0], 0
	before := proc.Take(b.PID)
	err = l.until("storing messages", patience, func() bool {
		for sent < s.Count && sent-acked < 100 && len(c.out) < 8192 {
			t := newTemplate(s.topic(sent), 1, s.Queue == "", payload)
			sent++
			c.out = t.append(c.out, c.nextID(), stamp{sequence: uint64(sent), sent: l.now()})
		}
		l.flush(c)
		return acked == s.Count
	})
	if err != nil {
		return proc.Usage{}, err
	}
	l.leave(c)
	return before.Until(proc.Take(b.PID)), nil
}

// topic spreads what is retained over 40 rooms.
func (s Store) topic(i int) string {
	if s.Queue != "" {
		return "queue/" + s.Queue
	}
	return fmt.Sprintf("home/room-%d/device-%d/state", i%40, i)
}

// prepare makes the session.
func (s Store) prepare(l *loop) error {
	clients, err := l.group([]Login{{Client: s.Queue, KeepAlive: 300, Persistent: true}}, nil)
	if err != nil {
		return err
	}
	if err := l.subscribe(clients, func(int) string { return "queue/" + s.Queue }, 1); err != nil {
		return err
	}
	l.leave(clients[0])
	return nil
}

// Fetch is a client that comes to get stored messages.
type Fetch struct {
	// Count of messages that are expected.
	Count int
	// Queue is the client identifier of the session that has them. Empty: a new client subscribes to everything, for what is
	// retained.
	Queue string
	// Stall is how long nothing may come until the rest counts as lost. Zero: 2 s.
	Stall time.Duration
}

// Fetched is what came.
type Fetched struct {
	// Messages that came, Repeated ones that came twice or out of order.
	Messages, Repeated int
	// Took is the time from the SUBSCRIBE (or, for a queue, from the connection) until the last message.
	Took time.Duration
	proc.Usage
}

// Run gets the messages.
func (f Fetch) Run(ctx context.Context, b Broker) (Fetched, error) {
	l, err := newLoop(ctx, b.Address)
	if err != nil {
		return Fetched{}, err
	}
	defer l.close()
	var out Fetched
	seen, last, newest := make([]bool, f.Count+1), time.Now(), uint64(0)
	login := Login{Client: "fetch", KeepAlive: 300}
	if f.Queue != "" {
		login.Client, login.Persistent = f.Queue, true
	}
	before := proc.Take(b.PID)
	clients, err := l.group([]Login{login}, func(c *client, first byte, body []byte) {
		if first>>4 != publishPacket {
			return
		}
		id, s, stamped, ok := decodePublish(first, body)
		if ok && first>>1&3 == 1 {
			c.out = appendAck(c.out, pubackPacket, id)
		}
		if !ok || !stamped || s.sequence > uint64(f.Count) {
			return
		}
		last = time.Now()
		if seen[s.sequence] || f.Queue != "" && s.sequence < newest {
			out.Repeated++
			return
		}
		seen[s.sequence], newest = true, s.sequence
		out.Messages++
	})
	if err != nil {
		return Fetched{}, err
	}
	begun := time.Now()
	if f.Queue == "" {
		before = proc.Take(b.PID)
		c := clients[0]
		c.out = appendSubscribe(c.out, c.nextID(), "#", 0)
		l.flush(c)
	}
	last = begun
	stall := f.Stall
	if stall == 0 {
		stall = 2 * time.Second
	}
	var still lull
	counted := 0
	err = l.until("fetching messages", patience, func() bool {
		came := out.Messages + out.Repeated
		moved := came != counted
		counted = came
		return out.Messages == f.Count || still.look(time.Now(), moved) > stall
	})
	if err != nil {
		return Fetched{}, err
	}
	out.Took, out.Usage = last.Sub(begun), before.Until(proc.Take(b.PID))
	l.leave(clients[0])
	if out.Messages == 0 && f.Count > 0 {
		return out, errors.New("fetching messages: none came")
	}
	return out, nil
}
