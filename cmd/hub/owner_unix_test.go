//go:build darwin || freebsd || linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

func TestWhatRootMakesBelongsToTheFoldersOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("left out: only root can give a folder away")
	}
	const owner = 12345
	data, err := os.MkdirTemp("", "homehub-owner-") //nolint:usetesting // t.TempDir is root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(data) })
	if err := os.Chown(data, owner, owner); err != nil {
		t.Skipf("left out: this root may not: %v", err)
	}
	if out, err := exec.Command("hub", "user", "add", "plug", "--generate", "--data-dir", data).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(data, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("made %v (%v)", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if s := info.Sys().(*syscall.Stat_t); s.Uid != owner || s.Gid != owner {
			t.Errorf("%s belongs to %d:%d, want %d", f, s.Uid, s.Gid, owner)
		}
	}
}
