//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package credential_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
)

func TestLockThatIsHeldTooLong(t *testing.T) {
	path := users(t)
	must(t, open(path).Add("anna", "x"))
	held, err := os.OpenFile(path+".lock", os.O_RDWR, 0)
	must(t, err)
	defer held.Close()
	must(t, syscall.Flock(int(held.Fd()), syscall.LOCK_EX))
	synctest.Test(t, func(t *testing.T) {
		f := open(path)
		if err := f.Add("ben", "x"); err == nil || !strings.Contains(err.Error(), "another program is changing") {
			t.Errorf("got %v, want that another program is changing the file", err)
		}
		if !f.Verify("anna", "x") {
			t.Error("the lock keeps people out")
		}
	})
}
