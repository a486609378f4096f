package journal_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"home.arpa/homehub/broker/embedded/journal"
)

const childFolder = "JOURNAL_TEST_FOLDER"

// A real file system that takes no more than 64 KiB in a file fails writes in the middle of a record. The limit is that of a
// process, so a child runs into it.
func TestAFileThatMustNotGrow(t *testing.T) {
	if folder := os.Getenv(childFolder); folder != "" {
		runIntoTheLimit(t, folder)
		return
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAFileThatMustNotGrow$", "-test.v")
	folder := t.TempDir()
	child.Env = append(os.Environ(), childFolder+"="+folder)
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func runIntoTheLimit(t *testing.T, folder string) {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 64 << 10, Max: 64 << 10}); err != nil {
		t.Fatal("the size of files cannot be limited: ", err)
	}
	h := move(t, journal.RealDisk(folder), journal.Options{})
	h.ballast = make([]byte, 1000)
	end := h.run()
	failed := 0
	for range 100 {
		p, _ := h.raise("a")
		switch err := h.wait(p); {
		case errors.Is(err, syscall.EFBIG):
			failed++
			if err := h.wait(p); err != nil { // it recovers in a new file
				t.Fatal(err)
			}
		case err != nil:
			t.Fatal(err)
		}
	}
	if failed != 1 {
		t.Errorf("100 kB of records ran %d times into a limit of 64 kB", failed)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	again := move(t, journal.RealDisk(folder), journal.Options{})
	if n := again.steps(h.history); n != 100 || len(again.report.Damaged) > 0 {
		t.Errorf("%d steps of 100, %q", n, again.report.Damaged)
	}
}

// Some file systems cannot sync a folder, and say that the argument is invalid. A journal can be there all the same.
func TestAFolderThatCannotBeSynced(t *testing.T) {
	if err := journal.RealDisk("/proc").Sync(); err != nil {
		t.Errorf("syncing a folder of a file system that cannot: %v", err)
	}
}
