//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package credential

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lock takes the lock that other programs see: flock on a file of its own, because the file of credentials is replaced by
// each change. The lock goes with the program, however it ends; the file stays.
func lock(path string, patience time.Duration) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) || time.Since(begin) >= patience {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				err = errLocked
			}
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
	}
}
