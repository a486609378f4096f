package embedded

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// inputSize is that of the buffers which connections read into at first.
const inputSize = 1024

// inputs are the buffers that no connection uses. A connection over a plain socket has none while it waits for its client.
var inputs = sync.Pool{New: func() any { return new([inputSize]byte) }}

func borrowInput() []byte { return inputs.Get().(*[inputSize]byte)[:] }

// returnInput takes a buffer back; one of another size is left to the garbage collector.
func returnInput(b []byte) {
	if len(b) == inputSize {
		inputs.Put((*[inputSize]byte)(b))
	}
}

// fill reads more input, waiting for it as long as the keep alive allows.
func (c *conn) fill() error {
	c.makeRoom()
	if c.socket == nil || c.dry && c.rests() { // one waits here for what is not there yet: a socket knows whether it has to
		if err := c.brace(); err != nil {
			return err
		}
	}
	for {
		n, err := c.read()
		if n > 0 {
			c.news.Bytes += uint64(n)
			c.silent = time.Time{}
			return nil
		}
		if err == nil {
			continue
		}
		if c.cause.Load() != nil {
			return net.ErrClosed
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		c.armed = longAgo // an alarm that was set by an older sign of life, or that passed when nobody waited, says nothing
		if !c.silent.IsZero() && time.Since(c.silent) >= patience {
			c.returns = 0
		}
		if err := c.brace(); err != nil {
			return err
		}
	}
}

// brace is called before input is waited for. The client's silence begins here: while it was held back by a handler there was none.
func (c *conn) brace() error {
	if c.silent.IsZero() {
		c.silent = time.Now()
	} else if due := c.deadline(c.silent); !due.IsZero() && !time.Now().Before(due) {
		return c.late()
	}
	if err := c.arm(c.silent); err != nil {
		return err
	}
	if c.cause.Load() != nil { // whoever set it moved the deadline after that, perhaps before we did
		return net.ErrClosed
	}
	if c.rests() {
		return errQuiet
	}
	return nil
}

// arm sets the read deadline of a client last heard at a time. One that is set and comes too early is left as it is, since most
// clients are heard again before it passes.
func (c *conn) arm(heard time.Time) error {
	deadline := c.alarm(heard)
	if c.armed != deadline && (deadline.IsZero() || c.peer.fragile || !c.armed.After(heard) || c.armed.After(deadline)) {
		if err := c.net.SetReadDeadline(deadline); err != nil {
			return err
		}
		c.armed = deadline
	}
	return nil
}

// alarm is when to look after a client last heard at a time; zero means never.
func (c *conn) alarm(heard time.Time) time.Time {
	deadline := c.deadline(heard)
	switch {
	case c.lobby == nil, !c.opened.Load():
	case c.rests():
		return time.Time{} // the lobby looks after it
	case deadline.IsZero() || heard.Add(patience).Before(deadline):
		return heard.Add(patience)
	}
	return deadline
}

// read reads what has come, waiting for it as long as the deadline allows. makeRoom has been called.
func (c *conn) read() (n int, err error) {
	switch {
	case c.socket == nil:
		n, err = c.net.Read(c.in[c.top:])
	case c.top == 0 && len(c.in) <= inputSize:
		c.in, n, err = c.socket.read(c.in, true)
	default:
		_, n, err = c.socket.read(c.in[c.top:], false)
	}
	c.top += n
	c.dry = c.top < len(c.in)
	return n, err
}

// makeRoom moves what is unread to the front of the buffer, and makes the buffer larger when the last read filled it, smaller
// when a large packet has gone. Where there is no buffer, a socket borrows one when there is something to read.
func (c *conn) makeRoom() {
	unread, size := c.top-c.start, len(c.in)
	switch full := c.top == size; {
	case size == 0 && c.socket != nil:
		return
	case size == 0, unread == 0 && size > keepBuffer:
		size = inputSize
	case full && (unread == size || size < keepBuffer):
		size *= 2
	}
	if size == len(c.in) {
		copy(c.in, c.in[c.start:c.top])
		c.start, c.top = 0, unread
		return
	}
	was := c.in
	if size == inputSize {
		c.in = borrowInput()
	} else {
		c.in = make([]byte, size)
	}
	copy(c.in, was[c.start:c.top])
	c.start, c.top = 0, unread
	returnInput(was)
}
