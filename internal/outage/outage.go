// Package outage watches what a broker's sudden death costs. Its witnesses are MQTT clients of their own making: they write numbered
// messages, note which were acknowledged and what came to whom, in which order and how often, survive the end of their connections at
// any moment as the standard demands of a client, and give a verdict in the end. Process is the program that is killed and started again.
//
// internal/app pulls the plug of a demo with it, internal/e2e crashes the real program with it. It speaks MQTT by itself and imports
// nothing of ours, so that it shares no mistake with the broker. It never decides by the clock whether something is right; clocks only
// say how long to wait for what ought to come.
package outage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Options of the witnesses. Address or Dial is needed.
type Options struct {
	// Address is the broker's host and port.
	Address string
	// Dial connects to the broker in another way; nil: over TCP to Address.
	Dial func(context.Context) (net.Conn, error)
	// Window is how many messages of each publisher may be on their way. Zero: 16.
	Window int
	// Pace is the least time between two messages of one publisher. Zero: none.
	Pace time.Duration
	// Payload is the least size of a message in bytes. Zero: 100.
	Payload int
	// Keep is how many topics each of the two writers of retained messages has. Zero: 60.
	Keep int
	// Bulk is the size in bytes of the messages of one more such writer, who fills the disk. Zero: there is none.
	Bulk int
	// Quiet is how long nothing may happen until what has not come is given up. Zero: 10 s.
	Quiet time.Duration
	// Grace is how long after a restart a broker may wait for clients before it publishes their wills. Zero: 90 s.
	Grace time.Duration
	// Logger gets the ends of connections, at debug level. Nil: nothing is logged.
	Logger *slog.Logger
}

func (o *Options) fill() error {
	if o.Dial == nil {
		if o.Address == "" {
			return errors.New("preparing witnesses: neither an address nor a way to dial")
		}
		d := net.Dialer{}
		o.Dial = func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", o.Address) }
	}
	for _, d := range []struct {
		value *int
		zero  int
	}{{&o.Window, 16}, {&o.Payload, 100}, {&o.Keep, 60}} {
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if o.Quiet == 0 {
		o.Quiet = 10 * time.Second
	}
	if o.Grace == 0 {
		o.Grace = 90 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

const (
	loadFilter = "outage/load/#"
	keepFilter = "outage/keep/#"
	willFilter = "outage/will/#"
	lastTopic  = "outage/last"
)

// Witnesses are the clients that watch an outage. Run keeps them connected; the other methods are called by one goroutine, round by
// round: Begin, Outage, Restarted, Settle.
type Witnesses struct {
	options Options
	ledger  *Ledger
	births  chan *client // to Run, which takes them at once

	loaders  []*writer
	keepers  []*writer
	closing  *writer // writes the last retained topic
	readers  []*reader
	sleepers []*reader // those readers that are away when the outage comes
	mortals  mortals
	round    int

	mu        sync.Mutex
	restarted time.Time // when the broker was started last
	waiting   bool      // nothing has been acknowledged since then
}

// New prepares witnesses. It starts nothing.
func New(o Options) (*Witnesses, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	w := &Witnesses{options: o, ledger: NewLedger(), births: make(chan *client)}
	w.hireWriters()
	w.hireReaders()
	return w, nil
}

func (w *Witnesses) newClient(name string, version byte, expiry uint32) *client {
	return &client{
		hello: connect{version: version, id: "outage-" + name, expiry: expiry},
		dial:  w.options.Dial, log: w.options.Logger, wake: make(chan struct{}, 1),
	}
}

func (w *Witnesses) hireWriters() {
	load := func(name string, version, qos byte, expiry uint32) {
		w.loaders = append(w.loaders, w.writer(name, version, qos, expiry, "outage/load/"+name, 2))
	}
	load("one", mqtt5, 1, lastingExpiry)
	load("one-clean", mqtt311, 1, 0)
	load("two", mqtt5, 2, lastingExpiry)
	load("two-old", mqtt311, 2, lastingExpiry)
	keep := func(name string, version, qos byte, topics, size int) {
		k := w.writer(name, version, qos, lastingExpiry, "outage/keep/"+name, topics)
		k.retained, k.clears, k.size = true, 5, max(size, k.size)
		w.keepers = append(w.keepers, k)
	}
	keep("kept-one", mqtt311, 1, w.options.Keep, 0)
	keep("kept-two", mqtt5, 2, w.options.Keep, 0)
	if w.options.Bulk > 0 {
		keep("bulk", mqtt5, 1, 8, w.options.Bulk)
	}
	w.closing = w.writer("closing", mqtt311, 1, lastingExpiry, "", 0)
	w.closing.topics, w.closing.retained = []string{lastTopic}, true
	for _, some := range w.writers() {
		for _, topic := range some.topics {
			w.ledger.Publishes(topic, some.qos, some.retained)
		}
	}
}

func (w *Witnesses) writers() []*writer {
	return append(append(w.loaders[:len(w.loaders):len(w.loaders)], w.keepers...), w.closing)
}

func (w *Witnesses) writer(name string, version, qos byte, expiry uint32, prefix string, topics int) *writer {
	p := &writer{
		client: w.newClient(name, version, expiry), ledger: w.ledger, qos: qos,
		size: w.options.Payload, window: w.options.Window, pace: w.options.Pace, came: w.acknowledged, more: make(chan struct{}, 1),
	}
	for i := range topics {
		p.topics = append(p.topics, fmt.Sprintf("%s/%d", prefix, i))
	}
	p.role = p
	return p
}

func (w *Witnesses) hireReaders() {
	add := func(name string, version, qos byte, group string) *reader {
		r := w.reader(name, version, qos, loadFilter)
		if group != "" {
			r.filter = "$share/" + group + "/" + loadFilter
		}
		var topics []string
		for _, p := range w.loaders {
			topics = append(topics, p.topics...)
		}
		w.ledger.Subscribes(r.hello.id, qos, group, topics...)
		return r
	}
	add("awake-one", mqtt5, 1, "")
	add("awake-one-old", mqtt311, 1, "")
	add("awake-two", mqtt5, 2, "")
	add("awake-two-old", mqtt311, 2, "")
	w.sleepers = append(w.sleepers, add("asleep-one", mqtt5, 1, ""), add("asleep-two", mqtt311, 2, ""))
	for name, holds := range map[string]byte{"holds-puback": pubackPacket, "holds-pubrec": pubrecPacket, "holds-pubcomp": pubcompPacket} {
		qos := byte(2)
		if holds == pubackPacket {
			qos = 1
		}
		r := add(name, mqtt5, qos, "")
		r.holds, r.hello.window = holds, 10
	}
	for _, version := range []byte{mqtt311, mqtt5} {
		add(fmt.Sprintf("pair-%d", version), version, 1, "pair")
		add(fmt.Sprintf("trio-%d", version), version, 2, "trio")
	}
	w.sleepers = append(w.sleepers, add("trio-asleep", mqtt5, 2, "trio"))
	executor := w.reader("executor", mqtt5, 2, willFilter)
	executor.own = func(_, client string) { w.ledger.Published(client) }
}

func (w *Witnesses) reader(name string, version, qos byte, filter string) *reader {
	r := &reader{client: w.newClient(name, version, lastingExpiry), ledger: w.ledger, filter: filter, qos: qos}
	r.role = r
	w.readers = append(w.readers, r)
	return r
}

func (w *Witnesses) mortal(round int, name string, version byte, expiry, delay uint32) *mortal {
	m := &mortal{client: w.newClient(fmt.Sprintf("%s-%d", name, round), version, expiry), ledger: w.ledger}
	m.hello.will = &lastWords{topic: "outage/will/" + name, payload: m.hello.id, qos: 2, delay: delay}
	m.role = m
	return m
}

// Run keeps the witnesses connected until ctx ends, and returns when all that it started has ended.
func (w *Witnesses) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	for _, p := range w.writers() {
		all.Go(func() { p.run(ctx) })
		all.Go(func() { p.send(ctx) })
	}
	for _, r := range w.readers {
		all.Go(func() { r.run(ctx) })
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-w.births:
			all.Go(func() { c.run(ctx) })
		}
	}
}

// acknowledged is called for each acknowledgement with the connection that it came on.
func (w *Witnesses) acknowledged(l *link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting && !l.born.Before(w.restarted) {
		w.waiting = false
		w.ledger.back(time.Since(w.restarted))
	}
}
