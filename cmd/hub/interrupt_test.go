package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPullingThePlugCanBeInterrupted(t *testing.T) {
	dir := t.TempDir()
	p := launch(t, []string{"TMPDIR=" + dir}, "demo", "--pull-the-plug=1000", "--devices", "3")
	defer p.end()
	p.expect(`1\. Killed after`)
	if code := p.interrupt(); code != 130 { // as shells say it
		t.Errorf("exit code %d, want 130:\n%s", code, p.said())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(dir)) {
			t.Errorf("still running: %q", line)
		}
	}
}

// TestSignalsAtOnceAreOne sends what coreutils' timeout and some supervisors send: a signal to the program, and the same to its group.
func TestSignalsAtOnceAreOne(t *testing.T) {
	for range 10 {
		if sendSignals(t) < echo/2 {
			return
		}
	}
	t.Error("this machine is too slow to send signals at once")
}

// sendSignals sends signals to a demo until a part of the echo is over, and returns how long that took: a machine that is busy may
// have sent the last one when it counted as another one. If it has not, the demo has to end well.
func sendSignals(t *testing.T) (took time.Duration) {
	dir := t.TempDir()
	p := launch(t, []string{"TMPDIR=" + dir}, "demo", "--devices", "3", "--mqtt-listen", "127.0.0.1:0", "--web-listen", "127.0.0.1:0")
	defer p.end()
	p.expect(`Ctrl-C stops it`)
	begin := time.Now()
	for time.Since(begin) < echo/4 {
		if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
			break // it has ended
		}
	}
	if took = time.Since(begin); took >= echo/2 {
		return took
	}
	if code := p.code(); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, p.said())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return took
}
