//go:build unix

package embedded

import (
	"errors"
	"syscall"
)

// attempt writes as much of b as the socket takes without waiting.
func attempt(raw syscall.RawConn, b []byte) (n int, err error) {
	fatal := raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), b)
		return true
	})
	n = max(n, 0)
	if fatal != nil {
		return n, fatal
	}
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		err = nil
	}
	return n, err
}
