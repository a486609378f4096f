//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package certificate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock waits until no other program changes the list of revoked certificates. The lock is on the key, which whoever signs a list can read, and
// goes with the program, however it ends.
func (a *Authority) lock() (unlock func(), err error) {
	f, err := os.Open(filepath.Join(a.folder, authorityKey))
	if err != nil {
		return nil, fmt.Errorf("locking the list of revoked certificates: %w", err)
	}
	for {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("locking the list of revoked certificates: %w", err)
		}
	}
}
