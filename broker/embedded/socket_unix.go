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
	raw syscall.RawConn
	in  func(fd uintptr) bool // reads for the connection, until it is to wait
	err error                 // why that has stopped
	out transfer
}

// transfer is what is to be written. Its function is made once, and finds here what it needs, so that no message makes another one.
type transfer struct {
	call func(fd uintptr) bool
	p    []byte
	n    int
	err  syscall.Errno
}

// newSocket returns that of a connection, nil for what is not plain TCP.
func newSocket(c *conn) *socket {
	tcp, ok := c.net.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	s := &socket{raw: raw}
	s.in = func(fd uintptr) bool { return s.drain(c, fd) }
	s.out.call = func(fd uintptr) bool {
		s.out.n, s.out.err = sysWrite(fd, s.out.p)
		return true
	}
	return s
}

// read reads what has come until the connection has had enough, waiting as long as the deadline allows. While it waits it stays where it is:
// beginning anew for each message would take longer than reading it.
func (s *socket) read() error {
	if err := s.raw.Read(s.in); err != nil {
		return err
	}
	return s.err
}

// drain reads all that there is, and says whether the connection has had enough or fails.
func (s *socket) drain(c *conn, fd uintptr) (enough bool) {
	for more := true; more; {
		n, errno := sysRead(fd, c.room())
		switch {
		case n > 0:
			more, s.err = c.took(n)
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN:
			if s.err = c.brace(); s.err != nil {
				return true
			}
			c.spare()
			return false
		case errno == 0:
			s.err, more = io.EOF, false
		default:
			s.err, more = errno, false
		}
	}
	return true
}

// glance reads what there is into p without waiting, whatever the deadline, and returns 0 when there is nothing.
func (s *socket) glance(p []byte) (n int) {
	_ = s.raw.Control(func(fd uintptr) { n, _ = sysRead(fd, p) })
	return max(n, 0)
}

// write writes as much of p as the socket takes without waiting.
func (s *socket) write(p []byte) (n int, err error) {
	t := &s.out
	t.p, t.n, t.err = p, 0, 0
	err = s.raw.Write(t.call)
	t.p = nil
	if err == nil && t.err != 0 && t.err != syscall.EAGAIN && t.err != syscall.EINTR {
		err = t.err
	}
	return max(t.n, 0), err
}

// number is that of an error of a system call.
func number(err error) syscall.Errno {
	errno, _ := errors.AsType[syscall.Errno](err)
	return errno
}
