package embedded

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// watch says which of many sockets has something to read. It is an epoll instance, for which the runtime waits as it does for a socket.
type watch struct {
	epoll  int
	file   *os.File
	raw    syscall.RawConn
	events [128]syscall.EpollEvent

	// find is the function that asks a socket for its descriptor, which it leaves in fd: one for all of them, since who calls ask holds a lock.
	find func(fd uintptr)
	fd   int

	// hear reads the beginning of what a socket has, into first, of which heard bytes are true: for one caller, too.
	hear  func(fd uintptr) bool
	first [2]byte
	heard int
}

func newWatch() (*watch, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("preparing to wait for many clients at once: %w", err)
	}
	if err := syscall.SetNonblock(epoll, true); err != nil { // what the runtime goes by
		_ = syscall.Close(epoll)
		return nil, fmt.Errorf("preparing to wait for many clients at once: %w", err)
	}
	w := &watch{epoll: epoll, file: os.NewFile(uintptr(epoll), "epoll")}
	w.find = func(fd uintptr) { w.fd = int(fd) }
	w.hear = func(fd uintptr) bool {
		w.heard, _ = sysRead(fd, w.first[:])
		return true
	}
	if err = w.file.SetDeadline(time.Time{}); err == nil { // the runtime does wait for it
		w.raw, err = w.file.SyscallConn()
	}
	if err != nil {
		_ = w.file.Close()
		return nil, fmt.Errorf("preparing to wait for many clients at once: %w", err)
	}
	return w, nil
}

// ask asks to be told once when there is something to read from a socket, and returns its descriptor. again says that this was asked
// before. One caller at a time.
func (w *watch) ask(s *socket, again bool) (fd int, err error) {
	if err := s.raw.Control(w.find); err != nil {
		return 0, err
	}
	how := syscall.EPOLL_CTL_ADD
	if again {
		how = syscall.EPOLL_CTL_MOD
	}
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLONESHOT, Fd: int32(w.fd)}
	return w.fd, syscall.EpollCtl(w.epoll, how, w.fd, &event)
}

// listen reads the first two bytes of what a socket has, or one, or none: an error comes again for whoever reads on. What it returns is valid
// until the next call.
func (w *watch) listen(s *socket) []byte {
	w.heard = 0
	_ = s.raw.Read(w.hear)
	return w.first[:max(w.heard, 0)]
}

// run calls found with the descriptor of each connection that has something to read, until the watch is closed.
func (w *watch) run(found func(fd int)) {
	_ = w.raw.Read(func(uintptr) bool {
		for {
			n := w.ready()
			for i := range n {
				found(int(w.events[i].Fd))
			}
			if n < len(w.events) {
				return false
			}
		}
	})
}

// ready fetches events without waiting for any, and without telling the scheduler, as with sockets.
func (w *watch) ready() int {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(w.epoll), uintptr(unsafe.Pointer(&w.events[0])), uintptr(len(w.events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

func (w *watch) close() { _ = w.file.Close() }
