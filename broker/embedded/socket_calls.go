//go:build unix && !linux

package embedded

import "syscall"

func sysRead(fd uintptr, p []byte) (n int, err error)  { return syscall.Read(int(fd), p) }
func sysWrite(fd uintptr, p []byte) (n int, err error) { return syscall.Write(int(fd), p) }
