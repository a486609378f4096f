//go:build unix

package embedded

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// socket reads and writes a plain TCP connection by its file descriptor: what there is to read, as much as there is room to write.
// One goroutine at a time may read, and one may write.
type socket struct {
	raw     syscall.RawConn
	waits   func() error // called before it waits for input, unless it is nil: an error ends the read
	in, out transfer
}

// transfer is one direction of it. Its function is made once, and finds here what it needs, so that no message makes another one.
type transfer struct {
	call func(fd uintptr) bool
	p    []byte
	n    int
	err  error
	lend bool // p goes to the other connections while there is nothing to read
}

// newSocket returns nil for what is not plain TCP.
func newSocket(nc net.Conn) *socket {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	s := &socket{raw: raw}
	s.in.call = func(fd uintptr) bool {
		t := &s.in
		if t.p == nil {
			t.p = borrowInput()
		}
		for {
			t.n, t.err = sysRead(fd, t.p)
			if !errors.Is(t.err, syscall.EINTR) {
				break
			}
		}
		if !errors.Is(t.err, syscall.EAGAIN) {
			return true
		}
		if s.waits != nil {
			if t.err = s.waits(); t.err != nil {
				return true
			}
		}
		if t.lend {
			returnInput(t.p)
			t.p = nil
		}
		return false
	}
	s.out.call = func(fd uintptr) bool {
		s.out.n, s.out.err = sysWrite(fd, s.out.p)
		return true
	}
	return s
}

// read waits for input as long as the deadline of the connection allows. With lend it may give p, which came from borrowInput or is nil, back while
// it waits, and returns what it has read into instead, nil when it has none at the end.
func (s *socket) read(p []byte, lend bool) (into []byte, n int, err error) {
	t := &s.in
	t.p, t.n, t.err, t.lend = p, 0, nil, lend
	fatal := s.raw.Read(t.call)
	into, t.p = t.p, nil
	switch {
	case fatal != nil:
		return into, 0, fatal
	case t.err == nil && t.n == 0 && len(into) > 0:
		return into, 0, io.EOF
	}
	return into, max(t.n, 0), t.err
}

// write writes as much of p as the socket takes without waiting.
func (s *socket) write(p []byte) (n int, err error) {
	t := &s.out
	t.p, t.n, t.err = p, 0, nil
	fatal := s.raw.Write(t.call)
	t.p = nil
	n, err = max(t.n, 0), t.err
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		err = nil
	}
	if fatal != nil {
		err = fatal
	}
	return n, err
}
