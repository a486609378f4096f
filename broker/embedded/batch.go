package embedded

import (
	"context"
	"runtime"

	"home.arpa/homehub/broker"
)

// batch is what somebody who brings messages in still owes for them: a flush to each connection that he has appended to, and
// the calls of the links' handlers. It is not safe for concurrent use.
type batch struct {
	touched []*conn
	course  course // of the message that is being routed, where nobody remembers it
	calls   []call
	joints  []joint

	owed     []owed     // what is to be written into the journal
	receipt  receipt    // the publisher's for the message that is being routed
	will     testament  // which the message that is being routed was
	left     owed       // where the message that is being routed was before: in the queue of a session that ends
	own      *session   // the publisher's, while its own copy of a QoS 2 message has to wait for PUBREC; else nil
	aside    []outgoing // with QoS 0, what waits for that
	selfish  bool       // something waits for that
	borrowed bool       // the message that is being routed goes to one queue, and can be given back after that
	after    position   // what the acknowledgement of the message depends on
	feeder   uint64     // the number of the connection that it belongs to, 0 for the broker's own
	crowded  bool       // a connection that was touched gets messages from others, too
}

// call is one message for a link's handler.
type call struct {
	link    *Link
	message broker.Message
}

// joint is a context that ends with the publisher and with a link, kept for the next message.
type joint struct {
	life, ctx context.Context // kept because one joint serves all messages of a connection
	end       context.CancelFunc
	unhook    func() bool
}

// depend says that the acknowledgement of the message that is being routed depends on a position.
func (b *batch) depend(p position) { b.after = max(b.after, p) }

// account writes into the journal what a message has been queued for, and lets it leave. Only then, on the same side of the fence, does the
// publisher's session know of a QoS 2 message: a checkpoint in which it did and the queues did not would have it taken for a repetition
// when its publisher, who has no acknowledgement, sends it again.
func (b *batch) account(m *message, r *router) {
	from := b.receipt
	b.receipt = receipt{}
	if from.session != nil {
		from.session.took(from.id)
		if !from.session.keeps.Load() {
			from = receipt{}
		}
	}
	if len(b.owed) == 0 && from.session == nil {
		return
	}
	var after position
	if b.will.overdueWill != nil {
		after = b.will.queued(m, b.owed, r.ledger)
	} else if b.left.session != nil && b.left.session.keeps.Load() {
		after = r.ledger.inherited(m, &b.left, b.owed)
	} else {
		after = r.ledger.queued(m, b.owed, from, nil)
	}
	b.depend(after)
	for i := range b.owed {
		b.owed[i].session.ready(b.owed[i].entry.seq, after, b)
	}
	clear(b.owed)
	b.owed = b.owed[:0]
}

// touch notes that a connection must be flushed.
func (b *batch) touch(c *conn) {
	if !c.out.marked.Load() && !c.out.marked.Swap(true) {
		b.touched = append(b.touched, c)
		if b.feeder != c.number && c.feeder.Load() != b.feeder {
			b.crowded = c.feeder.Swap(b.feeder) != 0 || b.crowded
		}
	}
}

// settle flushes, then calls the handlers, which may wait for room. No lock is held. ctx is the publisher's life.
func (b *batch) settle(ctx context.Context) {
	for len(b.touched) > 0 || len(b.calls) > 0 {
		if b.crowded { // whoever else has input may add to what leaves with one write
			b.crowded = false
			runtime.Gosched()
		}
		b.flush()
		calls := b.calls
		b.calls = nil
		for i := range calls {
			if life := calls[i].link.alive(); life != nil {
				calls[i].link.handle(b.join(ctx, life), calls[i].message)
			}
		}
		clear(calls)
		b.calls = calls[:0]
	}
}

func (b *batch) flush() {
	for _, c := range b.touched {
		c.flush()
	}
	clear(b.touched)
	b.touched = b.touched[:0]
}

// join returns a context that ends with the publisher's life and with a link's.
func (b *batch) join(ctx, life context.Context) context.Context {
	if ctx == life {
		return ctx
	}
	for _, j := range b.joints {
		if j.life == life {
			return j.ctx
		}
	}
	both, end := context.WithCancel(ctx)
	b.joints = append(b.joints, joint{life, both, end, context.AfterFunc(life, end)})
	return both
}

// release must be called when the batch is no longer used, even after a panic: nobody else flushes the connections that it has promised to.
func (b *batch) release() {
	b.flush()
	for _, j := range b.joints {
		j.unhook()
		j.end()
	}
	b.joints = nil
}
