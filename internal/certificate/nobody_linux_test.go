package certificate_test

import (
	"runtime"
	"syscall"
	"testing"
)

// asNobody has the rest of a test open files as a user who is nobody, even where root runs it: Linux has a user for that of each thread.
func asNobody(t *testing.T) {
	t.Helper()
	const nobody = 65534
	runtime.LockOSThread()
	before, _, _ := syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0)
	t.Cleanup(func() {
		_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, before, 0, 0)
		runtime.UnlockOSThread()
	})
}
