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

// fill reads more input, waiting for it as long as the keep alive allows. Without then it returns when some has come. With then, what comes is
// handed to that until it fails, without leaving the socket in between where there is one.
func (c *conn) fill(then func(*conn) error) error {
	c.then = then
	if c.socket == nil || c.dry && c.rests() { // one waits here for what is not there yet: a socket knows whether it has to
		if err := c.brace(); err != nil {
			return err
		}
	}
	for {
		late, err := c.read()
		if !late {
			return err
		}
		if c.cause.Load() != nil {
			return net.ErrClosed
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

// read reads once, or as long as then has not failed, and says whether the deadline has passed meanwhile.
func (c *conn) read() (late bool, err error) {
	if c.socket != nil {
		err = c.socket.read()
	} else {
		err = c.readOnce()
	}
	return errors.Is(err, os.ErrDeadlineExceeded), err
}

// readOnce reads from what is no plain socket.
func (c *conn) readOnce() error {
	for {
		n, err := c.net.Read(c.room())
		if n > 0 {
			_, err = c.took(n)
			return err
		}
		if err != nil {
			return err
		}
	}
}

// took notes that input was read into the room that there is, has it handled if that is wanted, and says whether to go on reading.
func (c *conn) took(n int) (more bool, err error) {
	c.top += n
	c.dry = c.top < len(c.in)
	c.news.Bytes += uint64(n)
	c.silent = time.Time{}
	if c.then == nil {
		return false, nil
	}
	if err = c.then(c); err == nil && c.dry && c.rests() { // the lobby finds out whether there is more
		err = c.brace()
	}
	return err == nil, err
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

// room returns where to read to. It moves what is unread to the front of the buffer, and makes the buffer larger when the last read filled it,
// smaller when a large packet has gone.
func (c *conn) room() []byte {
	unread, size := c.top-c.start, len(c.in)
	switch full := c.top == size; {
	case size == 0, unread == 0 && size > keepBuffer:
		size = inputSize
	case full && (unread == size || size < keepBuffer):
		size *= 2
	}
	if size == len(c.in) {
		copy(c.in, c.in[c.start:c.top])
	} else {
		was := c.in
		if size == inputSize {
			c.in = borrowInput()
		} else {
			c.in = make([]byte, size)
		}
		copy(c.in, was[c.start:c.top])
		returnInput(was)
	}
	c.start, c.top = 0, unread
	return c.in[unread:]
}

// spare gives the buffer back when nothing is in it.
func (c *conn) spare() {
	if c.start == c.top && len(c.in) == inputSize {
		returnInput(c.in)
		c.in, c.start, c.top = nil, 0, 0
	}
}
