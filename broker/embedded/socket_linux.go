//go:build !386 && !s390x

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
// the processor from the message. They are the calls that know of sockets only, which take a shorter way through the kernel than read and write.

func sysRead(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	return quick(syscall.SYS_RECVFROM, fd, p)
}

func sysWrite(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	if len(p) > quickPiece {
		n, err := syscall.Write(int(fd), p)
		return n, number(err)
	}
	return quick(syscall.SYS_SENDTO, fd, p)
}

func quick(call, fd uintptr, p []byte) (n int, errno syscall.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	done, _, errno := syscall.RawSyscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(done), 0
}
