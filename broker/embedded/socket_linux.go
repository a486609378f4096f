package embedded

import (
	"syscall"
	"unsafe"
)

// quickPiece is the greatest piece that is read or written without telling Go's scheduler of the system call: what takes a few
// microseconds at most.
const quickPiece = 32 << 10

// sysRead and sysWrite are the system calls on a socket that does not wait. The scheduler is not told of them, since they return at once:
// telling it wakes a thread of its own for every message that comes to a broker with nothing else to do, and that thread then takes
// the processor from the message.

func sysRead(fd uintptr, p []byte) (n int, err error) { return quick(syscall.SYS_READ, fd, p) }

func sysWrite(fd uintptr, p []byte) (n int, err error) {
	if len(p) > quickPiece {
		return syscall.Write(int(fd), p)
	}
	return quick(syscall.SYS_WRITE, fd, p)
}

func quick(call, fd uintptr, p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	done, _, errno := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(done), nil
}
