package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestPullingThePlugCanBeInterrupted(t *testing.T) {
	dir := t.TempDir()
	p := launch(t, []string{"TMPDIR=" + dir}, "demo", "--pull-the-plug=1000", "--devices", "3")
	defer p.end()
	p.expect(`1\. Killed after`)
	if code := p.interrupt(); code != exitInterrupted {
		t.Errorf("exit code %d, want %d:\n%s", code, exitInterrupted, p.said())
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
