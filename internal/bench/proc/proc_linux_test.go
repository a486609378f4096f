package proc_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/internal/bench/proc"
)

// spin works until the clock of this process says that it has worked as long as d.
func spin(d time.Duration) proc.Usage {
	begin := proc.Take(os.Getpid())
	for {
		if u := begin.Until(proc.Take(os.Getpid())); u.Process >= d {
			return u
		}
	}
}

func TestProcessorTimeIsCounted(t *testing.T) {
	u := spin(20 * time.Millisecond)
	if u.Self < 20*time.Millisecond || u.Wall <= 0 || u.Share(u.Process) <= 0 {
		t.Errorf("after working for 20 ms: %+v", u)
	}
	if u := proc.Take(0).Until(proc.Take(0)); u.Process != 0 {
		t.Errorf("no process has used %v", u.Process)
	}
}

func TestMemoryAndWrittenBytes(t *testing.T) {
	if n, err := proc.Resident(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("resident: %d, %v", n, err)
	}
	if n, err := proc.ResidentPeak(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("peak: %d, %v", n, err)
	}
	if _, err := proc.Written(os.Getpid()); err != nil {
		t.Error(err)
	}
	if _, err := proc.Resident(1 << 30); err == nil {
		t.Error("a process that cannot be has resident memory")
	}
}

func TestAChildIsPinnedAndItsParentIsNot(t *testing.T) {
	before, err := proc.Processors()
	if err != nil {
		t.Fatal(err)
	}
	last := before[len(before)-1]
	out := filepath.Join(t.TempDir(), "status")
	cmd := exec.Command("sh", "-c", "grep Cpus_allowed_list /proc/self/status >"+out)
	if err := proc.On(last, cmd.Start); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := proc.Processors(); err != nil || !slices.Equal(list, before) {
		t.Errorf("this process: %v, %v; before: %v", list, err, before)
	}
	cmd = exec.Command("sh", "-c", "grep Cpus_allowed_list /proc/self/status")
	free, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(before) > 1 && string(free) == string(text) || strings.ContainsAny(strings.Fields(string(text))[1], ",-") {
		t.Errorf("pinned: %q, not pinned: %q", text, free)
	}
}
