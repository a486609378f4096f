package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
	"unsafe"
)

// epollPwait2 is the number of the system call that waits with nanoseconds, the same on all architectures that Go has.
const epollPwait2 = 441

var errClosed = errors.New("closed by the broker")

// client is one connection to the broker.
type client struct {
	fd     int // -1: closed
	number int // within its group
	open   bool
	ready  bool // CONNACK has accepted it
	armed  bool // epoll tells when it can be written
	hello  []byte
	in     []byte // the beginning of a packet
	out    []byte // what the kernel has not taken yet
	lastID uint16
	subs   int // SUBACKs

	handle func(c *client, first byte, body []byte) // packets but CONNACK, SUBACK and PINGRESP
	lost   func(c *client, why error)               // nil: that a connection breaks is an error of the run
}

func (c *client) nextID() uint16 {
	c.lastID++
	if c.lastID == 0 {
		c.lastID = 1
	}
	return c.lastID
}

// loop serves the connections of one run. It belongs to one goroutine.
type loop struct {
	ctx     context.Context // of the one run that the loop is made for
	epoll   int
	broker  syscall.SockaddrInet4
	clients []*client // by file descriptor
	events  []syscall.EpollEvent
	buffer  []byte
	start   time.Time
	failed  error // the first connection that broke
}

func newLoop(ctx context.Context, address string) (*loop, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().Is4() || !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("loading %s: it is not an IPv4 loopback address with a port", address)
	}
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", address, err)
	}
	const setTimerSlack = 29 // so that paced messages leave on time, not up to 50 µs later
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setTimerSlack, 1, 0)
	return &loop{
		ctx: ctx, epoll: epoll, broker: syscall.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()},
		events: make([]syscall.EpollEvent, 512), buffer: make([]byte, 256<<10), start: time.Now(),
	}, nil
}

// close ends everything that is open, without a word.
func (l *loop) close() {
	for _, c := range l.clients {
		if c != nil {
			l.drop(c, nil)
		}
	}
	_ = syscall.Close(l.epoll)
}

func (l *loop) now() int64 { return int64(time.Since(l.start)) }

// dial begins to connect; CONNECT leaves when the socket is open.
func (l *loop) dial(login Login, number int) (*client, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	if err := syscall.Connect(fd, &l.broker); err != nil && !errors.Is(err, syscall.EINPROGRESS) {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("connecting: %w", err)
	}
	c := &client{fd: fd, number: number, armed: true, hello: appendConnect(nil, login)}
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLOUT, Fd: int32(fd)}
	if err := syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &ev); err != nil {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("connecting: %w", err)
	}
	for len(l.clients) <= fd {
		l.clients = append(l.clients, nil)
	}
	l.clients[fd] = c
	return c, nil
}

// drop closes a connection; why is nil when that was wanted.
func (l *loop) drop(c *client, why error) {
	if c.fd < 0 {
		return
	}
	l.clients[c.fd] = nil
	_ = syscall.Close(c.fd)
	c.fd, c.open, c.ready = -1, false, false
	switch {
	case why == nil:
	case c.lost != nil:
		c.lost(c, why)
	case l.failed == nil:
		l.failed = why
	}
}

// leave says goodbye and closes.
func (l *loop) leave(c *client) {
	c.out = append(c.out, disconnectPacket<<4, 0)
	l.flush(c)
	l.drop(c, nil)
}

// write and read never wait, since the sockets do not, so that Go's scheduler need not hear of them.
func write(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return int(n), errno
}

func read(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return int(n), errno
}

func (l *loop) flush(c *client) {
	if !c.open {
		return
	}
	for len(c.out) > 0 {
		n, errno := write(c.fd, c.out)
		if errno == syscall.EINTR {
			continue
		}
		if errno == syscall.EAGAIN {
			break
		}
		if errno != 0 {
			l.drop(c, errno)
			return
		}
		c.out = c.out[:copy(c.out, c.out[n:])]
	}
	if wanted := len(c.out) > 0; wanted != c.armed {
		ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(c.fd)}
		if wanted {
			ev.Events |= syscall.EPOLLOUT
		}
		c.armed = wanted
		_ = syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_MOD, c.fd, &ev)
	}
}

// poll waits at most d and serves every connection that is ready. Go's scheduler is not told of the wait either: its watching over
// system calls would take the processor at just the moments that are measured. Nothing else has to run meanwhile.
func (l *loop) poll(d time.Duration) {
	ts := struct{ sec, nsec int64 }{int64(max(0, d) / time.Second), int64(max(0, d) % time.Second)}
	n, _, errno := syscall.RawSyscall6(epollPwait2, uintptr(l.epoll), uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)),
		uintptr(unsafe.Pointer(&ts)), 0, 0)
	switch {
	case errno == syscall.EINTR:
		return
	case errno != 0:
		l.failed = fmt.Errorf("waiting for connections: %w", errno)
		return
	}
	for i := range int(n) {
		ev := &l.events[i]
		c := l.clients[ev.Fd]
		if c == nil {
			continue
		}
		if ev.Events&syscall.EPOLLOUT != 0 && !l.writable(c) {
			continue
		}
		if ev.Events&(syscall.EPOLLIN|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 && c.fd >= 0 {
			l.readable(c)
		}
	}
}

// writable goes on with a connection that is open now or takes bytes again, and says whether it is still there.
func (l *loop) writable(c *client) bool {
	if !c.open {
		if code, _ := syscall.GetsockoptInt(c.fd, syscall.SOL_SOCKET, syscall.SO_ERROR); code != 0 {
			l.drop(c, syscall.Errno(code))
			return false
		}
		c.open = true
		c.out = append(c.hello, c.out...)
		c.hello = nil
	}
	l.flush(c)
	return c.fd >= 0
}

func (l *loop) readable(c *client) {
	k := copy(l.buffer, c.in)
	n, errno := read(c.fd, l.buffer[k:])
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
		return
	case errno != 0:
		l.drop(c, errno)
		return
	case n == 0:
		l.drop(c, errClosed)
		return
	}
	b := l.buffer[:k+n]
	for len(b) > 0 {
		first, body, used := split(b)
		if used < 0 {
			l.drop(c, errors.New("a packet that makes no sense"))
			return
		}
		if used == 0 {
			break
		}
		if err := c.take(first, body); err != nil {
			l.drop(c, err)
		}
		if c.fd < 0 {
			return
		}
		b = b[used:]
	}
	c.in = append(c.in[:0], b...)
	if len(c.out) > 0 {
		l.flush(c)
	}
}

// take handles one packet.
func (c *client) take(first byte, body []byte) error {
	switch first >> 4 {
	case connackPacket:
		if len(body) < 2 || body[1] != 0 {
			return fmt.Errorf("refused by CONNACK % x", body)
		}
		c.ready = true
	case subackPacket:
		if len(body) < 3 || body[2] >= 0x80 {
			return fmt.Errorf("refused by SUBACK % x", body)
		}
		c.subs++
	}
	if c.handle != nil {
		c.handle(c, first, body)
	}
	return nil
}

// until polls until something is done, and fails when that takes too long, when the context ends or a connection breaks.
func (l *loop) until(what string, limit time.Duration, done func() bool) error {
	end := time.Now().Add(limit)
	for !done() {
		left := time.Until(end)
		switch {
		case l.ctx.Err() != nil:
			return l.ctx.Err()
		case l.failed != nil:
			return fmt.Errorf("%s: %w", what, l.failed)
		case left <= 0:
			return fmt.Errorf("%s: it was not done after %v", what, limit)
		}
		l.poll(min(left, longestWait))
	}
	return nil
}
