//go:build unix && (!linux || 386 || s390x)

package embedded

import "syscall"

func sysRead(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	n, err := syscall.Read(int(fd), p)
	return n, number(err)
}

func sysWrite(fd uintptr, p []byte) (n int, errno syscall.Errno) {
	n, err := syscall.Write(int(fd), p)
	return n, number(err)
}
