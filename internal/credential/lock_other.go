//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package credential

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// stale is the age of a lock file whose program must have died: a change takes milliseconds.
const stale = time.Minute

// lock takes the lock that other programs see: a file that only one can make. A program that dies leaves it behind for
// a minute.
func lock(path string, patience time.Duration) (unlock func(), err error) {
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			f.Close()
			return func() { os.Remove(path) }, nil
		}
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > stale {
			os.Remove(path)
			continue
		}
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) || time.Since(begin) >= patience {
			if errors.Is(err, fs.ErrExist) {
				err = errLocked
			}
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
	}
}
